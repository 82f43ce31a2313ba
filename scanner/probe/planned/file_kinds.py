"""The one place that decides whether a file is a plan at all, by what the owner of its format demands."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Any

from scanner.formats.documents import lenient_json
from scanner.formats.documents.lenient_json import JsonError
from scanner.probe.planned import manifest_files, plan_listing
from scanner.probe.planned.compose import keys as compose_keys
from scanner.probe.planned.kubernetes import kinds as kube_kinds
from scanner.probe.planned.nomad import job_json
from scanner.probe.planned.plans import UnclearError, text_of
from scanner.probe.planned.swarm import stack_schema
from scanner.probe.planned.units import command_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Kind(StrEnum):
    """What a file is to whoever would deploy it."""

    COMPOSE = "compose"
    STACK = "stack"
    MANIFESTS = "manifests"
    KUSTOMIZATION = "kustomization"
    CHART = "chart"
    NOMAD = "nomad"
    QUADLET = "quadlet"
    SYSTEMD = "systemd"
    COMMANDS = "commands"
    LIST = "list"
    PART = "part"
    SCRIPT = "script"
    NONE = "none"


class FileOutcome(StrEnum):
    """What a reader can say of every file: it plans containers, it may plan what is not known, or it plans none."""

    PLANNED = "planned"
    GAP = "gap"
    NO_PLAN = "no plan"


@dataclass(frozen=True, slots=True)
class RecognizedFile:
    """What a file is; ``documents`` as YAML or JSON has them, ``problem`` why a file that could be a plan is not read.

    A file of the kind ``NONE`` with documents only includes others, which tell what it is.
    """

    kind: Kind
    documents: list[Any] = field(default_factory=list)
    problem: str = ""


NO_PLAN = RecognizedFile(Kind.NONE)

LIST_NAME = "images.txt"

_YAML = re.compile(r".*\.(?:ya?ml|json)", re.ASCII | re.IGNORECASE | re.DOTALL)
_QUADLET = re.compile(r".*\.(?:container|kube|pod)", re.ASCII | re.DOTALL)
_SECTION = re.compile(rb"^(?:\xef\xbb\xbf)?[ \t]*\[[A-Z][A-Za-z-]*\]", re.MULTILINE)
_SYSTEMD = re.compile(r".*\.service", re.ASCII | re.DOTALL)
_UNIT_PART = re.compile(
    r".*\.(?:image|build|volume|network|(?:container|kube|pod|image|build|volume|network|service)\.d/[^/]*\.conf)",
    re.ASCII | re.DOTALL,
)
_SCRIPT = re.compile(r"[^.]+|[^.].*\.(?:[a-z]*sh|py|pl|rb|js|mk|just)|\.(?i:justfile)", re.ASCII | re.DOTALL)
_SCRIPT_BY_NAME = re.compile(r".*\.(?:ba)?sh|(?:GNUm|m|M)akefile|\.?(?i:justfile)", re.ASCII | re.DOTALL)
_TAKEN_FROM = re.compile(
    rb"""(?:^[ \t]*EnvironmentFile[ \t]*=[ \t]*-?|--env-file[= \t]|(?:^|[;&|'"\t ])(?:\.|source)[ \t]+)["']?(/[\w./@+-]+)""",
    re.MULTILINE,
)
_TAKEN_BY_NAME = re.compile(
    rb"(?:^|[;&|'\"\t ])(?:\.|source)[ \t]+[\"']?(/etc/(?:default|sysconfig)/)[\w.-]*\$", re.MULTILINE
)
"""Where scripts at boot keep their variables, in files of names that they put together."""

_GIVEN_TO_READERS = re.compile(
    rb"""\b(?:python|perl|ruby|node|php|lua|tclsh|supervisord|monit)[\d.]{0,8}(?:[ \t]{1,8}-[^ \t\n]{0,255}){0,8}[ \t]{1,8}["']?([\w./@+-]+)""",
    re.ASCII,
)
"""What a language's program is given to run, which need not say whose script it is."""

_NOMAD = re.compile(r".*\.(?:nomad|nomad\.hcl|nomad\.json)", re.ASCII | re.DOTALL)
_HCL = re.compile(r".*\.hcl", re.ASCII | re.DOTALL)
_JOB = re.compile(rb'^[ \t]*job[ \t]+["A-Za-z_]', re.MULTILINE)
_ENVIRONMENT = re.compile(r"(?:[\w.-]{0,255}\.)?env(?:\.[\w.-]{1,255})?", re.ASCII)

_COMPOSE = re.compile(r"(?:docker-)?compose(?:[._-][\w.-]+)?\.ya?ml", re.ASCII)
_OWN_STACK = re.compile(r"docker-stack(?:[._-][\w.-]+)?\.ya?ml", re.ASCII)
_STACK = re.compile(r"(?:[\w.-]{1,255}[._-])?stack(?:[._-][\w.-]{1,255})?\.ya?ml", re.ASCII)
_KUSTOMIZATION = re.compile(r"kustomization\.ya?ml|Kustomization", re.ASCII)
_PATCH = re.compile(
    r"(?:.*/)?(?:patch(?:es)?/[^/]{0,255}|(?:[^/]{0,255}[._-])?patch(?:es)?(?:[._-][^/]{0,255})?"
    r"|(?:kube-(?:apiserver|controller-manager|scheduler)|etcd|corednsdeployment)[^/]{0,255})\.(?:ya?ml|json)",
    re.ASCII | re.DOTALL,
)
"""How people name what kustomize or kubeadm lays over an object, which has the image."""

_CHART = re.compile(r"Chart\.yaml", re.ASCII)
_HELMFILE = re.compile(r"helmfile\.ya?ml", re.ASCII)
_VALUES = re.compile(r"values(?:[._-][\w.-]+)?\.ya?ml", re.ASCII)

_KIND_WORD = re.compile(rb"""(?:^|[\s{,"'-])kind["']?[ \t]*:[ \t]*["']?([A-Za-z{$]+)""", re.ASCII)
_API_VERSION = re.compile(rb"""(?:^|[\s{,"'-])apiVersion["']?[ \t]*:""", re.ASCII)
_SERVICES = re.compile(rb"""^(?:services|'services')[ \t]*:|"services"[ \t\r\n]*:""", re.MULTILINE)
_IMAGE = re.compile(
    rb"""(?:^[ \t]+|[{,][ \t]*)(?:image|build|extends|'image'|'build')[ \t]*:|"(?:image|build)"[ \t\r\n]*:""",
    re.MULTILINE,
)
_TASK_GROUPS = re.compile(rb'"(?:(?i:TaskGroups)|Job)"[ \t\r\n]*:[ \t\r\n]*[\[{]')
_TEMPLATE = re.compile(rb"\{\{|\{%|\[\[")

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of what PowerShell's ``>`` writes; kubectl and Podman read YAML in it."""

SCRIPT_MARK = b"#!"
"""How scripts begin."""

MAX_NAMED = 1000
"""Files that one file may name: as many as are read of all; what takes from others is a gap."""

UNREAD_SCRIPT = b"@unread"
"""Stands for a script that is there, but longer or more than are read."""

HEAD_BYTES = 4096
"""Where junk shows what it is: text has no zero byte."""

QUADLETS = "/containers/systemd/"
"""Directories in which Podman's generator takes every file of a quadlet's name for one."""

_NAMED = {
    _COMPOSE: Kind.COMPOSE,
    _OWN_STACK: Kind.STACK,
    _KUSTOMIZATION: Kind.KUSTOMIZATION,
    _CHART: Kind.CHART,
}
"""Names that only plans have."""


def is_other_than_its_name(path: str, raw: bytes) -> bool:
    """Whether a file has a quadlet's name and no section that a unit has: Perl's documentation, a picture."""
    may_be_empty = path.endswith((".volume", ".network"))
    is_named = may_be_empty or _QUADLET.fullmatch(path) or path.endswith((".image", ".build"))
    if not is_named or QUADLETS in f"/{path}" or (may_be_empty and not raw.strip()):
        return False
    return _SECTION.search(raw) is None


def is_named_like_a_plan(path: str) -> bool:
    """Whether a file's name promises that it plans containers, or that such a file refers to it."""
    kinds = (_QUADLET, _SYSTEMD, _UNIT_PART, _NOMAD, _HCL)
    is_of_texts = posixpath.basename(path) == LIST_NAME or is_environment(path) or is_yaml(path)
    return is_of_texts or command_places.is_named(path) or any(kind.fullmatch(path) for kind in kinds)


def may_be_a_script(path: str) -> bool:
    """Whether a file has a name that scripts have, which units may run."""
    return _SCRIPT.fullmatch(posixpath.basename(path)) is not None


def is_script(path: str, head: bytes) -> bool:
    """Whether a file that may be a script is one, by how it begins; one whose name says so need not say whose."""
    return head.startswith(SCRIPT_MARK) or _SCRIPT_BY_NAME.fullmatch(posixpath.basename(path)) is not None


def named_by(path: str, raw: bytes) -> Iterable[str]:
    """The files that a unit or a script takes variables or commands from, as it names them: relative ones may lie anywhere.

    A name that ends with ``*`` is each file of its directory.
    """
    if not (
        _SYSTEMD.fullmatch(path) or _QUADLET.fullmatch(path) or _UNIT_PART.fullmatch(path) or may_be_a_script(path)
    ):
        return ()
    found: dict[bytes, None] = {}
    by_name = ((taken[1] + b"*") for taken in _TAKEN_BY_NAME.finditer(raw))
    for name in chain(
        (taken[1] for taken in chain(_TAKEN_FROM.finditer(raw), _GIVEN_TO_READERS.finditer(raw))), by_name
    ):
        found[name] = None
        if len(found) == MAX_NAMED:
            break
    return (name.decode("utf-8", "replace") for name in found)


def is_environment(path: str) -> bool:
    """Whether a file is named like one that holds variables: ``.env``, ``web.env``, ``.env.prod``."""
    return _ENVIRONMENT.fullmatch(posixpath.basename(path)) is not None


def is_known_though_hidden(name: str) -> bool:
    """Whether a file is looked at although its name begins with a dot: ``.env``, ``.justfile``."""
    return is_environment(name) or may_be_a_script(name)


def is_yaml(path: str) -> bool:
    """Whether a file is YAML or JSON by its name."""
    return _YAML.fullmatch(path) is not None or _KUSTOMIZATION.fullmatch(posixpath.basename(path)) is not None


def told(path: str, raw: bytes) -> RecognizedFile:
    """What a file is. One that could be a plan as far as its name or text tells, but cannot be read, has a problem.

    YAML and JSON lie about everywhere: an application's own configuration is no plan, whether it can be read or not.
    """
    if _NOMAD.fullmatch(path):
        return RecognizedFile(Kind.NOMAD)
    if is_yaml(path):
        return _of_yaml(path, raw)
    if command_places.is_named(path):
        return RecognizedFile(Kind.COMMANDS)
    if is_other_than_its_name(path, raw):
        return NO_PLAN
    if _HCL.fullmatch(path):
        return RecognizedFile(Kind.NOMAD) if _JOB.search(raw) else NO_PLAN
    if _QUADLET.fullmatch(path):
        return RecognizedFile(Kind.QUADLET)
    if _SYSTEMD.fullmatch(path):
        return RecognizedFile(Kind.SYSTEMD)
    if _UNIT_PART.fullmatch(path) or is_environment(path):
        return RecognizedFile(Kind.PART)
    if may_be_a_script(path) and is_script(path, raw):
        return RecognizedFile(Kind.SCRIPT)
    return RecognizedFile(Kind.LIST) if _is_list(path, raw) else NO_PLAN


def _is_list(path: str, raw: bytes) -> bool:
    """Whether a file is a list of images: deeper than a host's own folder, pictures and captions have its name, too."""
    if posixpath.basename(path) != LIST_NAME:
        return False
    return path.count("/") <= 1 or plan_listing.names_an_image(raw)


def _of_yaml(path: str, raw: bytes) -> RecognizedFile:
    try:
        documents = _documents(path, raw)
    except UnclearError as error:
        return _unreadable(path, raw, str(error))
    objects = [one for one in documents if isinstance(one, dict)]
    name = posixpath.basename(path)
    if _KUSTOMIZATION.fullmatch(name):
        return RecognizedFile(Kind.KUSTOMIZATION, documents)
    if _CHART.fullmatch(name):
        return RecognizedFile(Kind.CHART, documents) if _is_chart(objects) else NO_PLAN
    if _HELMFILE.fullmatch(name):
        return RecognizedFile(
            Kind.MANIFESTS, problem="Helm is not run here: keep the rendered manifests in the repository"
        )
    if _is_patch(path, objects):
        return RecognizedFile(Kind.MANIFESTS)
    if any(map(_is_object, objects)):
        return RecognizedFile(Kind.MANIFESTS, documents, _missing_version(objects))
    return _of_services(name, documents, objects)


def _documents(path: str, raw: bytes) -> list[Any]:
    """Raises ``UnclearError`` where they cannot be read."""
    text = text_of(raw)
    if not path.lower().endswith(".json"):
        return manifest_files.documents(raw)
    try:
        return [lenient_json.loads(text)]
    except JsonError as error:
        raise UnclearError(error.problem.removeprefix("is ")) from error


def _is_object(body: Mapping[Any, Any]) -> bool:
    """Whether it is an object of Kubernetes, or would be one with its apiVersion."""
    kind, version = body.get("kind"), body.get("apiVersion")
    if not isinstance(kind, str):
        return False
    return isinstance(version, str) or _lacks_version(body)


def _is_patch(path: str, objects: list[dict[Any, Any]]) -> bool:
    """Whether a file only changes objects that stand elsewhere: it has a patch's name, and its containers no image."""
    if not objects or not _PATCH.fullmatch(path):
        return False
    return all(one.get("kind") in kube_kinds.WITH_PODS for one in objects) and not kube_kinds.names_an_image(objects)


def _lacks_version(body: Mapping[Any, Any]) -> bool:
    kind = body.get("kind")
    is_known = isinstance(kind, str) and (kind in kube_kinds.WITH_PODS or bool(kube_kinds.rendered_elsewhere(body)))
    return is_known and "apiVersion" not in body and isinstance(body.get("spec", body.get("images")), dict | list)


def _missing_version(objects: list[dict[Any, Any]]) -> str:
    lacking = next((one for one in objects if _lacks_version(one) and not kube_kinds.rendered_elsewhere(one)), None)
    return f"a {lacking['kind']} without apiVersion, which Kubernetes refuses" if lacking else ""


def _is_chart(objects: list[dict[Any, Any]]) -> bool:
    """Whether Helm could install it: a library only helps other charts."""
    return any(isinstance(one.get("name"), str) and one.get("type") != "library" for one in objects)


def _of_services(name: str, documents: list[Any], objects: list[dict[Any, Any]]) -> RecognizedFile:
    if (_OWN_STACK.fullmatch(name) or _COMPOSE.fullmatch(name)) and compose_keys.are_of_others(documents):
        return NO_PLAN
    refused = next(filter(None, map(stack_schema.refused, objects)), "")
    if _OWN_STACK.fullmatch(name):
        return RecognizedFile(Kind.STACK, documents, refused)
    if _COMPOSE.fullmatch(name):
        return RecognizedFile(Kind.COMPOSE, documents)
    if any(map(compose_keys.is_compose, objects)) and not _VALUES.fullmatch(name):
        return RecognizedFile(Kind.STACK if _STACK.fullmatch(name) and not refused else Kind.COMPOSE, documents)
    if any(job_json.has_task_groups(one) or (name.endswith(".json") and job_json.is_in_hcl(one)) for one in objects):
        return RecognizedFile(Kind.NOMAD)
    return RecognizedFile(Kind.NONE, documents) if any(map(compose_keys.only_includes, objects)) else NO_PLAN


def _unreadable(path: str, raw: bytes, problem: str) -> RecognizedFile:
    """A gap if it could be a plan, else nothing."""
    kind = could_be(path, raw)
    if kind is None:
        return NO_PLAN
    if kind is Kind.MANIFESTS and _TEMPLATE.search(raw):
        problem = f"a template, which is not rendered here: {problem}"
    return RecognizedFile(kind, problem=problem)


def could_be(path: str, raw: bytes, *, is_whole: bool = True) -> Kind | None:
    """What a YAML or JSON file that is not read could be, by its name or the lines that its owner would look for.

    Without ``is_whole`` the bytes are only how it begins.
    """
    name = posixpath.basename(path)
    if named := next((kind for form, kind in _NAMED.items() if form.fullmatch(name)), None):
        return named
    if raw.startswith(_UTF16):
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    if b"\0" in raw[:HEAD_BYTES]:
        return None  # no text at all, whatever its name says
    if _could_be_manifests(raw, is_whole=is_whole):
        return Kind.MANIFESTS
    if _SERVICES.search(raw) and _IMAGE.search(raw) and not _VALUES.fullmatch(name):
        return Kind.COMPOSE
    return Kind.NOMAD if _TASK_GROUPS.search(raw) else None


def _could_be_manifests(raw: bytes, *, is_whole: bool) -> bool:
    kinds = {found.decode("ascii") for found in _KIND_WORD.findall(raw)}
    if any(kube_kinds.leads_to_containers(kind) for kind in kinds):
        return True
    if not kinds or not _API_VERSION.search(raw):
        return False
    return not is_whole or any(not kube_kinds.is_own_without_containers(kind) for kind in kinds)
