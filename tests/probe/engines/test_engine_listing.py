"""A section that is to hold one JSON object, and what is told where it does not."""

import pytest

from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.probe.answer import Answer, Section
from scanner.probe.engines import docker, engine_listing
from scanner.probe.engines.engine_section import MAX_WORKLOADS, Gaps


def read(body):
    gaps = Gaps()
    answer = Answer({"docker/info": Section("docker/info", body)})
    return engine_listing.json_object(answer, "docker/info", gaps, "docker"), dict(gaps)


def test_messages_around_an_object_are_passed_over():
    assert read(b'WARNING: no swap\n{"a": 1}\n') == ({"a": 1}, {})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" * 500_000, "not JSON: '[[["),
        (b"", "not JSON: ''"),
        (b"null", "null where an object must be"),
        (b"NaN", "not an object: nan"),
        (b'"x"', "not an object: 'x'"),
        (b'{"a":' * 1000, "not JSON: '{"),
        (b"}{", "not JSON: '}{'"),
        (b'{"a": \xff}', "not JSON"),
    ],
)
def test_what_is_no_object_is_a_gap_that_shows_it(body, told):
    found, gaps = read(body)
    assert found == {}
    assert told in gaps["docker"].detail


@pytest.mark.parametrize("ended", [b"Error: No such image: gone:1\n@exit 1", b"@hung 12"])
def test_a_name_however_written_means_another_image_only_to_containers_of_another(ended):
    line = b'{"id":"sha256:2","repo_digests":[],"repo_tags":["app:latest"],"os":"linux","architecture":"arm64","config":null}'
    answer = Answer({"docker/named_anew": Section("docker/named_anew", line + b"\n" + ended)})
    named = engine_listing.named_anew(answer, "docker", gaps := Gaps(), docker._image)
    asked = (
        ("app", "sha256:1"),
        ("docker.io/library/app:latest", "sha256:1"),
        ("app", "sha256:2"),
        ("gone:1", "sha256:1"),
    )
    arm64 = Platform("linux", "arm64")
    assert ([engine_listing.meant(named, *one) for one in asked], gaps) == ([arm64, arm64, None, None], {})


def test_lines_that_nobody_asked_for_are_not_read():
    said = b"sha256:1 %s running/0 {}\n" % (b"a" * 64) * 100 * MAX_WORKLOADS + b"said\n"
    answer = Answer({name: Section(name, body) for name, body in (("docker/ids", b""), ("docker/containers", said))})
    read, gaps = [], Gaps()
    engine_listing.containers(answer, "docker", gaps, lambda image, _told: read.append(image))
    assert read == ["sha256:1"] * MAX_WORKLOADS
    assert gaps["docker"].reason is Reason.HOST_TOO_MANY
    assert gaps["docker"].detail == "docker/containers: 200000 lines, of which 2000 were read"
