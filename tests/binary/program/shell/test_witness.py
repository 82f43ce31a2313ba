"""Where a script leads, against what dash, bash and busybox really start."""

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.binary.program.shell.following import AtRunTime
from tests.binary.program.shell import witness
from tests.binary.program.shell.scripts import SCRIPTS
from tests.binary.program.shell.unseen import UNSEEN

MOST_AT_RUN_TIME = 0.16
"""Of the table, over all shells: half of it are scripts that only bash reads, asked of the two others."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return witness.build(tmp_path_factory.mktemp("image"))


def told(shell, text, arguments, root):
    text = text.replace("@/", f"{root}/")
    script = root / "entry.sh"
    script.write_text(text)
    endings = witness.interpret(shell, text, script, arguments, root)
    traced = witness.run(shell, script, arguments, root)
    shutil.rmtree(root / "made", ignore_errors=True)  # all that the scripts make
    (root / "made").unlink(missing_ok=True)
    (root / "srv/conf").unlink(missing_ok=True)
    return endings, traced


@pytest.mark.parametrize("shell", witness.SHELLS)
def test_each_script_leads_where_the_real_shell_goes(root, shell):
    wrong, open_ones = [], 0
    for text, *arguments in SCRIPTS:
        endings, traced = told(shell, text, arguments, root)
        open_ones += any(isinstance(ending, AtRunTime) for ending in endings)
        if not witness.holds(endings, traced):
            wrong.append(f"{text!r} {arguments}: {witness.brief(endings)}, really {traced}")
    print(f"{shell}: {open_ones} of {len(SCRIPTS)} at run time")
    assert not wrong, "\n".join(wrong)
    assert open_ones <= MOST_AT_RUN_TIME * len(SCRIPTS)
    assert len(SCRIPTS) >= 150


WORDS = st.sampled_from([
    "a", '"$1"', "$1", '"$@"', "$@", "$*", '"$*"', "$FOO", '"$FOO"', "$TWO", '"$TWO"', "$EMPTY", '"$EMPTY"', "$NOT",
    '"$NOT"', "${NOT:-d e}", '"${NOT:-d e}"', "${FOO:+y}", "${#TWO}", "${TWO% *}", "${TWO#a }", "'q r'", "b\\ c",
    "$#", '"${1#-}"', "$(echo sub)", '"$(echo two words)"', "$((1+2))", "${X:=set}", "*.none", "-f", "$?",
])  # fmt: skip
TESTS = st.one_of(
    st.tuples(WORDS, st.sampled_from(["=", "!="]), WORDS).map(lambda t: "[ " + " ".join(t) + " ]"),
    st.tuples(st.sampled_from(["-n", "-z", "-f", "-d", "-x", "!"]), WORDS).map(lambda t: "[ " + " ".join(t) + " ]"),
    st.sampled_from(["true", "false", ":", "test -f @/etc/config", "[ $# -gt 1 ]", "command -v app >/dev/null"]),
)
SIMPLE = st.one_of(
    st.lists(WORDS, max_size=3).map(lambda w: "set -- " + " ".join(w)),
    st.lists(WORDS, max_size=3).map(lambda w: "app " + " ".join(w)),
    st.tuples(st.sampled_from(["FOO", "X", "NOT"]), WORDS).map(lambda t: f"{t[0]}={t[1]}"),
    st.sampled_from(
        ["export X", "cd @/opt", "cd ..", "unset FOO", "set -e", "echo hi", "mkdir -p @/made", "f x", "return 0"]
    ),
    st.lists(WORDS, max_size=2).map(lambda w: "exec server " + " ".join(w)),
    TESTS,
)
STATEMENTS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.tuples(TESTS, inner, inner).map(lambda t: f"if {t[0]}; then {t[1]}; else {t[2]}; fi"),
        st.tuples(inner, st.sampled_from(["&&", "||", ";", "|"]), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        inner.map(lambda each: f"{{ {each}; }}"),
        inner.map(lambda each: f"( {each} )"),
        st.tuples(WORDS, inner).map(lambda t: f"for X in {t[0]} z; do {t[1]}; done"),
        st.tuples(WORDS, inner, inner).map(lambda t: f"case {t[0]} in a*) {t[1]};; *) {t[2]};; esac"),
        inner.map(lambda each: f"f() {{ {each.replace('f x', 'app f')}; }}"),  # one that calls itself never ends
        TESTS.flatmap(lambda test: inner.map(lambda each: f"! {test} || {each}")),
    ),
    max_leaves=6,
)
ARGUMENTS = st.lists(st.sampled_from(["app", "-x", "", "a b", "redis-server"]), max_size=3)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(STATEMENTS, min_size=1, max_size=5), ARGUMENTS, st.sampled_from(sorted(witness.SHELLS)))
def test_any_small_script_leads_where_the_real_shell_goes(root, statements, arguments, shell):
    text = "\n".join([*statements, 'exec other "$@"', ""])
    endings, traced = told(shell, text, arguments, root)
    assert witness.holds(endings, traced), (text, endings, traced)


@pytest.mark.parametrize("shell", witness.SHELLS)
def test_scripts_that_no_rule_was_written_for_lead_where_the_real_shell_goes(root, shell):
    wrong, open_ones = [], 0
    for text, *arguments in UNSEEN:
        endings, traced = told(shell, text, arguments, root)
        open_ones += any(isinstance(ending, AtRunTime) for ending in endings)
        if not witness.holds(endings, traced):
            wrong.append(f"{text!r} {arguments}: {witness.brief(endings)}, really {traced}")
    print(f"{shell}: {open_ones} of {len(UNSEEN)} at run time")
    assert not wrong, "\n".join(wrong)
    assert len(UNSEEN) >= 100


ALIASED = "alias app=@/bin/other\napp"
LINES = [  # whether it is followed, the words, variables, what it is given to read
    (True, ["bash", "run.sh"], {}, ""),
    (True, ["bash", "found.sh"], {}, ""),
    (True, ["dash", "run.sh"], {}, ""),
    (True, ["bash", "-oe", "pipefail", "run.sh"], {}, ""),
    (True, ["bash", "+o", "errexit", "-c", "false; exec app"], {}, ""),
    (True, ["bash", "+B", "-c", "exec app {c,d}"], {}, ""),
    (True, ["bash", "+o", "braceexpand", "-c", "exec app {c,d}"], {}, ""),
    (True, ["bash", "-lc", "exec app"], {}, ""),
    (True, ["sh", "-lc", "exec app"], {}, ""),
    (True, ["-sh", "-c", "exec app"], {}, ""),
    (True, ["dash", "-lc", "exec app"], {}, ""),
    (True, ["-bash", "-c", "exec app"], {}, ""),
    (True, ["bash", "--noprofile", "--login", "-c", "exec app"], {}, ""),
    (False, ["bash", "--posix", "-lc", "exec @/bin/app"], {}, ""),
    (False, ["bash", "-lo", "posix", "-c", "exec @/bin/app"], {}, ""),
    (False, ["sh", "-lc", "exec @/bin/app"], {"POSIXLY_CORRECT": "1"}, ""),
    (False, ["bash", "-lc", "exec @/bin/app"], {"SHELLOPTS": "posix"}, ""),
    (False, ["bash", "-o", "noexec", "-c", "exec app"], {}, ""),
    (True, ["bash", "-c", ALIASED], {}, ""),
    (False, ["bash", "-O", "expand_aliases", "-c", ALIASED], {}, ""),
    (True, ["sh", "-c", ALIASED], {}, ""),
    (True, ["bash", "-c", ALIASED], {"POSIXLY_CORRECT": "1"}, ""),
    (False, ["bash", "-c", ALIASED], {"BASHOPTS": "expand_aliases"}, ""),
    (False, ["bash", "-c", ALIASED], {"SHELLOPTS": "posix"}, ""),
    (False, ["bash", "-i"], {}, "exec app"),
    (False, ["bash", "-ic", "exec app"], {}, ""),
    (True, ["dash"], {}, "FOO=given\nexport FOO\nmkdir -p @/made\nexec app"),
    (False, ["dash"], {}, "cat >/dev/null\nexec app"),
    (False, ["dash"], {}, "x=$(cat)\nexec app"),
    (False, ["dash"], {}, "read x\nexec other\nexec app"),
    (False, ["bash"], {}, "cat >/dev/null\n/nowhere"),
    (False, ["bash"], {}, "exec <@/etc/env.sh\nexec app"),
    (False, ["dash", "-eo", "pipefail", "-c", "exec app"], {}, ""),
    (False, ["dash", "--login", "-c", "exec app"], {}, ""),
    (False, ["bash", "-o", "nowhere", "-c", "exec app"], {}, ""),
    (False, ["bash", "-r", "-c", "@/bin/app"], {}, ""),
    (False, ["rbash", "-c", "@/bin/app"], {}, ""),
    (False, ["bash", "-t"], {}, "true\nexec app"),
    (False, ["bash", "-c", "set -k; app FOO=x"], {}, ""),
    (True, ["sh", "-c", ". @/nowhere; exec app"], {}, ""),
    (True, ["sh", "-c", ". run.sh; exec other"], {}, ""),
    (True, ["sh", "-c", ": <@/nowhere; exec app"], {}, ""),
    (True, ["bash", "-c", ". @/nowhere; exec app"], {}, ""),
    (True, ["bash", "-c", ". @/nowhere; exec app"], {"POSIXLY_CORRECT": "1"}, ""),
    (False, ["bash", "-c", "POSIXLY_CORRECT=1; . @/nowhere; exec app"], {}, ""),
    (False, ["bash", "-c", "set -u; x=$((NOT+1)); exec app"], {}, ""),
]
"""Of which real shells are asked as above."""


@pytest.mark.parametrize(("is_followed", "words", "variables", "text"), LINES)
def test_each_command_line_of_a_shell_leads_where_the_real_one_goes(root, is_followed, words, variables, text):
    home = root / "home"
    home.mkdir(exist_ok=True)
    for name, program in ((".profile", "server"), (".bash_profile", "other"), (".bashrc", "node")):
        (home / name).write_text(f"exec {root}/bin/{program}\n")
    for place in ("srv/run.sh", "bin/found.sh"):
        (root / place).write_text('case "$0" in /*) exec other;; *) exec app;; esac\n')
    argv, text = [each.replace("@/", f"{root}/") for each in words], text.replace("@/", f"{root}/")
    shell = "/bin/dash" if "dash" in argv[0] else "/bin/bash"
    env = {**witness.environment(root), "HOME": str(home), **variables}
    endings = witness.interpret_line(argv, root, env, text, shell)
    assert witness.holds(endings, witness.started(argv, root, env, text, shell)), endings
    assert is_followed is not any(isinstance(ending, AtRunTime) for ending in endings), endings
