"""``python -m scanner``, which is also what the command ``archscan`` starts."""

import _signal  # type: ignore[import-not-found] # what signal wraps, without its import of enum
import os

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells say it."""

_signal.signal(_signal.SIGINT, lambda *_: os._exit(INTERRUPTED))  # imports take a while, and none of them knows Ctrl-C

from scanner.app.main import main  # noqa: E402 -- an interrupt while it is imported is no traceback

if __name__ == "__main__":
    main()
