"""Host keys that are believed: known_hosts, parsed once, answered from an index."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import asyncssh

from scanner.formats import files
from scanner.formats.files import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MAX_BYTES = 64 << 20
"""About 100,000 hosts with three hashed keys each; reading more would only exhaust memory."""

DEFAULT_PORT = 22

Read = TypeVar("Read")

COLLECT = "archscan trust HOST... collects host keys, for you to compare"

_SHA1_BYTES = 20
_MARKERS = {"@cert-authority": "authority", "@revoked": "revoked"}


class TrustError(ValueError):
    """Keys that cannot be used; each problem names the file, with the line where there is one."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def all_read(reads: Iterable[Callable[[], Read]]) -> tuple[Read, ...]:
    """What each of them reads; one that cannot keeps nobody from seeing what is wrong with the next.

    Raises:
        TrustError: with all that was found.
    """
    found: list[Read] = []
    problems: list[str] = []
    for read in reads:
        try:
            found.append(read())
        except TrustError as error:
            problems += error.problems
    if problems:
        raise TrustError(*problems)
    return tuple(found)


def troubles_of(read: Callable[[], object]) -> tuple[str, ...]:
    """What is wrong with what this reads."""
    try:
        read()
    except TrustError as error:
        return error.problems
    return ()


class KeylessError(TrustError):
    """A person who asks as their own ssh would has no key that opens without a passphrase, and no agent."""


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """What known_hosts says of one host."""

    keys: tuple[asyncssh.SSHKey, ...] = ()
    authorities: tuple[asyncssh.SSHKey, ...] = ()
    revoked: tuple[asyncssh.SSHKey, ...] = ()

    def __bool__(self) -> bool:
        """Whether any key is believed."""
        return bool(self.keys or self.authorities)


@dataclass(frozen=True, slots=True)
class _Entry:
    role: str
    key: asyncssh.SSHKey


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A name that only shows itself to those who know it: HMAC-SHA1 under its own salt."""

    salt: bytes
    digest: bytes
    entry: _Entry

    def is_of(self, name: str) -> bool:
        return hmac.digest(self.salt, name.encode(), "sha1") == self.digest


@dataclass(frozen=True, slots=True)
class _Pattern:
    wanted: tuple[re.Pattern[str], ...]
    unwanted: tuple[re.Pattern[str], ...]
    entry: _Entry

    def is_of(self, name: str) -> bool:
        return any(p.fullmatch(name) for p in self.wanted) and not any(p.fullmatch(name) for p in self.unwanted)


@dataclass
class KnownHosts:
    """An index over known_hosts: asking for a host again costs one dictionary access."""

    _plain: dict[str, list[_Entry]] = field(default_factory=dict)
    _hashed: list[_Hashed] = field(default_factory=list)
    _patterns: list[_Pattern] = field(default_factory=list)
    _asked: dict[str, tuple[_Entry, ...]] = field(default_factory=dict)

    def of(self, name: str, port: int = DEFAULT_PORT) -> KnownKeys:
        """What is known of ``name`` at ``port``; what is revoked under either spelling stays revoked."""
        bare = self._entries(name.lower())
        entries = bare
        if port != DEFAULT_PORT:
            with_port = self._entries(f"[{name.lower()}]:{port}")
            believed = with_port if any(entry.role != "revoked" for entry in with_port) else bare
            revoked = [entry for entry in (*bare, *with_port) if entry.role == "revoked"]
            entries = (*(entry for entry in believed if entry.role != "revoked"), *revoked)
        return KnownKeys(*(tuple(e.key for e in entries if e.role == role) for role in ("key", "authority", "revoked")))

    def _entries(self, name: str) -> tuple[_Entry, ...]:
        if (cached := self._asked.get(name)) is not None:
            return cached
        mine = [hashed for hashed in self._hashed if hashed.is_of(name)]
        if mine:  # a hashed line names one host only, so nobody else needs to try it
            taken = set(map(id, mine))
            self._hashed = [hashed for hashed in self._hashed if id(hashed) not in taken]
        patterns = [pattern.entry for pattern in self._patterns if pattern.is_of(name)]
        found = (*self._plain.get(name, ()), *(hashed.entry for hashed in mine), *patterns)
        self._asked[name] = found
        return found

    def _add(self, names: str, entry: _Entry) -> None:
        if names.startswith("|"):
            self._hashed.append(_hashed(names, entry))
        elif any(char in names for char in "*?!"):
            parts = names.lower().split(",")
            wanted = tuple(_glob(part) for part in parts if not part.startswith("!"))
            unwanted = tuple(_glob(part[1:]) for part in parts if part.startswith("!"))
            self._patterns.append(_Pattern(wanted, unwanted, entry))
        else:
            for name in names.lower().split(","):
                self._plain.setdefault(name, []).append(entry)


def read_known_hosts(path: Path) -> KnownHosts:
    """The host keys in a file of OpenSSH's known_hosts format.

    Raises:
        TrustError: the file is missing, writable by others, empty, or has a line that cannot be understood.
    """
    try:
        text = files.read_text(path, MAX_BYTES, forbidden=files.WRITABLE_BY_OTHERS)
    except FileError as error:
        cure = "" if files.is_there(path) and error.problem != files.EMPTY else f": {COLLECT}"
        raise TrustError(f"{error}{cure}") from None
    return parse_known_hosts(text, str(path))


def own_known_hosts(paths: Iterable[Path]) -> KnownHosts:
    """What a person's own files say together; a file that is not there says nothing, nor does a line that OpenSSH skips."""
    known = KnownHosts()
    for path in paths:
        try:
            text = files.read_text(path, MAX_BYTES, forbidden=files.WRITABLE_BY_OTHERS)
        except FileError:
            continue
        for line in text.split("\n"):
            try:
                found = _line(line.strip()) if line.strip() and not line.lstrip().startswith("#") else None
            except ValueError:
                continue
            if found:
                known._add(*found)  # noqa: SLF001 - the reader fills the index it makes
    return known


def names_of(name: str, port: int) -> str:
    """What known_hosts calls a host at a port."""
    return name if port == DEFAULT_PORT else f"[{name}]:{port}"


def without(text: str, name: str, port: int) -> str:
    """The text of a known_hosts file without the lines of this one host; patterns, which mean more than it, stay."""
    wanted = names_of(name, port).lower()
    return "".join(line for line in text.splitlines(keepends=True) if not _is_only_of(line, wanted))


def _is_only_of(line: str, wanted: str) -> bool:
    names = line.split(None, 1)[0] if line.strip() else ""
    if names.startswith("|"):
        try:
            return _hashed(names, None).is_of(wanted)
        except ValueError:
            return False
    return not names.startswith(("#", "@")) and wanted in names.lower().split(",")


def parse_known_hosts(text: str, file: str) -> KnownHosts:
    """The host keys in a text; ``file`` is its name in messages.

    Raises:
        TrustError: no key at all, or a line that cannot be understood.
    """
    known, believed = KnownHosts(), 0
    for names, entry in _lines(text, file):
        known._add(names, entry)  # noqa: SLF001 - the parser fills the index it makes
        believed += entry.role != "revoked"
    if not believed:
        raise TrustError(f"{file}: has no host key: {COLLECT}")
    return known


def _lines(text: str, file: str) -> Iterator[tuple[str, _Entry]]:
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            found = _line(line)
        except ValueError as error:
            raise TrustError(f"{file}:{number}: {error}") from None
        if found:
            yield found


def _line(line: str) -> tuple[str, _Entry] | None:
    """Names then key; ``None`` for a sound key of a kind that we cannot use, as OpenSSH skips it."""
    marker, rest = (*line.split(None, 1), "")[:2] if line.startswith("@") else ("", line)
    if marker and marker not in _MARKERS:
        raise ValueError(f"marker {marker} is neither @cert-authority nor @revoked")
    fields = rest.split(None, 3)
    if len(fields) < 3:  # noqa: PLR2004 - names, type, key
        raise ValueError("must read: host names, key type, key")
    names, kind, encoded = fields[:3]
    if names.encode() in asyncssh.public_key.get_public_key_algs():
        raise ValueError(f"is a public key without the names of its hosts, so no line of known_hosts: {COLLECT}")
    if names.startswith("|"):
        _hashed(names, None)
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("the key is not base64") from None
    if blob[4 : 4 + int.from_bytes(blob[:4], "big")] != kind.encode():
        raise ValueError(f"the key is not of type {kind}")
    try:
        key = asyncssh.import_public_key(f"{kind} {encoded}")
    except asyncssh.KeyImportError:
        if kind.encode() in asyncssh.public_key.get_public_key_algs():
            raise ValueError("the key is damaged") from None
        return None
    return names, _Entry(_MARKERS.get(marker, "key"), key)


def _hashed(names: str, entry: _Entry | None) -> _Hashed:
    try:
        _, version, salt, digest = names.split("|")  # they begin with one
        made = _Hashed(base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True), entry)  # type: ignore[arg-type] # only its form is wanted where there is no entry
    except (ValueError, binascii.Error):
        raise ValueError("the hashed name is damaged") from None
    if version != "1" or len(made.digest) != _SHA1_BYTES:
        raise ValueError("the hashed name is damaged")
    return made


def _glob(pattern: str) -> re.Pattern[str]:
    """OpenSSH's patterns: ``*`` and ``?``, nothing else is special."""
    collapsed = re.sub(r"\*+", "*", pattern)
    return re.compile("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in collapsed))


def read_guarded(path: Path, *, forbidden: int, limit: int) -> bytes:
    """The content of a regular file none of whose permission bits is forbidden.

    Raises:
        TrustError: naming the file.
    """
    try:
        return files.read_bytes(path, limit, forbidden=forbidden)
    except FileError as error:
        raise TrustError(str(error)) from None
