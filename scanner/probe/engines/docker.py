"""Reads what a Docker engine says of itself, its containers, its services."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import (
    Engine,
    EngineKind,
    EngineState,
    ImageStore,
    LocalImage,
    Maker,
    Process,
    Source,
    Stage,
    Workload,
)
from scanner.domain.failure import Failure
from scanner.domain.plan import Placement
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.probe import answer_json
from scanner.probe.answer_json import MalformedError
from scanner.probe.engines import container_json, engine_listing
from scanner.probe.engines.alike_containers import AlikeContainers
from scanner.probe.engines.engine_section import (
    EngineSection,
    Gaps,
    exit_of,
    override,
    owner_of,
    silent,
    stage_of,
)
from scanner.probe.planned.compose import labelled_files, placement
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.probe.answer import Answer

_SERVICE_ID = re.compile(r"[0-9a-z]{1,64}", re.ASCII)
_IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def read(answer: Answer, key: str, host: str, kernel_release: str = "") -> EngineSection:
    """The section of one Docker engine; ``key`` is its ``Engine.key``."""
    unheard = silent(answer, key)
    if unheard is not None:
        return unheard
    gaps = Gaps()
    details = engine_listing.json_object(answer, f"{key}/info", gaps, key)
    engine = _engine(answer, key, details, gaps, kernel_release)
    named = engine_listing.named_anew(answer, key, gaps, _image)
    where = _Where(host, engine, engine_listing.images(answer, key, gaps, _image), named)
    workloads = engine_listing.containers(answer, key, gaps, lambda *found: _alike(where, *found))
    workloads = _without_superseded(workloads)
    if details.get("manager") is True:
        workloads += _services(answer, key, where, gaps)
    return EngineSection(engine, workloads, gaps)


# ---------------------------------------------------------------- the engine


def _engine(answer: Answer, key: str, details: dict[str, Any], gaps: Gaps, kernel_release: str) -> Engine:
    version, platform = "", None
    try:
        server = answer_json.mapping(engine_listing.json_object(answer, f"{key}/version", gaps, key).get("Server"))
        version = answer_json.name(server.get("Version"), 64)
        platform = answer_json.platform(server.get("Os"), server.get("Arch"))
        kernel = answer_json.name(details.get("kernel")) or answer_json.name(server.get("KernelVersion"))
        return Engine(
            EngineKind.DOCKER,
            EngineState.UP,
            version=version,
            platform=platform,
            store=_store(details),
            owner=owner_of(key),
            in_vm=bool(kernel_release and kernel and kernel != kernel_release),
            detail=answer_json.name(details.get("operating_system"), 80),
        )
    except MalformedError as error:
        gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"{key}/version or {key}/info: {error}"))
        return Engine(EngineKind.DOCKER, EngineState.UP, version=version, platform=platform, owner=owner_of(key))


def _store(details: dict[str, Any]) -> ImageStore | None:
    if not details:
        return None
    pairs = answer_json.rows(details.get("driver_status"))
    snapshotter = ["driver-type", "io.containerd.snapshotter.v1"]
    return ImageStore.CONTAINERD if snapshotter in pairs else ImageStore.CLASSIC


# ---------------------------------------------------------------- containers


@dataclass(frozen=True, slots=True)
class _Where:
    """The engine that holds a container, with its images, on a host."""

    host: str
    engine: Engine
    images: Mapping[str, LocalImage]
    named_anew: Mapping[ImageReference, LocalImage]


_containers = AlikeContainers()


def _alike(where: _Where, image_id: str, container: dict[str, Any]) -> Workload | None:
    """The workload of a container, of which another one told all but name and moments already."""
    if where.named_anew:  # what an image is called today is this host's own
        return _workload(where, image_id, container)
    around = (where.engine.key, where.engine.store, image_id)
    image = where.images.get(image_id)
    return _containers.workload(container, where.host, around, image, lambda: _workload(where, image_id, container))


def _workload(where: _Where, image_id: str, container: dict[str, Any]) -> Workload | None:
    config = answer_json.record(container.get("config"))
    labels = answer_json.mapping(config.get("labels"))
    if labels.get("kind") == "podsandbox":
        return None
    state = answer_json.record(container.get("state"))
    status, code = answer_json.name(state.get("status"), 32), answer_json.number(state.get("exit_code"))
    local = _local(image_id, container, where)
    source, name = _identity(labels, answer_json.name(container.get("name")).lstrip("/"))
    return Workload(
        host=where.host,
        name=name,
        source=source,
        stage=stage_of(status),
        image=answer_json.name(config.get("image")) or image_id,
        engine=where.engine.key,
        local=local,
        process=override(_argv(container, config), local.process if local else None, is_merged=True),
        state=status,
        exit_code=exit_of(status, code),
        restart_count=answer_json.number(container.get("restarts")),
        error=answer_json.name(state.get("error"), 1000),
        mounts=container_json.mounts(container, tmpfs_is_noexec=True),
        started_at=container_json.moment(state.get("started")),
        finished_at=container_json.moment(state.get("finished")),
        maker=_maker(labels),
    )


def _maker(labels: dict[str, Any]) -> Maker | None:
    """Who will make the container anew, by the labels that makers put on what they make."""
    said = {key: answer_json.name(labels.get(key), container_json.MAX_PATH_CHARS) for key in _OF_MAKERS}
    if said["project"] and said["service"]:
        names = tuple(filter(None, said["compose_files"].split(",")))
        files = labelled_files.rooted(names, said["compose_dir"])
        return Maker(Source.COMPOSE, said["service"], said["project"], files, said["compose_dir"])
    if said["swarm"]:
        return Maker(Source.SWARM, said["swarm"])
    if said["nomad_alloc"]:
        return Maker(Source.NOMAD, said["nomad_alloc"])
    if said["namespace"] and said["pod"]:
        return Maker(Source.KUBERNETES, said["pod"], said["namespace"])
    return None


def _without_superseded(workloads: tuple[Workload, ...]) -> tuple[Workload, ...]:
    """Without the ended tasks whose place in their Swarm service a later one has: nothing starts them again.

    Swarm keeps the containers of the last few tasks of each place (``docker swarm update --task-history-limit``). One that
    never started tells no moment, and may be the latest: it stays.
    """
    latest: dict[str, float] = {}
    for workload in workloads:
        if place := _place(workload):
            latest[place] = max(latest.get(place, 0), workload.started_at or 0)
    return tuple(
        each
        for each in workloads
        if each.stage is Stage.RUNNING or each.started_at is None or each.started_at >= latest.get(_place(each), 0)
    )


def _place(workload: Workload) -> str:
    """``SERVICE.SLOT`` of a task's container ``SERVICE.SLOT.TASK``, empty for any other."""
    if workload.maker is None or workload.maker.kind is not Source.SWARM:
        return ""
    return workload.name.rpartition(".")[0]


_OF_MAKERS = ("project", "service", "compose_files", "compose_dir", "swarm", "nomad_alloc", "namespace", "pod")


def _identity(labels: dict[str, Any], name: str) -> tuple[Source, str]:
    pod = [answer_json.name(labels.get(key)) for key in ("namespace", "pod", "container")]
    if all(pod):
        return Source.KUBERNETES, "/".join(pod)
    if labels.get("nomad_alloc"):
        return Source.NOMAD, name
    return Source.DOCKER, name


def _argv(container: dict[str, Any], config: dict[str, Any]) -> Process:
    first = answer_json.words(container.get("path"))
    return container_json.process(container, config, first + answer_json.words(container.get("args")))


def _local(image_id: str, container: dict[str, Any], where: _Where) -> LocalImage | None:
    if not _IMAGE_ID.fullmatch(image_id):
        return None
    image = where.images.get(image_id) or LocalImage(image_id)
    descriptor = answer_json.mapping(container.get("descriptor"))
    exact = answer_json.mapping(descriptor.get("platform"))
    platform = answer_json.platform(
        exact.get("os"), exact.get("architecture"), exact.get("variant"), exact.get("os.version")
    )
    if platform is None and where.engine.store is ImageStore.CLASSIC:
        platform = image.platform  # the only one there; with the containerd store it is the host's favourite, not ours
    digest = answer_json.name(descriptor.get("digest"), 128)
    named = answer_json.name(answer_json.record(container.get("config")).get("image"))
    return LocalImage(
        image_id=image_id,
        repo_digests=image.repo_digests,
        manifest_digest=digest if _IMAGE_ID.fullmatch(digest) else "",
        platform=platform,
        process=image.process,
        since=engine_listing.meant(where.named_anew, named, image_id) if not image.repo_digests else None,
    )


def _image(image: dict[str, Any]) -> LocalImage:
    config = image.get("config")
    return LocalImage(
        image_id=answer_json.name(image.get("id"), 128),
        repo_digests=engine_listing.repo_digests(image.get("repo_digests")),
        platform=answer_json.platform(
            image.get("os"), image.get("architecture"), image.get("variant"), image.get("os_version")
        ),
        process=answer_json.process(answer_json.mapping(config)) if config is not None else None,
    )


# ---------------------------------------------------------------- Swarm services


def _services(answer: Answer, key: str, where: _Where, gaps: Gaps) -> tuple[Workload, ...]:
    ids = engine_listing.ids(answer, f"{key}/service_ids", _SERVICE_ID, gaps, key)
    lines, messages = engine_listing.lines(answer, f"{key}/services", gaps, key)
    services = []
    for line in lines:
        try:
            service = answer_json.mapping(answer_json.parse(line))
            task = answer_json.mapping(service.get("task"))
            argv = answer_json.words(task.get("command")), answer_json.words(task.get("args"))
            services.append(
                Workload(
                    host=where.host,
                    name=answer_json.name(service.get("name")),
                    source=Source.SWARM,
                    stage=Stage.PLANNED,
                    image=answer_json.name(task.get("image")) if _is_for(service, where) else "",
                    engine=key,
                    process=Process(argv[0] or None, argv[1] or None) if any(argv) else None,
                )
            )
        except MalformedError as error:
            gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"{key}/services: {error}"))
    if len(services) + len(engine_listing.missing(messages)) < len(ids):
        gaps.note(
            key, Failure(Reason.PART_INCOMPLETE, f"{len(ids) - len(services)} of {len(ids)} services were not answered")
        )
    return tuple(service for service in services if service.image)


def _is_for(service: Mapping[str, Any], where: _Where) -> bool:
    """Whether this node may get a task of a service; an answer of an older probe tells nothing of either.

    Raises:
        MalformedError: what is said of its placement is of another shape.
    """
    if service.get("replicas") == 0:
        return False
    try:
        asked = [placement.requirement(row) for row in answer_json.words(service.get("placement")) or ()]
    except UnclearError as error:
        raise MalformedError(str(error)) from error
    found = Placement((tuple(one for one in asked if one and one.key in {"arch", "os"}),))
    return found.fits(where.host, where.engine.platform, {}) is not False


def default_platform(answer: Answer) -> Platform | Failure | None:
    """DOCKER_DEFAULT_PLATFORM, where the host sets it."""
    body = answer.whole("default_platform")
    if isinstance(body, Failure):
        return body
    text = printable(body, 64).strip("\"'")
    os, _, rest = text.partition("/")
    architecture, _, variant = rest.partition("/")
    found = answer_json.platform(os, architecture, variant)
    if text and found is None:
        return Failure(Reason.PART_INCOMPLETE, f"DOCKER_DEFAULT_PLATFORM is {text!r}, which is no platform")
    return found
