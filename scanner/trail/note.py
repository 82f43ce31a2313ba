"""Signed notes with Ed25519 keys (C2SP signed-note; Go's golang.org/x/mod/sumdb/note reads the same).

A note is text that ends in a newline, an empty line, then a line for each signature: ``— NAME BASE64``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 1
COSIGNATURE = 4
"""Kinds of signatures, the first byte of an encoded key."""

KEY_BYTES = 32
SIGNATURE_BYTES = 64
ID_BYTES = 4

MAX_NOTE_BYTES = 64 << 10
"""A checkpoint has some 200 bytes, each further signature a hundred; post-quantum ones some thousand."""

MAX_SIGNATURES = 100
"""Go's reader takes no more either."""

MAX_KEYS = 8
"""Private keys that are kept as OpenSSL has them; a process signs with one."""

_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_PRIVATE = "PRIVATE+KEY+"


class NoteError(ValueError):
    """Text that is no note, no key, or not signed by whom it should be."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name; ``kind`` is ``ED25519`` or ``COSIGNATURE``."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """What its signatures begin with: four bytes, which tell keys apart but prove nothing."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:ID_BYTES]

    def __str__(self) -> str:
        """The verifier key as it is configured."""
        return f"{self.name}+{self.id.hex()}+{_encoded(bytes([self.kind]) + self.public)}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the 64 bytes over exactly this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under its name; ``seed`` are its 32 secret bytes."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def made(cls, name: str) -> Signer:
        """A new one.

        Raises:
            NoteError: no key can have this name.
        """
        return cls(_name(name), Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> Verifier:
        """Its public half."""
        return Verifier(self.name, self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)

    @property
    def encoded(self) -> str:
        """How the file holds it: as Go's note package writes a signer key."""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{_encoded(bytes([ED25519]) + self.seed)}"

    @property
    def _key(self) -> Ed25519PrivateKey:
        return _private_key(self.seed)


@lru_cache(MAX_KEYS)
def _private_key(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its id, the bytes behind the id."""

    name: str
    id: bytes
    value: bytes

    def is_by(self, verifier: Verifier) -> bool:
        """Whether it claims to be this key's."""
        return (self.name, self.id) == (verifier.name, verifier.id)

    def __str__(self) -> str:
        """The line."""
        return f"— {self.name} {_encoded(self.id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """Text, its last newline included, with its signatures, of which none is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """The note as it is published."""
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


def signed(text: str, signer: Signer) -> Note:
    """A note of this text by one key."""
    return Note(text, (Signature(signer.name, signer.verifier.id, signer.sign(text.encode())),))


def parse(text: str) -> Note:
    """The note, nothing of it verified.

    Raises:
        NoteError: it is none, or longer than ``MAX_NOTE_BYTES``.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_NOTE_BYTES or _CONTROL.search(text):
        raise NoteError("the note is too long, or holds control characters")
    body, empty_line, lines = text.rpartition("\n\n")
    if not empty_line or not lines.endswith("\n"):
        raise NoteError("it is no signed note: text, an empty line, then signature lines")
    found = tuple(map(parse_signature, lines.removesuffix("\n").split("\n")))
    if len(found) > MAX_SIGNATURES:
        raise NoteError(f"the note has more than {MAX_SIGNATURES} signatures")
    return Note(f"{body}\n", found)


def parse_signature(line: str) -> Signature:
    """One signature line without its newline.

    Raises:
        NoteError: it is none.
    """
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    value = _decoded(encoded)
    if dash != "—" or not _NAME.fullmatch(name) or value is None or len(value) <= ID_BYTES:
        raise NoteError(f"{line[:100]!r} is no signature line")
    return Signature(name, value[:ID_BYTES], value[ID_BYTES:])


def parse_verifier(text: str) -> Verifier:
    """A verifier key ``NAME+ID+BASE64``.

    Raises:
        NoteError: it is none, or of a kind that is not known here.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _decoded(encoded)
    if not _NAME.fullmatch(name) or key is None or len(key) != 1 + KEY_BYTES or key[0] not in {ED25519, COSIGNATURE}:
        raise NoteError(f"{text[:200]!r} is no Ed25519 verifier key (NAME+ID+BASE64)")
    found = Verifier(name, key[1:], key[0])
    if found.id.hex() != key_id:
        raise NoteError(f"the verifier key of {name} is damaged: its id does not fit")
    return found


def parse_signer(text: str) -> Signer:
    """A signer key ``PRIVATE+KEY+NAME+ID+BASE64``.

    Raises:
        NoteError: it is none; the message tells nothing of it.
    """
    name, _, rest = text.removeprefix(_PRIVATE).partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _decoded(encoded)
    if not text.startswith(_PRIVATE) or not _NAME.fullmatch(name) or key is None or len(key) != 1 + KEY_BYTES:
        raise NoteError("is no signing key: make one with archscan trail key NAME")
    found = Signer(name, key[1:])
    if key[0] != ED25519 or found.verifier.id.hex() != key_id:
        raise NoteError("is damaged: its id does not fit its key")
    return found


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or _CONTROL.search(name):
        raise NoteError(f"{name!r} cannot name a key: it may hold neither spaces nor +")
    return name


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(text: str) -> bytes | None:
    """The bytes of standard base64 in its one right spelling."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if _encoded(value) == text else None
