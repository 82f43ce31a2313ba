"""What runtimes say, decoded."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.verdict.error_phrases import explain, observe
from scanner.domain.verdict.reason import Reason

SAMPLES = json.loads(
    (Path(__file__).parents[2] / "data" / "vectors" / "docker_outputs" / "runtime_errors.json").read_text(
        encoding="utf-8"
    )
)

EXPECTED = [
    "exec_format_error", "exec_format_error", "interpreter_missing", "entrypoint_missing", "exec_format_error",
    "exec_format_error", "interpreter_missing", "wrong_platform", "platform_missing", "platform_missing",
    "wrong_platform", "platform_missing", "wrong_platform", "platform_missing", "platform_missing", "platform_missing",
    "cpu_level_too_low", "cpu_level_too_low", "loader_missing",
]  # fmt: skip


@pytest.mark.parametrize(
    ("sample", "reason"), list(zip(SAMPLES, EXPECTED, strict=True)), ids=lambda value: str(value)[:40]
)
def test_every_runtime_s_message_is_explained(sample, reason):
    assert [str(found.reason) for found in explain(sample["message"])] == [reason]


LOGS = [
    # last line, exit code, reason
    ("exec /app/server: exec format error", 255, Reason.EXEC_FORMAT_ERROR),
    ("exec /bin/noshebang: exec format error", 1, Reason.EXEC_FORMAT_ERROR),
    ("exec /app/server: exec format error", None, Reason.EXEC_FORMAT_ERROR),
    ("standard_init_linux.go:228: exec user process caused: exec format error", 1, Reason.EXEC_FORMAT_ERROR),
    ('standard_init_linux.go:211: exec user process caused "exec format error"', 1, Reason.EXEC_FORMAT_ERROR),
    ('{"msg":"exec container process `/x`: Exec format error","level":"error","time":"2025-12-04T15:15:35Z"}', 1, Reason.EXEC_FORMAT_ERROR),
    ("exec container process `/unbound.sh`: Exec format error", 126, Reason.EXEC_FORMAT_ERROR),
    ("[FATAL tini (7)] exec /app/x failed: Exec format error", 126, Reason.EXEC_FORMAT_ERROR),
    ("[dumb-init] /app/x: Exec format error", 2, Reason.EXEC_FORMAT_ERROR),
    ("/bin/sh: 1: /app: Exec format error", 126, Reason.EXEC_FORMAT_ERROR),
    ("/entry.sh: line 3: /app: cannot execute binary file: Exec format error", 126, Reason.EXEC_FORMAT_ERROR),
    ("standard_init_linux.go:228: exec user process caused: no such file or directory", 1, Reason.INTERPRETER_MISSING),
    ("exec /entrypoint.sh: no such file or directory", 255, Reason.INTERPRETER_MISSING),
    ("exec container process (missing dynamic library?) `/x`: No such file or directory", 127, Reason.INTERPRETER_MISSING),
    ("/entry.sh: line 3: /app: cannot execute: required file not found", 127, Reason.INTERPRETER_MISSING),
    ("env: 'bash\\r': No such file or directory", 127, Reason.CRLF_SHEBANG),
    ("env: 'node': No such file or directory", 127, Reason.INTERPRETER_MISSING),
    ("standard_init_linux.go:228: exec user process caused: permission denied", 1, Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ("exec /x: too many levels of symbolic links", 255, Reason.SHEBANG_TOO_DEEP),
    ("exec /x: accessing a corrupted shared library", 255, Reason.LOADER_INVALID),
    ("/app: CPU ISA level is lower than required", 127, Reason.CPU_LEVEL_TOO_LOW),
    ("Fatal glibc error: CPU does not support x86-64-v2", 127, Reason.CPU_LEVEL_TOO_LOW),
    ("This program can only be run on AMD64 processors with v3 microarchitecture support.", 1, Reason.CPU_LEVEL_TOO_LOW),
    ("Illegal instruction (core dumped)", 132, Reason.ILLEGAL_INSTRUCTION),
    ("qemu: uncaught target signal 4 (Illegal instruction) - core dumped", 132, Reason.ILLEGAL_INSTRUCTION),
    ("qemu-aarch64: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory", 255, Reason.LOADER_MISSING),
    ("rosetta error: failed to open elf at /lib64/ld-linux-x86-64.so.2", 133, Reason.LOADER_MISSING),
    ("qemu: uncaught target signal 11 (Segmentation fault) - core dumped", 139, Reason.EMULATOR_UNUSABLE),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "reason"), LOGS)
def test_a_runtime_s_last_words_are_heard(line, code, reason):
    found = observe("", ["starting", line], code)

    assert found is not None
    assert (found.reason, found.phrase) == (reason, line)
    assert found.cause


@pytest.mark.parametrize(
    ("log", "code"),
    [
        (["exec /app/server: exec format error"], 0),
        (["exec /app/server: exec format error"], 137),
        (["exec /app/server: exec format error", "listening on :80"], 255),
        (["2026-01-01 ERROR could not run plugin: exec /x: exec format error"], 1),
        (['time="2026-01-01" level=error msg="fork/exec /x: exec format error"'], 1),
        (["OSError: [Errno 8] Exec format error: '/x'"], 1),
        (["user asked: what is 'exec format error'?"], 1),
        (["open /etc/app.yml: no such file or directory"], 1),
        (["stat /data: permission denied"], 126),
        (["sh: 1: foo: not found"], 127),
        (["Illegal instruction set chosen in config"], 1),
        (["no matching manifest for linux/arm/v8 in the manifest list entries"], 1),
        (["executable file not found in $PATH"], 1),
        ([], 126), ([], 127), ([], 255), ([], 159), ([], 1), ([], None),
    ],
)  # fmt: skip
def test_an_application_s_words_accuse_nobody(log, code):
    assert observe("", log, code) is None


def test_an_exit_code_alone_tells_of_no_instruction_for_programs_end_themselves_like_that_too():
    assert observe("", ["working"], 132) is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            'OCI runtime create failed: exec: "/nope": stat /nope: no such file or directory: unknown',
            Reason.ENTRYPOINT_MISSING,
        ),
        (
            'OCI runtime create failed: exec: "foo": executable file not found in $PATH: unknown',
            Reason.ENTRYPOINT_MISSING,
        ),
        ('runc create failed: exec: "/etc": is a directory: unknown', Reason.ENTRYPOINT_DIRECTORY),
        ('runc create failed: exec: "/data": permission denied: unknown', Reason.ENTRYPOINT_NOT_EXECUTABLE),
        ('exec: "/x": stat /x: too many levels of symbolic links', Reason.SYMLINK_LOOP),
        ("failed to start: exec format error: unknown", Reason.EXEC_FORMAT_ERROR),
        ("crun: executable file `foo` not found in $PATH: No such file or directory", Reason.ENTRYPOINT_MISSING),
        ("Error response from daemon: No command specified", Reason.NO_COMMAND),
        (
            'runc create failed: exec: "app": cannot run executable found relative to current directory: unknown',
            Reason.ENTRYPOINT_MISSING,
        ),
        (
            "OCI runtime create failed: runc create failed: Cwd must be an absolute path: unknown",
            Reason.ENTRYPOINT_MISSING,
        ),
    ],
)
def test_an_engine_s_own_error_is_always_heard(error, reason):
    assert observe(error, [], 127).reason is reason


@pytest.mark.parametrize(
    "error",
    [
        "driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated",
        'error mounting "/srv/x" to rootfs at "/x": no such file or directory: unknown: Are you trying to mount a directory?',
        'chdir to cwd ("/app") set in config.json failed: no such file or directory',
        "OOM",
        "",
    ],
)
def test_an_engine_s_other_troubles_are_not_about_the_program(error):
    assert observe(error, [], 128) is None


def test_a_pasted_log_is_explained_once_per_reason():
    text = "one\nexec /a: exec format error\nexec /b: exec format error\nx: CPU ISA level is lower than required\n"

    assert [found.reason for found in explain(text)] == [Reason.EXEC_FORMAT_ERROR, Reason.CPU_LEVEL_TOO_LOW]


@given(st.text(), st.lists(st.text(), max_size=5), st.one_of(st.none(), st.integers(0, 255)))
def test_any_words_are_heard_without_a_fault(error, log, code):
    observe(error, log, code)
    explain(error)


def test_a_hostile_line_costs_no_time():
    for line in ("exec " + "a" * 100_000, "a: " * 50_000, "`" * 100_000, 'exec: "' * 20_000, "env: " * 30_000):
        observe(line, [line], 1)
        explain(line)
