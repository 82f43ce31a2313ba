#!/usr/bin/env python3
"""Verifies what archscan's trail proves, with nothing but Python's standard library.

    python3 verify_trail.py --key KEY proof FILE [--witness KEY]...
    python3 verify_trail.py --key KEY export TRAIL.jsonl CHECKPOINT [--since CHECKPOINT]...

KEY is the log's public key as `archscan trail key` or the log line trail_key_made shows it (NAME+ID+BASE64). Exit code 0: proved, 1: not, 2:
something else is wrong. It shares no code with archscan. All it computes with is public (signatures, public keys), so it need
not take the same time for each.

Formats: RFC 6962 (hashes), RFC 8032 (Ed25519), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof.
"""

import argparse
import base64
import hashlib
import sys

# ---------------------------------------------------------------- Ed25519 (RFC 8032, section 5.1)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


class Wrong(Exception):
    """What is not as it should be."""


def add(a, b):
    """Two points in extended coordinates (X, Y, Z, T)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)


def times(scalar, point):
    """A point so many times."""
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def decode_point(data):
    """The point that 32 bytes encode, ``None`` where they encode none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (not x and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519(public, message, signature):
    """Whether the signature is this key's over exactly this message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decode_point(public), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    return not (left[0] * right[2] - right[0] * left[2]) % P and not (left[1] * right[2] - right[1] * left[2]) % P


# ---------------------------------------------------------------- notes


def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise Wrong(f"{what} is not base64")
    return data


def read_number(text, what):
    """A whole number of at most 63 bits in its one right spelling."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and str(int(text)) == text):
        raise Wrong(f"{what} is no number")
    return int(text)


def read_key(text):
    """Name, id, kind, public bytes of a verifier key."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise Wrong("a key is written NAME+ID+BASE64")
    name, key_id, encoded = parts
    data = unbase64(encoded, "the key")
    if len(data) != 33 or hashlib.sha256(name.encode("utf-8", "replace") + b"\n" + data).hexdigest()[:8] != key_id:
        raise Wrong(f"the key of {name} is damaged")
    return name, bytes.fromhex(key_id), data[0], data[1:]


def split_note(text):
    """The signed text, then name, id, value of each signature."""
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Wrong("there is no signed note")
    found = []
    for line in lines[:-1].split("\n"):
        words = line.split(" ")
        if len(words) != 3 or words[0] != "\u2014":
            raise Wrong("a line of the note is no signature")
        data = unbase64(words[2], "a signature")
        found.append((words[1], data[:4], data[4:]))
    return body + "\n", found


def open_checkpoint(text, key):
    """Size, root, text, signatures of a checkpoint that this log's key has signed."""
    name, key_id, kind, public = key
    if kind != 1:
        raise Wrong("--key is no log's key")
    body, signatures = split_note(text)
    own = [value for signer, one, value in signatures if (signer, one) == (name, key_id)]
    if not own or not all(ed25519(public, body.encode(), value) for value in own):
        raise Wrong(f"the checkpoint is not signed by {name}")
    lines = body.split("\n")
    if len(lines) < 4 or lines[0] != name:
        raise Wrong(f"the checkpoint is not of the log {name}")
    size = read_number(lines[1], "the checkpoint's size")
    root = unbase64(lines[2], "the root")
    if len(root) != 32:
        raise Wrong("the checkpoint has no root")
    return size, root, body, signatures


def cosigned(body, signatures, witness):
    """Whether this witness cosigned the checkpoint."""
    name, key_id, kind, public = witness
    for signer, one, value in signatures:
        if (signer, one) == (name, key_id) and kind == 4 and len(value) == 72:
            moment = int.from_bytes(value[:8], "big")
            if ed25519(public, f"cosignature/v1\ntime {moment}\n{body}".encode(), value[8:]):
                return True
    return False


# ---------------------------------------------------------------- trees


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_from(index, size, leaf, hashes):
    """The root that an inclusion proof leads to; whatever does not fit is an error."""
    if index >= size:
        raise Wrong("the entry is behind the end of the log")
    at, last, made = index, size - 1, leaf
    for sibling in hashes:
        if not last:
            raise Wrong("the proof is too long")
        if at & 1 or at == last:
            made = node_hash(sibling, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = node_hash(made, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("the proof is too short")
    return made


def roots_of(leaves, sizes):
    """The roots over the first so many leaves, one pass for all."""
    stack, found = [], {0: hashlib.sha256(b"").digest()}
    for count, data in enumerate(leaves, 1):
        made, ended = leaf_hash(data), count - 1
        while ended & 1:
            made, ended = node_hash(stack.pop(), made), ended >> 1
        stack.append(made)
        if count in sizes:
            root = stack[-1]
            for left in reversed(stack[:-1]):
                root = node_hash(left, root)
            found[count] = root
    return found


# ---------------------------------------------------------------- what is verified


def verify_proof(text, key, witnesses):
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Wrong("this is no tlog-proof")
    if not lines or not lines[0].startswith("extra "):
        raise Wrong("the proof does not hold its entry")
    entry = unbase64(lines.pop(0)[6:], "the entry")
    if not lines or not lines[0].startswith("index "):
        raise Wrong("the proof has no index")
    index = read_number(lines.pop(0)[6:], "the proof's index")
    hashes = [unbase64(line, "a hash") for line in lines]
    size, root, body, signatures = open_checkpoint(note, key)
    for witness in witnesses:
        if not cosigned(body, signatures, witness):
            raise Wrong(f"the witness {witness[0]} has not cosigned it")
    if any(len(one) != 32 for one in hashes) or root_from(index, size, leaf_hash(entry), hashes) != root:
        raise Wrong("the entry does not stand in this log")
    return f"entry {index} of {size} of {key[0]}:\n{entry.decode('ascii', 'backslashreplace')}"


def verify_export(data, checkpoint, since, key):
    if data and not data.endswith(b"\n"):
        raise Wrong("the export breaks off in a line")
    leaves = data.split(b"\n")[:-1]
    size, root, _, _ = open_checkpoint(checkpoint, key)
    older = [open_checkpoint(text, key)[:2] for text in since]
    if len(leaves) < size:
        raise Wrong(f"{len(leaves)} entries are there, {size} were signed")
    roots = roots_of(leaves, {size, *(old for old, _ in older)})
    if roots[size] != root:
        raise Wrong("the entries do not make the root that was signed")
    for old, old_root in older:
        if old > size:
            raise Wrong(
                f"{old} entries were seen before, now there are {size}: its end was cut, or it is an older copy"
            )
        if roots[old] != old_root:
            raise Wrong(f"the first {old} entries are not those that were seen before")
    if len(leaves) > size:
        raise Wrong(f"{size} entries are as they were signed, the {len(leaves) - size} behind them are not signed")
    return f"{size} entries of {key[0]} are as they were signed"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description="Verifies what archscan's trail proves.",
        epilog="verify_trail.py --key KEY proof FILE; verify_trail.py --key KEY export TRAIL.jsonl CHECKPOINT",
    )
    parser.add_argument("--key", required=True, help="the log's public key, NAME+ID+BASE64")
    commands = parser.add_subparsers(dest="command", required=True)
    proof = commands.add_parser("proof", help="one entry")
    proof.add_argument("file", help="of archscan trail prove, or of a page of the trail")
    proof.add_argument("--witness", action="append", default=[], help="a witness's key: it must have cosigned")
    export = commands.add_parser("export", help="the whole log")
    export.add_argument("trail", help="of archscan trail export --output")
    export.add_argument("checkpoint", help="of archscan trail export --checkpoint")
    export.add_argument("--since", action="append", default=[], help="a checkpoint that was kept elsewhere")
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        parser.print_help(sys.stderr)
        return 2
    given = parser.parse_args(words)
    try:
        key = read_key(given.key)
        witnesses = [read_key(one) for one in getattr(given, "witness", [])]
    except Wrong as error:
        print(error, file=sys.stderr)
        return 2
    try:
        if given.command == "proof":
            print(verify_proof(read(given.file).decode(), key, witnesses))
        else:
            since = [read(path).decode() for path in given.since]
            print(verify_export(read(given.trail), read(given.checkpoint).decode(), since, key))
    except Wrong as error:
        print(f"not proved: {error}")
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError:
        print("not proved: a file is not text")
        return 1
    return 0


def read(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
