"""The one script on hosts that changes something: its text, how it is installed, what it answers."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.hosts import least_privilege
from scanner.hosts.prepare import ROLLBACK, preparation

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLLBACK_PATH = "/usr/local/libexec/archscan-rollback"
ROLLBACK_USER = "archscan-rollback"
"""An account of its own, so that the scanner's key and this one open different doors."""

MAX_ANSWER_BYTES = 64 << 10
"""Some lines; the longest says how an engine refused."""

_FIRST, _LAST = "archscan-rollback 1", "@end"
_KEY = re.compile(r"[a-z]+", re.ASCII)

_PARTS = ("main", "engine", "container", "docker", "podman", "compose", "unit", "swarm", "kubernetes")
"""Files that make the script: what is common, how an engine is asked, then what each kind does in each step."""


@cache
def rollback_script() -> bytes:
    """The text of the script, to be installed on a host as one file; it is never sent to be run."""
    folder = files("scanner.hosts").joinpath("rollback")
    parts = [folder.joinpath(f"{part}.sh").read_bytes() for part in _PARTS]
    return b"\n".join((*parts, b"main\n"))


def rollback_preparation(
    public_key: str, from_addresses: Sequence[str] = (), user: str = ROLLBACK_USER, path: str = ROLLBACK_PATH
) -> str:
    """A POSIX script for root on a host: the account, the script, its sudo rule, the line of the agent's key.

    Raises:
        ValueError: not a login name, public key, address or plain absolute path.
    """
    return preparation(user, public_key, rollback_script(), from_addresses, path, ROLLBACK)


def rollback_command(path: str) -> str:
    """What the agent asks a host to run; its key's forced command says the same.

    Raises:
        ValueError: not a plain absolute path.
    """
    return f"sudo -n {least_privilege.checked_path(path)}"


def rollback_answer(raw: bytes) -> dict[str, str] | Failure:
    """What the script said, by its first words; an answer without its end is none."""
    lines = raw[:MAX_ANSWER_BYTES].decode("utf-8", "replace").splitlines()
    if len(raw) > MAX_ANSWER_BYTES or not lines or lines[0] != _FIRST:
        return Failure(Reason.HOST_PROTOCOL, "it is not archscan's rollback script that answers there")
    if lines[-1] != _LAST:
        return Failure(Reason.HOST_INCOMPLETE, "the answer has no end")
    told = {}
    for line in lines[1:-1]:
        key, _, value = line.partition(" ")
        if _KEY.fullmatch(key):
            told[key] = printable(value, 600)
    return told
