"""Files of TLS are read within bounds before OpenSSL opens them, and mean what they mean to OpenSSL."""

import os
import ssl
import subprocess
from pathlib import Path

import pytest

from scanner.formats import certificates
from scanner.formats.files import FileError
from tests.real.require import missing

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture
def context():
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def pair(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=x", "-passout", "pass:secret"]
    said = ["openssl", "req", "-x509", *kind, "-keyout", key, "-out", certificate]
    subprocess.run(said, check=True, capture_output=True)
    opened = tmp_path / "open.pem"
    subprocess.run(["openssl", "pkey", "-in", key, "-passin", "pass:secret", "-out", opened], check=True)
    return certificate, key, opened


def test_the_bundle_of_the_machine_is_believed_as_openssl_believes_it(context):
    if not BUNDLE.exists():
        missing("this machine has no bundle of authorities: apt-get install ca-certificates")
    known = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    known.load_verify_locations(BUNDLE)
    certificates.trust(context, BUNDLE)
    assert sorted(context.get_ca_certs(binary_form=True)) == sorted(known.get_ca_certs(binary_form=True)) != []


def test_words_above_an_authority_may_be_in_any_script(context, tmp_path, pair):
    file = tmp_path / "ca.pem"
    file.write_bytes("# Főtanúsítvány\n".encode() + pair[0].read_bytes())
    certificates.trust(context, file)
    assert len(context.get_ca_certs()) == 1


def test_a_file_without_an_authority_is_no_authority(context, tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ssl.SSLError):
        certificates.trust(context, tmp_path / "ca.pem")
    with pytest.raises(FileError, match=r"ca\.pem: holds no certificate"):
        certificates.verifying(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("")
    with pytest.raises(FileError, match="empty"):
        certificates.trust(context, tmp_path / "ca.pem")


def test_a_pipe_stops_nobody(context, tmp_path, pair):
    os.mkfifo(tmp_path / "pipe")
    certificate, _, key = pair
    with pytest.raises(FileError, match="named pipe"):
        certificates.trust(context, tmp_path / "pipe")
    with pytest.raises(FileError, match="named pipe"):
        certificates.verifying(tmp_path / "pipe")
    with pytest.raises(FileError, match="named pipe"):
        certificates.identify(context, tmp_path / "pipe", key)
    with pytest.raises(FileError, match="named pipe"):
        certificates.identify(context, certificate, tmp_path / "pipe")


def test_a_key_with_a_password_asks_nobody(context, pair):
    certificate, key, opened = pair
    with pytest.raises(ssl.SSLError):
        certificates.identify(context, certificate, key)
    certificates.identify(context, certificate, opened)


def test_a_longer_file_than_any_certificate_is_refused(context, tmp_path, pair):
    (tmp_path / "long.pem").write_bytes(b"#" * (certificates.MAX_CERTIFICATE_BYTES + 1))
    with pytest.raises(FileError, match="longer"):
        certificates.identify(context, tmp_path / "long.pem", pair[2])


def test_an_authority_counts_as_it_does_for_engines_whatever_python_adds(pair):
    for made in (certificates.verifying(), certificates.verifying(pair[0])):
        assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert not made.verify_flags & ssl.VERIFY_X509_STRICT
    assert len(made.get_ca_certs()) == 1  # nobody else is believed beside it
