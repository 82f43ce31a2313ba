"""What happens after the pull: restart loops, tags that move, registries that go away."""

import json

import pytest

from tests.real.images import File, Pusher
from tests.real.process import until
from tests.system.truth.build import indexed, plain
from tests.system.truth.forms import foreign
from tests.system.truth.programs import ENDLESS, FOREIGN, ILLEGAL, NATIVE
from tests.system.truth.scanning import Scanner

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

LOOPS = {
    "local": "exec_format_error",  # nothing but its log tells
    "pushed": "wrong_binary",
    "honest": "wrong_platform",
    "level": "crash_unexplained",
}
"""Containers that come back again and again, each with what is told of it."""

GIVES_UP = ("--restart", "on-failure:3")
"""A loop with an end: what is up for a moment between two crashes would make the answer a matter of luck."""

GIVEN_UP_WITHIN_S = 60.0
"""Docker waits 100 ms before the first restart, then twice as long each time."""


@pytest.fixture
def started(docker_engine):
    """Starts containers that stay, or come back again and again; they are gone after the test."""
    names = []

    def start(name, reference, *options):
        names.append(name)
        docker_engine.docker("run", "--detach", "--network", "none", "--name", name, *options, reference, check=False)

    yield start
    docker_engine.docker("rm", "--force", *names)


def _forever():
    return plain({"app": ENDLESS})


def _wait_for_the_last_restart(docker_engine, *names):
    def given_up():
        states = json.loads(docker_engine.docker("inspect", *names))
        return all(state["RestartCount"] == 3 and state["State"]["Status"] == "exited" for state in states)

    until(given_up, "the last restart", GIVEN_UP_WITHIN_S)


def _says(finding, layer):
    return " ".join(piece["says"] for piece in finding["evidence"] if piece["layer"] == layer)


def test_a_restart_loop_is_proof_by_its_log(docker_scanner, docker_engine, pusher, started, tmp_path):
    (tmp_path / "app").write_bytes(FOREIGN)
    (tmp_path / "app").chmod(0o755)
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY app /app\nENTRYPOINT ["/app"]\n')
    docker_engine.docker("build", "--quiet", "--tag", "loop/local:1", tmp_path)
    started("loop-local", "loop/local:1", *GIVES_UP)
    started("loop-pushed", pusher.push("loop/pushed", "1", plain({"app": FOREIGN})), *GIVES_UP)
    started("loop-honest", pusher.push("loop/honest", "1", foreign()), *GIVES_UP)
    started("loop-level", pusher.push("loop/level", "1", plain({"app": ILLEGAL})), *GIVES_UP)
    _wait_for_the_last_restart(docker_engine, *(f"loop-{name}" for name in LOOPS))
    findings = docker_scanner.scan()
    assert {name: findings[f"loop-{name}"]["reason"] for name in LOOPS} == LOOPS
    mismatches = [name for name in LOOPS if findings[f"loop-{name}"]["status"] == "mismatch"]
    assert mismatches == ["local", "pushed", "honest"]
    assert findings["loop-level"]["status"] == "unknown"
    for name in ("local", "pushed", "honest"):
        assert "exec format error" in _says(findings[f"loop-{name}"], "runtime")


def test_a_program_that_its_user_may_not_run_is_told_by_its_mode(docker_scanner, docker_engine, pusher, started):
    image = plain({"app": File(NATIVE, mode=0o700)}, process={"Entrypoint": ["/app"], "User": "1000"})
    started("denied", pusher.push("denied", "1", image))
    finding = docker_scanner.scan()["denied"]
    state = json.loads(docker_engine.docker("inspect", "denied"))[0]["State"]
    assert (finding["status"], finding["reason"]) == ("broken", "permission_denied"), state["Error"]


def test_a_program_that_a_volume_brings_is_judged_by_what_became_of_it(
    docker_scanner, docker_engine, pusher, started, tmp_path
):
    for name, program in {"right": NATIVE, "wrong": FOREIGN}.items():
        (tmp_path / name).write_bytes(program)
        (tmp_path / name).chmod(0o755)
    reference = pusher.push("mounted", "1", plain({"app": NATIVE}))
    for name in ("right", "wrong"):
        started(f"mounted-{name}", reference, "--volume", f"{tmp_path}:/v", "--entrypoint", f"/v/{name}")
        docker_engine.docker("wait", f"mounted-{name}")
    findings = docker_scanner.scan()
    assert [findings[f"mounted-{name}"]["reason"] for name in ("right", "wrong")] == ["native", "exec_format_error"]


def test_a_tag_that_moves_on_is_told_while_the_old_image_still_runs(docker_scanner, pusher, started):
    right = {"app": NATIVE}
    moves = {
        "same": (indexed(_forever(), foreign()), "native"),
        "lost": (indexed(foreign(), foreign("s390x")), "platform_lost"),
        "foreign": (foreign(), "platform_lost"),
        "broken": (plain({"app": b"#!/bin/sh\r\n"}), "next_pull_broken"),
        "right": (plain(right), "native"),
    }
    before = indexed(_forever(), foreign())
    for name, (after, _) in moves.items():
        started(f"moved-{name}", pusher.push(f"moved/{name}", "1", before))
        pusher.push(f"moved/{name}", "1", after)
    findings = docker_scanner.scan()
    assert {name: findings[f"moved-{name}"]["reason"] for name in moves} == {
        name: reason for name, (_, reason) in moves.items()
    }
    lost = findings["moved-lost"]
    assert (lost["status"], lost["stage"]) == ("degraded", "running")
    assert "linux/arm64" in lost["detail"]


def test_a_tag_that_vanished_degrades_what_still_runs(docker_scanner, pusher, started):
    image = _forever()
    started("vanished", pusher.push("vanished", "1", image))
    pusher.delete("vanished", image.manifest.digest)
    finding = docker_scanner.scan([f"{pusher.address}/vanished:1"])["vanished"]
    assert (finding["status"], finding["stage"], finding["reason"]) == ("degraded", "running", "tag_gone")
    assert finding["next_pull"] == "gone"


def test_a_registry_that_stops_makes_everything_unknown_that_only_it_knew(
    docker_scanner, start_registry, started, tmp_path
):
    own = start_registry()
    pusher = Pusher(own.host, own.port)
    scanner = Scanner(docker_scanner.sshd, own.address, tmp_path)
    reference = pusher.push("stops", "1", indexed(_forever(), foreign()))
    bad = pusher.push("stops/bad", "1", plain({"app": FOREIGN}))
    started("stops", reference)
    before = scanner.scan([reference, bad])
    assert [before[name]["status"] for name in ("stops", reference, bad)] == ["ok", "ok", "mismatch"]
    own.daemon.stop()
    after = scanner.scan([reference, bad])
    assert {after[name]["status"] for name in ("stops", reference, bad)} == {"unknown"}
    assert {after[name]["reason"] for name in ("stops", reference, bad)} == {"image_unreachable"}
