"""Against OpenSSH itself."""

import asyncio
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import asyncssh
import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason
from scanner.hosts.least_privilege import authorized_key_line, bastion_key_line, sudoers_rule
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.ssh_source import SshSource
from scanner.probe.answer import is_of_installed_probe
from tests.real import relay
from tests.real.process import Daemon, free_port, listens

SCRIPT = b"echo begin; uname -s; echo noise >&2; echo end\n"


@pytest.fixture
def target(sshd):
    sshd.authorize()
    return Host("web-1", sshd.address, sshd.port, sshd.user)


@pytest.fixture
def real_config(sshd):
    return SshConfig(sshd.client_key, sshd.known_hosts, connect_timeout_s=60, probe_timeout_s=60)


async def test_a_host_answers_the_script(pool_of, real_config, target):
    pool = pool_of(real_config)
    assert await pool.read(target, SCRIPT) == b"begin\nLinux\nend\n"


@pytest.mark.parametrize(("patience_s", "is_heard"), [(30, True), (0.5, False)])
async def test_a_host_far_away_is_heard_by_who_waits_for_six_round_trips(
    pool_of, real_config, target, sshd, tmp_path, patience_s, is_heard
):
    port = free_port()
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {sshd.host_key.with_suffix('.pub').read_text()}")
    config = replace(real_config, known_hosts_file=known, connect_timeout_s=patience_s)
    words = [sys.executable, relay.__file__, str(port), str(sshd.port), "0.2"]  # a login takes six times twice as long
    line = Daemon.start(words, tmp_path, lambda: listens(port))
    try:
        said = await pool_of(config).read(replace(target, address="127.0.0.1", port=port), SCRIPT)
    finally:
        line.stop()
    if is_heard:
        assert said == b"begin\nLinux\nend\n"
    else:
        assert (said.reason, said.setting) == (Reason.HOST_TIMEOUT, "ssh.connect_timeout")
        cure = remedy.fix(said.reason, remedy.Trouble("web-1", "", failure=said)).summary
        assert "give it longer (ssh.connect_timeout)" in cure


async def test_a_kept_connection_is_used_again(pool_of, real_config, target):
    pool = pool_of(real_config)
    for _ in range(3):
        assert await pool.read(target, SCRIPT) == b"begin\nLinux\nend\n"
    assert (pool.opened, pool.kept) == (1, 1)


async def test_nothing_is_kept_where_that_is_not_wanted(pool_of, sshd, target):
    pool = pool_of(SshConfig(sshd.client_key, sshd.known_hosts, keep_connections=False))
    await pool.read(target, SCRIPT)
    await pool.read(target, SCRIPT)
    assert (pool.opened, pool.kept) == (2, 0)


async def test_a_long_answer_arrives_whole(pool_of, real_config, target):
    answer = await pool_of(real_config).read(target, b"head -c 3000000 /dev/zero\n")
    assert answer == bytes(3_000_000)


async def test_an_endless_answer_ends_at_the_limit(pool_of, sshd, target):
    pool = pool_of(SshConfig(sshd.client_key, sshd.known_hosts, max_output_bytes=1 << 20))
    assert await pool.read(target, b"cat /dev/zero\n") == Failure(
        Reason.HOST_TOO_LARGE, "the answer is longer than 1048576 bytes", setting="ssh.max_output"
    )


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        (b"exit 7\n", "the command ended with exit status 7"),
        (b"echo half; kill -9 $$\n", "the command was killed by SIGKILL"),
    ],
)
async def test_a_script_that_failed_gave_no_answer(pool_of, real_config, target, script, detail):
    assert await pool_of(real_config).read(target, script) == Failure(Reason.HOST_INCOMPLETE, detail)


async def test_a_forced_command_answers_whatever_is_asked(pool_of, real_config, target, sshd, tmp_path):
    probe = tmp_path / "probe"
    probe.write_text("#!/bin/sh\necho installed\n")
    probe.chmod(0o755)
    sshd.authorize(f'restrict,command="{probe}"')
    assert await pool_of(real_config).read(target, SCRIPT * 5000) == b"installed\n"


async def test_a_host_with_a_probe_of_its_own_is_sent_the_script_once(real_config, target, sshd, tmp_path):
    probe, sent = tmp_path / "probe", tmp_path / "sent"
    head = b"archscan-probe 2\n@section probe 64\n%s\n" % (b"a" * 64)
    probe.write_bytes(b"#!/bin/sh\nwc -c >> %s\ncat <<'E'\n%sE\n" % (bytes(sent), head))
    probe.chmod(0o755)
    sshd.authorize(f'restrict,command="{probe}"')
    source = SshSource.open(replace(real_config, keep_connections=False), SCRIPT, 0, is_of_installed_probe)
    try:
        assert [await source.read(target) for _ in range(3)] == [head] * 3
        sshd.authorize("restrict")
        assert await source.read(target) == b"begin\nLinux\nend\n"
    finally:
        await source.close()
    assert sent.read_text().split() == [str(len(SCRIPT)), "0", "0"]


async def test_the_line_for_authorized_keys_is_understood_by_sshd(pool_of, real_config, target, sshd, tmp_path):
    public = sshd.client_key.with_suffix(".pub").read_text()
    line = authorized_key_line(public, ["127.0.0.0/8"], "/bin/true")
    sshd.authorized_keys.write_text(line.replace("sudo -n /bin/true", "echo forced"))
    assert await pool_of(real_config).read(target, SCRIPT) == b"forced\n"
    sshd.authorized_keys.write_text(authorized_key_line(public, ["10.9.9.9"], "/bin/true"))
    failure = await pool_of(real_config).read(target, SCRIPT)
    assert failure.reason is Reason.HOST_AUTH_REJECTED


async def test_an_agent_that_is_named_logs_in(pool_of, target, sshd, tmp_path):
    agent, add = shutil.which("ssh-agent"), shutil.which("ssh-add")
    process = subprocess.Popen([agent, "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(60):
            while not (tmp_path / "agent").exists():
                await asyncio.sleep(0.01)
        environ = {"SSH_AUTH_SOCK": str(tmp_path / "agent")}
        config = SshConfig(None, sshd.known_hosts, agent=str(tmp_path / "agent"))
        assert (await pool_of(config).read(target, SCRIPT)).reason is Reason.HOST_AUTH_REJECTED
        subprocess.run([add, "-q", sshd.client_key], env=environ, check=True, capture_output=True)
        assert await pool_of(config).read(target, SCRIPT) == b"begin\nLinux\nend\n"
    finally:
        process.terminate()
        process.wait()


async def test_a_refused_key_is_told(pool_of, real_config, target, sshd):
    sshd.authorized_keys.write_text("")
    failure = await pool_of(real_config).read(target, SCRIPT)
    assert failure.reason is Reason.HOST_AUTH_REJECTED


async def test_a_web_server_at_the_port_is_called_one(pool_of, real_config, registry):
    pool, host = pool_of(real_config), Host("web-1", registry.host, registry.port)
    for said in (await pool.read(host, SCRIPT), await pool.host_keys(host)):
        assert said.reason is Reason.HOST_PROTOCOL, said
        assert said.detail.startswith("no SSH server answers there: HTTP/1."), said


@pytest.mark.parametrize(
    ("family", "reasons"),
    [("", {None}), ("inet", {None}), ("inet6", {Reason.HOST_NAME, Reason.HOST_REFUSED, Reason.HOST_UNREACHABLE})],
)
async def test_addresses_of_the_named_ip_version_alone_are_tried(pool_of, real_config, sshd, family, reasons):
    said = await pool_of(real_config).host_keys(Host("web-1", "localhost", sshd.port, family=family))
    assert getattr(said, "reason", None) in reasons, said


async def test_an_sshd_with_no_room_for_a_login_is_not_called_cut_off(pool_of, start_sshd):
    server = start_sshd("127.0.0.2", extra="MaxStartups 1:100:1")
    pool, host = pool_of(SshConfig(server.client_key, server.known_hosts)), Host("web-1", "127.0.0.2", server.port)
    with socket.create_connection((server.address, server.port)) as other:
        assert other.recv(4) == b"SSH-"
        said = await pool.read(host, SCRIPT)
    assert said.detail == "its sshd lets nobody else in for now: Exceeded MaxStartups"


async def test_certificates_of_both_sides_are_enough(pool_of, start_sshd, tmp_path):
    keygen = shutil.which("ssh-keygen")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ca"], check=True)
    server = start_sshd(extra=f"TrustedUserCAKeys {tmp_path}/ca.pub\nHostCertificate {tmp_path}/host-cert.pub")
    shutil.copy(server.host_key.with_suffix(".pub"), tmp_path / "host.pub")
    sign = [keygen, "-q", "-s", tmp_path / "ca", "-I", "test"]
    subprocess.run([*sign, "-h", "-n", "127.0.0.1", tmp_path / "host.pub"], check=True)
    subprocess.run([*sign, "-n", server.user, "-V", "+1h", server.client_key], check=True)
    server.authorized_keys.write_text("")
    log = server.known_hosts.with_name("sshd.log")
    os.kill(server.daemon.process.pid, signal.SIGHUP)  # sshd reads its certificate again
    async with asyncio.timeout(60):
        while log.read_text().count("Server listening") < 2:
            await asyncio.sleep(0.01)
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority 127.* {(tmp_path / 'ca.pub').read_text()}")
    host = Host("web-1", server.address, server.port, server.user)
    pool = pool_of(SshConfig(server.client_key, known))
    assert await pool.read(host, SCRIPT) == b"begin\nLinux\nend\n"

    known.write_text(
        f"@cert-authority * {(tmp_path / 'ca.pub').read_text()}@revoked * {server.host_key.with_suffix('.pub').read_text()}"
    )
    failure = await pool_of(SshConfig(server.client_key, known)).read(host, SCRIPT)
    assert failure.reason is Reason.HOST_KEY_REJECTED


async def test_a_host_behind_two_bastions_is_reached(pool_of, sshd, real_config, start_sshd, tmp_path):
    second = start_sshd("127.0.0.2")
    third = start_sshd("127.0.0.3")
    for server in (second, third):
        server.authorized_keys.write_text(sshd.authorized_keys.read_text())
    sshd.authorize()
    for server in (second, third):
        server.authorized_keys.write_text(sshd.authorized_keys.read_text())
    known = tmp_path / "known_hosts"
    known.write_text("".join(server.known_hosts.read_text() for server in (sshd, second, third)))
    chain = f"{sshd.user}@127.0.0.1:{sshd.port},{sshd.user}@127.0.0.2:{second.port}"
    pool = pool_of(SshConfig(sshd.client_key, known, jump={"edge-*": chain}))
    edge = [Host(f"edge-{number}", third.address, third.port, third.user) for number in range(3)]
    for host in edge:
        assert await pool.read(host, SCRIPT) == b"begin\nLinux\nend\n"
    assert pool.opened == 5


async def test_a_bastion_that_takes_two_logins_at_once_lets_a_fleet_through(pool_of, sshd, start_sshd, tmp_path):
    gate = start_sshd("127.0.0.2", extra="MaxStartups 2:100:2")
    fleet = start_sshd("127.0.0.3", extra="MaxStartups 100")
    sshd.authorize()
    for server in (gate, fleet):
        server.authorized_keys.write_text(sshd.authorized_keys.read_text())
    known = tmp_path / "known_hosts"
    known.write_text(gate.known_hosts.read_text() + fleet.known_hosts.read_text())
    pool = pool_of(SshConfig(sshd.client_key, known, jump={"*": f"{gate.user}@{gate.address}:{gate.port}"}))
    hosts = [Host(f"edge-{number}", fleet.address, fleet.port, fleet.user) for number in range(12)]
    answers = await asyncio.gather(*(pool.read(host, SCRIPT) for host in hosts))
    assert answers == [b"begin\nLinux\nend\n"] * 12
    assert pool.opened == 13  # one of them to the bastion


async def test_s11_a_host_that_refuses_its_bastion_is_refused(pool_of, sshd, target):
    config = SshConfig(sshd.client_key, sshd.known_hosts, jump={"edge-*": f"{sshd.user}@127.0.0.1:{sshd.port}"})
    failure = await pool_of(config).read(Host("edge-1", "127.0.0.1", free_port(), sshd.user), SCRIPT)
    assert failure == Failure(
        Reason.HOST_REFUSED,
        f"{sshd.user}@127.0.0.1:{sshd.port} could not reach it: Connection refused",
    )


async def test_s11_a_bastion_that_may_not_forward_is_at_fault_itself(pool_of, start_sshd):
    server = start_sshd(extra="AllowTcpForwarding no")
    config = SshConfig(server.client_key, server.known_hosts, jump={"*": f"{server.user}@127.0.0.1:{server.port}"})
    failure = await pool_of(config).read(Host("edge-1", "127.0.0.1", 22, server.user), SCRIPT)
    assert failure.reason is Reason.HOST_BASTION


@pytest.mark.parametrize("says", ["", "probed\n"], ids=["a-bastion-alone", "one-that-is-a-host"])
async def test_a_bastion_s_line_lets_through_to_its_ports_alone_never_to_a_socket(sshd, target, tmp_path, says):
    public = sshd.client_key.with_suffix(".pub").read_text()
    both = authorized_key_line(public, (), "/bin/true", passes=[sshd.port]).replace("sudo -n /bin/true", "echo probed")
    sshd.authorized_keys.write_text(both if says else bastion_key_line(public, ports=[sshd.port]))
    listener = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), tmp_path / "engine.sock")
    connecting = asyncssh.connect(
        sshd.address, sshd.port, username=sshd.user, client_keys=[sshd.client_key], known_hosts=str(sshd.known_hosts),
        config=None,
    )  # fmt: skip
    async with listener, connecting as connection:
        reader, writer = await connection.open_connection(sshd.address, sshd.port, encoding=None)
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        writer.close()
        assert (await connection.run("id")).stdout == says
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection(str(tmp_path / "engine.sock"))
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection(sshd.address, sshd.port + 1)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "127.0.0.1", 1)


async def test_a_hashed_file_of_many_hosts_knows_its_host(pool_of, sshd, target, tmp_path):
    known = tmp_path / "known_hosts"
    key = sshd.host_key.with_suffix(".pub").read_text()
    known.write_text("".join(f"10.0.{n // 256}.{n % 256} {key}" for n in range(500)) + sshd.known_hosts.read_text())
    subprocess.run([shutil.which("ssh-keygen"), "-q", "-H", "-f", known], check=True, capture_output=True)
    pool = pool_of(SshConfig(sshd.client_key, known))
    assert await pool.read(target, SCRIPT) == b"begin\nLinux\nend\n"


HOSTILE_HOME = """
import asyncio, os, sys
from pathlib import Path
touched = []
home = os.environ["HOME"]
def watch(event, args):
    if event in ("open", "os.listdir", "os.scandir", "subprocess.Popen", "socket.connect"):
        touched.append((event, str(args)))
from scanner.domain.host import Host
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool
sys.addaudithook(watch)  # not earlier: importing asyncssh looks for C libraries by running ldconfig
async def main(identity, known, port, user):
    pool = ConnectionPool.open(SshConfig(Path(identity), Path(known)))
    answer = await pool.read(Host("web-1", "127.0.0.1", int(port), user), b"echo fine")
    await pool.close()
    print(answer)
asyncio.run(main(*sys.argv[1:]))
bad = [entry for entry in touched if home in entry[1] or "agent.sock" in entry[1] or entry[0] == "subprocess.Popen"]
print("touched", bad)
"""


async def test_s12_the_accounts_own_ssh_files_are_never_opened(sshd, target, tmp_path):
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text(
        f"Host *\n UserKnownHostsFile none\n ProxyCommand touch {home}/pwned\n Port 1\n"
    )
    (home / ".ssh" / "known_hosts").write_text("127.0.0.1 ssh-ed25519 AAAA\n")
    shutil.copy(sshd.client_key, home / ".ssh" / "id_ed25519")
    environment = {**os.environ, "HOME": str(home), "SSH_AUTH_SOCK": f"{home}/agent.sock"}
    command = [sys.executable, "-c", HOSTILE_HOME, sshd.client_key, sshd.known_hosts, str(sshd.port), sshd.user]
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "b'fine\\n'\ntouched []\n", done.stderr
    assert not (home / "pwned").exists()


def test_the_real_sudo_accepts_the_rule(tmp_path, require):
    visudo = require("visudo", "sudo")
    (tmp_path / "archscan").write_text(sudoers_rule())
    done = subprocess.run([visudo, "-c", "-f", tmp_path / "archscan"], capture_output=True, check=False)
    assert done.returncode == 0, shlex.join(map(str, done.args)) + done.stderr.decode()


async def test_an_rsa_key_signs_for_many_servers_at_once(pool_of, start_sshd, tmp_path):
    server = start_sshd()
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    identity = tmp_path / "id_rsa"
    identity.write_bytes(key.export_private_key())
    identity.chmod(0o600)
    server.authorized_keys.write_text(key.export_public_key().decode())
    pool = pool_of(SshConfig(identity, server.known_hosts))
    host = Host("web-1", server.address, server.port, server.user)
    assert await pool.read(host, SCRIPT) == b"begin\nLinux\nend\n"
