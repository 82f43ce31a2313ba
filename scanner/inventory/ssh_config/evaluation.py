"""Which settings hold for one host, as ssh finds them: the first value wins, a second pass may add some."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scanner.inventory.ssh_config.connection_options import NotUnderstoodError, Options, Setting, expanded
from scanner.inventory.ssh_config.lines import fits, fits_host, fits_list, is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scanner.inventory.ssh_config.blocks import Block, Criterion

UNKNOWABLE = frozenset({"exec", "localnetwork", "version", "sessiontype", "command"})
"""Criteria that a command decides, or the machine on which ssh runs: what they could touch is not understood."""

DEFAULT_MAX_DOTS = 1


@dataclass(frozen=True)
class Evaluation:
    """The blocks of one configuration; ``account`` is the local login name, which ``Match`` compares with.

    ``homes`` are the folders of other accounts that it names.
    """

    blocks: Sequence[Block]
    account: str
    home: str
    homes: Mapping[str, str]

    @cached_property
    def _general(self) -> list[int]:
        """Blocks that may hold for any host."""
        return [number for number, block in enumerate(self.blocks) if not block.is_of_names]

    @cached_property
    def _named(self) -> dict[str, list[int]]:
        """Blocks that hold only for the hosts that they name."""
        found: dict[str, list[int]] = {}
        for number, block in enumerate(self.blocks):
            if block.is_of_names:
                for name in block.names:
                    found.setdefault(name, []).append(number)
        return found

    @cached_property
    def _has_final(self) -> bool:
        return any(one.name == "final" for block in self.blocks for one in block.criteria or ())

    def of(self, name: str, given: Iterable[Setting] = ()) -> Resolved:
        """What holds for ``ssh NAME``; ``given`` stood on the command line.

        Raises:
            NotUnderstoodError: only ssh itself could tell the address.
        """
        resolved = Resolved(name, self)
        for setting in given:
            resolved.options.take(setting)
        self._pass(resolved, name, is_final=False)
        resolved.settle_hostname()
        if self._has_final or resolved.is_canonicalised:
            resolved.refuse_canonical_names()
            before = resolved.address
            resolved.options.first["hostname"] = Setting("hostname", f'"{before}"')
            self._pass(resolved, before, is_final=True)
        return resolved

    def names(self) -> dict[str, str]:
        """The hosts that Host lines name, each with the place of the first one that holds for it."""
        found: dict[str, str] = {}
        for block in self.blocks:
            for name in block.names:
                if name not in found and self._may_hold(name, block):
                    found[name] = block.place
        return found

    def _may_hold(self, name: str, block: Block) -> bool:
        if not block.around:
            return _fits_all(name, block.patterns or ())
        outer = (self.blocks[number] for number in block.around)
        return _fits_all(name, block.patterns or ()) and all(
            one.patterns is None or _fits_all(name, one.patterns) for one in outer
        )

    def _pass(self, resolved: Resolved, host: str, *, is_final: bool) -> None:
        holds: dict[int, bool | None] = {}
        for number in sorted({*self._general, *self._named.get(host, ())}):
            block = self.blocks[number]
            outer = [holds.get(around, False) for around in block.around]
            holding = _and([*outer, _holds(block, resolved, host, is_final=is_final)])
            holds[number] = holding
            if holding is not False:
                for setting in block.settings:
                    resolved.options.take(setting, sure=holding is True)


@dataclass
class Resolved:
    """What is known of one host so far."""

    name: str
    of: Evaluation
    options: Options = field(default_factory=Options)
    address: str = ""

    @property
    def tokens(self) -> dict[str, str]:
        """What ``%`` means in ProxyJump, ProxyCommand, IdentityFile."""
        port = self.options.first.get("port")
        shown = port.value.strip('"') if port else "22"
        user = self.options.word("user") or self.of.account
        return {
            "%": "%", "h": self.address, "n": self.name, "p": shown, "r": user, "k": self.name, "d": self.of.home, "u": self.of.account,
        }  # fmt: skip

    def hostname_so_far(self, *, is_final: bool) -> str:
        """What ``Match host`` compares with."""
        setting = self.options.first.get("hostname")
        if setting is None:
            return self.name
        written = self.options.word("hostname")
        return written if is_final else expanded(setting, written, {"%": "%", "h": self.name})

    def settle_hostname(self) -> None:
        """The address after the first pass, in lower case as ssh has it."""
        self.address = self.hostname_so_far(is_final=False)
        if not _is_ip(self.address):
            self.address = self.address.lower()

    @property
    def is_canonicalised(self) -> bool:
        """Whether ssh would look for the host's full name, after which it reads its configuration again."""
        return self.options.word("canonicalizehostname").lower() in {"yes", "always"}

    def refuse_canonical_names(self) -> None:
        """See to it that no name server has a say in the address.

        Raises:
            NotUnderstoodError: one has.
        """
        options = self.options
        options.refuse_maybe("canonicalizehostname", "canonicaldomains")
        if not self.is_canonicalised or _is_ip(self.address):
            return
        setting = options.first["canonicalizehostname"]
        proxy = options.first.get("proxy")
        is_direct = proxy is None or proxy.value.strip().lower() == "none"
        if not is_direct and options.word("canonicalizehostname").lower() != "always":
            return
        dots = options.word("canonicalizemaxdots")
        most = int(dots) if dots.isdecimal() else DEFAULT_MAX_DOTS
        asks = options.words("canonicaldomains") not in ([], ["none"]) and self.address.count(".") <= most
        if asks or self.address.endswith(".") or options.words("canonicalizepermittedcnames") not in ([], ["none"]):
            raise NotUnderstoodError(f"{setting.place}: CanonicalizeHostname lets name servers decide its address")


def _is_ip(text: str) -> bool:
    if ":" not in text and not text[-1:].isdigit():
        return False
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _and(parts: Iterable[bool | None]) -> bool | None:
    """Three-valued: what is false is false, whatever is unknown beside it."""
    unknown = False
    for part in parts:
        if part is False:
            return False
        unknown = unknown or part is None
    return None if unknown else True


def _fits_all(name: str, patterns: Sequence[str]) -> bool:
    """A Host line's rule: some pattern fits, no negated one does."""
    if any(fits(name, word[1:]) for word in patterns if word.startswith("!")):
        return False
    return any(fits(name, word) if is_pattern(word) else name == word for word in patterns if not word.startswith("!"))


def _holds(block: Block, resolved: Resolved, host: str, *, is_final: bool) -> bool | None:
    if block.patterns is not None:
        return _fits_all(host, block.patterns)
    if block.criteria is None:
        return True
    return _and(_criterion(one, resolved, is_final=is_final) for one in block.criteria)


def _criterion(criterion: Criterion, resolved: Resolved, *, is_final: bool) -> bool | None:
    found = _truth(criterion, resolved, is_final=is_final)
    return None if found is None else found is not criterion.is_negated


def _truth(criterion: Criterion, resolved: Resolved, *, is_final: bool) -> bool | None:
    options, argument = resolved.options, criterion.argument
    match criterion.name:
        case "all":
            return True
        case "final" | "canonical":
            return is_final
        case "host":
            known = resolved.hostname_so_far(is_final=is_final)
            return None if "hostname" in options.maybe else fits_host(known, argument)
        case "originalhost":
            return fits_host(resolved.name, argument)
        case "user":
            return None if "user" in options.maybe else fits_list(options.word("user") or resolved.of.account, argument)
        case "localuser":
            return fits_list(resolved.of.account, argument)
        case "tagged":
            return None if "tag" in options.maybe else fits_list(options.word("tag"), argument)
    return None
