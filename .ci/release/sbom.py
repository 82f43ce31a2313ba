"""The list of all that a wheel brings along, as CycloneDX JSON (ECMA-424), from the pins it was tested with."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SPECIFICATION = "1.6"


class UnpinnedError(Exception):
    """A package of the release has no pin, so that nobody could say which one is meant."""


def pins(lock: str) -> dict[str, str]:
    """The version of each package in a lock file, by its canonical name."""
    found = re.findall(r"^([\w.-]+)==(\S+)$", lock, re.MULTILINE)
    return {str(canonicalize_name(name)): version for name, version in found}


def closure(wanted: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Every package that these requirements bring along here, by name, with the names of what it needs itself.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    found: dict[str, tuple[str, ...]] = {}
    todo = [Requirement(text) for text in wanted]
    seen: dict[str, set[str]] = {}
    while todo:
        asked = todo.pop()
        name = str(canonicalize_name(asked.name))
        extras = seen.setdefault(name, set())
        if name in found and asked.extras <= extras:
            continue
        extras |= asked.extras
        needs = [Requirement(text) for text in distribution(name).requires or ()]
        here = [one for one in needs if _applies(one, extras)]
        found[name] = tuple(sorted({str(canonicalize_name(one.name)) for one in here}))
        todo.extend(here)
    return found


def _applies(needed: Requirement, extras: Iterable[str]) -> bool:
    return needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def sbom(project: Mapping[str, Any], lock: str) -> dict[str, Any]:
    """The bill of materials of a release.

    Args:
        project: the ``[project]`` table of pyproject.toml.
        lock: the text of requirements.lock.

    Raises:
        UnpinnedError: a package has no pin.
        PackageNotFoundError: a package is not installed here, so that its own needs are not known.
    """
    extras = project.get("optional-dependencies", {})
    direct = [*project["dependencies"], *(each for wanted in extras.values() for each in wanted)]
    parts, pinned = closure(direct), pins(lock)
    if missing := sorted(parts.keys() - pinned.keys()):
        raise UnpinnedError(f"requirements.lock has no pin for {', '.join(missing)}")
    own = _reference(project["name"], project["version"])
    names = sorted({str(canonicalize_name(Requirement(text).name)) for text in direct})
    references = {name: _reference(name, pinned[name]) for name in parts}
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"component": _component("application", project["name"], project["version"], project["license"])},
        "components": [
            _component("library", name, pinned[name], _license(name), required=name in names) for name in sorted(parts)
        ],
        "dependencies": [
            {"ref": own, "dependsOn": [references[name] for name in names]},
            *(
                {"ref": references[name], "dependsOn": [references[one] for one in parts[name]]}
                for name in sorted(parts)
            ),
        ],
    }


def _component(kind: str, name: str, version: str, license_: str, *, required: bool = False) -> dict[str, Any]:
    reference = _reference(name, version)
    told: dict[str, Any] = {"type": kind, "bom-ref": reference, "name": name, "version": version, "purl": reference}
    if license_:
        told["licenses"] = [{"expression": license_}]
    return told | ({"scope": "required"} if required else {})


def _license(name: str) -> str:
    """The SPDX expression that a package gives (PEP 639); older packages have words that are none."""
    try:
        return str(distribution(name).metadata.json.get("license_expression") or "")
    except PackageNotFoundError:
        return ""


def _reference(name: str, version: str) -> str:
    return f"pkg:pypi/{canonicalize_name(name)}@{version}"
