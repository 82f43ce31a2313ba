"""The shares of file descriptors."""

import resource
import socket

import pytest

from scanner import descriptors
from scanner.domain.verdict.reason import Reason
from scanner.hosts.ssh import failure
from scanner.registry.http import failures
from tests.shortage import no_descriptors


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


def asked(name):
    """What the system's resolver, or ours around it, says of a name."""
    for find in (socket.getaddrinfo, descriptors.addresses):
        try:
            find(name, 22)
        except OSError as error:
            yield error


def test_a_name_that_was_not_looked_up_for_want_of_descriptors_is_not_called_unknown():
    "nobody.example".encode("idna")  # whose module is read when a name is first asked for
    with no_descriptors():
        theirs, ours = asked("nobody.example")  # glibc may say that nobody knows it, or that it could not look
        errors = (theirs, ours, socket.gaierror(socket.EAI_NONAME, "nobody knows it"))
        told = [classify(error).reason for error in errors for classify in (failure.classify, failures.classify)]
    assert type(ours) is OSError
    assert told == [Reason.INTERNAL_EXHAUSTED] * 6


def test_a_name_that_nobody_knows_is_told_as_the_system_tells_it():
    assert [type(error) for error in asked("no host at all")] == [socket.gaierror, socket.gaierror]
