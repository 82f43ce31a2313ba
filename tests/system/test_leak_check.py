"""The leak check finds what it is there to find."""

from contextlib import closing
from http.client import HTTPConnection

LEAKING = """
import asyncio, os, subprocess, threading
from tests.real import leaks
kept = []
def setup_module():
    leaks.SETTLE_WITHIN_S = 0.5
def teardown_module():
    leaks.SETTLE_WITHIN_S = 30.0
async def test_pending_task():
    kept.append(asyncio.get_running_loop().create_task(asyncio.sleep(3600)))
def test_thread():
    threading.Thread(target=threading.Event().wait, args=(15,), daemon=True).start()
def test_descriptor():
    os.pipe()
def test_child_process():
    kept.append(subprocess.Popen(["sleep", "15"]))
def test_tidies():
    kept[-1].kill()
    kept[-1].wait()
"""
CLEAN = """
import asyncio, subprocess
async def test_clean():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await reader.read()
    writer.close()
    await asyncio.to_thread(subprocess.run, ["true"])
    server.close()
    await server.wait_closed()
"""
KINDS = ("pending task", "thread", "descriptor", "child process")


def test_each_leak_is_an_error_that_names_it_and_a_clean_test_passes(pytester):
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(test_clean=CLEAN, test_leaking=LEAKING)
    outcome = pytester.runpytest_subprocess("-p", "tests.real.leaks", "-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=len(KINDS) + 2, errors=len(KINDS))
    told = [
        line for kind in KINDS for line in (f"*ERROR at teardown of test_{kind.replace(' ', '_')} *", "left behind*", f"{kind} *")
    ]  # fmt: skip
    outcome.stdout.fnmatch_lines(told)


def test_a_registry_lets_go_of_connections_that_its_clients_keep(lenient_registry):
    with closing(HTTPConnection(lenient_registry.host, lenient_registry.port, timeout=10)) as client:
        client.request("GET", "/v2/")
        client.getresponse().read()
        kept = client.sock
        lenient_registry.let_go()
        assert kept.recv(1) == b""
