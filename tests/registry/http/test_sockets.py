"""What httpcore gets of a connection, from servers on real sockets."""

import asyncio
import ssl

import httpcore
import pytest

from scanner.registry.http.sockets import MAX_AHEAD_BYTES, AsyncioBackend


@pytest.fixture
async def connected():
    """``await connected(serve)``: a connection to a server that does this with each of its own; no deadline is longer than ten seconds."""
    servers = []

    async def to(serve):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        stream = await AsyncioBackend().connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1], 10.0)
        streams.append(stream)
        return stream

    streams = []
    yield to
    for stream in streams:
        await stream.aclose()
    for server in servers:
        server.close()
        await server.wait_closed()


async def read_out(stream):
    pieces = []
    while piece := await stream.read(1000, 10.0):
        pieces.append(piece)
    return b"".join(pieces)


async def test_all_of_it_is_read_in_order_then_the_end(connected):
    said = bytes(range(256)) * 4096  # several times what is taken ahead

    async def serve(_reader, writer):
        writer.write(said)
        await writer.drain()
        writer.close()

    assert await read_out(await connected(serve)) == said


async def test_a_sender_waits_while_nobody_reads_and_a_reader_for_no_longer_than_its_time(connected):
    sent = []

    async def serve(_reader, writer):
        writer.transport.set_write_buffer_limits(0)
        try:
            while True:
                writer.write(bytes(MAX_AHEAD_BYTES))
                await writer.drain()
                sent.append(MAX_AHEAD_BYTES)
        except ConnectionError:
            writer.close()

    stream = await connected(serve)
    await stream.read(1, 10.0)
    with pytest.raises(httpcore.WriteTimeout):  # by then both sides' buffers are full
        await stream.write(bytes(64 << 20), 0.5)
    before = sum(sent)
    assert before < 32 << 20
    assert len(await stream.read(1 << 30, 10.0)) <= 5 * MAX_AHEAD_BYTES


async def test_nothing_that_comes_before_tls_counts(connected):
    async def serve(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    stream = await connected(serve)
    while not stream.get_extra_info("is_readable"):
        await asyncio.sleep(0)
    with pytest.raises(httpcore.ConnectError) as raised:
        await stream.start_tls(ssl.create_default_context(), "localhost", 10.0)
    assert isinstance(raised.value.__cause__, ssl.SSLError)


async def test_a_connection_that_ended_before_tls_is_broken_not_untrusted(connected):
    async def serve(_reader, writer):
        writer.close()

    stream = await connected(serve)
    assert await stream.read(1, 10.0) == b""
    with pytest.raises(httpcore.ConnectError) as raised:
        await stream.start_tls(ssl.create_default_context(), "localhost", 10.0)
    assert isinstance(raised.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("name", [f"{'a' * 70}.example", "a..b", ".a"])
async def test_a_name_that_no_server_has_is_one_that_cannot_be_reached(connected, name):
    async def serve(reader, writer):
        await reader.read()
        writer.close()

    stream = await connected(serve)
    with pytest.raises(httpcore.ConnectError):
        await stream.start_tls(ssl.create_default_context(), name, 10.0)
    with pytest.raises(httpcore.ConnectError):
        await AsyncioBackend().connect_tcp(name, 443, 10.0)


@pytest.mark.parametrize("reset", [False, True])
async def test_the_end_of_a_connection_is_seen_before_the_next_request(connected, reset):
    async def serve(_reader, writer):
        if reset:
            writer.transport.abort()
        else:
            writer.close()

    stream = await connected(serve)
    while not stream.get_extra_info("is_readable"):
        await asyncio.sleep(0)
    assert await stream.read(1, 10.0) == b""


async def test_a_silent_server_is_a_timeout_and_who_gives_up_leaves_nothing_behind(connected):
    gone = asyncio.Event()

    async def serve(reader, writer):
        await reader.read()
        gone.set()
        writer.close()

    stream = await connected(serve)
    with pytest.raises(httpcore.ReadTimeout):
        await stream.read(1, 0.01)
    await stream.aclose()
    await asyncio.wait_for(gone.wait(), 60)
