"""``archscan`` for the scripts of others: hand words, environment, folder, streams to the parent of commands, end as it ends.

Started as ``python -I -S forwarded.py ADDRESS WORD...``, it costs a hundredth of what the command's own start does.
"""

import json
import os
import socket
import sys

COMMAND, READER = "command", "reader"
"""What a copy of the parent may become: a command, a process that reads strangers' documents for one."""


def asked(
    address: str,
    words: list[str],
    environment: dict[str, str],
    folder: str,
    standard: tuple[int, int, int],
    become: str = COMMAND,
):
    """The line on which the number of the process is told, then how it ended."""
    request = json.dumps({"words": words, "folder": folder, "environment": environment, "become": become})
    mine, its = socket.socketpair()
    with its, socket.socket(socket.AF_UNIX) as parent:
        parent.connect(f"\0{address}")
        socket.send_fds(parent, [request.encode()], [*standard, its.fileno()])
    return mine


def told(line: socket.socket) -> int:
    """The next number on the line; its end means that the process was never begun, or that nobody knows how it ended."""
    digits = b""
    while not digits.endswith(b"\n"):
        piece = line.recv(1)
        if not piece:
            raise ConnectionResetError("the parent of commands is gone")
        digits += piece
    return int(digits)


if __name__ == "__main__":
    with asked(sys.argv[1], sys.argv[2:], dict(os.environ), os.getcwd(), (0, 1, 2)) as line:  # noqa: PTH109 -- pathlib costs more than all of this
        told(line)
        sys.exit(os.waitstatus_to_exitcode(told(line)) % 256)
