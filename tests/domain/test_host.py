"""What a host of an inventory may be called, and what it may not."""

import pytest

from scanner.domain.host import MAX_NAME_CHARS, Endpoint, Host, is_label, is_name, parse_endpoint, unbracketed, written


@pytest.mark.parametrize(
    "name", ["web-1", "web_1.example", "box:2222", "a.", "::1", "fe80::1%eth0", "a" * MAX_NAME_CHARS]
)
def test_a_name_is_letters_digits_and_four_marks_or_an_address(name):
    assert is_name(name)
    assert Host(name, "10.0.0.1").name == name


@pytest.mark.parametrize("name", ["", "-oProxyCommand=x", "a b", "a\n", "ä", "-", "a-", "a" * (MAX_NAME_CHARS + 1)])
def test_nothing_else_is_a_name_of_a_host_or_of_its_alias(name):
    assert not is_name(name)
    with pytest.raises(ValueError, match="is not a name"):
        Host(name, "10.0.0.1")
    with pytest.raises(ValueError, match="is not a name"):
        Host("web-1", "10.0.0.1", aliases=(name,))


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "::1", "2001:db8::", "fe80::1%eth0", "fe80::1%br-0.7", "web-1.example"]
)
def test_an_address_is_a_name_or_an_ip_address(address):
    assert Host("web-1", address).address == address


@pytest.mark.parametrize(
    "address",
    ["", "-v", "fe80::1%", "fe80::1%a b", "fe80::1%$(id)", "10.0.0.1%eth0", "web%eth0", "[::1]", "web:1", "a b"],
)
def test_no_option_bracket_or_port_is_an_address(address):
    with pytest.raises(ValueError, match="neither a host name nor an IP address"):
        Host("web-1", address)


@pytest.mark.parametrize("more", [{"local": True}, {"pushed": True}, {"problem": "hosts.yml:3: no"}])
def test_who_is_not_asked_over_the_network_needs_no_address(more):
    assert Host("web-1", **more).address == ""
    assert Host("web-1", "fe80::1", **more).address == "fe80::1"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_one(port):
    with pytest.raises(ValueError, match=f"port {port} is not between 1 and 65535"):
        Host("web-1", "10.0.0.1", port=port)


@pytest.mark.parametrize(("port", "user"), [(1, ""), (65535, "scan"), (22, "_a.b-c$")])
def test_ports_and_users_within_their_grammar_are_kept(port, user):
    made = Host("web-1", "10.0.0.1", port=port, user=user)
    assert (made.port, made.user) == (port, user)


@pytest.mark.parametrize("user", ["-l", "a b", "0", "a" * 66, "a;b"])
def test_a_user_is_a_login_name(user):
    with pytest.raises(ValueError, match="is not a login name"):
        Host("web-1", "10.0.0.1", user=user)


def test_a_label_is_one_of_prometheus():
    assert is_label("team_1")
    assert Host("web-1", "10.0.0.1", labels={"team": "x"}).labels == {"team": "x"}
    with pytest.raises(ValueError, match="label '1team' must match"):
        Host("web-1", "10.0.0.1", labels={"1team": "x"})


ENDPOINTS = {
    "web-1": Endpoint("", "web-1", None),
    "root@web-1:2222": Endpoint("root", "web-1", 2222),
    "[::1]": Endpoint("", "::1", None),
    "[::1]:22": Endpoint("", "::1", 22),
    "root@::1": Endpoint("root", "::1", None),
    "::1:22": Endpoint("", "::1:22", None),
    "root@[fe80::1%eth0]:22": Endpoint("root", "fe80::1%eth0", 22),
    "fe80::1%eth0": Endpoint("", "fe80::1%eth0", None),
    "ssh://root@[::1]:22/": Endpoint("root", "::1", 22),
    "ssh://web-1": Endpoint("", "web-1", None),
}


@pytest.mark.parametrize(("text", "endpoint"), ENDPOINTS.items(), ids=ENDPOINTS)
def test_a_host_is_written_as_for_ssh(text, endpoint):
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text", ["", "@a", "a@", "a:b", "a b", "root:pw@a", "[a]:22", "[::1", "10.0.0.0/24", "http://a", "a@b@c"]
)
def test_anything_else_is_no_host(text):
    assert parse_endpoint(text) is None


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "fe80::1%eth0", "web-1"])
def test_an_address_with_its_port_is_read_as_it_was_written(address):
    assert parse_endpoint(written(address, 2222)) == Endpoint("", address, 2222)
    assert Host("a", address, 2222).endpoint == written(address, 2222)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("[::1]", "::1"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
        ("[web]", "[web]"),
        ("[10.0.0.1]", "[10.0.0.1]"),
        ("[[::1]]", "[[::1]]"),
    ],
)
def test_brackets_are_those_of_an_ipv6_address_alone(text, bare):
    assert unbracketed(text) == bare
