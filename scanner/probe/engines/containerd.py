"""The answer of a containerd: itself, the containers of its namespaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.domain.facts import Engine, EngineKind, EngineState, ImageStore, LocalImage, Source, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.reference import image_reference
from scanner.domain.platform.platform import Platform, normalize
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.probe import answer_json, live
from scanner.probe.answer_json import MalformedError
from scanner.probe.engines import engine_listing
from scanner.probe.engines.engine_section import EngineSection, Gaps, silent, stage_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import LiveProcess
    from scanner.probe.answer import Answer

KEY = "containerd"

KUBERNETES_NAMESPACE = "k8s.io"

_NOT_OURS = ("moby", "plugins.moby", "buildkit")
"""Docker's own containers, which Docker lists better, and build steps."""

_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,76}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_SERVER_VERSION = re.compile(r"Server:\s+Version:\s+(\S+)", re.ASCII)
_DEFAULT_RUNTIME = "io.containerd."
_MANIFEST_TYPES = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)


def read(answer: Answer, host: str, *, without_kubernetes: bool = False) -> EngineSection:
    """The section of the system's containerd, without the pods where CRI lists them."""
    unheard = silent(answer, KEY)
    if unheard is not None:
        return unheard
    gaps = Gaps()
    engine = Engine(
        EngineKind.CONTAINERD, EngineState.UP, _version(answer, gaps), _platform(answer, gaps), ImageStore.CONTAINERD
    )
    seen = live.read(answer)
    workloads: list[Workload] = []
    for namespace in _namespaces(answer, gaps):
        if not (without_kubernetes and namespace == KUBERNETES_NAMESPACE):
            workloads += _containers(answer, namespace, host, gaps, seen)
    return EngineSection(engine, tuple(workloads), gaps)


def _table(answer: Answer, name: str, gaps: Gaps) -> list[list[str]]:
    """The rows of a table without its heading."""
    body = answer.succeeded(name)
    if isinstance(body, Failure):
        gaps.note(KEY, body)
        return []
    return [line.split() for line in body.decode("utf-8", "replace").split("\n")[1:] if line.strip()]


def _version(answer: Answer, gaps: Gaps) -> str:
    body = answer.succeeded(f"{KEY}/version")
    if isinstance(body, Failure):
        gaps.note(KEY, body)
        return ""
    found = _SERVER_VERSION.search(body.decode("utf-8", "replace"))
    return printable(found[1], 64) if found else ""


def _platform(answer: Answer, gaps: Gaps) -> Platform | None:
    """What containerd itself takes for its platform, as its snapshotters tell."""
    for row in _table(answer, f"{KEY}/plugins", gaps):
        if len(row) >= 3 and row[0] == "io.containerd.snapshotter.v1" and "/" in row[2]:  # noqa: PLR2004 - TYPE ID PLATFORMS
            os, architecture, variant = (*row[2].split(",")[0].split("/"), "", "")[:3]
            return normalize(Platform(printable(os, 32), printable(architecture, 32), printable(variant, 32)))
    return None


def _namespaces(answer: Answer, gaps: Gaps) -> list[str]:
    names = engine_listing.ids(answer, f"{KEY}/namespaces", _NAMESPACE, gaps, KEY)
    return [name for name in names if not name.startswith(_NOT_OURS)]


def _containers(
    answer: Answer, namespace: str, host: str, gaps: Gaps, seen: Mapping[str, tuple[LiveProcess, ...]]
) -> list[Workload]:
    tasks = {row[0]: (row[2], row[1]) for row in _table(answer, f"{KEY}/{namespace}/tasks", gaps) if len(row) >= 3}  # noqa: PLR2004 - TASK PID STATUS
    images = {row[0]: row for row in _table(answer, f"{KEY}/{namespace}/images", gaps) if row}
    labelled = _nerdctl(answer, namespace, gaps)
    workloads = []
    for row in _table(answer, f"{KEY}/{namespace}/containers", gaps):
        image = row[1] if len(row) > 1 and row[1] != "-" and not row[1].startswith(_DEFAULT_RUNTIME) else ""
        name, pinned = labelled.get(row[0], ("", None))
        status, pid = tasks.get(row[0], ("created", ""))
        state = status.lower()
        workloads.append(
            Workload(
                host=host,
                name=name or f"{namespace}/{printable(row[0], 128)}",
                source=Source.CONTAINERD,
                stage=stage_of(state),
                image=printable(image, 512),
                engine=KEY,
                pinned=pinned,
                local=_local(image, images.get(image, [])),
                state=printable(state, 32),
                live=seen.get(row[0]) or seen.get(f"pid:{pid}"),
            )
        )
    return workloads


def _local(image: str, row: list[str]) -> LocalImage | None:
    """What the image's name points to; of an index containerd does not tell which of its platforms runs."""
    if len(row) < 3 or not _DIGEST.fullmatch(row[2]):  # noqa: PLR2004 - REF TYPE DIGEST SIZE UNIT PLATFORMS
        return None
    digest = row[2]
    is_manifest = row[1] in _MANIFEST_TYPES
    os, architecture, variant = (*row[5].split("/"), "", "", "")[:3] if is_manifest and len(row) > 5 else ("", "", "")  # noqa: PLR2004 - the same
    named = image_reference(image)
    return LocalImage(
        digest,
        repo_digests=() if isinstance(named, Failure) else (f"{named.name}@{digest}",),
        manifest_digest=digest if is_manifest else "",
        platform=answer_json.platform(os, architecture, variant),
    )


def _nerdctl(answer: Answer, namespace: str, gaps: Gaps) -> dict[str, tuple[str, Platform | None]]:
    """Names and platforms by container id, where nerdctl made the containers."""
    name = f"{KEY}/{namespace}/nerdctl"
    if name not in answer.sections:
        return {}
    labelled = {}
    good, _ = engine_listing.lines(answer, name, gaps, KEY)
    for line in good:
        try:
            container = answer_json.mapping(answer_json.parse(line))
            os, architecture, variant = (*answer_json.name(container.get("platform")).split("/"), "", "", "")[:3]
            platform = answer_json.platform(os, architecture, variant)
            labelled[answer_json.name(container.get("id"))] = (answer_json.name(container.get("name")), platform)
        except MalformedError as error:
            gaps.note(KEY, Failure(Reason.PART_INCOMPLETE, f"{name}: {error}"))
    return labelled
