"""The page of error texts, made from the phrases that are known."""

from __future__ import annotations

from scanner.domain.text import printable
from scanner.domain.verdict.error_phrases import PHRASES, RUNTIME_SPEAKS_WITHIN_S
from scanner.domain.verdict.phrases.acquittals import ACQUITTALS
from scanner.domain.verdict.phrases.phrase import Speaker

_HEAD = f"""# Error texts

What runtimes, shells, loaders, emulators, engines, programs say of a program that does not start, what `archscan explain`
and the verdict make of it, who prints it. This page is made from the code: `python -m docs.generate`.

Who can have spoken is decided by what the engine said, the exit code, the times of the last start and end. An engine's own
error is the engine speaking. A log line counts only where it is a whole line in the speaker's form: a runtime's as the last
one, of a container that ended within {RUNTIME_SPEAKS_WITHIN_S:.0f} s; a shell's, launcher's, loader's or emulator's wherever the exit code agrees, and
among the last lines where that code (126, 127, 132, 134, 139) is hardly another's. What a program says of its child, a
warning, a registry's refusal are explained, but prove nothing of a start that failed.
"""

_TITLES = {
    Speaker.RUNTIME: "Runtimes, service managers",
    Speaker.LAUNCHER: "Launchers",
    Speaker.SHELL: "Shells",
    Speaker.LOADER: "Dynamic loaders, C libraries",
    Speaker.EMULATOR: "Emulators",
    Speaker.PROGRAM: "Programs, language runtimes, kernels",
    Speaker.ENGINE: "Engines",
    Speaker.WARNING: "Warnings",
    Speaker.REGISTRY: "Registries",
}


def page() -> str:
    """Every phrase with its reason and speaker, then what acquits, in Markdown."""
    parts = [_HEAD]
    for speaker in Speaker:
        parts.append(f"\n## {_TITLES[speaker]}\n\n| text | reason | printed by |\n| --- | --- | --- |\n")
        for phrase in (phrase for phrase in PHRASES if phrase.speaker is speaker):
            link = f"[{phrase.reason}](reasons.md#{phrase.reason})"
            parts.append(f"| {_code(phrase.says)} | {link} | {_cell(phrase.said_by)} |\n")
    parts.append("\n## Not the CPU\n\nAn engine that refuses a container with one of these accuses no image.\n")
    parts.append("\n| text | what it is instead |\n| --- | --- |\n")
    parts.extend(f"| {_code(each.says)} | {_cell(each.instead)} |\n" for each in ACQUITTALS)
    return "".join(parts)


def _code(text: str) -> str:
    """As code, in more backticks than the text has."""
    return f"``` {_cell(text)} ```" if "`" in text else f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|")
