"""``python -m scanner``, which is also what the command ``archscan`` starts."""

import _signal  # type: ignore[import-not-found] # what signal wraps, without its import of enum

from scanner import ending

for number in (_signal.SIGINT, _signal.SIGTERM):
    _signal.signal(number, ending.at_once)  # imports take a while, and none of them knows Ctrl-C

from scanner.app.main import main  # noqa: E402 -- an interrupt while it is imported is no traceback

if __name__ == "__main__":
    main()
