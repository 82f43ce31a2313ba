"""Compose files laid over each other, with what they include or extend.

The order is compose-go's: variables, included files, what is taken away (``!reset``), services that extend others, the
merge with the files before, the schema.
"""

from __future__ import annotations

import posixpath
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.formats.variables import dotenv
from scanner.formats.variables.env_file import EnvFileError
from scanner.probe.planned.compose import compose_schema, compose_yaml
from scanner.probe.planned.compose.merge import Steps, merged, once, without
from scanner.probe.planned.compose.shapes import check
from scanner.probe.planned.compose.values import Text, WholePath, at_of, closed, with_value
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scanner.formats.documents.bounded_yaml import Place
    from scanner.formats.variables.interpolation import Value
    from scanner.probe.planned.compose.compose_yaml import ComposeDocument, Parsed

MAX_DEPTH = 10
"""Files that include files: deeper is a circle."""

MAX_CHAIN = 200
"""Services that extend services that extend services: longer is a circle."""

MAX_TEXT_CHARS = 16 << 20
"""All texts of a project with their variables in place: what its files may have, sixteen times over."""

MAX_LOADS = 500
"""Files that one project includes or extends, each as often as it does."""

DOTENV = ".env"
NOTHING = "/dev/null"

_SHARED = ("services", "volumes", "networks", "secrets", "configs", "models")


@dataclass(frozen=True, slots=True)
class Context:
    """Where relative paths of a file begin, and what its variables stand for."""

    directory: str
    variables: Mapping[str, Value]


@dataclass(slots=True)
class _Extended:
    """The services of one file that others extend, as they become ready."""

    path: str
    services: Mapping[str, Any]
    resets: InitVar[Sequence[Place]]
    included: frozenset[str] = frozenset()
    resets_of: dict[str, list[Place]] = field(default_factory=dict)
    done: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self, resets: Sequence[Place]) -> None:
        """Sort what is taken away by the service that it is taken from."""
        for place in resets:
            if place[:1] == ("services",) and len(place) > 1:
                self.resets_of.setdefault(str(place[1]), []).append(place[1:])


class Loading:
    """The files of one project: each parsed once, whoever refers to it.

    ``doubts`` say why Compose may refuse the project though it is clear what it means: variables that must be set and
    are not set here, forms that its older versions do not take.
    """

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self.texts = texts
        self.steps = Steps()
        self._chars = Steps(MAX_TEXT_CHARS, "characters")
        self.doubts: dict[str, None] = {}
        self._parsed: dict[str, Parsed] = {}
        self._bases: dict[tuple[str, int], _Extended] = {}
        self._contexts: list[Context] = []
        self._loads = 0

    def model(self, paths: Sequence[str], context: Context, chain: tuple[str, ...] = ()) -> dict[str, Any]:
        """Files as one: what a project is made of, before its defaults.

        Raises:
            UnclearError: Compose refuses them, or they are more than one project has.
        """
        if len(chain) > MAX_DEPTH:
            raise UnclearError("files that include each other")
        self._contexts.append(context)  # kept, so that its identity stays its own
        model: dict[str, Any] = {}
        for path in paths:
            chain = (*chain, path)
            for document in self._documents(path, context):
                model = self._over(model, document, path, context, chain)
                compose_schema.validate(model, path)
        return _resolved(model, context)

    def parsed(self, path: str) -> Parsed:
        """A file as it is written.

        Raises:
            UnclearError: it is not there, or cannot be read.
        """
        if path not in self._parsed:
            if path not in self.texts:
                raise UnclearError(f"{path} is not there")
            self._parsed[path] = compose_yaml.parsed(path, self.texts[path])
        return self._parsed[path]

    def _documents(self, path: str, context: Context) -> list[ComposeDocument]:
        self._loads += 1
        if self._loads > MAX_LOADS:
            raise UnclearError(f"more than {MAX_LOADS} files in one project")
        file = self.parsed(path)
        found = [
            compose_yaml.interpolated(file, number, context.variables, self._chars)
            for number in range(len(file.documents))
        ]
        for document in found:
            self.doubts.update(dict.fromkeys(document.required))
        return found

    def _over(
        self, model: dict[str, Any], document: ComposeDocument, path: str, context: Context, chain: tuple[str, ...]
    ) -> dict[str, Any]:
        own = self._with_included(document, context, chain)
        services = own.get("services")
        if services is not None and not isinstance(services, dict):
            raise UnclearError(f"{path}: services must be a mapping")
        if services:
            included = frozenset(services) - frozenset(document.content.get("services") or ())
            extended = _Extended(path, _located(services, context.directory), document.resets, included)
            own["services"] = {name: self._extended(extended, name, context, 0) for name in services}
        laid: dict[str, Any] = merged(without(model, document.resets), own, (), self.steps)
        if isinstance(laid.get("services"), dict):
            laid["services"] = {
                name: once(body, self.steps) if isinstance(body, dict) else body
                for name, body in laid["services"].items()
            }
        return laid

    # ---------------------------------------------------------------- include

    def _with_included(self, document: ComposeDocument, context: Context, chain: tuple[str, ...]) -> dict[str, Any]:
        own = dict(document.content)
        included = own.pop("include", None)
        if included is None:
            return own
        if not isinstance(included, list):
            raise UnclearError(f"{at_of(included) or chain[-1]}: include must be a list")
        for entry in included:
            check(entry, compose_schema.INCLUDE, ("include",), chain[-1])
            model = self._included({"path": entry} if isinstance(entry, str) else entry, context, chain)
            own = self._joined(own, model, document.resets)
        return own

    def _included(self, entry: Mapping[str, Any], context: Context, chain: tuple[str, ...]) -> dict[str, Any]:
        names = [closed(name, "an included file") for name in _texts(entry.get("path"))]
        if not names:
            raise UnclearError(f"{chain[-1]}: an include without a path")
        paths = [joined(context.directory, name) for name in names]
        if paths[0] in chain:
            raise UnclearError(f"{paths[0]}: files that include each other")
        directory = posixpath.dirname(paths[0])
        if entry.get("project_directory"):
            directory = joined(context.directory, closed(entry["project_directory"], "project_directory"))
        files = [
            joined(context.directory, closed(name, "env_file"))
            for name in _texts(entry.get("env_file"))
            if name != NOTHING
        ]
        if not _texts(entry.get("env_file")) and joined(directory, DOTENV) in self.texts:
            files = [joined(directory, DOTENV)]
        variables = env_files(self.texts, files, context.variables)
        return self.model(paths, Context(directory, {**variables, **context.variables}), chain)

    def _joined(self, own: dict[str, Any], model: dict[str, Any], resets: list[Place]) -> dict[str, Any]:
        """What is included, with what the file itself says of the same names laid over it."""
        found = dict(own)
        for key in _SHARED:
            theirs, mine = model.get(key), own.get(key)
            if isinstance(theirs, dict) and isinstance(mine, dict | None):
                self._doubt({name for name, one in (mine or {}).items() if theirs.get(name, one) != one})
                left = without({key: theirs}, [place for place in resets if len(place) > len((key, "name"))])
                found[key] = merged(left[key], mine, (key,), self.steps)
        return found

    def _doubt(self, names: Iterable[str]) -> None:
        for name in sorted(names):
            self.doubts.setdefault(f"{name} is also in an included file, which Compose takes from version 5 on")

    # ---------------------------------------------------------------- extends

    def _extended(self, file: _Extended, name: str, context: Context, depth: int) -> Any:
        """A service over the one that it extends; the same service is made once."""
        if name in file.done:
            return file.done[name]
        if depth > MAX_CHAIN:
            raise UnclearError(f"{file.path}: {name}: services that extend each other")
        service = file.services[name]
        if service is not None and not isinstance(service, dict):
            raise UnclearError(f"{at_of(service) or file.path}: service {name} is no mapping")
        if service is None or "extends" not in service:
            file.done[name] = service
            return service
        asked, own = service["extends"], {key: value for key, value in service.items() if key != "extends"}
        check(asked, compose_schema.EXTENDS, ("services", name, "extends"), file.path)
        asked = {"service": asked} if isinstance(asked, str) else asked
        base_file, base_context = file, context
        if asked.get("file") is not None:
            base_file, base_context = self._base(
                joined(context.directory, closed(asked["file"], "extends.file")), context
            )
        base_name = closed(asked["service"], "extends.service")
        if base_name not in base_file.services:
            raise UnclearError(f"{at_of(asked['service'])}: {base_file.path} has no service {base_name} to extend")
        if base_file is file and base_name in file.included:
            self.doubts.setdefault(f"{name} extends an included service, which Compose takes from version 5 on")
        base = self._extended(base_file, base_name, base_context, depth + 1)
        made = own if base is None else self._laid_over(base, own, name, file)
        file.done[name] = made
        return made

    def _laid_over(self, base: dict[str, Any], own: dict[str, Any], name: str, file: _Extended) -> dict[str, Any]:
        left = without({name: base}, file.resets_of.get(name, []))
        laid: dict[str, Any] = merged(left.get(name, {}), own, ("services", "*"), self.steps)
        return laid

    def _base(self, path: str, context: Context) -> tuple[_Extended, Context]:
        """A file whose services are extended: neither its includes nor its schema count."""
        inner = Context(posixpath.dirname(path), context.variables)
        key = path, id(context.variables)
        if key not in self._bases:
            model: dict[str, Any] = {}
            resets: list[Place] = []
            for document in self._documents(path, inner):
                resets = document.resets
                model = merged(without(model, resets), document.content, (), self.steps)
            services = model.get("services")
            if not isinstance(services, dict):
                raise UnclearError(f"{path}: no services to extend")
            self._bases[key] = _Extended(path, _located(services, inner.directory), resets)
        return self._bases[key], inner


# ---------------------------------------------------------------- paths, files of variables


def joined(directory: str, name: str) -> str:
    """A path as files of a directory name it."""
    return posixpath.normpath(posixpath.join(directory, name))


def env_files(texts: Mapping[str, bytes], paths: Sequence[str], outside: Mapping[str, Value]) -> dict[str, Value]:
    """What files of variables set, of those that are named twice the last; ``outside`` goes before them.

    Raises:
        UnclearError: one is not there, or Compose refuses it.
    """
    found: dict[str, Value] = {}
    for path in paths:
        if path not in texts:
            raise UnclearError(f"{path} is not there")
        try:
            found |= dotenv.variables(texts[path], {**found, **outside})
        except EnvFileError as error:
            raise UnclearError(f"{path}:{error.line}: {error.problem}" if error.line else f"{path}: {error}") from error
    return found


def _located(services: Mapping[str, Any], directory: str) -> dict[str, Any]:
    """Services whose files of variables are named from the root, as they may be extended from elsewhere."""
    return {
        name: {**body, "env_file": _env_files(body["env_file"], directory)}
        if isinstance(body, dict) and "env_file" in body
        else body
        for name, body in services.items()
    }


def _env_files(value: Any, directory: str) -> Any:
    """Entries of ``env_file`` with whole paths; whatever has another shape is left to the schema."""
    if isinstance(value, str):
        return [_env_file({"path": value}, directory)]
    if not isinstance(value, list):
        return value
    return [_env_file({"path": one} if isinstance(one, str) else one, directory) for one in value]


def _env_file(entry: Any, directory: str) -> Any:
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, Text) or isinstance(path, WholePath) or path.is_open:
        return entry
    return {**entry, "path": WholePath(joined(directory, path), path.at)}


def _texts(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _resolved(model: dict[str, Any], context: Context) -> dict[str, Any]:
    """Names alone in lists of ``environment`` are taken from the variables of the files that they stand in."""
    services = model.get("services")
    if not isinstance(services, dict):
        return model
    return {**model, "services": {name: _environment(body, context) for name, body in services.items()}}


def _environment(body: Any, context: Context) -> Any:
    rows = body.get("environment") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return body
    return {**body, "environment": [_row(row, context.variables) for row in rows]}


def _row(row: Any, variables: Mapping[str, Value]) -> Any:
    if not isinstance(row, str) or "=" in row or (value := variables.get(row)) is None:
        return row
    return with_value(row, Text(value.text, at_of(row), value.unset))
