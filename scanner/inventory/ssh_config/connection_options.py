"""The options of one SSH connection, of which the first that is given wins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanner.domain.host import FAMILIES, MAX_PORT
from scanner.inventory.ssh_config.lines import split_words

FAMILY = "addressfamily"
"""The option by which addresses of one IP version alone are tried."""

ONE_VALUE = frozenset({
    "hostname", "port", "user", "tag", "canonicalizehostname", "canonicalizemaxdots", "hostkeyalias", FAMILY,
})  # fmt: skip
"""Options that take one word, of which the first wins, and which we need."""

LISTS = frozenset({"canonicaldomains", "canonicalizepermittedcnames"})
"""Options that take several words, of which the first line wins."""

IDENTITIES = "identityfile"
"""Every line of it adds a key."""

PROXY = frozenset({"proxyjump", "proxycommand"})
"""The first of the two wins, ``ProxyJump none`` aside."""

WANTED = ONE_VALUE | LISTS | PROXY | {IDENTITIES}

SERVICES = {"ssh": 22, "http": 80, "https": 443}
"""Ports that anybody would write by name; ssh looks them up in a file that is not read here."""

_TOKEN = re.compile(r"%(.?)", re.DOTALL)


_PLAIN = re.compile(r"[A-Za-z0-9_.@:/~%+-]+")
"""What needs no quotes."""


class NotUnderstoodError(ValueError):
    """What only ssh itself could tell; the text starts with the place where it stands, if there is one."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One option as written: a keyword in lower case, what follows it, where."""

    key: str
    value: str
    place: str = ""


@dataclass(slots=True)
class Options:
    """What has been said so far. ``maybe``: options of blocks of which only a command could tell whether they hold."""

    first: dict[str, Setting] = field(default_factory=dict)
    identities: list[Setting] = field(default_factory=list)
    maybe: dict[str, str] = field(default_factory=dict)

    def take(self, setting: Setting, *, sure: bool = True) -> None:
        """Take an option, unless one like it was given before."""
        key = "proxy" if setting.key in PROXY else setting.key
        if key in self.first and not (setting.key == "proxycommand" and self._jumps_nowhere):
            return
        if not sure:
            self.maybe.setdefault(key, setting.place)
        elif key == IDENTITIES:
            self.identities.append(setting)
        else:
            self.first[key] = setting

    @property
    def _jumps_nowhere(self) -> bool:
        """Whether ``ProxyJump none`` was given: it keeps a later ProxyJump away, yet no ProxyCommand."""
        given = self.first["proxy"]
        return given.key == "proxyjump" and is_none(given)

    def word(self, key: str) -> str:
        """The one word of an option; empty where it was not given.

        Raises:
            NotUnderstoodError: it has none, or several.
        """
        setting = self.first.get(key)
        return "" if setting is None else one_word(setting)

    def words(self, key: str) -> list[str]:
        """The words of an option.

        Raises:
            NotUnderstoodError: they cannot be told apart.
        """
        setting = self.first.get(key)
        return [] if setting is None else _split(setting)

    def refuse_maybe(self, *keys: str) -> None:
        """See to it that nothing but certain values decides these options.

        Raises:
            NotUnderstoodError: one of them depends on what is not run, or not known here.
        """
        for key in keys:
            if place := self.maybe.get(key):
                told = "depends on a command, or on where ssh runs, which is not tried"
                raise NotUnderstoodError(f"{place}: whether this {key} holds {told}")


def one_word(setting: Setting) -> str:
    """The one word of a setting.

    Raises:
        NotUnderstoodError: it has none, or several.
    """
    words = _split(setting)
    if len(words) != 1 or not words[0]:
        raise NotUnderstoodError(f"{setting.place}: {setting.key} takes one value")
    return words[0]


def _split(setting: Setting) -> list[str]:
    if _PLAIN.fullmatch(setting.value):
        return [setting.value]
    try:
        return split_words(setting.value)
    except ValueError as error:
        raise NotUnderstoodError(f"{setting.place}: {error}") from None


def quoted(text: str) -> str:
    """A text as one word of a line of ssh_config."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def is_none(setting: Setting) -> bool:
    """Whether a setting takes back what others would set: ssh takes the word with a comment behind it for a name."""
    return setting.value.strip().lower() == "none"


def port_of(setting: Setting | None) -> int | None:
    """The port, by its number or the service's name (a2port); ``None`` where none was given.

    Raises:
        NotUnderstoodError: it is none.
    """
    if setting is None:
        return None
    text = one_word(setting)
    port = int(text[:6]) if text.isascii() and text.isdigit() else SERVICES.get(text, 0)
    if not 1 <= port <= MAX_PORT:
        raise NotUnderstoodError(f"{setting.place}: port {text!r} is not a number between 1 and {MAX_PORT}")
    return port


def family_of(setting: Setting | None) -> str:
    """The IP version whose addresses are tried, as ``Host.family`` has it.

    Raises:
        NotUnderstoodError: it is none that ssh knows.
    """
    family = "any" if setting is None else one_word(setting).lower()
    if setting is not None and family not in {"any", *FAMILIES}:
        raise NotUnderstoodError(f"{setting.place}: AddressFamily is any, inet or inet6, not {family!r}")
    return "" if family == "any" else family


def expanded(setting: Setting, text: str, tokens: dict[str, str]) -> str:
    """A value with its ``%`` tokens replaced.

    Raises:
        NotUnderstoodError: a token that means nothing here, or a variable of the environment.
    """

    def replaced(found: re.Match[str]) -> str:
        if found[1] not in tokens:
            raise NotUnderstoodError(f"{setting.place}: {setting.key} holds %{found[1]}, which is not known here")
        return tokens[found[1]]

    if "${" in text:
        raise NotUnderstoodError(f"{setting.place}: {setting.key} depends on a variable of the environment")
    return _TOKEN.sub(replaced, text)
