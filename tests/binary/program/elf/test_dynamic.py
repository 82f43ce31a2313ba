"""Our reader of dynamic sections against pyelftools, on the real libraries of this machine; total over all bytes."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection

from scanner.binary.layers.body import Body
from scanner.binary.program.capture import Capture
from scanner.binary.program.content import examine
from scanner.binary.program.elf import dynamic
from scanner.binary.program.elf.dynamic import Dynamic, VersionNeed
from scanner.binary.program.elf.symbols import NamesTooLongError
from scanner.domain.failure import Failure

FOLDER = Path("/usr/lib/x86_64-linux-gnu")
MAX_BYTES = 1 << 20
MAX_COMPARED = 120


def libraries():
    """Real libraries, each once, the C library among them."""
    seen = set()
    for path in [FOLDER / "libc.so.6", *sorted(FOLDER.glob("*.so.*"))]:
        real = path.resolve()
        if real in seen or not real.is_file():
            continue
        seen.add(real)
        content = real.read_bytes()
        if content.startswith(b"\x7fELF") and (len(content) <= MAX_BYTES or len(seen) == 1):
            yield path, content


def as_pyelftools_sees(content):
    file = ELFFile(io.BytesIO(content))
    tags = [tag for s in file.iter_sections() if isinstance(s, DynamicSection) for tag in s.iter_tags()]

    def of(kind, field):
        return [getattr(tag, field) for tag in tags if tag.entry.d_tag == kind]

    needs, versions = [], set()
    for section in file.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            needs += [
                VersionNeed(need.name, tuple(aux.name for aux in auxiliary if not aux.entry.vna_flags & 2))
                for need, auxiliary in section.iter_versions()
            ]
        if isinstance(section, GNUVerDefSection):
            versions |= {next(iter(auxiliary)).name for _, auxiliary in section.iter_versions()}
    runpath, soname = of("DT_RUNPATH", "runpath"), of("DT_SONAME", "soname")
    return (
        of("DT_NEEDED", "needed"), soname[0] if soname else "", runpath[0] if runpath else None, needs, versions,
    )  # fmt: skip


def test_both_readers_agree_on_the_libraries_of_this_machine():
    compared = 0
    for path, content in libraries():
        ours = dynamic.parse(Body.whole(content))
        assert isinstance(ours, Dynamic), path
        seen = (list(ours.needed), ours.soname, ours.runpath, list(ours.version_needs), set(ours.versions))
        assert seen == as_pyelftools_sees(content), path
        compared += 1
        if compared == MAX_COMPARED:
            break
    if compared < 50:
        pytest.fail(f"only {compared} libraries were compared: this machine has too few to mean anything")


def streamed(content, piece=128 * 1024):
    capture = Capture(len(content))
    for at in range(0, len(content), piece):
        capture.feed(memoryview(content)[at : at + piece])
    return examine(capture.body())


def test_what_is_kept_of_a_large_file_while_it_streams_is_enough():
    largest = max(
        (path.resolve() for path in FOLDER.glob("*.so.*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    content = largest.read_bytes()
    assert len(content) > 4 << 20, "this machine has no large library"
    assert streamed(content).dynamic == dynamic.parse(Body.whole(content))


@pytest.mark.parametrize("seed", range(4))
def test_reading_a_dynamic_section_is_total_over_all_bytes(kit, seed):
    content = kit.shared(version="V1", libc=True)
    choice = random.Random(seed)
    segments = ELFFile(io.BytesIO(content)).iter_segments()
    where = next(s for s in segments if s.header.p_type == "PT_DYNAMIC").header
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(choice.randint(1, 6)):
            place = choice.choice([choice.randrange(0x400), where.p_offset + choice.randrange(where.p_filesz)])
            changed[place] = choice.randrange(256)
        for raw in (bytes(changed), bytes(changed)[: choice.randrange(len(changed))]):
            parsed = dynamic.parse(Body.whole(raw))
            assert isinstance(parsed, (Dynamic, Failure))
            if isinstance(parsed, Dynamic) and parsed.symbols is not None:
                with suppress(NamesTooLongError):
                    assert len(parsed.symbols.offered()) <= len(raw)
                with suppress(NamesTooLongError):
                    assert len(list(parsed.symbols.asks())) <= len(raw)


def test_a_file_without_a_dynamic_section_asks_for_nothing(build):
    found = dynamic.parse(Body.whole(build.elf()))
    assert isinstance(found, Dynamic)
    assert (found.needed, found.version_needs, found.versions) == ((), (), frozenset())
