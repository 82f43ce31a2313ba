"""The endpoint that Kubernetes asks before it makes a pod (admission.k8s.io/v1)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from starlette.responses import JSONResponse, Response

from scanner.domain.decision import Decision
from scanner.service.gate.admission import Admission, brings_anew, is_ending, wants_no_pods
from scanner.web.api import schemas
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.exposition import Exposition
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

MAX_UID_CHARS = 128
"""Kubernetes sends a UUID; what is answered with must be text, which half of a surrogate pair is not."""

MAX_NAMESPACE_CHARS = 253

_STARTS = ("CREATE", "UPDATE")

_JUDGED = ("", "ephemeralcontainers")
"""Parts of an object that may bring an image along; status, scale, exec, eviction, binding bring none."""

router = APIRouter(route_class=GuardedRoute, tags=["gate"])


@router.post("/admission/v1", response_model=schemas.AdmissionReview)
@needs(Scope.GATE)
async def admission(
    review: Annotated[dict[str, Any], Body()],
    gate: Annotated[Admission, Depends(dependencies.admission)],
    exposition: Annotated[Exposition, Depends(dependencies.exposition)],
    by: Annotated[str, Depends(dependencies.caller)],
) -> Response:
    """An AdmissionReview with its response: 403 for what starts on none of the nodes that it may be put on.

    What cannot be judged within two seconds is admitted with a warning, unless its namespace or an annotation asks
    otherwise; the namespaces of ``gate.admission.exempt`` always are.
    """
    request = review.get("request")
    uid = request.get("uid") if isinstance(request, dict) else None
    is_uid = isinstance(uid, str) and 0 < len(uid) <= MAX_UID_CHARS and uid.isascii()
    if review.get("kind") != "AdmissionReview" or not is_uid:
        raise Problem(400, "malformed", "the body is no AdmissionReview with a request")
    assert isinstance(request, dict)  # noqa: S101 -- it has a uid
    found, namespace = request.get("object"), request.get("namespace") or ""
    if not isinstance(namespace, str) or len(namespace) > MAX_NAMESPACE_CHARS:
        raise Problem(400, "malformed", "the namespace is none")
    answer: dict[str, Any] = {"uid": uid, "allowed": True}
    if isinstance(found, dict) and _brings_images(request, found):
        admitted = await gate.review(namespace, found, by)
        answer["allowed"] = admitted.allowed
        exposition.gate_decided(Decision.ALLOW if admitted.allowed else Decision.DENY)
        if admitted.failed_open:
            exposition.gate_failed_open()
        if not admitted.allowed:
            answer["status"] = {"code": 403, "reason": "Forbidden", "message": "archscan: " + "; ".join(admitted.why)}
        elif admitted.why:
            answer["warnings"] = [f"archscan: {one}" for one in admitted.why]
    return JSONResponse({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer})


def _brings_images(request: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether something may start by it that would not start as things are."""
    if request.get("operation") not in _STARTS or (request.get("subResource") or "") not in _JUDGED:
        return False
    if wants_no_pods(found):
        return False
    old = request.get("oldObject")
    if request.get("operation") == "CREATE" or not isinstance(old, dict):
        return True
    if is_ending(old):
        return False
    return wants_no_pods(old) or brings_anew(found, old)  # nothing of what was to have no pods was judged before
