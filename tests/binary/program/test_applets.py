"""What a script of busybox' starts by a name that no file of PATH has."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.verdict.reason import Reason


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nohup", "nohup /app &\nwait $!"),
        ("nohup", "exec nohup /app"),
        ("nohup", "nohup /app"),
    ],
)
async def test_an_applet_that_this_busybox_surely_lacks_is_missing(images, build, require, name, text):
    busybox = require("busybox", "busybox-static").read_bytes()
    assert f"\0{name}\0".encode() not in busybox, "Debian builds it without"
    files = {"bin/busybox": busybox, "bin/sh": build.symlink("busybox"), "app": build.elf()}
    files["entry.sh"] = f"#!/bin/sh\n{text}\n".encode()
    offer = build.offer(images.layer(list(files.items())), entrypoint=("/entry.sh",), path="/bin")
    program = await inspect(offer, None, images.open)
    assert program.problem is not None
    assert program.problem.reason in {Reason.ENTRYPOINT_MISSING, Reason.BINARY_UNKNOWN}
    assert name in program.problem.detail


async def test_an_applet_that_only_the_table_has_starts(images, build, require):
    busybox = require("busybox", "busybox-static").read_bytes()
    files = {"bin/busybox": busybox, "bin/sh": build.symlink("busybox"), "app": build.elf()}
    files["entry.sh"] = b"#!/bin/sh\nsetsid /app\n"
    offer = build.offer(images.layer(list(files.items())), entrypoint=("/entry.sh",), path="/bin")
    program = await inspect(offer, None, images.open)
    assert program.problem is None
    assert "some builds of busybox" in program.at_run_time
