"""Engines: what they say when an image has no platform for the host."""

from __future__ import annotations

from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.phrases.phrase import Phrase, Speaker
from scanner.domain.verdict.reason import Reason

_PLATFORM = r"\(?[\w.-]{2,20}/[\w./-]{2,40}\)?"


def _phrase(  # noqa: PLR0913, PLR0917 -- a row has as many columns as a phrase has parts
    reason: Reason, says: str, said_by: str, cause: str, has: str, within: str, speaker: Speaker = Speaker.ENGINE
) -> Phrase:
    return Phrase(speaker, reason, says, said_by, cause, has, within=within)


_MISSING = (
    (
        "no matching manifest for linux/arm64/v8 in the manifest list entries", "Docker 1.13 to 29, Podman's Docker API, CRI (also of windows/amd64 10.0.x; unknown: a daemon that does not know its CPU)", "no matching manifest for",
        rf"no matching manifest for (?:unknown|{_PLATFORM}(?: \d[\d.]{{0,30}})?)(?: in the manifest list entries)?(?=$|[\s\"'\\,;:.)\]}}])",
    ),
    ("no match for platform in manifest: not found", "containerd 1.x and 2.x, Docker's containerd store, nerdctl, BuildKit, kubelet", "no match for platform", r"no match for platform(?: in manifest\b|(?=[:\"'\\,;.)]|$))(?:(?: sha256:\w{1,64}\S{0,2})?: not found)?"),
    ("no child with platform linux/amd64 in index docker.io/library/app:1", "go-containerregistry (ko, crane, Kaniko, Skaffold, Cloud Build)", "no child with platform", rf"no child with platform {_PLATFORM}(?: in index \S{{1,300}})?"),
    (
        'choosing an image from manifest list: no image found in image index for architecture "amd64", variant "v3", OS "linux"', "Podman, Buildah, Skopeo, CRI-O (manifest list or image index; before 2022 without quotes)", "no image found in",
        r"no image found in (?:image index|manifest list) for architecture \\{0,3}\"?\w{1,20}\\{0,3}\"?(?:, variant \\{0,3}\"[\w.]{0,20}\\{0,3}\")?(?:, OS \\{0,3}\"?\w{1,20})?",
    ),
    ("image with reference app:1 was found but does not provide the specified platform (linux/arm64)", "Docker 25 and newer with the containerd store", "does not provide", rf"does not provide (?:the specified platform {_PLATFORM}|(?:any )?platform.{{0,60}})"),
    ("no suitable node (unsupported platform on 3 nodes)", "Docker Swarm, as a task's error", "unsupported platform on", r"unsupported platform on \d{1,6} nodes?"),
    ("CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'", "Amazon ECS, Fargate (platform 1.4)", "descriptor matching platform", r"does not contain (?:a )?descriptor matching platform '?[\w./-]{1,40}'?"),
    ("snapshotter overlayfs does not support platform linux/arm64", "containerd 2.x", "does not support platform", rf"snapshotter \w{{1,40}} does not support platform {_PLATFORM}"),
    ("no supported platform found in manifest list", "Docker 1.10 to 17", "no supported platform", r"no supported platform found in manifest list"),
    (
        "Container manifest type 'application/vnd.oci.image.index.v1+json' must support amd64/linux.", "Cloud Run, App Engine; Lambda: the image manifest or layer media type is not supported, for an index", "must support",
        r"must support (?:amd64/linux|linux/amd64)",
    ),
    (
        'image operating system "linux" cannot be used on this platform', "Docker for Windows: operating systems, Windows builds (hcsshim)", 'operating system \\|operating system "|operating system does',
        r"image operating system \\{0,3}\"\w{1,20}\\{0,3}\" cannot be used on this platform|cannot download image with operating system \\{0,3}\"\w{1,20}\\{0,3}\" when requesting|container operating system does not match the host operating system",
    ),
    ("a Windows version 10.0.26100-based image is incompatible with a 10.0.20348 host", "Docker for Windows 17 and newer", "based image is incompatible", r"a Windows version \d[\d.]{1,30}-based image is incompatible with a \d[\d.]{1,30} host"),
    ("unpack: no unpack platforms defined", "nerdctl, ctr", "unpack platforms", r"no unpack platforms defined|no platforms? (?:specified )?(?:matches|match) the image"),
    (
        "image index does not contain a manifest for platform linux/arm64", "regctl, oras, apko, Testcontainers, nerdctl compose and other clients", "platform",
        rf"(?:manifest|index|image)\b.{{0,60}} (?:does not|doesn't) (?:contain|have|include|provide|support) .{{0,30}}platform:? '?{_PLATFORM}(?=$|[\s\"'\\,;:.)\]}}])|(?:manifest|index)\b.{{0,60}} (?:does not|doesn't) contain platform {_PLATFORM}|no matching (?:platform|image|manifest)s? (?:for )?(?:platform )?'?{_PLATFORM}(?=$|[\"'\\,;:.)\]}}])",
    ),
    ("image app:1 is not available for linux/arm64", "package feeds, marketplaces, Testcontainers, Helm hooks", "is not ", rf"\bimage\b.{{0,200}} is not (?:available|compatible|supported|built) (?:for|with|on) (?:platform )?'?{_PLATFORM}(?=$|[\s\"'\\,;:.)\]}}])"),
    ("could not find a manifest for platform linux/arm64 in app:1", "crane, regctl, oras, Apptainer and Kaniko", "for platform|with platform|matching platform|platform not found|requested platform", rf"(?:could not find|failed to find|no|cannot find) (?:a )?(?:matching )?(?:manifest|image|descriptor) (?:found )?(?:for|with|matching) platform:? '?{_PLATFORM}|platform not found: {_PLATFORM}|no image satisfies requested platform: {_PLATFORM}"),
)  # fmt: skip
_OTHER = (
    (
        "image with reference app:1 was found but its platform (linux/arm64) does not match the specified platform (linux/amd64)", "Docker 23 and newer (20.10: does not match the specified platform: wanted linux/amd64, actual: linux/arm64)",
        "match the specified platform", r"(?:its platform \([^)]{1,60}\) )?does not match the specified platform(?:: wanted [\w./-]{1,40}, actual: [\w./-]{1,40}| \([^)]{1,60}\))?|wanted (?:linux|windows|darwin)/[\w./-]{1,40}, actual: [\w./-]{1,40}",
    ),
    ("image platform linux/arm64 does not match node platform linux/amd64", "Kubernetes admission plugins, Nomad, Rancher", "does not match", rf"image(?:'s)? (?:platform|architecture) \\{{0,3}}\"?{_PLATFORM}\\{{0,3}}\"? does not match (?:the )?(?:node|host|cluster|machine)(?:'s)? (?:platform|architecture)(?: {_PLATFORM})?"),
    ("wanted linux/amd64, actual: linux/arm64", "Docker 20.10, in the same error", "actual: ", r"wanted (?:linux|windows|darwin)/[\w./-]{1,40}, actual: [\w./-]{1,40}"),
)  # fmt: skip
_WARNINGS = (
    (
        "The requested image's platform (linux/arm64/v8) does not match the detected host platform (linux/amd64/v3) and no specific platform was requested", "Docker 20.10 and newer (run, create, Compose), nerdctl",
        "does not match the detected host platform", r"requested image's platform \([^)]{1,60}\) does not match the detected host platform(?: \([^)]{1,60}\))?",
    ),
    ("image platform (linux/amd64) does not match the expected platform (linux/arm64)", "Podman 4 and newer, Buildah", "does not match the expected platform", r"image platform \([^)]{1,60}\) does not match the expected platform(?: \([^)]{1,60}\))?"),
    (
        'InvalidBaseImagePlatform: Base image app:1 was pulled with platform "linux/arm64", expected "linux/amd64" for current build', "BuildKit 0.16 and newer (docker build --check)", "was pulled with platform",
        r"was pulled with platform \\{0,3}\"[^\"]{1,60}\\{0,3}\", expected \\{0,3}\"[^\"]{1,60}\\{0,3}\"",
    ),
)  # fmt: skip

_ENDED = (
    r"(?:\bexited (?:with code |with exit code |with status |with exit status |- code |\()|"
    r"\b(?:terminated|completed) with exit code |returned a non-zero code: |"
    r"(?:^|: )exit (?:code|status):? |\bexit ?code\\{0,3}\"?: {0,12})"
)
_ENDING = "exited |exit code|exit status|exitcode|non-zero code"
_CODES = (
    (
        Reason.ILLEGAL_INSTRUCTION, "api-1 exited with code 132", "Docker Compose; docker ps and podman ps: Exited (132); kubectl describe (Exit Code: 132), kubectl exec; docker inspect",
        "132 is SIGILL: the CPU does not know an instruction of the program, which was built for a newer one (a program may also choose that number itself)", _ENDING, rf"{_ENDED}132\b\)?",
    ),
    (
        Reason.CRASH_UNEXPLAINED, "api-1 exited with code 139", "Docker Compose; docker ps and podman ps: Exited (139); kubectl describe (Exit Code: 139), kubectl exec; docker inspect",
        "139 is SIGSEGV, a crash: of the program itself, of the emulator under it, or since it was linked for smaller memory pages than this kernel has", _ENDING, rf"{_ENDED}139\b\)?",
    ),
)  # fmt: skip
"""A code is what the program made of its end, so that it proves nothing."""

_REFUSED = (
    r"unsupported media type (?:application/vnd\.(?:oci|cncf|docker|in-toto|dev\.cosign|wasm|goharbor|sylabs)\b|text/spdx\b)[\w./+-]{0,120}|unsupported image-specific operation on artifact with type .{0,140}|unknown image config media type [\w./+-]{1,120}|mismatched image rootfs and manifest layers|"
    r"number of layers and diffIDs don't match.{0,40}|encountered remote \\{0,3}\"[\w./+-]{1,120}\\{0,3}\"\(\w{1,20}\) when fetching|invalid rootfs in image configuration|^(?:docker: )?unsupported manifest format"
)
"""What engines say of the types and the parts of a manifest."""

_REGISTRY = (
    (
        Reason.LAYER_MISSING, "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:… from remote: not found", "containerd, Docker's containerd store",
        "the registry lacks a layer of the image", "from remote: not found", r"could not fetch content descriptor \S{1,200}(?: \([^)]{1,200}\))? from remote: not found",
    ),
    (Reason.LAYER_MISSING, "blob unknown to registry", "Docker, Podman, handing on the registry's words", "the registry lacks a layer of the image", "blob unknown", r"(?<!\w)blob unknown(?: to registry)?(?=$|[\s\"'\\,;:.)])"),
    (
        Reason.LAYER_UNREADABLE, "failed to register layer: archive/tar: invalid tar header", "Docker's classic store; containerd (failed to extract layer), Podman (adding layer with blob)",
        "a layer of the image is damaged, or packed in a way that the engine does not unpack", "layer",
        r"(?:failed to (?:register|extract) layer|adding layer with blob|apply(?:ing)? ?layer|apply layer error)\b.{0,600}(?:archive/tar: [a-z ]{1,60}|invalid tar header|gzip: invalid (?:checksum|header)|flate: corrupt input|unexpected EOF|magic number mismatch|no processor for media-type|duplicates of file paths not supported)",
    ),
    (
        Reason.IMAGE_REFUSED, "unsupported media type application/vnd.cncf.helm.config.v1+json", "Docker's classic store; Podman (operation on artifact), containerd (unknown image config media type, mismatched image rootfs)",
        "the engine takes no image of this form: the reference leads to a chart, a signature or another artifact, or its manifest and config do not fit together", "media type|on artifact|image rootfs|diffids|when fetching|manifest format|rootfs in image",
        _REFUSED,
    ),
    (
        Reason.IMAGE_TAG_MISSING, "manifest for app:1 not found: manifest unknown: manifest unknown", "Docker, Podman, containerd, handing on the registry's words", "the registry has no such tag or digest", "manifest unknown|manifest for|: not found",
        r"manifest unknown(?:: |$|[\"'\\,;.)])|manifest for \S{1,300} not found|[\w-]{1,60}\.[\w.-]{1,100}/[^\s:]{1,200}[:@][^\s:]{1,128}: not found(?=$|[\"'\\])",
    ),
    (
        Reason.IMAGE_DENIED, "pull access denied for app, repository does not exist or may require 'docker login'", "Docker, containerd, Podman, kubelet", "the registry denies the image, or has none of that name", "access denied|unauthorized: |is denied|no basic auth",
        r"pull access denied(?: for \S{1,300})?|unauthorized: (?:authentication required|incorrect username or password|access to the requested resource is not authorized)|requested access to the resource is denied|no basic auth credentials",
    ),
    (
        Reason.IMAGE_RATE_LIMITED, "toomanyrequests: You have reached your pull rate limit", "Docker Hub, handed on by any engine", "the registry asks to be left alone for now", "toomanyrequests|pull rate limit|too many requests",
        r"toomanyrequests: .{0,100}|you have reached your (?:unauthenticated )?pull rate limit|(?:pull|manifests|status code|unexpected status).{0,100}429 too many requests",
    ),
)  # fmt: skip

ENGINES = (
    *(_phrase(Reason.PLATFORM_MISSING, says, by, causes.NO_OFFER, has, within) for says, by, has, within in _MISSING),
    *(_phrase(Reason.WRONG_PLATFORM, says, by, causes.OTHER_PLATFORM, has, within) for says, by, has, within in _OTHER),
    *(
        _phrase(Reason.WRONG_PLATFORM, says, by, causes.WARNING, has, within, Speaker.WARNING)
        for says, by, has, within in _WARNINGS
    ),
    *(
        Phrase(Speaker.WARNING, reason, says, by, cause, has, within=within, is_fallback=True)
        for reason, says, by, cause, has, within in _CODES
    ),
    *(
        _phrase(reason, says, by, cause, has, within, Speaker.REGISTRY)
        for reason, says, by, cause, has, within in _REGISTRY
    ),
)
"""In the order in which they are tried. Warnings, like a registry's words, are explained, but prove nothing of a start."""
