"""The OpenAPI document: what FastAPI knows of the routes, with who may ask, every refusal, examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from scanner.web.http.access import Scope
from scanner.web.http.idempotency import KEY, MAX_KEY_CHARS
from scanner.web.http.problem import MEDIA_TYPE
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import COOKIE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi import APIRouter, FastAPI

SCHEMES: Mapping[str, Mapping[str, Any]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of web.tokens; what acts needs one."},
    "user": {"type": "http", "scheme": "basic", "description": "A user of web.config_file, who may read."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "Who signed in on the pages; what acts also needs the header X-CSRF-Token.",
    },
}

PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "RFC 9457; `reason` is for programs.",
    "required": ["type", "title", "status", "reason", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "reason": {"type": "string"},
        "detail": {"type": "string"},
    },
}

_RETRY = {"Retry-After": {"description": "Seconds until it may help to ask again.", "schema": {"type": "integer"}}}

REFUSALS: Mapping[str, tuple[str, str, str]] = {
    "400": ("The request makes no sense.", "malformed", "query.limit: must be a whole number"),
    "401": ("No credential, or one that is not valid.", "unauthenticated", "this needs a credential"),
    "403": ("The credential does not permit this.", "scope_missing", "the token ci has not the scope operate"),
    "404": ("There is no such thing.", "not_found", "there is no such host, image, scan, waiver or entry"),
    "408": ("The body came too slowly.", "body_too_slow", "the body did not arrive within 10 s"),
    "409": ("It contradicts what is under way.", "idempotency_key_in_use", "the first request with this key goes on"),
    "410": ("It is too late for this.", "rollback_expired", "the plan is older than ten minutes: make a new one"),
    "413": ("The body is too large.", "body_too_large", "a body has at most 65536 bytes"),
    "422": ("It cannot be done with this content.", "idempotency_key_reused", "this key came with another body"),
    "429": ("Too much is being asked.", "too_many_scans", "16 scans are waiting already"),
    "500": ("A fault of archscan's own.", "internal_bug", "archscan has a bug here; its log says more"),
    "503": ("It cannot be answered now.", "not_ready", "the first scan has not ended yet"),
}
"""Every refusal with an example of its reason and words."""

ALWAYS = ("400", "401", "403", "500", "503")
_WITH_BODY = ("408", "413", "429")
_POSTED = ("409", "422")
"""A repeated Idempotency-Key, among others."""

_FURTHER: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("get", "/checkpoint"): ("404",),
    ("get", "/logs"): ("404",),
    ("get", "/api/v1/findings"): ("404",),
    ("get", "/api/v1/scans/{scan_id}/events"): ("429",),
    ("post", "/api/v1/rollbacks"): ("404",),
    ("post", "/api/v1/rollbacks/{rollback_id}/confirm"): ("410",),
}
"""What only one operation answers."""

_ETAG = {"ETag": {"description": "Of this answer, for If-None-Match.", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "Where what was made is.", "schema": {"type": "string"}}}

_KEY: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key again within an hour is answered with the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": KEY},
}

LINKS: Mapping[tuple[str, str, str], Mapping[str, str]] = {
    ("post", "/api/v1/scans", "202"): {"scan": "scan_id", "events": "scan_id"},
    ("post", "/api/v1/waivers", "201"): {"delete_waiver": "waiver_id"},
    ("post", "/api/v1/overrides", "201"): {"delete_override": "override_id"},
    ("post", "/api/v1/rollbacks", "201"): dict.fromkeys(
        ("rollback", "confirm", "step", "verify", "end"), "rollback_id"
    ),
}
"""What was made, by the operation that made it: its ``id`` is this parameter of those operations."""

EXAMPLES: Mapping[tuple[str, str], Any] = {
    ("post", "/api/v1/check"): {"images": ["registry.example/shop/api:1.4"], "platform": "linux/arm64"},
    ("post", "/api/v1/scans"): {"hosts": ["edge-*"]},
    ("post", "/api/v1/explain"): {"text": "exec /app/server: exec format error"},
    ("post", "/api/v1/overrides"): {
        "owner": "ada",
        "reason": "needed tonight",
        "until": "2027-01-31T23:59:59Z",
        "image": "registry.example/shop/api:1.4",
    },
    ("post", "/admission/v1"): {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "shop"},
    },
    ("post", "/api/v1/waivers"): {
        "owner": "ada",
        "reason": "replaced next week",
        "until": "2027-01-31T23:59:59Z",
        "image": "legacy/report:*",
    },
    ("post", "/api/v1/rollbacks"): {"host": "web-1", "workload": "api", "dry_run": True},
    ("post", "/api/v1/rollbacks/{rollback_id}/confirm"): {"accept_cautions": False},
    ("post", "/api/v1/rollbacks/{rollback_id}/steps"): {"step": "find", "detail": ""},
    ("post", "/api/v1/rollbacks/{rollback_id}/end"): {"outcome": "done", "detail": "api runs"},
}
"""What a request carries, where it carries anything."""


def describe(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """The whole document."""
    scopes = {
        (method.lower(), route.path): route.scope
        for router in routers
        for route in router.routes
        if isinstance(route, GuardedRoute)
        for method in route.methods or ()
    }
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    components = document.setdefault("components", {})
    components["securitySchemes"] = {name: dict(scheme) for name, scheme in SCHEMES.items()}
    schemas = components.setdefault("schemas", {})
    for foreign in ("HTTPValidationError", "ValidationError"):  # FastAPI's own refusal, which is none of ours
        schemas.pop(foreign, None)
    schemas["Problem"] = dict(PROBLEM)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method, path, scopes.get((method, path), Scope.READ))
    return document


def _complete(operation: dict[str, Any], method: str, path: str, scope: Scope) -> None:
    """One operation with its scope, its refusals, its example."""
    responses = operation["responses"]
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]  # ours are 400
    operation["security"] = _security(scope)
    if scope is not Scope.OPEN:
        operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope}`.".strip()
    for status in _refused_with(operation, method, path):
        known = responses.setdefault(status, {"description": REFUSALS[status][0]})
        known.setdefault("content", {}).setdefault(MEDIA_TYPE, _problem(status))
        if status in {"429", "503"}:
            known.setdefault("headers", dict(_RETRY))
    _say_what_goes_with_it(operation, method, path, keyed=method == "post" and scope is not Scope.GATE)
    if example := EXAMPLES.get((method, path)):
        for content in operation["requestBody"]["content"].values():
            content["example"] = example


def _say_what_goes_with_it(operation: dict[str, Any], method: str, path: str, *, keyed: bool) -> None:
    """Headers, links."""
    responses = operation["responses"]
    if keyed:
        operation.setdefault("parameters", []).append(dict(_KEY))
    if method == "get" and path.startswith("/api/v1/"):
        responses["200"].setdefault("headers", dict(_ETAG))
        responses["304"] = {"description": "It is what If-None-Match names.", "headers": dict(_ETAG)}
    for (linked, at, status), targets in LINKS.items():
        if (linked, at) == (method, path):
            responses[status]["headers"] = dict(_LOCATION)
            responses[status]["links"] = {
                target: {"operationId": target, "parameters": {name: "$response.body#/id"}}
                for target, name in targets.items()
            }


def _refused_with(operation: Mapping[str, Any], method: str, path: str) -> list[str]:
    """Statuses in their order."""
    found = {*ALWAYS, *_FURTHER.get((method, path), ())}
    found.update(_WITH_BODY if "requestBody" in operation else ())
    found.update(_POSTED if method == "post" else ())
    found.update(("404",) if "{" in path or "trail" in path else ())
    return sorted(found)


def _problem(status: str) -> dict[str, Any]:
    _, reason, detail = REFUSALS[status]
    example = {"type": "about:blank", "title": "", "status": int(status), "reason": reason, "detail": detail}
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}


def _security(scope: Scope) -> list[dict[str, list[str]]]:
    if scope is Scope.OPEN:
        return []
    if scope is Scope.READ:
        return [{"token": []}, {"user": []}, {"session": []}]
    return [{"token": []}, {"session": []}]
