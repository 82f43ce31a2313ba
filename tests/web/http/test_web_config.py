import ssl
from pathlib import Path

import pytest

from scanner.web.http.web_config import WebConfig, read_web_config

HASH = "$2b$10$" + "a" * 53
TLS = {"cert_file": "cert.pem", "key_file": "key.pem"}


def test_an_empty_file_asks_for_nothing():
    assert read_web_config(None, Path("/etc")) == WebConfig()


def test_files_are_sought_beside_the_configuration():
    made = read_web_config(
        {"tls_server_config": {**TLS, "min_version": "TLS13"}, "basic_auth_users": {"ann": HASH}}, Path("/etc")
    )
    assert (made.tls.cert_file, made.tls.key_file) == (Path("/etc/cert.pem"), Path("/etc/key.pem"))
    assert made.tls.min_version is ssl.TLSVersion.TLSv1_3
    assert made.users == {"ann": HASH}


def test_clients_are_verified_when_asked_for():
    made = read_web_config(
        {"tls_server_config": {**TLS, "client_ca_file": "/ca.pem", "client_auth_type": "RequireAndVerifyClientCert"}},
        Path("/etc"),
    )
    assert (made.tls.client_ca_file, made.tls.client_auth) == (Path("/ca.pem"), ssl.CERT_REQUIRED)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "not a mapping"),
        ({"tls": {}}, "tls is not supported"),
        ({"http_server_config": {"http2": True}}, "http_server_config is not supported"),
        ({"tls_server_config": {"cert_file": "c"}}, "key_file: missing"),
        ({"tls_server_config": {**TLS, "cert_file": 7}}, "not a file name"),
        ({"tls_server_config": {**TLS, "min_version": "TLS10"}}, "min_version: it may be one of TLS12, TLS13"),
        ({"tls_server_config": {**TLS, "client_auth_type": "RequireAnyClientCert"}}, "client_auth_type"),
        ({"tls_server_config": {**TLS, "client_auth_type": "RequireAndVerifyClientCert"}}, "client_ca_file: missing"),
        ({"tls_server_config": {**TLS, "client_ca_file": "ca"}}, "verifies nobody"),
        ({"tls_server_config": {**TLS, "cipher_suites": ["X"]}}, "cipher_suites is not supported"),
        ({"basic_auth_users": {"ann": "secret"}}, "not a bcrypt hash"),
        ({"basic_auth_users": {"a:b": HASH}}, "not a bcrypt hash"),
        ({"basic_auth_users": {1: HASH}}, "not a mapping of names"),
    ],
)
def test_what_cannot_be_honoured_is_refused(document, words):
    with pytest.raises(ValueError, match=words) as refused:
        read_web_config(document, Path("/etc"))
    assert "secret" not in str(refused.value)
