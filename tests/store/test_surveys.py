"""Surveys of layers are kept for ever, or are as if they had never been."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.image.image_survey import LayerSurvey, SurveyedFile, SurveyedKind
from scanner.domain.image.offers import Elf
from scanner.domain.platform.platform import Platform
from scanner.store.store import PRUNE_EVERY_S, Store
from scanner.store.surveys import pack, unpack

LAYER = "sha256:" + "1" * 64
ELF = Elf(62, 64, "little", Platform("linux", "amd64", "v3"), type=3, interpreter="/lib64/ld-linux-x86-64.so.2")
SURVEY = LayerSurvey(
    files=(
        SurveyedFile("usr/bin/a", SurveyedKind.ELF, 0o755, ELF),
        SurveyedFile("usr/bin/b", SurveyedKind.ELF, 0o644, ELF),
        SurveyedFile("x.o", SurveyedKind.ELF, 0o644, problem="an object file"),
        SurveyedFile("start.sh", SurveyedKind.SCRIPT, 0o755, shebang="/bin/sh -e", names=("/opt/x", "*/y")),
        SurveyedFile("configure", SurveyedKind.SCRIPT, 0o755, shebang="/bin/sh", names=None),
        SurveyedFile(
            "a.jar", SurveyedKind.ARCHIVE, 0o644, problem="cut", members=(SurveyedFile("x", SurveyedKind.ELF, 0, ELF),)
        ),
    ),
    links={"bin": "usr/bin"},
    hard_links={"usr/bin/c": "usr/bin/d"},
    whiteouts=frozenset({"gone", "also/gone"}),
    opaques=frozenset({"opt"}),
    covered=bytes(range(16)),
    directories=bytes(8),
    searched={"etc/ld.so.conf": ("/opt/lib",)},
)
PATHS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
FILES = st.builds(
    SurveyedFile,
    PATHS,
    st.sampled_from(SurveyedKind),
    st.integers(0, 0o7777),
    st.sampled_from([None, ELF, Elf(40, 32, "little", None)]),
    st.text(max_size=9),
    st.text(max_size=9),
    st.one_of(st.none(), st.lists(PATHS, max_size=3).map(tuple)),
)


@given(
    st.builds(
        LayerSurvey,
        st.lists(FILES, max_size=6).map(tuple),
        st.dictionaries(PATHS, PATHS, max_size=3),
        st.dictionaries(PATHS, PATHS, max_size=3),
        st.frozensets(PATHS, max_size=3),
        st.frozensets(PATHS, max_size=3),
        st.binary(max_size=32),
        st.binary(max_size=32),
        st.dictionaries(PATHS, st.lists(PATHS, max_size=2).map(tuple), max_size=2),
    )
)
def test_what_is_packed_unpacks_to_the_same(survey):
    assert unpack(pack(survey)) == survey


def test_names_that_are_no_utf_8_survive():
    survey = LayerSurvey(links={b"caf\xe9".decode("utf-8", "surrogateescape"): "x"})
    assert unpack(pack(survey)) == survey


@pytest.mark.parametrize("damage", [b"", b"no zlib", pack(SURVEY)[:-9], pack(SURVEY)[:20] + b"x" + pack(SURVEY)[21:]])
def test_damaged_bytes_are_no_survey(damage):
    with pytest.raises(ValueError, match="survey"):
        unpack(damage)


async def test_a_survey_outlives_restarts_and_pruning(tmp_path):
    url, now = f"sqlite:///{tmp_path}/archscan.db", [0.0]
    store = await Store.open(url, keep_s=10.0, clock=lambda: now[0])
    await store.put_survey(LAYER, "1", SURVEY)
    await store.close()
    now[0] = PRUNE_EVERY_S * 1000
    store = await Store.open(url, keep_s=10.0, clock=lambda: now[0])
    assert await store.get_survey(LAYER, "1") == SURVEY
    assert await store.get_survey(LAYER, "2") is None
    assert await store.get_survey("sha256:" + "2" * 64, "1") is None
    await store.close()


async def test_a_damaged_survey_is_read_anew(tmp_path):
    url = f"sqlite:///{tmp_path}/archscan.db"
    store = await Store.open(url)
    await store.put_survey(LAYER, "1", SURVEY)
    await store.close()
    with sqlite3.connect(tmp_path / "archscan.db") as db:
        db.execute("update surveys set body = x'00'")
    db.close()
    store = await Store.open(url)
    assert await store.get_survey(LAYER, "1") is None
    await store.put_survey(LAYER, "1", SURVEY)
    assert await store.get_survey(LAYER, "1") == SURVEY
    await store.close()
