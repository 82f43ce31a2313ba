"""The public half of a key, with ssh-keygen as the witness."""

import base64
import subprocess

import pytest

from scanner.hosts import public_key

KINDS = ["ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 2048"]


def keygen_takes(line, require):
    command = [require("ssh-keygen", "openssh-client"), "-l", "-f", "/dev/stdin"]
    return subprocess.run(command, input=line.encode(), capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module", params=KINDS)
def line(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", *request.param.split(), "-N", "", "-C", "kim at desk", "-f", path], check=True
    )
    return path.with_suffix(".pub").read_text()


def blob_of(line):
    return base64.b64decode(line.split()[1])


def rebuilt(line, blob):
    kind, _, comment = line.strip().split(" ", 2)
    return f"{kind} {base64.b64encode(blob).decode()} {comment}"


def test_each_kind_that_ssh_keygen_makes_is_taken_as_it_is(line):
    assert public_key.checked(line) == line.strip()
    assert public_key.checked(f"\n {line}\n") == line.strip()


def test_a_damaged_key_is_refused_like_ssh_keygen_refuses_it(line, require):
    blob = blob_of(line)
    for damaged in (blob[:-1], blob + b"\0", blob[:4] + b"x" + blob[5:], blob + b"\0\0\0\0", blob[:8], b""):
        text = rebuilt(line, damaged)
        assert not keygen_takes(text, require)
        with pytest.raises(ValueError, match="not a public key"):
            public_key.checked(text)


def test_a_key_under_another_kinds_name_is_refused(line):
    other = "ssh-rsa" if not line.startswith("ssh-rsa") else "ssh-ed25519"
    with pytest.raises(ValueError, match="not a public key"):
        public_key.checked(f"{other} {line.split()[1]}")


SK_ED25519 = (
    "sk-ssh-ed25519@openssh.com "
    + base64.b64encode(
        b"".join(
            len(part).to_bytes(4, "big") + part for part in (b"sk-ssh-ed25519@openssh.com", bytes(range(32)), b"ssh:")
        )
    ).decode()
)


def test_a_security_keys_line_is_taken(require):
    assert keygen_takes(SK_ED25519, require)
    assert public_key.checked(SK_ED25519) == SK_ED25519


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA====",
        "ssh-dss AAAAB3NzaC1kc3M=",
        "ssh-ed25519-cert-v01@openssh.com AAAA",
        "ssh-ed25519 AAAA\nssh-ed25519 AAAA",
        "ssh-ed25519 " + "A" * public_key.MAX_LINE_CHARS,
    ],
)
def test_what_is_no_line_of_a_key_is_refused(text):
    with pytest.raises(ValueError, match="not a public key"):
        public_key.checked(text)
