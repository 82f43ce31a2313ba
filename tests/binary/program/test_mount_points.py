"""What stands in an image where runtimes mount, or where engines keep files of their own."""

import tarfile

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.verdict.condition import Condition


def conditions(program):
    return [objection.condition for objection in program.objections]


@pytest.fixture
def look(images, build):
    """Inspects an image of one layer that starts /app."""

    async def inspected(entries):
        return await inspect(build.offer(images.layer(entries), entrypoint=("/app",)), None, images.open)

    return inspected


@pytest.mark.parametrize(
    ("name", "kind", "is_noted"),
    [
        ("proc", tarfile.REGTYPE, True),
        ("run", tarfile.REGTYPE, True),
        ("run", tarfile.DIRTYPE, False),
        ("srv", tarfile.REGTYPE, False),
    ],
)
async def test_a_file_in_the_place_of_such_a_directory_is_noted(look, build, name, kind, is_noted):
    odd = {"type": kind, "mode": 0o755, **({"content": b"x"} if kind == tarfile.REGTYPE else {})}
    assert (Condition.MOUNT_POINT_ODD in conditions(await look([(name, odd), ("app", build.elf())]))) is is_noted


@pytest.mark.parametrize(("name", "is_noted"), [("proc", True), ("dev", False), ("run", False)])
async def test_a_link_in_the_place_of_run_or_dev_was_not_seen_to_be_refused(look, build, name, is_noted):
    program = await look([(name, build.symlink("var")), ("app", build.elf())])
    assert (Condition.MOUNT_POINT_ODD in conditions(program)) is is_noted
