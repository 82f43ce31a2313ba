"""Ask cron, anacron, supervisord and Monit what they make of tables: ``python -m tests.probe.planned.units.record_tables``.

Their packages of Debian are fetched by ``apt-get download`` and run from where they are unpacked. Needs root.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from tests.probe.planned.units.host_tables import ANACRON, CRON, MONIT, SUPERVISORD

DATA = Path(__file__).parents[3] / "data" / "units" / "tables.json"
PROGRAMS = """
import json, sys
from supervisor.options import ServerOptions
options = ServerOptions()
try:
    options.realize(["-c", sys.argv[1]])
except (SystemExit, ValueError):
    print("null")
else:
    print(json.dumps([[p.command, p.uid, p.directory, p.environment] for g in options.process_group_configs for p in g.process_configs]))
"""
DUMP = """#!{python}
import json, os, sys
said = [sys.argv[1:], os.getuid(), os.getcwd(), {{k: v for k, v in os.environ.items() if len(k) == 1}}, sys.stdin.read()]
with open({out!r}, "a") as sink:
    sink.write(json.dumps(said) + "\\n")
"""
WAIT_S = 8


def packages(home: Path) -> Path:
    for name in ("supervisor", "monit", "cron", "anacron"):
        subprocess.run(["apt-get", "download", name], cwd=home, check=True, capture_output=True)
    for package in home.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, home / "root"], check=True)
    return home / "root"


def written(home: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@HERE@", str(home)))
        path.chmod(0o600)
    return home / next(iter(files))


def by_supervisord(root: Path, home: Path, files: dict[str, str]) -> list | None:
    first = next(iter(files))
    (home / "etc").mkdir()
    texts = files if "[supervisord]" in files[first] else files | {first: f"[supervisord]\n{files[first]}"}
    path = written(home / "etc", texts)
    env = {"PYTHONPATH": str(root / "usr/lib/python3/dist-packages"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["/usr/bin/python3", "-c", PROGRAMS, path], env=env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.replace(f"{home}/", "/"))


def by_monit(root: Path, home: Path, files: dict[str, str]) -> list | None:
    path = written(home, files)
    path.write_text(f"set daemon 30\nset idfile {home}/i\nset statefile {home}/s\n{path.read_text()}")
    done = subprocess.run([root / "usr/bin/monit", "-c", path, "-vIt"], capture_output=True, text=True, check=False)
    if done.returncode or "does not exist: ''" in done.stderr + done.stdout:
        return None
    programs = re.findall(r"(?s) program +=[ ]'(.*?)'(?: as uid (\d+))?(?: as gid \d+)? timeout", done.stdout)
    actions = re.findall(r"exec '([^'\n]*)'(?: as uid (\d+))?", done.stdout)
    checks = [(path, "") for path in re.findall(r"(?m)^ Path +=[ ](.*)", done.stdout)]
    return sorted([command, int(uid or 0)] for command, uid in (*programs, *actions, *checks))


def by_cron(root: Path, home: Path, place: str, text: str) -> list:
    out = home / "out"
    shim = home / "shell"
    shim.write_text(DUMP.format(python="/usr/bin/python3", out=str(out)))
    shim.chmod(0o755)
    home.chmod(0o777)
    out.touch()
    out.chmod(0o666)
    for folder in ("d", "spool/crontabs"):
        (home / folder).mkdir(parents=True)
    table = home / ("d/x" if place == "cron.d" else f"spool/{place}")
    table.write_text(f"SHELL={shim}\n{text}")
    table.chmod(0o600)
    (home / "empty").touch()
    script = (
        f"mkdir -p /etc/cron.d /var/spool/cron; touch /etc/crontab; mount --bind {home}/d /etc/cron.d; "
        f"mount --bind {home}/spool /var/spool/cron; mount --bind {home}/empty /etc/crontab; mount -t tmpfs tmpfs /run; "
        f"exec {root}/usr/sbin/cron -f"
    )
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", script]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as started:
        end, size = time.monotonic() + WAIT_S, -1
        while time.monotonic() < end and (size != out.stat().st_size or not size):
            size = out.stat().st_size
            time.sleep(1)
        started.kill()
    return sorted(json.loads(line) for line in out.read_text().splitlines())


def by_anacron(root: Path, home: Path, text: str) -> list:
    out, shim, table = home / "out", home / "docker", home / "tab"
    shim.write_text(DUMP.format(python="/usr/bin/python3", out=str(out)))
    shim.chmod(0o755)
    (home / "spool").mkdir()
    table.write_text(f"SHELL=/nowhere\nPATH={home}:/usr/bin:/bin\n{text}")
    argv = [root / "usr/sbin/anacron", "-f", "-n", "-s", "-d", "-t", table, "-S", home / "spool"]
    subprocess.run(argv, check=False, capture_output=True, timeout=60, env={"PATH": os.environ["PATH"]})
    return sorted(json.loads(line) for line in out.read_text().splitlines()) if out.exists() else []


def main() -> None:
    found: dict[str, dict] = {"supervisord": {}, "monit": {}, "cron": {}, "anacron": {}}
    with tempfile.TemporaryDirectory() as folder:
        root = packages(Path(folder))

        def place(number: int) -> Path:
            made = Path(folder) / f"case{number}"
            made.mkdir()
            return made

        at = iter(range(1000))
        Path(folder).chmod(0o755)
        for name, files in SUPERVISORD.items():
            found["supervisord"][name] = by_supervisord(root, place(next(at)), files)
        for name, files in MONIT.items():
            found["monit"][name] = by_monit(root, place(next(at)), files)
        for name, (table, text) in CRON.items():
            found["cron"][name] = by_cron(root, place(next(at)), table, text)
        for name, text in ANACRON.items():
            found["anacron"][name] = by_anacron(root, place(next(at)), text)
    DATA.write_text(json.dumps(found, indent=1) + "\n")
    print(DATA.read_text())


if __name__ == "__main__":
    main()
