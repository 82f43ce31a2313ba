"""Which addresses may be connected to: the address a name resolved to is judged, never the name's spelling.

``ipaddress.is_global`` is no guard: it holds for 64:ff9b::a9fe:a9fe, which NAT64 turns into 169.254.169.254. Every
IPv4 address that an IPv6 address carries is judged as well.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA: frozenset[Address] = frozenset({
    IPv4Address("169.254.169.254"),  # AWS, GCP, Azure, OpenStack
    IPv4Address("169.254.170.2"),  # AWS task credentials
    IPv4Address("100.100.100.200"),  # Alibaba Cloud
    IPv4Address("168.63.129.16"),  # Azure, a public address that only its machines reach
    IPv4Address("192.0.0.192"),  # Oracle Cloud
    IPv6Address("fd00:ec2::254"),  # AWS
    IPv6Address("fd20:ce::254"),  # GCP
})  # fmt: skip
"""Where clouds hand out credentials to whoever asks; nobody's registry lives there."""

_PRIVATE: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT, RFC 6598
    IPv6Network("fc00::/7"),
    IPv6Network("64:ff9b:1::/48"),  # local-use NAT64, RFC 8215
)
"""What ``allow_networks`` opens, with loopback; link-local and the rest of the special ranges stay closed."""

_SITE_LOCAL = IPv6Network("fec0::/10")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = 0x5EFE
_LOW_32 = 0xFFFFFFFF


_LOOPBACK = "a loopback address"
_PRIVATE_NAME = "a private address"


@dataclass(frozen=True, slots=True)
class RefusedAddress:
    """Why an address must not be connected to; ``may_be_listed`` where registries are, if their operator says so."""

    why: str
    may_be_listed: bool = False


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What one registry may resolve to besides public addresses.

    ``private`` opens loopback and the private ranges. ``networks`` are opened whatever they are, but a cloud's metadata
    address only where it stands there alone. ``literals`` are addresses the operator wrote as the registry's own name.
    """

    private: bool = False
    networks: tuple[Network, ...] = ()
    literals: frozenset[Address] = frozenset()

    def refusal(self, address: Address) -> RefusedAddress | None:
        """Why this address must not be connected to; ``None`` where it may be."""
        for candidate in (address, *carried(address)):
            if why := self._why_not(candidate):
                if candidate != address:
                    return RefusedAddress(f"{address} carries {candidate}, {why}")
                return RefusedAddress(f"{address} is {why}", may_be_listed=why in {_LOOPBACK, _PRIVATE_NAME})
        return None

    def _why_not(self, address: Address) -> str | None:
        if address in self.literals or self._listed(address):
            return None
        if address in _METADATA:
            return "a cloud's metadata address"
        if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address in _NAT64):
            return None  # nothing but an envelope; what it carries is judged
        if address.is_loopback or any(address in network for network in _PRIVATE):
            return None if self.private else _name_of(address)
        return None if _is_public(address) else _name_of(address)

    def _listed(self, address: Address) -> bool:
        return any(
            address in network and (address not in _METADATA or network.num_addresses == 1) for network in self.networks
        )


def carried(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses to which a packet for this IPv6 address may be delivered by a translator or tunnel."""
    if isinstance(address, IPv4Address):
        return ()
    number = int(address)
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or (address in _COMPATIBLE and number > 1):
        found.append(IPv4Address(number & _LOW_32))
    if address in _NAT64_LOCAL:  # RFC 6052 section 2.2: bits 48-63, then 72-87
        found.append(IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF))
    if number >> 32 & 0xFFFF == _ISATAP:
        found.append(IPv4Address(number & _LOW_32))
    return tuple(inner for inner in found if inner is not None)


def _is_public(address: Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_link_local
        and not address.is_unspecified
        and not (isinstance(address, IPv6Address) and address in _SITE_LOCAL)
    )


def _name_of(address: Address) -> str:
    if address.is_unspecified:
        return "the unspecified address"
    if address.is_loopback:
        return _LOOPBACK
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if any(address in network for network in _PRIVATE):
        return _PRIVATE_NAME
    return "not a public address"


def parse(text: str) -> Address | None:
    """An address as a resolver prints it, its scope left out; ``None`` where it is not one."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
