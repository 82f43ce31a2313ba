import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.inventory import InventoryError, SshConfigSource

CONFIG = """\
# fleet
User first
Host web-* !web-9
    User web
    Port 2222
Host web-1
    HostName 10.0.0.1
    User never
Host web-9 db
    HostName=%h.example.com
    ProxyJump admin@bastion:2022
Host direct
    ProxyJump none
Host old
    ProxyCommand ssh -W %h:%p gate.example
Match host db
    Port 23
Match final
    Port 1
Host *
    Port 22022
"""


@pytest.fixture
def read(tmp_path):
    def run(content, **options):
        path = tmp_path / "config"
        path.write_text(content)
        return {record.name: record for record in SshConfigSource(path, **options).read()}

    return run


def test_the_first_value_wins_as_in_ssh(read):
    hosts = read(CONFIG)
    assert list(hosts) == ["web-1", "web-9", "db", "direct", "old"]
    told = {name: (r.address, r.port, r.user, r.jump) for name, r in hosts.items()}
    assert told == {
        "web-1": ("10.0.0.1", 2222, "first", ""),
        "web-9": ("web-9.example.com", 22022, "first", "admin@bastion:2022"),
        "db": ("db.example.com", 23, "first", "admin@bastion:2022"),
        "direct": ("", 22022, "first", "none"),
        "old": ("", 22022, "first", "gate.example"),
    }
    assert hosts["db"].place.endswith("config:9")


def test_only_the_wanted_hosts_are_taken(read):
    assert list(read(CONFIG, hosts=("web-*", "!web-9"))) == ["web-1"]


def test_included_files_stand_in_their_place(read, tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a").write_text("Host inner\n HostName 10.0.0.2\n")
    (tmp_path / "conf.d" / "b").write_text("Host other\n")
    hosts = read("Include conf.d/*\nHost *\n Port 2200\n")
    assert list(hosts) == ["inner", "other"]
    assert (hosts["inner"].address, hosts["inner"].port) == ("10.0.0.2", 2200)


def test_what_is_included_below_a_host_is_for_that_host(read, tmp_path):
    (tmp_path / "inner").write_text("Port 2200\n")
    hosts = read("Host a\n Include inner\n User u\nHost b\n")
    assert (hosts["a"].port, hosts["a"].user, hosts["b"].port) == (2200, "u", None)


BAD = [
    ("Host a\n Port ssh\n", "{path}:2: port 'ssh' is not a number"),
    ("Host a\n ProxyCommand nc %h %p\n", "{path}:2: ProxyCommand is not supported: use ProxyJump"),
    ("Match exec 'true'\n", "{path}:1: of Match only all, host, originalhost can be understood without running ssh"),
    ("Include ~/x\n", "{path}:1: ~/x depends on the account that archscan runs under: write it out"),
    ("Include config\n", "{path}:1: more than 16 files include each other"),
    ("Host a\n HostName a b\n", "{path}:2: hostname takes one value"),
    ("Host 'a\n", "{path}:1: No closing quotation"),
    ("Host\n", "{path}:1: is not a keyword with a value"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_a_bad_line_is_told_with_its_place(read, tmp_path, content, message):
    with pytest.raises(InventoryError) as caught:
        read(content)
    assert str(caught.value) == message.format(path=tmp_path / "config")


@given(st.text("HostPru *!?%\n='\"a1", max_size=150))
def test_any_text_is_an_inventory_or_a_refusal(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any_ssh_config"
    path.write_text(text)
    try:
        records = SshConfigSource(path).read()
    except InventoryError:
        return
    assert len({record.name for record in records}) == len(records)
