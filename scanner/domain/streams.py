"""How a stream of bytes tells in its midst that it is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.failure import Failure


class StreamBroken(Exception):  # noqa: N818 -- it carries a Failure, it is not one more kind of error
    """Raised where a stream can't be opened or can't go on; whoever reads it turns it back into its ``failure``."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.reason}: {failure.detail}")
        self.failure = failure
