"""Small inputs that once stopped the service: each costs its own file or host, health answers all the while."""

import contextlib
import json
import socket
import time

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, image: 'registry.invalid/n:1'}]}\n"
GOOD = "services:\n  good: {image: 'registry.invalid/good:1'}\n"


def merge_bomb():
    levels = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(10)) + "}"]
    levels += [f"a{n}: &a{n} {{<<: [" + ", ".join([f"*a{n - 1}"] * 10) + "]}" for n in range(1, 9)]
    return POD + "\n".join(levels) + "\n"


def alias_bomb():
    levels = ["a0: &a0 [" + ", ".join(["x"] * 10) + "]"]
    levels += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 10)]
    return "\n".join(levels) + "\nservices: {b: {image: 'registry.invalid/b:1', command: *a9}}\n"


BOMBS = {
    "N01 merge keys": ("bomb.yaml", merge_bomb()),
    "N01 aliases": ("compose.yml", alias_bomb()),
    "N02 extends": ("compose.yml", "services:\n  b: {image: 'registry.invalid/b:1'}\n" + "".join(f"  s{n}: {{extends: b}}\n" for n in range(1600))),
    "N02 a chain of extends": ("compose.yml", "services:\n  s0: {image: 'registry.invalid/b:1'}\n" + "".join(f"  s{n}: {{extends: s{n - 1}}}\n" for n in range(1, 1600))),
    "N02 a long command": ("compose.yml", "services:\n  b:\n    image: 'registry.invalid/b:1'\n    command: " + "a 'b' " * 150_000 + "\n"),
    "N02 a long name": ("compose.yml", f"services:\n  {'n' * 200_000}: {{image: 'registry.invalid/b:1'}}\n"),
    "N09 a wrong type": ("compose.yml", "services:\n  b: {image: 'registry.invalid/b:1', extends: {service: [1]}}\n"),
    "N02 nesting": ("deep.yaml", POD + "x: " + "[" * 5000 + "]" * 5000 + "\n"),
    "N02 braces": ("job.nomad", 'job "x" {' + "a {" * 20_000 + "}" * 20_000 + "}"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_among_the_plans_costs_its_own_folder_at_most(serve, tmp_path, bomb):
    name, content = BOMBS[bomb]
    for folder in ("box", "all"):
        (tmp_path / "plans" / folder).mkdir(parents=True)
    (tmp_path / "plans/box" / name).write_text(content)
    (tmp_path / "plans/all/compose.yml").write_text(GOOD)
    service = serve(wait=False, plans={"directory": "plans"}, registries={"timeout": "1s"})
    with service.watched():
        report = service.scan()
    findings = {finding["workload"]: finding for finding in report["findings"]}
    assert "good" in findings or any("good" in name for name in findings)
    assert all(finding["status"] != "ok" for finding in report["findings"] if finding["stage"] == "planned")
    assert service.stop() < 10


@pytest.fixture
def silent():
    """Forty addresses at which somebody accepts connections and says nothing."""
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(socket.create_server(("127.0.9.1", 0))).getsockname()[1]
        for number in range(2, 41):
            stack.enter_context(socket.create_server((f"127.0.9.{number}", port)))
        yield [f"127.0.9.{number}:{port}" for number in range(1, 41)]


def test_n10_half_open_requests_and_silent_registries_under_few_descriptors(serve, silent):
    planned = [{"image": f"{address}/x{number}:1"} for number in range(8) for address in silent]
    plain = {"plain_http": True, "allow_networks": ["127.0.0.0/8"]}
    service = serve(
        wait=False, argv=("prlimit", "--nofile=256:256"),
        inventory=[{"kind": "local", "name": "box", "planned": planned}],
        registries={"timeout": "20s", **dict.fromkeys(silent, plain)},
    )  # fmt: skip
    before = len(service.log)
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    opened = []
    with service.watched():
        for _ in range(16):
            for _ in range(20):
                one = socket.create_connection(address, timeout=30)
                one.sendall(b"GET / HTTP/1.1\r\nHost: local")
                opened.append(one)
            time.sleep(0.2)
    for one in opened:
        one.close()
    lines = service.log[before:].splitlines()
    assert len(lines) < 20, lines[:40]
    assert "descriptors_exhausted" not in service.log
    assert service.stop() < 10


def test_n11_a_kept_connection_waits_for_no_receipt(serve):
    service = serve()
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    took = []
    with socket.create_connection(address) as kept:
        for _ in range(60):
            began = time.monotonic()
            kept.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while b"healthy" not in kept.recv(65536):
                pass
            took.append(time.monotonic() - began)
    # A receipt comes after 40 ms: one answer of fifty in less is enough to see that none waits for it.
    assert min(took[10:]) < 0.03


def test_sigterm_in_the_middle_of_a_scan_ends_in_time_with_few_lines(serve, tmp_path):
    for number in range(200):
        (tmp_path / f"plans/box/{number}").mkdir(parents=True)
        (tmp_path / f"plans/box/{number}/compose.yml").write_text(BOMBS["N02 extends"][1])
    service = serve(wait=False, plans={"directory": "plans"})
    service.ask("/api/v1/scans", "POST", {})
    with service.watched():
        time.sleep(1)
    assert service.stop() < 10
    assert json.dumps(service.log).count("Traceback") == 0
