"""Remedies for what surrounds a program: its libraries, pages, user, directory, environment, layers."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

SURROUNDINGS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.LIBRARY_MISSING: (
            "A library that the program needs is not in the image, or not where its loader looks: install its package in "
            "the last stage, copy it beside the program, or link statically."
        ),
        Reason.WRONG_LIBRARY: (
            "A library is for another CPU or system: install it in the image's own build for each platform, and copy in no "
            "node_modules, wheels or site-packages of another machine (list them in .dockerignore)."
        ),
        Reason.LIBRARY_TOO_OLD: (
            "The program was built against newer or other libraries than the image has: build it in the release of the "
            "base that it runs in, take a newer base, or link statically (a glibc program needs a glibc base, not musl)."
        ),
        Reason.PAGE_SIZE_UNSUPPORTED: (
            "A file was built for smaller memory pages than this kernel has: link it for 64 KiB pages "
            "(-Wl,-z,max-page-size=65536; jemalloc: --with-lg-page=16), or boot a kernel with 4 KiB pages."
        ),
        Reason.USER_MISSING: (
            "The user or group is not in the image: create it in the Dockerfile before USER, or name it by number."
        ),
        Reason.PERMISSION_DENIED: (
            "The user that is to run the program may not read, enter or execute it: COPY --chmod=755 --chown=USER, and let "
            "every directory above it be entered (chmod a+x). Where the file wants a capability that the container lacks: give "
            "it (cap_add), or take it from the file (setcap -r)."
        ),
        Reason.WORKDIR_INVALID: (
            "The working directory is no directory that the user may enter: create it (WORKDIR /path, absolute), or "
            "correct the plan's."
        ),
        Reason.ENVIRONMENT_INVALID: (
            "An entry of the environment is no NAME=value: correct it in the image's ENV or in the plan."
        ),
        Reason.LAYER_MISSING: "The registry lacks a layer that the manifest names: push the image again.",
        Reason.LAYER_UNREADABLE: (
            "The host's engine cannot unpack a layer: build the image anew, or convert it "
            "(skopeo copy --format oci), then push it again."
        ),
        Reason.IMAGE_REFUSED: (
            "The host's engine takes no image of this form: name the image itself where the reference leads to a chart, a "
            "signature or another artifact; else build it with docker buildx or buildah, convert it "
            "(skopeo copy --format oci), or run it with an engine that takes it."
        ),
    }
)
"""A sentence each; the commands that go with it show what the image holds, then build it anew."""
