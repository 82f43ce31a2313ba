"""What becomes of an image of which only the run tells what it starts."""

import pytest

from scanner.domain.facts import Binfmt, Kernel
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf, Executable, FileKind, Offer, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.evidence_layers import offered
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.store import codec

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
KERNEL = Kernel("Linux", "x86_64", platform=AMD64, cpu_level=3, ia32=True, binfmt=Binfmt(enabled=True))
WHY = "/entry.sh: line 3: what eval runs is known at run time only"


def outcome(platform, problem=None):
    shell = Executable("/bin/sh", "interpreter", FileKind.ELF, Elf(62, 64, "little", platform))
    program = Program(("/entry.sh",), (shell,), problem, WHY)
    return offered(KERNEL, Offer("sha256:" + "a" * 64, None, AMD64, program=program), indexed=False, depth=Depth.BINARY)


@pytest.mark.parametrize(
    ("platform", "problem", "reason"),
    [
        (AMD64, None, Reason.SURVEY_PENDING),
        (ARM64, None, Reason.WRONG_INTERPRETER),
        (AMD64, Failure(Reason.ENTRYPOINT_MISSING, "gone"), Reason.ENTRYPOINT_MISSING),
    ],
)
def test_it_is_never_ok_but_what_was_seen_to_fail_fails(platform, problem, reason):
    found = outcome(platform, problem)
    assert found.reason is reason
    assert reason is not Reason.SURVEY_PENDING or found.detail == WHY


WORKS = Executable("/native", "wrapped", FileKind.ELF, Elf(62, 64, "little", AMD64))
FOREIGN = Executable("/foreign", "wrapped", FileKind.ELF, Elf(183, 64, "little", ARM64))
SHELL = Executable("/bin/sh", "interpreter", FileKind.ELF, Elf(62, 64, "little", AMD64))
GONE = Failure(Reason.ENTRYPOINT_MISSING, "/gone: no such file or directory")


def way(*files, **more):
    return Program(("/entry.sh",), files, **more)


@pytest.mark.parametrize(
    ("branches", "reason"),
    [
        ((way(WORKS), way(WORKS, SHELL)), Reason.NATIVE),
        ((way(FOREIGN), way(FOREIGN, WORKS)), Reason.WRONG_BINARY),
        ((way(FOREIGN), way(problem=GONE)), Reason.WRONG_BINARY),
        ((way(problem=GONE), way(FOREIGN)), Reason.ENTRYPOINT_MISSING),
        ((way(WORKS), way(FOREIGN)), Reason.SURVEY_PENDING),
        ((way(WORKS), way(problem=GONE)), Reason.SURVEY_PENDING),
        ((way(WORKS), way(at_run_time=WHY)), Reason.SURVEY_PENDING),
        ((way(FOREIGN), way(branches=(way(FOREIGN), way(problem=GONE)))), Reason.WRONG_BINARY),
        ((way(FOREIGN), way(branches=(way(FOREIGN), way(WORKS)))), Reason.SURVEY_PENDING),
    ],
)
def test_ways_that_agree_decide_while_others_are_told_apart_by_the_run_alone(branches, reason):
    program = Program(("/entry.sh",), (SHELL,), branches=branches)
    found = offered(
        KERNEL, Offer("sha256:" + "a" * 64, None, AMD64, program=program), indexed=False, depth=Depth.BINARY
    )
    assert found.reason is reason
    assert codec.loads(Program, codec.dumps(program)) == program
    assert program.wants_survey
