"""Remedies for an image in a file, of which no registry knows anything."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.builds import build, show
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.verdict.remedy.trouble import Trouble

_DAMAGED = (
    "What the file holds is damaged, or no image that every engine loads (the detail says what): save or build it anew."
)
_WHICH = "Name one of the images in the file behind its path, as the detail lists them."
_LAYER = "A layer in the file cannot be read (the detail says which): save or build the image anew."

_SAID: Mapping[Reason, str] = MappingProxyType({
    **dict.fromkeys(
        (
            Reason.IMAGE_MALFORMED, Reason.IMAGE_DIGEST_MISMATCH, Reason.IMAGE_NO_PLATFORMS, Reason.IMAGE_TOO_COMPLEX,
            Reason.IMAGE_ARCH_UNKNOWN, Reason.IMAGE_UNSUPPORTED, Reason.IMAGE_TOO_LARGE,
        ),
        _DAMAGED,
    ),
    **dict.fromkeys((Reason.IMAGE_NOT_FOUND, Reason.IMAGE_TAG_MISSING, Reason.IMAGE_AMBIGUOUS), _WHICH),
    Reason.IMAGE_NOT_AN_IMAGE: "The file holds no container image (a chart, a signature, an artifact): name another.",
    **dict.fromkeys((Reason.LAYER_UNKNOWN, Reason.LAYER_MISSING, Reason.LAYER_UNREADABLE), _LAYER),
})  # fmt: skip
"""What a registry has another word for; everything else is mended alike, wherever an image is."""


def archived(reason: Reason, t: Trouble) -> Fix | None:
    """What makes it right; ``None`` where that does not depend on where the image is."""
    said = _SAID.get(reason)
    if said is None:
        return None
    return Fix(said, show(t) if said == _WHICH else (*show(t), *build(t)))
