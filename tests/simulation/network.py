"""The made-up hosts and registries of one run, with a record of everything they ever said to whom."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import HostFacts, Stage
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image.offers import ImageFacts, Offer
from scanner.domain.image.reference import Digest
from scanner.domain.plan import Plan
from scanner.domain.verdict.reason import Reason, Status
from scanner.scan.plans.plans import NO_DEPLOYMENTS
from scanner.scan.scan import Scanner, silent
from scanner.scan.unchanged import LastScan
from scanner.service.configuration import Configuration
from scanner.settings.schema import Settings
from tests import builders
from tests.builders import AMD64, ARM64

if TYPE_CHECKING:
    import random

    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Report

PLATFORMS = (AMD64, ARM64)
IMAGES = tuple(f"r{letter}.example/app:1" for letter in "abc")
DEADLINE_S = 6.0
INTERVAL_S = 15.0
SPARE_S = 1.0
"""From the deadline to the report, of made-up time: what is left to do waits for threads."""

BUG = "a bug that was put there"

SETTINGS = Settings.model_validate(
    {
        "scan": {"interval": f"{INTERVAL_S:g}s", "deadline": f"{DEADLINE_S:g}s", "jitter": "0s"},
        "ssh": {"concurrency": 3},
    }
)


@dataclass
class Machine:
    """One machine: what it is and runs; ``mood`` says how it answers."""

    platform: Platform
    running: tuple[str, ...]
    mood: str = "well"
    facts: HostFacts | None = None

    def said(self, name: str) -> HostFacts:
        """What it says, the same object as long as nothing changed."""
        if self.facts is None or self.facts.host != name:
            containers = [
                builders.workload(f"c{number}", image, host=name, local=None)
                for number, image in enumerate(self.running)
            ]
            self.facts = builders.host_facts(name, self.platform, containers)
        return self.facts


@dataclass
class Repository:
    """One tag: which platforms it offers, for which its program really is."""

    offers: tuple[tuple[Platform, Platform], ...]
    mood: str = "well"
    version: int = 0


@dataclass
class Heard:
    """What one scanner was told, by which each ``ok`` of its report is held up; what an image offers is by digest.

    ``runs`` is what programs really are, which whoever has ever been told need not ask again: a digest never changes.
    """

    runs: dict[str, Platform]
    hosts: dict[str, HostFacts] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    offered: dict[str, dict[str, Platform]] = field(default_factory=dict)

    def starts(self, image: str, platform: Platform) -> bool:
        """Whether somebody said that there is an image for this platform, and that its program really is."""
        offered = self.offered.get(image, {})
        return any(said == platform == self.runs.get(digest) for digest, said in offered.items())


class Outside:
    """Everything beyond the process, which no kill touches."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.machines = {
            f"10.0.0.{n}": Machine(dice.choice(PLATFORMS), self._some_images()) for n in range(dice.randint(1, 3))
        }
        self.repositories = {image: Repository(self._some_offers()) for image in IMAGES}
        self.addresses = {f"h{n}": address for n, address in enumerate(self.machines)}
        self.plans = {name: dice.sample(IMAGES, dice.randint(0, 1)) for name in self.addresses}
        self.runs: dict[str, Platform] = {}
        self.vouched: set[tuple[object, float]] = set()
        self.faults: list[str] = []
        self.trace: list[str] = []
        self.figures = {"scans": 0, "verdicts": 0, "ok": 0}

    def _some_images(self) -> tuple[str, ...]:
        return tuple(self.dice.sample(IMAGES, self.dice.randint(0, 2)))

    def _some_offers(self) -> tuple[tuple[Platform, Platform], ...]:
        """Mostly honest ones."""
        chosen = self.dice.sample(PLATFORMS, self.dice.randint(1, 2))
        return tuple((each, each if self.dice.random() < 0.9 else self.dice.choice(PLATFORMS)) for each in chosen)

    def change(self) -> None:
        """Something out there is no longer what it was."""
        machine = self.machines[self.dice.choice(list(self.machines))]
        repository = self.repositories[self.dice.choice(IMAGES)]
        what = self.dice.randrange(6)
        if what == 0:
            machine.platform, machine.facts = self.dice.choice(PLATFORMS), None
        elif what == 1:
            machine.running, machine.facts = self._some_images(), None
        elif what == 2:
            machine.mood = self.dice.choice(("well", "well", "refuses", "hangs", "bug", "slow"))
        elif what == 3:
            repository.offers, repository.version = self._some_offers(), repository.version + 1
        elif what == 4:
            repository.mood = self.dice.choice(("well", "well", "gone", "down", "hangs", "bug", "unreadable"))
        else:
            self._rename()

    def _rename(self) -> None:
        """The inventory changes: a host leaves, comes, or means another machine; somebody has to read it again."""
        name = f"h{self.dice.randrange(len(self.machines) + 1)}"
        if name in self.addresses and len(self.addresses) > 1 and self.dice.random() < 0.5:
            del self.addresses[name]
        else:
            self.addresses[name] = self.dice.choice(list(self.machines))

    def configuration(self) -> Configuration:
        """The inventory as it is written now."""
        hosts = (
            Host(name, address, planned=tuple(Plan(image) for image in self.plans.get(name, ())))
            for name, address in self.addresses.items()
        )
        return Configuration(SETTINGS, tuple(hosts))

    async def wait(self, mood: str) -> None:
        """As long as an answer takes, for ever where nothing answers."""
        if mood == "hangs":
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self.dice.random() * (10.0 if mood == "slow" else 1.0))
        if mood == "bug":
            raise RuntimeError(BUG)


class Adapters:
    """What one configuration can ask out there."""

    def __init__(self, outside: Outside, clock) -> None:
        self.outside, self.clock, self.last = outside, clock, LastScan()

    def one_scan(self):
        return nullcontext()

    one_check = one_scan

    async def read(self, host):
        machine = self.outside.machines[host.address]
        await self.outside.wait(machine.mood)
        if machine.mood == "refuses":
            return Failure(Reason.HOST_REFUSED, "no")
        return machine.said(host.name)

    async def tags(self, _reference):
        return ()

    def credential_ends(self):
        return {}

    async def plans(self, _hosts, _within_s):
        return NO_DEPLOYMENTS

    def scanner(self, limits, *, read=None, on_bug=lambda _where: None, plans=NO_DEPLOYMENTS, **_surveys):
        heard = Heard(self.outside.runs)
        questions = _Questions(self.outside, heard)
        return WatchedScanner(
            questions.reading(read or self.read), questions, questions.inspect, limits, self.clock, on_bug, plans,
            ticks=asyncio.get_running_loop().time, last=self.last,
        )  # fmt: skip

    async def survey(self, _wanted, _grant):
        return 0

    async def close(self):
        pass


class _Questions:
    """Asks for one scanner, and takes down what it was told."""

    def __init__(self, outside: Outside, heard: Heard) -> None:
        self.outside, self.heard = outside, heard

    def reading(self, read):
        async def once(host):
            self.heard.asked.append(host.name)
            facts = await read(host)
            if isinstance(facts, HostFacts):
                self.heard.hosts[host.name] = facts
            return facts

        once.heard = self.heard
        once.outside = self.outside
        return once

    async def resolve(self, reference, *, depth, wanted=None):
        image = str(reference)
        repository = self.outside.repositories[image]
        offers, version, mood = repository.offers, repository.version, repository.mood
        await self.outside.wait(mood)
        if mood in {"gone", "down"}:
            return Failure(Reason.IMAGE_TAG_MISSING if mood == "gone" else Reason.IMAGE_UNREACHABLE)
        made = tuple(
            Offer(_digest(image, version, place), platform, platform) for place, (platform, _) in enumerate(offers)
        )
        self.heard.offered.setdefault(image, {}).update((offer.digest, offer.entry) for offer in made)
        return ImageFacts(image, _digest(image, version, 9), is_index=True, offers=made)

    async def inspect(self, reference, offer, _override, _host=""):
        image = str(reference)
        repository = self.outside.repositories[image]
        mood, offers = repository.mood, repository.offers
        await self.outside.wait(mood)
        if mood == "unreadable":
            return builders.program(problem=Failure(Reason.LAYER_UNREADABLE, "cut"))
        version, place = int(offer.digest[9:13], 16), int(offer.digest[13:15], 16)
        if version != repository.version:
            return builders.program(problem=Failure(Reason.IMAGE_TAG_MISSING, "moved away"))
        really = offers[place][1]
        self.heard.runs[offer.digest] = really
        return builders.program(really)


def _digest(image: str, version: int, place: int) -> Digest:
    return Digest(f"sha256:{IMAGES.index(image):02x}{version:04x}{place:02x}{0:056x}")


class WatchedScanner(Scanner):
    """A scanner whose every report is held against what was really said."""

    async def scan(self, hosts, *, scan_id="", listen=silent, only_plans=False):
        loop = asyncio.get_running_loop()
        began = loop.time()
        report = await Scanner.scan(self, hosts, scan_id=scan_id, listen=listen, only_plans=only_plans)
        outside, heard = self.read.outside, self.read.heard
        took_s = loop.time() - began
        if took_s > self.limits.deadline_s + SPARE_S:
            outside.faults.append(f"a scan took {took_s:g} s")
        if [each.name for each in report.hosts] != [each.name for each in hosts]:
            outside.faults.append("not one reading a host")
        if len(set(heard.asked)) != len(heard.asked):
            outside.faults.append(f"a host was asked twice: {heard.asked}")
        outside.faults.extend(held_up(report, heard, hosts, only_plans=only_plans))
        outside.vouched.update(
            (finding.key, report.readings[finding.workload.host].taken_at)
            for finding in report.findings
            if finding.verdict.status is Status.OK
        )
        outside.figures["scans"] += 1
        outside.figures["verdicts"] += len(report.findings)
        outside.figures["ok"] += report.counts[Status.OK]
        return report


def held_up(report: Report, heard: Heard, hosts, *, only_plans: bool) -> list[str]:
    """What of a report rests on nothing that was said."""
    wrong = []
    keys = [finding.key for finding in report.findings]
    if len(set(keys)) != len(keys):
        wrong.append("two verdicts on one workload")
    for host in hosts:
        facts = report.readings[host.name].reading
        told = () if only_plans or not isinstance(facts, HostFacts) else facts.workloads
        due = {(each.name, each.image) for each in told} | {(each.image, each.image) for each in host.planned}
        found = {
            (each.workload.name, each.workload.image) for each in report.findings if each.workload.host == host.name
        }
        if due != found:
            wrong.append(f"{host.name}: verdicts on {found}, not on {due}")
    for finding in report.findings:
        if finding.verdict.reason is Reason.INTERNAL_BUG and BUG not in finding.verdict.detail:
            wrong.append(finding.verdict.detail)
        if finding.verdict.status is not Status.OK:
            continue
        name, image = finding.workload.host, finding.workload.image
        facts = heard.hosts.get(name)
        platform = facts.kernel.platform if facts else None
        if platform is None or report.readings[name].reading != facts:
            wrong.append(f"{name} {image} ok, but nobody read the host")
        elif not heard.starts(image, platform):
            wrong.append(f"{name} {image} ok on {platform}, but nobody said that it runs there")
        elif finding.workload.stage is Stage.RUNNING and finding.workload not in facts.workloads:
            wrong.append(f"{name} {image} ok, but the host never had it")
    return wrong
