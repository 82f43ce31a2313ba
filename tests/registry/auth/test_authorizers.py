"""The whole way from a configuration to a token, as a client goes it."""

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.auth.authorizers import authorizer_for
from scanner.registry.auth.credentials import ConfiguredCredential, Credentials, CredentialSources
from scanner.registry.config import RegistryConfig
from scanner.registry.http.transports import Transports


@pytest.fixture
async def connected():
    """``connected(config, listed)``: its authenticator."""
    opened = []

    def make(config, *, listed=True, sources=None):
        opened.append(Transports(config, listed=listed))
        return authorizer_for(Credentials(sources))(config, opened[-1])

    yield make
    for transports in opened:
        await transports.aclose()


async def test_a_listed_registry_gets_its_token_from_a_listed_token_host(http_server, connected, reply):
    server = await http_server(lambda _: reply(200, b'{"token": "granted"}'))
    sources = CredentialSources({"localhost:5000": (ConfiguredCredential("bot", "pw"),)})
    config = RegistryConfig("localhost:5000", plain_http=True, auth_hosts=(server.address,))
    authenticator = connected(config, sources=sources)
    assert (
        await authenticator.challenge([f'Bearer realm="http://{server.address}/token"'], "a/b", None)
        == "Bearer granted"
    )
    assert server.seen[0].authorization == "Basic Ym90OnB3"


async def test_a_name_that_leads_inside_is_refused_as_a_realm(canary, connected):
    config = RegistryConfig(f"localhost:{canary.port}", plain_http=True)
    authenticator = connected(config, listed=False)
    answer = await authenticator.challenge([f'Bearer realm="http://localhost:{canary.port}/token"'], "a/b", None)
    assert answer.reason is Reason.IMAGE_REALM_REFUSED


async def test_a_transport_that_cannot_be_made_is_the_answer(connected):
    authenticator = connected(RegistryConfig("reg.example", ca_file="/nonexistent.pem"))
    answer = await authenticator.challenge(['Bearer realm="https://reg.example/token"'], "a/b", None)
    assert answer == Failure(
        Reason.IMAGE_TLS_REJECTED, "/nonexistent.pem: No such file or directory", path="/nonexistent.pem"
    )
