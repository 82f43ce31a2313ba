"""Which page is made of what."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from docs.generate import api, client_types, contents, error_texts, evidence_picture, manual, metrics, reasons, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DOCS = Path(__file__).parent.parent

CLIENT = DOCS.parent / "scanner" / "client" / "answer_types.py"
"""The one page that is code, made by ``client_types.module``."""

PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "api.md": api.page,
        "archscan-v1.schema.json": client_types.report_schema,
        "archscan.1": manual.page,
        "configuration.md": settings.page,
        "decisions.md": contents.decisions,
        "error-texts.md": error_texts.page,
        "metrics.md": metrics.page,
        "pictures/evidence.svg": evidence_picture.picture,
        "reasons.md": reasons.page,
        "runbooks.md": contents.runbooks,
    }
)
"""Each page by the name of its file in ``docs/``."""


def write(folder: Path = DOCS) -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(page(), encoding="utf-8")
    if folder == DOCS:
        CLIENT.write_text(client_types.module(), encoding="utf-8")
