"""Tests of how layers' surveys become an image's."""

import tarfile

import pytest

from scanner.binary.layers.limits import LayerLimits
from scanner.binary.program.survey.survey import read_layer
from scanner.binary.program.survey.survey_merge import merge

TEXT = b"only a text"
FIFO = {"type": tarfile.FIFOTYPE}


@pytest.fixture
def merged(build, images):
    async def merged(*layers):
        found = [await read_layer(images.layer(entries), images.open, LayerLimits()) for entries in layers]
        return merge(found)

    return merged


CASES = {
    "a file below stays": (["usr/bin/a"], [("x", TEXT)], ["/usr/bin/a"]),
    "a whiteout deletes a file": (["usr/bin/a", "usr/bin/b"], [("usr/bin/.wh.a", b"")], ["/usr/bin/b"]),
    "a whiteout deletes a directory": (["usr/bin/a", "x"], [(".wh.usr", b"")], ["/x"]),
    "an opaque directory deletes what was in it": (["d/e/a", "x"], [("d/.wh..wh..opq", b"")], ["/x"]),
    "an opaque directory keeps its own": (["d/a"], [("d/.wh..wh..opq", b""), ("d/b", "elf")], ["/d/b"]),
    "a text replaces a program": (["a", "b"], [("a", TEXT)], ["/b"]),
    "an empty file replaces a program": (["a", "b"], [("a", b"")], ["/b"]),
    "a pipe replaces a program": (["a", "b"], [("a", FIFO)], ["/b"]),
    "a file replaces a directory": (["d/a", "b"], [("d", TEXT)], ["/b"]),
    "a link replaces a directory": (["d/a", "b"], [("d", "link")], ["/b"]),
    "a directory replaces a program": (["d", "b"], [("d", "dir")], ["/b"]),
    "a directory listed again keeps what is in it": (["d/a"], [("d", "dir")], ["/d/a"]),
    "a program below a program's name replaces it": (["d"], [("d/a", "elf")], ["/d/a"]),
    "a hard link brings a file of a layer below": (["a"], [("b", "hard a")], ["/a", "/b"]),
    "a hard link survives the deletion of its file": (["a"], [("b", "hard a"), (".wh.a", b"")], ["/b"]),
    "a hard link to a text is none": (["a"], [("a", TEXT), ("b", "hard t")], []),
}


@pytest.mark.parametrize(("below", "above", "left"), CASES.values(), ids=CASES)
async def test_layers_merge(merged, build, below, above, left):
    kinds = {"elf": build.elf(), "link": build.symlink("x"), "dir": build.directory}
    entries = [
        (name, build.hardlink(what[5:]) if isinstance(what, str) and what.startswith("hard") else kinds.get(what, what))
        if isinstance(what, str)
        else (name, what)
        for name, what in above
    ]
    image = await merged([(name, build.elf()) for name in below], entries)
    assert list(image.files) == left


async def test_three_layers_may_delete_and_bring_back(merged, build):
    image = await merged([("a", build.elf())], [(".wh.a", b"")], [("a", build.elf(machine=183))])
    assert image.files["/a"].elf.needs.architecture == "arm64"


async def test_links_and_loader_directories_are_the_uppermost(merged, build):
    image = await merged(
        [("bin", build.symlink("usr/bin")), ("etc/ld.so.conf.d/a.conf", b"/one\n")],
        [("bin", build.symlink("opt/bin")), ("etc/ld.so.conf.d/a.conf", b"/two\n")],
    )
    assert (image.links, image.searched) == ({"/bin": "opt/bin"}, ("/two",))
