"""The commands by which a person logs in to a host, be it as root or as the scanner does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict.remedy.trouble import host_word, word

if TYPE_CHECKING:
    from scanner.domain.verdict.remedy.trouble import Trouble

SSH_PORT = 22


def ssh(t: Trouble, user: str = "", options: str = "") -> str:
    """The command that logs in to the host by hand, as ``user`` or as the scanner does."""
    failure = t.failure
    name = word(failure.host, "HOST") if failure and failure.host else host_word(t)
    port = f" -p {failure.port}" if failure and failure.port not in {0, SSH_PORT} else ""
    through = f" -J {word(failure.jump, 'BASTION')}" if failure and failure.jump else ""
    who = user or login_name(t)
    return f"ssh{options}{through}{port} {who}@{name}"


def login_name(t: Trouble) -> str:
    """The account that the scanner logs in as."""
    return word(t.failure.user, "USER") if t.failure and t.failure.user else "archscan"


def as_root(t: Trouble, command: str) -> str:
    """A command without single quotes, for root of the host."""
    return f"{ssh(t, 'root')} '{command}'"


def again(t: Trouble) -> str:
    """What shows whether it is mended."""
    if is_own(t):
        return f"archscan scan {target(t)}"
    return f"archscan inventory --check --host {host_word(t)}"


def is_own(t: Trouble) -> bool:
    """Whether a person asked as their own ssh would, with no inventory that knows the host."""
    return t.failure is not None and t.failure.is_own


def target(t: Trouble) -> str:
    """What ``archscan trust`` takes for it."""
    if t.failure is None or not is_own(t):
        return host_word(t)
    port = f":{t.failure.port}" if t.failure.port not in {0, SSH_PORT} else ""
    name = word(t.failure.host, "HOST")
    return f"{login_name(t)}@{f'[{name}]' if ':' in name else name}{port}"


def by_setting(t: Trouble) -> str:
    """The setting that would permit it, as whoever met the trouble called it."""
    return f" ({t.failure.setting})" if t.failure and t.failure.setting else ""


def listed(t: Trouble) -> tuple[str, ...]:
    """What shows the inventory's words about the host, where one has it."""
    return () if is_own(t) else (f"archscan inventory --host {host_word(t)}",)
