"""What an image offers, as one looks at it."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Mount, Process
from scanner.domain.failure import Failure
from scanner.domain.image.offers import BuiltFrom, Executable, FileKind, ImageFacts, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from tests import builders
from tests.builders import AMD64, ARM64, digest, executable, offer

HERE, THERE = BuiltFrom("https://a.example/app", "1"), BuiltFrom("https://b.example/app", "1")


def test_a_file_is_foreign_to_a_label_of_another_cpu_in_whatever_spelling():
    assert executable(ARM64).is_foreign_to(AMD64)
    assert not executable(AMD64).is_foreign_to(Platform("linux", "x86_64"))
    assert executable(None).is_foreign_to(AMD64)
    assert not Executable("/run", "entrypoint", FileKind.SCRIPT).is_foreign_to(AMD64)


def test_ways_of_a_program_tell_their_files_and_problems_once():
    gone = Failure(Reason.ENTRYPOINT_MISSING)
    one, other = Program(("/a",), (executable(path="/a"),), gone), Program(("/b",), (executable(path="/b"),), gone)
    program = Program(("/run",), (executable(path="/run"),), branches=(one, other, Program(("/c",), (executable(path="/a"),))))  # fmt: skip
    assert [file.path for file in program.files] == ["/run", "/a", "/b"]
    assert program.problems == (gone,)
    assert program.wants_survey
    assert not builders.program().wants_survey


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        ((HERE, THERE), "a", HERE),
        ((HERE, HERE), "e", HERE),
        ((HERE, replace(HERE, revision="2")), "e", BuiltFrom(HERE.repository)),
        ((HERE, THERE), "e", None),
        ((None, None), "e", None),
    ],
)
def test_what_an_index_was_built_from_is_what_all_its_images_agree_on(said, asked, expected):
    offers = tuple(offer(AMD64, letter, built_from=origin) for letter, origin in zip("ab", said, strict=True))
    assert ImageFacts("app", builders.INDEX, is_index=True, offers=offers).built_from(digest(asked)) == expected


def test_what_is_found_out_belongs_to_one_manifest():
    given = builders.image_facts(offer(AMD64, "a"), offer(ARM64, "b"))
    program, survey = builders.program(), Failure(Reason.SURVEY_PENDING)
    assert [one.program for one in given.with_program(digest("a"), program).offers] == [program, None]
    assert [one.survey for one in given.with_survey(digest("b"), survey).offers] == [None, survey]


def test_mounts_stand_among_the_volumes_of_what_is_said_beside_the_image():
    over = (Mount("/data"),)
    assert builders.workload(mounts=over).override == Process(volumes=("/data",))
    assert builders.workload(mounts=over, process=Process(cmd=("x",), volumes=("/v",))).override == Process(cmd=("x",), volumes=("/v", "/data"))  # fmt: skip
    assert builders.workload(mounts=()).override is None


def test_a_broken_stream_says_why():
    failure = Failure(Reason.LAYER_UNREADABLE, "cut")
    assert (str(StreamBroken(failure)), StreamBroken(failure).failure) == ("layer_unreadable: cut", failure)
