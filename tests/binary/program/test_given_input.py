"""What a container runs that is handed a text to read."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.facts import Process
from scanner.domain.verdict.reason import Reason

UNKNOWN = Reason.BINARY_UNKNOWN


@pytest.fixture
def look(images, build):
    """What an image starts that is handed a text, beside programs for another CPU."""

    async def inspected(argv, text, *, is_fed=True):
        tools = [(f"bin/{name}", build.elf()) for name in ("dash", "cat", "env", "tini", "su-exec")]
        entries = [*tools, ("bin/sh", build.symlink("dash")), ("f", build.elf(machine=183)), ("app", build.elf())]
        entries.append(("s", b"exec /f\n"))
        image = build.offer(images.layer(entries), entrypoint=argv, path="/bin")
        found = await inspect(image, Process(is_fed=is_fed, input=text), images.open)
        return found.problem.reason if found.problem else None, found.chain[-1].path

    return inspected


@pytest.mark.parametrize(
    ("argv", "text", "expected"),
    [
        (("sh",), "exec /f\n", (None, "/f")),
        (("sh", "-s", "a"), "x=1\nexec /f\n", (None, "/f")),
        (("sh", "/dev/stdin"), "exec /f\n", (None, "/f")),
        (("tini", "env", "sh"), "exec /f\n", (None, "/f")),
        (("sh", "-c", "exec sh"), "exec /f\n", (None, "/f")),
        (("sh", "-c", "cat | sh"), "exec /f\n", (None, "/f")),
        (("sh", "-c", "exec tini sh </s"), "", (None, "/f")),
        (("sh", "-c", "exec sh </s"), "", (None, "/f")),
        (("/app",), "exec /f\n", (None, "/app")),
        (("sh",), "", (None, "/bin/dash")),
        (("sh",), None, (UNKNOWN, "/bin/dash")),
        (("sh", "/dev/stdin"), None, (UNKNOWN, "/bin/dash")),
        (("tini", "sh"), None, (UNKNOWN, "/bin/dash")),
        (("/app",), None, (None, "/app")),
    ],
)  # fmt: skip
async def test_a_shell_runs_what_its_container_is_handed(look, argv, text, expected):
    assert await look(argv, text) == expected


async def test_what_is_not_handed_on_is_read_by_nobody(look):
    assert await look(("sh",), "exec /f\n", is_fed=None) == (None, "/bin/dash")
