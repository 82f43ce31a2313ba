"""Building an image for what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.image.reference import ImageReference
from scanner.domain.verdict.remedy.trouble import archive_of, image_word, is_platform, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.remedy.trouble import Trouble

PODMANS_OWN = "localhost"
"""The registry that Podman puts in front of the names of what it built."""


def build(t: Trouble) -> tuple[str, ...]:
    """The build that offers what is there already beside what this host needs."""
    if t.needed and t.needed.os != "linux" and not archive_of(t):
        return _appended(t, t.needed)
    if is_on_host(t) and t.needed is not None:
        platform = word(str(t.needed), "PLATFORM")
        by = "podman build" if t.engine == "podman" else "docker buildx build --load"
        return (f"{by} --platform {platform} --tag {tag(t)} .",)
    platforms = list(dict.fromkeys((*t.offered, *t.beside)))
    if t.needed and t.needed not in platforms:
        platforms.append(t.needed)
    linux = sorted({str(p) for p in platforms if p.os == "linux"}) or sorted({str(p) for p in platforms})
    if not linux:
        return ()
    wanted = word(",".join(linux), "PLATFORMS")
    return (f"docker buildx build --platform {wanted} {_to(t)} .",)


def is_on_host(t: Trouble) -> bool:
    """Whether the image was built on its host under a name that no registry has, so that nothing can be pushed to it."""
    local = t.workload.local if t.workload is not None else None
    if local is None or local.process is None or local.repo_digests or not isinstance(t.reference, ImageReference):
        return False
    return t.reference.registry == PODMANS_OWN or "/" not in t.image.partition("@")[0]


def _to(t: Trouble) -> str:
    """Where a build goes: to the registry, or into the file that was to be judged before it goes anywhere."""
    kind, _, rest = archive_of(t).partition(":")
    if not kind:
        return f"--tag {tag(t)} --push"
    return f"--output type=oci,{'tar=false,' if kind == 'oci' else ''}dest={word(rest.partition(':')[0], 'FILE')}"


def _appended(t: Trouble, needed: Platform) -> tuple[str, ...]:
    """Another system needs a base and a Dockerfile of its own: its image is put beside what the tag offers."""
    is_bare = isinstance(t.reference, ImageReference) and t.reference.tag is None and t.reference.digest is None
    own = f"{tag(t)}{':latest' if is_bare else ''}-{word(needed.os, 'OS')}"
    return (
        f"docker buildx build --platform {word(str(needed), 'PLATFORM')} --tag {own} --push .",
        f"docker buildx imagetools create --append --tag {tag(t)} {own}",
    )


def tag(t: Trouble) -> str:
    """A push goes to a tag; the digest of what is wrong is not where the right one goes."""
    named = t.reference
    if not isinstance(named, ImageReference) or named.digest is None:
        return image_word(t)
    return f"{t.image.removesuffix(named.suffix)}:{named.tag or 'TAG'}"


def show(t: Trouble) -> tuple[str, ...]:
    """What shows what the image holds, where one is named."""
    if archive_of(t):
        return (f"skopeo inspect --raw {image_word(t)}",)
    return (f"archscan image {image_word(t)}",) if t.image else ()


def list_files(t: Trouble) -> tuple[str, ...]:
    """What shows every file for another CPU, those first that something takes."""
    if archive_of(t):
        return ()
    return (f"archscan image {image_word(t)} --all-binaries",)


def why(t: Trouble) -> tuple[str, ...]:
    """What shows the whole chain of evidence; that of a plain host no configuration knows."""
    if t.workload is None or not t.workload.name or is_platform(t.host):
        return show(t)
    return (f"archscan why {word(t.host, 'HOST')} {word(t.workload.name, 'WORKLOAD')}",)


def add_platform(t: Trouble) -> Fix:
    """The tag does not offer what the host needs, or something else under that name."""
    named = ", ".join(map(str, t.offered))
    how = f"too (it has {named} today)" if named else "too"
    if t.needed in t.offered:
        how = "anew, since what it offers as that platform is for another one"
    pinned = ""
    if t.pin is not None:
        pinned = f" Nor may {t.pin.platform} be asked for any more ({t.pin.at or 'its pin'})."
    if archive_of(t):
        return Fix(f"Build it for {t.needed or 'this host'} {how}, before it is pushed.{pinned}", build(t))
    if is_on_host(t):
        return Fix(
            f"Build {tag(t)} for {t.needed or 'this host'} on {t.host}, where its only copy is.{pinned}", build(t)
        )
    return Fix(f"Build {tag(t)} for {t.needed or 'this host'} {how}, then push it.{new_digest(t)}{pinned}", build(t))


def new_digest(t: Trouble) -> str:
    """Who names a digest gets the old image until the new one's is named."""
    return " Whatever names the old digest must then name the new one." if "@" in t.image else ""
