"""Finds the program that argv leads to in one image, without pulling it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.layers.limits import LayerError, LayerLimits
from scanner.binary.layers.reading import LayerReading
from scanner.binary.layers.source import OpenLayer
from scanner.binary.program import argv, chain, emulators, script_words
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Program
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.beside import beside

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.domain.facts import Process
    from scanner.domain.image.offers import Offer

__all__ = ["OpenLayer", "inspect"]

_DEFAULT = LayerLimits()


async def inspect(
    offer: Offer,
    override: Process | None,
    open_layer: OpenLayer,
    limits: LayerLimits = _DEFAULT,
    *,
    early_stop: bool = False,
) -> Program:
    """Open what ``offer`` starts (with what a container says beside it), reading as few layers as it takes.

    Each of them is read to its end, so that its digest is checked, unless ``early_stop`` allows less; what the answer
    then rests on without that proof is ``Program.partly_read``. Every trouble with the image or its transport is ``Program.problem``; only cancellation is raised.
    """
    command = argv.resolve(offer.process, override)
    refused = _refused(offer, override)
    if refused is not None:
        return Program(command.argv, problem=refused)
    deadline = asyncio.timeout(limits.read_s)
    try:
        async with deadline:
            reading = LayerReading(offer.layers, open_layer, limits, early_stop=early_stop, diff_ids=offer.diff_ids)
            reading.keep(script_words.files_of(command))
            return await _program(command, reading)
    except LayerError as error:
        return Program(command.argv, problem=error.failure)
    except TimeoutError:
        return Program(command.argv, problem=_too_slow(limits))


async def _program(command: Command, reading: LayerReading) -> Program:
    """What the layers say, the objections to the layers beside those to what they hold."""
    try:
        program = await reading.ask(lambda view: chain.program(view, command))
    except LayerError as error:
        return Program(command.argv, problem=error.failure, objections=reading.objections)
    partly_read = reading.partly_read  # before anything is looked for that the answer does not rest on
    carried = await beside(emulators.carried, reading.view, program.files)
    if program.problem is None:
        await reading.read_small()
        await beside(reading.note_lower_whiteouts)
    objections = (*program.objections, *reading.objections)
    return replace(program, partly_read=partly_read, emulators=carried, objections=objections)


def _refused(offer: Offer, override: Process | None) -> Failure | None:
    platform = offer.platform
    if platform is not None and platform.os == "windows":
        return Failure(Reason.BINARY_NOT_INSPECTED, "images for Windows are judged by what they say of themselves")
    if offer.process is None and (override is None or not override.argv):
        return Failure(Reason.BINARY_UNKNOWN, "the image's config, which names its program, was not read")
    if not offer.layers:
        return Failure(Reason.BINARY_UNKNOWN, "the image's manifest names no layers")
    return None


def _too_slow(limits: LayerLimits) -> Failure:
    return Failure(Reason.LAYER_LIMIT, f"reading the layers took longer than {limits.read_s:g} s")
