"""Which programs a kernel's page size lets it map."""

import pytest

from scanner.domain.facts import Kernel
from scanner.domain.image.offers import Elf, Executable, FileKind, Offer, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict import evidence_layers
from scanner.domain.verdict.execution import Execution, How, executes
from scanner.domain.verdict.memory_pages import mapped
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.verdict import Depth

K = 1024
CASES = [
    ("amd64", 4 * K, 0, Reason.NATIVE),
    ("amd64", 4 * K, 4 * K, Reason.NATIVE),
    ("amd64", 4 * K, 16, Reason.PAGE_SIZE_UNSUPPORTED),
    ("amd64", None, 4 * K, Reason.NATIVE),
    ("amd64", None, 2 * K, Reason.PAGE_SIZE_UNSUPPORTED),
    ("arm64", 4 * K, 4 * K, Reason.NATIVE),
    ("arm64", 16 * K, 4 * K, Reason.PAGE_SIZE_UNSUPPORTED),
    ("arm64", 16 * K, 16 * K, Reason.NATIVE),
    ("arm64", 64 * K, 16 * K, Reason.PAGE_SIZE_UNSUPPORTED),
    ("arm64", 64 * K, 0, Reason.NATIVE),
    ("arm64", None, 4 * K, Reason.PART_INCOMPLETE),
    ("arm64", None, 16, Reason.PAGE_SIZE_UNSUPPORTED),
    ("arm64", None, 0, Reason.NATIVE),
    ("ppc64le", 64 * K, 4 * K, Reason.PAGE_SIZE_UNSUPPORTED),
    ("riscv64", None, 4 * K, Reason.NATIVE),
]


def machine(architecture, page_size):
    return Kernel("Linux", architecture, platform=Platform("linux", architecture), page_size=page_size)


def program(architecture, max_page_size):
    return Elf(0, 64, "little", Platform("linux", architecture), max_page_size=max_page_size)


@pytest.mark.parametrize(("architecture", "page_size", "limit", "expected"), CASES)
def test_a_program_is_mapped_where_its_limit_allows_the_page(architecture, page_size, limit, expected):
    kernel, elf = machine(architecture, page_size), program(architecture, limit)
    assert mapped(kernel, elf, executes(kernel, elf.needs)).reason is expected


def test_what_does_not_start_by_its_machine_keeps_its_reason():
    refused = Execution(How.NO, Reason.WRONG_PLATFORM)
    assert mapped(machine("arm64", 16 * K), program("amd64", 4 * K), refused) is refused


@pytest.mark.parametrize("role", ["entrypoint", "loader", "interpreter", "wrapped"])
def test_every_file_of_the_chain_must_be_mapped(role):
    kernel = machine("arm64", 16 * K)
    good = Executable("/app", "entrypoint", FileKind.ELF, program("arm64", 0))
    bad = Executable("/bad", role, FileKind.ELF, program("arm64", 4 * K))
    label = Platform("linux", "arm64")
    offer = Offer("sha256:0", config=label, program=Program(("/app",), (good, bad)))
    found = evidence_layers.offered(kernel, offer, indexed=False, depth=Depth.BINARY)
    assert (found.status, found.reason, found.path) == (Status.MISMATCH, Reason.PAGE_SIZE_UNSUPPORTED, "/bad")


@pytest.mark.parametrize(
    ("page_size", "hint", "expected"),
    [
        (4 * K, True, Reason.NATIVE),
        (16 * K, True, Reason.PAGE_SIZE_SUSPECT),
        (64 * K, True, Reason.PAGE_SIZE_SUSPECT),
        (16 * K, False, Reason.NATIVE),
        (None, True, Reason.NATIVE),
    ],
)
def test_an_allocator_with_a_fixed_page_is_a_suspicion_on_larger_pages(page_size, hint, expected):
    label = Platform("linux", "arm64")
    file = Executable("/app", "entrypoint", FileKind.ELF, Elf(183, 64, "little", label, page_hint=hint))
    offer = Offer("sha256:0", config=label, program=Program(("/app",), (file,)))
    found = evidence_layers.offered(machine("arm64", page_size), offer, indexed=False, depth=Depth.BINARY)
    assert found.reason is expected
