"""Requests a second of httpx or its continuation against a local server: ``python http_clients.py MODULE [ours]``.

With ``ours`` httpx asks over the project's own pool of connections, from the project's own environment.

Needs nothing but the library that it is told to measure, so that one that the project does not depend on is measured
in an environment of its own. The server is a process of its own, answers 1 KiB, keeps connections.
"""

import asyncio
import importlib
import multiprocessing
import os
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024
CONNECTIONS = (1, 10, 50)
REQUESTS = 500
"""Of each round: half a second on a quiet machine."""

ROUNDS = 3
"""The best one counts; whatever disturbs a round makes it slower, never faster."""


async def served(reader, writer):
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def serve(port):
    async def forever():
        server = await asyncio.start_server(served, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


def own_transport(connections):
    from scanner.registry.http import pinned_transport  # noqa: PLC0415 -- the project is not there in every environment

    pinned_transport.MAX_CONNECTIONS = connections
    return pinned_transport.make_transport(own_hosts=("127.0.0.1",), plain_http=True)


def their_transport(library, connections):
    limits = library.Limits(max_connections=connections, max_keepalive_connections=connections)
    return library.AsyncHTTPTransport(limits=limits)


async def round_of(library, url, connections, *, own):
    """Seconds of wall and of CPU that all requests took."""
    async with own_transport(connections) if own else their_transport(library, connections) as transport:
        waiting = iter(range(REQUESTS))

        async def worker():
            for _ in waiting:
                response = await transport.handle_async_request(library.Request("GET", url))
                assert len(b"".join([piece async for piece in response.stream])) == 1024
                await response.aclose()

        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker() for _ in range(connections)))
        return time.perf_counter() - wall, time.process_time() - cpu


def main(name, whose=""):
    library = importlib.import_module(name)
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}/v2/shop/api/manifests/1.4"
    print(f"{name} {whose} {library.__version__}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for connections in CONNECTIONS:
        rounds = [asyncio.run(round_of(library, url, connections, own=bool(whose))) for _ in range(ROUNDS)]
        wall, cpu = (REQUESTS / min(times) for times in zip(*rounds, strict=True))
        print(f"{connections:>3} connections: {wall:7.0f} requests a second, {cpu:7.0f} a second of CPU")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
