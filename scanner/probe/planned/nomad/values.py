"""Values of a job file with its variables put in, as far as the file itself tells them."""

from __future__ import annotations

from typing import Any

from scanner.probe.planned.nomad.hcl import Block, Reference, Template, Unknown

MAX_CHARS = 1 << 16
"""Of one text with everything put in; what is longer is left to Nomad."""

MAX_STEPS = 20
"""Locals that refer to locals; more are a circle."""

_AT_RUN_TIME = frozenset({"attr", "node", "meta", "env", "device"})
"""What each client knows of itself: Nomad's parser leaves these references in the text."""

_MISSING: Any = object()


class Scope:
    """The variables and locals of one file. A variable is its default: what a command line sets instead stands nowhere."""

    def __init__(self, root: Block) -> None:
        self._defaults = {
            block.labels[0]: block.values.get("default", _MISSING) for block in root.all("variable") if block.labels
        }
        self._locals: dict[str, Any] = {}
        for block in root.all("locals"):
            self._locals |= block.values
        self._known: dict[str, Any] = {}

    def value(self, value: Any, steps: int = 0) -> Any:
        """A value as text, number, list or mapping; ``Unknown`` where only Nomad can tell it."""
        if isinstance(value, Reference):
            return self._referred(value.name, steps)
        if isinstance(value, Template):
            return self._text(value, steps)
        if isinstance(value, list):
            return [self.value(one, steps) for one in value]
        if isinstance(value, dict):
            return {key: self.value(one, steps) for key, one in value.items()}
        return value

    def values(self, block: Block) -> dict[str, Any]:
        """All attributes of a block."""
        return {key: self.value(value) for key, value in block.values.items()}

    def _referred(self, name: str, steps: int) -> Any:
        root, _, rest = name.partition(".")
        if root in _AT_RUN_TIME or root.startswith("NOMAD_"):
            return "${" + name + "}"
        if root not in ("var", "local") or steps > MAX_STEPS:
            return Unknown(name)
        key, _, within = rest.partition(".")
        held = self._defaults.get(key, _MISSING) if root == "var" else self._locals.get(key, _MISSING)
        if held is _MISSING:
            return Unknown(name)
        whole = f"{root}.{key}"
        if whole not in self._known:
            self._known[whole] = Unknown(name)  # within itself it stands for nothing
            self._known[whole] = self.value(held, steps + 1)
        return _within(self._known[whole], within, name)

    def _text(self, template: Template, steps: int) -> Any:
        pieces = []
        for part in template.parts:
            piece = part if isinstance(part, str) else self.value(part, steps)
            if isinstance(piece, Unknown | list | dict) or piece is None:
                return Unknown("".join(map(_written, template.parts))[:MAX_CHARS])
            pieces.append(text_of(piece))
        text = "".join(pieces)
        return text if len(text) <= MAX_CHARS else Unknown(text[:100])


def _within(value: Any, path: str, name: str) -> Any:
    for key in path.split(".") if path else ():
        if not isinstance(value, dict) or key not in value:
            return Unknown(name)
        value = value[key]
    return value


def _written(part: str | Reference | Unknown) -> str:
    return part if isinstance(part, str) else "${" + (part.name if isinstance(part, Reference) else part.text) + "}"


def text_of(value: Any) -> str:
    """A scalar as HCL writes it where text is wanted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
