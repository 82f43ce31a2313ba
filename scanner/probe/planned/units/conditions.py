"""Which hosts a unit is for by its own conditions."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.plan import Placement, Requirement
from scanner.probe.planned.plans import Plans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.plan import Plan
    from scanner.formats.systemd_unit import Setting

_KINDS = ("Condition", "Assert")
_ARCHITECTURE = "Architecture"

_ASKED: Mapping[str, Requirement] = MappingProxyType(
    {
        "x86-64": Requirement("arch", "In", ("amd64", "386")),
        "x86": Requirement("arch", "In", ("amd64", "386")),
        "arm64": Requirement("arch", "In", ("arm64", "arm")),
        "arm": Requirement("arch", "In", ("arm64", "arm")),
        "s390x": Requirement("arch", "In", ("s390x",)),
        "ppc64-le": Requirement("arch", "In", ("ppc64le",)),
        "riscv64": Requirement("arch", "In", ("riscv64",)),
        "loongarch64": Requirement("arch", "In", ("loong64",)),
        "!x86-64": Requirement("arch", "NotIn", ("amd64",)),
        "!arm64": Requirement("arch", "NotIn", ("arm64",)),
    }
)
"""What each asks of a host (systemd.unit(5)), as far as its platform tells.

systemd asks the kernel, and below a 64-bit kernel there may be 32-bit programs: both are of one family here, since a unit
that runs is never to be left out.
"""


def placed(made: Plans, settings: Iterable[Setting]) -> Plans:
    """Plans of a unit, for those hosts alone on which systemd would start it."""
    asked = tuple(_ASKED[value] for value in _said(settings) if value in _ASKED)
    return Plans(tuple(_on(plan, asked) for plan in made.planned), made.gaps) if asked else made


def _said(settings: Iterable[Setting]) -> list[str]:
    """Architectures that are asked for; an empty condition of any name takes back all before it, so with assertions."""
    said: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for setting in settings:
        kind = next(filter(setting.key.startswith, _KINDS), "")
        if setting.section != "Unit" or not kind:
            continue
        if not setting.value:
            said[kind].clear()
        elif setting.key == kind + _ARCHITECTURE:
            said[kind].append("".join(setting.value.split()))
    return [value for values in said.values() for value in values]


def _on(plan: Plan, asked: tuple[Requirement, ...]) -> Plan:
    own = plan.placement.terms if plan.placement else ((),)
    return replace(plan, placement=Placement(tuple(term + asked for term in own)))
