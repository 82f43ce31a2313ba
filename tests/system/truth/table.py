"""Every kind of image whose verdict is held against what real engines make of it."""

from __future__ import annotations

from tests.system.truth import binaries, commands, forms, scripts, trees

KINDS = forms.KINDS + binaries.KINDS + scripts.KINDS + commands.KINDS + trees.KINDS

PODMAN_KINDS = tuple(kind for kind in forms.KINDS + commands.KINDS + trees.KINDS if not kind.overlay)
"""Where Podman may differ: what it selects, what it makes of the config, how it unpacks. What a kernel makes of a file
is no different, for both hand it to runc; its storage driver here (vfs) writes through symbolic links."""
