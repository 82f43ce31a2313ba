"""A platform that was chosen wrongly: a pin, a default, a stale copy of an image that offers the right one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Source, Stage
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.builds import show
from scanner.domain.verdict.remedy.recreate import recreate
from scanner.domain.verdict.remedy.trouble import image_word, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.remedy.trouble import Pin, Trouble

OF_A_CHOICE = frozenset({
    Reason.PLATFORM_MISSING, Reason.WRONG_PLATFORM, Reason.EXEC_FORMAT_ERROR, Reason.EMULATED, Reason.EMULATOR_UNUSABLE,
    Reason.AARCH32_MISSING, Reason.IA32_MISSING, Reason.CPU_LEVEL_TOO_LOW, Reason.ILLEGAL_INSTRUCTION,
    Reason.WRONG_BINARY, Reason.WRONG_LOADER, Reason.WRONG_LIBRARY, Reason.WRONG_INTERPRETER,
})  # fmt: skip
"""Reasons that vanish where another of the image's platforms is taken."""


def another_choice(reason: Reason, t: Trouble) -> Fix | None:
    """What has the right platform taken where the tag offers it today; ``None`` where it does not."""
    if t.native is None:
        return None
    exists = t.workload is not None and t.workload.stage is not Stage.PLANNED
    if reason not in OF_A_CHOICE:
        return _mended(t, t.native) if exists and t.held == t.native else None
    if t.pin is not None:
        return _undone(t, t.pin, t.native)
    if not exists:
        return None
    if t.held == t.native:
        return _mended(t, t.native)
    copy = f"is for {t.held}" if t.held else "is for another platform"
    return recreate(
        t, t.native, f"The copy of {image_word(t)} on {t.host} {copy}, while the tag offers {t.native} today."
    )


def unasked(t: Trouble, needed: Platform) -> Fix:
    """What has the right platform taken, where nobody knows whether the tag offers it."""
    copy = f"is for {t.held}" if t.held else "is for another platform"
    pinned = f" {t.pin.platform} may not be asked for any more ({t.pin.at or 'its pin'})." if t.pin is not None else ""
    found = recreate(
        t,
        needed,
        f"The copy of {image_word(t)} on {t.host} {copy}; what the tag offers today nobody looked up, since {t.host} knows this "
        f"image by other names alone. Build it for {needed} where the tag does not offer that.{pinned}",
    )
    return replace(found, commands=(*show(t), *found.commands))


def _mended(t: Trouble, platform: Platform) -> Fix:
    """What the tag means today was found to start."""
    return recreate(t, platform, f"What {image_word(t)} means today starts here; {t.host} has an older copy.")


def _undone(t: Trouble, pin: Pin, native: Platform) -> Fix:
    """The pin named, with what takes it away."""
    chosen = f"{pin.platform} was asked for, while the tag offers {native}, which {t.host} starts"
    if pin.is_default:
        told = "DOCKER_DEFAULT_PLATFORM (set on the host) chose it: take it out, then make the container anew."
        command = (
            "grep --recursive DOCKER_DEFAULT_PLATFORM /etc/environment /etc/profile.d /etc/systemd/system /etc/default"
        )
        return _with_recreation(Fix(f"{chosen}. {told}", (command,)), t, native)
    where = _where(t, pin)
    return _with_recreation(Fix(f"{chosen}. {where}", _look(pin)), t, native)


def _with_recreation(fix: Fix, t: Trouble, native: Platform) -> Fix:
    """What exists keeps its platform until it is made anew."""
    if t.workload is None or t.workload.stage is Stage.PLANNED:
        return fix
    anew = recreate(t, native, fix.summary)
    return Fix(anew.summary, (*fix.commands, *anew.commands))


_OPTIONS = {
    Source.COMPOSE: "platform:",
    Source.QUADLET: "--platform in PodmanArgs=, or Arch=/Variant=,",
    Source.SYSTEMD: "--platform, or DOCKER_DEFAULT_PLATFORM,",
    Source.NOMAD: "platform",
    Source.INVENTORY: "platform:",
}
"""What pins a platform in each kind of plan."""


def _where(t: Trouble, pin: Pin) -> str:
    source = _source(t, pin)
    option = "the DOCKER_DEFAULT_PLATFORM" if _is_variable(source, pin) else _OPTIONS.get(source, "--platform")
    place = f" in {pin.at}" if pin.at else _unplaced(source)
    return f"Take {option} {pin.platform} out{place}, or write {t.native} there."


def _is_variable(source: Source, pin: Pin) -> bool:
    """A Compose file has a line that pins; what has none, and is no such file, holds variables."""
    return (
        source is Source.COMPOSE and bool(pin.at) and not pin.at.partition(":")[0].endswith((".yml", ".yaml", ".json"))
    )


def _source(t: Trouble, pin: Pin) -> Source:
    """What kind of plan pins it; of what exists its maker tells."""
    if t.workload is None:
        return Source.INVENTORY
    if t.workload.maker is None or not pin.at:
        return t.workload.source
    is_quadlet = pin.at.rpartition(":")[0].endswith((".container", ".image", ".build"))
    return Source.QUADLET if is_quadlet else t.workload.maker.kind


def _unplaced(source: Source) -> str:
    return " of the inventory's planned image" if source is Source.INVENTORY else " of its plan"


def _look(pin: Pin) -> tuple[str, ...]:
    """What shows the line; no command edits what a person wrote."""
    file, _, line = pin.at.rpartition(":")
    if line.isdecimal() and file:
        return (f"sed -n {line}p {word(file, 'FILE')}",)
    return ()
