"""The log for the operator: one line an event, on stderr."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from scanner.domain.text import printable

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

QUIET = ("alembic", "apscheduler", "asyncssh", "httpcore", "httpx", "uvicorn")
"""Libraries that log at ``info`` what we log better."""


SILENT = ("uvicorn",)
"""Warns of each request that is none, one line for each that a stranger sends."""


MAX_CHARS = 20_000
"""Of one text: a traceback is shown whole."""


def _readable(_logger: Any, _method: str, event: Any) -> Any:
    """Whatever a stranger said: nothing of it moves the cursor or looks like another line."""
    return {name: _text(value) for name, value in event.items()}


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return "\n".join(printable(line, MAX_CHARS) for line in value.split("\n"))
    return [_text(each) for each in value] if isinstance(value, list | tuple) else value


def configure(form: str, level: str) -> None:
    """Log ``logfmt`` or ``json`` lines from ``level`` up; the libraries' own lines take the same form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if form != "json":
        renderer = structlog.processors.LogfmtRenderer(
            key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _readable, renderer],
            foreign_pre_chain=shared,
        )
    )
    logging._srcfile = None  # noqa: SLF001 -- the manual's own way to spare each line the search for who wrote it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    for name in QUIET:
        logging.getLogger(name).setLevel(max(_LEVELS[level], logging.WARNING) if level != "debug" else logging.DEBUG)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
