"""One template with one page's values becomes an answer: escaped, in the shared layout, packed for the way."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from scanner.domain.fleet_picture import EMPTY, URGENT
from scanner.domain.report_json import moment
from scanner.domain.verdict.reason import STATUS_OF, Status
from scanner.domain.verdict.reason_catalogue import MEANING as MEANING_OF
from scanner.web.http.packing import takes_gzip
from scanner.web.pages.fleet_index import FleetIndex, LatestIndex

if TYPE_CHECKING:
    from scanner.domain.report import Report
    from scanner.web.http.dependencies import WebContext
    from scanner.web.pages.viewer import Viewer

MEANING = {
    Status.OK: "starts natively",
    Status.EMULATED: "starts, slowly, through an emulator",
    Status.DEGRADED: "starts now; the next pull may not",
    Status.UNKNOWN: "not enough evidence",
    Status.MISMATCH: "built for another CPU, will not start",
    Status.BROKEN: "will not start, whatever the CPU",
}

SYMBOL = {
    Status.OK: "✓",
    Status.EMULATED: "≈",
    Status.DEGRADED: "▲",
    Status.UNKNOWN: "?",
    Status.MISMATCH: "✕",
    Status.BROKEN: "■",
    EMPTY: "·",
}
"""A shape per status, because a tenth of all men do not tell red from green."""

NAVIGATION = (
    ("/", "Fleet"),
    ("/findings", "Findings"),
    ("/hosts", "Hosts"),
    ("/images", "Images"),
    ("/check", "Check"),
    ("/decoder", "Decoder"),
    ("/readiness", "Readiness"),
    ("/trail", "Trail"),
    ("/scanner", "Scanner"),
)
"""The rooms of the house, in the order in which questions arise."""

PACKED_FROM_BYTES = 1400
"""What fits into one packet gains nothing."""

PACKING = 5
"""Of gzip's nine levels: nearly as small as the last, in a third of its time."""

_HERE = Path(__file__).parent

_PLAIN_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]*(/[A-Za-z0-9_][A-Za-z0-9._:@+-]*)*", re.ASCII)
"""What may stand in the path of an address as it is; browsers fold dots and doubled slashes of anything else."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Who asks for a page, of what, when."""

    request: Request
    context: WebContext
    viewer: Viewer

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self.context.clock()

    @property
    def report(self) -> Report | None:
        """The published report."""
        return self.context.service.publication.report()

    @property
    def index(self) -> FleetIndex:
        """The published report, made ready to be looked up.

        Raises:
            Problem: 503 before the first.
        """
        return latest_of(self.request).of(self.context.report())


def latest_of(request: Request) -> LatestIndex:
    """The application's one index."""
    found: LatestIndex = request.app.state.latest_index
    return found


def render(asking: PageRequest, template: str, page: object, *, status: int = 200, refresh_s: int = 0) -> Response:
    """The page ``template`` of the view model ``page``; ``refresh_s`` has a browser without scripts look again."""
    now = asking.now
    text = environment().get_template(template).render(
        page=page,
        viewer=asking.viewer,
        report=asking.report,
        here=asking.request.url.path,
        age=lambda seconds: age(now, seconds),
        refresh_s=refresh_s,
    )  # fmt: skip
    return packed(asking.request, text, status)


def packed(request: Request, text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """HTML, with gzip where that was offered; no secret of a page is the same twice, so packing tells nothing of it."""
    body = text.encode()
    sent = {"Vary": "Accept, Accept-Encoding, Cookie, Authorization", **(headers or {})}
    if len(body) >= PACKED_FROM_BYTES and takes_gzip(request.headers.get("accept-encoding")):
        body = gzip.compress(body, PACKING, mtime=0)
        sent["Content-Encoding"] = "gzip"
    return HTMLResponse(body, status, sent)


def age(now: float, seconds: float | None) -> str:
    """How long ago, in the largest unit that fits; a clock ahead of ours counts as now."""
    if seconds is None:
        return "never"
    return span(max(now - seconds, 0.0))


def span(seconds: float) -> str:
    """A stretch of time in the largest unit that fits."""
    for size, unit in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"


def host_path(name: str) -> str:
    """Where a host has its page, whatever it is called."""
    return _path("/hosts", "name", name)


def image_path(reference: str) -> str:
    """Where an image has its page, whatever it is called."""
    return _path("/images", "reference", reference)


def _path(under: str, parameter: str, text: str) -> str:
    if _PLAIN_PATH.fullmatch(text):
        return f"{under}/{text}"
    return f"{under}?{parameter}={quote(text, safe='')}"


_WEB_ADDRESS = re.compile(r"https://[A-Za-z0-9][!-~]*", re.ASCII)


def is_link(address: str) -> bool:
    """Whether an address that a stranger wrote may lead there: https, with a host; everything else stays text."""
    return _WEB_ADDRESS.fullmatch(address) is not None and "@" not in address.split("/", 3)[2]


CPUS = {
    "amd64": "64-bit x86 (x86_64)",
    "386": "32-bit x86 (i386 to i686)",
    "arm64": "64-bit ARM (aarch64)",
    "arm": "32-bit ARM (armhf, armel)",
    "ppc64le": "64-bit POWER, little-endian",
    "s390x": "IBM Z",
    "riscv64": "64-bit RISC-V",
    "loong64": "64-bit LoongArch",
}
"""How people call what GOARCH spells."""


def cpu_of(platform: str) -> str:
    """A platform in words, for those who do not know GOARCH."""
    parts = platform.split("/")
    name = CPUS.get(parts[1], parts[1]) if len(parts) > 1 else "nobody knows what this is"
    return f"{name}, level {parts[2]}" if len(parts) > 2 else name  # noqa: PLR2004 -- os, architecture, variant


def many(count: int, noun: str) -> str:
    """``1 host``, ``2 hosts``, ``10,000 hosts``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def load_templates() -> None:
    """Read every template: nobody waits for one, and none is of a later release that is laid over a running one."""
    for name in environment().list_templates():
        environment().get_template(name)


@cache
def environment() -> Environment:
    """The templates; what is not escaped is not there."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    shared: dict[str, Any] = {
        "statuses": URGENT, "meaning": MEANING, "symbol": SYMBOL, "moment": moment, "span": span, "many": many,
        "navigation": NAVIGATION, "host_path": host_path, "image_path": image_path, "sentence_of": MEANING_OF,
        "status_of": STATUS_OF, "cpu_of": cpu_of, "is_link": is_link,
    }  # fmt: skip
    made.globals |= shared
    return made
