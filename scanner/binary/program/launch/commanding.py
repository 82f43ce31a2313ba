"""Tools that start a program by words of their own: sed, awk, start-stop-daemon."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.launch.launch import AtRunTime, By, Launched

if TYPE_CHECKING:
    from scanner.binary.program.launch.launch import Launch, LauncherCall

_SED = grammar(
    "bEe:i::f:l:nrsuz",
    "expression:>e file:>f in-place::>i quiet>n silent>n regexp-extended>E separate>s unbuffered>u null-data>z posix debug sandbox "
    "line-length:>l follow-symlinks binary>b help version",
    permutes=True,
)
_AWK = grammar("F:v:f:W::", "version help")

_DAEMON = grammar(
    "HKSTVx:p:n:u:g:s:a:r:d:N:P:I:k:mbCO:otvqc:R:",
    "help>H stop>K start>S status>T version>V exec:>x pidfile:>p name:>n user:>u group:>g signal:>s startas:>a chroot:>r "
    "chdir:>d nicelevel:>N procsched:>P iosched:>I umask:>k make-pidfile>m background>b no-close>C output:>O oknodo>o test>t "
    "verbose>v quiet>q chuid:>c retry:>R pid: ppid: remove-pidfile notify-await notify-timeout:",
)

MAX_TEXT_CHARS = 1024
"""Of a text of sed's that is looked through; one on a command line has some dozens."""

_RUNS_IN_SED = re.compile(
    r"(?:^|[;{}\n])(?:[\d,~+$!\s]|/(?:\\.|[^/\\])*/[IM]*|\\(?P<a>[^\w\s\\])(?:\\.|(?!(?P=a))[^\\])*(?P=a)[IM]*)*e"
    r"|s(?P<s>[^\w\s\\])(?:\\.|(?!(?P=s))[^\\])*(?P=s)(?:\\.|(?!(?P=s))[^\\])*(?P=s)[gpiImM\d]*e",
    re.ASCII | re.DOTALL,
)
"""The command ``e`` behind what addresses lines, the flag ``e`` behind a substitution; more fits, never less."""

_RUNS_IN_AWK = re.compile(r"\bsystem\b|\|")
"""``system()`` and pipes; ``||`` is no pipe."""

_NAMED_IN_AWK = re.compile(r'\bsystem\("(/[\w./+-]+)[" ]', re.ASCII)


_NAMED_IN_SED = re.compile(r"[ ,|#@:](/[\w./+-]+)(?=[ ,|#@:]|$)", re.ASCII)
"""A path that stands alone, where no slash parts a substitution."""


def sed(call: LauncherCall) -> Launch:
    """GNU sed: a command ``e`` or a substitution with the flag ``e`` runs what a shell makes of a text."""
    parsed = _SED.parse(call.words)
    if isinstance(parsed, OptionError):
        return None
    texts = [value or "" for name, value in parsed.options if name == "e"]
    if parsed.has("f"):
        return AtRunTime(f"{call.name} reads its commands from a file, which may start programs")
    texts = texts or list(parsed.rest[:1])
    running = next((text for text in texts if len(text) > MAX_TEXT_CHARS or _RUNS_IN_SED.search(text)), None)
    if running is None:
        return None
    named = _NAMED_IN_SED.search(running) if len(running) <= MAX_TEXT_CHARS and "s/" not in running else None
    starts = replace(call.command, argv=(named[1],)) if named else None
    return AtRunTime(f"{call.name} starts programs by its command e", starts=starts)


def awk(call: LauncherCall) -> Launch:
    """Awk starts programs by ``system()`` and by pipes."""
    parsed = _AWK.parse(call.words)
    if isinstance(parsed, OptionError):
        return None
    if parsed.has("f"):
        return AtRunTime(f"{call.name} reads its program from a file, which may start others")
    text = (parsed.rest or ("",))[0].replace("||", "")
    if not _RUNS_IN_AWK.search(text):
        return None
    named = _NAMED_IN_AWK.search(text) if len(text) <= MAX_TEXT_CHARS else None
    starts = replace(call.command, argv=(named[1],)) if named else None
    return AtRunTime(f"{call.name} starts programs by its own words", starts=starts)


_SHELL = re.compile(r".*/(?:ba|da|a)?sh", re.ASCII)
"""What may run already, as the one of the script that starts another."""

_PLAIN_START = frozenset("Sxapqvocd")
"""Options with which a container's first start of a program comes to nothing but its exec."""


_LOOKED_FOR = ("x", "p", "n", "u", "pid", "ppid")
"""Options that say which process may run already."""


def start_stop_daemon(call: LauncherCall) -> Launch:
    """Debian's, which ends where it is told of nothing to look for."""
    parsed = _DAEMON.parse(call.words)
    if not isinstance(parsed, OptionError) and parsed.has("S") and not parsed.has(*_LOOKED_FOR, "H", "V"):
        return call.refused("it takes one of --exec, --pidfile, --pid, --ppid, --name, --user")
    return _first_start(call)


def _first_start(call: LauncherCall) -> Launch:
    """Starts its program where none runs by the files and names that it is given; without a file of a process none does."""
    why = f"{call.name} starts its program where it finds none that runs"
    parsed = _DAEMON.parse(call.words)
    if isinstance(parsed, OptionError):
        return AtRunTime(why)
    program = parsed.value("a") or parsed.value("x") or ""
    if not parsed.has("S") or parsed.has("r", "t", "H", "V") or not program.startswith("/"):
        return AtRunTime(why)
    pid, user, directory = parsed.value("p"), parsed.value("c"), parsed.value("d")
    cwd = call.command.absolute(directory) if directory else "/"
    is_plain = {name for name, _ in parsed.options} <= _PLAIN_START and call.stands(cwd)
    may_run = _SHELL.fullmatch(parsed.value("x") or "") if pid is None else call.stands(call.command.absolute(pid))
    if not is_plain or may_run:
        return AtRunTime(why, starts=replace(call.command, argv=(program, *parsed.rest)))
    call = call if user is None else call.as_user(user)
    return call.within(replace(call.command, cwd=cwd)).starting((program, *parsed.rest), By.EXECVE)


def start_stop_daemon_of_busybox(call: LauncherCall) -> Launch:
    """Busybox', whose options mean other things, and which stays where it is."""
    launch = _first_start(call)
    if not isinstance(launch, Launched):
        return launch
    why = f"{call.name} starts its program where it finds none that runs"
    return AtRunTime(why, starts=replace(launch.command, cwd=call.command.cwd))
