"""The script that a command line surely gives to an interpreter of another language than the shells'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.image_paths import PathKind
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.content import Content
    from scanner.binary.program.image_files import ImageFiles

_LANGUAGES = (
    (r"(?:python|pypy)[\d.]*", r"-[bBdEIOPqsSuvx]+", r".+\.py"),
    (r"node|nodejs", r"--(?:[\w-]+=.*|enable-source-maps|no-warnings|trace-warnings|expose-gc)", r".+\.[cm]?js"),
    (r"ruby[\d.]*", r"-w", r".+\.rb"),
    (r"perl[\d.]*", r"-[wWtT]+", r".+\.pl"),
    (r"php[\d.]*", r"-[fq]", r".+\.php"),
    (r"lua[\d.]*", r"-W", r".+\.lua"),
)
"""By the interpreter's name the options that may stand before its script, all without a word behind them, and the script's
own name: another program may be called so too, and would be told something else."""

_KNOWN = tuple(tuple(re.compile(each, re.ASCII) for each in row) for row in _LANGUAGES)
_JAVA = re.compile(r"-(?:X|D|ea|esa|server|javaagent:|agentlib:|-enable|-add-[\w-]+=).*")
_JAR = re.compile(r".+\.jar")


def lacking(command: Command, content: Content | None, files: ImageFiles) -> Failure | None:
    """Why the interpreter cannot read its script: it is not in the image; ``None`` where it is, or where nobody can tell.

    ``content`` is that of the program: one without a loader is no build of these languages, but another that is called so.
    """
    if content is None or content.elf is None or not content.elf.interpreter:
        return None
    script = _script(command)
    path = f"/{command.absolute(script).lstrip('/')}"
    if not script or UNKNOWN in path or files.stands(path).kind is not PathKind.MISSING:
        return None
    why = f"{path}, which {command.argv[0]} is to read: no such file or directory"
    return Failure(Reason.ENTRYPOINT_MISSING, why, path=path)


def _script(command: Command) -> str:
    """The script that is surely read, as it is named; empty for none."""
    name, words = command.argv[0].rpartition("/")[2], command.argv[1:]
    if name == "java" and "-jar" in words:
        at = words.index("-jar")
        jar = next(iter(words[at + 1 :]), "")
        return jar if _JAR.fullmatch(jar) and all(_JAVA.fullmatch(word) for word in words[:at]) else ""
    for interpreter, option, script in _KNOWN:
        if interpreter.fullmatch(name):
            first = next((word for word in words if not option.fullmatch(word)), "")
            return first if script.fullmatch(first) else ""
    return ""
