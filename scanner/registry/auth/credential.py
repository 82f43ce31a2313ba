"""One credential for a registry, which never shows its secret."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from enum import StrEnum

MAX_SECRET_CHARS = 64 * 1024
"""The longest secrets are ECR's and Google's tokens and JSON keys, some 4 KiB."""

IDENTITY_USER = "<token>"
"""The user name by which a credential helper says that its secret is an identity token."""

_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_NOT_A_NAME = re.compile(r"[\x00-\x1f\x7f:\ud800-\udfff]")
_NOT_A_SECRET = re.compile(r"[\x00\ud800-\udfff]")
"""Google's JSON keys are passwords of several lines; base64 and form encoding carry them safely."""


class CredentialKind(StrEnum):
    """How a secret is used."""

    PASSWORD = "password"  # noqa: S105 -- the kind, not a password
    IDENTITY_TOKEN = "identity_token"  # noqa: S105 -- the same
    REGISTRY_TOKEN = "registry_token"  # noqa: S105 -- the same


@dataclass(frozen=True, slots=True)
class Credential:
    """A user with a password, an identity (refresh) token, or a bearer token to be used as it is.

    ``source`` says in words where it came from. The secret is left out of ``repr`` and ``str``.

    Raises:
        ValueError: the parts cannot be sent; the message does not hold them.
    """

    username: str
    secret: str = field(repr=False)
    kind: CredentialKind = CredentialKind.PASSWORD
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse what would change a header, or what cannot be told apart when it is sent."""
        if not self.secret or len(self.secret) > MAX_SECRET_CHARS or len(self.username) > MAX_SECRET_CHARS:
            raise ValueError("a secret is empty or too long")
        if _NOT_A_NAME.search(self.username) or _NOT_A_SECRET.search(self.secret):
            raise ValueError("a user name holds a colon or a control character, or the secret a NUL")
        if self.kind is CredentialKind.REGISTRY_TOKEN and not _TOKEN.fullmatch(self.secret):
            raise ValueError("a bearer token holds a character that no token has")

    @property
    def basic(self) -> str:
        """The value of an Authorization header of the Basic scheme (RFC 7617, UTF-8)."""
        user = self.username or IDENTITY_USER
        return "Basic " + base64.b64encode(f"{user}:{self.secret}".encode()).decode()
