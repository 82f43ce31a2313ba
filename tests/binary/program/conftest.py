"""What several tests of programs compile once."""

from __future__ import annotations

import pytest

from tests.binary.program.library_kit import Kit, base_of


@pytest.fixture(scope="session")
def kit(tmp_path_factory):
    """This machine's compilers, beside the files that every scratch root has."""
    folder = tmp_path_factory.mktemp("libraries")
    for name in ("base", "made"):
        (folder / name).mkdir()
    base_of(folder / "base")
    return Kit(folder / "made")
