import pytest

from scanner.domain.host import Host
from scanner.inventory import InventoryError, match

HOSTS = (
    Host("web-1", "a", labels={"team": "web", "zone": "eu-1"}),
    Host("web-2", "b", labels={"team": "web", "zone": "us-1"}),
    Host("edge-1", "c", labels={"team": "edge"}),
    Host("db-1", "d", aliases=("primary",)),
)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], "web-1 web-2 edge-1 db-1"),
        (["web-2"], "web-2"),
        (["primary"], "db-1"),
        (["prim*"], "db-1"),
        (["!primary"], "web-1 web-2 edge-1"),
        (["web-*"], "web-1 web-2"),
        (["db-1", "web-1"], "web-1 db-1"),
        (["db-1,web-1"], "web-1 db-1"),
        (["team=web"], "web-1 web-2"),
        (["zone=eu-*"], "web-1"),
        (["!web-1"], "web-2 edge-1 db-1"),
        (["web-*,!web-1"], "web-2"),
        (["web-*", "!zone=us-*"], "web-1"),
        (["!team=web"], "edge-1 db-1"),
        (["*"], "web-1 web-2 edge-1 db-1"),
        ([" web-1 , ,web-2 "], "web-1 web-2"),
        (["web-[12]"], "web-1 web-2"),
    ],
)
def test_patterns_choose_hosts_in_the_inventorys_order(patterns, names):
    assert " ".join(host.name for host in match(HOSTS, patterns)) == names


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["wbe-1"], "no host is named wbe-1; did you mean web-1?"),
        (["zzz"], "no host is named zzz"),
        (["web-*,!web-9"], "no host is named web-9; did you mean web-2?"),
        (["Web-1"], "no host is named Web-1; did you mean web-1?"),
        (["cache-*"], "no host matches cache-*"),
        (["team=none"], "no host matches team=none"),
        (["web-1", "cache-*", "team=web", "zone=mars"], "no host matches cache-*,zone=mars"),
        (["web-1,!web-*"], "no host matches web-1,!web-*"),
        ([""], "an empty pattern names no host: leave it out for all of them"),
        (["web-1", " , "], "an empty pattern names no host: leave it out for all of them"),
    ],
)
def test_patterns_that_choose_nobody_are_refused(patterns, message):
    with pytest.raises(InventoryError) as caught:
        match(HOSTS, patterns)
    assert str(caught.value) == message
