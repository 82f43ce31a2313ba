"""What a script finds by name in an image, however many files that has."""

import pytest

from scanner.binary.inspect import inspect

MANY = {f"opt/lib/d{n % 90}/f{n}": b"" for n in range(900)}
"""More than one search walks over, as /usr/lib of any Debian has."""

EXEC = "X=$(find /opt -name app -print -quit)\nexec $X"


@pytest.fixture
def found(images, build):
    """Where a script's ``find`` leads among these layers, empty where nobody knows."""

    async def inspected(text, *layers, **process):
        shell = {f"usr/bin/{name}": build.elf() for name in ("find", "mkdir", "cp", "sort")}
        shell |= {"bin/sh": build.elf(), "bin/dash": build.elf(), "other": build.elf()}
        shell["entry.sh"] = f"#!/bin/dash\n{text}\n".encode()
        packed = [images.layer(list(each.items())) for each in ({**shell, **MANY}, *layers)]
        program = await inspect(build.offer(*packed, entrypoint=("/entry.sh",), **process), None, images.open)
        return "" if program.at_run_time or program.problem else program.chain[-1].path

    return inspected


async def test_what_find_looks_for_by_name_is_found_among_thousands_of_files(found, build):
    assert await found(EXEC, {"opt/lib/d1/x/app": build.elf()}) == "/opt/lib/d1/x/app"


async def test_what_an_upper_layer_took_away_is_not_found(found, build):
    layers = ({"opt/lib/d1/app": build.elf(), "opt/b/app": build.elf()}, {"opt/lib/.wh.d1": b""})
    assert await found(EXEC, *layers) == "/opt/b/app"


async def test_what_lies_elsewhere_is_not_found(found, build):
    text = "X=$(find /opt -name app -print -quit)\nexec ${X:-/other}"
    assert await found(text, {"opt2/app": build.elf(), "srv/app": build.elf()}) == "/other"


async def test_which_of_several_comes_first_nobody_knows_though_they_be_sorted_then(found, build):
    both = {"opt/a1/app": build.elf(), "opt/b1/app": build.elf()}
    assert not await found("exec $(find /opt -name app -print -quit | sort)", both)
    assert await found("exec $(find /opt -name app -print | sort)", both) == "/opt/a1/app"


async def test_a_link_is_found_by_its_own_name(found, build):
    assert await found(EXEC, {"srv/real": build.elf(), "opt/app": build.symlink("/srv/real")}) == "/srv/real"


@pytest.mark.parametrize(
    ("text", "process"),
    [
        (EXEC, {"volumes": ("/opt/data",)}),
        (EXEC, {"volumes": ("/opt",)}),
        ("X=$(find /var -name app -print -quit)\nexec $X", {}),
        (f"mkdir -p /opt/new\n{EXEC}", {}),
        (f"cp /other /opt/lib/app\n{EXEC}", {}),
    ],
)
async def test_nobody_knows_what_a_volume_or_the_script_put_there(found, build, text, process):
    layer = {"opt/lib/d1/app": build.elf(), "var/tmp/x": b"", "var/lib/app": build.elf()}
    assert not await found(text, layer, **process)


async def test_nobody_knows_which_of_two_a_directory_tells_first(found, build):
    assert not await found(EXEC, {"opt/a/app": build.elf(), "opt/b/app": build.elf()})
