"""Containers of Podman's quadlets."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Process, Source
from scanner.domain.plan import Plan
from scanner.probe.planned import manifests
from scanner.probe.planned.command import Run
from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPEN = re.compile(r"%[^%]", re.ASCII)
_OPTION = re.compile(r"--(platform|arch|os|variant)(?:=|\s+)(\S+)", re.ASCII)


@dataclass(slots=True)
class _Unit:
    """The lines of one quadlet, drop-ins included: the last value of each key, by section."""

    path: str
    values: dict[tuple[str, str], str] = field(default_factory=dict)

    def get(self, section: str, key: str) -> str:
        return self.values.get((section, key), "")


def plans(texts: Mapping[str, bytes]) -> Plans:
    """What quadlets plan, named by the service that Podman makes of each.

    Args:
        texts: ``.container``, ``.kube``, ``.image`` files, drop-ins and the YAML of ``.kube`` files, by path.
    """
    found = Plans()
    units: dict[str, _Unit] = {}
    for path in sorted(texts, key=lambda path: (posixpath.dirname(path).endswith(".d"), path)):
        if path.endswith((".container", ".kube", ".image", ".conf")):
            try:
                _read(units, path, text_of(texts[path]))
            except UnclearError as error:
                found += gap(path, error)
    for unit in units.values():
        try:
            found += _planned(unit, units, texts)
        except UnclearError as error:
            found += gap(unit.path, error)
    return found


def _read(units: dict[str, _Unit], path: str, text: str) -> None:
    directory = posixpath.dirname(path)
    owner = directory[:-2] if directory.endswith(".d") else path
    if owner not in units and owner != path:
        return  # a drop-in for a quadlet that is not there
    unit = units.setdefault(owner, _Unit(owner))
    section = ""
    for line in re.sub(r"\\\n", " ", text).split("\n"):
        words = line.strip()
        if words.startswith("["):
            section = words.strip("[]")
        elif "=" in words and not words.startswith(("#", ";")):
            key, _, value = words.partition("=")
            unit.values[section, key.strip()] = value.strip()


def _planned(unit: _Unit, units: Mapping[str, _Unit], texts: Mapping[str, bytes]) -> Plans:
    stem, suffix = posixpath.splitext(posixpath.basename(unit.path))
    service = f"{stem}.service"
    if suffix == ".kube":
        return _kube(unit, service, texts)
    if suffix != ".container":
        return Plans()
    image = unit.get("Container", "Image")
    if not image:
        raise UnclearError("there is no Image=")
    if image.endswith(".build"):
        return Plans((Plan(image, service, Source.QUADLET, build_only=True),))
    platform = _option_platform(unit)
    if image.endswith(".image"):
        image, platform = _image_unit(posixpath.join(posixpath.dirname(unit.path), image), units, platform)
    if _OPEN.search(image):
        raise UnclearError(f"only systemd knows what {image} stands for")
    return Plans((Plan(image.replace("%%", "%"), service, Source.QUADLET, pinned(platform), process=_process(unit)),))


def _image_unit(path: str, units: Mapping[str, _Unit], platform: str) -> tuple[str, str]:
    if path not in units:
        raise UnclearError(f"{path} is not there")
    unit = units[path]
    options = {
        f"--{key.lower()}": unit.get("Image", key) for key in ("OS", "Arch", "Variant") if unit.get("Image", key)
    }
    return unit.get("Image", "Image"), platform or Run("podman", "", (), options).platform


def _option_platform(unit: _Unit) -> str:
    options = {f"--{name}": value for name, value in _OPTION.findall(unit.get("Container", "PodmanArgs"))}
    return Run("podman", "", (), options).platform


def _process(unit: _Unit) -> Process | None:
    try:
        command = tuple(shlex.split(unit.get("Container", "Exec")))
        entrypoint = unit.get("Container", "Entrypoint")
    except ValueError as error:
        raise UnclearError(f"Exec= cannot be split: {error}") from error
    if not command and not entrypoint:
        return None
    return Process((entrypoint,) if entrypoint else None, command if command or entrypoint else None)


def _kube(unit: _Unit, service: str, texts: Mapping[str, bytes]) -> Plans:
    name = unit.get("Kube", "Yaml")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(unit.path), name))
    if path not in texts:
        raise UnclearError(f"Yaml={name} cannot be read")
    found = manifests.plans({path: texts[path]}, Source.QUADLET)
    named = (replace(plan, workload=f"{service}/{plan.workload.rpartition('/')[2]}") for plan in found.planned)
    return Plans(tuple(named), found.gaps)
