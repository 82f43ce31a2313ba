"""Judges what a GitOps repository would deploy on each host."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner import inventory
from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.plan import HostNames, Placement
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.offload import START, BudgetExceeded, CallBudget
from scanner.probe.planned import folder
from scanner.probe.planned.faults import without_culprits
from scanner.probe.planned.file_kinds import FileOutcome
from scanner.scan.plans import plan_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scanner.domain.host import Host
    from scanner.domain.platform.platform import Platform
    from scanner.formats.parsing.offload import Parsers
    from scanner.probe.planned.folder import Filed, FolderPlans, Gap

FOLDERS_AT_ONCE = 256
"""Folders read in one call: one that costs too much has so many read again, one by one."""

FOLDERS_BUDGET = CallBudget(seconds=60)
"""Two thousand Compose files of 3 KiB take some five seconds on a busy machine."""

FOLDER_BUDGET = CallBudget(seconds=5)

MAX_READING_S = 120
"""Seconds for all folders that are read one by one; what is left then is unknown."""

Key = tuple[str, str, str]
"""By which planned workloads of one host are told apart: source, name, image."""

EVERY_HOST = ("all", "*")
"""Folders whose plans are for the whole fleet."""


@dataclass(frozen=True, slots=True)
class HostPlans:
    """What files plan for one host: workloads, the file of each, and parts that are not known.

    ``placed`` tells of workloads whose plans are for some hosts alone, ``doubts`` what such a plan asks about which
    nobody told, so that the host may not get it.
    """

    workloads: tuple[Workload, ...] = ()
    files: Mapping[Key, str] = field(default_factory=dict)
    gaps: tuple[tuple[Workload, Failure], ...] = ()
    placed: Mapping[Key, Placed] = field(default_factory=dict)
    doubts: Mapping[Key, str] = field(default_factory=dict)

    def file_of(self, workload: Workload) -> str:
        """The file that plans a workload; empty where none does."""
        return self.files.get(_key(workload), "") if workload.stage is Stage.PLANNED else ""

    def doubt_of(self, workload: Workload) -> str:
        """What its plan asks of hosts that nobody told of this one; empty where it is for this host."""
        return self.doubts.get(_key(workload), "") if workload.stage is Stage.PLANNED else ""

    def on(self, platform: Platform | None) -> HostPlans:
        """What is left for a host of this platform; ``None`` is one whose platform is not known."""
        if not self.placed:
            return self
        fits = {key: placed.fits(platform) for key, placed in self.placed.items()}
        left = tuple(workload for workload in self.workloads if fits.get(_key(workload), True) is not False)
        doubts = {key: str(self.placed[key].placements[0]) for key, fit in fits.items() if fit is None}
        return replace(self, workloads=left, placed={}, doubts=MappingProxyType(doubts))


@dataclass(frozen=True, slots=True)
class Placed:
    """Where plans of one workload may run, of which one is enough.

    ``is_named`` tells that a folder named after the host alone holds one: what nobody told is then taken as met.
    """

    host: Host
    placements: tuple[Placement, ...]
    is_named: bool
    fleet: HostNames

    def fits(self, platform: Platform | None) -> bool | None:
        """Whether the host is one of those that the plans are for."""
        asked = (one.fits(self.host.name, platform, self.host.labels, self.fleet) for one in self.placements)
        found = [True if fit is None and self.is_named else fit for fit in asked]
        return True if True in found else None if None in found else False


NO_PLANS = HostPlans()


@dataclass(frozen=True, slots=True)
class Deployments:
    """What a plan directory says of a fleet: plans by host name, and what the operator should mend there.

    ``files`` tells of every file in the folders whether it plans containers.
    """

    hosts: Mapping[str, HostPlans] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    files: Mapping[str, FileOutcome] = field(default_factory=dict)

    def of(self, host: str) -> HostPlans:
        """The plans of one host."""
        return self.hosts.get(host, NO_PLANS)


NO_DEPLOYMENTS = Deployments()


class PlanDirectory:
    """A directory ``HOST PATTERN/files``; its files are parsed again only after they changed.

    They are parsed in ``parsers``; without them in the thread that calls, which is for tests.
    """

    def __init__(self, directory: Path, parsers: Parsers | None = None) -> None:
        self._directory = directory
        self._parsers = parsers
        self._parsed: tuple[plan_tree.Tree, dict[str, FolderPlans]] | None = None
        self._given: tuple[object, Sequence[Host], Deployments] | None = None

    def read(self, hosts: Sequence[Host]) -> Deployments:
        """What is planned now for these hosts, which are the whole inventory; reads the disk."""
        try:
            tree = plan_tree.read(self._directory)
            parsed = self._parsed
            if parsed is None or parsed[0] != tree:
                parsed = tree, _interpreted(tree, self._parsers)
                self._parsed = parsed
        except plan_tree.TreeError as error:
            is_missing = isinstance(error.__cause__, FileNotFoundError)
            cure = ": create it with a folder for each host, or correct the setting" if is_missing else ""
            problem = f"plans.directory {error}{cure}"
            return Deployments({host.name: _nothing_known(host.name, problem) for host in hosts}, (problem,))
        given = self._given
        if given is None or given[0] is not parsed or given[1] is not hosts or not isinstance(hosts, tuple):
            given = self._given = parsed, hosts, _assigned(*parsed, hosts)
        return given[2]


def not_read_within(hosts: Sequence[Host], within_s: float) -> Deployments:
    """What is known of the plans where reading them takes longer than there is time."""
    problem = f"plans.directory was not read within {within_s:.0f} s"
    return Deployments({host.name: _nothing_known(host.name, problem) for host in hosts}, (problem,))


def given(plans: FolderPlans, hosts: Sequence[Host], fleet: Sequence[Host]) -> Deployments:
    """The same plans for each of these hosts of a fleet, as far as their placement is for it."""
    is_placed = any(filed.planned.placement for filed in plans.filed)
    names = HostNames.of(host.name for host in fleet) if is_placed else HostNames()
    once = [_Given(plans, is_named=False)]
    return Deployments(MappingProxyType({host.name: _of_host(host, once, names) for host in hosts}))


def read_whole(directory: Path, parsers: Parsers) -> FolderPlans:
    """What all files of one folder plan, wherever that would be deployed; reads the disk.

    Raises:
        TreeError: it cannot be listed, or holds more than a plan directory may.
    """
    tree = plan_tree.read_whole(directory)
    name = tree.folders[0]
    read = parsers.call(_plans_in, FOLDERS_BUDGET, dict(tree.texts), name)
    if isinstance(read, BudgetExceeded):
        read = folder.FolderPlans((), (folder.Gap(name, Source.INVENTORY, _failure(f"{name}: {read.detail}")),))
    return read + _unread(tree, name)


def read_texts(texts: Mapping[str, bytes], parsers: Parsers) -> FolderPlans:
    """What these files, by path, plan together."""
    read = parsers.call(_plans_in, FOLDER_BUDGET, dict(texts), "")
    if isinstance(read, BudgetExceeded):
        return folder.FolderPlans((), (folder.Gap("files", Source.INVENTORY, _failure(read.detail)),))
    return read


def _is_pattern(name: str) -> bool:
    return not name.startswith(plan_tree.IGNORED)


def _interpreted(tree: plan_tree.Tree, parsers: Parsers | None) -> dict[str, FolderPlans]:
    """The plans of every folder; one that costs too much is unknown, those beside it are read without it."""
    names = [name for name in tree.folders if _is_pattern(name)]
    found = _plans_of(tree.texts, names) if parsers is None else _offloaded(tree, names, parsers)
    return {name: plans + _unread(tree, name) for name, plans in found.items()}


def _offloaded(tree: plan_tree.Tree, names: Sequence[str], parsers: Parsers) -> dict[str, FolderPlans]:
    found: dict[str, FolderPlans] = {}
    end = time.monotonic() + MAX_READING_S
    for start in range(0, len(names), FOLDERS_AT_ONCE):
        group = names[start : start + FOLDERS_AT_ONCE]
        read = parsers.call(_plans_of, FOLDERS_BUDGET, dict(tree.texts), group)
        _demand_tried(read)
        found |= (
            {name: _alone(tree, name, parsers, end) for name in group} if isinstance(read, BudgetExceeded) else read
        )
    return found


def _demand_tried(read: object) -> None:
    """See to it that what is not read is so for its own sake: that is remembered for as long as the files stay the same.

    Raises:
        TreeError: this machine had no process for it.
    """
    if isinstance(read, BudgetExceeded) and read.limit == START:
        raise plan_tree.TreeError(f"cannot be read: {read.detail}")


def _plans_of(texts: Mapping[str, bytes], names: Sequence[str]) -> dict[str, FolderPlans]:
    return {name: _plans_in(texts, name) for name in names}


def _plans_in(texts: Mapping[str, bytes], name: str) -> FolderPlans:
    """One folder; a file over which its reader stumbles is a gap."""
    read, faults = without_culprits(
        lambda given: folder.plans(given, name), texts, lambda path: not name or path.startswith(f"{name}/")
    )
    gaps = (
        folder.Gap(printable(path, 200), Source.INVENTORY, _failure(f"{printable(path, 200)}: {why}"))
        for path, why in faults.items()
    )
    return (read or folder.FolderPlans()) + folder.FolderPlans(gaps=tuple(gaps))


def _alone(tree: plan_tree.Tree, name: str, parsers: Parsers, end: float) -> FolderPlans:
    """One folder of a group in which something costs too much."""
    why = f"more than {MAX_READING_S} s are needed to read the whole directory"
    if time.monotonic() < end:
        read = parsers.call(_plans_in, FOLDER_BUDGET, dict(tree.texts), name)
        if not isinstance(read, BudgetExceeded):
            return read
        _demand_tried(read)
        why = read.detail
    shown = printable(name, 200)
    outcomes = {path: FileOutcome.GAP for path in tree.texts if path.startswith(f"{name}/")}
    gap = folder.Gap(shown, Source.INVENTORY, _failure(f"{shown}: {why}"))
    return folder.FolderPlans((), (gap,), outcomes)


def _unread(tree: plan_tree.Tree, name: str) -> FolderPlans:
    """What could not be read in one folder."""
    return folder.FolderPlans(
        gaps=tuple(
            folder.Gap(printable(path, 200), Source.INVENTORY, _failure(f"{printable(path, 200)}: {why}"))
            for path, why in tree.unread.items()
            if path == name or path.startswith(f"{name}/")
        )
    )


# ---------------------------------------------------------------- hosts


def _assigned(tree: plan_tree.Tree, folders: Mapping[str, FolderPlans], hosts: Sequence[Host]) -> Deployments:
    """Each folder's plans for each host that its name fits."""
    by_name = {host.name: host for host in hosts}
    fleet = HostNames.of(by_name)
    found: dict[str, list[_Given]] = defaultdict(list)
    problems = [f"plans.directory: {printable(name, 200)} is in no host's folder" for name in tree.unplaced]
    for name, plans in folders.items():
        try:
            chosen = _matching(name, by_name, hosts)
        except inventory.InventoryError as error:
            problems.append(
                f"plans.directory: the folder {printable(name, 200)} is for no host: {printable(str(error), 300)}"
            )
            continue
        problems += [f"plans.directory: {gap.failure.detail}" for gap in plans.gaps]
        for host in chosen:
            found[host.name].append(_Given(plans, is_named=name == host.name))
    made = {name: _of_host(by_name[name], given, fleet) for name, given in found.items()}
    return Deployments(MappingProxyType(made), tuple(problems), MappingProxyType(_outcomes(tree, folders)))


def _outcomes(tree: plan_tree.Tree, folders: Mapping[str, FolderPlans]) -> dict[str, FileOutcome]:
    """Of every file of a host's folder."""
    found: dict[str, FileOutcome] = {}
    for plans in folders.values():
        found |= plans.outcomes
    found |= dict.fromkeys(tree.others, FileOutcome.NO_PLAN)
    found |= dict.fromkeys(tree.unread, FileOutcome.GAP)
    named: dict[str, FileOutcome] = {}
    alike: Counter[str] = Counter()
    for path in sorted(path for path in found if _is_pattern(path.partition("/")[0])):
        name = printable(path, 500)
        alike[name] += 1
        named[name if alike[name] == 1 else f"{name} ({alike[name]})"] = found[path]
    return named


def _matching(name: str, by_name: Mapping[str, Host], hosts: Sequence[Host]) -> Sequence[Host]:
    if name in EVERY_HOST:
        return hosts
    return [by_name[name]] if name in by_name else inventory.match(hosts, [name], may_miss=True)


@dataclass(frozen=True, slots=True)
class _Given:
    """The plans of a folder for a host, and whether the folder is named after that host alone."""

    plans: FolderPlans
    is_named: bool


def _of_host(host: Host, folders: Sequence[_Given], fleet: HostNames) -> HostPlans:
    """The plans of several folders together: what two of them plan alike is one workload."""
    workloads: dict[Key, Workload] = {}
    files: dict[Key, str] = {}
    asked: dict[Key, list[tuple[Placement | None, bool]]] = defaultdict(list)
    for given in folders:
        for filed in given.plans.filed:
            workload = _told_apart(filed, host.name, workloads)
            files.setdefault(_key(workload), printable(filed.file, 200))
            workloads.setdefault(_key(workload), workload)
            asked[_key(workload)].append((filed.planned.placement, given.is_named))
    gaps = tuple(_unknown(host.name, gap) for given in folders for gap in given.plans.gaps)
    placed = {
        key: Placed(host, tuple(one for one, _ in some if one), any(named for _, named in some), fleet)
        for key, some in asked.items()
        if all(one for one, _ in some)
    }
    return HostPlans(tuple(workloads.values()), MappingProxyType(files), gaps, MappingProxyType(placed))


def _told_apart(filed: Filed, host: str, known: Mapping[Key, Workload]) -> Workload:
    """The workload, numbered where another one has its name and image but not its platform or command."""
    first = made = filed.planned.on(host)
    number = 1
    while (other := known.get(_key(made))) is not None and other != made:
        number += 1
        made = replace(first, name=f"{first.name}#{number}")
    return made


def _key(workload: Workload) -> Key:
    return (str(workload.source), workload.name, workload.image)


def _unknown(host: str, gap: Gap) -> tuple[Workload, Failure]:
    return gap.on(host), gap.failure


def _nothing_known(host: str, problem: str) -> HostPlans:
    return HostPlans(gaps=(_unknown(host, folder.Gap("plans", Source.INVENTORY, _failure(problem))),))


def _failure(detail: str) -> Failure:
    return Failure(Reason.PART_INCOMPLETE, detail)
