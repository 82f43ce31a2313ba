"""Whiteouts in a directory that a layer below has as a link: to overlay drivers a directory stands there then."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.verdict.reason import Reason


async def reason(images, build, top, entrypoint):
    below = [("bin", build.symlink("usr/bin")), ("usr/bin/app", build.elf()), ("usr/bin/other", b"")]
    offer = build.offer(images.layer(below), images.layer(top), entrypoint=(entrypoint,))
    program = await inspect(offer, None, images.open)
    return program.problem.reason if program.problem else None


@pytest.mark.parametrize("hidden", ["bin/.wh.app", "bin/.wh.other", "bin/x/.wh.y", "bin/.wh..wh..opq"])
async def test_what_the_link_leads_to_is_not_known(images, build, hidden):
    assert await reason(images, build, [(hidden, b"")], "/bin/app") is Reason.LAYER_UNKNOWN


@pytest.mark.parametrize("hidden", ["bin/.wh.other", "binary/.wh.app", "usr/bin/.wh.other"])
async def test_another_way_to_the_same_file_stays_what_it_is(images, build, hidden):
    assert await reason(images, build, [(hidden, b"")], "/usr/bin/app") is None
