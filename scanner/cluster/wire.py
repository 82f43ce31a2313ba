"""A host with its facts as text that crosses from process to process, parsed by its declared types alone."""

from __future__ import annotations

import hashlib
from dataclasses import MISSING, fields, is_dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from scanner.domain.facts import HOSTS_SHARE, HostFacts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.formats.parsing.kept_once import KeptOnce
from scanner.hosts.login import with_login
from scanner.probe import reading, script
from scanner.store import codec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.hosts.login import ProbeLogin


class Sharing:
    """Values of the classes that hosts have in common, each kept once, however many hosts send an equal one."""

    def __init__(self) -> None:
        self._kinds = frozenset(HOSTS_SHARE)
        self._kept = KeptOnce(HOSTS_SHARE)
        self.make = self._make
        """One object for the whole life: readers of types are made once for it."""

    def _make(self, kind: type[Any], said: dict[str, Any]) -> Any:
        if kind not in self._kinds:
            return kind(**said)
        return self._kept.value((kind, *said.items()), lambda: kind(**said))


def host_text(host: Host, *, keys_are_here: bool = True) -> str:
    """What a worker must know of a host; what is planned for it is judged elsewhere.

    Which files are its keys is told only to a worker to which they are the same files (``keys_are_here``).
    """
    files = host.identity_files, host.jump_identity_files
    own, of_jump = files if keys_are_here else ((), ())
    return codec.dumps(replace(host, planned=(), identity_files=own, jump_identity_files=of_jump))


def host_of(text: str) -> Host:
    """The host.

    Raises:
        ValueError: the text is none of a host.
    """
    return codec.loads(Host, text)


def interpreted(raw: bytes, host: Host, login: ProbeLogin) -> str | Failure:
    """The text of the facts in a probe's answer, with who asked (``hosts.login``); runs where a hostile one can be ended."""
    found = reading.read(raw, host)
    return found if isinstance(found, Failure) else facts_text(with_login(found, host, login))


def facts_text(facts: HostFacts) -> str:
    """The facts of one host."""
    return codec.dumps(facts)


def facts_of(text: str, host: str, sharing: Sharing) -> HostFacts:
    """The facts that ``facts_text`` was given, which must be of the host of this name.

    Raises:
        ValueError: the text is none of its facts.
    """
    found = codec.loads(HostFacts, text, sharing.make)
    if other := next((each for each in (found.host, *(one.host for one in found.workloads)) if each != host), None):
        raise ValueError(f"facts of {other!r:.100}")
    return replace(found, gaps=MappingProxyType(dict(found.gaps)))


def failure_text(failure: Failure) -> str:
    """Why a host could not be read."""
    return codec.dumps(failure)


def failure_of(text: str) -> Failure:
    """The failure.

    Raises:
        ValueError: the text is none of a failure.
    """
    return codec.loads(Failure, text)


def fingerprint() -> str:
    """What both sides must have in common to understand each other: the probe, every field that crosses."""
    told = [script.digest(), *(f"{kind.__qualname__}({', '.join(_fields(kind))})" for kind in _reached())]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _reached() -> list[type[Any]]:
    """The classes of everything that crosses, by name."""
    found: dict[str, type[Any]] = {}
    waiting: list[Any] = [Host, HostFacts, Failure]
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if is_dataclass(kind) and isinstance(kind, type) and kind.__qualname__ not in found:
            found[kind.__qualname__] = kind
            waiting += codec.hints_of(kind).values()
    return [found[name] for name in sorted(found)]


def _fields(kind: type[Any]) -> Iterator[str]:
    for field in fields(kind):
        if field.init:
            default = "" if field.default is MISSING else repr(field.default)
            yield f"{field.name}: {field.type} = {default}"
