"""Which contradictions an operator is told of."""

import pytest

from scanner.domain.facts import Binfmt, BinfmtEntry, Engine, EngineKind, EngineState, Kernel
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.discrepancy import discrepancies

ARM64 = Kernel("Linux", "aarch64", platform=Platform("linux", "arm64"))
I686 = Kernel("Linux", "i686", platform=Platform("linux", "386"))
PI = Kernel("Linux", "aarch64", platform=Platform("linux", "arm64"), userland_bits=32, kernel_bits=64)
UNCLEAR = Kernel("Linux", "mips64")
SHADOWED = Kernel(
    "Linux", "aarch64", platform=Platform("linux", "arm64"),
    binfmt=Binfmt(True, (BinfmtEntry(
        "qemu-aarch64", True, "/usr/bin/qemu-aarch64", "F",
        magic=bytes.fromhex("7f454c460201010000000000000000000200b700"),
        mask=bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff"),
    ),)),
)  # fmt: skip


def docker(text="", **facts):
    platform = Platform(*text.split("/")) if text else None
    return Engine(EngineKind.DOCKER, EngineState.UP, platform=platform, **facts)


@pytest.mark.parametrize(
    ("kernel", "engines", "said"),
    [
        (ARM64, [docker("linux/arm64/v8")], []),
        (ARM64, [docker()], []),
        (ARM64, [docker("linux/aarch64")], []),
        (PI, [docker("linux/arm64")], ["the userland 32-bit"]),
        (ARM64, [docker("linux/arm")], ["it asks for linux/arm and never takes linux/arm64"]),
        (I686, [docker("linux/amd64")], ["so the kernel is too, although it says i686"]),
        (ARM64, [docker("linux/amd64")], ["the kernel is arm64, but docker says amd64"]),
        (ARM64, [docker("windows/arm64")], ["runs windows containers"]),
        (ARM64, [docker("linux/amd64", in_vm=True)], ["in a virtual machine"]),
        (UNCLEAR, [docker("linux/amd64"), docker("linux/arm64", owner="bob")], ["docker:bob says arm64"]),
        (SHADOWED, [], ["qemu-aarch64 (QEMU) takes the host's own programs"]),
    ],
)
def test_a_contradiction_is_said_in_words(kernel, engines, said):
    found = discrepancies(kernel, engines)

    assert len(found) == len(said)
    assert all(words in sentence for words, sentence in zip(said, found, strict=True))
