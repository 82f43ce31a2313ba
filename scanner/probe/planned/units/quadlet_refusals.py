"""What Podman's generator refuses of a quadlet's keys, each of which it knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.formats import systemd_unit
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import is_known

if TYPE_CHECKING:
    from scanner.probe.planned.units.quadlet_file import Quadlet

_PORTS = re.compile(r"(?<![0-9])[0-9]+(?:-[0-9]+)?(?:/udp|/tcp)?\Z", re.ASCII)
"""What must be found at the end of ``ExposeHostPort=``: the generator asks for no more."""

_ADDRESS = re.compile(r"(?:https?|git://)|.*(?:git@|github\.com/.)", re.ASCII)
"""What the generator takes for an address: it asks for no more of the beginning than this."""

_MAPPED = ("UserNS", "SubUIDMap", "SubGIDMap")
_MAPS = ("UIDMap", "GIDMap")
_REMAPPED = ("RemapUid", "RemapGid", "RemapUsers")
_WAYS = frozenset({"manual", "auto", "keep-id"})
_DIRECTORIES = frozenset({"", "yaml", "unit"})


def demand_taken(quadlet: Quadlet) -> None:
    """See to it that the generator makes a service of a quadlet.

    Raises:
        UnclearError: it refuses what the quadlet says, or keys beside each other.
    """
    _demand_users(quadlet)
    for setting in quadlet.every("ExposeHostPort"):
        if not _PORTS.search(setting.value.strip()):
            raise UnclearError(f"{setting.place()}: Podman refuses ExposeHostPort={setting.value.strip()}")
    if quadlet.setting("ReloadCmd") and quadlet.setting("ReloadSignal"):
        raise UnclearError("Podman refuses ReloadCmd= beside ReloadSignal=")
    directory = quadlet.one("SetWorkingDirectory") or ""
    if quadlet.kind == ".kube" and directory.lower() not in _DIRECTORIES:
        raise UnclearError(f"Podman refuses SetWorkingDirectory={directory}")
    if quadlet.kind == ".build":
        _demand_place(quadlet, directory.lower())


def _demand_place(quadlet: Quadlet, directory: str) -> None:
    """A build's file is named from the root, or from a directory that is told."""
    file = quadlet.one("File") or ""
    if directory == "yaml" or (directory == "file" and not file):
        raise UnclearError(f"Podman refuses SetWorkingDirectory={directory}")
    place = systemd_unit.last(quadlet.settings, "Service", "WorkingDirectory")
    if (
        file
        and is_known(file)
        and not file.startswith("/")
        and not _ADDRESS.match(file)
        and not directory
        and not (place and place.value)
    ):
        raise UnclearError(f"Podman refuses File={file} without SetWorkingDirectory=")


def _demand_users(quadlet: Quadlet) -> None:
    """Users are mapped by one kind of keys alone, and by the older ones only where ``RemapUsers=`` says how."""
    remapped = [key for key in _REMAPPED if quadlet.setting(key)]
    if any(map(quadlet.one, _MAPPED)) or any(map(quadlet.words, _MAPS)):
        if remapped:
            raise UnclearError(f"Podman refuses {remapped[0]}= beside keys that map users")
        return
    way = quadlet.one("RemapUsers") or ""
    if way and (way not in _WAYS or (way == "manual" and quadlet.kind == ".kube")):
        raise UnclearError(f"Podman refuses RemapUsers={way}")
    most = {"": 0, "keep-id": 1}.get(way)
    for key in ("RemapUid", "RemapGid"):
        if most is not None and len(quadlet.words(key)) > most:
            raise UnclearError(f"Podman refuses so many {key}= with RemapUsers={way}")
