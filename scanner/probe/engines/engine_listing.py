"""How the lists of an engine are read: first the ids, then a line for each, so that none can go missing unseen."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.image.reference import DEFAULT_TAG, ImageReference, image_reference
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.probe import answer_json, live
from scanner.probe.answer import without_mark
from scanner.probe.answer_json import MalformedError
from scanner.probe.engines.engine_section import MAX_WORKLOADS, Gaps, is_unhealthy
from scanner.probe.engines.logs import last_lines, note_missing_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scanner.domain.facts import LocalImage, Workload
    from scanner.domain.platform.platform import Platform
    from scanner.probe.answer import Answer

ID = re.compile(r"[0-9a-f]{64}", re.ASCII)

_MISSING = re.compile(
    r"no such (?:container|object|service|image):? *\"?(?:sha256:)?([0-9a-z]+)", re.ASCII | re.IGNORECASE
)
_MISSING_IN_PODMAN = re.compile(r"no container with (?:name or )?id:? \"?([0-9a-f]+)", re.ASCII | re.IGNORECASE)


def json_object(answer: Answer, name: str, gaps: Gaps, key: str) -> dict[str, Any]:
    """The one JSON object that a section holds, whatever messages stand around it; empty with a gap if there is none."""
    body = answer.succeeded(name)
    if isinstance(body, Failure):
        gaps.note(key, body)
        return {}
    start, end = body.find(b"{"), body.rfind(b"}")
    try:
        return answer_json.record(answer_json.parse(body[start : end + 1] if 0 <= start < end else body))
    except MalformedError as error:
        gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"{name}: {error}"))
        return {}


def ids(answer: Answer, name: str, grammar: re.Pattern[str], gaps: Gaps, key: str) -> list[str]:
    """The words of a section that are ids, each once."""
    body = answer.succeeded(name)
    if isinstance(body, Failure):
        gaps.note(key, body)
        body = answer.sections[name].body if name in answer.sections else b""
    words = body.decode("ascii", "replace").split()
    return list(dict.fromkeys(word for word in words if grammar.fullmatch(word)))


MAX_REMEMBERED = 2048
"""Lines about images; a fleet of ten thousand hosts runs some hundred."""

MAX_REMEMBERED_CHARS = 8192
"""Of such a line: most have 2 KiB, so that all of them take no more than 16 MiB."""


def lines(answer: Answer, name: str, gaps: Gaps, key: str) -> tuple[list[str], list[str]]:
    """The lines of a section that hold a JSON object, and the messages among them; half a line is a message.

    There are no more than there may be workloads: the probe asks for none beyond, and each one that is wrong costs as well.
    """
    body = answer.whole(name)
    if isinstance(body, Failure):
        gaps.note(key, body)
        body = answer.sections[name].body if name in answer.sections else b""
    found = [line for line in without_mark(body).decode("utf-8", "replace").split("\n") if line]
    good = [line for line in found if line.endswith("}")]
    if len(good) > MAX_WORKLOADS:
        gaps.note(key, Failure(Reason.HOST_TOO_MANY, f"{name}: {len(good)} lines, of which {MAX_WORKLOADS} were read"))
    return good[:MAX_WORKLOADS], [line for line in found if not line.endswith("}")]


def missing(messages: Sequence[str]) -> set[str]:
    """What the engine says it no longer has, removed between two questions: it is no gap."""
    patterns = (_MISSING, _MISSING_IN_PODMAN)
    return {found[1] for message in messages for pattern in patterns for found in pattern.finditer(message)}


def containers(
    answer: Answer, key: str, gaps: Gaps, made: Callable[[str, dict[str, Any]], Workload | None]
) -> tuple[Workload, ...]:
    """Every container of an engine; ``made`` turns an image id and a JSON object into a workload, or leaves it out."""
    listed = ids(answer, f"{key}/ids", ID, gaps, key)
    if len(listed) > MAX_WORKLOADS:
        gaps.note(key, Failure(Reason.HOST_TOO_MANY, f"{len(listed)} containers, of which {MAX_WORKLOADS} were read"))
        listed = listed[:MAX_WORKLOADS]
    good, messages = lines(answer, f"{key}/containers", gaps, key)
    unanswered = set(listed) - missing(messages)
    note_missing_logs(answer, key, gaps)
    seen = live.read(answer)
    workloads = []
    for line in good:
        image_id, container_id, _, text = (*line.split(" ", 3), "", "", "")[:4]
        try:
            workload = made(image_id, answer_json.record(answer_json.parse(text)))
        except MalformedError as error:
            gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"container {printable(container_id, 12)}: {error}"))
            continue
        unanswered.discard(container_id)
        if workload is not None and container_id in seen:
            workload = replace(workload, live=seen[container_id])
        if workload is not None and (workload.restart_count or is_unhealthy(workload.state, workload.exit_code or 0)):
            workload = last_lines(answer, key, container_id, workload, gaps)
        workloads += [workload] if workload is not None else []
    if unanswered:
        said = f": {printable(messages[-1], 200)}" if messages else ""
        gaps.note(
            key,
            Failure(Reason.PART_INCOMPLETE, f"{len(unanswered)} of {len(listed)} containers were not answered{said}"),
        )
    return tuple(workloads)


def images(answer: Answer, key: str, gaps: Gaps, made: Callable[[dict[str, Any]], LocalImage]) -> dict[str, LocalImage]:
    """The local images of an engine's containers, by id."""
    found = {}
    good, _ = lines(answer, f"{key}/images", gaps, key)
    for line in good:
        try:
            image = _image(made, line) if len(line) <= MAX_REMEMBERED_CHARS else _read_image(made, line)
        except MalformedError as error:
            gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"{key}/images: {error}"))
            continue
        found[image.image_id] = image
    return found


def named_anew(
    answer: Answer, key: str, gaps: Gaps, made: Callable[[dict[str, Any]], LocalImage]
) -> dict[ImageReference, LocalImage]:
    """What names mean today by which containers were made of other images; most answers have no such section.

    Only how a fix reads rests on it, no verdict: an engine that hung here, after it told the rest, has no gap for it.
    """
    name = f"{key}/named_anew"
    good, _ = lines(answer, name, Gaps(), key) if name in answer.sections else ([], [])
    found: dict[ImageReference, LocalImage] = {}
    for line in good:
        try:
            told = answer_json.record(answer_json.parse(line))
            tags, image = answer_json.rows(told.get("repo_tags")), made(told)
            names = (_tagged(answer_json.name(tag)) for tag in tags)
            found |= dict.fromkeys((each for each in names if each is not None), image)
        except MalformedError as error:
            gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"{name}: {error}"))
    return found


def meant(named: Mapping[ImageReference, LocalImage], image: str, image_id: str) -> Platform | None:
    """What a container's image, however written, means today where that is another one."""
    written = _tagged(image)
    today = named.get(written) if written is not None else None
    return today.platform if today is not None and today.image_id != image_id else None


def _tagged(image: str) -> ImageReference | None:
    """A name with the tag that it means: an engine lists none without, and only in its own spelling."""
    reference = image_reference(image)
    return None if isinstance(reference, Failure) else replace(reference, tag=reference.tag or DEFAULT_TAG)


def _read_image(made: Callable[[dict[str, Any]], LocalImage], line: str) -> LocalImage:
    return made(answer_json.record(answer_json.parse(line)))


_image = lru_cache(MAX_REMEMBERED)(_read_image)
"""Thousands of hosts have the same images, of which an engine says the same."""


def repo_digests(value: Any) -> tuple[str, ...]:
    """``name@digest`` of the registries that an image came from; a nameless or locally made one has none."""
    digests = (answer_json.name(digest) for digest in answer_json.rows(value))
    return tuple(digest for digest in digests if not digest.startswith(("<none>", "localhost/")))
