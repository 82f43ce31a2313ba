"""How whoever asks a running archscan gets there: its name, proxies that the environment names."""

from __future__ import annotations

import socket
import threading

import pytest

from scanner import ending
from scanner.client import Client
from scanner.errors import ServiceError, UsageError


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


@pytest.mark.parametrize("excepted", ["fe80::/10,localhost", "[::1]"])
def test_what_is_excepted_from_proxies_that_are_not_there_is_in_nobody_s_way(monkeypatch, excepted):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_PROXY", excepted)
    Client("http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:2")
    with pytest.raises(UsageError, match="NO_PROXY holds what is no name"):
        Client("http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("http://\u00fc..b", "", "--server http://\u00fc..b"),
        ("http://[v1.x]", "", "--server"),
        ("http://127.0.0.1:1", "t\u00f6k\u00e9n", "the token"),
    ],
)
def test_no_proxy_is_blamed_for_an_address_or_a_token_that_cannot_be_used(url, token, told):
    with pytest.raises(UsageError) as error:
        Client(url, token)
    assert str(error.value).startswith(told)
    assert "t\u00f6k" not in str(error.value)


def test_a_name_is_looked_up_where_a_silent_name_server_keeps_no_interrupt_waiting(monkeypatch):
    looked_up_in = []

    def unknown(*_, **__):
        looked_up_in.append(threading.current_thread().name)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ServiceError, match="no answer"), Client("http://archscan.example") as client:
        client.report()
    assert [name.startswith(ending.UNAWAITED) for name in looked_up_in] == [True]
