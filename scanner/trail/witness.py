"""Asks witnesses to cosign the log's head (C2SP tlog-witness): the only place of the trail that knows httpx."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import structlog

from scanner.errors import in_words
from scanner.formats import certificates
from scanner.store.error import StoreError
from scanner.trail.cosignature import cosigned_at
from scanner.trail.log import Head, TrailError
from scanner.trail.note import NoteError, Signature, Verifier, parse, parse_signature

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from scanner.trail.trail import Trail, TrailObserver

log = structlog.get_logger(__name__)

ANSWER_S = 10.0
"""A witness writes one row before it answers."""

SETTLE_S = 1.0
"""A burst of decisions is witnessed together."""

AGAIN_S = 60.0
"""A witness that did not answer is asked again after this, with the newest head."""

MAX_ANSWER_BYTES = 64 << 10
"""A few signature lines, or a checkpoint with them."""

MAX_TRIES = 2
"""Once with what we think it has seen, once with what it says."""

_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Witness:
    """Where a witness is asked, under which key it cosigns."""

    url: str
    verifier: Verifier


class WitnessError(ValueError):
    """What a witness answered instead of a cosignature, in one line; ``seen`` is the size that it has seen of the log."""

    def __init__(self, message: str, seen: int | None = None) -> None:
        super().__init__(message)
        self.seen = seen


def client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """What witnesses are asked with: the system's authorities, no proxy of the environment, no redirects."""
    return httpx.AsyncClient(
        verify=certificates.verifying() if transport is None else True,
        timeout=ANSWER_S,
        trust_env=False,
        follow_redirects=False,
        transport=transport,
        headers={"Accept-Encoding": "identity"},
    )


@dataclass(frozen=True, slots=True)
class Growth:
    """A head with the proof that the log grew to it from its first ``old`` entries."""

    old: int
    head: Head
    proof: Sequence[bytes] = ()


async def add_checkpoint(http: httpx.AsyncClient, witness: Witness, growth: Growth, now: float) -> Signature:
    """The witness's cosignature of a head; ``now`` in Unix seconds.

    Raises:
        WitnessError: it gave none that holds.
    """
    hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in growth.proof)
    question = f"old {growth.old}\n{hashes}\n{growth.head.note}"
    status, text = await _asked(http, "POST", f"{witness.url}/add-checkpoint", question)
    if status == HTTPStatus.CONFLICT and _SIZE.fullmatch(size := text.removesuffix("\n")):
        raise WitnessError(f"it has seen {size} entries, not {growth.old}", int(size))
    if status != HTTPStatus.OK:
        raise WitnessError(f"it answered {status}: {text[:200].strip()!r}")
    body = parse(growth.head.note).text
    for line in text.removesuffix("\n").split("\n"):
        with suppress(NoteError):
            signature = parse_signature(line)
            at = cosigned_at(signature, body, witness.verifier)
            if at is not None and at <= now + AGAIN_S:
                return signature
    raise WitnessError(f"no signature of its answer is {witness.verifier.name}'s")


async def newest(http: httpx.AsyncClient, witness: Witness, origin: str) -> str:
    """The newest checkpoint of the log that a witness has cosigned, as it serves it to monitors.

    Raises:
        WitnessError: it serves none.
    """
    where = hashlib.sha256(origin.encode()).hexdigest()
    status, text = await _asked(http, "GET", f"{witness.url}/{where}/checkpoint", None)
    if status != HTTPStatus.OK:
        raise WitnessError(f"it answered {status} for the checkpoint of {origin}")
    return text


async def _asked(http: httpx.AsyncClient, method: str, url: str, body: str | None) -> tuple[int, str]:
    read = b""
    try:
        async with (
            asyncio.timeout(ANSWER_S),
            http.stream(method, url, content=None if body is None else body.encode()) as answer,
        ):
            if answer.headers.get("content-encoding", "identity") != "identity":  # unpacked, 64 KiB may be a gigabyte
                raise WitnessError("its answer is packed, which it was not asked for")
            async for piece in answer.aiter_bytes():
                read += piece
                if len(read) > MAX_ANSWER_BYTES:
                    raise WitnessError(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
            return answer.status_code, read.decode()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeDecodeError) as error:
        raise WitnessError(f"it does not answer: {in_words(error)}") from None


class Witnessing:
    """Has every new head cosigned, in its own time: nothing waits for a witness."""

    def __init__(  # noqa: PLR0913, PLR0917 -- where, whom, how: each from elsewhere
        self,
        trail: Trail,
        witnesses: Sequence[Witness],
        observer: TrailObserver,
        http: Callable[[], httpx.AsyncClient],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._trail, self._witnesses, self._observer = trail, tuple(witnesses), observer
        self._http = http() if self._witnesses else None  # it reads every certificate of the system
        self._clock, self._sleep = clock, sleep
        self._seen: dict[Witness, int] = {}
        self._new = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; there is nothing to do without witnesses."""
        if self._witnesses:
            self._trail.on_head = self._wake
            self._new.set()
            self._task = asyncio.create_task(self._run(), name="trail-witnesses")

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._http is not None:
            await self._http.aclose()

    async def witness(self) -> bool:
        """Ask every witness about the newest head once; whether all of them cosigned it."""
        head, http = self._trail.head, self._http
        if http is None or not head.size:
            return True
        signatures: list[Signature] = []
        storing = asyncio.Lock()

        async def ask(witness: Witness) -> None:
            signature = await self._cosigned(http, witness, head)
            if signature is None:
                return
            async with storing:  # at once: another witness may take its time
                signatures.append(signature)
                try:
                    await self._trail.cosign(head, signatures, [one.verifier for one in self._witnesses])
                except StoreError as error:
                    log.warning("cosignatures_not_stored", error=str(error))

        await asyncio.gather(*map(ask, self._witnesses))
        return len(signatures) == len(self._witnesses)

    def _wake(self) -> None:
        """From the store's thread."""
        self._loop.call_soon_threadsafe(self._new.set)

    async def _run(self) -> None:
        while True:
            await self._new.wait()
            self._new.clear()
            await self._sleep(SETTLE_S)
            if not await self.witness():
                self._loop.call_later(AGAIN_S, self._new.set)

    async def _cosigned(self, http: httpx.AsyncClient, witness: Witness, head: Head) -> Signature | None:
        for _ in range(MAX_TRIES):
            old = self._seen.get(witness, 0)
            try:
                growth = await self._growth(old, head)
                signature = await add_checkpoint(http, witness, growth, self._clock())
            except WitnessError as error:
                if error.seen is not None and error.seen != old:
                    self._seen[witness] = error.seen
                    continue
                self._tell(witness, str(error))
                return None
            except (StoreError, TrailError) as error:
                self._tell(witness, str(error))
                return None
            self._seen[witness] = head.size
            self._observer.trail_witnessed(witness.verifier.name, head.size)
            return signature
        self._tell(witness, "it changes its mind about what it has seen")
        return None

    async def _growth(self, old: int, head: Head) -> Growth:
        proof = await self._trail.consistency(old, head.size)
        if proof is None:
            raise WitnessError(f"it has seen {old} entries, more than the {head.size} that there are")
        return Growth(old, head, proof)

    def _tell(self, witness: Witness, why: str) -> None:
        self._observer.trail_witnessed(witness.verifier.name, None)
        log.warning("not_witnessed", witness=witness.verifier.name, error=why)
