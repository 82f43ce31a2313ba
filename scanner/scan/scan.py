"""One scan: hosts stream through reading, resolving, judging into one report."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from scanner.domain.facts import HostFacts, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.finding_groups import Findings, HostFindings
from scanner.domain.ownership import team_of
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.plain import plain_engines, plain_host
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.verdict import Depth, Fix, Verdict
from scanner.scan import equal_starts, fitting_hosts
from scanner.scan.aside import aside
from scanner.scan.fanout import fan_out
from scanner.scan.images.images import Images, nobody_asks, nobody_holds
from scanner.scan.judgements import Judgements, asked_for
from scanner.scan.plans.plans import NO_DEPLOYMENTS, Deployments, HostPlans
from scanner.scan.pod_names import with_pod
from scanner.scan.progress import Progress
from scanner.scan.unchanged import LastScan
from scanner.scan.unknown import built_for_others, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.domain.host import Host
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.ownership import OwnerRule
    from scanner.domain.plan import Plan
    from scanner.domain.platform.platform import Platform
    from scanner.probe.planned.folder import Gap
    from scanner.scan.images.image_surveys import Surveying
    from scanner.scan.ports import BinaryInspector, HeldImages, HostReader, ImageResolver, MissingPart, ScanListener
    from scanner.scan.standing_verdicts import StandingVerdicts
    from scanner.scan.unchanged import Rescan

log = structlog.get_logger(__name__)


def as_judged(fix: Fix, reason: Reason, failure: Failure | None, image: ImageReference | Failure) -> Fix:
    """There is no configuration to speak of."""
    del reason, failure, image
    return fix


def silent(done: int, total: int, reading: HostReading) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How deep, how wide and how long a scan may go; ``deadline_s`` is seconds of monotonic time."""

    depth: Depth = Depth.BINARY
    concurrency: int = 200
    deadline_s: float = 240.0


@dataclass(frozen=True, slots=True)
class Scanner:
    """The straight line from hosts to a report; its parts are handed in.

    ``configured`` tells of a fix what of the configuration it asks for. ``clock``
    gives Unix time; what a scan took is measured with ``ticks``, which nobody sets. ``last`` remembers what scans with the
    same parts found, where there is to be a next one, ``standing`` verdicts of former checks by them. ``owners`` tell whose
    a finding is. ``only`` tells which workloads are asked about; nothing else is judged.
    """

    read: HostReader
    registry: ImageResolver
    inspect: BinaryInspector
    limits: ScanLimits = field(default_factory=ScanLimits)
    clock: Callable[[], float] = time.time
    on_bug: Callable[[str], None] = lambda _where: None
    plans: Deployments = NO_DEPLOYMENTS
    ticks: Callable[[], float] = time.monotonic
    configured: Callable[[Fix, Reason, Failure | None, ImageReference | Failure], Fix] = as_judged
    missing_part: MissingPart = nobody_asks
    held: HeldImages = nobody_holds
    surveys: Surveying | None = None
    last: LastScan | None = None
    standing: StandingVerdicts | None = None
    owners: tuple[OwnerRule, ...] = ()
    only: Callable[[Workload], bool] | None = None

    async def scan(
        self, hosts: Sequence[Host], *, scan_id: str = "", listen: ScanListener = silent, only_plans: bool = False
    ) -> Report:
        """Read and judge every host exactly once; a host that the deadline cuts off is unknown, never left out.

        With ``only_plans`` the hosts' existing containers are not judged: only the inventory's plans, and ``plans``.
        """
        began = self.ticks()
        done: dict[str, tuple[HostReading, HostFindings]] = {}
        judgements = self._judgements()
        last = LastScan() if self.last is None or only_plans else self.last
        rescan = last.begin(judgements.images)
        read: dict[str, Progress | HostFacts] = {}

        async def work(host: Host) -> None:
            reading, findings = await self._host(judgements, rescan, host, read, only_plans=only_plans)
            done[host.name] = (reading, findings)
            listen(len(done), len(hosts), reading)

        await fan_out(hosts, work, self.limits.concurrency, self.limits.deadline_s)
        rescan.end()

        def whole() -> tuple[tuple[HostReading, ...], Findings]:
            rescan.tidy()
            for host in hosts:
                if host.name not in done:
                    done[host.name] = self._cut_off(host, read.get(host.name), only_plans=only_plans)
            ordered = equal_starts.settled([done[host.name] for host in hosts], judgements.kind)
            return tuple(reading for reading, _ in ordered), Findings.of(fitting_hosts.named(ordered))

        readings, findings = await asyncio.to_thread(whole)
        finished_at = self.clock()
        return Report(
            scan_id=scan_id or uuid.uuid4().hex,
            started_at=finished_at - (self.ticks() - began),
            finished_at=finished_at,
            hosts=readings,
            findings=findings,
        )

    async def against(self, platforms: Sequence[Platform], planned: Sequence[Plan], gaps: Sequence[Gap] = ()) -> Report:
        """Judge plans against a plain host of each platform, which needs no inventory; ``gaps`` are unknown on each.

        A plan that is for other hosts alone is not judged.

        Raises:
            ValueError: there are no hosts of such a platform.
        """
        started_at, plains = self.clock(), [HostFacts(str(p), plain_host(p)) for p in platforms]
        judgements = self._judgements()
        readings, findings = [], []
        for named, plain in zip(platforms, plains, strict=True):
            platform = plain.kernel.platform
            here = [plan for plan in planned if _is_for(plan, plain.host, platform)]
            workloads = _each_once(w for plan in here if not (w := plan.on(plain.host)).build_only)
            facts = replace(plain, engines=plain_engines(named, workloads))
            progress = Progress(facts, workloads)
            await self._judge(judgements, progress)
            unread = [(gap.on(facts.host), unknown(gap.on(facts.host), gap.failure)) for gap in gaps]
            findings += [
                self._finding(w, verdict, platform, started_at) for w, verdict in (*progress.verdicts(), *unread)
            ]
            readings.append(HostReading(facts.host, facts, {}, started_at, started_at))
        finished_at = max(self.clock(), started_at)
        return Report(uuid.uuid4().hex, started_at, finished_at, tuple(readings), tuple(findings))

    def _judgements(self) -> Judgements:
        return Judgements(
            Images(self.registry, self.inspect, self.limits.depth, self.missing_part, self.surveys, self.held),
            self.standing,
        )

    async def _host(
        self,
        judgements: Judgements,
        rescan: Rescan,
        host: Host,
        read: dict[str, Progress | HostFacts],
        *,
        only_plans: bool,
    ) -> tuple[HostReading, HostFindings]:
        """One host from its address to its findings; whatever goes wrong stays its own. ``read`` takes down how far it is."""
        taken_at = self.clock()
        try:
            facts = await self.read(host)
            plans = self.plans.of(host.name)
            filed = len(plans.workloads) + len(plans.gaps) + len(host.planned)
            if isinstance(facts, Failure):
                return await aside(filed, lambda: self._unread(host, facts, taken_at))
            read[host.name] = facts
            files = await aside(filed, lambda: self._files(host, facts.kernel.platform))
            known = await rescan.findings(host, facts, files)
            if known is not None:
                return _answered(host, facts, taken_at), known
            size = filed + len(facts.workloads)
            progress = await aside(size, lambda: self._progress(host, facts, only_plans=only_plans))
            read[host.name] = progress
            return await self._judged(judgements, rescan, host, progress, taken_at, only_plans=only_plans)
        except Exception as bug:
            log.exception("host_bug", host=host.name)
            self.on_bug("scan")
            failure = Failure(Reason.INTERNAL_BUG, f"{type(bug).__name__}: {bug}")
            return self._unread(host, failure, taken_at)

    async def _judged(  # noqa: PLR0913 -- a host with all that is known of it
        self,
        judgements: Judgements,
        rescan: Rescan,
        host: Host,
        progress: Progress,
        taken_at: float,
        *,
        only_plans: bool,
    ) -> tuple[HostReading, HostFindings]:
        facts = progress.facts
        await self._judge(judgements, progress)

        def read() -> tuple[HostReading, HostFindings, HostPlans]:
            found = self._reading(host, facts, progress.doubted(), taken_at, only_plans=only_plans)
            return *found, self._files(host, facts.kernel.platform)

        reading, findings, files = await aside(len(progress.workloads), read)
        rescan.judged(host, facts, files, asked_for(progress.judgements), findings)
        return reading, findings

    def _cut_off(
        self, host: Host, progress: Progress | HostFacts | None, *, only_plans: bool
    ) -> tuple[HostReading, HostFindings]:
        """A host that the deadline came for: what it said stays, what was judged too; the rest is unknown."""
        failure = Failure(Reason.INTERNAL_DEADLINE, "the scan's deadline came first")
        if progress is None:
            return self._unread(host, failure, self.clock())
        if isinstance(progress, HostFacts):
            progress = self._progress(host, progress, only_plans=only_plans)
        failure = replace(failure, detail="the scan's deadline came before its image was looked into")
        verdicts = progress.doubted(failure)
        return self._reading(host, progress.facts, verdicts, self.clock(), only_plans=only_plans)

    def _progress(self, host: Host, facts: HostFacts, *, only_plans: bool) -> Progress:
        return Progress(facts, self._workloads(host, facts, only_plans=only_plans))

    def _workloads(self, host: Host, facts: HostFacts, *, only_plans: bool) -> list[Workload]:
        existing = () if only_plans else facts.workloads
        files = self._files(host, facts.kernel.platform)
        filed = (_placed(workload, files.file_of(workload)) for workload in files.workloads)
        found = _each_once(w for w in (*existing, *planned(host), *filed) if not w.build_only)
        return found if self.only is None else equal_starts.with_witnesses(found, self.only)

    def _files(self, host: Host, platform: Platform | None) -> HostPlans:
        """What files plan for a host of this platform, as far as it is known."""
        return self.plans.of(host.name).on(platform)

    def _reading(
        self,
        host: Host,
        facts: HostFacts,
        verdicts: Iterable[tuple[Workload, Verdict]],
        taken_at: float,
        *,
        only_plans: bool,
    ) -> tuple[HostReading, HostFindings]:
        """What is known of a host that was read, gaps included."""
        files = self._files(host, facts.kernel.platform)
        gaps = (*(() if only_plans else _gap_verdicts(facts)), *_file_gaps(files))
        built = (*(() if only_plans else facts.workloads), *planned(host), *files.workloads)
        alone = _each_once(workload for workload in built if workload.build_only)
        gaps += tuple(built_for_others(alone, facts.kernel.platform))
        placed = ((workload, _unplaced(files, workload, verdict)) for workload, verdict in verdicts)
        findings = HostFindings(
            self._owned(
                self._finding(workload, _with_file(verdict, files.file_of(workload)), facts.kernel.platform, taken_at),
                host,
            )
            for workload, verdict in (*placed, *gaps)
        )
        return _answered(host, facts, taken_at), findings

    def _finding(self, workload: Workload, verdict: Verdict, platform: Platform | None, taken_at: float) -> Finding:
        """The judged workload; here alone what the configuration could do about it joins what the judge says."""
        fix = self.configured(verdict.fix, verdict.reason, verdict.failure, workload.reference)
        if fix is not verdict.fix:
            verdict = replace(verdict, fix=fix)
        return Finding(workload, with_pod(verdict, workload), platform, taken_at)

    def _owned(self, finding: Finding, host: Host) -> Finding:
        """The finding with whose it is."""
        team = team_of(finding, self.owners, host.labels)
        return replace(finding, team=team) if team else finding

    async def _judge(self, judgements: Judgements, progress: Progress) -> None:
        """Fill in a verdict for each workload; what is known to be right costs no task."""
        kind = judgements.kind(progress.facts)
        progress.judgements = [judgements.of(kind, workload) for workload in progress.workloads]
        progress.made = [one.right for one in progress.judgements]
        waiting = [place for place, verdict in enumerate(progress.made) if verdict is None]
        if len(waiting) == 1:
            await self._verdict(judgements, progress, waiting[0])
            return
        async with asyncio.TaskGroup() as tasks:
            for place in waiting:
                await judgements.begun.wait()  # two hundred hosts may be told at one moment
                tasks.create_task(self._verdict(judgements, progress, place))

    async def _verdict(self, judgements: Judgements, progress: Progress, place: int) -> None:
        workload, one = progress.workloads[place], progress.judgements[place]
        try:
            progress.made[place] = await judgements.verdict(one, progress.facts, workload)
        except Exception as bug:
            log.exception("workload_bug", host=workload.host, workload=workload.name)
            self.on_bug("judge")
            one.asked = None
            failure = Failure(Reason.INTERNAL_BUG, f"{type(bug).__name__}: {bug}")
            progress.made[place] = unknown(workload, failure)

    def _unread(self, host: Host, failure: Failure, taken_at: float) -> tuple[HostReading, HostFindings]:
        """A host without facts: everything planned for it is unknown for the same reason."""
        files = self._files(host, None)
        workloads = _each_once(w for w in (*planned(host), *files.workloads) if not w.build_only)
        verdicts = [(workload, judge(failure, workload, None)) for workload in workloads]
        findings = HostFindings(
            self._owned(self._finding(workload, _with_file(verdict, files.file_of(workload)), None, taken_at), host)
            for workload, verdict in (*verdicts, *_file_gaps(files))
        )
        return HostReading(host.name, failure, host.labels, taken_at), findings


def _answered(host: Host, facts: HostFacts, taken_at: float) -> HostReading:
    """Of a host that was read; one that pushed its answer is known as of then."""
    answered_at = taken_at if facts.answered_at is None else facts.answered_at
    return HostReading(host.name, facts, host.labels, answered_at, answered_at)


def planned(host: Host) -> list[Workload]:
    """What the inventory wants the host to run."""
    return [plan.on(host.name) for plan in host.planned]


def _each_once(workloads: Iterable[Workload]) -> list[Workload]:
    """Every workload once; those that share source, name, stage and image but not all the rest are numbered.

    A report tells workloads apart by these four: an image planned for two platforms is two workloads.
    """
    seen: dict[tuple[str, ...], Workload | set[Workload]] = {}
    unique = []
    for workload in workloads:
        key = (workload.source, workload.name, workload.stage, workload.image)
        alike = seen.get(key)
        if alike is None:  # most are the only one, which costs no hash
            seen[key] = workload
            unique.append(workload)
            continue
        if isinstance(alike, Workload):
            alike = seen[key] = {alike}
        if workload in alike:  # by its hash: a host may say thousands of one name
            continue
        alike.add(workload)
        unique.append(replace(workload, name=f"{workload.name}#{len(alike)}"))
    return unique


def _unplaced(files: HostPlans, workload: Workload, verdict: Verdict) -> Verdict:
    """What would not start is no finding where nobody told whether the plan is for this host at all."""
    asked = files.doubt_of(workload)
    if not asked or verdict.status not in (Status.MISMATCH, Status.BROKEN):
        return verdict
    why = f"it would not start here ({verdict.reason}), but nobody told whether this host is one that it asks for: {asked}"
    return unknown(workload, Failure(Reason.PART_INCOMPLETE, why))


_SOURCE_OF_PART = {source.value: source for source in Source}


def _gap_verdicts(facts: HostFacts) -> tuple[tuple[Workload, Verdict], ...]:
    """A part that did not answer is a finding of its own: silence must not look like an empty host."""
    found = []
    for part, failure in facts.gaps.items():
        source = _SOURCE_OF_PART.get(part.partition(":")[0], Source.INVENTORY)
        workload = Workload(host=facts.host, name=part, source=source, stage=Stage.RUNNING, image="")
        found.append((workload, unknown(workload, failure)))
    return tuple(found)


def _file_gaps(files: HostPlans) -> tuple[tuple[Workload, Verdict], ...]:
    """A file that cannot be understood may plan anything."""
    return tuple((workload, unknown(workload, failure)) for workload, failure in files.gaps)


def _placed(workload: Workload, file: str) -> Workload:
    """A plan whose reader did not say in which line a platform is pinned: it is in that file."""
    if workload.pinned is None or workload.pinned_at or not file:
        return workload
    return replace(workload, pinned_at=file)


def _with_file(verdict: Verdict, file: str) -> Verdict:
    """The verdict that names the file to mend; nobody looks for the file of what is right."""
    if not file or verdict.status is Status.OK:
        return verdict
    return replace(verdict, detail=f"{verdict.detail} (planned in {file})".strip())


def _is_for(plan: Plan, host: str, platform: Platform | None) -> bool:
    """Whether a plain host may be one that a plan is for."""
    return plan.placement is None or plan.placement.fits(host, platform, {}) is not False
