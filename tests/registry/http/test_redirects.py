"""Where a redirect may lead."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import RegistryConfig
from scanner.registry.http.redirects import MAX_LOCATION_CHARS, FollowedRedirect, Trust, next_hop

TLS = RegistryConfig("reg.example", redirect_hosts=("cdn.example", "store.example:9000", "*.pool.example"))
PLAIN = RegistryConfig("127.0.0.1:5000", plain_http=True, redirect_hosts=("127.0.0.1:9000",))
HUB = RegistryConfig("docker.io")
K8S = RegistryConfig("registry.k8s.io")

ROWS = [
    # registry, location, blob, expected
    (TLS, "/v2/other", False, Trust.OWN),
    (TLS, "other", False, Trust.OWN),
    (TLS, "https://reg.example/x", False, Trust.OWN),
    (TLS, "https://reg.example:443/x", False, Trust.OWN),
    (TLS, "https://REG.example/x", False, Trust.OWN),
    (TLS, "//reg.example/x", False, Trust.OWN),
    (TLS, "http://reg.example/x", True, None),
    (TLS, "https://reg.example:8443/x", False, None),
    (TLS, "https://reg.example:8443/x", True, Trust.PUBLIC),
    (TLS, "https://cdn.example/x", False, Trust.LISTED),
    (TLS, "https://cdn.example:444/x", False, None),
    (TLS, "https://store.example:9000/x", False, Trust.LISTED),
    (TLS, "https://store.example/x", False, None),
    (TLS, "http://cdn.example/x", True, None),
    (TLS, "https://a.pool.example/x", False, Trust.LISTED),
    (TLS, "https://a.b.pool.example/x", False, Trust.LISTED),
    (TLS, "https://pool.example/x", False, None),
    (TLS, "https://evilpool.example/x", False, None),
    (TLS, "https://a.pool.example.evil/x", False, None),
    (TLS, "https://cdn.example.evil/x", False, None),
    (TLS, "https://evil/cdn.example", False, None),
    (TLS, "https://elsewhere.example/x", True, Trust.PUBLIC),
    (TLS, "https://user@reg.example/x", False, None),
    (TLS, "https://user:word@elsewhere.example/x", True, None),
    (TLS, "https://cdn.example@evil/x", True, None),
    (TLS, "ftp://elsewhere.example/x", True, None),
    (TLS, "file:///etc/passwd", True, None),
    (TLS, "javascript:alert(1)", True, None),
    (TLS, "", True, None),
    (TLS, "https://", True, Trust.OWN),
    (TLS, "#x", True, None),
    (TLS, "https://[::1", True, None),
    (TLS, "https://x:99999999/", True, None),
    (PLAIN, "/x", False, Trust.OWN),
    (PLAIN, "http://127.0.0.1:5000/x", False, Trust.OWN),
    (PLAIN, "http://127.0.0.1:9000/x", False, Trust.LISTED),
    (PLAIN, "http://127.0.0.1:9001/x", True, None),
    (PLAIN, "https://elsewhere.example/x", True, Trust.PUBLIC),
    (HUB, "https://registry-1.docker.io/x", False, Trust.OWN),
    (HUB, "https://production.cloudflare.docker.com/x", True, Trust.PUBLIC),
    (HUB, "https://production.cloudflare.docker.com/x", False, None),
    (K8S, "https://europe-west3-docker.pkg.dev/v2/k8s-artifacts-prod/images/pause/manifests/3.9", False, Trust.LISTED),
]


@pytest.mark.parametrize(("config", "location", "blob", "expected"), ROWS)
def test_a_redirect_is_as_trusted_as_its_target(config, location, blob, expected):
    current = httpx.URL(config.base_url + "/v2/app/manifests/1")
    found = next_hop(config, current, location, blob=blob)
    assert (found.trust if isinstance(found, FollowedRedirect) else None) == expected
    if isinstance(found, FollowedRedirect):
        assert not found.url.fragment
    if isinstance(found, Failure):
        assert found.reason is Reason.IMAGE_REDIRECT_REFUSED
        assert "word" not in found.detail
        assert found.detail.isprintable()


@pytest.mark.parametrize(
    ("signature", "follows"),
    [("a" * 6_000, True), ("%2F" * 5_000, True), ("a" * MAX_LOCATION_CHARS, False)],
    ids=["a session", "escapes", "too long"],
)
def test_a_signed_address_may_be_as_long_as_storage_makes_it(signature, follows):
    signed = f"https://elsewhere.example/x?token={signature}"
    found = next_hop(TLS, httpx.URL("https://reg.example/v2/app/blobs/x"), f"{signed}#x", blob=True)
    assert (isinstance(found, FollowedRedirect) and str(found.url) == signed) == follows
    assert follows or f"{MAX_LOCATION_CHARS} characters" in found.detail


def test_a_relative_redirect_from_abroad_stays_abroad():
    found = next_hop(TLS, httpx.URL("https://cdn.example/a/b"), "/v2/x", blob=False)
    assert (str(found.url), found.trust) == ("https://cdn.example/v2/x", Trust.LISTED)


@given(st.text(max_size=60) | st.text(max_size=40).map("https://{}".format), st.booleans())
def test_any_location_is_a_hop_or_a_refusal(location, blob):
    found = next_hop(TLS, httpx.URL("https://reg.example/v2/"), location, blob=blob)
    if isinstance(found, FollowedRedirect):
        assert found.url.scheme == "https"
        assert found.url.userinfo == b""
