"""Proxies that the environment names for whoever asks a running archscan."""

from __future__ import annotations

import pytest

from scanner.client import Client
from scanner.errors import UsageError


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("http://u:pw@::x::", "no address of a proxy"),
        ("nonsense://a", "no address of a proxy"),
        ("socks5://a:1", "SOCKS proxy"),
    ],
)
def test_a_proxy_of_the_environment_that_cannot_be_used_is_told_without_its_password(monkeypatch, named, told):
    monkeypatch.setenv("ALL_PROXY", named)
    with pytest.raises(UsageError, match=told) as error:
        Client("http://127.0.0.1:1")
    assert "pw" not in str(error.value)
