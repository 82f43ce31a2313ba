"""Which algorithms are spoken with a host: what is safe, or a named profile for hosts that know nothing better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

KEX = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "mlkem768x25519-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
)
"""Curve25519 first: as safe as anything non-quantum, 0.5 ms cheaper a host than the hybrid exchange."""

CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""Only AEAD that Terrapin (CVE-2023-48795) cannot touch, even where strict key exchange is missing."""

HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""No SHA-1, no DSA."""

MACS = ("hmac-sha2-256", "hmac-sha2-512")
"""AES-GCM needs none. Those over the plain text are what Terrapin cannot touch with a cipher in counter mode."""


class Profile(StrEnum):
    """What ``ssh.algorithms`` calls them."""

    STRICT = "strict"
    DROPBEAR = "dropbear"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class Algorithms:
    """What is offered to a server, the best first."""

    kex: tuple[str, ...] = KEX
    ciphers: tuple[str, ...] = CIPHERS
    macs: tuple[str, ...] = MACS
    host_keys: tuple[str, ...] = HOST_KEYS


_COUNTER_MODE = ("aes128-ctr", "aes256-ctr")
_SHA2_GROUPS = ("diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512")

PROFILES = {
    Profile.STRICT: Algorithms(),
    Profile.DROPBEAR: Algorithms((*KEX, *_SHA2_GROUPS), (*CIPHERS, *_COUNTER_MODE)),
    Profile.LEGACY: Algorithms(
        (*KEX, *_SHA2_GROUPS, "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha256"),
        (*CIPHERS, *_COUNTER_MODE, "aes192-ctr"),
        (*MACS, "hmac-sha1"),
        (*HOST_KEYS, "ssh-rsa"),
    ),
}
"""``dropbear`` adds counter mode, which Dropbear has where its builds leave AES-GCM out; nothing in it is weak.

``legacy`` adds SHA-1 besides, for machines of the time before 2016: a network that you trust is what protects these.
"""
