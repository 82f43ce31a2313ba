"""What stands between a wish for the way back and a host: facts, verdict, cautions, time, trail, agent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from scanner.domain.facts import Maker, Mount, Process, Source
from scanner.domain.rollback_record import CONFIRM_WITHIN_S, RollbackState
from scanner.service.answers import Refusal
from scanner.store.store import Store
from scanner.trail.leaf import decode
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from tests import builders
from tests.builders import digest
from tests.service.environment import WithContainers, container, scanned


@pytest.fixture
async def environment():
    return WithContainers()


@pytest.fixture
async def store(tmp_path, environment):
    opened = await Store.open(f"sqlite:///{tmp_path}/a.db", clock=environment.clock)
    yield opened
    await opened.close()


@pytest.fixture
async def trail(store, environment):
    made = Trail(store, Signer.made("example.com/test"), clock=environment.clock)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def service(environment, store, trail):
    """One that has seen a release start, then another one in its place; an agent asks for work."""
    made = environment.service(store, trail)
    await scanned(made)
    environment.now += 60
    environment.containers = (container("2", state="restarting", settled=False, restart_count=3),)
    await scanned(made)
    await made.rollbacks.work(0)
    yield made
    await made.stop()


async def plan(service, to="", **changes):
    return await service.rollbacks.plan("a", "api", to, "kim", **changes)


def reason(answer):
    return str(answer.reason) if isinstance(answer, Refusal) else str(answer.state)


async def events(trail):
    entries = [decode(body) for _, body in await trail.leaves(0, trail.head.size)]
    return [(one.event, one.by) for one in entries if one.event.startswith("rollback")]


async def test_the_plan_goes_to_the_last_release_that_started(service, trail):
    made = await plan(service)
    assert (made.to_digest, made.from_digest) == (digest("1"), digest("2"))
    assert (made.verdict, made.cautions, made.by_agent) == ("ok native", (), True)
    assert (
        made.commands[0]
        == f"docker image inspect r.example/app@{digest('1')} >/dev/null || docker pull r.example/app@{digest('1')}"
    )
    assert await events(trail) == [("rollback_planned", "kim")]


async def test_a_dry_run_leaves_no_trace(service, trail):
    assert (await plan(service, dry_run=True)).id == ""
    assert service.rollbacks.all() == []
    assert await events(trail) == []


async def test_a_confirmed_plan_is_the_agent_s_work_until_it_ends(service, environment, trail):
    made = await plan(service)
    assert reason(await service.rollbacks.confirm(made.id, "lee")) == "confirmed"
    assert [one.id for one in await service.rollbacks.work(0)] == [made.id]
    environment.now += 1
    for step in ("find", "prepare", "switch"):
        await service.rollbacks.step(made.id, step, "", "agent")
    environment.containers = (container("1"),)
    assert await service.rollbacks.verify(made.id, "agent") == (True, f"api runs with {digest('1')}")
    await service.rollbacks.step(made.id, "finish", "", "agent")
    ended = await service.rollbacks.end(made.id, RollbackState.DONE, "api runs", "agent")
    assert (ended.state, ended.steps[-1].step) == (RollbackState.DONE, "finish")
    assert await service.rollbacks.work(0) == []
    assert await events(trail) == [
        ("rollback_planned", "kim"), ("rollback_confirmed", "lee"), *[("rollback_step", "agent")] * 3,
        ("rollback_seen", "rollback agent"), ("rollback_step", "agent"), ("rollback_ended", "agent"),
    ]  # fmt: skip
    assert reason(await service.rollbacks.step(made.id, "switch", "", "agent")) == "rollback_state"
    assert (await service.rollbacks.end(made.id, RollbackState.DONE, "again", "agent")).detail == "api runs"


async def test_a_plan_can_be_confirmed_once_within_ten_minutes(service, environment):
    made = await plan(service)
    environment.now += CONFIRM_WITHIN_S + 1
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "rollback_expired"
    environment.now -= 2
    await service.rollbacks.work(0)
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "confirmed"
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "rollback_state"
    assert reason(await service.rollbacks.confirm("nothing", "kim")) == "rollback_not_found"


async def test_one_rollback_at_a_time_on_a_host(service):
    first, second = await plan(service), await plan(service)
    assert reason(await service.rollbacks.confirm(first.id, "kim")) == "confirmed"
    assert reason(await service.rollbacks.confirm(second.id, "kim")) == "rollback_busy"


async def test_a_workload_that_moved_on_since_the_plan_is_left_alone(service, environment):
    made = await plan(service)
    environment.containers = (container("3"),)
    await scanned(service)
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "rollback_state"


async def test_stale_facts_plan_nothing_and_confirm_nothing(service, environment):
    made = await plan(service)
    environment.document["gate"] = {"max_facts_age": "2m"}
    service.reloading.reload("test")
    environment.now += 121
    await service.rollbacks.work(0)
    assert reason(await plan(service)) == "facts_stale"
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "facts_stale"


async def test_without_an_agent_a_plan_is_for_reading(service, environment):
    made = await plan(service)
    environment.now += 61
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "agent_missing"
    environment.document["rollback"] = {"enabled": False}
    service.reloading.reload("test")
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "agent_off"


async def test_data_and_schemas_are_accepted_separately(service, environment):
    mounts = (Mount("/var/lib/data", "volume"),)
    environment.containers = (container("2", mounts=mounts, process=Process(cmd=("alembic", "upgrade", "head"))),)
    await scanned(service)
    made = await plan(service)
    assert ["/var/lib/data" in made.cautions[0], "schema" in made.cautions[1]] == [True, True]
    assert reason(await service.rollbacks.confirm(made.id, "kim")) == "cautions_not_accepted"
    assert reason(await service.rollbacks.confirm(made.id, "kim", accept_cautions=True)) == "confirmed"


async def test_what_was_never_seen_is_no_release(service):
    assert reason(await plan(service, "sha256:" + "9" * 20)) == "release_not_found"
    assert reason(await service.rollbacks.plan("a", "nobody", "", "kim")) == "workload_not_found"
    assert reason(await service.rollbacks.plan("z", "api", "", "kim")) == "host_not_in_inventory"
    unseen = await plan(service, digest("9"))
    assert unseen.cautions == ("this release was never seen up for 60 s on this hardware",)


async def test_without_a_trail_nothing_is_confirmed(environment, store):
    made = environment.service(store)
    await scanned(made)
    environment.containers = (container("2"),)
    await scanned(made)
    await made.rollbacks.work(0)
    planned = await plan(made)
    assert reason(await made.rollbacks.confirm(planned.id, "kim")) == "trail_failed"
    await made.stop()


async def test_a_rollback_survives_a_restart(service, environment, store, trail):
    made = await plan(service)
    await service.rollbacks.confirm(made.id, "kim")
    again = environment.service(store, trail)
    await again.rollbacks.load()
    assert await again.rollbacks.work(0) == [service.rollbacks.find(made.id)]
    await again.stop()


async def test_a_scan_says_whether_it_runs(service, environment):
    made = await plan(service)
    await service.rollbacks.confirm(made.id, "kim")
    assert (await service.rollbacks.verify(made.id, "agent"))[0] is False
    environment.now += 60
    environment.containers = (container("1"),)
    assert (await service.rollbacks.verify(made.id, "agent"))[0] is True
    environment.machines["10.0.0.1"] = builders.unread().reading
    assert (await service.rollbacks.verify(made.id, "agent"))[0] is None


async def confirmed(service):
    made = await plan(service)
    await service.rollbacks.confirm(made.id, "kim")
    return made.id


@pytest.mark.parametrize(
    ("later_s", "enabled", "why"),
    [(CONFIRM_WITHIN_S + 1, True, "ten minutes"), (1, False, "rollback.enabled is off"), (CONFIRM_WITHIN_S, True, "")],
)
async def test_what_was_not_begun_in_time_or_is_allowed_no_more_is_begun_no_more(
    service, environment, trail, later_s, enabled, why
):
    rollback = await confirmed(service)
    environment.now += later_s
    environment.document["rollback"] = {"enabled": enabled}
    service.reloading.reload("test")
    assert len(await service.rollbacks.work(0)) == (not why)
    assert reason(await service.rollbacks.step(rollback, "find", "", "agent")) == (
        "rollback_state" if why else "running"
    )
    known = service.rollbacks.find(rollback)
    assert (str(known.state), why in known.detail) == ("refused" if why else "running", True)
    assert (await events(trail))[-1] == (("rollback_ended", "schedule") if why else ("rollback_step", "agent"))


async def test_what_was_begun_comes_to_its_end_however_late_and_although_it_is_off(service, environment):
    rollback = await confirmed(service)
    await service.rollbacks.step(rollback, "find", "", "agent")
    environment.now += CONFIRM_WITHIN_S + 1
    environment.document["rollback"] = {"enabled": False}
    service.reloading.reload("test")
    assert [one.id for one in await service.rollbacks.work(0)] == [rollback]


@pytest.mark.parametrize(
    ("claimed", "then", "ends"),
    [
        (RollbackState.DONE, "2", "unproved"),
        (RollbackState.DONE, "3", "unproved"),
        (RollbackState.DONE, "1", "done"),
        (RollbackState.UNDONE, "1", "unproved"),
        (RollbackState.UNDONE, "2", "undone"),
        (RollbackState.REFUSED, "2", "refused"),
    ],
)
async def test_what_an_agent_claims_of_the_end_is_believed_as_far_as_a_scan_bears_it_out(
    service, environment, trail, claimed, then, ends
):
    rollback = await confirmed(service)
    environment.now += 1
    environment.containers = (container(then),)
    ended, again = await asyncio.gather(
        *[service.rollbacks.end(rollback, claimed, "so it says", "thief") for _ in range(2)]
    )
    assert (str(ended.state), "so it says" in ended.detail) == (ends, True)
    assert ended == again
    assert [event for event, _ in await events(trail)].count("rollback_ended") == 1


async def test_a_claim_that_nobody_could_look_at_is_unproved(service, environment):
    rollback = await confirmed(service)
    environment.now += 1
    environment.machines["10.0.0.1"] = builders.unread().reading
    assert str((await service.rollbacks.end(rollback, RollbackState.DONE, "", "thief")).state) == "unproved"


async def test_steps_stand_in_their_order_and_nothing_is_finished_that_no_scan_saw_running(service, environment):
    rollback = await confirmed(service)

    async def step(name):
        return reason(await service.rollbacks.step(rollback, name, "", "agent"))

    assert [await step(name) for name in ("finish", "switch", "prepare", "undo", "resume")] == ["rollback_state"] * 5
    assert [await step(name) for name in ("find", "find", "prepare", "resume", "switch")] == ["running"] * 5
    assert await step("finish") == "rollback_state"
    environment.now += 1
    environment.containers = (container("1"),)
    assert (await service.rollbacks.verify(rollback, "agent"))[0] is True
    assert await step("resume") == "running"
    assert await step("finish") == "rollback_state"
    environment.now += 1
    assert (await service.rollbacks.verify(rollback, "agent"))[0] is True
    assert await step("finish") == "running"


@pytest.mark.parametrize("meanwhile", ["step", "end"])
async def test_what_a_scan_saw_before_something_was_done_is_not_taken_for_what_came_of_it(
    service, environment, trail, meanwhile
):
    rollback = await confirmed(service)
    environment.now += 1
    environment.containers = (container("1"),)
    did = {
        "step": lambda: service.rollbacks.step(rollback, "find", "", "agent"),
        "end": lambda: service.rollbacks.end(rollback, RollbackState.REFUSED, "", "agent"),
    }[meanwhile]
    seen, done = await asyncio.gather(service.rollbacks.verify(rollback, "agent"), did())
    assert isinstance(seen, Refusal) if meanwhile == "end" else seen[0] is None
    assert service.rollbacks.find(rollback) == done
    assert done.seen_at is None
    assert "rollback_seen" not in [event for event, _ in await events(trail)]


def in_unit(letter, **changes):
    maker = Maker(Source.SYSTEMD, "api.service")
    made = container(letter, engine="podman", maker=maker, **changes)
    return replace(made, name="systemd-api", source=Source.PODMAN)


async def test_a_unit_that_keeps_no_container_comes_back_by_its_name(environment, store, trail):
    environment.containers = (in_unit("1"),)
    service = environment.service(store, trail)
    await scanned(service)
    environment.now += 60
    environment.containers = ()
    await scanned(service)
    await service.rollbacks.work(0)
    made = await service.rollbacks.plan("a", "api", "", "kim")
    assert (made.subject, made.expected, made.to_digest, made.by_agent) == ("api.service", "-", digest("1"), True)
    assert reason(await service.rollbacks.confirm(made.id, "kim", accept_cautions=True)) == "confirmed"
    environment.now += 1
    assert (await service.rollbacks.verify(made.id, "agent"))[0] is False
    environment.now += 1
    environment.containers = (in_unit("1"),)
    assert (await service.rollbacks.verify(made.id, "agent"))[0] is True
    await service.stop()
