"""What runtimes say, decoded."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.verdict.error_phrases import (
    MAX_LINE_CHARS,
    MAX_POSSIBLE,
    PHRASES,
    RUNTIME_SPEAKS_WITHIN_S,
    acquits,
    explain,
    instead,
    observe,
)
from scanner.domain.verdict.phrases.acquittals import ACQUITTALS
from scanner.domain.verdict.phrases.phrase import Speaker, in_lower_case
from scanner.domain.verdict.phrases.wrapping import MIN_WORDS_CHARS
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from tests import counted
from tests.domain.verdict.error_texts import INNOCENT, SEEN, TEXTS
from tests.rows import each_row

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


@each_row("sample, reason", zip(SAMPLES, EXPECTED, strict=True))
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
            Reason.WORKDIR_INVALID,
        ),
        ('chdir to cwd ("/app") set in config.json failed: no such file or directory', Reason.WORKDIR_INVALID),
        ('chdir to cwd ("/app") set in config.json failed: permission denied', Reason.PERMISSION_DENIED),
        ("unable to find user app: no matching entries in passwd file", Reason.USER_MISSING),
        ("no suitable node (unsupported platform on 3 nodes)", Reason.PLATFORM_MISSING),
        ("unable to start container process: exec: bad address", Reason.BINARY_UNKNOWN),
    ],
)
def test_an_engine_s_own_error_is_always_heard(error, reason):
    assert observe(error, ["an older line"], 127).reason is reason
    assert observe(error, [], 127, ran_s=86_400).reason is reason


@pytest.mark.parametrize(
    "error",
    [
        "driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated",
        'error mounting "/srv/x" to rootfs at "/x": no such file or directory: unknown: Are you trying to mount a directory?',
        "toomanyrequests: You have reached your pull rate limit",
        "OOM",
        "",
    ],
)
def test_an_engine_s_other_troubles_are_not_about_the_program(error):
    assert observe(error, [], 128) is None


@each_row("who, text, reason", TEXTS)
def test_what_a_speaker_says_is_explained_by_its_one_reason(who, text, reason):
    assert [str(found.reason) for found in explain(text)] == [reason]


@each_row("reason, text", SEEN)
def test_what_people_paste_is_explained_by_its_one_reason(reason, text):
    assert [str(found.reason) for found in explain(text)] == [reason]


@each_row("text", INNOCENT)
def test_an_application_s_sentence_is_explained_as_nothing(text):
    assert explain(text) == ()


@each_row("text", INNOCENT)
def test_an_application_s_sentence_is_no_runtime_s(text):
    assert [code for code in (1, 132, 255, None) if observe("", ["starting", text], code, 0.0)] == []


@each_row("phrase", PHRASES, ids=lambda phrase: phrase.says[:60])
def test_a_phrase_s_example_is_its_own(phrase):
    assert phrase.may_be_in(phrase.says.lower())
    assert phrase.sought(phrase.says, in_lower_case(phrase.says)) or phrase.is_line(phrase.says)
    assert phrase.said_by
    assert phrase.cause
    if not phrase.needs_code:
        assert [found.reason for found in explain(phrase.says)] == [phrase.reason]


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("Error: container has runAsNonRoot and image will run as root", "the pod demands another user than root"),
        ("CreateContainerConfigError: container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root", "the pod demands another user than root"),
        ("Error: rootlessport cannot expose privileged port 80: listen tcp 0.0.0.0:80: bind: permission denied", "a rootless engine may not open"),
        ("listen tcp 0.0.0.0:80: bind: address already in use, which is an error", "a port is in use"),
        ("OpenBLAS blas_thread_init: pthread_create failed for thread 1 of 8: Operation not permitted", "seccomp"),
        ("OpenBLAS blas_thread_init: pthread_create failed for thread 1 of 8: Resource temporarily unavailable", "the host's memory"),
    ],
)  # fmt: skip
def test_what_a_text_is_about_instead_is_told_by_the_more_precise_words(text, clause):
    assert instead(text).startswith(clause)


@pytest.mark.parametrize("acquittal", ACQUITTALS, ids=[each.instead for each in ACQUITTALS])
def test_what_acquits_is_neither_heard_nor_explained(acquittal):
    assert acquits(acquittal.says) == acquits(acquittal.says.upper()) == acquittal.instead
    assert instead(f"one\n{acquittal.says} (an error)\n") == acquittal.instead
    assert explain(acquittal.says) == ()
    assert observe(acquittal.says, [], 127) is None


def test_a_start_that_was_refused_for_something_else_is_not_judged_by_an_older_log():
    foreign = ["exec /app: exec format error"]
    assert observe("", foreign, 1).reason is Reason.EXEC_FORMAT_ERROR
    assert observe("driver failed: port is already allocated", foreign, 1) is None


def test_no_acquittal_speaks_of_a_start_that_failed():
    for phrase in PHRASES:
        if STATUS_OF[phrase.reason] in {Status.MISMATCH, Status.BROKEN} and phrase.speaker is not Speaker.REGISTRY:
            assert acquits(phrase.says) == "", phrase.says


def test_a_runtime_has_spoken_only_where_the_container_ended_at_once():
    words = ["exec /app: exec format error"]
    assert observe("", words, 255, 0.0).reason is Reason.EXEC_FORMAT_ERROR
    assert observe("", words, 255, RUNTIME_SPEAKS_WITHIN_S).reason is Reason.EXEC_FORMAT_ERROR
    assert observe("", words, 255, RUNTIME_SPEAKS_WITHIN_S + 1) is None
    assert observe("", words, 255, None).reason is Reason.EXEC_FORMAT_ERROR


def test_a_shell_may_speak_long_after_the_start():
    words = ["/entry.sh: line 3: /app: cannot execute binary file: Exec format error"]
    assert observe("", words, 126, 3600.0).reason is Reason.EXEC_FORMAT_ERROR
    assert observe("", words, 0, 3600.0) is None
    assert observe("", words, 137, 3600.0) is None


LATER_LINES = [
    # lines, exit code, reason
    (["/e: line 1: /app: cannot execute binary file: Exec format error", "/e: line 1: /app: Success"], 126, Reason.EXEC_FORMAT_ERROR),
    (["/e: line 1: exec: /app: cannot execute: Exec format error", "cleaning up"], 126, Reason.EXEC_FORMAT_ERROR),
    (["/usr/bin/env: 'bash\\r': No such file or directory", "/usr/bin/env: use -[v]S to pass options in shebang lines"], 127, Reason.CRLF_SHEBANG),
    (["app: error while loading shared libraries: libx.so: wrong ELF class: ELFCLASS64", "stopped", "bye"], 127, Reason.WRONG_LIBRARY),
    (["Error loading shared library libx.so: No such file or directory (needed by /app)", "Error relocating /app: foo: symbol not found"], 127, Reason.LIBRARY_TOO_OLD),
    (["WARNING: MongoDB 5.0+ requires a CPU with AVX support, and your current system does not appear to have that!", "  see https://jira.mongodb.org/browse/SERVER-54407"], 132, Reason.CPU_LEVEL_TOO_LOW),
    (["SIGILL: illegal instruction", "PC=0x47 m=0 sigcode=2", "goroutine 1 [running]:", "rip 0x47"], 2, Reason.ILLEGAL_INSTRUCTION),
    (["#  SIGILL (0x4) at pc=0x00007f2d, pid=1, tid=7", "#", "# JRE version: OpenJDK", "Aborted (core dumped)"], 134, Reason.ILLEGAL_INSTRUCTION),
    (["<jemalloc>: Unsupported system page size", "Aborted (core dumped)"], 134, Reason.PAGE_SIZE_UNSUPPORTED),
    (["exec /app: exec format error", "app exited with code 255"], 255, Reason.EXEC_FORMAT_ERROR),
    (['/app: 1: Syntax error: "(" unexpected'], 2, Reason.EXEC_FORMAT_ERROR),
    (["/app: line 1: ELF: not found", '/app: line 2: syntax error: unexpected "("'], 2, Reason.EXEC_FORMAT_ERROR),
    (["/entry.sh: line 3: /app: No such file or directory"], 127, Reason.ENTRYPOINT_MISSING),
]  # fmt: skip


@pytest.mark.parametrize(("log", "code", "reason"), LATER_LINES)
def test_all_of_the_last_lines_count(log, code, reason):
    found = observe("", ["starting", *log], code)
    assert found is not None
    assert found.reason is reason


@pytest.mark.parametrize(
    ("log", "code"),
    [
        (["exec /app: exec format error", "connected to db", "cannot connect"], 1),
        (["error: exec failed: exec format error", "listening"], 1),
        (
            ["x: /lib/libc.so.6: version `GLIBC_2.38' not found (required by x)", "using the fallback", "panic: no db"],
            1,
        ),
        (["/entry.sh: line 3: /etc/app.conf: No such file or directory"], 1),
        (["/entry.sh: line 3: /etc/app.conf: No such file or directory"], None),
        (["qemu-img: Could not open 'x': No such file or directory"], 1),
        (["OSError: [Errno 8] Exec format error: '/app'"], 1),
        (["fork/exec /app: exec format error"], 1),
        (["npm error signal SIGILL"], 132),
    ],
)
def test_earlier_lines_count_only_where_the_exit_code_vouches_for_them(log, code):
    assert observe("", ["starting", *log], code) is None


def test_a_fallback_gives_way_to_the_line_that_says_why():
    said = "api.service: Failed at step EXEC spawning /app: Exec format error\napi.service: Main process exited, code=exited, status=203/EXEC"
    assert [found.reason for found in explain(said)] == [Reason.EXEC_FORMAT_ERROR]


def test_a_pasted_log_is_explained_once_per_reason():
    text = "one\nexec /a: exec format error\nexec /b: exec format error\nx: CPU ISA level is lower than required\n"

    assert [found.reason for found in explain(text)] == [Reason.EXEC_FORMAT_ERROR, Reason.CPU_LEVEL_TOO_LOW]


@given(st.text(), st.lists(st.text(), max_size=5), st.one_of(st.none(), st.integers(0, 255)))
def test_any_words_are_heard_without_a_fault(error, log, code):
    observe(error, log, code)
    explain(error)


HOSTILE = (
    "exec " + "a" * 100_000, "a: " * 50_000, "`" * 100_000, 'exec: "' * 20_000, "env: " * 30_000, '"\\' * 50_000, '\\"' * 50_000,
    "exec /" * 20_000, "/a: line 1: " * 9_000, "exec container process `" * 5_000, ": exec format error" * 6_000, "[a] " * 30_000,
    "a | " * 30_000, "2024-01-01 00:00:00 " * 6_000, "error: " * 20_000, "illegal instruction " * 6_000, "a/" * 50_000, " " * 100_000,
    "a.so: " * 20_000, "qemu-" * 20_000, "SIGILL " * 20_000, "ELF: not found " * 9_000, "platform linux/a " * 8_000,
    "version `' not found " * 9_000, "Command failed " * 9_000 + "SIGILL", "/a" * 2_000 + ": 1: " + 'syntax error: "' * 1_000,
)  # fmt: skip
SOME_PIECES = 5 * MAX_LINE_CHARS
"""Of a line: the patterns see no more of it at once than a piece."""
MAX_CALLS_A_LINE = 1500
"""Of one whose words many phrases seek: twice what it makes."""


def test_a_hostile_line_costs_no_time():
    with counted.in_proportion():
        for line in (whole[:SOME_PIECES] for whole in HOSTILE):
            observe(line, [line], 1)
            observe("", [line] * 5, 127)
            explain(line)
            instead(line)


@pytest.mark.parametrize("phrase", [one for one in PHRASES if one.within], ids=lambda one: one.says[:40])
def test_no_words_are_sought_behind_whatever_may_stand_before_them(phrase):
    """Which costs its length at every letter of a line. What minds no case is found in any, at the cost of one."""
    assert not re.search(r"(?:^|\||\()\.\{", phrase.within)
    said, low = phrase.says, in_lower_case(phrase.says)
    assert phrase.sought(said.swapcase(), low) == phrase.sought(said, low).swapcase()


def test_a_line_that_holds_words_of_most_phrases_is_searched_for_none():
    lines = [line for _, words, *_ in TEXTS for line in words.split("\n")] + [phrase.says for phrase in PHRASES]
    assert max(sum(phrase.may_be_in(line.lower()) for phrase in PHRASES) for line in lines) <= MAX_POSSIBLE * 3 / 4
    every = " ".join(words for phrase in PHRASES for words in phrase.has.split("|"))[: MAX_LINE_CHARS - 30]
    assert explain(f"{every} exec /app: exec format error") == ()
    assert [found.reason for found in explain(f"{every}\nexec /app: exec format error")] == [Reason.EXEC_FORMAT_ERROR]
    full = f"{every[:-30]} exec /app: exec format error: no space left on device"
    assert acquits(full) == instead(full) == ""


def test_strings_of_a_line_that_holds_words_of_most_phrases_count_each_for_itself():
    said = [phrase.says for phrase in PHRASES if not phrase.needs_code and len(phrase.says) >= MIN_WORDS_CHARS][::3]
    line = json.dumps(said, ensure_ascii=False)
    assert len(line) < MAX_LINE_CHARS
    assert [found.reason for found in explain(line)] == [found.reason for found in explain("\n".join(said))] != []


def test_a_hostile_log_costs_as_much_as_it_has_lines_of_which_each_is_read_to_its_end():
    lines = [f"{number} exec format error: SIGILL, no such file or directory, platform\n" for number in range(300)]
    explain(lines[0])  # compiles the patterns
    assert counted.calls(lambda: explain("".join(lines))) < MAX_CALLS_A_LINE * len(lines)
    error = "exec /a: exec format error"
    for before in ("x\n" * (1 << 20), *("x" * length + " " for length in range(MAX_LINE_CHARS - 30, MAX_LINE_CHARS))):
        assert [seen.reason for seen in explain(before + error)] == [Reason.EXEC_FORMAT_ERROR], len(before)
