"""Emulators: what qemu, Rosetta, FEX or box64 say of a foreign program."""

from __future__ import annotations

from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.phrases.phrase import SIGILL_EXIT_CODE, Phrase, Speaker
from scanner.domain.verdict.reason import Reason

_QEMU = r"(?:/\S{1,100}/)?(?:qemu-(?!img|nbd|io\b|ga\b|system|storage|kvm|pr-)[\w.-]{2,40}|\w{2,20}-binfmt-\w{1,4}|\.?buildkit[\w-]{0,12}_qemu_emulator|qemu)"
_FILE = r"[^:\s][^:]{0,299}"


def _phrase(  # noqa: PLR0913, PLR0917 -- a row has as many columns as a phrase has parts
    reason: Reason,
    says: str,
    said_by: str,
    cause: str,
    has: str,
    line: str,
    within: str = "",
    exits: frozenset[int] = frozenset(),
) -> Phrase:
    return Phrase(Speaker.EMULATOR, reason, says, said_by, cause, has, line, within or line, exits)


EMULATORS = (
    _phrase(
        Reason.LOADER_MISSING, "qemu-aarch64: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory",
        "qemu-user (all versions), under any name that binfmt_misc gives it (x86_64-binfmt-P, qemu-arm-static)", causes.EMULATED_LOADER, "could not open '",
        rf"{_QEMU}: could not open '[^']{{1,300}}': no such file or directory",
    ),
    _phrase(
        Reason.LOADER_MISSING, "/lib64/ld-linux-x86-64.so.2: No such file or directory", "qemu-user up to 3", causes.EMULATED_LOADER, ": no such file",
        r"/lib\w{0,6}/ld-(?:linux|musl|uclibc)[\w.-]{0,40}: no such file or directory", exits=frozenset({1, 127, 255}),
    ),
    _phrase(
        Reason.LOADER_MISSING, "rosetta error: failed to open elf at /lib64/ld-linux-x86-64.so.2", "Rosetta for Linux (Docker Desktop, Lima, OrbStack, podman machine)", causes.EMULATED_LOADER,
        "failed to open elf", r"rosetta error: failed to open elf at \S{1,300}",
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "qemu-aarch64: /app: Invalid ELF image for this architecture", "qemu-user up to 8; newer say: Error while loading /app: Exec format error", causes.FOREIGN, "invalid elf image|exec format error",
        rf"{_QEMU}: (?:error while loading )?{_FILE}: (?:invalid elf image for this architecture|exec format error)|(?<![^:\s])(?:error while loading )?{_FILE}: invalid elf image for this architecture|error while loading {_FILE}: exec format error",
    ),
    _phrase(
        Reason.ENTRYPOINT_MISSING, "qemu-aarch64: Error while loading /app: No such file or directory", "qemu-user (older ones print only: /app: No such file or directory)", causes.MISSING, "error while loading",
        rf"(?:{_QEMU}: )?error while loading {_FILE}: no such file or directory",
    ),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "qemu: uncaught target signal 4 (Illegal instruction) - core dumped", "qemu-user (all versions)",
        "the emulated CPU does not know an instruction of the program", "uncaught target signal 4",
        r"(?:[^:]{1,200}: ){0,2}(?:line \d{1,6}: +\d{1,9} )?qemu: uncaught target signal 4 \(illegal instruction\)(?: - core dumped)?.{0,300}", r"qemu: uncaught target signal 4 \(illegal instruction\)",
        frozenset({SIGILL_EXIT_CODE}),
    ),
    _phrase(
        Reason.EMULATOR_UNUSABLE, "qemu: uncaught target signal 11 (Segmentation fault) - core dumped", "qemu-user (all versions)", "the emulator crashed while it ran the foreign program",
        "uncaught target signal", r"(?:[^:]{1,200}: ){0,2}(?:line \d{1,6}: +\d{1,9} )?qemu: uncaught target signal (?!4 )\d{1,3} \([^)]{1,40}\).{0,340}", r"qemu: uncaught target signal (?!4 )\d{1,3} \([^)]{1,40}\)",
    ),
    _phrase(
        Reason.EMULATOR_UNUSABLE, "qemu-x86_64: Unable to reserve 0xffffe000 bytes of virtual address space", "qemu-user (each message of its own failing)", causes.EMULATOR, "qemu",
        rf"{_QEMU}(?:: |-static: )(?:[^:]{{1,200}}: )?(?:error mapping file: .{{1,100}}|unable to (?:reserve|find a guest_base|allocate).{{1,300}}|qemu internal sig\w{{2,6}} \{{.{{1,200}}|fatal: .{{1,200}}|tcg.{{0,20}} (?:fatal|error).{{0,200}}|unsupported syscall: \d{{1,5}}|requires (?:.{{1,100}} )?virtual address space.{{0,200}}|"
        r"(?:too old|kernel too old).{0,60}|unhandled cpu exception 0x\w{1,8}.{0,60}|unknown syscall \d{1,5}|\.\./\S{1,100}:\d{1,6}: .{1,200}|unable to (?:load|open) .{1,200})|qemu: unhandled cpu exception 0x\w{1,8}.{0,60}|qemu internal sig\w{2,6} \{.{1,200}|qemu: unsupported syscall: \d{1,5}.{0,60}",
    ),
    Phrase(
        Speaker.EMULATOR, Reason.EMULATOR_UNUSABLE, 'process "/dev/.buildkit_qemu_emulator /bin/sh -c make" did not complete successfully: exit code: 139', "BuildKit, of a step that its emulator runs (134, 139: SIGABRT, SIGSEGV)",
        "the emulator, or the foreign program under it, crashed", "buildkit_qemu_emulator|buildkit-qemu", within=r"buildkit[_-]qemu[\w-]{0,30} .{0,1000}exit code: (?:134|139)\b",
    ),
    Phrase(
        Speaker.EMULATOR, Reason.ILLEGAL_INSTRUCTION, 'process "/dev/.buildkit_qemu_emulator /bin/sh -c make" did not complete successfully: exit code: 132', "BuildKit, of a step that its emulator runs (132: SIGILL)",
        "the emulated CPU does not know an instruction of the program", "buildkit_qemu_emulator|buildkit-qemu", within=r"buildkit[_-]qemu[\w-]{0,30} .{0,1000}exit code: 132\b",
    ),
    _phrase(
        Reason.EMULATOR_UNUSABLE, "rosetta error: Rosetta is only intended to run on Apple Silicon with a macOS host using Virtualization.framework with Rosetta mode enabled", "Rosetta for Linux, outside a virtual machine that macOS gave it to",
        "Rosetta is registered here, but runs only in a virtual machine on Apple Silicon whose Rosetta mode is on", "rosetta is only intended", r"(?:rosetta error: )?rosetta is only intended to run on apple silicon.{0,200}",
    ),
    _phrase(
        Reason.EMULATOR_UNUSABLE, "rosetta error: mmap_anonymous_rw mmap failed, size=1000", "Rosetta for Linux (each message of its own failing; its failed assertions)", causes.EMULATOR, "rosetta|assertion failed [",
        r"rosetta error: (?!failed to open elf|rosetta is only).{1,300}|assertion failed \[[^\]]{1,200}\]: .{1,200}",
    ),
    _phrase(
        Reason.EMULATOR_UNUSABLE, "Invalid or Unsupported elf file.", "FEX-Emu, box64, box86", "the emulator cannot run the program: its root file system lacks the foreign libraries, or the file is none",
        "unsupported elf file|misconfigured x86-64|fex|box64|box86", r"invalid or unsupported elf file\.?|this is likely due to a misconfigured x86-64 rootfs.{0,100}|(?:FEX(?:Loader|Interpreter)|FEX): .{0,40}(?:couldn't|could not|failed to|unable to) .{1,200}|\[?(?:box(?:64|86))\]? ?\|? ?error:? (?:loading (?:elf|needed lib)|reading elf header|file is not found|finding|not an? \S{0,20} ?elf|initializing native) ?.{0,200}",
    ),
)  # fmt: skip
"""In the order in which they are tried."""
