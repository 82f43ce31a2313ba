"""An answer that did not change is not read again."""

from __future__ import annotations

from pathlib import Path

from scanner.domain.facts import Failure
from scanner.domain.host import Host
from scanner.probe import reading
from scanner.probe.answer_cache import AnswerCache

ANSWERS = Path(__file__).parent.parent / "data" / "hosts"


def host(name):
    return Host(name, "127.0.0.1")


def answer(name):
    return (ANSWERS / f"{name}.txt").read_bytes()


def test_the_same_bytes_give_the_same_facts_without_parsing():
    readings, raw = AnswerCache(), answer("amd64-docker")
    first = readings.read(raw, host("web-1"))
    assert first == reading.read(raw, host("web-1"))
    assert readings.read(bytes(bytearray(raw)), host("web-1")) is first


def test_two_hosts_never_share_facts():
    readings, raw = AnswerCache(), answer("amd64-docker")
    readings.read(raw, host("web-1"))
    assert readings.read(raw, host("web-2")) == reading.read(raw, host("web-2"))


def test_a_changed_answer_is_read_anew():
    readings = AnswerCache()
    readings.read(answer("amd64-docker"), host("web-1"))
    assert readings.read(answer("pi4-arm64"), host("web-1")) == reading.read(answer("pi4-arm64"), host("web-1"))


def test_an_answer_that_is_cut_gives_no_facts_however_well_the_host_is_known():
    readings, raw = AnswerCache(), answer("amd64-docker")
    readings.read(raw, host("web-1"))
    assert isinstance(readings.read(raw[:-1], host("web-1")), Failure)
    assert readings.read(raw, host("web-1")) == reading.read(raw, host("web-1"))
