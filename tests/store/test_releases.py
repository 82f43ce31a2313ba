"""What a host has had of a workload, as reports tell it, in SQLite and PostgreSQL."""

import pytest

from scanner.domain.facts import Stage
from scanner.domain.report import Finding, HostReading
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict
from scanner.store import releases
from scanner.store.store import PRUNE_EVERY_S, Store
from tests import builders
from tests.builders import AMD64, ARM64, digest

DAY_S = 86400.0


class Clock:
    now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request, tmp_path, clock):
    url = f"sqlite:///{tmp_path}/archscan.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").database("releases")
    opened = await Store.open(url, keep_s=7 * DAY_S, clock=clock)
    yield opened
    await opened.close()


def container(letter, *, settled=None, name="api", stage=Stage.RUNNING, state="running", digests=None):
    names = (f"r.example/app@{digest(letter)}",) if digests is None else digests
    return builders.container(letter, *names, name=name, stage=stage, state=state, settled=settled)


async def told(store, clock, *workloads, platform=AMD64, after_s=60.0):
    clock.now += after_s
    found = [Finding(one, Verdict(Reason.NATIVE), platform) for one in workloads]
    reading = HostReading("h", builders.host_facts("h", platform, workloads))
    await store.save(builders.report(*found, hosts=[reading], at=clock.now))


def shown(releases):
    return [(one.digest[7], one.current, one.started_at is not None) for one in releases]


async def test_a_release_counts_as_started_once_it_was_up_for_its_time(store, clock):
    await told(store, clock, container("a", settled=False))
    assert shown(await store.releases("h", "api")) == [("a", True, False)]
    await told(store, clock, container("a", settled=True))
    [one] = await store.releases("h", "api")
    assert (one.started_at, one.platform, one.image) == (clock.now, "linux/amd64", f"r.example/app@{digest('a')}")


async def test_the_former_release_stays_known_with_the_new_one_in_front(store, clock):
    await told(store, clock, container("a", settled=True))
    await told(store, clock, container("b", state="restarting", settled=False))
    assert shown(await store.releases("h", "api")) == [("b", True, False), ("a", False, True)]
    await told(store, clock, container("a", settled=True))
    assert shown(await store.releases("h", "api")) == [("a", True, True), ("b", False, False)]


async def test_a_workload_that_is_gone_keeps_its_releases(store, clock):
    await told(store, clock, container("a", settled=True), container("c", name="other"))
    await told(store, clock, container("c", name="other"))
    assert shown(await store.releases("h", "api")) == [("a", False, True)]
    assert shown(await store.releases("h", "other")) == [("c", True, False)]
    assert [one.workload for one in await store.releases("h")] == ["api", "other"]


async def test_a_report_reads_the_releases_of_its_own_workloads_alone(store, clock, monkeypatch):
    """A host whose containers get new names with each start has had thousands."""
    await told(store, clock, *(container("a", name=f"job-{number}") for number in range(50)))
    made, read = releases._release, []
    monkeypatch.setattr(releases, "_release", lambda row: read.append(row["workload"]) or made(row))
    await told(store, clock, container("a", name="job-50"))
    await told(store, clock, container("b", name="job-50"))
    assert sorted(read) == sorted([*(f"job-{number}" for number in range(50)), "job-50"])


async def test_a_start_on_other_hardware_does_not_count(store, clock):
    await told(store, clock, container("a", settled=True), platform=ARM64)
    await told(store, clock, container("a", settled=False), platform=AMD64)
    [one] = await store.releases("h", "api")
    assert not one.started_on("linux/amd64")
    await told(store, clock, container("a", settled=True), platform=AMD64)
    [one] = await store.releases("h", "api")
    assert one.started_on("linux/amd64")


async def test_retention_spares_the_current_one_and_the_last_that_started(store, clock):
    for letter, settled in (("a", True), ("b", False), ("c", True), ("d", False)):
        await told(store, clock, container(letter, settled=settled))
    await told(store, clock, container("d"), container("e", name="other", settled=True))
    await told(store, clock, container("d", settled=False), after_s=9 * DAY_S + PRUNE_EVERY_S)
    await told(store, clock, container("d", settled=False), after_s=9 * DAY_S + PRUNE_EVERY_S)
    assert shown(await store.releases("h", "api")) == [("d", True, False), ("c", False, True)]
    assert await store.releases("h", "other") == []


async def test_an_image_that_was_built_there_is_known_by_its_id(store, clock):
    await told(store, clock, container("f", settled=True, digests=()))
    [one] = await store.releases("h", "api")
    assert one.digest == one.image == one.image_id == digest("f")


async def test_each_platform_that_a_host_has_had_is_kept_in_either_store(store, clock):
    for platform in (AMD64, ARM64, AMD64):
        await told(store, clock, container("a"), platform=platform)
    found = await store.platform_changes("h")
    assert [(one.before, one.platform) for one in found] == [
        (str(ARM64), str(AMD64)),
        (str(AMD64), str(ARM64)),
    ]
