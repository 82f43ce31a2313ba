"""Writes the dashboards: ``python -m grafana.build`` (``--help`` tells more)."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.fleet import fleet
from grafana.host import host
from grafana.image import image
from grafana.scanner import scanner

if TYPE_CHECKING:
    from collections.abc import Sequence

ARCHSCAN = "http://127.0.0.1:9719"
"""Where archscan listens unless told otherwise."""

COMMITTED = Path(__file__).parent / "dashboards"


def dashboards(archscan: str = ARCHSCAN) -> dict[str, Any]:
    """Each dashboard as Grafana's JSON, by the name of its file."""
    made = (fleet(archscan), host(archscan), image(archscan), scanner(archscan))
    return {f"{one.uid}.json": json.loads(JSONEncoder().encode(one)) for one in made}


def written(document: Any) -> str:
    """The text of a dashboard's file."""
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(prog="python -m grafana.build", description="Write archscan's Grafana dashboards.")
    parser.add_argument("--archscan", default=ARCHSCAN, help="address of archscan's web page as browsers reach it")
    parser.add_argument("--to", type=Path, default=COMMITTED, help="folder to write into")
    chosen = parser.parse_args(arguments)
    chosen.to.mkdir(parents=True, exist_ok=True)
    for name, document in dashboards(chosen.archscan.rstrip("/")).items():
        (chosen.to / name).write_text(written(document), encoding="utf-8")


if __name__ == "__main__":
    main()
