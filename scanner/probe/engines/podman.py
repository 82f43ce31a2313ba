"""What a Podman says: itself, its containers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import (
    Engine,
    EngineKind,
    EngineState,
    Failure,
    ImageStore,
    LocalImage,
    Process,
    Source,
    Workload,
)
from scanner.domain.reason import Reason
from scanner.probe import document
from scanner.probe.document import MalformedError
from scanner.probe.engines import listing
from scanner.probe.engines.part import Gaps, Part, exit_of, override, owner_of, silent, stage_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.probe.answer import Answer

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Where:
    """The engine that holds a container, with its images, on a host."""

    host: str
    key: str
    images: Mapping[str, LocalImage]


def read(answer: Answer, key: str, host: str, kernel_release: str = "") -> Part:
    """The part of one Podman, rootful or of one user; ``key`` is its ``Engine.key``."""
    unheard = silent(answer, key)
    if unheard is not None:
        return unheard
    gaps = Gaps()
    engine = _engine(listing.json_object(answer, f"{key}/info", gaps, key), key, gaps, kernel_release)
    where = _Where(host, key, listing.images(answer, key, gaps, _image))
    return Part(engine, listing.containers(answer, key, gaps, lambda *found: _workload(where, *found)), gaps)


def _engine(details: dict[str, Any], key: str, gaps: Gaps, kernel_release: str) -> Engine:
    platform, version, in_vm = None, "", False
    try:
        machine = document.mapping(details.get("host"))
        version = document.name(document.mapping(details.get("version")).get("Version"), 64)
        platform = document.platform(machine.get("os"), machine.get("arch"), machine.get("variant"))
        kernel = document.name(machine.get("kernel"))
        in_vm = machine.get("serviceIsRemote") is True or bool(kernel_release and kernel and kernel != kernel_release)
    except MalformedError as error:
        gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"{key}/info: {error}"))
    return Engine(
        EngineKind.PODMAN, EngineState.UP, version, platform, ImageStore.PODMAN, owner=owner_of(key), in_vm=in_vm
    )


def _workload(where: _Where, image_id: str, container: dict[str, Any]) -> Workload | None:
    if container.get("infra") is True:
        return None
    config = document.record(container.get("config"))
    state = document.record(container.get("state"))
    status, code = document.name(state.get("status"), 32), document.number(state.get("exit_code"))
    local = where.images.get(f"sha256:{image_id}")
    if local is None and _HEX.fullmatch(image_id):
        local = LocalImage(f"sha256:{image_id}")
    return Workload(
        host=where.host,
        name=document.name(container.get("name")),
        source=Source.PODMAN,
        stage=stage_of(status),
        image=document.name(config.get("image")) or image_id,
        engine=where.key,
        local=local,
        process=override(_argv(container, config), local.process if local else None),
        state=status,
        exit_code=exit_of(status, code),
        restart_count=document.number(container.get("restarts")),
        error=document.name(state.get("error"), 1000),
    )


def _argv(container: dict[str, Any], config: dict[str, Any]) -> Process:
    first, rest = document.words(container.get("path")), document.words(container.get("args"))
    if rest == first:
        rest = ()  # Podman repeats the path where there are no arguments
    return Process(
        entrypoint=first + rest,
        cmd=(),
        path=document.path_variable(document.rows(config.get("path"))),
        working_dir=document.name(config.get("working_dir"), 4096),
    )


def _image(image: dict[str, Any]) -> LocalImage:
    identity = document.name(image.get("id"), 128).removeprefix("sha256:")
    config = image.get("config")
    return LocalImage(
        image_id=f"sha256:{identity}",
        repo_digests=listing.repo_digests(image.get("repo_digests")),
        platform=document.platform(image.get("os"), image.get("architecture")),
        process=document.process(document.mapping(config)) if config is not None else None,
    )
