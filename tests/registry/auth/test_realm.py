"""Whatever a registry names as its token server, only its own or a listed host is asked."""

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.failure import Failure
from scanner.registry.auth.realm import permitted, redirected
from scanner.registry.config import RegistryConfig

HUB = RegistryConfig("docker.io")
PARTS = st.sampled_from(
    [
        "https://",
        "http://",
        "auth.docker.io",
        "docker.io",
        "evil.example",
        "127.1",
        "@",
        ":",
        "443",
        "/",
        "\\",
        "?",
        "#",
        "..",
        "%40",
        "[",
        "]",
        " ",
        "\t",
        "\n",
        "x",
        ".",
        ";",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(PARTS, max_size=10).map("".join)))
def test_no_text_leads_to_another_host(text):
    answer = permitted(text, HUB)
    if isinstance(answer, Failure):
        assert answer.detail.isprintable()
        return
    assert answer.scheme == "https"
    assert answer.host in {"auth.docker.io", "docker.io", "registry-1.docker.io"}
    assert not answer.userinfo
    assert urlsplit(text).hostname == answer.host  # another parser reads the same


@given(st.one_of(st.text(max_size=80), st.lists(PARTS, max_size=10).map("".join)))
def test_no_redirect_leaves_the_token_server(location):
    answer = redirected(httpx.URL("https://auth.docker.io/token?a=b"), location)
    if not isinstance(answer, Failure):
        assert (answer.scheme, answer.host, answer.port) == ("https", "auth.docker.io", None)


@pytest.mark.parametrize(
    ("name", "realm", "asked"),
    [
        ("docker.io", "https://auth.docker.io/token", True),
        ("docker.io", "https://registry-1.docker.io/token", True),
        ("ghcr.io", "https://ghcr.io/token", True),
        ("ghcr.io", "https://auth.docker.io/token", False),
        ("reg.example:5050", "https://reg.example/jwt/auth", False),
        ("reg.example:5050", "https://reg.example:5050/jwt/auth", True),
        ("reg.example", "https://reg.example:8443/auth", False),
        ("reg.example", "https://reg.example:443/auth", True),
        ("reg.example", "https://sub.reg.example/auth", False),
        ("[::1]:5000", "https://[::1]:5001/auth", False),
        ("[::1]:5000", "https://[::1]:5000/auth", True),
        ("[::1]:5000", "https://[0:0:0:0:0:0:0:1]/auth", False),
        ("127.0.0.1:5000", "https://127.1/auth", False),
        ("REG.example", "HTTPS://reg.EXAMPLE/auth", True),
        ("registry.redhat.io", "https://registry.redhat.io/auth/realms/rhcc/protocol/redhat-docker-v2/auth", True),
        ("lscr.io", "https://ghcr.io/token", True),
        ("registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("docker.elastic.co", "https://docker-auth.elastic.co/auth", True),
        ("registry.digitalocean.com", "https://api.digitalocean.com/v2/registry/auth", True),
        ("registry-1.docker.io", "https://auth.docker.io/token", True),
        ("nvcr.io", "https://nvcr.io/proxy_auth", True),
        ("us-docker.pkg.dev", "https://us-docker.pkg.dev/v2/token", True),
        ("public.ecr.aws", "https://public.ecr.aws/token/", True),
        ("ghcr.io", "https://lscr.io/token", False),
        ("lscr.io", "https://gitlab.com/jwt/auth", False),
        ("lscr.io", "https://ghcr.io:8443/token", False),
        ("lscr.io", "http://ghcr.io/token", False),
        ("lscr.io:5000", "https://ghcr.io/token", False),
        ("gitlab.com", "https://registry.gitlab.com/jwt/auth", False),
        ("registry.gitlab.com.evil.example", "https://gitlab.com/jwt/auth", False),
        ("registry.gitlab.com", "https://evil.gitlab.com/jwt/auth", False),
    ],
)
def test_the_hosts_of_a_registry_are_its_own_and_the_ones_everybody_knows(name, realm, asked):
    assert isinstance(permitted(realm, RegistryConfig(name)), httpx.URL) is asked


def test_another_port_of_the_registry_s_own_host_is_asked_only_where_it_is_listed():
    realm = "https://reg.example:5001/token"
    refused = permitted(realm, RegistryConfig("reg.example:5000"))
    assert isinstance(refused, Failure)
    assert "add 'reg.example:5001' to its auth_hosts" in refused.detail
    assert refused.setting == "auth_hosts"
    for listed in ("reg.example:5001", "reg.example"):
        assert isinstance(permitted(realm, RegistryConfig("reg.example:5000", auth_hosts=(listed,))), httpx.URL)
    assert isinstance(permitted(realm, RegistryConfig("reg.example:5000", auth_hosts=("reg.example:5002",))), Failure)
