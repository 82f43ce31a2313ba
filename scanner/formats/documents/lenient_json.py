"""JSON as engines write it: duplicate keys pass, what would cost more than its bytes does not."""

from __future__ import annotations

import json
from typing import Any

MAX_VALUES = 1_000_000
"""Opening brackets and commas in one text: 16 MiB of ``[],`` would become 500 MiB of lists."""


class JsonError(ValueError):
    """A text that is refused: ``problem`` in words, never of the document's own, and its ``line`` (0 where none)."""

    def __init__(self, problem: str, line: int = 0) -> None:
        self.problem = problem
        self.line = line
        super().__init__(f"line {line}: {problem}" if line else problem)


def loads(text: str | bytes, max_values: int = MAX_VALUES) -> Any:
    """The value that a text is; bytes are UTF-8. Its length is bounded by whoever read it.

    Raises:
        JsonError: no JSON, too many values, nested too deeply, or a number too long (4,300 digits).
    """
    if _values(text) > max_values:
        raise JsonError(f"has more than {max_values} values")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"is not JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise JsonError("is not JSON that can be read: nested too deeply") from None
    except UnicodeDecodeError:
        raise JsonError("is not UTF-8") from None
    except ValueError:
        raise JsonError("is not JSON that can be read: a number is too long") from None


def _values(text: str | bytes) -> int:
    if isinstance(text, str):
        return text.count("[") + text.count("{") + text.count(",")
    return text.count(b"[") + text.count(b"{") + text.count(b",")
