"""The settings of waivers: who answers for which findings, until when."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from scanner.domain.waiver import ANY, BESIDE, misfits, patterns
from scanner.settings.fields import Moment, Section, Text


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
    host: str = Field(default=ANY, description="The same beside `match`.")
    image: str = Field(default=ANY, description="The same.")
    workload: str = Field(default=ANY, description="The same.")
    finding_reason: str = Field(default=ANY, description="The same for `match.reason`.")

    @property
    def patterns(self) -> Match:
        """What a finding must fit, wherever that is written."""
        return Match(**patterns(dict(self.match), self.beside))

    @property
    def beside(self) -> dict[str, str]:
        """What is said beside ``match``."""
        return {own: getattr(self, own) for own in BESIDE.values()}


def broken(waiver: Waiver) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every rule that a waiver breaks: a place in it, then what is wrong there."""
    return misfits(dict(waiver.match), waiver.beside)
