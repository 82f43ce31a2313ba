"""The addresses behind a name, in every disguise that is known."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.registry.http.address import AddressPolicy, RefusedAddress, parse

PUBLIC = [
    "93.184.216.34",
    "1.1.1.1",
    "2606:4700::1111",
    "2a00:1450:4001:82b::200e",
    "64:ff9b::101:101",
    "::ffff:1.1.1.1",
]
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"]
PRIVATE = ["10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
NEVER = [
    "0.0.0.0",
    "::",
    "169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "2001:db8::1",
    "fec0::1",
    "::ffff:0.0.0.0",
    "::10.0.0.1",
]
METADATA = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",
    "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "2606:4700::5efe:a9fe:a9fe",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
]


def refusal(policy, text):
    return policy.refusal(parse(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_may_be_connected_to(text):
    assert refusal(AddressPolicy(), text) is None


@pytest.mark.parametrize("text", LOOPBACK + PRIVATE + NEVER + METADATA)
def test_every_other_address_is_refused_by_default(text):
    assert refusal(AddressPolicy(), text)


@pytest.mark.parametrize("text", LOOPBACK + PRIVATE)
def test_private_ranges_open_where_they_are_configured(text):
    assert refusal(AddressPolicy(private=True), text) is None


@pytest.mark.parametrize("text", NEVER + METADATA)
def test_private_ranges_never_open_metadata_or_link_local_or_multicast(text):
    assert refusal(AddressPolicy(private=True), text)


def test_listed_networks_open_just_themselves():
    policy = AddressPolicy(networks=(ip_network("10.1.0.0/16"), ip_network("fd12::/16")))
    assert refusal(policy, "10.1.2.3") is None
    assert refusal(policy, "::ffff:10.1.2.3") is None
    assert refusal(policy, "fd12::5") is None
    assert refusal(policy, "10.2.0.1")
    assert refusal(policy, "127.0.0.1")


def test_a_network_around_the_metadata_address_does_not_open_it():
    everything = AddressPolicy(networks=(IPv4Network("0.0.0.0/0"), IPv6Network("::/0")))
    assert refusal(everything, "169.254.169.254")
    assert refusal(everything, "64:ff9b::a9fe:a9fe")
    assert refusal(everything, "127.0.0.1") is None
    assert refusal(AddressPolicy(networks=(ip_network("169.254.169.254/32"),)), "169.254.169.254") is None


def test_a_literal_opens_just_that_address():
    policy = AddressPolicy(literals=frozenset({ip_address("127.0.0.1")}))
    assert refusal(policy, "127.0.0.1") is None
    assert refusal(policy, "127.0.0.2")
    assert refusal(policy, "::1")


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_envelope_makes_a_refused_ipv4_address_acceptable(inner):
    number = int(inner)
    envelopes = [
        0xFFFF << 32 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80,
        0x20010000 << 96 | (number ^ 0xFFFFFFFF),
    ]
    for private in (False, True):
        policy = AddressPolicy(private=private)
        if policy.refusal(inner):
            assert all(policy.refusal(IPv6Address(envelope)) for envelope in envelopes)


@given(st.one_of(st.ip_addresses(), st.text(max_size=40)))
def test_any_text_is_an_address_or_none(text):
    found = parse(str(text))
    assert found is None or isinstance(AddressPolicy().refusal(found), RefusedAddress | None)


@pytest.mark.parametrize(
    ("text", "may_be_listed"),
    [
        ("127.0.0.1", True), ("::1", True), ("10.0.0.7", True), ("fc00::7", True),
        ("169.254.169.254", False), ("fd00:ec2::254", False), ("169.254.0.1", False), ("224.0.0.1", False),
        ("0.0.0.0", False), ("64:ff9b::a00:7", False), ("::ffff:10.0.0.7", False),
    ],
)  # fmt: skip
def test_only_where_registries_are_may_an_address_be_listed(text, may_be_listed):
    assert refusal(AddressPolicy(), text).may_be_listed == may_be_listed
