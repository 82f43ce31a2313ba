"""Refuses, by name, the settings that a reload cannot change while the service runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.app.store import IN_MEMORY, store_url
from scanner.errors import UsageError
from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from scanner.settings.schema import Settings


class InFlight:
    """Remembers what the service was started with."""

    def __init__(self, settings: Settings) -> None:
        self._listen, self._store_url = settings.web.listen, store_url(settings) or IN_MEMORY
        self._trail, self._replicas = settings.trail, settings.replicas

    @property
    def store_url(self) -> str:
        """Where the store is that was opened."""
        return self._store_url

    def refuse_change(self, settings: Settings) -> None:
        """Refuse what takes a restart.

        Raises:
            SettingsError: naming each setting.
        """
        changed: list[Problem] = []
        if settings.web.listen != self._listen:
            told = f"cannot change from {self._listen} while archscan runs: restart it"
            changed.append(Problem("web.listen", 0, "", told))
        try:
            url = store_url(settings) or IN_MEMORY
        except UsageError as error:
            raise SettingsError([Problem("store", 0, "", str(error))]) from None
        if url != self._store_url:
            name = "store.url_file" if settings.store.url_file else "store.url"
            changed.append(Problem(name, 0, "", "the store cannot change while archscan runs: restart it"))
        if settings.trail != self._trail:
            changed.append(Problem("trail", 0, "", "cannot change while archscan runs: restart it"))
        if settings.replicas != self._replicas:
            changed.append(Problem("replicas", 0, "", "cannot change while archscan runs: restart it"))
        if changed:
            raise SettingsError(changed)
