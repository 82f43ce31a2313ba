"""Where hosts come from: the settings of each kind of inventory source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scanner.settings.fields import Duration, FilePath, LoginOrNone, Planned, Port, Secret, Section, Text


class HostDefaults(Section):
    """What every host of a source has unless it says otherwise."""

    port: Port = Field(default=22, description="TCP port of the SSH server.")
    user: LoginOrNone = Field(default="", description="Login name; the ssh section's user where it is empty.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels of each host; its own ones win.")
    planned: tuple[Planned, ...] = Field(default=(), description="Images that each of the hosts is meant to run.")
    jump: str = Field(
        default="", description="Bastion as [user@]host[:port]; the ssh section's jump where it is empty."
    )


class StaticHost(Section):
    """One host written down by hand."""

    address: str = Field(default="", description="DNS name or IP address; the host's name where it is empty.")
    port: Port | None = Field(
        default=None, description="TCP port of the SSH server; the source's default where it is null."
    )
    user: LoginOrNone = Field(default="", description="Login name; the source's default where it is empty.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels to select the host by.")
    planned: tuple[Planned, ...] = Field(default=(), description="Images that the host is meant to run.")
    jump: str = Field(default="", description="Bastion as [user@]host[:port]; the source's default where it is empty.")
    local: bool = Field(default=False, description="Whether this is the machine that archscan runs on: no SSH.")


class StaticSource(Section):
    """Hosts written into this file."""

    kind: Literal["static"] = Field(description="Which kind of source this is.")
    defaults: HostDefaults = Field(default=HostDefaults(), description="What every host of this source has.")
    hosts: dict[str, StaticHost] = Field(min_length=1, description="The hosts by name.")


class LocalSource(Section):
    """The machine that archscan runs on, read without SSH."""

    kind: Literal["local"] = Field(description="Which kind of source this is.")
    name: Text = Field(default="localhost", description="Name of this machine in findings and metrics.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels to select the host by.")
    planned: tuple[Planned, ...] = Field(default=(), description="Images that this machine is meant to run.")


class PushedHost(Section):
    """One host that pushes."""

    labels: dict[str, str] = Field(default_factory=dict, description="Labels to select the host by.")
    planned: tuple[Planned, ...] = Field(default=(), description="Images that the host is meant to run.")


class PushedSource(Section):
    """Hosts that nobody logs into: each sends the probe's answer by itself (see push)."""

    kind: Literal["pushed"] = Field(description="Which kind of source this is.")
    hosts: dict[str, PushedHost] = Field(
        min_length=1, description="The hosts by name; {} for one of which there is nothing else to say."
    )


class AnsibleSource(Section):
    """An Ansible inventory."""

    kind: Literal["ansible"] = Field(description="Which kind of source this is.")
    path: FilePath = Field(description="INI or YAML file, directory or executable script.")
    via: Literal["files", "ansible-inventory"] = Field(
        default="files",
        description="Who reads it: archscan itself, or the program ansible-inventory, which knows plugins, vaults.",
    )
    vault_password_file: FilePath | None = Field(
        default=None, description="File with the vault's password, for ansible-inventory."
    )
    encrypted_files: Literal["not_understood", "left_out"] = Field(
        default="not_understood",
        description="What archscan itself makes of encrypted files of variables: they may say where the hosts of their group "
        "are, which are then not understood, or they tell nothing of it, and are left out.",
    )
    group: Text = Field(default="all", description="Take only the hosts of this group.")
    timeout: Duration = Field(
        default=30.0, ge=1, le=600, description="How long an executable inventory, or ansible-inventory, may take."
    )
    defaults: HostDefaults = Field(default=HostDefaults(), description="What every host of this source has.")


class SshConfigSource(Section):
    """The hosts of an OpenSSH client configuration."""

    kind: Literal["ssh_config"] = Field(description="Which kind of source this is.")
    path: FilePath = Field(description="File in the form of ssh_config(5).")
    hosts: tuple[str, ...] = Field(default=("*",), description="Patterns of the names to take; !pattern leaves out.")
    defaults: HostDefaults = Field(default=HostDefaults(), description="What every host of this source has.")


class DockerContextSource(Section):
    """The contexts of a Docker command line whose engines are reached over SSH."""

    kind: Literal["docker_context"] = Field(description="Which kind of source this is.")
    path: FilePath = Field(description="Docker's configuration folder, such as ~/.docker.")
    contexts: tuple[str, ...] = Field(
        default=("*",), description="Patterns of the contexts to take; !pattern leaves out."
    )
    defaults: HostDefaults = Field(default=HostDefaults(), description="What every host of this source has.")


class FileSdSource(Section):
    """Target files of Prometheus file-based service discovery."""

    kind: Literal["file_sd"] = Field(description="Which kind of source this is.")
    files: tuple[FilePath, ...] = Field(min_length=1, description="JSON or YAML files; the last part may hold *.")
    target_port: bool = Field(
        default=False, description="Whether a target's port is the SSH port, not that of an exporter."
    )
    defaults: HostDefaults = Field(default=HostDefaults(), description="What every host of this source has.")


class HttpSdSource(Section):
    """A Prometheus HTTP service discovery endpoint."""

    kind: Literal["http_sd"] = Field(description="Which kind of source this is.")
    url: Text = Field(description="Address that answers with the list of target groups.")
    username: str = Field(default="", description="User of HTTP basic authentication.")
    password: Secret | None = Field(default=None, description="Password of HTTP basic authentication.")
    password_file: FilePath | None = Field(default=None, description="File with the password.")
    token: Secret | None = Field(default=None, description="Bearer token.")
    token_file: FilePath | None = Field(default=None, description="File with the bearer token.")
    ca_file: FilePath | None = Field(default=None, description="CA certificates in PEM; the system's where it is null.")
    timeout: Duration = Field(default=10.0, ge=0.1, le=300, description="How long the answer may take.")
    target_port: bool = Field(
        default=False, description="Whether a target's port is the SSH port, not that of an exporter."
    )
    defaults: HostDefaults = Field(default=HostDefaults(), description="What every host of this source has.")


InventorySource = Annotated[
    StaticSource
    | LocalSource
    | PushedSource
    | AnsibleSource
    | SshConfigSource
    | DockerContextSource
    | FileSdSource
    | HttpSdSource,
    Field(discriminator="kind"),
]
