"""What a person gets to read of a pasted error."""

import subprocess

import pytest

from scanner.domain.verdict.error_phrases import PHRASES
from scanner.domain.verdict.explanation import explained
from scanner.domain.verdict.reason import Reason, Status
from tests.rows import each_row


@each_row("phrase", [phrase for phrase in PHRASES if not phrase.needs_code], ids=lambda phrase: phrase.says[:60])
def test_each_explanation_has_a_cause_a_way_to_see_it_a_cure_a_speaker(phrase):
    (found,) = explained(phrase.says)
    assert (found.reason, found.cause, found.said_by) == (phrase.reason, phrase.cause, phrase.said_by)
    assert found.confirm
    assert found.fix.summary
    if found.status in {Status.MISMATCH, Status.BROKEN} and found.reason is not Reason.SHEBANG_TOO_DEEP:
        assert found.fix.commands  # no command unties scripts that interpret scripts


def test_every_command_is_one_that_a_shell_can_parse():
    commands = {
        command
        for phrase in PHRASES
        for found in explained(phrase.says)
        for command in (*found.confirm, *found.fix.commands)
    }
    script = "\n".join(f"if false; then {command}\nfi" for command in sorted(commands))
    assert subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=False, capture_output=True).stderr == ""


def test_the_cure_of_an_exec_format_error_is_a_build():
    (found,) = explained("exec /app: exec format error")
    assert "docker buildx build --platform linux/amd64,linux/arm64 --tag IMAGE --push ." in found.fix.commands


@pytest.mark.parametrize(
    ("text", "platforms"),
    [
        ("no matching manifest for linux/arm/v7 in the manifest list entries", "linux/amd64,linux/arm/v7,linux/arm64"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "linux/amd64,linux/arm64"),
        ("wanted linux/s390x, actual: linux/amd64", "linux/amd64,linux/arm64,linux/s390x"),
        (
            'no image found in image index for architecture "riscv64", variant "", OS "linux"',
            "linux/amd64,linux/arm64,linux/riscv64",
        ),
        (
            'no image found in manifest list for architecture arm, variant "v7", OS linux',
            "linux/amd64,linux/arm/v7,linux/arm64",
        ),
        (
            "The requested image's platform (linux/arm64/v8) does not match the detected host platform (linux/amd64/v3)",
            "linux/amd64,linux/arm64",
        ),
    ],
)
def test_the_build_is_for_the_platforms_that_the_text_names_too(text, platforms):
    """A push replaces what the tag offered before, so that what servers have is always among them."""
    (found,) = explained(text)
    assert found.fix.commands == (f"docker buildx build --platform {platforms} --tag IMAGE --push .",)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("no matching manifest for linux/386 in the manifest list entries", "linux/386"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "linux/arm64"),
        ('no image found in image index for architecture "riscv64", variant "", OS "linux"', "linux/riscv64"),
        ("no suitable node (unsupported platform on 3 nodes)", "this host"),
        ("requested image's platform (linux/amd64) does not match the detected host platform (linux/arm64/v8)", "linux/arm64"),
        ("does not match the specified platform: wanted linux/s390x, actual: linux/amd64", "linux/s390x"),
        ("no matching manifest for windows/amd64 10.0.19041 in the manifest list entries", "windows/amd64"),
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_an_image_offers_at_which_nobody_looked(text, asked):
    (found,) = explained(text)
    assert found.fix.summary == f"Build IMAGE for {asked} too, then push it."


def test_what_another_system_asks_for_is_built_beside_what_the_tag_offers():
    (found,) = explained("no matching manifest for windows/amd64 10.0.19041 in the manifest list entries")
    assert found.fix.commands == (
        "docker buildx build --platform windows/amd64 --tag IMAGE-windows --push .",
        "docker buildx imagetools create --append --tag IMAGE IMAGE-windows",
    )


@pytest.mark.parametrize(
    ("text", "reason", "cure"),
    [
        ("qemu: uncaught target signal 11 (Segmentation fault) - core dumped", Reason.EMULATOR_UNUSABLE, "The emulator QEMU fails at this program"),
        ("Rosetta is only intended to run on Apple Silicon with a macOS host", Reason.EMULATOR_UNUSABLE, "The emulator Rosetta fails at this program"),
        ("rosetta error: Rosetta is only intended to run on Apple Silicon", Reason.EMULATOR_UNUSABLE, "The emulator Rosetta fails at this program"),
        ('[CONTEXT] process "/dev/.buildkit_qemu_emulator /bin/sh -c npm ci" did not complete successfully: exit code: 139', Reason.EMULATOR_UNUSABLE, "The emulator QEMU fails"),
        ("Error: Cannot find module @rollup/rollup-linux-arm64-musl. npm has a bug related to optional dependencies", Reason.WRONG_LIBRARY, "(RUN npm ci)"),
        ("Error: /app/node_modules/x/x.node: invalid ELF header", Reason.WRONG_LIBRARY, "(RUN npm ci)"),
        ("api.service: Main process exited, code=exited, status=203/EXEC", Reason.BINARY_UNKNOWN, "The line above it"),
        ("qemu-aarch64: Could not open '/lib/ld-linux-aarch64.so.1': No such file or directory", Reason.LOADER_MISSING, "The loader that the program names is not in the image"),
        ("api-1 exited with code 132", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("exit code 132", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("exit status 132", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("      Exit Code:    132", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ('            "ExitCode": 132,', Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("      exitCode: 132", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("command terminated with exit code 132", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ('process "/bin/sh -c make" did not complete successfully: exit code: 132', Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("The command '/bin/sh -c make' returned a non-zero code: 132", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("command terminated with exit code 139", Reason.CRASH_UNEXPLAINED, "its own last words"),
        ("Exited (132) 5 minutes ago", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
        ("api-1 exited with code 139", Reason.CRASH_UNEXPLAINED, "its own last words"),
        ("   Process: 1 ExecStart=/app (code=dumped, signal=ILL)", Reason.ILLEGAL_INSTRUCTION, "oldest CPU"),
    ],
)  # fmt: skip
def test_a_cure_is_one_for_what_the_words_say(text, reason, cure):
    (found,) = explained(text)
    assert (found.reason, cure in found.fix.summary) == (reason, True), found.fix
    assert not [command for command in found.fix.commands if "tonistiigi/binfmt" in command]


def test_a_code_gives_way_to_what_another_line_says():
    (found,) = explained("/app: CPU ISA level is lower than required\napi-1 exited with code 139")
    assert found.reason is Reason.CPU_LEVEL_TOO_LOW


def test_conmon_speaks_for_itself():
    (found,) = explained("conmon: error: exec format error")
    assert found.said_by.startswith("conmon")


def test_a_text_without_a_sign_explains_nothing():
    assert explained("all is well") == ()
    assert explained('"ExitCode": 0,\nexit code 1320\nexit status 13\nwe saw exit code 132 in a dream') == ()
    assert [found.reason for found in explained("Illegal instruction")] == [Reason.ILLEGAL_INSTRUCTION]
