"""Making a container anew from the right image, each by what made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import EngineKind, Source
from scanner.domain.verdict.remedy.builds import build, is_on_host, tag
from scanner.domain.verdict.remedy.trouble import image_word, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.facts import Maker, Workload
    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.remedy.trouble import Trouble

_PULLS = {
    EngineKind.DOCKER: "docker pull --platform {platform} {image}",
    EngineKind.PODMAN: "podman pull --platform {platform} {image}",
    EngineKind.CONTAINERD: "ctr images pull --platform {platform} {image}",
    EngineKind.CRI: "crictl pull {image}",
}
"""What replaces the copy that a host holds; the kubelet's engine takes no platform, but its host's."""

MAX_ARGUMENTS = 12
"""Words of a command of a container's own that are repeated; more of them are no help on a page."""


def recreate(t: Trouble, platform: Platform, why: str) -> Fix:
    """Pull ``platform`` over the copy that the host has, then have the container made anew; ``why`` is a sentence."""
    kind = t.engine or EngineKind.DOCKER
    maker = t.workload.maker if t.workload else None
    if maker is not None and maker.kind is Source.SWARM:
        return _by_swarm(t, word(maker.name, "SERVICE"), platform, why)
    pull = _PULLS[kind].format(platform=word(str(platform), "PLATFORM"), image=image_word(t))
    how, commands = _anew(t, kind, platform)
    return Fix(f"{why} Pull {platform} on {t.host}, then {how}", (pull, *commands))


def built_since(t: Trouble, platform: Platform) -> Fix:
    """The container is of an image whose name another one has today: nothing is to be built, nor pulled."""
    why = f"{image_word(t)} is another image ({platform}) on {t.host} since this container was made."
    how, commands = _anew(t, t.engine or EngineKind.DOCKER, platform)
    return Fix(f"{why} {how[0].upper()}{how[1:]}", commands)


def after_build(fix: Fix, t: Trouble) -> Fix:
    """The same fix; what was built on the host itself is there, and waits for its container to be made anew."""
    if t.needed is None or not is_on_host(t) or not set(build(t)) & set(fix.commands):
        return fix
    how, commands = _anew(t, t.engine or EngineKind.DOCKER, t.needed)
    return Fix(f"{fix.summary} Then {how}", (*fix.commands, *commands))


def _anew(t: Trouble, kind: EngineKind, platform: Platform) -> tuple[str, tuple[str, ...]]:
    workload = t.workload
    maker = workload.maker if workload else None
    if maker is not None:
        return _by_maker(maker, kind)
    if workload is None or workload.source not in {Source.DOCKER, Source.PODMAN}:
        return "make the container anew.", ()
    return _by_hand(workload, str(kind), platform, image_word(t))


def _by_maker(maker: Maker, kind: EngineKind) -> tuple[str, tuple[str, ...]]:
    name = word(maker.name, "NAME")
    match maker.kind:
        case Source.COMPOSE:
            return "have Compose make the container anew.", (_compose(maker, kind),)
        case Source.NOMAD:
            return "have Nomad make the allocation's tasks anew.", (f"nomad alloc restart {name}",)
        case Source.KUBERNETES:
            namespace = word(maker.project, "NAMESPACE")
            delete = f"kubectl --namespace {namespace} delete pod {name}"
            return "have the pod made anew.", (delete,)
    return f"restart the unit {maker.name}, which makes its container anew.", (f"systemctl restart {name}",)


def _by_swarm(t: Trouble, service: str, platform: Platform, why: str) -> Fix:
    """The service itself names a digest, as Swarm wrote it down when the service was made: it has to look at the tag again.

    https://docs.docker.com/reference/cli/docker/service/update/#image
    """
    anew = f"docker service update --force --image {tag(t)} {service}"
    return Fix(
        f"{why} On a manager have Swarm make the service anew from its tag; every node then pulls {platform}.", (anew,)
    )


def _compose(maker: Maker, kind: EngineKind) -> str:
    directory = word(maker.directory, "DIRECTORY") if maker.directory else ""
    at = f" --project-directory {directory}" if directory else ""
    files = "".join(f" --file {word(file, 'COMPOSE_FILE')}" for file in maker.files)
    project = f" --project-name {word(maker.project, 'PROJECT')}"
    return f"{kind} compose{project}{at}{files} up --detach --force-recreate {word(maker.name, 'SERVICE')}"


def _by_hand(workload: Workload, engine: str, platform: Platform, image: str) -> tuple[str, tuple[str, ...]]:
    """Nobody but the person who ran it knows all of its options; the engine keeps them as long as it is there."""
    name = word(workload.name, "CONTAINER")
    kept = f"{name}.json"
    entry, arguments, are_told = _command(workload)
    own = "" if are_told else " and its own command"
    how = (
        f"run it again: {kept} keeps the options that it was run with (ports, volumes, environment{own}); put those "
        f"before the image's name."
    )
    run = f"{engine} run --detach --name {name} --platform {word(str(platform), 'PLATFORM')}{entry} {image}{arguments}"
    return how, (f"{engine} inspect {name} > {kept}", f"{engine} rm --force {name}", run)


def _command(workload: Workload) -> tuple[str, str, bool]:
    """Its own entrypoint and arguments as options and words, whether they are all there."""
    argv = workload.process.argv if workload.process else ()
    if not argv:
        return "", "", True
    words: Sequence[str] = [
        word(each.removeprefix("--"), "") and each for each in argv
    ]  # behind the image nothing is an option
    if not all(words) or len(words) > MAX_ARGUMENTS:
        return "", "", False
    return f" --entrypoint {words[0]}", "".join(f" {each}" for each in words[1:]), True
