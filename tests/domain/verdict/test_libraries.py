"""What a library on a program's way means for a host."""

from __future__ import annotations

import pytest

from scanner.domain.facts import Binfmt, Kernel
from scanner.domain.image.offers import Elf, Executable, FileKind, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.evidence_layers import MAX_LIBRARIES_NAMED, binary
from scanner.domain.verdict.execution import executes
from scanner.domain.verdict.reason import Reason

AMD64 = Platform("linux", "amd64")


def file(role, path, needs=AMD64):
    return Executable(path, role, FileKind.ELF, Elf(62, 64, "little", needs))


def outcome(*libraries, level=2):
    kernel = Kernel("Linux", "x86_64", platform=AMD64, page_size=4096, cpu_level=level, binfmt=Binfmt(enabled=False))
    chain = (file("entrypoint", "/app"), file("loader", "/lib64/ld-linux-x86-64.so.2"), *libraries)
    return binary(kernel, Program(("/app",), chain), AMD64, executes(kernel, AMD64), agrees=True)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (AMD64, Reason.NATIVE),
        (Platform("linux", "amd64", "v2"), Reason.NATIVE),
        (Platform("linux", "amd64", "v3"), Reason.CPU_LEVEL_TOO_LOW),
        (Platform("linux", "s390x"), Reason.WRONG_LIBRARY),
    ],
)
def test_a_library_needs_a_cpu_as_a_program_does(needs, expected):
    found = outcome(file("library", "/lib/libx.so", needs))
    assert found.reason is expected
    assert expected is Reason.NATIVE or found.path == "/lib/libx.so"


def test_the_libraries_of_a_program_are_one_line_of_evidence():
    told = outcome(*(file("library", f"/lib/lib{n}.so") for n in range(MAX_LIBRARIES_NAMED + 1))).evidence
    line = next(each.says for each in told if "libraries it needs were read" in each.says)
    assert "/lib/lib0.so, /lib/lib1.so" in line
    assert "…" in line
