"""The words that a container will exec, before its image is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.facts import Process

RUNC_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What the engines put into the environment of an image that sets no PATH (moby's oci.DefaultPathEnv)."""

MAX_WORDS = 4096
"""Words of one command that are looked at; ARG_MAX would allow more, no wrapper's own options are that many."""

MAX_PATH_DIRECTORIES = 64
"""Directories of PATH that are searched; a longer PATH is cut by nobody, so beyond it the answer is unknown."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is exec'd and where names are looked up: argv, the directories of PATH, the working directory.

    ``login`` tells that a login shell stands in between, which sets a PATH of its own.
    """

    argv: tuple[str, ...]
    path: tuple[str, ...] = ()
    cwd: str = "/"
    login: bool = False

    def absolute(self, name: str) -> str:
        """A name with a slash as the kernel sees it: from the root, or from the working directory."""
        return name if name.startswith("/") else f"{self.cwd}/{name}"


def resolve(image: Process | None, override: Process | None) -> Command:
    """Entrypoint and Cmd as the engines merge what the image says with what the container says beside it.

    An entrypoint beside the image drops the image's Cmd (moby's runconfig.Merge, the Kubernetes table of command and
    args); an empty one keeps it and only drops the Entrypoint; ``[""]``, as ``--entrypoint ""`` sends it, drops both.
    """
    argv = _argv(image, override)
    said = [process for process in (override, image) if process is not None]
    path = next((process.path for process in said if process.path), RUNC_PATH)
    cwd = next((process.working_dir for process in said if process.working_dir), "/")
    return Command(argv, split_path(path), cwd if cwd.startswith("/") else f"/{cwd}")


def _argv(image: Process | None, override: Process | None) -> tuple[str, ...]:
    entrypoint, cmd = (image.entrypoint, image.cmd) if image else (None, None)
    if override is None:
        return ((entrypoint or ()) + (cmd or ()))[:MAX_WORDS]
    if override.entrypoint is not None:
        cmd = None if override.entrypoint else cmd
        entrypoint = () if override.entrypoint == ("",) else override.entrypoint
    if override.cmd is not None:
        cmd = override.cmd
    return ((entrypoint or ()) + (cmd or ()))[:MAX_WORDS]


def split_path(path: str) -> tuple[str, ...]:
    """The directories of a PATH; an empty one is the working directory (POSIX 8.3)."""
    return tuple(part or "." for part in path.split(":"))
