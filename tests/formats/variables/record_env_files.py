"""Asks Docker, Podman and systemd what the files of ``env_texts`` set; ``python -m tests.formats.variables.record_env_files``.

Needs root: Docker's client talks to a listener of ours, Podman makes containers that never start, systemd is started
in namespaces of its own. ``ROOT`` names a scratch root with Podman 5 and Docker's client (see ``tests.real.roots``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import TYPE_CHECKING, Any, ClassVar

from tests.formats.variables.env_texts import EVERY, OUTSIDE, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

ANSWERS = Path(__file__).parents[2] / "data" / "env_files"
ROOT = Path(os.environ.get("ROOT", "/var/cache/archscan-tests/trixie"))
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
} | OUTSIDE
BOOT = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && cp "$1"/units/* /run/systemd/system/
umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /etc/systemd/system
exec /lib/systemd/systemd --system --unit=record.target --log-target=console --show-status=no
"""
UNIT = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
EnvironmentFile={folder}/{number}.env
ExecStart=/bin/sh -c 'cat /proc/self/environ > {folder}/{number}.part; mv {folder}/{number}.part {folder}/{number}.systemd'
"""


class _Engine(BaseHTTPRequestHandler):
    """What Docker's client needs of an engine to make a container."""

    protocol_version = "HTTP/1.1"
    created: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_words: object) -> None:
        pass

    def address_string(self) -> str:
        return "client"

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Api-Version": "1.45", "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self._answer(200, b"")

    do_GET = do_HEAD  # noqa: N815 - http.server's own name

    def do_POST(self) -> None:
        self.created.append(json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0")))))
        self._answer(201, b'{"Id":"x","Warnings":[]}')


def _last_of_each(variables: Iterable[str]) -> list[str]:
    """Of a variable that is set twice the engine takes the last."""
    return sorted({one.partition("=")[0]: shortened(one) for one in variables}.values())


def docker(folder: Path) -> list[object]:
    server = ThreadingUnixStreamServer(str(folder / "d.sock"), _Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answers: list[object] = []
    for number in range(len(EVERY)):
        _Engine.created.clear()
        argv = [
            ROOT / "usr/bin/docker",
            "-H",
            f"unix://{folder}/d.sock",
            "create",
            "--env-file",
            f"{folder}/{number}.env",
            "i",
        ]
        subprocess.run(argv, env=ENVIRONMENT, capture_output=True, check=False)
        answers.append(_last_of_each(_Engine.created[0]["Env"] or []) if _Engine.created else None)
    server.shutdown()
    return answers


def podman(folder: Path) -> list[object]:
    script = f"""
mount --bind {ROOT} {ROOT}; mount --rbind /proc {ROOT}/proc; mount --rbind /dev {ROOT}/dev; mount --rbind /sys {ROOT}/sys
for place in run tmp mnt; do mount -t tmpfs tmpfs {ROOT}/$place; done
mkdir -p {ROOT}/mnt/w {ROOT}/mnt/fs; mount --bind {folder} {ROOT}/mnt/w
exec chroot {ROOT} /bin/sh -c 'P="podman --root /mnt/r --runroot /mnt/rr --storage-driver vfs --cgroup-manager cgroupfs"
i=0; while [ $i -lt {len(EVERY)} ]; do
  if $P create --name c$i --network none --env-file /mnt/w/$i.env --rootfs /mnt/fs true >/dev/null 2>/mnt/w/$i.podman-error; then
    $P inspect c$i > /mnt/w/$i.podman
  fi
  i=$((i+1)); done'
"""
    subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], env=ENVIRONMENT, check=False)
    answers: list[object] = []
    for number in range(len(EVERY)):
        told = folder / f"{number}.podman"
        made = {"PATH", "TERM", "container", "HOME", "HOSTNAME", "PODMAN_IGNORE_CGROUPSV1_WARNING", "PWD", "TMPDIR"}
        if told.exists() and told.stat().st_size:
            env = json.loads(told.read_text())[0]["Config"]["Env"]
            answers.append(sorted(shortened(one) for one in env if one.partition("=")[0] not in made))
        else:
            answers.append(None)
    return answers


def systemd(folder: Path) -> list[object]:
    units = folder / "units"
    units.mkdir()
    wants = " ".join(f"t{number}.service" for number in range(len(EVERY)))
    (units / "record.target").write_text(f"[Unit]\nDefaultDependencies=no\nWants={wants} end.service\n")
    (units / "end.service").write_text(
        f"[Unit]\nDefaultDependencies=no\nAfter={wants}\n[Service]\nType=oneshot\n"
        "ExecStart=/bin/systemctl --force --force poweroff\n"
    )
    for number in range(len(EVERY)):
        (units / f"t{number}.service").write_text(UNIT.format(folder=folder, number=number))
    argv = ["unshare", "--pid", "--mount", "--cgroup", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child"]
    done = [*argv, "--propagation", "private", "sh", "-c", BOOT, "sh", str(folder)]
    with (folder / "boot.log").open("wb") as log:
        try:
            subprocess.run(done, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            print("systemd was ended after 60 s", file=sys.stderr)
    answers: list[object] = []
    made = {
        "PATH",
        "LANG",
        "INVOCATION_ID",
        "SYSTEMD_EXEC_PID",
        "PWD",
        "JOURNAL_STREAM",
        "HOME",
        "LOGNAME",
        "SHELL",
        "USER",
    }
    for number in range(len(EVERY)):
        told = folder / f"{number}.systemd"
        if told.exists():
            env = told.read_bytes().decode("utf-8", "replace").split("\0")
            answers.append(sorted(shortened(one) for one in env if one and one.partition("=")[0] not in made))
        else:
            answers.append(None)
    return answers


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="env-files-"))
    for number, raw in enumerate(EVERY):
        (folder / f"{number}.env").write_bytes(raw)
    for owner in (docker, podman, systemd):
        answers = owner(folder)
        print(owner.__name__, sum(answer is None for answer in answers), "refused of", len(answers))
        (ANSWERS / f"{owner.__name__}.json").write_text(json.dumps(answers, indent=0, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
