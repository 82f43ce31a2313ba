"""Which words are exec'd, before and behind wrappers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.program import argv, wrapper
from scanner.binary.program.argv import Command
from scanner.binary.program.content import Content
from scanner.domain.facts import FileKind, Process

IMAGE = Process(entrypoint=("/entry",), cmd=("a", "b"), path="/x", working_dir="/srv")
ELF = Content(FileKind.ELF)

MERGES = [
    (None, ("/entry", "a", "b")),
    (Process(), ("/entry", "a", "b")),
    (Process(cmd=("c",)), ("/entry", "c")),
    (Process(cmd=()), ("/entry",)),
    (Process(entrypoint=("/other",)), ("/other",)),
    (Process(entrypoint=("/other",), cmd=("c",)), ("/other", "c")),
    (Process(entrypoint=()), ("a", "b")),
    (Process(entrypoint=(), cmd=("c",)), ("c",)),
    (Process(entrypoint=("",)), ()),
    (Process(entrypoint=("",), cmd=("c",)), ("c",)),
]


@pytest.mark.parametrize(("override", "expected"), MERGES)
def test_what_a_container_says_is_merged_as_the_engines_do(override, expected):
    assert argv.resolve(IMAGE, override).argv == expected


def test_path_and_directory_come_from_the_nearest_that_says_them():
    assert argv.resolve(IMAGE, None) == Command(("/entry", "a", "b"), ("/x",), "/srv", env={"PATH": "/x"})
    overridden = argv.resolve(IMAGE, Process(path="/y:", working_dir="tmp"))
    assert (overridden.path, overridden.cwd) == (("/y", "."), "/tmp")
    assert argv.resolve(None, None).path == tuple(argv.RUNC_PATH.split(":"))


NEXT = [
    (("tini", "--", "a"), ("a",)),
    (("/sbin/tini", "-s", "-p", "SIGTERM", "a", "-b"), ("a", "-b")),
    (("docker-init", "--", "a"), ("a",)),
    (("catatonit", "--", "a"), ("a",)),
    (("dumb-init", "-r", "1:2", "-c", "a"), ("a",)),
    (("gosu", "me", "a"), ("a",)),
    (("su-exec", "0:0", "a"), ("a",)),
    (("nice", "-n", "5", "a"), ("a",)),
    (("timeout", "-k", "5", "10", "a"), ("a",)),
    (("env", "-i", "A=b", "-x"), ("-x",)),
    (("env", "-u", "A", "B=1", "C=2", "a"), ("a",)),
    (("env", "-S", "A=1 a b", "c"), ("a", "b", "c")),
    (("env", "-S$X a"), None),
    (("env",), None),
    (("tini",), None),
    (("gosu", "me"), None),
    (("sh", "-c", "a b"), ("a", "b")),
    (("sh", "-ec", "exec a b"), ("a", "b")),
    (("bash", "-o", "pipefail", "-c", "a"), ("a",)),
    (("sh", "-c", "A=1 a"), ("a",)),
    (("sh", "-c", "export X=1 && set -e && exec a"), ("a",)),
    (("sh", "-c", "cd /x && ./a"), ("./a",)),
    (("sh", "-c", "'a b' c"), None),
    (("sh", "-c", "a; b"), None),
    (("sh", "-c", "export A=1; exec b c"), ("b", "c")),
    (("sh", "-c", "set -e\ncd /d\nb\n"), ("b",)),
    (("sh", "-c", "echo 'a;b' && c"), None),
    (("sh", "-c", "if true; then b; fi"), None),
    (("sh", "-c", "b;"), ("b",)),
    (("sh", "-c", "a | b"), None),
    (("sh", "-c", "a || b"), None),
    (("sh", "-c", "a &"), None),
    (("sh", "-c", "$(a) b"), None),
    (("sh", "-c", "if a"), None),
    (("sh", "-c", "PATH=/x a"), None),
    (("sh", "script.sh"), None),
    (("sh", "-c"), None),
    (("/app", "a"), None),
]


@pytest.mark.parametrize(("words", "expected"), NEXT)
def test_the_next_word_is_named_only_where_it_is_sure(words, expected):
    following = wrapper.next_command(Command(words, ("/bin",)), ELF)
    assert (following.argv if following else None) == expected


def test_env_and_cd_change_where_names_are_looked_up():
    following = wrapper.next_command(Command(("env", "-C", "/d", "PATH=/p", "a"), ("/bin",)), ELF)
    assert (following.path, following.cwd) == (("/p",), "/d")
    assert wrapper.next_command(Command(("sh", "-c", "cd d && ./a"), (), "/srv"), ELF).cwd == "/srv/d"


WORDS = st.lists(
    st.one_of(st.text(max_size=8), st.sampled_from(["env", "-S", "sh", "-c", "tini", "--", "A=1", "&&", "cd", "-"])),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(WORDS)
def test_no_words_raise_and_each_step_is_shorter(words):
    words[0] = words[0] or "sh"
    command = Command(tuple(words), ("/bin",))
    following = wrapper.next_command(command, Content(FileKind.SCRIPT, forwards=True))
    assert following is None or sum(map(len, following.argv)) < sum(map(len, command.argv))
