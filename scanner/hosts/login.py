"""Who was to log in where, told beside why that came to nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.facts import Failure
    from scanner.domain.host import Host


def of_login(failure: Failure, host: Host, user: str, setting: str = "") -> Failure:
    """The failure with that, by which it is mended.

    ``user`` logs in where the host names none, ``setting`` counts where the failure names none.
    """
    setting = failure.setting or setting
    return replace(failure, host=host.address, user=host.user or user, port=host.port, setting=setting)
