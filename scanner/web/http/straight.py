"""Calls an endpoint that asks for little without FastAPI's solver, which works it out anew at each request.

What an endpoint of ours mostly asks for: things of the application, a header, a body. For the gate that solver costs as
much as judging. Whatever is wrong or unusual is left to it, so that there is one wording for each refusal.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, get_type_hints

from fastapi.params import Body
from starlette.requests import Request
from starlette.responses import Response

from scanner.formats.documents import strict_json

if TYPE_CHECKING:
    from fastapi._compat import ModelField
    from fastapi.dependencies.models import Dependant

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_Provider = Callable[..., Awaitable[Any]]

_SOLVED = (
    "path_params",
    "query_params",
    "cookie_params",
    "http_connection_param_name",
    "websocket_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)
"""What FastAPI makes for an endpoint, but this does not."""


def straight(dependant: Dependant, otherwise: Handler) -> Handler:
    """What answers for an endpoint: ``otherwise``, FastAPI's own, where it asks for more than is made here."""
    endpoint = dependant.call
    provided = {one.name: one.call for one in dependant.dependencies if _wants_request_alone(one)}
    headers = {one.name: one.alias for one in dependant.header_params if _is_optional_text(one)}
    body = dependant.body_params[0] if len(dependant.body_params) == 1 else None
    taken = len(provided) + len(headers) + (0 if body is None or not _is_whole_body(body) else 1)
    asked = len(dependant.dependencies) + len(dependant.header_params) + len(dependant.body_params)
    if taken < asked or _asks_for_more(dependant, _SOLVED) or not _answers(endpoint):
        return otherwise
    providers: dict[str, _Provider] = {name: call for name, call in provided.items() if name and call}
    requests = [dependant.request_param_name] if dependant.request_param_name else []

    async def answer(request: Request) -> Response:
        given: dict[str, Any] = dict.fromkeys(requests, request)
        for name, alias in headers.items():
            given[name] = request.headers.get(alias)
        for name, provide in providers.items():
            given[name] = await provide(request)
        if body is not None:
            document = await _document(request)
            value, errors = (None, [None]) if document is None else body.validate(document, {}, loc=("body",))
            if errors:
                return await otherwise(request)
            given[body.name] = value
        found: Response = await endpoint(**given)  # type: ignore[misc] # _answers saw that it is there
        return found

    return answer


async def _document(request: Request) -> Any:
    """The JSON of a body; ``None`` where FastAPI is to say what is wrong with it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    try:
        return strict_json.decoded(await request.body())
    except ValueError:
        return None


def _answers(endpoint: Callable[..., Any] | None) -> bool:
    """Whether it makes the answer itself, so that nothing is left to be written by a model."""
    if not inspect.iscoroutinefunction(endpoint):
        return False
    declared = get_type_hints(endpoint).get("return")
    return isinstance(declared, type) and issubclass(declared, Response)


def _wants_request_alone(dependant: Dependant) -> bool:
    is_made = dependant.name is not None and inspect.iscoroutinefunction(dependant.call)
    takes_more = _asks_for_more(dependant, (*_SOLVED, "header_params", "body_params", "dependencies"))
    return is_made and dependant.request_param_name == "request" and not takes_more


def _asks_for_more(dependant: Dependant, kinds: tuple[str, ...]) -> bool:
    """Also where a FastAPI of another version does not say."""
    return any(getattr(dependant, name, True) for name in kinds)


def _is_whole_body(field: ModelField) -> bool:
    """Neither a form nor a member of an object."""
    return type(field.field_info) is Body and not field.field_info.embed


def _is_optional_text(field: ModelField) -> bool:
    """A header that may be missing, of which every text is as good as another."""
    info = field.field_info
    return info.annotation == str | None and info.default is None and not info.metadata
