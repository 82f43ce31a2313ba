"""What a parsing process tries when hostile bytes have taken it over; each function says what came of it."""

import ctypes
import os
import signal
import socket
import subprocess
from pathlib import Path


def tried(what):
    try:
        what()
    except (OSError, RuntimeError) as error:
        return type(error).__name__
    return "done"


def everything(parent, secret):
    """By attack: ``done``, or the kind of error that it ended in."""
    return {
        "internet socket": tried(socket.socket),
        "unix socket": tried(lambda: socket.socket(socket.AF_UNIX)),
        "pair of sockets": tried(socket.socketpair),
        "program": tried(lambda: subprocess.run(["/bin/true"], check=False)),
        "exec": tried(lambda: os.execv("/bin/true", ["true"])),
        "fork": tried(os.fork),
        "signal": tried(lambda: os.kill(parent, signal.SIGURG)),
        "secret": tried(lambda: Path(secret).read_text()),
        "passwd": tried(lambda: Path("/etc/passwd").read_text()),
        "parent's environment": tried(lambda: Path(f"/proc/{parent}/environ").read_bytes()),
        "parent's memory": tried(lambda: Path(f"/proc/{parent}/mem").read_bytes()),
        "writing": tried(lambda: Path("/tmp/confined").write_text("x")),
        "making a folder": tried(lambda: Path("/tmp/confined.d").mkdir()),
        "removing": tried(lambda: Path(secret).unlink()),
        "opening up": tried(lambda: Path(secret).chmod(0o777)),
        "tracing": tried(lambda: _traced(parent)),
    }


def _traced(parent):
    if ctypes.CDLL(None, use_errno=True).ptrace(16, parent, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def environment():
    return dict(os.environ)


def descriptors():
    found = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found
