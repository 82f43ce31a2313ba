"""Commands of container engines within command lines: behind launchers, in shells' scripts."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.probe.planned import faults
from scanner.probe.planned.commands import command, other_starters, run_as, words_behind
from scanner.probe.planned.commands.given_scripts import LOGINS, SHELLS, Files, is_for_bash, script_of
from scanner.probe.planned.commands.local_images import Following, Store, changed
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.commands.script_commands import commands_of
from scanner.probe.planned.commands.script_texts import Script
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scanner.probe.planned.commands.command import Started

MAX_SHELLS = 4
"""A shell that starts a shell that starts Docker: nobody goes further."""

MAX_OPTIONS = 64
"""Words behind ``sudo``, ``xargs`` or their like that may be its own."""

MAX_COMMANDS = 2000
"""Of one line, loops unrolled; a unit starts a handful of containers."""

_GIVE_TO_A_SHELL = LOGINS | {"flock", "script"}
"""They hand the word behind ``-c`` to a shell."""

_OTHER_USERS = frozenset({"sudo", "doas", "runuser", "chpst", "setpriv", "machinectl"})
_OF_OTHER_USERS = frozenset({"-u", "-g", "-U", "--user", "--group"})
"""Options of those, which take a name that may be an engine's."""

_STARTERS = frozenset({
    "chrt", "command", "dumb-init", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "systemd-cat", "taskset",
    "time", "timeout", "tini", *_OTHER_USERS, "flock",
})  # fmt: skip
"""Programs that start the one which their words name."""

_EXECS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})

_LATER = frozenset({"at", "batch", "crontab"})
"""Programs that keep what they read, to give it to a shell later."""

_OF_CONTAINERD = frozenset({"ctr", "crictl"})

_LEADING = _STARTERS | other_starters.HOLDERS

_TAKE_A_WORD = MappingProxyType({
    **dict.fromkeys(_OTHER_USERS, _OF_OTHER_USERS),
    "env": frozenset({"-u", "-C", "--unset", "--chdir"}), "timeout": frozenset({"-s", "--signal"}),
    "systemd-cat": frozenset({"-t", "-p", "--identifier", "--priority"}), "minikube": frozenset({"-p", "--profile"}),
})  # fmt: skip
"""By the program: its options that take a word which is no number."""

_NO_PROGRAM = re.compile(r"-.*|[A-Za-z_]\w*=.*|[\d.]+[smhd]?|0x[\da-fA-F]+", re.ASCII | re.DOTALL)
"""Options, variables, times or numbers in front of a program."""

_KEPT = frozenset({"PWD", run_as.RUN_BY})
"""What says where, and by whom, a program is run."""

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII | re.DOTALL)
_PARTS_OPTIONS = re.compile(r"--(?:arg=.*|verbose|report|exit-on-error|new-session|stdin|umask=\d+)|-v", re.DOTALL)
"""Options of ``run-parts`` that change neither which files it runs nor in which order."""

_NAMED_AFTER_ENGINES = re.compile(r"docker|podman|nerdctl|container|compose", re.ASCII | re.IGNORECASE)

_READS = re.compile(r"\b(?:read|mapfile|readarray)\b", re.ASCII)
"""What a shell itself reads by, of what its commands are given to read."""

_OF_ENGINES = re.compile(
    r"(?=[\w.-]*?(?:docker|podman|nerdctl|container|compose))[\w.-]*\.(?:(?:ba)?sh|py|pl|rb)", re.ASCII | re.IGNORECASE
)
"""Scripts that by their name start containers."""

_READERS = re.compile(
    r"(?:python|perl|ruby|node|php|lua|tclsh)[\d.]*|env|expect|fish|t?csh|tmux|screen|[gmn]?awk|at|batch|supervisord|monit",
    re.ASCII,
)
"""Programs that read commands in one of their words."""


@dataclass(slots=True)
class StartedByLine:
    """What a line starts, each with the variables of its client; why some of it is not known.

    ``stores`` are the images that each of them finds, ``store`` those that the line leaves.
    """

    started: list[tuple[Started, Mapping[str, str]]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    store: Store = field(default_factory=Store)


@dataclass(frozen=True, slots=True)
class _Words:
    """A command; an engine ``is_near`` where one is named in the script that it stands in.

    ``stdin`` is the text that it is given to read, ``inherited`` what it reads where it is given none of its own.
    ``within`` are the scripts around it with their variables: one that runs itself does what it has done. Where not
    ``env_is_whole``, a variable that is not there may be set.
    """

    words: tuple[str, ...]
    env: Mapping[str, str]
    depth: int = 0
    is_near: bool = False
    stdin: str | None = None
    inherited: str = ""
    within: tuple[tuple[Script, Mapping[str, str]], ...] = ()
    run: Following = field(default_factory=lambda: Following(Store()))
    number: int = 0
    after: frozenset[int] = frozenset({-1})
    env_is_whole: bool = True


def find(  # noqa: PLR0913 -- what a command line finds
    words: tuple[str, ...],
    env: Mapping[str, str],
    *,
    env_is_whole: bool = True,
    read: Callable[[str], bytes | None] = lambda _: None,
    listed: Callable[[str], Iterable[str]] = lambda _: (),
    alike: Callable[[str], Iterable[str]] = lambda _: (),
    store: Store | None = None,
    stdin: str = "",
) -> StartedByLine:
    """Everything that a command line starts, its words already split.

    ``env`` are the variables that its processes have (``PWD`` among them is the directory that they are in); where they
    are not the whole, what a script takes from others is not known. ``read`` gives the bytes of a file by its path, none
    where it is not there to be read: scripts that the line runs are followed. ``listed`` gives the names of the files that
    lie in a directory, ``alike`` the paths that one with parts which are not known may stand for. ``store`` are the images that are there in front of it, ``stdin`` is what the line is given to read.
    """
    whole = Following(store or Store())
    looking = _Looking(Files(read, listed, alike))
    waiting = [_Words(words, env, inherited=stdin, run=whole, env_is_whole=env_is_whole)]
    count = 0
    while waiting:
        count += 1
        if count > MAX_COMMANDS:
            looking.found.gaps.append(f"more than {MAX_COMMANDS} commands in one line")
            break
        try:
            waiting.extend(reversed(looking.one(waiting.pop())))
        except UnclearError as error:
            looking.found.gaps.append(str(error))
        except Exception as bug:  # noqa: BLE001 -- what one script makes us stumble over costs this line, not its folder
            looking.found.gaps.append(faults.told(bug))
    looking.found.store = whole.behind(frozenset({0}))
    return looking.found


@dataclass(slots=True)
class _Looking:
    """What all commands of a line share: the scripts that they may name."""

    files: Files
    found: StartedByLine = field(default_factory=StartedByLine)

    def one(self, line: _Words) -> list[_Words]:
        """Take what one simple command starts; further ones where it is a shell's."""
        env = dict(line.env)
        line.run.left[line.number] = line.run.behind(line.after)
        words = line.words
        at = 0
        first = _first_program(words)
        while at < len(words):
            word, rest = words[at], words[at + 1 :]
            program, near = word.rpartition("/")[2], words[max(0, at - MAX_OPTIONS) : at]
            line, env = _given(line, near, word, env)
            env |= run_as.switched(program, rest[:MAX_OPTIONS], env)
            if assigned := _ASSIGNMENT.fullmatch(word):
                env[assigned[1]] = assigned[2]
            elif name := run_as.unset_by_env(near, word):
                env.pop(name, None)
            elif word in _OF_OTHER_USERS and words[0].rpartition("/")[2] in _OTHER_USERS:
                at += 1
            elif not _is_somebody(word, rest):
                inner = self._program(line, at, env, is_first=at in {0, first})
                if inner is not None:
                    return inner
            at += 1
        if _gives_a_text(line):
            program = shown(words[0].rpartition("/")[2])
            raise UnclearError(f"{program} is given a text in which an engine is named, and which is not read here")
        return []

    def _program(self, line: _Words, at: int, env: Mapping[str, str], *, is_first: bool) -> list[_Words] | None:
        """What a word starts that is a program's name; none where the program may be a later word."""
        word, rest = line.words[at], line.words[at + 1 :]
        program = "" if word.startswith("-") else word.rpartition("/")[2]  # an option may hold a path
        if program in command.ENGINES or program in command.COMPOSERS:
            own = words_behind.behind(line.words[:at], rest)
            before = line.run.behind(line.after)
            line.run.left[line.number] = changed(before, program, own, env)
            if (started := command.started(program, own, env)) is not None:
                kept = line.env if env == line.env else env  # one for as long as it stays the same
                self.found.started.append((command.given(started, _stdin(line, at)), kept))
                self.found.stores.append(before)
            return []
        if (is_first or program in _OF_CONTAINERD) and (
            said := other_starters.starts(program, rest, env.get("PWD", ""), self.files, line.stdin)
        ):
            raise UnclearError(said)
        if is_first and (given := _given_text(line, line.words[at:])) is not None:
            return self._in_shell(Script(given, ("sh",)), line, env)
        if program in SHELLS or program in _GIVE_TO_A_SHELL:
            own = words_behind.behind(line.words[:at], rest)
            script = script_of(program, own, line.stdin, self.files, env.get("PWD", ""))
            named = next((word for word in rest if _OF_ENGINES.fullmatch(word.rpartition("/")[2])), "")
            if script is None and named:
                raise UnclearError(f"it runs {shown(named)}, a script that cannot be read")
            return None if script is None else self._in_shell(script, line, env)
        if program in other_starters.SAY_ONLY:
            return []
        if program == "run-parts" and is_first:
            return self._parts(line, rest, env)
        if _READERS.fullmatch(program) and (name := next((one for one in rest if one[:1] != "-"), "")):
            self.files.refuse_foreign(posixpath.normpath(posixpath.join(env.get("PWD", ""), name)))
        return self._file(line, at, env, is_first=is_first)

    def _parts(self, line: _Words, rest: tuple[str, ...], env: Mapping[str, str]) -> list[_Words]:
        """The files of a directory, each as a program; ``--arg`` gives them words."""
        directory = next((word for word in rest if not word.startswith("-")), "")
        given = tuple(word.partition("=")[2] for word in rest if word.startswith("--arg="))
        paths = self.files.parts(posixpath.normpath(posixpath.join(env.get("PWD", ""), directory)))
        left_out = self.files.left_out(posixpath.normpath(posixpath.join(env.get("PWD", ""), directory)))
        self.found.gaps += (f"run-parts runs {shown(path)} on some systems, on others not" for path in left_out)
        odd = next((word for word in rest if word.startswith("-") and not _PARTS_OPTIONS.fullmatch(word)), "")
        if not paths and (line.depth or _NAMED_AFTER_ENGINES.search(directory)):
            raise UnclearError(f"run-parts runs whatever lies in {shown(directory)}")
        if paths and odd:
            raise UnclearError(f"run-parts is given {shown(odd)}, which is not followed here")
        run = line.run.left[line.number] = Following(line.run.behind(line.after), frozenset({len(paths) - 1}))
        one = replace(line, env=env, depth=line.depth + 1, stdin=None, run=run)
        return [
            replace(one, words=(path, *given), number=at, after=frozenset({at - 1})) for at, path in enumerate(paths)
        ]

    def _file(self, line: _Words, at: int, env: Mapping[str, str], *, is_first: bool) -> list[_Words] | None:
        word = line.words[at]
        program = word.rpartition("/")[2]
        if is_first:
            self.files.refuse_any_of(word, env.get("PWD", ""), line.within[-1][0].text if line.within else "")
        if program == "parallel" and mentions_engine(" ".join(line.words[at:])):
            raise UnclearError("parallel puts words into a command that are not read here")
        if "/" not in word or (at and not _is_behind_a_starter(line.words[:at])):
            return None
        path = posixpath.normpath(posixpath.join(env.get("PWD", ""), word))
        text = self.files.script(path)
        if UNKNOWN in path and path.endswith((".sh", ".bash")) and is_first:
            raise UnclearError(f"it runs {shown(word)}, a script of which only the running host knows the place")
        if text is None and (is_first or self.files.is_script(path)):
            self.files.refuse_foreign(path)
        if text is None and _OF_ENGINES.fullmatch(program):
            raise UnclearError(f"it runs {shown(word)}, a script that cannot be read")
        given = (word, *words_behind.behind(line.words[:at], line.words[at + 1 :])) if text is not None else ()
        return None if text is None else self._in_shell(Script(text, given, word, is_for_bash(text)), line, env)

    def _in_shell(self, script: Script, line: _Words, env: Mapping[str, str]) -> list[_Words]:
        if any(script == one and env == before for one, before in line.within):
            return []
        if line.depth >= MAX_SHELLS:
            raise UnclearError(f"more than {MAX_SHELLS} shells within each other")
        followed = commands_of(script, env, env_is_whole=line.env_is_whole, read=self.files.sourced)
        gaps = followed.gaps
        run = line.run.left[line.number] = Following(line.run.behind(line.after), followed.ends)
        is_named = mentions_engine(script.text)
        is_open = UNKNOWN in script.text and (script.text == line.stdin or not script.text.strip(f"{UNKNOWN} \n"))
        if is_open:
            gaps.append("a shell reads a script of which only the running host knows a part")
        self.found.gaps += (*followed.sure, *(gaps if is_named or is_open else ()))
        is_near = is_named or line.is_near
        within = (*line.within, (script, env))
        variables = {id(one.env): run_as.inherited(one.env, env) for one in followed.commands}  # equal ones are one
        return [
            _Words(
                *(one.words, variables[id(one.env)], line.depth + 1, is_near, one.stdin),
                *(_left(line, script, number), within, run, number, one.after),
                line.env_is_whole and one.env_is_whole,
            )
            for number, one in enumerate(followed.commands)
        ]


def _stdin(line: _Words, at: int) -> str:
    """What a command is given to read behind others, of which ``xargs`` reads it itself."""
    if any(word.rpartition("/")[2] == "xargs" for word in line.words[:at]):
        return UNKNOWN
    return line.inherited if line.stdin is None else line.stdin


def _left(line: _Words, script: Script, number: int) -> str:
    """What a command of a script finds to read, of which those before it, or the shell itself, may have read some."""
    text = line.inherited if line.stdin is None else line.stdin
    is_whole = number == 0 and script.text != line.stdin and _READS.search(script.text) is None
    return text if not text or is_whole else UNKNOWN


def _given(line: _Words, before: tuple[str, ...], word: str, env: dict[str, str]) -> tuple[_Words, dict[str, str]]:
    """A command with the variables that a word such as ``sudo``, or the ``-i`` of ``env``, leaves those behind it."""
    if run_as.is_cleared_by_env(before, word):
        return replace(line, env_is_whole=True), {name: env[name] for name in _KEPT & env.keys()}
    if run_as.changes_variables(word.rpartition("/")[2]):
        return replace(line, env_is_whole=False), {name: env[name] if name in _KEPT else UNKNOWN for name in env}
    return line, env


def _given_text(line: _Words, words: tuple[str, ...]) -> str | None:
    """The text that a program gives to a shell which is none itself; none where it gives none.

    Raises:
        UnclearError: nobody can tell here what it runs.
    """
    if said := _unknown_file(words):
        raise UnclearError(said)
    program = words[0].rpartition("/")[2]
    if program == "watch":
        return other_starters.watched(words[1:]) or None
    if run_as.starts_shell(program, words[1:]):
        return line.stdin
    return line.stdin if program in _LATER else None


def _unknown_file(words: tuple[str, ...]) -> str:
    """What is said of a command whose own commands stand in files that nobody can name here; empty for any other."""
    program = words[0].rpartition("/")[2]
    if words[0] in {".", "source"} and UNKNOWN in words[1:]:
        return "its script takes commands from a file of which only the running host knows the name"
    if UNKNOWN in words[0] and program.endswith((".sh", ".bash")):
        return f"it runs {shown(words[0])}, a script of which only the running host knows the place"
    if program == "ln" and any(_is_an_engine_s_program(word) for word in words[1:-1]):
        return "ln gives an engine another name" if words[-1].rpartition("/")[2] != words[-2].rpartition("/")[2] else ""
    return ""


def _is_an_engine_s_program(word: str) -> bool:
    place, _, name = word.rpartition("/")
    return name in {*command.ENGINES, *command.COMPOSERS} and (not place or place.endswith("bin"))


def _is_behind_a_starter(before: tuple[str, ...]) -> bool:
    """Whether the word behind some others may be the program that they start."""
    names = {word.rpartition("/")[2] for word in before[-MAX_OPTIONS:]}
    return before[0].rpartition("/")[2] in _LEADING or "xargs" in names or before[-1] in _EXECS


def _first_program(words: tuple[str, ...]) -> int:
    """Where the program stands that a line starts, behind those that only start it; -1 where none is told."""
    starter = ""
    is_value = False
    for at, word in enumerate(words):
        name = word.rpartition("/")[2]
        if is_value:
            is_value = False
        elif name in _LEADING:
            starter = name
        elif _NO_PROGRAM.fullmatch(word):
            is_value = word in _TAKE_A_WORD.get(starter, ())
        elif starter == "flock":
            starter = ""  # its first word is a file
        else:
            return at
    return -1


def _gives_a_text(line: _Words) -> bool:
    """Whether a word, or what it reads, may start a container by rules other than a shell's: Python's, fish's, a terminal's.

    What a script hands to its own programs is as often a message, so that there only readers of commands count. The text
    itself is never shown, for it may hold passwords.
    """
    named = [word.rpartition("/")[2] for word in line.words]
    if line.stdin and any(map(_READERS.fullmatch, named)) and mentions_engine(line.stdin):
        return True
    if line.depth and not any(map(_READERS.fullmatch, named[:-1])):
        return False
    return any(any(map(str.isspace, word)) and mentions_engine(word) for word in line.words[1:])


def _is_somebody(word: str, rest: tuple[str, ...]) -> bool:
    """Whether an engine's name is a user's: another engine stands behind it."""
    engines = command.ENGINES.keys() | command.COMPOSERS
    return word in engines and rest[:1] != () and rest[0].rpartition("/")[2] in engines
