"""Which hosts a unit is for by its own conditions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.plan import Placement, Requirement
from scanner.probe.planned.plans import Plans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.plan import Plan
    from scanner.formats.systemd_unit import Setting

_KINDS = ("Condition", "Assert")

_ARCHITECTURES: Mapping[str, Requirement | None] = MappingProxyType(
    {
        "native": None,
        "x86-64": Requirement("arch", "In", ("amd64", "386")),
        "x86": Requirement("arch", "In", ("amd64", "386")),
        "arm64": Requirement("arch", "In", ("arm64", "arm")),
        "arm": Requirement("arch", "In", ("arm64", "arm")),
        "loongarch64": Requirement("arch", "In", ("loong64",)),
        "!x86-64": Requirement("arch", "NotIn", ("amd64",)),
        "!arm64": Requirement("arch", "NotIn", ("arm64",)),
    }
)
"""What each asks of a host (systemd.unit(5)), as far as its platform tells.

systemd asks the kernel, and below a 64-bit kernel there may be 32-bit programs: both are of one family here, since a unit
that runs is never to be left out.
"""


@dataclass(slots=True)
class _Said:
    """Conditions of one kind: all of the first must hold, one of the second; ``None`` is one that nobody can tell."""

    every: list[Requirement | None] = field(default_factory=list)
    one_of: list[Requirement | None] = field(default_factory=list)

    def terms(self) -> tuple[tuple[Requirement, ...], ...]:
        """What is asked for, each term being enough."""
        asked = tuple(one for one in self.every if one)
        chosen = [one for one in self.one_of if one]
        is_open = len(chosen) < len(self.one_of) or not chosen
        return (asked,) if is_open else tuple((*asked, one) for one in chosen)


def placed(made: Plans, settings: Iterable[Setting]) -> Plans:
    """Plans of a unit, for those hosts alone on which systemd would start it."""
    terms: tuple[tuple[Requirement, ...], ...] = ((),)
    for said in _said(settings):
        terms = tuple(term + more for term in terms for more in said.terms())
    return Plans(tuple(_on(plan, terms) for plan in made.planned), made.gaps) if any(terms) else made


def _said(settings: Iterable[Setting]) -> tuple[_Said, ...]:
    """What is asked for; an empty condition of any name takes back all before it, so with assertions."""
    said = {kind: _Said() for kind in _KINDS}
    for setting in settings:
        kind = next(filter(setting.key.startswith, _KINDS), "")
        if setting.section != "Unit" or not kind:
            continue
        if not setting.value:
            said[kind] = _Said()
            continue
        value = "".join(setting.value.split())
        among = said[kind].one_of if value.startswith("|") else said[kind].every
        among.append(_asked(setting.key.removeprefix(kind), value.removeprefix("|")))
    return tuple(said.values())


def _asked(name: str, value: str) -> Requirement | None:
    """What one condition asks of a host."""
    if name == "Architecture":
        known = _ARCHITECTURES.get(value, ...)
        if known is not ...:
            return known
        return None if value.startswith("!") else Requirement("arch", "In", (value.replace("-", ""),))
    if name == "Host" and "%" not in value and value != _HIDDEN:
        return Requirement("host", "NotIn" if value.startswith("!") else "In", (value.removeprefix("!"),))
    return None


_HIDDEN = "@hidden"
"""What a probe sends of values that it keeps."""


def _on(plan: Plan, terms: tuple[tuple[Requirement, ...], ...]) -> Plan:
    own = plan.placement.terms if plan.placement else ((),)
    return replace(plan, placement=Placement(tuple(term + more for term in own for more in terms)))
