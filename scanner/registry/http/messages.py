"""The parts of an HTTP message, for whoever makes requests or reads answers without knowing the client library."""

from __future__ import annotations

from httpx import URL, Headers, InvalidURL, Request

__all__ = ["URL", "Headers", "InvalidURL", "Request"]
