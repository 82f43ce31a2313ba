"""What run-parts executes: the programs of a directory, by the names that it takes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.services.found import TooMany
from scanner.binary.program.shell.image_paths import PathKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.program.argv import Command
    from scanner.binary.program.image_files import ImageFiles

MAX_NAMES = 256
"""Of one directory; those of cron have a dozen."""

_OPTIONS = grammar(
    "tva:u:",
    "test>t list>t version>t help>t verbose>v arg:>a umask:>u report>v debug>v exit-on-error>v new-session>v reverse>v random>v "
    "stdin>v lsbsysinit>r regex:>r",
    permutes=True,
)
"""Debian's, of which busybox knows some; ``t`` for what executes nothing, ``r`` for what takes other names."""

_NAMES = re.compile(r"[\w-]+", re.ASCII)
"""What is taken by default: no dots, so that ``run.sh`` is not."""


def programs(files: ImageFiles, command: Command) -> Iterator[Command]:
    """Each program of the directory, with the arguments that it is handed."""
    parsed = _OPTIONS.parse(command.argv[1:])
    if isinstance(parsed, OptionError) or parsed.has("t") or len(parsed.rest) != 1 or UNKNOWN in parsed.rest[0]:
        return
    directory = command.absolute(parsed.rest[0]).rstrip("/")
    names = files.names(directory) or ()
    if len(names) > MAX_NAMES:
        raise TooMany(f"{directory} has more than {MAX_NAMES} names")
    arguments = tuple(value or "" for name, value in parsed.options if name == "a")
    for name in names:
        standing = files.stands(f"{directory}/{name}")
        is_taken = parsed.has("r") or _NAMES.fullmatch(name)
        if is_taken and standing.kind is PathKind.FILE and standing.executable:
            yield replace(command, argv=(f"{directory}/{name}", *arguments))
