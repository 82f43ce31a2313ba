"""Under which names, of which entries an image is looked up."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Stage
from scanner.domain.failure import Failure
from scanner.domain.image import offers as image_offers
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.scan.images.images import MAX_REPO_DIGESTS, Images
from tests import builders
from tests.builders import AMD64, ARM64

INDEX, MANIFEST, CONFIG = (builders.digest(letter) for letter in "fbc")
HOST = builders.host_facts(engines=(builders.docker(version="28.0.0"),))


class Registry:
    """Answers by digest or tag; reads a config only of entries that are wanted, as the real one does."""

    def __init__(self, offers):
        self.offers, self.asked = offers, []

    async def resolve(self, reference, *, depth, wanted=None):
        self.asked.append(str(reference))
        offers = self.offers.get((reference.repository, reference.digest or reference.tag))
        if offers is None:
            return Failure(Reason.IMAGE_NOT_FOUND)
        seen = [
            o
            if depth != "index" and (wanted is None or wanted(o.entry))
            else replace(o, config=None, config_digest=None)
            for o in offers
        ]
        return builders.image_facts(*seen, reference=reference)


async def inspect(_reference, _offer, _override, _host=""):
    return image_offers.Program(("/app",))


def container(image, *repo_digests, platform=AMD64):
    return builders.container(CONFIG, *repo_digests, local={"platform": platform}, image=image)


def offer(entry, config):
    return image_offers.Offer(MANIFEST, entry, config, config_digest=CONFIG)


@pytest.mark.parametrize(
    ("entry", "config"),
    [
        (AMD64, AMD64),
        (AMD64, ARM64),  # the config lies, so that the host takes the image for another one
        (Platform("linux", "x86_64"), AMD64),
        (Platform("Linux", "AMD64"), AMD64),
    ],
)
async def test_the_manifest_of_a_container_is_found_by_digest_whatever_its_labels_say(entry, config):
    registry = Registry({("app", INDEX): [offer(entry, config)], ("app", "1"): [offer(entry, config)]})
    known = await Images(registry, inspect).known(
        HOST, container("r.example/app:1", f"r.example/app@{INDEX}", platform=config)
    )
    assert known.image.offers[0].program == image_offers.Program(("/app",))


@pytest.mark.parametrize("reason", [Reason.IMAGE_RATE_LIMITED, Reason.IMAGE_UNREACHABLE, Reason.IMAGE_NOT_FOUND])
async def test_what_runs_stays_known_whatever_its_registry_answers_now(reason):
    known_once = Registry({("app", INDEX): [offer(AMD64, AMD64)]})

    class Refusing:
        async def resolve(self, _reference, *, depth, wanted=None):
            return Failure(reason)

    known = await Images(Refusing(), inspect, held=known_once.resolve).known(
        HOST, container("r.example/app:1", f"r.example/app@{INDEX}")
    )
    assert known.image.offers[0].program == image_offers.Program(("/app",))
    assert known.next_pull == Failure(reason)
    planned = replace(container("r.example/app:1"), stage=Stage.PLANNED, local=None)
    assert (await Images(Refusing(), inspect, held=known_once.resolve).known(HOST, planned)).image == Failure(reason)


async def test_what_is_held_without_its_config_is_asked_for():
    registry = Registry({("app", INDEX): [offer(AMD64, AMD64)], ("app", "1"): [offer(AMD64, AMD64)]})
    half = Registry({("app", INDEX): [offer(AMD64, Failure(Reason.IMAGE_RATE_LIMITED))]})
    known = await Images(registry, inspect, held=half.resolve).known(
        HOST, container("r.example/app:1", f"r.example/app@{INDEX}")
    )
    assert known.image.offers[0].config == AMD64


async def test_a_digest_that_was_never_pushed_under_one_name_is_sought_under_the_others():
    registry = Registry({("staging/app", INDEX): [offer(AMD64, AMD64)]})
    names = (f"r.example/app@{INDEX}", f"r.example/staging/app@{INDEX}")
    known = await Images(registry, inspect).known(HOST, container("r.example/app:1", *names))
    assert isinstance(known.image, image_offers.ImageFacts)


async def test_names_without_end_are_not_all_tried():
    registry = Registry({})
    names = [f"r.example/app-{n}@{INDEX}" for n in range(100)]
    await Images(registry, inspect).known(HOST, container("r.example/app:1", *names))
    assert len({asked for asked in registry.asked if "@" in asked}) <= MAX_REPO_DIGESTS


async def test_a_name_that_was_only_given_here_has_no_next_pull():
    registry = Registry({("app", INDEX): [offer(AMD64, AMD64)]})
    known = await Images(registry, inspect).known(HOST, container("local/name:1", f"r.example/app@{INDEX}"))
    assert isinstance(known.image, image_offers.ImageFacts)
    assert known.next_pull is None
    assert not [asked for asked in registry.asked if "local" in asked]


@pytest.mark.parametrize(("offered", "name"), [(CONFIG, "r.example/app"), (MANIFEST, "r.example/legacy")])
async def test_a_tag_whose_digest_the_engine_left_at_another_platform_s_image_is_asked_for_its_own(offered, name):
    """Where it does not offer the very image of the container, the name that has its digest tells of it."""
    under_tag = replace(offer(AMD64, AMD64), config_digest=offered)
    registry = Registry({("app", "1"): [under_tag], ("legacy", INDEX): [offer(AMD64, AMD64)]})
    known = await Images(registry, inspect).known(HOST, container("r.example/app:1", f"r.example/legacy@{INDEX}"))
    assert known.image.reference.startswith(name)
    assert known.next_pull is None


# ---------------------------------------------------------------- what a pull would not find

LOST = Failure(Reason.LAYER_MISSING, "r.example has no layer of it")
LAYERS = (image_offers.Layer(builders.digest("1"), "application/vnd.oci.image.layer.v1.tar+gzip", 1),)


async def missing(_reference, _offer):
    return LOST


def image_of(**changes):
    return Registry(
        {
            (name, tag): [replace(offer(AMD64, AMD64), layers=LAYERS, **changes)]
            for name in ("app",)
            for tag in ("1", INDEX)
        }
    )


def native():
    return image_offers.Program(("/app",), (builders.executable(AMD64),))


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (native(), "layer_missing"),
        (replace(native(), problem=Failure(Reason.LAYER_UNREADABLE)), "layer_missing"),
        (replace(native(), problem=Failure(Reason.LOADER_MISSING)), "loader_missing"),
        (image_offers.Program(("/app",), (builders.executable(ARM64),)), "wrong_binary"),
    ],
)
async def test_a_planned_start_lacks_what_the_registry_lost_unless_worse_is_proved(program, reason):
    async def found(_reference, _offer, _override, _host=""):
        return program

    plan = builders.plan(image="r.example/app:1")
    known = await Images(image_of(), found, missing_part=missing).known(HOST, plan)
    assert str(judge(HOST, plan, known.image).reason) == reason


async def test_a_config_that_the_registry_lost_is_missing_too():
    plan = builders.plan(image="r.example/app:1")
    registry = image_of(config=Failure(Reason.IMAGE_MALFORMED))
    known = await Images(registry, inspect, missing_part=missing).known(HOST, plan)
    assert judge(HOST, plan, known.image).reason is Reason.LAYER_MISSING


async def test_what_runs_needs_no_pull_so_nobody_asks():
    async def never(_reference, _offer):
        raise AssertionError

    running = container("r.example/app:1", f"r.example/app@{INDEX}")
    known = await Images(image_of(), inspect, missing_part=never).known(HOST, running)
    assert known.image.offers[0].program == image_offers.Program(("/app",))
    shallow = Images(image_of(), inspect, Depth.CONFIG, never)
    assert isinstance(
        (await shallow.known(HOST, builders.plan(image="r.example/app:1"))).image, image_offers.ImageFacts
    )
