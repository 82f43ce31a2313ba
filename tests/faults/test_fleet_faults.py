"""Rows of the fault catalogue, injected into a healthy fleet that must not notice: id, inject, expect.

All of them stand in one fleet, which is scanned once: no fault may hide another, and a scan each would cost minutes.
``make faults`` injects each alone, with others, many times over.
"""

import asyncio
import hashlib
import io
import json
import logging

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason, Status
from tests.faults import fleet
from tests.faults.fleet import SHOP, WRONG, Fault, Reply, answer, build, whole

pytestmark = pytest.mark.system


def say(content, *, then_wait=False):
    async def behave(reader, writer):
        writer.write(content)
        await writer.drain()
        if then_wait:
            await reader.read()

    return behave


async def drip(reader, writer):
    for byte in b"SSH-2.0-slow\r\n" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.2 * fleet.patience())


async def endless(reader, writer):
    while True:
        writer.write(b"x" * 4096)
        await writer.drain()


def printing(content, *, status=0, then="exit", errors=b""):
    async def act(process):
        await process.stdin.read()
        await fleet.told(process.stdout, content)
        await fleet.told(process.stderr, errors)
        if then == "exit":
            process.exit(status)
        elif then == "hang":
            await asyncio.sleep(30 * fleet.patience())
        elif then == "drop":
            process.channel.get_connection().abort()

    return act


WHOLE = build.framed(answer())

HOSTS = [
    ("S01", "closed port", Fault(is_closed=True), Reason.HOST_REFUSED),
    ("S02", "says nothing", Fault(raw=say(b"", then_wait=True)), Reason.HOST_TIMEOUT),
    ("S02", "drips", Fault(raw=drip), Reason.HOST_TIMEOUT),
    ("S03", "endless banner", Fault(raw=endless), Reason.HOST_PROTOCOL),
    ("S03", "HTTP", Fault(raw=say(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2000)), Reason.HOST_PROTOCOL),
    ("S03", "SSH-1.5", Fault(raw=say(b"SSH-1.5-old\r\n", then_wait=True)), Reason.HOST_PROTOCOL),
    ("S04", "unknown key", Fault(known="unknown"), Reason.HOST_KEY_UNKNOWN),
    ("S05", "changed key", Fault(known="other"), Reason.HOST_KEY_CHANGED),
    ("S06", "user key refused", Fault(accepts=False), Reason.HOST_AUTH_REJECTED),
    ("S07", "weak algorithms", Fault(ssh={"encryption_algs": ["aes128-cbc"]}), Reason.HOST_PROTOCOL),
    ("S08", "packets of nothing", Fault(ssh={"max_pktsize": 0}), None),
    ("S09", "dropped in the answer", Fault(host=printing(WHOLE[:900], then="drop")), Reason.HOST_INCOMPLETE),
    ("S10", "hangs", Fault(host=printing(b"", then="hang")), Reason.HOST_TIMEOUT),
    ("S10", "hangs after its answer", Fault(host=printing(WHOLE, then="hang")), Reason.HOST_TIMEOUT),
    ("H01", "endless answer", Fault(host=printing(b"x" * (2 << 20))), Reason.HOST_TOO_LARGE),
    ("H03", "cut before the end mark", Fault(host=printing(WHOLE[:-5])), Reason.HOST_INCOMPLETE),
    ("H03", "cut in a section, exit 0", Fault(host=printing(WHOLE[:700])), Reason.HOST_INCOMPLETE),
    ("H04", "a line of 200 kB", Fault(host=printing(b"a" * 200_000)), Reason.HOST_MALFORMED),
    ("H04", "NUL and bad UTF-8", Fault(host=printing(b"\0\xff\xfe" * 100)), Reason.HOST_MALFORMED),
    ("P01", "killed command", Fault(host=printing(WHOLE, status=137)), Reason.HOST_INCOMPLETE),
]  # fmt: skip


def uname(*lines):
    return {"uname": "\n".join(lines)}


def engine(**sections):
    return {f"docker/{name}": body for name, body in sections.items()}


NAMES = ("\x1b[31mred", "a\r\nb", "{{7*7}}", "$(id)", "%s%n", "[/red]", "=1+1", "\u202eevil", "<script>", "x" * 5000)
NAMED = tuple(build.container(number, name=name) for number, name in enumerate(NAMES, 1))

ANSWERS = [
    ("H02", "10 MiB on standard error", Fault(host=printing(WHOLE, errors=b"e" * (10 << 20))), Status.OK),
    ("H05", "names that could act", Fault(sections=build.docker("amd64", containers=NAMED)), Status.OK),
    ("H06", "no machine", Fault(sections=uname("Linux", "", "6")), None),
    ("H06", "a machine of three letters", Fault(sections=uname("Linux", "arm", "6")), None),
    ("H06", "a machine of 10 KiB", Fault(sections=uname("Linux", "x" * 10_240, "6")), None),
    ("H07", "engine for another CPU", Fault(sections=build.docker("arm64")), None),
    ("H09", "docker absent", Fault(sections={"docker/state": "absent"}), None),
    ("H09", "docker down", Fault(sections={"docker/state": "down no socket"}), Status.UNKNOWN),
    ("H09", "docker denied", Fault(sections={"docker/state": "denied permission denied"}), Status.UNKNOWN),
    ("H11", "kernel and engine differ", Fault(sections=uname("Linux", "aarch64", "6") | build.docker("amd64")), None),
    ("N09", "JSON of other shapes", Fault(sections=engine(info="[1]", version='"x"', images="null", containers="x")), None),
    ("T04", "a clock of year 9999", Fault(sections={"clock": "253402300799"}), Status.OK),
    ("T04", "a clock before time", Fault(sections={"clock": "-99999999999"}), Status.OK),
]  # fmt: skip


# ---------------------------------------------------------------- registries


def manifest(body=None, **headers):
    """A registry whose manifest of the faulty image is another one; the rest is whole."""

    def faulty(_method, target):
        if "/manifests/" not in target:
            return whole(target)
        said = whole(target)
        made = said.body if body is None else body
        digest = f"sha256:{hashlib.sha256(made).hexdigest()}"
        return Reply(headers={**said.headers, "Docker-Content-Digest": digest} | headers, body=made)

    return Fault(image=faulty)


def status(line, body=b"", **headers):
    return Fault(image=lambda _method, _target: Reply(line, headers, body))


def challenge(realm):
    return status("401 Unauthorized", **{"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'})


def index(entries):
    document = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    return manifest(json.dumps(document).encode(), **{"Content-Type": document["mediaType"]})


async def bytes_without_end(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n")
    for _ in range(1000):
        writer.write(b" " * 65536)
        await writer.drain()


async def drips(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2 * fleet.patience())


async def nothing(writer):
    await asyncio.sleep(5 * fleet.patience())


def only(part, send):
    return Fault(image=lambda _method, target: Reply(send=send) if f"/{part}/" in target else whole(target))


def layer(change):
    """A registry whose layer has other bytes than its digest says."""
    blob = WRONG.layers[0]

    def faulty(_method, target):
        said = whole(target)
        if target.endswith(blob.digest):
            said.body = change(blob.body)
        return said

    return Fault(image=faulty)


def flipped(body):
    return body[:40] + bytes([body[40] ^ 1]) + body[41:]


INDEX_ENTRY = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}
UNKNOWN_ENTRY = INDEX_ENTRY | {"platform": {"os": "unknown", "architecture": "unknown"}}

IMAGES = [
    ("R02", "realm by plain HTTP elsewhere", challenge("http://evil.invalid/token"), Reason.IMAGE_REALM_REFUSED),
    ("R02", "realm of the cloud's metadata", challenge("http://169.254.169.254/token"), Reason.IMAGE_REALM_REFUSED),
    ("R02", "realm as a number", challenge("http://2130706433/token"), Reason.IMAGE_REALM_REFUSED),
    ("R03", "401 without a challenge", status("401 Unauthorized"), Reason.IMAGE_DENIED),
    ("R04", "a redirect elsewhere", status("307 Temporary Redirect", Location="http://evil.invalid/"), None),
    ("R04", "a redirect in a circle", status("307 Temporary Redirect", Location="/v2/app/manifests/1"), None),
    ("R05", "a body without end", only("manifests", bytes_without_end), Reason.IMAGE_TOO_LARGE),
    ("R05", "one byte a moment", only("manifests", drips), None),
    ("R05", "silence", only("manifests", nothing), None),
    ("R06", "a packed answer", manifest(**{"Content-Encoding": "gzip"}), Reason.IMAGE_ENCODING_REFUSED),
    ("R07", "another digest", manifest(**{"Docker-Content-Digest": "sha256:" + "1" * 64}), Reason.IMAGE_DIGEST_MISMATCH),
    ("R08", "a manifest of two kinds", manifest(b'{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}'), None),
    ("R08", "one key twice", manifest(b'{"schemaVersion":2,"schemaVersion":2}'), None),
    ("R09", "deep nesting", manifest(b"[" * 100_000), Reason.IMAGE_MALFORMED),
    ("R09", "a number of 5,000 digits", manifest(b'{"schemaVersion":' + b"9" * 5000 + b"}"), Reason.IMAGE_MALFORMED),
    ("R09", "NaN", manifest(b'{"schemaVersion":NaN}'), Reason.IMAGE_MALFORMED),
    ("R09", "half a character", manifest(b'{"schemaVersion":2,"mediaType":"\\ud800"}'), None),
    ("R10", "an empty index", index([]), None),
    ("R10", "only attestations", index([UNKNOWN_ENTRY]), None),
    ("R10", "10,000 entries", index([INDEX_ENTRY] * 10_000), None),
    ("R13", "no such manifest", status("404 Not Found", b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), Reason.IMAGE_TAG_MISSING),
    ("R13", "404 without a word", status("404 Not Found"), None),
    ("R13", "403", status("403 Forbidden"), Reason.IMAGE_DENIED),
    ("R14", "429 for long", status("429 Too Many Requests", **{"Retry-After": "1000000000"}), None),
    ("R14", "500 always", status("500 Internal Server Error"), None),
    ("N05", "a layer cut short", layer(lambda body: body[: len(body) // 2]), None),
    ("N06", "one bit of a layer", layer(flipped), None),
    ("N06", "another layer", layer(lambda body: b"x" * len(body)), None),
    ("N07", "a layer that drips", only("blobs", drips), None),
]  # fmt: skip


ROWS = [*HOSTS, *ANSWERS, *IMAGES]


def name_of(row, what):
    """A row as a host's, or a workload's, name."""
    return f"{row} {what}".lower().replace(",", "").replace(" ", "-")


FAULTS = {name_of(row, what): fault for row, what, fault, _ in ROWS}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """One scan of the fleet with every fault in it."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    logging.getLogger().addHandler(handler)
    try:
        return fleet.run(tmp_path_factory.mktemp("fleet"), FAULTS, lines.getvalue)
    finally:
        logging.getLogger().removeHandler(handler)


def test_whatever_is_wrong_with_some_the_fleet_is_read_and_judged(outcome):
    fleet.holds(outcome, FAULTS)


@pytest.mark.parametrize(("row", "what", "fault", "reason"), HOSTS, ids=[f"{row[0]} {row[1]}" for row in HOSTS])
def test_a_host_with_a_fault_costs_itself(row, what, fault, reason, outcome):
    reading = outcome.host(name_of(row, what)).reading
    assert isinstance(reading, Failure)
    assert reason is None or reading.reason is reason, reading


@pytest.mark.parametrize(("row", "what", "fault", "status"), ANSWERS, ids=[f"{row[0]} {row[1]}" for row in ANSWERS])
def test_an_odd_answer_is_never_falsely_ok(row, what, fault, status, outcome):
    verdict = outcome.finding(name_of(row, what), "web").verdict
    assert status is None or verdict.status is status, verdict


@pytest.mark.parametrize(("row", "what", "fault", "reason"), IMAGES, ids=[f"{row[0]} {row[1]}" for row in IMAGES])
def test_an_image_with_a_fault_costs_itself(row, what, fault, reason, outcome):
    verdict = outcome.finding(SHOP, name_of(row, what)).verdict
    assert verdict.status is not Status.OK, verdict
    assert reason is None or verdict.reason is reason, verdict


def test_a_fleet_that_is_down_is_unknown(tmp_path):
    faults = {f"down-{number}": Fault(is_closed=True) for number in range(3)}
    faults |= {f"gone-{number}": status("503 Service Unavailable") for number in range(3)}
    fleet.holds(fleet.run(tmp_path, faults, str), faults)


@pytest.mark.parametrize(
    "where",
    [
        "scanner.hosts.ssh.ssh_source.SshSource.read",
        "scanner.registry.client.Registry.resolve",
        "scanner.scan.images.layer_access.inspect",
        "scanner.hosts.answer_reading.AnswerReader.facts",
    ],
)
def test_a_fault_of_ours_at_each_adapter_costs_its_item(tmp_path, monkeypatch, where):
    calls = 0

    async def broken(*_arguments, **_named):
        nonlocal calls
        calls += 1
        raise RuntimeError("a bug")

    monkeypatch.setattr(where, broken)
    outcome = fleet.run(tmp_path, {}, str)
    assert calls
    assert outcome.bugs
    assert outcome.left == []
    assert len(outcome.report.hosts) == len(fleet.HEALTHY)
    assert len(outcome.report.findings) == len(fleet.HEALTHY)
    assert {each.verdict.status for each in outcome.report.findings} == {Status.UNKNOWN}
