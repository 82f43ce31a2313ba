"""The made-up registry in a process of its own: it stands for another machine, its work is not the scanner's."""

from __future__ import annotations

import multiprocessing
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scanner.demo.registry import DemoRegistry
from tests.bench import family

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from scanner.demo.images import Shelf


@contextmanager
def registry_of(shelf: Shelf) -> Iterator[str]:
    """``127.0.0.1:port`` of a registry that has the shelf while the context lasts."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(shelf, theirs), daemon=True)
    process.start()
    family.NOT_OURS.add(process.pid)
    try:
        yield ours.recv()
    finally:
        ours.send("enough")
        process.join()
        family.NOT_OURS.discard(process.pid)


def _serve(shelf: Shelf, told: Connection) -> None:
    with DemoRegistry(shelf) as registry:
        told.send(registry.name)
        told.recv()
