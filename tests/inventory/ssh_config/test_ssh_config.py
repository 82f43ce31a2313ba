import os
import pwd
import re
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.inventory import InventoryError, SshConfigSource
from tests.inventory.ssh_config.ssh_configs import CONFIGS, INCLUDED

HOME = pwd.getpwuid(os.getuid()).pw_dir
ACCOUNT = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def read(tmp_path):
    def run(content, **options):
        path = tmp_path / "config"
        path.write_text(content)
        answer = SshConfigSource(path, **options, home="/home/me", account="me").read()
        return {record.name: record for record in answer.records}

    return run


# ---------------------------------------------------------------- as ssh reads it


class Ssh:
    """What ``ssh -G`` says of hosts, given one configuration."""

    def __init__(self, tool, path):
        self._command = [tool, "-G", "-F", str(path)]

    def says(self, *arguments):
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=True)
        found = {}
        for line in done.stdout.splitlines():
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
        return found

    def way(self, *arguments):
        """Address, port, user, keys, and the bastions in front, looked up as the ssh that goes there would; IP version."""
        said = self.says(*arguments)
        host, name = said["hostname"][0], arguments[-1]
        keys = tuple(_written_out(key, host) for key in said["identityfile"] if key != "none")
        hops, *family = self._hops(said, name)
        family = (*family, said["addressfamily"][0].removeprefix("any"))[0]
        return (host, int(said["port"][0]), said["user"][0], keys, hops, family)

    def _hops(self, said, name):
        if "proxyjump" in said:
            tokens = {"%h": said["hostname"][0], "%r": said["user"][0], "%n": name}
            text = said["proxyjump"][0]
            for token, value in tokens.items():
                text = text.replace(token, value)
            hops = [self.way(*_arguments(hop)) for hop in text.split(",")]
        elif "proxycommand" in said and said["proxycommand"][0] != "none":
            hops = [self._through(said["proxycommand"][0])]
        else:
            return ((),)
        return (*hops[0][4], *(hop[:4] for hop in hops)), hops[0][5]

    def _through(self, command):
        words = shlex.split(command.removesuffix("2>/dev/null"))[1:]
        at = words.index("-W")
        rest = words[:at] + words[at + 2 :]
        destination = next(word for word in rest if word.split("@")[-1] in {"gate", "inner"})
        rest.remove(destination)
        return self.way(*rest, destination)


def _arguments(hop):
    user, _, rest = hop.removeprefix("ssh://").rpartition("@")
    host, port = re.fullmatch(r"\[?([^\[\]]+?)\]?(?::(\d+))?", rest).groups()
    return [*(["-l", user] if user else []), *(["-p", port] if port else []), host]


def _written_out(key, host):
    return (
        key.replace("~root", "/root", 1)
        .replace("${HOME}", HOME)
        .replace("~", HOME, 1)
        .replace("%d", HOME)
        .replace("%h", host)
    )


def _ours(record, name, default_keys):
    """Our record in the same form."""
    hops = []
    for hop, key in zip(
        filter(None, record.jump.removeprefix("none").split(",")), record.jump_identity_files, strict=True
    ):
        user, _, rest = hop.rpartition("@")
        host, _, port = rest.rpartition(":") if rest[-1:] != "]" and ":" in rest else (rest, "", "22")
        hops.append((host.strip("[]"), int(port), user or ACCOUNT, (key,) if key else default_keys))
    address = record.address or name.lower()
    return (
        address,
        record.port or 22,
        record.user or ACCOUNT,
        record.identity_files or default_keys,
        tuple(hops),
        record.family,
    )


def test_there_are_enough_configurations_to_compare():
    assert len(CONFIGS) >= 80


@pytest.mark.parametrize("part", range(4))
def test_every_host_is_reached_as_ssh_reaches_it(tmp_path, require, part):
    tool = require("ssh", "openssh-client")
    (tmp_path / "more").mkdir()
    for name, content in INCLUDED.items():
        (tmp_path / "more" / name).write_text(content)
    path = tmp_path / "config"
    compared, wrong = 0, []
    path.write_text("")
    default_keys = tuple(_written_out(key, "x") for key in Ssh(tool, path).says("x")["identityfile"])
    for content in CONFIGS[part::4]:
        path.write_text(content.replace("{dir}", str(tmp_path)))
        for record in SshConfigSource(path, home=HOME, account=ACCOUNT).read().records:
            for name in (record.name, *record.aliases):
                said = Ssh(tool, path).way(name) if not record.problem else record.problem
                compared += 1
                if record.problem or said != _ours(record, name, default_keys):
                    wrong.append(f"{content}\n{name}: ssh {said}\nwe {_ours(record, name, default_keys)}")
    assert not wrong, "\n\n".join(wrong)
    assert compared >= len(CONFIGS[part::4])


# ---------------------------------------------------------------- names, aliases, patterns


def test_names_of_one_machine_are_one_host_with_aliases(read):
    hosts = read("Host web-1 w1\n HostName 10.0.0.1\nHost w2\n HostName 10.0.0.1\nHost a b\n User u\n")
    assert {name: record.aliases for name, record in hosts.items()} == {"web-1": ("w1", "w2"), "a": (), "b": ()}


def test_only_the_wanted_hosts_are_taken(read):
    assert list(read("Host web-1 web-9 db\n", hosts=("web-*", "!web-9"))) == ["web-1"]


def test_a_host_tells_where_it_stands(read, tmp_path):
    assert read("User x\n\nHost a\n")["a"].place == f"{tmp_path}/config:3"


def test_included_names_start_from_the_folder_of_the_file_that_is_configured(read, tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a").write_text("Include conf.d/b\nHost inner\n HostName 10.0.0.2\n")
    (tmp_path / "conf.d" / "b").write_text("Host other\n")
    assert list(read("Include conf.d/a\nHost *\n Port 2200\n")) == ["other", "inner"]


def test_home_is_that_of_the_account_that_is_named(read, tmp_path):
    (tmp_path / "more").write_text("Host far\n IdentityFile ~/.ssh/id\n")
    path = tmp_path / "config"
    path.write_text("Include ~/more\n")
    hosts = SshConfigSource(path, home=str(tmp_path), account="me").read().records
    assert [(host.name, host.identity_files) for host in hosts] == [("far", (f"{tmp_path}/.ssh/id",))]


# ---------------------------------------------------------------- what only ssh could tell

ODD = [
    ("Host a\n Port none\n", "{path}:2: port 'none' is not a number between 1 and 65535"),
    ("Host a\n Port 22 23\n", "{path}:2: port takes one value"),
    ("Host a\n User\n", "{path}:2: user takes one value"),
    ("Host a\n ProxyJump\n", "{path}:2: '' is not a bastion such as user@host:port"),
    ("Host a\n ProxyCommand =\n", "{path}:2: its ProxyCommand is not run, since it is more than ssh through a bastion: use ProxyJump, or jump in the settings"),
    ("Host a\n IdentityFile # none\n", "{path}:2: identityfile takes one value"),
    ("Host a\n HostName x y\n", "{path}:2: hostname takes one value"),
    ("Host a\n HostName %k\n", "{path}:2: hostname holds %k, which is not known here"),
    ("Host a\n HostName ${{X}}\n", "{path}:2: hostname depends on a variable of the environment"),
    ("Host a\n User %u\n", "{path}:2: User depends on what only ssh expands"),
    ("Host a\n IdentityFile ~bob/x\n", "{path}:2: ~bob/x is in the home of an account that is not here: write it out"),
    ("Host a\n ProxyJump b:99999\n", "{path}:2: 'b:99999' is not a bastion such as user@host:port"),
    ("Host a\n ProxyJump none # direct\n", "{path}:2: with more behind it ssh takes none for the name of a bastion"),
    ("Host a\n ProxyJump b , c\n", "{path}:2: 'b , c' has blanks, behind which ssh reads no further"),
    ("Host a\n ProxyJump b, c\n", "{path}:2: 'b, c' has blanks, behind which ssh reads no further"),
    ("Host a\n ProxyJump me@2001:db8::1\n", "{path}:2: 'me@2001:db8::1' is not a bastion such as user@host:port"),
    ("Host a\n ProxyJump b,b,b,b,b\n", "{path}:2: more than 4 bastions stand in front of it"),
    ("Host *\n ProxyJump bastion\nHost a\n", "the bastion bastion stands in front of itself"),
    ("Host a\n CanonicalizeHostname yes\n CanonicalDomains x.example\n",
     "{path}:2: CanonicalizeHostname lets name servers decide its address"),
    ('Match host a exec "test -e /x"\n Port 23\nHost a\n',
     "{path}:2: whether this port holds depends on a command, or on where ssh runs, which is not tried"),
    ("Match exec true\n ProxyJump b\nHost a\n",
     "{path}:2: whether this proxy holds depends on a command, or on where ssh runs, which is not tried"),
    ("Match localnetwork 10.0.0.0/8\n IdentityFile /x\nHost a\n",
     "{path}:2: whether this identityfile holds depends on a command, or on where ssh runs, which is not tried"),
    ("Host a\n ProxyJump b\nMatch originalhost b exec true\n Port 23\n",
     "{path}:4: whether this port holds depends on a command, or on where ssh runs, which is not tried"),
    ("Match exec true\n HostName x\nMatch host y\n User u\nHost a\n HostName z\n",
     "{path}:2: whether this hostname holds depends on a command, or on where ssh runs, which is not tried"),
]  # fmt: skip
NO_BASTIONS = [
    "nc %h %p", "nc -X 5 -x proxy:1080 %h %p", "cloudflared access ssh --hostname %h", "sh -c 'ssh -W %h:%p gate'",
    "ssh -W %h:%p $GATE", "ssh gate", "ssh -W other:22 gate", "ssh -W %h:22 gate", "ssh -W %h:%p gate | tee /tmp/x",
    "ssh -F other -W %h:%p gate", "ssh gate curl %h:%p", "ssh -W %h:%p gate rm -rf /", "ssh 'gate", "corkscrew p 80 %h %p",
    'ssh -W %h:%p -o ProxyCommand="ssh -W %h:%p outer" inner',
]  # fmt: skip
ODD += [
    (
        f"Host a\n ProxyCommand {command}\n",
        "{path}:2: its ProxyCommand is not run, since it is more than ssh through a bastion: use ProxyJump, or jump in the settings",
    )
    for command in NO_BASTIONS
]


@pytest.mark.parametrize(("content", "problem"), ODD)
def test_what_only_ssh_could_tell_costs_the_host_it_could_touch(read, tmp_path, content, problem):
    sound = "Host sound\n HostName 10.0.0.9\n ProxyJump none\n" if content.startswith("Host a") else ""
    hosts = read(content.replace("{{X}}", "{X}") + sound)
    assert hosts["a"].problem == f"{problem.format(path=tmp_path / 'config')} (host a)"
    assert [name for name, host in hosts.items() if not host.problem] == (["sound"] if sound else [])


def test_a_command_that_decides_nothing_costs_nobody(read):
    hosts = read(
        "Host a\n Port 23\nHost b\nMatch originalhost a exec true\n Port 24\nMatch exec false\n ServerAliveInterval 5\n"
    )
    assert {name: (record.port, record.problem) for name, record in hosts.items()} == {"a": (23, ""), "b": (None, "")}


def test_a_netcat_on_the_bastion_goes_the_same_way(read):
    hosts = read("Host a\n ProxyCommand ssh me@gate nc -w 5 %h %p\nHost b\n ProxyCommand ssh gate 'nc %h %p'\n")
    assert [record.jump for record in hosts.values()] == ["me@gate", "gate"]


def test_a_destination_of_version_6_needs_no_brackets_where_no_port_may_follow(read):
    assert read("Host a\n ProxyCommand ssh -W %h:%p me@2001:db8::1\n")["a"].jump == "me@[2001:db8::1]"


def test_a_bastion_behind_a_bastion_stands_in_front_of_it(read):
    command = 'ssh -W %h:%p -o ProxyCommand="ssh -W %%h:%%p outer" inner'
    assert read(f"Host a\n ProxyCommand {command}\n")["a"].jump == "outer,inner"


BAD = [
    ("Host 'a\n", "{path}:1: has a quote without its end"),
    ("Host\n", "{path}:1: is not a keyword with a value"),
    ("Include config\n", "{path}:1: more than 16 files include each other"),
    ("Include ~bob/x\n", "{path}:1: ~bob/x is in the home of another account: write it out"),
    ("Include ${{X}}/x\n", "{path}:1: Include depends on a variable of the environment: write it out"),
    ("Match host\n", "{path}:1: Match host lacks its argument"),
    ("Match host a user b all\n", "{path}:1: 'all' cannot be combined with other criteria of Match"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_a_line_that_ssh_refuses_for_every_host_refuses_the_file(read, tmp_path, content, message):
    with pytest.raises(InventoryError) as caught:
        read(content.replace("{{X}}", "{X}"))
    assert str(caught.value) == message.format(path=tmp_path / "config")


@given(st.text("HostMachPru *!?%\n='\"a1,@:/[]-WJ", max_size=150))
def test_any_text_is_an_inventory_or_a_refusal(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any_ssh_config"
    path.write_text(text)
    try:
        records = SshConfigSource(path, home="/h", account="me").read().records
    except InventoryError:
        return
    assert len({record.name for record in records}) == len(records)


@given(st.text("a1%h:p @-WJoilFq'\"=[],/~", max_size=80))
def test_any_command_is_a_bastion_or_not_understood(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any_proxy_command"
    path.write_text(f"Host x\n ProxyCommand ssh {text}\nHost y\n ProxyJump {text}z\n")
    assert {record.name for record in SshConfigSource(path, home="/h", account="me").read().records} == {"x", "y"}
