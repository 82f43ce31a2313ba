"""What a host of an inventory may be called, and what it may not."""

import pytest

from scanner.domain.host import MAX_NAME_CHARS, Host, is_label, is_name


@pytest.mark.parametrize("name", ["web-1", "web_1.example", "box:2222", "a.", "a" * MAX_NAME_CHARS])
def test_a_name_is_letters_digits_and_four_marks(name):
    assert is_name(name)
    assert Host(name, "10.0.0.1").name == name


@pytest.mark.parametrize("name", ["", "-oProxyCommand=x", "a b", "a\n", "ä", "-", "a-", "a" * (MAX_NAME_CHARS + 1)])
def test_nothing_else_is_a_name_of_a_host_or_of_its_alias(name):
    assert not is_name(name)
    with pytest.raises(ValueError, match="is not a name"):
        Host(name, "10.0.0.1")
    with pytest.raises(ValueError, match="is not a name"):
        Host("web-1", "10.0.0.1", aliases=(name,))


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "web-1.example"])
def test_an_address_is_a_name_or_an_ip_address(address):
    assert Host("web-1", address).address == address


@pytest.mark.parametrize("address", ["", "-v", "fe80::1%eth0", "web:1", "a b"])
def test_no_option_zone_or_port_is_an_address(address):
    with pytest.raises(ValueError, match="neither a host name nor an IP address"):
        Host("web-1", address)


@pytest.mark.parametrize("more", [{"local": True}, {"pushed": True}, {"problem": "hosts.yml:3: no"}])
def test_who_is_not_asked_over_the_network_needs_no_address(more):
    assert Host("web-1", **more).address == ""


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
