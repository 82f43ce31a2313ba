"""The client over TLS: own authorities, client certificates, names."""

import pytest

from scanner.domain.image.offers import ImageFacts
from scanner.domain.image.reference import parse
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.config import RegistryConfig


@pytest.fixture
async def served(fake, http_server, reply):
    """``await served(context)``: the fake's content over TLS; returns its address."""
    fake.image("1")

    def handle(seen):
        repository, _, name = seen.path.removeprefix("/v2/").rpartition("/manifests/")
        if repository:
            body, media_type = fake.manifests[repository, name]
            headers = {"content-type": media_type, "docker-content-digest": fake.sha(body)}
        else:
            repository, _, name = seen.path.removeprefix("/v2/").rpartition("/blobs/")
            body, headers = fake.blobs[repository, name], {}
        if seen.method == "HEAD":
            return reply(200, b"", headers)
        return reply(200, body, headers)

    async def start(context):
        return (await http_server(handle, context)).address

    return start


async def test_an_own_authority_is_believed_for_its_registry(served, client, authority):
    address = await served(authority.server("127.0.0.1"))
    config = RegistryConfig(address, allow_networks=True, ca_file=authority.ca_file)
    found = await client(others=(config,)).resolve(parse(f"{address}/app:1"), depth=Depth.CONFIG)
    assert isinstance(found, ImageFacts)


async def test_an_own_authority_is_not_believed_elsewhere(served, client, authority):
    address = await served(authority.server("127.0.0.1"))
    found = await client(others=(RegistryConfig(address, allow_networks=True),)).resolve(
        parse(f"{address}/app:1"), depth=Depth.CONFIG
    )
    assert (found.reason, found.setting) == (Reason.IMAGE_TLS_REJECTED, "ca_file")


async def test_a_client_certificate_is_shown_where_it_is_configured(served, client, authority):
    address = await served(authority.server("127.0.0.1", ask_client=True))
    bare = RegistryConfig(address, allow_networks=True, ca_file=authority.ca_file)
    shown = RegistryConfig(
        address, allow_networks=True, ca_file=authority.ca_file, cert_file=authority.issue("scanner.example")
    )
    reference = parse(f"{address}/app:1")
    assert not isinstance(await client(others=(bare,)).resolve(reference, depth=Depth.CONFIG), ImageFacts)
    assert isinstance(await client(others=(shown,)).resolve(reference, depth=Depth.CONFIG), ImageFacts)


@pytest.mark.parametrize(
    "setting", [{"ca_file": "/nowhere/ca.pem"}, {"cert_file": "/nowhere/cert.pem"}, {"proxy": "socks5://x"}]
)
async def test_a_setting_that_cannot_be_used_is_a_reason(client, setting):
    config = RegistryConfig("reg.example", **setting)
    found = await client(others=(config,)).resolve(parse("reg.example/app:1"), depth=Depth.CONFIG)
    assert found.reason in {Reason.IMAGE_TLS_REJECTED, Reason.IMAGE_UNREACHABLE}
