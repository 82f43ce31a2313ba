"""Where hosts come from: each source says its hosts, merged into one inventory."""

from scanner.inventory.ansible.ansible import AnsibleSource
from scanner.inventory.docker_context import DockerContextSource
from scanner.inventory.error import InventoryError
from scanner.inventory.match import match
from scanner.inventory.merge import Inventory, InventorySource, gather
from scanner.inventory.overlay import Skipped
from scanner.inventory.prometheus_sd import FileSdSource, HttpSdSource
from scanner.inventory.record import Defaults, HostRecords, Record, plan
from scanner.inventory.ssh_config.ssh_config import SshConfigSource
from scanner.inventory.static import LocalSource, StaticHost, StaticSource

__all__ = [
    "AnsibleSource",
    "Defaults",
    "DockerContextSource",
    "FileSdSource",
    "HostRecords",
    "HttpSdSource",
    "Inventory",
    "InventoryError",
    "InventorySource",
    "LocalSource",
    "Record",
    "Skipped",
    "SshConfigSource",
    "StaticHost",
    "StaticSource",
    "gather",
    "match",
    "plan",
]
