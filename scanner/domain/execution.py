"""What runs where: which offer an engine selects, and whether kernel and CPU execute it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.reason import Reason


class How(StrEnum):
    """How a program starts on a host."""

    NATIVE = "native"
    EMULATED = "emulated"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Execution:
    """Whether a host executes a platform's programs, and why (not); ``reason`` is ``native`` for NATIVE."""

    how: How
    reason: Reason
    detail: str = ""
