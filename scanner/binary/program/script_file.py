"""The program that a command line surely gives to an interpreter of another language than the shells'."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program import foreign_modules
from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.image_files import is_below
from scanner.binary.program.module_files import Loaded, ModuleFiles
from scanner.binary.program.node_modules import NodeRequires
from scanner.binary.program.python_finder import NOWHERE, PythonFinder
from scanner.binary.program.python_modules import PythonImports
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.steps import Stopped
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.content import Content
    from scanner.binary.program.image_files import ImageFiles
    from scanner.domain.image.offers import Elf

_LANGUAGES = (
    ("python", r"python[\d.]*", r"-[bBdEIOPqsSuvx]+|-[XW].+", r".+\.py"),
    ("pypy", r"pypy[\d.]*", r"-[bBdEIOPqsSuvx]+|-[XW].+", r".+\.py"),
    (
        "node",
        r"node|nodejs",
        r"--(?:(?:max-|stack-|inspect|title|trace-|unhandled-|dns-|tls-)[\w-]*=.*|enable-source-maps|no-warnings|trace-warnings|expose-gc)",
        r".+\.[cm]?js",
    ),
    ("ruby", r"ruby[\d.]*", r"-w", r".+\.rb"),
    ("perl", r"perl[\d.]*", r"-[wWtT]+", r".+\.pl"),
    ("php", r"php[\d.]*", r"-[fq]", r".+\.php"),
    ("lua", r"lua[\d.]*", r"-W", r".+\.lua"),
)
"""By the interpreter's name the options that may stand before its script, all without a word behind them, and the script's
own name: another program may be called so too, and would be told something else. Of Node's options that have a word
behind them others run another script, or have modules looked for elsewhere."""

_NAMES = tuple(row[0] for row in _LANGUAGES)
_KNOWN = tuple(tuple(re.compile(each, re.ASCII) for each in row[1:]) for row in _LANGUAGES)
_JAVA = re.compile(r"-(?:X|D|ea|esa|server|javaagent:|agentlib:|-enable|-add-[\w-]+=).*")
_JAR = re.compile(r".+\.jar")

_PYTHONS = frozenset({"python", "pypy"})
_MODULE = re.compile(r"[A-Za-z]\w*(?:\.\w+)*", re.ASCII)
_SERVERS = frozenset({"gunicorn", "uvicorn", "hypercorn"})
_SERVED = re.compile(r"([A-Za-z]\w*(?:\.\w+)*+):[A-Za-z_]\w*(?:\(.*\))?", re.ASCII)
"""What servers of Python's are given to import: ``package.module:name``."""

_ELSEWHERE = ("-c", "--config", "--chdir", "--pythonpath", "--app-dir", "--env-file", "--factory", "--reload")
"""Options by which servers look for it elsewhere, are told so by a file, or wait for another version of it."""

_NOT_SERVED = frozenset({"unix", "fd", "localhost"})
"""Words before a colon that stand in an address."""

_PACKAGES = re.compile(r"/(?:site|dist)-packages(?:/|$)")

_MAY_BE_RUN = {
    "python": ("__main__.py", "__main__.pyc"), "pypy": ("__main__.py", "__main__.pyc"),
    "node": ("package.json", "index.js", "index.json", "index.node"), "perl": (), "java": (),
}  # fmt: skip
"""What makes of a directory a program, by language; of the others nobody has shown what they do with one."""

_UNSAFE = ("PYTHONSAFEPATH", "NODE_OPTIONS", "NODE_PRESERVE_SYMLINKS", "NODE_PRESERVE_SYMLINKS_MAIN")
"""Variables by which modules are looked for elsewhere, or others are loaded before."""


@dataclass(frozen=True, slots=True)
class Given:
    """What an interpreter is told to run: a script, as it is named, a module, or a text.

    ``is_plain`` tells that its name is one of its language's, ``is_isolated`` that Python looks for no module beside it.
    """

    language: str
    script: str = ""
    module: str = ""
    text: str = ""
    is_plain: bool = False
    is_isolated: bool = False


def refusal(
    command: Command, content: Content | None, files: ImageFiles, *, untouched: bool
) -> Failure | Stopped | None:
    """Why the interpreter surely does not run what it is given, or nobody knows whether it does; ``None`` for nothing.

    ``content`` is that of the program: one without a loader is no build of these languages, but another that is called so.
    ``untouched`` tells that no script before it has written, or started, anything.
    """
    if content is None or content.elf is None or not content.elf.interpreter:
        return None
    given = _given(command)
    if given is None:
        return foreign_modules.doubt(language_of(command), ModuleFiles(files, content.elf))
    return _lacking(command, given, files) or _foreign(command, given, content.elf, files, untouched=untouched)


def _lacking(command: Command, given: Given, files: ImageFiles) -> Failure | None:
    """It is not in the image."""
    if given.text:
        return None
    served = _served(command, given)
    if (files.mounts or files.volumes) and served and _is_configured(command, files):
        served = ""  # it may be on any of them
    if modules := [each.partition(".")[0] for each in (given.module, served) if each]:
        missing = next((each for each in modules if _is_nowhere(each, command, files)), "")
        why = f"{command.argv[0]} is to run the module {missing}, which is not in the image"
        return Failure(Reason.BINARY_UNKNOWN, why) if missing else None
    path = f"/{command.absolute(given.script).lstrip('/')}"
    if UNKNOWN in path:
        return None
    kind, named = files.stands(path).kind, f"{path}, which {command.argv[0]} is to read"
    if kind is PathKind.DIRECTORY:
        is_told = given.language == "node" and (not command.env_known or "NODE_OPTIONS" in command.env)
        return None if is_told else _of_directory(given.language, path, named, files)
    if kind is not PathKind.MISSING or not given.is_plain:
        return None
    return Failure(Reason.ENTRYPOINT_MISSING, f"{named}: no such file or directory", path=path)


def _foreign(
    command: Command, given: Given, own: Elf, files: ImageFiles, *, untouched: bool
) -> Failure | Stopped | None:
    """A native part of it, which it loads at its start, is for another CPU than the interpreter, or may be."""
    modules = ModuleFiles(files, own)
    if not modules.holds_foreign(given.language):
        return None
    loaded = _loaded(command, given, modules, files)
    named = _served(command, given) or given.script or given.module or f"the text that {command.argv[0]} is given"
    if (sure := loaded.surely) is not None and untouched:
        return Failure(Reason.WRONG_LIBRARY, f"{named} loads {sure.path}, which {sure.why}", path=sure.path)
    if (part := loaded.surely or loaded.perhaps) is not None:
        return Stopped(f"{named} may load {part.path}, which {part.why}")
    return foreign_modules.doubt(given.language, modules, loaded)


def _loaded(command: Command, given: Given, modules: ModuleFiles, files: ImageFiles) -> Loaded:
    """What it loads at its start."""
    if UNKNOWN in command.cwd + given.script or not command.env_known or any(name in command.env for name in _UNSAFE):
        return Loaded(whole=False)
    path = modules.real(posixpath.normpath(f"/{command.absolute(given.script).lstrip('/')}"))
    served = _served(command, given)
    further = () if given.is_isolated else _python_path(command)
    top = posixpath.dirname(path) if given.script and not served else command.cwd
    finder = PythonFinder(modules, NOWHERE if given.is_isolated else top, lambda: _is_open(command, files))
    python = PythonImports(finder, further)
    match given.language:
        case "python" if served:
            return Loaded(whole=False) if _is_configured(command, files) else python.of_module(served, is_run=False)
        case "python" if given.module:
            return python.of_module(given.module)
        case "python" if given.text:
            return python.of_text(given.text)
        case "python":
            return python.of_script(path)
        case "node":
            return NodeRequires(modules).of_script(path)
    return Loaded(whole=False)


def _python_path(command: Command) -> tuple[str, ...]:
    value = command.env.get("PYTHONPATH") or ""
    places = (command.absolute(each) for each in value.split(":") if each)
    return tuple(posixpath.normpath(f"/{each.lstrip('/')}") for each in places)


def _of_directory(language: str, path: str, named: str, files: ImageFiles) -> Failure | None:
    """What an interpreter makes of a directory."""
    parts = _MAY_BE_RUN.get(language)
    if parts is None:
        return Failure(Reason.BINARY_UNKNOWN, f"{named}, is a directory", path=path)
    beside = (".js", ".json", ".node") if language == "node" else ()  # a file of the name comes before a directory
    places = (*(f"{path}/{part}" for part in parts), *(f"{path.rstrip('/')}{end}" for end in beside))
    if any(files.stands(each).kind is not PathKind.MISSING for each in places):
        return None
    return Failure(
        Reason.ENTRYPOINT_DIRECTORY, f"{named}, is a directory without {parts[0] if parts else 'a program'}", path=path
    )


def _is_nowhere(module: str, command: Command, files: ImageFiles) -> bool:
    """Whether nothing in the image is called like a module, nor may anything that stands over it bring one."""
    return not (files.is_called_so_far(module) or files.called(module) or _is_open(command, files))


def _is_open(command: Command, files: ImageFiles) -> bool:
    """Whether modules of Python's may come from what nobody can look into: mounts, archives, what maps their names."""
    places = [
        command.cwd,
        *(command.env.get("PYTHONPATH") or UNKNOWN if "PYTHONPATH" in command.env else "").split(":"),
    ]
    if UNKNOWN in "".join(places) or not command.env_known:
        return True
    over = (*files.mounts, *files.volumes)
    is_open = any(_PACKAGES.search(each) or any(_meet(each, place) for place in places if place) for each in over)
    zipped = any(place and files.stands(command.absolute(place)).kind is not PathKind.DIRECTORY for place in places[1:])
    return is_open or zipped or files.maps_modules()


def _meet(mount: str, place: str) -> bool:
    return is_below(mount, place) or is_below(place, mount)


def _served(command: Command, given: Given) -> str:
    """The module that a server of Python's is to serve, empty where its words leave that open."""
    named = given.module or given.script
    if given.language not in _PYTHONS or named.rpartition("/")[2] not in _SERVERS:
        return ""
    words = command.argv[command.argv.index(named) + 1 :]
    found = [match[1] for word in words if (match := _SERVED.fullmatch(word)) and match[1] not in _NOT_SERVED]
    is_placed = bool(words) and any(_SERVED.fullmatch(word) for word in (words[0], words[-1]))
    return found[0] if len(found) == 1 and is_placed else ""


def _is_configured(command: Command, files: ImageFiles) -> bool:
    """Whether a server may be told to look for its module elsewhere than in the working directory."""
    is_told = any(word.startswith(_ELSEWHERE) for word in command.argv)
    by_env = any(name.startswith(("GUNICORN_", "UVICORN_", "HYPERCORN_", "WEB_")) for name in command.env)
    return is_told or by_env or files.stands(f"{command.cwd}/gunicorn.conf.py").kind is not PathKind.MISSING


def language_of(command: Command) -> str:
    """The language of an interpreter, by its name; empty for none that is known."""
    name = command.argv[0].rpartition("/")[2]
    return next((each for each, known in zip(_NAMES, _KNOWN, strict=True) if known[0].fullmatch(name)), "")


def _given(command: Command) -> Given | None:
    """What is surely run, ``None`` for nothing that is known."""
    name, words = command.argv[0].rpartition("/")[2], command.argv[1:]
    if name == "java" and "-jar" in words:
        at = words.index("-jar")
        jar = next(iter(words[at + 1 :]), "")
        is_known = _JAR.fullmatch(jar) and all(_JAVA.fullmatch(word) for word in words[:at])
        return Given("java", jar, is_plain=True) if is_known else None
    for language, (interpreter, option, script) in zip(_NAMES, _KNOWN, strict=True):
        if interpreter.fullmatch(name):
            before: list[str] = []
            rest = list(words)
            while rest and (option.fullmatch(rest[0]) or (language in _PYTHONS and rest[0] in {"-X", "-W"})):
                before += [rest.pop(0)]
                rest = rest[1:] if before[-1] in {"-X", "-W"} else rest
            isolated = language in _PYTHONS and any(
                set(each) & set("IP") for each in before if each[1:2] not in {"X", "W"}
            )
            return _of_words(Given(language, is_isolated=isolated), rest, script)
    return None


def _of_words(given: Given, words: list[str], script: re.Pattern[str]) -> Given | None:
    first, second = (*words, "", "")[:2]
    if given.language in _PYTHONS and first == "-m":
        is_known = _MODULE.fullmatch(second) is not None
        return replace(given, module=second) if is_known else None
    if given.language in _PYTHONS and first == "-c" and second and UNKNOWN not in second:
        return replace(given, text=second)
    if not first or first.startswith("-") or UNKNOWN in first or first == "inspect":  # Node's debugger
        return None
    return replace(given, script=first, is_plain=script.fullmatch(first) is not None)
