"""Kinds of images whose script runs other programs before the one that does the work: steps, sub-scripts, tools."""

from __future__ import annotations

from tests.real.images import File
from tests.system.truth.build import Tree
from tests.system.truth.programs import NATIVE
from tests.system.truth.shells import APPLETS, BASH, SERVER, Script, twins
from tests.system.truth.userland import busybox

STEP = f"/{SERVER}"
LAST: Tree = {"last": NATIVE}


def _step(text: str, *, mode: int = 0o755, shell: str = "/bin/sh") -> Tree:
    """A script beside the entrypoint, with the program that does the work in the end."""
    return {**LAST, "step.sh": File(f"#!{shell}\n{text}\n".encode(), mode=mode)}


STEPS = (
    Script("step-waited-for", f"set -e\n{STEP} migrate\nexec /last", tree=LAST),
    Script("step-behind-and", f"{STEP} migrate && exec /last", tree=LAST),
    Script("step-not-waited-for", f"{STEP} migrate\nexec /last", tree=LAST),
    Script("step-script-execs", "set -e\n/step.sh\nexec /last", tree=_step(f"exec {STEP}")),
    Script("step-script-runs", "set -e\nsh /step.sh check\nexec /last", tree=_step(f'case "$1" in check) {STEP} ;; esac')),
    Script("step-script-in-if", "if /step.sh; then exec /last; fi\nexit 4", tree=_step(f"exec {STEP}")),
    Script("step-script-forgiven", "set -e\n/step.sh || true\nexec /last", tree=_step(f"exec {STEP}")),
    Script("step-script-of-a-script", "set -e\n/step.sh\nexec /last", tree={**_step("set -e\n/inner.sh\necho x"), "inner.sh": f"#!/bin/sh\nexec {STEP}\n".encode()}),
    Script("step-script-fails", f"set -e\n/step.sh\nexec {STEP}", tree=_step("exit 3")),
    Script("step-script-fails-unheeded", f"/step.sh\nexec {STEP}", tree=_step("exit 3")),
    Script("step-script-lacks-its-shell", f"set -e\n/step.sh\nexec {STEP}", tree=_step("true", shell="/bin/zsh")),
    Script("step-script-lacks-a-tool", f"set -e\n/step.sh\nexec {STEP}", tree=_step("set -e\ncurl x")),
    Script("step-script-by-a-loop", 'set -e\nfor f in /init.d/*.sh; do sh "$f"; done\nexec /last', tree={**LAST, "init.d/a.sh": f"{STEP}\n".encode()}),
)  # fmt: skip

TOOLS = (
    Script("tool-prepares", "set -e\nmkdir -p /data\nexec /last", at="usr/bin/mkdir", tree=LAST),
    Script("tool-prepares-in-bash", "set -eo pipefail\nsetup() { mkdir -p /data; echo made; }\nsetup\nexec /last", at="usr/bin/mkdir", shell=BASH, tree=LAST),
    Script("tool-prepares-behind-and", "mkdir -p /data && exec /last", at="usr/bin/mkdir", tree=LAST),
    Script("tool-prepares-unheeded", "mkdir -p /data\nexec /last", at="usr/bin/mkdir", tree=LAST),
    Script("tool-prepares-for-root", 'set -e\nif [ "$(id -u)" = 0 ]; then chown -R 0 /opt; fi\nexec /last', at="usr/bin/chown", tree={**LAST, **busybox("id")}),
    Script("tool-asked-in-a-word", "set -e\nA=$(uname -m)\nexec /last", at="usr/bin/uname", tree=LAST),
    Script("tool-at-the-end-of-a-pipe", "set -e\necho x | sed s/x/y/ >/tmp.conf\nexec /last", at="usr/bin/sed", tree=LAST),
)  # fmt: skip

GIVING_UP = (
    Script("sh-readonly-again", f"readonly X=1\nX=2\nexec {STEP}"),
    Script("ash-readonly-again", f"readonly X=1\nexport X=2\nexec {STEP}", shell="/usr/bin/busybox sh", tree=APPLETS),
    Script("sh-readonly-kept", f'readonly BIN={STEP}\nexec "$BIN"'),
    Script("sh-arithmetic-by-zero", f"X=$((1/0))\nexec {STEP}"),
    Script("sh-arithmetic-octal", f"X=$((010+0x2))\n[ $X -eq 10 ] && exec {STEP}\nexit 3"),
    Script("sh-arithmetic-no-octal", f"X=$((08))\nexec {STEP}"),
    Script("sh-return-no-number", f"f() {{ return abc; }}\nf\nexec {STEP}"),
    Script("sh-export-option", f"export -n HOME\nexec {STEP}"),
    Script("bash-printf-no-number", f"set -e\nprintf '%d' abc\nexec {STEP}", shell=BASH),
    Script("sh-find-starts-it", "find /opt -name server -exec {} \\;", tree=busybox("find")),
)  # fmt: skip

USER = {"User": "1000"}

AS_USER = (
    Script("user-makes-in-the-root", f"set -e\nmkdir -p /data/x\nexec {STEP}", tree=busybox("mkdir"), config=USER),
    Script("user-makes-in-the-root-unheeded", f"mkdir -p /data/x || true\nexec {STEP}", tree=busybox("mkdir"), config=USER),
    Script("user-writes-in-the-root", f"set -e\necho x >/conf\nexec {STEP}", config=USER),
    Script("user-makes-on-a-volume", f"set -e\nmkdir -p /data/x\nexec {STEP}", tree={**busybox("mkdir"), "data": File(folder=True, mode=0o777)}, config={**USER, "Volumes": {"/data": {}}}),
)  # fmt: skip

KINDS = tuple(kind for each in (*STEPS, *TOOLS, *GIVING_UP, *AS_USER) for kind in twins(each))
