"""What each reason means, in one sentence for the operator."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.platform.platform import Platform
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

MEANING: Mapping[Reason, str] = MappingProxyType({
    Reason.NATIVE: "Every layer of evidence that was asked for says that it starts natively.",
    Reason.EMULATED: "It starts only through an emulator that the host has registered in binfmt_misc.",
    Reason.NATIVE_SHADOWED: "A binfmt_misc handler takes even programs that the host could run natively.",
    Reason.CONFIG_DISAGREES: "The index and the image's own config name different platforms.",
    Reason.MISLABELLED: "It starts, but the image's label names another CPU than its binary is for.",
    Reason.PLATFORM_LOST: "It runs, but its tag no longer has this platform: the next pull breaks it.",
    Reason.NEXT_PULL_BROKEN: "It runs, but what its tag means today would not start.",
    Reason.TAG_GONE: "It runs, but the registry no longer has its tag: the next pull fails.",
    Reason.FOREIGN_USERLAND: "The program starts, but files of the image that something starts are for another CPU.",
    Reason.HEALTHCHECK_WRONG_BINARY: "The program starts, but what its health check or hook runs is for another CPU.",
    Reason.PAGE_SIZE_SUSPECT: "The program may have been built for smaller memory pages than this kernel has.",
    Reason.PLATFORM_MISSING: "The image offers no platform that the host's engine accepts, so the pull fails.",
    Reason.WRONG_PLATFORM: "The image is for another CPU, and the engine takes it all the same.",
    Reason.WRONG_BINARY: "The program inside is for another CPU, whatever the image's label says.",
    Reason.WRONG_LOADER: "The program's dynamic loader is for another CPU than the program.",
    Reason.WRONG_INTERPRETER: "The script's interpreter is for another CPU.",
    Reason.WRONG_LIBRARY: "A library that the program needs is in the image for another CPU only.",
    Reason.PAGE_SIZE_UNSUPPORTED: "The program's segments cannot be mapped with this kernel's memory pages.",
    Reason.CPU_LEVEL_TOO_LOW: "The program needs CPU instructions that this host does not have.",
    Reason.AARCH32_MISSING: "This 64-bit ARM host does not run 32-bit ARM programs.",
    Reason.IA32_MISSING: "This 64-bit x86 host does not run 32-bit x86 programs.",
    Reason.EMULATOR_UNUSABLE: "An emulator is registered, but without the F flag, so that it fails in containers.",
    Reason.EXEC_FORMAT_ERROR: "The host's runtime has said exec format error.",
    Reason.ILLEGAL_INSTRUCTION: "The program died on an instruction that the CPU does not know.",
    Reason.NO_COMMAND: "Neither the image nor the container names a program to start.",
    Reason.NO_SHEBANG: "The entrypoint is a script without an interpreter line.",
    Reason.CRLF_SHEBANG: "The script has Windows line ends, so that its interpreter is not found.",
    Reason.BOM_SHEBANG: "Something stands before the script's interpreter line, such as a byte order mark.",
    Reason.SHEBANG_TOO_LONG: "The interpreter line is longer than the kernel reads.",
    Reason.SHEBANG_TOO_DEEP: "Scripts interpret scripts deeper than the kernel follows.",
    Reason.INTERPRETER_MISSING: "The script's interpreter is not in the image.",
    Reason.INTERPRETER_NOT_EXECUTABLE: "The script's interpreter is not executable.",
    Reason.LOADER_MISSING: "The program's dynamic loader is not in the image (glibc or musl).",
    Reason.LOADER_INVALID: "The program's dynamic loader is no program.",
    Reason.ENTRYPOINT_MISSING: "The program that argv names is not in the image.",
    Reason.ENTRYPOINT_NOT_EXECUTABLE: "The program that argv names is not executable.",
    Reason.ENTRYPOINT_DIRECTORY: "What argv names is a directory.",
    Reason.ENTRYPOINT_EMPTY: "The program that argv names is an empty file.",
    Reason.ENTRYPOINT_TRUNCATED: "The program that argv names is cut off.",
    Reason.NOT_A_PROGRAM: "What argv names is no program that Linux can start.",
    Reason.SYMLINK_LOOP: "The path that argv names goes through too many symbolic links.",
    Reason.LIBRARY_MISSING: "A library that the program needs is not in the image.",
    Reason.LIBRARY_TOO_OLD: "The image's libraries lack a version that the program needs.",
    Reason.USER_MISSING: "The user or group that is to run the program is not in the image.",
    Reason.PERMISSION_DENIED: "The user that is to run the program may not execute it.",
    Reason.WORKDIR_INVALID: "The working directory is no directory.",
    Reason.ENVIRONMENT_INVALID: "The environment holds what no engine accepts.",
    Reason.LAYER_MISSING: "The registry lacks a layer that the image's manifest names, so the pull fails.",
    Reason.HOST_REFUSED: "The host refuses connections on its SSH port.",
    Reason.HOST_UNREACHABLE: "There is no way to the host's address.",
    Reason.HOST_NAME: "The host's name does not resolve.",
    Reason.HOST_TIMEOUT: "The host did not answer within the deadline.",
    Reason.HOST_PROTOCOL: "What answers on the host's SSH port does not speak SSH as it should.",
    Reason.HOST_KEY_UNKNOWN: "The host's key is not in known_hosts.",
    Reason.HOST_KEY_CHANGED: "The host shows another key than known_hosts has.",
    Reason.HOST_KEY_REJECTED: "The host's key is revoked, or its certificate is not valid.",
    Reason.HOST_AUTH_REJECTED: "The host does not accept the scanner's key.",
    Reason.HOST_BASTION: "The bastion in front of the host cannot be used.",
    Reason.HOST_INCOMPLETE: "The probe's answer was cut short.",
    Reason.HOST_TOO_LARGE: "The probe's answer is longer than allowed.",
    Reason.HOST_TOO_MANY: "The host has more containers than are judged.",
    Reason.HOST_MALFORMED: "The probe's answer cannot be understood.",
    Reason.HOST_ARCH_UNKNOWN: "The host's machine type is not known, or is ambiguous.",
    Reason.HOST_CONTRADICTORY: "The host's kernel and its engine contradict each other.",
    Reason.HOST_STALE: "What is known of the host is older than the gate accepts, or of another machine that had its name.",
    Reason.ENGINE_ABSENT: "The host has no container engine that could run this.",
    Reason.ENGINE_DOWN: "The host's container engine does not answer.",
    Reason.ENGINE_DENIED: "The scanner's account may not ask the host's container engine.",
    Reason.ENGINE_UNKNOWN: "What the host's container engine would do is not known.",
    Reason.PART_INCOMPLETE: "A part of the probe's answer is missing or was cut.",
    Reason.CPU_LEVEL_UNKNOWN: "Whether the host's CPU has the instructions needed is not known.",
    Reason.AARCH32_UNKNOWN: "Whether this host runs 32-bit ARM programs is not known.",
    Reason.IA32_UNKNOWN: "Whether this host runs 32-bit x86 programs is not known.",
    Reason.EMULATOR_UNKNOWN: "Whether the host has an emulator for this is not known.",
    Reason.IMAGE_REFERENCE_INVALID: "This is no image reference.",
    Reason.IMAGE_LOCAL_ONLY: "The image exists only on its host, and its binary was not read.",
    Reason.IMAGE_NOT_ALLOWED: "The image's registry may not be asked.",
    Reason.IMAGE_UNREACHABLE: "The registry cannot be reached.",
    Reason.IMAGE_TLS_REJECTED: "The registry's certificate is not valid.",
    Reason.IMAGE_TIMEOUT: "The registry did not answer within the deadline.",
    Reason.IMAGE_REALM_REFUSED: "The registry sends its clients to a token server that it may not name.",
    Reason.IMAGE_REDIRECT_REFUSED: "The registry redirects to a place that it may not name.",
    Reason.IMAGE_DENIED: "The registry denies access to the image.",
    Reason.IMAGE_TAG_MISSING: "The registry has no such tag or digest.",
    Reason.IMAGE_NOT_FOUND: "The registry has no such repository, or does not say.",
    Reason.IMAGE_RATE_LIMITED: "The registry asks to be left alone for now.",
    Reason.IMAGE_SERVER_ERROR: "The registry failed to answer.",
    Reason.IMAGE_TOO_LARGE: "The registry's answer is longer than allowed.",
    Reason.IMAGE_MALFORMED: "The registry's answer cannot be understood.",
    Reason.IMAGE_ENCODING_REFUSED: "The registry's answer is compressed although that was declined.",
    Reason.IMAGE_DIGEST_MISMATCH: "The registry's answer does not have the digest that it should.",
    Reason.IMAGE_AMBIGUOUS: "The registry's document can be read in two ways.",
    Reason.IMAGE_NO_PLATFORMS: "The index lists no image.",
    Reason.IMAGE_TOO_COMPLEX: "The index is deeper or longer than any real one.",
    Reason.IMAGE_ARCH_UNKNOWN: "Neither index nor config tells what CPU the image is for.",
    Reason.IMAGE_UNSUPPORTED: "The image has the old schema 1, which current engines refuse.",
    Reason.IMAGE_NOT_AN_IMAGE: "The reference leads to an artifact, such as a Helm chart.",
    Reason.IMAGE_STALE: "Only an old answer of the registry is known.",
    Reason.LAYER_UNREADABLE: "A layer of the image cannot be read.",
    Reason.LAYER_ENCRYPTED: "A layer of the image is encrypted.",
    Reason.LAYER_FOREIGN: "A layer of the image is to be had only elsewhere, which is never followed.",
    Reason.LAYER_LIMIT: "Reading the image's layers reached a limit.",
    Reason.BINARY_UNKNOWN: "What the program needs could not be told from its bytes.",
    Reason.BINARY_NOT_INSPECTED: "The program inside the image was not read.",
    Reason.SURVEY_PENDING: "A script decides at run time what it starts, and the image's files have not been read yet.",
    Reason.FOREIGN_BINARIES: "A script decides at run time what it starts, and some of what it may start is for another CPU.",
    Reason.ENGINE_REFUSED: "The engine refused to start the container, for a reason that is not known to be the CPU.",
    Reason.CRASH_UNEXPLAINED: "The container ends as one does that never started, and nothing explains it.",
    Reason.INTERNAL_BUG: "A fault of archscan itself.",
    Reason.INTERNAL_DEADLINE: "The scan's deadline came before this was known.",
    Reason.INTERNAL_INTERRUPTED: "The scan was interrupted.",
})  # fmt: skip
"""One sentence for every member of the list."""

_HEAD = """# Reasons

Every verdict and every failure names one of these words. The word is also the `reason` of the API, the label of
`archscan_finding` and the anchor on this page. This page is made from the code: `python -m scanner.domain.verdict.reason_catalogue`.
"""


def page() -> str:
    """The reference of all reasons, in Markdown."""
    parts = [_HEAD]
    trouble = remedy.Trouble("web-1", "registry.example/shop/api:1.4", Platform("linux", "arm64"), (), "/entrypoint.sh")
    for status in Status:
        parts.append(f"\n## {status}\n")
        for reason in (reason for reason in Reason if STATUS_OF[reason] is status):
            fix = remedy.fix(reason, trouble)
            parts.append(f"\n### {reason}\n\n{MEANING[reason]}\n")
            if fix.summary:
                parts.append(f"\n{fix.summary}\n")
            if fix.commands:
                parts.append("\n```sh\n" + "\n".join(fix.commands) + "\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 -- this is the page's generator
