"""A probe's answer taken apart: bytes to sections, all of them or none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 2
"""Of the answer that this archscan's own probe gives: raised whenever it is asked for something more."""

READABLE = range(max(VERSION - 2, 1), VERSION + 1)
"""The last three: a fleet is not updated in an hour. What an older probe was not asked for is missing, no refusal."""

MAGIC = b"archscan-probe "

_OF_A_FILE = re.compile(rb"archscan-probe [1-9][0-9]{0,3}\n@section probe 64\n[0-9a-f]{64}\n")
_FIRST_LINE = re.compile(rb"archscan-probe ([1-9][0-9]{0,3})\n")

END_MARK = b"@end\n"

MAX_ANSWER_BYTES = 64 << 20
"""No setting allows a longer answer; 2,000 containers take about 2 MiB."""

MAX_SECTIONS = 4096
"""Ten times what a host with a hundred rootless engines says."""

_HEADER = re.compile(rb"@section ([A-Za-z0-9_.:/-]{1,200}) (0|[1-9][0-9]{0,8})( truncated)?\n")
_LONGEST_HEADER = 240
_HUNG = re.compile(rb"@hung [0-9]+")
_EXIT = re.compile(rb"@exit [0-9]+")


@dataclass(frozen=True, slots=True)
class Section:
    """A section of an answer; ``truncated`` tells that the host held more than the probe's limit for it."""

    name: str
    body: bytes
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The sections of one complete answer, by name; ``version`` is that of the probe which gave it."""

    sections: Mapping[str, Section]
    version: int = VERSION

    def whole(self, name: str) -> bytes | Failure:
        """The bytes of a section; a failure where it is missing, was cut, or its command hung."""
        section = self.sections.get(name)
        if section is None:
            return Failure(Reason.PART_INCOMPLETE, f"the answer has no section {printable(name)}")
        if section.truncated:
            return Failure(Reason.PART_INCOMPLETE, f"{printable(name)} is longer than the probe's limit")
        if _HUNG.fullmatch(_last_line(section.body)):
            return Failure(Reason.PART_INCOMPLETE, f"the command behind {printable(name)} did not end in time")
        return section.body

    def succeeded(self, name: str) -> bytes | Failure:
        """Like ``whole``, and a failure too where the section's command failed."""
        body = self.whole(name)
        if isinstance(body, bytes) and _EXIT.fullmatch(_last_line(body)):
            return Failure(Reason.PART_INCOMPLETE, f"{printable(name)}: {printable(without_mark(body)[-300:])}")
        return body

    def under(self, prefix: str) -> tuple[Section, ...]:
        """The sections whose names begin with a prefix, in the order of the answer."""
        return tuple(section for name, section in self.sections.items() if name.startswith(prefix))


def without_mark(body: bytes) -> bytes:
    """A command's output without the line that tells its exit status."""
    last = _last_line(body)
    return body[: len(body) - len(last)].removesuffix(b"\n") if _EXIT.fullmatch(last) else body


def _last_line(body: bytes) -> bytes:
    return body[body.rfind(b"\n") + 1 :]


def is_of_installed_probe(raw: bytes) -> bool:
    """Whether the probe that answered was a file on its host, not what was sent: only a file knows its digest."""
    return _OF_A_FILE.match(raw) is not None


def parse(raw: bytes) -> Answer | Failure:
    """Take an answer apart; an answer without its end mark is ``host_incomplete``, whatever came before."""
    if len(raw) > MAX_ANSWER_BYTES:
        return Failure(Reason.HOST_TOO_LARGE, f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    first = _FIRST_LINE.match(raw)
    if first is None:
        return _not_an_answer(raw)
    if (version := int(first[1])) not in READABLE:
        return _unreadable(version)
    sections = _sections(raw, first.end())
    return sections if isinstance(sections, Failure) else Answer(MappingProxyType(sections), version)


def _sections(raw: bytes, at: int) -> dict[str, Section] | Failure:
    """Every section behind the first line, up to the end mark."""
    sections: dict[str, Section] = {}
    while not raw.startswith(END_MARK, at):
        header = _HEADER.match(raw, at)
        if header is None:
            return _no_section(raw, at)
        name, size = header[1].decode("ascii"), int(header[2])
        start, end = header.end(), header.end() + size
        if end >= len(raw):
            return Failure(Reason.HOST_INCOMPLETE, f"the answer ends within section {name}")
        if raw[end] != ord("\n"):
            return Failure(Reason.HOST_MALFORMED, f"section {name} is not as long as it says")
        if name in sections:
            return Failure(Reason.HOST_MALFORMED, f"section {name} comes twice")
        if len(sections) == MAX_SECTIONS:
            return Failure(Reason.HOST_TOO_LARGE, f"the answer has more than {MAX_SECTIONS} sections")
        sections[name] = Section(name, raw[start:end], header[3] is not None)
        at = end + 1
    if at + len(END_MARK) != len(raw):
        return Failure(Reason.HOST_MALFORMED, "there is something behind the end mark")
    return sections


def _unreadable(version: int) -> Failure:
    age = "newer" if version > VERSION else "older"
    known = f"{READABLE[0]} to {READABLE[-1]}"
    return Failure(
        Reason.HOST_MALFORMED,
        f"the probe there is {age} than this archscan: its answer is version {version}, not {known}",
    )


def _not_an_answer(raw: bytes) -> Failure:
    if MAGIC.startswith(raw) or (raw.startswith(MAGIC) and b"\n" not in raw[: len(MAGIC) + 5]):
        return Failure(
            Reason.HOST_INCOMPLETE, "the answer ends within its first line" if raw else "the answer is empty"
        )
    first_line = printable(raw[:200].split(b"\n", 1)[0], 80)
    return Failure(Reason.HOST_MALFORMED, f"the answer does not begin with {MAGIC.decode().strip()!r}: {first_line!r}")


def _no_section(raw: bytes, at: int) -> Failure:
    rest = raw[at : at + _LONGEST_HEADER]
    if b"\n" not in rest and len(rest) < _LONGEST_HEADER:
        return Failure(Reason.HOST_INCOMPLETE, "the answer ends without its end mark")
    return Failure(Reason.HOST_MALFORMED, f"neither a section nor the end mark: {printable(rest, 80)!r}")
