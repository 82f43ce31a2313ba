"""Which keys log in to which host: those that the settings give it, that the inventory names, or everybody's."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.domain.host import Host
from scanner.domain.host_pattern import fits
from scanner.formats.files import is_there
from scanner.hosts.ssh.identity import ClientKey, ends_at, own_identities, read_identity
from scanner.hosts.ssh.trust import KeylessError, TrustError, all_read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.hosts.ssh.config import HostIdentity, SshConfig

OF_EVERYBODY = "ssh.identity_file"
"""The identity of hosts to which nobody gives another one."""

MAX_KEYS = 5
"""sshd ends a login after six attempts (MaxAuthTries); a certificate is one more."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What is offered to a host: keys, or those of an agent at this socket; why others of a person's are not."""

    keys: tuple[ClientKey, ...] = ()
    agent: str | None = None
    unusable: tuple[str, ...] = ()


@dataclass(slots=True)
class Keyring:
    """The keys of one configuration. Those that an inventory names are read when they are first needed.

    An identity is known by the setting that gives it, or by the files that the inventory names.
    """

    config: SshConfig
    _known: dict[str, Keys] = field(default_factory=dict)

    @classmethod
    def open(cls, config: SshConfig) -> Keyring:
        """The keys that the configuration itself names.

        Raises:
            TrustError: a file is missing, exposed or damaged.
        """
        reads: list[Callable[[], Keys]] = [partial(_of_everybody, config)]
        reads += [partial(_of, one) for one in config.identities]
        everybodys, *others = all_read(reads)
        known = {OF_EVERYBODY: everybodys}
        return cls(config, known | {f"ssh.identities[{number}]": keys for number, keys in enumerate(others)})

    @property
    def certificate_ends(self) -> Mapping[str, float]:
        """When certificates end (Unix seconds) that were read so far, by the setting that names them."""
        ends = {
            "ssh.certificate_file" if name == OF_EVERYBODY else f"{name}.certificate_file": ends_at(known.keys)
            for name, known in self._known.items()
            if name.startswith("ssh.")
        }
        return {name: at for name, at in ends.items() if at is not None}

    def of(self, host: Host) -> str:
        """The identity of a host: the first of the settings that fits, what the inventory names, everybody's."""
        return self._of(host, host.identity_files)

    def of_bastion(self, address: str, named: str) -> str:
        """The identity of a bastion, which has no labels."""
        return self._of(Host(address, address), (named,) if named else ())

    def _of(self, host: Host, named: tuple[str, ...]) -> str:
        for number, one in enumerate(self.config.identities):
            if fits(host, one.match):
                return f"ssh.identities[{number}]"
        return "\n".join(named) or OF_EVERYBODY

    def keys(self, identity: str) -> Keys:
        """What is offered under an identity.

        Raises:
            TrustError: the inventory names a key that is missing, exposed, damaged or encrypted; or nobody names any.
        """
        known = self._known.get(identity)
        if known is None:
            known = self._known[identity] = self._of_inventory(identity.split("\n"))
        if not known.keys and known.agent is None and self.config.own_keys:
            raise KeylessError(f"it was not asked, for none of your own keys can be used: {self._why(known)}")
        if not known.keys and known.agent is None:
            raise TrustError("no key is configured for it: set ssh.identity_file, or an entry of ssh.identities")
        return known

    def _why(self, known: Keys) -> str:
        files = self.config.own_keys
        missing = f"there is no {files[0]}" if len(files) == 1 else "there is none where your ssh looks for them"
        return "; ".join(known.unusable) or missing

    def _of_inventory(self, files: list[str]) -> Keys:
        """The keys of these files; ssh passes over those that are missing, as long as one is there.

        A person's agent knows keys that are encrypted, or not even there.
        """
        if self.config.agent is not None:
            keys, unusable = own_identities(map(Path, files))
            return Keys(keys, self.config.agent, unusable)
        there = [path for path in map(Path, files) if is_there(path)]
        if len(there) > MAX_KEYS:
            raise TrustError(f"the inventory names more than {MAX_KEYS} keys for it")
        if not there:
            raise TrustError(f"the inventory names a key that is not there: {', '.join(files)}")
        return Keys(tuple(key for path in there for key in read_identity(path, None, None)))


def _of_everybody(config: SshConfig) -> Keys:
    if config.identity_file is not None:
        return Keys(read_identity(config.identity_file, config.certificate_file, config.passphrase_file), config.agent)
    keys, unusable = own_identities(config.own_keys)
    return Keys(keys, config.agent, unusable)


def _of(one: HostIdentity) -> Keys:
    agent = None if one.agent is None else str(one.agent)
    if one.identity_file is None:
        return Keys((), agent)
    return Keys(read_identity(one.identity_file, one.certificate_file, one.passphrase_file), agent)
