"""What hosts do wrong, by the rows of the fault catalogue: id, inject, expect."""

import asyncio
import socket
import struct
import time
from dataclasses import replace

import asyncssh
import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.hosts.ssh.algorithms import Profile
from tests.real.process import free_port

SCRIPT = b"uname -m\n"


def known_for(tools, key, port):
    return f"[127.0.0.1]:{port} {tools.public(key)}"


async def say_nothing(reader, writer):
    await reader.read()


async def drip(reader, writer):
    for byte in b"SSH-2.0-slow\r\n" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.2)


def say(content, *, then_wait=False):
    async def behave(reader, writer):
        writer.write(content)
        await writer.drain()
        if then_wait:
            await reader.read()
        writer.close()

    return behave


async def endless_line(reader, writer):
    while True:
        writer.write(b"x" * 4096)
        await writer.drain()


async def reset(reader, writer):
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()


async def greet_and_reset(reader, writer):
    writer.write(b"220 mail ESMTP\r\n")
    await reader.readline()
    await reset(reader, writer)


def packet(payload):
    padding = 8 - (len(payload) + 5) % 8 + (8 if 8 - (len(payload) + 5) % 8 < 4 else 0)
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


DISCONNECT = packet(b"\x01" + struct.pack(">I", 11) + struct.pack(">I", 3) + b"bye" + struct.pack(">I", 0))
HUGE_PACKET = struct.pack(">IB", 0x7FFFFFFF, 4) + bytes(64)

RAW = [
    ("S02", "says nothing", say_nothing, Reason.HOST_TIMEOUT),
    ("S02", "two bytes a moment", drip, Reason.HOST_TIMEOUT),
    ("S03", "endless banner", endless_line, Reason.HOST_PROTOCOL),
    ("S03", "HTTP", say(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2000), Reason.HOST_PROTOCOL),
    ("S03", "SMTP, reset behind its greeting", greet_and_reset, Reason.HOST_PROTOCOL),
    ("S03", "SMTP, waits behind its greeting", say(b"220 mail ESMTP\r\n", then_wait=True), Reason.HOST_PROTOCOL),
    ("S03", "SSH-1.5", say(b"SSH-1.5-old\r\n", then_wait=True), Reason.HOST_PROTOCOL),
    ("S03", "version not ASCII", say("SSH-2.0-häßlich\r\n".encode("latin-1"), then_wait=True), Reason.HOST_PROTOCOL),
    ("S03", "version too long", say(b"SSH-2.0-" + b"x" * 300 + b"\r\n", then_wait=True), Reason.HOST_PROTOCOL),
    ("S08", "packet of 2 GiB", say(b"SSH-2.0-x\r\n" + HUGE_PACKET, then_wait=True), Reason.HOST_PROTOCOL),
    ("S09", "closed at once", say(b""), Reason.HOST_INCOMPLETE),
    ("S09", "reset at once", reset, Reason.HOST_INCOMPLETE),
    ("S09", "closed after the version", say(b"SSH-2.0-x\r\n"), Reason.HOST_INCOMPLETE),
    ("S09", "closed after long terms of use", say(b"Be good.\r\n" * 200 + b"SSH-2.0-x\r\n"), Reason.HOST_INCOMPLETE),
    ("S09", "disconnect after the version", say(b"SSH-2.0-x\r\n" + DISCONNECT, then_wait=True), Reason.HOST_INCOMPLETE),
]


@pytest.mark.parametrize(("row", "what", "behave", "reason"), RAW, ids=[f"{r[0]} {r[1]}" for r in RAW])
async def test_before_the_login(row, what, behave, reason, pool_of, config_for, raw_host, host_at, keys, tools):
    port = await raw_host(behave)
    patience = {"connect_timeout_s": 1.0} if reason is Reason.HOST_TIMEOUT else {}
    if "waits" in what:  # whose greeting must have come by then
        patience = {"connect_timeout_s": 4.0}
    pool = pool_of(config_for(known_for(tools, keys["host"], port), **patience))
    began = time.monotonic()
    assert (await pool.read(host_at(port), SCRIPT)).reason is reason
    assert time.monotonic() - began < 60
    assert pool.kept == 0


async def test_s01_a_closed_port_is_refused(pool_of, config_for, host_at, keys, tools):
    port = free_port()
    pool = pool_of(config_for(known_for(tools, keys["host"], port)))
    assert (await pool.read(host_at(port), SCRIPT)).reason is Reason.HOST_REFUSED


async def test_s01_an_address_without_a_route_is_unreachable(pool_of, config_for, host_at, keys, tools, monkeypatch):
    async def no_route(self, sock, address):
        raise OSError(113, "No route to host")

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "sock_connect", no_route)
    pool = pool_of(config_for(known_for(tools, keys["host"], 22)))
    assert (await pool.read(host_at(22), SCRIPT)).reason is Reason.HOST_UNREACHABLE


async def test_s01_a_name_that_does_not_resolve_is_told(pool_of, config_for, host_at, keys, tools, monkeypatch):
    async def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    pool = pool_of(config_for(known_for(tools, keys["host"], 22)))
    failure = await pool.read(host_at(22, address="no-such-host.invalid"), SCRIPT)
    assert failure == Failure(Reason.HOST_NAME, "Name or service not known")


async def test_s02_swallowed_packets_end_at_the_deadline(pool_of, config_for, host_at, keys, tools, monkeypatch):
    async def swallow(self, sock, address):
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "sock_connect", swallow)
    pool = pool_of(config_for(known_for(tools, keys["host"], 22), connect_timeout_s=0.2))
    told = Failure(Reason.HOST_TIMEOUT, "no answer in time", setting="ssh.connect_timeout")
    assert await pool.read(host_at(22), SCRIPT) == told


STRANGE = [("window 1", {"window": 1}), ("rekey storm", {"rekey_bytes": 64}), ("packets of 1", {"max_pktsize": 1})]


@pytest.mark.parametrize(("what", "offered"), STRANGE, ids=[s[0] for s in STRANGE])
async def test_s08_strange_flow_control_ends(what, offered, pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host(**offered)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    answer = await pool.read(host_at(fake.port), SCRIPT)
    assert answer == b"<uname -m\n>" or isinstance(answer, Failure)


async def test_s08_a_packet_size_of_nothing_ends_at_once(
    pool_of, config_for, fake_host, host_at, keys, tools, monkeypatch
):
    fake = await fake_host(max_pktsize=0)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    assert isinstance(await pool.read(host_at(fake.port), SCRIPT), Failure)


async def test_s04_an_unknown_host_key_is_refused_before_our_key_is_offered(
    pool_of, config_for, fake_host, host_at, keys, tools
):
    fake = await fake_host()
    config = config_for(f"elsewhere.example {tools.public(keys['host'])}")
    before = config.known_hosts_file.read_bytes()
    failure = await pool_of(config).read(host_at(fake.port), SCRIPT)
    assert failure.reason is Reason.HOST_KEY_UNKNOWN
    assert (fake.logins, fake.offered, len(fake.connections)) == ([], 0, 1)
    assert config.known_hosts_file.read_bytes() == before


async def test_s05_a_changed_host_key_is_told_from_an_unknown_one(pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host()
    pool = pool_of(config_for(known_for(tools, keys["other"], fake.port)))
    assert (await pool.read(host_at(fake.port), SCRIPT)).reason is Reason.HOST_KEY_CHANGED
    assert fake.logins == []


async def test_s05_a_changed_kind_of_host_key_is_a_changed_key(pool_of, config_for, fake_host, host_at, tools, keys):
    fake = await fake_host(server_host_keys=[asyncssh.generate_private_key("ecdsa-sha2-nistp256")])
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    assert (await pool.read(host_at(fake.port), SCRIPT)).reason is Reason.HOST_KEY_CHANGED


async def test_a_server_with_several_keys_shows_the_one_that_is_known(
    pool_of, config_for, fake_host, host_at, tools, keys
):
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    fake = await fake_host(server_host_keys=[keys["host"], rsa])
    pool = pool_of(config_for(known_for(tools, rsa, fake.port)))
    assert await pool.read(host_at(fake.port), SCRIPT) == b"<uname -m\n>"


async def test_s05_a_revoked_key_is_rejected(pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host()
    revoked = f"@revoked * {tools.public(keys['host'])}"
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port), revoked))
    assert (await pool.read(host_at(fake.port), SCRIPT)).reason is Reason.HOST_KEY_REJECTED


CERTIFICATES = [
    ("good", {"principals": ["127.0.0.1"]}, b"<uname -m\n>"),
    ("expired", {"principals": ["127.0.0.1"], "valid_before": "20200101"}, Reason.HOST_KEY_REJECTED),
    ("not yet valid", {"principals": ["127.0.0.1"], "valid_after": "20900101"}, Reason.HOST_KEY_REJECTED),
    ("another host's", {"principals": ["web-2"]}, Reason.HOST_KEY_REJECTED),
    ("an unknown authority's", {"principals": ["127.0.0.1"], "authority": "other"}, Reason.HOST_KEY_UNKNOWN),
]


@pytest.mark.parametrize(("what", "made", "expected"), CERTIFICATES, ids=[c[0] for c in CERTIFICATES])
async def test_s05_certificates_of_hosts(what, made, expected, pool_of, config_for, fake_host, host_at, keys, tools):
    authority = keys[made.pop("authority")] if "authority" in made else keys["authority"]
    certificate = authority.generate_host_certificate(keys["host"].convert_to_public(), "test", **made)
    fake = await fake_host(server_host_keys=[(keys["host"], certificate)])
    pool = pool_of(config_for(f"@cert-authority * {tools.public(keys['authority'])}"))
    answer = await pool.read(host_at(fake.port), SCRIPT)
    assert (answer.reason if isinstance(answer, Failure) else answer) == expected
    assert bool(fake.logins) is isinstance(expected, bytes)


async def test_s06_a_refused_user_key_is_tried_once(pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host(accepts=False)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    failure = await pool.read(host_at(fake.port), SCRIPT)
    assert failure.reason is Reason.HOST_AUTH_REJECTED
    assert (len(fake.connections), fake.offered) == (1, 1)


WEAK = [
    ("CBC", {"encryption_algs": ["aes128-cbc"]}),
    ("CTR", {"encryption_algs": ["aes256-ctr"]}),
    ("ChaCha20 (Terrapin)", {"encryption_algs": ["chacha20-poly1305@openssh.com"]}),
    ("old key exchange", {"kex_algs": ["diffie-hellman-group14-sha1"]}),
]


@pytest.mark.parametrize(("what", "offered"), WEAK, ids=[w[0] for w in WEAK])
async def test_s07_weak_algorithms_are_no_agreement(
    what, offered, pool_of, config_for, fake_host, host_at, keys, tools
):
    fake = await fake_host(**offered)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    assert (await pool.read(host_at(fake.port), SCRIPT)).reason is Reason.HOST_PROTOCOL
    assert fake.logins == []


SPOKEN = [
    (Profile.DROPBEAR, {"encryption_algs": ["aes256-ctr"], "mac_algs": ["hmac-sha2-256"]}, True),
    (Profile.DROPBEAR, {"kex_algs": ["diffie-hellman-group14-sha256"]}, True),
    (Profile.DROPBEAR, {"kex_algs": ["diffie-hellman-group14-sha1"]}, False),
    (Profile.DROPBEAR, {"encryption_algs": ["chacha20-poly1305@openssh.com"]}, False),
    (Profile.LEGACY, {"kex_algs": ["diffie-hellman-group14-sha1"]}, True),
    (Profile.LEGACY, {"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-sha1"]}, True),
    (Profile.LEGACY, {"encryption_algs": ["aes128-cbc"]}, False),
]


@pytest.mark.parametrize(("profile", "offered", "agree"), SPOKEN)
async def test_a_named_profile_speaks_with_hosts_of_its_time_and_with_no_other(
    profile, offered, agree, pool_of, config_for, fake_host, host_at, keys, tools
):
    fake = await fake_host(**offered)
    config = config_for(known_for(tools, keys["host"], fake.port))
    found = await pool_of(replace(config, algorithms={"*": profile})).read(host_at(fake.port), SCRIPT)
    assert found == b"<uname -m\n>" if agree else found.reason is Reason.HOST_PROTOCOL, found
    found = await pool_of(replace(config, algorithms={"other": profile})).read(host_at(fake.port), SCRIPT)
    assert found.reason is Reason.HOST_PROTOCOL


async def hang(process):
    await process.stdin.read()
    await process.wait_closed()


async def hang_after_output(process):
    process.stdout.write(b"whole answer\nend\n")
    await process.wait_closed()


async def flood(process):
    while True:
        process.stdout.write(b"x" * 65536)
        await process.stdout.drain()


async def flood_stderr(process):
    for _ in range(160):
        process.stderr.write(b"e" * 65536)
        await process.stderr.drain()
    process.stdout.write(b"fine")
    process.exit(0)


async def no_status(process):
    process.stdout.write(b"whole answer\nend\n")
    process.close()


async def drop(process):
    process.stdout.write(b"whole answer\nend\n")
    await process.stdout.drain()
    process.channel.get_connection().abort()


async def disconnect(process):
    process.stdout.write(b"half")
    process.channel.get_connection().disconnect(asyncssh.DISC_BY_APPLICATION, "\x1b[31mgone\n")


async def abort_channel(process):
    process.stdout.write(b"half")
    process.channel.abort()


async def missing(process):
    process.exit(127)


async def killed(process):
    process.exit_with_signal("KILL", False, "")


COMMANDS = [
    ("S10", "hangs", hang, Reason.HOST_TIMEOUT),
    ("S10", "hangs after full output", hang_after_output, Reason.HOST_TIMEOUT),
    ("S09", "no exit status", no_status, Reason.HOST_INCOMPLETE),
    ("S09", "connection dropped after full output", drop, Reason.HOST_INCOMPLETE),
    ("S09", "disconnect", disconnect, Reason.HOST_INCOMPLETE),
    ("S09", "channel aborted", abort_channel, Reason.HOST_INCOMPLETE),
    ("S09", "command missing", missing, Reason.HOST_INCOMPLETE),
    ("S09", "killed", killed, Reason.HOST_INCOMPLETE),
    ("H01", "endless output", flood, Reason.HOST_TOO_LARGE),
]


@pytest.mark.parametrize(("row", "what", "answer", "reason"), COMMANDS, ids=[f"{r[0]} {r[1]}" for r in COMMANDS])
async def test_after_the_login(row, what, answer, reason, pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host(answer)
    patience = {"probe_timeout_s": 1.0} if reason is Reason.HOST_TIMEOUT else {}
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port), max_output_bytes=1 << 20, **patience))
    failure = await pool.read(host_at(fake.port), SCRIPT)
    assert failure.reason is reason
    assert "\n" not in failure.detail
    assert "\x1b" not in failure.detail
    assert pool.kept == 0
    async with asyncio.timeout(30):
        while not fake.lost:
            await asyncio.sleep(0.01)


async def test_h02_what_comes_on_standard_error_is_ignored(pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host(flood_stderr)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    assert await pool.read(host_at(fake.port), SCRIPT) == b"fine"


async def test_h04_bytes_stay_bytes(pool_of, config_for, fake_host, host_at, keys, tools):
    async def answer(process):
        process.stdout.write(b"\xff\x00\xfe")
        process.exit(0)

    fake = await fake_host(answer)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    assert await pool.read(host_at(fake.port), SCRIPT) == b"\xff\x00\xfe"
    assert fake.commands == ["sh -s"]


async def test_a_kept_connection_that_died_is_replaced_unseen(pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host()
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    assert await pool.read(host_at(fake.port), SCRIPT) == b"<uname -m\n>"
    fake.connections[0].abort()
    assert await pool.read(host_at(fake.port), SCRIPT) == b"<uname -m\n>"
    assert pool.opened == 2


async def test_a_kept_connection_that_fell_silent_is_replaced_unseen(
    pool_of, config_for, fake_host, host_at, keys, tools
):
    fake = await fake_host()
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port), connect_timeout_s=5.0))
    await pool.read(host_at(fake.port), SCRIPT)
    fake.connections[0]._transport.pause_reading()
    assert await pool.read(host_at(fake.port), SCRIPT) == b"<uname -m\n>"
    assert pool.opened == 2
    fake.connections[0]._transport.resume_reading()


async def test_a_kept_connection_that_drops_the_question_is_asked_once_more(
    pool_of, config_for, fake_host, host_at, keys, tools
):
    asked = []

    async def answer(process):
        asked.append(1)
        if len(asked) > 1:
            process.channel.get_connection().abort()
            return
        await tools.echo(process)

    fake = await fake_host(answer)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    assert await pool.read(host_at(fake.port), SCRIPT) == b"<uname -m\n>"
    assert (await pool.read(host_at(fake.port), SCRIPT)).reason is Reason.HOST_INCOMPLETE
    assert len(asked) == 3


async def test_hosts_of_one_address_never_share_an_answer(pool_of, config_for, fake_host, host_at, keys, tools):
    fake = await fake_host()
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    await asyncio.gather(*(pool.read(host_at(fake.port, f"web-{n}"), SCRIPT) for n in range(8)))
    assert (pool.opened, pool.kept) == (8, 8)


async def test_no_more_hosts_than_allowed_are_read_at_once(pool_of, config_for, fake_host, host_at, keys, tools):
    running, most = 0, 0
    as_many = asyncio.Event()

    async def answer(process):
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            as_many.set()
        await as_many.wait()
        await asyncio.sleep(0.02)  # a fourth would come meanwhile
        running -= 1
        process.exit(0)

    fake = await fake_host(answer)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port), concurrency=3))
    await asyncio.gather(*(pool.read(host_at(fake.port, f"web-{n}"), SCRIPT) for n in range(12)))
    assert most == 3


async def test_p04_few_descriptors_mean_fewer_connections_not_refused_hosts(
    pool_of, config_for, fake_host, host_at, keys, tools, monkeypatch
):
    monkeypatch.setattr("scanner.descriptors.resource.getrlimit", lambda _: (108, 108))
    fake = await fake_host()
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    answers = await asyncio.gather(*(pool.read(host_at(fake.port, f"web-{n}"), SCRIPT) for n in range(6)))
    assert set(answers) == {b"<uname -m\n>"}
    assert pool.kept <= 2


async def test_p04_our_own_shortage_is_not_the_hosts_fault(pool_of, config_for, host_at, keys, tools, monkeypatch):
    async def exhausted(self, sock, address):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "sock_connect", exhausted)
    pool = pool_of(config_for(known_for(tools, keys["host"], 22)))
    assert (await pool.read(host_at(22), SCRIPT)).reason is Reason.INTERNAL_EXHAUSTED


async def test_a_cancelled_reading_leaves_nothing(pool_of, config_for, fake_host, host_at, keys, tools):
    entered = asyncio.Event()

    async def answer(process):
        entered.set()
        await hang(process)

    fake = await fake_host(answer)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    reading = asyncio.create_task(pool.read(host_at(fake.port), SCRIPT))
    await entered.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    async with asyncio.timeout(30):
        while not fake.lost:
            await asyncio.sleep(0.01)


async def test_h05_what_a_server_says_reaches_no_log(pool_of, config_for, fake_host, host_at, keys, tools, caplog):
    fake = await fake_host(disconnect)
    caplog.set_level(0)
    pool = pool_of(config_for(known_for(tools, keys["host"], fake.port)))
    await pool.read(host_at(fake.port), SCRIPT)
    assert [record.getMessage() for record in caplog.records if "gone" in record.getMessage()] == []


# ---------------------------------------------------------------- S11: bastions


@pytest.fixture
def behind(pool_of, config_for, keys, tools):
    """``behind(jump_port, *known_ports)``: a pool whose edge hosts are behind a bastion on this port."""

    def make(port, *known_ports, **changes):
        lines = [known_for(tools, keys["host"], one) for one in (port, *known_ports)]
        return pool_of(config_for(*lines, jump={"edge-*": f"127.0.0.1:{port}"}, **changes))

    return make


async def test_s11_hosts_behind_a_bastion_share_one_connection_to_it(behind, fake_host, host_at):
    bastion, edge = await fake_host(forwards=True), await fake_host()
    pool = behind(bastion.port, edge.port)
    hosts = [host_at(edge.port, f"edge-{n}") for n in range(5)]
    assert set(await asyncio.gather(*(pool.read(host, SCRIPT) for host in hosts))) == {b"<uname -m\n>"}
    assert (len(bastion.connections), len(edge.connections)) == (1, 5)


async def test_s11_a_bastion_that_is_down_is_tried_once_for_all_its_hosts(behind, fake_host, raw_host, host_at):
    attempts, healthy_first = [], []

    async def count(reader, writer):
        attempts.append(1)
        await reader.read()

    port, healthy = await raw_host(count), await fake_host()
    pool = behind(port, healthy.port, concurrency=2, connect_timeout_s=5)

    async def read(host):
        answer = await pool.read(host, SCRIPT)
        healthy_first.append(host.name)
        return answer

    edge = [read(host_at(22, f"edge-{n}")) for n in range(6)]
    *failures, answer = await asyncio.gather(*edge, read(host_at(healthy.port, "web-1")))
    assert {failure.reason for failure in failures} == {Reason.HOST_BASTION}
    assert failures[0].detail == f"scan@127.0.0.1:{port}: host_timeout: no answer in time"
    assert answer == b"<uname -m\n>"
    assert healthy_first[0] == "web-1"
    assert len(attempts) == 1
    assert (await pool.read(host_at(22, "edge-9"), SCRIPT)).reason is Reason.HOST_BASTION
    assert len(attempts) == 1


async def test_a_pool_that_is_closed_ends_what_is_under_way(behind, raw_host, host_at):
    entered = asyncio.Event()

    async def wait(reader, writer):
        entered.set()
        await reader.read()

    pool = behind(await raw_host(wait))
    reading = asyncio.create_task(pool.read(host_at(22, "edge-1"), SCRIPT))
    await entered.wait()
    reading.cancel()
    await asyncio.wait([reading])
    await pool.close()
    assert pool.abandoned == 0


async def test_s11_a_bastion_that_forbids_forwarding_is_at_fault_itself(behind, fake_host, host_at):
    bastion = await fake_host(forwards=False)
    failure = await behind(bastion.port).read(host_at(22, "edge-1"), SCRIPT)
    assert failure.reason is Reason.HOST_BASTION


async def test_s11_a_bastion_that_was_lost_is_reached_again(behind, fake_host, host_at):
    bastion, edge = await fake_host(forwards=True), await fake_host()
    pool = behind(bastion.port, edge.port)
    host = host_at(edge.port, "edge-1")
    assert await pool.read(host, SCRIPT) == b"<uname -m\n>"
    bastion.connections[0].abort()
    async with asyncio.timeout(30):
        while not bastion.lost:
            await asyncio.sleep(0.01)
    assert await pool.read(host, SCRIPT) == b"<uname -m\n>"
    assert len(bastion.connections) == 2


async def test_s11_an_impostor_behind_a_good_bastion_is_still_found(behind, fake_host, host_at, keys):
    bastion, edge = await fake_host(forwards=True), await fake_host(server_host_keys=[keys["other"]])
    failure = await behind(bastion.port, edge.port).read(host_at(edge.port, "edge-1"), SCRIPT)
    assert failure.reason is Reason.HOST_KEY_CHANGED


@pytest.mark.parametrize("jump", ["a b", "-oProxyCommand=x", "$(id)", "a:0", "h:99999", "a,b,c,d,e"])
async def test_a_jump_outside_the_grammar_is_never_dialled(jump, pool_of, config_for, keys, tools):
    pool = pool_of(config_for(known_for(tools, keys["host"], 22)))
    failure = await pool.read(Host("edge-1", "127.0.0.1", jump=jump), SCRIPT)
    assert failure.reason is Reason.HOST_PROTOCOL
    assert pool.opened == 0


async def test_s08_one_hostile_host_never_stops_the_loop(pool_of, config_for, raw_host, host_at, keys, tools):
    port = await raw_host(say(b"x" * (1 << 20), then_wait=True))
    pool = pool_of(config_for(known_for(tools, keys["host"], port), concurrency=50))
    worst = 0.0

    async def pulse():
        nonlocal worst
        while True:
            began = time.thread_time()  # our own work, however busy the machine is with others
            await asyncio.sleep(0.01)
            worst = max(worst, time.thread_time() - began)

    beating = asyncio.create_task(pulse())
    await asyncio.gather(*(pool.read(host_at(port, f"web-{n}"), SCRIPT) for n in range(20)))
    beating.cancel()
    await asyncio.wait([beating])
    assert worst < 0.25
