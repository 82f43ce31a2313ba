"""A connection that is cut anywhere never yields an answer (S09)."""

import asyncio
import contextlib

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

SCRIPT = b"uname -m\n"
ANSWER = b"<uname -m\n>"
CUTS = 24
"""Points spread over everything that the server says, the last one after it all."""


class Proxy:
    """Passes bytes between client and server, and cuts both after ``limit`` bytes of the server's.

    Where ``is_half`` only the server's half of the connection ends there; what the client says is taken as before.
    """

    def __init__(self, port):
        self.port, self.limit, self.passed, self.is_half = port, None, 0, False
        self.tasks, self.writers = set(), []

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        self.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
            down = asyncio.create_task(self.down(up_reader, writer))
            up = asyncio.create_task(self.up(reader, up_writer))
            try:
                await asyncio.wait([down, up], return_when=asyncio.FIRST_COMPLETED)
            finally:
                up_writer.transport.abort()
                writer.transport.abort()
                for task in (down, up):
                    task.cancel()
                await asyncio.wait([down, up])

    async def up(self, reader, writer):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()

    async def down(self, reader, writer):
        while content := await reader.read(65536):
            room = len(content) if self.limit is None else self.limit - self.passed
            writer.write(content[:room])
            self.passed += len(content[:room])
            await writer.drain()
            if self.limit is not None and self.passed >= self.limit:
                if self.is_half:
                    writer.write_eof()
                    await asyncio.Event().wait()  # for the client to leave
                return


@pytest.fixture
async def proxy(fake_host):
    fake = await fake_host()
    made = Proxy(fake.port)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.listens_at = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks)
    await asyncio.gather(*(writer.wait_closed() for writer in made.writers), return_exceptions=True)


@pytest.mark.parametrize(("cuts", "is_half"), [(CUTS, False), (CUTS // 2, True)])
async def test_s09_no_cut_yields_an_answer(proxy, pool_of, config_for, host_at, keys, tools, cuts, is_half):
    known = f"[127.0.0.1]:{proxy.listens_at} {tools.public(keys['host'])}"
    pool = pool_of(config_for(known, keep_connections=False))
    assert await pool.read(host_at(proxy.listens_at), SCRIPT) == ANSWER
    whole = proxy.passed
    seen = []
    proxy.is_half = is_half
    for cut in range(cuts):
        proxy.passed, proxy.limit = 0, max(1, whole * cut // cuts)
        answer = await pool.read(host_at(proxy.listens_at), SCRIPT)
        seen.append(answer.reason if isinstance(answer, Failure) else answer)
    assert set(seen) == {Reason.HOST_INCOMPLETE}


async def test_s09_a_cut_within_the_last_bytes_yields_all_or_nothing(proxy, pool_of, config_for, host_at, keys, tools):
    known = f"[127.0.0.1]:{proxy.listens_at} {tools.public(keys['host'])}"
    pool = pool_of(config_for(known, keep_connections=False))
    assert await pool.read(host_at(proxy.listens_at), SCRIPT) == ANSWER
    whole = proxy.passed
    for missing in range(0, 120, 8):
        proxy.passed, proxy.limit = 0, whole - missing
        answer = await pool.read(host_at(proxy.listens_at), SCRIPT)
        assert answer == ANSWER or answer.reason is Reason.HOST_INCOMPLETE


async def test_a_kept_connection_whose_server_has_left_by_half_is_made_anew(
    proxy, pool_of, config_for, host_at, keys, tools
):
    known = f"[127.0.0.1]:{proxy.listens_at} {tools.public(keys['host'])}"
    pool = pool_of(config_for(known))
    assert await pool.read(host_at(proxy.listens_at), SCRIPT) == ANSWER
    proxy.writers[0].write_eof()
    assert await pool.read(host_at(proxy.listens_at), SCRIPT) == ANSWER
    assert pool.opened == 2
