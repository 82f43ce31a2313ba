"""How fast a layer is surveyed, in how much memory."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import tarfile
import time
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from scanner.binary.layers.limits import LayerLimits
from scanner.binary.program.survey.survey import read_layer
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Layer

pytestmark = pytest.mark.bench

LEAST_BYTES_PER_S = 40e6
MOST_MEMORY_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
FOLDERS = ("/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/python3", "/usr/share/perl")
"""A userland as images have it: this machine's own."""


@pytest.fixture(scope="module")
def userland():
    """This machine's userland as a tar archive of about 300 MB."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for folder in FOLDERS:
            for path in sorted(Path(folder).rglob("*")):
                if sink.tell() > 300e6:
                    break
                if path.is_symlink() or path.is_file():
                    with contextlib.suppress(OSError):
                        tar.add(path, str(path).lstrip("/"), recursive=False)
    return sink.getvalue()


def opened(raw):
    @contextlib.asynccontextmanager
    async def open_layer(layer, start=0, end=None):
        yield chunks()

    async def chunks():
        whole = hashlib.sha256()
        for at in range(0, len(raw), CHUNK_BYTES):
            chunk = raw[at : at + CHUNK_BYTES]
            whole.update(chunk)
            yield chunk

    return open_layer


@pytest.mark.parametrize(
    "pack",
    [lambda raw: gzip.compress(raw, 6, mtime=0), lambda raw: zstandard.ZstdCompressor(3).compress(raw)],
    ids=["gzip", "zstd"],
)
async def test_a_survey_streams_a_layer(userland, pack):
    raw = pack(userland)
    layer = Layer("sha256:" + "0" * 64, "tar", len(raw))
    cpu, wall = time.process_time(), time.perf_counter()
    found = await read_layer(layer, opened(raw), LayerLimits(read_s=600))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert not isinstance(found, Failure), found
    rate = len(raw) / cpu
    print(
        f"{len(raw) / 1e6:.0f} MB of {len(userland) / 1e6:.0f} MB, {len(found.files)} programs, libraries and scripts: "
        f"{rate / 1e6:.0f} MB/s of one core ({len(raw) / wall / 1e6:.0f} MB/s by the clock)"
    )
    assert rate >= LEAST_BYTES_PER_S


async def test_a_survey_fits_in_its_memory(userland):
    raw = gzip.compress(userland, 1)
    layer = Layer("sha256:" + "0" * 64, "tar", len(raw))
    tracemalloc.start()
    try:
        await read_layer(layer, opened(raw), LayerLimits(read_s=600))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"at most {most / 1e6:.1f} MB beside the layer itself")
    assert most <= MOST_MEMORY_BYTES
