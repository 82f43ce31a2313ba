"""Takes away what stands around a speaker's words where somebody collected them: time, unit, container, JSON."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PREFIXES = 8
"""CRI's time, a collector's, a unit, a level, a container: more than any line that was seen."""

MAX_CANDIDATES = 64
"""A JSON line has a few strings; each candidate is matched against the phrases."""

MIN_WORDS_CHARS = 20
"""Shorter words between quotes are a name that somebody mentions, not a speaker's line."""

_TIME = r"\d{4}[-/.]\d\d[-/.]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d| UTC)?"
_LEVEL = r"(?:ERROR|WARN|WARNING|FATAL|INFO|NOTICE|CRITICAL|DEBUG|TRACE|EMERG|ALERT|E|W|F|panic|fatal|error|warning|info|crit)"
_PREFIXES = (
    rf"[\[(]?{_TIME}[\])]?(?: ?[|:-])? ",
    r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d{1,9})? ",
    r"[\[(]?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?[\])]?:? ",
    r"\[ {0,8}\d{1,9}\.\d{1,9}\] ",
    r"[\w.-]{1,64} [\w@./\\:-]{1,100}\[\d{1,9}\]: ",
    r"[\w@./\\:-]{1,100}\[\d{1,9}\]: ",
    r"[\w.-]{1,64} (?:kernel|systemd): ",
    r"(?:stdout|stderr) [FP] ",
    r"[\w./@:+ -]{1,100}? {0,40}\| {0,4}",
    r"\[?pod/[^\]\s]{1,200}\]? ",
    r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,9} {1,8}\d{1,9} [\w./-]{1,100}:\d{1,6}\] ",
    r"(?:FATA|ERRO|WARN|INFO|DEBU)\[\d{1,9}\] ",
    r"#\d{1,4} (?:\d{1,6}\.\d{1,4} )?",
    r"\d{1,6}\.\d{1,4} ",
    r"(?:=> |> |\+ |\$ |- |\* |\u2022 |>>> )",
    r"> ?\[[^\]]{1,200}\]:? ?",
    r"(?:##\[\w{1,12}\]|::\w{1,12}(?: [^:]{0,200})?::)",
    r"(?:Warning|Normal) {1,8}\w{1,40} {1,8}\S{1,20}(?: \(x\d{1,6} over \S{1,20}\))? {1,8}\S{1,40} {1,8}",
    rf"[\[(<]?{_LEVEL}[\])>]?(?: ?[:-])? ",
    r"(?:docker|podman|nerdctl|ctr|crictl|buildah|skopeo): ",
    r"(?:Error response from daemon|Error|time=\S{1,60} level=\w{1,9} msg=)[:=]? ?",
    r"\[[^\[\]]{1,60}\]:? ",
    r"(?:Error: )?(?:ErrImagePull|ImagePullBackOff|RunContainerError|CreateContainerError|StartError|CannotPullContainerError|CannotStartContainerError|ContainerCannotRun)[:,]? ",
    r"(?:Back-off restarting failed container|Last [Ss]tate|Message|Reason|State|message|reason|error|log|msg)[:=] {0,20}",
    r"\w{3,40} \w{5,10}-\w{5} [\w.-]{1,60} (?=exec |standard_init|/|\{)",
)
_PREFIX = re.compile("|".join(f"(?:{prefix})" for prefix in _PREFIXES), re.ASCII)
_ESCAPE = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]|\^\[\[[0-9;]{0,20}m", re.ASCII)
_QUOTE = re.compile(r'(?<!\\)"')
_TAIL = re.compile(r"(?:: unknown|\.|[\"'`\\,;)\]}]|\\n|\s){1,8}$", re.ASCII)


def bare(line: str) -> str:
    """The line without colours or the white space around it."""
    return _ESCAPE.sub("", line).strip() if "\x1b" in line or "^[" in line else line.strip()


def candidates(line: str) -> tuple[str, ...]:
    """What a line may hold of a speaker's own words: itself, then what is behind each prefix, then in each string."""
    found: dict[str, None] = {}
    for words in unquoted(line):
        for each in _stripped(words):
            found.setdefault(each)
            if len(found) >= MAX_CANDIDATES:
                return tuple(found)
    return tuple(found)


def _stripped(words: str) -> Iterator[str]:
    rest = words
    for _ in range(MAX_PREFIXES):
        yield rest
        if (cut := _TAIL.search(rest)) and cut.start():
            yield rest[: cut.start()]
        prefix = _PREFIX.match(rest)
        if prefix is None or not prefix.end():
            return
        rest = rest[prefix.end() :].lstrip()


def unquoted(line: str) -> tuple[str, ...]:
    """The line, then what stands between its quotes, with a level of escapes less each time."""
    return tuple(dict.fromkeys(islice(_pieces(bare(line)), MAX_CANDIDATES)))


def _pieces(line: str) -> Iterator[str]:
    yield line
    if '"' not in line:
        return
    for piece in _QUOTE.split(line, maxsplit=MAX_CANDIDATES):
        words = piece.strip()
        if len(words) < MIN_WORDS_CHARS:
            continue
        plain = _unescaped(words)
        for part in plain.split("\n"):
            yield part.strip()
            if '"' in part and part != line:
                yield from (inner.strip() for inner in _unescaped(part).split('"') if len(inner) >= MIN_WORDS_CHARS)


def _unescaped(words: str) -> str:
    return (
        words.replace("\\\\", "\\").replace('\\"', '"').replace("\\n", "\n").replace("\\t", " ").replace("\\u003e", ">")
    )
