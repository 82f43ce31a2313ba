"""Answers the commands of the trail from a copy of the store, never from the store itself."""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.app.store import store_url
from scanner.app.trail_wiring import key_path, witnesses
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.hosts import names
from scanner.inventory.reading import http_fetch
from scanner.store.read_only import trail_of
from scanner.trail import key, leaf, note, outside, proof
from scanner.trail.audit import Audit, Outside, audit
from scanner.trail.key import KeyFileError
from scanner.trail.note import NoteError, Verifier
from scanner.trail.outside import OutsideError, Seen
from scanner.trail.tampering import FoundTampering
from scanner.trail.trail import prove
from scanner.trail.witness import WitnessError, client, newest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.settings.schema import Settings
    from scanner.store.trail_rows import TrailRows
    from scanner.trail.checkpoint import Checkpoint
    from scanner.trail.leaf import Leaf
    from scanner.trail.witness import Witness

MAX_FILE_BYTES = 1 << 20
"""A checkpoint, a proof, a key."""

MAX_INDEX_DIGITS = 20
"""No log has as many entries; the ids of decisions are longer."""

PROMETHEUS_S = 60.0
"""A query over a quarter of a year takes a while."""


class TrailOperations:
    """Over the store that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    # ---------------------------------------------------------------- verify

    def verify(
        self,
        *,
        log_key: str | None,
        since: Sequence[Path],
        prometheus: str | None,
        window_s: float,
        witness_keys: Sequence[str],
    ) -> Audit:
        """Everything that is stored, compared with whoever is named."""
        log = self._log(log_key)
        known = witnesses(self._settings)
        heads: list[Seen | FoundTampering] = []
        missing: list[str] = []
        for path in since:
            try:
                heads.append(outside.of_checkpoint(_text(path), log, str(path)))
            except OutsideError as error:
                raise UsageError(str(error)) from None
        if prometheus:
            try:
                heads += outside.of_prometheus(prometheus, log.name, time.time(), window_s, _ask_prometheus)
            except OutsideError as error:
                missing.append(str(error))
        wanted = [_verifier(text) for text in witness_keys]
        for witness in known:
            if witness.verifier in wanted:
                try:
                    text = names.run(_newest(witness, log.name))
                    heads.append(outside.of_checkpoint(text, log, f"the witness {witness.verifier.name}"))
                except (WitnessError, OutsideError) as error:
                    missing.append(f"the witness {witness.verifier.name}: {error}")
        seen = [one for one in heads if isinstance(one, Seen)]
        found = [one for one in heads if isinstance(one, FoundTampering)]
        others = Outside(seen, found, wanted, [one.verifier for one in known], missing)
        with trail_of(self._url()) as rows:
            return audit(rows, log, others)

    def verify_proof(
        self, path: Path, log_key: str | None, witness_keys: Sequence[str]
    ) -> tuple[Checkpoint, Leaf | None]:
        """What a proof proves, without the store.

        Raises:
            NoteError: it proves nothing.
        """
        made = proof.parse(_text(path))
        head = made.verified(self._log(log_key), [_verifier(text) for text in witness_keys])
        return head, leaf.decode(made.entry or b"")

    # ---------------------------------------------------------------- show, prove, export

    def entries(self, last: int | None = None, event: str | None = None) -> Iterator[tuple[int, bytes]]:
        """The entries with their index, all or the last ones, of all kinds or of one."""
        with trail_of(self._url()) as rows:
            if event is not None:
                told = ((index, body, leaf.decode(body)) for index, body in rows.leaves())
                wanted = ((index, body) for index, body, read in told if read is not None and read.event == event)
                yield from wanted if last is None else deque(wanted, maxlen=last)
                return
            first = 0 if last is None else max(0, rows.last_position() + 1 - last)
            yield from rows.leaves(first)

    @contextmanager
    def exported(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The newest signed head, empty without any, beside every entry: both as they are at one moment."""
        with trail_of(self._url()) as rows:
            head = rows.last_checkpoint()
            yield head[1] if head else "", (body for _, body in rows.leaves())

    def checkpoint(self) -> str:
        """The newest signed head."""
        with trail_of(self._url()) as rows:
            return _head(rows)[1]

    def prove(self, wanted: str) -> str:
        """The proof of an entry by its index, or of the first whose id is this one."""
        with trail_of(self._url()) as rows:
            size, text = _head(rows)
            is_index = wanted.isdecimal() and len(wanted) < MAX_INDEX_DIGITS  # an id may happen to have no letter
            index = int(wanted) if is_index else _find(rows, wanted)
            if index is None or index >= size:
                raise UsageError(f"the trail has no entry {wanted}")
            return str(prove(rows, index, size, text))

    # ---------------------------------------------------------------- where it is

    def _url(self) -> str:
        url = store_url(self._settings)
        if url is None:
            raise UsageError("there is no trail: it needs a store (store.url)")
        return url

    def _log(self, given: str | None) -> Verifier:
        """The log's public key: as given (text or file), else from the key that signs."""
        if given:
            return _verifier(given)
        path = key_path(self._settings, store_url(self._settings))
        try:
            signer = key.read(path) if path else None
        except KeyFileError as error:
            raise UsageError(f"{error}; give the public key with --key") from None
        if signer is None:
            missing = f"there is no key at {path}" if path else "neither trail.key_file nor store.url is set"
            raise UsageError(f"{missing}: give the log's public key with --key NAME+ID+BASE64")
        return signer.verifier


def _head(rows: TrailRows) -> tuple[int, str]:
    head = rows.last_checkpoint()
    if head is None:
        raise UsageError("the trail has no entry yet")
    return head


def _find(rows: TrailRows, wanted: str) -> int | None:
    for index, body in rows.leaves():
        if wanted.encode() in body:
            read = leaf.decode(body)
            if read is not None and wanted in {read.about.get("id"), read.about.get("scan")}:
                return index
    return None


def _text(path: Path) -> str:
    try:
        return files.read_text(path, MAX_FILE_BYTES)
    except FileError as error:
        raise UsageError(str(error)) from None


def _verifier(text: str) -> Verifier:
    """A public key, or the file that holds one."""
    try:
        return note.parse_verifier(text if "+" in text else _text(Path(text)).strip())
    except NoteError as error:
        raise UsageError(str(error)) from None


def _ask_prometheus(url: str) -> bytes:
    return http_fetch.fetch(url, timeout_s=PROMETHEUS_S)


async def _newest(witness: Witness, origin: str) -> str:
    async with client() as http:
        return await newest(http, witness, origin)
