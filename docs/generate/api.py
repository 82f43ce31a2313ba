"""The page of the API, from its description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docs.generate.client_types import description
from scanner.web.api.description import ALWAYS, REFUSALS
from scanner.web.http.problem import MEDIA_TYPE

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
- **Refusals** are problem documents (RFC 9457, `application/problem+json`) with a `reason` for programs; browsers get a page,
  whoever accepts `text/plain` before JSON a line. 429 and 503 say by `Retry-After` when to ask again. [What each means](#refusals);
  every row may be answered with 400, 401, 403, 500 and 503, too.
- **Queries**: a name that takes one value may stand there once. A pattern that fits nothing finds nothing (200); a host by its name
  that the report does not have is 404, in a query as in a path.
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
    return HEAD + "".join(sections) + _refusals()


def _refusals() -> str:
    rows = (f"| {status} | {said} | `{reason}` | {detail} |\n" for status, (said, reason, detail) in REFUSALS.items())
    head = "\n## Refusals\n\n| status | what it says | a reason of it | in words |\n| --- | --- | --- | --- |\n"
    return head + "".join(rows)


def _is_everywhere(status: str, answer: Mapping[str, Any]) -> bool:
    """Whether every operation may answer so, and this one says nothing of its own by it."""
    return status == "304" or (status in ALWAYS and answer.get("content", {}).keys() <= {MEDIA_TYPE})


def _row(method: str, path: str, operation: Mapping[str, Any]) -> str:
    said, _, scope = operation.get("description", "").partition("Scope: ")
    first = " ".join(said.partition("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
    statuses = " ".join(
        status for status, answer in operation["responses"].items() if not _is_everywhere(status, answer)
    )
    return f"| `{method.upper()} {path}` | {first} | {scope.rstrip('.') or 'none'} | {statuses} |\n"
