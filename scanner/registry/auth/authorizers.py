"""The authenticator of each registry, over that registry's own transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.auth.auth import Authenticator
from scanner.registry.auth.bearer import MAX_TOKEN_BYTES
from scanner.registry.http.exchange import WholeResponse, exchange
from scanner.registry.http.redirects import Trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.registry.auth.auth import Candidates
    from scanner.registry.config import RegistryConfig
    from scanner.registry.http.messages import Request
    from scanner.registry.http.transports import Transports

TOKEN_DEADLINE_S = 20.0
"""One request to a token server, from the name to the last byte."""


def authorizer_for(credentials: Candidates) -> Callable[[RegistryConfig, Transports], Authenticator]:
    """How a client gets the authenticator of a registry: ``Client(..., authorizer_for=authorizer_for(credentials))``."""

    def make(config: RegistryConfig, transports: Transports) -> Authenticator:
        async def send(request: Request) -> WholeResponse | Failure:
            transport = await transports.to(Trust.OWN)
            if isinstance(transport, Failure):
                return transport
            return await exchange(
                transport,
                request,
                max_bytes=MAX_TOKEN_BYTES,
                deadline_s=TOKEN_DEADLINE_S,
                refused=Reason.IMAGE_REALM_REFUSED,
            )

        return Authenticator(config, credentials, send)

    return make
