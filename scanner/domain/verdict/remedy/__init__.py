"""What makes it right: for each reason the exact command or change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.remedy import builds, consoles, emulation, file_fixes, hosts, image_fixes
from scanner.domain.verdict.remedy.archive_fixes import archived
from scanner.domain.verdict.remedy.surrounding_fixes import SURROUNDINGS
from scanner.domain.verdict.remedy.trouble import Handler, Pin, Trouble, archive_of
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.platform.platform import Platform

__all__ = ["MAX_HOSTS_NAMED", "Handler", "Pin", "Trouble", "fix", "with_hosts"]


def fix(reason: Reason, trouble: Trouble) -> Fix:
    """The fix of ``reason``; a verdict that needs none gets an empty one."""
    if reason is Reason.NATIVE:
        return Fix()
    if trouble.workload is None and trouble.native is None:
        return _of_image(reason, trouble)
    from scanner.domain.verdict.remedy import choice, recreate  # noqa: PLC0415 -- who explains a text has no workload, and waits for no import

    if trouble.since is not None and STATUS_OF[reason] is not Status.UNKNOWN:
        return recreate.built_since(trouble, trouble.since)
    if trouble.native is not None and (other := choice.another_choice(reason, trouble)):
        return other
    if not trouble.is_asked and trouble.needed is not None and reason in choice.OF_A_CHOICE:
        return choice.unasked(trouble, trouble.needed)
    return recreate.after_build(_of_image(reason, trouble), trouble)


def _of_image(reason: Reason, trouble: Trouble) -> Fix:
    if archive_of(trouble) and (of_file := archived(reason, trouble)):
        return of_file
    if make := (consoles.is_at_one(trouble) and consoles.FIXES.get(reason)) or _FIXES.get(reason):
        return make(trouble)
    if told := SURROUNDINGS.get(reason):
        named = f"{trouble.path}: {told}" if trouble.path else told
        return Fix(named, (*builds.show(trouble), *builds.build(trouble)))
    if STATUS_OF[reason] is Status.UNKNOWN:
        return image_fixes.look_again(trouble)
    return Fix("Rebuild the image for this host.", builds.build(trouble))


def with_hosts(given: Fix, hosts: tuple[str, ...], offered: tuple[Platform, ...]) -> Fix:
    """The same fix, naming hosts of the fleet where the image as it is would start."""
    if not hosts:
        return given
    shown = ", ".join(hosts[:MAX_HOSTS_NAMED]) + (" …" if len(hosts) > MAX_HOSTS_NAMED else "")
    platforms = ", ".join(map(str, offered))
    return Fix(f"{given.summary} Or run it where it fits ({platforms}): {shown}.", given.commands)


MAX_HOSTS_NAMED = 5
"""More names than these are no help on a page; the host list filters by platform."""


_FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    Reason.EMULATED: emulation.emulated,
    Reason.NATIVE_SHADOWED: emulation.shadowed,
    Reason.EMULATOR_UNUSABLE: emulation.unusable,
    Reason.CONFIG_DISAGREES: file_fixes.config,
    Reason.MISLABELLED: file_fixes.config,
    Reason.PLATFORM_LOST: image_fixes.lost,
    Reason.NEXT_PULL_BROKEN: image_fixes.next_pull,
    Reason.TAG_GONE: image_fixes.tag_gone,
    Reason.FOREIGN_USERLAND: file_fixes.userland,
    Reason.HEALTHCHECK_WRONG_BINARY: file_fixes.userland,
    Reason.FOREIGN_BINARIES: file_fixes.may_start,
    Reason.PLATFORM_MISSING: builds.add_platform,
    Reason.WRONG_PLATFORM: builds.add_platform,
    Reason.WRONG_BINARY: file_fixes.right_binary,
    Reason.WRONG_LOADER: file_fixes.right_binary,
    Reason.WRONG_LIBRARY: file_fixes.right_binary,
    Reason.WRONG_INTERPRETER: file_fixes.right_binary,
    Reason.CPU_LEVEL_TOO_LOW: file_fixes.lower_level,
    Reason.ILLEGAL_INSTRUCTION: file_fixes.lower_level,
    Reason.AARCH32_MISSING: file_fixes.native_variant,
    Reason.IA32_MISSING: file_fixes.native_variant,
    Reason.EXEC_FORMAT_ERROR: file_fixes.runtime,
    Reason.NO_COMMAND: file_fixes.no_command,
    Reason.NO_SHEBANG: file_fixes.shebang,
    Reason.CRLF_SHEBANG: file_fixes.crlf,
    Reason.BOM_SHEBANG: file_fixes.bom,
    Reason.UTF16_SHEBANG: file_fixes.utf16,
    Reason.SHEBANG_TOO_LONG: file_fixes.too_long,
    Reason.SHEBANG_TOO_DEEP: file_fixes.too_deep,
    Reason.INTERPRETER_MISSING: file_fixes.interpreter,
    Reason.INTERPRETER_NOT_EXECUTABLE: file_fixes.executable_interpreter,
    Reason.LOADER_MISSING: file_fixes.loader,
    Reason.LOADER_INVALID: file_fixes.loader,
    Reason.LIBRARY_MISSING: file_fixes.no_library,
    Reason.LIBRARY_TOO_OLD: file_fixes.older_base,
    Reason.ENTRYPOINT_MISSING: file_fixes.install,
    Reason.ENTRYPOINT_NOT_EXECUTABLE: file_fixes.executable,
    Reason.ENTRYPOINT_DIRECTORY: file_fixes.install,
    Reason.ENTRYPOINT_EMPTY: file_fixes.damaged,
    Reason.ENTRYPOINT_TRUNCATED: file_fixes.damaged,
    Reason.NOT_A_PROGRAM: file_fixes.damaged,
    Reason.SYMLINK_LOOP: file_fixes.install,
    **hosts.FIXES,
    **image_fixes.FIXES,
}
