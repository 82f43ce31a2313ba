"""A CA with one certificate, as files."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def authority(folder, ca, member):
    """Make ``ca.pem``, then ``member.pem`` with ``member.key`` of it."""
    signer, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ca)])
    (folder / f"{ca}.pem").write_bytes(_made(issuer, issuer, signer.public_key(), signer, is_ca=True))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, member)])
    (folder / f"{member}.pem").write_bytes(_made(subject, issuer, key.public_key(), signer, is_ca=False))
    (folder / f"{member}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / f"{member}.key").chmod(0o600)


def _made(subject, issuer, key, signer, *, is_ca):
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
