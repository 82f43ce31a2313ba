"""Several sources made one inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.host import Host
    from scanner.inventory.record import Defaults, Record

MAX_HOSTS = 100_000
"""Ten times the largest fleet that one scanner is measured with."""


class Source(Protocol):
    """Something that names hosts."""

    @property
    def defaults(self) -> Defaults:
        """What its hosts have unless they say otherwise."""

    def read(self) -> tuple[Record, ...]:
        """Its hosts, each once.

        Raises:
            InventoryError: the source cannot be read or understood.
        """


def gather(sources: Iterable[Source]) -> tuple[Host, ...]:
    """Every host of every source, in order.

    Raises:
        InventoryError: with every problem of every source; a name twice, or one login written twice, is one.
    """
    problems: list[str] = []
    found: list[tuple[str, Host]] = []
    for source in sources:
        try:
            records = source.read()
        except InventoryError as error:
            problems += error.problems
            continue
        for record in records:
            try:
                found.append((record.place, record.host(source.defaults)))
            except InventoryError as error:
                problems += error.problems
    problems += _twice(found)
    if len(found) > MAX_HOSTS:
        problems.append(f"the inventory has more than {MAX_HOSTS} hosts")
    if problems:
        raise InventoryError(problems)
    return tuple(host for _place, host in found)


def _twice(found: list[tuple[str, Host]]) -> list[str]:
    names: dict[str, str] = {}
    logins: dict[tuple[str, int, str, str], tuple[str, str]] = {}
    problems = []
    for place, host in found:
        if host.name in names:
            problems.append(f"{place}: host {host.name} is also in {names[host.name]}")
            continue
        names[host.name] = place
        if host.local:
            continue
        login = (host.address.lower(), host.port, host.user, host.jump)
        if login in logins:
            other, where = logins[login]
            problems.append(f"{place}: host {host.name} has the same address as {other} in {where}")
        logins.setdefault(login, (host.name, place))
    return problems
