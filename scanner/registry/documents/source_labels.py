"""The labels by which an image says what it was built from."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from scanner.domain.image.offers import BuiltFrom

SOURCE_LABEL = "org.opencontainers.image.source"
REVISION_LABEL = "org.opencontainers.image.revision"

MAX_ADDRESS_CHARS = 200
"""Of a repository: it stands in pages and in a label of metrics; addresses of repositories have less than 100."""

_ADDRESS = re.compile(r"(?:https?|git|ssh)://[!-~]+", re.ASCII)
_SCP = re.compile(r"git@(?P<host>[A-Za-z0-9.-]+):(?P<path>[A-Za-z0-9._/-]+)", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9._~/+:@%-]*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,99}", re.ASCII)
"""Hexadecimal for Git, else whatever a version control calls its commits."""


def built_from(labels: Any) -> BuiltFrom | None:
    """What a config's ``Labels`` say of the image's source, ``None`` where that is nothing.

    A label is what anybody wrote: an address is taken without login, query and fragment, and anything that is no address
    or no commit counts as nothing, since neither makes an image start or not.
    """
    if not isinstance(labels, dict):
        return None
    found = BuiltFrom(_repository(labels.get(SOURCE_LABEL)), _revision(labels.get(REVISION_LABEL)))
    return found if found != BuiltFrom() else None


def _repository(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_ADDRESS_CHARS:
        return ""
    if scp := _SCP.fullmatch(value):
        return f"ssh://{scp['host']}/{scp['path']}"
    if not _ADDRESS.fullmatch(value):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    name, colon, port = host.rpartition(":") if not host.endswith("]") else ("", "", "")
    plain = name if colon and port.isdigit() else host
    return f"{parts.scheme}://{host}{parts.path}" if _HOST.fullmatch(plain) and _PATH.fullmatch(parts.path) else ""


def _revision(value: Any) -> str:
    return value if isinstance(value, str) and _REVISION.fullmatch(value) else ""
