"""Scripts of an image that are called like programs which everybody has."""

import pytest

from scanner.binary.inspect import inspect

PATH = "/usr/local/bin:/usr/bin:/bin"
FORWARD = b'#!/bin/sh\nexec /usr/bin/sort "$@"\n'


@pytest.fixture
def look(images, build):
    """How a text of a shell ends in an image: its last file, why that is known at run time only."""

    async def inspected(text, shell="dash"):
        own = {"uname": b"#!/bin/sh\necho aarch64\n", "sync": b"#!/bin/sh\n/foreign\n", "sort": FORWARD}
        tools = [(f"usr/bin/{name}", build.elf()) for name in ("dash", "busybox", "uname", "sync", "sort", "cat")]
        scripts = [(f"usr/local/bin/{name}", script) for name, script in own.items()]
        entries = [*tools, *scripts, ("bin/sh", build.symlink(f"/usr/bin/{shell}")), ("app", build.elf())]
        entries += [("foreign", build.elf(machine=183)), ("opt/bin/mkdir", b"#!/usr/bin/dash\nexec /foreign\n")]
        entries += [("usr/bin/mkdir", b"#!/bin/sh\nexec /foreign\n"), ("usr/local/bin/egrep", build.elf())]
        image = build.offer(images.layer(entries), entrypoint=("/bin/sh", "-c", text), path=PATH)
        found = await inspect(image, None, images.open)
        return found.problem, tuple(each.path for each in found.chain), found.at_run_time

    return inspected


@pytest.mark.parametrize(
    ("text", "through"),
    [
        ("set -e; sync; exec /app", "/foreign"),
        ("/opt/bin/mkdir -p /x && exec /app", "/foreign"),
        ("/usr/local/bin/sync", "/foreign"),
        ("set -e; PATH=/usr/bin; sync; exec /app", "/app"),
        ("set -e; /usr/bin/sync; exec /app", "/app"),
        ("set -e; mkdir -p /x; exec /app", "/app"),
        ("set -e; sort /x; exec /app", "/app"),
        ("set -e; egrep x /y; exec /app", "/app"),
    ],
)
async def test_a_script_that_is_called_like_a_well_known_program_is_followed(look, text, through):
    problem, paths, _ = await look(text)
    assert problem is None
    assert through in paths
    assert ("/foreign" in paths) is (through == "/foreign")


async def test_what_such_a_script_answers_is_not_what_the_program_would(look):
    problem, paths, why = await look('[ "$(uname -m)" = x86_64 ] && exec /app; exec /foreign')
    assert (problem, "/app" in paths and "/foreign" not in paths) == (None, False)
    assert why or "/app" not in paths


@pytest.mark.parametrize("text", ["sync; exec /app", "sync & exec /app"])
async def test_such_a_script_beside_another_program_is_known_at_run_time_only(look, text):
    assert "for another CPU" in (await look(text))[2]


async def test_how_busybox_was_built_decides_whether_it_runs_such_a_script(look):
    assert "how busybox was built" in (await look("sync; exec /app", "busybox"))[2]
