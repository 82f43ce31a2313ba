"""The entries of a tar archive, read as its bytes arrive.

Every length is checked before anything is kept, and nothing is sought or written: what Python's tarfile would trust
(sizes, name lengths, nesting of extension headers) is hostile here. Formats: V7, ustar, GNU and PAX.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from scanner.binary.layers.file_capabilities import ATTRIBUTE
from scanner.binary.layers.limits import LayerError, limit_reached, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512

MAX_EXTENSION_BYTES = 1024 * 1024
"""Of one PAX header or GNU long name: Go's archive/tar refuses more, so no engine could unpack it."""

MAX_EXTENSIONS_IN_A_ROW = 16
"""Extension headers before one entry; writers make at most three."""

MAX_PATH_BYTES = 4096
"""PATH_MAX: no file system that an image is unpacked to takes a longer name."""

MAX_SPARSE_BLOCKS = 4096
"""Continuation blocks of an old GNU sparse header: 86,000 pieces of one file."""

MAX_ENTRY_BYTES = 1 << 50
"""A petabyte: a larger number is a lie, whatever follows."""

_GLOBAL_KEYS = ("path", "linkpath", "size")
_CAPABILITY = f"SCHILY.xattr.{ATTRIBUTE}"
_KEYS = frozenset({*(key.encode() for key in (*_GLOBAL_KEYS, "uid", "gid", _CAPABILITY))})
_ZEROS = bytes(BLOCK)
_REGULAR = b"0\0"
_WITHOUT_CONTENT = b"123456"


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One entry: its raw name, what it is (the tar type flag as a character), its link target, whose it is.

    ``uid`` and ``gid`` are ``None`` where the archive does not tell them in a form that can be read. ``capability`` is
    its security.capability as written, empty for none.
    """

    name: str
    flag: str
    mode: int
    size: int
    target: str = ""
    sparse: bool = False
    uid: int | None = 0
    gid: int | None = 0
    capability: bytes = b""

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with content."""
        return self.flag == "0"


class EntryContent(Protocol):
    """Takes the bytes of one entry."""

    def feed(self, piece: memoryview, /) -> None:
        """Take the next bytes."""


class Sink(Protocol):
    """Takes entries as they are read."""

    def begin(self, entry: TarEntry, /) -> EntryContent | None:
        """An entry starts; answer who takes its bytes, or ``None`` to skip them."""

    def end(self, entry: TarEntry, content: EntryContent | None, /) -> None:
        """The entry and all its bytes have been read."""


class _State(Enum):
    HEADER = auto()
    EXTENSION = auto()
    SPARSE_MAP = auto()
    CONTENT = auto()
    SKIP = auto()
    LAST_BLOCK = auto()
    ENDED = auto()


_BETWEEN_ENTRIES = frozenset({_State.HEADER, _State.LAST_BLOCK, _State.SKIP})


@dataclass(slots=True)
class _Pending:
    """What extension headers said about the entry that follows them."""

    pax: dict[str, bytes] = field(default_factory=dict)
    long_name: bytes | None = None
    long_target: bytes | None = None
    count: int = 0


class TarReader:
    """Feeds a ``Sink`` from pieces of any size; raises ``LayerError`` for what is no tar archive."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._state = _State.HEADER
        self._block = bytearray()
        self._left = 0
        self._padding = 0
        self._extension = ""
        self._collected = bytearray()
        self._pending = _Pending()
        self._global: dict[str, bytes] = {}
        self._entry: TarEntry | None = None
        self._content: EntryContent | None = None
        self._sparse_blocks = 0

    @property
    def ended(self) -> bool:
        """Whether the archive's end mark was read; whatever follows is no part of it."""
        return self._state is _State.ENDED

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the archive."""
        view = memoryview(piece)
        while view and self._state is not _State.ENDED:
            view = self._step(view)

    def pass_over(self) -> int:
        """How many of the next bytes nobody takes, so that whoever can seek need not feed them; they count as fed."""
        if self._state is _State.CONTENT and self._content is None and self._entry is not None:
            passed, self._left = self._left, 0
            self._end_content(self._entry)
            return passed + self.pass_over()
        if self._state is _State.SKIP:
            passed = self._left
            self._start_skipping(0)
            return passed
        return 0

    def close(self) -> None:
        """The stream is over; an archive may lack its end mark, or what fills an entry's last block up, but no more."""
        between = self._state in _BETWEEN_ENTRIES and not self._block and not self._pending.count
        if not between and self._state is not _State.ENDED:
            raise unreadable("the tar archive ends inside an entry")

    def _step(self, view: memoryview) -> memoryview:
        match self._state:
            case _State.CONTENT:
                return self._take_content(view)
            case _State.SKIP:
                return self._skip(view)
            case _State.EXTENSION:
                return self._take_extension(view)
            case _:
                return self._take_block(view)

    def _take_block(self, view: memoryview) -> memoryview:
        missing = BLOCK - len(self._block)
        self._block += view[:missing]
        if len(self._block) == BLOCK:
            block = bytes(self._block)
            self._block.clear()
            self._on_block(block)
        return view[missing:]

    def _on_block(self, block: bytes) -> None:
        if self._state is _State.SPARSE_MAP:
            self._on_sparse_block(block)
        elif block == _ZEROS:
            self._state = _State.ENDED if self._state is _State.LAST_BLOCK else _State.LAST_BLOCK
        elif self._state is _State.LAST_BLOCK:
            raise unreadable("a zero block stands inside the tar archive")
        else:
            self._on_header(block)

    def _on_header(self, block: bytes) -> None:
        _check_sum(block)
        flag = block[156:157]
        size = _number(block[124:136], "size")
        if flag in (b"x", b"g", b"L", b"K"):
            self._begin_extension(flag, size)
            return
        entry = self._entry_of(block, flag, size)
        if self._pending.count or self._pending.pax:
            self._pending = _Pending()
        self._entry = entry
        if flag == b"S" and block[482]:
            self._sparse_blocks = 0
            self._state = _State.SPARSE_MAP
        else:
            self._begin_content()

    def _on_sparse_block(self, block: bytes) -> None:
        self._sparse_blocks += 1
        if self._sparse_blocks > MAX_SPARSE_BLOCKS:
            raise limit_reached(f"a sparse file has more than {MAX_SPARSE_BLOCKS} map blocks")
        if not block[504]:
            self._begin_content()

    def _begin_extension(self, flag: bytes, size: int) -> None:
        self._pending.count += 1
        if size > MAX_EXTENSION_BYTES or self._pending.count > MAX_EXTENSIONS_IN_A_ROW:
            raise limit_reached(f"a tar extension header of {size} bytes, number {self._pending.count} in a row")
        self._extension = flag.decode()
        self._collected.clear()
        self._left = size
        self._padding = -size % BLOCK
        self._state = _State.EXTENSION
        if not size:
            self._end_extension()

    def _take_extension(self, view: memoryview) -> memoryview:
        taken = view[: self._left]
        self._collected += taken
        self._left -= len(taken)
        if not self._left:
            self._end_extension()
        return view[len(taken) :]

    def _end_extension(self) -> None:
        collected = bytes(self._collected)
        match self._extension:
            case "x":
                self._pending.pax.update(_pax_records(collected))
            case "g":
                records = _pax_records(collected)
                self._global.update({key: records[key] for key in _GLOBAL_KEYS if key in records})
                self._pending.count -= 1  # it belongs to no entry, so the archive may end after it
            case "L":
                self._pending.long_name = collected.partition(b"\0")[0]
            case _:
                self._pending.long_target = collected.partition(b"\0")[0]
        self._start_skipping(self._padding)

    def _entry_of(self, block: bytes, flag: bytes, size: int) -> TarEntry:
        pax = {**self._global, **self._pending.pax} if self._global or self._pending.pax else {}
        name = pax.get("GNU.sparse.name") or pax.get("path") or self._pending.long_name or _name_of(block)
        target = pax.get("linkpath") or self._pending.long_target or block[157:257].partition(b"\0")[0]
        if len(name) > MAX_PATH_BYTES or len(target) > MAX_PATH_BYTES:
            raise limit_reached(f"a name of {max(len(name), len(target))} bytes in a layer")
        if "size" in pax:
            size = _decimal(pax["size"])
        kind = "0" if flag in _REGULAR else flag.decode("latin-1")
        if flag == b"\0" and name.endswith(b"/"):
            kind = "5"  # V7 has no type for directories; where there is a type, engines believe that
        size = 0 if flag and flag in _WITHOUT_CONTENT else size
        sparse = flag == b"S" or any(key.startswith("GNU.sparse.") for key in self._pending.pax)
        kind = "0" if kind == "S" else kind
        mode = _number(block[100:108], "mode") & 0o7777
        uid, gid = _owner(block[108:116], pax.get("uid")), _owner(block[116:124], pax.get("gid"))
        capability = self._pending.pax.get(_CAPABILITY, b"")
        return TarEntry(_text(name), kind, mode, size, _text(target), sparse, uid, gid, capability)

    def _begin_content(self) -> None:
        entry = self._entry
        assert entry is not None  # noqa: S101 - set by the only two callers
        self._content = self._sink.begin(entry)
        self._left = entry.size
        self._padding = -entry.size % BLOCK
        self._state = _State.CONTENT
        if not self._left:
            self._end_content(entry)

    def _take_content(self, view: memoryview) -> memoryview:
        taken = view[: self._left]
        if self._content is not None:
            self._content.feed(taken)
        self._left -= len(taken)
        if not self._left and self._entry is not None:
            self._end_content(self._entry)
        return view[len(taken) :]

    def _end_content(self, entry: TarEntry) -> None:
        self._sink.end(entry, self._content)
        self._entry = self._content = None
        self._start_skipping(self._padding)

    def _start_skipping(self, length: int) -> None:
        self._left = length
        self._state = _State.SKIP if length else _State.HEADER

    def _skip(self, view: memoryview) -> memoryview:
        taken = min(self._left, len(view))
        self._start_skipping(self._left - taken)
        return view[taken:]


def _check_sum(block: bytes) -> None:
    """The header's own checksum: bytes added up, unsigned (or signed, as some old writers did), its field as blanks."""
    stored = _number(block[148:156], "checksum")
    counted = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(counted)
    if stored == unsigned:
        return
    if stored != unsigned - 256 * sum(byte > 127 for byte in counted):  # noqa: PLR2004 - what a signed char turns over at
        raise unreadable("a tar header has a wrong checksum")


def _number(raw: bytes, what: str) -> int:
    """A field of octal digits, or GNU's base 256, where the first byte has its top bit set."""
    if raw[0] & 0x80:
        value = int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
        if raw[0] & 0x40 or value > MAX_ENTRY_BYTES:
            raise unreadable(f"a tar header has an impossible {what}")
        return value
    digits = raw.strip(b" \0").partition(b"\0")[0].strip()
    if not digits:
        return 0
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise unreadable(f"a tar header has a {what} that is no number")
    return int(digits, 8)


def _owner(raw: bytes, in_pax: bytes | None) -> int | None:
    """A user or group id; one that cannot be read matters only to whoever asks for it."""
    try:
        return _number(raw, "owner") if in_pax is None else _decimal(in_pax)
    except LayerError:
        return None


def _decimal(raw: bytes) -> int:
    if not raw.isdigit() or len(raw) > 16:  # noqa: PLR2004 - digits of a petabyte
        raise unreadable("a PAX header has an impossible size")
    return int(raw)


def _name_of(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _pax_records(raw: bytes) -> Mapping[str, bytes]:
    """``length key=value`` records (POSIX pax interchange format); only the keys that name, measure or own an entry."""
    records: dict[str, bytes] = {}
    at = 0
    while at < len(raw):
        blank = raw.find(b" ", at, at + 8)
        if blank < 0 or not raw[at:blank].isdigit():
            raise unreadable("a PAX header has a record without length")
        end = at + int(raw[at:blank])
        if end > len(raw) or end <= blank + 1 or raw[end - 1] != 0x0A:  # noqa: PLR2004 - a newline
            raise unreadable("a PAX header has a record with a wrong length")
        key, equals, value = raw[blank + 1 : end - 1].partition(b"=")
        if not equals:
            raise unreadable("a PAX header has a record without a value")
        if key in _KEYS or key.startswith(b"GNU.sparse."):
            if b"\0" in value and key != _CAPABILITY.encode():
                raise unreadable("a PAX header has a name with a NUL")
            records[key.decode("ascii", "replace")] = value
        at = end
    return records


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
