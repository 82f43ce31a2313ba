"""The image in a `docker run` or `podman run` command line."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from scanner.domain.facts import Process
from scanner.probe.planned.plans import UnclearError

MAX_SHELLS = 3
"""A shell that starts a shell that starts Docker: nobody goes further."""

_ENGINES = frozenset({"docker", "podman"})
_SHELLS = frozenset({"sh", "bash", "dash", "ash"})

_FLAGS = frozenset({
    "--detach", "--disable-content-trust", "--init", "--interactive", "--no-healthcheck", "--oom-kill-disable",
    "--privileged", "--publish-all", "--quiet", "--read-only", "--rm", "--sig-proxy", "--tty", "--help", "--env-host",
    "--http-proxy", "--no-hosts", "--no-hostname", "--passwd", "--read-only-tmpfs", "--replace", "--rmi", "--rootfs",
    "--tls-verify", "--unsetenv-all", "--use-api-socket",
})  # fmt: skip
"""Options of ``run`` and ``create`` that stand alone; every other takes the next word."""

_SHORT_FLAGS = frozenset("ditPq")
_GLOBAL_FLAGS = frozenset({"--debug", "-D", "--tls", "--tlsverify", "--remote", "-r", "--syslog", "--transient-store"})


@dataclass(frozen=True, slots=True)
class Run:
    """What a command line would run; ``options`` are the long ones that were given, the last of each."""

    engine: str
    image: str
    command: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> str:
        """``--platform``, or what Podman's ``--os``, ``--arch`` and ``--variant`` say together; empty without."""
        if "--platform" in self.options:
            return self.options["--platform"]
        if "--arch" not in self.options:
            return ""
        parts = (self.options.get("--os", "linux"), self.options["--arch"], self.options.get("--variant", ""))
        return "/".join(part for part in parts if part)

    @property
    def process(self) -> Process | None:
        """What is exec'd instead of what the image says."""
        entrypoint = self.options.get("--entrypoint")
        if entrypoint is None:
            return Process(cmd=self.command) if self.command else None
        return Process((entrypoint,) if entrypoint else (), self.command)


def find_run(line: str, depth: int = 0) -> Run | None:
    """The first container that a command line runs or creates, none if it does something else.

    Raises:
        UnclearError: the line cannot be split into words, or has no image behind its options.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UnclearError(f"no shell would split it: {error}") from error
    for position, word in enumerate(words):
        program = word.rpartition("/")[2]
        if program in _SHELLS and "-c" in words[position + 1 : position + 3] and depth < MAX_SHELLS:
            script = words[words.index("-c", position) + 1 :]
            return find_run(script[0], depth + 1) if script else None
        if program in _ENGINES:
            found = _run(program, words[position + 1 :])
            if found:
                return found
    return None


def _run(engine: str, words: list[str]) -> Run | None:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 1 if "=" in words[at] or words[at] in _GLOBAL_FLAGS else 2
    if words[at : at + 1] == ["container"]:
        at += 1
    if at >= len(words) or words[at] not in ("run", "create"):
        return None
    return _options(engine, words[at + 1 :])


def _options(engine: str, words: list[str]) -> Run:
    options: dict[str, str] = {}
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        at += 1
        if word == "--":
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            if not equals and name not in _FLAGS:
                value = words[at] if at < len(words) else ""
                at += 1
            options[name] = value
        elif _takes_next(word):
            at += 1
    if at >= len(words):
        raise UnclearError("there is no image behind its options")
    return Run(engine, words[at], tuple(words[at + 1 :]), options)


def _takes_next(word: str) -> bool:
    """Whether the last of some short options stands without its value (``-dp 80:80``, not ``-p80:80``)."""
    for position, letter in enumerate(word[1:], start=2):
        if word[position : position + 1] == "=" and letter in _SHORT_FLAGS:
            return False
        if letter not in _SHORT_FLAGS:
            return position == len(word)
    return False
