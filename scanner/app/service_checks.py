"""Tries before a start what serve would trip over: the store, the port, web files, witnesses."""

from __future__ import annotations

import http.client
import os
import ssl
from typing import TYPE_CHECKING

from scanner.app import trail_wiring
from scanner.app.listen import face_of
from scanner.app.replicas import check_replicas
from scanner.app.store import store_url
from scanner.formats import certificates
from scanner.formats.files import FileError, is_file, is_folder
from scanner.inventory.reading import http_fetch
from scanner.settings.problem import Problem, SettingsError
from scanner.store.database import sqlite_file
from scanner.store.error import StoreError
from scanner.store.recognition import Recognised, recognise
from scanner.store.sqlite_lock import refuse_held
from scanner.web.http.server import ListenError, refuse_taken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scanner.settings.schema import Settings

ANSWER_WITHIN_S = 2.0
"""A running archscan says within milliseconds that it is one."""

HEALTHY = b"archscan is healthy"


def refusals(*looks: Callable[[], object]) -> tuple[str, ...]:
    """What is refused, in lines; one that refuses keeps nobody from the next."""
    found: list[str] = []
    for look in looks:
        try:
            look()
        except SettingsError as error:
            found += map(str, error.problems)
    return tuple(dict.fromkeys(found))


def check_service(settings: Settings) -> None:
    """Look at everything that serve opens, without changing any of it.

    A store in use, or a port taken, by an archscan that runs already is as it should be: the check is for its reload.

    Raises:
        SettingsError: with all that was found.
    """
    problems: list[Problem] = []
    for look in (_face, _trail, check_replicas, _registries, _store, _port):
        try:
            look(settings)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)


def _face(settings: Settings) -> None:
    face_of(settings)


def _trail(settings: Settings) -> None:
    trail_wiring.check_trail(settings)


def _registries(settings: Settings) -> None:
    """Authorities and certificates of registries, which else are first read when one is asked."""
    problems = []
    for name, registry in settings.registries.listed.items():
        if registry.ca_file is None and registry.cert_file is None:
            continue
        place, setting = f"registries.{name}", "ca_file"
        try:
            context = certificates.verifying(registry.ca_file)
            setting = "cert_file"
            if registry.cert_file is not None and registry.key_file is not None:
                certificates.identify(context, registry.cert_file, registry.key_file)
        except FileError as error:
            setting = "key_file" if error.path == str(registry.key_file) else setting
            problems.append(Problem(f"{place}.{setting}", 0, "", f"{error.path} cannot be used: {error.problem}"))
        except ssl.SSLError as error:
            why = f"{registry.cert_file} cannot be used with {registry.key_file}: {certificates.unusable(error)}"
            problems.append(Problem(f"{place}.cert_file", 0, "", why))
    if problems:
        raise SettingsError(problems)


def _store(settings: Settings) -> None:
    url = store_url(settings)
    path = sqlite_file(url) if url else None
    if url and url.startswith("postgresql"):
        _server(url)
    if path is None:
        return
    found = recognise(path)
    folder = path.absolute().parent
    if found is Recognised.FOREIGN:
        raise _refused("store.url", f"{path} is another program's database: name a file of its own")
    if found is Recognised.NO_DATABASE:
        raise _refused(
            "store.url", f"{path} is not a database, or a damaged one: restore a backup, or name another file"
        )
    if not is_folder(folder):
        raise _refused("store.url", f"{folder} is no directory: create it, writable for the user that runs archscan")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused("store.url", f"{folder} is not writable for the user that runs archscan")
    if found is not Recognised.MISSING and not (is_file(path) and os.access(path, os.R_OK | os.W_OK)):
        raise _refused("store.url", f"{path} is not a file that the user that runs archscan may write")


def _server(url: str) -> None:
    from scanner.store.transfer import refuse_unreachable  # noqa: PLC0415 -- nobody else waits for SQLAlchemy's inspection

    try:
        refuse_unreachable(url)
    except StoreError as error:
        raise _refused("store.url", str(error)) from None


def _port(settings: Settings) -> None:
    host, port = settings.web.listen_address
    try:
        refuse_taken(host, port)
    except ListenError as error:
        if not _is_ours(host, port) and not _is_running(settings):
            raise _refused("web.listen", str(error)) from None


def _is_ours(host: str, port: int) -> bool:
    """Whether an archscan answers there."""
    name = f"[{host}]" if ":" in host else host or "127.0.0.1"
    once = http_fetch.opener(ANSWER_WITHIN_S, certificates.verifying())
    try:
        with once.open(f"http://{name}:{port}/-/healthy", timeout=ANSWER_WITHIN_S) as answer:
            return HEALTHY in answer.read(1000)
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _is_running(settings: Settings) -> bool:
    """Whether an archscan holds this store, so that the port may be its own, behind TLS."""
    url = store_url(settings)
    path: Path | None = sqlite_file(url) if url else None
    try:
        if path is not None:
            refuse_held(path)
    except StoreError:
        return True
    return False


def _refused(name: str, why: str) -> SettingsError:
    return SettingsError([Problem(name, 0, "", why)])
