"""What launchers ask of the image that they run in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program.image_files import ImageFiles
from scanner.binary.program.launch.launch import account_of
from scanner.binary.program.shell.image_paths import PathKind

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.binary.program.launch.launch import Account


@dataclass(frozen=True, slots=True)
class Asked:
    """Each answer is looked up only where a launcher wants it; raises what the view raises."""

    view: View
    command: Command

    @property
    def _files(self) -> ImageFiles:
        return ImageFiles.of(self.view, self.command)

    def account(self, wanted: str) -> Account | None:
        """An account of the image, by its name or uid."""
        passwd = self._files.text("/etc/passwd")
        return None if passwd is None else account_of(passwd.decode("utf-8", "replace"), wanted)

    def stands(self, path: str) -> bool:
        """Whether something stands at an absolute path, or may."""
        return self._files.stands(path).kind is not PathKind.MISSING
