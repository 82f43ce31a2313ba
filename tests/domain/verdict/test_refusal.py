"""Why an engine cannot pull what it takes, as the recordings of real engines have it."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Engine, EngineKind, EngineState, ImageStore
from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, Layer, Objection, Offer
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.refusal import refusal

AMD64 = Platform("linux", "amd64")


def docker(version, store="classic"):
    return Engine(EngineKind.DOCKER, EngineState.UP, version, AMD64, ImageStore(store))


CONTAINERD_17 = Engine(EngineKind.CONTAINERD, EngineState.UP, "1.7.24", AMD64, ImageStore.CONTAINERD)
PODMAN = Engine(EngineKind.PODMAN, EngineState.UP, "5.4.2", AMD64, ImageStore.PODMAN)
PODMAN_43 = replace(PODMAN, version="4.3.1")


def refused(engine, offer, *beside):
    """The reason and the words, empty where nothing is in the way."""
    found = refusal(engine, offer, ImageFacts("r.example/a:1", "sha256:i", bool(beside), (offer, *beside)))
    return (found.reason, found.detail) if found else (None, "")


def is_refused(*given):
    return refused(*given)[0] is Reason.IMAGE_REFUSED


LAYERS = (Layer("sha256:a", "application/vnd.oci.image.layer.v1.tar+gzip", 1),)
WINDOWS = Offer("sha256:0", config=Platform("windows", "amd64"), layers=LAYERS, diff_ids=("sha256:b",))


@pytest.mark.parametrize(
    ("engine", "expected"),
    [(docker("20.10.24"), True), (docker("28.5.2"), True), (docker("28.5.2", "containerd"), False), (PODMAN, False)],
    ids=lambda value: getattr(value, "version", None),
)
def test_a_config_of_another_system_is_refused_by_the_classic_store_alone(engine, expected):
    assert (refused(engine, WINDOWS)[0] is Reason.IMAGE_REFUSED, "windows" in refused(engine, WINDOWS)[1]) == (
        expected,
        expected,
    )


@pytest.mark.parametrize("diff_ids", [(), ("sha256:b", "sha256:c")])
@pytest.mark.parametrize(
    ("engine", "expected"),
    [(docker("20.10.24"), True), (docker("28.5.2", "containerd"), True), (CONTAINERD_17, True), (PODMAN, False)],
    ids=lambda value: getattr(value, "version", None),
)
def test_a_config_that_lists_another_number_of_layers_is_refused(engine, expected, diff_ids):
    offer = replace(WINDOWS, config=AMD64, diff_ids=diff_ids)
    assert is_refused(engine, offer) == expected


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (docker("20.10.24"), True),
        (docker("26.1.5", "containerd"), True),
        (docker("28.5.2"), False),
        (docker("28.5.2", "containerd"), False),
        (CONTAINERD_17, False),
        (PODMAN, True),
    ],
    ids=lambda value: getattr(value, "version", None),
)
def test_an_index_within_an_index_is_refused_by_some(engine, expected):
    offer = replace(WINDOWS, config=AMD64, nested=True)
    assert is_refused(engine, offer) == expected


@pytest.mark.parametrize(
    ("engine", "offer", "reason"),
    [
        (docker("20.10.24"), {"config": Platform("Linux", "amd64")}, Reason.IMAGE_REFUSED),
        (docker("26.1.5"), {"config": Platform("Linux", "amd64")}, None),
        (
            docker("20.10.24"),
            {"entry": Platform("Linux", "amd64")},
            Reason.IMAGE_REFUSED,
        ),  # dockerd is gone after such a pull
        (docker("20.10.24"), {"entry": Platform("linux", "AMD64")}, None),
        (docker("20.10.24"), {"entry": Platform("", "amd64")}, None),
        (docker("26.1.5"), {"entry": Platform("Linux", "amd64")}, None),
        (docker("28.5.2"), {"layers": LAYERS * 126, "diff_ids": ("sha256:b",) * 126}, Reason.IMAGE_REFUSED),
        (docker("28.5.2"), {"layers": LAYERS * 125, "diff_ids": ("sha256:b",) * 125}, None),
        (docker("28.5.2", "containerd"), {"layers": LAYERS * 126, "diff_ids": ("sha256:b",) * 126}, None),
        (PODMAN, {"layers": LAYERS * 2}, Reason.IMAGE_REFUSED),
        (PODMAN, {"diff_ids": ()}, None),
        (PODMAN_43, {"layers": LAYERS * 2}, None),
        (replace(PODMAN, version="5.0.0"), {"layers": LAYERS * 2}, Reason.ENGINE_UNKNOWN),
        (replace(PODMAN, version=""), {"layers": LAYERS * 2}, Reason.ENGINE_UNKNOWN),
    ],
)
def test_what_an_engine_takes_depends_on_its_version(engine, offer, reason):
    assert refused(engine, replace(WINDOWS, **{"config": AMD64, **offer}))[0] is reason


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (docker("26.1.5", "containerd"), Reason.IMAGE_REFUSED),
        (docker("27.3.1", "containerd"), Reason.ENGINE_UNKNOWN),
        (docker("28.5.2", "containerd"), None),
        (docker("26.1.5"), None),
        (CONTAINERD_17, Reason.IMAGE_REFUSED),
        (replace(CONTAINERD_17, version="2.1.4"), None),
        (PODMAN, None),
    ],
)
def test_docker_s_own_name_for_a_zstd_layer_is_known_to_newer_containerd(engine, reason):
    layers = (replace(LAYERS[0], media_type="application/vnd.docker.image.rootfs.diff.tar.zstd"),)
    assert refused(engine, replace(WINDOWS, config=AMD64, layers=layers))[0] is reason


def test_an_older_docker_may_not_read_what_says_that_it_is_zstd():
    layers = (replace(LAYERS[0], media_type="application/vnd.oci.image.layer.v1.tar+zstd"),)
    offer = replace(WINDOWS, config=AMD64, layers=layers)
    assert refused(docker("20.10.24"), offer)[0] is Reason.ENGINE_UNKNOWN
    assert refused(docker("28.5.2"), offer)[0] is None


def test_an_entry_for_386_is_not_pulled_by_containerd_itself():
    offer = replace(WINDOWS, config=AMD64, entry=Platform("linux", "i386"))
    assert is_refused(CONTAINERD_17, offer, offer)
    assert not is_refused(docker("28.5.2", "containerd"), offer, offer)


def test_an_entry_without_platform_beside_others_is_not_found_by_an_older_store():
    offer = replace(WINDOWS, config=AMD64)
    assert is_refused(docker("26.1.5", "containerd"), offer, offer)
    assert not is_refused(docker("26.1.5", "containerd"), offer)
    assert not is_refused(docker("28.5.2", "containerd"), offer, offer)


@pytest.mark.parametrize(
    ("condition", "engine", "reason"),
    [
        (Condition.CONFIG_UNREADABLE, docker("27.0.1"), Reason.IMAGE_REFUSED),
        (Condition.CONFIG_UNREADABLE, replace(CONTAINERD_17, kind=EngineKind.CRI), Reason.IMAGE_REFUSED),
        (Condition.HISTORY_TOO_LONG, docker("28.5.2"), Reason.IMAGE_REFUSED),
        (Condition.HISTORY_TOO_LONG, docker("28.5.2", "containerd"), None),
        (Condition.PORT_ODD, PODMAN, Reason.IMAGE_REFUSED),
        (Condition.PORT_ODD, PODMAN_43, None),
        (Condition.PORT_ODD, replace(PODMAN, version="5.0.0"), Reason.ENGINE_UNKNOWN),
        (Condition.ENTRY_URLS, CONTAINERD_17, Reason.ENGINE_UNKNOWN),
    ],
)
def test_an_objection_to_a_document_counts_where_its_engine_makes_it(condition, engine, reason):
    objection = Objection(condition, Failure(Reason.IMAGE_REFUSED, "words"))
    found = refused(engine, replace(WINDOWS, config=AMD64, objections=(objection,)))
    assert (found[0], "words" in found[1]) == (reason, reason is not None)
