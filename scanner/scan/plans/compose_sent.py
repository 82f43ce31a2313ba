"""What another machine must be told of a Compose project to read it as it is read here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.formats.parsing.offload import BudgetExceeded
from scanner.formats.variables import dotenv
from scanner.formats.variables.env_file import EnvFileError
from scanner.formats.variables.interpolation import Value
from scanner.probe.planned.compose import compose
from scanner.probe.planned.unknown_text import HIDDEN
from scanner.scan.plans.compose_given import PROJECT_BUDGET, Recording, collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from scanner.domain.plan import Plan
    from scanner.formats.parsing.offload import Parsers
    from scanner.probe.planned.compose.compose import ProjectSurroundings

TOLD = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD")
"""The variables of a container whose values decide what starts, as the probe tells them; of others the names are told."""

OF_COMPOSE = ("COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "DOCKER_DEFAULT_PLATFORM")
"""What Compose itself asks the shell for, whatever the files say."""

DOCUMENTS = (".yml", ".yaml", ".json")
"""How files end that hold a part of a project, and no variables."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*", re.ASCII)
"""What all grammars of such files take as it is."""


@dataclass(frozen=True, slots=True)
class SentProject:
    """The project's files by path, ``roots`` first in their order, with the shell's ``variables`` on which its plans rest."""

    roots: tuple[str, ...]
    texts: Mapping[str, bytes]
    variables: Mapping[str, str]


def sent_project(named: Sequence[Path], variables: Mapping[str, str], parsers: Parsers) -> SentProject | str:
    """All that the named files refer to, as ``read_compose`` finds it; why it cannot be told, in words; blocks.

    Files of variables are told by the names that they set: what a container is given stays here, as it stays on a host.

    Raises:
        UsageError: a file that is named is not there, or cannot be read.
    """
    found = collected(named, variables, parsers)
    if isinstance(found.asked, str):
        return found.asked
    told = parsers.call(_told, PROJECT_BUDGET, found.texts, found.roots, found.beside)
    return told.detail if isinstance(told, BudgetExceeded) else told


def _told(texts: Mapping[str, bytes], roots: Sequence[str], beside: ProjectSurroundings) -> SentProject | str:
    """Runs in a worker."""
    recording = Recording(texts)
    compose.project_plans(recording, roots, beside)
    sent = {path: texts[path] for path in dict.fromkeys((*roots, *recording.read))}
    meant = _planned(texts, roots, beside)
    shell = {name: Value(text) for name, text in (beside.variables or {}).items()}
    for path in sent.keys() - set(roots):
        try:
            fewer = {**sent, path: _names_alone(sent[path], shell)}
        except EnvFileError as error:
            if path.endswith(DOCUMENTS):
                continue
            return f"{path}:{error.line}: {error.problem}" if error.line else f"{path}: {error}"
        if _planned(fewer, roots, beside) == meant:
            sent = fewer
    return SentProject(tuple(roots), sent, _variables(sent, roots, beside))


def _names_alone(raw: bytes, shell: Mapping[str, Value]) -> bytes:
    """A file of variables of which most values stay here."""
    lines = []
    for name, value in dotenv.variables(raw, shell).items():
        is_told = name in TOLD and not value.unset and _PLAIN.fullmatch(value.text)
        if _NAME.fullmatch(name):
            lines.append(f"{name}={value.text if is_told else HIDDEN}\n")
    return "".join(lines).encode()


def _variables(texts: Mapping[str, bytes], roots: Sequence[str], beside: ProjectSurroundings) -> dict[str, str]:
    """Those of the shell without any of which something else would be planned, beside the values of containers' own."""
    said = beside.variables or {}
    words = set(_NAME.findall(b"\n".join(texts.values()).decode("utf-8", "replace")))
    kept = {name: said[name] for name in said if name in words or name in OF_COMPOSE}
    meant = _planned(texts, roots, replace(beside, variables=kept))
    for name in sorted(kept):
        fewer = {other: text for other, text in kept.items() if other != name}
        if _planned(texts, roots, replace(beside, variables=fewer)) == meant:
            kept = fewer
    return kept


def _planned(texts: Mapping[str, bytes], roots: Sequence[str], beside: ProjectSurroundings) -> object:
    found = compose.project_plans(texts, roots, beside)
    return tuple(map(_without_values, found.planned)), sorted(found.gaps)


def _without_values(plan: Plan) -> Plan:
    if plan.process is None or not plan.process.env:
        return plan
    env: Iterable[tuple[str, str | None]] = (
        (name, value if name in TOLD else None) for name, value in plan.process.env
    )
    return replace(plan, process=replace(plan.process, env=tuple(env)))
