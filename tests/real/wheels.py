"""What an installation is made from where there is no index: files of this clone, with the wheels that they need."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.require import missing

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]


def copy_of_clone(folder: Path, names: Iterable[str]) -> None:
    """Put these files and folders of the clone into a folder."""
    for name in names:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)


def fetch_wheels(folder: Path, *asked: str) -> None:
    """Put into a folder what pip says that these packages need, but archscan's own."""
    fetched = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", folder, *asked],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if fetched.returncode:
        missing(f"pip could not fetch the wheels: {fetched.stderr[-300:]}")
    for own in folder.glob("archscan-*"):
        own.unlink()
