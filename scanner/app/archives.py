"""Images in files as commands name them: ``oci:DIR[:TAG]``, ``oci-archive:FILE[:TAG]``, ``docker-archive:FILE[:IMAGE]``."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.binary.layers.tar_places import find_places
from scanner.domain.failure import Failure
from scanner.errors import UsageError
from scanner.formats.files import is_folder
from scanner.registry.archives.archived import Archived
from scanner.registry.archives.blobs import Folder, Tarball

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FOLDER, ARCHIVES = "oci", ("oci-archive", "docker-archive")
"""The transports of containers-transports(5), whose grammar this is: what follows the first colon behind the path is a name."""


def is_archive(text: str) -> bool:
    """Whether an image is named as a file or folder."""
    kind, colon, _ = text.partition(":")
    return bool(colon) and kind in (FOLDER, *ARCHIVES)


@asynccontextmanager
async def opened(text: str) -> AsyncIterator[Archived]:
    """The image that is named, its file open for as long as the context lasts. One that is not believed says why when asked.

    Raises:
        UsageError: the file or folder is not there, or cannot be opened.
    """
    kind, _, rest = text.partition(":")
    named, _, asked = rest.partition(":")
    path = await asyncio.to_thread(_path, text, kind, named)
    if kind == FOLDER:
        yield await Archived.open(Folder(path), asked, is_saved=False)
        return
    try:
        found = await asyncio.to_thread(find_places, path)
    except OSError as error:
        raise UsageError(f"{text}: cannot be read: {error.strerror}") from None
    if isinstance(found, Failure):
        yield Archived.unread(Folder(path), found)
        return
    blobs = Tarball(found.descriptor, found.places, found.links)
    try:
        yield await Archived.open(blobs, asked, is_saved=kind != ARCHIVES[0])
    finally:
        blobs.close()


def _path(text: str, kind: str, named: str) -> Path:
    """The file or folder, which must be what its transport says."""
    path = Path(named)
    if not named:
        raise UsageError(f"{text}: names no {'folder' if kind == FOLDER else 'file'}")
    if kind == FOLDER and not is_folder(path):
        raise UsageError(f"{text}: {named} is no folder; a file is oci-archive:{named}")
    if kind != FOLDER and is_folder(path):
        raise UsageError(f"{text}: {named} is a folder; an OCI layout in a folder is oci:{named}")
    return path
