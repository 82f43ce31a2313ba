"""What a supervisor is to start: the services that the image configures for runit, s6, supervisord, run-parts."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.services import execline, run_parts, supervisord
from scanner.binary.program.services.found import Changes, Refusal, TooMany
from scanner.binary.program.shell.image_paths import PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.program.argv import Command
    from scanner.binary.program.image_files import ImageFiles

MAX_SERVICES = 64
"""Of one supervisor; images have a handful, those with a whole desktop in them some thirty."""

MAX_NAMES = 256
"""Of one directory of services."""

_RUNSVDIR = grammar("P")
_SVSCAN = grammar("d:X:c:C:L:t:sS")
_AT_FIRST, _SERVICES, _COMPILED = "/etc/cont-init.d", "/etc/services.d", "/etc/s6-overlay/s6-rc.d"


@dataclass(slots=True)
class Services:
    """What was ``started`` by a supervisor, each as its command; those that nobody can tell are left out.

    ``what`` each of them is, ``behind`` what runs where one of them has ended. ``refusal`` is why the supervisor surely does
    not start them, ``bound`` why not all were looked at. ``needed`` are those before which it ends if they fail; where it
    ``lasts``, it surely stays up whatever becomes of the others, but for those whose end something of the image hears of
    (``ending``).
    """

    started: list[Command] = field(default_factory=list)
    behind: list[Command] = field(default_factory=list)
    needed: list[Command] = field(default_factory=list)
    ending: list[Command] = field(default_factory=list)
    lasts: bool = False
    refusal: str = ""
    bound: str = ""
    what: str = "a service"

    def add(self, found: Iterator[Command], *, is_needed: bool = False) -> None:
        """Take what is found, up to the bound."""
        for each in found:
            if len(self.started) + len(self.needed) >= MAX_SERVICES:
                raise TooMany(f"it starts more than {MAX_SERVICES} services")
            (self.needed if is_needed else self.started).append(each)


def of(files: ImageFiles, command: Command, changes: Changes) -> Services:
    """The services of a command, none of one that is no supervisor; ``changes`` happened before."""
    found = Services()
    try:
        _look(files, command, changes, found)
    except Refusal as refusal:
        found.refusal = f"{command.argv[0]} does not start: {refusal}"
    except TooMany as bound:
        found.bound = f"{command.argv[0]}: {bound}"
    return found


def _look(files: ImageFiles, command: Command, changes: Changes, found: Services) -> None:
    if command.argv[0].rpartition("/")[2] == "busybox" and len(command.argv) > 1:
        command = replace(command, argv=command.argv[1:])
    match command.argv[0].rpartition("/")[2]:
        case "supervisord":
            found.add(supervisord.programs(files, command, changes))
            found.lasts = supervisord.lasts(files, command, changes)
        case "runsvdir" | "s6-svscan" as name:
            options = (_RUNSVDIR if name == "runsvdir" else _SVSCAN).parse(command.argv[1:])
            if not isinstance(options, OptionError) and (options.rest or name == "s6-svscan"):
                found.lasts = True
                _below(files, command, command.absolute((*options.rest, ".")[0]), found)
        case "run-parts":
            found.what = "a program of the directory"
            found.add(run_parts.programs(files, command))
        case "runsv" | "s6-supervise" if len(command.argv) > 1 and command.argv[1][:1] != "-":
            found.lasts = True
            _service(files, command, command.absolute(command.argv[1]), found)
        case "my_init":
            _of_my_init(files, command, found)
        case name if command.argv[0] == "/init" or name == "s6-overlay-suexec":
            said = command.env.get(_IF_IT_FAILS, "0" if command.env_known else None)
            found.lasts = said in _GOES_ON and (name == "s6-overlay-suexec" or _is_overlay_s(files, command.argv[0]))
            found.add(_scripts(files, command, _AT_FIRST))
            _below(files, command, _SERVICES, found)
            _below(files, command, _COMPILED, found, _enabled(files, _COMPILED))
        case _:
            pass


def _of_my_init(files: ImageFiles, command: Command, found: Services) -> None:
    """Those of baseimage-docker's, which ends where a script before them fails."""
    found.lasts = True
    if not _leaves_out(command, "--skip-startup-files"):
        found.add(_scripts(files, command, "/etc/my_init.d"), is_needed=True)
    if not _leaves_out(command, "--skip-runit"):
        _below(files, command, "/etc/service", found)


def _leaves_out(command: Command, option: str) -> bool:
    """Whether it is told so, by as many letters as tell an option from others (Python's argparse)."""
    own = command.argv[1 : command.argv.index("--")] if "--" in command.argv else command.argv[1:]
    return any(len(word) > len("--skip-") and option.startswith(word) for word in own)


_IF_IT_FAILS = "S6_BEHAVIOUR_IF_STAGE2_FAILS"
_GOES_ON = frozenset({"", "0", "1"})
"""What tells s6-overlay to go on where a script before the services, or one of them, fails; without it, it does."""


def _is_overlay_s(files: ImageFiles, path: str) -> bool:
    """Whether a script is the ``/init`` of s6-overlay: of version 2 one of execline's, of version 3 one of the shell's."""
    text = _text(files, path) or ""
    return text.startswith("#!") and ("execlineb" in text.partition("\n")[0] or "s6-overlay-suexec" in text)


def _names(files: ImageFiles, directory: str) -> tuple[str, ...]:
    """The names in a directory but for hidden ones, which no supervisor looks at."""
    names = () if UNKNOWN in directory else files.names(directory) or ()
    if len(names) > MAX_NAMES:
        raise TooMany(f"{directory} has more than {MAX_NAMES} names")
    return tuple(name for name in names if not name.startswith("."))


def _scripts(files: ImageFiles, command: Command, directory: str) -> Iterator[Command]:
    """The scripts of a directory that are run before the services."""
    for name in _names(files, directory):
        standing = files.stands(f"{directory}/{name}")
        if standing.kind is PathKind.FILE and standing.executable:
            yield replace(command, argv=(f"{directory}/{name}",))


def _below(
    files: ImageFiles, command: Command, directory: str, found: Services, enabled: frozenset[str] | None = None
) -> None:
    """The services of a directory; where they are named, those alone."""
    for name in _names(files, directory):
        if enabled is None or name in enabled:
            _service(files, command, posixpath.join(directory, name), found)


def _service(files: ImageFiles, command: Command, at: str, found: Services) -> None:
    """What is run for one service directory, but for one that is down at first."""
    if files.stands(f"{at}/down").kind is not PathKind.MISSING:
        return
    before = len(found.started)
    for each in ("run", "log/run"):
        if at.startswith(f"{_COMPILED}/") and not files.stands(f"{at}/{each}").executable:
            continue  # a copy of it is started, which may be
        found.add(_of_file(files, replace(command, cwd=posixpath.dirname(f"{at}/{each}")), f"{at}/{each}"))
    if (text := _text(files, f"{at}/up")) is not None:
        found.add(execline.started(text, command))
    if files.stands(f"{at}/finish").kind is PathKind.FILE:
        found.behind.append(replace(command, argv=(f"{at}/finish",), cwd=at))
        found.ending += found.started[before:]


def _of_file(files: ImageFiles, command: Command, path: str) -> Iterator[Command]:
    """A script that a supervisor starts, with what it starts itself where execline reads it."""
    if files.stands(path).kind is not PathKind.FILE:
        return
    yield replace(command, argv=(path,))
    first, _, rest = (_text(files, path) or "").partition("\n")
    if first.startswith("#!") and "execlineb" in first:
        yield from execline.started(rest, command)


def _text(files: ImageFiles, path: str) -> str | None:
    text = files.text(path) if files.stands(path).kind is PathKind.FILE else None
    return None if text is None else text.decode("utf-8", "surrogateescape")


def _enabled(files: ImageFiles, directory: str) -> frozenset[str] | None:
    """The services of s6-rc that are started: those in the bundle ``user`` with all on which they depend.

    ``None`` where that is not written as directories of names.
    """
    if (
        files.names(f"{directory}/user/contents.d") is None
        or files.stands(f"{directory}/user/contents.d").kind is not PathKind.DIRECTORY
    ):
        return None
    todo, enabled = ["user", "user2"], set[str]()
    while todo:
        name = todo.pop()
        if name in enabled or "/" in name:
            continue
        enabled.add(name)
        if len(enabled) > MAX_NAMES:
            raise TooMany(f"{directory} starts more than {MAX_NAMES} names")
        at = f"{directory}/{name}"
        if any(files.stands(f"{at}/{each}").kind is PathKind.FILE for each in ("contents", "dependencies")):
            return None
        for each in ("contents.d", "dependencies.d"):
            todo += _names(files, f"{at}/{each}")
    return frozenset(enabled)
