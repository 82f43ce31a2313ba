"""Prepares the first hour: finds sources, makes a key, writes a configuration."""

from __future__ import annotations

import glob
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.host import Host, parse_endpoint
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.documents import strict_json
from scanner.formats.files import FileError
from scanner.hosts.push_setup import push_preparation
from scanner.inventory.record import DEFAULT_PORT
from scanner.probe.script import script
from scanner.service.trusting import write_beside as write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_FILE_BYTES = 1 << 20
"""An ssh_config, a Docker context: kilobytes."""

ANSIBLE_FILES = (
    "inventory", "inventory.ini", "inventory.yml", "inventory.yaml", "hosts", "hosts.ini", "hosts.yml", "hosts.yaml",
    "inventories", "/etc/ansible/hosts",
)  # fmt: skip
"""Where people keep Ansible's inventory: beside the playbooks, else where Ansible itself looks."""

_HOST_LINE = re.compile(r"^[ \t]*host[ \t=]++(\S.*)$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FoundSource:
    """A source of hosts that is there: in words, as it stands in the configuration."""

    says: str
    entry: dict[str, Any]


def found_sources(folder: Path, home: Path) -> tuple[FoundSource, ...]:
    """ssh_config, Ansible inventories, Docker contexts of this person in this folder."""
    return (*_ssh_config(home), *_ansible(folder), *_docker_contexts(home))


def _ssh_config(home: Path) -> Iterator[FoundSource]:
    file = home / ".ssh" / "config"
    if _names_in(file):
        yield FoundSource(f"the hosts of {file}", {"kind": "ssh_config", "path": str(file)})


def _names_in(ssh_config: Path) -> set[str]:
    """The hosts that it lists; those of files that it includes are not among them."""
    words = (word.strip('"') for line in _HOST_LINE.findall(_text(ssh_config)) for word in line.split())
    return {word for word in words if not set("*?!") & set(word)}


def _ansible(folder: Path) -> Iterator[FoundSource]:
    for name in ANSIBLE_FILES:
        path = folder / name
        if files.is_there(path) and (name.startswith("/") or "invent" in name or _looks_like_hosts(path)):
            yield FoundSource(f"the Ansible inventory {path}", {"kind": "ansible", "path": str(path)})


def _looks_like_hosts(path: Path) -> bool:
    """``hosts`` may be anything: groups, or YAML's ``all:``, make it Ansible's."""
    return bool(re.search(r"^\[[\w:-]+\]|^all:", _text(path), re.MULTILINE))


def _docker_contexts(home: Path) -> Iterator[FoundSource]:
    hosts: dict[str, dict[str, Any]] = {}
    contexts = home / ".docker" / "contexts" / "meta"
    places = glob.glob("*/meta.json", root_dir=contexts)  # noqa: PTH207 -- Path's own raises where it may not look
    for file in sorted(contexts / name for name in places):
        try:
            meta = strict_json.read_object(files.read_bytes(file, MAX_FILE_BYTES))
        except FileError:
            continue
        endpoints = {} if isinstance(meta, Failure) else meta.get("Endpoints")
        endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
        said = str(endpoint.get("Host", "")) if isinstance(endpoint, dict) else ""
        found = parse_endpoint(said) if said.startswith("ssh://") else None
        if found and not isinstance(meta, Failure):
            try:
                reached = _reached(said.removeprefix("ssh://"))
            except UsageError:
                continue  # docker, too, goes by the person's own ssh, which refuses it
            name = str(meta.get("Name"))
            hosts[name] = _entry(name, reached) | ({"user": found.user} if found.user else {})
    if hosts:
        yield FoundSource(f"the Docker contexts {', '.join(hosts)}", {"kind": "static", "hosts": hosts})


def named_sources(words: Sequence[str], beside: Sequence[FoundSource], home: Path) -> Iterator[FoundSource]:
    """Hosts as ``[user@]host[:port]``, beside the sources that were taken; reached as the person's own ssh would.

    Raises:
        UsageError: it is none, or ssh refuses it.
    """
    file = home / ".ssh" / "config"
    listed, hosts = _names_in(file), dict[str, dict[str, Any]]()
    for word in words:
        found = parse_endpoint(word)
        if found is None:
            raise UsageError(f"{word!r} is no host: write [user@]host[:port]")
        try:
            Host(found.address, found.address, DEFAULT_PORT if found.port is None else found.port, found.user)
        except ValueError as error:
            raise UsageError(str(error)) from None
        said = {} if found.port is None else {"port": found.port}
        hosts[found.address] = said if found.address in listed else _entry(found.address, _reached(word))
    chosen = [name for name in hosts if name in listed]
    if chosen and not any(source.entry["kind"] == "ssh_config" for source in beside):
        says = f"of {file} the hosts {', '.join(chosen)}"
        yield FoundSource(says, {"kind": "ssh_config", "path": str(file), "hosts": chosen})
    if hosts:
        yield FoundSource(f"the hosts {', '.join(hosts)}", {"kind": "static", "hosts": hosts})


def _reached(word: str) -> Host:
    """A host as the person's own ssh reaches it.

    Raises:
        UsageError: it is none, or ssh refuses it.
    """
    from scanner.hosts.ssh.own import own_hosts  # noqa: PLC0415 -- asyncssh takes half a second, for nothing where no host is named

    try:
        return own_hosts([word]).hosts[0]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _entry(name: str, reached: Host) -> dict[str, Any]:
    """What is to be said of it; an address that is its name is said by that.

    Raises:
        UsageError: several bastions stand in front of it, which cannot be said here.
    """
    if "," in reached.jump:
        raise UsageError(
            f"{name}: your ssh goes there by several bastions: give it a line Host {name} in ~/.ssh/config"
        )
    said = {"address": "" if reached.address == name else reached.address, "jump": reached.jump}
    made: dict[str, Any] = {key: value for key, value in said.items() if value}
    return made if reached.port == DEFAULT_PORT else made | {"port": reached.port}


def _text(path: Path) -> str:
    try:
        return files.read_text(path, MAX_FILE_BYTES)
    except FileError:
        return ""


# ---------------------------------------------------------------- files


def make_key(path: Path) -> bool:
    """Make a key where there is none; whether one was made.

    Raises:
        UsageError: the folder does not let us.
    """
    if files.is_there(path):
        return False
    from scanner.hosts.ssh.identity import new_key  # noqa: PLC0415 -- asyncssh takes half a second, for nothing where a key is there

    private, public = new_key("archscan")
    write_whole(path, private, 0o600)
    write_whole(path.with_name(f"{path.name}.pub"), public, 0o644)
    return True


def configuration(sources: Sequence[FoundSource], key: Path, known_hosts: Path, user: str) -> str:
    """The text of a first archscan.yml; JSON's scalars are YAML's."""
    lines = [
        "# What archscan watches. Every setting: docs/configuration.md; check it: archscan config check",
        "inventory:",
    ]
    lines += [f"  - {json.dumps(source.entry, ensure_ascii=False)}" for source in sources]
    lines += ["ssh:", f"  user: {json.dumps(user)}", f"  identity_file: {json.dumps(str(key))}"]
    everywhere = json.dumps([{"match": "*", "identity_file": str(key)}])
    lines += [f"  identities: {everywhere}  # instead of the keys that an inventory names"]
    lines += [f"  known_hosts_file: {json.dumps(str(known_hosts))}", ""]
    return "\n".join(lines)


def write_beside(file: Path, text: str, mode: int) -> None:
    """Write a file as a whole or not at all.

    Raises:
        UsageError: its folder does not let us.
    """
    write_whole(file, text, mode)


def write_configuration(file: Path, text: str) -> None:
    """Write it where there is none yet.

    Raises:
        UsageError: there is one, or the folder does not let us.
    """
    if files.is_there(file):
        raise UsageError(f"{file} is there already: take it away first, or name another with --config")
    write_whole(file, text, 0o644)


# ---------------------------------------------------------------- hosts


def push_preparation_of(host: str, server: str, token: str) -> str:
    """The script that has a host push.

    Raises:
        UsageError: no host's name or no server's address.
    """
    try:
        return push_preparation(host, server, token, script())
    except ValueError as error:
        raise UsageError(str(error)) from None
