"""What makes it right: for each reason the exact command or change."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.surroundings import SURROUNDINGS
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.platform.platform import Platform


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a remedy may speak of; names are the operator's own, as written in the inventory and on the host.

    ``needed`` is the platform the host asks for, ``offered`` what the image has. ``path`` is the file that the reason is
    about. ``running`` is a reference by digest that is known to have the needed platform.
    """

    host: str
    image: str
    needed: Platform | None = None
    offered: tuple[Platform, ...] = ()
    path: str = ""
    running: str = ""


def fix(reason: Reason, trouble: Trouble) -> Fix:
    """The fix of ``reason``; a verdict that needs none gets an empty one."""
    if reason is Reason.NATIVE:
        return Fix()
    if make := _FIXES.get(reason):
        return make(trouble)
    if told := SURROUNDINGS.get(reason):
        named = f"{trouble.path}: {told}" if trouble.path else told
        return Fix(named, (f"archscan image {trouble.image}", *_build(trouble)))
    if STATUS_OF[reason] is Status.UNKNOWN:
        return _UNKNOWN_FIXES.get(reason, _look_again)(trouble)
    return Fix("Rebuild the image for this host.", _build(trouble))


def with_hosts(given: Fix, hosts: tuple[str, ...], offered: tuple[Platform, ...]) -> Fix:
    """The same fix, naming hosts of the fleet where the image as it is would start."""
    if not hosts:
        return given
    shown = ", ".join(hosts[:MAX_HOSTS_NAMED]) + (" …" if len(hosts) > MAX_HOSTS_NAMED else "")
    platforms = ", ".join(map(str, offered))
    return Fix(f"{given.summary} Or run it where it fits ({platforms}): {shown}.", given.commands)


MAX_HOSTS_NAMED = 5
"""More names than these are no help on a page; the host list filters by platform."""


def _build(t: Trouble) -> tuple[str, ...]:
    """The build that offers what is there already beside what this host needs."""
    platforms = list(t.offered)
    if t.needed and t.needed not in platforms:
        platforms.append(t.needed)
    linux = sorted({str(p) for p in platforms if p.os == "linux"}) or sorted({str(p) for p in platforms})
    if not linux:
        return ()
    return (f"docker buildx build --platform {','.join(linux)} --tag {_tag(t.image)} --push .",)


def _tag(image: str) -> str:
    """A push goes to a tag; the digest of what is wrong is not where the right one goes."""
    return image.partition("@")[0]


def _rebuild(t: Trouble) -> Fix:
    return Fix(f"Build {_tag(t.image)} for {t.needed or 'this host'} too, then push it.", _build(t))


def _right_binary(t: Trouble) -> Fix:
    what = f"{t.path} " if t.path else "The program "
    return Fix(
        f"{what}inside the image is for another CPU than its label says: compile it per target "
        "(ARG TARGETARCH, or FROM --platform=$BUILDPLATFORM with a cross compiler) instead of copying one binary in.",
        _build(t),
    )


def _list_files(t: Trouble) -> tuple[str, ...]:
    """What shows every file for another CPU, those first that something takes."""
    return (f"archscan image {shlex.quote(t.image)} --all-binaries",)


def _userland(t: Trouble) -> Fix:
    what = f"{t.path} comes" if t.path else "Some files come"
    return Fix(
        f"{what} from a base image, or a build step, for another CPU: name the base by its tag or by the digest of its "
        "whole index, never by that of one platform, and build every platform on its own base.",
        (*_list_files(t), *_build(t)),
    )


def _may_start(t: Trouble) -> Fix:
    return Fix(
        f"A script may start {t.path or 'a program'}, which is for another CPU: compile it per target (ARG TARGETARCH), "
        "put its native twin beside it (NAME-amd64, NAME-arm64), or leave it out.",
        (*_list_files(t), *_build(t)),
    )


def _survey(t: Trouble) -> Fix:
    return Fix(
        "The image's files are read between scans, planned images first; the gate reads them at once.",
        (f"archscan check {shlex.quote(t.image)} --host {shlex.quote(t.host)}",),
    )


def _lower_level(t: Trouble) -> Fix:
    return Fix(
        "Compile for the oldest CPU of the fleet (GOAMD64=v1, -march=x86-64, GOARM as low as needed), "
        "or move the workload to a host with a newer CPU.",
        _build(t),
    )


def _native_variant(t: Trouble) -> Fix:
    return Fix(f"This host does not start 32-bit programs; build the image for {t.needed} as well.", _build(t))


def _emulated(t: Trouble) -> Fix:
    return Fix(f"It starts, slowly, through an emulator; build it for {t.needed} and pin no other platform.", _build(t))


def _emulator(t: Trouble) -> Fix:
    return Fix(
        "The registered emulator does not work inside containers: register it with the F flag, "
        "or build the image for this host.",
        ("docker run --privileged --rm tonistiigi/binfmt --install all", *_build(t)),
    )


def _shadowed(_: Trouble) -> Fix:
    return Fix(
        "A binfmt_misc handler takes this host's own programs: unregister it.",
        ("grep -l '^enabled' /proc/sys/fs/binfmt_misc/*", "echo -1 | sudo tee /proc/sys/fs/binfmt_misc/HANDLER"),
    )


def _config(t: Trouble) -> Fix:
    return Fix(
        "The platform in the image's own config is missing, or another one than index or binary say: "
        "rebuild, so that all of them agree.",
        _build(t),
    )


def _lost(t: Trouble) -> Fix:
    pin = (f"docker pull {t.running}",) if t.running else ()
    return Fix(
        f"The tag no longer offers {t.needed or 'this platform'}; publish it again, "
        "or pin the digest that runs now before the next pull.",
        (*pin, *_build(t)),
    )


def _file_name(t: Trouble) -> str:
    """The script's name as a shell word: it comes from inside the image, and people paste commands."""
    return shlex.quote(t.path.rpartition("/")[2] or "entrypoint.sh")


def _crlf(t: Trouble) -> Fix:
    name = _file_name(t)
    return Fix(
        f"{t.path or 'The script'} has Windows line ends, so the kernel looks for an interpreter named with a CR.",
        (f"sed -i 's/\\r$//' {name}", "echo '*.sh text eol=lf' >> .gitattributes", *_build(t)),
    )


def _bom(t: Trouble) -> Fix:
    name = _file_name(t)
    return Fix(
        f"{t.path or 'The script'} starts with a byte order mark or blank instead of '#!'.",
        (f"sed -i '1s/^\\xEF\\xBB\\xBF//' {name}", *_build(t)),
    )


def _shebang(t: Trouble) -> Fix:
    name = _file_name(t)
    return Fix(
        f"{t.path or 'The script'} does not begin with an interpreter line.",
        (f"sed -i '1i #!/bin/sh' {name}", *_build(t)),
    )


def _executable(t: Trouble) -> Fix:
    name = _file_name(t)
    return Fix(f"{t.path or 'The file'} is not executable.", (f"git update-index --chmod=+x {name}", *_build(t)))


def _install(t: Trouble) -> Fix:
    return Fix(
        f"{t.path or 'A file that argv names'} is not in the image: install or copy it, "
        "or name the right path in ENTRYPOINT or CMD.",
        (f"archscan image {t.image}",),
    )


def _loader(t: Trouble) -> Fix:
    return Fix(
        f"The program's loader {t.path} is not in the image (glibc binary on a musl base, or the reverse): "
        "link statically or use the base it was built for.",
        (f"archscan image {t.image}",),
    )


def _library(t: Trouble) -> Fix:
    return Fix(
        f"The loader does not find {t.path or 'a library that the program needs'}: install the package that holds it "
        "into the image, or run ldconfig in the image's build if it is there.",
        (f"archscan image {t.image}",),
    )


def _older_base(t: Trouble) -> Fix:
    return Fix(
        f"{t.path or 'A library of the image'} is older than the one that the program was built with: build on the base "
        "that it runs on, or take a newer base.",
        (f"archscan image {t.image}",),
    )


def _file(t: Trouble) -> Fix:
    return Fix(f"{t.path or 'What argv names'} is not a program the kernel can start: build it again.", _build(t))


def _runtime(t: Trouble) -> Fix:
    return Fix(
        "The host's own runtime said so: see what the image holds, then rebuild it for this host.",
        (f"archscan image {t.image}", *_build(t)),
    )


_FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    Reason.EMULATED: _emulated,
    Reason.NATIVE_SHADOWED: _shadowed,
    Reason.CONFIG_DISAGREES: _config,
    Reason.MISLABELLED: _config,
    Reason.PLATFORM_LOST: _lost,
    Reason.NEXT_PULL_BROKEN: _lost,
    Reason.FOREIGN_USERLAND: _userland,
    Reason.HEALTHCHECK_WRONG_BINARY: _userland,
    Reason.PLATFORM_MISSING: _rebuild,
    Reason.WRONG_PLATFORM: _rebuild,
    Reason.WRONG_BINARY: _right_binary,
    Reason.WRONG_LOADER: _right_binary,
    Reason.WRONG_LIBRARY: _right_binary,
    Reason.WRONG_INTERPRETER: _right_binary,
    Reason.CPU_LEVEL_TOO_LOW: _lower_level,
    Reason.AARCH32_MISSING: _native_variant,
    Reason.IA32_MISSING: _native_variant,
    Reason.EMULATOR_UNUSABLE: _emulator,
    Reason.EXEC_FORMAT_ERROR: _runtime,
    Reason.ILLEGAL_INSTRUCTION: _lower_level,
    Reason.NO_COMMAND: lambda t: Fix(
        "The image names no program: set ENTRYPOINT or CMD.", (f"archscan image {t.image}",)
    ),
    Reason.NO_SHEBANG: _shebang,
    Reason.CRLF_SHEBANG: _crlf,
    Reason.BOM_SHEBANG: _bom,
    Reason.SHEBANG_TOO_LONG: lambda t: Fix(
        f"The interpreter line of {t.path} is longer than the kernel reads: shorten the path.",
    ),
    Reason.SHEBANG_TOO_DEEP: lambda t: Fix(f"{t.path} goes through too many scripts: name the program itself."),
    Reason.INTERPRETER_MISSING: _install,
    Reason.INTERPRETER_NOT_EXECUTABLE: _executable,
    Reason.LOADER_MISSING: _loader,
    Reason.LIBRARY_MISSING: _library,
    Reason.LIBRARY_TOO_OLD: _older_base,
    Reason.LOADER_INVALID: _loader,
    Reason.ENTRYPOINT_MISSING: _install,
    Reason.ENTRYPOINT_NOT_EXECUTABLE: _executable,
    Reason.ENTRYPOINT_DIRECTORY: _install,
    Reason.ENTRYPOINT_EMPTY: _file,
    Reason.ENTRYPOINT_TRUNCATED: _file,
    Reason.NOT_A_PROGRAM: _file,
    Reason.SYMLINK_LOOP: _install,
}


def _look_again(t: Trouble) -> Fix:
    return Fix("Nothing is proved yet: see the detail, then scan again.", (f"archscan scan --host {t.host}",))


def _ssh(t: Trouble) -> Fix:
    return Fix(
        "The host did not answer over SSH as it should: try the same login by hand.",
        (f"archscan scan --host {t.host} --log.level debug",),
    )


def _host_key(t: Trouble) -> Fix:
    return Fix(
        f"The host key of {t.host} is not the one in known_hosts: find out why before trusting it, "
        "compare it on the host's console, then update known_hosts.",
        ("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",),
    )


def _login(_: Trouble) -> Fix:
    return Fix(
        "The host refused the scanner's key: install its line in the account's authorized_keys.",
        ("archscan authorized-key",),
    )


def _engine_down(t: Trouble) -> Fix:
    return Fix(
        f"The container engine on {t.host} does not answer: start it.", ("systemctl status docker podman containerd",)
    )


def _engine_denied(_: Trouble) -> Fix:
    return Fix(
        "The scanner's account may not ask the engine: install the probe with its sudo rule.",
        ("archscan probe-script --sudoers",),
    )


def _engine_absent(t: Trouble) -> Fix:
    return Fix(f"No container engine was found on {t.host}: install one, or take the planned image off this host.")


def _registry(t: Trouble) -> Fix:
    return Fix("The registry gave no usable answer: ask it the same by hand.", (f"archscan image {t.image}",))


def _registry_login(t: Trouble) -> Fix:
    return Fix(
        f"The registry denies {t.image}: check the name, then the credentials under registries: in archscan.yml.",
        (f"archscan image {t.image}",),
    )


def _publish(t: Trouble) -> Fix:
    return Fix(
        f"The registry has no {t.image}: correct the reference or push it.", _build(t) or (f"archscan image {t.image}",)
    )


def _reference(t: Trouble) -> Fix:
    return Fix(f"{t.image!r} is not an image reference: write it as registry/repository:tag.")


def _allow(_: Trouble) -> Fix:
    return Fix("This registry may not be asked as it is: if it is yours, allow it in the configuration.")


def _local(_: Trouble) -> Fix:
    return Fix("The image exists only on its host and its binary was not read: push it to a registry.")


def _bug(t: Trouble) -> Fix:
    command = f"archscan scan --host {t.host} --log.level debug"
    return Fix("This is a fault of archscan: please report it with the log.", (command,))


_SSH = {
    Reason.HOST_REFUSED, Reason.HOST_UNREACHABLE, Reason.HOST_NAME, Reason.HOST_TIMEOUT, Reason.HOST_PROTOCOL,
    Reason.HOST_BASTION, Reason.HOST_INCOMPLETE, Reason.HOST_TOO_LARGE, Reason.HOST_MALFORMED,
}  # fmt: skip
_REGISTRY = {
    Reason.IMAGE_UNREACHABLE, Reason.IMAGE_TLS_REJECTED, Reason.IMAGE_TIMEOUT, Reason.IMAGE_REALM_REFUSED,
    Reason.IMAGE_REDIRECT_REFUSED, Reason.IMAGE_RATE_LIMITED, Reason.IMAGE_SERVER_ERROR, Reason.IMAGE_TOO_LARGE,
    Reason.IMAGE_MALFORMED, Reason.IMAGE_ENCODING_REFUSED, Reason.IMAGE_DIGEST_MISMATCH, Reason.IMAGE_AMBIGUOUS,
    Reason.IMAGE_NO_PLATFORMS, Reason.IMAGE_TOO_COMPLEX, Reason.IMAGE_ARCH_UNKNOWN, Reason.IMAGE_UNSUPPORTED,
    Reason.IMAGE_NOT_AN_IMAGE, Reason.IMAGE_STALE, Reason.LAYER_UNREADABLE, Reason.LAYER_ENCRYPTED,
    Reason.LAYER_FOREIGN, Reason.LAYER_LIMIT, Reason.BINARY_UNKNOWN, Reason.BINARY_NOT_INSPECTED,
}  # fmt: skip
_UNKNOWN_FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    **dict.fromkeys(_SSH, _ssh),
    **dict.fromkeys(_REGISTRY, _registry),
    Reason.HOST_KEY_UNKNOWN: _host_key,
    Reason.HOST_KEY_CHANGED: _host_key,
    Reason.HOST_KEY_REJECTED: _host_key,
    Reason.HOST_AUTH_REJECTED: _login,
    Reason.ENGINE_DOWN: _engine_down,
    Reason.ENGINE_DENIED: _engine_denied,
    Reason.ENGINE_ABSENT: _engine_absent,
    Reason.IMAGE_DENIED: _registry_login,
    Reason.IMAGE_NOT_FOUND: _publish,
    Reason.IMAGE_TAG_MISSING: _publish,
    Reason.IMAGE_REFERENCE_INVALID: _reference,
    Reason.IMAGE_NOT_ALLOWED: _allow,
    Reason.IMAGE_LOCAL_ONLY: _local,
    Reason.SURVEY_PENDING: _survey,
    Reason.FOREIGN_BINARIES: _may_start,
    Reason.INTERNAL_BUG: _bug,
}
