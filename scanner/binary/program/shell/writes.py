"""Which paths a program may change for what its script starts later, told by its words."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, unsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_INNER = 4
"""Programs that start each other in one command line (``find -exec``, ``xargs``)."""

MAX_PARTS = 4
"""Known parts of a path with unknown text between them that are matched; each costs one more loop over the path."""

LD_CACHE = "/etc/ld.so.cache"

_NOT_FILES = ("/dev", "/proc", "/sys")
"""What is written there changes no program."""


@dataclass(frozen=True, slots=True)
class Write:
    """A path that may be other than the image has it; ``UNKNOWN`` in it stands for any text.

    ``below`` tells that all that lies below it may be too. ``makes`` tells that what stands there stays as it is: only
    what was missing, or not executable, may have become a program. ``source`` is the path of the image at which stood
    what stands there now, where that is sure; ``moves`` where it was taken from there, ``links`` where a link leads to it, ``runs``
    where what stands there surely may be executed, ``stops`` where it surely may not. ``text`` is all that the file holds,
    ``folder`` tells of a directory, where that is sure; ``plain`` of a copy that has not the mode of what was copied.
    """

    path: str
    below: bool = False
    makes: bool = False
    source: str = ""
    runs: bool = False
    moves: bool = False
    stops: bool = False
    links: bool = False
    text: str | None = None
    folder: bool = False
    plain: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether it tells what stands at the path now."""
        return bool(self.source) or self.moves or self.text is not None or self.folder

    @property
    def unsure(self) -> Write:
        """The same change where nobody knows whether it is made."""
        return Write(self.path, self.below, self.makes, stops=self.stops)

    def changes(self, path: str) -> bool:
        """Whether a file that stands at a path may hold something else."""
        return not self.makes and (self._is(path) or (self.below and self._is_above(path)))

    def fills(self, path: str) -> bool:
        """Whether something may stand, or be executable, where it was not."""
        return self._is(path) or ((self.below or not self.makes) and self._is_above(path))

    def may_make(self, path: str) -> bool:
        """Whether a program may stand where none was; a directory of which not all is known is none."""
        is_folder = self.makes and not self.below and UNKNOWN in self.path
        return not is_folder and self.fills(path)

    def touches(self, path: str) -> bool:
        """Whether a test of a path may answer otherwise than the image does."""
        return self.fills(path) or self.path.startswith(f"{path.rstrip('/')}/") or self._is_wholly_unknown

    @property
    def _is_wholly_unknown(self) -> bool:
        return self.path.startswith(UNKNOWN)

    def _is(self, path: str) -> bool:
        return _pattern(self.path).fullmatch(path) is not None if UNKNOWN in self.path else path == self.path

    def _is_above(self, path: str) -> bool:
        if UNKNOWN not in self.path:
            return path.startswith(f"{self.path.rstrip('/')}/")
        return _pattern(f"{self.path}/{UNKNOWN}").fullmatch(path) is not None


@lru_cache(maxsize=256)
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(f"{UNKNOWN}+", path)
    if len(parts) > MAX_PARTS:
        parts = [parts[0], parts[-1]]  # fits more, never less
    return re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL)


def write(cwd: str, path: str, *, below: bool = False, makes: bool = False) -> Write | None:
    """The change of one path as it is written in a script; ``None`` where it is no file."""
    path = path.replace(UNKNOWN_WORDS, UNKNOWN)
    if not path.startswith(("/", UNKNOWN)):
        path = f"{cwd.replace(UNKNOWN_WORDS, UNKNOWN).rstrip('/')}/{path}"
    path = posixpath.normpath(path)
    path = "/" + path.lstrip("/") if path.startswith("/") else path
    if any(path == each or path.startswith(f"{each}/") for each in _NOT_FILES):
        return None
    return Write(path, below, makes)


def written_by(cwd: str, words: tuple[str, ...]) -> tuple[Write, ...]:
    """What a program may change, as far as its words tell; the rules are those of ``shell``'s caption."""
    return tuple(each for each in _of(words, cwd, MAX_INNER) if each is not None)


def _of(words: tuple[str, ...], cwd: str, inner: int) -> Iterable[Write | None]:
    name = words[0].rpartition("/")[2]
    while name in _HANDING_ON and len(words) > 2 and words[1][:1] != "-":  # noqa: PLR2004 - a user, a program
        words = words[2:]
        name = words[0].rpartition("/")[2]
    if name in READING or name in _STARTING:
        return ()
    if name in {"find", "xargs"}:
        return _by_others(name, words, cwd, inner)
    rule = _RULES.get(name)
    return rule(words, cwd) if rule is not None else _by_unlisted(words, cwd)


def _by_others(name: str, words: tuple[str, ...], cwd: str, inner: int) -> Iterable[Write | None]:
    """``find`` and ``xargs``: what they delete, and what the programs that they start change."""
    if inner <= 0:
        return (write(cwd, UNKNOWN, below=True),)
    if name == "xargs":
        at = next((n for n, word in enumerate(words) if n and word.rpartition("/")[2] in _KNOWN), None)
        return _of((*words[at:], UNKNOWN), cwd, inner - 1) if at is not None else _by_unlisted(words, cwd)
    starts = [word for word in words[1:] if word[:1] not in {"-", "(", "!", "\\"}][:1]
    found = f"{starts[0] if starts else '.'}/{UNKNOWN}"
    made: list[Write | None] = [write(cwd, found)] if "-delete" in words else []
    made += [write(cwd, words[at + 1]) for at, word in enumerate(words[:-1]) if word in _PRINTING]
    for called in executed_by_find(words):
        made += _of(tuple(each.replace("{}", found) for each in called), cwd, inner - 1)
    return made


_PRINTING = frozenset({"-fprint", "-fprint0", "-fprintf", "-fls"})
"""What ``find`` writes files by."""


def executed_by_find(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The commands in a command line of ``find``, each up to the first word that ends it."""
    at = 0
    while at < len(words):
        at += 1
        if words[at - 1] in {"-exec", "-execdir", "-ok", "-okdir"}:
            begin = at
            while at < len(words) and words[at] not in {";", "+"}:
                at += 1
            if at > begin:
                yield words[begin:at]


def _operands(words: tuple[str, ...]) -> list[str]:
    return [word for word in words[1:] if not word.startswith("-")]


def _flagged(words: tuple[str, ...], flags: tuple[str, ...]) -> list[str]:
    """The values of options: behind them, joined to a short one, which may stand behind others (``-fsSLo``), or behind ``=``."""
    found: list[str] = []
    for at, word in enumerate(words[1:], 1):
        for flag in flags:
            is_long = flag.startswith("--")
            cluster = _CLUSTER.match(word) if not is_long else None
            letters = cluster[0] if cluster is not None else ""
            if word == flag or (letters == word and word.endswith(flag[1:])):
                found += words[at + 1 : at + 2]
            if is_long and word.startswith(f"{flag}="):
                found.append(word.removeprefix(f"{flag}="))
            elif not is_long and flag[1:] in letters and word[-1:] != flag[1:]:
                found.append(word.partition(flag[1:])[2])
    return found


_CLUSTER = re.compile(r"-[a-zA-Z#]+", re.ASCII)
"""Options of one letter in one word, the last of which may have a value behind it."""


def _copies(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """``cp``, ``ln``, ``install``, ``rsync``: into the last operand, or below it under the names of the others."""
    if words[0].rpartition("/")[2] == "install" and any(
        re.fullmatch(r"-[a-ce-zA-Z]*d.*|--directory", word) for word in words
    ):
        return _makes(words, cwd)
    deep = any(re.fullmatch(r"-[b-qs-zA-QS-Z]*[rRa].*|--recursive|--archive", word) for word in words[1:])
    given = _flagged(words, ("-t", "--target-directory"))
    operands = _operands(words)
    targets = given or operands[-1:]
    sources = operands if given else operands[:-1]
    if deep or words[0].endswith("rsync"):
        return [write(cwd, target, below=True) for target in targets]
    links = words[0].rpartition("/")[2] == "ln"
    named = [posixpath.basename(source.rstrip("/")) for source in sources]
    into = [write(cwd, f"{target.rstrip('/')}/{name}", below=links) for target in targets for name in named]
    if given or any(target.endswith("/") for target in targets):
        return into
    if links and len(sources) <= 1:
        # a link of which not even the beginning is known is taken not to hide the program that is started later
        return [write(cwd, target, below=True, makes=target.startswith(UNKNOWN)) for target in targets]
    return [*(write(cwd, target) for target in targets), *into]


def _moves(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    operands = _operands(words)
    away = [write(cwd, source, below=True) for source in operands[:-1]]
    return [*away, *(each and Write(each.path, below=True) for each in _copies(words, cwd))]


def _removes(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """A path of which not even the beginning is known is taken not to be the program that is started later."""
    return [write(cwd, word, below=True) for word in _operands(words) if not word.startswith(UNKNOWN)]


def _makes(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    return [write(cwd, unsplit(word), makes=True) for word in _operands(words)]


def _chmods(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """A mode that gives the execute bit spoils no program; one that takes it away may."""
    plain = [word for word in words[1:] if not re.fullmatch(r"-[Rcfv]+|--[a-z].*", word)]
    mode, operands = plain[0] if plain else "", plain[1:]
    takes = bool(re.fullmatch(r"[0-7]{3,4}", mode)) and not int(mode, 8) & 0o111
    takes = (
        takes or bool(re.search(r"-[rwst]*[xX]", mode)) or bool(re.search(r"=(?![rwst]*[xX])", mode)) or UNKNOWN in mode
    )
    return [write(cwd, word, below=True, makes=not takes) for word in operands]


def _overwrites(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    return [write(cwd, word) for word in _operands(words)]


def _downloads(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """``curl`` prints unless it is told a name, or to take the server's; ``wget`` takes the server's unless it is told one."""
    is_wget = words[0].endswith("wget")
    paths = _flagged(words, ("-O", "--output-document") if is_wget else ("-o", "--output"))
    if not paths and (is_wget or any(re.match(r"-[a-zA-Z]*O|--remote-name", word) for word in words[1:])):
        ends = [posixpath.basename(word.partition("?")[0]) for word in _operands(words) if "/" in word]
        paths = ends or [UNKNOWN]
    paths += _flagged(words, ("-o", "-a") if is_wget else ("-D", "-c", "--dump-header", "--cookie-jar"))
    directories = _flagged(words, ("-P", "--directory-prefix", "--output-dir"))
    made = [write(cwd, path) for path in paths if path not in {"-", ""}]
    return [*made, *(write(cwd, directory, below=True) for directory in directories)]


def _unpacks(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    letters = next((word for word in words[1:] if not word.startswith("--")), "")
    if words[0].endswith("tar") and ("c" in letters or "t" in letters or {"--create", "--list"} & set(words)):
        dashed = (words[0], f"-{words[1].lstrip('-')}", *words[2:]) if letters == words[1] else words
        return [write(cwd, path) for path in _flagged(dashed, ("-f", "--file")) if path != "-"]
    flags = ("-C", "--directory") if words[0].endswith("tar") else ("-d",)
    paths = _flagged(words, flags)
    if words[0].endswith("tar"):
        joined = [at for at, word in enumerate(words[:-1]) if at and re.fullmatch(r"-?[a-zA-Z]+C", word)]
        paths += [words[at + 1] for at in joined]
    return [write(cwd, path, below=True) for path in paths or ["."]]


_WRITTEN_BY_SED = re.compile(r"(?<![a-zA-Z])[wW] +([^\n]+)")
_WRITTEN_BY_AWK = re.compile(r"[>|] *\"([^\"\n]+)\"")


def _scans(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """``awk``: what its text prints to, and the paths that it names."""
    named = [write(cwd, each[1]) for word in words[1:] for each in _WRITTEN_BY_AWK.finditer(word)]
    return [*named, *_by_unlisted(words, cwd)]


def _sorts(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """``sort``, ``uniq``: the file behind ``-o``, or that behind the one that is read."""
    if words[0].endswith("sort"):
        return [write(cwd, path) for path in _flagged(words, ("-o", "--output"))]
    return [write(cwd, word) for word in _operands(words)[1:]]


def _edits(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """``sed``: with ``-i`` its files; without it what its text names behind ``w``."""
    if not any(re.fullmatch(r"-[a-hj-zA-Z]*i.*|--in-place.*", word) for word in words[1:]):
        return [write(cwd, each[1]) for word in words[1:] for each in _WRITTEN_BY_SED.finditer(word)]
    scripted = any(word in {"-e", "-f", "--expression"} or word.startswith(("-e", "--expression=")) for word in words)
    return [write(cwd, word) for word in _operands(words)[0 if scripted else 1 :]]


def _dumps(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    return [write(cwd, word.removeprefix("of=")) for word in words[1:] if word.startswith("of=")]


def _inflates(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """``gzip`` and its like: the file of the name without its last suffix, or with one more."""
    stems = [write(cwd, posixpath.splitext(word)[0]) for word in _operands(words)]
    return [*stems, *(write(cwd, f"{word}.{UNKNOWN}") for word in _operands(words))]


def _covers(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """``mount``: the last operand; what only tells how mounts spread covers nothing."""
    if any(word.startswith("--make-") for word in words):
        return ()
    return [write(cwd, word, below=True) for word in _operands(words)[-1:]]


_PATHS = re.compile(r"(?:\.{0,2}/)[\w.@%+/-]*")


def _caches(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """The loader's cache, by which it finds libraries."""
    del words
    return (write(cwd, LD_CACHE),)


def _by_unlisted(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """A program of which nobody knows what it does: the paths in its words, with all that lies below them."""
    named: list[str] = []
    for word in words[1:]:
        known = word.replace(UNKNOWN_WORDS, " ").replace(UNKNOWN, " ")
        named += [known] if known == word and not word.startswith("-") and word else []
        named += _PATHS.findall(known)
    made = (write(cwd, path, below=True) for path in dict.fromkeys(named))
    return [each for each in made if each is not None and each.path != "/"]


def _interprets(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """A shell reads its script, and may change what the script is told."""
    script = next((at for at, word in enumerate(words) if at and word[:1] not in {"-", "+"}), None)
    reads_text = any(re.fullmatch(r"-[abd-z]*c[a-z]*", word) for word in words[1:script])
    if script is None or reads_text:
        return _by_unlisted(words, cwd)
    return _by_unlisted((words[0], *words[script + 1 :]), cwd)


def _accounts(words: tuple[str, ...], cwd: str) -> Iterable[Write | None]:
    """The lists of users and groups."""
    del words
    return (write(cwd, "/etc/passwd"), write(cwd, "/etc/group"))


_RULES: dict[str, Callable[[tuple[str, ...], str], Iterable[Write | None]]] = {
    **dict.fromkeys(("cp", "ln", "install", "rsync"), _copies),
    "mv": _moves,
    **dict.fromkeys(("rm", "rmdir", "unlink"), _removes),
    **dict.fromkeys(("mkdir", "touch", "mkfifo", "mknod", "mktemp"), _makes),
    "chmod": _chmods,
    **dict.fromkeys(("tee", "truncate", "sponge"), _overwrites),
    **dict.fromkeys(("curl", "wget"), _downloads),
    **dict.fromkeys(("tar", "unzip"), _unpacks),
    **dict.fromkeys(("gunzip", "gzip", "xz", "unxz", "bunzip2", "zstd", "unzstd"), _inflates),
    "sed": _edits,
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _scans),
    **dict.fromkeys(("sort", "uniq"), _sorts),
    "dd": _dumps,
    **dict.fromkeys(("mount", "umount"), _covers),
    "ldconfig": _caches,
    **dict.fromkeys(("sh", "ash", "dash", "bash"), _interprets),
    **dict.fromkeys(("addgroup", "adduser", "groupadd", "groupmod", "useradd", "usermod"), _accounts),
}

READING = frozenset({
    "addr2line", "arch", "base64", "basename", "cat", "chattr", "chgrp", "chown", "cksum", "clear",
    "cmp", "column", "comm", "cut", "date", "df", "diff", "dig", "dirname", "du", "egrep", "envsubst", "expr", "fgrep", "file",
    "fold", "free", "getconf", "getent", "getfacl", "getopt", "grep", "head", "hexdump", "host",
    "hostname", "id", "ip", "join", "jq", "locale", "logger", "ls", "lsof", "md5sum", "mountpoint", "nc", "netstat",
    "nl", "nproc", "nslookup", "numfmt", "od", "paste", "pgrep", "pidof", "ping", "pkill", "printenv", "ps", "pwgen", "readlink",
    "realpath", "rev", "seq", "setcap", "setfacl", "sha1sum", "sha256sum", "sha512sum", "sleep", "ss", "stat", "stty", "sync",
    "sysctl", "tac", "tail", "tput", "tr", "tty", "uname", "update-ca-certificates", "uptime", "wc",
    "which", "who", "whoami", "yes", "zcat",
})  # fmt: skip
"""Programs that change no file that they are given, but for its owner or its attributes."""

_STARTING = frozenset({"runsvdir", "runsv", "s6-svscan", "s6-supervise", "run-parts"})
"""Programs that start what they are given, and change none of it: supervisors keep what they know in directories beside."""

_HANDING_ON = frozenset({"gosu", "su-exec"})
"""Launchers that take one word for themselves, the user: the program behind it is started, not changed."""

_KNOWN = frozenset(_RULES) | READING | {"find", "xargs"}
