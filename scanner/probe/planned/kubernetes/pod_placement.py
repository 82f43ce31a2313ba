"""Which hosts a pod is for, by what its specification asks of nodes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, get_args

from scanner.domain.plan import Operator, Placement, Requirement
from scanner.probe.planned import manifest_files
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TERMS = 100
"""Alternatives that one pod names; people write two or three."""

_KEYS = {
    "kubernetes.io/arch": "arch",
    "beta.kubernetes.io/arch": "arch",
    "kubernetes.io/os": "os",
    "beta.kubernetes.io/os": "os",
    "kubernetes.io/hostname": "host",
}
"""Labels that every kubelet gives its node."""

_OPERATORS: tuple[Operator, ...] = get_args(Operator)

Term = tuple[Requirement, ...]


def placement(pod: Mapping[Any, Any]) -> Placement | None:
    """What nodeSelector, required affinity, nodeName and os together ask; ``None`` where they ask nothing.

    Tolerations ask nothing: they let a pod onto nodes that others are kept off, and keep it off none.

    Raises:
        UnclearError: a form that Kubernetes refuses.
    """
    every = (*_selected(pod), *_fixed(pod))
    terms = _affinity(pod)
    if terms is None:
        return Placement((every,)) if every else None
    return Placement(tuple((*every, *term) for term in terms))


def _selected(pod: Mapping[Any, Any]) -> Term:
    asked = manifest_files.mapping(pod.get("nodeSelector"), "nodeSelector")
    if not all(isinstance(value, str) for value in asked.values()):
        raise UnclearError("a value of nodeSelector is no text")
    return tuple(Requirement(_key(name), "In", (value,)) for name, value in asked.items())


def _fixed(pod: Mapping[Any, Any]) -> Term:
    """A node by its name, and the system that a kubelet compares with its own."""
    system = manifest_files.mapping(pod.get("os"), "os").get("name")
    named = (("host", pod.get("nodeName")), ("os", system))
    return tuple(Requirement(key, "In", (value,)) for key, value in named if isinstance(value, str) and value)


def _affinity(pod: Mapping[Any, Any]) -> tuple[Term, ...] | None:
    node = manifest_files.mapping(manifest_files.mapping(pod.get("affinity"), "affinity").get("nodeAffinity"), "it")
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return None
    values = manifest_files.sequence(
        manifest_files.mapping(required, "required affinity").get("nodeSelectorTerms"), "nodeSelectorTerms"
    )
    if len(values) > MAX_TERMS:
        raise UnclearError(f"more than {MAX_TERMS} nodeSelectorTerms")
    terms = (_term(manifest_files.mapping(value, "a nodeSelectorTerm")) for value in values)
    return tuple(term for term in terms if term)  # an empty term selects no node


def _term(value: Mapping[Any, Any]) -> Term:
    labels = manifest_files.sequence(value.get("matchExpressions"), "matchExpressions")
    fields = manifest_files.sequence(value.get("matchFields"), "matchFields")
    kinds = product((False,), labels), product((True,), fields)
    return tuple(_requirement(one, is_field=is_field) for kind in kinds for is_field, one in kind)


def _requirement(value: Any, *, is_field: bool) -> Requirement:
    asked = manifest_files.mapping(value, "an expression")
    key, operator = asked.get("key"), asked.get("operator")
    values = manifest_files.sequence(asked.get("values"), "values")
    if not isinstance(key, str) or not all(isinstance(one, str) for one in values):
        raise UnclearError("an expression of the affinity whose key or values are no text")
    known = next((one for one in _OPERATORS if one == operator), None)
    if known is None:
        raise UnclearError("an operator of the affinity that Kubernetes does not have")
    if is_field and key != "metadata.name":
        raise UnclearError("a field of the affinity that Kubernetes does not have")
    return Requirement("host" if is_field else _key(key), known, tuple(values))


def _key(name: Any) -> str:
    return _KEYS.get(name) or f"label:{name}"
