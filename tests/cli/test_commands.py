"""The commands as a shell sees them: output, exit codes, one line for what is wrong."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scanner.cli.findings.explain import _excerpts
from scanner.cli.options import PlainFormat
from scanner.cli.serving import rollback
from scanner.domain.verdict.explanation import explained_all
from scanner.errors import UsageError
from scanner.settings import Settings
from scanner.settings.json_schema import schema_of
from scanner.trail import note
from tests.real import command

pytestmark = pytest.mark.usefixtures("commands")

README = Path(__file__).parents[2] / "README.md"


def archscan(*words, folder=None, stdin="", **environment):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder or "/nonexistent"), "COLUMNS": "100", **environment}
    return command.run(*words, cwd=folder, stdin=stdin, env=env)


@pytest.mark.parametrize("words", [["--version"], ["explain", "-"], ["config", "check"], ["inventory"], ["frobnicate"]])
def test_a_command_that_python_starts_says_the_same_and_ends_the_same(words, config):
    env, said = {"PATH": "/usr/bin:/bin", "COLUMNS": "100"}, "exec /app: exec format error\n"
    begun = subprocess.run(
        [sys.executable, "-m", "scanner", *words], cwd=config.parent, input=said, capture_output=True, text=True,
        timeout=60, check=False, env=env,
    )  # fmt: skip
    done = command.run(*words, cwd=config.parent, stdin=said, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (begun.returncode, begun.stdout, begun.stderr)


@pytest.fixture
def key(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", tmp_path / "key"], check=True)
    (tmp_path / "known_hosts").write_text(
        "[127.0.0.1]:1 " + " ".join((tmp_path / "key.pub").read_text().split()[:2]) + "\n"
    )
    return tmp_path


CONFIG = """
inventory:
  - kind: static
    hosts: {web-1: {address: 127.0.0.1, port: 1, planned: ["registry.example/shop/api:1"]}}
ssh: {identity_file: key, known_hosts_file: known_hosts}
"""


@pytest.fixture
def config(key):
    file = key / "archscan.yml"
    file.write_text(CONFIG)
    return file


# ---------------------------------------------------------------- what an operator has to change


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scan"], "no configuration: name one with --config FILE"),
        (["scan", "--config", "nope.yml"], "nope.yml: cannot be read: No such file or directory"),
        (["serve", "--config", "nope.yml"], "nope.yml: cannot be read: No such file or directory"),
        (["scan", "--formt", "json"], "No such option: --formt"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["check", "nginx"], "name either hosts (--host PATTERN) or platforms (--platform OS/ARCH)"),
        (["check", "nginx", "--platform", "linux/foo"], "there are no hosts of platform linux/foo"),
        (["check", "UP PER", "--platform", "linux/amd64"], "'UP PER' is not an image reference"),
        (["check", "nginx", "--platform", "a", "--host", "b"], "name either hosts"),
        (["check", "--platform", "linux/amd64"], "name what is to be checked"),
        (
            ["check", "oci:x", "--server", "http://127.0.0.1:1", "--platform", "linux/amd64"],
            "is not sent images: oci:x has its layers on this machine",
        ),
        (["image", "http://registry.example/x"], "is not an image reference"),
        (["authorized-key"], "no ssh.identity_file is configured: name the configuration with --config FILE"),
        (
            ["authorized-key", "--config", "bare.yml"],
            "bare.yml: no ssh.identity_file is configured: name the private key",
        ),
        (["probe-script", "--sudoers", "--user", "root; id"], "not a login name"),
        (["probe-script", "--sudoers", "--path", "/tmp/a b"], "not a plain absolute path"),
    ],
)
def test_wrong_usage_is_one_line_on_stderr_and_exit_code_2(words, said, tmp_path):
    (tmp_path / "bare.yml").write_text("{}")
    done = archscan(*words, folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ssh: {conect_timeout: 5s}", "archscan.yml:5: ssh.conect_timeout: unknown key; did you mean connect_timeout?"),
        (
            "ssh: {identity_file: nope, known_hosts_file: known_hosts}",
            "nope: cannot be read: No such file or directory",
        ),
        ("ssh: {identity_file: key, known_hosts_file: nope}", "nope: cannot be read: No such file or directory"),
        ("ssh: {identity_file: key, known_hosts_file: empty}", "has no host key"),
        ("ssh: {identity_file: key, known_hosts_file: garbage}", "garbage:1: must read: host names, key type, key"),
        ("ssh: {identity_file: exposed, known_hosts_file: known_hosts}", "others may read it (mode 0644)"),
        ("ssh: [", "is not YAML"),
        ("", "ssh.identity_file: is required"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_said_with_its_place(change, said, key):
    (key / "empty").touch()
    (key / "garbage").write_text("garbage\n")
    (key / "exposed").write_bytes((key / "key").read_bytes())
    (key / "exposed").chmod(0o644)
    (key / "archscan.yml").write_text(
        CONFIG.replace("ssh: {identity_file: key, known_hosts_file: known_hosts}", change)
    )
    for words in (["scan"], ["config", "check"], ["serve"]):
        done = archscan(*words, folder=key)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr


def test_a_host_that_does_not_exist_is_refused_with_the_nearest_name(config):
    done = archscan("scan", "--host", "web-2", folder=config.parent)
    assert (done.returncode, done.stderr) == (2, "archscan: no host is named web-2; did you mean web-1?\n")


# ---------------------------------------------------------------- what a scan says


def test_a_host_that_is_down_is_unknown_and_exit_code_3(config):
    done = archscan("scan", "--format", "json", folder=config.parent)
    document = json.loads(done.stdout)
    assert done.returncode == 3
    assert [(h["name"], h["status"], h["reason"]) for h in document["hosts"]] == [("web-1", "failed", "host_refused")]
    assert [(f["status"], f["reason"]) for f in document["findings"]] == [("unknown", "host_refused")]


def test_a_good_configuration_is_said_to_be_good(config):
    done = archscan("config", "check", folder=config.parent)
    assert (done.returncode, done.stdout) == (0, "The configuration is good; hosts: 1, registries: 0.\n")


def test_a_plan_directory_is_checked_with_the_configuration_and_scanned_with_the_fleet(config):
    folder = config.parent
    config.write_text(CONFIG + "plans: {directory: fleet}\n")
    (folder / "fleet" / "web-1").mkdir(parents=True)
    (folder / "fleet" / "web-1" / "images.txt").write_text("registry.example/shop/log:1\n")
    assert archscan("config", "check", folder=folder).returncode == 0
    (folder / "fleet" / "web-7").mkdir()
    (folder / "fleet" / "web-1" / "compose.yml").write_text("services: [")
    done = archscan("config", "check", folder=folder)
    assert done.returncode == 2
    assert "the folder web-7 is for no host: no host is named web-7; did you mean web-1?" in done.stderr
    assert "web-1/compose.yml: not YAML" in done.stderr
    done = archscan("scan", "--format", "json", folder=folder)
    assert {(f["workload"], f["reason"]) for f in json.loads(done.stdout)["findings"]} == {
        ("registry.example/shop/api:1", "host_refused"),
        ("registry.example/shop/log:1", "host_refused"),
        ("web-1/compose.yml", "part_incomplete"),
    }
    assert "plan_problem" in done.stderr


def test_a_scan_says_who_answers_for_what_by_the_settings(config):
    """A waiver that has ended, or is for another image, answers for nothing."""
    for until, image, waived in (
        ("2999-01-31", "*/api:*", "2999-02-01T00:00:00.000Z"),
        ("2020-01-31", "*/api:*", None),
        ("2999-01-31", "*/web:*", None),
    ):
        config.write_text(f"{CONFIG}waivers: [{{owner: a, reason: b, until: {until}, match: {{image: '{image}'}}}}]\n")
        document = json.loads(archscan("scan", "--format", "json", folder=config.parent).stdout)
        assert [finding["waived_until"] for finding in document["findings"]] == [waived]


def test_the_check_of_a_configuration_counts_plan_files_and_lists_them_when_asked(config):
    folder = config.parent
    config.write_text(CONFIG + "plans: {directory: fleet}\n")
    for name, text in {"images.txt": "r.example/a:1", "values.yaml": "a: b", "README.md": "words"}.items():
        (folder / "fleet" / "web-1" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "fleet" / "web-1" / name).write_text(text)
    good, counted = (
        "The configuration is good; hosts: 1, registries: 0.\n",
        "Plan files: 1 planned, 0 with gaps, 2 no plan.\n",
    )
    done = archscan("config", "check", folder=folder)
    assert (done.returncode, done.stdout) == (0, good + counted)
    done = archscan("config", "check", "--verbose", folder=folder)
    listed = "no plan  web-1/README.md\nplanned  web-1/images.txt\nno plan  web-1/values.yaml\n"
    assert (done.returncode, done.stdout) == (0, good + counted + listed)
    (folder / "fleet" / "web-1" / "compose.yml").write_text("services: [")
    done = archscan("config", "check", "--verbose", folder=folder)
    assert done.returncode == 2
    assert "Plan files: 1 planned, 1 with gaps, 2 no plan.\n" in done.stdout
    assert "gap      web-1/compose.yml\n" in done.stdout
    assert "web-1/compose.yml: not YAML" in done.stderr
    (folder / "known_hosts").write_text("# none yet\n")
    done = archscan("config", "check", "--verbose", folder=folder)
    assert "known_hosts: has no host key" in done.stderr
    assert "web-1/compose.yml: not YAML" in done.stderr
    assert "gap      web-1/compose.yml\n" in done.stdout


def test_the_inventory_is_shown_without_contacting_anybody(config):
    done = archscan("inventory", "--format", "json", folder=config.parent)
    [host] = json.loads(done.stdout)
    assert (done.returncode, host["name"], host["port"]) == (0, "web-1", 1)


def test_the_configuration_may_be_named_by_the_environment(config, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = archscan("inventory", folder=elsewhere, ARCHSCAN_CONFIG=str(config))
    assert done.returncode == 0
    assert "127.0.0.1:1" in done.stdout


# ---------------------------------------------------------------- the demonstration


def test_the_demonstration_finds_what_it_hides_and_exits_1():
    done = archscan("demo", "--once")
    assert done.returncode == 1
    for word in ("wrong_platform", "wrong_binary", "platform_missing", "crlf_shebang", "image_tag_missing", "emulated"):
        assert word in done.stdout
    shown = README.read_text(encoding="utf-8").partition("$ archscan demo --once\n")[2].partition("```")[0]
    findings = shown.partition("\n\n")[2].splitlines()
    said = " ".join(re.sub(r"127\.0\.0\.1:\d+", "registry:5000", re.sub(r" in [\d.]+ s", "", done.stdout)).split())
    told = [" ".join(re.sub(r"^ +\d  | in [\d.]+ s", "", line).split()) for line in findings]
    assert len(told) > 10
    only_narrow = ("host linux/", "…")  # what a terminal of 80 columns has instead of the columns
    assert [line for line in told if not line.startswith(only_narrow) and line not in said] == []


def test_the_demonstration_as_json_counts_every_workload_once():
    document = json.loads(archscan("demo", "--once", "--format", "json").stdout)
    assert document["schema"] == "archscan/v1"
    summary = document["summary"]
    statuses = ("ok", "emulated", "degraded", "mismatch", "broken", "unknown")
    assert sum(summary[status] for status in statuses) == summary["workloads"] == len(document["findings"])
    assert {status: summary[status] for status in statuses} == {
        "ok": 5, "emulated": 1, "degraded": 0, "mismatch": 4, "broken": 1, "unknown": 1,
    }  # fmt: skip


def test_the_demonstration_as_junit_has_failures_and_errors():
    suite = ET.fromstring(archscan("demo", "--once", "--format", "junit").stdout).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("12", "5", "1")


def test_the_demonstration_as_sarif_names_the_rules_it_found():
    document = json.loads(archscan("demo", "--once", "--format", "sarif").stdout)
    rules = [rule["id"] for rule in document["runs"][0]["tool"]["driver"]["rules"]]
    assert "wrong_binary" in rules
    assert {result["ruleId"] for result in document["runs"][0]["results"]} == set(rules)


def test_fail_on_decides_what_makes_a_command_fail():
    assert archscan("demo", "--once", "--fail-on", "never").returncode == 3


# ---------------------------------------------------------------- set-up, help, errors explained


def test_the_probe_script_is_the_very_file_that_hosts_run():
    done = archscan("probe-script")
    assert done.stdout.startswith("#!/bin/sh\n")
    checked = subprocess.run(["sh", "-n"], input=done.stdout, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_authorized_key_line_restricts_the_key_to_the_probe(config):
    done = archscan("authorized-key", "--from", "10.0.0.5", folder=config.parent)
    assert done.stdout.startswith(
        'restrict,from="10.0.0.5/32",command="sudo -n /usr/local/libexec/archscan-probe" ssh-ed25519 '
    )


def test_the_schema_that_editors_check_by_is_printed():
    done = archscan("config", "schema")
    assert json.loads(done.stdout) == schema_of(Settings)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_is_explained_from_an_argument_or_from_stdin():
    said = archscan("explain", "exec /app: exec format error")
    piped = archscan("explain", "-", stdin="exec /app: exec format error\n")
    assert said.stdout == piped.stdout
    assert said.stdout.startswith("exec_format_error (mismatch)")
    labels = [line.split(":")[0].strip() for line in said.stdout.splitlines() if re.match(r"  [a-z ]+:", line)]
    assert labels == ["said", "means", "said by", "confirm", "cure"]
    assert "docker buildx build --platform linux/amd64,linux/arm64" in said.stdout
    assert archscan("explain", "failed: port is already allocated").stdout.endswith(
        "something else: a port is in use.\n"
    )
    assert (said.returncode, archscan("explain", "all is well").returncode) == (0, 0)
    assert archscan("explain", "exec /app: exec format error " * 20).stdout.startswith("exec_format_error")
    late = archscan("explain", "-", stdin="all is well\n" * (1 << 18) + "exec /app: exec format error\n")
    assert late.stdout == said.stdout, "a container that does not start says so at the end of its log"
    lines = "\r\n".join(("all is w\u2026ll \u2713", *["-" * 1000] * 2000, "exec /app: exec format error", ""))
    for written in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):  # as PowerShell or an editor keeps it
        log = io.BytesIO(lines.encode(written))
        assert "exec_format_error" in {one.reason for one in explained_all(_excerpts(log))}, written
    with pytest.raises(UsageError, match=r"is packed: zcat FILE \| archscan explain -"):
        list(_excerpts(io.BytesIO(gzip.compress(lines.encode()))))
    nothing = archscan("explain", "-", stdin="\n")
    assert (nothing.returncode, nothing.stderr.startswith("archscan: there is nothing to explain")) == (2, True)


@pytest.mark.parametrize(
    "name",
    [
        "scan",
        "check",
        "compose",
        "gate-snippet",
        "image",
        "explain",
        "serve",
        "demo",
        "inventory",
        "probe-script",
        "authorized-key",
        "config check",
        "config schema",
        "readiness",
        "findings",
        "waivers list",
        "waivers add",
        "waivers delete",
        "overrides list",
        "overrides add",
        "overrides delete",
        "top",
        "worker",
        "rollback",
        "rollback-agent",
        "rollback-script",
    ],
)
def test_every_command_teaches_itself_with_an_example(name):
    done = archscan(*name.split(), "--help")
    assert done.returncode == 0
    assert "Example: " in done.stdout
    assert not re.search(r"<(str|int|float|list|bool|path)|\[\[|\{[A-Z]", done.stdout), "in words of Python's"


def test_texts_for_hosts_are_printed_beside_a_file_that_is_no_configuration(tmp_path):
    (tmp_path / "archscan.yml").write_text("- hosts: all\n")
    (tmp_path / "key.pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6aSmwvcnUuxrxjDxrccogvMhXiCUzhTwllbcw1QGq4\n"
    )
    for words in ([], ["--sudoers"], ["--prepare", "key.pub"]):
        done = archscan("rollback-script", *words, folder=tmp_path)
        assert (done.returncode, "archscan-rollback" in done.stdout) == (0, True), done.stderr


# ---------------------------------------------------------------- inventories of others

FOREIGN = """
inventory:
  - {kind: ansible, path: hosts}
  - {kind: static, hosts: {local-1: {local: true}, web-1: {planned: ["registry.example/shop/api:1"]}}}
ssh: {identity_file: key, known_hosts_file: known_hosts, connect_timeout: 1s}
registries: {only_listed: true}
"""


@pytest.fixture
def foreign(key):
    (key / "archscan.yml").write_text(FOREIGN)
    (key / "hosts").write_text(
        "[web]\nweb-1 ansible_host={{vault_address}}\n[here]\nlocal-1 ansible_connection=local\n"
        "[win]\nwin-1 ansible_connection=winrm\n"
    )
    return key


def test_one_odd_host_costs_itself_and_is_named_in_every_format(foreign):
    problem = f"{foreign}/hosts:2: ansible_host is a template, which only Ansible can evaluate: '{{{{vault_address}}}}'"
    found = json.loads(archscan("scan", "--format", "json", folder=foreign).stdout)
    hosts = {host["name"]: (host["status"], host["reason"]) for host in found["hosts"]}
    assert hosts == {"web-1": ("failed", "host_not_understood"), "local-1": ("ok", None)}
    planned = [finding for finding in found["findings"] if finding["host"] == "web-1"]
    assert [(finding["status"], finding["reason"]) for finding in planned] == [("unknown", "host_not_understood")]
    assert problem in planned[0]["detail"]
    for form in ("table", "junit", "sarif"):
        done = archscan("scan", "--format", form, folder=foreign)
        assert done.returncode == 3
        assert "vault_address" in done.stdout
        assert "hosts:2" in done.stdout
        assert "win-1" not in done.stdout


def test_skipped_hosts_leave_nothing_unknown(foreign):
    (foreign / "hosts").write_text("local-1 ansible_connection=local\nwin-1 ansible_connection=winrm\n")
    (foreign / "archscan.yml").write_text(FOREIGN.split("  - {kind: static", maxsplit=1)[0] + FOREIGN.partition("ssh:")[1] + FOREIGN.partition("ssh:")[2])  # fmt: skip
    done = archscan("config", "check", folder=foreign)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "The configuration is good; hosts: 1, registries: 0.",
        "Skipped, since their own inventory says that they are none of ours: 1.",
        f"  win-1: its connection is winrm ({foreign}/hosts:2)",
    ]


def test_config_check_lists_who_is_not_understood_and_who_is_skipped(foreign):
    done = archscan("config", "check", folder=foreign)
    assert done.returncode == 3
    template = "ansible_host is a template, which only Ansible can evaluate: '{{vault_address}}'"
    assert done.stdout.splitlines() == [
        "The configuration is good; hosts: 2, registries: 0.",
        "Not understood, so that nothing is known of them: 1.",
        f"  web-1: {foreign}/hosts:2: {template} (host web-1)",
        "Skipped, since their own inventory says that they are none of ours: 1.",
        f"  win-1: its connection is winrm ({foreign}/hosts:6)",
    ]
    listed = archscan("inventory", folder=foreign)
    assert listed.returncode == 0
    assert "(not understood)" in listed.stdout


def test_a_key_of_the_trail_is_made_without_any_configuration(tmp_path):
    (tmp_path / "archscan.yml").write_text("no configuration")
    made = archscan("trail", "key", "fleet.example/a", folder=tmp_path)
    assert (made.returncode, str(note.parse_signer(made.stdout.strip()).verifier)) == (0, made.stderr.strip())


def test_what_a_server_says_of_a_rollback_stays_on_its_line_of_the_terminal(capsys):
    made = dict.fromkeys(
        ("id", "workload", "host", "manager", "engine", "from_digest", "to_digest", "verdict", "detail"),
        "a\x1b]0;b\x07\n\u202ec",
    )
    rollback._show(
        made | {"state": "done", "evidence": ["e\rf"], "touches": [], "cautions": [], "commands": ["run 'a  b'"]},
        PlainFormat.TABLE,
    )
    told = capsys.readouterr().out
    assert "a c on a c" in told
    assert "  to       a c\n" in told
    assert "    run 'a  b'\n" in told
    assert all(line.isprintable() for line in told.split("\n"))
