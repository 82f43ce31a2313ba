"""Where hosts come from: each source says its hosts, merged into one inventory."""

from scanner.inventory.ansible import AnsibleSource
from scanner.inventory.error import InventoryError
from scanner.inventory.match import match
from scanner.inventory.merge import Source, gather
from scanner.inventory.prometheus_sd import FileSdSource, HttpSdSource
from scanner.inventory.record import Defaults, Record, plan
from scanner.inventory.ssh_config import SshConfigSource
from scanner.inventory.static import LocalSource, StaticHost, StaticSource

__all__ = [
    "AnsibleSource",
    "Defaults",
    "FileSdSource",
    "HttpSdSource",
    "InventoryError",
    "LocalSource",
    "Record",
    "Source",
    "SshConfigSource",
    "StaticHost",
    "StaticSource",
    "gather",
    "match",
    "plan",
]
