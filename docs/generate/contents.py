"""The pages that list other pages: runbooks, decisions."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parent.parent

MADE = "This page is made by `python -m docs.generate`.\n\n"


def runbooks() -> str:
    """Each alert with the first sentence of its runbook."""
    rows = [
        f"| [{path.stem}](runbooks/{path.name}) | {_first_sentence(path)} |\n"
        for path in sorted((DOCS / "runbooks").glob("*.md"))
    ]
    return (
        f"# Runbooks\n\nOne for each alert ([Alerting](alerting.md)). {MADE}| alert | |\n| --- | --- |\n{''.join(rows)}"
    )


def decisions() -> str:
    """Each decision by its title."""
    rows = [f"- [{_title(path)}](decisions/{path.name})\n" for path in sorted((DOCS / "decisions").glob("*.md"))]
    return f"# Decisions\n\nChoices that a reader would otherwise undo. {MADE}{''.join(rows)}"


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _first_sentence(path: Path) -> str:
    """Of the first paragraph below "Meaning"."""
    body = path.read_text(encoding="utf-8").split("\n\n")[2]
    return " ".join(body.split()).partition(". ")[0].rstrip(".") + "."
