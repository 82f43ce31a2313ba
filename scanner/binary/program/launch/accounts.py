"""Launchers that change the user (su, sudo, setpriv …) by their command lines: what they exec next."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.launch.launch import (
    AtRunTime,
    By,
    assigned,
    empty_environment,
    parsed_by,
    shell_command,
    shell_variable,
    unknown_environment,
)

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.launch.getopt import Parsed
    from scanner.binary.program.launch.launch import Launch, LauncherCall, Rule

_UTIL_LINUX_SU = grammar(
    "c:fg:G:lmpPTs:u:w:hV",
    "preserve-environment>p whitelist-environment:>w group:>g supp-group:>G login>l command:>c session-command:>c "
    "fast>f shell:>s pty>P no-pty>T user:>u help version",
    permutes=True,
)
_BUSYBOX_SU = grammar("mplc:s:", "login>l preserve-environment>p command:>c shell:>s", permutes=True)
_SETPRIV = grammar(
    "dhV",
    "dump>d nnp no-new-privs>nnp ambient-caps: inh-caps: bounding-set: ruid: euid: rgid: egid: reuid: regid: "
    "clear-groups keep-groups init-groups groups: securebits: pdeathsig: selinux-label: apparmor-profile: "
    "landlock-access: landlock-rule: seccomp-filter: ptracer: list-caps reset-env help version",
)
_BUSYBOX_SETPRIV = grammar("d", "dump>d nnp no-new-privs>nnp inh-caps: ambient-caps:")
_SUDO = grammar(
    "Aa:bBC:c:D:Eeg:Hh:iKklNnPp:R:r:SsT:t:U:u:Vv",
    "askpass>A auth-type:>a background>b bell>B close-from:>C login-class:>c chdir:>D preserve-env::>E edit>e group:>g "
    "set-home>H help host:>h login>i remove-timestamp>K reset-timestamp>k list>l no-update>N non-interactive>n "
    "preserve-groups>P prompt:>p chroot:>R role:>r stdin>S shell>s command-timeout:>T type:>t other-user:>U user:>u "
    "version>V validate>v",
)
_DOAS = grammar("C:Lnsu:")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.ASCII | re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9_$-]", re.ASCII)


def switched(*, by: By) -> Rule:
    """``gosu`` and ``su-exec``: a user, then the command; HOME becomes the user's."""

    def rule(call: LauncherCall) -> Launch:
        if call.words[:1] and call.words[0] in ("--help", "-h", "-?", "--version", "-v"):
            return None
        if len(call.words) < 2:  # noqa: PLR2004 - a user and a command
            return call.refused("it takes a user, then a command")
        user = call.words[0]
        account = call.accounts(user.partition(":")[0])
        command = call.command.with_variable("HOME", account.home if account else None)
        return call.within(replace(command, user=user)).starting(call.words[1:], by)

    return rule


def su(call: LauncherCall) -> Launch:
    """util-linux' su, which takes options on either side of the user."""
    parsed = parsed_by(call, _UTIL_LINUX_SU, "h", "V")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if parsed.has("u"):
        return call.refused("su knows no -u")
    return _unlet(call, parsed) or _as_su(call, parsed)


def busybox_su(call: LauncherCall) -> Launch:
    """Busybox' su."""
    parsed = parsed_by(call, _BUSYBOX_SU)
    return parsed if parsed is None or isinstance(parsed, AtRunTime) else _as_su(call, parsed)


def runuser(call: LauncherCall) -> Launch:
    """util-linux' runuser: with ``-u`` a command, else as su does."""
    parsed = parsed_by(call, _UTIL_LINUX_SU, "h", "V")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if unlet := _unlet(call, parsed):
        return unlet
    user = parsed.value("u")
    if user is None:
        return _as_su(call, parsed)
    if parsed.has("c", "f", "l", "s"):
        return call.refused("-u excludes -c, -f, -l and -s")
    account = call.accounts(user)
    command = _known_to(replace(call.command, user=user), account.home if account else None)
    return call.within(command).starting(parsed.rest)


_PAM = ("/etc/pam.conf", "/etc/pam.d/other", "/usr/lib/pam.d/other", "/usr/etc/pam.d/other")


def _unlet(call: LauncherCall, parsed: Parsed) -> AtRunTime | None:
    """PAM, which lets nobody in whom no file of it tells of."""
    names = [f"{call.name}-l"] if parsed.has("l") or parsed.rest[:1] == ("-",) else []
    own = [
        f"{folder}/{name}"
        for name in (*names, call.name)
        for folder in ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
    ]
    if not any(each.startswith("libpam.so") for each in call.libraries) or any(map(call.stands, (*own, *_PAM))):
        return None
    return call.denied("asks PAM, of which nothing is set up")


def _known_to(command: Command, home: str | None) -> Command:
    """The variables of a user that su or runuser set; PAM's modules may set more."""
    names = {name: command.user if command.user != "root" else command.env.get(name) for name in ("USER", "LOGNAME")}
    return replace(assigned(command, {"HOME": home, **names}), env_known=False)


def _as_su(call: LauncherCall, parsed: Parsed) -> Launch:
    """A shell of the user's, or of ``-s``, with ``-c`` and its text or further words."""
    words = parsed.rest
    login = parsed.has("l") or words[:1] == ("-",)
    words = words[1:] if words[:1] == ("-",) else words
    user, arguments = (words[0], words[1:]) if words else ("root", ())
    account = call.accounts(user)
    preserved = parsed.has("p", "m") and not login
    shell = parsed.value("s") or (shell_variable(call.command) if preserved else None)
    if shell is None and not preserved:
        shell = account.shell if account else None
    command = replace(call.command, user=user, env_known=False)
    if login:
        command = replace(unknown_environment(command), cwd=account.home if account and account.home else "/")
    elif not preserved:
        command = _known_to(command, account.home if account else None).with_variable("SHELL", shell)
    text = parsed.value("c")
    given = () if text is None else ("-c", text)
    fast = ("-f",) if parsed.has("f") else ()
    return shell_command(call.within(command), shell, *fast, *given, *arguments)


_GROUP_CHANGING = ("rgid", "egid", "regid")
_GROUP_LISTING = ("clear-groups", "keep-groups", "init-groups", "groups")


def setpriv(call: LauncherCall) -> Launch:
    """util-linux' setpriv."""
    parsed = parsed_by(call, _SETPRIV, "h", "V", "list-caps")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if parsed.has("d"):
        return (
            None
            if not parsed.rest and {name for name, _ in parsed.options} == {"d"}
            else call.refused("--dump excludes the rest")
        )
    if parsed.has(*_GROUP_CHANGING) and not parsed.has(*_GROUP_LISTING):
        return call.refused("whoever changes the group says what becomes of the others")
    user = parsed.value("reuid", "euid")
    command = call.command if user is None else call.as_user(user).command
    if parsed.has("reset-env"):
        command = _reset(call, command)
    return call.within(command).starting(parsed.rest)


def _reset(call: LauncherCall, command: Command) -> Command:
    """``--reset-env``: only what login(1) sets, PATH by /etc/login.defs, which nobody read."""
    account = call.accounts((command.user or "root").partition(":")[0])
    kept = command.env.get("TERM")
    empty = empty_environment(command)
    named = {"HOME": account.home if account else None, "SHELL": account.shell if account else None}
    named |= dict.fromkeys(("USER", "LOGNAME"), account.name if account else None)
    for name, value in {**named, **({"TERM": kept} if kept is not None else {}), "PATH": None}.items():
        empty = empty.with_variable(name, value)
    return replace(empty, login=True)


def busybox_setpriv(call: LauncherCall) -> Launch:
    """Busybox' setpriv, which changes no user."""
    parsed = parsed_by(call, _BUSYBOX_SETPRIV, "d")
    return parsed if parsed is None or isinstance(parsed, AtRunTime) else call.starting(parsed.rest)


def doas(call: LauncherCall) -> Launch:
    """OpenDoas; its configuration may refuse, and decides which variables stay."""
    parsed = parsed_by(call, _DOAS, "C", "L")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    command = replace(unknown_environment(call.command), user=parsed.value("u") or "root")
    if parsed.has("s"):
        if parsed.rest:
            return call.refused("-s excludes a command")
        return shell_command(call.within(command), shell_variable(call.command))
    return call.within(command).starting(parsed.rest)


def sudo(call: LauncherCall) -> Launch:
    """sudo; its policy may refuse, and decides which variables stay and where names are looked up."""
    read = _sudo_words(call)
    if isinstance(read, OptionError):
        return call.refused(read)
    parsed, assigned = read
    if parsed.has("help", "e", "K", "l", "v", "V") or (parsed.has("k") and not parsed.rest):
        return None
    if parsed.has("R"):
        return AtRunTime(f"{call.name} changes the root directory to {parsed.value('R')!r}")
    if parsed.has("D"):
        return AtRunTime(f"only {call.name}'s policy tells whether it may change the directory")
    user = parsed.value("u") or "root"
    command = replace(unknown_environment(call.command), user=user)
    for word in assigned:
        name, _, value = word.partition("=")
        command = command if name == "PATH" else command.with_variable(name, value)
    if not parsed.has("i", "s"):
        return call.within(command).starting(parsed.rest, By.EXECVE)
    account = call.accounts(user)
    shell = account.shell if account else None
    if parsed.has("s") and "SHELL" in call.command.env:
        shell = call.command.env["SHELL"] or shell
    if parsed.has("i"):
        command = replace(command, cwd=account.home if account and account.home else "/")
    text = " ".join("".join(char if _PLAIN.match(char) else f"\\{char}" for char in word) for word in parsed.rest)
    return shell_command(call.within(command), shell, *(("-c", text) if parsed.rest else ()))


def _sudo_words(call: LauncherCall) -> tuple[Parsed, tuple[str, ...]] | OptionError:
    """Options and assignments, which may stand among each other."""
    assigned: list[str] = []
    options: list[tuple[str, str | None]] = []
    words = call.words
    while True:
        parsed = _SUDO.parse(words)
        if isinstance(parsed, OptionError):
            return parsed
        options += parsed.options
        ended = len(words) > len(parsed.rest) and words[len(words) - len(parsed.rest) - 1] == "--"
        words = parsed.rest
        while words and _ASSIGNMENT.fullmatch(words[0]):
            assigned.append(words[0])
            words = words[1:]
        if ended or not words or not words[0].startswith("-") or words[0] == "-" or words == parsed.rest:
            return replace(parsed, options=tuple(options), rest=words), tuple(assigned)
