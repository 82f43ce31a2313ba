"""Which hosts a unit is for by its own conditions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.plan import Placement, Requirement
from scanner.probe.planned.plans import Plans
from scanner.probe.planned.unknown_text import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.plan import Plan
    from scanner.formats.systemd_unit import Setting

MAX_ASKED = 1024
"""Requirements of one unit in all its terms: one for each of a thousand hosts that it may name.

Triggers of conditions times those of assertions may be more: what goes beyond is not asked, and the unit left out nowhere
for it.
"""

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

Terms = tuple[tuple[Requirement, ...], ...]
"""Of which one is enough."""


@dataclass(slots=True)
class _Said:
    """Conditions of one kind: all of the first must hold, one of the second; ``None`` is one that nobody can tell."""

    every: list[Requirement | None] = field(default_factory=list)
    one_of: list[Requirement | None] = field(default_factory=list)

    def narrowed(self, terms: Terms) -> Terms:
        """These terms with what is asked for here, each term being enough."""
        every = tuple(dict.fromkeys(one for one in self.every if one))
        chosen = tuple(dict.fromkeys(one for one in self.one_of if one))
        if len(chosen) * (len(every) + 1) > MAX_ASKED:
            return terms
        is_open = None in self.one_of or not chosen
        return _each_with_each(terms, (every,) if is_open else tuple((*every, one) for one in chosen))


def placement(settings: Iterable[Setting]) -> Placement | None:
    """The hosts on which systemd would start a unit; ``None`` where that may be any."""
    terms: Terms = ((),)
    for said in _said(settings):
        terms = said.narrowed(terms)
    return Placement(terms) if any(terms) else None


def placed(made: Plans, hosts: Placement | None) -> Plans:
    """Plans of a unit, for those hosts alone on which systemd would start it."""
    return Plans(tuple(_on(plan, hosts) for plan in made.planned), made.gaps) if hosts else made


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
        if value == HIDDEN:  # an older probe hides the mark of a trigger, too
            said[kind].one_of.append(None)
            continue
        among = said[kind].one_of if value.startswith("|") else said[kind].every
        among.append(_asked(setting.key.removeprefix(kind), value.removeprefix("|")))
    return tuple(said.values())


def _asked(name: str, value: str) -> Requirement | None:
    """What one condition asks of a host."""
    if "%" in value:  # for which systemd puts what it knows of the host
        return None
    if name == "Architecture":
        known = _ARCHITECTURES.get(value, ...)
        if known is not ...:
            return known
        return None if value.startswith("!") else Requirement("arch", "In", (value.replace("-", ""),))
    if name == "Host" and value != HIDDEN:
        return Requirement("host", "NotIn" if value.startswith("!") else "In", (value.removeprefix("!"),))
    return None


def _on(plan: Plan, hosts: Placement) -> Plan:
    both = Placement(_each_with_each(plan.placement.terms, hosts.terms)) if plan.placement else hosts
    return replace(plan, placement=both)


def _each_with_each(terms: Terms, more: Terms) -> Terms:
    """What both ask for; the first alone where that would be too much."""
    asked = len(terms) * sum(map(len, more)) + len(more) * sum(map(len, terms))
    return tuple(one + other for one in terms for other in more) if asked <= MAX_ASKED else terms
