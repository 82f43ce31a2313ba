"""The one closed list of reasons, each with the status it stands for.

A reason is at once metric label, API code, alert text key, runbook anchor and test id, so a word here is a public
interface: add freely, rename never.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """How a workload fares on its host, best first."""

    OK = "ok"
    EMULATED = "emulated"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"
    BROKEN = "broken"


class Reason(StrEnum):
    """Why a verdict has the status it has; or why a fact could not be had."""

    # ok
    NATIVE = "native"
    # emulated
    EMULATED = "emulated"
    NATIVE_SHADOWED = "native_shadowed"
    # degraded
    CONFIG_DISAGREES = "config_disagrees"
    MISLABELLED = "mislabelled"
    PLATFORM_LOST = "platform_lost"
    NEXT_PULL_BROKEN = "next_pull_broken"
    TAG_GONE = "tag_gone"
    FOREIGN_USERLAND = "foreign_userland"
    HEALTHCHECK_WRONG_BINARY = "healthcheck_wrong_binary"
    PAGE_SIZE_SUSPECT = "page_size_suspect"
    # mismatch
    PLATFORM_MISSING = "platform_missing"
    WRONG_PLATFORM = "wrong_platform"
    WRONG_BINARY = "wrong_binary"
    WRONG_LOADER = "wrong_loader"
    WRONG_INTERPRETER = "wrong_interpreter"
    WRONG_LIBRARY = "wrong_library"
    PAGE_SIZE_UNSUPPORTED = "page_size_unsupported"
    CPU_LEVEL_TOO_LOW = "cpu_level_too_low"
    AARCH32_MISSING = "aarch32_missing"
    IA32_MISSING = "ia32_missing"
    EMULATOR_UNUSABLE = "emulator_unusable"
    EXEC_FORMAT_ERROR = "exec_format_error"
    ILLEGAL_INSTRUCTION = "illegal_instruction"
    # broken
    NO_COMMAND = "no_command"
    NO_SHEBANG = "no_shebang"
    CRLF_SHEBANG = "crlf_shebang"
    BOM_SHEBANG = "bom_shebang"
    UTF16_SHEBANG = "utf16_shebang"
    SHEBANG_TOO_LONG = "shebang_too_long"
    SHEBANG_TOO_DEEP = "shebang_too_deep"
    INTERPRETER_MISSING = "interpreter_missing"
    INTERPRETER_NOT_EXECUTABLE = "interpreter_not_executable"
    LOADER_MISSING = "loader_missing"
    LOADER_INVALID = "loader_invalid"
    ENTRYPOINT_MISSING = "entrypoint_missing"
    ENTRYPOINT_NOT_EXECUTABLE = "entrypoint_not_executable"
    ENTRYPOINT_DIRECTORY = "entrypoint_directory"
    ENTRYPOINT_EMPTY = "entrypoint_empty"
    ENTRYPOINT_TRUNCATED = "entrypoint_truncated"
    NOT_A_PROGRAM = "not_a_program"
    SYMLINK_LOOP = "symlink_loop"
    LIBRARY_MISSING = "library_missing"
    LIBRARY_TOO_OLD = "library_too_old"
    USER_MISSING = "user_missing"
    PERMISSION_DENIED = "permission_denied"
    WORKDIR_INVALID = "workdir_invalid"
    ENVIRONMENT_INVALID = "environment_invalid"
    LAYER_MISSING = "layer_missing"
    LAYER_UNREADABLE = "layer_unreadable"
    IMAGE_REFUSED = "image_refused"
    # unknown: the host
    HOST_NOT_UNDERSTOOD = "host_not_understood"
    HOST_REFUSED = "host_refused"
    HOST_UNREACHABLE = "host_unreachable"
    HOST_NAME = "host_name"
    HOST_TIMEOUT = "host_timeout"
    HOST_PROTOCOL = "host_protocol"
    HOST_KEY_UNKNOWN = "host_key_unknown"
    HOST_KEY_CHANGED = "host_key_changed"
    HOST_KEY_REJECTED = "host_key_rejected"
    HOST_AUTH_REJECTED = "host_auth_rejected"
    HOST_ACCOUNT_LOCKED = "host_account_locked"
    HOST_SHELL_REFUSED = "host_shell_refused"
    HOST_SUDO_REFUSED = "host_sudo_refused"
    HOST_PROBE_MISSING = "host_probe_missing"
    HOST_BASTION = "host_bastion"
    HOST_NO_WORKER = "host_no_worker"
    HOST_INCOMPLETE = "host_incomplete"
    HOST_TOO_LARGE = "host_too_large"
    HOST_TOO_MANY = "host_too_many"
    HOST_MALFORMED = "host_malformed"
    HOST_ARCH_UNKNOWN = "host_arch_unknown"
    HOST_CONTRADICTORY = "host_contradictory"
    HOST_STALE = "host_stale"
    ENGINE_ABSENT = "engine_absent"
    ENGINE_DOWN = "engine_down"
    ENGINE_DENIED = "engine_denied"
    ENGINE_UNKNOWN = "engine_unknown"
    PART_INCOMPLETE = "part_incomplete"
    CPU_LEVEL_UNKNOWN = "cpu_level_unknown"
    AARCH32_UNKNOWN = "aarch32_unknown"
    IA32_UNKNOWN = "ia32_unknown"
    EMULATOR_UNKNOWN = "emulator_unknown"
    # unknown: the image
    IMAGE_REFERENCE_INVALID = "image_reference_invalid"
    IMAGE_LOCAL_ONLY = "image_local_only"
    IMAGE_NOT_ALLOWED = "image_not_allowed"
    IMAGE_UNREACHABLE = "image_unreachable"
    IMAGE_TLS_REJECTED = "image_tls_rejected"
    IMAGE_TIMEOUT = "image_timeout"
    IMAGE_REALM_REFUSED = "image_realm_refused"
    IMAGE_REDIRECT_REFUSED = "image_redirect_refused"
    IMAGE_DENIED = "image_denied"
    IMAGE_TAG_MISSING = "image_tag_missing"
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_RATE_LIMITED = "image_rate_limited"
    IMAGE_SERVER_ERROR = "image_server_error"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_MALFORMED = "image_malformed"
    IMAGE_ENCODING_REFUSED = "image_encoding_refused"
    IMAGE_DIGEST_MISMATCH = "image_digest_mismatch"
    IMAGE_AMBIGUOUS = "image_ambiguous"
    IMAGE_NO_PLATFORMS = "image_no_platforms"
    IMAGE_TOO_COMPLEX = "image_too_complex"
    IMAGE_ARCH_UNKNOWN = "image_arch_unknown"
    IMAGE_UNSUPPORTED = "image_unsupported"
    IMAGE_NOT_AN_IMAGE = "image_not_an_image"
    IMAGE_STALE = "image_stale"
    # unknown: the bytes of the image
    LAYER_UNKNOWN = "layer_unknown"
    LAYER_ENCRYPTED = "layer_encrypted"
    LAYER_FOREIGN = "layer_foreign"
    LAYER_LIMIT = "layer_limit"
    BINARY_UNKNOWN = "binary_unknown"
    BINARY_NOT_INSPECTED = "binary_not_inspected"
    SURVEY_PENDING = "survey_pending"
    FOREIGN_BINARIES = "foreign_binaries"
    # unknown, the workload's own
    ENGINE_REFUSED = "engine_refused"
    CRASH_UNEXPLAINED = "crash_unexplained"
    # unknown, through us
    INTERNAL_BUG = "internal_bug"
    INTERNAL_EXHAUSTED = "internal_exhausted"
    INTERNAL_DEADLINE = "internal_deadline"
    INTERNAL_INTERRUPTED = "internal_interrupted"


_OTHER_THAN_UNKNOWN: Mapping[Status, frozenset[Reason]] = MappingProxyType({
    Status.OK: frozenset({Reason.NATIVE}),
    Status.EMULATED: frozenset({Reason.EMULATED, Reason.NATIVE_SHADOWED}),
    Status.DEGRADED: frozenset({
        Reason.CONFIG_DISAGREES, Reason.MISLABELLED, Reason.PLATFORM_LOST, Reason.NEXT_PULL_BROKEN,
        Reason.TAG_GONE, Reason.FOREIGN_USERLAND, Reason.HEALTHCHECK_WRONG_BINARY, Reason.PAGE_SIZE_SUSPECT,
    }),
    Status.MISMATCH: frozenset({
        Reason.PLATFORM_MISSING, Reason.WRONG_PLATFORM, Reason.WRONG_BINARY, Reason.WRONG_LOADER,
        Reason.WRONG_INTERPRETER, Reason.CPU_LEVEL_TOO_LOW, Reason.AARCH32_MISSING, Reason.IA32_MISSING,
        Reason.EMULATOR_UNUSABLE, Reason.EXEC_FORMAT_ERROR, Reason.ILLEGAL_INSTRUCTION,
        Reason.WRONG_LIBRARY, Reason.PAGE_SIZE_UNSUPPORTED,
    }),
    Status.BROKEN: frozenset({
        Reason.NO_COMMAND, Reason.NO_SHEBANG, Reason.CRLF_SHEBANG, Reason.BOM_SHEBANG, Reason.UTF16_SHEBANG,
        Reason.SHEBANG_TOO_LONG,
        Reason.SHEBANG_TOO_DEEP, Reason.INTERPRETER_MISSING, Reason.INTERPRETER_NOT_EXECUTABLE, Reason.LOADER_MISSING,
        Reason.LOADER_INVALID, Reason.ENTRYPOINT_MISSING, Reason.ENTRYPOINT_NOT_EXECUTABLE,
        Reason.ENTRYPOINT_DIRECTORY, Reason.ENTRYPOINT_EMPTY, Reason.ENTRYPOINT_TRUNCATED, Reason.NOT_A_PROGRAM,
        Reason.SYMLINK_LOOP, Reason.LIBRARY_MISSING, Reason.LIBRARY_TOO_OLD, Reason.USER_MISSING,
        Reason.PERMISSION_DENIED, Reason.WORKDIR_INVALID, Reason.ENVIRONMENT_INVALID, Reason.LAYER_MISSING,
        Reason.LAYER_UNREADABLE, Reason.IMAGE_REFUSED,
    }),
})  # fmt: skip

STATUS_OF: Mapping[Reason, Status] = MappingProxyType({
    reason: next((status for status, reasons in _OTHER_THAN_UNKNOWN.items() if reason in reasons), Status.UNKNOWN)
    for reason in Reason
})  # fmt: skip
"""The status each reason stands for. A reason that proves nothing stands for unknown, never for ok."""

OF_THE_WORKLOAD: frozenset[Reason] = frozenset({Reason.ENGINE_REFUSED, Reason.CRASH_UNEXPLAINED})
"""Unknown of a workload's own: no better scan would learn more, so nothing is incomplete through it."""

PENDING: frozenset[Reason] = frozenset({Reason.SURVEY_PENDING})
"""Unknown for now: what is missing comes by itself, outside the scan."""


def leaves_incomplete(reason: Reason) -> bool:
    """Whether a verdict of this reason means that a scan did not learn what it should have."""
    return STATUS_OF[reason] is Status.UNKNOWN and reason not in OF_THE_WORKLOAD and reason not in PENDING
