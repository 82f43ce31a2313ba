"""Every command that a runbook, an alert or a page tells somebody to type is one that archscan understands."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from scanner.cli import WrongUsage, build
from tests.rows import each_row

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RULES = yaml.safe_load((ROOT / "config" / "prometheus" / "rules" / "archscan.yml").read_text())
COMMAND = re.compile(
    r"\barchscan (?:scan|check|image|explain|inventory|probe-script|authorized-key|trail|rollback|config|serve|demo)\b.*"
)


def commands_of_page(text: str) -> set[str]:
    """What stands in code blocks and between backticks."""
    blocks = [
        line for block in re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return {found[0] for line in (*blocks, *inline) if (found := COMMAND.search(line))}


def commands_of_alerts() -> set[str]:
    """What stands in ``fix``, each template expression replaced by a word."""
    texts = [rule["annotations"]["fix"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
    pieces = [
        piece
        for text in texts
        for piece in re.split(r"[;\n]|, (?=then)|\{\{-? (?:else|end)", re.sub(r"\{\{ ?\$\w+ ?\}\}", "WORD", text))
    ]
    plain = [re.sub(r"\{\{.*?\}\}", "WORD", piece) for piece in pieces]
    return {found[0] for piece in plain if (found := COMMAND.search(piece))}


TOLD = sorted({command for page in PAGES for command in commands_of_page(page.read_text())} | commands_of_alerts())


def words_of(command: str) -> list[str]:
    """The words up to a comment, a pipe or a redirection."""
    words = shlex.split(command, comments=True)
    ends = [n for n, word in enumerate(words) if word[0] in "|><&" or word.endswith(";")]
    return words[1 : ends[0]] if ends else words[1:]


def test_there_are_commands():
    assert len(TOLD) > 10


def refusal(told: str) -> str:
    """Why archscan does not understand a command, empty if it does."""
    command, words = typer.main.get_command(build(lambda: "0")), words_of(told)
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    try:
        command.make_context("archscan", words).close()
    except WrongUsage as error:
        missing = "Missing argument"  # prose may name a command without what it is asked about
        return "" if error.format_message().startswith(missing) else error.format_message()
    return ""


@each_row("told", TOLD)
def test_a_told_command_is_understood(told):
    assert refusal(told) == ""


@pytest.mark.parametrize("told", ["archscan trial show", "archscan scan --hots x", "archscan config chek"])
def test_a_command_that_is_none_is_refused(told):
    assert refusal(told)
