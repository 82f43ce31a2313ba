"""Whether an answer may stand before its layer was read to its end."""

import pytest

from scanner.domain.image.reference import parse
from scanner.registry.client import Registry
from scanner.registry.config import ClientConfig, RegistryConfig

OWN, MIRROR = "own.example", "mirror.example"


def may_stop(own, mirror=None):
    configs = [
        RegistryConfig(OWN, **own, mirror=() if mirror is None else (MIRROR,)),
        RegistryConfig(MIRROR, **(mirror or {})),
    ]
    registry = Registry(ClientConfig(registries={config.name: config for config in configs}))
    return registry.may_stop_early(parse(f"{OWN}/app:1"))


TLS, PLAIN = {}, {"plain_http": True}
YES, NO = {"early_stop": True}, {"early_stop": False}


@pytest.mark.parametrize(
    ("own", "mirror", "expected"),
    [
        (TLS, None, True),
        (PLAIN, None, False),
        (PLAIN | YES, None, True),
        (NO, None, False),
        (TLS, TLS, True),
        (TLS, PLAIN, False),
        (PLAIN, TLS, False),
        (TLS, PLAIN | YES, True),
        (YES, PLAIN, True),
        (TLS, NO, False),
        (YES, NO, False),
    ],
)
def test_verified_tls_to_all_that_serve_an_image_decides_unless_it_is_said(own, mirror, expected):
    assert may_stop(own, mirror) is expected


def test_a_registry_that_nobody_listed_is_asked_over_tls_alone():
    assert Registry(ClientConfig()).may_stop_early(parse("docker.io/library/redis:7"))
