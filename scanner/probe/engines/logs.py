"""The last words of a container that is not healthy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.domain.facts import Workload
    from scanner.probe.answer import Answer
    from scanner.probe.engines.engine_section import Gaps

MAX_LINES = 5
"""A runtime's last words are one line; four more show what led to them."""

MAX_LINE_CHARS = 500


def note_missing_logs(answer: Answer, key: str, gaps: Gaps) -> None:
    """Note a gap where the answer does not even say whose logs were asked for."""
    asked = answer.whole(f"{key}/log_ids")
    if isinstance(asked, Failure):
        gaps.note(key, asked)


def last_lines(answer: Answer, key: str, container_id: str, workload: Workload, gaps: Gaps) -> Workload:
    """The workload with its log, if the probe asked for it: it reads only so many logs of one engine."""
    asked = answer.whole(f"{key}/log_ids")
    if isinstance(asked, Failure) or container_id.encode() not in asked.split():
        return workload
    name = f"{key}/log/{container_id}"
    section = answer.sections.get(name)
    if section is None:
        gaps.note(key, Failure(Reason.PART_INCOMPLETE, f"the answer has no section {name}"))
        return workload
    lines = [printable(line, MAX_LINE_CHARS) for line in section.body.split(b"\n") if not line.startswith(b"@")]
    return replace(workload, log=tuple(line for line in lines if line)[-MAX_LINES:])
