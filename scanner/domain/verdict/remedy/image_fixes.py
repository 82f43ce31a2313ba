"""Remedies for an image of which something is not known, or that a registry does not give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.builds import build, show, tag, why
from scanner.domain.verdict.remedy.trouble import host_word, image_word, is_platform, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.verdict.remedy.trouble import Trouble


LET_EXPORT = (
    "The image exists only on its host and its binary was not read: push it to a registry, or let hosts export it."
)
"""Of an image that no registry has, where nobody tried to read it on its host: there a setting helps."""


def lost(t: Trouble) -> Fix:
    """The tag moved on without this host's platform."""
    until = f"; until then name {t.running} in its plan, so that no pull replaces what runs" if t.running else ""
    return Fix(f"The tag no longer offers {t.needed or 'this platform'}: publish it again{until}.", build(t))


def next_pull(t: Trouble) -> Fix:
    """What the tag means today does not start."""
    if not t.running:
        return Fix(
            "What the tag means today would not start: build it again, before anything pulls it.", (*show(t), *build(t))
        )
    return Fix(
        f"What the tag means today would not start: point it back to what runs here ({t.running}), or build it again.",
        (f"docker buildx imagetools create --tag {tag(t)} {word(t.running, 'IMAGE@DIGEST')}",),
    )


def tag_gone(t: Trouble) -> Fix:
    """The registry has the digest still, or the host has the only copy."""
    if t.running:
        return Fix(
            f"The registry no longer has the tag: give it back to what runs here ({t.running}), or push it from the host, or name a tag "
            "that is there.",
            (f"docker buildx imagetools create --tag {tag(t)} {word(t.running, 'IMAGE@DIGEST')}",),
        )
    return Fix("The registry no longer has the tag: push it again, or name a tag that is there.", build(t) or show(t))


def survey(t: Trouble) -> Fix:
    """A survey is on its way."""
    return Fix(
        "The image's files are read between scans, planned images first; the gate reads them at once.",
        _check(t),
    )


def look_again(t: Trouble) -> Fix:
    """Something of the host is not known."""
    if t.failure is not None and t.failure.path:
        return Fix(
            f"It cannot be told from {t.failure.path}: mend what the detail names there, then scan again.", _scan(t)
        )
    return Fix("Nothing is proved yet: see the detail, then scan again.", _scan(t))


def _scan(t: Trouble) -> tuple[str, ...]:
    return _check(t) if is_platform(t.host) else (f"archscan scan --host {host_word(t)}",)


def _check(t: Trouble) -> tuple[str, ...]:
    """The gate's question, where an image is named to ask about."""
    to = "--platform" if is_platform(t.host) else "--host"
    return (f"archscan check {image_word(t)} {to} {host_word(t)}",) if t.image else ()


def _unanswered(t: Trouble) -> Fix:
    return Fix("The registry gave no usable answer: ask it the same by hand.", show(t))


def _unreachable(t: Trouble) -> Fix:
    return Fix("The registry cannot be reached from here: its name, the network, a proxy.", show(t))


def _tls(t: Trouble) -> Fix:
    return Fix(
        "The registry's certificate is not believed: name its authority, or renew it; one that is not valid yet, or no more, may "
        "only seem so by a wrong clock on this machine (date).",
        show(t),
    )


def _limited(t: Trouble) -> Fix:
    if t.failure is not None and t.failure.setting:
        return Fix(
            "What is left of the registry's limit is kept for others: log in, wait for its window, or leave less.",
            show(t),
        )
    return Fix(
        "The registry lets nobody ask more for now: log in or name a mirror.",
        show(t),
    )


def _damaged(t: Trouble) -> Fix:
    return Fix(
        "What the registry holds of the image is damaged or none that engines read: push it again.",
        (*show(t), *build(t)),
    )


def _no_image(t: Trouble) -> Fix:
    return Fix(
        "The reference leads to no container image (a chart, a signature, an artifact): name the image itself.", show(t)
    )


def _limit(t: Trouble) -> Fix:
    setting = t.failure.setting if t.failure and t.failure.setting else ""
    raised = (
        f"raise {setting} if the image is meant to be so large"
        if setting
        else "make the image smaller (fewer files, smaller layers)"
    )
    return Fix(f"A limit was reached while its layers were read, so that nothing is proved: {raised}.", show(t))


def _layer(t: Trouble) -> Fix:
    return Fix(
        "A layer of the image could not be read, so that its program is not known: the detail says which; push it again.",
        show(t),
    )


def _sealed(t: Trouble) -> Fix:
    return Fix(
        "A layer is encrypted or kept elsewhere, so that nobody can look into it: what runs on the host shows whether it starts.",
        why(t),
    )


def _binary(t: Trouble) -> Fix:
    if t.failure is not None and t.failure.setting == "PATH":
        return Fix(
            "PATH of the image has a directory that is not absolute: write it with its leading slash.",
            (*show(t), *build(t)),
        )
    what = f"What {t.path} is, or leads to, cannot be told" if t.path else "What argv leads to cannot be told"
    return Fix(
        f"{what} before it runs: the detail says why; once it has been up for a minute, its kernel shows it.", why(t)
    )


def _not_read(t: Trouble) -> Fix:
    return Fix(
        "Its program was not read: scan at the depth binary, or deeper.",
        (f"archscan scan --depth binary --host {host_word(t)}",),
    )


def _login(t: Trouble) -> Fix:
    return Fix(
        f"The registry denies {image_word(t)}: check the name, then the credentials.",
        show(t),
    )


def _publish(t: Trouble) -> Fix:
    return Fix(f"The registry has no {image_word(t)}: correct the reference or push it.", build(t) or show(t))


def _reference(t: Trouble) -> Fix:
    if "$" in t.image:
        return Fix(
            f"{t.image!r} names a variable that nobody sets: set it where the plan is read (.env beside it), or write its value."
        )
    return Fix(f"{t.image!r} is not an image reference: write it as registry/repository:tag.")


def _allow(_: Trouble) -> Fix:
    return Fix("This registry may not be asked as it is: if it is yours, allow it in the configuration.")


def _local(t: Trouble) -> Fix:
    if is_platform(t.host):
        return Fix(
            "It is taken from no registry, and no host is asked: push it, or save what was built and check that file.",
            why(t),
        )
    if t.workload is not None and t.workload.build_only:
        return Fix(
            "Its host builds it, for a platform that is not its own: pin that of the host (platform:), or none.", why(t)
        )
    if t.failure is not None:
        return Fix(
            "No registry has the image, and its host did not give it: push it, or do as the detail says.", why(t)
        )
    return Fix(LET_EXPORT, why(t))


def _refused(t: Trouble) -> Fix:
    return Fix("The engine refused to start it, and said why in the detail; nothing speaks for the CPU.", why(t))


def _crashed(t: Trouble) -> Fix:
    engine = word(str(t.engine), "docker") if t.engine else "docker"
    name = word(t.workload.name, "CONTAINER") if t.workload else "CONTAINER"
    return Fix(
        "It ends as programs do that never started, and nothing says why: its own last words may.",
        (f"{engine} logs --tail 50 {name}", *why(t)),
    )


def _exhausted(t: Trouble) -> Fix:
    return Fix(
        "Give archscan more: raise LimitNOFILE or TasksMax of its unit (ulimit -n, ulimit -u of a command), or scan fewer at once.",
        (f"archscan scan --host {host_word(t)}",),
    )


def _bug(t: Trouble) -> Fix:
    command = f"archscan scan --host {host_word(t)} --log.level debug"
    return Fix("This is a fault of archscan: please report it with the log.", (command,))


FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    **dict.fromkeys((Reason.IMAGE_UNREACHABLE, Reason.IMAGE_TIMEOUT), _unreachable),
    **dict.fromkeys(
        (
            Reason.IMAGE_REALM_REFUSED, Reason.IMAGE_REDIRECT_REFUSED, Reason.IMAGE_SERVER_ERROR, Reason.IMAGE_ENCODING_REFUSED,
            Reason.IMAGE_STALE,
        ),
        _unanswered,
    ),
    **dict.fromkeys(
        (
            Reason.IMAGE_MALFORMED, Reason.IMAGE_DIGEST_MISMATCH, Reason.IMAGE_AMBIGUOUS, Reason.IMAGE_NO_PLATFORMS,
            Reason.IMAGE_TOO_COMPLEX, Reason.IMAGE_ARCH_UNKNOWN, Reason.IMAGE_UNSUPPORTED, Reason.IMAGE_TOO_LARGE,
        ),
        _damaged,
    ),
    Reason.IMAGE_TLS_REJECTED: _tls,
    Reason.IMAGE_RATE_LIMITED: _limited,
    Reason.IMAGE_NOT_AN_IMAGE: _no_image,
    Reason.LAYER_LIMIT: _limit,
    Reason.LAYER_UNKNOWN: _layer,
    Reason.LAYER_ENCRYPTED: _sealed,
    Reason.LAYER_FOREIGN: _sealed,
    Reason.BINARY_UNKNOWN: _binary,
    Reason.BINARY_NOT_INSPECTED: _not_read,
    Reason.IMAGE_DENIED: _login,
    Reason.IMAGE_NOT_FOUND: _publish,
    Reason.IMAGE_TAG_MISSING: _publish,
    Reason.IMAGE_REFERENCE_INVALID: _reference,
    Reason.IMAGE_NOT_ALLOWED: _allow,
    Reason.IMAGE_LOCAL_ONLY: _local,
    Reason.ENGINE_REFUSED: _refused,
    Reason.CRASH_UNEXPLAINED: _crashed,
    Reason.SURVEY_PENDING: survey,
    Reason.INTERNAL_BUG: _bug,
    Reason.INTERNAL_EXHAUSTED: _exhausted,
}  # fmt: skip
