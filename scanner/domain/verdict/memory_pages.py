"""Whether a kernel with pages of its size can map a program that it would otherwise execute."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.verdict.execution import Execution, How
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import Kernel
    from scanner.domain.image.offers import Elf

_4K, _16K, _64K = 4096, 16 * 1024, 64 * 1024

PAGE_SIZES: Mapping[str, tuple[int, ...]] = MappingProxyType({
    "amd64": (_4K,), "386": (_4K,), "arm": (_4K,), "s390x": (_4K,), "riscv64": (_4K,),
    "arm64": (_4K, _16K, _64K), "loong64": (_4K, _16K, _64K),
    "ppc64": (_4K, _64K), "ppc64le": (_4K, _64K),
    "mips64": (_4K, _16K, _64K), "mips64le": (_4K, _16K, _64K), "mips": (_4K, _16K, _64K), "mipsle": (_4K, _16K, _64K),
})  # fmt: skip
"""The sizes that Linux offers on each architecture (its Kconfig files); one means that the architecture leaves no choice."""


def mapped(kernel: Kernel, elf: Elf, execution: Execution) -> Execution:
    """What becomes of a file that starts by its machine once its segments are mapped; else ``execution`` as it is.

    A program whose addresses and offsets differ modulo the page size is killed (exit 139) without a word.
    """
    if execution.how is not How.NATIVE or not elf.max_page_size:
        return execution
    sizes = _sizes(kernel)
    if sizes and min(sizes) > elf.max_page_size:
        pages = f"pages of {sizes[0]} bytes" if len(sizes) == 1 else "pages of every size"
        detail = f"its segments can be mapped with pages of at most {elf.max_page_size} bytes, the kernel has {pages}"
        return Execution(How.NO, Reason.PAGE_SIZE_UNSUPPORTED, detail)
    if not sizes or max(sizes) > elf.max_page_size:
        detail = f"its segments can be mapped with pages of at most {elf.max_page_size} bytes; the host's are not known"
        return Execution(How.UNKNOWN, Reason.PART_INCOMPLETE, detail)
    return execution


def suspected(kernel: Kernel, elf: Elf) -> str:
    """Why a program that starts may yet give up over the kernel's pages; empty where nothing speaks for it."""
    if not elf.page_hint or kernel.page_size is None or kernel.page_size <= _4K:
        return ""
    return (
        f"it holds jemalloc, whose page size was fixed when it was built: with one below the kernel's {kernel.page_size} "
        "bytes it ends with 'Unsupported system page size'"
    )


def _sizes(kernel: Kernel) -> tuple[int, ...]:
    """The kernel's page size, or those that it may have; empty where even its architecture is not known."""
    if kernel.page_size is not None:
        return (kernel.page_size,)
    return PAGE_SIZES.get(kernel.platform.architecture, ()) if kernel.platform is not None else ()
