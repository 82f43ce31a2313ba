"""The trail for people: the last entries with their proofs, the signed head, the key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from starlette.responses import HTMLResponse, Response

from scanner.service.recording import Recording
from scanner.store.error import StoreError
from scanner.trail import leaf
from scanner.trail.leaf import Event
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.pages.rendering import render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.trail.trail import Trail

PAGE_ENTRIES = 50
"""Entries on one page."""

MAX_READ = 1000
"""Entries that are looked through for those of one kind or host."""

MAX_HOST_CHARS = 253
"""Of a host's name, as everywhere."""

MAX_ABOUT_CHARS = 4000
"""Of what an entry says; the proof has it whole."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One entry as it is shown; ``title`` says in a few words what happened, ``about`` is all of it.

    ``host`` is the one that it is about, empty where it is about none or several.
    """

    index: int
    event: str
    at: str
    by: str
    title: str
    about: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Entries, newest first, below the head; ``trail`` is ``None`` where there is none."""

    trail: Trail | None
    entries: Sequence[TrailRow] = ()
    event: str = ""
    host: str = ""
    older: int | None = None
    newer: int | None = None
    events: Sequence[str] = tuple(map(str, Event))

    @property
    def key(self) -> str:
        """The key that everybody may know."""
        return str(self.trail.verifier) if self.trail and self.trail.verifier else ""

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.trail.verifier.name if self.trail and self.trail.verifier else ""

    def at(self, before: int | None) -> str:
        """The address of the entries before this one."""
        asked = {"event": self.event, "host": self.host, "before": "" if before is None else str(before)}
        words = urlencode({name: value for name, value in asked.items() if value})
        return "/trail" + (f"?{words}" if words else "")


@router.get("/trail")
@needs(Scope.READ)
async def trail(
    asking: Asking,
    recording: Annotated[Recording, Depends(dependencies.recording)],
    before: Annotated[int | None, Query(ge=0, le=(1 << 62))] = None,
    event: Annotated[str, Query(max_length=64)] = "",
    host: Annotated[str, Query(max_length=MAX_HOST_CHARS)] = "",
) -> Response:
    """The last entries, or those before one; of one kind, of one host."""
    if event and event not in set(Event):
        raise Problem(400, "filter_invalid", f"event is one of {', '.join(Event)}")
    if recording.trail is None:
        return render(asking, "trail.html", TrailPage(None))
    try:
        return render(asking, "trail.html", await _page(recording.trail, before, event, host))
    except StoreError as error:
        raise Problem(503, "trail_failed", str(error), {"Retry-After": "60"}) from None


async def _page(known: Trail, before: int | None, event: str, host: str) -> TrailPage:
    size = known.head.size
    end = size if before is None else min(before, size)
    count = MAX_READ if event or host else PAGE_ENTRIES
    begin = max(0, end - count)
    rows = [_entry(*row) for row in await known.leaves(begin, end - begin)] if end > begin else []
    wanted = [row for row in reversed(rows) if event in {"", row.event} and host in {"", row.host}]
    shown = wanted[:PAGE_ENTRIES]
    older = shown[-1].index if len(wanted) > len(shown) else begin
    newer = None if end == size else min(end + PAGE_ENTRIES, size)
    return TrailPage(known, shown, event, host, older or None, newer)


def _entry(index: int, body: bytes) -> TrailRow:
    read = leaf.decode(body)
    if read is None:
        return TrailRow(index, "unreadable", "", "", "This entry is not one of ours.", body.hex()[:MAX_ABOUT_CHARS])
    about = json.dumps(read.about, indent=1, sort_keys=True, ensure_ascii=False)
    host = str(read.about.get("host", ""))
    return TrailRow(index, read.event, read.at, read.by, _title(read.event, read.about), about[:MAX_ABOUT_CHARS], host)


_NAMED = (
    "decision",
    "host",
    "workload",
    "image",
    "reason",
    "status",
    "before",
    "platform",
    "owner",
    "detail",
    "scan",
    "id",
)
"""What tells one entry from another, in the order in which people ask."""


def _title(event: str, about: Mapping[str, Any]) -> str:
    if event == Event.GATE_DECIDED:
        asked = about.get("asked", {})
        images = ", ".join(map(str, asked.get("images", ()))) if isinstance(asked, dict) else ""
        return f"{about.get('decision')}: {images}"[:200]
    if event == Event.SCAN_FINISHED and isinstance(counts := about.get("counts"), dict):
        return ", ".join(f"{count} {status}" for status, count in counts.items())[:200]
    words = (str(about[name]) for name in _NAMED if about.get(name) and not isinstance(about[name], dict | list))
    return " · ".join(dict.fromkeys(words))[:200]
