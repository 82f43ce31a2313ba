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
