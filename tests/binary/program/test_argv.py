"""Which words are exec'd, in which surroundings."""

import pytest

from scanner.binary.program import argv
from scanner.binary.program.argv import UNKNOWN_WORDS, Command, UnsplitWords, Written
from scanner.domain.facts import Process

IMAGE = Process(entrypoint=("/entry",), cmd=("a", "b"), path="/x", working_dir="/srv")

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
    assert argv.resolve(IMAGE, None) == Command(
        ("/entry", "a", "b"), ("/x",), "/srv", env={"PATH": "/x"}, written=Written("/srv")
    )
    overridden = argv.resolve(IMAGE, Process(path="/y:", working_dir="tmp"))
    assert (overridden.path, overridden.cwd) == (("/y", "."), "/tmp")
    assert argv.resolve(None, None).path == tuple(argv.RUNC_PATH.split(":"))


def test_a_variable_that_is_set_or_unset_changes_where_names_are_looked_up():
    command = argv.resolve(Process(env=(("A", "1"), ("PATH", "/x"))), Process(env=(("A", None),)))
    assert dict(command.env) == {"A": None, "PATH": argv.RUNC_PATH}
    assert command.env_known
    assert command.with_variable("PATH", "/y:").path == ("/y", ".")
    assert command.without_variable("PATH").path == ("/bin", "/usr/bin")
    assert "A" not in command.without_variable("A").env


def test_an_environment_that_no_config_told_is_not_known():
    assert not argv.resolve(None, Process(cmd=("a",), env=())).env_known
    assert not argv.resolve(Process(cmd=("a",)), None).env_known


def test_volumes_of_the_image_are_told_apart_from_what_is_mounted():
    command = argv.resolve(Process(volumes=("/b", "/a")), Process(volumes=("/c",)))
    assert (command.volumes, command.mounts) == (("/a", "/b"), ("/c",))


def test_words_that_nobody_knows_are_each_other_only_where_what_is_known_of_them_is():
    one, other = UnsplitWords.of("/a\0"), UnsplitWords.of("/b\0")
    assert one == UNKNOWN_WORDS == other
    assert one != other
    assert one == UnsplitWords.of("/a\0")
    assert hash(one) == hash(other) == hash(UNKNOWN_WORDS)
