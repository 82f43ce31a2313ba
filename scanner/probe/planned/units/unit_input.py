"""What a service is given to read, as systemd gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.formats import systemd_unit
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.units.specifiers import Specifiers

_TEXT, _DATA = "StandardInputText", "StandardInputData"


def of_service(settings: Sequence[Setting], specifiers: Specifiers) -> str:
    """Its standard input: nothing but where the unit says so; with ``UNKNOWN`` in it where only the running host knows."""
    said = systemd_unit.last(settings, "Service", "StandardInput")
    texts = systemd_unit.values(settings, "Service", _TEXT, _DATA)
    kind = said.value if said is not None and said.value else "data" if texts else "null"
    if kind == "null":
        return ""
    is_plain = all(one.key == _TEXT and "\\" not in one.value and is_known(one.value) for one in texts)
    if kind != "data" or not is_plain:
        return UNKNOWN
    return "".join(f"{specifiers.put(one.value)}\n" for one in texts)
