"""A program for an environment with parallel-ssh: run one command on every host of a loopback fleet."""

from __future__ import annotations

import sys
from pathlib import Path

from pssh.clients import ParallelSSHClient


def main(hosts: str, port: str, user: str, key: str) -> None:
    """Read every answer to its end."""
    client = ParallelSSHClient(
        Path(hosts).read_text().split(), port=int(port), user=user, pkey=key, pool_size=100, num_retries=1,
        allow_agent=False,
    )  # fmt: skip
    for answer in client.run_command("archscan-probe", encoding="utf-8"):
        assert list(answer.stdout)[-1] == "@end"


if __name__ == "__main__":
    main(*sys.argv[1:])
