"""What supervisord is to start: the programs of its configuration."""

from __future__ import annotations

import fnmatch
import posixpath
import re
import shlex
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.path_search import places_of
from scanner.binary.program.services.found import Changes, Refusal, TooMany
from scanner.binary.program.shell.image_paths import PathKind
from scanner.formats.documents import ini
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.program.argv import Command
    from scanner.binary.program.image_files import ImageFiles

MAX_NAMES = 256
"""Of one directory of configurations."""

MAX_FILES = 64
"""Configurations that one includes."""

MAX_PATTERN = 64
"""Characters of the last part of a pattern of configurations."""

MAX_WORDS_CHARS = 4096
"""Of the words of one program."""

MAX_PUT_CHARS = 64 * 1024
"""Of all that is put in place of the names of one setting: a value may hold another that holds another."""

MAX_DIGITS = 9
"""Of a value that is put in as a number."""

_OPTIONS = grammar(
    "hc:nvu:m:d:l:y:z:e:j:i:q:kta:s",
    "help>h configuration:>c nodaemon>n version>v user:>u umask:>m directory:>d logfile:>l logfile_maxbytes:>y "
    "logfile_backups:>z loglevel:>e pidfile:>j identifier:>i childlogdir:>q nocleanup>k strip_ansi>t minfds:>a minprocs: "
    "silent>s profile_options:",
)
_STARTED = ("program:", "fcgi-program:", "eventlistener:")
_OFF, _ON = frozenset({"false", "no", "off", "0"}), frozenset({"true", "yes", "on", "1"})
_NAME = re.compile(r"%(?:%|\((?P<name>[^()]+)\)(?P<as>0?[0-9]{0,2}[sd])?)?")
_MAGIC = re.compile(r"[*?[]")
_HERE = "%(here)s"


@dataclass(frozen=True, slots=True)
class _Names:
    """What names in a configuration stand for; ``is_all`` where there are no others."""

    known: dict[str, str | None]
    is_all: bool

    def and_variables(self, variables: dict[str, str | None]) -> _Names:
        """These with those of variables that a configuration itself sets."""
        return replace(self, known={**self.known, **{f"ENV_{name}": value for name, value in variables.items()}})

    def put_into(self, text: str, where: str) -> str:
        """A text with them in their places, ``UNKNOWN`` for what is not known.

        Raises:
            Refusal: a name stands for nothing, or is badly written.
            TooMany: the text becomes too long.
        """
        made = 0

        def value(found: re.Match[str]) -> str:
            nonlocal made
            said = self._value(found, where)
            made += len(said)
            if made > MAX_PUT_CHARS:
                raise TooMany(f"{where} becomes longer than {MAX_PUT_CHARS} characters")
            return said

        return _NAME.sub(value, text)

    def _value(self, found: re.Match[str], where: str) -> str:
        if found[0] == "%%":
            return "%"
        if not found["as"]:
            raise Refusal(f"{where} is badly formatted")
        name = found["name"]
        if name not in self.known and (self.is_all or not name.startswith("ENV_")):
            raise Refusal(f"{where} names {name}, which stands for nothing")
        known = self.known.get(name)
        if known is not None and found["as"] != "s":
            is_number = known.isdecimal() and len(known) <= MAX_DIGITS
            return f"%{found['as']}" % int(known) if is_number else UNKNOWN
        return UNKNOWN if known is None else known


def programs(files: ImageFiles, command: Command, changes: Changes) -> Iterator[Command]:
    """Each program that it starts at once, those left out that nobody can tell.

    Args:
        files: the image's.
        command: supervisord's own.
        changes: what happened before.

    Raises:
        Refusal: it surely ends by itself.
        TooMany: there is more than is looked at.
    """
    path = _configuration(files, command, changes)
    if path is None:
        return
    names = _names(command, posixpath.dirname(path))
    sections = _sections(files, path, names, changes)
    if sections is None:
        return
    user = sections["supervisord"].get("user") if command.user in {"", "0", "root"} else None
    command = command if user is None or "%" in user else replace(command, user=user)
    variables = _variables(names.put_into(sections["supervisord"].get("environment", ""), "environment"))
    command, names = _with(command, variables), names.and_variables(variables)
    for section, values in sections.items():
        if section.startswith(_STARTED):
            found = _program(files, command, section, values, names)
            if found is not None:
                yield found


def lasts(files: ImageFiles, command: Command, changes: Changes) -> bool:
    """Whether it surely stays in front, and nobody listens for what becomes of its programs, who may have it end.

    Raises what ``programs`` raises.
    """
    path = _configuration(files, command, changes)
    names = _names(command, posixpath.dirname(path or "/"))
    sections = None if path is None else _sections(files, path, names, changes)
    if sections is None or any(each.startswith("eventlistener:") for each in sections):
        return False
    options = _OPTIONS.parse(command.argv[1:])
    said = names.put_into(sections["supervisord"].get("nodaemon", "false"), "nodaemon").lower()
    return said in _ON or (not isinstance(options, OptionError) and options.has("n"))


# ---------------------------------------------------------------- its configuration


def _configuration(files: ImageFiles, command: Command, changes: Changes) -> str | None:
    """The path of its configuration, ``None`` where nobody can tell."""
    options = _OPTIONS.parse(command.argv[1:])
    if isinstance(options, OptionError) or options.rest:
        if any(UNKNOWN in word for word in command.argv):
            return None
        raise Refusal(options.detail if isinstance(options, OptionError) else f"it takes no {options.rest[0]}")
    if options.has("h", "v"):
        return None
    told = options.value("c")
    if told is not None and UNKNOWN in told:
        return None
    program = next((each for each in places_of(command) if files.stands(each).kind is PathKind.FILE), "/usr/bin/x")
    above = posixpath.dirname(posixpath.dirname(program)) if "/" not in command.argv[0] else ""
    above = above or posixpath.dirname(posixpath.dirname(command.argv[0]))
    searched = (
        posixpath.join(above, "etc/supervisord.conf"),
        posixpath.join(above, "supervisord.conf"),
        "supervisord.conf",
        "etc/supervisord.conf",
        "/etc/supervisord.conf",
        "/etc/supervisor/supervisord.conf",
    )
    for each in searched if told is None else (told,):
        path = posixpath.normpath(command.absolute(each))
        kind = files.stands(path).kind
        if kind is PathKind.UNKNOWN or changes.touch(path):
            return None
        if kind is not PathKind.MISSING:
            return path
    if changes.others:
        return None
    raise Refusal(f"there is no configuration {told}" if told is not None else "there is no configuration")


def _sections(files: ImageFiles, path: str, names: _Names, changes: Changes) -> ini.Sections | None:
    """What a configuration says, with those that it includes; ``None`` where nobody can tell."""
    sections = ini.Sections()
    if not _add(files, path, sections, changes):
        return None
    if (include := sections.get("include")) is not None:
        if "files" not in include:
            raise Refusal(f"{path} has a section include without files")
        patterns = names.put_into(include["files"], "include.files").split()
        if not all(
            _add(files, each, sections, changes) for each in _included(files, posixpath.dirname(path), patterns)
        ):
            return None
    if "supervisord" not in sections:
        raise Refusal(f"{path} has no section supervisord")
    shared = sections.pop("DEFAULT", {})
    return {section: {**shared, **values} for section, values in sections.items()}


def _add(files: ImageFiles, path: str, sections: ini.Sections, changes: Changes) -> bool:
    """Whether the text of a configuration is known, which is then added to the others, its directory put into it."""
    raw, here = None if changes.touch(path) else files.text(path), posixpath.dirname(path)
    if raw is None:
        return False
    text = raw.decode("utf-8", "surrogateescape")
    if text.count(_HERE) * len(here) > MAX_PUT_CHARS:
        raise TooMany(f"{path} names its directory too often")
    try:
        ini.read(text.replace(_HERE, here), sections)
    except ini.RefusedError:
        raise Refusal(f"{path} is no configuration") from None
    except ini.TooLongError:
        raise TooMany(f"{path} has more than {ini.MAX_LINES} lines, or too long ones") from None
    return True


def _included(files: ImageFiles, directory: str, patterns: list[str]) -> Iterator[str]:
    count = 0
    for pattern in patterns:
        path = posixpath.normpath(posixpath.join(directory, pattern))
        if UNKNOWN in path:
            continue
        for found in _matching(files, path):
            count += 1
            if count > MAX_FILES:
                raise TooMany(f"its configuration includes more than {MAX_FILES} files")
            yield found


def _matching(files: ImageFiles, pattern: str) -> list[str]:
    """The paths of the image that a pattern fits, in the order in which they are read."""
    found = ["/"]
    for part in pattern.strip("/").split("/"):
        above, found = found, []
        for directory in above:
            found += _named(files, directory, part)
            if len(found) > MAX_NAMES:
                raise TooMany(f"{pattern} fits more than {MAX_NAMES} names")
    return sorted(found) if _MAGIC.search(pattern) else found


def _named(files: ImageFiles, directory: str, part: str) -> list[str]:
    """What one part of a pattern fits in a directory."""
    if not _MAGIC.search(part):
        path = posixpath.join(directory, part)
        return [path] if files.stands(path).kind is not PathKind.MISSING else []
    names = files.names(directory) or ()
    spend(1 + len(names))
    if len(names) > MAX_NAMES or len(part) > MAX_PATTERN:
        raise TooMany(f"{directory} has more than {MAX_NAMES} names")
    shown = [name for name in names if part.startswith(".") or not name.startswith(".")]
    return [posixpath.join(directory, each) for each in shown if fnmatch.fnmatchcase(each, part)]


def _names(command: Command, here: str) -> _Names:
    known: dict[str, str | None] = {f"ENV_{name}": value for name, value in command.env.items()}
    known |= dict.fromkeys(("ENV_HOME", "ENV_HOSTNAME", "host_node_name"))
    return _Names({**known, "here": here}, command.env_known)


def _variables(text: str) -> dict[str, str | None]:
    """What ``environment`` sets: words with ``=`` between, a comma behind each."""
    lexer = shlex.shlex(text)
    lexer.wordchars += f"/.+-():{UNKNOWN}"
    spend(1 + len(text))
    try:
        tokens = list(lexer)
    except ValueError:
        raise Refusal("an environment of its configuration is badly formatted") from None
    found: dict[str, str | None] = {}
    for at in range(0, len(tokens), 4):
        name, *rest = tokens[at : at + 3]
        if len(rest) != 2 or rest[0] != "=":  # noqa: PLR2004 - the sign, the value
            raise Refusal("an environment of its configuration is badly formatted")
        value = rest[1].strip("'\"")
        found[name] = None if UNKNOWN in value else value
    return found


# ---------------------------------------------------------------- its programs


def _program(
    files: ImageFiles, command: Command, section: str, values: dict[str, str], names: _Names
) -> Command | None:
    """The command of a program that is started at once; ``None`` where that is another one, or nobody can tell."""
    spend(1 + len(names.known) // 10)
    name = section.partition(":")[2].strip()
    more: dict[str, str | None] = {
        "program_name": name,
        "group_name": None,
        "process_num": values.get("numprocs_start", "0"),
        "numprocs": values.get("numprocs", "1"),
    }
    names = replace(names, known={**names.known, **more})
    if "command" not in values:
        raise Refusal(f"its configuration gives {name} no command")
    variables = _variables(names.put_into(values.get("environment", ""), f"the environment of {name}"))
    changed, names = _with(command, variables), names.and_variables(variables)
    written = names.put_into(values["command"], f"the command of {name}")
    directory = names.put_into(values.get("directory", ""), f"the directory of {name}")
    at_once = names.put_into(values.get("autostart", "true"), f"autostart of {name}").lower()
    if at_once in _OFF or len(written) > MAX_WORDS_CHARS or any(UNKNOWN in each for each in (at_once, directory)):
        return None
    try:
        words = tuple(shlex.split(written))
    except ValueError:
        words = ()
    if not words or UNKNOWN in words[0]:
        return None
    if "user" in values:
        changed = replace(changed, user=names.put_into(values["user"], f"the user of {name}"))
        if UNKNOWN in (changed.user or ""):
            return None
    return _placed(files, command, replace(changed, argv=words), directory)


def _placed(files: ImageFiles, command: Command, started: Command, directory: str) -> Command:
    """The command in its directory: a name is looked up in supervisord's own PATH, a path at first in its own directory."""
    name = started.argv[0]
    looked_up = replace(command, argv=started.argv)
    if "/" not in name and started.path != command.path:
        found = next((each for each in places_of(looked_up) if files.stands(each).kind is not PathKind.MISSING), name)
        started = replace(started, argv=(found, *started.argv[1:]))
    if not directory:
        return started
    if "/" in name and not name.startswith("/") and files.stands(command.absolute(name)).kind is PathKind.MISSING:
        return started
    return replace(started, cwd=command.absolute(directory))


def _with(command: Command, variables: dict[str, str | None]) -> Command:
    changed = replace(command, env=MappingProxyType({**command.env, **variables}))
    return changed.with_variable("PATH", variables["PATH"]) if "PATH" in variables else changed
