"""Mistakes of use and of set-up, as newcomers make them: each is one line that says what to do, and exit code 2."""

from __future__ import annotations

import os
import socket

import pytest

from scanner import cli
from scanner.app.main import _operations
from scanner.hosts.ssh.identity import new_key
from tests.real import command

HTTP_SD = "{kind: http_sd, url: 'https://127.0.0.1:1/', ca_file: key.yml}"
LOCAL = "inventory: [{kind: local}]\n"
SSH = "inventory: [{kind: static, hosts: {a: {address: 127.0.0.1}}}]\nssh: {identity_file: %s, known_hosts_file: %s}\n"
KEYED = "ssh: {identity_file: id, known_hosts_file: known_hosts}\n"


WAIVER = "waivers: [{owner: a, reason: b, until: 2999-01-01, match: {reason: wrong_bin}}]\n"

OVERRIDE = ("overrides", "add", "app:1", "--owner", "a", "--reason", "b", "--until", "soon")
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJOOtJF8d0sYsCuV6YvsN1pHgMCxO2jG0bXxnXnEo0y scan\n"
KEY = new_key("scan")[0]


def ran(capsys, *words):
    """The command in this process: exit code, standard output, standard error."""
    code = cli.run(_operations, lambda: "0", words)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("check", "nginx", "--platform"), "requires an argument, such as linux/386, linux/amd64, linux/arm/v6"),
        (("readiness",), "Missing option '--to', such as linux/386, linux/amd64"),
        (("scan", "--format"), "requires an argument: one of table, json"),
        (("image", "nginx", "--config"), "requires an argument: The configuration file"),
        (("scan", "--labels", "x"), "No such option: --labels"),
        (("scan", "--format", "pdf"), "'pdf' is not one of 'table'"),
        (("image",), "Missing argument 'IMAGE'; see archscan image --help"),
        (("scna",), "Did you mean 'scan'?"),
        (("config", "chek"), "see archscan config --help"),
        (("help", "scan"), "No such command 'help': archscan scan --help"),
        (("version",), "No such command 'version': archscan --version"),
        (("SCAN",), "No such command 'SCAN': archscan scan"),
        (
            ("trail", "export", "--checkpoint"),
            "requires an argument: Also write the newest signed head, to this file; see archscan trail export --help",
        ),
        (("trust", "web-1", "--fingerprint", "MD5:aa"), "--fingerprint MD5:aa: write SHA256: and what ssh-keygen -lf"),
        (("setup", "web-1", "--user", "x y"), "--user x y: must be a login name, such as archscan"),
        (("setup", "web-1", "--as", "x y"), "--as x y: must be a login name"),
        (("scan", "root@fe80::1"), "address fe80::1 is link-local: name its interface, fe80::1%eth0"),
        (("scan", "--config", "public.yml"), "id.pub: is a public key: name the private one, the file without .pub"),
        (("authorized-key", "--config", "public.yml"), "id.pub: is a public key by its name"),
        (
            ("serve", "--config", "key.yml", "--web.listen-address", "300.1.1.1:80"),
            "cannot listen on 300.1.1.1:80: this leads to no address: correct --web.listen-address",
        ),
        (("trust",), "Missing argument"),
        (("--config", "a.yml", "scan"), "options stand behind the command, archscan COMMAND --config"),
        (("config", "check", "a.yml"), "a configuration file is named by --config a.yml"),
        (("scan", "root:secret@web-1"), "is no host: write [user@]host[:port]"),
        (("trust", "--yes", "a", "--config", "bad.yml"), "bad: is no private key that can be used"),
        (("scan", "--host", "", "--config", "key.yml"), "an empty pattern names no host"),
        (("scan", "root@10.0.0.0/24"), "is no host: write [user@]host[:port]"),
        (("scan", "root@[::1]:0"), "port 0 is not between 1 and 65535"),
        (("explain", ""), "there is nothing to explain"),
        (("explain", "log.txt"), "archscan explain - <log.txt"),
        (("image", "https://r.example/app"), "leave out https://: r.example/app"),
        (("image", "nginx@sha256:abc"), "64 hexadecimal digits, not 3"),
        (("image", "nginx:"), "no tag behind the colon"),
        (("image", "nginx redis"), "several images are several words"),
        (("image", ""), "such as nginx:1.27"),
        (("check", "nginx", "--platform", "linux/amd46"), "did you mean linux/amd64?"),
        (("setup", "web-1", "push"), "archscan setup push web-1 --server URL"),
        (("authorized-key", "--from", "10.0.0.0/33", "--config", "key.yml"), "--from 10.0.0.0/33: write an address"),
        (("trail", "verify", "--config", "key.yml"), "give the log's public key with --key"),
        (
            ("serve", "--config", "key.yml", "--web.listen-address", "9719x"),
            "--web.listen-address 9719x: must be an address",
        ),
        (("scan", "root@127.0.0.1:1", "-o", "."), "--output .: Is a directory: name a file in it"),
        (
            ("check", "nginx", "--platform", "linux/amd64", "-o", "no/a.json"),
            "--output no/a.json: there is no directory no: create it first",
        ),
        (("scan", "-o", "key.yml/a.json"), "--output key.yml/a.json: there is no directory key.yml: create it first"),
        (("scan", "-o", "a\nb/c"), "--output a b/c: there is no directory a b: create it first"),
        (("config", "check", "--config", "a\nb"), "archscan: a b: cannot be read"),
        (("scan", "--label", "a\nb"), "--label a b: write KEY=VALUE"),
        (("worker", "--scheduler", "x\ny", "--config", "key.yml"), "--scheduler x y: must be local:N"),
        (
            ("worker", "--scheduler", "https://u:pw@h:1", "--config", "key.yml"),
            "archscan: --scheduler: must be local:N",
        ),
        (("trail", "export", "--checkpoint", ".", "--config", "key.yml"), "--checkpoint .: Is a directory"),
        (("worker", "--scheduler", "foo", "--config", "key.yml"), "archscan: --scheduler foo: must be local:N"),
        (("why", "api", "here", "--config", "key.yml"), "the host comes first: archscan why here api"),
        (("setup", "--yes", "db-9", "--config", "key.yml"), "was there already and has no db-9"),
        (("scan", "user@"), "is no host"),
        (
            ("findings", "--status", "nope"),
            "--status nope: write one of ok, emulated, degraded, unknown, mismatch, broken",
        ),
        (("findings", "--status", "mismatched"), "did you mean mismatch?"),
        (("findings", "--reason", "exec_format"), "did you mean exec_format_error?"),
        (("findings", "--host", ""), "--host: an empty pattern matches nothing"),
        (("waivers", "delete", ""), "name a waiver by its id"),
        (("overrides", "delete", " "), "name an override by its id, the first column of `archscan overrides list`"),
        (OVERRIDE, "--until soon: write a day, such as 2027-01-31, or a moment, 2027-01-31T18:00:00Z"),
        ((*OVERRIDE[:-1], "2027-01-31T18:00"), "write its zone too, such as 2027-01-31T18:00Z"),
        (("trail", "show", "--last", "x"), "'-n': must be a whole number; see"),
        (("top", "--every", "0"), "'--every': must be at least 1; see"),
        (("findings", "--reason", "?"), "docs/reasons.md has them all"),
        (("image", "oci-archive:app.tar"), "oci-archive:app.tar: cannot be read: No such file or directory"),
        (
            ("image", "oci-archive:app.tar", "--server", "http://127.0.0.1:1"),
            "--server is not sent images: oci-archive:app.tar has its layers on this machine",
        ),
        (("check", "nginx"), "--host PATTERN"),
        (("findings", "--server", "http://[::1"), "--server http://[::1: write http://HOST:PORT or https://HOST"),
        (("findings", "--server", "http://u:pw@["), "--server http://[: write http://HOST:PORT or https://HOST"),
        (("findings", "--server", "http://u:pw@127.0.0.1:1"), "archscan: http://127.0.0.1:1 does not answer"),
        (("findings", "--server", "http://"), "write http://HOST:PORT"),
        (("findings", "--server", "http://127.0.0.1:99999"), "write http://HOST:PORT"),
        (("top", "--server", "http://a b/"), "write http://HOST:PORT"),
        (("readiness", "--to", "foo/bar"), "--to foo/bar: there are no hosts of platform"),
        (("scan", "--label", "web"), "--label web: write KEY=VALUE, such as team=web"),
        (("scan", "--label", "team=web,edge-1"), "write KEY=VALUE"),
        (("scan", "--label", "=web"), "write KEY=VALUE"),
        (("check", "nginx", "--label", "web"), "write KEY=VALUE"),
        (("scan", "a@b", "--label", "team=web"), "by --host and --label, not both"),
        (("trail", "key", "a b"), "neither spaces nor"),
        (
            ("config", "check", "--config", "plans.yml"),
            "nowhere: No such file or directory: create it with a folder for each host",
        ),
        (("inventory", "--config", "ca.yml"), "key.yml cannot be used: holds no certificate"),
        (
            ("why", "a", "b", "--depth", "full", "--server", "http://127.0.0.1:1"),
            "--depth is the running service's own",
        ),
        (("scan", "--output", "gone/report.json"), "there is no directory gone: create it first"),
        (("check", "nginx", "--platform", "linux/amd64", "--output", "."), "--output .: Is a directory"),
        (("findings", "--server", "http://127.0.0.1:1"), "name a running archscan by --server or ARCHSCAN_SERVER"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_and_2(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.txt").write_text("exec /app: exec format error\n")
    (tmp_path / "id.pub").write_text(PUBLIC)
    (tmp_path / "bad").write_text("no key")
    (tmp_path / "bad").chmod(0o600)
    (tmp_path / "bad.yml").write_text(SSH % ("bad", "known_hosts"))
    (tmp_path / "public.yml").write_text(SSH % ("id.pub", "known"))
    (tmp_path / "known").write_text(f"web-1 {PUBLIC}")
    (tmp_path / "plans.yml").write_text("inventory: [{kind: local}]\nplans: {directory: nowhere}\n")
    (tmp_path / "ca.yml").write_text(f"inventory: [{HTTP_SD}]\nssh: {{identity_file: id, known_hosts_file: id}}\n")
    (tmp_path / "key.yml").write_text("inventory: [{kind: local, name: here}]\nssh: {identity_file: id}\n")
    code, out, err = ran(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1 + err.count("is used as it is")), err
    assert says in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "is not a regular file but a directory"),
        ("inventory:\n\t- kind: local\n", "archscan.yml:2: is indented by a tab"),
        ("- kind: local\n", "must be a mapping"),
        ("", "name at least one source of hosts"),
        ("hosts: [web-1]\n", "unknown key"),
        (LOCAL + "scan: {interval: 300}\n", "must be a duration such as 30s"),
        ("inventory: [{kind: static, hosts: {web-1: }}]\n", "write {}"),
        ("inventory: [{kind: static, hosts: [web-1]}]\n", "must be a mapping"),
        (SSH % ("id", "folder"), "is not a regular file but a directory"),
        (SSH % ("id", "id.pub"), "id.pub:1: is a public key without the names of its hosts, so no line of known_hosts"),
        (LOCAL + "registries: {r.example: {username: a, password_file: empty}}\n", "empty: is empty"),
        (
            "inventory: [{kind: ssh_config, path: folder}]\nssh: {identity_file: x, known_hosts_file: y}\n",
            "a directory",
        ),
        ("inventory: [{kind: pushed, hosts: {a: {}}}]\n", "push.directory: is required"),
        (LOCAL + "web: {tokens: [{name: a, scopes: [push], token_file: x}]}\n", "speaks for one host"),
        (LOCAL + "web: {tokens: [{name: a, scopes: [read], host: a, token_file: x}]}\n", "scope push alone"),
        (LOCAL + "owners: [{team: web}]\n", "it owns nothing"),
        (LOCAL + WAIVER, "waivers[0].match.reason: no reason is called wrong_bin; did you mean wrong_binary?"),
        (
            LOCAL + WAIVER.replace("reason: wrong_bin", "image: '*'"),
            "waivers[0].match: name a host, image, workload or reason",
        ),
        (
            LOCAL + WAIVER.replace("match: {reason: wrong_bin}", "finding_reason: wrong_bin"),
            "waivers[0].finding_reason: no reason",
        ),
        (
            LOCAL + WAIVER.replace("wrong_bin}", "tag_gone}, finding_reason: a"),
            "finding_reason: match.reason says it already",
        ),
        (LOCAL + "owners: [{team: '{{x}}', images: ['*']}]\n", "owners[0].team"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line_and_2(capsys, tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name, content, mode in (("id.pub", PUBLIC, 0o644), ("id", KEY, 0o600), ("empty", "", 0o600)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    if text is None:
        (tmp_path / "archscan.yml").mkdir()
    else:
        (tmp_path / "archscan.yml").write_text(text)
    code, out, err = ran(capsys, "scan")
    assert (code, out) == (2, ""), err
    assert len(err.splitlines()) == 1, err
    assert says in err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("store: {url: 'sqlite://a.db'}", "write sqlite:////path/to/archscan.db"),
        ("registries: {r.example: {ca_file: archscan.yml}}", "registries.r.example.ca_file: "),
        ("registries: {r.example: {ca_file: pipe}}", "pipe cannot be used: is not a regular file but a named pipe"),
        ("registries: {r.example: {cert_file: pipe, key_file: id}}", "registries.r.example.cert_file: "),
        (
            "registries: {r.example: {cert_file: archscan.yml, key_file: id}}",
            "no certificate, or no key, in PEM, or one behind a password",
        ),
        ("replicas: {ca_file: pipe}", "pipe: is not a regular file but a named pipe"),
    ],
)
def test_what_only_serve_would_trip_over_is_one_line_of_config_check(capsys, tmp_path, monkeypatch, more, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archscan.yml").write_text(f"{LOCAL}{more}\n")
    (tmp_path / "id").write_text(KEY)
    (tmp_path / "id").chmod(0o600)
    os.mkfifo(tmp_path / "pipe")
    code, out, err = ran(capsys, "config", "check")
    assert (code, out, err.count("\n"), says in err) == (2, "", 1, True), err


def test_of_all_that_is_missing_each_is_told_at_once(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    token = "{name: %s, scopes: [read], token_file: %s}"
    (tmp_path / "archscan.yml").write_text(
        "inventory: [{kind: ssh_config, path: config}, {kind: file_sd, files: [targets.json]}]\n"
        "ssh: {identity_file: id, known_hosts_file: known, identities: [{match: a, identity_file: id2}]}\n"
        "registries: {r.example: {username: a, password_file: password}, docker_config: config.json, certs_d: certs}\n"
        f"web: {{config_file: web.yml, tokens: [{token % ('a', 'token-a')}, {token % ('b', 'token-b')}]}}\n"
    )
    code, out, err = ran(capsys, "config", "check")
    missing = ("config", "targets.json", "id", "known", "id2", "password", "web.yml", "token-a", "token-b")
    assert (code, out) == (2, "")
    for name in missing:
        assert sum(f"{tmp_path}/{name}:" in line for line in err.splitlines()) == 1, (name, err)


IDLE = """
gate: {rules: [{match: "edge-*", survey: true}, {match: here, survey: true}], admission: {nodes: ["node-*"]}}
ssh: {jump: {"dmz-*": bastion.example}}
waivers:
- {owner: a, reason: b, until: 2020-01-31, match: {image: x}}
- {owner: a, reason: b, until: 2999-01-31, match: {host: web-*}}
- {owner: a, reason: b, until: 2999-01-31, match: {host: h*}}
- {owner: a, reason: b, until: 2999-01-31, host: db-*}
"""


def test_what_holds_for_nothing_is_told_and_refuses_nobody(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archscan.yml").write_text(LOCAL.replace("local}", "local, name: here}") + IDLE)
    code, out, err = ran(capsys, "config", "check")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "The configuration can be used, though not all of it does anything; hosts: 1, registries: 0.",
        "  gate.rules[0].match: fits no host of the inventory: edge-*",
        "  gate.admission.nodes[0]: fits no host of the inventory: node-*",
        "  ssh.jump.dmz-*: no host is called so",
        "  waivers[0]: ended on 2020-01-31; take it out, or answer for it until a later day",
        "  waivers[1].match.host: no host is called web-*",
        "  waivers[3].host: no host is called db-*",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{LOCAL}web: {{config_file: web.yml}}\n", "not a bcrypt hash"),
        (SSH % ("no_key", "known_hosts"), "no_key: cannot be read: No such file or directory"),
        ("inventory: [{kind: file_sd, files: [gone.json]}]\n" + KEYED, "gone.json: cannot be read"),
        (f"{LOCAL}registries: {{certs_d: gone}}\n", "gone"),
        (f"{LOCAL}trail: {{witnesses: [{{url: 'https://w.example', key: w}}]}}\n", "trail.witnesses[0].key"),
        (f"{LOCAL}cluster: {{scheduler: 'tls://h:1', ca_file: no, cert_file: no, key_file: no}}\n", "no: cannot"),
    ],
)
def test_a_service_that_cannot_start_leaves_nothing_behind(capsys, tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archscan.yml").write_text(f"{text}store: {{url: 'sqlite:///{tmp_path}/a.db'}}\n")
    (tmp_path / "web.yml").write_text("basic_auth_users: {ada: hunter2}\n")
    code, _, err = ran(capsys, "serve", "--web.listen-address", "127.0.0.1:0")
    assert (code, says in err) == (2, True), err
    assert {each.name for each in tmp_path.iterdir()} == {"archscan.yml", "web.yml"}


def test_an_inventory_without_any_host_is_said(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.json").write_text("[]")
    (tmp_path / "archscan.yml").write_text("inventory: [{kind: file_sd, files: [hosts.json]}]\n" + KEYED)
    (tmp_path / "id").write_text(KEY)
    (tmp_path / "id").chmod(0o600)
    (tmp_path / "known_hosts").write_text(f"web-1 {PUBLIC}")
    code, out, _ = ran(capsys, "config", "check")
    assert (code, "No source of the inventory has any host" in out) == (0, True)


@pytest.mark.usefixtures("commands")
def test_a_port_that_is_taken_is_one_line_before_anything_is_stored(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "archscan.yml").write_text(f"{LOCAL}store: {{url: 'sqlite:///{tmp_path}/a.db'}}\n")
        done = command.run("serve", "--web.listen-address", listen, cwd=tmp_path)
        shown = command.run("demo", "--port", listen.rpartition(":")[2], cwd=tmp_path)
    for said, option in ((done, "--web.listen-address"), (shown, "--port")):
        assert (said.returncode, said.stderr.count("\n")) == (2, 1), said.stderr
        assert f"in use: is another archscan running? Choose another port: {option}\n" in said.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["archscan.yml"]


@pytest.mark.parametrize(
    "words",
    [
        ("config", "check", "-c", "x\x1b]0;title\x07\x1b[31m.yml"),
        ("sc\x1b[31m\nan",),
        ("scan", "--format", "\x9b31m\u202e"),
    ],
)
def test_what_was_pasted_into_a_command_does_not_act_on_the_terminal(capsys, words):
    code, out, err = ran(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("archscan: ")
    assert err.count("\n") == 1
    assert err[:-1].isprintable()


def test_a_key_of_the_configuration_does_not_act_on_the_terminal(capsys, tmp_path):
    path = tmp_path / "c.yml"
    path.write_text('inventory: [{kind: local, name: b}]\nregistries: {"a\\u001b[31m\\u0000b": {}}\n')
    code, _, err = ran(capsys, "config", "check", "-c", str(path))
    assert code == 2
    assert err.rstrip("\n").isprintable()
