"""Whatever an endpoint is asked, it answers as FastAPI alone would have it answer."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Annotated

import httpx
import pytest
from fastapi import Body, Depends, FastAPI, Header, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from scanner.web.http.straight import _SOLVED, straight


class Wanted(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")

    names: tuple[str, ...] = ()
    count: int = 0


class StraightRoute(APIRoute):
    """A route that is answered straight where that is possible."""

    def get_route_handler(self):
        plain = super().get_route_handler()
        self.made = straight(self.dependant, plain)
        self.is_straight = self.made is not plain
        return self.made


async def tenant(request: Request) -> str:
    return str(request.query_params.get("tenant"))


async def several(number: int) -> int:
    return number


Tenant = Annotated[str, Depends(tenant)]


async def plain(wanted: Wanted, by: Tenant, accept: Annotated[str | None, Header()] = None) -> Response:
    return JSONResponse([wanted.model_dump(), by, accept])


async def optional(request: Request, wanted: Wanted | None = None) -> Response:
    return JSONResponse([request.method, wanted and wanted.model_dump()])


async def member(wanted: Annotated[Wanted, Body(embed=True)]) -> Response:
    return JSONResponse(wanted.model_dump())


async def two(wanted: Wanted, other: Wanted) -> Response:
    return JSONResponse([wanted.model_dump(), other.model_dump()])


async def numbered(number: Annotated[int, Depends(several)], wanted: Wanted) -> Response:
    return JSONResponse([number, wanted.count])


async def bounded(wanted: Wanted, accept: Annotated[str, Header(max_length=3)]) -> Response:
    return JSONResponse([wanted.count, accept])


async def modelled(wanted: Wanted) -> Wanted:
    return wanted


ENDPOINTS = {plain: True, optional: True, member: False, two: False, numbered: False, bounded: False, modelled: False}
"""Which are answered straight."""

JSON = {"content-type": "application/json"}
QUESTIONS = [
    (JSON, b'{"names": ["a"], "count": 2}'),
    ({"content-type": "Application/JSON; charset=utf-8", "accept": "text/plain"}, b'{"count": "3"}'),
    ({"content-type": "application/vnd.x+json"}, b'{"count": 3}'),
    ({"content-type": "text/plain"}, b'{"count": 3}'),
    ({}, b'{"count": 3}'),
    (JSON, b""),
    (JSON, b"null"),
    (JSON, b"{"),
    (JSON, b"[" * 5000),
    (JSON, b'"\xff"'),
    (JSON, b"[1]"),
    (JSON, b'{"count": "many", "other": 1}'),
    (JSON, json.dumps({"wanted": {"count": 1}, "other": {}}).encode()),
]


async def asked(route_class: type[APIRoute], endpoint) -> tuple[APIRoute, list[tuple[int, object]]]:
    """The route with its answers."""
    app = FastAPI()
    app.router.route_class = route_class
    app.post("/")(endpoint)
    found = []
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://archscan") as client:
        for headers, body in QUESTIONS:
            found.append(await client.post("/?number=7&tenant=x", headers=headers, content=body))
    return app.router.routes[-1], [(one.status_code, one.json() if one.status_code < 500 else "") for one in found]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_endpoint_answers_as_fastapi_would(endpoint):
    _, expected = await asked(APIRoute, endpoint)

    route, found = await asked(StraightRoute, endpoint)

    assert (route.is_straight, found) == (ENDPOINTS[endpoint], expected)


def test_what_another_version_of_fastapi_does_not_say_is_left_to_it():
    async def endpoint() -> Response:
        return Response()

    async def otherwise(_request):
        return Response()

    silent = SimpleNamespace(call=endpoint, dependencies=[], header_params=[], body_params=[], request_param_name=None)
    assert straight(silent, otherwise) is otherwise
    told = SimpleNamespace(**vars(silent), **dict.fromkeys(_SOLVED))
    assert straight(told, otherwise) is not otherwise
