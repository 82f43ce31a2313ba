"""Kinds of images whose first program starts the next one: each with a right program behind it, and with a foreign one."""

from __future__ import annotations

from pathlib import Path

from tests.real.images import File
from tests.system.truth.build import Kind, Tree, on_debian
from tests.system.truth.programs import FOREIGN, NATIVE
from tests.system.truth.shells import Line, twins
from tests.system.truth.userland import busybox, tools

ACCOUNTS: Tree = {
    "etc/passwd": File(b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", mode=0o644),
    "etc/group": File(b"root:x:0:\napp:x:1000:\n", mode=0o644),
}
CONFIG = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}


def _pam() -> Tree:
    """What lets su and runuser in."""
    rules = b"auth sufficient pam_permit.so\naccount sufficient pam_permit.so\nsession sufficient pam_permit.so\n"
    library = "usr/lib/x86_64-linux-gnu/security/pam_permit.so"
    names = ("su", "su-l", "runuser", "runuser-l", "other")
    return {library: Path("/" + library).read_bytes()} | {
        f"etc/pam.d/{name}": File(rules, mode=0o644) for name in names
    }


def _line(name: str, *argv: str, needs: str = "", at: str = "app", tree: Tree | None = None) -> Line:
    return Line(f"launch-{name}", argv, at=at, tree={**tools(*needs.split()), **(tree or {})}, config=CONFIG)


LINES = (
    _line("tini", "tini", "--", "/app", needs="tini"),
    _line("tini-options", "tini", "-s", "-e", "143", "-v", "--", "/app", needs="tini"),
    _line("tini-group", "tini", "-g", "/app", needs="tini"),
    _line("tini-signal", "tini", "-p", "SIGTERM", "/app", needs="tini"),
    _line("tini-by-path", "tini", "--", "app", needs="tini", at="usr/local/bin/app"),
    _line("dumb-init", "dumb-init", "/app", needs="dumb-init"),
    _line("dumb-init-rewrite", "dumb-init", "--rewrite", "15:2", "--", "/app", needs="dumb-init"),
    _line("dumb-init-joined", "dumb-init", "-vc", "-r15:3", "/app", needs="dumb-init"),
    _line("catatonit", "catatonit", "--", "/app", needs="catatonit"),
    _line("catatonit-group", "catatonit", "-g", "/app", needs="catatonit"),
    _line("gosu", "gosu", "app", "/app", needs="gosu", tree=ACCOUNTS),
    Line("launch-gosu-by-a-user", ["gosu", "app", "/app"], tree={**tools("gosu"), **ACCOUNTS}, config={**CONFIG, "User": "1000"}),
    _line("unshare-nothing", "unshare", "--fork", "/app", needs="unshare"),
    _line("env-directory-missing", "env", "-C", "/nowhere", "/app"),
    _line("gosu-number", "gosu", "1000:1000", "/app", needs="gosu"),
    _line("gosu-nobody-there", "gosu", "nobody-there", "/app", needs="gosu", tree=ACCOUNTS),
    _line("setpriv", "setpriv", "--reuid", "1000", "--clear-groups", "/app", needs="setpriv"),
    _line("setpriv-joined", "setpriv", "--reuid=1000", "--regid=1000", "--init-groups", "--", "/app", needs="setpriv", tree=ACCOUNTS),
    _line("setpriv-nnp", "setpriv", "--no-new-privs", "/app", needs="setpriv"),
    _line("su-c", "su", "-s", "/bin/sh", "-c", "exec /app", "app", needs="su", tree={**ACCOUNTS, **_pam()}),
    _line("su-login", "su", "-", "app", "-c", "/app", needs="su", tree={**ACCOUNTS, **_pam()}),
    _line("runuser", "runuser", "-u", "app", "--", "/app", needs="runuser", tree={**ACCOUNTS, **_pam()}),
    _line("runuser-joined", "runuser", "--user=app", "/app", needs="runuser", tree={**ACCOUNTS, **_pam()}),
    _line("chroot", "chroot", "/", "/app", needs="chroot"),
    _line("chroot-elsewhere", "chroot", "/srv", "/app", needs="chroot", at="srv/app"),
    _line("chroot-user", "chroot", "--userspec=1000:1000", "/", "/app", needs="chroot"),
    _line("taskset", "taskset", "0x1", "/app", needs="taskset"),
    _line("taskset-list", "taskset", "-c", "0", "/app", needs="taskset"),
    _line("nice", "nice", "/app", needs="nice"),
    _line("nice-number", "nice", "-n", "5", "/app", needs="nice"),
    _line("nice-joined", "nice", "-n5", "/app", needs="nice"),
    _line("nice-old", "nice", "-5", "/app", needs="nice"),
    _line("ionice", "ionice", "-c", "3", "/app", needs="ionice"),
    _line("ionice-joined", "ionice", "-c3", "-t", "/app", needs="ionice"),
    _line("nohup", "nohup", "/app", needs="nohup"),
    _line("setsid", "setsid", "-w", "/app", needs="setsid"),
    _line("stdbuf", "stdbuf", "-oL", "/app", needs="stdbuf", tree={"usr/libexec/coreutils/libstdbuf.so": Path("/usr/libexec/coreutils/libstdbuf.so").read_bytes()}),
    _line("stdbuf-apart", "stdbuf", "-o", "0", "-e", "0", "/app", needs="stdbuf", tree={"usr/libexec/coreutils/libstdbuf.so": Path("/usr/libexec/coreutils/libstdbuf.so").read_bytes()}),
    _line("timeout", "timeout", "10", "/app", needs="timeout"),
    _line("timeout-signal", "timeout", "-s", "KILL", "-k", "5s", "10s", "/app", needs="timeout"),
    _line("timeout-preserved", "timeout", "--preserve-status", "--signal=TERM", "10", "/app", needs="timeout"),
    _line("prlimit", "prlimit", "--nofile=512", "/app", needs="prlimit"),
    _line("chrt", "chrt", "-o", "0", "/app", needs="chrt"),
    _line("flock", "flock", "/lock", "/app", needs="flock", tree={"lock": b""}),
    _line("setarch", "setarch", "-R", "/app", needs="setarch"),
    _line("setarch-linux32", "setarch", "linux32", "/app", needs="setarch"),
    _line("chpst", "chpst", "-u", ":1000", "/app", needs="chpst"),
    _line("chpst-renamed", "chpst", "-b", "name", "/app", needs="chpst"),
    _line("chpst-environment", "chpst", "-P", "/app", needs="chpst"),
    _line("env", "env", "/app"),
    _line("env-empty", "env", "-i", "/app"),
    _line("env-unset", "env", "-u", "PATH", "/app"),
    _line("env-unset-joined", "env", "--unset=PATH", "/app"),
    _line("env-unset-path-then-name", "env", "-u", "PATH", "app", at="usr/local/bin/app"),
    _line("env-chdir", "env", "-C", "/srv", "./app", at="srv/app"),
    _line("env-chdir-joined", "env", "-C/srv", "./app", at="srv/app"),
    _line("env-chdir-long", "env", "--chdir=/srv", "./app", at="srv/app"),
    _line("env-split", "env", "-S", "A=b /app x"),
    _line("env-split-joined", "env", "--split-string=/app x"),
    _line("env-path-set", "env", "PATH=/opt", "app", at="opt/app"),
    _line("env-dashes", "env", "--", "/app"),
    _line("env-argv0", "env", "-v", "/app"),
    _line("busybox-env", "busybox", "env", "A=b", "/app", tree=busybox()),
    _line("busybox-env-split", "busybox", "env", "-S", "/app", tree=busybox()),
    _line("busybox-nice", "busybox", "nice", "-n", "1", "/app", tree=busybox()),
    _line("busybox-timeout", "busybox", "timeout", "10", "/app", tree=busybox()),
    _line("busybox-setsid", "busybox", "setsid", "sh", "-c", "busybox sleep 9; exec /app", tree=busybox()),
    _line("busybox-nohup", "busybox", "nohup", "/app", tree=busybox()),
    _line("busybox-chroot", "busybox", "chroot", "/", "/app", tree=busybox()),
    _line("busybox-no-applet", "busybox", "no-such-applet", "/app", tree=busybox()),
    _line("loader", "/lib64/ld-linux-x86-64.so.2", "/app"),
    _line("xargs", "xargs", "/app", needs="xargs"),
    _line("two", "tini", "--", "nice", "env", "A=b", "/app", needs="tini nice"),
    _line("three", "dumb-init", "--", "sh", "-c", "exec env A=b /app", needs="dumb-init"),
    _line("tini-shell", "tini", "--", "sh", "-c", "cd / && exec ./app", needs="tini"),
    _line("unknown", "/opt/start", "--", "/app", tree={"opt/start": NATIVE}),
    _line("setpriv-group-alone", "setpriv", "--regid", "1000", "/app", needs="setpriv"),
    _line("setpriv-dump", "setpriv", "-d", "/app", needs="setpriv"),
    _line("setsid-terminal", "setsid", "-w", "-c", "/app", needs="setsid"),
    _line("stdbuf-input-by-lines", "stdbuf", "-iL", "/app", needs="stdbuf"),
    _line("shell-without-text", "sh", "-c", needs=""),
    _line("login-shell", "bash", "-lc", "exec /app", needs="bash", tree=ACCOUNTS),
    _line("login-shell-path", "bash", "-l", "-c", "srv", needs="bash", at="opt/x/srv", tree={**ACCOUNTS, "etc/profile": b"export PATH=/opt/x:$PATH\n"}),
    _line("login-shell-of-dash", "sh", "-lc", "srv", at="opt/x/srv", tree={**ACCOUNTS, "etc/profile": b"PATH=/opt/x:$PATH\n"}),
    _line("login-shell-home", "bash", "--login", "-c", "exec $SRV", needs="bash", tree={**ACCOUNTS, "root/.profile": b"SRV=/app\n"}),
    _line("bash-script-in-path", "bash", "run.sh", needs="bash", tree={"usr/local/bin/run.sh": b"exec /app\n"}),
    _line("dash-script-in-path", "sh", "run.sh", tree={"usr/local/bin/run.sh": b"exec /app\n"}),
    _line("named-task", "task", "run", at="usr/local/bin/task"),
    _line("named-just", "just", "serve", at="usr/local/bin/just"),
    _line("docker-init", "docker-init", "--", "/app", needs="docker-init"),
)  # fmt: skip


def _dynamic_behind_the_loader() -> Kind:
    argv = ["/lib64/ld-linux-x86-64.so.2", "/bin/sh", "-c", "echo hello"]
    return Kind("launch-loader-dynamic", lambda: on_debian(argv=argv), "")


def _behind(name: str, what: Tree, *argv: str) -> Kind:
    """What fails in front of a launcher fails behind one."""
    return Kind(
        f"launch-{name}", lambda: on_debian({**tools("tini"), **what}, argv=["tini", "--", *(argv or ["/app"])])
    )


MORE = (
    _dynamic_behind_the_loader(),
    _behind("missing", {}),
    _behind("not-executable", {"app": File(NATIVE, mode=0o644)}),
    _behind("directory", {"app": File(folder=True)}),
    _behind("without-shebang", {"app": b"echo hello\n"}),
    _behind("crlf", {"app": b"#!/bin/sh\r\necho hello\r\n"}),
    _behind("interpreter-missing", {"app": b"#!/usr/bin/ruby\n"}),
    _behind("interpreter-foreign", {"app": b"#!/opt/ruby\n", "opt/ruby": FOREIGN}),
    _behind("symlink-loop", {"app": File(link="app")}),
    _behind("empty", {"app": b""}),
    _behind("cut", {"app": NATIVE[:100]}),
    _behind("by-name-missing", {"opt/app": NATIVE}, "app"),
    Kind("shebang-tini-right", lambda: on_debian({**tools("tini"), "start": b"#!/usr/bin/tini /app\n", "app": NATIVE}, argv=["/start"])),
    Kind("shebang-tini-foreign", lambda: on_debian({**tools("tini"), "start": b"#!/usr/bin/tini /app\n", "app": FOREIGN}, argv=["/start"])),
    Kind("shebang-env-split-foreign", lambda: on_debian({"start": b"#!/usr/bin/env -S A=b /app\n", "app": FOREIGN}, argv=["/start"])),
    Kind("shebang-env-split-right", lambda: on_debian({"start": b"#!/usr/bin/env -S A=b /app\n", "app": NATIVE}, argv=["/start"])),
    Kind("shebang-busybox-env-split", lambda: on_debian({**busybox("env"), "start": b"#!/usr/bin/env -S A=b /app\n", "app": NATIVE}, argv=["/start"])),
)  # fmt: skip

KINDS = tuple(kind for each in LINES for kind in twins(each)) + MORE
