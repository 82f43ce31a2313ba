"""One quadlet with its drop-ins, looked up as Podman's generator looks it up."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats import systemd_unit
from scanner.formats.systemd_words import QUADLET_ARGS, QUADLET_LIST, WordsError, split
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.units.quadlet_keys import SINCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.units.quadlet_keys import Version

STARTING = (".container", ".kube", ".pod")
"""Kinds of quadlets that start containers."""

SUFFIXES = (*STARTING, ".image", ".build", ".volume", ".network")
"""All kinds: the others say what those start from, or must be there for them to start."""

SECTIONS = {
    ".container": "Container", ".kube": "Kube", ".image": "Image", ".build": "Build", ".pod": "Pod",
    ".volume": "Volume", ".network": "Network",
}  # fmt: skip
_SERVICE_ENDS = {
    ".image": "-image", ".build": "-build", ".pod": "-pod", ".volume": "-volume", ".network": "-network",
}  # fmt: skip
_FIRST: Version = (4, 4)
"""Podman that brings the generator."""

_WITH_DROP_INS: Version = (5, 0)
_TRUE = frozenset({"1", "yes", "true", "on"})


@dataclass(frozen=True, slots=True)
class Quadlet:
    """A quadlet's settings, its drop-ins' behind its own; ``path`` is its own file."""

    path: str
    settings: Sequence[Setting]

    @property
    def kind(self) -> str:
        """Its suffix."""
        return posixpath.splitext(self.path)[1]

    @property
    def section(self) -> str:
        """The section that is Podman's."""
        return SECTIONS[self.kind]

    @property
    def service(self) -> str:
        """The service that is made of it."""
        stem = posixpath.splitext(posixpath.basename(self.path))[0]
        end = _SERVICE_ENDS.get(self.kind, "")
        usual = f"{stem[:-1]}{end}@" if stem.endswith("@") else f"{stem}{end}"
        return f"{self.one('ServiceName') or usual}.service"

    def unsupported(self) -> Iterator[Setting]:
        """Settings with keys that are none."""
        known = SINCE[self.section]
        return (one for one in self.settings if one.section == self.section and one.key not in known)

    def since(self) -> tuple[Version, str]:
        """The first version of Podman that takes all that it says, with the latest part of that (``Pod=``)."""
        known = SINCE[self.section]
        asked = [(known.get(one.key, _FIRST), f"{one.key}=") for one in self.settings if one.section == self.section]
        if any(one.path != self.path for one in self.settings):
            asked.append((_WITH_DROP_INS, "a drop-in"))
        version, what = max(asked, default=(_FIRST, ""))
        return version, what if version > _FIRST else "the generator"

    def setting(self, key: str) -> Setting | None:
        """The last setting of a key."""
        return systemd_unit.last(self.settings, self.section, key)

    def one(self, key: str, section: str = "") -> str | None:
        """A key's one value, without quotes around it; none where it is not set.

        Raises:
            UnclearError: a quote on one side, which Podman's versions read differently.
        """
        found = systemd_unit.last(self.settings, section or self.section, key)
        if found is None:
            return None
        value = found.value.rstrip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        if value[:1] == '"' or value[-1:] == '"':
            raise UnclearError(f"{found.place()}: {key}= has a quote that Podman's versions read differently")
        return value

    def is_on(self, key: str) -> bool | None:
        """A key's value as yes or no; none where it is not set."""
        said = self.one(key)
        return None if said is None else said.lower() in _TRUE

    def every(self, key: str) -> list[Setting]:
        """All settings of a key since the last that took them back."""
        return systemd_unit.values(self.settings, self.section, key)

    def args(self, key: str) -> list[str]:
        """The words of every setting of a key.

        Raises:
            UnclearError: one cannot be split, or has an empty word; Podman leaves out what stands behind, without a word.
        """
        return [word for setting in self.every(key) for word in _split(setting)]

    def last_args(self, key: str) -> list[str]:
        """The words of the last setting of a key.

        Raises:
            UnclearError: as for ``args``.
        """
        found = self.setting(key)
        return _split(found) if found else []

    def words(self, key: str) -> list[str]:
        """The plain words of every setting of a key."""
        return [word for setting in self.every(key) for word in split(setting.value, QUADLET_LIST)]

    def assignments(self, key: str) -> dict[str, str]:
        """``NAME=value`` of every setting of a key, by name.

        Raises:
            UnclearError: as for ``args``.
        """
        said = (word.partition("=") for word in self.args(key))
        return {name: value for name, equals, value in said if equals}

    def place(self, *keys: str, marks: tuple[str, ...] = ()) -> str:
        """Where the last setting of some keys that has one of the marks stands."""
        found = [
            one for key in keys for one in self.every(key) if not marks or any(mark in one.value for mark in marks)
        ]
        return found[-1].place(*marks) if found else self.path


def _split(setting: Setting) -> list[str]:
    try:
        words = split(setting.value, QUADLET_ARGS)
    except WordsError as error:
        raise UnclearError(f"{setting.place()}: {setting.key}= cannot be split: {error}") from error
    if not all(words):
        raise UnclearError(
            f"{setting.place()}: {setting.key}= has an empty word, behind which Podman's versions read no further"
        )
    return words
