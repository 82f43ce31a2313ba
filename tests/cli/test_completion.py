"""What a shell offers after a tab."""

import pytest

from scanner import cli
from scanner.app.main import _operations
from scanner.store.store import Store
from tests.real import command
from tests.web.fleets import fleet_of

pytestmark = pytest.mark.usefixtures("commands")

INVENTORY = """
inventory:
  - kind: static
    hosts: {web-1: {local: true}, web-2: {local: true}, db-1: {local: true}}
"""


def offered(words, folder):
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(folder), "_ARCHSCAN_COMPLETE": "complete_bash",
        "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1),
    }  # fmt: skip
    done = command.run(cwd=folder, env=environment)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("archscan readi", ["readiness"]),
        ("archscan scan --host we", ["web-1", "web-2"]),
        ("archscan findings --reason exec_", ["exec_format_error"]),
        ("archscan why web-", ["web-1", "web-2"]),
        ("archscan check nginx --platform linux/arm/", ["linux/arm/v6", "linux/arm/v7"]),
    ],
)
def test_a_tab_offers_commands_hosts_platforms_and_reasons(words, expected, tmp_path):
    (tmp_path / "archscan.yml").write_text(INVENTORY)
    assert offered(words, tmp_path) == expected


async def test_a_tab_offers_the_images_of_the_last_scan(tmp_path):
    url, report = f"sqlite:///{tmp_path}/archscan.db", fleet_of(10)
    store = await Store.open(url)
    await store.save(report)
    await store.close()
    (tmp_path / "archscan.yml").write_text(f"{INVENTORY}store: {{url: '{url}'}}\n")
    known = {finding.workload.image for finding in report.findings}
    wanted = sorted(image for image in known if image.startswith("ghcr.io/"))
    for words in ("archscan image ghcr.io/", "archscan check nginx ghcr.io/"):
        assert offered(words, tmp_path) == wanted != []


def test_without_a_configuration_no_host_is_offered_and_nothing_is_said(tmp_path):
    assert offered("archscan scan --host we", tmp_path) == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--show-completion", "zsh"), 0, "#compdef archscan"),
        (("--show-completion", "zsh"), 0, '= _archscan ]; then\n  _archscan_completion "$@"\nfi'),
        (("--show-completion",), 2, "archscan: --show-completion: write one of bash, zsh, fish\n"),
        (("--show-completion", "tcsh"), 2, "archscan: --show-completion tcsh: write one of bash, zsh, fish\n"),
        (("--install-completion", "fish"), 0, "/.config/fish/completions/archscan.fish is written"),
    ],
)
def test_another_shell_than_ones_own_is_taught_by_its_name(words, code, says, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("typer._completion_shared._get_shell_name", lambda: None)
    assert cli.run(_operations, lambda: "0", words) == code
    assert says in "".join(capsys.readouterr())
