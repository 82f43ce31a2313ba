import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from scanner.inventory import AnsibleSource
from tests.inventory.ansible.ansible_inventories import INVENTORIES

WITNESS = Path(__file__).with_name("ansible_witness.py")


def written(folder, files):
    """The path of the inventory, its files made."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text(content)
    return folder / next(iter(files))


@pytest.fixture(scope="module")
def said(tmp_path_factory, require):
    """What Ansible says of every inventory, by its path."""
    tool = require("ansible-inventory", "ansible-core")
    require("ssh", "openssh-client")
    folder = tmp_path_factory.mktemp("inventories")
    paths = [written(folder / str(number), files) for number, files in enumerate(INVENTORIES)]
    python = Path(tool).read_text().partition("\n")[0].removeprefix("#!").split()
    home = folder / "home"
    home.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "ANSIBLE_LOCALHOST_WARNING": "false"}
    done = subprocess.run(
        [*python, WITNESS],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return home, {Path(path): hosts for path, hosts in json.loads(done.stdout).items()}


def asked(command, *more):
    """What ``ssh -G`` makes of a command line, nobody's configuration read."""
    done = subprocess.run(["ssh", "-G", "-F", "/dev/null", *more, *command], capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


def bastion(command):
    """The bastion of a ProxyCommand as ``user@host:port``, as ssh reads its command line."""
    words = shlex.split(command)[1:]
    at = words.index("-W")
    said = asked(words[:at] + words[at + 2 :])
    return f"{said['user'][0]}@{said['hostname'][0]}:{said['port'][0]}"


def normal(jump):
    """A jump with every user and port written out."""
    hops = []
    for hop in filter(None, jump.removeprefix("none").split(",")):
        user, host, port = re.fullmatch(r"(?:(.*)@)?\[?([^\[\]]+?)\]?(?::(\d+))?", hop).groups()
        hops.append(f"{user or DEFAULT_USER}@{host}:{port or 22}")
    return hops


DEFAULT_USER = asked(["x"])["user"][0]
DEFAULT_KEYS = asked(["x"])["identityfile"]


def way_of_ansible(one):
    found = asked(one["command"])
    jump = normal(found.get("proxyjump", [""])[0])
    if (command := found.get("proxycommand", ["none"])[0]) != "none":
        jump = [bastion(command)]
    keys = [key for key in found["identityfile"] if key not in DEFAULT_KEYS]
    family = "" if jump else found["addressfamily"][0].removeprefix("any")
    return (found["hostname"][0], int(found["port"][0]), found["user"][0], keys, jump, family)


def way_of_ours(name, record):
    address = (record.address or name).lower()
    user = record.user or DEFAULT_USER
    return (address, record.port or 22, user, list(record.identity_files), normal(record.jump), record.family)


def groups_of(record):
    return sorted(label.removeprefix("group_") for label in record.labels if label.startswith("group_"))


def test_there_are_enough_inventories_to_compare():
    assert len(INVENTORIES) >= 60


def test_every_inventory_is_read_as_ansible_reads_it(said):
    home, inventories = said
    wrong = []
    for number, (path, expected) in enumerate(inventories.items()):
        records = AnsibleSource(path, home=str(home), account="me").read().records
        names = {name: record for record in records for name in (record.name, *record.aliases)}
        shown = f"{INVENTORIES[number]}"
        if set(names) != set(expected):
            wrong.append(f"{shown}\nansible: {sorted(expected)}\nwe: {sorted(names)}")
            continue
        for name, one in expected.items():
            record = names[name]
            is_ours = one["connection"] in {"ssh", "smart", "local"}
            if record.problem or bool(record.skipped) == is_ours or record.local != (one["connection"] == "local"):
                wrong.append(f"{shown}\n{name}: {one} {record}")
            elif is_ours and not record.aliases and groups_of(record) != one["groups"]:
                wrong.append(f"{shown}\n{name}: groups {one['groups']}, we {groups_of(record)}")
            elif one["command"] and way_of_ansible(one) != way_of_ours(name, record):
                wrong.append(f"{shown}\n{name}: ansible {way_of_ansible(one)}\nwe {way_of_ours(name, record)}")
    assert not wrong, "\n\n".join(wrong)
