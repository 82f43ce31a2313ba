"""Hands certificates to TLS: files looked at within bounds before OpenSSL sees them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from scanner.formats import files
from scanner.formats.files import FileError

if TYPE_CHECKING:
    from pathlib import Path

MAX_CERTIFICATE_BYTES = 256 << 10
"""A certificate with its chain has some 10 KiB, with its key some more."""

MAX_AUTHORITIES_BYTES = 8 << 20
"""All authorities that Debian trusts have 220 KiB; a company may add some hundred of its own."""


def verifying(ca_file: Path | None = None) -> ssl.SSLContext:
    """A context that verifies chain and name as engines and curl do, against ``ca_file`` or the system's authorities.

    Python 3.13 refuses an authority without a key usage extension besides (VERIFY_X509_STRICT), which a company's own
    often is, made by ``openssl req -x509``; no engine does, and no verdict may hang on the Python that we run under.

    Raises:
        FileError: the file is missing, no regular file, too long, or has no certificate.
    """
    try:
        context = ssl.create_default_context(cadata=_authorities(ca_file) if ca_file else None)
    except ssl.SSLError:
        raise FileError(ca_file or "", "holds no certificate") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trust(context: ssl.SSLContext, path: Path) -> None:
    """Let a context believe the authorities of a PEM file.

    Raises:
        FileError: it is missing, no regular file, empty, or longer than ``MAX_AUTHORITIES_BYTES``.
        ssl.SSLError: there is no certificate in it.
    """
    context.load_verify_locations(cadata=_authorities(path))


def identify(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Give a context its certificate, with the chain that stands behind it, and the key of it.

    OpenSSL takes a path alone: a pipe or a device at it is refused before, so that nothing waits for its writer.

    Raises:
        FileError: one is missing, no regular file, or longer than ``MAX_CERTIFICATE_BYTES``.
        ssl.SSLError: one is not what it should be, the key belongs to another certificate, or it has a password.
    """
    for path in (certificate, key):
        files.read_bytes(path, MAX_CERTIFICATE_BYTES)
    # an empty password: an encrypted key must fail here, not ask on the terminal of a service
    context.load_cert_chain(certificate, key, password="")


def unusable(error: ssl.SSLError) -> str:
    """What it says of files that were handed over, in words: OpenSSL has none for one that it cannot read."""
    said = "the key is of another certificate" if error.reason == "KEY_VALUES_MISMATCH" else error.reason
    return said or "no certificate, or no key, in PEM, or one behind a password"


def _authorities(path: Path) -> str:
    content = files.read_bytes(path, MAX_AUTHORITIES_BYTES).decode("ascii", "ignore")  # names above one may be in UTF-8
    if not content:
        raise FileError(path, files.EMPTY)
    return content
