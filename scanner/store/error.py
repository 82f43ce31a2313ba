"""The one exception of the store, in one line that says what to do.

    StoreError
      fatal=True   nothing is written any more: let the supervisor restart the service
      fatal=False  this write was rolled back; the next one may succeed (space came back)

A failed fsync is never tried again: what the kernel dropped would be taken for written.
"""

from __future__ import annotations

from scanner.errors import ServiceError


class StoreError(ServiceError):
    """The store refused; ``fatal`` tells that it has stopped writing for good."""

    def __init__(self, message: str, *, fatal: bool = True) -> None:
        super().__init__(message)
        self.fatal = fatal
