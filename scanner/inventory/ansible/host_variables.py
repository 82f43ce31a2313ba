"""The host that an Ansible inventory's variables describe."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.domain.host import is_label
from scanner.domain.text import printable
from scanner.inventory.ansible.templates import Names, TemplateError, filled
from scanner.inventory.reading.inventory_file import ENCRYPTED, Unreadable
from scanner.inventory.record import DEFAULT_PORT, Record, plan
from scanner.inventory.ssh_config import command_line
from scanner.inventory.ssh_config.connection_options import (
    FAMILY,
    NotUnderstoodError,
    Options,
    Setting,
    expanded,
    family_of,
    port_of,
    quoted,
)
from scanner.inventory.ssh_config.jump import NO_JUMP, Jump, identity_of, jump_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scanner.domain.plan import Plan
    from scanner.inventory.ansible.groups import KnownVariables, VariableValue

SSH = frozenset({"ssh", "smart", "paramiko", "paramiko_ssh"})
"""Connections that end at an SSH server."""

OF_ANSIBLE = ("ansible.builtin.", "ansible.legacy.", "ansible.netcommon.")
"""Collections under which Ansible's own connections go by longer names."""

WINDOWS_SHELLS = frozenset({"powershell", "cmd"})

MAX_SHOWN_CHARS = 120
"""Of a value in a message."""

_LABEL = re.compile(r"[^a-zA-Z0-9_]")


_MAGIC = frozenset({
    "ansible_play_hosts", "group_names", "groups", "inventory_dir", "inventory_file", "omit", "playbook_dir", "vars",
})  # fmt: skip
"""Names that Ansible itself gives values, whatever an inventory says."""


class _OddError(ValueError):
    """A variable that cannot be understood; starts with its place."""


@dataclass(frozen=True, slots=True)
class Around:
    """Where an inventory lies, the home in which ``~`` stands for something, the ``homes`` of other accounts."""

    folder: str
    home: str
    account: str
    homes: Mapping[str, str] = field(default_factory=dict)


def record(
    name: str, known_of: Callable[[str], KnownVariables | None], place: str, groups: Sequence[str], around: Around
) -> Record:
    """The host that its variables describe; those of others serve its templates. Each group becomes a label ``group_<name>``, its value ``true``.

    ``archscan_labels`` and ``archscan_planned`` may add labels and planned images. What cannot be understood costs the
    host; one that is no SSH Linux by its own inventory is skipped.
    """
    labels = {f"group_{_LABEL.sub('_', group)}": "true" for group in groups if group not in {"all", "ungrouped"}}
    host = _Host(name, known_of, place, around)
    try:
        if skipped := host.skipped():
            return Record(name, place, skipped=skipped)
        labels |= host.labels()
        if host.is_local():
            return Record(name, place, labels=labels, planned=host.planned(), local=True)
        return host.over_ssh(place, labels)
    except (_OddError, NotUnderstoodError) as error:
        return not_understood_at(name, str(error), place, labels)


def not_understood_at(name: str, problem: str, place: str, labels: dict[str, str]) -> Record:
    """The record of a host whose ``problem`` begins with a place of its own."""
    return Record(
        name, place, labels=labels, problem=problem if f"host {name}" in problem else f"{problem} (host {name})"
    )


class _Host:
    """One host with its variables."""

    def __init__(self, name: str, known_of: Callable[[str], KnownVariables | None], place: str, around: Around) -> None:
        self._name, self._place, self._around = name, place, around
        self._known_of = known_of
        self._known = known_of(name)
        self._variables = self._known.variables if self._known else {}
        self._names = Names(name, self._variable)

    def skipped(self) -> str:
        """Why it is none of ours; empty where it is."""
        connection, _ = self._text("ansible_connection")
        kind = connection.lower()
        for prefix in OF_ANSIBLE:
            kind = kind.removeprefix(prefix)
        if kind and kind not in SSH and kind != "local":
            return f"its connection is {printable(connection, MAX_SHOWN_CHARS)}"
        shell, _ = self._text("ansible_shell_type")
        return f"its shell is {shell}" if shell in WINDOWS_SHELLS else ""

    def is_local(self) -> bool:
        """Whether it is the machine that Ansible runs on."""
        connection, _ = self._text("ansible_connection")
        return connection.rpartition(".")[2].lower() == "local"

    def over_ssh(self, place: str, labels: dict[str, str]) -> Record:
        """The host as the ssh that Ansible starts would reach it."""
        executable, where = self._text("ansible_ssh_executable")
        if executable and Path(executable).name != "ssh":
            raise _OddError(f"{where}: it is reached by {printable(executable, MAX_SHOWN_CHARS)} instead of ssh")
        options = self._options()
        tokens = self._tokens(options)
        address = self._address(options)
        jump = jump_of(options, {**tokens, "h": address})
        keys = tuple(filter(None, (self._key(one, tokens | {"h": address}) for one in options.identities)))
        return Record(
            self._name,
            place,
            address if address != self._name else "",
            port_of(options.first.get("port")),
            options.word("user"),
            labels,
            self.planned(),
            _shown(jump, decided="proxy" in options.first),
            identity_files=tuple(dict.fromkeys(keys)),
            jump_identity_files=tuple(
                next(iter(filter(None, (self._key(one, tokens) for one in hop.identities))), "") for hop in jump.hops
            ),
            family=family_of(jump.hops[0].family if jump.hops else options.first.get(FAMILY)),
        )

    def _options(self) -> Options:
        """The options of the command line, in the order in which Ansible's ssh plugin gives them; the first wins."""
        options = Options()
        self._arguments(options, "ansible_ssh_args")
        for key, names in (
            ("port", ("ansible_port", "ansible_ssh_port")),
            ("identityfile", ("ansible_private_key_file", "ansible_ssh_private_key_file")),
            ("user", ("ansible_user", "ansible_ssh_user")),
        ):
            text, where = self._text(*names)
            if where and not text and key == "port":
                raise _OddError(f"{where}: ansible_port is empty, which Ansible refuses")
            if text:
                options.take(Setting(key, quoted(text), where))
        self._arguments(options, "ansible_ssh_common_args")
        self._arguments(options, "ansible_ssh_extra_args")
        user, at, _ = self._destination().rpartition("@")
        if at:  # ssh takes it from where it goes, unless it is told another one
            options.take(
                Setting("user", quoted(user), self._text("ansible_host", "ansible_ssh_host")[1] or self._place)
            )
        return options

    def _arguments(self, options: Options, name: str) -> None:
        text, place = self._text(name)
        if not text:
            return
        given = _parsed(text, place, name)
        if given.jumps and "proxy" in options.first:
            raise command_line.second_jump(place)
        for setting in (*given.options.first.values(), *given.options.identities):
            options.take(setting)
        if given.family is not None:
            options.first[FAMILY] = given.family

    def _address(self, options: Options) -> str:
        host = self._destination().rpartition("@")[2]
        if setting := options.first.get("hostname"):
            return expanded(setting, options.word("hostname"), {"%": "%", "h": host}).lower()
        return host

    def _destination(self) -> str:
        """What ssh is told to go to: ``[USER@]HOST``."""
        text, where = self._text("ansible_host", "ansible_ssh_host")
        if where and not text:
            raise _OddError(f"{where}: ansible_host is empty, which is no host to Ansible")
        return text or self._name

    def _tokens(self, options: Options) -> dict[str, str]:
        around = self._around
        user = options.word("user") or around.account
        port = str(port_of(options.first.get("port")) or DEFAULT_PORT)
        return {"%": "%", "n": self._name, "p": port, "r": user, "d": around.home, "u": around.account}

    def _key(self, setting: Setting, tokens: dict[str, str]) -> str:
        """The path of a key; a relative one starts from the inventory's folder."""
        found = identity_of(setting, tokens, self._around.home, self._around.homes)
        return str(Path(self._around.folder, found)) if found else ""

    def _text(self, *names: str) -> tuple[str, str]:
        """The last of the variables that is set, as Ansible takes it, with its place; empty where none is.

        A template that the inventory alone does not decide is refused, not guessed.
        """
        for name in reversed(names):
            found = self._variables.get(name)
            if found is not None and found.value is not None:
                return self._as_text(name, found), found.place
        return "", ""

    def _as_text(self, name: str, found: VariableValue) -> str:
        if isinstance(found.value, Unreadable):
            raise _OddError(f"{found.place}: {name} {found.value.value}")
        if isinstance(found.value, dict) and "__ansible_vault" in found.value:
            raise _OddError(f"{found.place}: {name} {ENCRYPTED.value}")
        if not _is_plain(found):
            raise _OddError(f"{found.place}: {name} must be text or a number")
        text = str(found.value)
        try:
            return filled(text, self._names)
        except TemplateError:
            shown = printable(text, MAX_SHOWN_CHARS)
            raise _OddError(
                f"{found.place}: {name} is a template, which only Ansible can evaluate: {shown!r}"
            ) from None

    def _variable(self, host: str, name: str) -> str | None:
        """A variable as a template sees it; none where the inventory does not set it.

        Raises:
            ValueError: what it is, only Ansible can tell.
        """
        if name in _MAGIC:
            return self._folder(host, name)
        known = self._known_of(host) if host else self._known
        found = known.variables.get(name) if known else None
        if found is None and known and known.is_whole:
            return None
        if found is None or not isinstance(found.value, str | int | float) or isinstance(found.value, bool):
            raise ValueError(name)
        return str(found.value)

    def _folder(self, host: str, name: str) -> str:
        """The folder of the file that names the host first."""
        file = Path(self._place.rpartition(":")[0])
        if host or name != "inventory_dir" or not file.is_absolute():
            raise ValueError(name)
        return str(file.parent)

    def labels(self) -> dict[str, str]:
        """The labels that ``archscan_labels`` gives it."""
        found = self._variables.get("archscan_labels")
        if found is None or not found.value:
            return {}
        if not isinstance(found.value, dict) or any(isinstance(one, dict | list) for one in found.value.values()):
            raise _OddError(f"{found.place}: archscan_labels must be a mapping to text")
        labels = {str(key): str(value) for key, value in found.value.items()}
        if odd := next((label for label in labels if not is_label(label)), ""):
            raise _OddError(
                f"{found.place}: label {printable(odd, MAX_SHOWN_CHARS)!r} must match [a-zA-Z_][a-zA-Z0-9_]*"
            )
        return labels

    def planned(self) -> tuple[Plan, ...]:
        """The images that ``archscan_planned`` gives it."""
        found = self._variables.get("archscan_planned")
        if found is None or not found.value:
            return ()
        if not isinstance(found.value, list):
            raise _OddError(f"{found.place}: archscan_planned must be a list")
        try:
            return tuple(_one_planned(self._planned_text(one)) for one in found.value)
        except ValueError as error:
            raise _OddError(f"{found.place}: {error}") from None

    def _planned_text(self, one: Any) -> Any:
        """An entry with its templates put in place; one that is left to Ansible shows what it is."""
        if isinstance(one, dict):
            return {key: self._filled(value) for key, value in one.items()}
        return self._filled(one)

    def _filled(self, one: Any) -> Any:
        try:
            return filled(one, self._names) if isinstance(one, str) else one
        except TemplateError:
            return one


def _is_plain(found: VariableValue) -> bool:
    return isinstance(found.value, str | int | float | bytes)


@lru_cache(maxsize=1024)
def _parsed(text: str, place: str, name: str) -> command_line.CommandLine:
    """Arguments for ssh, which ten thousand hosts may share."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _OddError(f"{place}: {name} cannot be split: {error}") from None
    line = command_line.parse(words, place)
    if line.words or line.forward or line.config not in {None, "none", "/dev/null"}:
        told = "names a configuration of ssh, which is not read" if line.config else "is more than options of ssh"
        raise _OddError(f"{place}: {name} {told}")
    return line


def _shown(jump: Jump, *, decided: bool) -> str:
    """The bastions as one text; ``none`` where the inventory says that there is none."""
    if jump is NO_JUMP or not jump.hops:
        return "none" if decided else ""
    return ",".join(
        "".join((
            f"{hop.user}@" if hop.user else "",
            f"[{hop.host}]" if ":" in hop.host else hop.host,
            f":{hop.port}" if hop.port else "",
        ))
        for hop in jump.hops
    )  # fmt: skip


def _one_planned(one: Any) -> Plan:
    if isinstance(one, str):
        return plan(one)
    if not isinstance(one, dict) or not one.get("image") or set(one) - {"image", "workload", "platform", "engine"}:
        raise ValueError("an entry of archscan_planned is an image, or a mapping of image, workload, platform, engine")
    return plan(*(str(one.get(key) or "") for key in ("image", "workload", "platform", "engine")))
