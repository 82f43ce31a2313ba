"""Kinds of images whose script finds out what it starts: from files, tables, loops, other programs, what it has put in its
place; each with a right program behind it, with a foreign one, with none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.real.images import File, Image
from tests.system.truth.build import Kind, Tree, on_debian
from tests.system.truth.launchers import ACCOUNTS
from tests.system.truth.programs import FOREIGN, NATIVE
from tests.system.truth.shells import BASH, SERVER
from tests.system.truth.userland import busybox, tools

S = f"/{SERVER}"
ASH = "/usr/bin/busybox sh"
TOOLS = busybox(
    "date",
    "cat",
    "seq",
    "sleep",
    "grep",
    "xargs",
    "find",
    "ln",
    "mv",
    "chmod",
    "cp",
    "install",
    "tr",
    "ls",
    "cut",
    "touch",
)
"""Applets of busybox under their names."""


@dataclass(frozen=True)
class Found:
    """An entrypoint script; ``at`` is where the program lies that it comes to, with its ``mode``."""

    id: str
    text: str
    cmd: Sequence[str] = ()
    at: str = SERVER
    shell: str = "/bin/sh"
    tree: Tree = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    mode: int = 0o755
    argv: Sequence[str] = ("/start.sh",)

    def image(self, program: bytes | None) -> Image:
        """The image with this program, or without any."""
        below = [tools("bash")] if "bash" in self.shell else []
        own: dict[str, bytes | File] = {"start.sh": f"#!{self.shell}\n{self.text}\n".encode(), "opt/app/data": b"x"}
        if program is not None:
            own[self.at] = File(program, mode=self.mode)
        return on_debian(*below, TOOLS, self.tree, own, argv=self.argv, cmd=self.cmd, **self.config)


def _kinds(each: Found) -> tuple[Kind, ...]:
    return (
        Kind(f"{each.id}-right", lambda: each.image(NATIVE)),
        Kind(f"{each.id}-foreign", lambda: each.image(FOREIGN)),
        Kind(f"{each.id}-missing", lambda: each.image(None)),
    )


def _env(**variables: str) -> dict[str, Any]:
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"Env": [path, *(f"{name}={value}" for name, value in variables.items())]}


NOW = 'eval "A=$(date +%s)"'
"""What nobody can tell before it runs."""

UNKNOWN = (
    Found("unknown-then-exec", f"{NOW}\nexec {S}"),
    Found("unknown-then-in-path", f"{NOW}\nexec server -x", at="usr/local/bin/server"),
    Found("unknown-then-if", f'{NOW}\nif [ -n "$A" ]; then exec {S}; fi\nexit 3'),
    Found("unknown-then-function", f"run() {{ exec {S}; }}\n{NOW}\nrun"),
    Found("unknown-then-step", f"set -e\n{NOW}\n{S} migrate\necho done"),
    Found("unknown-in-a-subshell", f"( {NOW}; exec {S} )"),
    Found("unknown-sourced", f"date +A=%s >/env\n. /env\nexec {S}"),
    Found("alias-then-exec", f"alias x=y\nexec {S}"),
    Found("trap-of-errors", f"trap 'exit 3' ERR\nexec {S}", shell=BASH),
    Found("pushed-directory", "pushd /opt/app >/dev/null\nexec ./bin/server", shell=BASH),
    Found("hashed-name", f"hash -p {S} srv\nsrv", shell=BASH),
    Found("file-before-bash", f"exec {S}", shell=BASH, tree={"env.sh": b"A=1\n"}, config=_env(BASH_ENV="/env.sh")),
    Found("name-by-sum", "exec /opt/app/bin/server$((1+1))", at="opt/app/bin/server2"),
    Found("counted-far", f"i=0\nwhile [ $i -lt 90 ]; do i=$((i+1)); done\nexec {S}"),
    Found("at-exit", f"trap '{S}' EXIT\nexit 0"),
)

BY_OTHERS = (
    Found("xargs-of-words", f"echo a b | xargs {S}"),
    Found("xargs-names-it", f"echo {S} | xargs -I{{}} {{}}"),
    Found("xargs-in-place", f"echo x | xargs -I{{}} {S} --port={{}}"),
    Found("xargs-of-nothing", f"xargs -r {S} </dev/null\necho hello"),
    Found("xargs-by-lines-of-nothing", f"xargs -I{{}} {S} </dev/null\necho hello"),
    Found("xargs-shell", f"echo x | xargs sh -c 'exec {S} \"$@\"' _"),
    Found("xargs-step", f"set -e\necho x | xargs {S}\necho done"),
    Found("find-starts-once", f"find /opt/app/data -exec {S} {{}} \\;"),
    Found("find-finds-nothing", f"find /opt -name nothing -exec {S} {{}} \\;\necho hello"),
    Found("find-entry", "", argv=["find", "/opt/app/data", "-exec", S, ";"]),
)

READ = (
    Found("map-of-lines", 'mapfile -t C </etc/cmd\nexec "${C[@]}"', shell=BASH, tree={"etc/cmd": f"{S}\n-x\n".encode()}),
    Found("map-of-here-document", f'readarray -t C <<EOF\n{S}\n-x\nEOF\nexec "${{C[0]}}"', shell=BASH),
    Found("read-words", f'read -ra C <<< "{S} -x"\nexec "${{C[@]}}"', shell=BASH),
    Found("read-table", "while read -r n p; do case $n in srv) exec $p;; esac; done </etc/table\nexit 5", tree={"etc/table": f"# x\nsrv {S}\nother /x\n".encode()}),
    Found("read-pair", 'IFS== read -r k v </etc/app.conf\nexec "$v"', tree={"etc/app.conf": f"bin={S}\n".encode()}),
    Found("read-file-into-word", "X=$(</etc/cmd)\nexec $X", shell=BASH, tree={"etc/cmd": f"{S}\n".encode()}),
    Found("exports-of-a-file", "export $(grep -v '^#' /etc/env | xargs)\nexec $BIN", tree={"etc/env": f"# a\nBIN={S}\nB=c\n".encode()}),
    Found("variables-line-by-line", "while IFS='=' read -r k v; do export \"$k=$v\"; done </etc/env\nexec $BIN", tree={"etc/env": f"A=b\nBIN={S}\n".encode()}),
    Found("eval-of-a-file", 'eval "$(cat /etc/env)"\nexec $BIN', tree={"etc/env": f"BIN={S}\n".encode()}),
    Found("sourced-pipe", "source <(cat /etc/env)\nexec $BIN", shell=BASH, tree={"etc/env": f"BIN={S}\n".encode()}),
    Found("text-of-a-file", 'exec sh -c "$(cat /run.txt)"', tree={"run.txt": f"exec {S}\n".encode()}),
)  # fmt: skip

TABLES = (
    Found("table-by-machine", f'declare -A P=([x86_64]={S} [aarch64]=/opt/other)\nexec "${{P[$(uname -m)]}}"', shell=BASH, tree=busybox("uname")),
    Found("table-default", f'declare -A P=([a]=/x)\nexec "${{P[$1]:-{S}}}"', ["none"], shell=BASH),
    Found("table-readonly", f'declare -rA P=(["web"]="{S}" ["job"]="/x")\nexec "${{P["web"]}}"', shell=BASH),
    Found("table-over-names", f'declare -A P=([a]={S})\nfor k in "${{!P[@]}}"; do exec "${{P[$k]}}"; done', shell=BASH),
    Found("case-goes-on-testing", f"case x in x) A=1;;& y) exit 3;; *) exec {S};; esac", shell=BASH),
    Found("case-falls", f"case x in x) A=1;& y) exec {S};; *) exit 3;; esac", shell=BASH),
    Found("case-falls-in-sh", f"case x in x) A=1;& y) exec {S};; esac"),
    Found("text-replaced", "T=/opt/APP/bin/server\nexec ${T/APP/app}", shell=BASH),
    Found("text-first-lower", "T=Server\nexec /opt/app/bin/${T,}", shell=BASH),
)  # fmt: skip

PLACED = (
    Found("moved-into-place", f"mv {S}.new {S}\nexec {S}", at=f"{SERVER}.new"),
    Found("linked-directory", "ln -s /opt/app /current\nexec /current/bin/server"),
    Found("linked-into-path", f"ln -s {S} /usr/local/bin/srv\nexec srv", tree={"usr/local/bin": File(folder=True)}),
    Found("copied-over", f"cp {S} /run.bin\nexec /run.bin", tree={"run.bin": b"#!/bin/sh\nexit 9\n"}),
    Found("installed", f"install -m 755 {S} /usr/bin/srv\nexec srv", mode=0o644),
    Found("made-executable", f"chmod +x {S}\nexec {S}", mode=0o644),
    Found("made-executable-script", "chmod +x /second\nexec /second", tree={"second": File(f"#!/bin/sh\nexec {S}\n".encode(), mode=0o644)}),
    Found("made-executable-lacks-its-shell", "chmod +x /second\nexec /second", tree={"second": File(b"#!/usr/bin/ruby\n", mode=0o644)}),
    Found("made-unexecutable", f"chmod a-x {S}\nexec {S}"),
)  # fmt: skip

PROFILE = b'for f in /etc/profile.d/*.sh; do [ -r "$f" ] && . "$f"; done\n'
RESET = b"PATH=/usr/bin:/bin\nexport PATH\n"

CALLED = (
    Found("login-with-parts", "", argv=["sh", "-lc", "srv"], at="opt/x/srv", tree={**ACCOUNTS, "etc/profile": PROFILE, "etc/profile.d/x.sh": b"PATH=$PATH:/opt/x\n"}),
    Found("login-resets-path", "", argv=["sh", "-lc", "srv"], at="usr/local/bin/srv", tree={**ACCOUNTS, "etc/profile": RESET}),
    Found("busybox-linked-env", "", argv=["env", "A=b", "srv"], at="usr/local/bin/srv", tree={"usr/bin/env": File(link="busybox")}),
)  # fmt: skip

KINDS = tuple(kind for each in (*UNKNOWN, *BY_OTHERS, *READ, *TABLES, *PLACED, *CALLED) for kind in _kinds(each))
