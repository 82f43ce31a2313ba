"""The trail over HTTP: its head with its tiles as C2SP tlog-tiles has them, its entries with their proofs."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import JSONResponse, PlainTextResponse, Response

from scanner.service.recording import Recording
from scanner.store.error import StoreError
from scanner.trail import leaf
from scanner.trail.log import TrailError
from scanner.trail.tiles import parse_path
from scanner.trail.trail import Trail
from scanner.web.api import record_schemas as schemas
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

MAX_ENTRIES = 1000
"""Of one answer; a log is read by its tiles."""

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A tile never changes; it is the reader's own, whose token a shared cache would not ask for."""

BRIEFLY = {"Cache-Control": "private, max-age=1"}
"""A head is as old as the last decision."""

router = APIRouter(route_class=GuardedRoute, tags=["trail"])

Index = Annotated[int, Path(ge=0, le=(1 << 62))]


async def trail(recording: Annotated[Recording, Depends(dependencies.recording)]) -> Trail:
    """The trail.

    Raises:
        Problem: 404, there is none.
    """
    if recording.trail is None:
        raise Problem(404, "no_trail", "there is no trail: it needs a store (store.url)")
    return recording.trail


Known = Annotated[Trail, Depends(trail)]


@router.get("/checkpoint", response_class=PlainTextResponse)
@needs(Scope.READ)
async def checkpoint(known: Known) -> Response:
    """The log's signed head with its cosignatures (C2SP tlog-checkpoint)."""
    if not known.head.note:
        raise Problem(404, "trail_empty", "the trail has no entry yet")
    return PlainTextResponse(known.head.note, headers=BRIEFLY)


_TILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Bytes.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/tile/{path:path}", response_class=Response, responses=_TILE)
@needs(Scope.READ)
async def tile(path: str, known: Known) -> Response:
    """One tile of hashes, ``LEVEL/NUMBER[.p/WIDTH]``, or of entries, ``entries/NUMBER[.p/WIDTH]`` (C2SP tlog-tiles)."""
    wanted = parse_path(path)
    if wanted is None:
        raise Problem(404, "tile_not_found", "this is no tile's path")
    try:
        found = await known.tile(wanted)
    except StoreError as error:
        raise _unreadable(error) from None
    if found is None:
        raise Problem(404, "tile_not_found", "the trail has not so many entries")
    return Response(found, media_type="application/octet-stream", headers=FOREVER)


@router.get("/api/v1/trail", response_model=schemas.TrailState)
@needs(Scope.READ)
async def state(known: Known) -> Response:
    """Whose log it is, how far it has come, whether it can be written."""
    head = known.head
    return JSONResponse(
        {
            "origin": known.verifier.name if known.verifier else None,
            "key": str(known.verifier) if known.verifier else None,
            "size": head.size,
            "root": head.root_text,
            "checkpoint": head.note,
            "failure": known.failure or None,
        }
    )


@router.get("/api/v1/trail/entries", response_model=schemas.TrailEntries)
@needs(Scope.READ)
async def entries(
    known: Known,
    start: Annotated[int | None, Query(ge=0, le=(1 << 62))] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = 100,
) -> Response:
    """Entries in their order; the last ones without ``start``."""
    first = max(0, known.head.size - limit) if start is None else start
    try:
        found = await known.leaves(first, limit)
    except StoreError as error:
        raise _unreadable(error) from None
    end = first + len(found)
    return JSONResponse(
        {
            "size": known.head.size,
            "next": end if end < known.head.size else None,
            "entries": [entry_document(*one) for one in found],
        }
    )


@router.get("/api/v1/trail/entries/{index}", response_model=schemas.TrailEntry)
@needs(Scope.READ)
async def entry(index: Index, known: Known) -> Response:
    """One entry."""
    try:
        found = await known.leaves(index, 1)
    except StoreError as error:
        raise _unreadable(error) from None
    if not found:
        raise _no_entry(index)
    return JSONResponse(entry_document(*found[0]))


@router.get("/api/v1/trail/entries/{index}/proof", response_class=PlainTextResponse)
@needs(Scope.READ)
async def proof(index: Index, known: Known) -> Response:
    """A file that proves offline what an entry says (C2SP tlog-proof; the entry is its extra data)."""
    try:
        made = await known.prove(index)
    except (StoreError, TrailError) as error:
        raise _unreadable(error) from None
    if made is None:
        raise _no_entry(index)
    name = f'attachment; filename="archscan-{index}.tlog-proof"'
    return PlainTextResponse(str(made), headers={"Content-Disposition": name, **BRIEFLY})


@router.get("/api/v1/trail/consistency", response_model=schemas.Consistency)
@needs(Scope.READ)
async def consistency(
    known: Known,
    old: Annotated[int, Query(alias="from", ge=0, le=(1 << 62))],
    size: Annotated[int | None, Query(alias="to", ge=0, le=(1 << 62))] = None,
) -> Response:
    """The hashes which prove that the log only grew between two sizes (RFC 6962, 2.1.2)."""
    wanted = known.head.size if size is None else size
    try:
        hashes = await known.consistency(old, wanted)
    except (StoreError, TrailError) as error:
        raise _unreadable(error) from None
    if hashes is None:
        raise Problem(404, "entry_not_found", f"the trail has {known.head.size} entries; from is at most to")
    return JSONResponse({"from": old, "to": wanted, "hashes": [base64.b64encode(one).decode() for one in hashes]})


def entry_document(index: int, body: bytes) -> dict[str, Any]:
    """An entry as JSON; one that is not ours shows its bytes only."""
    read = leaf.decode(body)
    if read is None:
        return {"index": index, "bytes": base64.b64encode(body).decode()}
    about = {"event": read.event, "at": read.at, "by": read.by, "after": read.after, "about": dict(read.about)}
    return {"index": index, **about}


def _no_entry(index: int) -> Problem:
    return Problem(404, "entry_not_found", f"the trail has no entry {index}")


def _unreadable(error: Exception) -> Problem:
    return Problem(503, "trail_failed", str(error), {"Retry-After": "60"})
