"""The key that archscan logs in with."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
from asyncssh.public_key import SSHOpenSSHCertificate

from scanner.errors import in_words
from scanner.formats import files
from scanner.formats.files import is_there
from scanner.hosts.ssh.trust import TrustError, read_guarded

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_KEY_BYTES = 64 << 10
"""An RSA key of 16384 bits has 13 KiB."""

FOREVER = 0xFFFF_FFFF_FFFF_FFFF
"""The ``valid before`` of a certificate without an end (PROTOCOL.certkeys)."""

_BY_SETTING = ": set passphrase_file"
"""Of a key that a configuration names."""

ClientKey = asyncssh.SSHKey | tuple[asyncssh.SSHKey, asyncssh.SSHCertificate]


def read_identity(
    identity_file: Path, certificate_file: Path | None, passphrase_file: Path | None
) -> tuple[ClientKey, ...]:
    """The private key, preceded by its certificate if it has one.

    Raises:
        TrustError: a file is missing, readable by others, damaged, or encrypted without a passphrase.
    """
    key = _read_key(identity_file, passphrase_file)
    beside = Path(f"{identity_file}-cert.pub")
    chosen = certificate_file or (beside if is_there(beside) else None)
    if chosen is None:
        return (key,)
    return ((key, _read_certificate(chosen, key)), key)


def new_key(comment: str) -> tuple[str, str]:
    """A new Ed25519 key: its private half as OpenSSH writes it, its public line."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
    return key.export_private_key().decode("ascii"), key.export_public_key().decode("ascii")


def own_identities(files: Iterable[Path]) -> tuple[tuple[ClientKey, ...], tuple[str, ...]]:
    """A person's own keys, each where it can be used; of those that are there and cannot, why. The agent may know these."""
    found: list[ClientKey] = []
    unusable: list[str] = []
    for file in files:
        try:
            found.extend(read_identity(file, None, None))
        except TrustError as error:
            if is_there(file):
                unusable.append(str(error).replace(_BY_SETTING, ""))
    return tuple(found), tuple(unusable)


def ends_at(keys: tuple[ClientKey, ...]) -> float | None:
    """When the certificate among the keys ends (Unix seconds); ``None`` where there is none, or it never ends."""
    certificates = [key[1] for key in keys if isinstance(key, tuple)]
    ends = [
        float(certificate._valid_before)  # noqa: SLF001 -- asyncssh reads the field, but shows it nowhere
        for certificate in certificates
        if isinstance(certificate, SSHOpenSSHCertificate)
    ]
    return min((end for end in ends if end < FOREVER), default=None)


_ENCRYPTED = b"ENCRYPTED"
"""Stands in the heads of PEM and PKCS 8, which have no other mark by which a wrong passphrase can be told."""


def _refuse_public(path: Path) -> None:
    """A public key, which everybody may read, is told as what it is before its mode is."""
    kind = files.read_bytes(path, MAX_KEY_BYTES).split(None, 1)[:1]
    if kind and kind[0] in asyncssh.public_key.get_public_key_algs():
        raise TrustError(f"{path}: is a public key: name the private one, the file without .pub")


def _read_key(path: Path, passphrase_file: Path | None) -> asyncssh.SSHKey:
    with contextlib.suppress(files.FileError):  # told below
        _refuse_public(path)
    content = read_guarded(path, forbidden=files.OPEN_TO_OTHERS, limit=MAX_KEY_BYTES)
    secret = None
    if passphrase_file:
        secret = read_guarded(passphrase_file, forbidden=files.OPEN_TO_OTHERS, limit=MAX_KEY_BYTES).rstrip(b"\r\n")
    try:
        return asyncssh.import_private_key(content, secret)
    except asyncssh.KeyEncryptionError:
        why = "the passphrase does not open it" if secret else f"is encrypted{_BY_SETTING}"
        raise TrustError(f"{path}: {why}") from None
    except (asyncssh.KeyImportError, ValueError) as error:
        if secret is None and "passphrase" in str(error).lower():
            raise TrustError(f"{path}: is encrypted{_BY_SETTING}") from None
        if secret and ("decrypt" in str(error) or _ENCRYPTED in content):  # one in 256 wrong ones ends in good padding
            raise TrustError(f"{path}: the passphrase does not open it") from None
        raise TrustError(f"{path}: is no private key that can be used: {in_words(error)}") from None


def _read_certificate(path: Path, key: asyncssh.SSHKey) -> asyncssh.SSHCertificate:
    content = read_guarded(path, forbidden=files.WRITABLE_BY_OTHERS, limit=MAX_KEY_BYTES)
    try:
        certificate = asyncssh.import_certificate(content)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise TrustError(f"{path}: is no certificate: {in_words(error)}") from None
    if certificate.key.public_data != key.public_data:
        raise TrustError(f"{path}: is the certificate of another key")
    return certificate
