"""Documents of one registry, fetched from its mirrors or itself, each verified against its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from scanner.domain.failure import Failure
from scanner.domain.image.reference import Digest
from scanner.domain.verdict.reason import Reason
from scanner.registry.documents import media_types
from scanner.registry.http.endpoint import RegistryCall
from scanner.registry.http.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.domain.image.reference import ImageReference
    from scanner.registry.http.endpoint import RegistryEndpoint
    from scanner.registry.http.exchange import WholeResponse
    from scanner.registry.mirrors.mirrors import PullEndpoint

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Manifests, indexes, configs: what the distribution specification asks registries and clients to support."""

ABSENT = frozenset({Reason.IMAGE_NOT_FOUND, Reason.IMAGE_TAG_MISSING})
"""Reasons that say that something is not there."""

NOWHERE = Failure(Reason.IMAGE_NOT_ALLOWED, "its configuration leaves no place that may be asked for it")
"""Where hosts.toml gives a registry only hosts that must not be asked for this."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """Bytes whose digest has been verified, with the type that they were served as."""

    digest: Digest
    body: bytes
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class PullRoute:
    """One pull endpoint with the host's endpoint through which it is asked."""

    pull: PullEndpoint
    endpoint: RegistryEndpoint


@dataclass(frozen=True, slots=True)
class MirrorChain:
    """Where the content of an image comes from: mirrors in order, then its registry; a ``Failure`` may not be tried."""

    routes: tuple[PullRoute | Failure, ...]

    @property
    def may_stop_early(self) -> bool:
        """Whether all that may serve it is believed before a digest could be checked.

        A registry or mirror that is not to be believed so settles it; else what is said of the registry itself does;
        where nothing is said, verified TLS to all of them.
        """
        configs = [route.endpoint.config for route in self.routes if isinstance(route, PullRoute)]
        if not configs or any(config.early_stop is False for config in configs):
            return False
        return configs[-1].early_stop is True or all(config.early_stop or not config.plain_http for config in configs)

    async def digest_of(self, reference: ImageReference) -> Digest | Fetched | Failure:
        """What the reference means now: by HEAD where that tells, else by GET, which brings the document too."""
        return await self._first(lambda route: _digest_of(route, reference))

    async def meant_by(self, reference: ImageReference) -> Fetched | Failure:
        """What the reference means now, with the document, in one request."""
        return await self._first(lambda route: _get_manifest(route, reference.identifier, reference.digest))

    async def manifest(self, digest: Digest) -> Fetched | Failure:
        """The manifest or index with this digest."""
        return await self._first(lambda route: _get_manifest(route, digest, digest))

    async def tagged(self, reference: ImageReference, digest: Digest) -> Fetched | Failure:
        """What a reference leads to, known to have this digest; by its tag where a proxy knows no digests."""
        found = await self.manifest(digest)
        if reference.digest or not isinstance(found, Failure) or found.reason not in ABSENT:
            return found
        by_tag = await self._first(lambda route: _get_manifest(route, reference.identifier, digest))
        return found if isinstance(by_tag, Failure) and by_tag.reason in ABSENT else by_tag

    async def config(self, digest: Digest, size: int) -> Fetched | Failure:
        """The config blob with this digest and size."""
        if size > MAX_DOCUMENT_BYTES:
            return Failure(Reason.IMAGE_TOO_LARGE, f"its config has {size} bytes, more than {MAX_DOCUMENT_BYTES}")
        return await self._first(lambda route: _get_config(route, digest))

    async def _first(self, work: Callable[[PullRoute], Awaitable[_T | Failure]]) -> _T | Failure:
        """The first answer that is one; what the last one, the registry itself, says where none is.

        Bytes that are not what was asked for end the search: an engine that is sent them refuses the pull too, and
        who sends them is to be looked at, not passed over.
        """
        found: _T | Failure = NOWHERE
        for route in self.routes:
            found = route if isinstance(route, Failure) else await work(route)
            if not isinstance(found, Failure) or found.reason is Reason.IMAGE_DIGEST_MISMATCH:
                return found
        return found


def digest_matches(digest: Digest, body: bytes) -> bool:
    """Whether these bytes have this digest."""
    return hashlib.new(digest.algorithm, body).hexdigest() == digest.hex


async def _digest_of(route: PullRoute, reference: ImageReference) -> Digest | Fetched | Failure:
    head = await route.endpoint.ask(_manifest_call(route.pull, reference.identifier, method="HEAD"))
    if isinstance(head, Failure):
        return head
    if head.status == HTTPStatus.OK:
        announced = _announced(head)
        if isinstance(announced, Digest):
            return _as_asked(reference.digest, announced)
    elif not _worth_a_get(head.status):
        return refusal(head)
    return await _get_manifest(route, reference.identifier, reference.digest)


def _worth_a_get(status: int) -> bool:
    """HEAD answers have no body to give a reason, and some servers refuse the method only."""
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return (is_client_error and status != HTTPStatus.TOO_MANY_REQUESTS) or status == HTTPStatus.NOT_IMPLEMENTED


async def _get_manifest(route: PullRoute, identifier: str, digest: Digest | None) -> Fetched | Failure:
    answer = await route.endpoint.ask(_manifest_call(route.pull, identifier))
    if isinstance(answer, Failure):
        return answer
    if answer.status != HTTPStatus.OK:
        return refusal(answer)
    announced = _announced(answer)
    if isinstance(announced, Failure):
        return announced
    wanted = digest or announced or Digest(f"sha256:{hashlib.sha256(answer.body).hexdigest()}")
    agreed = _as_asked(digest, announced) if announced else wanted
    if isinstance(agreed, Failure):
        return agreed
    return _verified(wanted, answer)


async def _get_config(route: PullRoute, digest: Digest) -> Fetched | Failure:
    answer = await route.endpoint.ask(blob_call(route.pull, digest, max_bytes=MAX_DOCUMENT_BYTES))
    if isinstance(answer, Failure):
        return answer
    return _verified(digest, answer) if answer.status == HTTPStatus.OK else refusal(answer)


def _verified(digest: Digest, answer: WholeResponse) -> Fetched | Failure:
    if not digest_matches(digest, answer.body):
        return Failure(Reason.IMAGE_DIGEST_MISMATCH, f"{len(answer.body)} bytes that are not {digest}")
    return Fetched(digest, answer.body, answer.headers.get("content-type", ""))


def _announced(answer: WholeResponse) -> Digest | Failure | None:
    text = answer.headers.get("docker-content-digest", "").strip()
    if not text:
        return None
    try:
        return Digest(text)
    except ValueError as error:
        return Failure(Reason.IMAGE_MALFORMED, f"Docker-Content-Digest: {error}")


def _as_asked(asked: Digest | None, announced: Digest) -> Digest | Failure:
    """An algorithm that was not asked for is no contradiction; the bytes will tell."""
    if asked is None or asked == announced:
        return announced
    if asked.algorithm != announced.algorithm:
        return asked
    return Failure(Reason.IMAGE_DIGEST_MISMATCH, f"asked for {asked}, the registry announces {announced}")


def _manifest_call(pull: PullEndpoint, identifier: str, *, method: str = "GET") -> RegistryCall:
    """``identifier`` comes out of an ImageReference or a Digest, whose grammars hold nothing that a URL interprets."""
    return RegistryCall(
        path=f"{pull.path}/manifests/{identifier}",
        repository=pull.repository,
        namespace=pull.namespace,
        method=method,
        accept=media_types.ACCEPT,
        max_bytes=MAX_DOCUMENT_BYTES,
        counted=method == "GET",
    )


def blob_call(pull: PullEndpoint, digest: Digest, *, max_bytes: int, span: str = "") -> RegistryCall:
    """The request for a blob, or for a ``span`` of it."""
    return RegistryCall(
        path=f"{pull.path}/blobs/{digest}",
        repository=pull.repository,
        namespace=pull.namespace,
        accept="*/*",
        max_bytes=max_bytes,
        blob=True,
        range=span,
    )
