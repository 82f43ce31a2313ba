"""Remedies for emulators: handlers that are off, lack a flag, or will be gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict.remedy.builds import build
from scanner.domain.verdict.remedy.trouble import word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from scanner.domain.verdict.remedy.trouble import Handler, Trouble

BINFMT = "/proc/sys/fs/binfmt_misc"
INSTALLER = "docker run --privileged --rm tonistiigi/binfmt"
"""The image that registers QEMU's handlers with the F flag."""

_ROSETTA = "Rosetta"


def emulated(t: Trouble) -> Fix:
    """It starts slowly; the end of the emulator is told where it is known."""
    ends = ""
    if t.emulator is not None and t.emulator.emulator == _ROSETTA:
        ends = " Apple has announced that Rosetta ends with macOS 28: plan for it."
    return Fix(
        f"It starts, slowly, through an emulator; build it for {t.needed} and pin no other platform.{ends}", build(t)
    )


def unusable(t: Trouble) -> Fix:
    """A handler that is there but off is switched on; one without F is registered anew."""
    entry = t.emulator
    if entry is None:
        return Fix(
            "The emulator does not work inside containers: register it anew with the F flag, or build the image for this host.",
            (f"{INSTALLER} --uninstall {_arch(t)}", f"{INSTALLER} --install {_arch(t)}", *build(t)),
        )
    if t.binfmt_off or not entry.enabled:
        return Fix(
            f"An emulator is there ({entry.emulator}), but switched off: switch it on, or build the image for this host.",
            _switched_on(t, entry),
        )
    if entry.is_fixed:
        return Fix(
            f"The emulator {entry.interpreter} fails at this program: build the image for {t.needed or 'this host'}.",
            build(t),
        )
    return Fix(
        f"The handler {entry.name} was registered without the F flag, so that {entry.interpreter} is not found inside a "
        "container. Take it away, then register it anew (a handler that is there stays as it is); or build the image for this host.",
        (f"echo -1 | {t.become} tee {BINFMT}/{_name(entry)}", f"{INSTALLER} --install {_arch(t)}"),
    )


def shadowed(t: Trouble) -> Fix:
    """A handler takes what the host could run itself."""
    if t.emulator is None:
        return Fix(
            "A binfmt_misc handler takes this host's own programs: take it away.",
            (f"grep --files-with-matches '^enabled' {BINFMT}/*", f"echo -1 | {t.become} tee {BINFMT}/HANDLER"),
        )
    return Fix(
        f"The binfmt_misc handler {t.emulator.name} takes this host's own programs: take it away, and out of "
        "/etc/binfmt.d or the package that registers it, or it is back after the next boot.",
        (
            f"echo -1 | {t.become} tee {BINFMT}/{_name(t.emulator)}",
            f"grep --recursive --files-with-matches {_name(t.emulator)} /etc/binfmt.d /usr/lib/binfmt.d",
        ),
    )


def _switched_on(t: Trouble, entry: Handler) -> tuple[str, ...]:
    every = (f"echo 1 | {t.become} tee {BINFMT}/status",) if t.binfmt_off else ()
    one = () if entry.enabled else (f"echo 1 | {t.become} tee {BINFMT}/{_name(entry)}",)
    return (*every, *one)


def _name(entry: Handler) -> str:
    return word(entry.name, "HANDLER")


def _arch(t: Trouble) -> str:
    return word(t.emulates, "all") if t.emulates else "all"
