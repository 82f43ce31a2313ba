"""Names of a query that may stand there once: of two values nobody knows which one was meant."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import BaseModel

from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.dependencies.models import Dependant
    from starlette.requests import Request


def single_names(dependant: Dependant) -> frozenset[str]:
    """What an endpoint takes one value of."""
    return frozenset(_names(dependant))


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        declared = field.field_info.annotation
        if isinstance(declared, type) and issubclass(declared, BaseModel):
            yield from (name for name, one in declared.model_fields.items() if not _takes_several(one.annotation))
        elif not _takes_several(declared):
            yield field.alias
    for sub in dependant.dependencies:
        yield from _names(sub)


def _takes_several(declared: Any) -> bool:
    return get_origin(declared) in {tuple, list, set, frozenset}


def refuse_repeated(request: Request, single: frozenset[str]) -> None:
    """Refuse a query that says one of these twice.

    Raises:
        Problem: 400, naming each of them.
    """
    given = Counter(name for name, _ in request.query_params.multi_items() if name in single)
    twice = [name for name, times in given.items() if times > 1]
    if twice:
        wrong = [{"at": f"query.{name}", "detail": "is given more than once"} for name in twice]
        detail = "; ".join(f"{one['at']}: {one['detail']}" for one in wrong)
        raise Problem(400, "malformed", detail, None, errors=wrong)
