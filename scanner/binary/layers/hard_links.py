"""Which paths of one layer are names of the same file."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class HardLinks:
    """The names of files that have more than one; what another entry replaces is a name of its file no longer."""

    _names: dict[str, set[str]] = field(default_factory=dict)

    def names(self, path: str) -> tuple[str, ...]:
        """All names of the file at a path, this one among them, in no order."""
        return tuple(self._names.get(path, {path}))

    def join(self, path: str, further: str) -> None:
        """Give the file at a path a further name."""
        names = self._names.setdefault(path, {path})
        names.add(further)
        self._names[further] = names

    def forget(self, path: str) -> None:
        """Something else stands at a path from now on."""
        if (names := self._names.pop(path, None)) is not None:
            names.discard(path)
