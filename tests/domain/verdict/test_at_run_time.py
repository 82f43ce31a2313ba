"""What becomes of an image of which only the run tells what it starts."""

import pytest

from scanner.domain.facts import Binfmt, Elf, Executable, Failure, FileKind, Kernel, Offer, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.evidence_layers import offered
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth

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
