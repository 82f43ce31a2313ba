"""The hosts of an OpenSSH client configuration, as ssh would reach them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.formats import whose
from scanner.inventory.error import InventoryError
from scanner.inventory.reading import snapshot as snapshots
from scanner.inventory.reading.offload import INLINE, Offload
from scanner.inventory.record import Defaults, HostRecords, Record, with_aliases
from scanner.inventory.ssh_config.blocks import MAX_INCLUDES, Missing, read_blocks
from scanner.inventory.ssh_config.connection_options import FAMILY, NotUnderstoodError, Setting, family_of, port_of
from scanner.inventory.ssh_config.evaluation import Evaluation
from scanner.inventory.ssh_config.jump import MAX_HOPS, Hop, identity_of, jump_of
from scanner.inventory.ssh_config.lines import fits

if TYPE_CHECKING:
    from scanner.inventory.reading.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SshConfigSource:
    """The hosts that the file names without wildcards, so far as ``hosts`` (patterns, ``!`` leaves out) lets them in.

    ``home`` and ``account`` are those of archscan's own account, where they are empty.
    """

    path: Path
    hosts: tuple[str, ...] = ("*",)
    defaults: Defaults = field(default_factory=Defaults)
    home: str = ""
    account: str = ""

    @property
    def is_ours(self) -> bool:
        """Its hosts are somebody's file."""
        return False

    def read(self, offload: Offload = INLINE) -> HostRecords:
        """The hosts, each with the first value that ssh would find.

        Raises:
            InventoryError: a file that cannot be read, or a line that cannot be understood.
        """
        home, account = self.home or str(whose.home()), self.account or whose.account()
        path = str(self.path.absolute())
        snapshot = snapshots.take([Path(path)])
        for _ in range(MAX_INCLUDES + 1):  # each round may find files that include others
            snapshots.add_homes(snapshot)
            found = offload(path, read_config, path, self.hosts, home, account, snapshot)
            if isinstance(found, HostRecords):
                return found
            for pattern in found.patterns:
                snapshot.add_pattern(pattern)
        raise InventoryError([f"{path}: more than {MAX_INCLUDES} files include each other"])


def read_config(
    path: str, wanted: tuple[str, ...], home: str, account: str, snapshot: Snapshot
) -> HostRecords | Missing:
    """The hosts of one file, or the files that it includes and that are still to be read.

    Raises:
        InventoryError: as ``SshConfigSource.read``.
    """
    blocks = read_blocks(path, home, snapshot)
    if isinstance(blocks, Missing):
        return blocks
    evaluation = Evaluation(blocks, account, home, snapshot.homes)
    names = evaluation.names()
    return HostRecords(with_aliases([_record(evaluation, name, names[name]) for name in names if _fits(name, wanted)]))


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    if any(fits(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(fits(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _record(evaluation: Evaluation, name: str, place: str) -> Record:
    try:
        way = _way(evaluation, name)
    except (NotUnderstoodError, InventoryError) as error:
        return Record(name, place, problem=f"{error} (host {name})")
    return Record(
        name,
        place,
        way.address,
        way.port,
        way.user,
        jump=",".join(map(str, way.hops)) if way.hops else "none" if way.is_direct else "",
        identity_files=way.identities,
        jump_identity_files=tuple(next(iter(hop.identities), "") for hop in way.hops),
        family=(*way.hops, way)[0].family,
    )


@dataclass(frozen=True, slots=True)
class _Reached:
    """One machine on the way, as everything together says."""

    address: str
    port: int | None
    user: str
    identities: tuple[str, ...] = ()
    hops: tuple[_Reached, ...] = ()
    is_direct: bool = False
    family: str = ""

    def __str__(self) -> str:
        """``[user@]host[:port]``."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return "".join((f"{self.user}@" if self.user else "", host, f":{self.port}" if self.port else ""))


def _way(evaluation: Evaluation, name: str, given: tuple[Setting, ...] = (), *, depth: int = 0) -> _Reached:
    """How ssh would reach a name; ``given`` stood on its command line."""
    resolved = evaluation.of(name, given)
    options = resolved.options
    options.refuse_maybe("hostname", "port", "user", "proxy", "identityfile", FAMILY)
    tokens = resolved.tokens if options.identities or "proxy" in options.first else {}
    jump = jump_of(options, tokens)
    hops: list[_Reached] = []
    for number, hop in enumerate(jump.hops):
        is_first = number == 0 and jump.may_jump
        reached = _bastion(evaluation, hop, depth + 1) if jump.through_config else _as_written(evaluation, hop)
        hops += [*(reached.hops if is_first else ()), reached]
    if len(hops) > MAX_HOPS:
        raise NotUnderstoodError(f"{options.first['proxy'].place}: more than {MAX_HOPS} bastions stand in front of it")
    user = options.first.get("user")
    if user is not None and ("%" in user.value or "${" in user.value):
        raise NotUnderstoodError(f"{user.place}: User depends on what only ssh expands")
    return _Reached(
        resolved.address,
        port_of(options.first.get("port")),
        options.word("user"),
        _identities(options.identities, tokens, evaluation),
        tuple(hops),
        is_direct="proxy" in options.first,
        family=family_of(options.first.get(FAMILY)),
    )


def _bastion(evaluation: Evaluation, hop: Hop, depth: int) -> _Reached:
    """A bastion looked up in the same file, as the ssh that goes there does."""
    if depth > MAX_HOPS:
        raise NotUnderstoodError(f"the bastion {hop.host} stands in front of itself")
    given = [Setting("user", f'"{hop.user}"')] if hop.user else []
    given += [Setting("port", str(hop.port))] if hop.port else []
    given += [hop.family] if hop.family else []
    return _way(evaluation, hop.host, (*given, *hop.identities), depth=depth)


def _as_written(evaluation: Evaluation, hop: Hop) -> _Reached:
    tokens = {"%": "%", "h": hop.host, "d": evaluation.home, "u": evaluation.account}
    keys = _identities(hop.identities, tokens, evaluation)
    return _Reached(hop.host.lower(), hop.port, hop.user, keys, family=family_of(hop.family))


def _identities(
    settings: list[Setting] | tuple[Setting, ...], tokens: dict[str, str], evaluation: Evaluation
) -> tuple[str, ...]:
    found = (identity_of(one, tokens, evaluation.home, evaluation.homes) for one in settings)
    return tuple(dict.fromkeys(filter(None, found)))
