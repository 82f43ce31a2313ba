"""What env prints to a grep for one variable, id of a user by name; remarks between backquotes."""

import pytest

from scanner.binary.program.shell.following import AtRunTime
from scanner.binary.program.shell.state import ShellKind
from tests.binary.program.shell.test_following import follow, reached

THERE = dict.fromkeys(["/usr/bin/a", "/usr/bin/b", "/usr/bin/env"], "x")
OF_A_FILE = """set -eu
setting() {
  local name="$1" from="${1}_FILE"
  local given=$(env | grep -E "^${name}=" | sed -E -e "s/^${name}=//")
  local named=$(env | grep -E "^${from}=" | sed -E -e "s/^${from}=//")
  if [ -n "${given}" ] && [ -n "${named}" ]; then exit 1; fi
  if [ -n "${given}" ]; then export "$name"="${given}"; elif [ -n "${named}" ]; then export "$name"="$(cat "${named}")"; fi
  unset "$from"
}
for each in USER_NAME PASSWORD DATABASE HOST PORT PREFIX; do setting $each; done
exec a "${PASSWORD-none}"
"""


@pytest.mark.parametrize(("env", "leads"), [({}, "none"), ({"PASSWORD": "p"}, "p"), ({"HOST": "h"}, "none")])
def test_settings_that_a_script_looks_up_by_env_and_grep_leave_one_way(env, leads):
    assert reached(follow(OF_A_FILE, env=env, files=THERE)) == (("a", leads),)


def test_a_variable_whose_value_spans_lines_may_hold_the_line_of_another():
    text = 'X="$(env | grep ^FOO=)"; exec a "$X"'
    assert reached(follow(text, env={"FOO": "f"}, files=THERE)) == (("a", "FOO=f"),)
    endings = reached(follow(text, env={"FOO": "f", "BAR": "a\nFOO=x"}, files=THERE))
    assert endings != (("a", "FOO=f"),)


@pytest.mark.parametrize("name", ["HOME", "HOSTNAME", "PATH", "PWD"])
def test_nothing_is_said_of_variables_that_the_engine_or_a_shell_sets(name):
    text = f'if [ -n "$(env | grep ^{name}=)" ]; then exec a; fi; exec b'
    assert set(reached(follow(text, files=THERE))) == {("a",), ("b",)}


def test_nothing_is_said_of_variables_that_nobody_told():
    text = 'if [ -n "$(env | grep ^FOO=)" ]; then exec a; fi; exec b'
    assert set(reached(follow(text, files=THERE, env_known=False))) == {("a",), ("b",)}


@pytest.mark.parametrize("text", ["exec gosu $(id -u redis):$(id -g redis) a", "U=$(id -u redis); exec gosu $U:$U a"])
def test_a_program_is_followed_behind_the_number_of_a_user_that_the_image_has(text):
    assert reached(follow(text, files=THERE)) == (("gosu", "990:990", "a"),)


def test_the_number_of_a_user_that_the_script_makes_is_not_known():
    assert reached(follow("id -u nobody-here || exec a; exec b", files=THERE)) == (("a",),)
    endings = follow("adduser -D new; id -u new || exec a; exec b", files=THERE)
    assert {("a",), ("b",)} <= {each for each in reached(endings) if not isinstance(each, AtRunTime)}


@pytest.mark.parametrize("kind", [ShellKind.BASH, ShellKind.DASH, ShellKind.ASH])
def test_a_remark_between_backquotes_is_nothing(kind):
    text = 'cat x \\\n `# drop the "first"` \\\n | grep y \\\n `# count` \\\n | wc -l\nexec a `# at last` z\n'
    assert reached(follow(text, files=THERE | {"/x": "y"}, kind=kind)) == (("a", "z"),)
