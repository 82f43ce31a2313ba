"""A program: everything that ``docs/performance.md`` tells, measured in one run, then written there.

Tools take turns, round after round, so that what else this machine does meets them all; of each row the round with the
least processor time counts, for other load only ever adds to it.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import made_up, performance_page
from tests.bench.loopback_fleet import USER, LoopbackFleet
from tests.bench.own_process import registry_of
from tests.bench.peers import Installed, Tool, environment, tools

ROOT = Path(__file__).parent.parent.parent
WORKLOADS = 20
TIMEOUT_S = 600


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    fan_out: tuple[int, ...]
    rounds: int
    rescan: tuple[int, ...]
    again: int
    scan: int
    cluster: int
    serving: int
    profile: int


FULL = Size((100, 300, 1000), 2, (100, 1000, 10_000), 3, 1000, 1000, 10_000, 1000)
QUICK = Size((100,), 2, (100, 1000), 2, 100, 100, 1000, 300)


@dataclass(frozen=True)
class Cost:
    """What a program took with all that it started; ``rss_mb`` is that of its largest process."""

    who: str
    does: str
    hosts: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    command: str


def started(argv: list[str], more: dict[str, str], out: Path) -> tuple[float, float, float, int]:
    """Seconds by the clock, seconds of processor time, MB of the largest process, exit status."""
    began = time.monotonic()
    with out.open("wb") as written:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment() | more,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, process.returncode


def fan_out(fleet: LoopbackFleet, every: list[Tool], count: int, rounds: int) -> list[Cost]:
    """Every tool reads the first ``count`` hosts, as often as there are rounds."""
    found: dict[str, list[Cost]] = {}
    hosts = fleet.listed(f"hosts-{count}", count=count)
    for _ in range(rounds):
        for tool in every:
            argv = tool.start(fleet, hosts, count) if count <= tool.most else None
            if argv is None:
                continue
            wall_s, cpu_s, rss_mb, status = started(argv, dict(tool.environment(fleet)), fleet.folder / "out")
            if status:
                print(f"{tool.name}: ended with {status}", flush=True)
                continue
            command = shown(argv, fleet.folder)
            found.setdefault(tool.name, []).append(Cost(tool.name, tool.does, count, wall_s, cpu_s, rss_mb, command))
            print(f"{count} hosts, {tool.name}: {wall_s:.2f} s, {cpu_s / count * 1000:.2f} ms CPU a host", flush=True)
    return [min(costs, key=lambda cost: cost.cpu_s) for costs in found.values()]


def shown(argv: list[str], folder: Path) -> str:
    """A command without the folders of the machine that it ran on."""
    words = [Path(word).name if Path(word).parent.name == "bin" else word for word in argv]
    return " ".join(words).replace(str(folder), "DIR").replace(f"{ROOT}/", "")


Profile = dict[str, dict[str, float]]
"""By what was done seconds of processor time by part."""

OWN_REGISTRY = {"plain_http": True, "rate": 2000, "burst": 2000}
"""It stands beside the fleet: what a stranger's is usually asked at most, 200 times a second, would be measured instead."""


def scan(folder: Path, count: int, rounds: int) -> tuple[list[Cost], Profile]:
    """``archscan scan`` of fresh hosts beside ``xargs ssh``, which judges nothing; once more, looked into."""
    shelf, images = made_up.stock()
    with registry_of(shelf) as registry:
        answers = list(made_up.answers(count, WORKLOADS, registry, images).values())
        with LoopbackFleet(folder, answers) as fleet:
            hosts = {one: {"address": one, "port": fleet.port, "user": USER} for one in fleet.addresses}
            config = folder / "archscan.yml"
            config.write_text(json.dumps({
                "inventory": [{"kind": "static", "hosts": hosts}],
                "ssh": {"identity_file": str(fleet.key), "known_hosts_file": str(fleet.known_hosts)},
                "registries": {registry: OWN_REGISTRY},
            }))  # fmt: skip
            # 1: findings, which a fleet with images that lack a platform has
            argv = ["sh", "-c", f"{sys.executable} -m scanner scan --config {config} --format json; test $? -le 1"]
            rows = [
                Tool(
                    "archscan scan --format json", "host keys verified, every workload parsed, judged", lambda *_: argv
                )
            ]
            compared = [tool for tool in tools(Installed(folder / "none")) if tool.name == "xargs -P 100 ssh"]
            costs = fan_out(fleet, rows + compared, count, rounds)
            return costs, profiled("scan", "scan", "--config", str(config), "--format", "json")


def profiled(what: str, *arguments: str) -> Profile:
    """One more run of the same that is looked into as it goes; empty where it does not come to its end."""
    with tempfile.NamedTemporaryFile() as file:
        argv = [sys.executable, "-m", "tests.bench.sampled", file.name, what, *arguments]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False, timeout=TIMEOUT_S * 3)
        except subprocess.TimeoutExpired as late:
            print(f"profile: {late}", flush=True)
            return {}
        found: Profile = {} if done.returncode else json.loads(Path(file.name).read_text())
    print(f"profile: {found or done.stderr[-500:]}", flush=True)
    return found


def rescans(sizes: tuple[int, ...], again: int, *more: str) -> list[dict[str, object]]:
    """The service's first scan, then scans of the fleet that did not change, over SSH."""
    found = []
    for count in sizes:
        argv = [sys.executable, "-m", "tests.bench.rescan", str(count), str(WORKLOADS), "--again", str(again), "--ssh"]
        argv += more
        try:
            done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False, timeout=TIMEOUT_S * 3)
        except subprocess.TimeoutExpired as late:
            print(f"profile: {late}", flush=True)
            return {}
        if done.returncode:
            print(f"{count} hosts again: {done.stderr[-500:]}", flush=True)
            continue
        found.append({"hosts": count, **json.loads(done.stdout.splitlines()[-1])})
        print(f"{count} hosts again: {found[-1]['again']}", flush=True)
    return found


def serving(count: int, again: int) -> dict[str, Any] | None:
    """How long the service takes to answer while it scans again."""
    argv = [sys.executable, "-m", "tests.bench.serving", str(count), str(WORKLOADS), "--again", str(again)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False, timeout=TIMEOUT_S * 3)
    if done.returncode:
        print(f"{count} hosts, serving: {done.stderr[-500:]}", flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{count} hosts, serving: {found['turns']}", flush=True)
    return found


def trail() -> dict[str, Any] | None:
    """What the tamper-evident log takes and gives a second, with the load of that moment."""
    begun = machine()
    argv = [sys.executable, "-W", "ignore", "-m", "tests.bench.trail"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False, timeout=TIMEOUT_S)
    if done.returncode:
        print(f"trail: {done.stderr[-500:]}", flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"trail: {found}", flush=True)
    return found | {"machine": begun}


CLUSTERS = (0, 1, 2, 4)
"""Workers that read the hosts; none: the scanner itself."""


def clustered(count: int, again: int) -> list[dict[str, object]]:
    """The same with hosts read by the scanner itself, then by one, two, four workers on this machine."""
    found = []
    for workers in CLUSTERS:
        rows = rescans((count,), again, "--workers", str(workers))
        found += [{"workers": workers, **row} for row in rows]
    return found


def kept(fleet: LoopbackFleet, count: int) -> dict[str, float]:
    """Our own fetch over fresh, then over kept connections, without start; ms of processor time a host."""
    hosts = fleet.listed(f"hosts-{count}", count=count)
    argv = [*tools(Installed(fleet.folder / "none"))[0].start(fleet, hosts, count), "--turns", "4"]
    turns = [json.loads(line) for line in subprocess.check_output(argv, text=True, cwd=ROOT).splitlines()]
    return {
        "hosts": count,
        "fresh_ms": turns[0]["cpu_s"] / count * 1000,
        "kept_ms": min(turn["cpu_s"] for turn in turns[1:]) / count * 1000,
    }


def machine() -> dict[str, str]:
    """Where this was measured, and what else it had to do."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cpu": f"{os.cpu_count()} processors, {model.partition(':')[2].strip()}",
        "python": sys.version.split()[0],
        "load": "{:.1f}, {:.1f}, {:.1f}".format(*os.getloadavg()),
    }  # fmt: skip


def main(size: Size, peers: Path, page: Path, *, quick: bool) -> None:
    """Measure part after part; the page tells of those that are done."""
    compileall.compile_dir(ROOT / "scanner", quiet=1)  # as an installation has it; no process of a scan writes it
    begun = machine()
    found: dict[str, Any] = {
        "quick": quick,
        "fan_out": [],
        "kept": None,
        "scan": [],
        "rescan": [],
        "serving": None,
        "cluster": [],
        "trail": None,
        "profile": {},
    }

    def write() -> None:
        found["machine"] = begun | {"load_after": machine()["load"]}
        performance_page.write(found, page)
        page.with_suffix(".json").write_text(json.dumps(found, indent=1))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        installed = Installed(peers)
        installed.install()
        for part in ("peers", "scan"):
            (folder / part).mkdir()
        _, images = made_up.stock()
        answers = list(made_up.answers(max(size.fan_out), WORKLOADS, "registry.example", images).values())
        found["answer_bytes"] = len(answers[0])
        with LoopbackFleet(folder / "peers", answers) as fleet:
            found["kept"] = kept(fleet, max(size.fan_out))
            for count in size.fan_out:
                found["fan_out"] += map(asdict, fan_out(fleet, tools(installed), count, size.rounds))
                write()
        costs, profile = scan(folder / "scan", size.scan, size.rounds)
        found["scan"] = [*map(asdict, costs)]
        found["profile"] |= profile
        write()
        for count in size.rescan:
            found["rescan"] += rescans((count,), size.again)
            write()
        found["profile"] |= profiled("serve", str(size.profile), str(WORKLOADS))
        found["serving"] = serving(size.serving, size.again)
        write()
        found["cluster"] = clustered(size.cluster, size.again)
        write()
        found["trail"] = trail()
        write()
    print(f"written: {page}")


def trail_again(page: Path) -> None:
    """Measure the trail alone; everything else stays as the run before this one has left it."""
    figures = page.with_suffix(".json")
    found = json.loads(figures.read_text()) | {"trail": trail()}
    performance_page.write(found, page)
    figures.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes instead of ten")
    parser.add_argument("--peers", type=Path, default=ROOT / ".setup" / "peers", help="where tools from PyPI go")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--fan-out", type=int, nargs="+", help="sizes of the fleets that all tools read")
    parser.add_argument("--rescan", type=int, nargs="+", help="sizes of the fleets that are scanned again")
    parser.add_argument("--scan", type=int, help="size of the fleet that is scanned once")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--trail-alone", action="store_true", help="the trail's part of a page that is there already")
    chosen = parser.parse_args()
    if chosen.trail_alone:
        trail_again(chosen.page)
        sys.exit()
    wanted = QUICK if chosen.quick else FULL
    own = {name: getattr(chosen, name) for name in ("fan_out", "rescan", "scan", "rounds") if getattr(chosen, name)}
    main(replace(wanted, **own), chosen.peers, chosen.page, quick=chosen.quick)
