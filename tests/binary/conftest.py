"""Layers and ELF files built in memory, with a fake registry that counts the bytes it hands out."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import struct
import tarfile

import pytest
import zstandard

from scanner.domain.facts import Process
from scanner.domain.image.offers import Layer, Offer
from tests.binary.program.libraries.kit import Kit, base_of

NOBITS = b""
ORDERS = {"little": ("<", 1), "big": (">", 2)}


def build_elf(
    *,
    machine=62,
    bits=64,
    order="little",
    kind=2,
    flags=0,
    interp=None,
    notes=b"",
    data=b"",
    attributes=b"",
    osabi=0,
    code=b"",
    vaddr=0x400000,
    interp_raw=None,
    phoff=None,
    pad=0,
):
    """A small ELF file; ``code`` is its text and entry point."""
    prefix, data_byte = ORDERS[order]
    header_size, phdr_size, shdr_size = (64, 56, 64) if bits == 64 else (52, 32, 40)
    interp_raw = interp.encode() + b"\0" if interp is not None else interp_raw
    segments = 2 + (interp_raw is not None) + bool(notes)
    table = phoff or header_size
    at = header_size + segments * phdr_size
    body = bytearray()

    def place(raw, align=16):
        body.extend(b"\0" * (-(at + len(body)) % align))
        offset = at + len(body)
        body.extend(raw)
        return offset, len(raw)

    interp_at = place(interp_raw) if interp_raw is not None else None
    notes_at = place(notes) if notes else None
    code_at = place(code or b"\xcc" * 16)
    data_at = place(data or b"\0" * 16)
    if pad:
        place(b"\0" * pad)
    attributes_at = place(attributes) if attributes else None
    shoff = 0
    shnum = 0
    if attributes_at:
        sections = struct.pack(prefix + "IIIIIIIIII", *([0] * 10)) + struct.pack(
            prefix + "IIIIIIIIII", 0, 0x70000003, 0, 0, *attributes_at, 0, 0, 1, 0
        )
        shoff, shnum = place(sections)[0], 2
    total = at + len(body)
    phdrs = []

    def phdr(kind, pflags, offset, size, address):
        if bits == 64:
            phdrs.append(struct.pack(prefix + "IIQQQQQQ", kind, pflags, offset, address, address, size, size, 0x1000))
        else:
            phdrs.append(struct.pack(prefix + "IIIIIIII", kind, offset, address, address, size, size, pflags, 0x1000))

    if interp_at:
        phdr(3, 4, *interp_at, vaddr + interp_at[0])
    phdr(1, 5, 0, total, vaddr)
    phdr(1, 6, *data_at, vaddr + 0x10000 + data_at[0])
    if notes_at:
        phdr(4, 4, *notes_at, vaddr + notes_at[0])
    entry = vaddr + code_at[0]
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, data_byte, 1, osabi]) + bytes(8)
    fields = (kind, machine, 1, entry, table, shoff, flags, header_size, phdr_size, segments, shdr_size, shnum, 0)
    head = ident + struct.pack(prefix + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH"), *fields)
    raw = head + b"".join(phdrs) + bytes(body)
    if phoff:
        raw = raw[:header_size] + bytes(segments * phdr_size) + bytes(body)
        raw = raw.ljust(phoff, b"\0") + b"".join(phdrs)
    return raw


def gnu_property(level):
    """A .note.gnu.property that needs x86-64-v``level``."""
    description = struct.pack("<III", 0xC0008002, 4, 1 << (level - 1)) + bytes(4)
    return struct.pack("<III", 4, len(description), 5) + b"GNU\0" + description


def go_note():
    return struct.pack("<III", 4, 4, 4) + b"Go\0\0" + b"abcd"


def go_buildinfo(settings):
    modules = b"\x30" * 16 + b"path\tx\nmod\tx\t(devel)\t\n"
    modules += b"".join(f"build\t{key}={value}\n".encode() for key, value in settings.items()) + b"\x31" * 16
    version = b"go1.27.3"

    def string(raw):
        length, encoded = len(raw), bytearray()
        while length > 127:
            encoded.append(length & 127 | 128)
            length >>= 7
        encoded.append(length)
        return bytes(encoded) + raw

    return (b"\xff Go buildinf:" + bytes([8, 2])).ljust(32, b"\0") + string(version) + string(modules) + bytes(64)


def arm_attributes(cpu_arch, *, extra=b""):
    pairs = b"\x05ARM\0" + extra + bytes([6, cpu_arch]) + b"\x08\x01"
    inner = b"\x01" + struct.pack("<I", len(pairs) + 5) + pairs
    body = b"aeabi\0" + inner
    return b"A" + struct.pack("<I", len(body) + 4) + body


def build_tar(entries, tar_format=tarfile.PAX_FORMAT):
    """A tar archive of ``(name, content)``: bytes, or a dict of TarInfo attributes with ``content``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
        for name, what in entries:
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755
            content = b""
            if isinstance(what, bytes):
                content = what
            else:
                attributes = dict(what)
                content = attributes.pop("content", b"")
                for key, value in attributes.items():
                    setattr(entry, key, value)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


PACK = {
    "plain": lambda raw: raw,
    "gzip": lambda raw: gzip.compress(raw, 1, mtime=0),
    "zstd": lambda raw: zstandard.ZstdCompressor().compress(raw),
}
MEDIA = {
    "plain": "application/vnd.oci.image.layer.v1.tar",
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}


def symlink(target):
    return {"type": tarfile.SYMTYPE, "linkname": target}


def hardlink(target):
    return {"type": tarfile.LNKTYPE, "linkname": target}


DIRECTORY = {"type": tarfile.DIRTYPE}


class Registry:
    """Keeps blobs, opens them by range and counts what it handed out."""

    def __init__(self):
        self.blobs = {}
        self.handed_out = {}
        self.opened = []
        self.closed = 0
        self.chunk_bytes = 16384
        self.broken = {}

    @property
    def bytes_out(self):
        return sum(self.handed_out.values())

    def push(self, raw, media_type=MEDIA["gzip"], annotations=None, size=None, **more):
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        self.blobs[digest] = raw
        return Layer(digest, media_type, len(raw) if size is None else size, annotations or {}, **more)

    def layer(self, entries, packing="gzip", **more):
        return self.push(PACK[packing](build_tar(entries)), MEDIA[packing], **more)

    @contextlib.asynccontextmanager
    async def open(self, layer, start=0, end=None):
        if layer.digest in self.broken:
            raise self.broken[layer.digest]
        self.opened.append((layer.digest, start, end))
        try:
            yield self._chunks(layer, self.blobs[layer.digest][start:end])
        finally:
            self.closed += 1

    async def _chunks(self, layer, raw):
        for at in range(0, len(raw), self.chunk_bytes):
            chunk = raw[at : at + self.chunk_bytes]
            self.handed_out[layer.digest] = self.handed_out.get(layer.digest, 0) + len(chunk)
            yield chunk


def offer(*layers, entrypoint=("/app",), cmd=None, **process):
    """An image of these layers, bottom first."""
    process = {"env": (), "user": "", "volumes": ()} | process
    made = Process(tuple(entrypoint) if entrypoint is not None else None, cmd, **process)
    return Offer("sha256:" + "0" * 64, process=made, layers=tuple(layers))


class Builders:
    """What the tests of this folder build with."""

    elf = staticmethod(build_elf)
    tar = staticmethod(build_tar)
    gnu_property = staticmethod(gnu_property)
    go_note = staticmethod(go_note)
    go_buildinfo = staticmethod(go_buildinfo)
    arm_attributes = staticmethod(arm_attributes)
    symlink = staticmethod(symlink)
    hardlink = staticmethod(hardlink)
    offer = staticmethod(offer)
    directory = DIRECTORY
    pack = PACK
    media = MEDIA


@pytest.fixture(scope="session")
def build():
    """Builders of ELF files, archives and offers."""
    return Builders


@pytest.fixture
def images():
    """A registry of its own for each test."""
    return Registry()


@pytest.fixture(scope="session")
def kit(tmp_path_factory):
    """This machine's compilers, beside the files that every scratch root has."""
    folder = tmp_path_factory.mktemp("libraries")
    for name in ("base", "made"):
        (folder / name).mkdir()
    base_of(folder / "base")
    return Kit(folder / "made")
