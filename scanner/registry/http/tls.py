"""The TLS contexts of registries, each built once because one costs some 33 ms."""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats import certificates, files
from scanner.formats.files import FileError

MAX_CONTEXTS = 256
"""Contexts kept; one for each different pair of CA file and client certificate of the configuration."""

Stamp = tuple[str, int, int]
"""A file by path, time of change and size: another stamp is another context."""


def tls_context(
    ca_file: str | tuple[str, ...] | None = None, cert_file: str | None = None, key_file: str | None = None
) -> ssl.SSLContext | Failure:
    """A context that verifies chain and name against the system's authorities plus those of ``ca_file``, one or many.

    There is no way to one that does not verify. Files that cannot be read or are none give ``image_tls_rejected``.
    """
    ca_files = (ca_file,) if isinstance(ca_file, str) else ca_file or ()
    try:
        authorities = tuple(map(_stamp, ca_files))
        pair = (_stamp(cert_file), _stamp(key_file or cert_file)) if cert_file else None
    except OSError as error:
        return Failure(Reason.IMAGE_TLS_REJECTED, f"{error.filename}: {error.strerror}", path=str(error.filename))
    try:
        return _build(authorities, pair)
    except ssl.SSLError as error:
        why = certificates.unusable(error)
        return Failure(Reason.IMAGE_TLS_REJECTED, f"CA file or client certificate is not usable: {why}")
    except FileError as error:
        return Failure(Reason.IMAGE_TLS_REJECTED, str(error), path=error.path)
    except OSError as error:
        return Failure(Reason.IMAGE_TLS_REJECTED, f"CA file or client certificate is not readable: {error.strerror}")


def certificate_ends_at(path: str) -> float | None:
    """When the first certificate of a PEM file ends (Unix seconds); ``None`` where there is none to be read.

    What is wrong with the file is told by whoever connects with it.
    """
    from cryptography import x509  # noqa: PLC0415 -- only a service asks, which has loaded it for SSH anyway

    try:
        content = files.read_bytes(Path(path), certificates.MAX_CERTIFICATE_BYTES)
        return x509.load_pem_x509_certificate(content).not_valid_after_utc.timestamp()
    except ValueError:  # of the file, or of what is in it
        return None


def _stamp(path: str) -> Stamp:
    status = os.stat(path)  # noqa: PTH116 -- a path that stays text is the key of a cache
    return path, status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=MAX_CONTEXTS)
def _build(authorities: tuple[Stamp, ...], pair: tuple[Stamp, Stamp] | None) -> ssl.SSLContext:
    context = certificates.verifying()
    for path, *_ in authorities:
        certificates.trust(context, Path(path))
    if pair:
        certificate, key = pair
        certificates.identify(context, Path(certificate[0]), Path(key[0]))
    return context
