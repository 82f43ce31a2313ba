"""What was typed for nothing is refused: an option that does nothing beside the others reads as if it had been obeyed."""

from __future__ import annotations

import pytest
import typer

from scanner import cli
from scanner.app.main import _operations
from scanner.cli import idle_options
from tests.rows import each_row

REFUSED = {
    "scan --every 5": "--every does nothing without --watch: add it, or leave this out",
    "scan --token-file t": "--token-file does nothing without --server",
    "scan --server http://127.0.0.1:1 -c a.yml": "--config does nothing beside --server (or ARCHSCAN_SERVER)",
    "scan --server http://127.0.0.1:1 --log.level debug": "--log.level does nothing beside --server",
    "scan --quiet --format json": "--format does nothing beside --quiet, which writes nothing: add --output FILE",
    "scan --quiet --all": "--all does nothing beside --quiet",
    "scan --all --format sarif": "--all does nothing beside --format sarif, which tells of trouble alone",
    "scan --watch --format json": "--format does nothing beside --watch, which shows what changes, as a table",
    "scan --watch --quiet": "--quiet does nothing beside --watch",
    "scan --watch --fail-on never": "--fail-on does nothing beside --watch",
    "scan --diff --all": "--all does nothing beside --diff",
    "scan --against r.json --all": "--all does nothing beside --against",
    "check a --platform linux/amd64 --token-file t": "--token-file does nothing without --server",
    "check a --platform linux/amd64 --pin --format json": "--format does nothing beside --pin, which prints digests alone",
    "check a --platform linux/amd64 --pin -o f": "--output does nothing beside --pin",
    "check a --platform linux/amd64 --server http://127.0.0.1:1 -c a.yml": "--config does nothing beside --server",
    "why a b --token-file t": "--token-file does nothing without --server",
    "image a --token-file t": "--token-file does nothing without --server",
    "image a --server http://127.0.0.1:1 --log.format json": "--log.format does nothing beside --server",
    "readiness --to linux/arm64 --token-file t": "--token-file does nothing without --server",
    "findings --all --status mismatch": "--all does nothing beside --status, which shows that status alone",
    "top --once --every 3": "--every does nothing beside --once",
    "top --every 3": "--every does nothing where stdout is no terminal",
    "trust a --yes --fingerprint SHA256:x": "--yes does nothing beside --fingerprint",
    "demo --once --port 80": "--port does nothing beside --once, which serves nothing",
    "demo --format json": "--format does nothing without --once",
    "demo --fail-on never": "--fail-on does nothing without --once",
    "trail show --checkpoint --last 3": "--last does nothing beside --checkpoint",
    "trail show --token-file t": "--token-file does nothing without --server",
    "trail verify --days 3": "--days does nothing without --against-prometheus",
    "trail verify --proof p --since c": "--since does nothing beside --proof",
    "rollback --confirm 1 --dry-run": "--dry-run does nothing beside --confirm",
    "rollback a b --confirm 1": "--confirm names a plan, which knows its workload: archscan rollback --confirm 1",
    "rollback a b --dry-run --server http://a": "--server does nothing beside --dry-run",
    "rollback a b --accept-cautions": "--accept-cautions does nothing without --confirm",
    "rollback-script --prepare k --sudoers": "--sudoers does nothing beside --prepare",
    "rollback-script --from 10.0.0.1": "--from does nothing without --prepare",
    "rollback-script --user a": "--user does nothing without --sudoers or --prepare",
    "probe-script --path /a": "--path does nothing without --sudoers",
    "inventory --check --format json": "--format does nothing beside --check, which prints a table",
    "config check --verbose --config local.yml": "--verbose lists the files of plans.directory, which the configuration",
    "setup push a --server http://a --as root": "--as does nothing for setup push, which reads and writes nothing here",
    "setup push a --server http://a -c a.yml": "--config does nothing for setup push",
    "explain x --log.level debug": "No such option: --log.level",
}  # fmt: skip


@each_row("words, says", REFUSED.items())
def test_what_would_do_nothing_is_refused_with_what_it_wants(words, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "local.yml").write_text("inventory: [{kind: local}]\n")
    code = cli.run(_operations, lambda: "0", words.split())
    said = capsys.readouterr()
    assert (code, says in said.err, said.err.count("\n")) == (2, True, 1), said.err


@pytest.mark.parametrize(
    "words", [("scan", "--diff", "--watch"), ("findings", "--all"), ("trail", "show", "--last", "3")]
)
def test_what_only_the_surroundings_say_is_no_mistake(words, capsys, monkeypatch, tmp_path):
    """Variables are set once for every command, also for those that one of them does not concern."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHSCAN_TOKEN_FILE", "no-such-file")
    monkeypatch.setenv("ARCHSCAN_CONFIG", "no-such.yml")
    cli.run(_operations, lambda: "0", words)
    assert "does nothing" not in capsys.readouterr().err


def test_every_rule_is_about_options_that_its_command_has():
    commands = dict(_commands(typer.main.get_command(cli.build(lambda: "")), ()))
    for name, rules in idle_options.RULES.items():
        known = {option for param in commands[name].params for option in param.opts}
        named = {one for rule in rules for one in (*rule.idle, rule.beside, *rule.needs, rule.unless) if one}
        assert named <= known, name
    for name, command in commands.items():
        server = {param.opts[0]: param for param in command.params}
        if (
            "--token-file" in server and server["--server"].default is None and name != "rollback"
        ):  # its settings name both
            assert set(idle_options._ASKED) <= set(idle_options.RULES[name]), name


def _commands(group, before):
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        yield from _commands(command, (*before, name)) if inner else [(" ".join((*before, name)), command)]
