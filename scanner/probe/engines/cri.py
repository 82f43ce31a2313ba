"""Reads what a CRI runtime says of the containers of the pods on a node."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Engine, EngineKind, EngineState, ImageStore, LocalImage, Maker, Source, Workload
from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.probe import answer_json, live
from scanner.probe.answer_json import MalformedError
from scanner.probe.engines import engine_listing, pod_owner
from scanner.probe.engines.engine_section import EngineSection, Gaps, is_unhealthy, silent, stage_of
from scanner.probe.engines.logs import last_lines, note_missing_logs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.platform.platform import Platform
    from scanner.probe.answer import Answer

KEY = "cri"

_STATES = {"CONTAINER_RUNNING": "running", "CONTAINER_EXITED": "exited", "CONTAINER_CREATED": "created"}
_RUNTIME = re.compile(r"^RuntimeName: *(\S+)$", re.ASCII | re.MULTILINE)
_VERSION = re.compile(r"^RuntimeVersion: *(\S+)$", re.ASCII | re.MULTILINE)
_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{64}", re.ASCII)
_RESTARTS = "io.kubernetes.container.restartCount"


def read(answer: Answer, host: str, node: Platform | None) -> EngineSection:
    """The section of the node's runtime.

    Args:
        answer: the host's answer.
        host: its name.
        node: what the runtime is built for. CRI has no word for it, so its containerd or the kernel must tell.
    """
    unheard = silent(answer, KEY)
    if unheard is not None:
        return unheard
    gaps = Gaps()
    name, version = _runtime(answer, gaps)
    store = ImageStore.CONTAINERD if name == "containerd" else ImageStore.PODMAN if name == "cri-o" else None
    engine = Engine(EngineKind.CRI, EngineState.UP, version, node, store, detail=name)
    images, tags = _images(answer, gaps)
    ends = _ends(answer, gaps)
    note_missing_logs(answer, KEY, gaps)
    seen, labels = live.read(answer), pod_owner.labels_of_pods(answer)
    workloads, owners = [], {}
    for container in _rows(answer, f"{KEY}/containers", "containers", gaps):
        try:
            workload = _workload(answer_json.record(container), host, images, tags)
            identity = answer_json.name(container.get("id"))
            workload = replace(workload, live=seen.get(identity))
            owners[workload.name] = _owned_name(
                workload, labels.get(answer_json.name(container.get("podSandboxId")), {})
            )
            workloads.append(_ended(answer, identity, workload, ends, gaps))
        except MalformedError as error:
            gaps.note(KEY, Failure(Reason.PART_INCOMPLETE, f"{KEY}/containers: {error}"))
    latest = tuple(replace(workload, name=owners[workload.name]) for workload in _latest(workloads))
    return EngineSection(engine, latest, gaps)


def _owned_name(workload: Workload, labels: Mapping[str, str]) -> str:
    """The workload's name with the pod's owner in the place of the pod; the pod itself stays known as what is made anew."""
    namespace, pod, container = workload.name.split("/", 2)
    return f"{namespace}/{pod_owner.owner_of(pod, labels)}/{container}"


def _runtime(answer: Answer, gaps: Gaps) -> tuple[str, str]:
    body = answer.succeeded(f"{KEY}/version")
    if isinstance(body, Failure):
        gaps.note(KEY, body)
        return "", ""
    text = body.decode("utf-8", "replace")
    name, version = _RUNTIME.search(text), _VERSION.search(text)
    return printable(name[1], 64) if name else "", printable(version[1], 64) if version else ""


def _rows(answer: Answer, name: str, field: str, gaps: Gaps) -> list[Any]:
    found = engine_listing.json_object(answer, name, gaps, KEY)
    try:
        return answer_json.rows(found.get(field, f"{field} are missing"))
    except MalformedError as error:
        gaps.note(KEY, Failure(Reason.PART_INCOMPLETE, f"{name}: {error}"))
        return []


def _workload(
    container: dict[str, Any], host: str, images: Mapping[str, LocalImage], tags: Mapping[str, str]
) -> Workload:
    labels = answer_json.mapping(container.get("labels"))
    metadata = answer_json.mapping(container.get("metadata"))
    image = answer_json.mapping(container.get("image"))
    annotations = answer_json.mapping(container.get("annotations"))
    own = answer_json.name(labels.get("io.kubernetes.container.name")) or answer_json.name(metadata.get("name"))
    pod = answer_json.name(labels.get("io.kubernetes.pod.name")) or answer_json.name(container.get("podSandboxId"), 64)
    namespace = answer_json.name(labels.get("io.kubernetes.pod.namespace")) or "default"
    reference = answer_json.name(container.get("imageRef"))
    local = _local_of(container, reference, images)
    state = _STATES.get(answer_json.name(container.get("state")), "unknown")
    attempt = answer_json.name(annotations.get(_RESTARTS)) or str(answer_json.number(metadata.get("attempt")))
    return Workload(
        host=host,
        name=f"{namespace}/{pod}/{own}",
        source=Source.KUBERNETES,
        stage=stage_of(state),
        image=_written(image, reference, local, tags),
        engine=KEY,
        local=local,
        state=state,
        maker=Maker(Source.KUBERNETES, pod, namespace),
        restart_count=int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 10 else 0,  # noqa: PLR2004 - fits a counter
    )


def _written(image: dict[str, Any], reference: str, local: LocalImage | None, tags: Mapping[str, str]) -> str:
    """The name in the pod's specification where CRI knows it; an id only if nothing else names the image."""
    specified = answer_json.name(image.get("userSpecifiedImage")) or answer_json.name(image.get("image"))
    if specified and not _DIGEST.fullmatch(specified):
        return specified
    if local is None:
        return specified or reference
    return tags.get(local.image_id) or next(iter(local.repo_digests), specified or reference)


def _local_of(container: dict[str, Any], reference: str, images: Mapping[str, LocalImage]) -> LocalImage | None:
    for word in (answer_json.name(container.get("imageId")), reference):
        digest = word.rpartition("@")[2]
        if _DIGEST.fullmatch(digest):
            found = images.get(word) or images.get(f"sha256:{digest.removeprefix('sha256:')}")
            return found or LocalImage(f"sha256:{digest.removeprefix('sha256:')}", (word,) if "@" in word else ())
    return None


def _images(answer: Answer, gaps: Gaps) -> tuple[dict[str, LocalImage], dict[str, str]]:
    """The node's images by id and by each repository digest, and the first tag of each id."""
    platforms = _platforms(answer, gaps)
    found: dict[str, LocalImage] = {}
    tags: dict[str, str] = {}
    for row in _rows(answer, f"{KEY}/images", "images", gaps):
        try:
            image = answer_json.record(row)
            identity = f"sha256:{answer_json.name(image.get('id'), 128).removeprefix('sha256:')}"
            digests = engine_listing.repo_digests(image.get("repoDigests"))
            named = [answer_json.name(tag) for tag in answer_json.rows(image.get("repoTags"))]
        except MalformedError as error:
            gaps.note(KEY, Failure(Reason.PART_INCOMPLETE, f"{KEY}/images: {error}"))
            continue
        local = LocalImage(identity, digests, platform=platforms.get(identity))
        found |= dict.fromkeys((identity, *digests), local)
        tags |= {identity: named[0]} if named else {}
    return found, tags


def _platforms(answer: Answer, gaps: Gaps) -> dict[str, Platform | None]:
    body = answer.whole(f"{KEY}/platforms")
    if isinstance(body, Failure):
        gaps.note(KEY, body)
        return {}
    platforms = {}
    for line in body.decode("utf-8", "replace").replace("<no value>", "-").replace("<nil>", "-").split("\n"):
        identity, os, architecture, variant = (*line.split(), "", "", "", "")[:4]
        if _DIGEST.fullmatch(identity) and "-" not in (os, architecture):
            platform = answer_json.platform(os, architecture, "" if variant == "-" else variant)
            platforms[f"sha256:{identity.removeprefix('sha256:')}"] = platform
    return platforms


def _ends(answer: Answer, gaps: Gaps) -> dict[str, tuple[int, str]]:
    """How containers ended, by id: the exit code, and what the runtime said where it could not start one."""
    body = answer.whole(f"{KEY}/exited")
    if isinstance(body, Failure):
        gaps.note(KEY, body)
        return {}
    ends = {}
    for line in body.decode("utf-8", "replace").replace("<no value>", "").split("\n"):
        words = line.split(" ", 4)
        code = words[2].removeprefix("exited/") if len(words) > 2 else ""  # noqa: PLR2004 - image, id, state
        if code.isascii() and code.isdigit() and len(code) < 10:  # noqa: PLR2004 - fits a counter
            message = words[4].strip() if len(words) > 4 else ""  # noqa: PLR2004 - reason, message
            ends[words[1]] = (int(code), printable(message))
    return ends


def _ended(
    answer: Answer, identity: str, workload: Workload, ends: Mapping[str, tuple[int, str]], gaps: Gaps
) -> Workload:
    if identity not in ends:
        return workload
    code, message = ends[identity]
    workload = replace(workload, exit_code=code, error=message)
    return last_lines(answer, KEY, identity, workload, gaps) if is_unhealthy(workload.state, code) else workload


def _latest(workloads: list[Workload]) -> tuple[Workload, ...]:
    """Of each container of a pod the last attempt: the runtime keeps the one before it, too."""
    latest: dict[str, Workload] = {}
    for workload in workloads:
        known = latest.get(workload.name)
        if known is None or (workload.state == "running", workload.restart_count) > (
            known.state == "running",
            known.restart_count,
        ):
            latest[workload.name] = workload
    return tuple(latest.values())
