"""Who runs an engine's command, and where, beside the programs that change it."""

import pwd
import shlex
import subprocess
import tempfile
from pathlib import Path

import pytest

from scanner.probe.planned.commands.command_lines import find
from scanner.probe.planned.commands.run_as import RUN_BY
from scanner.probe.planned.unknown_text import UNKNOWN
from tests.rows import each_row

USERS = [
    ("doas -u web podman run a", "web"), ("doas podman run a", "root"), ("chpst -u web:x podman run a", "web"), ("gosu web:x podman run a", "web"),
    ("su-exec web podman run a", "web"), ("machinectl shell web@ /usr/bin/podman run a", "web"), ("machinectl shell --uid=web .host /usr/bin/podman run a", "web"),
    ("systemd-run --uid=web podman run a", "web"), ("systemd-run -p User=x --pty podman run a", "x"), ("sudo -u web sudo podman run a", "root"), ("env A=b podman run a", "svc"),
]  # fmt: skip
"""Programs that are not everywhere, or ask a manager that is not there in tests."""


@each_row("line, user", USERS)
def test_podman_is_asked_as_the_user_who_runs_it(line, user):
    ((_, env),) = find(tuple(shlex.split(line)), {RUN_BY: "svc"}).started

    assert env[RUN_BY] == user


SWITCHED = (
    "sudo @ run a", "sudo -u nobody @ run a", "sudo --user=nobody @ run -u 5 a", "sudo -unobody @ run a", "sudo -iu nobody true; @ run a", "sudo -E -H -g daemon -u '#65534' -- @ run a",
    "sudo -n A=b @ run a", "sudo -u nobody sh -c '@ run a'", "sudo -s @ run a", "sudo -i @ run a", "sudo -s <<X\n@ run a\nX", "sudo -i <<X\n@ run a\nX", "sudo -s -u games <<X\n@ run a\nX",
    "su -s /bin/sh nobody -c '@ run a'", "su - nobody -s /bin/sh -c '@ run a'", "su -c '@ run a' -s /bin/sh nobody", "su -c '@ run a'", "su --shell=/bin/sh --command='@ run a' nobody",
    "su -l -s /bin/sh nobody -c '@ run a'", "su root -c '@ run a'", "su - -c '@ run a'", "su -ms /bin/sh nobody -c '@ run a'", "su -s /bin/sh nobody <<X\n@ run a\nX", "su - <<X\n@ run a\nX",
    "su -s /bin/sh nobody /opt/x", "sudo su -s /bin/sh games -c '@ run a'",
    "runuser -u nobody -- @ run a", "runuser -u nobody @ run a", "runuser -s /bin/sh nobody -c '@ run a'", "runuser -s /bin/sh -l nobody -c '@ run a'", "runuser -s /bin/sh - nobody <<X\n@ run a\nX",
    "sg daemon -c '@ run a'", "sg daemon '@ run a'", "newgrp daemon <<X\n@ run a\nX",
    "setpriv --reuid=65534 --clear-groups @ run a", "setpriv --reuid nobody --regid nogroup --init-groups @ run a", "setpriv --nnp @ run a",
    "env -C /tmp @ run a", "env --chdir=/tmp @ run a", "env -i @ run a", "nice sudo -u nobody env -C/tmp @ run a", "timeout 5 runuser -u nobody -- @ run a", "cd /tmp; sudo -u nobody @ run a",
)  # fmt: skip
SPY = '#!/bin/sh\nprintf "%s %s\\n" "$(id -u)" "$(pwd)" >>"${0%/*}/log"\n'


@pytest.fixture(scope="module")
def seen(require, require_root):
    """Who ran Podman, and where, in the order in which a real shell starts it; everybody may look into its folder."""
    shell = require("bash", "bash")
    for program, package in (("sudo", "sudo"), ("su", "util-linux"), ("setpriv", "util-linux"), ("newgrp", "passwd")):
        require(program, package)
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        home = Path(made)
        home.chmod(0o755)
        (home / "podman").write_text(SPY)
        (home / "podman").chmod(0o755)
        (home / "x.sh").write_text(f"{home}/podman run a\n")

        def run(line):
            log = home / "log"
            log.write_text("")
            log.chmod(0o666)
            line = line.replace("@", f"{home}/podman").replace("/opt/x", f"{home}/x.sh")
            subprocess.run(
                [shell, "-c", line], cwd="/usr", stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20
            )
            return [
                (pwd.getpwuid(int(user)).pw_name, place) for user, place in map(str.split, log.read_text().splitlines())
            ]

        yield run


@pytest.mark.parametrize("line", SWITCHED)
def test_who_runs_an_engine_and_where_is_told_as_the_tools_have_it(line, seen):
    found = find(
        ("bash", "-c", line.replace("@", "/x/podman")),
        {RUN_BY: "", "PWD": "/usr"},
        read={"/opt/x": b"/x/podman run a\n"}.get,
    )
    ours = [(_name(env[RUN_BY]), env["PWD"]) for _, env in found.started]
    real = seen(line)

    assert found.gaps == []
    assert [user for user, _ in ours] == [user for user, _ in real] != []
    assert all(place in {UNKNOWN, there} for (_, place), (_, there) in zip(ours, real, strict=True))


def _name(user):
    return pwd.getpwuid(int(user)).pw_name if user.isdigit() else user or "root"
