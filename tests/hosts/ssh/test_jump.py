import pytest

from scanner.domain.host import Host
from scanner.hosts.ssh.jump import JumpTarget, Route, jump_of

PATTERNS = {"edge-1": "first", "edge-*": "second", "*": "none"}


@pytest.mark.parametrize(
    ("host", "jump"),
    [
        (Host("edge-1", "a"), "first"),
        (Host("edge-2", "a"), "second"),
        (Host("web", "a"), ""),
        (Host("edge-1", "a", jump="own"), "own"),
        (Host("edge-1", "a", jump="none"), ""),
    ],
)
def test_the_hosts_own_jump_wins_then_the_first_pattern(host, jump):
    assert jump_of(host, PATTERNS) == jump


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("", ()),
        ("bastion", (JumpTarget("bastion", "bastion", 22, "scan"),)),
        ("kim@bastion:2222", (JumpTarget("bastion", "bastion", 2222, "kim"),)),
        ("[2001:db8::1]:2222", (JumpTarget("2001:db8::1", "2001:db8::1", 2222, "scan"),)),
        ("kim@[fe80::1%eth0]:2222", (JumpTarget("fe80::1%eth0", "fe80::1%eth0", 2222, "kim"),)),
        ("a, b", (JumpTarget("a", "a", 22, "scan"), JumpTarget("b", "b", 22, "scan"))),
    ],
)
def test_a_route_lists_its_hops(text, hops):
    assert Route.parse(text, "scan").hops == hops


@pytest.mark.parametrize(
    "text", ["a b", "-o", "a:b", "a:0", "a:65536", "@a", "a@", "a;id", "a,", "a,b,c,d,e", "$(id)", "a\nb"]
)
def test_anything_else_is_no_route(text):
    with pytest.raises(ValueError, match=r"jump|host|user|port"):
        Route.parse(text, "scan")


def test_a_route_is_written_as_it_is_read():
    route = Route.parse("kim@a:23,b", "scan")
    assert str(route) == "kim@a:23,scan@b:22"
    assert str(route.before) == "kim@a:23"
    assert str(Route.parse("[::1]:23", "scan")) == "scan@[::1]:23"
