"""What becomes of verdicts when a part of a host's answer is lost: unknown, never ok."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from scanner.domain.facts import HostFacts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image.offers import Elf, Executable, FileKind, ImageFacts, Offer, Program
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import parse
from scanner.domain.verdict.reason import Status
from scanner.probe import reading
from scanner.scan.scan import ScanLimits, Scanner
from tests import builders
from tests.rows import each_row

HOSTS = Path(__file__).parents[1] / "data" / "hosts"
NAMES = sorted(path.stem for path in HOSTS.glob("*.txt"))
SECTION = re.compile(rb"@section (\S+) (\d+)( truncated)?\n")

PLATFORMS = ("amd64", "386", "arm64", "arm/v5", "arm/v7", "ppc64le", "riscv64", "s390x", "loong64", "mipsle")
PLANS = tuple(Plan(f"r.example/{name}", name) for name in ("every", "amd64", "arm64", "armv7", "v3"))
HOST = Host("edge-1", "127.0.0.1", planned=PLANS)

CUTS = 60
"""Offsets tried in each answer, evenly spread, beside the ends of its lines near them."""


def offers(repository):
    """What an image of this name has, each with a right binary."""
    only = {"amd64": ("amd64",), "arm64": ("arm64",), "armv7": ("arm/v7",), "v3": ("amd64/v3",)}
    return only.get(repository.rpartition("/")[2], PLATFORMS)


class Registry:
    """Offers what an image's name says; what is asked for by digest has that digest."""

    async def resolve(self, reference, *, depth, wanted=None):
        del depth, wanted
        return image_of(reference)


@functools.cache
def image_of(reference):
    platforms = [parse(f"linux/{name}") for name in offers(reference.repository)]
    entries = tuple(Offer(f"sha256:{n:064x}", p, p) for n, p in enumerate(platforms))
    return ImageFacts(str(reference), reference.digest or builders.INDEX, is_index=True, offers=entries)


async def inspect(_reference, offer, _override, _host=""):
    return Program(("/app",), (Executable("/app", "entrypoint", FileKind.ELF, Elf(0, 64, "little", offer.entry)),))


async def judged(raw):
    """Each finding's verdict; the reading's failure, if there are no facts."""

    async def read(host):
        return reading.read(raw, host)

    report = await Scanner(read, Registry(), inspect, ScanLimits(), lambda: 1.0).scan([HOST])
    return {finding.key: finding.verdict for finding in report.findings}


def sections_of(raw):
    """Name, start and end of each section, frame included."""
    at, found = raw.index(b"\n") + 1, []
    while head := SECTION.match(raw, at):
        end = head.end() + int(head[2]) + 1
        found.append((head[1].decode(), at, end))
        at = end
    assert raw[at:] == b"@end\n"
    return found


def without(raw, start, end):
    return raw[:start] + raw[end:]


def cut_short(raw, start, end):
    """The answer with one section that reached its limit."""
    head = SECTION.match(raw, start)
    mark = b"@section %s %s truncated\n" % (head[1], head[2])
    return raw[:start] + mark + raw[head.end() : end] + raw[end:]


async def assert_only_unknown_is_added(before, damaged, what):
    after = await judged(damaged)
    for key, verdict in after.items():
        known = before.get(key)
        if verdict.status is Status.OK:
            assert known is not None, f"{what}: {key} is ok and was not there"
            assert known.status is Status.OK, f"{what}: {key} was {known.reason}, now {verdict.reason}"
        elif known is not None and known.status is not verdict.status:
            assert verdict.status is Status.UNKNOWN, f"{what}: {key} was {known.reason}, now {verdict.reason}"
    if lost := before.keys() - after.keys():
        added = [v for k, v in after.items() if k not in before and v.status is Status.UNKNOWN]
        assert added, f"{what}: {lost} vanished without a word"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", [without, cut_short])
async def test_a_lost_section_makes_verdicts_unknown_and_none_ok(name, damage):
    raw = (HOSTS / f"{name}.txt").read_bytes()
    before = await judged(raw)
    for section, start, end in sections_of(raw):
        await assert_only_unknown_is_added(before, damage(raw, start, end), f"{name} {damage.__name__} {section}")


@pytest.mark.parametrize("name", NAMES)
async def test_the_whole_answer_gives_verdicts_that_a_loss_can_change(name):
    raw = (HOSTS / f"{name}.txt").read_bytes()
    assert isinstance(reading.read(raw, HOST), HostFacts)
    assert len(await judged(raw)) >= len(PLANS)


@each_row("name", NAMES)
def test_an_answer_that_is_cut_anywhere_gives_no_facts(name):
    raw = (HOSTS / f"{name}.txt").read_bytes()
    places = {len(raw) * step // CUTS for step in range(CUTS)} | {start for _, start, _ in sections_of(raw)}
    places |= {end - 1 for _, _, end in sections_of(raw)} | {len(raw) - n for n in range(1, 6)}
    kept = [place for place in sorted(places) if not isinstance(reading.read(raw[:place], HOST), Failure)]
    assert kept == []
