"""Turns the survey of a layer into bytes that can be kept for ever, then into an equal survey again."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from scanner.domain.image.image_survey import LayerSurvey, SurveyedFile, SurveyedKind
from scanner.domain.image.offers import Elf
from scanner.store import codec

MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""Four times what the bounds of a survey allow; more is damage."""

_FORMAT = 2


def pack(survey: LayerSurvey) -> bytes:
    """Compressed JSON; what hundreds of files have in common, their ELF headers, stands there once."""
    files = [each for file in survey.files for each in (file, *file.members)]
    elves = list(dict.fromkeys(file.elf for file in files if file.elf is not None))
    numbers = {elf: number for number, elf in enumerate(elves)}
    made = {
        "format": _FORMAT,
        "elves": [codec.dumps(elf) for elf in elves],
        "files": [_fields(file, numbers) for file in survey.files],
        "links": dict(survey.links),
        "hard_links": dict(survey.hard_links),
        "whiteouts": sorted(survey.whiteouts),
        "opaques": sorted(survey.opaques),
        "covered": base64.b64encode(survey.covered).decode(),
        "directories": base64.b64encode(survey.directories).decode(),
        "searched": {path: list(added) for path, added in survey.searched.items()},
    }
    return zlib.compress(json.dumps(made, separators=(",", ":")).encode(), 6)


def _fields(file: SurveyedFile, numbers: dict[Elf, int]) -> list[Any]:
    """One file; the members of an archive stand behind its own fields, for most files have none."""
    number = None if file.elf is None else numbers[file.elf]
    own = [file.path, file.kind, file.mode, number, file.problem, file.shebang, file.names]
    return own + ([[_fields(member, numbers) for member in file.members]] if file.members else [])


def unpack(packed: bytes) -> LayerSurvey:
    """The survey that ``pack`` was given.

    Raises:
        ValueError: the bytes are damaged, or another version's.
    """
    try:
        inflate = zlib.decompressobj()
        raw = inflate.decompress(packed, MAX_UNPACKED_BYTES)
        if not inflate.eof:
            raise ValueError("a stored survey is cut short, or longer than any")
        return _survey(json.loads(raw))
    except (zlib.error, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a stored survey: {error}") from error


def _survey(made: dict[str, Any]) -> LayerSurvey:
    if made["format"] != _FORMAT:
        raise ValueError(f"a stored survey of format {made['format']}")
    elves = [codec.loads(Elf, text) for text in made["elves"]]
    return LayerSurvey(
        files=tuple(_file(elves, *fields) for fields in made["files"]),
        links=made["links"],
        hard_links=made["hard_links"],
        whiteouts=frozenset(made["whiteouts"]),
        opaques=frozenset(made["opaques"]),
        covered=base64.b64decode(made["covered"]),
        directories=base64.b64decode(made["directories"]),
        searched={path: tuple(added) for path, added in made["searched"].items()},
    )


def _file(  # noqa: PLR0913, PLR0917 -- one for each field, as it was written
    elves: list[Elf],
    path: str,
    kind: str,
    mode: int,
    number: int | None,
    problem: str,
    shebang: str,
    names: list[str] | None,
    members: list[list[Any]] | None = None,
) -> SurveyedFile:
    return SurveyedFile(
        path=path,
        kind=SurveyedKind(kind),
        mode=mode,
        elf=None if number is None else elves[number],
        problem=problem,
        shebang=shebang,
        names=None if names is None else tuple(names),
        members=tuple(_file(elves, *fields) for fields in members or ()),
    )
