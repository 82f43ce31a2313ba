"""The files that a script makes of what it prints, with all that they hold; the directories that it makes."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import Parsed, grammar
from scanner.binary.program.shell import placing, redirect_files
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import MAX_TEXT, ZERO, External, is_known
from scanner.binary.program.shell.writes import Write
from scanner.formats.shell.syntax import Group, Simple

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Redirect, Statement

_MKDIR = grammar("m:pv", "mode:>m parents>p verbose>v", permutes=True)
_RM = grammar("dfrRv", "dir>d force>f recursive>r verbose>v", permutes=True)
_TEE = grammar("ai", "append>a", permutes=True)


@dataclass(frozen=True, slots=True)
class Into:
    """The file into which a command prints, as it is named; ``appends`` to what is there."""

    target: str
    appends: bool = False


def into(redirects: tuple[Redirect, ...], targets: tuple[str, ...]) -> Into | None:
    """The file into which these redirections, with what their words became, lead what is printed; ``None`` for no file."""
    found = None
    for redirect, target in zip(redirects, targets, strict=True):
        if redirect.fd in {"", "1"} and redirect.operator in {">", ">|", ">>"}:
            found = Into(target, appends=redirect.operator == ">>")
        elif redirect.fd in {"", "1"} and ">" in redirect.operator:
            found = None
    is_plain = found is not None and is_known(found.target) and not found.target.startswith("/dev/")
    return found if is_plain else None


def is_plain(body: Statement) -> bool:
    """Whether a compound command is a row of simple ones, so that there is one way through it."""
    return isinstance(body, Group) and all(isinstance(each.statement, Simple) for each in body.body.items)


def begun(state: State, file: Into | None) -> State:
    """The state in which a command prints into a file."""
    return state if file is None else replace(state, output="", captures=True, into=file.target)


def ended(files: Files, after: State, before: State, file: Into | None) -> State:
    """The state behind it, from the one in which nothing was opened yet; what it prints further goes where it did."""
    if file is None:
        return after
    printed = after.output
    back = replace(after, output=before.output, captures=before.captures, into=before.into)
    if not is_known(printed) or ZERO in printed:
        return _copied(files, back, before, file)
    made = _text_at(files, before, file, printed)
    return back if made is None else _with(back, made)


def _with(state: State, made: Write) -> State:
    """The state in which this is all that was written to the path itself; where it may fail that is not sure."""
    kept = tuple(each for each in state.written if each.path != made.path or each.makes)
    asks, last = state.asks, state.last
    if state.status is None and (asks or last) is not None:
        asks = replace(asks or External(last.command, prepares=True), placed=(made,))  # type: ignore[union-attr]  # one of them is there
    return replace(state, written=(*kept, made), asks=asks)


def _place(files: Files, state: State, target: str) -> str | None:
    """Where the file is, ``None`` where that is not sure, or whoever runs the script may not make it."""
    if not _is_roots(state) or not is_known(state.cwd):
        return None
    named = posixpath.normpath(state.absolute(target))
    at = placing.reached(files, state, named)
    if at != named or files.is_link(at) is not False or redirect_files.is_volume(state, at):
        return None
    is_changed = any(each.changes(at) for each in state.written if each.path != at or each.below)
    is_file = placing.kind_at(files, state, at) in {PathKind.FILE, PathKind.MISSING, PathKind.UNKNOWN}
    return at if is_file and not is_changed else None


def _text_at(files: Files, before: State, file: Into, printed: str) -> Write | None:
    """What stands at the path once this is printed into it."""
    at = _place(files, before, file.target)
    if at is None:
        return None
    own = [each for each in before.written if each.path == at and not each.makes]
    text, there = "", files.stands(at)
    if file.appends and own:
        if len(own) > 1 or own[0].text is None:
            return None
        text = own[0].text
    elif file.appends and (there.kind is not PathKind.MISSING or not before.is_sure_of_files):
        return None
    if len(text) + len(printed) > MAX_TEXT:
        return None
    runs = (there.kind is PathKind.FILE and there.executable and not own) or any(each.runs for each in own)
    return Write(at, text=text + printed, runs=runs)


def _copied(files: Files, after: State, before: State, file: Into) -> State:
    """``cat FILE >FILE`` takes what a file holds, not its mode."""
    words = after.last.command.argv if after.last is not None and after.last is not before.last else ()
    if words[:1] not in {("cat",), ("/bin/cat",), ("/usr/bin/cat",)} or len(words) != 2 or file.appends:  # noqa: PLR2004 - and a file
        return after
    at, source = _place(files, before, file.target), files.stands(before.absolute(words[1]))
    if at is None or not is_known(words[1]) or source.kind is not PathKind.FILE or before.touched(source.path):
        return after
    if files.stands(at).kind is PathKind.FILE or any(each.path == at and not each.makes for each in before.written):
        return after
    return _with(after, Write(at, source=source.path, plain=True))


def put(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...]) -> tuple[Write, ...]:
    """What a program changes, with what it surely puts in place where its words tell that and its user may do anything."""
    name = words[0].rpartition("/")[2]
    if name not in {"mkdir", "tee", "rm", "unlink"}:
        return placing.sure(files, state, words, made)
    if words[0] not in {name, f"/bin/{name}", f"/usr/bin/{name}"} or not all(map(is_known, (*words, state.cwd))):
        return made
    if not _is_roots(state):
        return made
    if name == "tee":
        return _teed(files, state, words, made)
    if name in {"rm", "unlink"}:
        return _removed(files, state, words, made)
    folders = _folders(files, state, words)
    return (*folders, *(each for each in made if each.path not in {folder.path for folder in folders}))


def works(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...], *, is_sure: bool) -> bool:
    """Whether a program surely does what it is asked for: all that it changes it surely puts in place, or it is there.

    ``is_sure`` tells that it is the one of that name.
    """
    name = words[0].rpartition("/")[2]
    if (
        not is_sure
        or not _is_roots(state)
        or not is_known(state.cwd)
        or name not in {"mkdir", "cp", "mv", "ln", "chmod", "rm"}
    ):
        return False
    if name != "mkdir":
        return bool(made) and all(each.is_sure or each.runs for each in made)
    parsed = _MKDIR.parse(words[1:])
    if not isinstance(parsed, Parsed) or not parsed.has("p") or not parsed.rest or not all(map(is_known, parsed.rest)):
        return False
    folders = {each.path for each in made if each.folder}
    places = [posixpath.normpath(state.absolute(each)) for each in parsed.rest]
    return all(at in folders or placing.kind_at(files, state, at) is PathKind.DIRECTORY for at in places)


def _is_roots(state: State) -> bool:
    return (state.user or "").partition(":")[0] in {"", "0", "root"}


def _folders(files: Files, state: State, words: tuple[str, ...]) -> tuple[Write, ...]:
    """The directories that ``mkdir`` surely makes."""
    parsed = _MKDIR.parse(words[1:])
    if not isinstance(parsed, Parsed) or parsed.has("m"):
        return ()
    made: dict[str, Write] = {}
    for each in parsed.rest:
        at = posixpath.normpath(state.absolute(each))
        missing: list[str] = []
        while at not in made and placing.kind_at(files, state, at) in {PathKind.MISSING, PathKind.UNKNOWN}:
            missing.append(at)
            at = posixpath.dirname(at)
        is_there = at in made or (
            placing.kind_at(files, state, at) is PathKind.DIRECTORY and files.stands(at).path in {at, ""}
        )
        if not is_there or (len(missing) > 1 and not parsed.has("p")) or any(map(state.touched, missing)):
            continue
        made |= {path: Write(path, makes=True, folder=True) for path in reversed(missing)}
    return tuple(made.values())


def _removed(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...]) -> tuple[Write, ...]:
    """What ``rm`` surely takes away: files that nothing else has touched, under their own names."""
    parsed = _RM.parse(words[1:])
    if not isinstance(parsed, Parsed):
        return made
    gone: dict[str, Write] = {}
    for each in parsed.rest:
        at = posixpath.normpath(state.absolute(each))
        if (
            placing.reached(files, state, at) == at
            and files.stands(at).kind is PathKind.FILE
            and not redirect_files.is_volume(state, at)
            and not state.touched(at)
        ):
            gone[at] = Write(at, below=True, moves=True)
    return (*gone.values(), *(each for each in made if each.path not in gone))


def _teed(files: Files, state: State, words: tuple[str, ...], made: tuple[Write, ...]) -> tuple[Write, ...]:
    """What ``tee`` puts into one file, where it is known what it reads."""
    parsed = _TEE.parse(words[1:])
    if (
        not isinstance(parsed, Parsed)
        or len(parsed.rest) != 1
        or state.input is None
        or not is_known(state.input)
        or ZERO in state.input
    ):
        return made
    found = _text_at(files, state, Into(parsed.rest[0], appends=parsed.has("a")), state.input)
    return made if found is None else (found,)
