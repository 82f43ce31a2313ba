"""Fixes whose commands no test has typed, each with why."""

from __future__ import annotations

from scanner.domain.verdict.reason import Reason

_CPU = "needs a CPU or a kernel that the machine of the tests does not have, or changes its kernel for everybody on it"
_SAME = "its build is the command that `platform_missing` has typed; what its sources are to say is a person's to write"
_SOURCES = "no sources with this fault are among those that the tests mend and build"
_REGISTRY = "the registry of the tests takes no such image; those that it takes are built and pushed anew over it"

UNTYPED = {
    _CPU: (
        Reason.EMULATED, Reason.NATIVE_SHADOWED, Reason.EMULATOR_UNUSABLE, Reason.PAGE_SIZE_SUSPECT,
        Reason.PAGE_SIZE_UNSUPPORTED, Reason.CPU_LEVEL_TOO_LOW, Reason.AARCH32_MISSING, Reason.IA32_MISSING,
        Reason.ILLEGAL_INSTRUCTION,
    ),
    _SAME: (
        Reason.PLATFORM_LOST, Reason.NEXT_PULL_BROKEN, Reason.TAG_GONE, Reason.FOREIGN_USERLAND,
        Reason.HEALTHCHECK_WRONG_BINARY, Reason.WRONG_LIBRARY, Reason.EXEC_FORMAT_ERROR, Reason.FOREIGN_BINARIES,
        Reason.IMAGE_NOT_FOUND,
    ),
    _SOURCES: (Reason.PERMISSION_DENIED, Reason.IMAGE_REFUSED),
    _REGISTRY: (Reason.IMAGE_DIGEST_MISMATCH, Reason.IMAGE_UNSUPPORTED),
}  # fmt: skip
"""Reasons whose fix changes something, by why ``tests/system/test_fixes*.py`` do not type it."""


def section() -> str:
    """The table, in Markdown."""
    rows = (f"| {', '.join(f'`{reason}`' for reason in reasons)} | {why} |" for why, reasons in UNTYPED.items())
    return (
        "\n## Fixes that no test types\n\n"
        "The tests type the commands of a fix on a real host and scan again (`tests/system/test_fixes*.py`). These they do\n"
        "not type. Commands that only show something (`archscan image`, `ssh -v`, a scan anew) change nothing to look at.\n\n"
        "| fixes of | why not |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    )
