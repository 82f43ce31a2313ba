"""Commands of a fix, typed one after the other as a person types them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENDED_WITHIN_S = 240
"""A build on a busy machine; none of them waits for anything."""


def type_in(folder: Path, environment: Mapping[str, str], *commands: str) -> None:
    """Each in a shell in ``folder``; the first that fails is shown with what it said."""
    for command in commands:
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ENDED_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
