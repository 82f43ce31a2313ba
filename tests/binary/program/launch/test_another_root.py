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
        ("/srv/jail /opt/app", True),
        ("/srv/jail /run.sh", True),
        ("/srv/jail /bin/../none", True),
        ("/srv/jail/bin/app /bin/app", False),
        ("/srv/jail /bin/app/x", False),
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
        "srv/jail/opt": build.symlink("/data"),
        "srv/jail/data/app": build.elf(),
        "srv/jail/run.sh": b"#!/bin/bash\n",
        "srv/jail/bin/bash": build.elf(),
    }
    offer = build.offer(images.layer(list(files.items())), entrypoint=("chroot", *words.split()), path="/bin")
    program = await inspect(offer, None, images.open)
    assert (program.problem.reason if program.problem else None) is (None if is_there else Reason.BINARY_UNKNOWN)
    assert ("changes the root directory" in program.at_run_time) is is_there


async def test_what_a_script_may_have_put_below_another_root_is_known_at_run_time_only(images, build):
    files = {f"bin/{name}": build.elf() for name in ("chroot", "dash", "cp")} | {
        "srv/jail/x": b"",
        "bin/app": build.elf(),
    }
    text = "cp /bin/app /srv/jail/app; exec chroot /srv/jail /app"
    offer = build.offer(images.layer(list(files.items())), entrypoint=("/bin/dash", "-c", text), path="/bin")
    program = await inspect(offer, None, images.open)
    assert (program.problem, "changes the root directory" in program.at_run_time) == (None, True)
