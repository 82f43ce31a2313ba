"""What a quadlet takes from others by their names, without which Podman starts nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.documents.csv_record import first_record
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.units.quadlet_refusals import demand_taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.probe.planned.units.quadlet_file import Quadlet
    from scanner.probe.planned.units.quadlet_keys import Version
    from scanner.probe.planned.units.unit_files import Unit

_NETWORKS = (".network", ".container")
_IMAGES = (".image", ".build")

_DEMANDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    ".image": (("Image",),),
    ".build": (("ImageTag",), ("File", "SetWorkingDirectory")),
}
"""Keys of which the generator demands one each."""


@dataclass(frozen=True, slots=True)
class Others:
    """The quadlets that one may refer to by name: those of its own manager, or else the only one of that name.

    Without ``has_volumes`` nobody asked for volumes with networks, so that none of them is missing.
    """

    units: list[Unit]
    read: Mapping[str, Quadlet]
    has_volumes: bool = True

    def named(self, name: str, scope: str) -> Quadlet | None:
        """The quadlet of a name."""
        found = [unit for unit in self.units if unit.name == name]
        own = [unit for unit in found if unit.scope == scope]
        chosen = own or (found if len(found) == 1 else [])
        return self.read[chosen[0].path] if chosen else None

    def demand_all_of(self, quadlet: Quadlet, scope: str, within: tuple[str, ...] = ()) -> None:
        """See to it that everything is there that a quadlet names, which those of the paths ``within`` name.

        Raises:
            UnclearError: Podman makes no service of it, or one that waits for another that is never made.
        """
        if quadlet.path in within:
            raise UnclearError("it waits for itself")
        for name in _names(quadlet):
            other = self.named(name, scope)
            if other is None and not self.has_volumes and name.endswith((".volume", ".network")):
                continue
            if other is None:
                raise UnclearError(f"{name} is not there")
            if other.kind != ".container":  # which is told of itself
                try:
                    self._demand_sound(other, scope, (*within, quadlet.path))
                except UnclearError as error:
                    raise UnclearError(f"Podman refuses {name}: {error}") from error

    def since(self, quadlet: Quadlet, scope: str) -> tuple[Version, str]:
        """The first version of Podman that takes a quadlet with all that it names, and the latest part of that."""
        version, what = quadlet.since()
        for name in _names(quadlet):
            other = self.named(name, scope)
            if other is not None and other.kind != ".container":
                asked, of = self.since(other, scope)
                version, what = max((version, what), (asked, f"{of} of {name}"))
        return version, what

    def _demand_sound(self, quadlet: Quadlet, scope: str, within: tuple[str, ...]) -> None:
        if odd := next(quadlet.unsupported(), None):
            raise UnclearError(f"it has no key {odd.key}=")
        demand_taken(quadlet)
        demanded = _DEMANDED.get(quadlet.kind, ())
        if quadlet.kind == ".volume" and quadlet.one("Driver") == "image":
            demanded = (("Image",),)
        for keys in demanded:
            if not any(map(quadlet.one, keys)):
                raise UnclearError(f"it has no {' or '.join(f'{key}=' for key in keys)}")
        self.demand_all_of(quadlet, scope, within)


_OF_A_SOURCE = frozenset({"volume", "bind", "glob", "image", "artifact"})
"""Types of mounts that the generator demands a source of."""


def _names(quadlet: Quadlet) -> Iterator[str]:
    """The quadlets that one names; in a circle a volume may be of the image that a build makes with it."""
    match quadlet.kind:
        case ".container":
            yield from _of_images(quadlet)
            yield from _one(quadlet, "Pod")
            yield from _of_networks(quadlet)
            yield from _of_volumes(quadlet)
            yield from _of_mounts(quadlet)
        case ".pod" | ".build":
            yield from _of_networks(quadlet)
            yield from _of_volumes(quadlet)
        case ".kube":
            yield from _of_networks(quadlet)
        case ".volume" if quadlet.one("Driver") == "image":
            yield from _of_images(quadlet)


def _one(quadlet: Quadlet, key: str) -> Iterator[str]:
    if name := quadlet.one(key):
        yield name


def _of_images(quadlet: Quadlet) -> Iterator[str]:
    return (name for name in _one(quadlet, "Image") if name.endswith(_IMAGES))


def _of_networks(quadlet: Quadlet) -> Iterator[str]:
    names = (setting.value.strip().partition(":")[0] for setting in quadlet.every("Network"))
    return (name for name in names if name.endswith(_NETWORKS))


def _of_volumes(quadlet: Quadlet) -> Iterator[str]:
    said = (setting.value.strip().partition(":") for setting in quadlet.every("Volume"))
    return (source for source, colon, _ in said if colon and _is_unit(source, ".volume"))


def _of_mounts(quadlet: Quadlet) -> Iterator[str]:
    for mount in quadlet.args("Mount"):
        options = dict(word.partition("=")[::2] for word in first_record(mount) or ())
        source = options.get("source") or options.get("src") or ""
        if not source and options.get("type", "volume") in _OF_A_SOURCE:
            raise UnclearError(f"Podman refuses Mount={mount}, which has no source")
        if _is_unit(source, ".volume", ".image"):
            yield source


def _is_unit(source: str, *suffixes: str) -> bool:
    return source.endswith(suffixes) and source[:1] not in {"/", "."}
