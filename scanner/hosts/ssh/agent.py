"""What an SSH agent has to offer."""

from __future__ import annotations

import asyncio

import asyncssh

WITHIN_S = 5.0
"""An agent answers at once, unless its person is asked."""


async def lacking(socket: str) -> str:
    """Why the agent at a socket offers no key; empty where it offers one."""
    try:
        async with asyncio.timeout(WITHIN_S), await asyncssh.connect_agent(socket) as agent:
            keys = list(await agent.get_keys())
    except (OSError, ValueError, asyncssh.Error):  # TimeoutError is an OSError
        return f"no agent answers at {socket}"
    return "" if keys else f"the agent at {socket} holds no key"
