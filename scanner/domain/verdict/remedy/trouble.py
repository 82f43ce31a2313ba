"""The values that a remedy may speak of, with the words of them that are safe to print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.facts import EngineKind, Workload
    from scanner.domain.failure import Failure
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform

_SAFE = re.compile(r"[A-Za-z0-9_/.:~][A-Za-z0-9_./:@%+=,~-]*", re.ASCII)
"""Letters that neither a shell nor a chat interprets; no option begins with one of them."""

MAX_WORD_CHARS = 512
"""A reference has at most 255 characters before its digest; a longer word fills the page of who is on call."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What chose a platform instead of the host: a plan at ``at`` (file, with its line where known), or a default of the engine's."""

    platform: Platform
    at: str = ""
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Handler:
    """A binfmt_misc handler: its name, its interpreter, what people call that (``emulator``), whether it has the F flag."""

    name: str
    interpreter: str
    emulator: str
    enabled: bool = True
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a remedy may speak of; names are the operator's own, as written in the inventory and on the host.

    ``reference`` is what ``image`` says, ``None`` where that stands for any image or says nothing. ``needed`` is the platform
    the host asks for, ``offered`` what the image has today, ``beside`` what a build is for as well where nobody looked at the
    image. ``path`` is the file that the reason is about. ``running`` is a reference by digest that is known to have the needed platform. ``native`` is what the tag offers
    today that this host starts, ``held`` what the host's own copy is for. ``pin`` is what chose the platform. ``emulator``
    is the handler that is registered for the image's CPU, ``emulates`` that CPU; ``binfmt_off`` tells that the kernel's
    switch for all handlers is off. ``engine`` asks, ``workload`` is what is judged, ``failure`` why something is not known.
    ``become`` is what a person on the host runs a command as root by.
    ``since`` is what the image's name means in the host's own store, where that is another image since the container was
    made, and one that this host starts. ``is_asked`` tells that somebody looked what the image's name offers today.
    """

    host: str
    image: str
    needed: Platform | None = None
    offered: tuple[Platform, ...] = ()
    path: str = ""
    running: str = ""
    native: Platform | None = None
    held: Platform | None = None
    pin: Pin | None = None
    emulator: Handler | None = None
    emulates: str = ""
    binfmt_off: bool = False
    engine: EngineKind | None = None
    workload: Workload | None = None
    failure: Failure | None = None
    reference: ImageReference | Failure | None = None
    beside: tuple[Platform, ...] = ()
    become: str = "sudo"
    since: Platform | None = None
    is_asked: bool = True


def word(text: str, instead: str) -> str:
    """A name as a word of a command: as it is where it is made of harmless letters, else what stands for it.

    Names come from hosts or images, and people paste commands.
    """
    return text if len(text) <= MAX_WORD_CHARS and _SAFE.fullmatch(text) else instead


def is_platform(host: str) -> bool:
    """The gate is asked of platforms, too, where no host is meant; no host's name has a slash."""
    return "/" in host


def archive_of(t: Trouble) -> str:
    """The file that the image is in, as a command names it; empty where it is to come from a registry."""
    return t.workload.archive if t.workload is not None else ""


def image_word(t: Trouble) -> str:
    """The image in a command: its reference, or the file that it is in."""
    return word(archive_of(t) or t.image, "IMAGE")


def host_word(t: Trouble) -> str:
    """The host's name in a command."""
    return word(t.host, "HOST")
