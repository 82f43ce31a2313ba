"""How a signal ends this process, at whatever moment it comes."""

import _signal  # type: ignore[import-not-found] # what signal wraps, without its import of enum
import os

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells say it."""

TERMINATED = 143
"""The same of SIGTERM."""

UNAWAITED = "archscan-names"
"""How threads begin that may wait for a name server: nobody waits for them."""

_told: list[int] = []
"""Of SIGTERM, where it ends a command as an interrupt does."""

_drawn: list[bytes] = []
"""What takes back that which is drawn on standard error, a terminal: it may hide the cursor for as long as it is there."""


def at_once(number: int, _frame: object = None) -> None:
    """End here: for moments in which an exception would go nowhere, or something that nothing ends is waited for."""
    if _drawn:
        try:
            os.write(2, _drawn[-1])
        except OSError:  # the terminal is gone
            _drawn.clear()
    if number == _signal.SIGTERM or _told:
        by_terminating()
    os._exit(INTERRUPTED)


def as_an_interrupt(number: int, _frame: object = None) -> None:
    """SIGTERM does what Ctrl-C does: what was begun is ended, the terminal is left as it was. ``was_terminated`` tells of it."""
    _told.append(number)
    _signal.raise_signal(_signal.SIGINT)


def was_terminated() -> bool:
    """Whether the interrupt was a SIGTERM."""
    return bool(_told)


def draws(taken_back_by: bytes) -> None:
    """From now on something is drawn on the terminal; nothing any more where it is taken back by nothing."""
    _drawn[:] = [taken_back_by] if taken_back_by else []


def by_terminating() -> None:
    """End as by a SIGTERM that nobody caught, which is no failure to whoever supervises.

    The first process of a container gets no signal that it does not catch, not even from itself: its number has to say it.
    """
    _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
    os.kill(os.getpid(), _signal.SIGTERM)
    os._exit(TERMINATED)
