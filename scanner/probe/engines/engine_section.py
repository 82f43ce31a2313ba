"""One engine's section of a host's facts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Engine, EngineKind, EngineState, Privileges, Process, Stage
from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import Workload
    from scanner.probe.answer import Answer

    Variables = tuple[tuple[str, str | None], ...]

MAX_WORKLOADS = 2000
"""More containers than one host runs; the probe asks for no more either."""

_LIVING = frozenset({"running", "paused", "restarting", "up", "unpausing"})
_HEALTHY_EXITS = frozenset({0, 137, 143})
"""Ended well, or ended because somebody stopped it (SIGKILL, SIGTERM)."""

_REFUSALS = {
    EngineState.DOWN: Reason.ENGINE_DOWN,
    EngineState.DENIED: Reason.ENGINE_DENIED,
    EngineState.UNKNOWN: Reason.ENGINE_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class EngineSection:
    """An engine with its workloads, and what of it is not known."""

    engine: Engine | None = None
    workloads: tuple[Workload, ...] = ()
    gaps: Mapping[str, Failure] = field(default_factory=dict)


def silent(answer: Answer, key: str) -> EngineSection | None:
    """The section of an engine that did not come up to be asked; ``None`` if it is up."""
    state, detail = _state(answer, key)
    if state is EngineState.UP:
        return None
    engine = Engine(kind_of(key), state, _installed(answer, key), owner=owner_of(key), detail=detail)
    if state in {EngineState.ABSENT, EngineState.UNUSED}:
        return EngineSection(engine)
    return EngineSection(engine, gaps={key: Failure(_REFUSALS[state], detail or str(state))})


def _state(answer: Answer, key: str) -> tuple[EngineState, str]:
    body = answer.whole(f"{key}/state")
    if isinstance(body, Failure):
        return EngineState.UNKNOWN, body.detail
    word, _, detail = printable(body).partition(" ")
    try:
        return EngineState(word), detail
    except ValueError:
        return EngineState.UNKNOWN, f"{key}/state says {word!r}"


_VERSION = re.compile(r"\bv?([0-9]{1,5}\.[0-9]{1,5}[A-Za-z0-9.+~_-]{0,40})", re.ASCII)


def _installed(answer: Answer, key: str) -> str:
    """The version of the program that is installed, where it was asked because it does not run."""
    body = answer.succeeded(f"{key}/installed")
    found = _VERSION.search(printable(body)) if isinstance(body, bytes) else None
    return found[1] if found else ""


def kind_of(key: str) -> EngineKind:
    """The kind in an ``Engine.key``."""
    return EngineKind(key.partition(":")[0])


def owner_of(key: str) -> str:
    """The user of a rootless engine in an ``Engine.key``."""
    return key.partition(":")[2]


def stage_of(state: str) -> Stage:
    """What lives or is being restarted is running; everything else has stopped."""
    return Stage.RUNNING if state.lower() in _LIVING else Stage.STOPPED


def exit_of(state: str, code: int) -> int | None:
    """The exit code of what has exited; zero means nothing before the first start."""
    state = state.lower()
    if state in {"running", "paused"} or (state in {"created", "configured", "initialized"} and code == 0):
        return None
    return code


def is_unhealthy(state: str, code: int) -> bool:
    """Whether last words are worth reading: it crashes now, or it ended with an error."""
    state = state.lower()
    return state == "restarting" or (state in {"exited", "dead", "stopped"} and code not in _HEALTHY_EXITS)


USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What engines put into the environment of an image that sets no PATH; Podman shows it as the container's own."""


def override(
    container: Process, image: Process | None, *, is_merged: bool = False, usual: Privileges | None = None
) -> Process | None:
    """What a container execs instead of what its image says; ``None`` where both say the same.

    ``is_merged`` tells that the order of the container's variables shows which of them are its image's (Docker; Podman tells
    them in any order, so that one whose value stays on the host may be another than the image's),
    ``usual`` what the engine tells of the privileges of a container for which nobody asked any.
    """
    if image is None:
        return container
    if is_merged and container.env is not None and image.env is not None:
        container = replace(container, env=_beside_those_of(image.env, container.env))
    hidden = () if is_merged else _of_both(container.env or (), dict(image.env or ()))
    same = (
        container.argv == image.argv
        and (container.path or USUAL_PATH) == (image.path or USUAL_PATH)
        and (container.working_dir or "/") == (image.working_dir or "/")
        and (container.user or "") == (image.user or "")
        and not container.init
        and container.privileges in {image.privileges, usual}
        and not container.read_only
        and _same_environment(container, image, is_merged=is_merged)
    )
    if same and hidden:
        return Process(env=hidden)
    return None if same else container


def _of_both(container: Variables, image: Mapping[str, str | None]) -> Variables:
    """A container's variables of its image's names, of which nobody tells whether they were given other values."""
    return tuple(
        (name, value) for name, value in container if value is None and name in image and name not in OF_ENGINES
    )


def _beside_those_of(image: Variables, container: Variables) -> Variables:
    """A container's variables without those that Docker took over from its image, whose values stay on the host.

    It puts what its user sets first, then what the image has beside that, in the image's order (moby's runconfig.Merge).
    Where the rest begins with the image's own PATH no other variable before it was set to something else; without
    one nobody knows.
    """
    at = next((n for n, (name, _) in enumerate(container) if name == "PATH"), len(container))
    ours = {name for name, _ in container[:at]}
    rest = tuple(variable for variable in image if variable[0] not in ours)
    return container[:at] if rest == container[at:] and (not rest or rest[0][0] == "PATH") else container


def _same_environment(container: Process, image: Process, *, is_merged: bool) -> bool:
    """Whether a container has the variables of its image and none of its own but the engine's, as far as was told."""
    if container.env is None or image.env is None:
        return True
    own = dict(image.env)
    return all(
        name in OF_ENGINES or (name in own and own[name] == value and not (is_merged and value is None))
        for name, value in container.env
    )


OF_ENGINES = frozenset({"PATH", "HOME", "HOSTNAME", "TERM", "container"})
"""Variables that engines set by themselves in every container; PATH is compared on its own."""


class Gaps(dict[str, Failure]):
    """Gaps by section, of which the first one found of each is kept."""

    def note(self, key: str, failure: Failure) -> None:
        """Add a gap unless this section has one already."""
        self.setdefault(key, failure)
