"""Every command that a runbook, an alert or a page tells somebody to type is one that archscan understands."""

import errno
import io
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from scanner import cli
from scanner.cli import WrongUsage, build
from scanner.errors import UsageError
from tests.rows import each_row

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RULES = yaml.load((ROOT / "config" / "prometheus" / "rules" / "archscan.yml").read_text(), yaml.CSafeLoader)
ROOT_COMMAND = typer.main.get_command(build(lambda: "0"))
COMMAND = re.compile(rf"\barchscan (?:{'|'.join(ROOT_COMMAND.commands)})(?![\w-]).*")


def lines_of(text: str) -> list[str]:
    """What stands in the code blocks of a page."""
    return [
        line for block in re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]


def commands_of_page(text: str) -> set[str]:
    """What stands in code blocks and between backticks."""
    blocks = lines_of(text)
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
    command, words = ROOT_COMMAND, words_of(told)
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    try:
        command.make_context("archscan", words).close()
    except typer.Exit:
        return ""
    except WrongUsage as error:
        missing = ("Missing argument", "Usage:")  # prose may name a command without what it is asked about, or a group
        return "" if error.format_message().startswith(missing) else error.format_message()
    return ""


@each_row("told", TOLD)
def test_a_told_command_is_understood(told):
    assert refusal(told) == ""


@pytest.mark.parametrize("told", ["archscan trial show", "archscan scan --hots x", "archscan config chek"])
def test_a_command_that_is_none_is_refused(told):
    assert refusal(told)


# ---------------------------------------------------------------- what is shown as an example is run


def every_command(command=ROOT_COMMAND):
    """Each command, those of groups too."""
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from every_command(inner)


def examples_of_help() -> set[str]:
    """What stands behind ``Example:`` in a command's help; several stand behind semicolons."""
    told = [re.search(r"Example: (.*)", command.help or "", re.DOTALL) for command in every_command()]
    texts = [" ".join(found[1].split("\n\n")[0].split()) for found in told if found]
    return {found[0] for text in texts for piece in re.split(r"; ", text) if (found := COMMAND.search(piece))}


SHOWN = sorted(
    {found[0] for page in PAGES for line in lines_of(page.read_text()) if (found := COMMAND.search(line))}
    | examples_of_help()
)


class Reached(Exception):  # noqa: N818 -- no error: this is how far a test goes
    """A command has refused nothing of what was typed, and turns to what it asks."""


class NoOperations:
    """Operations that none of them gets to."""

    def __getattr__(self, name):
        raise Reached(name)


def run(told: str) -> str:
    """Why a command refuses what was typed before it asks anything of anybody; empty where it does not."""
    try:
        ROOT_COMMAND.main(args=words_of(told), prog_name="archscan", obj=NoOperations, standalone_mode=False)
    except (Reached, typer.Exit):
        return ""
    except (WrongUsage, UsageError) as error:
        return f"{told}: {error}"
    return ""


def test_each_example_of_help_and_pages_is_taken_as_it_is_typed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"exec /app: exec format error\n")))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host web-1\n")
    (tmp_path / "compose.yml").write_text("services: {api: {image: registry.example/shop/api:1.5}}\n")
    assert len(SHOWN) > 60
    assert [said for told in SHOWN if (said := run(told))] == []
    capsys.readouterr()


def test_an_example_that_a_command_refuses_is_found():
    assert "--format does nothing beside --watch" in run("archscan scan --watch --format json")


ENDS = [
    (KeyboardInterrupt(), 130, ""),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
    (OSError(errno.ENOSPC, "No space left on device"), 2, "archscan: the output cannot be written"),
]
"""What may come over a command while it works, its exit code, what it says."""


@pytest.mark.parametrize(("met", "code", "says"), ENDS, ids=["SIGINT", "SIGPIPE", "full"])
def test_whatever_comes_over_a_command_ends_it_with_its_code(tmp_path, monkeypatch, capsys, met, code, says):
    class Ended:
        def __getattr__(self, name):
            raise met

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_drop_output", lambda: None)
    worked = {}
    for told in sorted(examples_of_help()):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"exec /app: exec format error\n")))
        (tmp_path / "archscan.yml").unlink(missing_ok=True)  # an example of setup may have made it
        ended = cli.run(Ended, lambda: "0", words_of(told))
        if ended != 0 and "no hosts were found" not in (said := capsys.readouterr().err):
            worked[told] = (ended, says in said)
    assert len(worked) > 20
    assert {told: found for told, found in worked.items() if found != (code, True)} == {}
