"""The ends of our own credentials, as the running service tells them."""

import asyncio
import datetime as dt
import re

import asyncssh
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scanner.app.adapters import AdapterContext, Adapters
from scanner.metrics.metrics import Metrics
from scanner.service.configuration import Configuration
from scanner.service.service import Service
from scanner.settings import Settings
from scanner.store.store import Store

CERTIFICATE_ENDS, SSH_ENDS = 1_900_000_000, 2_000_000_000


@pytest.fixture
def client_pair(tmp_path):
    """A PEM file with a client certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scanner")])
    end = dt.datetime.fromtimestamp(CERTIFICATE_ENDS, dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(end - dt.timedelta(days=9000))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "us.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o600)
    return path


@pytest.fixture
def ssh(tmp_path):
    """The ssh section of a key with a certificate."""
    key, authority = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    identity, known = tmp_path / "id_ed25519", tmp_path / "known_hosts"
    identity.write_bytes(key.export_private_key())
    identity.chmod(0o600)
    public = key.convert_to_public()
    made = authority.generate_user_certificate(public, "archscan", valid_after=0, valid_before=SSH_ENDS)
    (tmp_path / "id_ed25519-cert.pub").write_bytes(made.export_certificate())
    known.write_text("web-1 " + authority.export_public_key().decode())
    return {"identity_file": str(identity), "known_hosts_file": str(known)}


def service_of(read, store, metrics):
    context = AdapterContext("0", store)
    return Service(read, lambda settings: Adapters(settings, context), store, metrics)


def shown(metrics):
    page = metrics.render(None, None)[1].decode()
    found = re.findall(r'archscan_credential_expiry_timestamp_seconds\{credential="([^"]+)"\} (\S+)', page)
    return {name: float(at) for name, at in found}


async def test_the_service_tells_when_its_certificates_end_until_they_are_no_longer_used(ssh, client_pair):
    registries = {"r.example": {"cert_file": str(client_pair), "key_file": str(client_pair)}}
    documents = [{"ssh": ssh, "registries": registries}, {"ssh": ssh}]
    metrics, store = Metrics("0"), await Store.open("sqlite://")
    service = service_of(lambda: Configuration(Settings.model_validate(documents[0]), ()), store, metrics)
    try:
        ends = {"ssh.certificate_file": SSH_ENDS, "registries.r.example.cert_file": CERTIFICATE_ENDS}
        assert shown(metrics) == ends
        del documents[0]
        assert service.reloading.reload("test").successful
        await asyncio.sleep(0)  # a reload tells the event loop, which then does its part
        assert shown(metrics) == {"ssh.certificate_file": SSH_ENDS}
    finally:
        await service.stop()
        await store.close()


async def test_a_service_without_certificates_tells_none():
    metrics, store = Metrics("0"), await Store.open("sqlite://")
    service = service_of(lambda: Configuration(Settings(), ()), store, metrics)
    try:
        assert shown(metrics) == {}
    finally:
        await service.stop()
        await store.close()
