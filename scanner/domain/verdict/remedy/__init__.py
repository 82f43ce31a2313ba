"""What makes it right: for each reason the exact command or change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.remedy import builds, emulators, files, hosts, images
from scanner.domain.verdict.remedy.trouble import Handler, Pin, Trouble
from scanner.domain.verdict.surroundings import SURROUNDINGS
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.platform.platform import Platform

__all__ = ["MAX_HOSTS_NAMED", "Handler", "Pin", "Trouble", "fix", "with_hosts"]


def fix(reason: Reason, trouble: Trouble) -> Fix:
    """The fix of ``reason``; a verdict that needs none gets an empty one."""
    if reason is Reason.NATIVE:
        return Fix()
    if trouble.native is not None:
        from scanner.domain.verdict.remedy.choice import another_choice  # noqa: PLC0415 -- who explains a text has no workload, and waits for no import

        if other := another_choice(reason, trouble):
            return other
    if make := _FIXES.get(reason):
        return make(trouble)
    if told := SURROUNDINGS.get(reason):
        named = f"{trouble.path}: {told}" if trouble.path else told
        return Fix(named, (*builds.show(trouble), *builds.build(trouble)))
    if STATUS_OF[reason] is Status.UNKNOWN:
        return images.look_again(trouble)
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
    Reason.EMULATED: emulators.emulated,
    Reason.NATIVE_SHADOWED: emulators.shadowed,
    Reason.EMULATOR_UNUSABLE: emulators.unusable,
    Reason.CONFIG_DISAGREES: files.config,
    Reason.MISLABELLED: files.config,
    Reason.PLATFORM_LOST: images.lost,
    Reason.NEXT_PULL_BROKEN: images.next_pull,
    Reason.TAG_GONE: images.tag_gone,
    Reason.FOREIGN_USERLAND: files.userland,
    Reason.HEALTHCHECK_WRONG_BINARY: files.userland,
    Reason.FOREIGN_BINARIES: files.may_start,
    Reason.PLATFORM_MISSING: builds.add_platform,
    Reason.WRONG_PLATFORM: builds.add_platform,
    Reason.WRONG_BINARY: files.right_binary,
    Reason.WRONG_LOADER: files.right_binary,
    Reason.WRONG_LIBRARY: files.right_binary,
    Reason.WRONG_INTERPRETER: files.right_binary,
    Reason.CPU_LEVEL_TOO_LOW: files.lower_level,
    Reason.ILLEGAL_INSTRUCTION: files.lower_level,
    Reason.AARCH32_MISSING: files.native_variant,
    Reason.IA32_MISSING: files.native_variant,
    Reason.EXEC_FORMAT_ERROR: files.runtime,
    Reason.NO_COMMAND: files.no_command,
    Reason.NO_SHEBANG: files.shebang,
    Reason.CRLF_SHEBANG: files.crlf,
    Reason.BOM_SHEBANG: files.bom,
    Reason.UTF16_SHEBANG: files.utf16,
    Reason.SHEBANG_TOO_LONG: files.too_long,
    Reason.SHEBANG_TOO_DEEP: files.too_deep,
    Reason.INTERPRETER_MISSING: files.interpreter,
    Reason.INTERPRETER_NOT_EXECUTABLE: files.executable_interpreter,
    Reason.LOADER_MISSING: files.loader,
    Reason.LOADER_INVALID: files.loader,
    Reason.LIBRARY_MISSING: files.no_library,
    Reason.LIBRARY_TOO_OLD: files.older_base,
    Reason.ENTRYPOINT_MISSING: files.install,
    Reason.ENTRYPOINT_NOT_EXECUTABLE: files.executable,
    Reason.ENTRYPOINT_DIRECTORY: files.install,
    Reason.ENTRYPOINT_EMPTY: files.damaged,
    Reason.ENTRYPOINT_TRUNCATED: files.damaged,
    Reason.NOT_A_PROGRAM: files.damaged,
    Reason.SYMLINK_LOOP: files.install,
    **hosts.FIXES,
    **images.FIXES,
}
