"""Where the store is, by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError

if TYPE_CHECKING:
    from scanner.settings.schema import Settings

IN_MEMORY = "sqlite://"
"""The store of a service that has none configured: findings keep their first_seen until it ends."""


def store_url(settings: Settings) -> str | None:
    """The configured address, ``None`` without any.

    Raises:
        UsageError: the file that holds it cannot be read.
    """
    if settings.store.url_file:
        try:
            return files.read_secret(settings.store.url_file).strip()
        except FileError as error:
            raise UsageError(f"store.url_file {error}") from None
    return settings.store.url.get_secret_value() if settings.store.url else None
