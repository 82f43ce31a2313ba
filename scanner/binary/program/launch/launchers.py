"""Finds what a launcher such as tini, env or setpriv execs next, by each program's own grammar."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.argv import split_path
from scanner.binary.program.busybox import APPLETS, RARER_APPLETS
from scanner.binary.program.elf.dynamic import Dynamic
from scanner.binary.program.launch import accounts, commanding, daemontools, env, loader, preparing, tools
from scanner.binary.program.launch.getopt import grammar
from scanner.binary.program.launch.launch import (
    Account,
    AtRunTime,
    By,
    Launch,
    Launched,
    LauncherCall,
    account_of,
    at_run_time,
    simple,
)
from scanner.binary.program.script import is_shell
from scanner.domain.image.offers import FileKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.binary.program.argv import Command
    from scanner.binary.program.content import Content
    from scanner.binary.program.launch.launch import Accounts, Rule, Stands

__all__ = ["Account", "AtRunTime", "By", "Launch", "Launched", "account_of", "launched"]

MUSL_PATH = "/usr/local/bin:/bin:/usr/bin"
"""Where musl's execvp looks where PATH is unset."""

MIN_MULTI_CALL_BYTES = 256 * 1024
"""A tool of this size or more is many in one file: busybox has 800 KB and more, coreutils' largest launcher 60 KB."""

_CONFIGURED = at_run_time("starts what its configuration names")
_INPUT = at_run_time("starts what its input or its watching makes it start")
_RULES_OF_ITS_OWN = at_run_time("reads commands by rules of its own")
_EDITED = preparing.edited(_INPUT)
_OTHERS = at_run_time("starts what its words name, by options that are not read here")
_STARTING_OTHERS = (
    "pid1", "authbind", "cgexec", "cpulimit", "daemonize", "dbus-launch", "expect", "gdbserver", "heaptrack", "hwloc-bind",
    "mpiexec", "mpirun", "newgrp", "orterun", "prte", "prun", "proxychains", "proxychains4", "rlwrap", "run-one",
    "schedtool", "sem", "sg", "srun", "torchrun", "trickle", "uftrace", "unbuffer", "aa-exec", "catchsegv", "chronic", "choom",
    "eatmydata", "fakechroot", "fakeroot", "nocache", "s6-fghack", "s6-applyuidgid", "s6-notifyoncheck", "s6-sudo",
    "systemd-cat", "systemd-inhibit", "torsocks", "tsocks", "xvfb-run",
)  # fmt: skip
"""Programs, some of them scripts, that start the one which their words name; without words they are programs."""
_SECRETS = at_run_time("starts its command with variables that a server holds")

_IONICE = grammar("n:c:p:P:u:thV", "classdata:>n class:>c help>h ignore>t pid:>p pgid:>P uid:>u version>V")
_PRLIMIT = grammar(
    "c::d::e::f::i::l::m::n::q::r::s::t::u::v::x::y::p:o:vVh",
    "pid:>p output:>o as:: core:: cpu:: data:: fsize:: locks:: memlock:: msgqueue:: nice:: nofile:: nproc:: rss:: "
    "rtprio:: rttime:: sigpending:: stack:: noheadings raw verbose version>V help>h",
)
_CHRT = grammar(
    "abdD:efiphmoP:T:rRvV",
    "all-tasks>a batch>b deadline>d ext>e fifo>f idle>i pid>p help>h max>m other>o rr>r sched-runtime:>T "
    "sched-period:>P sched-deadline:>D reset-on-fork>R verbose>v version>V",
)
_SETSID = grammar("Vhcfw", "ctty>c fork>f wait>w help>h version>V")
_NUMACTL = grammar(
    "i:w:N:C:m:p:P:o:l:sSf:L:M:tTabuHhv:",
    "all>a interleave:>i weighted-interleave:>w preferred:>p preferred-many:>P cpubind:>c cpunodebind:>N physcpubind:>C "
    "membind:>m localalloc>l hardware>H show>s balancing>b help>h version",
)
_TASKSET = grammar("apchV", "all-tasks>a pid>p cpu-list>c help>h version>V")
_TIME = grammar("af:o:pqvhV", "append>a format:>f output:>o portability>p quiet>q verbose>v help>h version>V")
_SOFTLIMIT = grammar("a:c:d:f:l:m:o:p:r:s:t:H:h:")

_RULES: Mapping[str, Rule] = MappingProxyType({
    "tini": tools.tini,
    "tini-static": tools.tini,
    "docker-init": tools.tini,
    "catatonit": simple(grammar("ghLPV", "version>V", permutes=True), ends=("h", "L", "P", "V")),
    "dumb-init": simple(grammar("hvVcr:", "help version verbose>v single-child>c rewrite:>r"), ends=("h", "V")),
    "gosu": accounts.switched(by=By.EXECVE),
    "su-exec": accounts.switched(by=By.EXECVP),
    "setpriv": accounts.setpriv,
    "runuser": accounts.runuser,
    "su": accounts.su,
    "sudo": accounts.sudo,
    "doas": accounts.doas,
    "env": env.gnu,
    "nice": tools.nice,
    "nohup": simple(grammar("", "help version")),
    "stdbuf": tools.stdbuf,
    "timeout": tools.timeout,
    "chroot": tools.chroot,
    "time": simple(_TIME, ends=("h", "V")),
    "setsid": tools.setsid(_SETSID),
    "ionice": tools.ionice(_IONICE, ends=("p", "P", "u", "h", "V")),
    "prlimit": tools.optional(_PRLIMIT, ends=("p", "h", "V")),
    "chrt": tools.chrt(_CHRT, ends=("p", "m", "h", "V")),
    "taskset": tools.numbered(_TASKSET, ends=("p", "h", "V")),
    "flock": tools.flock,
    "unshare": tools.unshare,
    "numactl": tools.optional(_NUMACTL, ends=("s", "H", "h")),
    "setarch": tools.setarch,
    "linux32": tools.setarch,
    "linux64": tools.setarch,
    "chpst": daemontools.chpst,
    "setuidgid": daemontools.setuidgid,
    "envuidgid": daemontools.envuidgid,
    "s6-setuidgid": daemontools.setuidgid,
    "s6-envuidgid": daemontools.envuidgid,
    "envdir": daemontools.envdir,
    "s6-envdir": daemontools.envdir,
    "softlimit": simple(_SOFTLIMIT, by=By.EXECVE),
    "s6-softlimit": simple(_SOFTLIMIT, by=By.EXECVE),
    "setlock": simple(grammar("nNxX"), own_words=1, by=By.EXECVE),
    "s6-setlock": simple(grammar("rwnNt:"), own_words=1, by=By.EXECVE),
    "s6-setsid": simple(grammar("sbfgiIqd:"), by=By.EXECVE),
    "s6-overlay-suexec": preparing.s6_overlay_stage0,
    "dockerize": preparing.dockerize,
    "find": preparing.find,
    "xargs": preparing.xargs,
    "with-contenv": simple(grammar(""), by=By.EXECVE),
    "sed": commanding.sed,
    "start-stop-daemon": commanding.start_stop_daemon,
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk", "original-awk"), commanding.awk),
    **dict.fromkeys(
        ("supervisord", "systemd", "init", "openrc-init", "runit", "runit-init", "runsv", "runsvdir", "runsvdir-start",
         "s6-svscan", "s6-supervise", "s6-rc", "s6-linux-init", "monit", "circusd", "crond", "cron", "supercronic",
         "forego", "hivemind", "overmind", "goreman", "multirun", "pebble", "inetd", "xinetd",
         "dinit", "horust", "process-compose", "pm2", "pm2-runtime", "honcho", "my_init", "foreman"),
        _CONFIGURED,
    ),
    **dict.fromkeys(
        ("parallel", "watch", "watchexec", "entr", "inotifywait", "nsenter", "ssh-agent", "dbus-run-session",
         "bwrap", "firejail", "proot", "script", "screen", "tmux", "runcon", "systemd-run", "strace", "ltrace", "gdb",
         "valgrind", "perf", "faketime", "capsh", "pkexec", "vim", "nvim", "emacs"),
        _INPUT,
    ),
    **dict.fromkeys(_STARTING_OTHERS, preparing.told(_OTHERS)),
    **dict.fromkeys(
        ("fish", "csh", "tcsh", "yash", "posh", "oksh", "loksh", "lksh", "elvish", "osh", "ysh",
         "pwsh", "powershell", "xonsh", "toybox", "execlineb", "make", "gmake", "bmake"),
        _RULES_OF_ITS_OWN,
    ),
    "just": preparing.with_file_above(_RULES_OF_ITS_OWN, ("justfile", "Justfile", "JUSTFILE", ".justfile", ".Justfile")),
    "task": preparing.with_file_above(_RULES_OF_ITS_OWN, preparing.TASKFILES),
    "mage": preparing.with_file_above(_RULES_OF_ITS_OWN, ("magefile.go", "magefiles")),
    **dict.fromkeys(("ed", "ex", "vi"), _EDITED),
    **dict.fromkeys(("rc", "es", "nu", "ion"), preparing.told(_RULES_OF_ITS_OWN)),
    **dict.fromkeys(
        ("doppler", "chamber", "envconsul", "consul-template", "vault-env", "berglas", "aws-vault", "infisical"),
        _SECRETS,
    ),
    "op": preparing.told(_SECRETS, "run"),
})  # fmt: skip
"""By the name of the program that is no script."""

_BUSYBOX: Mapping[str, Rule] = MappingProxyType({
    "env": env.busybox,
    "nice": tools.busybox_nice,
    "nohup": simple(grammar("")),
    "setsid": tools.setsid(grammar("c", "ctty>c")),
    "timeout": tools.busybox_timeout,
    "chroot": tools.busybox_chroot,
    "su": accounts.busybox_su,
    "setpriv": accounts.busybox_setpriv,
    "chrt": tools.chrt(grammar("phmbfiorR"), ends=("p", "m")),
    "ionice": tools.ionice(grammar("n:c:p:t"), ends=("p",)),
    "taskset": tools.numbered(grammar("pca"), ends=("p",)),
    "chpst": daemontools.chpst,
    "setuidgid": daemontools.setuidgid,
    "envuidgid": daemontools.envuidgid,
    "envdir": daemontools.envdir,
    "softlimit": simple(_SOFTLIMIT, by=By.EXECVP),
    "flock": tools.busybox_flock,
    "unshare": tools.busybox_unshare,
    "time": simple(grammar("vpaf:o:")),
    "setarch": tools.setarch,
    "linux32": tools.setarch,
    "linux64": tools.setarch,
    "cttyhack": simple(grammar("")),
    "find": preparing.find,
    "xargs": preparing.xargs,
    **dict.fromkeys(("init", "runsv", "runsvdir", "crond", "inetd"), _CONFIGURED),
    "start-stop-daemon": commanding.start_stop_daemon_of_busybox,
    "awk": commanding.awk,
    **dict.fromkeys(("watch", "nsenter", "script", "run-parts"), _INPUT),
    "vi": _EDITED,
})  # fmt: skip
"""Busybox' applets of these names; all others are programs."""

_SCRIPTS: Mapping[str, Rule] = MappingProxyType({
    "wait-for-it.sh": preparing.wait_for,
    "wait-for-it": preparing.wait_for,
    "wait-for": preparing.wait_for,
    "wait-for.sh": preparing.wait_for,
    "with-contenv": simple(grammar(""), by=By.EXECVE),
    **dict.fromkeys(("supervisord", "circusd", "pm2", "pm2-runtime", "honcho", "my_init", "foreman"), _CONFIGURED),
    **dict.fromkeys(("parallel", "faketime", *_STARTING_OTHERS), preparing.told(_OTHERS)),
})  # fmt: skip
"""Scripts whose published grammar tells more than their text would; a shell script is asked for its text first."""

_USAGE_OF_WAITS = b" [-- command args]\n"
"""In every wait-for-it.sh and wait-for that is in use."""

_SHELLS = frozenset({"sh", "ash", "hush", "bash"})
_BUILDPACKS = "/cnb/lifecycle/launcher"
"""The launcher of Cloud Native Buildpacks, by whatever link: it starts what /layers/config/metadata.toml names."""
_MULTI_CALL = re.compile(r"busybox(?:[.-].*)?", re.ASCII)


def launched(
    command: Command,
    content: Content,
    path: str = "",
    accounts: Accounts = lambda _: None,
    stands: Stands = lambda _: True,
) -> Launch:
    """What ``argv[0]`` execs next, where its file holds ``content``.

    Args:
        command: what was exec'd; its words, environment and directory.
        content: of the file that argv[0] led to.
        path: of that file, all links followed: it tells busybox' applets from the tools whose names they have.
        accounts: those of the image, asked only by launchers that switch the user.
        stands: whether something may stand at a path of it, asked only by those that look for a file of theirs.

    Returns:
        The next command; a sentence where only running it tells; ``None`` where argv[0] is itself the program. A
        launcher that would refuse its own command line counts as a sentence.
    """
    named = command.argv[0].rpartition("/")[2]
    file = path.rpartition("/")[2] or named
    libc = content.elf.libc if content.elf else ""
    libraries = content.dynamic.needed if isinstance(content.dynamic, Dynamic) else ()
    call = LauncherCall(named, command.argv[1:], command, accounts, libc, stands, libraries)
    if content.kind is FileKind.SCRIPT:
        return _of_script(call, content, file)
    if path == _BUILDPACKS:
        return _CONFIGURED(call)
    return _as_c_library(_of_binary(call, content, file), content)


def _of_script(call: LauncherCall, content: Content, file: str) -> Launch:
    interpreter = content.shebang.interpreter if content.shebang else ""
    if file == "init" and interpreter.endswith(("/execlineb", "/s6-overlay-suexec")):
        return preparing.s6_overlay(call)
    rule = _SCRIPTS.get(file)
    if rule is None or (content.shebang is not None and is_shell(content.shebang) and not _is_published(content)):
        return None
    return rule(call)


def _is_published(content: Content) -> bool:
    """Whether a shell script is the one that is known by its name, not an image's own that is called so."""
    return _USAGE_OF_WAITS in (content.text or b"")


def _of_binary(call: LauncherCall, content: Content, file: str) -> Launch:
    if _MULTI_CALL.fullmatch(file):
        return _of_busybox(call, content)
    loader = next((rule for pattern, rule in _LOADERS if pattern.fullmatch(file) or pattern.fullmatch(call.name)), None)
    if loader is not None:
        return loader(call)
    name = file if file in _RULES else call.name
    rule, applet = _RULES.get(name), _BUSYBOX.get(name)
    if rule is None or applet is None or applet is rule or content.size < MIN_MULTI_CALL_BYTES:
        return rule(call) if rule else None
    return _agreed(call, rule(call), applet(call))


_LOADERS = ((loader.GLIBC, loader.glibc), (loader.MUSL, loader.musl))


def _agreed(call: LauncherCall, one: Launch, other: Launch) -> Launch:
    """A file that may be either program, such as a hard link to busybox: what both would start is sure."""
    if one == other:
        return one
    return AtRunTime(f"{call.name} starts something else where it is busybox' than where it is not")


def _of_busybox(call: LauncherCall, content: Content) -> Launch:
    """Busybox by a link of an applet's name, or with the applet as its first word."""
    built = content.applets
    if not _MULTI_CALL.fullmatch(call.name):
        rule = _BUSYBOX.get(call.name)
        is_guessed = built is None and content.size >= MIN_MULTI_CALL_BYTES and rule is None
        known = built if built is not None else APPLETS | RARER_APPLETS if is_guessed else None
        if known is not None and call.name.lstrip("-") not in known | _SHELLS:
            return call.refused(f"there is no applet {call.name}")
        return rule(call) if rule else None
    if not call.words or call.words[0].startswith("-"):
        return None
    applet = call.words[0].rpartition("/")[2]
    if applet in _SHELLS:
        return Launched(replace(call.command, argv=(applet, *call.words[1:])), By.APPLET)
    rule = _BUSYBOX.get(applet)
    if applet not in (built or APPLETS):
        if built or applet not in RARER_APPLETS:
            return call.refused(f"there is no applet {applet}")
        return call.denied(f"is not always built with {applet}") if rule else None
    return rule(replace(call, name=applet, words=call.words[1:])) if rule else None


def _as_c_library(launch: Launch, content: Content) -> Launch:
    """Where PATH is unset, the C library of the launcher decides where names are looked up."""
    if not isinstance(launch, Launched) or launch.by is not By.EXECVP:
        return launch
    command = launch.command
    is_musl = content.elf is not None and content.elf.libc == "musl"
    if not is_musl or not command.env_known or "PATH" in command.env:
        return launch
    return replace(launch, command=replace(command, path=split_path(MUSL_PATH)))
