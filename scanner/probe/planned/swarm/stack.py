"""Services of stack files.

The order is that of docker/cli's loader: the first document, its variables, the schema, the services.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Source
from scanner.formats.variables.interpolation import InterpolationError
from scanner.probe.planned.compose import compose, compose_yaml, consistency, service
from scanner.probe.planned.compose.loading import joined
from scanner.probe.planned.compose.values import Text, WholePath, at_of, boolean, closed, integer
from scanner.probe.planned.plans import Plans, UnclearError, gap
from scanner.probe.planned.swarm import stack_schema, stack_variables, stack_words
from scanner.probe.planned.swarm.stack_words import SplitError
from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats.documents.bounded_yaml import Place
    from scanner.probe.planned.compose.compose_yaml import Parsed

_PASSED_OVER = frozenset({
    "build", "cgroupns_mode", "cgroup_parent", "container_name", "depends_on", "devices", "domainname", "external_links",
    "ipc", "links", "mac_address", "network_mode", "pid", "privileged", "restart", "security_opt", "shm_size", "tmpfs",
    "userns_mode",
})  # fmt: skip
"""Fields of a service that ``docker stack deploy`` takes without giving Swarm anything of them that says what is exec'd."""

_REPLICATED = frozenset({"", "replicated", "replicated-job"})
_MODES = _REPLICATED | {"global", "global-job"}


def plans(texts: Mapping[str, bytes], path: str) -> Plans:
    """What a stack file plans, named ``folder/service``: the stack's own name is told only where it is deployed.

    Args:
        texts: files by path: the stack's, and the files of variables that it names.
        path: the stack's.
    """
    try:
        file = compose_yaml.parsed(path, texts[path], compose_yaml.STACK)
        _demand_read_alike(file, texts[path])
        model = _model(file)
        consistency.check_resources(model)
    except UnclearError as error:
        return gap(path, error)
    folder = posixpath.dirname(path)
    bodies = {name: _as_compose(body, folder) for name, body in (model.get("services") or {}).items()}
    problems = consistency.problems({**model, "services": bodies}, bodies)
    name = compose.normalized(posixpath.basename(folder)) or "default"
    project = service.Project(name, texts, {}, Source.SWARM, bodies)
    return service.plans(path, bodies, problems, lambda one, body: _service(project, path, one, body))


def _service(project: service.Project, path: str, name: str, body: Mapping[str, Any]) -> Plans:
    if not body.get("image"):
        raise UnclearError("no image, without which docker stack deploys nothing")
    mode = closed((body.get("deploy") or {}).get("mode") or "", "deploy.mode")
    if mode not in _MODES:
        raise UnclearError("a deploy.mode that Swarm does not know")
    if mode in _REPLICATED and not consistency.replicas(body):
        return Plans()
    return service.with_gaps(path, name, *service.plan(project, name, _split(body)))


# ---------------------------------------------------------------- the file


def _demand_read_alike(file: Parsed, raw: bytes) -> None:
    """See to it that all of Docker's versions read the same: newer ones take another library, as Compose does.

    Raises:
        UnclearError: a key twice, a ``<<`` behind what it would change, a ``yes`` without quotes.
    """
    try:
        newer = compose_yaml.parsed(file.path, raw)
    except UnclearError as error:
        raise UnclearError(f"{error}; older versions of Docker take it") from error
    if newer.documents[:1] != file.documents[:1]:
        raise UnclearError(
            f"{file.path}: Docker's versions read its YAML differently, as of a << or a yes without quotes"
        )


def _model(file: Parsed) -> dict[str, Any]:
    """The first document, of which Docker reads no others.

    Raises:
        UnclearError: Docker refuses it.
    """
    if not file.documents:
        raise UnclearError(f"{file.path}: an empty file")
    model = _placed(file, file.documents[0], ())
    if not isinstance(model, dict):
        raise UnclearError(f"{file.path}: no mapping")
    stack_schema.validate(model, file.path)
    return model


def _placed(file: Parsed, value: Any, place: Place) -> Any:
    """A value with its variables put in place; its depth is what the YAML reader has bounded."""
    if isinstance(value, str):
        return _text(file, value, place)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UnclearError(f"{file.at(place)}: the key {key!r} is no text")
        return {key: _placed(file, one, (*place, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_placed(file, one, (*place, number)) for number, one in enumerate(value)]
    if compose_yaml.is_of_compose(value):
        raise UnclearError(f"{file.at(place)}: a tag that only Compose takes")
    return value


def _text(file: Parsed, value: str, place: Place) -> Any:
    at = file.at(place)
    if "$" not in value:
        return Text(value, at)
    try:
        put = stack_variables.substitute(value)
        marked = stack_variables.substitute(value, UNKNOWN).text if put.unset else ""
    except InterpolationError as error:
        raise UnclearError(f"{at}: {error}") from error
    made = Text(put.text, at, put.unset, marked=marked)
    return _cast(made, stack_schema.cast_of(place)) if put.text != value else made


def _cast(value: Text, to: str) -> Any:
    """What Docker makes of a text that held variables."""
    match to:
        case "whole":
            return integer(value, value.at)
        case "number":
            return _number(value)
        case "bool":
            return boolean(value, value.at)
        case _:
            return value


def _number(value: Text) -> float:
    try:
        return float(closed(value, value.at))
    except ValueError as error:
        raise UnclearError(f"{value.at}: stands for no number") from error


# ---------------------------------------------------------------- a service


def _as_compose(body: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """A service as Compose would have it: files of variables are read as ``docker run`` reads them."""
    made = {key: value for key, value in body.items() if key not in _PASSED_OVER}
    names = body.get("env_file") or ()
    made["env_file"] = [
        {"path": WholePath(joined(folder, closed(name, "env_file")), at_of(name)), "format": "raw"}
        for name in ([names] if isinstance(names, str) else names)
    ]
    return made


def _split(body: Mapping[str, Any]) -> dict[str, Any]:
    """A service whose commands are words."""
    made = dict(body)
    for key in ("entrypoint", "command"):
        if isinstance(body.get(key), str):
            try:
                made[key] = list(stack_words.split(closed(body[key], key)))
            except SplitError as error:
                raise UnclearError(f"{key}: {error}") from error
    return made
