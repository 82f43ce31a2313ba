"""A process beside the command that asks hosts for it: the same is learned as by a pool of this process's own."""

import asyncio
from pathlib import Path

import pytest

from scanner.hosts.ssh import fetcher as fetcher_module
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.fetcher import Fetcher
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


async def test_a_process_that_never_starts_costs_no_host(config_for, fake_host, keys, fetcher_of, host_at, monkeypatch):
    monkeypatch.setattr(fetcher_module, "BOOT", "raise SystemExit(3)")
    fake = await fake_host()
    config = config_for(f"[127.0.0.1]:{fake.port} {public(keys['host'])}")
    fetcher = fetcher_of(config)
    assert fetcher.open(lambda: here(config)) == ()
    assert await fetcher.read(host_at(fake.port)) == b"<" + script() + b">"


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
