"""Services of Compose files."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Process, Source
from scanner.domain.plan import Plan
from scanner.probe.planned import manifest_files
from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned, text_of
from scanner.probe.planned.variables import dotenv, substituted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_DEPTH = 10
"""Files that include files and services that extend services: deeper is a circle."""

_FILE = re.compile(r"(?:docker-)?compose(?:[._-][\w.-]+)?\.ya?ml", re.ASCII)
_OVERRIDE = re.compile(r"(?:docker-)?compose\.override\.ya?ml", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Project:
    """What the files of one project may refer to."""

    name: str
    texts: Mapping[str, bytes]
    variables: Mapping[str, str]
    source: Source
    contents: dict[str, dict[Any, Any]] = field(default_factory=dict)
    """Files that were read: each once, however many services extend one of theirs."""


def plans(
    texts: Mapping[str, bytes],
    roots: Sequence[str] | None = None,
    *,
    project: str = "",
    variables: Mapping[str, str] | None = None,
    source: Source = Source.COMPOSE,
) -> Plans:
    """What Compose files plan, named ``project/service``.

    Args:
        texts: files by path: Compose files, what they include or extend, and the ``.env`` beside them.
        roots: the files of one project in the order in which they are merged. Without it each directory's
            Compose file is a project, with its override file.
        project: the name of the project, instead of the files' own or the directory's.
        variables: what the shell that runs Compose sets; it goes before ``.env``.
        source: ``SWARM`` for stack files.
    """
    if roots is not None:
        return _project(texts, list(roots), project, variables or {}, source)
    found = Plans()
    for group in _groups(texts):
        found += _project(texts, group, project, variables or {}, source)
    return found


def _groups(texts: Mapping[str, bytes]) -> list[list[str]]:
    """Each Compose file of each directory, its override behind it."""
    files = [path for path in texts if _FILE.fullmatch(posixpath.basename(path))]
    overrides = {path for path in files if _OVERRIDE.fullmatch(posixpath.basename(path))}
    groups = []
    for path in files:
        if path in overrides:
            continue
        stem, suffix = posixpath.splitext(path)
        groups.append([path, *(o for o in (f"{stem}.override{suffix}",) if o in overrides)])
    return groups


def _project(
    texts: Mapping[str, bytes], roots: list[str], name: str, variables: Mapping[str, str], source: Source
) -> Plans:
    if not roots:
        return Plans()
    directory = posixpath.dirname(roots[0])
    known: dict[str, str] = {}
    dotenv_path = posixpath.join(directory, ".env")
    try:
        known = dotenv(text_of(texts[dotenv_path])) if dotenv_path in texts else {}
        project = _Project(name, texts, {**known, **variables}, source)
        own_name, services = _merged(project, roots, 0)
    except UnclearError as error:
        return gap(roots[0], error)
    name = name or own_name or _NOT_IN_NAMES.sub("", posixpath.basename(directory or "default").lower())
    active = {word.strip() for word in project.variables.get("COMPOSE_PROFILES", "").split(",")}
    found = Plans()
    for service, (path, body) in services.items():
        try:
            found += _service(project, path, f"{name}/{service}", body, active)
        except UnclearError as error:
            found += gap(f"{path}: {service}", error)
    return found


def _merged(project: _Project, paths: Sequence[str], depth: int) -> tuple[str, dict[str, tuple[str, dict[Any, Any]]]]:
    """The name and the services of files laid over each other, each service with the file that it is from."""
    if depth > MAX_DEPTH:
        raise UnclearError("files that include each other")
    name = ""
    services: dict[str, tuple[str, dict[Any, Any]]] = {}
    for path in paths:
        content = _content(project, path)
        name = _put(project, content["name"]) if isinstance(content.get("name"), str) else name
        for included in _included(project, path, content):
            services = {**_merged(project, included, depth + 1)[1], **services}
        for service, value in manifest_files.mapping(content.get("services"), "services").items():
            body = manifest_files.mapping(value, f"service {service}")
            services[str(service)] = (path, {**services.get(str(service), ("", {}))[1], **body})
    return name, services


def _content(project: _Project, path: str) -> dict[Any, Any]:
    if path in project.contents:
        return project.contents[path]
    if path not in project.texts:
        raise UnclearError(f"{path} is not there")
    found: dict[Any, Any] = {}
    for document in manifest_files.documents(project.texts[path]):
        found |= manifest_files.mapping(document, path)
    project.contents[path] = found
    return found


def _included(project: _Project, path: str, content: Mapping[Any, Any]) -> list[list[str]]:
    groups = []
    for entry in manifest_files.sequence(content.get("include"), "include"):
        named = manifest_files.mapping(entry, "include").get("path") if isinstance(entry, dict) else entry
        names = [named] if isinstance(named, str) else manifest_files.sequence(named, "include")
        groups.append([_beside(path, _put(project, str(one))) for one in names])
    return groups


def _beside(path: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _put(project: _Project, text: str) -> str:
    return substituted(text, project.variables)


# ---------------------------------------------------------------- services


def _service(project: _Project, path: str, name: str, body: Mapping[Any, Any], active: set[str]) -> Plans:
    service = _extended(project, path, body, 0)
    profiles = {str(profile) for profile in manifest_files.sequence(service.get("profiles"), "profiles")}
    if profiles and not profiles & active:
        return Plans()
    image = service.get("image")
    image = _put(project, str(image)) if image is not None else ""
    builds = service.get("build") is not None
    if not image and not builds:
        raise UnclearError("neither an image nor a build")
    return Plans(
        (
            Plan(
                workload=name,
                image=image or name.replace("/", "-"),
                source=project.source,
                pinned=pinned(_put(project, str(service.get("platform") or ""))),
                process=_process(service),
                build_only=builds and (not image or service.get("pull_policy") == "build"),
            ),
        )
    )


def _extended(project: _Project, path: str, body: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
    """A service over the one that it extends."""
    extends = body.get("extends")
    if extends is None:
        return dict(body)
    if depth > MAX_DEPTH:
        raise UnclearError("services that extend each other")
    asked = {"service": extends} if isinstance(extends, str) else manifest_files.mapping(extends, "extends")
    file = asked.get("file")
    file = _beside(path, _put(project, str(file))) if file is not None else path
    services = manifest_files.mapping(_content(project, file).get("services"), "services")
    named = asked.get("service")
    if not isinstance(named, str) or named not in services:
        raise UnclearError(f"{file} has no such service to extend")
    base = manifest_files.mapping(services[named], "service")
    return {**_extended(project, file, base, depth + 1), **body}


def _process(service: Mapping[Any, Any]) -> Process | None:
    """What the file says instead of the image; words with variables in them are left to the image."""
    entrypoint, command = _words(service.get("entrypoint")), _words(service.get("command"))
    if entrypoint is None and command is None:
        return None
    directory = service.get("working_dir")
    return Process(
        # An entrypoint of its own clears the image's command (compose-spec, `entrypoint`).
        entrypoint=entrypoint,
        cmd=() if command is None and entrypoint else command,
        working_dir=directory if isinstance(directory, str) else None,
    )


def _words(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise UnclearError(f"a command that no shell would split: {error}") from error
    return manifest_files.argv(value, "a command")
