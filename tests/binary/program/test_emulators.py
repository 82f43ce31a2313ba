"""The emulators that an image itself carries."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.platform.binfmt import interpreters

QEMU = "/usr/bin/qemu-aarch64-static"


def found(program):
    return program.emulators and [(file.path, file.elf.needs.architecture) for file in program.emulators]


@pytest.mark.parametrize("path", interpreters("arm64"))
async def test_an_emulator_is_found_at_each_of_its_usual_paths(images, build, path):
    layer = images.layer([("app", build.elf(machine=183)), (path[1:], build.elf())])
    assert found(await inspect(build.offer(layer), None, images.open)) == [(path, "amd64")]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [(QEMU[1:], {"mode": 0o644, "content": b"x"})],
        [("usr/bin/qemu-arm-static", b"\x7fELF")],
        [(QEMU[1:], {"type": b"5"})],
    ],
)
async def test_what_is_no_emulator_of_this_cpu_is_none(images, build, entries):
    layer = images.layer([("app", build.elf(machine=183)), *entries])
    assert (await inspect(build.offer(layer), None, images.open)).emulators == ()


async def test_nothing_is_read_for_an_emulators_sake(images, build):
    base, top = (
        images.layer([(QEMU[1:], build.elf(pad=20_000))], "plain"),
        images.layer([("app", build.elf(machine=183))]),
    )
    program = await inspect(build.offer(base, top), None, images.open)
    assert (program.problem, program.emulators) == (None, None)
    assert base.digest not in images.handed_out


async def test_an_emulator_behind_a_link_stands_where_it_is_looked_for(images, build):
    layer = images.layer([("app", build.elf(machine=183)), (QEMU[1:], build.symlink("/opt/q")), ("opt/q", build.elf())])
    assert found(await inspect(build.offer(layer), None, images.open)) == [(QEMU, "amd64")]
