"""Plans of a run by the copies of its image that may be there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned
from scanner.probe.planned.unknown_text import is_known, shown

if TYPE_CHECKING:
    from scanner.domain.plan import Plan
    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.commands.local_images import Copy

MAX_COPIES = 8
"""Of one image, one of which may be there: nobody writes as many ways."""


def taken(plan: Plan, copies: frozenset[Copy], setting: Setting) -> Plans:
    """A plan by each copy of its image that may be there.

    Raises:
        UnclearError: only the running host knows the platform of one, or what it was pulled as; or there are too many.
    """
    if len(copies) > MAX_COPIES:
        raise UnclearError(f"{shown(plan.image)} may be one of more than {MAX_COPIES} copies")
    made = {one.is_made for one in copies}
    found = Plans()
    for one in sorted(copies, key=lambda copy: (copy.platform, copy.place, copy.image)):
        if not is_known(one.image):
            raise UnclearError(f"only the running host knows which image is called {shown(plan.image)} there")
        if not is_known(one.platform) and not plan.pinned:
            raise UnclearError(f"only the running host knows the platform of {shown(plan.image)} that is there")
        own = plan if plan.pinned else replace(plan, pinned=pinned(one.platform), pinned_at=one.place)
        own = replace(own, image=_called(plan, one), build_only=plan.build_only or one.is_made)
        if (one.is_made and False in made) or own in found.planned:
            continue
        found += Plans((own,))
    if len(made) > 1:
        found += gap(setting.place(), f"{shown(plan.image)} may be an image that is made on the host")
    return found


def _called(plan: Plan, copy: Copy) -> str:
    """What a plan's image is called in the registry: where a copy is for another platform than asked for, it is pulled anew.

    Raises:
        UnclearError: only the running host knows the copy's platform.
    """
    if not copy.image or not plan.pinned:
        return copy.image or plan.image
    there = pinned(copy.platform) if is_known(copy.platform) else None
    if there == plan.pinned:
        return copy.image
    if there is None:
        asked = f"whether {shown(plan.image)}, another name of {shown(copy.image)} there, is for {plan.pinned}"
        raise UnclearError(f"only the running host knows {asked}")
    return plan.image
