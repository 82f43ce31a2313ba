"""Programs that runtimes bring into containers from the host, whatever the image holds."""

from __future__ import annotations

import re

_PROGRAMS = re.compile(r"nvidia-[\w-]{1,40}|rocm-smi|docker-init|podman-init", re.ASCII)


def is_injected(name: str) -> bool:
    """Whether a program of this name, or path, may come from the host: by NVIDIA's toolkit, CDI files, ``--init``."""
    return _PROGRAMS.fullmatch(name.rpartition("/")[2]) is not None
