"""Narrows a page to what a reader asks: it lives in the page's address, so that it can be sent to somebody else."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import Query

from scanner.domain.facts import Stage
from scanner.domain.failure import Failure
from scanner.domain.image.reference import image_reference
from scanner.domain.verdict.reason import Reason, Status
from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scanner.domain.finding_groups import Likeness
    from scanner.domain.report import HostReading

MAX_WORDS = 64
"""Of so many it is remembered what they mean; a page asks for one or two."""

MAX_WORDS_CHARS = 512
"""As long as the longest image reference."""

GLOB = "*?["
"""What makes a glob of words."""

NO_PLATFORM = "unknown"
"""How a host is filed of which nobody knows what it is."""

Words = Annotated[str, Query(max_length=MAX_WORDS_CHARS)]


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Every field that is not empty must fit.

    ``q`` is sought in host, workload and image; ``host`` and ``image`` are globs or words; ``label`` is ``NAME=VALUE``;
    ``team`` is whose a finding is, as the report has it.
    """

    q: str = ""
    status: str = ""
    reason: str = ""
    stage: str = ""
    platform: str = ""
    registry: str = ""
    label: str = ""
    host: str = ""
    image: str = ""
    team: str = ""

    def __bool__(self) -> bool:
        """Whether it narrows anything."""
        return any(getattr(self, field.name) for field in fields(self))

    @property
    def given(self) -> Mapping[str, str]:
        """What it narrows to, by the name in the address."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}

    def query(self, **changes: object) -> str:
        """The query of an address that narrows alike but for ``changes``; empty values are left out."""
        wanted = {name: str(value) for name, value in {**self.given, **changes}.items() if value not in ("", None)}
        return f"?{urlencode(wanted)}" if wanted else ""

    def without(self, name: str) -> PageFilter:
        """The same, not narrowed by ``name``."""
        return replace(self, **{name: ""})

    def takes_alike(self, one: Likeness) -> bool:
        """Whether findings that have this in common fit, as far as host and name allow it."""
        return (
            (not self.status or one.status == self.status)
            and (not self.reason or one.reason == self.reason)
            and (not self.stage or one.stage == self.stage)
            and (not self.platform or str(one.platform or NO_PLATFORM) == self.platform)
            and (not self.registry or registry_of(one.image) == self.registry)
            and (not self.team or one.team == self.team)
            and (not self.image or fitting(self.image)(one.image))
        )

    def takes_where(self, host: str, labels: Mapping[str, str]) -> bool:
        """Whether a host of these labels fits, whatever it is and runs."""
        return self._takes_labels(labels) and (not self.host or fitting(self.host)(host))

    def takes_host(self, reading: HostReading) -> bool:
        """Whether a host fits by its name, platform and labels, whatever runs on it."""
        is_of = not self.platform or str(reading.platform or NO_PLATFORM) == self.platform
        return is_of and self.takes_where(reading.name, reading.labels)

    @property
    def narrows_workloads(self) -> bool:
        """Whether it asks for something that only a workload has."""
        return bool(self.status or self.reason or self.stage or self.registry or self.image or self.team)

    def _takes_labels(self, labels: Mapping[str, str]) -> bool:
        if not self.label:
            return True
        name, _, value = self.label.partition("=")
        return labels.get(name) == value


def asked(  # noqa: PLR0913, PLR0917 - one for each part of the address
    q: Words = "",
    status: Words = "",
    reason: Words = "",
    stage: Words = "",
    platform: Words = "",
    registry: Words = "",
    label: Words = "",
    host: Words = "",
    image: Words = "",
    team: Words = "",
) -> PageFilter:
    """The filter of a request.

    Raises:
        Problem: 400, a status, reason or stage that there is not.
    """
    for name, value, known in (("status", status, Status), ("reason", reason, Reason), ("stage", stage, Stage)):
        if value and value not in set(known):
            raise Problem(400, "filter_invalid", f"{name} is one of {', '.join(known)}")
    words = (q, status, reason, stage, platform, registry, label, host, image, team)
    return PageFilter(*(word.strip() for word in words))


def registry_of(image: str) -> str:
    """The registry that an image comes from; empty where its reference cannot be read."""
    reference = image_reference(image)
    return "" if isinstance(reference, Failure) else reference.registry


def fitting_among(words: str, texts: Iterable[str]) -> Iterable[str]:
    """Those of many texts that fit."""
    if any(mark in words for mark in GLOB):
        return filter(fitting(words), texts)
    sought = words.lower()
    return [text for text in texts if sought in text.lower()]


@lru_cache(MAX_WORDS)
def fitting(words: str) -> Callable[[str], bool]:
    """Whether a text fits a glob, or holds the words in any case."""
    if any(mark in words for mark in GLOB):
        return re.compile(translate(words)).match  # type: ignore[return-value]  # a match is true
    sought = words.lower()
    return lambda text: sought in text.lower()
