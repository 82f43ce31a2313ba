"""Reads the bytes of an image's config: its platform, what it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Process
from scanner.domain.failure import Failure
from scanner.domain.image.reference import Digest
from scanner.domain.platform.platform import KNOWN_ARCHITECTURES, Platform, canonical
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import AmbiguousError, read_object, refuse_twins
from scanner.registry.documents import fields, source_labels
from scanner.registry.documents.config_objections import objections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.offers import BuiltFrom, Objection

MAX_PROCESS_CHARS = 128 * 1024
"""Arguments, variables, directory: Linux takes no argument that is longer (MAX_ARG_STRLEN)."""

MAX_VARIABLES = 4096
"""Of one config; images of whole desktops set a few dozen."""

_TOP_KEYS = frozenset({"architecture", "os", "variant", "os.version", "os.features", "config", "rootfs"})
_PROCESS_KEYS = frozenset({"Entrypoint", "Cmd", "Env", "WorkingDir", "User", "Volumes", "Healthcheck", "Shell"})


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """``platform`` is as written, half of one where a word is missing, or why it is none that anybody could judge by.

    ``diff_ids`` are the digests of its layers' tars, each a failure where it is none, ``objections`` what engines may refuse the image for,
    ``built_from`` what its labels say of its source.
    """

    platform: Platform | Failure
    process: Process
    diff_ids: tuple[Digest | Failure, ...] = ()
    objections: tuple[Objection, ...] = ()
    built_from: BuiltFrom | None = None


def read_config(body: bytes) -> ImageConfig | Failure:
    """Interpret a config blob (OCI image-spec config.md), its digest already verified."""
    document = read_object(body)
    if isinstance(document, Failure):
        return document
    try:
        refuse_twins(document, _TOP_KEYS)
        listed = fields.texts(fields.child(document, "rootfs") or {}, "diff_ids") or ()
        diff_ids = tuple(_diff_id(text) for text in listed)
        section = fields.child(document, "config") or {}
        found = _platform(document), _process(section)
        return ImageConfig(*found, diff_ids, objections(document), source_labels.built_from(section.get("Labels")))
    except AmbiguousError as ambiguity:
        return Failure(Reason.IMAGE_AMBIGUOUS, f"config: {ambiguity}")
    except fields.MalformedError as error:
        return Failure(Reason.IMAGE_MALFORMED, f"config: {error}")


def _diff_id(text: str) -> Digest | Failure:
    """What is no digest makes no config unreadable: engines miss the layer only once they have unpacked it."""
    try:
        return Digest(text)
    except ValueError as error:
        return Failure(Reason.IMAGE_MALFORMED, f"a diff_id is no digest: {error}")


def _platform(document: Mapping[str, Any]) -> Platform | Failure:
    found = fields.platform(document)
    if found.architecture and canonical(found).architecture not in KNOWN_ARCHITECTURES:
        return Failure(Reason.IMAGE_ARCH_UNKNOWN, f"the config names the unknown architecture {found.architecture}")
    return found


def _process(section: Mapping[str, Any]) -> Process:
    refuse_twins(section, _PROCESS_KEYS)
    environment = fields.texts(section, "Env") or ()
    if len(environment) > MAX_VARIABLES:
        raise fields.MalformedError(f"it sets more than {MAX_VARIABLES} variables")
    paths = [entry.removeprefix("PATH=") for entry in environment if entry.startswith("PATH=")]
    found = Process(
        entrypoint=fields.texts(section, "Entrypoint"),
        cmd=fields.texts(section, "Cmd"),
        path=paths[-1] if paths else None,
        working_dir=fields.text(section, "WorkingDir") or None,
        env=tuple(_variable(entry) for entry in environment if entry),
        user=fields.text(section, "User"),
        volumes=tuple(sorted(fields.child(section, "Volumes") or {})),
        nameless_env=tuple(entry for entry in environment if "=" not in entry),
        healthcheck=_healthcheck(fields.child(section, "Healthcheck")),
        shell=fields.texts(section, "Shell") or None,
    )
    said = (
        *found.argv,
        *(found.healthcheck or ()),
        *(found.shell or ()),
        *environment,
        *(found.volumes or ()),
        found.working_dir or "",
        found.user or "",
    )
    if sum(map(len, said)) > MAX_PROCESS_CHARS:
        raise fields.MalformedError(f"what it starts is longer than {MAX_PROCESS_CHARS} characters")
    return found


def _variable(entry: str) -> tuple[str, str]:
    """One ``NAME=value``; what has no ``=`` is a variable that engines hand on as it stands, empty for whoever looks."""
    name, _, value = entry.partition("=")
    return name, value


def _healthcheck(section: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """Docker's extension of the config (moby's HealthcheckConfig); an empty Test inherits, which a whole image cannot."""
    return (fields.texts(section, "Test") or None) if section is not None else None
