"""Where shell scripts lead, by what is known of arguments, variables and files."""

import posixpath
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, Command
from scanner.binary.program.shell import following
from scanner.binary.program.shell.following import AtRunTime, Ended, Reached, Script
from scanner.binary.program.shell.image_paths import PathKind, Standing
from scanner.binary.program.shell.shell_programs import PREPARING
from scanner.binary.program.shell.state import ShellKind
from scanner.formats.parsing.patience import spent
from tests.binary.program.shell.entrypoints import AS_ITS_USER, ENTRYPOINTS
from tests.rows import each_row

STEPS = 300
"""Twice what the longest of the entrypoints takes, 135 in nginx."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KINDS = {"bash": ShellKind.BASH, "dash": ShellKind.DASH, "busybox": ShellKind.ASH}
USERS = "root:x:0:0::/root:/bin/sh\n" + "".join(
    f"{name}:x:99{n}:99{n}::/home:/bin/sh\n"
    for n, name in enumerate(["redis", "postgres", "mysql", "rabbitmq", "node", "mongodb"])
)


TOOLS = PREPARING | {
    "awk", "curl", "cut", "dpkg", "envsubst", "expr", "find", "getent", "gosu", "head", "hostname", "ip", "jq", "migrate", "mysqld",
    "nc", "numactl", "openssl", "perl", "ps", "psql", "python3", "setup", "sh", "sort", "su-exec", "tini", "tool", "tr", "uniq",
    "unknown-tool", "wget", "xargs",
}  # fmt: skip
"""Programs that stand in /usr/bin of every image, besides those that a test gives."""


class Files:
    """A few files, the usual tools, and what a volume may hold."""

    def __init__(self, files, volumes=(), tools=TOOLS):
        self.files = {"/etc/passwd": USERS} | files
        self.volumes = volumes
        self.tools = {f"/usr/bin/{name}" for name in tools}

    def stands(self, path):
        path = posixpath.normpath(path)
        if path in self.tools:
            return Standing(PathKind.FILE, True, 1, path)
        if path in self.files:
            return Standing(PathKind.FILE, True, len(self.files[path]), path)
        if path == "/" or any(each.startswith(f"{path}/") for each in self.files):
            return Standing(PathKind.DIRECTORY, True, 0, path)
        on_volume = any(path.startswith(volume) for volume in (*self.volumes, "/proc", "/tmp", "/dev", "/sys"))
        return Standing(PathKind.UNKNOWN if on_volume else PathKind.MISSING)

    def text(self, path):
        found = self.files.get(posixpath.normpath(path))
        return None if found is None else found.encode()

    def names(self, path):
        if any(path.startswith(volume) for volume in self.volumes):
            return None
        lead = posixpath.normpath(path).rstrip("/") + "/"
        return tuple(sorted({each[len(lead) :].split("/")[0] for each in self.files if each.startswith(lead)}))

    def is_link(self, path):
        return None if self.stands(path).kind is PathKind.UNKNOWN else False

    def is_called(self, name):
        return any(path.rpartition("/")[2] == name for path in self.files)

    def called_below(self, place, name):
        return None

    def forbids(self, path):
        return False

    def is_others(self, path):
        return False

    def lacks_applet(self, path):
        return False

    def architecture(self, path):
        return ""


def follow(
    text, arguments=(), *, env=None, env_known=True, user="", files=None, volumes=(), kind=ShellKind.DASH, cwd="/",
    architecture="", tools=TOOLS,
):  # fmt: skip
    env = {"PATH": PATH} | (env or {})
    command = Command(("/entry.sh",), tuple(PATH.split(":")), cwd, env=env, env_known=env_known, user=user)
    script = Script(
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"),
        kind,
        "/entry.sh",
        tuple(arguments),
        command,
        architecture=architecture,
    )
    return following.follow(script, Files({"/entry.sh": "x"} | (files or {}), volumes, tools))


def reached(endings):
    return tuple(ending.command.argv if isinstance(ending, Reached) else ending for ending in endings)


def follow_image(image, user=""):
    return follow(
        image.text, image.cmd, env=image.env, user=user, files=image.files, volumes=image.volumes, kind=KINDS[image.shell],
        cwd="/var/www/html" if image.volumes == ("/var/www/html",) else "/",
    )  # fmt: skip


@pytest.mark.parametrize("name", ENTRYPOINTS)
def test_an_entrypoint_in_the_style_of_a_well_known_image_is_followed_to_its_server(name):
    image = ENTRYPOINTS[name]
    assert set(reached(follow_image(image))) == set(image.reaches)


@pytest.mark.parametrize("name", AS_ITS_USER)
def test_started_again_for_its_own_user_it_is_followed_to_the_server_itself(name):
    found = follow_image(ENTRYPOINTS[name], user={"ghost": "node", "mongo": "999"}.get(name, name))
    assert AS_ITS_USER[name] in reached(found)
    assert not any(isinstance(ending, AtRunTime | Ended) for ending in found)


@pytest.mark.parametrize("name", ENTRYPOINTS)
def test_following_such_an_entrypoint_takes_few_steps(name, monkeypatch):
    monkeypatch.setattr("scanner.binary.program.shell.machine.MAX_STEPS", STEPS)
    assert not any(
        isinstance(ending, AtRunTime) and "steps" in ending.why for ending in follow_image(ENTRYPOINTS[name])
    )


BRANCHES = [
    ("if curl -f x; then exec a; else exec b; fi", (("a",), ("b",))),
    ('if [ -e /proc/x ]; then set -- a "$@"; fi; exec "$@"', (("a", "z"), ("z",))),
    ("a || b", (("a",), ("b",))),
    ("[ -f /tmp/x ] && exec a; exec b", (("a",), ("b",))),
    ('case "$(hostname)" in a*) exec a;; *) exec b;; esac', (("a",), ("b",))),
    ('if [ -n "$(curl x)" ]; then A=1; fi; exec a $A', (("a",), ("a", "1"))),
    ("while ! nc -z db 5432; do sleep 1; done; exec a", (("a",),)),
    ("until curl -f x; do sleep 1; done\nexec a", (("a",),)),
    ("a & b & wait", (("b",),)),
    ("a & exec b", (("b",),)),
    ("while true; do a; sleep 5; done", (("a",),)),
    ("a &\nwhile sleep 60; do :; done", (("a",),)),
    ("sleep infinity", (("sleep", "infinity"),)),
    ("mkdir -p /data; tail -f /dev/null", (("tail", "-f", "/dev/null"),)),
    ("migrate && a", (("a",),)),
    ("migrate; a; exit $?", (("a",),)),
    ('[ -z "$NEEDED" ] && { echo missing; exit 1; }; exec a', (Ended(1, failed=True),)),
    ("echo hello", (Ended(0),)),
    ("", (Ended(0),)),
]


@pytest.mark.parametrize(("text", "expected"), BRANCHES)
def test_what_is_not_known_leads_every_way(text, expected):
    there = {"/usr/bin/a": "x", "/usr/bin/b": "x"}
    assert sorted(map(str, reached(follow(text, ["z"], files=there)))) == sorted(map(str, expected))


AT_RUN_TIME = [
    ("exec $(curl x)", "known at run time|words become"),
    ('"$(curl x)"', "known at run time"),
    ("$(curl x) a", "words become"),
    ('exec "$(hostname)"', "known at run time"),
    ('eval "$(curl x)"', "eval"),
    (". /tmp/env; exec a", "not the image's"),
    ("cd $(curl x); exec ./a", "directory"),
    ("for f in /tmp/*; do . $f; done; exec a", "reads"),
    ("alias a=b; a", "alias"),
    ("if true; then", "not understood"),
    ("echo 'open", "not understood"),
    ("a\r\nexec b\r\n", "CR LF"),
    ("PATH=$(curl x):$PATH; exec a", "PATH"),
    ("f() { f; }; f", "nest|steps"),
    ("shift 3; exec a", "shift"),
    ('shift $(curl x); exec "$@"', "words become|run time"),
    ("[[ a < b ]] && exec a", "\\[\\["),
    ("exec -a x a", "exec -a"),
    ("exec a {b,c}", "bash"),
    ("trap 'x' ERR; exec a", "trap"),
]


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        ("find . ! -user nobody -exec chown nobody {} +", True),
        ("find . ! -user redis", False),
        ("chown -R nobody:redis /data", True),
        ("chown redis /etc", False),
        ("chown 1234:5 /etc", False),
        ("chown --reference=/x nobody", False),
        ("install -o nobody -d /data", True),
        ("install --owner=redis -d /data", False),
        ("useradd nobody; chown nobody /etc", False),
        ("setup; chown nobody /data", False),
        ('chown "$X" /data', False),
    ],
)
def test_a_tool_that_is_to_look_a_user_up_fails_where_the_image_has_none_of_that_name(line, fails):
    endings = follow(f"set -e; {line}; exec a", [], env={"X": None})
    assert any(isinstance(ending, Ended) and ending.status == 1 for ending in endings) == fails
    assert any(isinstance(ending, Reached) and ending.command.argv == ("a",) for ending in endings) != fails


@pytest.mark.parametrize(
    "text",
    [
        "mysqld & setup | nope; wait",
        "mysqld & if setup | nope; then echo; fi; wait",
        "setup 2>&1 | nope; tool -f /dev/null",
        "setup | nope; while true; do sleep 60; done",
    ],
)
def test_a_missing_reader_of_a_pipe_ends_no_script_that_goes_on(text):
    assert not any(isinstance(ending, Reached) and ending.missing for ending in follow(text))


def test_a_script_that_ends_because_its_pipe_s_reader_is_missing_lacks_it():
    (ending,) = follow("mysqld 2>&1 | nope")
    assert (ending.command.argv, ending.missing) == (("nope",), True)


@pytest.mark.parametrize("word", ["$@", "$*"])
def test_an_empty_argument_is_none_where_nothing_quotes_it(word):
    assert reached(follow(f"set -- {word}; exec a {word}", ["", "x", ""])) == (("a", "x"),)


GIVES_UP = ["set -u; exec a $NOT", "exec a ${NOT:?}", "set -e; x=${NOT?words}; exec a"]


@pytest.mark.parametrize("text", GIVES_UP)
def test_a_shell_that_gives_up_starts_nothing_more(text):
    (ending,) = follow(text, ["z"])
    assert (ending.status, ending.failed) == (2, True)
    assert "NOT is not set" in ending.why


@pytest.mark.parametrize("text", ["[ -z x ] || exec a; set -u; exec b $NOT", "(set -u; echo $NOT); exec a"])
def test_giving_up_is_no_way_of_its_own_where_another_one_works(text):
    assert {ending.command.argv for ending in follow(text, ["z"])} == {("a",)}


@pytest.mark.parametrize("text", ["if", "exec a\r", "a ) b"])
def test_what_shells_may_make_nothing_of_either_is_faulty(text):
    assert [ending.is_faulty for ending in follow(text, ["z"])] == [True]


@pytest.mark.parametrize("text", ["echo a | xargs -I{} /{}", "echo a | exec $NONE", "(exec $NONE)"])
def test_what_may_start_nothing_is_faulty_in_a_shell_of_its_own_too(text):
    assert [ending.is_faulty for ending in follow(text)] == [True]


@pytest.mark.parametrize(("text", "asked"), [("echo $(a)", ["a"]), ("x=$(a b); y=$(id -u); c", ["a"])])
def test_what_is_started_for_its_output_is_started_too(text, asked):
    (ending,) = follow(text, [], tools={*TOOLS, "a", "c"})
    commands = ending.also if isinstance(ending, Reached) else ending.asked
    assert [command.argv[0] for command in commands] == asked


@pytest.mark.parametrize(("text", "why"), AT_RUN_TIME)
def test_what_only_the_run_tells_is_said_in_a_sentence(text, why):
    endings = follow(text, ["z"])
    assert any(isinstance(ending, AtRunTime) for ending in endings), endings
    assert any(isinstance(ending, AtRunTime) and re.search(why, ending.why) for ending in endings), endings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('exec a "$X"', ("a", UNKNOWN)),
        ("exec a $X", ("a", UNKNOWN_WORDS)),
        ('eval "exec a $X b"', ("a", UNKNOWN_WORDS, "b")),
        ("eval \"exec '/opt/a' -x $X 'b c'\"", ("/opt/a", "-x", UNKNOWN_WORDS)),
        ('eval "set -- $X" \'"$@"\'; exec a "$@"', ("a", UNKNOWN_WORDS)),
        ('eval "exec a $X" \'$HOME ${FOO} "$@"\'', ("a", UNKNOWN_WORDS)),
        ('exec a "x${X}y" b', ("a", f"x{UNKNOWN}y", "b")),
        ('exec a "${X:-d}"', ("a", UNKNOWN)),
    ],
)
def test_a_value_that_stayed_on_the_host_is_an_unknown_word(text, expected):
    assert reached(follow(text, env={"X": None})) == (expected,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo x > /opt/a; exec /opt/a", ("/opt/a",)),
        ("cp /src/a /opt/; exec /opt/a", ("/opt/a",)),
        ("cp /src/a /opt; exec /opt/a", ("/opt/a",)),
        ("cp -r /src/. /opt; exec /opt/a", ("/opt/a",)),
        ("mv x /opt/a; exec /opt/a", ("/opt/a", "/x")),
        ("curl -o /opt/a http://x; exec /opt/a", ("/opt/a",)),
        ("chmod +x /opt/a; exec /opt/a", ("/opt/a",)),
        ("X=$(curl -o /opt/a http://x); exec /opt/a", ("/opt/a",)),
        ("tool --out=/opt/a --in /src; exec /opt/a", ("/opt/a", "/src")),
        ("sh -c 'wget -q x -O /opt/a'; exec /opt/a", ("/wget -q x -O /opt/a", "/opt/a")),
        ("find /src -exec cp {} /opt/ ';'; exec /opt/a", ("/opt/\0",)),
        ("ls | xargs rm -f; exec a", ()),
        ("gunzip /opt/a.gz; exec /opt/a", ("/opt/a", "/opt/a.gz.\0")),
        ('echo x > "$X/conf"; exec a', ("\0/conf",)),
        ('mkdir -p "$X"; exec a', ("\0",)),
        ('rm -rf "$X"; exec a', ()),
        ("ln -sf /dev/stdout /var/log/x; exec a", ("/var/log/x",)),
        ("sed -i s/a/b/ /etc/conf; exec a", ("/etc/conf",)),
        ("mkdir -p /data; exec a", ("/data",)),
        ("echo x >&2; echo y > /dev/null; exec a", ()),
        ("chown -R me /opt; exec /opt/a", ()),
    ],
)
def test_what_is_written_on_the_way_is_told(text, expected):
    there = dict.fromkeys(("/src/a", "/x", "/opt/a", "/opt/a.gz", "/etc/conf", "/var/log/y"), "x")
    (ending,) = follow(text, env={"X": None}, files=there)
    assert tuple(each.path for each in ending.written) == expected


def test_variables_directory_and_path_reach_the_program():
    (ending,) = follow("export A=1; B=2; C=3 exec ./a", env={"D": "4"}, cwd="/srv")
    assert dict(ending.command.env) == {"A": "1", "C": "3", "D": "4", "HOSTNAME": None, "PATH": PATH}
    assert (ending.command.cwd, ending.command.user) == ("/srv", "")
    (ending,) = follow("export SHELLOPTS; exec a", files={"/opt/a": ""}, kind=ShellKind.BASH)
    assert ending.command.env["SHELLOPTS"] is None
    (ending,) = follow("export PATH=/x:$PATH; cd /opt; exec a", files={"/opt/x": ""})
    assert (ending.command.path[0], ending.command.cwd) == ("/x", "/opt")


def test_where_nobody_knows_the_environment_a_variable_leads_every_way():
    endings = reached(follow('if [ -n "$X" ]; then exec a; fi; exec b', env_known=False))
    assert set(endings) == {("a",), ("b",)}


@pytest.mark.parametrize(
    "text", ['[ -n "$X" ] && set -- "$@" x; ' * 40 + 'exec "$@"', "if curl x; then A=1; fi; " * 200 + "exec a"]
)
def test_many_conditions_in_a_row_cost_little(text):
    before = time.perf_counter()
    endings = follow(text, ["a"], env={"X": None})
    assert time.perf_counter() - before < 60
    assert endings


SNIPPETS = st.sampled_from([
    "if", "then", "fi", "exec", '"$@"', "$(", ")", "`", "'", '"', ";", "&&", "||", "|", "&", "(", "{", "}", "case", "in",
    "esac", ";;", "while", "do", "done", "for", "x", "a", "=", "${", "}", "$((", "))", "<<EOF", "EOF", "\n", " ", "\\", "[",
    "]", "[[", "]]", "function", "f()", "shift", "set", "--", "trap", "EXIT", "eval", ".", "/entry.sh", "cd", "#", "!",
    "1", "$1", "$X", "*", "~", "read", "local", "export", "A=b", "break", "continue", "return", "exit", "unset", "getopts",
])  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(st.binary(max_size=200), st.lists(SNIPPETS, max_size=40).map(lambda s: " ".join(s).encode())),
    st.sampled_from(ShellKind),
)
def test_no_script_raises_or_runs_for_ever(raw, kind):
    endings = follow(raw, ["x", UNKNOWN, UNKNOWN_WORDS], kind=kind, env={"X": None})
    assert endings
    assert all(isinstance(ending, Reached | Ended | AtRunTime) for ending in endings)


@pytest.mark.parametrize("body", ["echo x >/r$i$j", "mkdir -p /d$i/$j"])
def test_loops_that_write_in_each_other_end_by_counted_work(body, monkeypatch):
    monkeypatch.setattr("scanner.binary.program.shell.machine.MAX_WORK", 100_000)
    numbers, before = " ".join(map(str, range(50))), spent()
    (ending,) = follow(
        f"for i in {numbers}; do for j in {numbers}; do {body}; done; done\nexec a", files={"/usr/bin/a": ""}
    )
    assert "more work" in ending.why
    assert spent() - before < 200_000


def test_a_path_of_many_unknown_parts_is_matched_quickly():
    (ending,) = follow('echo x > "/a' + "$X/b" * 200 + '"; exec a', env={"X": None})
    before = time.process_time()
    assert ending.written[0].changes("/a" + "/b" * 500)
    assert not ending.written[0].changes("/c" + "/b" * 500)
    assert time.process_time() - before < 60


def test_an_expansion_that_ends_with_the_text_is_not_understood():
    (ending,) = follow(b'\x01""${')
    assert isinstance(ending, AtRunTime)


@pytest.mark.parametrize(
    ("architecture", "machine", "debian"),
    [("amd64", "x86_64", "amd64"), ("arm64", "aarch64", "arm64"), ("ppc64le", "ppc64le", "ppc64el"), ("s390x", "s390x", "s390x")],
)  # fmt: skip
def test_a_script_knows_the_machine_that_its_own_shell_was_built_for(architecture, machine, debian):
    for asks, answer in (("uname -m", machine), ("arch", machine), ("dpkg --print-architecture", debian)):
        endings = follow(f'exec "/opt/$({asks})/app"', architecture=architecture)
        assert reached(endings) == ((f"/opt/{answer}/app",),)


@pytest.mark.parametrize(("architecture", "bits"), [("amd64", "64"), ("arm64", "64"), ("386", "32"), ("arm", "32")])
def test_a_script_knows_how_wide_its_own_shell_is(architecture, bits):
    assert reached(follow('exec "/opt/$(getconf LONG_BIT)/app"', architecture=architecture)) == ((f"/opt/{bits}/app",),)


@pytest.mark.parametrize("architecture", ["", "arm", "386"])
def test_a_shell_of_32_bits_or_none_does_not_tell_the_machine(architecture):
    assert isinstance(follow('exec "/opt/$(uname -m)/app"', architecture=architecture)[0], AtRunTime)


def test_one_way_of_many_for_each_machine_is_taken():
    text = 'case "$(uname -m)" in x86_64|amd64) A=amd64;; aarch64) A=arm64;; *) exit 1;; esac\nexec "/opt/app-$A" "$@"'
    assert reached(follow(text, ["x"], architecture="arm64")) == (("/opt/app-arm64", "x"),)


@pytest.mark.parametrize("kind", [ShellKind.DASH, ShellKind.BASH])
def test_without_path_these_shells_look_in_the_working_directory_alone(kind):
    (ending,) = follow("unset PATH; exec app", kind=kind, cwd="/srv")
    assert ending.command.path == (".",)
    assert "PATH" not in ending.command.env


def test_without_path_busybox_looks_where_it_was_built_to():
    (ending,) = follow("unset PATH; exec app", kind=ShellKind.ASH)
    assert ending.command.path == ("/bin", "/usr/bin")


LACKING = [
    # what the script does, where it leads in an image without curl, tool and mkdir
    ("set -e; tool x; exec a", "tool"),
    ("set -e; curl x; exec a", 127),
    ("set -e; /opt/setup; exec a", "/opt/setup"),
    ("curl x; exec a", "a"),
    ("tool x && exec a", "tool"),
    ("curl x || exec a", "a"),
    ("if curl x; then exec b; fi; exec a", "a"),
    ("if ! curl x; then exec a; fi; exec b", "a"),
    ("until curl x; do i=$((i+1)); [ $i -gt 2 ] && break; done; exec a", "a"),
    ("set -e; X=$(curl x); exec a", 127),
    ("set -e; export X=$(curl x); exec a", "a"),
    ("set -e; mkdir -p /data; exec a", 127),
    ("mkdir -p /data && exec a", 127),
    ("set -e; mkdir -p /data || true; exec a", "a"),
    ("echo x | tool && exec a", "tool"),
    ("echo x | curl -d @- x && exec a", 127),
    ("a && tool", "tool"),
    ("curl x & exec a", "a"),
    ("set -e; nvidia-smi; exec a", "a"),
    ("set -e; cp /x /usr/bin/curl; curl x; exec a", "a"),
    ("set -e; b; curl x; exec a", "a"),
    ("set -e; PATH=/opt/bin:$PATH a", "a"),
]


@each_row("text, expected, kind", [(*row, kind) for row in LACKING for kind in (ShellKind.DASH, ShellKind.BASH)])
def test_a_program_that_is_not_in_the_image_fails_with_127(text, expected, kind):
    there = {"/usr/bin/a": "x", "/usr/bin/b": "x", "/x": "x"}
    (ending,) = follow(text, files=there, kind=kind, tools=("cp",))
    assert (ending.status if isinstance(ending, Ended) else ending.command.argv[0]) == expected
    assert isinstance(ending, Reached) or ending.lacks is not None


@pytest.mark.parametrize("line", ["mkdir -p /data", "wget -q x", "chdir /", "history"])
def test_what_busybox_runs_without_a_file_is_not_missed(line):
    (ending,) = follow(f"set -e; {line}; exec a", files={"/usr/bin/a": "x"}, kind=ShellKind.ASH, tools=())
    assert ending.command.argv == ("a",)


HANDLED = [
    ("curl x; exec a", "a"),
    ("set -e; curl x; exec a", "b"),
    ("curl", "b"),
    ("/opt/curl x || exec a", "a"),
    ("exec curl", "curl"),
    ("curl() { exec a; }; curl", "a"),
    ("a", "a"),
]


@each_row("text, expected", HANDLED)
def test_a_handler_of_what_is_not_found_runs_in_a_subshell_of_bash(text, expected):
    handled = f"command_not_found_handle() {{ exec b; }}; {text}"
    (ending,) = follow(handled, files=dict.fromkeys(("/usr/bin/a", "/usr/bin/b"), "x"), kind=ShellKind.BASH, tools=())
    assert (expected,) in {each.argv[:1] for each in (ending.command, *ending.needs)}


def test_a_handler_of_what_a_program_may_have_made_is_decided_at_run_time():
    text = "command_not_found_handle() { exec b; }; a; curl x; exec a"
    (ending,) = follow(text, files={"/usr/bin/a": "x"}, kind=ShellKind.BASH, tools=())
    assert isinstance(ending, AtRunTime)


AT_RUN_TIME = [
    "PS4='$(b) '; set -x; exec a",
    "PS4='`b` '; set -o xtrace; true; exec a",
    "set -e; ulimit -n unlimited; exec a",
    "set -e; ulimit -Hn 1048577; exec a",
    "set -e; ulimit -l 9999999; exec a",
    "exec a </dev/tty",
    "set -e; read X </dev/tty; exec a",
    "set -e; { echo x; } >/dev/tty; exec a",
]
CALLED_OTHERWISE = ["exec -a -sh b x", "exec -l sh x", "exec -a sh tool x", "exec -a tool busybox x"]


@each_row("text", AT_RUN_TIME)
def test_what_engines_or_traces_decide_is_decided_at_run_time(text):
    assert all(isinstance(ending, AtRunTime) for ending in follow(text, files={"/usr/bin/a": "x"}))


@each_row("text", CALLED_OTHERWISE)
def test_what_does_as_it_is_called_is_decided_at_run_time_where_it_is_called_otherwise(text):
    links = {"/usr/bin/b": "x", "/usr/bin/busybox": "x"}
    assert all(isinstance(ending, AtRunTime) for ending in follow(text, files=links, kind=ShellKind.BASH))
    assert reached(follow("exec -a web a x", files={"/usr/bin/a": "x"}, kind=ShellKind.BASH)) == (("a", "x"),)


@each_row(
    "text",
    ["PS4='$(b) '; exec a", "PS4='+ $LINENO '; set -x; exec a", "read X </dev/tty; exec a", "[ -t 0 ] && exec a"],
)
def test_a_trace_without_commands_is_followed(text):
    assert ("a",) in reached(follow(text, files={"/usr/bin/a": "x"}))


FAILING = [
    # what surely fails in an image with /etc/there, a file, with /opt/a and no more; where the script leads then
    ("set -e; echo x >/nowhere/f; exec a", None),
    ("set -e; echo x >/opt; exec a", None),
    ("set -e; echo x >/etc/there/f; exec a", None),
    ("echo x >/nowhere/f; exec a", "a"),
    ("exec a >/nowhere/f; exec b", None),
    ("exec a </nowhere; exec b", None),
    ("exec a 2>&1 </nowhere; exec b", None),
    ("set -e; read X </nowhere; exec a", None),
    ("set -e; { echo x; } >/nowhere/f; exec a", None),
    ("while read X; do exec b; done </nowhere; exec a", "a"),
    ("if echo x >/nowhere/f; then exec b; fi; exec a", "a"),
    ("set -e; echo x >/opt/f; exec a", "a"),
    ("set -e; echo x >/var/run/f; exec a", "a"),
    ("set -e; cat </etc/there; exec a", "a"),
    ("set -e; mkdir -p /nowhere; echo x >/nowhere/f; exec a", "a"),
    ("set -e; b; echo x >/nowhere/f; exec a", "a"),
    ("set -e; echo x >$X/f; exec a", "a"),
    ("set -e; echo x >&2; exec a", "a"),
    ("set -e; cp /nowhere /etc/x; exec a", None),
    ("set -e; cp /etc/there /etc/x; exec a", "a"),
    ("set -e; cp -t /etc /etc/there; exec a", "a"),
    ("set -e; cp /nowhere* /etc/x; exec a", "a"),
    ("set -e; mv /nowhere /etc/x || true; exec a", "a"),
    ("set -e; rm /nowhere; exec a", None),
    ("set -e; rm -f /nowhere; exec a", "a"),
    ("set -e; rm /etc/there; exec a", "a"),
    ("set -e; sed -i s/a/b/ /nowhere; exec a", None),
    ("set -e; sed -i s/a/b/ /etc/there; exec a", "a"),
    ("set -e; sed -i -e s/a/b/ /nowhere; exec a", None),
    ("set -e; sed -i -e s/a/b/ /etc/there; exec a", "a"),
    ("set -e; tar xzf /nowhere.tgz -C /opt; exec a", None),
    ("set -e; tar -C /opt -xf /nowhere.tar; exec a", None),
    ("set -e; tar -czf /nowhere.tgz /opt; exec a", "a"),
    ("set -e; tar xf - </etc/there; exec a", "a"),
    ("set -e; unzip -q /nowhere.zip -d /srv; exec a", None),
    ("set -e; gunzip -k /nowhere.gz; exec a", None),
    ("set -e; gunzip /nowhere; exec a", "a"),
    ("set -e; head -n 5 /nowhere; exec a", None),
    ("set -e; head -n 5 /etc/there; exec a", "a"),
    ("set -e; head -5 /nowhere; exec a", None),
    ("set -e; mkdir -p /srv/x; cd /srv/x/y; exec a", None),
    ("set -e; mkdir -p /srv/x/y; cd /srv/x/y; exec a", "a"),
    ("set -e; mkdir -p /srv/x; cp -r /opt /srv/x/y; cd /srv/x/y; exec a", "a"),
    ("set -e; sort -k 2 /nowhere; exec a", None),
    ("set -e; awk -F : '{print $1}' /nowhere; exec a", None),
    ("set -e; awk 'BEGIN {print 1}' /nowhere; exec a", "a"),
    ("set -e; touch /nowhere/f; exec a", None),
    ("set -e; touch -c /nowhere/f; exec a", "a"),
    ("set -e; touch /etc/new; exec a", "a"),
    ("set -e; touch /var/run/x/f; exec a", "a"),
    ("set -e; ln -s /x /nowhere/y; exec a", None),
    ("set -e; cp /etc/there /nowhere/f; exec a", None),
    ("set -e; cp --parents /etc/there /nowhere/f; exec a", "a"),
    ("set -e; install -D /etc/there /nowhere/f; exec a", "a"),
    ("set -e; install -m 755 /nowhere /etc/x; exec a", None),
    ("set -e; echo x | tee /nowhere/f; exec a", None),
    ("set -e; rmdir /nowhere; exec a", None),
    ("set -e; find /nowhere -type f; exec a", None),
    ("set -e; find -L /opt -name x; exec a", "a"),
    ("set -e; chown -R 5:5 /nowhere; exec a", None),
    ("set -e; stat -c %u /nowhere; exec a", None),
    ("set -e; X=$(cat /nowhere); exec a", None),
    ("set -e; cat /nowhere || true; exec a", "a"),
    ("if cat /nowhere; then exec b; fi; exec a", "a"),
    ("cat /nowhere; exec a", "a"),
    ("set -e; b; cat /nowhere; exec a", "a"),
    ("set -e; cd /nowhere; exec a", None),
    ("set -e; umask 9999; exec a", None),
    ("set -e; umask 8; exec a", None),
    ("set -e; umask 0027; umask u=rwx,g=rx,o=; umask; exec a", "a"),
    ("set -e; umask 9999 || true; exec a", "a"),
    ("set -e; ulimit -c 0; ulimit -n 65536; exec a", "a"),
    ("ulimit -n unlimited; exec a", "a"),
    ("set -e; ulimit -l unlimited || true; exec a", "a"),
    ("set -e; chmod 755 /nowhere; exec a", None),
    ("set -e; chmod +x /etc/there; exec a", "a"),
    ("set -e; mkdir /opt; exec a", None),
    ("set -e; mkdir /nowhere/b; exec a", None),
    ("set -e; mkdir -p /opt /nowhere/b; exec a", "a"),
    ("set -e; mkdir /opt/new; exec a", "a"),
    ("set -e; ln -s /x /etc/there; exec a", None),
    ("set -e; ln -sf /x /etc/there; exec a", "a"),
    ("set -e; ln -s /x /opt; exec a", "a"),
    ("set -e; cat /etc/hosts /etc/resolv.conf; exec a", "a"),
    ("set -e; ulimit -n 7²; exec a", "a"),
    (f"set -e; ulimit -n {'9' * 5000}; exec a", "a"),
    # what else a program that only makes ready may have made
    ("set -e; useradd -m app; chown -R 5 /home/app; exec a", "a"),
    ("set -e; useradd -m app; cd /home/app; exec a", "a"),
    ("set -e; curl -fsSLo a.tgz URL; tar xzf a.tgz; exec a", "a"),
    ("set -e; tar czf out.tgz /opt; sha256sum out.tgz; exec a", "a"),
    ("set -e; split /etc/there; head xaa; exec a", "a"),
    ("set -e; sed -n 's/x/y/w out' /etc/there; wc -l out; exec a", "a"),
    ("set -e; cp -vt /qq /etc/there; head /qq/there; exec a", "a"),
    ("set -e; install -d /aa /bb; touch /aa/x; exec a", "a"),
    ("set -e; update-ca-certificates; wc -l /etc/ssl/certs/ca-certificates.crt; exec a", "a"),
    ("set -e; sed -i.bak s/x/y/ /etc/there; rm /etc/there.bak; exec a", "a"),
    ("set -e; mv /etc/there a.tgz; gunzip a.tgz; chmod 755 a.tar; exec a", "a"),
    ("set -e; X=$(split /etc/there); head xaa; exec a", "a"),
    ("set -e; (split /etc/there); head xaa; exec a", "a"),
    ("set -e; if [ $X ]; then split /etc/there; fi; head xaa; exec a", "a"),
    ("set -e; grep -q x /etc/there; chmod 755 /etc/there; find /opt; cat /nowhere; exec a", None),
    ("set -e; cp /etc/there /etc/x; mkdir -p /y; rm -rf /z; sed -i s/a/b/ /etc/there; cat /nowhere; exec a", None),
    ("set -e; tail +5 /etc/there; exec a", "a"),
    ("set -e; sort +1 /etc/there; exec a", "a"),
    ("set -e; echo x >made; exec a", "a"),
]


@each_row("text, expected, kind", [(*row, kind) for row in FAILING for kind in (ShellKind.DASH, ShellKind.ASH)])
def test_what_the_image_s_files_do_not_let_happen_fails(text, expected, kind):
    there = {"/usr/bin/b": "x", "/opt/a": "x", "/usr/bin/a": "x", "/etc/there": "x"}
    endings = follow(text, env={"X": None}, files=there, kind=kind, volumes=("/var/run",), cwd="/made")
    ends = {ending.command.argv[0] if isinstance(ending, Reached) else None for ending in endings}
    assert ends == {expected}


@pytest.mark.parametrize("name", ["my-run", "app::run", "a.b"])
@pytest.mark.parametrize("kind", [ShellKind.DASH, ShellKind.ASH])
def test_a_function_s_name_of_bash_alone_may_end_other_shells(name, kind):
    (ending,) = follow(f"{name}() {{ exec a; }}; {name}", kind=kind)
    assert isinstance(ending, AtRunTime)
    assert ending.is_faulty


FATAL = [
    "exec -- a",
    "eval -- a",
    "function f { a; }; f",
    "read x <<<y; exec a",
    "A=(a b); exec a",
    "A[0]=a; exec a",
    "set -o pipefail; exec a",
    "set -euo pipefail; exec a",
    "declare -A B=([a]=b); exec a",
    "exec a < <(x)",
    "exec $'a'",
]


@pytest.mark.parametrize("text", FATAL)
def test_what_ends_dash_is_no_matter_of_the_files_of_the_image(text):
    (ending,) = follow(text, files={"/lib.sh": "x"})
    assert isinstance(ending, AtRunTime)
    assert ending.is_faulty


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("source /lib.sh; exec a", True),
        ("declare -x A=1; exec a", True),
        ("set -e; source /lib.sh || true; exec a", True),
        ("command -v shopt || exec a", True),
        ("source /lib.sh && exec a", False),
        ("set -e; source /lib.sh; exec a", False),
        ("set -e; declare -x A=1; exec a", False),
        ("set -e; shopt -s nullglob; exec a", False),
    ],
)
def test_what_bash_does_by_itself_dash_looks_for_like_any_program(text, goes_on):
    (ending,) = follow(text, files={"/lib.sh": "x", "/usr/bin/a": "x"})
    assert (ending.command.argv[0] == "a") is goes_on


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ('eval "A=$(curl x);"; exec nope', "nope"),
        ('eval "A=$(curl x);"; exec "$@"', "z"),
        ('eval "A=$(curl x);"; exec "$BIN" -x', "/opt/nope"),
        ('eval "A=$(curl x);"; nope -x', "nope"),
        ('run() { exec nope; }; eval "$(curl x)"; run', "nope"),
        ('eval "$(curl x)"; if [ -n "$A" ]; then exec nope; fi; exec setup', "nope"),
        ('eval "$(curl x)"; [ -f /x ] && nope', "nope"),
        ('set -e; eval "$(curl x)"; nope; exec setup', "nope"),
        ('(eval "$(curl x)"; exec nope)', "nope"),
        ('eval "$(curl x)"; nope; exec setup', ""),
        ('eval "$(curl x)"; nope || setup', ""),
        ('eval "$(curl x)"; set -- setup; exec "$@"', ""),
        ('eval "$(curl x)"; PATH=/opt/bin:$PATH; exec nope', ""),
        ('eval "$(curl x)"; if nope; then setup; fi', ""),
        ('eval "$(curl x)"; if [ -x /nope ]; then exec /nope; fi; exec setup', ""),
        ('eval "$(curl x)"; command -v nope >/dev/null 2>&1 && exec nope; exec setup', ""),
        ('eval "$(curl x)"; type nope && { nope; exit; }; exec gone', "gone"),
        ('"$(curl x)"/bin/setup; exec "$(curl y)"', ""),
        ("alias nope=setup; nope", ""),
        (". /tmp/env; main", "main"),
        ('eval "$(curl x)"; exec setup', ""),
    ],
)  # fmt: skip
def test_what_the_rest_names_is_looked_for_where_nobody_can_tell_further(text, lacks):
    env = {"BIN": "/opt/nope"}
    (ending,) = follow(text, ["z"], env=env)
    assert isinstance(ending, AtRunTime), ending
    assert (f"starts {lacks}, which" in ending.why, ending.is_faulty) == (bool(lacks), bool(lacks)), ending


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('eval "exec /opt/nope/$(curl x)"', "/opt/nope is not in the image"),
        ('eval "/opt/nope $(curl x); exec setup"', "it starts /opt/nope, which is not in the image"),
        ('eval "setup x\n$(curl x)"', ""),
        ('eval "local A=$(curl x)"; exec setup', "local outside of any function"),
        ('"$(curl x)"/bin/setup; exec "$(curl y)"', ""),
    ],
)
def test_what_is_known_of_a_text_or_a_path_is_looked_for_as_it_is_meant(text, why):
    (ending,) = follow(text, ["z"], files={"/srv/x/bin/setup": "x"})
    assert isinstance(ending, AtRunTime), ending
    assert why in ending.why
    assert ending.is_faulty is bool(why), ending
