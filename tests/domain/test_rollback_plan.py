"""The way back on paper, for whatever made the container."""

from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.facts import Mount, Source
from scanner.domain.rollback_plan import Manager, manager_of, rollback_plan, vouched
from scanner.domain.rollback_record import CONFIRM_WITHIN_S, RollbackState, Step, recorded, rollback_json, rollback_of
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import NextPull, Verdict
from tests import builders
from tests.builders import digest
from tests.domain.test_release import release

OLD = f"r.example/app@{digest('a')}"


def made(workload, target=None, verdict=None):
    return rollback_plan(
        workload, release("b"), target or release(), verdict or Verdict(Reason.NATIVE), "linux/amd64", 60
    )


def by(kind, source=Source.DOCKER, **more):
    return builders.workload(
        source=source, engine="docker", maker=kind and facts.Maker(kind, "api", "shop", **more), mounts=()
    )


@pytest.mark.parametrize(
    ("kind", "source", "manager", "commands"),
    [
        (None, Source.DOCKER, Manager.CONTAINER, ("docker image inspect", "docker inspect app", "docker stop", "docker update --restart=no", "docker rename", "docker run")),
        (Source.COMPOSE, Source.DOCKER, Manager.COMPOSE, ("docker image inspect", "printf", "docker compose --project-name shop --file pin.yml up")),
        (Source.SWARM, Source.DOCKER, Manager.SWARM, (f"docker service update --image {OLD} api",)),
        (Source.SYSTEMD, Source.DOCKER, Manager.UNIT, ("docker image inspect", "mkdir -p", "printf", "systemctl daemon-reload && systemctl restart api")),
        (Source.QUADLET, Source.PODMAN, Manager.UNIT, ("docker image inspect", "mkdir -p", "printf", "systemctl daemon-reload && systemctl restart api")),
        (Source.KUBERNETES, Source.DOCKER, Manager.KUBERNETES, ("kubectl --namespace shop get pod api", "kubectl --namespace shop set image")),
        (Source.NOMAD, Source.DOCKER, Manager.OTHER, ("docker image inspect",)),
        (None, Source.KUBERNETES, Manager.OTHER, ("docker image inspect",)),
    ],
)  # fmt: skip
def test_each_manager_has_its_own_commands_and_says_what_they_touch(kind, source, manager, commands):
    workload = by(kind, source)
    plan = made(workload)
    assert manager_of(workload) is plan.manager is manager
    assert len(plan.commands) == len(commands)
    assert all(command.startswith(start) for command, start in zip(plan.commands, commands, strict=True))
    assert ("app" if kind in {None, Source.NOMAD} else "api") in plan.touches[0]
    assert plan.by_agent is (manager in {Manager.CONTAINER, Manager.COMPOSE, Manager.SWARM})


@pytest.mark.parametrize("manager", [Manager.COMPOSE, Manager.SWARM, Manager.UNIT, Manager.KUBERNETES])
def test_a_manager_that_nobody_named_leaves_the_word_to_the_person(manager, monkeypatch):
    monkeypatch.setattr("scanner.domain.rollback_plan.manager_of", lambda _workload: manager)
    plan = made(builders.workload(engine="docker"))
    assert plan.commands
    assert not any("None" in one for one in (*plan.commands, *plan.touches))


def test_podman_s_own_container_is_made_anew_by_podman():
    commands = made(builders.workload(source=Source.PODMAN, engine="podman:alice")).commands
    assert commands[0].startswith("podman image inspect")
    assert [one.split()[1] for one in commands[1:]] == ["inspect", "stop", "rename", "run"]


def test_an_image_that_was_built_here_is_not_pulled():
    assert made(by(None), release(image=digest("a"))).commands[0] == f"docker image inspect {digest('a')}"


def test_compose_is_told_the_files_and_the_directory_that_it_had():
    command = made(by(Source.COMPOSE, files=("a.yml", "b.yml"), directory="/srv")).commands[-1]
    assert "--project-directory /srv --file a.yml --file b.yml --file pin.yml up" in command


@pytest.mark.parametrize(
    ("change", "target", "caution"),
    [
        ({"mounts": (Mount("/data", "volume"),)}, {}, "data stays where it is"),
        ({"mounts": (Mount("/data", "bind"),)}, {}, "data stays where it is"),
        ({"mounts": None}, {}, "nobody told which volumes it has"),
        ({}, {"image": f"r.example/library/postgres@{digest('a')}"}, "postgres keeps files"),
        ({"process": facts.Process(cmd=("rails", "db:migrate"))}, {}, "changes a schema (db:migrate)"),
        ({}, {"started_at": None}, "was never seen up for 60 s"),
    ],
)
def test_what_speaks_against_it_is_said(change, target, caution):
    plan = made(replace(by(None), **change), release(**target))
    assert [one for one in plan.cautions if caution in one]


def test_nothing_speaks_against_a_release_that_ran_here_without_data():
    assert (
        made(replace(by(None), mounts=(Mount("/tmp", "tmpfs"),), process=facts.Process(cmd=("serve",)))).cautions == ()
    )


def test_what_the_kernel_has_shown_needs_no_registry_but_overrules_no_proof():
    unknown = Verdict(Reason.IMAGE_UNREACHABLE, next_pull=NextPull.UNKNOWN)
    shown = vouched(unknown, release(), "linux/amd64")
    assert (shown.reason, shown.digest, shown.next_pull) == (Reason.NATIVE, digest("a"), NextPull.UNKNOWN)
    assert vouched(unknown, release(), "linux/arm64") is unknown
    broken = Verdict(Reason.WRONG_BINARY)
    assert vouched(broken, release(), "linux/amd64") is broken


def test_a_record_says_what_the_plan_said_and_is_read_back_as_it_was():
    record = recorded(made(by(Source.COMPOSE), verdict=vouched(Verdict(Reason.IMAGE_UNREACHABLE), release(), "linux/amd64")), "id", 60, 5.0, "me")  # fmt: skip
    assert (record.verdict, record.state, record.manager) == ("ok native", RollbackState.PLANNED, Manager.COMPOSE)
    assert record.evidence[0].startswith("kernel: this host has run")
    told = replace(record, steps=(Step("pulled", 6.0),), state=RollbackState.RUNNING)
    assert rollback_of(rollback_json(told)) == told
    assert rollback_of({**rollback_json(told), "commands": list(told.commands)}) == told


@pytest.mark.parametrize(("now", "state", "expired"), [
    (5.0, RollbackState.PLANNED, False), (5.0 + CONFIRM_WITHIN_S, RollbackState.PLANNED, False),
    (5.1 + CONFIRM_WITHIN_S, RollbackState.PLANNED, True), (4.9, RollbackState.PLANNED, True), (1e9, RollbackState.RUNNING, False),
])  # fmt: skip
def test_a_plan_rests_on_facts_of_minutes_ago(now, state, expired):
    assert replace(recorded(made(by(None)), "id", 60, 5.0, "me"), state=state).expired(now) is expired
