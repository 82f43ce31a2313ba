"""A process beside the command that asks hosts for it: the same is learned as by a pool of this process's own."""

import asyncio
import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from scanner.domain.failure import Failure, Reach
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.offload_worker import pickled
from scanner.hosts.ssh import fetcher as fetcher_module
from scanner.hosts.ssh import fetcher_process
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.fetcher import Fetcher, FetcherError
from scanner.hosts.ssh.fetching import ASKED, TOLD, Told, failure_of, failure_text
from scanner.hosts.ssh.ssh_source import SshSource
from scanner.hosts.ssh.trust import TrustError
from scanner.probe.script import script
from tests.hosts.ssh.conftest import public


@pytest.fixture
async def fetcher_of():
    """``fetcher_of(config)``: one that is not opened yet, which ends after the test."""
    started = []

    def make(config):
        started.append(Fetcher(config))
        return started[-1]

    yield make
    for fetcher in started:
        await fetcher.close()
        assert fetcher.process.returncode is not None


def here(config):
    return SshSource.open(config, script(), 0, lambda _answer: False)


def not_here():
    raise AssertionError("the process is there")


async def test_it_says_of_each_host_what_a_pool_says(config_for, fake_host, keys, fetcher_of, host_at, monkeypatch):
    """Another key than the known one, a port where nobody listens. It was told of nothing that is a login."""
    monkeypatch.setenv("ARCHSCAN_REGISTRIES__TOKEN", "hunter2")
    sound, changed = await fake_host(), await fake_host()
    config = config_for(
        f"[127.0.0.1]:{sound.port} {public(keys['host'])}", f"[127.0.0.1]:{changed.port} {public(keys['other'])}"
    )
    hosts = [host_at(sound.port), host_at(changed.port, "web-2"), host_at(1, "web-3")]
    fetcher = fetcher_of(config)
    assert fetcher.open(not_here) == ()
    said = await asyncio.gather(*map(fetcher.read, hosts))
    pool = ConnectionPool.open(config)
    assert said == [await pool.read(host, script()) for host in hosts]
    assert isinstance(said[0], bytes)
    await pool.close()
    told = Path(f"/proc/{fetcher.process.pid}")
    assert b"hunter2" not in (told / "environ").read_bytes() + (told / "cmdline").read_bytes()


async def test_of_a_process_that_was_killed_hosts_are_asked_here_once_more(
    config_for, fake_host, keys, fetcher_of, host_at
):
    reached = asyncio.Event()
    asked = []

    async def answer(process):
        asked.append(process)
        if not reached.is_set():
            reached.set()
            await process.stdin.channel.wait_closed()  # it ends with the process
            return
        process.stdout.write(b"an answer")
        process.exit(0)

    fake = await fake_host(answer)
    config = config_for(f"[127.0.0.1]:{fake.port} {public(keys['host'])}")
    fetcher = fetcher_of(config)
    fetcher.open(lambda: here(config))
    under_way = asyncio.create_task(fetcher.read(host_at(fake.port)))
    await reached.wait()
    fetcher.process.kill()
    assert await under_way == b"an answer"
    assert await fetcher.read(host_at(fake.port)) == b"an answer"
    assert len(asked) == 3


@pytest.mark.parametrize("boot", ["raise SystemExit(3)", "import time;time.sleep(1e6)"], ids=["it ends", "it hangs"])
async def test_a_process_that_never_starts_costs_no_host(
    config_for, fake_host, keys, fetcher_of, host_at, monkeypatch, tmp_path, boot
):
    """Keys that cannot be used are told then, too."""
    monkeypatch.setattr(fetcher_module, "BOOT", boot)
    monkeypatch.setattr(fetcher_module, "START_WITHIN_S", 0.2)
    fake = await fake_host()
    config = config_for(f"[127.0.0.1]:{fake.port} {public(keys['host'])}")
    with pytest.raises(TrustError):
        fetcher_of(config).open(lambda: here(replace(config, identity_file=tmp_path / "nowhere")))
    fetcher = fetcher_of(config)
    assert fetcher.open(lambda: here(config)) == ()
    assert await fetcher.read(host_at(fake.port)) == b"<" + script() + b">"


def told(kind, payload):
    return TOLD.pack(1, kind, len(payload)) + payload


@pytest.mark.parametrize(
    "said",
    [told(Told.FAILURE, pickle.dumps(Failure(Reason.HOST_REFUSED))), TOLD.pack(1, Told.ANSWER, 0xFFFF_FFFF)],
    ids=["a pickle", "too long"],
)
async def test_a_process_that_says_what_none_of_ours_does_ends_and_costs_no_host(
    config_for, fake_host, keys, fetcher_of, host_at, monkeypatch, said
):
    speaks = f"import socket;s=socket.socket(fileno=0);s.sendall({told(Told.READY, b'') + said!r})\nwhile s.recv(9): 0"
    monkeypatch.setattr(fetcher_module, "BOOT", speaks)
    fake = await fake_host()
    config = config_for(f"[127.0.0.1]:{fake.port} {public(keys['host'])}")
    fetcher = fetcher_of(config)
    assert fetcher.open(lambda: here(config)) == ()
    assert await fetcher.read(host_at(fake.port)) == b"<" + script() + b">"
    assert fetcher.process.returncode is not None


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Told.FAILURE, b'{"reason": "fine"}'),
        (Told.FAILURE, b'{"reason": "host_refused", "port": 1e999}'),
        (Told.FAILURE, b'{"reason": "host_refused", "act": 1}'),
        (Told.FAILURE, b'{"cause": null}'),
        (Told.FAILURE, b"[]"),
        (Told.FAILURE, b"[" * 200_000),
        (Told.FAILURE, b'{"a":' * 50_000),
        (Told.BUG, b'{"said": 7}'),
        (Told.BUG, b'{"said": []}'),
        (Told.READY, b""),
    ],
)
def test_what_it_says_is_nothing_but_what_it_is_asked_for(kind, payload):
    with pytest.raises(ValueError):
        fetcher_module._said(kind, payload)


def test_a_failure_comes_as_it_was():
    bastion = Failure(
        Reason.HOST_BASTION, "no\n\x1b\u00fc", "gw", "::1", "/k", "ssh.jump", "me", 22, True, Reach.HERE,
        Reason.HOST_REFUSED, "a,b",
    )  # fmt: skip
    for failure in (bastion, Failure(Reason.HOST_TIMEOUT)):
        assert failure_of(failure_text(failure)) == failure
    assert failure_of(failure_text(replace(bastion, path="/k\udcff"))) == replace(bastion, path="/k?")


async def test_a_bug_in_it_is_told_with_its_place():
    class Broken:
        async def read(self, host):
            return host.name / 2

    asked, reader, said = pickled(Host("web-1", "10.0.0.1")), asyncio.StreamReader(), bytearray()
    reader.feed_data(ASKED.pack(1, len(asked)) + asked)
    working = asyncio.create_task(fetcher_process._read(Broken(), reader, SimpleNamespace(write=said.extend)))
    while not said:
        await asyncio.sleep(0)
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await working
    bug = fetcher_module._said(Told.BUG, bytes(said[TOLD.size :]))
    assert isinstance(bug, FetcherError)
    assert str(bug).startswith("TypeError: unsupported operand")
    assert "host.name / 2" in bug.__notes__[0]


async def test_nobody_waits_for_a_host_any_more(config_for, fake_host, keys, fetcher_of, host_at):
    """As when the deadline comes: the connection to it ends."""
    reached, left = asyncio.Event(), asyncio.Event()

    async def answer(process):
        reached.set()
        await process.stdin.channel.wait_closed()
        left.set()

    fake = await fake_host(answer)
    fetcher = fetcher_of(config_for(f"[127.0.0.1]:{fake.port} {public(keys['host'])}"))
    fetcher.open(not_here)
    under_way = asyncio.create_task(fetcher.read(host_at(fake.port)))
    await reached.wait()
    under_way.cancel()
    async with asyncio.timeout(60):
        await left.wait()
    assert fetcher.process.poll() is None


async def test_keys_that_cannot_be_used_are_told_as_by_a_pool(config_for, fetcher_of):
    config = config_for("not a line", identities=())
    Path(config.identity_file).write_text("no key")
    fetcher = fetcher_of(config)
    with pytest.raises(TrustError) as told:
        ConnectionPool.open(config)
    assert fetcher.open(not_here) == told.value.problems
