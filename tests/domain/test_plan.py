"""A plan is for the hosts that fit its placement, from every fact that it gives to the workload that is judged."""

import dataclasses

import pytest

from scanner.domain.facts import Mount, Process, Since, Source, Stage
from scanner.domain.plan import HostNames, Placement, Plan, Requirement
from scanner.domain.platform.platform import Platform

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64", "v8")


def only(key, operator, *values):
    return Placement(((Requirement(key, operator, values),),))


@pytest.mark.parametrize(
    ("placement", "fits"),
    [
        (only("arch", "In", "amd64"), True),
        (only("arch", "NotIn", "amd64"), False),
        (only("arch", "In", "arm64", "riscv64"), False),
        (only("os", "In", "linux"), True),
        (only("host", "In", "web-1"), True),
        (only("host", "NotIn", "web-1"), False),
        (only("label:zone", "In", "a"), True),
        (only("label:zone", "Exists"), True),
        (only("label:zone", "DoesNotExist"), False),
        (only("label:disk", "In", "ssd"), None),
        (only("label:disk", "Exists"), None),
        (only("label:cores", "Gt", "8"), True),
        (only("label:cores", "Lt", "8"), False),
        (only("label:cores", "Gt", "many"), False),
        (only("label:zone", "Gt", "8"), False),
    ],
)
def test_a_requirement_is_met_missed_or_not_told(placement, fits):
    assert placement.fits("web-1", AMD64, {"zone": "a", "cores": "16"}) is fits


@pytest.mark.parametrize(
    ("fleet", "host", "name", "fits"),
    [
        (["web-1", "web-2"], "web-1", "web-1", True),
        (["web-1", "web-2"], "web-1", "web-2", False),
        (["web-1.example.com"], "web-1.example.com", "web-1", True),
        (["web-1"], "web-1", "web-1.example.com", True),
        (["web-1", "web-1.example.com"], "web-1.example.com", "web-1", False),
        (["web-1", "web-2.example.com"], "web-1", "web-2", False),
        (["web-1"], "web-1", "ip-10-0-0-7", None),
    ],
)
def test_a_host_is_known_by_its_name_or_how_it_begins_but_not_by_another_host_s_name(fleet, host, name, fits):
    known = HostNames.of(fleet)
    assert only("host", "In", name).fits(host, AMD64, {}, known) is fits
    assert only("host", "NotIn", name).fits(host, AMD64, {}, known) is (None if fits is None else not fits)


def test_every_requirement_of_one_term_is_enough():
    arm, disk = Requirement("arch", "In", ("arm64",)), Requirement("label:disk", "In", ("ssd",))
    assert Placement(((arm, disk),)).fits("a", AMD64, {}) is False  # whatever the label is
    assert Placement(((arm, disk),)).fits("a", ARM64, {}) is None
    assert Placement(((disk,), (arm,))).fits("a", ARM64, {}) is True
    assert Placement(((disk,), (arm,))).fits("a", AMD64, {}) is None
    assert Placement(()).fits("a", AMD64, {}) is False


def test_a_host_whose_platform_is_not_known_may_fit():
    assert only("arch", "In", "amd64").fits("a", None, {}) is None


def test_every_fact_of_a_plan_reaches_its_workload():
    plan = Plan(
        "r.example/app:1", "shop/web", Source.COMPOSE, ARM64, "docker", Process(("/app",)), (Mount("/data"),),
        (("/check",),), build_only=True, placement=only("os", "In", "linux"), pinned_at="compose.yml:3",
    )  # fmt: skip
    made = plan.on("web-1")
    carried = {field.name for field in dataclasses.fields(Plan)} - {"workload", "placement"}
    assert {name: getattr(made, name) for name in carried} == {name: getattr(plan, name) for name in carried}
    assert (made.host, made.name, made.stage) == ("web-1", "shop/web", Stage.PLANNED)


def test_a_plan_without_names_is_the_image_of_the_inventory():
    made = Plan("r.example/app:1").on("a")
    assert (made.name, made.source) == ("r.example/app:1", Source.INVENTORY)


def test_what_a_plan_asks_for_is_said_as_people_say_it():
    disk, zone = Requirement("label:disk", "In", ("ssd", "nvme")), Requirement("label:zone", "Exists")
    assert str(Placement(((disk, zone), ()))) == "disk In (ssd, nvme) and zone Exists or anything"
    assert str(Placement(())) == "no host"


@pytest.mark.parametrize(("operator", "fits"), [("Exists", True), ("DoesNotExist", False)])
def test_every_host_has_a_name(operator, fits):
    assert Placement(((Requirement("host", operator),),)).fits("web-1", None, {}) is fits


def test_a_plan_s_image_is_a_reference_or_says_why_it_is_none():
    assert str(Plan("nginx:1").reference) == "docker.io/library/nginx:1"
    assert Plan("NO").reference.reason == "image_reference_invalid"


def test_what_of_a_plan_asks_for_a_version_is_text_on_one_line():
    made = Plan("a:1", since=Since((5, 0), "Volume= of \x1b[31m\n.volume")).on("web-1")
    assert "\x1b" not in made.since.what
    assert "\n" not in made.since.what
