"""A running archscan asked over HTTP; what it answers becomes values of the domain again."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from scanner import ending
from scanner.domain import report_reading
from scanner.domain.facts import HostFacts, Kernel
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.waiver import Waiver, WaiverOrigin
from scanner.errors import NO_TEXT, ServiceError, UsageError, in_words
from scanner.formats import certificates
from scanner.service.check_reading import checked_of, override_of
from scanner.service.path_segment import segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scanner.client.answer_types import (
        AddedWaiver,
        FindingPage,
        ImageInFleet,
        Overrides,
        Readiness,
        RequestedScan,
        TrailEntries,
        TrailEntry,
        TrailState,
        Waivers,
    )
    from scanner.client.answer_types import Waiver as WaiverRow
    from scanner.domain.override import Override
    from scanner.service.answers import Checked

CONNECT_S = 10.0

ANSWER_S = 300.0
"""A gate opens images while it is asked."""

POLL_S = 0.5
"""Between two looks at a scan's progress."""

MAX_ANSWER_BYTES = 512 << 20
"""A report of ten thousand hosts has 160 MB."""

PAGE = 1000
"""Findings in one answer."""

SIGNED = "\n\n\N{EM DASH} "
"""Stands between the text of a signed note and its first signature (C2SP signed-note)."""


_PROXIES = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"
"""Variables of the environment that name a proxy, in small letters too; what is in them may be a password."""

_SCHEMES = frozenset({"http", "https", "all"})
"""What a proxy may be named for."""


@contextmanager
def _proxies_blamed() -> Iterator[None]:
    """What the environment names as a proxy, and is none that can be used, is the caller's to change."""
    try:
        yield
    except ImportError:
        raise UsageError(
            f"a SOCKS proxy (one of {_PROXIES}) is not spoken with: name an HTTP proxy, or unset it"
        ) from None
    except (httpx.InvalidURL, ValueError):
        raise UsageError(
            f"one of {_PROXIES} is no address of a proxy, or NO_PROXY holds what is no name or address of a host: write "
            "http://HOST:PORT, or unset it"
        ) from None


class Client:
    """One server with one token; raises ``UsageError`` for what the caller has to change, ``ServiceError`` for the rest."""

    def __init__(self, url: str, token: str = "", transport: httpx.BaseTransport | None = None) -> None:
        if not _is_address(url):
            raise UsageError(f"--server {_shown(url)}: write http://HOST:PORT or https://HOST")
        self._url = _shown(url.rstrip("/"))
        if not token.isascii():
            raise UsageError("the token holds characters that no token has: is it the right file?")
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        # the system's authorities, a company's own among them, not a list of a library's
        verify = certificates.verifying() if transport is None else True
        # where a name server that says nothing keeps no interrupt waiting, as it would in the main thread
        self._thread = ThreadPoolExecutor(1, ending.UNAWAITED)
        with _proxies_blamed():
            self._http = httpx.Client(
                base_url=url.rstrip("/"),
                headers=headers,
                verify=verify,
                trust_env=bool(_SCHEMES & getproxies().keys()),  # where no proxy is named, nothing hangs on NO_PROXY
                timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
                transport=transport,
                follow_redirects=False,  # a token goes to nobody else
            )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the connections."""
        self._thread.shutdown(wait=not isinstance(error[1], KeyboardInterrupt))
        self._http.close()

    # ---------------------------------------------------------------- reports

    def report(self) -> Report:
        """The latest report."""
        with _understood():
            return report_reading.report_of(self._ask("GET", "/api/v1/report"))

    def findings(self, **wanted: str) -> Sequence[Finding]:
        """The judged workloads that match, from all pages."""
        found: list[Finding] = []
        cursor = ""
        while True:
            query = {name: value for name, value in wanted.items() if value} | {"limit": str(PAGE), "cursor": cursor}
            page: FindingPage = self._ask("GET", "/api/v1/findings", query=query)
            with _understood():
                found += [report_reading.finding_of(row) for row in page["findings"]]
                following = page.get("next_cursor") or ""
                if following and (following == cursor or not page["findings"]):
                    raise ValueError("its pages have no end")
            if not following:
                return found
            cursor = following

    def image(self, reference: str) -> tuple[ImageInFleet, Sequence[Finding]]:
        """Who runs or plans an image, written like this, as it was answered beside the findings in it."""
        found: ImageInFleet = self._ask("GET", f"/api/v1/images/{segment(reference, '/:@')}")
        with _understood():
            return found, [report_reading.finding_of(row) for row in found["findings"]]

    def scan(self, patterns: Sequence[str], listen: Callable[[int, int, HostReading], None]) -> Report:
        """Have the hosts that match scanned now; the report of these hosts when that is over."""
        asked: RequestedScan = self._ask("POST", "/api/v1/scans", {"hosts": list(patterns)})
        nobody = HostReading("", HostFacts("", Kernel("", "")))
        with _understood():
            while asked["state"] not in {"done", "failed"}:
                time.sleep(POLL_S)
                asked = self._ask("GET", f"/api/v1/scans/{segment(asked['id'])}")
                listen(asked["done"], asked["total"], nobody)
            if asked["state"] == "failed":
                raise ServiceError(f"{self._url}: the scan failed: {asked['detail']}")
            return self.report().of_hosts(set(asked["hosts"]))

    # ---------------------------------------------------------------- the gate

    def check(
        self,
        images: Sequence[str | dict[str, Any]],
        patterns: Sequence[str],
        platforms: Sequence[str],
        files: Mapping[str, str] = {},
    ) -> Checked:
        """May these images, or what the texts of these files plan, go there? Any decision is an answer."""
        question: dict[str, Any] = {"images": list(images), "files": dict(files)}
        question |= {"hosts": list(patterns)} if patterns else {"platforms": list(platforms)}
        answer = self._ask("POST", "/api/v1/check", question, decisions=True)
        with _understood():
            return checked_of(answer)

    def waivers(self) -> Sequence[Waiver]:
        """Who answers for what, until when."""
        with _understood():
            found: Waivers = self._ask("GET", "/api/v1/waivers")
            return [_waiver(row) for row in found["waivers"]]

    def add_waiver(self, wanted: Mapping[str, str]) -> tuple[Waiver, int | None]:
        """Answer for findings until a moment; with how many of the latest report it is for, where there is one."""
        with _understood():
            added: AddedWaiver = self._ask("POST", "/api/v1/waivers", dict(wanted))
            return _waiver(added), added["covered"]

    def delete_waiver(self, waiver_id: str) -> None:
        """End a waiver that was added to the running service."""
        self._delete(f"/api/v1/waivers/{segment(waiver_id)}")

    def overrides(self) -> Sequence[Override]:
        """Who answers for which deployments against the gate, until when."""
        with _understood():
            found: Overrides = self._ask("GET", "/api/v1/overrides")
            return [override_of(row) for row in found["overrides"]]

    def add_override(self, wanted: Mapping[str, str]) -> Override:
        """Answer for a deployment until a moment."""
        with _understood():
            return override_of(self._ask("POST", "/api/v1/overrides", dict(wanted)))

    def delete_override(self, override_id: str) -> None:
        """End an override."""
        self._delete(f"/api/v1/overrides/{segment(override_id)}")

    def _delete(self, path: str) -> None:
        if self._answered("DELETE", path).content:
            raise self._is_none("a deletion with a text")

    # ---------------------------------------------------------------- everything else

    def trail_entries(self, last: int, event: str | None = None) -> Iterator[tuple[int, bytes]]:
        """The last entries, or the last of one kind, with their index, each as its canonical JSON."""
        state: TrailState = self._ask("GET", "/api/v1/trail")
        with _understood():
            end = state["size"]
            found: deque[TrailEntry] = deque(maxlen=last)
            while end > 0 and len(found) < last:
                count = min(end, PAGE if event else min(PAGE, last - len(found)))
                end -= count
                query = {"start": str(end), "limit": str(count)}
                page: TrailEntries = self._ask("GET", "/api/v1/trail/entries", query=query)
                there = {row["index"] for row in page["entries"]}  # fewer than asked where the server's store lost some
                if not there or len(there) != len(page["entries"]) or not there <= set(range(end, end + count)):
                    raise ValueError(f"{len(page['entries'])} of {count} entries")
                wanted = [row for row in page["entries"] if event in {None, row.get("event")}]
                found.extendleft(reversed(wanted[-(last - len(found)) :]))
            yield from map(_leaf, found)

    def checkpoint(self) -> str:
        """The newest signed head."""
        note = self._answered("GET", "/checkpoint").text
        if SIGNED not in note:
            raise self._is_none("no signed head")
        return note

    def readiness(self, to: str) -> tuple[Report, Sequence[Finding] | None]:
        """The latest report beside its images as judged for a plain host of ``to``; ``None`` where none was opened for that."""
        found: Readiness = self._ask("GET", "/api/v1/readiness", query={"to": to})
        with _understood():
            judged = [report_reading.finding_of(row["judged"]) for row in found["images"] if row["judged"]]
            return self.report(), judged if found["judged"] else None

    # ---------------------------------------------------------------- asking

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        decisions: bool = False,
    ) -> Any:
        answer = self._answered(method, path, body, query, decisions=decisions)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise self._is_none("something that is not JSON") from None

    def _is_none(self, what: str) -> ServiceError:
        return ServiceError(f"{self._url} answered {what}: is it archscan?")

    def _answered(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        decisions: bool = False,
    ) -> httpx.Response:
        return self._thread.submit(self._heard, method, path, body, query, decisions=decisions).result()

    def _heard(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        *,
        decisions: bool,
    ) -> httpx.Response:
        try:
            with self._http.stream(method, path, json=body, params=query) as answer:
                size = 0
                pieces = []
                for piece in answer.iter_bytes():
                    size += len(piece)
                    if size > MAX_ANSWER_BYTES:
                        raise ServiceError(f"{self._url} answered more than {MAX_ANSWER_BYTES} bytes")
                    pieces.append(piece)
                content_type = answer.headers.get("content-type", "")
                whole = httpx.Response(
                    answer.status_code, headers={"content-type": content_type}, content=b"".join(pieces)
                )
        except UnicodeEncodeError:
            raise UsageError(NO_TEXT) from None
        except httpx.HTTPError as error:
            raise ServiceError(
                f"{self._url} does not answer ({in_words(error)}): name a running archscan by --server or ARCHSCAN_SERVER"
            ) from None
        if whole.is_success or (decisions and _decides(whole)):
            return whole
        raise _refusal(self._url, whole)


def _is_address(url: str) -> bool:
    """Whether it is one that can be asked."""
    try:
        httpx.URL(url)  # which knows what a name of a host may not be
        found = urlsplit(url)
        return (
            found.scheme in {"http", "https"}
            and bool(found.hostname)
            and found.port != 0
            and url.isprintable()
            and " " not in url
        )
    except (ValueError, httpx.InvalidURL):  # an IPv6 address without its bracket, a port above 65535, ü..b
        return False


def _shown(url: str) -> str:
    """An address without the password that may stand in front of its host."""
    return re.sub("//[^/?#]*@", "//", url)


def _decides(answer: httpx.Response) -> bool:
    """Whether a refusal is the gate's decision with its report, not why there is none."""
    try:
        found = answer.json()
    except ValueError:
        return False
    return isinstance(found, dict) and "decision" in found and "findings" in found


def _refusal(url: str, answer: httpx.Response) -> UsageError | ServiceError:
    """The problem document in one line, with what to do."""
    try:
        problem = answer.json()
        said = f"{problem['detail']} ({problem['reason']})"
    except (ValueError, KeyError, TypeError):
        return ServiceError(f"{url} answered {answer.status_code}: is it archscan?")
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        said += ": name a token's file with --token-file FILE or ARCHSCAN_TOKEN_FILE"
    kind = ServiceError if answer.is_server_error else UsageError
    return kind(f"{url}: {said}")


@contextmanager
def _understood() -> Iterator[None]:
    """An answer that is not what it should be is another version's, or no archscan's."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceError(f"the server's answer is not understood: {error}: is it another version?") from None


def _leaf(row: TrailEntry) -> tuple[int, bytes]:
    leaf = {name: value for name, value in row.items() if name != "index"} | {"schema": "archscan/trail/v1"}
    return row["index"], json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode()


def _waiver(row: WaiverRow) -> Waiver:
    until = datetime.fromisoformat(row["until"]).timestamp()
    host, image, workload, reason = (str(row[name]) for name in ("host", "image", "workload", "finding_reason"))
    origin = WaiverOrigin(row["origin"])
    return Waiver(row["id"], row["owner"], row["reason"], until, host, image, workload, reason, origin)
