"""The settings of how hosts are reached over SSH."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scanner.settings.fields import Duration, FilePath, Login, Section, Size, Text

KIB, MIB = 1 << 10, 1 << 20

Algorithms = Literal["strict", "dropbear", "legacy"]


class Identity(Section):
    """The key for some of the hosts."""

    match: Text = Field(description="Hosts by name, glob pattern or label, as --host takes them: edge-*, team=web.")
    identity_file: FilePath | None = Field(default=None, description="Private key.")
    certificate_file: FilePath | None = Field(
        default=None, description="User certificate; the key's own -cert.pub neighbour, if there, where it is null."
    )
    passphrase_file: FilePath | None = Field(
        default=None, description="File with the passphrase of an encrypted private key."
    )
    agent: FilePath | None = Field(
        default=None, description="Socket of an ssh-agent whose keys are offered; no other agent is ever asked."
    )


class Ssh(Section):
    """How hosts are reached."""

    user: Login = Field(default="archscan", description="Login name where neither host nor source names one.")
    identity_file: FilePath | None = Field(
        default=None, description="Private key; needed as soon as a host is read by SSH."
    )
    certificate_file: FilePath | None = Field(
        default=None, description="User certificate; the key's own -cert.pub neighbour, if there, where it is null."
    )
    passphrase_file: FilePath | None = Field(
        default=None, description="File with the passphrase of an encrypted private key."
    )
    identities: tuple[Identity, ...] = Field(
        default=(),
        description="Keys for some of the hosts: the first that fits wins over a key that the inventory names, which "
        "wins over identity_file.",
    )
    known_hosts_file: FilePath | None = Field(
        default=None, description="Host keys and CAs in OpenSSH's format; needed as soon as a host is read by SSH."
    )
    jump: dict[str, str] = Field(
        default_factory=dict, description="Bastions as [user@]host[:port], by glob pattern of host names; first wins."
    )
    algorithms: dict[str, Algorithms] = Field(
        default_factory=dict,
        description="Profiles for hosts that know nothing better, by what --host takes (edge-*, team=nas): dropbear adds AES in "
        "counter mode, legacy SHA-1 besides; strict is what every other host is spoken to in.",
    )
    connect_timeout: Duration = Field(
        default=10.0, ge=0.1, le=300, description="From the first packet to the end of login."
    )
    probe_timeout: Duration = Field(
        default=20.0, ge=0.1, le=600, description="How long a host may take to answer the probe."
    )
    concurrency: int = Field(default=200, ge=1, le=5000, description="Hosts that are read at the same time.")
    keep_connections: bool = Field(default=True, description="Whether connections stay open from scan to scan.")
    keepalive_interval: Duration = Field(
        default=60.0, ge=10, le=3600, description="How often a kept connection is tested."
    )
    max_output: Size = Field(
        default=4 * MIB, ge=64 * KIB, le=64 * MIB, description="Longest answer that a host may give."
    )
