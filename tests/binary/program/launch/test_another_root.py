"""What chroot starts below another root, which is looked at only for what is not there."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.verdict.reason import Reason


@pytest.mark.parametrize(
    ("words", "is_there"),
    [
        ("/srv/jail /bin/app", True),
        ("srv/jail /bin/app -x", True),
        ("/srv/jail app", True),
        ("/srv/jail /bin/none", False),
        ("/srv/none /bin/app", False),
    ],
)
async def test_what_is_not_below_another_root_does_not_start(images, build, words, is_there):
    files = {
        "bin/chroot": build.elf(),
        "srv/jail/bin/app": build.elf(),
        "bin/app": build.elf(),
        "bin/none": build.elf(),
    }
    offer = build.offer(images.layer(list(files.items())), entrypoint=("chroot", *words.split()), path="/bin")
    program = await inspect(offer, None, images.open)
    assert (program.problem.reason if program.problem else None) is (None if is_there else Reason.BINARY_UNKNOWN)
    assert ("changes the root directory" in program.at_run_time) is is_there
