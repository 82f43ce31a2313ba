"""What surrounds a container's process."""

import pytest

from scanner.domain.facts import Mount
from scanner.probe import answer_json
from scanner.probe.answer_json import MalformedError
from scanner.probe.engines import container_json


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T10:00:00.123456789Z", 1767261600.123456),
        ("2026-01-01T11:00:00+01:00", 1767261600.0),
        ("2026-01-01T10:00:00Z", 1767261600.0),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_a_moment_is_in_unix_seconds(text, seconds):
    assert container_json.moment(text) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("text", ["yesterday", "2026-01-01T10:00:00", 7, {}])
def test_what_is_no_moment_is_malformed(text):
    with pytest.raises(MalformedError):
        container_json.moment(text)


@pytest.mark.parametrize(
    ("options", "of_docker", "of_podman"),
    [
        ("", True, False),
        ("noexec,nosuid", True, True),
        ("exec", False, False),
        (["noexec"], True, True),
        (None, True, False),
    ],
)
def test_a_tmpfs_is_executable_as_its_engine_makes_it(options, of_docker, of_podman):
    container = {"mounts": [{"destination": "/t", "type": "tmpfs", "options": options}, None]}
    for engine, noexec in ((True, of_docker), (False, of_podman)):
        assert container_json.mounts(container, tmpfs_is_noexec=engine) == (Mount("/t", "tmpfs", noexec),)


def test_a_path_that_is_listed_twice_is_one_mount():
    row = {"destination": "/t", "type": "bind", "options": ""}
    assert container_json.mounts({"mounts": [row, row, None]}, tmpfs_is_noexec=True) == (Mount("/t", "bind"),)


def test_an_older_answer_says_nothing_of_mounts_and_environment():
    assert container_json.mounts({}, tmpfs_is_noexec=True) is None
    process = container_json.process({}, {}, ("/app",))
    assert (process.env, process.user, process.init, process.read_only) == (None, None, None, None)


@pytest.mark.parametrize(("said", "expected"), [(True, True), (False, None), (None, None)])
def test_a_root_that_is_read_only_is_told(said, expected):
    assert container_json.process({"read_only": said}, {}, ("/app",)).read_only is expected


def test_more_mounts_than_anybody_has_are_an_error():
    rows = [{"destination": f"/{n}", "type": "bind"} for n in range(container_json.MAX_MOUNTS + 1)]
    with pytest.raises(MalformedError):
        container_json.mounts({"mounts": rows}, tmpfs_is_noexec=True)


def test_a_variable_without_its_value_has_none():
    assert answer_json.environment(["PATH=/bin", "TOKEN", "LD_PRELOAD=", None]) == (
        ("PATH", "/bin"),
        ("TOKEN", None),
        ("LD_PRELOAD", ""),
    )


def test_more_variables_than_are_sent_are_not_told():
    assert answer_json.environment(None) is None
