"""JSON answers written row by row, so that a fleet's report does not keep the event loop waiting."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from scanner.formats.documents import json_writer


class RowsJSONResponse(JSONResponse):
    """Each item of a list at the top, or right below it, is written by itself.

    One call that writes a report of ten thousand hosts lets no other thread go on for a second: the writer is C code that
    keeps the interpreter's lock.
    """

    def render(self, content: Any) -> bytes:
        """The bytes of the body."""
        if isinstance(content, dict):
            fields = (json_writer.dumped(name) + b":" + _value(value) for name, value in content.items())
            return b"{" + b",".join(fields) + b"}"
        return _value(content)


def _value(value: Any) -> bytes:
    if isinstance(value, list):
        return b"[" + b",".join(map(json_writer.dumped, value)) + b"]"
    return json_writer.dumped(value)
