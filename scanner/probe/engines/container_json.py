"""Reads what an engine says of a container's surroundings: mounts, moments, its process."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scanner.domain.facts import Mount, Privileges, Process
from scanner.probe import answer_json, privileges
from scanner.probe.answer_json import MalformedError

MAX_MOUNTS = 1000
"""A pod has some ten; the kernel allows 100,000 in a namespace (fs.mount-max), which nobody judges."""

MAX_PATH_CHARS = 4096
"""PATH_MAX of Linux."""

_NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time: it did not happen."""

_TMPFS = "tmpfs"


def process(container: dict[str, Any], config: dict[str, Any], argv: tuple[str, ...]) -> Process:
    """What the engine execs, in the environment it was given; what an older probe did not ask for is ``None``."""
    return Process(
        entrypoint=argv,
        cmd=(),
        path=answer_json.path_variable(answer_json.rows(config.get("path"))),
        working_dir=answer_json.name(config.get("working_dir"), MAX_PATH_CHARS),
        env=answer_json.environment(config.get("env")),
        user=answer_json.optional_name(config, "user"),
        healthcheck=answer_json.words(config.get("health")) or None,
        init=_told(container, "init"),
        read_only=_told(container, "read_only") or None,
        privileges=_privileges(container),
    )


def _privileges(container: dict[str, Any]) -> Privileges:
    """Groups and capabilities beside the user's own; an older probe did not ask for them."""
    return privileges.by_engine(
        answer_json.words(container.get("groups")),
        added=answer_json.words(container.get("cap_add")),
        dropped=answer_json.words(container.get("cap_drop")),
        is_privileged=container.get("privileged") is True,
    )


def _told(container: dict[str, Any], key: str) -> bool | None:
    """Whether something was asked for; an older probe does not tell, nor does Docker of ``--init`` where its own default holds."""
    said = container.get(key)
    if said is not None and not isinstance(said, bool):
        raise MalformedError(f"{key} is neither true nor false")
    return said


def moment(value: Any) -> float | None:
    """Unix seconds of a moment in RFC 3339; ``None`` where it has not come, or nobody said."""
    text = answer_json.name(value, 64)
    if not text or text == _NEVER:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedError(f"not a moment: {text!r}") from None
    if found.tzinfo is None:
        raise MalformedError(f"a moment without its zone: {text!r}")
    return found.timestamp() if found.year > 1 else None


def mounts(container: dict[str, Any], *, tmpfs_is_noexec: bool) -> tuple[Mount, ...] | None:
    """What stands over paths of the image, each path once; ``None`` where an older probe did not ask.

    ``tmpfs_is_noexec`` tells what the engine makes of a tmpfs whose options say neither exec nor noexec.
    """
    if "mounts" not in container:
        return None
    rows = answer_json.rows(container["mounts"])
    if len(rows) > MAX_MOUNTS:
        raise MalformedError(f"more than {MAX_MOUNTS} mounts")
    found = {}
    for row in rows:
        if row is not None:
            mount = _mount(answer_json.record(row), tmpfs_is_noexec=tmpfs_is_noexec)
            found[mount.destination] = mount
    return tuple(found.values())


def _mount(row: dict[str, Any], *, tmpfs_is_noexec: bool) -> Mount:
    kind = answer_json.name(row.get("type"), 32)
    said = row.get("options")
    options = said.split(",") if isinstance(said, str) else list(answer_json.words(said))
    noexec = "noexec" in options or (kind == _TMPFS and tmpfs_is_noexec and "exec" not in options)
    return Mount(answer_json.name(row.get("destination"), MAX_PATH_CHARS), kind, noexec=noexec)
