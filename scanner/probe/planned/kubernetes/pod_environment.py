"""Environment variables of a Kubernetes container, with the words that refer to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.formats.variables.references import Grammar
from scanner.probe.planned import manifest_files
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.formats.variables.references import Reference

_REFERENCES = Grammar("(", ")")
"""``$$`` and ``$(NAME)`` (Kubernetes, third_party/forked/golang/expansion); any other dollar is one."""

_OF_SERVICES = re.compile(r"(?=[A-Z0-9_]+\Z)(?s:.+_(?:SERVICE_HOST|PORT(?:_.+)?))", re.ASCII)
"""Variables by which a pod finds the services that its namespace has: which they are is the cluster's to know."""

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)
"""How people name variables. ``$(date)`` in a script is a command, whatever else the cluster sets."""

MAX_CHARS = 2 << 20
"""Of all variables, or all words of a command, with everything put in: no kernel starts a program with more."""

Maps = dict[tuple[str, str], "Mapping[Any, Any]"]
"""The data of ConfigMaps by namespace and name, as far as the manifests beside hold them."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables in their order, ``None`` for a value that the cluster alone knows.

    ``is_open`` tells that the cluster sets further ones.
    """

    variables: Mapping[str, str | None]
    is_open: bool = False

    @property
    def path(self) -> str | None:
        """PATH, where the plan sets it.

        Raises:
            UnclearError: it does, to what only the cluster knows.
        """
        if "PATH" in self.variables and self.variables["PATH"] is None:
            raise UnclearError("only the cluster knows the value of PATH")
        return self.variables.get("PATH")

    def put(self, words: Iterable[str]) -> tuple[str, ...]:
        """Words with their references replaced; one that the cluster alone can replace is left for a shell: ``${NAME}``.

        In a script that is just what Kubernetes does: it replaces the reference with what the variable holds.

        Raises:
            UnclearError: they stand for more than any kernel takes.
        """
        allowance = _Allowance()
        return tuple("".join(self._pieces(word, allowance)) for word in words)

    def is_known(self, word: str) -> bool:
        """Whether a word's references can all be replaced."""
        return not any(name is not None and self._is_unknown(name) for name in _names(word))

    def _is_unknown(self, name: str) -> bool:
        if name in self.variables:
            return self.variables[name] is None
        return (_NAME if self.is_open else _OF_SERVICES).fullmatch(name) is not None

    def _pieces(self, word: str, allowance: _Allowance) -> Iterator[str]:
        at = 0
        for found in _REFERENCES.within(word):
            yield allowance.taken(word[at : found.start])
            yield allowance.taken(self._replaced(found, word))
            at = found.end
        yield allowance.taken(word[at:])

    def _replaced(self, found: Reference, word: str) -> str:
        name = found.name
        if name is None:
            return "$"
        if self._is_unknown(name):
            return "${" + name + "}"
        value = self.variables.get(name)
        return word[found.start : found.end] if value is None else value


class _Allowance:
    """How much text may yet be made of what a plan says: references to references double it with each line."""

    def __init__(self) -> None:
        self._left = MAX_CHARS

    def taken(self, text: str) -> str:
        """The text, once it is counted."""
        self._left -= len(text)
        if self._left < 0:
            raise UnclearError(f"what its variables stand for has more than {MAX_CHARS} characters")
        return text


def _names(word: str) -> list[str | None]:
    return [found.name for found in _REFERENCES.within(word)]


def environment(container: Mapping[Any, Any], namespace: str, maps: Maps) -> Environment:
    """What ``envFrom`` and ``env`` set; of two values of one name the later one, ``env`` over ``envFrom``.

    Raises:
        UnclearError: a form that Kubernetes refuses, or more than any kernel takes.
    """
    found: dict[str, str | None] = {}
    allowance = _Allowance()
    is_open = False
    for value in manifest_files.sequence(container.get("envFrom"), "envFrom"):
        source = manifest_files.mapping(value, "envFrom")
        held = _held(source, namespace, maps)
        is_open = is_open or held is None
        prefix = str(source.get("prefix") or "")
        found |= {f"{prefix}{name}": text for name, text in (held or {}).items() if isinstance(text, str)}
    own = container.get("env")
    if own == {}:  # the probe left the values on the host, and the names with them
        own, is_open = None, True
    for value in manifest_files.sequence(own, "env"):
        variable = manifest_files.mapping(value, "a variable")
        name = variable.get("name")
        if not isinstance(name, str) or not name:
            raise UnclearError("a variable without a name")
        found[name] = _value(name, variable, Environment(found, is_open), namespace, maps)
        allowance.taken(found[name] or "")
    return Environment(found, is_open)


def _held(source: Mapping[Any, Any], namespace: str, maps: Maps) -> Mapping[Any, Any] | None:
    reference = manifest_files.mapping(source.get("configMapRef"), "configMapRef")
    return maps.get((namespace, str(reference.get("name"))))


def _value(name: str, variable: Mapping[Any, Any], known: Environment, namespace: str, maps: Maps) -> str | None:
    if variable.get("valueFrom") is not None:
        source = manifest_files.mapping(variable["valueFrom"], "valueFrom")
        key = manifest_files.mapping(source.get("configMapKeyRef"), "configMapKeyRef")
        text = maps.get((namespace, str(key.get("name"))), {}).get(key.get("key"))
        return text if isinstance(text, str) else None
    text = variable.get("value")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise UnclearError(f"the value of the variable {name} is no text")
    return known.put((text,))[0] if known.is_known(text) else None
