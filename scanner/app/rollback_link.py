"""The way from a person's command, or from the agent, to the running service."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.rollback_record import rollback_of
from scanner.errors import UsageError, in_words
from scanner.formats import certificates, files
from scanner.formats.documents import strict_json
from scanner.formats.files import FileError
from scanner.inventory.reading import http_fetch
from scanner.service.answers import RefusalReason
from scanner.service.rollback.carrying_out import LedgerError, OutOfTurnError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scanner.domain.rollback_record import Rollback, RollbackState
    from scanner.settings.schema import Settings

MAX_BODY_BYTES = 4 << 20
"""All plans that a service remembers."""

TIMEOUT_S = 60.0
"""A plan may wait for a registry."""

VERIFY_TIMEOUT_S = 600.0
"""A scan of one host, behind the scan of a fleet that runs already."""

WAIT_S = 25
"""How long the service may keep a question for work open."""

MAX_DETAIL_CHARS = 1000

_OUT_OF_TURN = frozenset({str(RefusalReason.ROLLBACK_STATE), str(RefusalReason.ROLLBACK_NOT_FOUND)})
"""Answers that stay the same however often the same is told."""

_SHOWN = {
    **dict.fromkeys(
        ("id", "host", "workload", "manager", "engine", "from_digest", "to_digest", "verdict", "state"), str
    ),
    **dict.fromkeys(("evidence", "touches", "cautions", "commands", "steps"), list),
    "detail": str,
}
"""What a rollback must have to be shown, or to be known as the one that was meant."""


class RefusedError(Exception):
    """The service answered, and will not; ``status`` is that of HTTP, 0 where it did not answer at all."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}" if reason else detail)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True)
class ServiceLink:
    """Asks one service with one token; blocks."""

    url: str
    token: str
    ca_file: Path | None = None

    def ask(self, method: str, path: str, body: object = None, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """The document that is answered.

        Raises:
            RefusedError: the service refuses, or does not answer.
        """
        headers = {"Accept": "application/json", "User-Agent": "archscan", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 -- the scheme was checked
        try:
            once = http_fetch.opener(timeout_s, certificates.verifying(self.ca_file))
        except FileError as error:
            raise RefusedError(0, "", f"rollback.ca_file {error}") from None
        try:
            status, told = _answered(once, request, timeout_s)
        except http.client.HTTPException:
            raise RefusedError(0, "", f"{self.url} does not answer: {http_fetch.NOT_WHOLE}") from None
        except (OSError, ValueError) as error:
            raise RefusedError(0, "", f"{self.url} does not answer: {in_words(error)}") from None
        if status is not None:
            detail = told.get("detail", f"{self.url} answered {status}")
            raise RefusedError(status, str(told.get("reason", "")), str(detail))
        return told


def _answered(
    once: urllib.request.OpenerDirector, request: urllib.request.Request, timeout_s: float
) -> tuple[int | None, dict[str, Any]]:
    """What is answered, behind the status of a refusal."""
    try:
        with once.open(request, timeout=timeout_s) as answer:
            return None, _document(answer.read(MAX_BODY_BYTES + 1))
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _document(error.read(MAX_BODY_BYTES + 1))


def as_rollback(told: dict[str, Any], url: str, rollback_id: str | None = None) -> dict[str, Any]:
    """An answer that is a rollback, this one where it has an id.

    Raises:
        RefusedError: it is none: whatever answered, it is no service that has written anything into its trail.
    """
    whole = all(isinstance(told.get(name), kind) for name, kind in _SHOWN.items())
    if not whole or not all(isinstance(one, dict) and {"at", "step", "detail"} <= one.keys() for one in told["steps"]):
        raise RefusedError(0, "", f"{url} answered something that is no rollback: is it archscan, of this version?")
    if rollback_id is not None and told["id"] != rollback_id:
        raise RefusedError(0, "", f"{url} answered with another rollback than {rollback_id}")
    return told


def _document(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BODY_BYTES:
        return {}
    found = strict_json.read_object(raw)
    return {} if isinstance(found, Failure) else found


def link_of(settings: Settings, server: str | None = None, token_file: Path | None = None) -> ServiceLink:
    """The service, with the token for it, that the command line or the settings name.

    Raises:
        UsageError: there is no token, or it cannot be read.
    """
    own = settings.rollback
    host, port = settings.web.listen_address
    here = f"http://{f'[{host}]' if ':' in host else host or '127.0.0.1'}:{port}"
    url = (server or own.server or here).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise UsageError("--server must be an http or https address")
    if "@" in url:
        raise UsageError("--server must be an address without an account: the token says who asks")
    file, name = (token_file, "--token-file") if token_file else (own.token_file, "rollback.token_file")
    if file is None:
        raise UsageError(
            "the service wants a token with the scope rollback: name its file with --token-file or rollback.token_file"
        )
    try:
        token = files.read_secret(file).strip()
    except FileError as error:
        raise UsageError(f"{name} {error}") from None
    return ServiceLink(url, token, own.ca_file)


@dataclass(frozen=True, slots=True)
class RemoteLedger:
    """The service's trail, as the agent writes to it (``Ledger``)."""

    link: ServiceLink

    async def work(self) -> list[Rollback]:
        """What is confirmed or under way."""
        told = await self._ask(f"/api/v1/rollbacks-work?wait={WAIT_S}")
        try:
            return [rollback_of(one) for one in told["rollbacks"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LedgerError(
                f"what {self.link.url} wants done is not understood: {error!r}: another version?"
            ) from None

    async def step(self, rollback_id: str, step: str, detail: str) -> None:
        """This step is about to be done."""
        body = {"step": step, "detail": detail[:MAX_DETAIL_CHARS]}
        await self._written(rollback_id, "steps", body)

    async def verify(self, rollback_id: str) -> tuple[bool | None, str]:
        """Whether a scan shows it running."""
        told = await self._ask(f"/api/v1/rollbacks/{rollback_id}/verify", None, VERIFY_TIMEOUT_S)
        if "runs" not in told:
            raise LedgerError(f"{self.link.url} answered no scan: is it archscan, of this version?")
        runs = told["runs"]
        return (runs if isinstance(runs, bool) else None), str(told.get("detail", ""))

    async def end(self, rollback_id: str, outcome: RollbackState, detail: str) -> None:
        """It ended so."""
        body = {"outcome": str(outcome), "detail": detail[:MAX_DETAIL_CHARS]}
        await self._written(rollback_id, "end", body)

    async def _written(self, rollback_id: str, what: str, body: object) -> None:
        """Only the rollback itself is an answer: a proxy's page of good cheer has written nothing into the trail."""
        told = await self._ask(f"/api/v1/rollbacks/{rollback_id}/{what}", body)
        try:
            as_rollback(told, self.link.url, rollback_id)
        except RefusedError as error:
            raise LedgerError(str(error)) from None

    async def _ask(self, path: str, body: object = None, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        try:
            return await _in_thread(lambda: self.link.ask("POST", path, body, timeout_s))
        except RefusedError as error:
            told = OutOfTurnError if error.reason in _OUT_OF_TURN else LedgerError
            raise told(str(error)) from None


async def _in_thread(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``call`` gives, made in a thread that nobody waits for who stops: those of the loop's own are waited for."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[dict[str, Any]] = loop.create_future()

    def settle(found: dict[str, Any] | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        elif found is not None:
            answer.set_result(found)

    def run() -> None:
        found: dict[str, Any] | None = None
        failed: Exception | None = None
        try:
            found = call()
        except Exception as error:  # noqa: BLE001 -- it is raised where it is awaited
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is over: nobody waits
            loop.call_soon_threadsafe(settle, found, failed)

    threading.Thread(target=run, name="archscan-service", daemon=True).start()
    return await answer
