import os

import pytest

from scanner.domain.facts import Source
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.formats.parsing import pickled_shape
from scanner.formats.parsing.offload import CallBudget
from scanner.formats.parsing.offload_worker import pickled
from scanner.inventory import (
    AnsibleSource,
    Defaults,
    FileSdSource,
    HostRecords,
    InventoryError,
    LocalSource,
    Record,
    Skipped,
    SshConfigSource,
    StaticHost,
    StaticSource,
    gather,
    plan,
)
from scanner.inventory.merge import MAX_HOSTS
from scanner.inventory.reading import offload
from scanner.inventory.reading.offload import INLINE


def static(place="archscan.yml: inventory[0]", defaults=None, **hosts):
    return StaticSource(hosts, defaults or Defaults(), place)


class Found:
    """A source of somebody else's, which says these records."""

    is_ours = False

    def __init__(self, *records, defaults=None):
        self.records, self.defaults = records, defaults or Defaults()

    def read(self, offload=INLINE):
        return HostRecords(self.records)


def refusal(*sources):
    with pytest.raises(InventoryError) as caught:
        gather(sources)
    return str(caught.value)


def test_a_host_has_its_own_values_then_its_sources_defaults():
    defaults = Defaults(2222, "scan", {"fleet": "edge", "team": "none"}, (plan("base:1"),), "bastion")
    source = static(
        defaults=defaults,
        web=StaticHost("10.0.0.1", 22, "root", {"team": "web"}, (plan("app:1", "app", "linux/x86_64"),), "other"),
        db=StaticHost(),
    )
    base = Plan("base:1", "", Source.INVENTORY)
    assert gather([source]).hosts == (
        Host(
            "web",
            "10.0.0.1",
            22,
            "root",
            {"fleet": "edge", "team": "web"},
            (base, Plan("app:1", "app", Source.INVENTORY, Platform("linux", "amd64"))),
            "other",
        ),
        Host("db", "db", 2222, "scan", {"fleet": "edge", "team": "none"}, (base,), "bastion"),
    )


def test_sources_are_merged_in_order():
    hosts = gather([static(b=StaticHost(), a=StaticHost()), LocalSource("here", {"x": "y"})]).hosts
    assert [host.name for host in hosts] == ["b", "a", "here"]
    assert hosts[2].local
    assert hosts[2].labels == {"x": "y"}


# ---------------------------------------------------------------- overlays


def test_what_several_sources_say_of_one_host_adds_up():
    found = Found(Record("web", "hosts:3", "10.0.0.1", 2222, "deploy", {"group_web": "true", "team": "a"}, jump="b"))
    over = static(web=StaticHost(labels={"team": "b"}, planned=(plan("app:2"),)))
    for sources in ([found, over], [over, found]):
        (host,) = gather(sources).hosts
        assert (host.address, host.port, host.user, host.jump) == ("10.0.0.1", 2222, "deploy", "b")
        assert [one.image for one in host.planned] == ["app:2"]
    assert gather([found, over]).hosts[0].labels == {"group_web": "true", "team": "b"}


def test_a_default_gives_way_to_what_another_source_says_of_the_host():
    found = Found(Record("web", "hosts:3", port=2222), defaults=Defaults(user="deploy"))
    (host,) = gather([static(defaults=Defaults(port=22, labels={"x": "y"}), web=StaticHost()), found]).hosts
    assert (host.port, host.user, host.labels) == (2222, "deploy", {"x": "y"})


CONTRADICTIONS = [
    (StaticHost("10.0.0.2"), "address 10.0.0.2 contradicts 10.0.0.1"),
    (StaticHost(port=23), "port 23 contradicts 2222"),
    (StaticHost(user="root"), "user root contradicts deploy"),
    (StaticHost(jump="c"), "jump c contradicts b"),
]


@pytest.mark.parametrize(("said", "told"), CONTRADICTIONS)
def test_a_contradiction_costs_the_host_it_is_about(said, told):
    found = Found(Record("web", "hosts:3", "10.0.0.1", 2222, "deploy", jump="b"), Record("db", "hosts:4"))
    web, db = gather([found, static(web=said)]).hosts
    assert web.problem == f"archscan.yml: inventory[0].hosts.web: host web: {told} in hosts:3"
    assert not db.problem


def test_defaults_that_differ_are_a_contradiction_too():
    found = Found(Record("web", "hosts:3"), defaults=Defaults(user="a"))
    (web,) = gather([found, static(defaults=Defaults(user="b"), web=StaticHost())]).hosts
    assert web.problem == "archscan.yml: inventory[0].hosts.web: host web: user b contradicts a in hosts:3"


def test_this_machine_has_no_address_elsewhere():
    (host,) = gather([LocalSource("here"), Found(Record("here", "hosts:1", "10.0.0.1"))]).hosts
    assert host.problem == "hosts:1: host here: is this machine by inventory, yet elsewhere it has an address"
    (host,) = gather([LocalSource("here"), static(here=StaticHost(labels={"x": "y"}))]).hosts
    assert (host.local, host.problem, host.labels) == (True, "", {"x": "y"})


def test_the_same_address_in_another_case_is_no_contradiction():
    (host,) = gather([Found(Record("a", "x:1", "Web.Example")), Found(Record("a", "y:1", "web.example"))]).hosts
    assert (host.address, host.problem) == ("Web.Example", "")


def test_an_alias_names_the_same_host_in_other_sources():
    aliased = Found(Record("web-1", "config:1", "10.0.0.1", aliases=("w1",)))
    over = static(w1=StaticHost(labels={"x": "y"}))
    assert [(h.name, h.aliases, h.labels) for h in gather([aliased, over]).hosts] == [("web-1", ("w1",), {"x": "y"})]
    assert [(h.name, h.aliases, h.labels) for h in gather([over, aliased]).hosts] == [("w1", ("web-1",), {"x": "y"})]


def test_an_alias_shows_that_two_hosts_are_one():
    sources = [
        static(a=StaticHost(labels={"x": "1"}), b=StaticHost(labels={"y": "2"})),
        Found(Record("a", "c:1", "z", aliases=("b",))),
    ]
    assert [(h.name, h.address, h.aliases, h.labels) for h in gather(sources).hosts] == [
        ("a", "z", ("b",), {"x": "1", "y": "2"})
    ]


@pytest.mark.parametrize("line", ["web-1 we$ird", "we$ird web-1"])
def test_a_name_that_no_host_may_have_costs_none_of_those_beside_it(tmp_path, line):
    config = tmp_path / "config"
    config.write_text(f"Host {line}\n  HostName 10.0.0.2\n")
    found = gather([SshConfigSource(config, account="ops")])
    assert [(h.name, h.address, h.aliases, h.problem) for h in found.hosts] == [("web-1", "10.0.0.2", (), "")]
    assert found.notes == (f"{config}:1: 'we$ird' is no name for a host, which is read as web-1",)


def test_a_source_that_names_no_user_means_the_machine_of_that_address():
    named, unnamed = (
        Record("web", "hosts:3", "10.0.0.1", user="deploy"),
        Record("10.0.0.1", "sd.json:1", labels={"job": "x"}),
    )
    for records in ((named, unnamed), (unnamed, named)):
        (host,) = gather([Found(record) for record in records]).hosts
        assert ({host.name, *host.aliases}, host.user, host.labels) == ({"web", "10.0.0.1"}, "deploy", {"job": "x"})


def test_of_several_users_at_one_address_none_is_chosen_for_a_source_that_names_none():
    records = [
        Record("a", "x:1", "10.0.0.1", user="u"),
        Record("b", "x:2", "10.0.0.1", user="v"),
        Record("c", "y:1", "10.0.0.1"),
    ]
    assert [(host.name, host.user) for host in gather([Found(*records)]).hosts] == [("a", "u"), ("b", "v"), ("c", "")]
    ours = gather([static(a=StaticHost("10.0.0.1", user="u"), b=StaticHost("10.0.0.1"))])
    assert [host.name for host in ours.hosts] == ["a", "b"]


def test_two_names_of_one_login_in_different_sources_are_one_host():
    hosts = gather(
        [static(web=StaticHost("10.0.0.1")), Found(Record("10.0.0.1", "sd.json:1", labels={"job": "node"}))]
    ).hosts
    assert [(host.name, host.aliases, host.labels) for host in hosts] == [("web", ("10.0.0.1",), {"job": "node"})]


def test_a_host_that_one_source_skips_is_skipped():
    windows = Record("win", "hosts:2", skipped="its connection is winrm")
    found = gather([Found(windows, Record("lin", "hosts:3")), static(win=StaticHost(labels={"x": "y"}))])
    assert [host.name for host in found.hosts] == ["lin"]
    assert found.skipped == (Skipped("win", "hosts:2", "its connection is winrm"),)


def test_an_odd_host_keeps_its_plans_and_labels_so_that_they_are_unknown_too():
    odd = Record("odd", "hosts:2", problem="hosts:2: host odd: is odd", labels={"group_web": "true"})
    (host,) = gather([Found(odd), static(odd=StaticHost(planned=(plan("app:1"),)))]).hosts
    assert (host.problem, host.labels, [one.image for one in host.planned]) == ("hosts:2: host odd: is odd", {"group_web": "true"}, ["app:1"])  # fmt: skip


def test_a_host_without_a_name_gets_one_that_nobody_has():
    records = [Record(name, "x:1", problem="x:1: odd") for name in ("a b", "-", "\u202e", "a;b", "x" * 300)]
    hosts = gather([Found(Record("a_b", "x:1"), *records)]).hosts
    assert [host.name[:10] for host in hosts] == ["a_b", "a_b_2", "host", "_", "a_b_3", "xxxxxxxxxx"]


# ---------------------------------------------------------------- refusals


def test_the_same_login_under_two_names_of_our_own_is_told():
    assert refusal(static(a=StaticHost("10.0.0.1"), b=StaticHost("10.0.0.1"))) == (
        "archscan.yml: inventory[0].hosts.b: host b has the same address as a in archscan.yml: inventory[0].hosts.a"
    )


@pytest.mark.parametrize("other", [StaticHost("10.0.0.1", port=23), StaticHost("10.0.0.1", jump="b"), StaticHost("c")])
def test_one_address_may_lead_to_several_machines(other):
    assert len(gather([static(a=StaticHost("10.0.0.1"), b=other)]).hosts) == 2


HOSTILE = [
    ("-oProxyCommand=id", "host name '-oProxyCommand=id' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("a;id", "host name 'a;id' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("a\nb", "host name 'a\\nb' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("$(id)", "host name '$(id)' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("fe80::1%$0", "host name 'fe80::1%$0' is not a name: use letters, digits, '.', '-', '_' or ':'"),
]


@pytest.mark.parametrize(("name", "message"), HOSTILE)
def test_c02_hostile_names_are_refused_in_our_own_configuration(name, message):
    assert refusal(StaticSource({name: StaticHost()}, place="p")) == f"p.hosts.{name}: {message}"


@pytest.mark.parametrize(("name", "message"), HOSTILE)
def test_c02_hostile_names_of_others_are_never_contacted(name, message):
    (host,) = gather([Found(Record(name, "p:1"))]).hosts
    assert (host.problem, host.address) == (f"p:1: {message}", "")


def test_every_problem_of_every_source_is_told_at_once(tmp_path):
    broken = SshConfigSource(tmp_path / "none")
    text = refusal(static(a=StaticHost(port=0), b=StaticHost(user="-x")), static("other", c=StaticHost("-x")), broken)
    assert text.count("\n") == 3


def test_a_platform_that_is_none_is_refused():
    with pytest.raises(ValueError, match="platform"):
        plan("app", platform="linux/*")


# ---------------------------------------------------------------- in a process that can be ended


def test_what_others_wrote_is_read_in_another_process(tmp_path, monkeypatch):
    (tmp_path / "more").mkdir()
    (tmp_path / "config").write_text(f"Include {tmp_path}/more/*\nHost a\n HostName 10.0.0.1\n Port ssh\n")
    (tmp_path / "more" / "one").write_text(f"Include {tmp_path}/two\n")
    (tmp_path / "two").write_text("Host c\n HostName 10.0.0.3\n")
    (tmp_path / "sd.yml").write_text("- targets: [b]\n")
    monkeypatch.setattr("scanner.inventory.ssh_config.ssh_config.Evaluation", None)  # not here
    monkeypatch.setattr("scanner.inventory.prometheus_sd._records", None)
    sources = [SshConfigSource(tmp_path / "config"), FileSdSource((tmp_path / "sd.yml",))]
    assert [host.name for host in gather(sources).hosts] == ["c", "a", "b"]


def test_every_form_of_an_ansible_inventory_is_read_there_too(tmp_path):
    (tmp_path / "hosts").write_text("[web]\na ansible_host=10.0.0.1\nb\n")
    (tmp_path / "more.yml").write_text("db: {hosts: {c: {ansible_port: 23}}}\n")
    (tmp_path / "script").write_text('#!/bin/sh\necho \'{"g": ["d"], "_meta": {"hostvars": {}}}\'\n')
    (tmp_path / "script").chmod(0o755)
    (tmp_path / "group_vars" / "web").mkdir(parents=True)
    (tmp_path / "group_vars" / "web" / "main.yml").write_text("ansible_user: w\n")
    hosts = gather([AnsibleSource(tmp_path)]).hosts
    assert [(host.name, host.user, host.port) for host in hosts] == [
        ("a", "w", 22),
        ("b", "w", 22),
        ("c", "", 23),
        ("d", "", 22),
    ]


def test_a_pattern_that_searches_the_whole_disk_is_refused(tmp_path):
    (tmp_path / "config").write_text("Include /*/*/*/config\nHost a\n")
    assert refusal(SshConfigSource(tmp_path / "config")) == "/*/*/*/config: has more than 2 parts with wildcards"


def test_what_costs_more_than_any_inventory_does_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(offload, "BUDGET", CallBudget(seconds=0.3))
    path = tmp_path / "config"
    path.write_text("".join(f"Host h{number}\nMatch host {'*a' * 200} user x\n" for number in range(9000)))
    assert refusal(SshConfigSource(path)) == f"{path}: cannot be read: it takes longer than 0.3 s to read"


def test_as_many_hosts_as_an_inventory_may_have_are_not_too_many_values():
    labels = {f"label_{number}": "" for number in range(40)}
    thousandth = [Host(f"web-{number}", "10.0.0.1", labels=dict(labels)) for number in range(MAX_HOSTS // 1000)]
    pickled_shape.check(pickled(thousandth), offload.BUDGET.max_steps // 1000)


def test_inventories_are_read_by_a_process_whose_number_has_no_account(tmp_path, monkeypatch):
    """As in the container image (65532), or under ``DynamicUser=`` where nss-systemd is not installed."""
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    (tmp_path / "hosts").write_text("web-1 ansible_host=10.0.0.1\n")
    (tmp_path / "config").write_text("Host web-2\n  HostName 10.0.0.2\n")
    found = gather([AnsibleSource(tmp_path / "hosts"), SshConfigSource(tmp_path / "config")])
    assert [host.address for host in found.hosts] == ["10.0.0.1", "10.0.0.2"]
