"""Remedies for files of an image: scripts, interpreters, loaders, libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict.remedy.builds import build, list_files, show
from scanner.domain.verdict.remedy.trouble import word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from scanner.domain.verdict.remedy.trouble import Trouble


NODE_MODULES = "node_modules"
"""Where npm, yarn, pnpm put what they fetch for the platform on which they run."""


def _base(t: Trouble) -> str:
    """The file's own name, by which it is found in the sources."""
    return word(t.path.rpartition("/")[2], "FILE")


def _path(t: Trouble) -> str:
    """The file's path inside the image."""
    return word(t.path, "PATH")


def _in_sources(t: Trouble, command: str) -> str:
    """A command over the file of that name, wherever in the checkout it lies."""
    return f"git ls-files -z '{_base(t)}' '*/{_base(t)}' | xargs -0 {command}"


def right_binary(t: Trouble) -> Fix:
    """A file is for another CPU than the label."""
    if NODE_MODULES in t.path.split("/"):
        return Fix(
            f"{t.path} was installed for another platform, or copied from one: keep {NODE_MODULES} out of the build's context and "
            "install it in the image's own build (RUN npm ci).",
            (f"echo '**/{NODE_MODULES}' >> .dockerignore", *build(t)),
        )
    what = f"{t.path} " if t.path else "The program "
    return Fix(
        f"{what}inside the image is for another CPU, or another system, than its label says: compile it per target "
        "(ARG TARGETOS and TARGETARCH, or FROM --platform=$BUILDPLATFORM with a cross compiler) instead of copying one binary in.",
        build(t),
    )


def userland(t: Trouble) -> Fix:
    """Files beside the program."""
    what = f"{t.path} comes" if t.path else "Some files come"
    return Fix(
        f"{what} from a base image, or a build step, for another CPU: name the base by its tag or by the digest of its "
        "whole index, never by that of one platform, and build every platform on its own base.",
        (*list_files(t), *build(t)),
    )


def may_start(t: Trouble) -> Fix:
    """What a script may start."""
    return Fix(
        f"A script may start {t.path or 'a program'}, which is for another CPU: compile it per target (ARG TARGETARCH), "
        "put its native twin beside it (NAME-amd64, NAME-arm64), or leave it out.",
        (*list_files(t), *build(t)),
    )


def lower_level(t: Trouble) -> Fix:
    """Compiled for a newer CPU."""
    return Fix(
        "Compile for the oldest CPU of the fleet (GOAMD64=v1, -march=x86-64, GOARM as low as needed), "
        "or move the workload to a host with a newer CPU.",
        build(t),
    )


def native_variant(t: Trouble) -> Fix:
    """A 32-bit program where none starts."""
    return Fix(f"This host does not start 32-bit programs; build the image for {t.needed} as well.", build(t))


def config(t: Trouble) -> Fix:
    """The image's own words about its platform."""
    return Fix(
        "The platform in the image's own config is missing, or another one than index or binary say: "
        "rebuild, so that all of them agree.",
        build(t),
    )


def crlf(t: Trouble) -> Fix:
    """Windows line ends."""
    return Fix(
        f"{t.path or 'The script'} has Windows line ends, so the kernel looks for an interpreter named with a CR. Mend it in "
        "the sources, and keep Git from putting them back.",
        (
            _in_sources(t, "sed -i 's/\\r$//'"),
            f"echo '{_base(t)} text eol=lf' >> .gitattributes",
            *build(t),
        ),
    )


def bom(t: Trouble) -> Fix:
    """UTF-8's byte order mark."""
    return Fix(
        f"{t.path or 'The script'} starts with a byte order mark instead of '#!': save it as UTF-8 without one.",
        (_in_sources(t, "sed -i '1s/^\\xEF\\xBB\\xBF//'"), *build(t)),
    )


def utf16(t: Trouble) -> Fix:
    """UTF-16, as PowerShell's ``>`` writes it."""
    name = _base(t)
    return Fix(
        f"{t.path or 'The script'} is written in UTF-16 (as PowerShell's > does), of which the kernel reads no '#!': convert it "
        "to UTF-8, with the line ends of Unix.",
        (
            _in_sources(
                t,
                f'sh -c \'iconv -f UTF-16 -t UTF-8 "$0" | tr -d "\\r" > {name}.utf8 && cat {name}.utf8 > "$0" && rm {name}.utf8\'',
            ),
            *build(t),
        ),
    )


def shebang(t: Trouble) -> Fix:
    """No interpreter line."""
    return Fix(
        f"{t.path or 'The script'} does not begin with an interpreter line: its first two bytes must be '#!'.",
        (_in_sources(t, "perl -0777 -pi -e 's/^\\s+(?=#!)//; s{^(?!#!)}{#!/bin/sh\\n}'"), *build(t)),
    )


def executable(t: Trouble) -> Fix:
    """No execute bit, on the very file that lacks it."""
    return Fix(
        f"{t.path or 'The file'} is not executable: set its execute bit in the Dockerfile (COPY --chmod=0755, or "
        f"RUN chmod 0755 {_path(t)}), or in Git where it is copied from there.",
        (_in_sources(t, "chmod a+x"), _in_sources(t, "git update-index --chmod=+x"), *build(t)),
    )


def executable_interpreter(t: Trouble) -> Fix:
    """An interpreter comes from a base image or a package, not from the sources."""
    return Fix(
        f"The interpreter {t.path or 'of the script'} is not executable in the image: RUN chmod 0755 {_path(t)} in the Dockerfile, "
        "or take it from its package again.",
        build(t),
    )


def install(t: Trouble) -> Fix:
    """A file that argv or a script names."""
    return Fix(
        f"{t.path or 'A file that argv names'} is not in the image: install or copy it, "
        "or name the right path in ENTRYPOINT or CMD.",
        show(t),
    )


def interpreter(t: Trouble) -> Fix:
    """What a script's first line names."""
    return Fix(
        f"{t.path or 'The interpreter that the script names'} is not in the image: install it, or write one that is there "
        "into the script's first line (#!/bin/sh where it needs no more).",
        (*show(t), *build(t)),
    )


def loader(t: Trouble) -> Fix:
    """The loader that a program asks for."""
    return Fix(
        f"{t.path or 'The loader that the program names'} is not in the image, or is no loader for it (a glibc binary on a musl base, or the reverse): "
        "link statically (CGO_ENABLED=0, -static), or use the base it was built for.",
        (*show(t), *build(t)),
    )


def no_library(t: Trouble) -> Fix:
    """A library that the loader does not find."""
    return Fix(
        f"The loader does not find {t.path or 'a library that the program needs'}: install the package that holds it "
        "into the image, or run ldconfig in the image's build if it is there.",
        show(t),
    )


def older_base(t: Trouble) -> Fix:
    """A library older than the program."""
    return Fix(
        f"{t.path or 'A library of the image'} is older than the one that the program was built with: build on the base "
        "that it runs on, or take a newer base.",
        show(t),
    )


def damaged(t: Trouble) -> Fix:
    """Neither program nor script."""
    return Fix(f"{t.path or 'What argv names'} is not a program the kernel can start: build it again.", build(t))


def runtime(t: Trouble) -> Fix:
    """The runtime's own words, and nothing more precise."""
    return Fix(
        "The host's own runtime said so: see what the image holds, then rebuild it for this host.",
        (*show(t), *build(t)),
    )


def no_command(t: Trouble) -> Fix:
    """Nothing to start."""
    return Fix("The image names no program: set ENTRYPOINT or CMD, or name one in the plan.", show(t))


def too_long(t: Trouble) -> Fix:
    """An interpreter line beyond what the kernel reads."""
    return Fix(
        f"The interpreter line of {t.path or 'the script'} is longer than the kernel reads: shorten the path.", build(t)
    )


def too_deep(t: Trouble) -> Fix:
    """Scripts that run scripts."""
    return Fix(f"{t.path or 'The script'} goes through too many scripts: name the program itself.", build(t))
