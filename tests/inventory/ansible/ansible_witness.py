"""What Ansible itself says of inventories: run by its own Python, one process for all of them.

Reads ``[[folder, path], ...]`` as JSON from standard input; prints, for each, the groups of its hosts with the ssh command
that would be run for each of them.
"""

import json
import sys

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.plugins import loader as plugins
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager


def said(path):
    """The hosts of one inventory."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[path])
    variables = VariableManager(loader=loader, inventory=inventory)
    HostVars(inventory, variables, loader)  # tells the manager of itself
    return {host.name: of_host(host, variables, loader) for host in inventory.get_hosts()}


def of_host(host, manager, loader):
    """Its groups, its connection, the command."""
    found = manager.get_vars(host=host, include_hostvars=True, stage="all")
    wanted = {name: value for name, value in found.items() if name.startswith(("ansible_", "inventory_hostname"))}
    wanted = Templar(loader, variables=found).template(wanted, fail_on_undefined=False)
    groups = sorted(group.name for group in host.get_groups() if group.name not in {"all", "ungrouped"})
    kind = str(wanted.get("ansible_connection", "ssh"))
    return {"groups": groups, "connection": kind, "command": command(wanted) if kind in {"ssh", "smart"} else None}


def command(variables):
    """The words behind ssh."""
    connection = plugins.connection_loader.get("ssh", PlayContext(), "/dev/null")
    connection.set_options(var_options=variables)
    connection.host = connection.get_option("host")
    built = connection._build_command("ssh", "ssh", connection.host)
    return [word.decode() for word in built[1:]]


if hasattr(plugins, "init_plugin_loader"):
    plugins.init_plugin_loader([])
json.dump({path: said(path) for path in json.load(sys.stdin)}, sys.stdout)
