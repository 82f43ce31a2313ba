"""The recorded answers of many kinds of host, and the pieces that they are made of."""

import importlib.util
from pathlib import Path

import pytest

from scanner.domain.facts import HostFacts
from scanner.domain.host import Host
from scanner.probe import reading

HOSTS = Path(__file__).parents[1] / "data" / "hosts"


@pytest.fixture(scope="session")
def pieces():
    """The module that builds the answers."""
    spec = importlib.util.spec_from_file_location("hosts_build", HOSTS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recorded():
    """The bytes that a kind of host answers."""
    return lambda name: (HOSTS / f"{name}.txt").read_bytes()


@pytest.fixture(scope="session")
def the_host():
    return Host(name="edge-1", address="10.0.0.1")


@pytest.fixture(scope="session")
def facts_of(recorded, the_host):
    """The facts of a kind of host."""

    def facts(name):
        found = reading.read(recorded(name), the_host)
        assert isinstance(found, HostFacts), found
        return found

    return facts
