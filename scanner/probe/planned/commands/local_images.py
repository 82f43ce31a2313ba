"""What commands leave in the local store of an engine, which a later run takes before it asks a registry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.reference import image_reference
from scanner.probe.planned.commands import engine_options
from scanner.probe.planned.commands.command import DEFAULT_PLATFORM, ENGINES, asked_platform, is_elsewhere, store_of
from scanner.probe.planned.commands.engine_options import Given, OptionsError
from scanner.probe.planned.commands.run_as import RUN_BY
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_IMAGES = 100
"""Of which commands of a unit leave copies in stores; it starts a handful of containers."""

_PODMANS = "localhost/"
"""How Podman calls what was made here under a name without a registry."""

_VALUED = re.compile(r"(?:--(?P<long>[a-z-]+)|-(?P<short>[a-zA-Z]))(?:=?(?P<value>.+))?", re.ASCII | re.DOTALL)
_PUSHED = re.compile(r"--push(?:=true)?|(?:--output=|-o=?)?type=(?:registry|image,.*push=true).*", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Copy:
    """An image as a run may find it; without a ``platform`` it is the engine's own, or there is none yet.

    ``is_made`` tells that it was made on the host, ``place`` where its platform stands; ``is_default`` that the client's
    variable asked for it. ``image`` is what it was pulled as, where it was given another name.
    """

    platform: str = ""
    is_made: bool = False
    is_default: bool = False
    place: str = ""
    image: str = ""


UNTOUCHED = frozenset({Copy()})
"""What is there of an image that no command left there."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Images of an engine of whose names only the beginning and the end are known."""

    engine: str
    begins: str = ""
    ends: str = ""

    def fits(self, name: str) -> bool:
        """Whether an image's full name may be meant."""
        engine, _, name = name.partition(" ")
        if engine != self.engine:
            return False
        ends = name.endswith(self.ends) or name.removesuffix(":latest").endswith(self.ends)
        return ends and f"/{name}".find(f"/{self.begins.removeprefix(_PODMANS)}") >= 0


@dataclass(frozen=True, slots=True)
class Store:
    """The copies of each image that may be there; one without ``names`` has those of every pattern that fits beside its own."""

    names: Mapping[str, frozenset[Copy]] = field(default_factory=dict)
    patterns: tuple[tuple[Pattern, frozenset[Copy]], ...] = ()

    def copies(self, name: str) -> frozenset[Copy]:
        """Every copy of an image that a run may find."""
        return self.names[name] if name in self.names else self._unnamed(name)

    def _unnamed(self, name: str) -> frozenset[Copy]:
        return UNTOUCHED.union(*(copies for pattern, copies in self.patterns if pattern.fits(name)))

    def with_name(self, name: str, copies: frozenset[Copy]) -> Store:
        """The same, with these copies of an image and no others."""
        return _bounded(Store({**self.names, name: copies}, self.patterns))

    def with_any(self, pattern: Pattern, copies: frozenset[Copy]) -> Store:
        """The same, with these copies beside those of each image whose name fits."""
        names = {name: own | copies if pattern.fits(name) else own for name, own in self.names.items()}
        return _bounded(Store(names, tuple(dict.fromkeys((*self.patterns, (pattern, copies))))))

    def placed(self, place: str, default: str) -> Store:
        """The same, with where the platforms stand that a command has just asked for."""

        def put(copies: frozenset[Copy]) -> frozenset[Copy]:
            return frozenset(
                replace(one, place=one.place or (default if one.is_default else place)) if one.platform else one
                for one in copies
            )

        patterns = tuple((pattern, put(copies)) for pattern, copies in self.patterns)
        return Store({name: put(copies) for name, copies in self.names.items()}, patterns)


def _bounded(store: Store) -> Store:
    if len(store.names) > MAX_IMAGES or len(store.patterns) > MAX_IMAGES:
        raise UnclearError(f"its commands pull, make or remove more than {MAX_IMAGES} images")
    return store


def joined(stores: Iterable[Store]) -> Store:
    """What may be there whichever way was taken."""
    first, *others = {id(store): store for store in stores}.values()
    for other in others:
        names = {name: first.copies(name) | other.copies(name) for name in {**first.names, **other.names}}
        first = Store(names, tuple(dict.fromkeys((*first.patterns, *other.patterns))))
    return first


def named(engine: str, env: Mapping[str, str], image: str, store: str = "") -> str:
    """An image of an engine, in one of its stores, by its full name: a digest goes before a tag."""
    short = image.removeprefix(_PODMANS) if engine.startswith("podman") else image
    found = image_reference(short)
    said = (
        short if isinstance(found, Failure) else f"{found.registry}/{found.repository}{_end(found.tag, found.digest)}"
    )
    return f"{_kept(engine, env, store)} {said}"


def _end(tag: str | None, digest: str | None) -> str:
    return f"@{digest}" if digest else f":{tag or 'latest'}"


def _kept(engine: str, env: Mapping[str, str], store: str) -> str:
    """Where an engine keeps images: Podman those of each user apart."""
    user = env.get(RUN_BY, "")
    owner = "" if engine != "podman" or user in {"", "root", "0"} else f":{user}"
    return f"{engine}{owner}@{store}".removesuffix("@").replace(" ", "\\")


def changed(store: Store, program: str, words: tuple[str, ...], env: Mapping[str, str]) -> Store:
    """What a command of an engine leaves there."""
    engine = ENGINES.get(program.rpartition("/")[2])
    if engine is None:
        return store
    try:
        before = engine_options.GLOBAL[engine].read(words)
    except OptionsError:
        return store
    if is_elsewhere(engine, before, env):
        return store
    return _Change(store, engine, env, store_of(engine, before, env)).by(before.rest)


@dataclass(frozen=True, slots=True)
class _Change:
    store: Store
    engine: str
    env: Mapping[str, str]
    place: str = ""

    def by(self, words: tuple[str, ...]) -> Store:
        is_of_images = words[:1] == ("image",)
        if words[:1] in {("container",), ("image",), ("builder",), ("buildx",)}:
            words = words[1:]
        verb, rest = words[:1], words[1:]
        match verb:
            case ("pull",):
                return self._pulled(rest)
            case ("run" | "create",):
                return self._run(rest)
            case ("build" | "b",):
                return self._built(rest)
            case ("tag",):
                return self._tagged(tuple(word for word in rest if not word.startswith("-")))
            case ("import" | "commit",):
                return self._named(_plain(rest)[1:2], frozenset({Copy(is_made=True)}))
            case ("load",):
                return self._any(frozenset({Copy(is_made=True)}))
        return self._without(verb, rest, is_of_images=is_of_images)

    def _without(self, verb: tuple[str, ...], rest: tuple[str, ...], *, is_of_images: bool) -> Store:
        if verb == ("rmi",) or (is_of_images and verb in {("rm",), ("remove",)}):
            return self._named((word for word in rest if not word.startswith("-")), UNTOUCHED)
        is_pruned = (is_of_images and verb == ("prune",)) or (
            verb == ("system",) and rest[:1] in {("prune",), ("reset",)}
        )
        return self._any(UNTOUCHED) if is_pruned else self.store

    def _pulled(self, words: tuple[str, ...]) -> Store:
        try:
            given = engine_options.PULL.read_all(words)
        except OptionsError:
            return self.store  # the engine takes none of it, as far as is known here
        copy = self._asked(given)
        return self._named(given.rest, UNTOUCHED if copy is None else frozenset({copy}))

    def _run(self, words: tuple[str, ...]) -> Store:
        """A run pulls the platform that it asks for; without one what is there stays."""
        try:
            given = engine_options.RUN[self.engine].read(words)
        except OptionsError:
            return self.store
        policy = (given.last("pull") or "").lower()
        copy = self._asked(given)
        if policy == "never" or (copy is None and not is_pulled(given)):
            return self.store
        own = UNTOUCHED if copy is None else frozenset({copy})
        if policy == "newer" or (copy is not None and not is_pulled(given)):
            there = self.store.copies(self._name(given.rest[0])) if given.rest else UNTOUCHED
            own |= frozenset(one for one in there if one.is_made or one.image)
        return self._named(given.rest[:1], own)

    def _asked(self, given: Given) -> Copy | None:
        """The copy that a command asks for; none where it leaves the platform to the engine."""
        try:
            platform = asked_platform(given)
        except UnclearError:
            platform = UNKNOWN
        default = self.env.get(DEFAULT_PLATFORM, "") if self.engine == "docker" else ""
        return Copy(platform or default, is_default=not platform) if platform or default else None

    def _built(self, words: tuple[str, ...]) -> Store:
        """``build``, by its options wherever they stand."""
        names: list[str] = []
        platform = self.env.get(DEFAULT_PLATFORM, "") if self.engine == "docker" else ""
        is_default, is_loaded, is_pushed = bool(platform), False, False
        for word, follows in zip(words, (*words[1:], ""), strict=True):
            found = _VALUED.fullmatch(f"-{word[2:]}" if word.startswith("-q") and word[2:] else word)
            name = (found["long"] or found["short"]) if found else ""
            value = (found["value"] or follows) if found else ""
            if name in {"t", "tag"}:
                names.append(value)
            elif name == "platform":
                platform, is_default = value, False
            is_loaded = is_loaded or word in {"--load", "--load=true"}
            is_pushed = is_pushed or _PUSHED.fullmatch(word) is not None
        if is_pushed and not is_loaded and self.engine == "docker":
            return self.store  # it goes to the registry, where a run finds it
        if "," in platform:
            platform = ""
        return self._named(names, frozenset({Copy(platform, is_made=True, is_default=is_default and platform != "")}))

    def _tagged(self, words: tuple[str, ...]) -> Store:
        """Another name, which the registry may not know, or know for something else."""
        source, targets = words[:1], words[1:]
        if not source or not is_known(source[0]):
            return self._named(targets, frozenset({Copy(image=UNKNOWN)}))
        own = self._name(source[0])
        there = self.store.copies(own)
        same = frozenset(one if one.is_made or one.image else replace(one, image=source[0]) for one in there)
        return self._named((one for one in targets if self._name(one) != own), same)

    def _named(self, images: Iterable[str], copies: frozenset[Copy]) -> Store:
        store = self.store
        for image in images:
            if is_known(image):
                store = store.with_name(self._name(image), copies)
                continue
            begins, ends = image.partition(UNKNOWN)[0], image.rpartition(UNKNOWN)[2]
            if (
                begins or ends or not any(one.is_made or one.image for one in copies)
            ):  # what is made is hardly every image
                store = store.with_any(Pattern(self._kept, begins, ends), copies)
        return store

    def _name(self, image: str) -> str:
        return named(self.engine, self.env, image, self.place)

    @property
    def _kept(self) -> str:
        return _kept(self.engine, self.env, self.place)

    def _any(self, copies: frozenset[Copy]) -> Store:
        return self.store.with_any(Pattern(self._kept), copies)


def is_pulled(given: Given) -> bool:
    """Whether a run asks the registry first, whatever is there."""
    return (given.last("pull") or "").lower() in {"always", "true"}


def _plain(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words of ``import`` or ``commit`` that are no options."""
    found: list[str] = []
    is_value = False
    for word in words:
        if word.startswith("-") and word != "-":
            is_value = "=" not in word and word not in {
                "-p",
                "--pause",
                "-q",
                "--quiet",
                "-s",
                "--squash",
                "--include-volumes",
            }
        elif is_value:
            is_value = False
        else:
            found.append(word)
    return tuple(found)


@dataclass(slots=True)
class Following:
    """A script that is being followed: the images in front of it, and which each of its commands leaves.

    Commands come in their order, each behind all that it starts itself.
    """

    before: Store
    ends: frozenset[int] = frozenset({-1})
    left: dict[int, Store | Following] = field(default_factory=dict)

    def behind(self, commands: frozenset[int]) -> Store:
        """The images behind any of some commands."""
        return joined([self._behind(one) for one in sorted(commands)])

    def _behind(self, command: int) -> Store:
        found = self.left.get(command, self.before)
        if isinstance(found, Following):
            found = self.left[command] = found.behind(found.ends)
        return found
