"""The planned containers in a probe's answer."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import EngineKind
from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.probe import answer_json
from scanner.probe.answer import without_mark
from scanner.probe.answer_json import MalformedError
from scanner.probe.planned.compose import compose, labelled_files
from scanner.probe.planned.compose.compose import ProjectSurroundings
from scanner.probe.planned.faults import without_culprits
from scanner.probe.planned.hidden_values import without_hidden
from scanner.probe.planned.kubernetes import manifests
from scanner.probe.planned.nomad import nomad
from scanner.probe.planned.plans import Plans, gap, unplayed
from scanner.probe.planned.units import host_commands, quadlet, systemd
from scanner.probe.planned.units.runs import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from scanner.domain.facts import Workload
    from scanner.domain.host import Host
    from scanner.domain.plan import Placement, Plan
    from scanner.domain.platform.platform import Platform
    from scanner.probe.answer import Answer
    from scanner.probe.engines.engine_section import Gaps

UNREADABLE = b"@unreadable"

_READERS: Mapping[str, Callable[[Mapping[str, bytes]], Plans]] = {
    "manifests": manifests.plans,
    "nomad": nomad.plans,
}
_GAP_OF = {
    "quadlet": "quadlet",
    "systemd": "systemd",
    "manifests": "kubernetes",
    "nomad": "nomad",
    "compose": "compose",
    "commands": "command",
}
_NUMBER = re.compile(rb"[0-9]{1,6}")
_SECTION = re.compile(rb"^[ \t]*\[", re.MULTILINE)


def read(answer: Answer, host: Host, platform: Platform | None, gaps: Gaps) -> tuple[Workload, ...]:
    """Everything that the host's files plan for a host of this platform."""
    texts = _texts(answer, gaps)
    played: set[str] = set()
    units = _units(answer, texts["compose"], played, lambda asked: _fits(asked, host, platform) is True)
    readers = {**units, **_READERS}
    found = {kind: _plans(reader, texts[kind]) for kind, reader in readers.items()}
    of_starters = (*found["systemd"].planned, *found["commands"].planned)
    started = {plan.workload.rpartition("/")[0] for plan in of_starters} - {""}
    found["compose"] = _plans(lambda given: _compose(answer, given, played, started), texts["compose"])
    found = {kind: without_hidden(plans) for kind, plans in found.items()}
    for kind, plans in found.items():
        for path, failure in plans.gaps.items():
            gaps.note(_GAP_OF[kind], Failure(failure.reason, failure.detail or path))
    planned = (plan for plans in found.values() for plan in plans.planned)
    return _once(plan.on(host.name) for plan in planned if _is_for(plan, host, platform))


def _once(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """Of workloads that are the same in everything, one: a unit may start its project again where it is reloaded."""
    found: dict[tuple[str, str], list[Workload]] = defaultdict(list)
    for workload in workloads:
        alike = found[workload.name, workload.image]
        if workload not in alike:
            alike.append(workload)
    return tuple(workload for alike in found.values() for workload in alike)


def _plans(reader: Callable[[Mapping[str, bytes]], Plans], texts: Mapping[str, bytes]) -> Plans:
    plans, faults = without_culprits(reader, texts)
    found = plans or Plans()
    for path, why in faults.items():
        found += gap(path, why)
    return found


def _is_for(plan: Plan, host: Host, platform: Platform | None) -> bool:
    """The host has the file: what nobody told of the host is taken as what its plan asks for."""
    return plan.placement is None or _fits(plan.placement, host, platform) is not False


def _fits(asked: Placement, host: Host, platform: Platform | None) -> bool | None:
    return asked.fits(host.name, platform, host.labels)


def _texts(answer: Answer, gaps: Gaps) -> dict[str, dict[str, bytes]]:
    """Files by kind and path; each that was cut, refused or lost is a gap."""
    texts: dict[str, dict[str, bytes]] = defaultdict(dict)
    sections = [section for section in answer.under("plan/") if section.name != "plan/count"]
    counted = answer.whole("plan/count")
    if isinstance(counted, Failure) or not _NUMBER.fullmatch(counted):
        gaps.note("plans", Failure(Reason.PART_INCOMPLETE, "the number of plan files is not known"))
    elif int(counted) != len(sections):
        gaps.note("plans", Failure(Reason.PART_INCOMPLETE, f"{len(sections)} of {int(counted)} plan files were read"))
    for section in sections:
        kind = section.name.split("/")[1]
        path, _, text = section.body.partition(b"\n")
        name = printable(path, 500)
        if name.startswith("/") or text == SCRIPT:
            name = posixpath.normpath(f"/{name.lstrip('/')}")  # as whoever reads or runs it looks for it
        if section.truncated or text == UNREADABLE:
            why = "longer than the probe's limit" if section.truncated else "may not be read"
            gaps.note(_GAP_OF.get(kind, "plans"), Failure(Reason.PART_INCOMPLETE, f"{name}: {why}"))
        elif _is_more(texts[kind].get(name, text), text, name):
            texts[kind][name] = _both(texts[kind][name], text)
        else:
            texts[kind][name] = _with_section(text) if name.endswith((".service", ".conf")) else text
    return texts


def _is_more(known: bytes, text: bytes, name: str) -> bool:
    """Whether a file of variables comes again, with others of its lines."""
    is_of_variables = not name.endswith((".service", ".conf", ".yml", ".yaml"))
    return is_of_variables and known != text and not (known.startswith(b"@") or text.startswith(b"@"))


def _both(known: bytes, text: bytes) -> bytes:
    """What two projects ask of a file of variables: of a name the later line counts, so that a value stands behind its mark."""
    is_hidden_later = b"=@hidden" in text and b"=@hidden" not in known
    return b"\n".join((text, known) if is_hidden_later else (known, text))


def _with_section(text: bytes) -> bytes:
    """Lines of an older probe, which sent those of a service without the section that they stand in."""
    return text if _SECTION.search(text) or not text.strip() else b"[Service]\n" + text


def _units(
    answer: Answer, of_compose: Mapping[str, bytes], played: set[str], is_met: Callable[[Placement], bool]
) -> dict[str, Callable[[Mapping[str, bytes]], Plans]]:
    """Readers of units; Compose files that containers are labelled with are planned by their project."""
    asked = answer.sections.get("plan_files")
    has_volumes = asked is not None and b"volumes" in asked.body  # an older probe was not asked for them
    projects: dict[tuple[str, ...], list[_Labels]] = defaultdict(list)
    for project in _projects(answer):
        projects[project.files].append(project)

    def own(files: tuple[str, ...]) -> list[Plans]:
        is_there = all(path in of_compose for path in files)
        return [_project(answer, of_compose, project) for project in projects.get(files, ()) if is_there]

    return {
        "quadlet": lambda texts: quadlet.plans(texts, has_volumes=has_volumes),
        "systemd": lambda texts: systemd.plans(texts, own, played, is_met),
        "commands": lambda texts: host_commands.plans(texts, own, played),
    }


def _compose(answer: Answer, texts: Mapping[str, bytes], played: set[str], started: set[str]) -> Plans:
    """The projects of the containers that exist, whose labels name the project and its files in order.

    ``played`` are files, or services of them, that units start in a way of their own, ``started`` the projects that they
    start: of another name, or of further files, one is a project beside those.
    """
    found = Plans()
    for project in _projects(answer):
        roots = [path for path in project.files if path in texts]
        is_a_unit_s = not started or project.name in started
        if not roots or (is_a_unit_s and played.issuperset(project.files)):
            continue  # the files are missing now, so nothing is planned; or a unit starts them in a way of its own
        if len(roots) < len(project.files):
            found += gap(project.files[0], "not all files of the project can be read")
            continue
        left = played.difference(project.files) if is_a_unit_s else ()
        found += unplayed(_project(answer, texts, project), project.files[0], left)
    return found


def _project(answer: Answer, texts: Mapping[str, bytes], project: _Labels) -> Plans:
    has_env_files = "plan_files" in answer.sections  # an older probe was not asked for them
    beside = ProjectSurroundings(
        project.name,
        directory=project.directory or None,
        existing=project.services,
        has_env_files=has_env_files,
        env_files=tuple(posixpath.normpath(posixpath.join(project.directory, path)) for path in project.env_files),
    )
    made = compose.project_plans(texts, project.files, beside)
    started = (
        replace(plan, placement=None) for plan in made.planned
    )  # here by Compose itself, which asks no constraint
    return Plans(tuple(started), made.gaps)


@dataclass(frozen=True, slots=True)
class _Labels:
    """What Compose says on its containers of the project that they are of."""

    name: str
    files: tuple[str, ...]
    directory: str
    env_files: tuple[str, ...]
    services: tuple[str, ...] = ()


def _projects(answer: Answer) -> list[_Labels]:
    """Projects, each with the services that have containers of it."""
    projects: dict[_Labels, dict[str, None]] = defaultdict(dict)
    for section in answer.sections.values():
        kind = section.name.partition("/")[0].partition(":")[0]
        if section.name.endswith("/containers") and kind in (EngineKind.DOCKER, EngineKind.PODMAN):
            for project, service in _labelled(without_mark(section.body)):
                projects[project][service] = None
    return [replace(project, services=tuple(filter(None, services))) for project, services in projects.items()]


def _labelled(body: bytes) -> Iterator[tuple[_Labels, str]]:
    for line in body.decode("utf-8", "replace").split("\n"):
        if '"compose_files":' not in line:
            continue
        try:
            container = answer_json.mapping(answer_json.parse(line.split(" ", 3)[3]))
            labels = answer_json.mapping(answer_json.mapping(container.get("config")).get("labels"))
            files = answer_json.name(labels.get("compose_files"), 4096)
            env_files = answer_json.name(labels.get("compose_env"), 4096)
            directory = answer_json.name(labels.get("compose_dir"), 4096)
            project = answer_json.name(labels.get("project"))
        except (MalformedError, IndexError):
            continue  # the engine's own section has made a gap of it
        if project and files:
            env = tuple(filter(None, env_files.split(",")))
            is_left = (
                answer_json.name(labels.get("oneoff")).lower() == "true"
            )  # of compose run, which no up starts again
            service = "" if is_left else answer_json.name(labels.get("service"))
            yield _Labels(project, labelled_files.rooted(files.split(","), directory), directory, env), service
