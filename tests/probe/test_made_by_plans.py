"""A container's platform as its plan pins it."""

import pytest

from scanner.domain.facts import LocalImage, Maker, Source, Stage
from scanner.domain.platform.platform import Platform
from scanner.probe.made_by_plans import asked_by_makers
from tests import builders

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
HELD = LocalImage("sha256:" + "0" * 64, platform=ARM64)
COMPOSE = Maker(Source.COMPOSE, "web", "shop", ("/srv/compose.yml",), "/srv")
UNIT = Maker(Source.SYSTEMD, "web.service")


def plan(name, source, pinned=ARM64, at="/srv/compose.yml:4"):
    return builders.workload(name=name, source=source, stage=Stage.PLANNED, pinned=pinned, pinned_at=at)


@pytest.mark.parametrize(
    ("maker", "planned", "expected"),
    [
        (COMPOSE, [plan("shop/web", Source.COMPOSE)], (ARM64, "/srv/compose.yml:4")),
        (UNIT, [plan("web.service", Source.QUADLET)], (ARM64, "/srv/compose.yml:4")),
        (UNIT, [plan("web.service", Source.SYSTEMD)], (ARM64, "/srv/compose.yml:4")),
        (COMPOSE, [plan("shop/web", Source.COMPOSE, None, "")], (None, "")),
        (COMPOSE, [plan("shop/api", Source.COMPOSE)], (None, "")),
        (COMPOSE, [plan("shop/web", Source.INVENTORY)], (None, "")),
        (COMPOSE, [plan("shop/web", Source.COMPOSE), plan("shop/web", Source.COMPOSE, None, "")], (None, "")),
        (None, [plan("shop/web", Source.COMPOSE), plan("", Source.COMPOSE)], (None, "")),
    ],
)
def test_a_container_was_asked_for_as_its_one_plan_says(maker, planned, expected):
    [found] = asked_by_makers([builders.workload(name="shop-web-1", maker=maker, local=HELD)], planned)
    assert (found.pinned, found.pinned_at) == expected


@pytest.mark.parametrize(
    "local", [None, LocalImage("sha256:" + "0" * 64), LocalImage("sha256:" + "0" * 64, platform=AMD64)]
)
def test_a_container_that_is_not_known_to_be_of_the_pinned_platform_was_made_without_the_pin(local):
    made = builders.workload(name="shop-web-1", maker=COMPOSE, local=local)
    assert asked_by_makers([made], [plan("shop/web", Source.COMPOSE)]) == [made]
