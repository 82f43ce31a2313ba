import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Binfmt, BinfmtEntry, HostFacts, Kernel, Process, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf, Executable, FileKind, Layer, Program
from scanner.domain.image.reference import Digest, image_reference
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict
from scanner.store import codec, finding_rows

PROGRAM = Program(
    ("/app", "--x"),
    (Executable("/app", "entrypoint", FileKind.ELF, Elf(62, 64, "little", Platform("linux", "amd64", "v3"), 3, 0)),),
    Failure(Reason.LAYER_LIMIT, "too big"),
)


@pytest.mark.parametrize(
    "value",
    [
        PROGRAM,
        Program(()),
        Process((), None),
        Process(None, ()),
        Verdict(Reason.NATIVE),
        Kernel("Linux", "m", binfmt=Binfmt(True, (BinfmtEntry("q", True, "/q", "F", 0, b"\x7f\xff", b""),))),
        Platform("windows", "amd64", "", "10.0.1", ("win32k",)),
    ],
)
def test_a_value_survives_being_stored(value):
    assert codec.loads(type(value), codec.dumps(value)) == value


facts = st.builds(
    HostFacts,
    host=st.text(),
    kernel=st.builds(
        Kernel,
        system=st.text(),
        machine=st.text(),
        platform=st.none() | st.builds(Platform, os=st.text(), architecture=st.text()),
        cpu_level=st.none() | st.integers(1, 4),
        aarch32=st.none() | st.booleans(),
    ),
    gaps=st.dictionaries(st.text(), st.builds(Failure, reason=st.sampled_from(Reason), detail=st.text())),
)


@given(facts)
def test_any_facts_survive_being_stored(value):
    assert codec.loads(HostFacts, codec.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "[]", "null", '{"argv":1}', '{"nonsense":1}', '{"argv":["a"],"problem":{"x":1}}'])
def test_what_is_no_stored_program_is_refused(text):
    with pytest.raises(ValueError):
        codec.loads(Program, text)


def test_what_has_no_json_is_refused():
    with pytest.raises(TypeError):
        codec.dumps(object())


def test_a_failure_says_what_it_concerns_after_being_stored():
    failure = Failure(Reason.IMAGE_NOT_ALLOWED, "no", "r.corp", "10.0.0.7", "/etc/certs", "allow_networks")
    verdict = Verdict(Reason.IMAGE_NOT_ALLOWED, "no", failure=failure)
    assert codec.loads(Verdict, codec.dumps(verdict)) == verdict


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Verdict, '{"reason":"image_denied","detail":"no"}', Verdict(Reason.IMAGE_DENIED, "no")),
        (Failure, '{"reason":"image_denied","detail":"no","failed":true}', Failure(Reason.IMAGE_DENIED, "no")),
    ],
)
def test_rows_from_before_failures_had_fields_still_load(kind, text, value):
    assert codec.loads(kind, text) == value


@pytest.mark.parametrize("image", ["nginx", "Not An Image", ""])
def test_what_an_image_is_called_is_read_from_its_text_and_never_stored(image):
    workload = Workload("a", "app", Source.DOCKER, Stage.PLANNED, image)
    stored = codec.dumps(workload)
    assert "reference" not in stored
    assert codec.loads(Workload, stored).reference is image_reference(image)


def test_a_digest_comes_back_as_one_and_what_is_none_is_refused():
    layer = Layer(Digest("sha256:" + "a" * 64), "", 1)
    assert isinstance(codec.loads(Layer, codec.dumps(layer)).digest, Digest)
    with pytest.raises(ValueError, match="checksum"):
        codec.loads(Layer, codec.dumps(Layer("sha256:none", "", 1)))


def test_parts_that_values_share_are_written_once_and_as_everywhere():
    writer = codec.of_a_fleet()
    values = [Workload("h1", f"web-{number}", Source.DOCKER, Stage.RUNNING, "nginx:1") for number in range(3)]
    verdict = Verdict(Reason.NATIVE)
    for value in (*values, verdict, verdict, PROGRAM):
        text = writer.dumps(value)
        assert text == codec.dumps(value)
        assert text == json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True)
        assert codec.loads(type(value), text) == value


def test_a_workload_is_written_once_for_its_finding_and_its_host(monkeypatch):
    """But where a host's findings are in two parts; each row stands there once, as it would alone."""
    monkeypatch.setattr(finding_rows, "FINDINGS_A_PART", 3)
    workloads = {
        host: tuple(Workload(host, f"web-{number}", Source.DOCKER, Stage.RUNNING, "nginx:1") for number in range(2))
        for host in ("h1", "h2", "h3")
    }
    readings = [
        HostReading(host, HostFacts(host, Kernel("Linux", "x86_64"), workloads=found))
        for host, found in workloads.items()
    ]
    readings.append(HostReading("h4", Failure(Reason.HOST_REFUSED)))
    findings = [Finding(each, Verdict(Reason.NATIVE)) for found in workloads.values() for each in found]
    made, own = [], codec._writer
    monkeypatch.setattr(codec, "_writer", lambda kind: made.append(kind) or own(kind))
    writer = codec.of_a_fleet()
    numbered = [((*finding.key, 0), row, finding) for row, finding in enumerate(findings)]
    rows = [(list(part.findings), list(part.hosts)) for part in finding_rows.parts(writer, numbered, readings)]
    assert made.count(Workload) == len(findings) + 1  # one of the host that is in two parts
    assert [row["body"] for part, _ in rows for row in part] == [codec.dumps(finding_rows.body_of(f)) for f in findings]
    assert {row["name"]: row["reading"] for _, part in rows for row in part} == {
        reading.name: codec.dumps(finding_rows.ReadingBody(reading.reading)) for reading in readings
    }
