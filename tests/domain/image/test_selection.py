"""Which offer an engine takes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Binfmt, Engine, EngineKind, EngineState, ImageStore, Kernel
from scanner.domain.failure import Failure
from scanner.domain.image.offers import InnerIndex, Offer
from scanner.domain.image.selection import Outcome, select
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.execution import How, executes
from scanner.domain.verdict.reason import Reason

_MATCH = json.loads((Path(__file__).parents[2] / "data" / "vectors" / "match.json").read_text(encoding="utf-8"))


def platform(text):
    return Platform(*text.split("/")) if text else None


def engine(kind, text, version="", store=None, state=EngineState.UP, **facts):
    return Engine(EngineKind(kind), state, version, platform(text), ImageStore(store) if store else None, **facts)


def kernel(text, **facts):
    return Kernel("Linux", "", platform=platform(text), **facts)


def offers(*entries, configs=()):
    found = [Offer(f"sha256:{place}", platform(entry)) for place, entry in enumerate(entries)]
    return [replace(o, config=c) for o, c in zip(found, configs, strict=True)] if configs else found


CLASSIC20 = engine("docker", "linux/amd64", "20.10.24+dfsg1", "classic")
CLASSIC28 = engine("docker", "linux/amd64", "28.5.2", "classic")
STORE29 = engine("docker", "linux/amd64", "29.0.0", "containerd")
STORE29_6 = engine("docker", "linux/amd64", "29.6.1", "containerd")
ARMHF = engine("docker", "linux/arm", "28.0.0", "classic")
PODMAN_ARM64 = engine("podman", "linux/arm64/v8", "4.3.1", "podman")
V3 = kernel("linux/amd64", cpu_level=3)
PI = kernel("linux/arm64", arm_version="v8")
LEVELS = ("linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4")


@pytest.mark.parametrize(
    ("asking", "entries", "host", "taken"),
    [
        # Docker asks for the CPU's level, since it knows of levels
        (CLASSIC28, LEVELS, V3, 2),
        (CLASSIC20, LEVELS, V3, 0),
        (STORE29, LEVELS, V3, 0),
        (STORE29_6, LEVELS, V3, 2),
        (CLASSIC20, ("linux/amd64/v2",), V3, None),
        (CLASSIC28, ("linux/amd64/v4",), V3, None),
        (CLASSIC28, ("linux/386", "linux/arm64"), V3, 0),
        (CLASSIC28, ("linux/amd64", "linux/arm64"), None, 0),
        (engine("docker", "linux/amd64"), ("linux/arm64", "linux/amd64"), None, 1),
        # an armhf engine on a 64-bit kernel asks for arm/v8 and never for arm64
        (ARMHF, ("linux/arm64",), PI, None),
        (ARMHF, ("linux/arm64", "linux/arm/v7", "linux/arm/v6"), PI, 1),
        (ARMHF, ("linux/arm/v7", "linux/arm/v6"), kernel("linux/arm/v6"), 1),
        # podman takes nothing narrower
        (PODMAN_ARM64, ("linux/arm/v7",), PI, None),
        (PODMAN_ARM64, ("linux/aarch64",), PI, None),
        (PODMAN_ARM64, ("linux/arm64", "linux/arm64/v8"), PI, 1),
        (engine("podman", "linux/amd64"), ("linux/386",), V3, None),
        (engine("podman", "linux/amd64"), LEVELS, V3, 0),
        # containerd knows no amd64 level, but narrower architectures
        (engine("containerd", "linux/amd64"), LEVELS, V3, 0),
        (engine("containerd", "linux/arm64/v8"), ("linux/arm/v7",), PI, 0),
        (engine("containerd", "freebsd/amd64"), ("linux/amd64", "freebsd/amd64"), None, 1),
        (engine("containerd", "freebsd/amd64"), ("linux/amd64",), None, 0),
        (engine("containerd", "windows/amd64"), ("linux/amd64", "windows/amd64"), None, 1),
        # CRI follows its runtime
        (engine("cri", "linux/arm64", store="containerd"), ("linux/arm/v7",), PI, 0),
        (engine("cri", "linux/arm64", store="podman"), ("linux/arm/v7",), PI, None),
        (engine("cri", "linux/amd64", "2.0.1", store="containerd"), LEVELS, V3, 0),
        (engine("cri", "linux/amd64", "27.3.1", store="classic"), LEVELS, V3, 2),
        (engine("cri", "linux/arm64"), ("linux/arm64", "linux/amd64"), PI, 0),
        # a single manifest is taken whatever it is
        (CLASSIC28, (None,), V3, 0),
        (engine("docker", None), (None,), None, 0),
    ],
)
def test_an_engine_takes_what_its_rules_take(asking, entries, host, taken):
    found = select(asking, offers(*entries), kernel=host)

    assert (found.outcome, found.order[:1]) == ((Outcome.NONE, ()) if taken is None else (Outcome.TAKEN, (taken,)))
    assert found.detail


@pytest.mark.parametrize(
    ("asking", "entries", "host", "reason"),
    [
        (CLASSIC28, LEVELS, kernel("linux/amd64"), Reason.CPU_LEVEL_UNKNOWN),
        (CLASSIC28, ("linux/amd64/v2",), None, Reason.CPU_LEVEL_UNKNOWN),
        (engine("docker", "linux/amd64", store="classic"), LEVELS, V3, Reason.CPU_LEVEL_UNKNOWN),
        (engine("docker", "linux/amd64", "28.0.0"), LEVELS, V3, Reason.ENGINE_UNKNOWN),
        (engine("cri", "linux/arm64"), ("linux/arm/v7",), PI, Reason.ENGINE_UNKNOWN),
        (ARMHF, ("linux/arm/v7",), None, Reason.CPU_LEVEL_UNKNOWN),
        (engine("docker", None), LEVELS, V3, Reason.ENGINE_UNKNOWN),
        (engine("docker", None, state=EngineState.DOWN), LEVELS, V3, Reason.ENGINE_DOWN),
        (engine("docker", None, state=EngineState.DENIED), LEVELS, V3, Reason.ENGINE_DENIED),
        (engine("docker", None, state=EngineState.ABSENT), LEVELS, V3, Reason.ENGINE_ABSENT),
        (engine("docker", "linux/amd64", store="podman"), LEVELS, V3, Reason.HOST_CONTRADICTORY),
        (engine("containerd", "linux/amd64"), (None, "linux/arm64"), V3, Reason.IMAGE_ARCH_UNKNOWN),
    ],
)
def test_a_missing_fact_that_would_decide_leaves_it_unknown(asking, entries, host, reason):
    found = select(asking, offers(*entries), kernel=host)

    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, reason)
    assert found.detail


@pytest.mark.parametrize(
    ("asking", "pinned", "entries", "taken"),
    [
        (CLASSIC28, "linux/arm64", ("linux/amd64", "linux/arm64/v8"), 1),
        (CLASSIC28, "linux/amd64", LEVELS, 0),
        (CLASSIC28, "linux/arm/v7", ("linux/amd64", "linux/arm/v6"), 1),
        (CLASSIC28, "linux/s390x", ("linux/amd64",), None),
        (engine("docker", None), "linux/amd64", LEVELS, 0),
        (PODMAN_ARM64, "linux/aarch64", ("linux/arm64",), 0),
        (PODMAN_ARM64, "linux/amd64", ("linux/x86_64",), None),
    ],
)
def test_a_pinned_platform_is_asked_for_instead_of_the_engines(asking, pinned, entries, taken):
    found = select(asking, offers(*entries), platform(pinned), V3)

    assert found.order[:1] == (() if taken is None else (taken,))


def test_docker_default_platform_pins_what_nobody_else_pins():
    told = replace(CLASSIC28, default_platform=platform("linux/arm64"))

    assert select(told, offers("linux/amd64", "linux/arm64"), kernel=V3).order == (1,)
    assert select(told, offers("linux/amd64", "linux/arm64"), platform("linux/amd64"), V3).order == (0,)


@pytest.mark.parametrize(
    ("config", "pinned", "outcome"),
    [
        (platform("linux/arm64"), "linux/arm64", Outcome.TAKEN),
        (platform("linux/arm64"), "linux/amd64", Outcome.NONE),
        (platform("linux/arm"), "linux/arm/v6", Outcome.TAKEN),
        (Failure(Reason.IMAGE_TIMEOUT, "slow"), "linux/amd64", Outcome.UNKNOWN),
        (None, "linux/amd64", Outcome.UNKNOWN),
    ],
)
def test_docker_refuses_a_single_manifest_of_another_platform_than_asked_for(config, pinned, outcome):
    one = offers(None, configs=[config])

    assert select(CLASSIC28, one, platform(pinned), V3).outcome == outcome
    assert select(PODMAN_ARM64, one, platform(pinned), V3).outcome == Outcome.TAKEN


@pytest.mark.parametrize(
    ("config", "outcome"),
    [(platform("linux/amd64"), Outcome.TAKEN), (platform("linux/s390x"), Outcome.NONE), (None, Outcome.UNKNOWN)],
)
def test_containerd_looks_into_the_config_of_an_entry_without_platform(config, outcome):
    found = select(engine("containerd", "linux/amd64"), offers(None, configs=[config]), kernel=V3, is_index=True)

    assert found.outcome == outcome


def test_an_index_of_nothing_has_nothing_to_take():
    assert select(CLASSIC28, [], kernel=V3).outcome == Outcome.NONE


_HOSTS = st.sampled_from([
    (CLASSIC28, V3),
    (CLASSIC20, V3),
    (STORE29_6, kernel("linux/amd64", cpu_level=1, ia32=False)),
    (CLASSIC28, kernel("linux/amd64", ia32=True)),
    (engine("docker", "linux/amd64"), kernel("linux/amd64", cpu_level=2, ia32=True)),
    (ARMHF, kernel("linux/arm64", aarch32=True)),
    (ARMHF, kernel("linux/arm/v6", arm_version="v6")),
    (engine("containerd", "linux/arm64/v8"), kernel("linux/arm64", aarch32=False)),
    (engine("docker", "linux/arm64", "28.0.0", "classic"), kernel("linux/arm64", aarch32=None)),
    (PODMAN_ARM64, kernel("linux/arm64", aarch32=True)),
    (engine("podman", "linux/arm/v7"), kernel("linux/arm/v7")),
    (engine("cri", "linux/ppc64le"), kernel("linux/ppc64le")),
])  # fmt: skip
_ENTRIES = st.sampled_from([
    "linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4", "linux/x86_64", "linux/386", "linux/arm64",
    "linux/arm64/v8", "linux/arm64/v9", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm/v8", "linux/arm",
    "linux/ppc64le", "linux/ppc64le/power9", "linux/s390x", "windows/amd64", "unknown/unknown",
])  # fmt: skip


@given(_HOSTS, st.lists(_ENTRIES, min_size=1, max_size=5), _ENTRIES, st.integers(0, 5))
def test_another_platform_in_the_index_never_turns_a_start_into_a_failure(host, entries, another, place):
    asking, cpu = host
    cpu = replace(cpu, binfmt=Binfmt(enabled=True))
    before = _fate(asking, cpu, entries)
    after = _fate(asking, cpu, [*entries[:place], another, *entries[place:]])

    if before is How.NATIVE:
        assert after in {How.NATIVE, How.UNKNOWN}


def _fate(asking, cpu, entries):
    found = select(asking, offers(*entries), kernel=cpu)
    if found.outcome is not Outcome.TAKEN:
        return How.NO if found.outcome is Outcome.NONE else How.UNKNOWN
    return executes(cpu, platform(entries[found.order[0]])).how


_ENGINES = st.builds(
    Engine,
    st.sampled_from(EngineKind),
    st.sampled_from(EngineState),
    st.sampled_from(["", "20.10.24", "28.5.2", "v29.6.0", "29", "dev"]),
    st.none() | st.builds(platform, _ENTRIES),
    st.none() | st.sampled_from(ImageStore),
)
_CONFIGS = st.none() | st.builds(platform, _ENTRIES) | st.just(Failure(Reason.IMAGE_TIMEOUT))


@given(
    _ENGINES,
    st.lists(st.builds(Offer, st.just("sha256:0"), st.none() | st.builds(platform, _ENTRIES), _CONFIGS), max_size=5),
    st.none() | st.builds(platform, _ENTRIES),
    st.none() | st.just(V3) | st.just(PI),
    st.sampled_from([None, True, False]),
)
def test_every_engine_has_one_answer_to_every_image(asking, found, pinned, host, is_index):
    answer = select(asking, found, pinned, host, is_index=is_index)

    assert (answer.outcome is Outcome.TAKEN) == bool(answer.order)
    assert (answer.outcome is Outcome.UNKNOWN) == (answer.reason is not None)
    assert set(answer.order) <= set(range(len(found)))
    assert answer.detail


@given(_ENGINES, st.lists(_ENTRIES, min_size=1, max_size=5))
def test_an_engine_that_never_told_its_platform_selects_nothing_from_an_index(asking, entries):
    found = select(replace(asking, platform=None), offers(*entries), kernel=V3)

    assert found.outcome is Outcome.UNKNOWN


# ---------------------------------------------------------------- an index within the index


def nest(place, own, *entries):
    """The offers of an inner index of this platform of its own."""
    within = InnerIndex(place, platform(own))
    return [
        Offer(f"sha256:{place}{number}", platform(entry), nested=True, within=within)
        for number, entry in enumerate(entries)
    ]


ARM, AMD = "linux/arm64", "linux/amd64"


@pytest.mark.parametrize("asking", [CLASSIC28, STORE29, engine("containerd", "linux/amd64", "1.7.24")])
@pytest.mark.parametrize(
    ("found", "taken"),
    [
        (nest(0, AMD, AMD), "sha256:00"),
        (nest(0, ARM, AMD), None),
        (nest(0, AMD, ARM), None),
        (nest(0, None, AMD), "sha256:00"),
        (nest(0, None, ARM), None),
        (nest(0, AMD, ARM, AMD), "sha256:01"),
        ([*nest(0, ARM, AMD), *offers(AMD)], "sha256:0"),
        ([*nest(0, AMD, ARM), *offers(AMD)], None),
        ([*nest(0, None, ARM), *offers(AMD)], "sha256:0"),
        ([*nest(0, AMD, AMD), *offers(AMD)], "sha256:00"),
        ([*nest(0, ARM, AMD), *nest(1, AMD, ARM, AMD)], "sha256:11"),
    ],
)
def test_an_inner_index_counts_by_its_own_platform_then_by_what_is_in_it(asking, found, taken):
    """As recorded: nested-own-arm64, nested-foreign-inside-beside-right, nested-without-own and their like."""
    chosen = select(asking, found, is_index=True)
    assert (found[chosen.order[0]].digest if chosen.outcome is Outcome.TAKEN else None) == taken


def test_where_one_way_of_asking_is_not_known_to_fit_nothing_is_known():
    of_no_store = engine("docker", "linux/amd64", "27.0.0")
    unread = [Offer("sha256:0", None, Failure(Reason.IMAGE_UNREACHABLE, "down"))]
    found = select(of_no_store, unread, None, kernel("linux/amd64"), is_index=True)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.IMAGE_UNREACHABLE)
