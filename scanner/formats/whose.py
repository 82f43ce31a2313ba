"""Whose process this is, for the system too that has no account of its number."""

from __future__ import annotations

import getpass
import os
from pathlib import Path


def home() -> Path:
    """What ``~`` means; ``/`` for a number without an account, as systemd and the engines give such a one."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def account() -> str:
    """Its name, else its number: a container's ``--user 12345``, a unit's ``DynamicUser=`` where nss-systemd is missing."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())
