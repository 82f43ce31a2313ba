"""Words in a log that nothing on a program's way says: what became of a child, once the program ran."""

import pytest

from scanner.domain.facts import Stage
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf, Executable, FileKind, ImageFacts, Program
from scanner.domain.verdict.error_phrases import observe
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.overheard import is_of_a_child
from scanner.domain.verdict.reason import Reason
from tests import builders
from tests.builders import AMD64

LIBRARY = "/plugin: error while loading shared libraries: libx.so.1: cannot open shared object file: No such file or directory"
SHELL, LAUNCHER = "/bin/sh: 1: /plugin: not found", "/usr/bin/env: 'node': No such file or directory"
EMULATOR = "qemu-aarch64: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory"
OLD_CPU = "/app: CPU ISA level is lower than required"
RUNTIME = "exec /app: exec format error"


def elf(path, role="entrypoint", interpreter=""):
    return Executable(path, role, FileKind.ELF, Elf(62, 64, "little", AMD64, interpreter=interpreter))


LOADER = "/lib64/ld-linux-x86-64.so.2"
STATIC = Program(("/app",), (elf("/app"),))
DYNAMIC = Program(("/app",), (elf("/app", interpreter=LOADER), elf(LOADER, "loader"), elf("/lib/libc.so.6", "library")))
SCRIPT = Program(
    ("/start",), (Executable("/start", "entrypoint", FileKind.SCRIPT, shebang="/bin/sh"), elf("/bin/sh", "interpreter"))
)
WRAPPED = Program(("/sbin/tini", "/app"), (elf("/sbin/tini"), elf("/app", "wrapped")))


@pytest.mark.parametrize(
    ("line", "code", "program", "expected"),
    [
        (LIBRARY, 127, STATIC, True),
        (LIBRARY, 127, DYNAMIC, False),  # its own loader may say so, of what a mount or a driver changed
        (SHELL, 127, STATIC, True),
        (SHELL, 127, DYNAMIC, True),
        (SHELL, 127, SCRIPT, False),
        (SHELL, 127, WRAPPED, False),
        (LAUNCHER, 127, DYNAMIC, True),
        (LAUNCHER, 127, WRAPPED, False),
        (EMULATOR, 1, STATIC, True),
        (OLD_CPU, 127, STATIC, False),  # C libraries of static programs look at the CPU as well
        (RUNTIME, 1, STATIC, False),
        (RUNTIME.replace("/app", "/plugin"), 1, STATIC, False),
    ],
)
def test_only_what_is_on_the_way_speaks_of_the_start(line, code, program, expected):
    heard = observe("", [line], code, 0.1)
    assert heard is not None
    assert is_of_a_child(heard, program) is expected


@pytest.mark.parametrize(
    "program",
    [
        None,
        Program(("/app",), (), Failure(Reason.BINARY_UNKNOWN, "on a mount")),
        Program(("/app",), STATIC.chain, at_run_time="a script decides"),
        Program(("/bin/sh",), (elf("/bin/sh"),)),
        Program(("/bin/dash",), (elf("/usr/bin/busybox"),)),
    ],
)
def test_a_way_that_is_not_known_or_a_shell_s_own_leaves_the_words_as_they_are(program):
    heard = observe("", [SHELL], 127, 0.1)
    assert heard is not None
    assert not is_of_a_child(heard, program)


@pytest.mark.parametrize(
    ("line", "code", "argv"),
    [
        ("[dumb-init] /app: Exec format error", 2, ("/launch", "--", "/app")),
        ("[dumb-init] app: Exec format error", 2, ("/launch", "app")),
        ("[FATAL tini (7)] exec app failed: Exec format error", 126, ("/launch", "app")),
        ("/bin/sh: 1: /app: not found", 127, ("/rescue", "-c", "exec /app x")),
        ("kata-agent: start: fork/exec /launch: exec format error", 1, ("/launch",)),
    ],
)
def test_a_program_that_complains_of_what_it_is_told_to_start_may_be_a_launcher_by_another_name(line, code, argv):
    heard = observe("", [line], code, 0.1)
    assert heard is not None
    assert not is_of_a_child(heard, Program(argv, (elf(argv[0]),)))
    assert is_of_a_child(heard, Program(("/other", "format"), (elf("/other"),)))


@pytest.mark.parametrize(
    ("line", "code", "expected"),
    [
        (LAUNCHER, 1, Reason.NATIVE),
        (LIBRARY, 1, Reason.NATIVE),
        (LAUNCHER, 127, Reason.CRASH_UNEXPLAINED),  # nobody else ends so, and nothing on its way explains it
        (OLD_CPU, 127, Reason.CPU_LEVEL_TOO_LOW),
        (RUNTIME, 1, Reason.EXEC_FORMAT_ERROR),
    ],
)
def test_a_program_that_ran_is_not_accused_by_what_it_repeats(line, code, expected):
    offered = builders.offer(None, "a", config=AMD64, program=STATIC)
    image = ImageFacts("r.example/app:1", offered.digest, is_index=False, offers=(offered,))
    host = builders.host_facts("h", AMD64, engines=(builders.docker(AMD64, "20.10.24"),))
    held = {"platform": AMD64, "manifest_digest": builders.digest("a")}
    ended = {"state": "exited", "stage": Stage.STOPPED, "exit_code": code, "log": (line,)}
    workload = builders.container("c", f"r.example/app@{builders.INDEX}", local=held, **ended)
    assert judge(host, workload, image).reason is expected
