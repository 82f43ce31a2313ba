"""The leak check finds what it is there to find."""

from contextlib import closing
from http.client import HTTPConnection

import pytest

CASES = {
    "pending task": """
import asyncio
kept = []
async def test_leaks():
    kept.append(asyncio.get_running_loop().create_task(asyncio.sleep(3600)))
""",
    "thread": """
import threading
go = threading.Event()
def test_leaks():
    threading.Thread(target=go.wait, args=(15,), daemon=True).start()
""",
    "descriptor": """
import os
def test_leaks():
    os.pipe()
""",
    "child process": """
import subprocess
kept = []
def test_leaks():
    kept.append(subprocess.Popen(["sleep", "15"]))
def test_tidies():
    for child in kept:
        child.kill()
        child.wait()
""",
}


@pytest.mark.parametrize("kind", CASES)
def test_a_leak_is_an_error_that_names_it(kind, pytester):
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(CASES[kind])
    outcome = pytester.runpytest_subprocess("-p", "tests.real.leaks", "-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=2 if kind == "child process" else 1, errors=1)
    outcome.stdout.fnmatch_lines([f"*{kind}*"])


def test_a_clean_test_passes(pytester):
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile("""
import asyncio, subprocess
async def test_clean():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await reader.read()
    writer.close()
    await asyncio.to_thread(subprocess.run, ["true"])
    server.close()
    await server.wait_closed()
""")
    pytester.runpytest_subprocess("-p", "tests.real.leaks", "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_registry_lets_go_of_connections_that_its_clients_keep(lenient_registry):
    with closing(HTTPConnection(lenient_registry.host, lenient_registry.port, timeout=10)) as client:
        client.request("GET", "/v2/")
        client.getresponse().read()
        kept = client.sock
        lenient_registry.let_go()
        assert kept.recv(1) == b""
