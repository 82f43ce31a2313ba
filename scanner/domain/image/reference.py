"""Image references in the distribution grammar, as Docker normalises them.

The grammar and every rule follow distribution/reference (``ParseNormalizedNamed`` and its kin), whose error texts are
kept because operators know them. Parsing splits first and matches only bounded pieces, so its time is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

MAX_REFERENCE_CHARS = 512
"""In full form; room for the longest name, tag and sha256 digest. Nothing unbounded reaches a regular expression."""

MAX_DIGEST_CHARS = len("sha512:") + 128
"""Of the longest that is one."""

MAX_REPOSITORY_CHARS = 255
"""RepositoryNameTotalLengthMax of distribution/reference; the domain is not counted."""

MAX_REMEMBERED = 16_384
"""References kept parsed, some 600 bytes each: a fleet writes the same few thousand on every host, by tag then by digest."""

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"

_LEGACY_REGISTRY = "index.docker.io"
_OFFICIAL = "library/"
_HEX_CHARS = {"sha256": 64, "sha512": 128}

_INVALID = "invalid reference format"
_NOT_A_DIGEST = "invalid checksum digest format"

_DOMAIN_LABEL = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?", re.ASCII)
_IPV6 = re.compile(r"\[[a-fA-F0-9:]+\]", re.ASCII)
_PORT = re.compile(r"[0-9]+", re.ASCII)
_PATH_COMPONENT = re.compile(r"[a-z0-9]++(?:(?:__|[._]|-++)[a-z0-9]++)*+", re.ASCII)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}", re.ASCII)
_WRITTEN_ALGORITHM = re.compile(r"[A-Za-z][A-Za-z0-9]*+(?:[-_+.][A-Za-z][A-Za-z0-9]*+)*+", re.ASCII)
_WRITTEN_HEX = re.compile(r"[0-9a-fA-F]{32,}", re.ASCII)
_ALGORITHM = re.compile(r"[a-z0-9]++(?:[.+_-][a-z0-9]++)*+", re.ASCII)
_ENCODED = re.compile(r"[a-zA-Z0-9=_-]+", re.ASCII)
_LOWER_HEX = re.compile(r"[a-f0-9]+", re.ASCII)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}", re.ASCII)


class Digest(str):
    """A digest in its exact form, such as ``sha256:<64 lower-case hex>``; still text, but safe to put into a URL.

    Raises:
        ValueError: not a digest, or of an algorithm other than sha256 and sha512 (CVE-2024-3727 is what happens where
            a digest is any text).
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text against the grammar of its algorithm."""
        _check_digest(text)
        return super().__new__(cls, text)

    @property
    def algorithm(self) -> str:
        """``sha256`` or ``sha512``."""
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        """What follows the colon."""
        return self.partition(":")[2]


@dataclass(frozen=True, slots=True)
class WrittenReference:
    """The parts of a reference as the bare grammar sees them, before anything is normalised."""

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        """The reference that these are the parts of."""
        tag = f":{self.tag}" if self.tag is not None else ""
        return f"{self.name}{tag}@{self.digest}" if self.digest is not None else self.name + tag

    @property
    def name(self) -> str:
        """Domain and path as written, without tag and digest."""
        return f"{self.domain}/{self.path}" if self.domain else self.path


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A normalised reference: ``parse(str(reference)) == reference`` for every one that can be made.

    ``registry`` is ``host[:port]`` as written, ``docker.io`` where none was. It is empty for the few names whose
    first component looks like a host and is none (``my_host.com/app``): those name no registry that can be asked.

    Raises:
        ValueError: the parts are not what parsing their text would give.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    def __post_init__(self) -> None:
        """Refuse what parsing would not give."""
        if self.digest is not None and not isinstance(self.digest, Digest):
            raise ValueError("a reference's digest must be a Digest")
        written = WrittenReference(self.registry, self.repository, self.tag, self.digest)
        if _normalised(str(written)) != written:
            raise ValueError(f"{_shown(str(written))} is not the normal form of a reference")

    def __str__(self) -> str:
        """The full form, such as ``docker.io/library/nginx:1.27``."""
        return str(WrittenReference(self.registry, self.repository, self.tag, self.digest))

    @property
    def name(self) -> str:
        """Registry and repository without tag and digest."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    @property
    def suffix(self) -> str:
        """Tag and digest as they follow a name, ``:1@sha256:…``: normalising a reference leaves them as they are written."""
        return str(WrittenReference("", "", self.tag, self.digest))

    @property
    def last_component(self) -> str:
        """What its repository is called within its folder: ``api`` of ``registry.example/shop/api``."""
        return self.repository.rpartition("/")[2]

    @property
    def identifier(self) -> str:
        """What the registry is asked for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or DEFAULT_TAG


def parse(text: str) -> ImageReference:
    """Normalise a reference as Docker does (``ParseNormalizedNamed``).

    Raises:
        ValueError: it is not a reference; the message says why.
    """
    written = _normalised(text)
    made = object.__new__(
        ImageReference
    )  # what was just normalised is not normalised again, as it is in the constructor
    for name, value in zip(
        ImageReference.__slots__, (written.domain, written.path, written.tag, written.digest), strict=True
    ):
        object.__setattr__(made, name, value)
    return made


def image_reference(text: str) -> ImageReference | Failure:
    """What an image is called, read where its text enters; the same text gives the same value."""
    return _remembered(text) if len(text) <= MAX_REFERENCE_CHARS else _read(text)


def _read(text: str) -> ImageReference | Failure:
    try:
        return parse(text)
    except ValueError as error:
        return Failure(Reason.IMAGE_REFERENCE_INVALID, str(error))


_remembered = lru_cache(MAX_REMEMBERED)(_read)
"""What is too long to be a reference is kept by nobody."""


@lru_cache(MAX_REMEMBERED)
def by_digest(reference: ImageReference, digest: Digest) -> ImageReference:
    """What a reference is pinned to: its repository by this digest alone."""
    return replace(reference, tag=None, digest=digest)


def digest_of(text: str) -> Digest | None:
    """The digest that a text is; ``None`` where it is none."""
    return _digest(text) if len(text) <= MAX_DIGEST_CHARS else None


@lru_cache(MAX_REMEMBERED)
def _digest(text: str) -> Digest | None:
    try:
        return Digest(text)
    except ValueError:
        return None


def parse_strict(text: str) -> WrittenReference:
    """Split a reference by the bare grammar (``Parse``): no default registry, no ``library/``.

    Raises:
        ValueError: it is not a reference.
    """
    if not text:
        raise ValueError("repository name must have at least one component")
    _refuse_too_long(text)
    parts = _split(text)
    if parts is None:
        lowered = _lower(text)
        needs_lower = lowered != text and _split(lowered) is not None
        raise ValueError("repository name must be lowercase" if needs_lower else _INVALID)
    domain, path, tag, digest = parts
    if len(path) > MAX_REPOSITORY_CHARS:
        raise ValueError(f"repository name must not be more than {MAX_REPOSITORY_CHARS} characters")
    return WrittenReference(domain, path, tag, Digest(digest) if digest is not None else None)


def _normalised(text: str) -> WrittenReference:
    _refuse_too_long(text)
    if _IDENTIFIER.fullmatch(text):
        raise ValueError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, remainder = _split_docker_domain(text)
    remote = remainder.partition(":")[0]
    if _lower(remote) != remote:
        raise ValueError(f"{_INVALID}: repository name ({_shown(remote)}) must be lowercase")
    return parse_strict(f"{domain}/{remainder}")


def _split_docker_domain(text: str) -> tuple[str, str]:
    """Decide whether the first component is a registry or the beginning of a name on Docker Hub."""
    first, slash, rest = text.partition("/")
    if not slash:
        return DEFAULT_REGISTRY, _OFFICIAL + text
    if first == _LEGACY_REGISTRY:
        domain, remainder = DEFAULT_REGISTRY, rest
    elif first == "localhost" or "." in first or ":" in first or _lower(first) != first:
        domain, remainder = first, rest
    else:
        domain, remainder = DEFAULT_REGISTRY, text
    if domain == DEFAULT_REGISTRY and "/" not in remainder:
        remainder = _OFFICIAL + remainder
    return domain, remainder


def _split(text: str) -> tuple[str, str, str | None, str | None] | None:
    """Domain, path, tag and digest, or None where the text is outside the grammar."""
    rest, at, digest = text.partition("@")
    if at and not _is_written_digest(digest):
        return None
    parent, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        return None
    name = _split_name(parent + slash + last)
    return (*name, tag if colon else None, digest if at else None) if name else None


def _split_name(name: str) -> tuple[str, str] | None:
    first, *rest = name.split("/")
    if not all(map(_PATH_COMPONENT.fullmatch, rest)):
        return None
    if rest and _is_domain(first):
        return first, "/".join(rest)
    return ("", name) if _PATH_COMPONENT.fullmatch(first) else None


def _is_domain(text: str) -> bool:
    if text.startswith("["):
        host, bracket, port = text.partition("]")
        return bool(_IPV6.fullmatch(host + bracket)) and (not port or (port[0] == ":" and _is_port(port[1:])))
    host, colon, port = text.partition(":")
    return all(map(_DOMAIN_LABEL.fullmatch, host.split("."))) and (not colon or _is_port(port))


def _is_port(text: str) -> bool:
    return bool(_PORT.fullmatch(text))


def _is_written_digest(text: str) -> bool:
    algorithm, _, encoded = text.partition(":")
    return bool(_WRITTEN_ALGORITHM.fullmatch(algorithm) and _WRITTEN_HEX.fullmatch(encoded))


def _check_digest(text: str) -> None:
    """Apply go-digest's ``Validate`` with sha256 and sha512 registered, in its order of complaints."""
    algorithm, _, encoded = text.partition(":")
    if not algorithm or not encoded:
        raise ValueError(_NOT_A_DIGEST)
    if algorithm not in _HEX_CHARS:
        well_formed = _ALGORITHM.fullmatch(algorithm) and _ENCODED.fullmatch(encoded)
        raise ValueError("unsupported digest algorithm" if well_formed else _NOT_A_DIGEST)
    if len(encoded) != _HEX_CHARS[algorithm]:
        raise ValueError("invalid checksum digest length")
    if not _LOWER_HEX.fullmatch(encoded):
        raise ValueError(_NOT_A_DIGEST)


def _refuse_too_long(text: str) -> None:
    if len(text) > MAX_REFERENCE_CHARS:
        raise ValueError(f"{_INVALID}: more than {MAX_REFERENCE_CHARS} characters")


def _lower(text: str) -> str:
    """Lower-case as Go does: one character for one (Python makes two of U+0130)."""
    return text.replace("\u0130", "i").lower()


def _shown(text: str) -> str:
    """Text of strangers, fit for one line of an error message."""
    return text if text.isprintable() else ascii(text)[1:-1]
