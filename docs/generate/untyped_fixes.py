"""Fixes whose commands no test has typed, each with why."""

from __future__ import annotations

from scanner.domain.verdict.reason import Reason

_CPU = "needs a CPU or a kernel that the machine of the tests does not have; its build is what `illegal_instruction` has typed"
_SAME = "its build is the command that `platform_missing` has typed; what its sources are to say is a person's to write"
_REGISTRY = "the registry of the tests takes no such image; those that it takes are built and pushed anew over it"

_ABSENT = "the registry of the tests says of no image that its repository is not there; its build is what `image_tag_missing` has typed"

_WITHIN = "comes of an index within an index alone, which the engine of the tests refuses; its build is what `image_refused` has typed"

UNTYPED = {
    _CPU: (
        Reason.PAGE_SIZE_SUSPECT, Reason.CPU_LEVEL_TOO_LOW, Reason.AARCH32_MISSING, Reason.IA32_MISSING,
    ),
    _SAME: (Reason.EXEC_FORMAT_ERROR,),
    _REGISTRY: (Reason.IMAGE_UNSUPPORTED,),
    _ABSENT: (Reason.IMAGE_NOT_FOUND,),
    _WITHIN: (Reason.IMAGE_NO_PLATFORMS,),
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
