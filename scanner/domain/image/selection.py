"""Which of an image's offers an engine takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from scanner.domain.facts import Engine, EngineKind, EngineState, ImageStore
from scanner.domain.failure import Failure
from scanner.domain.image import containerd_matching, containers_image
from scanner.domain.platform.platform import Platform, canonical, normalize
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.facts import Kernel
    from scanner.domain.image.offers import Offer

FIRST_WITH_LEVEL = (23, 0)
"""Since Docker 23.0 a pull asks for the host's own amd64 level (moby distribution/pull_v2.go)."""

FIRST_WITH_LADDER = (23, 0)
"""Before, Docker's classic store took no 386 on amd64, no entry without platform, no index within an index and no
layer compressed by zstd: measured with 20.10."""

FIRST_STORE_WITH_LEVEL = (29, 6)
"""Since Docker 29.6 the containerd store does so too (moby daemon/containerd/platform_matchers.go)."""

LAST_WITHOUT_FEATURES = {EngineKind.DOCKER: (26, 1), EngineKind.CONTAINERD: (1, 7)}
FIRST_WITH_FEATURES = {EngineKind.DOCKER: (28, 5), EngineKind.CONTAINERD: (2, 1)}
"""Versions that were seen to pass over an entry's os.features, then to refuse entries whose features they lack; the
versions in between were not tried."""

NO_PLATFORM = Platform("", "")
"""An entry whose platform says nothing: to Docker's classic store, seen with 28.5, it is an entry without one, elsewhere
it fits nothing."""

AMD64_LEVELS = ("", "v2", "v3", "v4")
ARM_VARIANTS = ("v8", "v7", "v6", "v5")


class Outcome(StrEnum):
    """Whether an engine takes an offer."""

    TAKEN = "taken"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Selection:
    """What an engine takes of an image's offers.

    ``order`` holds the places of the offers it would take, best first; it starts the first. ``reason`` tells why the
    outcome is UNKNOWN; ``detail`` says in words what was asked for.
    """

    outcome: Outcome
    order: tuple[int, ...] = ()
    reason: Reason | None = None
    detail: str = ""


class _Rule(StrEnum):
    """Whose index walk an engine follows."""

    CLASSIC = "classic"
    CLASSIC_BEFORE_23 = "classic before 23.0"
    CONTAINERD = "containerd"
    PODMAN = "podman"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One way in which an engine may ask: all that are possible have to agree."""

    rule: _Rule
    platform: Platform
    is_pinned: bool
    heeds_features: bool

    def order(self, said: Sequence[Platform | None]) -> tuple[int, ...]:
        entries = said if self.heeds_features else [entry and replace(entry, os_features=()) for entry in said]
        if self.rule is _Rule.CLASSIC:
            entries = [None if entry == NO_PLATFORM else entry for entry in entries]
        if self.rule is _Rule.PODMAN:
            return containers_image.choose(self.platform, entries)
        if self.platform.os == "windows" and not self.is_pinned:
            return containerd_matching.choose_on_windows(self.platform, entries)
        found = containerd_matching.choose(self._matcher(), entries)
        if self.rule is _Rule.CLASSIC_BEFORE_23:
            return tuple(place for place in found if self._is_named_as_asked(entries[place]))
        return found

    def _is_named_as_asked(self, entry: Platform | None) -> bool:
        """Whether an entry needs no fallback from amd64 to 386, nor a look at its config."""
        if entry is None:
            return False
        return self.platform.architecture != "amd64" or normalize(entry).architecture == "amd64"

    def _matcher(self) -> containerd_matching.Matcher:
        """On macOS and FreeBSD containerd takes Linux images of its own architecture second (defaults_*.go)."""
        if self.rule is _Rule.CONTAINERD and not self.is_pinned and self.platform.os in ("darwin", "freebsd"):
            return containerd_matching.ordered(self.platform, replace(self.platform, os="linux"))
        return containerd_matching.only(self.platform)


def select(
    engine: Engine,
    offers: Sequence[Offer],
    pinned: Platform | None = None,
    kernel: Kernel | None = None,
    *,
    is_index: bool | None = None,
) -> Selection:
    """Which offers the engine takes when it pulls, in order; UNKNOWN where a missing fact would decide.

    Args:
        engine: kind, version, platform and image store decide the rule.
        offers: the image manifests of one reference, in the order of the index.
        pinned: the platform that somebody asked for, instead of the engine's own.
        kernel: what the host's CPU is; Docker asks for its level, or its ARM version.
        is_index: whether the reference is an index; where that is not said, a lone offer without entry is taken for a
            single manifest.
    """
    asked_for = pinned or engine.default_platform
    if is_index is None:
        is_index = not (len(offers) == 1 and offers[0].entry is None)
    if not offers:
        return Selection(Outcome.NONE, detail="the image offers no platform at all")
    if not is_index:
        return _single(engine, offers, asked_for)
    rules = _rules(engine)
    if isinstance(rules, Failure):
        return Selection(Outcome.UNKNOWN, reason=rules.reason, detail=rules.detail)
    asked = tuple(
        _Asked(rule, platform, bool(asked_for), heeds_features)
        for rule in rules
        for platform in _asks(engine, rule, asked_for, kernel)
        for heeds_features in _heeds_features(engine)
    )
    return _agreed(engine, asked, offers) if asked else _platform_unknown(engine)


def _single(engine: Engine, offers: Sequence[Offer], pinned: Platform | None) -> Selection:
    """A manifest without index is taken whatever its platform, unless Docker was told which one it wants."""
    everything = tuple(range(len(offers)))
    if pinned is None or engine.kind is not EngineKind.DOCKER:
        return Selection(Outcome.TAKEN, everything, detail="a single manifest, which is taken whatever its platform")
    if (doubt := _config_doubt(offers[0])) is not None:
        return doubt
    config = offers[0].platform
    if config is not None and containerd_matching.accepts_config(pinned, config):
        return Selection(Outcome.TAKEN, everything, detail=f"a single manifest for {config}, as asked for")
    return Selection(Outcome.NONE, detail=f"a single manifest for {config}, which Docker refuses for {pinned}")


def _config_doubt(offer: Offer) -> Selection | None:
    """Why an offer without entry cannot be told: its config is not known."""
    if isinstance(offer.config, Failure):
        detail = f"the manifest names no platform, and its config could not be had: {offer.config.detail}"
        return Selection(Outcome.UNKNOWN, reason=offer.config.reason, detail=detail.removesuffix(": "))
    if offer.platform is None:
        why = "was not read" if offer.config is None else "names none either"
        detail = f"the manifest names no platform, and its config {why}"
        return Selection(Outcome.UNKNOWN, reason=Reason.IMAGE_ARCH_UNKNOWN, detail=detail)
    return None


# ---------------------------------------------------------------- by which rule, for which platform


def _rules(engine: Engine) -> tuple[_Rule, ...] | Failure:
    """The index walks that this engine may follow; more than one where its store is not known."""
    match engine.kind, engine.store:
        case EngineKind.CONTAINERD, _:
            return (_Rule.CONTAINERD,)
        case EngineKind.PODMAN, _:
            return (_Rule.PODMAN,)
        case EngineKind.DOCKER, ImageStore.CLASSIC if is_before_ladder(engine):
            return (_Rule.CLASSIC_BEFORE_23,)
        case (EngineKind.DOCKER, ImageStore.CLASSIC) | (EngineKind.CRI, ImageStore.CLASSIC):
            return (_Rule.CLASSIC,)
        case (EngineKind.DOCKER, ImageStore.CONTAINERD) | (EngineKind.CRI, ImageStore.CONTAINERD):
            return (_Rule.CONTAINERD,)
        case EngineKind.CRI, ImageStore.PODMAN:
            return (_Rule.PODMAN,)
        case EngineKind.DOCKER, None:
            return (_Rule.CLASSIC, _Rule.CONTAINERD)
        case EngineKind.CRI, None:
            return (_Rule.CONTAINERD, _Rule.PODMAN)
    return Failure(Reason.HOST_CONTRADICTORY, f"{engine.key} says that it keeps images as {engine.store}")


def _asks(engine: Engine, rule: _Rule, pinned: Platform | None, kernel: Kernel | None) -> tuple[Platform, ...]:
    """Every platform that the engine may ask for, as far as facts leave it open; none if nothing is known."""
    if pinned is not None:
        return (containers_image.read_choice(pinned) if rule is _Rule.PODMAN else normalize(pinned),)
    if engine.platform is None:
        return ()
    own = canonical(engine.platform)
    match own.architecture:
        case "amd64" if rule is _Rule.CLASSIC or engine.kind is EngineKind.DOCKER:
            return tuple(replace(own, variant=level) for level in _levels(engine, rule, kernel))
        case "arm":
            return tuple(replace(own, variant=variant) for variant in _arm_variants(engine, kernel))
        case "arm64" if rule is _Rule.PODMAN:
            return (replace(own, variant=own.variant or "v8"),)
    return (own,)


def _levels(engine: Engine, rule: _Rule, kernel: Kernel | None) -> tuple[str, ...]:
    """The amd64 levels that Docker may ask for: none before it knew of them, else that of the host's CPU."""
    level = kernel.cpu_level if kernel else None
    of_cpu = AMD64_LEVELS if level is None else (AMD64_LEVELS[max(level, 1) - 1],)
    version = version_of(engine.version)
    if version is None:
        return tuple(dict.fromkeys(("", *of_cpu)))
    first = FIRST_STORE_WITH_LEVEL if rule is _Rule.CONTAINERD else FIRST_WITH_LEVEL
    return of_cpu if version >= first else ("",)


def _heeds_features(engine: Engine) -> tuple[bool, ...]:
    """Whether this engine looks at what features of the operating system an entry wants; both where that is not known."""
    version, first = version_of(engine.version), FIRST_WITH_FEATURES.get(engine.kind)
    if first is None:
        return (True,)
    if version is None or LAST_WITHOUT_FEATURES[engine.kind] < version < first:
        return (False, True)
    return (version >= first,)


def is_before_ladder(engine: Engine) -> bool:
    """Whether Docker's classic store is of the time before the ladder of platforms, nested indexes, zstd."""
    version = version_of(engine.version)
    return version is not None and version < FIRST_WITH_LADDER


def version_of(text: str) -> tuple[int, int] | None:
    """Major and minor of what an engine calls its version, ``None`` where that is none."""
    found = re.match(r"v?(\d{1,4})(?:\.(\d{1,4}))?", text, re.ASCII)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _arm_variants(engine: Engine, kernel: Kernel | None) -> tuple[str, ...]:
    """A 32-bit engine asks for the CPU's own ARM version, so for arm/v8 on a 64-bit machine.

    Docker tells only GOARCH, so that its variant can only be a guess where the CPU was read.
    """
    told = engine.platform.variant if engine.platform else ""
    read = _cpu_arm_version(kernel) if kernel else ""
    best = read or told if engine.kind is EngineKind.DOCKER else told or read
    return (best,) if best else ARM_VARIANTS


def _cpu_arm_version(kernel: Kernel) -> str:
    if kernel.platform is not None and kernel.platform.architecture == "arm64":
        return "v8"
    variant = kernel.platform.variant if kernel.platform is not None else ""
    return kernel.arm_version or variant


# ---------------------------------------------------------------- what they come to


def _agreed(engine: Engine, asked: tuple[_Asked, ...], offers: Sequence[Offer]) -> Selection:
    """The one answer of all the ways in which the engine may ask; UNKNOWN where they differ."""
    answers = [_answer(engine, ask, offers) for ask in asked]
    if len({(answer.outcome, answer.order[:1]) for answer in answers}) == 1:
        return answers[0]
    doubtful = next((answer for answer in answers if answer.outcome is Outcome.UNKNOWN), None)
    if doubtful:
        return doubtful
    ways = ", ".join(dict.fromkeys(str(ask.platform) for ask in asked))
    if len({ask.platform for ask in asked}) == 1 and len({ask.heeds_features for ask in asked}) > 1:
        detail = f"whether {engine.key} {engine.version} heeds os.features is not known, and that decides what it takes"
        return Selection(Outcome.UNKNOWN, reason=Reason.ENGINE_UNKNOWN, detail=detail)
    if len({ask.rule for ask in asked}) > 1:
        detail = f"how {engine.key} keeps images is not known, and that decides what it takes"
        return Selection(Outcome.UNKNOWN, reason=Reason.ENGINE_UNKNOWN, detail=detail)
    detail = f"{engine.key} asks for one of {ways}, and which one decides what it takes"
    return Selection(Outcome.UNKNOWN, reason=Reason.CPU_LEVEL_UNKNOWN, detail=detail)


def _answer(engine: Engine, asked: _Asked, offers: Sequence[Offer]) -> Selection:
    order = _order(asked, offers)
    if order and offers[order[0]].entry is None and asked.rule is _Rule.CONTAINERD:
        return _by_config(engine, asked, order, offers[order[0]])
    if order:
        return Selection(Outcome.TAKEN, order, detail=f"{engine.key} asks for {asked.platform}")
    return _none(engine, asked, offers)


def _order(asked: _Asked, offers: Sequence[Offer]) -> tuple[int, ...]:
    """The places of the offers that fit, best first.

    An index within the index fits by its own platform; an engine that takes it looks at what is in there and, where
    nothing fits, at nothing else: seen with Docker 26.1 and 28.5, containerd 1.7.
    """
    tops: dict[object, list[int]] = {}
    for place, offer in enumerate(offers):
        tops.setdefault(offer.within or place, []).append(place)
    groups = list(tops.values())
    found: list[int] = []
    for top in asked.order([_top_platform(offers[group[0]]) for group in groups]):
        group = groups[top]
        inside = asked.order([offers[place].entry for place in group])
        if not inside and not found:
            return ()
        found += [group[place] for place in inside]
    return tuple(found)


def _top_platform(offer: Offer) -> Platform | None:
    return offer.within.platform if offer.within else offer.entry


def _by_config(engine: Engine, asked: _Asked, order: tuple[int, ...], offer: Offer) -> Selection:
    """An entry without platform that comes first is told by its config (containerd core/images/image.go)."""
    if (doubt := _config_doubt(offer)) is not None:
        return doubt
    if offer.platform is not None and asked.order([offer.platform]):
        return Selection(Outcome.TAKEN, order, detail=f"{engine.key} asks for {asked.platform}")
    return _none(engine, asked, [offer])


def _none(engine: Engine, asked: _Asked, offers: Sequence[Offer]) -> Selection:
    offered = ", ".join(dict.fromkeys(str(offer.platform) for offer in offers if offer.platform))
    detail = f"{engine.key} asks for {asked.platform}; the image offers {offered or 'no platform by name'}"
    return Selection(Outcome.NONE, detail=detail)


_WHY_SILENT = {
    EngineState.ABSENT: Reason.ENGINE_ABSENT,
    EngineState.DOWN: Reason.ENGINE_DOWN,
    EngineState.DENIED: Reason.ENGINE_DENIED,
}


def _platform_unknown(engine: Engine) -> Selection:
    reason = _WHY_SILENT.get(engine.state, Reason.ENGINE_UNKNOWN)
    return Selection(Outcome.UNKNOWN, reason=reason, detail=f"what platform {engine.key} asks for is not known")
