"""The programs that the words of another program name, which it may start by rules of its own."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.layers.view import Absence, Found
from scanner.binary.program import script_words
from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.image_files import is_mounted
from scanner.binary.program.path_search import places_of
from scanner.binary.program.shell.shell_programs import prepares
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.binary.program.execve import Run

CHARS_A_MICROSECOND = 100

MAX_MENTIONED = 64
"""Paths of one command line that are looked up; those of a JVM with all its options are some thirty."""

MAX_IN_SCRIPTS = 256
"""Words of one script that are looked up."""

_PATH = re.compile(r"(?<![\w./@:~$%+-])(?:\./|/)[\w.+@/-]*\w", re.ASCII)
"""A path from the root or the working directory, within a word too: ``--exec=/app``, ``-c 'exec /app'``.

Whatever may stand within a path is asked for before it: a run of such characters is begun once, not at each slash.
"""

_DATA = re.compile(
    r"\.(?:ya?ml|json|conf|cf|cfg|ini|toml|xml|properties|env|pem|crt|key|log|sock|pid|db|sql|html?|txt|md|csv"
    r"|py|pyc|rb|m?js|cjs|ts|php|lua|pl|jar|war|so|dll|wasm|rdb|cnf|hcl|nomad|tmpl|tpl|j2|t?gz|bz2|xz|zst|zip|tar|p12|pfx|jks"
    r"|keystore|truststore|csr|der|lock|dat|list|rules|policy|sqlite3?|parquet|gguf|onnx|safetensors|class|map|css|svg|png)",
    re.ASCII | re.IGNORECASE,
)
"""Ends of names that no program for a CPU has; to look them up would read layers for nothing."""

_NO_PROGRAMS = (
    "/etc", "/dev", "/proc", "/sys", "/run", "/tmp", "/data", "/models",  # noqa: S108 - an image's paths
    "/var/run", "/var/log", "/var/lib", "/var/cache", "/var/spool",
)  # fmt: skip
"""Where configuration, devices, sockets, data are."""

_OF_DATA = re.compile(r"--?[\w.-]*(?:data|dir|conf|config|log|socket|storage|volume|cert)=", re.IGNORECASE | re.ASCII)
"""Options whose value is no program."""

_BEFORE_NAMES = frozenset({"--", "exec"})
"""Behind these a word without a slash is a program, by the custom of launchers."""

_RUNNERS = frozenset({
    "uv", "poetry", "pipenv", "pdm", "hatch", "rye", "npm", "pnpm", "yarn", "conda", "mamba", "micromamba", "mise",
    "devbox", "chamber", "doppler", "op", "infisical", "teller", "dapr",
})  # fmt: skip
"""Those of which ``run NAME`` starts a program; a server's own ``run`` names something of its own."""

_TAKES_PROGRAMS = frozenset({"awk", "gawk", "mawk", "nawk", "tar"})
"""Tools that make ready, whose words may hold commands; the paths among the words of others are files to them."""

_EMULATORS = re.compile(r"qemu-[\w-]+|box(?:64|86)|fex\w*", re.ASCII | re.IGNORECASE)
"""Programs that carry another CPU's programs out themselves."""


def programs(view: View, command: Command, run: Run) -> tuple[Command, ...] | None:
    """What ``command`` may start by its own words, each as a command with the words behind it, or by its script's.

    Returns:
        Commands whose program stands in the image, executable; ``None`` where more than ``MAX_MENTIONED`` are named,
        or more than ``MAX_IN_SCRIPTS`` in the script.
        Raises what the view raises where the layers do not tell.
    """
    words = command.argv[1:] if command.argv[0].rpartition("/")[2] == "busybox" else command.argv
    name = words[0].rpartition("/")[2] if words else ""
    if not words or _EMULATORS.fullmatch(name) or (prepares(words) and name not in _TAKES_PROGRAMS):
        return ()
    found: dict[str, Command] = {}
    for named, most in ((_named(words), MAX_MENTIONED), (_in_scripts(view, command, run), MAX_IN_SCRIPTS)):
        looked_up: set[str] = set()
        for word, further in named:
            started = replace(command, argv=(word, *further))
            places = [each for each in places_of(started) if _may_be_program(command, each)]
            if word in looked_up or not places:
                continue
            looked_up.add(word)
            if len(looked_up) > most:
                return None
            path = next((each for each in places if _is_program(view, each)), "")
            if path:
                found.setdefault(path, started)
    return tuple(found.values())


def lacking(view: View, command: Command, run: Run) -> str:
    """What the script of an interpreter is to exec by its path, and the image has not; empty for nothing."""
    for text in script_words.texts(view, command, run):
        spend(1 + len(text) // CHARS_A_MICROSECOND)
        for path in script_words.execs(text):
            if not is_mounted(path, (*_NO_PROGRAMS, *command.mounts)) and isinstance(view.lookup(path), Absence):
                return path
    return ""


def _in_scripts(view: View, command: Command, run: Run) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each name that stands in what an interpreter carries out."""
    for text in script_words.texts(view, command, run):
        spend(1 + len(text) // CHARS_A_MICROSECOND)
        for match in _PATH.finditer(text):
            yield match[0], ()
        for name in script_words.names(text):
            yield name, ()
    if command.argv[0].rpartition("/")[2] == "tar":
        for word in command.argv[1:]:
            yield from ((name, ()) for name in script_words.of_tar(word))


def _named(words: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each name that may be a program's, with the words that it would get."""
    name = words[0].rpartition("/")[2]
    for at, word in enumerate(words[1:], 1):
        spend(1 + len(word) // CHARS_A_MICROSECOND)
        if UNKNOWN in word or word == UNKNOWN_WORDS:
            continue
        custom = words[at - 1] in _BEFORE_NAMES or (words[at - 1] == "run" and name in _RUNNERS)
        if custom and word and "/" not in word and word[0] != "-":
            yield word, words[at + 1 :]
        if _OF_DATA.match(word):
            continue
        for match in _PATH.finditer(word):
            yield match[0], words[at + 1 :] if match[0] == word else ()


def _may_be_program(command: Command, path: str) -> bool:
    """Whether a place is worth a look; a library with its number (``libx.so.2``) is none."""
    path = posixpath.normpath(path)
    end = posixpath.splitext(re.sub(r"(?:\.\d{1,9}){1,9}$", "", posixpath.basename(path)))[1]
    return not (is_mounted(path, (*_NO_PROGRAMS, *command.mounts)) or _DATA.fullmatch(end))


def _is_program(view: View, path: str) -> bool:
    found = view.lookup(posixpath.normpath(path))
    return isinstance(found, Found) and found.node.kind is NodeKind.FILE and found.node.executable
