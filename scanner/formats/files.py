"""Files read within bounds: regular ones only, never more than was asked for, never while they change."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.formats import secret_files

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SECRET_BYTES = 64 << 10
"""A token has some hundred bytes, a key some thousand; whatever is longer is no secret of ours."""

WRITABLE_BY_ALL = stat.S_IWOTH
"""What no configuration may be: whoever has an account could change what we do."""

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
"""What public keys may not be."""

OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""What a private key, its passphrase or any other secret may not be, unless ``secret_files`` knows who keeps it."""

PIECE_BYTES = 1 << 20
"""One read: a limit of 64 MiB is no reason to ask for as much memory at once."""

EMPTY = "is empty"
"""What is wrong with a secret's file that holds none."""

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class FileError(ValueError):
    """A file that is not read: ``path``, ``problem`` in words, ``line`` (0 where none), whether it is ``missing``."""

    def __init__(self, path: Path | str, problem: str, line: int = 0, *, missing: bool = False) -> None:
        self.path = str(path)
        self.problem = problem
        self.line = line
        self.missing = missing
        super().__init__(f"{self.path}:{line}: {problem}" if line else f"{self.path}: {problem}")


def read_bytes(
    path: Path, limit: int, *, forbidden: int = 0, own_links_only: bool = False, follow: bool = True
) -> bytes:
    """The content of a regular file; never waits for the writer of a pipe.

    Args:
        path: links are followed, unless ``follow`` is false.
        limit: the longest content in bytes; one more is an error.
        forbidden: permission bits that the file must not have; ``OPEN_TO_OTHERS`` is the whole rule for secrets.
        own_links_only: whether a link at the path itself must be root's, ours, or of whom the file belongs to.
        follow: whether the path itself may be a symbolic link.

    Raises:
        FileError: it is missing, no regular file, too long, too open, behind a foreign link, or changed meanwhile.
    """
    with _opened(path, 0 if follow else os.O_NOFOLLOW) as descriptor:
        before = os.fstat(descriptor)
        _refuse_mode(path, descriptor, before.st_mode, forbidden)
        if own_links_only:
            _refuse_foreign_link(path, before.st_uid)
        content = _taken(descriptor, limit + 1)
        after = os.fstat(descriptor)
    if len(content) > limit:
        raise FileError(path, f"is longer than {limit} bytes")
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(content) != after.st_size:
        raise FileError(path, "changed while it was read")
    return content


def read_text(path: Path, limit: int, *, forbidden: int = 0, own_links_only: bool = False) -> str:
    """The text of a regular file, as ``read_bytes`` reads it.

    Raises:
        FileError: as there, or it is not UTF-8.
    """
    return decode(read_bytes(path, limit, forbidden=forbidden, own_links_only=own_links_only), path, limit)


def read_secret(path: Path, limit: int = MAX_SECRET_BYTES) -> str:
    """The secret in a file: its text without the line's end, which is the editor's, not the secret's.

    Raises:
        FileError: as ``read_text``, or it is empty, or others may read it (``secret_files``).
    """
    secret = read_text(path, limit, forbidden=OPEN_TO_OTHERS).removesuffix("\n").removesuffix("\r")
    if not secret.strip():
        raise FileError(path, EMPTY)
    return secret


def is_folder(path: Path) -> bool:
    """Whether a folder is there; one that cannot be looked at, or whose name no file can have, is none."""
    return os.path.isdir(path)  # noqa: PTH112 -- Path's own raises what whoever reads it is told anyway


def is_file(path: Path) -> bool:
    """Whether a regular file is there, as ``is_folder`` looks."""
    return os.path.isfile(path)  # noqa: PTH113 -- the same


def is_there(path: Path) -> bool:
    """Whether anything is there, as ``is_folder`` looks."""
    return os.path.exists(path)  # noqa: PTH110 -- the same


def real(path: Path) -> Path:
    """Where links lead to; a circle of links leads to one of them, a link that we may not follow to itself."""
    try:
        return Path(os.path.realpath(path))  # Path's own raises a RuntimeError for a circle
    except (OSError, ValueError):
        return path.absolute()


def is_below(path: Path, folder: Path) -> bool:
    """Whether links from ``path`` surely lead into ``folder``, which has none itself."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(folder)
    except (OSError, ValueError):
        return False


def refuse_exposed(path: Path) -> None:
    """Refuse a secret's file that a library reads for us, by the rule for those that we read.

    Raises:
        FileError: it is missing, or others may read it.
    """
    with _opened(path) as descriptor:
        _refuse_mode(path, descriptor, 0, OPEN_TO_OTHERS)


def is_veiled(path: Path) -> bool:
    """Whether a path is a link to a file that not everybody on this machine may read.

    Whoever makes root read such a link must not be told what stands there.
    """
    try:
        if not stat.S_ISLNK(os.lstat(path).st_mode):
            return False
        real = os.path.realpath(path)
        if not os.stat(real).st_mode & stat.S_IROTH:  # noqa: PTH116 -- text
            return True
        while real != (real := os.path.dirname(real)):  # noqa: PTH120 -- text
            if not os.stat(real).st_mode & stat.S_IXOTH:  # noqa: PTH116 -- text
                return True
    except OSError:
        return True
    return False


def first_bytes(path: Path, count: int) -> bytes:
    """How a regular file begins: at most ``count`` bytes; never waits for the writer of a pipe.

    Raises:
        FileError: it cannot be opened, or is no regular file.
    """
    with _opened(path) as descriptor:
        return _taken(descriptor, count)


def decode(content: bytes, name: Path | str, limit: int) -> str:
    """Bounded bytes as text; a byte order mark is no part of it.

    Raises:
        FileError: longer than ``limit`` bytes, or not UTF-8.
    """
    if len(content) > limit:
        raise FileError(name, f"is longer than {limit} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(name, "is not UTF-8", content.count(b"\n", 0, error.start) + 1) from None


@contextmanager
def _opened(path: Path, more_flags: int = 0) -> Iterator[int]:
    """The descriptor of a regular file; what the system refuses, then or later, is a ``FileError``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | more_flags)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise FileError(path, f"cannot be read: {_why(error)}", missing=missing) from None
    try:
        _refuse_kind(path, os.fstat(descriptor).st_mode)
        yield descriptor
    except OSError as error:
        raise FileError(path, f"cannot be read: {_why(error)}") from None
    finally:
        os.close(descriptor)


def _taken(descriptor: int, count: int) -> bytes:
    """So many bytes, or all that there are."""
    pieces: list[bytes] = []
    while count and (piece := os.read(descriptor, min(count, PIECE_BYTES))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _refuse_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise FileError(path, f"is not a regular file but {_KINDS.get(stat.S_IFMT(mode), 'something else')}")


def _refuse_mode(path: Path, descriptor: int, mode: int, forbidden: int) -> None:
    if forbidden == OPEN_TO_OTHERS:
        if problem := secret_files.exposed(path, descriptor):
            raise FileError(path, problem)
    elif mode & forbidden and forbidden == WRITABLE_BY_ALL:
        raise FileError(path, "everybody may write to it: chmod o-w")
    elif mode & forbidden:
        raise FileError(path, f"others may write to it (mode {stat.S_IMODE(mode):04o}): chmod go-rwx")


def _refuse_foreign_link(path: Path, target_owner: int) -> None:
    """A link into the configuration may belong to root, to us, or to whom the file belongs (Kubernetes mounts links)."""
    link = os.lstat(path)
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (0, os.geteuid(), target_owner):
        raise FileError(path, f"is a symbolic link of user {link.st_uid}")


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
