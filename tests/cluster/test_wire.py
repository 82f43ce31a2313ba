from dataclasses import replace
from pathlib import Path

import pytest

from scanner.cluster import wire
from scanner.domain.facts import HostFacts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image.offers import Elf, Executable, FileKind, Program
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.hosts.login import ProbeLogin, with_login
from scanner.probe import reading

ANSWERS = sorted((Path(__file__).parent.parent / "data/hosts").rglob("*.txt"))
HOST = Host("web-1", "10.0.0.1", 2222, "ops", {"zone": "dmz"}, jump="bastion", aliases=("web",))


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_whatever_a_host_answers_crosses_whole(path):
    raw = path.read_bytes()
    found, text = reading.read(raw, HOST), wire.interpreted(raw, HOST, ProbeLogin("scan"))
    if isinstance(found, Failure):
        assert text == found
        return
    crossed, found = wire.facts_of(text, "web-1", wire.Sharing()), with_login(found, HOST, ProbeLogin("scan"))
    assert crossed == found
    assert repr(crossed) == repr(found)


def test_an_engine_that_refused_is_told_with_the_login_that_asked_it():
    """Its cure names the account, the address and the port; the default account would be cured in vain."""
    (path,) = (path for path in ANSWERS if path.stem == "docker-denied")
    text = wire.interpreted(path.read_bytes(), Host("web-1", "10.0.0.1", 2222), ProbeLogin("scan", is_own=True))
    gap = wire.facts_of(text, "web-1", wire.Sharing()).gaps["docker"]
    assert (gap.user, gap.host, gap.port, gap.is_own) == ("scan", "10.0.0.1", 2222, True)


def test_programs_of_a_hosts_own_images_cross_too():
    (path,) = (path for path in ANSWERS if path.stem == "every-plan")
    found = reading.read(path.read_bytes(), HOST)
    elf = Elf(62, 64, "little", Platform("linux", "amd64", "v3"), 3, 0)
    program = Program(("/app",), (Executable("/app", "entrypoint", FileKind.ELF, elf),), branches=(Program(("/b",)),))
    text = wire.facts_text(found).replace("}", "}", 1)
    assert wire.facts_of(text, "web-1", wire.Sharing()) == found
    assert wire.failure_of(wire.failure_text(Failure(Reason.HOST_TIMEOUT, "late", port=22))).port == 22
    assert "Program" in {kind.__name__ for kind in wire._reached()}
    assert wire.codec.loads(Program, wire.codec.dumps(program)) == program


def test_hosts_that_are_alike_share_their_values():
    (path,) = (path for path in ANSWERS if path.stem == "every-plan")
    sharing = wire.Sharing()
    one, other = (
        wire.facts_of(wire.interpreted(path.read_bytes(), Host(name, "10.0.0.1"), ProbeLogin()), name, sharing)
        for name in "ab"
    )
    assert one.kernel is other.kernel
    assert isinstance(one, HostFacts)
    assert one != other


def test_a_host_crosses_without_what_is_planned_for_it():
    planned = Host("web-1", "10.0.0.1", planned=(Plan("img"),))
    assert wire.host_of(wire.host_text(planned)) == Host("web-1", "10.0.0.1")
    assert wire.host_of(wire.host_text(HOST)) == HOST


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"host":"web-1"}', '{"host":"web-1","kernel":{"system":1}}', '{"host":{}}', "{" * 5000]
)
def test_what_is_no_text_of_facts_is_refused(text):
    with pytest.raises(ValueError):
        wire.facts_of(text, "web-1", wire.Sharing())


def test_facts_of_another_host_are_refused():
    text = wire.interpreted(ANSWERS[0].read_bytes(), HOST, ProbeLogin())
    with pytest.raises(ValueError, match="facts of 'web-1'"):
        wire.facts_of(text, "web-2", wire.Sharing())
    (path,) = (path for path in ANSWERS if path.stem == "every-plan")
    found = reading.read(path.read_bytes(), HOST)
    mixed = replace(found, workloads=(*found.workloads, replace(found.workloads[0], host="db-1")))
    with pytest.raises(ValueError, match="facts of 'db-1'"):
        wire.facts_of(wire.facts_text(mixed), "web-1", wire.Sharing())


def test_both_sides_have_the_same_fingerprint_however_often_it_is_taken():
    assert wire.fingerprint() == wire.fingerprint()
    assert len(wire.fingerprint()) == 12
