"""Ask a real systemd what it makes of variables in commands: ``python -m tests.probe.planned.units.record``.

It is started as process 1 of namespaces of its own, with a target that wants one unit for each case. Needs root.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.probe.planned.units.expansions import CASES, FILE

DATA = Path(__file__).parents[3] / "data" / "units" / "expansions.json"
WAIT_S = 60
BOOT = """
mount -t tmpfs tmpfs /run
umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
exec env -i container=docker PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH="$1" \
  /lib/systemd/systemd --system --unit=all.target --log-target=null --show-status=no
"""


def record(home: Path) -> dict[str, list[str]]:
    units, out = home / "units", home / "out"
    units.mkdir()
    out.mkdir()
    (home / "file").write_text(FILE)
    dump = home / "dump"
    dump.write_text(
        f"#!{sys.executable}\nimport json, os, sys\npath = {str(out)!r} + '/' + sys.argv[1]\n"
        "open(path + '.new', 'w').write(json.dumps(sys.argv[2:]))\nos.rename(path + '.new', path)\n"
    )
    dump.chmod(0o755)
    for number, (settings, words) in enumerate(CASES.values()):
        prefix, rest = (":", words[1:]) if words.startswith(":") else ("", words)
        (units / f"c{number}.service").write_text(
            "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n"
            f"{settings.replace('@FILE@', str(home / 'file'))}\nExecStart={prefix}{dump} {number} {rest}\n"
        )
    wants = " ".join(f"c{number}.service" for number in range(len(CASES)))
    (units / "all.target").write_text(f"[Unit]\nDefaultDependencies=no\nWants={wants}\n")
    argv = [
        "unshare",
        "--pid",
        "--mount",
        "--cgroup",
        "--ipc",
        "--uts",
        "--fork",
        "--mount-proc",
        "--kill-child",
        "sh",
        "-c",
        BOOT,
        "sh",
    ]
    with subprocess.Popen([*argv, f"{units}:/usr/lib/systemd/system"], stdin=subprocess.DEVNULL) as booted:
        end = time.monotonic() + WAIT_S
        while len([path for path in out.iterdir() if path.suffix != ".new"]) < len(CASES) and time.monotonic() < end:
            time.sleep(0.2)
        booted.kill()
    return {
        case: json.loads((out / str(number)).read_text()) if (out / str(number)).exists() else ["@refused"]
        for number, case in enumerate(CASES)
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = record(Path(folder))
    DATA.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(f"{case}: {shlex.join(words)}" for case, words in found.items()))
