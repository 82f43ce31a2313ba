"""Reads what a Podman says of itself, its containers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import (
    Engine,
    EngineKind,
    EngineState,
    ImageStore,
    LocalImage,
    Maker,
    Mount,
    Privileges,
    Process,
    Source,
    Workload,
)
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.probe import answer_json
from scanner.probe.answer_json import MalformedError
from scanner.probe.engines import container_json, engine_listing
from scanner.probe.engines.engine_section import EngineSection, Gaps, exit_of, override, owner_of, silent, stage_of
from scanner.probe.planned.compose import labelled_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.reference import ImageReference
    from scanner.probe.answer import Answer

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)

_USUAL = Privileges(loses=("AUDIT_WRITE", "MKNOD", "NET_RAW"))
"""What Podman's inspect lists as dropped where nobody dropped any: what containers.conf does not give, Docker does."""


@dataclass(frozen=True, slots=True)
class _Where:
    """The engine that holds a container, with its images, on a host."""

    host: str
    key: str
    images: Mapping[str, LocalImage]
    named_anew: Mapping[ImageReference, LocalImage]


def read(answer: Answer, key: str, host: str, kernel_release: str = "") -> EngineSection:
    """The section of one Podman, rootful or of one user; ``key`` is its ``Engine.key``."""
    unheard = silent(answer, key)
    if unheard is not None:
        return unheard
    gaps = Gaps()
    engine = _engine(engine_listing.json_object(answer, f"{key}/info", gaps, key), key, gaps, kernel_release)
    named = engine_listing.named_anew(answer, key, gaps, _image)
    where = _Where(host, key, engine_listing.images(answer, key, gaps, _image), named)
    lenders: dict[str, tuple[str, ...]] = {}

    def workload(image_id: str, container: dict[str, Any]) -> Workload | None:
        made = _workload(where, image_id, container)
        if made is not None:
            lent = answer_json.words(container.get("volumes_from"))
            lenders[made.name] = tuple(each.partition(":")[0] for each in lent)
        return made

    workloads = engine_listing.containers(answer, key, gaps, workload)
    return EngineSection(engine, _with_borrowed(workloads, lenders), gaps)


def _with_borrowed(workloads: tuple[Workload, ...], lenders: Mapping[str, tuple[str, ...]]) -> tuple[Workload, ...]:
    """The containers with the mounts that others lend them (``--volumes-from``), which Podman does not list as theirs."""
    own = {each.name: each.mounts or () for each in workloads}

    def borrowed(each: Workload) -> Workload:
        seen, todo, mounts = {each.name}, list(lenders[each.name]), list(each.mounts or ())
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                mounts += own.get(name, (Mount("/", "volume"),))  # what an unknown one lends may stand anywhere
                todo += lenders.get(name, ())
        return replace(each, mounts=tuple(dict.fromkeys(mounts))) if len(seen) > 1 else each

    return tuple(map(borrowed, workloads))


def _engine(details: dict[str, Any], key: str, gaps: Gaps, kernel_release: str) -> Engine:
    platform, version, in_vm = None, "", False
    try:
        machine = answer_json.mapping(details.get("host"))
        version = answer_json.name(answer_json.mapping(details.get("version")).get("Version"), 64)
        platform = answer_json.platform(machine.get("os"), machine.get("arch"), machine.get("variant"))
        kernel = answer_json.name(machine.get("kernel"))
        in_vm = machine.get("serviceIsRemote") is True or bool(kernel_release and kernel and kernel != kernel_release)
    except MalformedError as error:
        gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"{key}/info: {error}"))
    return Engine(
        EngineKind.PODMAN, EngineState.UP, version, platform, ImageStore.PODMAN, owner=owner_of(key), in_vm=in_vm
    )


def _workload(where: _Where, image_id: str, container: dict[str, Any]) -> Workload | None:
    if container.get("infra") is True:
        return None
    config = answer_json.record(container.get("config"))
    state = answer_json.record(container.get("state"))
    status, code = answer_json.name(state.get("status"), 32), answer_json.number(state.get("exit_code"))
    local = where.images.get(f"sha256:{image_id}")
    if local is None and _HEX.fullmatch(image_id):
        local = LocalImage(f"sha256:{image_id}")
    name = answer_json.name(config.get("image"))
    if local is not None and (since := engine_listing.meant(where.named_anew, name, local.image_id)):
        local = replace(local, since=since)
    return Workload(
        host=where.host,
        name=answer_json.name(container.get("name")),
        source=Source.PODMAN,
        stage=stage_of(status),
        image=name or image_id,
        engine=where.key,
        local=local,
        process=override(_argv(container, config), local.process if local else None, usual=_USUAL),
        state=status,
        exit_code=exit_of(status, code),
        restart_count=answer_json.number(container.get("restarts")),
        error=answer_json.name(state.get("error"), 1000),
        mounts=container_json.mounts(container, tmpfs_is_noexec=False),
        started_at=container_json.moment(state.get("started")),
        finished_at=container_json.moment(state.get("finished")),
        maker=_maker(config),
    )


def _maker(config: dict[str, Any]) -> Maker | None:
    """The unit that runs the container, else the Compose project; podman-compose labels its services as Compose does."""
    labels = answer_json.mapping(config.get("labels"))
    unit, service, project = (answer_json.name(labels.get(key)) for key in ("unit", "service", "project"))
    is_of_compose = bool(service and project)
    if unit and not (
        is_of_compose and unit == f"podman-compose@{project}.service"
    ):  # written whether there is one or not
        return Maker(Source.SYSTEMD, unit)
    if not is_of_compose:
        return None
    names = answer_json.name(labels.get("compose_files"), container_json.MAX_PATH_CHARS).split(",")
    directory = answer_json.name(labels.get("compose_dir"), container_json.MAX_PATH_CHARS)
    files = labelled_files.rooted(tuple(filter(None, names)), directory)
    return Maker(Source.COMPOSE, service, project, files, directory)


_INITS = (("/run/podman-init",), ("/dev/init",))
"""Where Podman mounts catatonit for ``--init``: since version 4, before."""


def _argv(container: dict[str, Any], config: dict[str, Any]) -> Process:
    first, rest = answer_json.words(container.get("path")), answer_json.words(container.get("args"))
    if rest == first:
        rest = ()  # Podman repeats the path where there are no arguments
    words = first + rest
    told = _behind_init(words)
    process = container_json.process(container, config, told)
    return process if told == words else replace(process, init=True)


def _behind_init(words: tuple[str, ...]) -> tuple[str, ...]:
    """What an init of Podman's is told to exec, for Podman shows it as part of the command."""
    return words[2:] if words[:1] in _INITS and words[1:2] == ("--",) else words


def _image(image: dict[str, Any]) -> LocalImage:
    identity = answer_json.name(image.get("id"), 128).removeprefix("sha256:")
    config = image.get("config")
    return LocalImage(
        image_id=f"sha256:{identity}",
        repo_digests=engine_listing.repo_digests(image.get("repo_digests")),
        platform=answer_json.platform(image.get("os"), image.get("architecture")),
        process=answer_json.process(answer_json.mapping(config)) if config is not None else None,
    )
