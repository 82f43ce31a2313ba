"""The settings of waivers: who answers for which findings, until when."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from scanner.domain.override import names_something
from scanner.domain.waiver import names_no_reason
from scanner.settings.fields import Moment, Section, Text

ANY = "*"
"""What a pattern is that narrows nothing."""

_BESIDE = {"host": "host", "image": "image", "workload": "workload", "reason": "finding_reason"}
"""What the fields of ``match`` are called beside it, where ``reason`` is why somebody answers."""


class Match(Section):
    """What a waiver covers: every pattern given must fit."""

    host: str = Field(default=ANY, description="Glob pattern of host names.")
    image: str = Field(default=ANY, description="Glob pattern of image references.")
    workload: str = Field(default=ANY, description="Glob pattern of workload names.")
    reason: str = Field(default=ANY, description="Glob pattern of reasons.")


class Waiver(Section):
    """A finding that somebody answers for until a day."""

    owner: Text = Field(description="Who answers for it.")
    reason: Text = Field(description="Why it is accepted.")
    until: Moment = Field(description="Last day, or exact end.")
    match: Match = Field(default=Match(), description="What it covers.")
    host: str = Field(default=ANY, description="The same beside `match`, as the API has it.")
    image: str = Field(default=ANY, description="The same.")
    workload: str = Field(default=ANY, description="The same.")
    finding_reason: str = Field(default=ANY, description="The same for `match.reason`.")

    @property
    def patterns(self) -> Match:
        """What a finding must fit, wherever that is written."""
        beside = {name: getattr(self, own) for name, own in _BESIDE.items()}
        return Match(**(beside | {name: glob for name, glob in self.match if glob != ANY}))


def broken(waiver: Waiver) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every rule that a waiver breaks: a place in it, then what is wrong there."""
    for name, beside in _BESIDE.items():
        if getattr(waiver.match, name) != ANY != getattr(waiver, beside):
            yield (beside,), f"match.{name} says it already: leave one of them out"
    patterns = waiver.patterns
    if not any(map(names_something, (patterns.host, patterns.image, patterns.workload, patterns.reason))):
        yield ("match",), "name a host, image, workload or reason: nobody answers for everything"
    if why := names_no_reason(patterns.reason):
        yield (("finding_reason",) if waiver.match.reason == ANY else ("match", "reason")), why
