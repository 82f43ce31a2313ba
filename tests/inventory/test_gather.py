import pytest

from scanner.domain.facts import Source
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.inventory import Defaults, InventoryError, LocalSource, StaticHost, StaticSource, gather, plan


def static(place="archscan.yml: inventory[0]", defaults=None, **hosts):
    return StaticSource(hosts, defaults or Defaults(), place)


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
    assert gather([source]) == (
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
    hosts = gather([static(b=StaticHost(), a=StaticHost()), LocalSource("here", {"x": "y"})])
    assert [host.name for host in hosts] == ["b", "a", "here"]
    assert hosts[2].local
    assert hosts[2].labels == {"x": "y"}


def test_a_name_twice_is_told_with_both_places():
    assert refusal(static(a=StaticHost()), static("archscan.yml: inventory[1]", a=StaticHost("b"))) == (
        "archscan.yml: inventory[1].hosts.a: host a is also in archscan.yml: inventory[0].hosts.a"
    )


def test_the_same_login_under_two_names_is_told():
    assert refusal(static(a=StaticHost("10.0.0.1"), b=StaticHost("10.0.0.1"))) == (
        "archscan.yml: inventory[0].hosts.b: host b has the same address as a in archscan.yml: inventory[0].hosts.a"
    )


@pytest.mark.parametrize("other", [StaticHost("10.0.0.1", port=23), StaticHost("10.0.0.1", jump="b"), StaticHost("c")])
def test_one_address_may_lead_to_several_machines(other):
    assert len(gather([static(a=StaticHost("10.0.0.1"), b=other)])) == 2


HOSTILE = [
    ("-oProxyCommand=id", "host name '-oProxyCommand=id' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("a;id", "host name 'a;id' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("a\nb", "host name 'a\\nb' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("$(id)", "host name '$(id)' is not a name: use letters, digits, '.', '-', '_' or ':'"),
    ("fe80::1%eth0", "host name 'fe80::1%eth0' is not a name: use letters, digits, '.', '-', '_' or ':'"),
]


@pytest.mark.parametrize(("name", "message"), HOSTILE)
def test_c02_hostile_names_are_refused(name, message):
    assert refusal(StaticSource({name: StaticHost()}, place="p")) == f"p.hosts.{name}: {message}"


def test_every_problem_of_every_source_is_told_at_once():
    text = refusal(static(a=StaticHost(port=0), b=StaticHost(user="-x")), static("other", c=StaticHost("-x")))
    assert text.count("\n") == 2


def test_a_platform_that_is_none_is_refused():
    with pytest.raises(ValueError, match="platform"):
        plan("app", platform="linux/*")
