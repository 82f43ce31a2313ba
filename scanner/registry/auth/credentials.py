"""Where the credentials of a registry come from, most explicit first.

Nothing is ambient: a source is consulted because ``CredentialSources`` names it. A source that cannot be read never
turns a private registry into an anonymous one: where it was the only one that could have known, it is a ``Failure``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.registry.auth import auth_file, credential_helper
from scanner.registry.auth.auth_file import MAX_AUTH_FILE_BYTES, AuthFile, HelperCall
from scanner.registry.auth.credential import IDENTITY_USER, MAX_SECRET_CHARS, Credential, CredentialKind
from scanner.registry.documents.cache import Recent
from scanner.registry.documents.singleflight import Singleflight

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

HELPER_MAX_AGE_S = 60.0
"""How long an answer of a helper is kept: a scan of a thousand repositories must not start a thousand programs."""

MAX_HELPER_ANSWERS = 256
"""Servers whose answer is kept; a hostile host can name any number of registries."""

MAX_CANDIDATES = 8
"""Credentials tried for one repository; more wrong ones would lock an account."""

ENVIRONMENT_VARIABLE = "DOCKER_AUTH_CONFIG"

Found = Credential | Failure | None


@dataclass(frozen=True, slots=True)
class ConfiguredCredential:
    """A credential of our own configuration; a ``password_file`` is read each time it is needed, so it may change.

    With the user name ``<token>`` the password is an identity token.
    """

    username: str
    password: str = field(default="", repr=False)
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class CredentialSources:
    """What is consulted, in this order.

    ``configured`` maps ``registry`` or ``registry/namespace`` to its credentials, longest namespace first, in turn.
    ``environment`` is asked for DOCKER_AUTH_CONFIG, and is all that credential helpers get (they need PATH, HOME).
    ``docker_config`` is a config.json, ``podman_auth`` are auth.json files, of which the first that knows counts.
    """

    configured: Mapping[str, tuple[ConfiguredCredential, ...]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    docker_config: Path | None = None
    podman_auth: tuple[Path, ...] = ()


def of_user(environment: Mapping[str, str], home: Path) -> CredentialSources:
    """The sources that docker and podman would use for this user; for a command that the user runs."""
    docker = Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    config_home = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    podman = [config_home / "containers/auth.json"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        podman.insert(0, Path(runtime) / "containers/auth.json")
    if explicit := environment.get("REGISTRY_AUTH_FILE"):
        podman = [Path(explicit)]
    return CredentialSources(environment=environment, docker_config=docker, podman_auth=tuple(podman))


class Credentials:
    """Finds the credentials of a repository in the sources it was made with."""

    def __init__(self, sources: CredentialSources | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources or CredentialSources()
        self._clock = clock
        self._answers: Recent[Found] = Recent(MAX_HELPER_ANSWERS)
        self._asking: Singleflight[Found] = Singleflight()

    async def candidates(self, registry: str, repository: str) -> tuple[Credential, ...] | Failure:
        """What to try for ``repository`` of ``registry``, in turn; empty means anonymously.

        A ``Failure`` where nothing was found and a source could not be read.
        """
        found: dict[Credential, None] = {}
        failed: Failure | None = None
        async for item in self._search(registry, repository):
            if isinstance(item, Failure):
                failed = failed or item
            elif item is not None:
                found[item] = None
        if failed is not None and not found:
            return failed
        return tuple(found)[:MAX_CANDIDATES]

    async def _search(self, registry: str, repository: str) -> AsyncIterator[Found]:
        for configured in _configured_for(self._sources.configured, registry, repository):
            yield _read_configured(configured, registry)
        yield await self._docker(registry)
        yield await self._podman(registry, repository)

    async def _docker(self, registry: str) -> Found:
        """DOCKER_AUTH_CONFIG overrides the file for the registries it knows."""
        if text := self._sources.environment.get(ENVIRONMENT_VARIABLE):
            given = auth_file.parse(text, ENVIRONMENT_VARIABLE)
            if isinstance(given, Failure):
                return given
            entries = AuthFile(given.auths, source=given.source)  # helpers in it are not asked, as docker does not
            if (known := entries.as_docker(registry)) is not None:
                return await self._resolved(known)
        content = _read_file(self._sources.docker_config)
        return await self._resolved(content.as_docker(registry) if isinstance(content, AuthFile) else content)

    async def _podman(self, registry: str, repository: str) -> Found:
        for path in self._sources.podman_auth:
            content = _read_file(path)
            known = content.as_podman(registry, repository) if isinstance(content, AuthFile) else content
            if (found := await self._resolved(known)) is not None:
                return found
        return None

    async def _resolved(self, known: Credential | HelperCall | Failure | None) -> Found:
        return await self._ask(known) if isinstance(known, HelperCall) else known

    async def _ask(self, call: HelperCall) -> Found:
        """Ask a helper, once at a time for the same server, and remember what it said for a while."""
        kept = self._answers.get(call)
        if kept is not None and self._clock() - kept[1] < HELPER_MAX_AGE_S:
            return kept[0]
        return await self._asking.join(call, lambda: self._run(call))

    async def _run(self, call: HelperCall) -> Found:
        answer = await credential_helper.ask(call, self._sources.environment)
        self._answers.put(call, answer, self._clock())
        return answer


def _configured_for(
    configured: Mapping[str, tuple[ConfiguredCredential, ...]], registry: str, repository: str
) -> Iterator[ConfiguredCredential]:
    name = f"{registry}/{repository}/"
    fitting = [key for key in configured if name.startswith(f"{key}/")]
    for key in sorted(fitting, key=len, reverse=True):
        yield from configured[key]


def _read_configured(configured: ConfiguredCredential, registry: str) -> Found:
    source = f"configuration of {registry}"
    secret: str | Failure = configured.password
    if configured.password_file is not None:
        secret = _read_secret(configured.password_file)
    if isinstance(secret, Failure):
        return secret
    kind = CredentialKind.IDENTITY_TOKEN if configured.username == IDENTITY_USER else CredentialKind.PASSWORD
    username = "" if configured.username == IDENTITY_USER else configured.username
    try:
        return Credential(username, secret, kind, source)
    except ValueError as error:
        return Failure(Reason.IMAGE_DENIED, f"{source} cannot be used: {error}")


def _read_secret(path: Path) -> str | Failure:
    """The secret in a file; one newline at its end is the editor's, not the secret's."""
    try:
        return (
            files.read_text(path, MAX_SECRET_CHARS, forbidden=files.OPEN_TO_OTHERS)
            .removesuffix("\n")
            .removesuffix("\r")
        )
    except FileError as error:
        return Failure(Reason.IMAGE_DENIED, str(error))


def _read_file(path: Path | None) -> AuthFile | Failure | None:
    """What an auth file says, ``None`` where there is none."""
    if path is None:
        return None
    try:
        return auth_file.parse(files.read_bytes(path, MAX_AUTH_FILE_BYTES), str(path))
    except FileError as error:
        return None if error.missing else Failure(Reason.IMAGE_DENIED, str(error))
