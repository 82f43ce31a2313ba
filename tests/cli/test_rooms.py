"""Commands stand where the table says, one waits for no other."""

import subprocess
import sys
from importlib import import_module

import typer

from scanner.cli import rooms


def test_each_room_registers_the_names_that_the_table_says():
    for room, names in rooms.ROOMS.items():
        app = typer.Typer()
        import_module(f"scanner.cli.{room}").register(app)
        assert tuple(each.name for each in [*app.registered_commands, *app.registered_groups]) == names


def test_a_command_imports_no_other_ones_room():
    code = (
        "import sys; from scanner import cli; code = cli.run(lambda: None, lambda: '0', ['explain', 'exec format error'])"
        "; print(code, sorted(name for name in sys.modules if name.startswith('scanner.cli.') and 'findings.' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "0 ['scanner.cli.findings.explain']"


def test_a_word_that_is_no_command_is_answered_with_the_nearest_of_all(capsys):
    from scanner import cli  # noqa: PLC0415 -- after the process above, which counts imports

    assert cli.run(lambda: None, lambda: "0", ["scna"]) == 2
    assert "Did you mean 'scan'?" in capsys.readouterr().err


def test_the_list_of_commands_is_the_same_whoever_asks_for_it(capsys):
    from scanner import cli  # noqa: PLC0415 -- as above

    said = []
    for words in (["--help"], ["-h"], []):
        cli.run(lambda: None, lambda: "0", words)
        said.append("".join(capsys.readouterr()).strip())
    assert said[0] == said[1] == said[2]
    assert all(f"\n  {name} " in said[0] for names in rooms.ROOMS.values() for name in names)
