"""Why something is not known: a value of its own, which stands where a fact would."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.verdict.reason import Reason


class Reach(StrEnum):
    """How a host is asked: by a login, as this machine itself, or never, since it pushes."""

    LOGIN = "login"
    HERE = "here"
    PUSHES = "pushes"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something is not known: a value, never an exception past an adapter.

    What it concerns stands in fields, so that nobody reads it back out of ``detail``, which is for people: the ``host``
    (a machine, a registry), the ``address`` it resolved to, the ``path`` of a file, the ``setting`` that refuses or
    would permit it, each empty where it concerns none. A setting is a whole path (``ssh.max_output``), of a registry's
    own the key alone (the image tells whose section), or the variable ``PATH``. Of a host that was to be logged into it
    tells also as which ``user``, on which ``port``, and whether a person went their own way to it (``is_own``), as their
    own ssh would, with no inventory that knows the host, through which bastions (``jump``); ``reach`` tells where no login leads to it. ``cause`` is why a
    bastion, which is then the ``host``, could not be used.
    """

    reason: Reason
    detail: str = ""
    host: str = ""
    address: str = ""
    path: str = ""
    setting: str = ""
    user: str = ""
    port: int = 0
    is_own: bool = False
    reach: Reach = Reach.LOGIN
    cause: Reason | None = None
    jump: str = ""

    @property
    def concerns(self) -> bool:
        """Whether it names anything beside reason and detail."""
        return bool(self.host or self.address or self.path or self.setting)
