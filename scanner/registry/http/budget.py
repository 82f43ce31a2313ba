"""How much one registry is asked: rate, requests in flight, pauses it demands, silence after it failed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import RegistryConfig
from scanner.registry.http.retry import MAX_WAIT_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from scanner.registry.config import ClientConfig

MAX_PAUSE_S = 900.0
"""The longest pause that a registry's Retry-After is granted: what it said is asked again after that."""

BREAK_AFTER = 5
"""Failures in a row after which a registry is left alone."""

BREAK_FOR_S = 30.0
"""How long it is left alone before one request tries again."""

FORGET_REMAINING_S = 300.0
"""How long an announced rate limit is believed; windows move, and without a request nothing is announced."""

MAX_REMAINING_CHARS = 12
"""Digits of a rate limit that are read; the largest real ones have six."""

_N = TypeVar("_N", int, float)

_TROUBLE = frozenset({Reason.IMAGE_UNREACHABLE, Reason.IMAGE_TIMEOUT, Reason.IMAGE_TLS_REJECTED})


class TokenBucket:
    """``burst`` requests at once, then ``rate_per_s``."""

    def __init__(self, rate_per_s: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock()

    def reserve(self) -> float:
        """Take a token; returns the seconds to wait until it is there."""
        now = self._clock()
        filled = self._tokens + max(now - self._filled_at, 0.0) * self._rate_per_s
        self._tokens = min(float(self._burst), filled) - 1.0
        self._filled_at = now
        return max(-self._tokens / self._rate_per_s, 0.0)


class RegistryBudget:
    """What one registry may be asked at this moment; ``note`` hears every answer.

    ``config`` bounds what ``registry`` does not bound itself.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
        registry: RegistryConfig | None = None,
    ) -> None:
        own = registry or RegistryConfig("")
        self._clock = clock
        self._sleep = sleep
        self._stop_below = own.stop_below
        self._bucket = TokenBucket(_own(own.rate_per_s, config.rate_per_s), _own(own.burst, config.burst), clock)
        self._in_flight = asyncio.Semaphore(_own(own.concurrency, config.concurrency))
        self._paused_until = 0.0
        self._remaining: tuple[int, float] | None = None
        self._limit: int | None = None
        self._failures = 0
        self._broken: tuple[Failure, float] | None = None

    def refusal(self, *, counted: bool) -> Failure | None:
        """Why nothing may be asked now; ``counted`` is whether the registry's own limit counts this request."""
        now = self._clock()
        if self._paused_until - now > MAX_WAIT_S:
            left = int(self._paused_until - now)
            return Failure(Reason.IMAGE_RATE_LIMITED, f"the registry asks to be left alone for another {left} s")
        if self._broken and now < self._broken[1]:
            failure = self._broken[0]
            return replace(failure, detail=f"not asked again so soon: {failure.detail}")
        if counted and self._spent(now):
            reserve = f"fewer than {self._left_to_others} requests remain of its limit"
            return Failure(Reason.IMAGE_RATE_LIMITED, reserve, setting="stop_below")
        return None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a place among the requests in flight, a token, the end of a short pause."""
        async with self._in_flight:
            if self._broken:  # one request tries; the others are refused until it is back
                self._broken = (self._broken[0], self._clock() + BREAK_FOR_S)
            wait = max(self._bucket.reserve(), self._paused_until - self._clock())
            if wait > 0:
                await self._sleep(wait)
            yield

    def note(self, outcome: int | Failure, headers: Mapping[str, str], asked: float | None) -> int | None:
        """Learn from an answer; returns what it says remains of the registry's limit.

        Args:
            outcome: its status, or why there is none.
            headers: of the answer.
            asked: the seconds of its Retry-After.
        """
        self._count(outcome)
        if asked and isinstance(outcome, int) and outcome >= HTTPStatus.BAD_REQUEST:
            self._paused_until = max(self._paused_until, self._clock() + min(asked, MAX_PAUSE_S))
        remaining = _announced(headers, "remaining")
        if remaining is not None:
            self._remaining = (remaining, self._clock())
            self._limit = _announced(headers, "limit")
        return remaining

    @property
    def _left_to_others(self) -> int:
        """What is kept of its limit for the hosts that pull through the same address: half of it unless that is said."""
        return (self._limit or 0) // 2 if self._stop_below is None else self._stop_below

    def _spent(self, now: float) -> bool:
        if self._remaining is None or now - self._remaining[1] > FORGET_REMAINING_S:
            return False
        return self._remaining[0] < self._left_to_others

    def _count(self, outcome: int | Failure) -> None:
        failure = _trouble(outcome)
        self._failures = self._failures + 1 if failure else 0
        if failure is None:
            self._broken = None
        elif self._failures >= BREAK_AFTER:
            self._broken = (failure, self._clock() + BREAK_FOR_S)


def _own(given: _N | None, usual: _N) -> _N:
    return usual if given is None else given


def _trouble(outcome: int | Failure) -> Failure | None:
    if isinstance(outcome, Failure):
        return outcome if outcome.reason in _TROUBLE else None
    if outcome >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure(Reason.IMAGE_SERVER_ERROR, f"the registry answers {outcome}")
    return None


def _announced(headers: Mapping[str, str], what: str) -> int | None:
    """``ratelimit-remaining: 76;w=21600`` or ``ratelimit-limit``, with or without ``x-`` and window."""
    text = headers.get(f"ratelimit-{what}") or headers.get(f"x-ratelimit-{what}") or ""
    number = text.partition(";")[0].strip()
    if len(number) > MAX_REMAINING_CHARS or not (number.isascii() and number.isdigit()):
        return None
    return int(number)
