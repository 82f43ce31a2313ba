"""Platforms in their canonical Go/OCI spelling."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system, architecture and variant, such as ``linux/arm/v7``; canonical once ``normalize``d."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``os/architecture[/variant]``, the form that ``docker --platform`` takes."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
