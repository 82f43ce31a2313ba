"""Bastions as ProxyJump names them, or a ProxyCommand that means the same."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scanner.domain.host import MAX_PORT, Host
from scanner.inventory.record import DEFAULT_PORT
from scanner.inventory.ssh_config import command_line
from scanner.inventory.ssh_config.connection_options import (
    FAMILY,
    NotUnderstoodError,
    Options,
    Setting,
    expanded,
    is_none,
    one_word,
    port_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.inventory.ssh_config.command_line import CommandLine

MAX_HOPS = 4
"""More bastions in a row than anybody has."""

_HOP = re.compile(r"(?:(?P<user>.+)@)?(?P<host>\[[^\[\]]+\]|[^@:\[\]]+)(?::(?P<port>\d*))?")
_BARE_IPV6 = re.compile(r"(?:(?P<user>.+)@)?(?P<host>[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)")
_SSH = re.compile(r"(?:/\S*/)?ssh")
_NETCAT = re.compile(r"(?:/\S*/)?(?:nc|netcat|ncat)")
_REDIRECTION = re.compile(r"[0-9]?>++&?\S*")
_FORWARD = frozenset({"%h:%p", "[%h]:%p"})
_SHELL = frozenset("$`&|;<>(){}*?!\n")
"""Letters that mean something to the shell through which ssh starts a ProxyCommand."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One bastion as written; ``identities`` are keys that its command line names, ``family`` what it says of addresses."""

    host: str
    user: str = ""
    port: int | None = None
    identities: tuple[Setting, ...] = ()
    family: Setting | None = None


@dataclass(frozen=True, slots=True)
class Jump:
    """The bastions in front of a host, in the order they are passed; ``through_config``: ssh looks them up in its file.

    ``may_jump``: the first of them may have a jump of its own there.
    """

    hops: tuple[Hop, ...] = ()
    through_config: bool = True
    may_jump: bool = True


NO_JUMP = Jump()


def jump_of(options: Options, tokens: dict[str, str]) -> Jump:
    """What stands in front of a host with these options.

    Raises:
        NotUnderstoodError: a command that does anything else than go through a bastion; we start none (CVE-2023-51385).
    """
    setting = options.first.get("proxy")
    if setting is None or is_none(setting):
        return NO_JUMP
    if setting.key == "proxyjump":
        return Jump(_hops(setting, setting.value.partition("#")[0].rstrip(), tokens))
    return _from_command(setting, setting.value.strip(), tokens)


def _hops(setting: Setting, text: str, tokens: dict[str, str]) -> tuple[Hop, ...]:
    said = expanded(setting, text, tokens)
    if any(map(str.isspace, said)):
        raise NotUnderstoodError(f"{setting.place}: {said!r} has blanks, behind which ssh reads no further")
    parts = said.split(",")
    if len(parts) > MAX_HOPS:
        raise NotUnderstoodError(f"{setting.place}: more than {MAX_HOPS} bastions stand in front of it")
    hops = tuple(hop_of(setting, part) for part in parts)
    if hops == (Hop("none"),):
        raise NotUnderstoodError(f"{setting.place}: with more behind it ssh takes none for the name of a bastion")
    return hops


def hop_of(setting: Setting, text: str, *, is_alone: bool = False) -> Hop:
    """The bastion of ``[user@]host[:port]`` or ``ssh://[user@]host[:port]``.

    One that ``is_alone`` on a command line has no port behind its host, where an address of version 6 needs no brackets.

    Raises:
        NotUnderstoodError: it is neither, or no host that may be contacted.
    """
    hop = _hop(text, is_alone=is_alone)
    if hop is None:
        raise NotUnderstoodError(f"{setting.place}: {text!r} is not a bastion such as user@host:port")
    return hop


@lru_cache(maxsize=1024)
def _hop(text: str, *, is_alone: bool) -> Hop | None:
    """The bastion, which ten thousand hosts may share; ``None`` where the text names none."""
    try:
        hop = _of_address(text) if text.startswith("ssh://") else _of_words(text, is_alone=is_alone)
        if hop is not None:
            Host(hop.host, hop.host, hop.port or DEFAULT_PORT, hop.user)
    except ValueError:
        return None
    return hop


def _of_address(text: str) -> Hop | None:
    parts = urlsplit(text)
    if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.password:
        return None
    return Hop(parts.hostname, parts.username or "", parts.port)


def _of_words(text: str, *, is_alone: bool) -> Hop | None:
    found = (_BARE_IPV6.fullmatch(text) if is_alone else None) or _HOP.fullmatch(text)
    if found is None:
        return None
    given = found.groupdict().get("port")
    port = int(given[: len(str(MAX_PORT)) + 1]) if given else None
    return None if port == 0 else Hop(found["host"].strip("[]"), found["user"] or "", port)


def _from_command(setting: Setting, command: str, tokens: dict[str, str]) -> Jump:
    refusal = NotUnderstoodError(
        f"{setting.place}: its ProxyCommand is not run, since it is more than ssh through a bastion: use ProxyJump, "
        "or jump in the settings"
    )
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        raise refusal from None
    words = [word for word in words if not _REDIRECTION.fullmatch(word)]
    if words[:1] == ["exec"]:
        words = words[1:]
    if not words or not _SSH.fullmatch(words[0]) or _SHELL & set("".join(words)):
        raise refusal
    line = command_line.parse(words[1:], setting.place)
    if not line.words or not (_is_forward(line) or _is_netcat(line)) or line.config not in {None, "none", "/dev/null"}:
        raise refusal
    return _through(setting, line, tokens)


def _is_forward(line: CommandLine) -> bool:
    return line.forward in _FORWARD and len(line.words) == 1


def _is_netcat(line: CommandLine) -> bool:
    """The way before OpenSSH 5.4: a netcat on the bastion goes to the same address."""
    command = line.words[1:]
    if len(command) == 1:
        command = command[0].split()
    return (
        not line.forward
        and len(command) > 2  # noqa: PLR2004 -- the program, the address, the port
        and bool(_NETCAT.fullmatch(command[0]))
        and command[-2:] == ["%h", "%p"]
        and all(re.fullmatch(r"-[qwvN]+\d*|\d+", word) for word in command[1:-2])
    )


def _through(setting: Setting, line: CommandLine, tokens: dict[str, str]) -> Jump:
    """The bastion that a command line names, with those in front of it."""
    options = line.options
    named = hop_of(setting, expanded(setting, line.words[0], tokens), is_alone=True)
    user = named.user or _word(setting, options.word("user"), tokens)
    if "user" in options.first and named.user:
        user = _word(setting, options.word("user"), tokens)  # the option stands in front, so it is first
    port = port_of(options.first.get("port")) or named.port
    host = options.word("hostname") or named.host
    hop = Hop(host, user, port, tuple(options.identities), options.first.get(FAMILY))
    if inner := options.first.get("proxy"):  # ssh replaces the tokens of the whole command before it starts any of it
        options.first["proxy"] = replace(inner, value=expanded(inner, inner.value, tokens))
    around = {"%": "%", "h": host, "n": named.host, "p": str(port or DEFAULT_PORT), "r": user}
    within = jump_of(options, around)
    hops = (*within.hops, hop)
    if len(hops) > MAX_HOPS:
        raise NotUnderstoodError(f"{setting.place}: more than {MAX_HOPS} bastions stand in front of it")
    is_decided = "proxy" in options.first and not within.hops
    through_config = line.config is None and "hostname" not in options.first
    return Jump(hops, through_config=through_config, may_jump=not is_decided and within.may_jump)


def _word(setting: Setting, text: str, tokens: dict[str, str]) -> str:
    return expanded(setting, text, tokens) if text else ""


def identity_of(setting: Setting, tokens: dict[str, str], home: str, homes: Mapping[str, str]) -> str:
    """The path of a key; empty where it is ``none``. ``homes`` are those of other accounts.

    Raises:
        NotUnderstoodError: a path that depends on what is not known here.
    """
    path = one_word(setting)
    if path.lower() == "none":
        return ""
    path = expanded(setting, path.replace("${HOME}", home), tokens)
    if not path.startswith("~"):
        return path
    account, slash, rest = path[1:].partition("/")
    folder = homes.get(account) if account else home
    if folder is None:
        raise NotUnderstoodError(f"{setting.place}: {path} is in the home of an account that is not here: write it out")
    return f"{folder}{slash}{rest}"
