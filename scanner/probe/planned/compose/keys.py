"""The keys of Compose's own schema, by which its files are told from others that have ``services``, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.probe.planned.compose import compose_schema

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

TOP_LEVEL = frozenset(compose_schema.FILE.fields)
SERVICE = frozenset(compose_schema.SERVICE.fields) | {"cgroupns_mode"}
"""What Compose takes in a service, and the one key that only ``docker stack`` does."""

_SOURCES = ("image", "build", "extends", "provider")
"""Where a service's container comes from; each service has one of these."""


def is_compose(body: Mapping[Any, Any]) -> bool:
    """Whether a document is Compose's, though its name does not say so: it has Compose's keys alone, one fitting service.

    Services of Symfony (``class``, ``arguments``), of Helm's values or of a CI are none of its own. Those beside a
    fitting one may be mistakes, which Compose would refuse.
    """
    services = body.get("services")
    if not isinstance(services, dict) or not all(is_key_of(key, TOP_LEVEL) for key in body):
        return False
    return any(_fits(service) for service in services.values())


def are_of_others(documents: Sequence[Any]) -> bool:
    """Whether documents cannot have been meant for Compose, whatever their file is called.

    Tasks and variables of Ansible and the settings of applications lie in files of such names. What has services, or
    keys of Compose's alone, or anything like a service is Compose's, however wrong it is.
    """
    return bool(documents) and not any(map(_may_be_meant, documents))


def _may_be_meant(document: Any) -> bool:
    if isinstance(document, list):
        return any(isinstance(one, dict) and ("services" in one or _is_like_a_service(one)) for one in document)
    if not isinstance(document, dict) or not document.keys().isdisjoint(("services", "include", "<<")):
        return True
    if all(is_key_of(key, TOP_LEVEL) for key in document):
        return True
    bodies = [body for body in document.values() if isinstance(body, dict)]
    return any(_is_like_a_service(one) for body in bodies for one in (body, *body.values()))


def _is_like_a_service(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(_SOURCES)


def only_includes(body: Mapping[Any, Any]) -> bool:
    """Whether a document would be Compose's if the files are that it includes."""
    included = body.get("include")
    return isinstance(included, list) and bool(included) and all(is_key_of(key, TOP_LEVEL) for key in body)


def _fits(service: Any) -> bool:
    if not isinstance(service, dict) or not all(is_key_of(key, SERVICE) for key in service):
        return False
    image = service.get("image")
    if image is not None and not isinstance(image, str):
        return False
    return any(service.get(key) is not None for key in _SOURCES)


def is_key_of(key: Any, known: Container[str]) -> bool:
    """Whether a key is one of those known, or an extension of its author's."""
    return isinstance(key, str) and (key in known or key.startswith("x-"))
