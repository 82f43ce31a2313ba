import re
import subprocess
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.hosts.ssh.identity import ends_at, read_identity
from scanner.hosts.ssh.trust import COLLECT, TrustError, all_read, parse_known_hosts, read_known_hosts


@pytest.fixture(scope="session")
def line(keys, tools):
    return tools.public(keys["host"])


@pytest.fixture(scope="session")
def other(keys, tools):
    return tools.public(keys["other"])


FOUND = [
    ("web", "web", 22, True),
    ("web", "WEB", 22, True),
    ("Web", "web", 22, True),
    ("web", "web", 2222, True),
    ("[web]:2222", "web", 2222, True),
    ("[web]:2222", "web", 22, False),
    ("a,web,10.0.0.1", "10.0.0.1", 22, True),
    ("web-*", "web-1", 22, True),
    ("web-?", "web-12", 22, False),
    ("web-*,!web-1", "web-1", 22, False),
    ("web-*,!web-1", "web-2", 22, True),
    ("*", "anything", 2222, True),
    ("web-*,db-*", "db-1", 22, True),
    ("*,!web-1,!web-2", "web-1", 22, False),
    ("*,!web-1,!web-2", "web-3", 22, True),
    ("web.example", "webxexample", 22, False),
    ("db", "web", 22, False),
    ("[web]:22", "web", 22, False),
]


@pytest.mark.parametrize(("names", "asked", "port", "found"), FOUND)
def test_names_are_matched_as_openssh_does(names, asked, port, found, line):
    known = parse_known_hosts(f"# c\n\n{names} {line} a comment\nelse.where {line}\n", "f")
    for _ in range(2):
        assert bool(known.of(asked, port)) is found


def test_what_stands_under_the_port_wins_over_the_bare_name(line, other, keys):
    known = parse_known_hosts(f"web {line}\n[web]:2222 {other}\n", "f")
    assert known.of("web", 2222).keys == (keys["other"].convert_to_public(),)
    assert known.of("web").keys == (keys["host"].convert_to_public(),)


def test_what_is_revoked_under_either_spelling_stays_revoked(line, other):
    known = parse_known_hosts(f"[web]:2222 {line}\n@revoked web {other}\n@revoked [web]:2222 {line}\n", "f")
    assert len(known.of("web", 2222).revoked) == 2
    bare = parse_known_hosts(f"web {line}\n@revoked web {other}\n", "f").of("web", 2222)
    assert (len(bare.keys), len(bare.revoked)) == (1, 1)


def test_a_line_needs_no_comment_and_all_that_is_wrong_is_told(line):
    assert parse_known_hosts(f"web {' '.join(line.split()[:2])}\n", "f").of("web").keys

    def refused(text):
        return lambda: parse_known_hosts(text, "f")

    with pytest.raises(TrustError) as caught:
        all_read([refused("x\n"), refused(f"web {line}\n"), refused("\ny\n")])
    told = [f"f:{number}: must read: host names, key type, key" for number in (1, 2)]
    assert (str(caught.value), list(caught.value.problems)) == ("; ".join(told), told)


def test_authorities_and_revoked_keys_are_told_apart(line, other):
    other = other.replace(" ", "\t")
    known = parse_known_hosts(f"@cert-authority *.x {line}\n@revoked\t*.x\t{other}\n", "f").of("a.x")
    assert (len(known.keys), len(known.authorities), len(known.revoked)) == (0, 1, 1)
    assert bool(known)


def test_hashed_names_are_found(tmp_path, line, other, keys):
    path = tmp_path / "known_hosts"
    path.write_text(f"web {line}\n[web]:2222 {other}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    known = read_known_hosts(path)
    assert not known.of("db")
    for _ in range(2):
        assert known.of("web").keys == (keys["host"].convert_to_public(),)
        assert known.of("web", 2222).keys == (keys["other"].convert_to_public(),)


def test_a_sound_key_of_an_unknown_kind_is_passed_over(line):
    blob = "AAAACm5ldy1vbmUtdjE="
    assert parse_known_hosts(f"web new-one-v1 {blob}\nweb {line}\n", "f").of("web").keys


BAD = [
    ("", "f: has no host key: archscan trust HOST... collects host keys, for you to compare"),
    ("# only this\n", "f: has no host key: archscan trust HOST... collects host keys, for you to compare"),
    ("@revoked * {line}", "f: has no host key: archscan trust HOST... collects host keys, for you to compare"),
    ("web\n", "f:1: must read: host names, key type, key"),
    ("\nweb ssh-ed25519\n", "f:2: must read: host names, key type, key"),
    ("web ssh-ed25519 ???\n", "f:1: the key is not base64"),
    ("web ssh-rsa {key}\n", "f:1: the key is not of type ssh-rsa"),
    ("web ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA\n", "f:1: the key is damaged"),
    ("@trusted web {line}", "f:1: marker @trusted is neither @cert-authority nor @revoked"),
    ("@revoked", "f:1: must read: host names, key type, key"),
    ("|1|x|y {line}", "f:1: the hashed name is damaged"),
    ("|1|AAAA|AAAA {line}", "f:1: the hashed name is damaged"),
    (f"|2|AAAA|{'A' * 27}= {{line}}", "f:1: the hashed name is damaged"),
    ("|2|AAAA|AAAA {line}", "f:1: the hashed name is damaged"),
    (f"|1|AA*AA|{'A' * 27}= {{line}}", "f:1: the hashed name is damaged"),
    (f"|1|AAAA|*{'A' * 27}= {{line}}", "f:1: the hashed name is damaged"),
    ("{line} comment", f"f:1: is a public key without the names of its hosts, so no line of known_hosts: {COLLECT}"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_bad_known_hosts_is_refused_with_its_line(text, message, line):
    with pytest.raises(TrustError) as caught:
        parse_known_hosts(text.format(line=line, key=line.split()[1]), "f")
    assert str(caught.value) == message


def test_a_known_hosts_that_is_missing_or_exposed_is_refused(tmp_path, line):
    path = tmp_path / "known_hosts"
    with pytest.raises(
        TrustError, match=f"known_hosts: cannot be read: No such file or directory: {re.escape(COLLECT)}"
    ):
        read_known_hosts(path)
    path.touch()
    with pytest.raises(TrustError, match=f"known_hosts: has no host key: {re.escape(COLLECT)}"):
        read_known_hosts(path)
    path.write_text(f"web {line}\n")
    path.chmod(0o664)
    with pytest.raises(TrustError, match=r"others may write to it \(mode 0664\): chmod go-rwx$"):
        read_known_hosts(path)
    path.chmod(0o644)
    path.write_bytes(b"web\n\xff\n")
    with pytest.raises(TrustError, match="known_hosts:2: is not UTF-8"):
        read_known_hosts(path)
    with pytest.raises(TrustError, match="is not a regular file"):
        read_known_hosts(Path("/dev/null"))


@given(st.text(st.sampled_from("@|*!,[]: \nwebssh-ed25519AAAAC3NzaC1lZDI1NTE5=/+\x00é"), max_size=200))
def test_any_text_is_an_index_or_a_refusal(text):
    try:
        known = parse_known_hosts(text, "f")
    except TrustError as error:
        assert str(error).startswith("f:")  # noqa: PT017 - both ends are fine, only their form is checked
        return
    known.of("web", 2222)


# ---------------------------------------------------------------- the key we log in with


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_c05_a_key_that_others_may_read_is_refused(tmp_path, keys, tools, mode):
    path = tools.write_key(tmp_path / "id", keys["client"])
    path.chmod(mode)
    with pytest.raises(TrustError) as caught:
        read_identity(path, None, None)
    assert str(caught.value) == f"{path}: others may read it (mode {mode:04o}): chmod go-rwx"


def test_a_systemd_credential_is_accepted(tmp_path, keys, tools, monkeypatch):
    path = tools.write_key(tmp_path / "id", keys["client"])
    path.chmod(0o440)
    with pytest.raises(TrustError, match="others may read it"):
        read_identity(path, None, None)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert len(read_identity(path, None, None)) == 1


def test_c05_a_missing_key_is_told(tmp_path):
    with pytest.raises(TrustError, match="id: cannot be read: No such file or directory"):
        read_identity(tmp_path / "id", None, None)


def test_c05_a_damaged_key_is_told(tmp_path):
    path = tmp_path / "id"
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n-----END OPENSSH PRIVATE KEY-----\n")
    path.chmod(0o600)
    with pytest.raises(TrustError, match="id: is no private key that can be used"):
        read_identity(path, None, None)


@pytest.mark.parametrize("form", ["PEM", "OpenSSH"])
def test_c05_an_encrypted_key_needs_its_passphrase(tmp_path, form):
    path, passphrase = tmp_path / "id", tmp_path / "passphrase"
    kind = ["-t", "ed25519"] if form == "OpenSSH" else ["-t", "rsa", "-m", "PEM"]
    subprocess.run(["ssh-keygen", "-q", *kind, "-N", "geheim", "-f", path], check=True)
    with pytest.raises(TrustError) as caught:
        read_identity(path, None, None)
    assert str(caught.value) == f"{path}: is encrypted: set passphrase_file"
    passphrase.touch(0o600)
    for number in range(400 if form == "PEM" else 1):  # nearly each of which would do for one in 256
        passphrase.write_text(f"wrong-{number}\n")
        with pytest.raises(TrustError, match="id: the passphrase does not open it"):
            read_identity(path, None, passphrase)
    passphrase.write_text("geheim\n")
    assert len(read_identity(path, None, passphrase)) == 1


def certificate_for(keys, key):
    return keys["authority"].generate_user_certificate(key.convert_to_public(), "test", principals=["scan"])


def test_the_certificate_beside_the_key_is_used_first(tmp_path, keys, tools):
    path = tools.write_key(tmp_path / "id", keys["client"])
    certificate = certificate_for(keys, keys["client"])
    (tmp_path / "id-cert.pub").write_bytes(certificate.export_certificate())
    first, second = read_identity(path, None, None)
    assert isinstance(first, tuple)
    assert second == keys["client"]


@pytest.mark.parametrize(("valid_before", "ends"), [(2_000_000_000, 2_000_000_000.0), (0xFFFF_FFFF_FFFF_FFFF, None)])
def test_the_end_of_our_certificate_is_known(tmp_path, keys, tools, valid_before, ends):
    path = tools.write_key(tmp_path / "id", keys["client"])
    assert ends_at(read_identity(path, None, None)) is None
    public = keys["client"].convert_to_public()
    certificate = keys["authority"].generate_user_certificate(public, "test", valid_after=0, valid_before=valid_before)
    (tmp_path / "id-cert.pub").write_bytes(certificate.export_certificate())
    assert ends_at(read_identity(path, None, None)) == ends


def test_a_certificate_of_another_key_is_refused(tmp_path, keys, tools):
    path = tools.write_key(tmp_path / "id", keys["client"])
    cert = tmp_path / "cert"
    cert.write_bytes(certificate_for(keys, keys["other"]).export_certificate())
    with pytest.raises(TrustError, match="cert: is the certificate of another key"):
        read_identity(path, cert, None)
    cert.write_text("nothing")
    with pytest.raises(TrustError, match="cert: is no certificate"):
        read_identity(path, cert, None)


async def test_a_user_certificate_opens_a_host_that_knows_only_its_authority(
    pool_of, config_for, fake_host, host_at, keys, tools, tmp_path
):
    authority = asyncssh.import_authorized_keys(f"cert-authority {tools.public(keys['authority'])}")
    fake = await fake_host(authorized_client_keys=authority, accepts=False)
    config = config_for(f"[127.0.0.1]:{fake.port} {tools.public(keys['host'])}")
    certificate = certificate_for(keys, keys["client"]).export_certificate()
    Path(f"{config.identity_file}-cert.pub").write_bytes(certificate)
    assert await pool_of(config).read(host_at(fake.port), b"x") == b"<x>"
