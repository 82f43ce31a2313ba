"""Services of a Swarm, as a manager tells of them: planned where their placement lets them go."""

import json

import pytest

from scanner.domain.host import Host
from scanner.probe import reading

CASES = [
    ({}, True),
    ({"placement": None, "replicas": None}, True),
    ({"placement": ["node.platform.arch == x86_64"], "replicas": 2}, True),
    ({"placement": ["node.platform.arch == aarch64"]}, False),
    ({"placement": ["node.platform.arch != amd64", "node.role == worker"]}, False),
    ({"placement": ["node.platform.os==windows"]}, False),
    ({"placement": ["node.labels.disk == ssd"]}, True),
    ({"replicas": 0}, False),
]


@pytest.mark.parametrize(("said", "is_planned"), CASES)
def test_a_service_is_planned_where_its_placement_lets_it_go(said, is_planned, pieces):
    body = {"name": "web", "task": {"image": "r.example/a", "command": None, "args": None, "dir": ""}, **said}
    sections = {**pieces.HOSTS["swarm-manager"], "docker/services": json.dumps(body)}
    facts = reading.read(pieces.framed(sections), Host("m", "127.0.0.1"))

    assert [one.image for one in facts.workloads if one.name == "web"] == ["r.example/a"] * is_planned
    assert not facts.gaps


def test_a_placement_that_is_none_is_a_gap(pieces):
    body = {"name": "web", "task": {"image": "r.example/a"}, "placement": ["what"]}
    sections = {**pieces.HOSTS["swarm-manager"], "docker/services": json.dumps(body)}

    assert reading.read(pieces.framed(sections), Host("m", "127.0.0.1")).gaps


def test_an_ended_task_whose_place_has_a_later_one_is_history(pieces):
    def task(number, name, state, started):
        return pieces.container(
            number, name=name, state=state, started=f"2026-11-0{started}T00:00:00Z" if started else "0001-01-01T00:00:00Z",
            labels={"swarm": "shop.web"} if name.startswith("shop") else {"project": "p", "service": "s"},
        )  # fmt: skip

    told = [
        task(1, "shop.web.1.aaa", "exited", 1), task(2, "shop.web.1.bbb", "running", 2), task(3, "shop.web.1.ccc", "created", 0),
        task(4, "shop.web.2.ddd", "exited", 1), task(5, "shop.web.2.eee", "exited", 2), task(6, "other.1.fff", "exited", 1),
        task(7, "other.1.ggg", "running", 2),
    ]  # fmt: skip
    sections = {**pieces.HOSTS["amd64-docker"], **pieces.docker("amd64", containers=tuple(told))}
    facts = reading.read(pieces.framed(sections), Host("m", "127.0.0.1"))
    kept = {one.name.rpartition(".")[2] for one in facts.workloads}
    assert kept == {"bbb", "ccc", "eee", "fff", "ggg"}
