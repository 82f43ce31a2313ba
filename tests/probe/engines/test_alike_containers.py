"""Containers that say the same but for name and moments are what each of them says by itself."""

from pathlib import Path

import pytest

from scanner.demo.answers import DemoContainer, DemoMachine, answer
from scanner.domain.facts import LocalImage, Process, Source, Stage, Workload
from scanner.domain.host import Host
from scanner.probe import reading
from scanner.probe.engines import alike_containers, docker
from scanner.probe.engines.alike_containers import AlikeContainers
from tests import counted

DIGEST = f"sha256:{7:064x}"
ANSWERS = sorted((Path(__file__).parents[2] / "data/hosts").glob("*.txt"))


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(docker, "_containers", AlikeContainers())


def answer_of(name):
    """Of a machine with two containers, called after it, of one image."""
    containers = tuple(
        DemoContainer(f"{name}-{n}", "shop/web:1", DIGEST, "linux/amd64", ("/bin/web",), DIGEST) for n in range(2)
    )
    return answer(DemoMachine("x86_64", "Debian", containers))


def test_whatever_was_read_before_an_answer_means_the_same(monkeypatch):
    alone = {}
    for path in ANSWERS:
        monkeypatch.setattr(docker, "_containers", AlikeContainers())
        alone[path] = reading.read(path.read_bytes(), Host("web-1", "web-1"))
    monkeypatch.setattr(docker, "_containers", AlikeContainers())
    for _ in range(2):
        assert {path: reading.read(path.read_bytes(), Host("web-1", "web-1")) for path in ANSWERS} == alone


def test_one_that_differs_by_name_alone_is_not_read_again():
    first = counted.calls(lambda: reading.read(answer_of("a"), Host("web-1", "web-1")))
    again = counted.calls(lambda: reading.read(answer_of("b"), Host("web-2", "web-2")))
    assert again < first - 50
    found = reading.read(answer_of("c"), Host("web-3", "web-3")).workloads
    assert [(each.host, each.name) for each in found] == [("web-3", "c-0"), ("web-3", "c-1")]
    assert found[0].local is found[1].local


@pytest.mark.parametrize(
    "container",
    [{}, {"state": None}, {"state": {"status": "running"}, "args": ["x" * 5000]}],
    ids=["no state", "null", "long"],
)
def test_what_has_another_shape_or_says_much_is_read_each_time(container):
    known, read = AlikeContainers(), []
    for _ in range(2):
        known.workload(container, "web-1", (), None, lambda: read.append(1))
    assert len(read) == 2
    assert known._kept == {}


def test_one_nested_deeper_than_can_be_compared_is_read_each_time():
    deep = []
    for _ in range(5000):
        deep = [deep]
    known, read = AlikeContainers(), []
    known.workload({"state": {}, "args": deep}, "web-1", (), None, lambda: read.append(1))
    assert read
    assert known._kept == {}


LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("around", "image", "made"),
    [
        (("docker", None, LONG), None, None),
        ((), LocalImage(DIGEST, process=Process((LONG,))), None),
        ((), None, Workload("web-1", "web", Source.DOCKER, Stage.RUNNING, LONG)),
    ],
    ids=["all else", "image", "workload"],
)
def test_what_means_much_is_read_each_time(around, image, made):
    """A process that reads answers would end for want of memory, with the answers of other hosts."""
    known = AlikeContainers()
    assert known.workload({"state": {}}, "web-1", around, image, lambda: made) is made
    assert known._kept == {}


def test_containers_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(alike_containers, "MAX_KEPT", 3)
    known = AlikeContainers()
    for number in range(10):
        known.workload({"state": {}, "path": str(number)}, "web-1", (), None, lambda: None)
    assert len(known._kept) <= 3
