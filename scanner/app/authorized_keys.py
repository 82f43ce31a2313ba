"""The line for authorized_keys on a host or a bastion, from the public half of the configured key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.app import wiring
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.hosts.least_privilege import SSH_PORT, key_line
from scanner.hosts.prepare import key_installation

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from scanner.settings.schema import Settings

PUBLIC = ".pub"


def line(settings: Settings, addresses: Sequence[str], path: str | None, read_from: Path | None) -> str:
    """The line for hosts where the probe is at ``path``; a bastion's where no path is given.

    ``read_from`` is the file of the settings, if there is one.

    Raises:
        UsageError: there is no such key, or an address is none.
    """
    identity = settings.ssh.identity_file
    if identity is None:
        if read_from is None:
            raise UsageError("no ssh.identity_file is configured: name the configuration with --config FILE")
        raise UsageError(f"{read_from}: no ssh.identity_file is configured: name the private key there")
    if identity.suffix == PUBLIC:
        raise UsageError(
            f"ssh.identity_file: {identity}: is a public key by its name: name the private one, without {PUBLIC}"
        )
    public = identity.with_name(f"{identity.name}{PUBLIC}")
    opened = _behind_bastions(settings) if path is None else ()
    try:
        return key_line(files.read_text(public, files.MAX_SECRET_BYTES), addresses, path, opened).rstrip("\n")
    except FileError as error:
        raise UsageError(f"{error}; make it with: ssh-keygen -y -f {identity} > {public}") from None
    except ValueError as error:
        raise UsageError(str(error) if str(error).startswith("--from ") else f"{public}: {error}") from None


def installation(user: str, line: str) -> str:
    """The script that puts ``line`` among the keys of an account.

    Raises:
        UsageError: it is no login name, or no such line.
    """
    try:
        return key_installation(user, line)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _behind_bastions(settings: Settings) -> Collection[int]:
    from scanner.service.preparing import ports  # noqa: PLC0415 -- a host's line waits for no SSH

    return ports(wiring.hosts(settings).hosts, settings.ssh) or {SSH_PORT}
