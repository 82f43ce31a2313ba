"""An answer that did not change is not read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.probe import reading, uptime
from scanner.probe.answer_cache import AnswerCache
from tests import builders

ANSWERS = Path(__file__).parent.parent / "data" / "hosts"


def host(name):
    return Host(name, "127.0.0.1")


def answer(name):
    return (ANSWERS / f"{name}.txt").read_bytes()


async def at_once(raw, host):
    return reading.read(raw, host)


async def test_the_same_bytes_give_the_same_facts_without_parsing():
    readings, raw = AnswerCache(at_once), answer("amd64-docker")
    first = await readings.read(raw, host("web-1"))
    assert first == reading.read(raw, host("web-1"))
    assert await readings.read(bytes(bytearray(raw)), host("web-1")) is first


async def test_two_hosts_never_share_facts():
    readings, raw = AnswerCache(at_once), answer("amd64-docker")
    await readings.read(raw, host("web-1"))
    assert await readings.read(raw, host("web-2")) == reading.read(raw, host("web-2"))


async def test_a_changed_answer_is_read_anew():
    readings = AnswerCache(at_once)
    await readings.read(answer("amd64-docker"), host("web-1"))
    assert await readings.read(answer("pi4-arm64"), host("web-1")) == reading.read(answer("pi4-arm64"), host("web-1"))


async def test_an_answer_that_is_cut_gives_no_facts_however_well_the_host_is_known():
    readings, raw = AnswerCache(at_once), answer("amd64-docker")
    await readings.read(raw, host("web-1"))
    assert isinstance(await readings.read(raw[:-1], host("web-1")), Failure)
    assert await readings.read(raw, host("web-1")) == reading.read(raw, host("web-1"))


def at(raw, clock):
    return raw.removesuffix(b"@end\n") + b"@section clock 10\n%d\n@end\n" % clock


async def test_a_clock_that_went_on_is_no_change():
    asked = []

    async def counted(raw, host):
        asked.append(host.name)
        return await at_once(raw, host)

    readings, raw = AnswerCache(counted), answer("amd64-docker")
    first = await readings.read(at(raw, 1_700_000_000), host("web-1"))
    assert await readings.read(at(raw, 1_700_000_300), host("web-1")) is first
    assert asked == ["web-1"]


async def test_a_clock_of_another_length_than_it_says_is_no_answer():
    readings, raw = AnswerCache(at_once), answer("amd64-docker")
    await readings.read(at(raw, 1_700_000_000), host("web-1"))
    damaged = at(raw, 1_700_000_000).replace(b"clock 10", b"clock 11")
    assert isinstance(await readings.read(damaged, host("web-1")), Failure)


@pytest.mark.parametrize("starts", [(1000.0,), (1000.0, 950.5), (1000.0, None)])
async def test_whatever_the_clock_says_next_the_facts_are_those_of_reading_anew(starts):
    workloads = [builders.workload(str(at), state="running", started_at=at) for at in starts]
    said = builders.host_facts("web-1", workloads=[*workloads, builders.workload("old", state="exited")])

    async def read(raw, _host):
        return uptime.at(said, uptime.split(raw)[1])

    readings, raw = AnswerCache(read), answer("amd64-docker").removesuffix(b"@end\n")
    for passed in (10, 59, 60, 61, 62, 500, 501, 30, 62, -10, 70, 0, 999):
        now = raw + b"@section clock 4\n%04d\n@end\n" % (1000 + passed)
        assert await readings.read(now, host("web-1")) == await read(now, host("web-1")), passed
