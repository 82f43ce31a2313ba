"""What is made of the processes that a host shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import LiveProcess
from scanner.probe import live
from scanner.probe.answer import parse

ID, HEAD = "c" * 64, "7f454c46" + "00" * 60


def section(body, mark=""):
    raw = body if isinstance(body, bytes) else body.encode()
    answer = parse(b"archscan-probe 1\n@section live %d%s\n%s\n@end\n" % (len(raw), mark.encode(), raw))
    return live.read(answer)


def test_processes_stand_under_their_container():
    found = section(f"{ID} {HEAD} /usr/bin/app\t/app\n{ID} {HEAD} /bin/sh (deleted)\tsh\npid:42 {HEAD} /x y\t")
    head = bytes.fromhex(HEAD)
    assert found == {
        ID: (LiveProcess("/app", "/usr/bin/app", head), LiveProcess("sh", "/bin/sh", head)),
        "pid:42": (LiveProcess("", "/x y", head),),
    }


def test_an_older_probe_shows_none():
    assert live.read(parse(b"archscan-probe 1\n@end\n")) == {}


@pytest.mark.parametrize(
    "line",
    [
        "",
        f"{ID} {HEAD}",
        f"{ID} {HEAD[:-2]} /x\tx",
        f"{ID[:-1]} {HEAD} /x\tx",
        f"pid:0 {HEAD} /x\tx",
        f"{ID} {HEAD.replace('7f', '7g')} /x\tx",
    ],
)
def test_a_line_of_another_form_shows_nothing(line):
    assert section(line) == {}


@pytest.mark.parametrize("ending", ["\n@hung 4", "\n@exit 1"])
def test_a_reading_that_did_not_end_shows_nothing(ending):
    assert section(f"{ID} {HEAD} /x\tx{ending}") == {}


def test_a_section_that_was_cut_shows_nothing():
    assert section(f"{ID} {HEAD} /x\tx", " truncated") == {}


def test_no_host_has_more_processes_looked_at_than_the_probe_looks_at():
    found = section("\n".join([f"{ID} {HEAD} /x\tx"] * (live.MAX_PROCESSES + 5)))
    assert len(found[ID]) == live.MAX_PROCESSES


def test_control_characters_of_a_path_are_made_printable():
    ((process,),) = section(f"{ID} {HEAD} /a\x1b[31m\tx\x07").values()
    assert "\x1b" not in process.exe
    assert "\x07" not in process.argv0


@given(st.binary(max_size=400))
def test_any_bytes_raise_nothing(body):
    section(body)
