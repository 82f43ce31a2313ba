"""Which release a container is, and which one a rollback takes."""

from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.facts import Source, Stage
from scanner.domain.release import NO_CONTAINER, Release, absent_unit, chosen, of_absent, owner_name, sighting
from tests import builders
from tests.builders import digest

ID = digest("c")
NAME = "r.example/app"


def local(*repo_digests, manifest="", image_id=ID):
    return facts.LocalImage(image_id, tuple(repo_digests), manifest, builders.AMD64)


def container(image="r.example/app:1", held=None, **more):
    held = local(f"{NAME}@{digest('a')}") if held is None else held
    return builders.workload(image=image, local=held, **{"state": "running", "settled": True, **more})


def seen(**more):
    return sighting(container(**more), "linux/amd64", 5.0)


def release(letter="a", **more):
    known = {
        "host": "h", "source": Source.DOCKER, "workload": "app", "digest": digest(letter), "image_id": digest(letter.upper().lower()),
        "image": f"{NAME}@{digest(letter)}", "written": "r.example/app:1", "platform": "linux/amd64", "first_seen": 1.0,
        "last_seen": 2.0, "started_at": 1.5,
    }  # fmt: skip
    return Release(**(known | more))


def test_what_runs_is_seen_as_the_digest_it_was_pulled_by():
    found = seen()
    assert (found.digest, found.image, found.image_id) == (digest("a"), f"{NAME}@{digest('a')}", ID)
    assert (found.first_seen, found.last_seen, found.started_at, found.current) == (5.0, 5.0, 5.0, True)


@pytest.mark.parametrize(
    ("image", "held", "expected"),
    [
        (f"{NAME}@{digest('b')}", local(f"{NAME}@{digest('a')}", f"{NAME}@{digest('b')}"), digest("b")),
        ("r.example/app:1", local(f"{NAME}@{digest('a')}", f"{NAME}@{digest('b')}", manifest=digest("b")), digest("b")),
        ("r.example/app:1", local(f"m.example/app@{digest('a')}", f"{NAME}@{digest('b')}"), digest("b")),
        ("r.example/app:1", local(f"m.example/app@{digest('a')}"), digest("a")),
        ("NOT/A:NAME", local(f"m.example/app@{digest('a')}"), digest("a")),
        ("r.example/app:1", local(), ID),
        ("r.example/app:1", local("r.example/app:1"), ID),
    ],
    ids=["pinned", "the copy's own", "the named repository", "another one", "no name", "built here", "no digest"],
)
def test_of_several_digests_the_one_that_the_workload_means_wins(image, held, expected):
    assert seen(image=image, held=held).digest == expected


@pytest.mark.parametrize(
    "more", [{"stage": Stage.PLANNED}, {"held": local(image_id="c0ffee")}], ids=["planned", "a short ID"]
)
def test_what_nobody_told_the_image_of_is_no_release(more):
    assert seen(**more) is None


def test_without_a_copy_there_is_no_release():
    assert sighting(builders.workload(), "linux/amd64", 5.0) is None


@pytest.mark.parametrize("more", [{"settled": False}, {"settled": None}, {"state": "exited"}, {"stage": Stage.STOPPED}])
def test_only_what_is_up_for_a_minute_has_started(more):
    assert seen(**more).started_at is None


def test_a_swarm_task_is_called_by_its_service():
    task = builders.workload("app.1.x", maker=facts.Maker(Source.SWARM, "app"))
    assert owner_name(task) == "app"
    assert owner_name(builders.workload("app-1", maker=facts.Maker(Source.COMPOSE, "app"))) == "app-1"
    assert owner_name(builders.workload("app")) == "app"


@pytest.mark.parametrize(
    ("wanted", "is_it"),
    [(digest("a"), True), ("sha256:" + "a" * 12, True), ("a" * 12, True), ("a" * 11, False), ("b" * 12, False)],
)
def test_a_release_is_called_by_twelve_digits_at_least(wanted, is_it):
    assert release().is_called(wanted) is is_it


def test_it_started_on_the_hardware_that_it_was_seen_on():
    assert release().started_on("linux/amd64")
    assert not release().started_on("linux/arm64")
    assert not release(started_at=None).started_on("linux/amd64")
    assert not release(platform="").started_on("")


def test_the_newest_that_started_is_chosen_unless_one_is_wished_for():
    old, new, foreign = release("a"), release("b", last_seen=9.0), release("d", last_seen=99.0, platform="linux/arm64")
    every = [old, new, foreign, replace(old, image_id=ID)]
    assert chosen(every, "", ID, "linux/amd64") == new
    assert chosen(every, digest("a"), ID, "linux/amd64") == old
    assert chosen(every, digest("e"), ID, "linux/amd64") is None
    assert chosen([], "", ID, "linux/amd64") is None


def test_a_unit_whose_container_is_gone_is_known_by_the_releases_that_it_had():
    old, new = (release(workload="api.service", source=Source.PODMAN, last_seen=seen_at) for seen_at in (1.0, 2.0))
    unit = absent_unit([old, replace(new, written="r.example/app:2"), release()], "api")
    assert (unit.name, unit.image, unit.state) == ("api.service", "r.example/app:2", "absent")
    assert unit.maker == facts.Maker(Source.SYSTEMD, "api.service")
    present = of_absent(unit, "linux/amd64")
    assert (present.image_id, present.digest, present.current) == (NO_CONTAINER, None, True)


@pytest.mark.parametrize("more", [{"workload": "api", "source": Source.PODMAN}, {"workload": "api.service"}])
def test_what_is_no_unit_of_podman_s_is_not_taken_for_one(more):
    assert absent_unit([release(**more)], "api") is None
    assert absent_unit([], "api") is None
