"""The trail as the service sees it: entries go in, durable when that returns, proofs come out."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from scanner.store.error import StoreError
from scanner.trail import checkpoint, entries, merkle, tiles
from scanner.trail.cosignature import witnessed
from scanner.trail.leaf import Entry, Event, moment
from scanner.trail.log import Head, MerkleLog, TrailError
from scanner.trail.note import Note, NoteError
from scanner.trail.note import parse as parse_note
from scanner.trail.proof import Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.store.findings import Changes
    from scanner.store.store import Store
    from scanner.store.trail_rows import Record, TrailRows
    from scanner.trail.log import Appended
    from scanner.trail.note import Signature, Signer, Verifier
    from scanner.trail.tiles import TilePath

log = structlog.get_logger(__name__)


class TrailObserver(Protocol):
    """Watches the trail, for metrics; may be called from any thread."""

    def trail_head(self, origin: str, size: int, root: bytes, at: float) -> None:
        """This head was signed at ``at`` (Unix seconds)."""

    def trail_failing(self, *, failing: bool) -> None:
        """Whether entries cannot be written."""

    def trail_failed(self) -> None:
        """Entries were lost to the trail."""

    def trail_witnessed(self, witness: str, size: int | None) -> None:
        """A witness has cosigned the head of this size; ``None``: it did not answer as it should."""


class UnobservedTrail:
    """Nobody watches."""

    def trail_head(self, origin: str, size: int, root: bytes, at: float) -> None:
        """Nothing."""

    def trail_failing(self, *, failing: bool) -> None:
        """Nothing."""

    def trail_failed(self) -> None:
        """Nothing."""

    def trail_witnessed(self, witness: str, size: int | None) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Entries whose appender waits for their first index."""

    entries: Sequence[Entry]
    first: asyncio.Future[int]


class Trail:
    """One log in one store. What waits while a transaction runs goes into the next one, together.

    A trail without a signer has ``failure`` from the start: everything that asks it is refused, scans go on.
    """

    def __init__(
        self,
        store: Store,
        signer: Signer | None,
        observer: TrailObserver | None = None,
        clock: Callable[[], float] = time.time,
        failure: str = "",
    ) -> None:
        self._store, self._observer, self._clock = store, observer or UnobservedTrail(), clock
        self._log = MerkleLog(signer) if signer else None
        self.failure = failure
        self._missed, self._missed_since = 0, 0.0
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._witnessed = Head()
        self.on_head: Callable[[], None] = lambda: None

    def sign(self, signer: Signer | None, failure: str = "") -> None:
        """Go on with this key, or without one for this reason; before it is opened."""
        self._log, self.failure = MerkleLog(signer) if signer else None, failure

    async def open(self) -> None:
        """Take up where the log ended; where it cannot, ``failure`` says why."""
        self._observer.trail_failing(failing=bool(self.failure))
        if self._log is None:
            self._observer.trail_failed()
            return
        try:
            await self._store.trail(self._log.open)
        except (StoreError, TrailError) as error:
            self._fail(str(error))
            return
        self._observe(self._log.head)

    async def follow(self) -> None:
        """Take up what another instance has written meanwhile."""
        if self._log is not None:
            self.failure = ""
            await self.open()

    # ---------------------------------------------------------------- what is known

    @property
    def head(self) -> Head:
        """What was last signed."""
        return self._log.head if self._log else Head()

    @property
    def verifier(self) -> Verifier | None:
        """The key that everybody may know."""
        return self._log.verifier if self._log else None

    @property
    def best_head(self) -> Head:
        """The newest head that every witness has cosigned; the newest where there is none."""
        return self._witnessed if self._witnessed.size else self.head

    # ---------------------------------------------------------------- what is added

    async def append(self, *new: Entry) -> int:
        """Write entries; the index of the first, durable when this returns.

        Raises:
            TrailError: they were not written; ``failure`` is set until others are.
        """
        waiting = _Waiting(new, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="trail")
        return await waiting.first

    def record(self, *new: Entry) -> Record | None:
        """What writes entries within a transaction of somebody else; ``None`` while the trail cannot be written.

        Whoever's transaction fails tells ``missed``.
        """
        return self._recording(new) if self._log and not self.failure else None

    def record_scan(self, by: str, said: str) -> Callable[[Changes], Record] | None:
        """What writes a scan's end with all that it changed, within the transaction that stores it.

        ``said`` is the report's digest, made before: within the transaction whatever else is to be written waits for it.
        """
        if not self._log or self.failure:
            return None
        return lambda made: self._recording(entries.scan_finished(by, made, said))

    def missed(self, error: Exception | str, count: int = 1) -> None:
        """Entries could not be written: the next ones will say so."""
        self._missed_since = self._missed_since or self._clock()
        self._missed += count
        self._observer.trail_failed()
        self._fail(str(error))

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            together = [entry for waiting in batch for entry in waiting.entries]
            try:
                first = await self._written(together)
            except (StoreError, TrailError) as error:
                self.missed(error, len(together))
                for waiting in batch:
                    if not waiting.first.done():
                        waiting.first.set_exception(TrailError(str(error)))
                continue
            for waiting in batch:
                if not waiting.first.done():
                    waiting.first.set_result(first)
                first += len(waiting.entries)

    async def _written(self, new: Sequence[Entry]) -> int:
        if self._log is None:
            raise TrailError(self.failure)
        if self.failure:
            await self._store.trail(self._log.open)  # whatever it was may be over; what was changed is not
        at: list[int] = []
        await self._store.record(self._recording(new, at.append))
        return at[0]

    def _recording(self, new: Sequence[Entry], tell_first: Callable[[int], None] = lambda _: None) -> Record:
        trail_log = self._log
        assert trail_log is not None  # noqa: S101 -- whoever calls this has looked

        def write(rows: TrailRows) -> Callable[[], None]:
            missed = self._missed
            appended = trail_log.append(rows, [*self._resumed(), *new])
            tell_first(appended.head.size - len(new))
            return lambda: self._adopt(trail_log, appended, missed)

        return write

    def _resumed(self) -> Iterable[Entry]:
        """That something is missing in between stands in the trail, too."""
        if self._missed:
            about = {"missed": self._missed, "since": moment(self._missed_since), "why": self.failure}
            yield Entry(Event.TRAIL_RESUMED, self._clock(), "", about)

    def _adopt(self, trail_log: MerkleLog, appended: Appended, missed: int) -> None:
        trail_log.adopt(appended)
        self._missed -= missed
        if not self._missed:
            self._missed_since, self.failure = 0.0, ""
            self._observer.trail_failing(failing=False)
        self._observe(appended.head)
        self.on_head()

    def _observe(self, head: Head) -> None:
        origin = self._log.verifier.name if self._log else ""
        self._observer.trail_head(origin, head.size, head.root, self._clock())
        log.info("trail_head", origin=origin, size=head.size, root=head.root_text)

    def _fail(self, why: str) -> None:
        if why != self.failure:
            log.error("trail_failing", error=why)
        self.failure = why
        self._observer.trail_failing(failing=True)

    # ---------------------------------------------------------------- what is proved

    async def tile(self, path: TilePath) -> bytes | None:
        """A tile's hashes or entries, ``None`` where the log has not so many.

        Raises:
            StoreError: it could not be read.
        """
        if path.width > tiles.width_of(path.level or 0, path.number, self.head.size):
            return None
        if path.level is None:
            first = path.number * tiles.WIDTH
            return tiles.bundle(body for _, body in await self.leaves(first, path.width))
        level = path.level
        found = await self._store.trail(lambda rows: rows.tile(level, path.number))
        return found[: path.width * merkle.HASH_BYTES]

    async def leaves(self, first: int, count: int) -> list[tuple[int, bytes]]:
        """Entries with their index, from the first on.

        Raises:
            StoreError: they could not be read.
        """
        end = min(first + count, self.head.size)
        return await self._store.trail(lambda rows: list(rows.leaves(first, end)))

    async def prove(self, index: int) -> Proof | None:
        """The proof of one entry, under the head that most witnesses have seen; ``None`` where there is none.

        Raises:
            StoreError: it could not be read.
            TrailError: the stored tree is damaged.
        """
        head = self.best_head if index < self.best_head.size else self.head
        if not 0 <= index < head.size:
            return None
        return await self._store.trail(lambda rows: prove(rows, index, head.size, head.note))

    async def consistency(self, old: int, size: int) -> list[bytes] | None:
        """The hashes which prove that the log of ``old`` entries grew to ``size``; ``None`` where it never had so many.

        Raises:
            StoreError: they could not be read.
            TrailError: the stored tree is damaged.
        """
        if not 0 <= old <= size <= self.head.size:
            return None
        return await self._store.trail(
            lambda rows: _sound(rows, lambda node: merkle.consistency_proof(old, size, node))
        )

    # ---------------------------------------------------------------- what witnesses say

    async def cosign(self, head: Head, signatures: Sequence[Signature], witnesses: Sequence[Verifier]) -> None:
        """Add what witnesses said of a head to its note.

        Raises:
            StoreError: it could not be stored.
        """
        note = parse_note(head.note)
        anew = {
            (one.name, one.id) for one in signatures
        }  # who was asked again, for another was silent, stands there once
        kept = (one for one in note.signatures if (one.name, one.id) not in anew)
        wider = Note(note.text, (*kept, *signatures))

        def write(rows: TrailRows) -> Callable[[], None]:
            rows.set_note(head.size, str(wider))
            return lambda: self._adopt_note(Head(head.size, head.root, str(wider)), wider, witnesses)

        await self._store.record(write)

    def _adopt_note(self, head: Head, note: Note, witnesses: Sequence[Verifier]) -> None:
        if self._log and self._log.head.size == head.size:
            self._log.head = head
        if all(witnessed(note, witness) is not None for witness in witnesses):
            self._witnessed = head


def prove(rows: TrailRows, index: int, size: int, note: str) -> Proof:
    """The proof of one entry under the head of this size.

    Raises:
        TrailError: the stored tree is damaged.
    """
    hashes = _sound(rows, lambda node: merkle.inclusion_proof(index, size, node))
    body = next((body for _, body in rows.leaves(index, index + 1)), b"")
    made = Proof(index, tuple(hashes), note, body)
    try:
        root = checkpoint.parse(parse_note(note).text).root
    except NoteError as error:
        raise TrailError(f"the checkpoint of size {size} is damaged: {error}") from None
    if not merkle.includes(index, size, merkle.leaf_hash(body), hashes, root):
        raise TrailError(f"entry {index} does not lead to the root that was signed: run archscan trail verify")
    return made


def _sound(rows: TrailRows, made: Callable[[Callable[[int, int], bytes]], list[bytes]]) -> list[bytes]:
    try:
        return made(tiles.node_reader(rows.tile))
    except (LookupError, ValueError) as error:
        raise TrailError(f"the stored tree is damaged ({error}): run archscan trail verify") from None
