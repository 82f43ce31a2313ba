"""Shares a scan's deadline out: what is left for its hosts once the planned files are read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.host import Host
    from scanner.scan.plans.plans import Deployments
    from scanner.scan.scan import ScanLimits
    from scanner.service.ports import Adapters

PLANS_SHARE = 0.5
"""Of the deadline, for the plan directory: what is on the hosts must be judged however long their plans take to read."""


async def with_plans(adapters: Adapters, hosts: Sequence[Host], limits: ScanLimits) -> tuple[Deployments, ScanLimits]:
    """What is planned for ``hosts``, the whole inventory, then the limits with the time that is left for the rest."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    plans = await adapters.plans(hosts, limits.deadline_s * PLANS_SHARE)
    return plans, replace(limits, deadline_s=limits.deadline_s - (loop.time() - began))
