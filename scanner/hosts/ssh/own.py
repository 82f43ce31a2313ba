"""Asks a person's own ssh how it would reach a host, for a person who names a host of no inventory."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.domain.host import Host, parse_endpoint
from scanner.formats import whose
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.trust import DEFAULT_PORT
from scanner.inventory.ssh_config.connection_options import FAMILY, PROXY, Options, Setting, family_of
from scanner.inventory.ssh_config.jump import MAX_HOPS, NO_JUMP, Hop, jump_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S = 10.0
"""``ssh -G`` reads files; a ``Match exec`` in them may wait for something that never comes."""

MAX_SAID_CHARS = 300
"""Of what ssh says first, which names the file and the line."""

_DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_NAMES_THE_SOCKET = "SSH_AUTH_SOCK"


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """The hosts, with how they are reached by whoever asks."""

    hosts: tuple[Host, ...]
    config: SshConfig


@dataclass
class _Own:
    keys: dict[Path, None] = field(default_factory=dict)
    known: dict[Path, None] = field(default_factory=dict)
    agent: str | None = None


def own_hosts(targets: Sequence[str], environ: Mapping[str, str] = os.environ) -> OwnHosts:
    """Each of ``[user@]host[:port]`` as the person's own ssh would reach it (``ssh -G``), where there is one.

    Raises:
        ValueError: it is no such target, or ssh refuses it.
    """
    own = _Own()
    hosts = tuple(_host(target, own, environ) for target in dict.fromkeys(targets))
    config = SshConfig(
        identity_file=None,
        known_hosts_file=None,
        own_keys=tuple(own.keys),
        own_known_hosts=tuple(own.known),
        agent=own.agent,
        user=environ.get("LOGNAME") or environ.get("USER") or "root",
        connect_timeout_s=30.0,
    )
    return OwnHosts(hosts, config)


def _host(target: str, own: _Own, environ: Mapping[str, str]) -> Host:
    found = parse_endpoint(target)
    if found is None:
        raise ValueError(f"{target!r} is no host: write [user@]host[:port]")
    *before, reached = _way(Hop(found.address, found.user, found.port), own, environ, MAX_HOPS)
    return Host(
        name=found.address,
        address=reached.address,
        port=reached.port,
        user=reached.user,
        jump=",".join(f"{one.user}@{one.endpoint}" if one.user else one.endpoint for one in before),
        family=(*before, reached)[0].family,
    )


def _way(hop: Hop, own: _Own, environ: Mapping[str, str], left: int) -> list[Host]:
    """The bastions in front of a host, each looked up as the ssh that goes there would, then the host itself.

    Raises:
        ValueError: as ``own_hosts``; or ssh would start a program that goes anywhere else.
    """
    name = hop.host
    given = DEFAULT_PORT if hop.port is None else hop.port
    Host(name, name, given, hop.user)  # what is outside the grammar is no word for ssh
    said = _asked(name, hop.user, hop.port)
    one = {key: values[0] for key, values in said.items()}
    _note(said, own, environ)
    address, port, user = one.get("hostname", name), int(one.get("port") or given), one.get("user") or hop.user
    tokens = {"%": "%", "h": address, "n": name, "p": str(port), "r": user}
    jump = NO_JUMP
    if key := next(iter(PROXY & one.keys()), None):  # ssh -G prints the one that counts
        jump = jump_of(Options({"proxy": Setting(key, one[key], f"ssh -G {name}")}), tokens)
    before: list[Host] = []
    for number, bastion in enumerate(jump.hops):
        if not left:
            raise ValueError(f"ssh -G {name}: more than {MAX_HOPS} bastions stand in front of it")
        *others, reached = _way(bastion, own, environ, left - 1)
        before += [*(others if number == 0 and jump.may_jump else ()), reached]
    family = family_of(Setting(FAMILY, one.get(FAMILY, "any")))
    return [*before, Host(name, address, port, user, family=family)]


def _note(said: Mapping[str, Sequence[str]], own: _Own, environ: Mapping[str, str]) -> None:
    """Take down the keys, the files of known hosts, the agent."""
    home = Path(environ.get("HOME") or whose.home())
    for file in said.get("identityfile", [f"{home}/.ssh/{key}" for key in _DEFAULT_KEYS]):
        own.keys.setdefault(_path(file, home))
    files = " ".join(
        [*said.get("userknownhostsfile", [f"{home}/.ssh/known_hosts"]), *said.get("globalknownhostsfile", [])]
    )
    for file in files.split():
        own.known.setdefault(_path(file, home))
    own.agent = own.agent or _agent(said.get("identityagent", [_NAMES_THE_SOCKET])[0], home, environ)


def _asked(name: str, user: str, port: int | None) -> dict[str, list[str]]:
    """What ``ssh -G`` says, by option in lower case; nothing where there is no ssh."""
    words = ["ssh", "-G", *(["-l", user] if user else []), *(["-p", str(port)] if port else []), "--", name]
    try:
        done = subprocess.run(  # noqa: S603 -- no shell, and the name stands behind "--"
            words, capture_output=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return {}
    except subprocess.TimeoutExpired:
        raise ValueError(f"ssh -G {name} did not end within {TIMEOUT_S:g} s") from None
    if done.returncode != 0:
        first = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise ValueError(f"ssh -G {name}: {first[-MAX_SAID_CHARS:].rstrip()}")
    said: dict[str, list[str]] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(" ")
        said.setdefault(key, []).append(value)
    return said


def _path(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith("~/") else Path(text)


def _agent(said: str, home: Path, environ: Mapping[str, str]) -> str | None:
    if said == "none":
        return None
    if said == _NAMES_THE_SOCKET:
        return environ.get(_NAMES_THE_SOCKET)
    return environ.get(said[1:]) if said.startswith("$") else str(_path(said, home))
