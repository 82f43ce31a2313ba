"""The public half of an SSH key, as one line of OpenSSH's format."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINE_CHARS = 16384
"""sshd reads no longer line of authorized_keys (OpenSSH's SSH_MAX_PUBKEY_BYTES)."""

MIN_RSA_BITS = 1024
"""OpenSSH's SSH_RSA_MINIMUM_MODULUS_SIZE: with a shorter one sshd lets nobody in."""

_ED25519_BYTES = 32
_POINT_BYTES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
"""An uncompressed point of each curve (SEC 1, 2.3.3)."""

_SECURITY_KEY = "sk-"
_FIELDS: Mapping[str, int] = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
"""How many fields stand behind the name of each kind of key (RFC 4253, 5656, 8709; OpenSSH's PROTOCOL.u2f)."""


def checked(text: str) -> str:
    """The line ``TYPE BASE64 [COMMENT]`` of a public key, without what stands around it.

    Raises:
        ValueError: it is no such line, or its key is damaged.
    """
    line = text.strip()
    kind, _, rest = line.partition(" ")
    encoded, _, comment = rest.strip().partition(" ")
    if len(line) > MAX_LINE_CHARS or not line.isprintable():
        raise ValueError("not a public key: it must be one line")
    if kind not in _FIELDS:
        raise ValueError(f"not a public key: {kind[:40]!r} is no kind of key that OpenSSH lets in")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not a public key: it is not base64") from None
    if not _is_whole(kind, _fields(blob)):
        raise ValueError(f"not a public key: it is damaged, or not of type {kind}")
    return " ".join(word for word in (kind, encoded, comment.strip()) if word)


def _fields(blob: bytes) -> list[bytes]:
    """The strings of a blob, each with its length in front (RFC 4251, section 5); none where they do not fill it."""
    found, at = [], 0
    while at < len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        if end > len(blob) or at + 4 > len(blob):
            return []
        found.append(blob[at + 4 : end])
        at = end
    return found


def _is_whole(kind: str, fields: list[bytes]) -> bool:
    if len(fields) != 1 + _FIELDS[kind] or fields[0] != kind.encode():
        return False
    if kind.startswith(_SECURITY_KEY) and not fields[-1]:
        return False  # the application, "ssh:" where nobody chose another
    if "ed25519" in kind:
        return len(fields[1]) == _ED25519_BYTES
    if kind == "ssh-rsa":
        return bool(fields[1]) and int.from_bytes(fields[2], "big").bit_length() >= MIN_RSA_BITS
    curve = fields[1].decode("ascii", "replace")
    return curve in kind and len(fields[2]) == _POINT_BYTES.get(curve) and fields[2][:1] == b"\x04"
