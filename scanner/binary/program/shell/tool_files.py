"""Tells which of the usual tools surely end with a failure for the files that their words name."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import Grammar, OptionError, Parsed, grammar
from scanner.binary.program.shell import redirect_files
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State

_PACKED = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip", ".Z")
"""Names under which unpackers look for just this file; behind others they look for one with a suffix."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A tool that was called: its options, its operands, the files as its script sees them."""

    files: Files
    state: State
    parsed: Parsed

    @property
    def operands(self) -> tuple[str, ...]:
        return self.parsed.rest

    def missing(self, *paths: str) -> str:
        """The first of these paths that surely is not there, links that lead nowhere and patterns left out."""
        return next((each for each in paths if self._is_missing(each)), "")

    def _is_missing(self, path: str) -> bool:
        if set("*?[") & set(path) or not redirect_files.is_missing(self.files, self.state, path):
            return False
        return self.files.is_link(self.state.absolute(path)) is False

    def lacking(self, *paths: str) -> str:
        """The first of these paths that surely cannot be made, for its directory is none."""
        return next((each for each in paths if redirect_files.lacks_directory(self.files, self.state, each)), "")

    def unmakable(self, *paths: str) -> str:
        """The first of these paths that surely cannot be made, or may not be."""
        return self.lacking(*paths) or self.forbidden(*paths)

    def forbidden(self, *paths: str) -> str:
        """The first of these paths that surely may not be written, or made where nothing stands."""
        return next((each for each in paths if redirect_files.forbids(self.files, self.state, each)), "")

    def irremovable(self, *paths: str) -> str:
        """The first of these paths whose name surely may not be taken out of its directory, or put there anew."""
        return next((each for each in self.there_of(*paths) if self.forbidden(self.above(each))), "")

    def above(self, path: str) -> str:
        """The directory that holds a path's name."""
        return posixpath.dirname(posixpath.normpath(self.state.absolute(path)))

    def is_of(self, path: str, kind: PathKind) -> bool:
        """Whether surely this kind stands at a path, links followed."""
        return redirect_files.stands_as(self.files, self.state, path, kind)

    def is_no_link(self, path: str) -> bool:
        """Whether the path itself surely is no link."""
        return self.files.is_link(posixpath.normpath(self.state.absolute(path))) is False

    def there_of(self, *paths: str) -> tuple[str, ...]:
        """Those of these paths at which surely something stands."""
        return tuple(each for each in paths if redirect_files.is_there(self.files, self.state, each))


def _reads_all(call: _Call) -> str:
    return call.missing(*call.operands)


def _reads_unless_old(call: _Call) -> str:
    """``+5`` is an option of old tools."""
    return "" if any(each.startswith("+") for each in call.operands) else _reads_all(call)


def _changes_rights(call: _Call) -> str:
    """An owner or a mode, then files, which only their owner may change; a link itself has an owner of its own."""
    files = call.operands[1:]
    if call.parsed.has("h") or not "".join(call.operands[:1]).strip(":."):
        return call.missing(*files)
    others = (each for each in files if redirect_files.is_others(call.files, call.state, each))
    return call.missing(*files) or next(others, "")


def _edits(call: _Call) -> str:
    files = call.operands[0 if call.parsed.has("e", "f") else 1 :]
    return call.missing(*files) or (call.irremovable(*files) if call.parsed.has("i") else "")


def _removes(call: _Call) -> str:
    return ("" if call.parsed.has("f") else call.missing(*call.operands)) or call.irremovable(*call.operands)


def _searches(call: _Call) -> str:
    files = call.operands[0 if call.parsed.has("e", "f") else 1 :]
    return call.missing(*files) if len(files) == 1 else ""  # of several, one that holds it is enough for -q


def _scans(call: _Call) -> str:
    """``awk``: files stand behind its program, among assignments; without a rule for lines it opens none."""
    if call.parsed.has("f") or "BEGIN" in (call.operands or ("BEGIN",))[0]:
        return ""
    return call.missing(*(each for each in call.operands[1:] if "=" not in each))


def _copies(call: _Call) -> str:
    return _placed(call, _kept_or_retried)


def _kept_or_retried(call: _Call, target: str) -> str:
    """``cp`` writes the file that stands there, with ``-f`` puts another in its place where it may not."""
    if call.parsed.has("r", "R", "a", "d", "P", "l", "s", "b", "i", "remove-destination"):
        return ""
    return call.forbidden(target) and (call.irremovable(target) if call.parsed.has("f") else target)


def _replaced(call: _Call, target: str) -> str:
    return "" if call.parsed.has("C", "b") else call.irremovable(target)


def _placed(call: _Call, over: Callable[[_Call, str], str]) -> str:
    """``over`` tells of a file that stands where one is to be put."""
    *sources, target = call.operands or ("",)
    if not sources or call.parsed.has("t", "parents"):
        return ""
    if missing := call.missing(*sources):
        return missing
    if call.parsed.has("n", "u") or not call.is_no_link(target):
        return ""
    is_alone = len(sources) == 1 and not target.endswith("/")
    if is_alone and not call.parsed.has("D") and (lacking := call.lacking(target)):
        return lacking
    if call.is_of(target, PathKind.DIRECTORY):
        return "" if call.parsed.has("r", "R", "a", "T") else _placed_into(call, sources, target)
    if call.is_of(target, PathKind.FILE):
        return over(call, target) if is_alone else ""
    return call.forbidden(target) if call.is_of(target, PathKind.MISSING) else ""


def _placed_into(call: _Call, sources: list[str], directory: str) -> str:
    """What stands in the directory already may be written though the directory may not."""
    places = [posixpath.join(directory, posixpath.basename(each.rstrip("/"))) for each in sources]
    is_new = all(call.is_of(each, PathKind.MISSING) and call.is_no_link(each) for each in places)
    return call.forbidden(directory) if is_new else ""


def _moves(call: _Call) -> str:
    *sources, target = call.operands or ("",)
    if not sources or call.parsed.has("t"):
        return ""
    if call.parsed.has("n", "u"):
        return call.missing(*sources)
    is_directory = not call.parsed.has("T") and call.is_of(target, PathKind.DIRECTORY)
    into = call.forbidden(target if is_directory else call.above(target))
    return call.missing(*sources) or call.irremovable(*sources) or call.lacking(target) or into


def _installs(call: _Call) -> str:
    return "" if call.parsed.has("d") else _placed(call, _replaced)


def _links(call: _Call) -> str:
    if len(call.operands) != 2:  # noqa: PLR2004 - a target and a name
        return ""
    name = call.operands[1]
    if call.is_of(name, PathKind.DIRECTORY):
        return "" if call.parsed.has("f", "n", "T") else call.forbidden(name)
    if call.parsed.has("f"):
        return call.lacking(name) or call.forbidden(call.above(name))
    return name if call.is_of(name, PathKind.FILE) else call.unmakable(name)


def _makes_directories(call: _Call) -> str:
    if call.parsed.has("p"):
        missing = (each for each in call.operands if redirect_files.is_missing(call.files, call.state, each))
        return call.forbidden(*missing)
    return next(iter(call.there_of(*call.operands)), "") or call.unmakable(*call.operands)


def _makes(call: _Call) -> str:
    return "" if call.parsed.has("c") else call.unmakable(*call.operands)


def _unpacks(call: _Call) -> str:
    return call.missing(*(each for each in call.operands if each.endswith(_PACKED)))


def _unzips(call: _Call) -> str:
    return call.missing(*(each for each in call.operands[:1] if each.endswith(_PACKED)))


def _unarchives(call: _Call) -> str:
    reads = call.parsed.has("x", "t") and not call.parsed.has("c")
    return call.missing(call.parsed.value("f") or "-") if reads else ""


_ALL = "AbeEnstTuv"
_OF_COPIES = "archive>a force>f recursive>r verbose>v no-clobber>n update>u parents"
_TOOLS: Mapping[str, tuple[Grammar, Callable[[_Call], str]]] = MappingProxyType({
    "cat": (grammar(_ALL, permutes=True), _reads_all),
    "head": (grammar("n:c:qv", "lines:>n bytes:>c quiet>q", permutes=True), _reads_unless_old),
    "tail": (grammar("n:c:qv", "lines:>n bytes:>c quiet>q", permutes=True), _reads_unless_old),
    "wc": (grammar("clmwL", "bytes>c lines>l words>w", permutes=True), _reads_all),
    "sort": (grammar("bdfghinrsuVk:t:o:", "unique>u reverse>r numeric-sort>n key:>k", permutes=True), _reads_unless_old),
    "cut": (grammar("b:c:d:f:s", "delimiter:>d fields:>f", permutes=True), _reads_all),
    "tac": (grammar("", permutes=True), _reads_all),
    "md5sum": (grammar("b", permutes=True), _reads_all),
    "sha256sum": (grammar("b", permutes=True), _reads_all),
    "base64": (grammar("dw:i", "decode>d wrap:>w", permutes=True), _reads_all),
    "du": (grammar("achkmsxd:", "summarize>s human-readable>h max-depth:>d", permutes=True), _reads_all),
    "stat": (grammar("c:Lt", "format:>c printf:>c dereference>L", permutes=True), _reads_all),
    "ls": (grammar("AaBbCcdFfGgHhikLlmnopqrRsStuUvxX1", "all>a almost-all>A recursive>R", permutes=True), _reads_all),
    "rm": (grammar("dfrRv", "recursive>r verbose>v dir>d force>f", permutes=True), _removes),
    "rmdir": (grammar("pv", "parents>p verbose>v", permutes=True), _reads_all),
    "cp": (grammar("abdfHilLnPpRrsuvTt:", f"{_OF_COPIES} preserve::>p", permutes=True), _copies),
    "mv": (grammar("finuvTt:", _OF_COPIES, permutes=True), _moves),
    "install": (grammar("bCcDdm:o:g:psTt:v", "mode:>m owner:>o group:>g directory>d", permutes=True), _installs),
    "chmod": (grammar("cRv", "recursive>R changes>c verbose>v", permutes=True), _changes_rights),
    "chown": (grammar("cRvhHLP", "recursive>R changes>c verbose>v no-dereference>h", permutes=True), _changes_rights),
    "chgrp": (grammar("cRvhHLP", "recursive>R changes>c verbose>v no-dereference>h", permutes=True), _changes_rights),
    "sed": (grammar("nrEsuzi::e:f:", "in-place::>i quiet>n silent>n regexp-extended>E expression:>e", permutes=True), _edits),
    "grep": (grammar("EFGPchilnovwxqse:f:", "quiet>q silent>q ignore-case>i fixed-strings>F extended-regexp>E", permutes=True), _searches),
    "awk": (grammar("F:v:f:"), _scans),
    "mkdir": (grammar("vpm:", "verbose>v mode:>m parents>p", permutes=True), _makes_directories),
    "touch": (grammar("acmd:t:", permutes=True), _makes),
    "tee": (grammar("ai", "append>a", permutes=True), _makes),
    "mkfifo": (grammar("m:", "mode:>m", permutes=True), _makes_directories),
    "ln": (grammar("srvfnT", "symbolic>s relative>r verbose>v force>f no-dereference>n", permutes=True), _links),
    "gunzip": (grammar("cdfkqv", "keep>k force>f stdout>c", permutes=True), _unpacks),
    "gzip": (grammar("cdfkqv", "decompress>d keep>k force>f stdout>c", permutes=True), _unpacks),
    "bunzip2": (grammar("cfkqv", permutes=True), _unpacks),
    "unxz": (grammar("cfkqv", permutes=True), _unpacks),
    "zcat": (grammar("f", permutes=True), _unpacks),
    "unzip": (grammar("oqnjd:x:", permutes=True), _unzips),
    "tar": (grammar("xtczjJvpkmohf:C:", "extract>x list>t create>c gzip>z file:>f directory:>C verbose>v strip-components: no-same-owner", permutes=True), _unarchives),
})  # fmt: skip
"""Each tool's options under which it looks at its operands as without them; with any other nothing is said."""


def refusal(files: Files, state: State, words: tuple[str, ...]) -> str:
    """Why one of the usual tools surely ends with a failure for what its words name; empty where nobody can tell."""
    name = words[0].rpartition("/")[2]
    if words[0] not in {name, f"/bin/{name}", f"/usr/bin/{name}"} or "-" in words or not all(map(is_known, words)):
        return ""
    if name == "find":
        return _told(name, _found(files, state, words))
    known = _TOOLS.get(name)
    if known is None:
        return ""
    options, rule = known
    parsed = options.parse(_as_options(name, words[1:]))
    if isinstance(parsed, OptionError):
        return ""
    return _told(name, rule(_Call(files, state, parsed)))


_TAKING = frozenset({"cp", "mv", "install"})


def lacking_source(files: Files, state: State, words: tuple[str, ...]) -> str:
    """Why a tool surely puts nothing in place, wherever that is to be: what it takes is not there; empty for no such reason."""
    name = words[0].rpartition("/")[2]
    sources = [word for word in words[1:-1] if word[:1] != "-"]
    if name not in _TAKING or not sources or not all(map(is_known, (*words[:-1], state.cwd))):
        return ""
    parsed = Parsed((), tuple(sources))
    return _told(name, _Call(files, state, parsed).missing(*sources)) if len(sources) == 1 else ""


def _told(name: str, path: str) -> str:
    return f"{name} surely fails for {path}" if path else ""


def _as_options(name: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """``tar xzf`` with the dash that its first word may lack, ``head -5`` with its letter."""
    if name == "tar" and words and words[0].isalpha():
        return (f"-{words[0]}", *words[1:])
    if name in {"head", "tail"} and words and words[0][:1] == "-" and words[0][1:].isdigit():
        return (f"-n{words[0][1:]}", *words[1:])
    return words


def _found(files: Files, state: State, words: tuple[str, ...]) -> str:
    """Where ``find`` surely cannot begin."""
    starts = []
    for word in words[1:]:
        if word in {"-H", "-L", "-P"}:
            continue
        if word[:1] in {"-", "(", "!", "\\"}:
            break
        starts.append(word)
    return _Call(files, state, Parsed((), ())).missing(*starts)
