"""A made-up company's hosts over a day: what they run, what restarts, what is built anew, what goes wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import (
    Binfmt,
    Engine,
    EngineKind,
    EngineState,
    HostFacts,
    ImageStore,
    Kernel,
    LiveProcess,
    LocalImage,
    Process,
    Source,
    Stage,
    Workload,
)
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from tests.system.day.stock import BODY, CPUS, Stocked, service, stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.day.day import Moody

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
HOUR_S = 3600.0
CONTAINERS = 9
"""Of each host, beside one that one host in four is to run, too."""

Truth = frozenset[tuple[str, str]]
"""The containers that are down for their CPU, by host and name."""


@dataclass
class Container:
    """One container as its engine tells of it."""

    host: str
    name: str
    cpu: str
    image: Stocked
    state: str = "running"
    exit_code: int = 0
    restarts: int = 0
    started_at: float = 0.0
    finished_at: float | None = None
    log: tuple[str, ...] = ()
    runs: str = ""

    def workload(self, *, is_seen: bool) -> Workload:
        """In the probe's words; ``is_seen`` tells that the kernel's view of its processes may be read."""
        is_up = self.state == "running"
        local = LocalImage(
            self.image.digests.get(self.runs or self.cpu, next(iter(self.image.digests.values()))),
            (f"{self.image.name.rpartition(':')[0]}@{self.image.digest}",),
            platform=Platform("linux", self.runs or self.cpu),
        )
        live = (LiveProcess(self.image.exe, self.image.exe, BODY[self.cpu][:64]),) if is_up and is_seen else None
        return Workload(
            self.host, self.name, Source.DOCKER, Stage.STOPPED if self.state == "exited" else Stage.RUNNING, self.image.name,
            engine="docker", local=local, process=Process(self.image.argv, ()), state=self.state, exit_code=self.exit_code,
            restart_count=self.restarts, log=self.log, mounts=(), started_at=self.started_at, finished_at=self.finished_at,
            settled=True if is_up else None, live=live,
        )  # fmt: skip


@dataclass
class Company:
    """``hosts`` machines, three of four amd64, and what happens to them; the same seed makes the same day."""

    registry: Moody
    hosts: int
    images: int
    now: float = HOUR_S
    containers: dict[str, list[Container]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    told: dict[str, HostFacts] = field(default_factory=dict)
    down: Truth = frozenset()

    def __post_init__(self) -> None:
        """What there is before the first scan."""
        self.random = random.Random(7)
        self.stock = stock(self.registry, self.images)
        self.names = [f"host-{number}" for number in range(self.hosts)]
        self.cpus = {name: CPUS[number % 4 == 0] for number, name in enumerate(self.names)}
        for number, name in enumerate(self.names):
            self.containers[name] = [self._container(name, number, place) for place in range(CONTAINERS)]
        self.planned = {name: self.random.choice(self.stock).name for name in self.names}

    def _container(self, host: str, number: int, place: int) -> Container:
        image = self.stock[(number * 7 + place * 31) % len(self.stock)]
        made = Container(host, f"app-{place}", self.cpus[host], image, started_at=-self.random.uniform(1, 90) * 86400)
        fate = self.random.random()
        if fate < 0.08:  # jobs that are done
            return replace(made, state="exited", finished_at=self.now - 7200)
        if fate < 0.10:  # stopped by somebody
            return replace(made, state="exited", exit_code=143, finished_at=self.now - 86400)
        if fate < 0.11:  # an application that cannot reach its database
            return replace(
                made,
                state="restarting",
                exit_code=1,
                restarts=30,
                finished_at=self.now - 20,
                log=("connection refused",),
            )
        return replace(made, restarts=self.random.choice((0, 0, 0, 1, 3)))

    # ------------------------------------------------------------ as archscan meets it

    def inventory(self) -> tuple[Host, ...]:
        """The hosts with what some of them are to run, and do not yet."""
        plans = {name: (Plan(self.planned[name], engine="docker"),) for name in self.names[::4]}
        return tuple(Host(name, "10.0.0.1", planned=plans.get(name, ())) for name in self.names)

    def facts(self, host: str) -> HostFacts | Failure:
        """A host's answer now, the same value as long as it says the same."""
        if host in self.away:
            return Failure(Reason.HOST_UNREACHABLE, "no route to host", host=host)
        said = self._said(host)
        if self.told.get(host) != said:
            self.told[host] = said
        return self.told[host]

    def _said(self, host: str) -> HostFacts:
        """Of three in ten the probe may not look at processes."""
        cpu = self.cpus[host]
        platform = Platform("linux", cpu)
        kernel = Kernel(
            "Linux", MACHINES[cpu], platform=platform, page_size=4096, cpu_level=3 if cpu == "amd64" else None,
            arm_version="v8.2" if cpu == "arm64" else None, ia32=cpu == "amd64", aarch32=False, binfmt=Binfmt(enabled=True),
        )  # fmt: skip
        engine = Engine(EngineKind.DOCKER, EngineState.UP, "27.3.1", platform, ImageStore.CLASSIC)
        is_seen = int(host.rpartition("-")[2]) % 10 >= 3
        return HostFacts(
            host, kernel, (engine,), tuple(each.workload(is_seen=is_seen) for each in self.containers[host])
        )

    # ------------------------------------------------------------ what happens

    def pass_to(self, hour: int) -> None:
        """An hour later: some containers start again, and what the day has in store for this hour happens."""
        self.now = (hour + 1) * HOUR_S
        for each in self._running():
            if self.random.random() < 0.02:
                each.started_at, each.restarts = self.now - self.random.uniform(120, 3500), each.restarts + 1
        for each in self._all():
            if each.state == "restarting":
                each.started_at, each.finished_at, each.restarts = self.now - 31, self.now - 30, each.restarts + 60
        happens = EVENTS.get(hour)
        if happens:
            happens(self)

    def _all(self) -> Iterator[Container]:
        return (each for held in self.containers.values() for each in held)

    def _running(self) -> Iterator[Container]:
        return (each for each in self._all() if each.state == "running")

    def _own(self) -> list[int]:
        return [place for place, each in enumerate(self.stock) if "/shop/service-" in each.name]

    def build(self) -> None:
        """The daily build moves the tags of a third of the company's own images; nobody has pulled them yet."""
        for place in self._own()[::3]:
            self.stock[place] = service(
                self.registry, int(self.stock[place].name.rpartition("-")[2].partition(":")[0]), 2
            )

    def deploy(self) -> None:
        """Half of the hosts pull what was built."""
        built = {each.name: each for each in self.stock}
        for each in self._running():
            if int(each.host.rpartition("-")[2]) % 2 and built[each.image.name].digest != each.image.digest:
                each.image, each.started_at, each.restarts = built[each.image.name], self.now - 600, 0

    def leave(self) -> None:
        """A rack loses its power."""
        self.away = set(self.names[: max(1, self.hosts // 100)])

    def come_back(self) -> None:
        """Everything on it starts anew."""
        for each in self._running():
            if each.host in self.away:
                each.started_at = self.now - 300
        self.away = set()

    def limit(self) -> None:
        """The registry answers everybody that it is enough."""
        self.registry.limited = True

    def relent(self) -> None:
        """It answers again."""
        self.registry.limited = False

    def push_badly(self) -> None:
        """Somebody pushes a build of the wrong CPU over a tag, and two hosts pull it."""
        place = next(
            place
            for place in self._own()
            if sum(each.image.name == self.stock[place].name for each in self._running()) > 2
        )
        number = int(self.stock[place].name.rpartition("-")[2].partition(":")[0])
        self.right, self.bad = self.stock[place], service(self.registry, number, 3, ("arm64",))
        users = [each for each in self._running() if each.image.name == self.bad.name and each.cpu == "amd64"]
        self.stock[place] = self.bad
        for each in users[:2]:
            each.image, each.state, each.exit_code, each.runs = self.bad, "restarting", 1, "arm64"
            each.started_at, each.finished_at, each.restarts = self.now - 31, self.now - 30, 12
            each.log = (f"exec {self.bad.argv[0]}: exec format error",)
        self.down = frozenset((each.host, each.name) for each in users[:2])

    def put_right(self) -> None:
        """The right build is pushed again, and pulled."""
        number = int(self.bad.name.rpartition("-")[2].partition(":")[0])
        right = service(self.registry, number, 4)
        self.stock[self.stock.index(self.bad)] = right
        for each in self._all():
            if (each.host, each.name) in self.down:
                each.image, each.state, each.exit_code, each.runs, each.log = right, "running", 0, "", ()
                each.started_at, each.finished_at, each.restarts = self.now - 900, None, 0
        self.down = frozenset()

    def clean_up(self) -> None:
        """Somebody tidies the registry: three tags are gone, though containers run from them."""
        for place in self._own()[1:4]:
            repository = self.stock[place].name.removeprefix(f"{self.registry.address}/").rpartition(":")[0]
            del self.registry.documents[repository, "1"]


EVENTS: dict[int, Callable[[Company], None]] = {
    3: Company.build, 5: Company.deploy, 8: Company.limit, 10: Company.relent, 12: Company.leave, 14: Company.come_back,
    16: Company.push_badly, 19: Company.put_right, 21: Company.clean_up,
}  # fmt: skip
HOURS = 24
