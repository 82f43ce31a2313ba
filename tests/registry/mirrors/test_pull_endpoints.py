"""Which configuration of mirrors decides where an image is asked for."""

from pathlib import Path

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.reference import parse as reference
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import ClientConfig, RegistryConfig
from scanner.registry.mirrors.pull_endpoints import MirrorsError, PullEndpoints


@pytest.fixture
def places(tmp_path):
    """``places(conf=..., hosts={registry: text}, docker=(...), own=(...))``."""

    def make(conf=None, hosts=None, docker=(), own=()):
        podman, certs = tmp_path / "registries.conf", tmp_path / "certs.d"
        if conf is not None:
            podman.write_text(conf)
        for registry, text in (hosts or {}).items():
            (certs / registry).mkdir(parents=True)
            (certs / registry / "hosts.toml").write_text(text)
        return PullEndpoints(
            ClientConfig(
                {"docker.io": RegistryConfig("docker.io", mirror=own)} if own else {},
                registries_conf=None if conf is None else podman,
                certs_d=certs if hosts else None,
                docker_mirrors=docker,
            )
        )

    return make


PODMAN = '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "podman.example/hub"\n'
CONTAINERD = '[host."https://containerd.example/hub"]\n'


@pytest.mark.parametrize(
    ("given", "tried"),
    [
        ({}, ["docker.io/v2/library/nginx"]),
        ({"docker": ("https://docker.example",)}, ["docker.example/v2/library/nginx", "docker.io/v2/library/nginx"]),
        (
            {"docker": ("https://docker.example",), "conf": PODMAN},
            ["podman.example/v2/hub/library/nginx", "docker.io/v2/library/nginx"],
        ),
        (
            {"docker": ("https://docker.example",), "conf": PODMAN, "hosts": {"docker.io": CONTAINERD}},
            ["containerd.example/hub/v2/library/nginx", "docker.io/v2/library/nginx"],
        ),
        (
            {"conf": PODMAN, "hosts": {"docker.io": CONTAINERD}, "own": ("own.example",)},
            ["own.example/v2/library/nginx", "docker.io/v2/library/nginx"],
        ),
        (
            {"conf": PODMAN, "hosts": {"quay.io": CONTAINERD}},
            ["podman.example/v2/hub/library/nginx", "docker.io/v2/library/nginx"],
        ),
        (
            {"hosts": {"_default": CONTAINERD}},
            ["containerd.example/hub/v2/library/nginx", "docker.io/v2/library/nginx"],
        ),
    ],
)
def test_the_first_configuration_that_knows_a_mirror_decides(places, given, tried):
    assert [place.host + place.path for place in places(**given).of(reference("nginx:1"))] == tried


def test_what_podman_blocks_is_blocked_whatever_the_others_say(places):
    blocked = '[[registry]]\nlocation = "docker.io"\nblocked = true\n'
    found = places(conf=blocked, hosts={"docker.io": CONTAINERD}, own=("own.example",)).of(reference("nginx:1"))
    assert found == Failure(Reason.IMAGE_NOT_ALLOWED, "registries.conf blocks docker.io")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"registries_conf": Path("/nowhere/registries.conf")},
            "/nowhere/registries.conf: cannot be read: No such file or directory",
        ),
        ({"certs_d": Path("/nowhere/certs.d")}, "/nowhere/certs.d: No such file or directory"),
        ({"docker_mirrors": ("mirror.example",)}, "docker_mirrors: registry-mirrors holds 'mirror.example'"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(config, said):
    with pytest.raises(MirrorsError) as caught:
        PullEndpoints(ClientConfig(**config))
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("content", [b"= broken", b"\xff\xfe", b"#" * (1 << 21), b"[registries.search]"])
def test_a_file_that_is_not_understood_is_refused_by_name(tmp_path, content):
    path = tmp_path / "registries.conf"
    path.write_bytes(content)
    with pytest.raises(MirrorsError, match=r"registries\.conf"):
        PullEndpoints(ClientConfig(registries_conf=path))


def test_a_broken_hosts_toml_is_known_before_its_registry_is_needed(places):
    with pytest.raises(MirrorsError, match=r"certs\.d/quay\.io/hosts\.toml"):
        places(hosts={"docker.io": CONTAINERD, "quay.io": "server = 5"})


def test_every_client_certificate_is_known_by_its_host(tmp_path):
    folder = tmp_path / "docker.io"
    folder.mkdir()
    (folder / "hosts.toml").write_text('[host."https://m.example"]\nclient = [["us.pem", "us.key"]]\n')
    listed = {"r.example": RegistryConfig("r.example", cert_file="/r.pem"), "s.example": RegistryConfig("s.example")}
    found = PullEndpoints(ClientConfig(listed, certs_d=tmp_path)).client_certificates
    assert found == {"m.example": f"{folder}/us.pem", "r.example": "/r.pem"}
