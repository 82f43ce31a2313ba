"""The page of the API, from its description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docs.generate.client_types import description

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = """# API

Made from the code by `python -m docs.generate`. A running archscan describes itself at `/api/v1/openapi.json` (OpenAPI 3.1):
every parameter, answer, refusal, with examples; `make api-fuzz` holds it to that. The document of a scan has a JSON schema:
[archscan-v1.schema.json](archscan-v1.schema.json).

```sh
curl --header "Authorization: Bearer $(cat token)" 'http://127.0.0.1:9719/api/v1/findings?status=mismatch&limit=20'
```

- **Who may**: a bearer token with the scope of the row ([Tokens](tokens.md)); a user of `web.yml`, or a session of the pages, to read.
- **Refusals** are problem documents (RFC 9457, `application/problem+json`) with a `reason` for programs; browsers get a page. 429
  and 503 say by `Retry-After` when to ask again.
- **Pages**: `limit`, then `cursor` with the `next_cursor` of the page before, until it is null. A cursor finds its place in a newer
  report too.
- **Again**: answers below `/api/v1/` have an `ETag`, all but the report, which is written as it is read; `If-None-Match` gets 304. A `POST` with an `Idempotency-Key` is carried out once, however often it comes within an hour; the gate's decision is made anew each time.
- **Streams**: `/api/v1/scans/{scan_id}/events` are server-sent events, each with the whole state, so that whoever comes again has
  missed nothing.
"""

TITLES: Mapping[str, str] = {
    "fleet": "The fleet",
    "scans": "Scans",
    "gate": "The gate, waivers, texts",
    "rollback": "The way back",
    "trail": "The trail",
    "operations": "For Prometheus, orchestrators",
}
"""Of each tag, in the order of the page."""


def page() -> str:
    """The whole page."""
    found = description()["paths"]
    sections = []
    for tag, title in TITLES.items():
        rows = [
            _row(method, path, operation)
            for path, operations in found.items()
            for method, operation in operations.items()
            if tag in operation["tags"]
        ]
        sections.append(f"\n## {title}\n\n| | what | scope | answers |\n| --- | --- | --- | --- |\n" + "".join(rows))
    return HEAD + "".join(sections)


def _row(method: str, path: str, operation: Mapping[str, Any]) -> str:
    said, _, scope = operation.get("description", "").partition("Scope: ")
    first = " ".join(said.partition("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
    statuses = " ".join(status for status in operation["responses"] if not re.match("40[013]|50[03]|304", status))
    return f"| `{method.upper()} {path}` | {first} | {scope.rstrip('.') or 'none'} | {statuses} |\n"
