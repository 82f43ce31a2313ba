"""Hosts that nobody logs into: their answers come by themselves, each to lie in a folder as a file."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.errors import in_words
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.settings.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.host import Host

SUFFIX = ".answer"
"""Of each host's file: whoever drops one in another way calls it HOST.answer, moved there as a whole."""

MAX_AHEAD_S = 300.0
"""A file system's clock may be ahead by minutes; an answer from the future would never grow old."""

PLACE = "push.directory"
"""The setting of a failure to keep an answer, which is none of the answer's."""

NO_PLACE = Failure(Reason.HOST_STALE, f"no {PLACE} is configured", setting=PLACE)
"""Of every host that pushes, where the configuration has no place for what it pushes."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """An answer with the moment (Unix seconds) at which it came."""

    raw: bytes
    at: float


@dataclass(frozen=True, slots=True)
class PushedAnswers:
    """The newest answer of each host in ``directory``; one older than ``max_age_s`` says nothing of now."""

    directory: Path
    max_age_s: float
    max_output_bytes: int
    clock: Callable[[], float] = field(default=time)

    async def latest(self, host: Host) -> Pushed | Failure:
        """The host's last answer with its time, or why there is none that counts."""
        return await asyncio.to_thread(self._latest, host)

    async def receive(self, host: Host, raw: bytes) -> Failure | None:
        """Keep an answer in the place of the one before: whole, or not at all."""
        return await asyncio.to_thread(self._receive, host, raw)

    def _latest(self, host: Host) -> Pushed | Failure:
        path = self._path(host)
        try:
            at = path.lstat().st_mtime
            raw = files.read_bytes(path, self.max_output_bytes, follow=False)
        except FileNotFoundError:
            return _stale("no answer has been pushed yet")
        except (OSError, FileError) as error:
            return Failure(
                Reason.HOST_INCOMPLETE, f"the pushed answer cannot be read: {in_words(error)}", path=str(path)
            )
        age_s = self.clock() - at
        if age_s < -MAX_AHEAD_S:
            return _stale(f"the last answer's time lies {format_duration(float(round(-age_s)))} ahead", str(path))
        if age_s > self.max_age_s:
            return _stale(f"the last answer was pushed {format_duration(float(round(age_s)))} ago")
        return Pushed(raw, at)

    def _receive(self, host: Host, raw: bytes) -> Failure | None:
        name = ""
        try:
            self.directory.mkdir(mode=0o700, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.directory, prefix=".", delete=False) as file:
                name = file.name
                file.write(raw)
            Path(name).replace(self._path(host))
        except OSError as error:
            if name:
                Path(name).unlink(missing_ok=True)
            why = f"the answer cannot be kept in {self.directory}: {in_words(error)}"
            return Failure(Reason.HOST_INCOMPLETE, why, path=str(self.directory), setting=PLACE)
        return None

    def _path(self, host: Host) -> Path:
        """A host's name has no slash and begins with no dot (``Host``)."""
        return self.directory / f"{host.name}{SUFFIX}"


def _stale(why: str, path: str = "") -> Failure:
    return Failure(Reason.HOST_STALE, why, setting="push.max_age", path=path)
