"""The budget of reading one host's answer, in a process that can be ended."""

from __future__ import annotations

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.offload import START, BudgetExceeded, CallBudget

BUDGET = CallBudget(seconds=10)
"""An answer of 2,000 containers takes half a second on a busy machine."""


def too_large(exceeded: BudgetExceeded) -> Failure:
    """Why there are no facts where reading went beyond it; our own shortage is no fault of the host."""
    reason = Reason.INTERNAL_EXHAUSTED if exceeded.limit == START else Reason.HOST_TOO_LARGE
    return Failure(reason, f"the answer cannot be read: {exceeded.detail}")
