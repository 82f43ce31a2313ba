"""What systemd is told of the service (sd_notify(3)): that it reloads when asked from now on."""

from __future__ import annotations

import os
import socket

import structlog

log = structlog.get_logger(__name__)


def tell_ready() -> None:
    """Say that the service listens and takes SIGHUP; nobody is told where no supervisor asks for it.

    A signal that came before would end the process, and systemd sends one for each ``systemctl reload`` as soon as it
    takes the service for started.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
            told.sendto(b"READY=1", f"\0{address[1:]}" if address[0] == "@" else address)
    except OSError as error:
        log.warning("supervisor_not_told", error=error.strerror)
