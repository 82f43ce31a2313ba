"""The shares of file descriptors."""

import resource

import pytest

from scanner import descriptors


@pytest.mark.parametrize(
    ("soft", "clients", "registries", "hosts"),
    [
        (256, 48, 32, 96),
        (1024, 240, 128, 576),
        (65_536, 1000, 512, 63_944),
        (resource.RLIM_INFINITY, 1000, 512, 63_944),
    ],
)
def test_all_shares_together_are_what_the_system_grants(monkeypatch, soft, clients, registries, hosts):
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (soft, soft))
    assert (descriptors.for_clients(), descriptors.for_registries(), descriptors.for_hosts()) == (
        clients,
        registries,
        hosts,
    )
    granted = descriptors.MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    assert clients + descriptors.EXTRA_CLIENTS + registries + hosts + descriptors.OWN == granted


def test_each_part_gets_some_where_next_to_nothing_is_granted(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (64, 64))
    assert (descriptors.for_clients(), descriptors.for_registries(), descriptors.for_hosts()) == (8, 8, 2)
