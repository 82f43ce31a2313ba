"""Where engines were seen to differ (tests/data/outcomes), the selection differs."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Engine, EngineKind, EngineState, ImageStore, Kernel
from scanner.domain.image.offers import Offer
from scanner.domain.image.selection import Outcome, select
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason

AMD64 = Platform("linux", "amd64")
FEATURED = Platform("linux", "amd64", os_features=("odd",))
EMPTY = Platform("", "")
V3 = Kernel("Linux", "x86_64", platform=AMD64, cpu_level=3)


def docker(version, store="classic"):
    return Engine(EngineKind.DOCKER, EngineState.UP, version, AMD64, ImageStore(store))


CONTAINERD_17 = Engine(EngineKind.CONTAINERD, EngineState.UP, "1.7.24", AMD64, ImageStore.CONTAINERD)
PODMAN = Engine(EngineKind.PODMAN, EngineState.UP, "5.4.2", AMD64, ImageStore.PODMAN)


def taken(engine, *entries):
    offers = [Offer(f"sha256:{place}", entry, entry) for place, entry in enumerate(entries)]
    choice = select(engine, offers, kernel=V3, is_index=True)
    return choice.order[0] if choice.outcome is Outcome.TAKEN else choice.outcome


@pytest.mark.parametrize(
    ("engine", "first"),
    [
        (docker("20.10.24"), 0),
        (docker("26.1.5"), 0),
        (docker("26.1.5", "containerd"), 0),
        (docker("28.5.2"), 1),
        (docker("28.5.2", "containerd"), 1),
        (CONTAINERD_17, 0),
        (replace(CONTAINERD_17, version="2.1.0"), 1),
        (PODMAN, 0),
        (docker("27.0.1"), Outcome.UNKNOWN),  # nobody has tried what this one does
    ],
    ids=lambda value: getattr(value, "version", None),
)
def test_os_features_count_where_the_engine_heeds_them(engine, first):
    assert taken(engine, FEATURED, AMD64) == first


def test_a_version_that_nobody_tried_is_named_where_os_features_decide():
    choice = select(docker("27.0.1"), [Offer("sha256:0", FEATURED)], kernel=V3, is_index=True)
    assert (choice.reason, "27.0.1" in choice.detail) == (Reason.ENGINE_UNKNOWN, True)


@pytest.mark.parametrize(
    ("engine", "outcome"),
    [
        (docker("20.10.24"), Outcome.NONE),
        (docker("28.5.2"), 0),
        (docker("28.5.2", "containerd"), Outcome.NONE),
        (PODMAN, Outcome.NONE),
    ],
    ids=lambda value: getattr(value, "version", None),
)
def test_an_entry_whose_platform_says_nothing_is_taken_by_the_newer_classic_store_alone(engine, outcome):
    assert taken(engine, EMPTY) == outcome


@pytest.mark.parametrize("engine", [docker("20.10.24"), docker("28.5.2"), docker("28.5.2", "containerd")])
def test_an_entry_without_operating_system_means_the_engine_s_own(engine):
    assert taken(engine, Platform("", "amd64")) == 0
