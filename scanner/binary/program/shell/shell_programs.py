"""Well-known programs that a script calls: what they print, write, prepare for what it starts."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell import (
    filters,
    finding,
    lookups,
    machines,
    option_words,
    redirect_files,
    searching,
    temporary,
    text_tools,
)
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import AtRunTimeError, is_known
from scanner.binary.program.shell.writes import executed_by_find
from scanner.formats.shell import arithmetic
from scanner.formats.shell.syntax import Arithmetic, ArithmeticPart, Assignment, For, Parameter, Simple

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State

PREPARING = frozenset({
    "adduser", "addgroup", "awk", "base64", "basename", "cat", "chgrp", "chmod", "chown", "cmp", "cp", "crudini", "curl",
    "cut", "date", "dd", "df", "diff", "dirname", "du", "egrep", "envsubst", "expr", "fgrep", "file", "find", "free",
    "gawk", "getent", "getconf", "grep", "groupadd", "groupmod", "gunzip", "gzip", "head", "hostname", "iconv", "id", "install",
    "ip", "jq", "ldconfig", "ln", "locale", "ls", "mawk", "md5sum", "mkdir", "mkfifo", "mknod", "mktemp", "mount", "mv", "nc",
    "netstat", "nproc", "openssl", "pgrep", "pidof", "ping", "pkill", "ps", "pwgen", "readlink", "realpath", "rm", "rmdir", "rsync",
    "sed", "seq", "setcap", "sha256sum", "shuf", "sleep", "sort", "split", "ss", "stat", "stty", "sync", "sysctl", "tac", "tail", "tar", "tee",
    "touch", "tr", "truncate", "tty", "uname", "uniq", "unlink", "unzip", "update-ca-certificates", "uptime", "useradd", "usermod",
    "wc", "wget", "which", "who", "whoami", "xargs", "xxd", "xz", "yes", "yq", "zcat", "addr2line", "arch", "getopt", "hexdump", "od", "rev",
    "sponge", "cksum", "sha1sum", "sha512sum", "fallocate", "chattr", "getfacl", "setfacl", "logger", "mountpoint", "umount", "numfmt", "paste",
    "printenv", "comm", "join", "fold", "nl", "column", "tput", "clear", "lsof", "nslookup", "dig", "host", "gpg", "apt-key",
})  # fmt: skip
"""Programs that return and make ready; a script's work is the program that is none of these."""

COPYING = frozenset({"cat", "envsubst"})
"""Programs that print what they read, ``envsubst`` where no variable stands in it."""

_ASSIGNING = frozenset(
    {"export", "readonly", "local", "declare", "typeset", "read", "unset", "getopts", "let", "printf"}
)
_MOVING = frozenset({"shift", "set"})
_LOADING = frozenset({"eval", ".", "source"})
_NAME = re.compile(r"([A-Za-z_]\w*)(?:\+?=.*)?", re.ASCII | re.DOTALL)


PASSWD = "/etc/passwd"  # noqa: S105 - a path


def name_of(words: tuple[str, ...]) -> str:
    """A program's name without its directory."""
    return words[0].rpartition("/")[2]


def is_well_known(words: tuple[str, ...]) -> bool:
    """Whether a program's name alone tells what it does, or what it answers."""
    return name_of(words) in PREPARING or name_of(words) in {"apk", "dpkg"}


def prepares(words: tuple[str, ...]) -> bool:
    """Whether a program only makes ready; what it starts for others has to do so too."""
    name = name_of(words)
    if name == "find" and (started := list(executed_by_find(words))):
        return all(name_of(called) in PREPARING - {"find", "xargs"} for called in started)
    return name in PREPARING or words == ("env",)


# ---------------------------------------------------------------- what is printed


def known_program(files: Files, state: State, words: tuple[str, ...]) -> tuple[int | None, str | None]:
    """Status and output of a program that answers by what is known; ``None`` for the output of any other."""
    name = name_of(words)
    if words[0] not in {name, f"/bin/{name}", f"/usr/bin/{name}"}:
        return None, None
    if name in _NAMING_USERS:
        unknown = any(_is_no_account(files, state, each) for each in _accounts_in(name, words))
        return (1, "") if unknown else _found(files, state, name, words)
    if is_known(state.input) and name in COPYING | filters.NAMES and (found := _filtered(state, name, words)):
        return found
    if state.is_read and len(words) > 1 and (found := _of_file(files, state, words)):
        return found
    return _answered(files, state, name, words)


def _found(files: Files, state: State, name: str, words: tuple[str, ...]) -> tuple[int | None, str | None]:
    """What ``find`` prints where somebody reads it."""
    lines = finding.printed(files, state, words) if name == "find" and state.is_read else None
    return (None, None) if lines is None else (0, lines)


def _of_file(files: Files, state: State, words: tuple[str, ...]) -> tuple[int, str] | None:
    """What a program prints of the one file of the image that it is given."""
    name, path = name_of(words), words[-1]
    is_cat = name == "cat" and len(words) == 2  # noqa: PLR2004 - a file
    if not all(map(is_known, words)) or not (is_cat or (name in filters.OF_FILES and "/" in path)):
        return None
    text = searching.image_text(files, state, path)
    if text is None or not text.isascii() or "\0" in text:
        return None
    return (0, text) if is_cat else filters.answer(name, words[1:-1], text)


def _filtered(state: State, name: str, words: tuple[str, ...]) -> tuple[int, str] | None:
    """What a program makes of what it is given to read, where that is known."""
    text = state.input or ""
    if name in filters.NAMES:
        return filters.answer(name, words[1:], text)
    if name == "envsubst" and (filled := _substituted(state, words[1:], text)) is not None:
        return 0, filled
    return (0, text) if len(words) == 1 and (name == "cat" or "$" not in text) else None


def _computed(state: State, name: str, words: tuple[str, ...]) -> tuple[int, str] | None:
    """What a program prints that reads no file."""
    if not all(map(is_known, words)):
        return None
    if name == "getopt" and "POSIXLY_CORRECT" in state.exported:
        return None
    if name in {"expr", "getopt"}:
        return text_tools.expr(words[1:]) if name == "expr" else option_words.getopt(words[1:])
    if name != "printenv" or len(words) != 2 or not state.env_known:  # noqa: PLR2004 - a name
        return None
    value = state.value(words[1]) if words[1] in state.exported else None
    return (1, "") if value is None else (0, f"{value}\n")


_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", re.ASCII)


def _substituted(state: State, words: tuple[str, ...], text: str) -> str | None:
    """``envsubst``: a text with what is exported in the place of all variables, or of those that a word names."""
    if len(words) > 1 or not state.env_known:
        return None
    names = {found[1] or found[2] for found in _VARIABLE.finditer(words[0])} if words else None

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return (
            found[0]
            if names is not None and name not in names
            else (state.value(name) if name in state.exported else "") or ""
        )

    made = _VARIABLE.sub(value, text)
    return made if is_known(made) else None


def _answered(files: Files, state: State, name: str, words: tuple[str, ...]) -> tuple[int | None, str | None]:
    operands = tuple(word for word in words[1:] if not word.startswith("-"))
    options = tuple(word for word in words[1:] if word.startswith("-"))
    if name in {"dirname", "basename"} and operands and not options:
        return 0, _path_part(name, operands) + "\n"
    if name == "id" and options in {("-u",), ("-g",), ("-un",), ("-nu",), ("-u", "-n")} and not operands:
        return 0, _identity(files, state, options) + "\n"
    if name == "whoami" and len(words) == 1:
        return 0, _identity(files, state, ("-un",)) + "\n"
    if name in searching.PROGRAMS:
        return searching.answer(files, state, words), None
    if (machine := machines.answer(name, words[1:], state.architecture)) is not None:
        return 0, f"{machine}\n"
    if (computed := _computed(state, name, words)) is not None:
        return computed
    if name == "mktemp" and (path := temporary.name(files, state, words)):
        return (0 if is_known(path) else None), f"{path}\n"
    if name == "ls" and operands and set(options) <= {"-1", "-d"} and (named := _named_files(files, state, operands)):
        return 0, named
    if name == "ls" and len(operands) <= 1 and set(options) <= {"-A", "-1"}:
        return _listed(files, state, operands[0] if operands else ".", hidden="-A" in options)
    return _looked_up(files, state, name, operands, options)


def _looked_up(
    files: Files, state: State, name: str, operands: tuple[str, ...], options: tuple[str, ...]
) -> tuple[int | None, str | None]:
    """What a program says of where a name or a path leads, or whom a name stands for."""
    if name == "id" and options in {("-u",), ("-g",)} and len(operands) == 1:
        return _numbered(files, state, options[0], operands[0])
    if name == "which" and len(operands) == 1 and not options and is_known(operands[0]):
        found = lookups.located(files, state, operands[0])
        return (None, UNKNOWN) if found is None else (0, f"{found}\n") if found else (1, "")
    if name in {"readlink", "realpath"} and len(operands) == 1 and _resolves(name, options):
        return 0, _resolved(files, state, operands[0]) + "\n"
    return None, None


_NAMING_USERS = frozenset({"find", "install", "chown"})


def _accounts_in(name: str, words: tuple[str, ...]) -> list[str]:
    """The users that a program which prepares looks up before it does anything, as they are written."""
    if name == "find":
        return [word for before, word in pairwise(words) if before in {"-user", "!-user"}]
    if name == "install":
        return [*_behind(words, "-o"), *_behind(words, "--owner")]
    if name != "chown" or any(word.startswith("--reference") for word in words):
        return []
    return [word.partition(":")[0] for word in words[1:] if not word.startswith("-")][:1]


def _behind(words: tuple[str, ...], option: str) -> list[str]:
    joined = [word.removeprefix(f"{option}=") for word in words if word.startswith(f"{option}=")]
    return [*(word for before, word in pairwise(words) if before == option), *joined]


def _is_no_account(files: Files, state: State, name: str) -> bool:
    """Whether a name is surely none of the image's users, numbers left out; owners may have a group behind a dot."""
    if not name or not is_known(name) or name.isdigit() or state.touched(PASSWD) or state.touched("/etc"):
        return False
    if state.has_started or files.stands(PASSWD).kind not in {PathKind.FILE, PathKind.MISSING}:
        return False
    return not {name, name.partition(".")[0]} & {entry[0] for entry in _entries(files)}


def _entries(files: Files) -> list[list[str]]:
    if files.stands(PASSWD).kind is not PathKind.FILE:
        return []
    text = (files.text(PASSWD) or b"").decode("utf-8", "replace")
    return [line.split(":") for line in text.splitlines()]


def _named_files(files: Files, state: State, paths: tuple[str, ...]) -> str:
    """What ``ls`` prints of files that it is given by name, several only in plain order; empty where that is not sure."""
    if not all(redirect_files.stands_as(files, state, path, PathKind.FILE) for path in paths):
        return ""
    is_plain = len(paths) == 1 or finding.is_plainly_ordered(list(paths))
    return "".join(f"{path}\n" for path in sorted(paths)) if is_plain else ""


def _listed(files: Files, state: State, path: str, *, hidden: bool) -> tuple[int | None, str | None]:
    """What ``ls`` prints of a directory of the image that nothing has touched."""
    if not is_known(path) or not is_known(state.cwd):
        return None, None
    at = state.absolute(path)
    kind = files.stands(at).kind
    if state.has_started or state.touched(at) or kind not in {PathKind.DIRECTORY, PathKind.MISSING}:
        return None, None
    names = files.names(at)
    if names is None:
        return None, None
    shown = [name for name in names if hidden or not name.startswith(".")]
    return (0 if kind is PathKind.DIRECTORY else 2), "".join(f"{name}\n" for name in shown)


def _resolves(name: str, options: tuple[str, ...]) -> bool:
    return options in {("-f",), ("-e",), ("-m",)} or (name == "realpath" and not options)


def _path_part(name: str, operands: tuple[str, ...]) -> str:
    path = operands[0]
    if UNKNOWN in path:
        return UNKNOWN
    if not path.strip("/"):
        return "/" if path else ("." if name == "dirname" else "")
    head, _, tail = path.rstrip("/").rpartition("/")
    if name == "dirname":
        return head.rstrip("/") or ("/" if path.startswith("/") else ".")
    suffix = operands[1] if len(operands) > 1 else ""
    return tail.removesuffix(suffix) if suffix and tail != suffix else tail


def _identity(files: Files, state: State, options: tuple[str, ...]) -> str:
    """What ``id`` says of the image's user."""
    if state.user is None:
        return UNKNOWN
    user, _, group = state.user.partition(":")
    user = user or "0"
    by_name = "n" in "".join(options)
    number = "0" if user == "root" else user
    entry = _entry(files, user)
    if options == ("-g",):
        return group if group.isdigit() else ("0" if number == "0" and not group else UNKNOWN)
    if by_name:
        return "root" if number == "0" else (entry[0] if entry else UNKNOWN)
    return number if number.isdigit() else (entry[2] if entry else UNKNOWN)


def _numbered(files: Files, state: State, option: str, name: str) -> tuple[int | None, str | None]:
    """What ``id -u NAME`` says of an account of the image, which nothing on the way may have made."""
    if _is_no_account(files, state, name):
        return 1, ""
    is_sure = is_known(name) and state.is_sure_of_files and not (state.touched(PASSWD) or state.touched("/etc"))
    entry = next((each for each in _entries(files) if each[0] == name), None) if is_sure else None
    number = (entry or [])[2:4][option == "-g" :][:1]
    return (0, f"{number[0]}\n") if number and number[0].isdecimal() else (None, None)


def _entry(files: Files, user: str) -> list[str] | None:
    """A user's line of /etc/passwd, by name or number."""
    return next((parts for parts in _entries(files) if len(parts) > 3 and user in {parts[0], parts[2]}), None)  # noqa: PLR2004 - name, password, uid, gid


def _resolved(files: Files, state: State, path: str) -> str:
    if not is_known(path):
        return UNKNOWN
    standing = files.stands(state.absolute(path))
    return standing.path if standing.kind in {PathKind.FILE, PathKind.DIRECTORY} else UNKNOWN


# ---------------------------------------------------------------- what loops forget


def forgotten(state: State, *bodies: Any, is_wary: bool = True) -> State:
    """The state behind a loop that may have run any number of times: what it changes is not known.

    ``is_wary`` gives up at what may change anything.
    """
    todo: list[Any] = list(bodies)
    called: set[str] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo.extend(node)
            continue
        if not is_dataclass(node):
            continue
        if isinstance(node, Simple) and node.words and node.words[0].literal not in _ASSIGNING - {"read"}:
            todo.extend(each.value for each in node.assignments)
            node = replace(node, assignments=())
        if is_wary or not (isinstance(node, Simple) and node.words and node.words[0].literal in _LOADING):
            state = _changed_by(state, node)
        if isinstance(node, Simple) and node.words:
            name = node.words[0].literal
            if name is not None and name in state.functions and name not in called:
                called.add(name)
                todo.append(state.functions[name])
        todo.extend(getattr(node, each.name) for each in fields(node))
    return state


def _changed_by(state: State, node: Any) -> State:
    match node:
        case Assignment() if node.elements is not None or node.subscript is not None:
            return replace(state, arrays={**state.arrays, node.name: (UNKNOWN_WORDS,)})
        case Assignment():
            return state.assigned(node.name, UNKNOWN)
        case For():
            return state.assigned(node.name, UNKNOWN)
        case Arithmetic() | ArithmeticPart() if arithmetic.assigns(node.text):
            for name in re.findall(r"[A-Za-z_]\w*", node.text):
                state = state.assigned(name, UNKNOWN)
            return state
        case Parameter() if node.operator in {"=", ":="} and node.name.isidentifier():
            return state.assigned(node.name, UNKNOWN)
        case Simple() if node.words:
            return _changed_by_command(state, node)
    return state


def _changed_by_command(state: State, node: Simple) -> State:
    name = node.words[0].literal
    if name in _MOVING and len(node.words) > (name == "set"):
        flags = node.words[1].literal if len(node.words) > 1 else None
        if name == "shift" or flags is None or flags == "--" or not flags.startswith(("-", "+")):
            return replace(state, positional=(UNKNOWN_WORDS,))
        return state
    if name in {"cd", "pushd", "popd"}:
        return replace(state, cwd=UNKNOWN)
    if name == "read":
        state = state.drained()
    if name in _LOADING or name is None:
        if name is not None:
            raise AtRunTimeError(f"line {node.line}: {name} in a loop of which nobody knows how often it runs")
        return state
    return _assigned_by(state, node) if name in _ASSIGNING else state


def _assigned_by(state: State, node: Simple) -> State:
    """The state behind a command whose words name variables."""
    for word in node.words[1:]:
        matched = _NAME.match(word.literal or _head(word))
        if matched is None and word.literal is None:
            state = replace(state, env_known=False)
        if matched:
            state = state.assigned(matched[1], UNKNOWN)
    return state


def _head(word: Any) -> str:
    first = word.parts[0] if word.parts else None
    return getattr(first, "text", "") or "-"
