"""How many entries a second become durable, how long a proof or a whole verification takes, in either store."""

import pytest

from tests.bench.trail import measured


@pytest.mark.bench
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_entries_become_durable(tmp_path, kind, request):
    found = await measured(
        f"sqlite:///{tmp_path}/s.db" if kind == "sqlite" else request.getfixturevalue("postgres").url()
    )
    for name, figure in found.items():
        print(f"{kind}: {name} {figure:,.2f}")
