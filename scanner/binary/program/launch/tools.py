"""Launchers that change priority, limits, namespaces or signals (nice, timeout …): what they exec next."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.launch.launch import (
    FALLBACK_SHELL,
    AtRunTime,
    parsed_by,
    shell_command,
    shell_variable,
)

if TYPE_CHECKING:
    from scanner.binary.program.launch.getopt import Grammar
    from scanner.binary.program.launch.launch import Launch, LauncherCall, Rule

_TINI = grammar("hvwgle:p:s")
_PERMUTING_TINI = grammar("hvwgle:p:s", permutes=True)
_NICE = grammar("n:", "adjustment:>n help version")
_TIMEOUT = grammar("k:s:vfp", "kill-after:>k signal:>s foreground>f preserve-status>p verbose>v help version")
_BUSYBOX_TIMEOUT = grammar("s:k:t:")
_STDBUF = grammar("i:o:e:", "input:>i output:>o error:>e help version")
_FOLDERS_OF_STDBUF = ("/usr/libexec/coreutils", "/usr/lib/coreutils", "/usr/lib64/coreutils", "/usr/bin", "/bin")
_OTHERS_OF_STDBUF = ("/nix/store", "/gnu/store", "/usr/lib/cargo/bin/coreutils")
_LIBRARIES_OF_STDBUF = (*(f"{each}/libstdbuf.so" for each in _FOLDERS_OF_STDBUF), *_OTHERS_OF_STDBUF)
_CHROOT = grammar("", "groups: userspec: skip-chdir help version")
_FLOCK = grammar(
    "sexnoFuw:hVE:",
    "shared>s exclusive>x unlock>u nonblocking>n nb>n nonblock>n timeout:>w wait:>w conflict-exit-code:>E close>o "
    "no-fork>F verbose help version",
)
_BUSYBOX_FLOCK = grammar("sxun", "shared>s exclusive>x unlock>u nonblock>n")
_UNSHARE = grammar(
    "fhVm::u::i::n::p::C::T::U::rcR:w:S:G:l:",
    "mount::>m uts::>u ipc::>i net::>n pid::>p user::>U cgroup::>C time::>T fork>f kill-child:: mount-proc:: "
    "mount-binfmt:: map-user: map-users: map-group: map-groups: map-root-user>r map-current-user>c map-auto "
    "map-subids propagation: setgroups: keep-caps root:>R wd:>w setuid:>S setgid:>G monotonic: boottime: "
    "load-interp:>l help version",
)
_BUSYBOX_UNSHARE = grammar(
    "m::u::i::n::p::U::fr",
    "mount::>m uts::>u ipc::>i net::>n pid::>p user::>U fork>f map-root-user>r mount-proc:: propagation: setgroups:",
)
_SETARCH = grammar(
    "hVv3BFILRSTXZ",
    "verbose>v addr-no-randomize>R fdpic-funcptrs>F mmap-page-zero>Z addr-compat-layout>L read-implies-exec>X 32bit>B "
    "short-inode>I whole-seconds>S sticky-timeouts>T 3gb>3 4gb uname-2.6 list show help version",
)
_PERSONALITIES = tuple("FILRSTXZ3B")
"""Options that set a flag of the personality beyond Linux and its 32-bit half, which alone engines' seccomp lets pass."""
_DURATION = re.compile(
    r"\s*\+?(?:\d++(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?[smhd]?|\s*\+?inf(?:inity)?|\s*\+?0[xX][0-9a-fA-F]+",
    re.ASCII | re.IGNORECASE,
)
_OLD_NICE = re.compile(r"-[-+]?[0-9]", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_MAX_EXIT_CODE = 255


def tini(call: LauncherCall) -> Launch:
    """Tini and docker-init: ``--version`` counts only where it stands alone.

    They call plain getopt(3), which takes options behind the command as well with glibc, but not with musl.
    """
    if call.words == ("--version",):
        return None
    if call.libc:
        return _tini(call, _TINI if call.libc == "musl" else _PERMUTING_TINI)
    one, other = _tini(call, _PERMUTING_TINI), _tini(call, _TINI)
    return (
        one
        if one == other
        else AtRunTime(f"which options are {call.name}'s own depends on its C library: -- is missing")
    )


def _tini(call: LauncherCall, options: Grammar) -> Launch:
    parsed = parsed_by(call, options, "h", "l")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    codes = [value or "" for name, value in parsed.options if name == "e"]
    if any(not code.isascii() or not code.isdigit() or int(code[:4]) > _MAX_EXIT_CODE for code in codes):
        return call.refused("-e takes an exit code")
    return call.starting(parsed.rest)


def nice(call: LauncherCall) -> Launch:
    """GNU nice, with the old ``-5``, ``--5``, ``-+5`` beside ``-n 5``; without a command it prints."""
    words, value = call.words, None
    while words:
        if _OLD_NICE.match(words[0]):
            value, words = words[0][1:], words[1:]
            continue
        parsed = _NICE.parse(words, until="n")
        if isinstance(parsed, OptionError):
            return call.refused(parsed)
        if parsed.has("help", "version"):
            return None
        words = parsed.rest
        if not parsed.has("n"):
            break
        value = parsed.value("n")
    if value is not None and not _NUMBER.fullmatch(value.strip()):
        return call.refused(f"{value!r} is no adjustment")
    return call.starting(words) if words else None


def busybox_nice(call: LauncherCall) -> Launch:
    """Busybox' nice: ``-n N``, ``-nN`` or ``-N``."""
    words = call.words
    if words and words[0].startswith("-"):
        word = words[0].removeprefix("-n") if words[0].startswith("-n") else words[0][1:]
        value, words = (word, words[1:]) if word else (words[1] if len(words) > 1 else "", words[2:])
        if not _NUMBER.fullmatch(value):
            return call.refused(f"{value!r} is no adjustment")
        return call.starting(words)
    return call.starting(words) if words else None


def timeout(call: LauncherCall) -> Launch:
    """GNU timeout: a duration, then the command."""
    parsed = parsed_by(call, _TIMEOUT)
    return parsed if parsed is None or isinstance(parsed, AtRunTime) else _for_a_while(call, parsed.rest)


def busybox_timeout(call: LauncherCall) -> Launch:
    """Busybox' timeout; until 1.29 the duration was ``-t``."""
    parsed = parsed_by(call, _BUSYBOX_TIMEOUT)
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if parsed.has("t"):
        return AtRunTime(f"{call.name} knew -t until version 1.29 of busybox only")
    return _for_a_while(call, parsed.rest)


def _for_a_while(call: LauncherCall, words: tuple[str, ...]) -> Launch:
    if not words or not _DURATION.fullmatch(words[0]):
        return call.refused("its first word is no duration")
    return call.starting(words[1:])


def stdbuf(call: LauncherCall) -> Launch:
    """GNU stdbuf, which puts its library into LD_PRELOAD."""
    parsed = parsed_by(call, _STDBUF)
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if not parsed.options:
        return call.refused("it needs a buffering mode")
    if (parsed.value("i") or "").upper() == "L":
        return call.refused("line buffering of the input is meaningless")
    if call.command.argv[0] in {"stdbuf", "/usr/bin/stdbuf"} and not any(map(call.stands, _LIBRARIES_OF_STDBUF)):
        return call.denied("needs libstdbuf.so, which is not where coreutils keep it")
    command = call.command.with_variable("LD_PRELOAD", None)
    for name, value in parsed.options:
        command = command.with_variable(f"_STDBUF_{name.upper()}", value)
    return call.within(command).starting(parsed.rest)


def chroot(call: LauncherCall) -> Launch:
    """GNU chroot; what lies below another root is not looked into."""
    parsed = parsed_by(call, _CHROOT)
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    spec = parsed.value("userspec")
    call = call if spec is None else call.as_user(spec)
    return _rooted(call, parsed.rest, stays=parsed.has("skip-chdir"))


def busybox_chroot(call: LauncherCall) -> Launch:
    """Busybox' chroot, which knows no options."""
    return _rooted(call, call.words, stays=False)


def _rooted(call: LauncherCall, words: tuple[str, ...], *, stays: bool) -> Launch:
    if not words:
        return call.refused("it names no new root")
    if words[0].strip("/") or not words[0]:
        is_told = words[1:] and words[1][:1] == "/"
        starts, root = (
            (replace(call.command, argv=words[1:]), call.command.absolute(words[0])) if is_told else (None, "")
        )
        return AtRunTime(f"{call.name} changes the root directory to {words[0]!r}", starts=starts, root=root)
    here = call if stays else call.within(replace(call.command, cwd="/"))
    if len(words) == 1:
        return shell_command(here, shell_variable(call.command), "-i")
    return here.starting(words[1:])


def flock(call: LauncherCall) -> Launch:
    """util-linux' flock: a file, then a command or ``-c`` and a text for the shell."""
    return _locked(call, _FLOCK)


def busybox_flock(call: LauncherCall) -> Launch:
    """Busybox' flock."""
    return _locked(call, _BUSYBOX_FLOCK)


def _locked(call: LauncherCall, options: Grammar) -> Launch:
    parsed = parsed_by(call, options, "h", "V")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if len(parsed.rest) == 1:
        return None  # a descriptor that is already open
    words = parsed.rest[1:]
    if words[:1] not in (("-c",), ("--command",)):
        return call.starting(words)
    if len(words) != 2:  # noqa: PLR2004 - -c and its text
        return call.refused("-c takes exactly one text")
    return shell_command(call, shell_variable(call.command), "-c", words[1])


def unshare(call: LauncherCall) -> Launch:
    """util-linux' unshare; without a command it starts a shell."""
    return _apart(call, _UNSHARE)


def busybox_unshare(call: LauncherCall) -> Launch:
    """Busybox' unshare."""
    return _apart(call, _BUSYBOX_UNSHARE)


def _apart(call: LauncherCall, options: Grammar) -> Launch:
    parsed = parsed_by(call, options, "h", "V")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if (parsed.value("R") or "/").strip("/"):
        return AtRunTime(f"{call.name} changes the root directory to {parsed.value('R')!r}")
    command = replace(call.command, cwd="/") if parsed.has("R") else call.command
    directory = parsed.value("w")
    command = command if directory is None else replace(command, cwd=command.absolute(directory))
    here = call.within(command)
    if not parsed.rest:
        return shell_command(here, shell_variable(call.command))
    return here.starting(parsed.rest)


def numbered(options: Grammar, *, ends: tuple[str, ...]) -> Rule:
    """``chrt`` and ``taskset``: a number, mask or list, then the command."""

    def rule(call: LauncherCall) -> Launch:
        parsed = parsed_by(call, options, *ends)
        if parsed is None or isinstance(parsed, AtRunTime):
            return parsed
        if not parsed.rest or not re.fullmatch(r"[0-9a-fA-FxX,:-]+", parsed.rest[0], re.ASCII):
            return call.refused("its first word is no number, mask or list")
        return call.starting(parsed.rest[1:])

    return rule


def optional(options: Grammar, *, ends: tuple[str, ...] = ()) -> Rule:
    """A launcher that prints something where no command is left (``ionice``, ``prlimit``)."""

    def rule(call: LauncherCall) -> Launch:
        parsed = parsed_by(call, options, *ends)
        if parsed is None or isinstance(parsed, AtRunTime):
            return parsed
        return call.starting(parsed.rest) if parsed.rest else None

    return rule


def setarch(call: LauncherCall) -> Launch:
    """util-linux' setarch, which takes the architecture as its first word unless an option stands there."""
    named = call.name == "setarch" and call.words and not call.words[0].startswith("-")
    words = call.words[1:] if named else call.words
    parsed = _SETARCH.parse(words)
    if isinstance(parsed, OptionError):
        return call.refused(parsed)
    if parsed.has("help", "version", "h", "V", "list", "show"):
        return None
    if parsed.has(*_PERSONALITIES):
        return call.denied("sets a personality that the usual seccomp profile of engines refuses")
    call = call.within(replace(call.command, is_renamed=(words is not call.words or call.name != "setarch")))
    return call.starting(parsed.rest or (FALLBACK_SHELL,))


def setsid(options: Grammar) -> Rule:
    """Leads a session of its own; what leads its group already, as a container's first process does, forks before."""

    def rule(call: LauncherCall) -> Launch:
        parsed = parsed_by(call, options, "h", "V")
        if parsed is None or isinstance(parsed, AtRunTime):
            return parsed
        if not parsed.has("w"):
            return call.denied("ends at once where it is a container's first process, and the container with it")
        if parsed.has("c"):
            return call.denied("takes the terminal, which containers usually have none of")
        return call.starting(parsed.rest)

    return rule


def chrt(options: Grammar, ends: tuple[str, ...]) -> Rule:
    """A scheduling policy, which is real time unless another one is named, its priority, the command."""
    numbers = numbered(options, ends=ends)

    def rule(call: LauncherCall) -> Launch:
        launch = numbers(call)
        parsed = options.parse(call.words)
        if isinstance(launch, AtRunTime) or launch is None or isinstance(parsed, OptionError):
            return launch
        policies = [name for name, _ in parsed.options if name in set("bdefior")]
        if not policies or policies[-1] in {"d", "f", "r"}:
            return call.denied("sets a real-time policy, which containers usually may not (CAP_SYS_NICE)")
        return launch

    return rule


def ionice(options: Grammar, ends: tuple[str, ...]) -> Rule:
    """A class of input and output, of which the real-time one is not for everybody."""
    plain = optional(options, ends=ends)

    def rule(call: LauncherCall) -> Launch:
        launch = plain(call)
        parsed = options.parse(call.words)
        if isinstance(launch, AtRunTime) or launch is None or isinstance(parsed, OptionError):
            return launch
        is_real_time = (parsed.value("c") or "").strip() in {"1", "realtime"}
        if is_real_time and not parsed.has("t"):
            return call.denied("sets the real-time class, which containers usually may not (CAP_SYS_ADMIN)")
        return launch

    return rule
