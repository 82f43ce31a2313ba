"""From settings to what the registry adapter is told."""

from dataclasses import fields
from ipaddress import ip_network

import pytest

from scanner.app import wiring
from scanner.app.adapters import AdapterContext, Adapters
from scanner.registry.auth.credentials import CredentialSources
from scanner.registry.config import ClientConfig, RegistryConfig
from scanner.settings import SettingsError, load

EVERYTHING = """\
registries:
  only_listed: true
  timeout: 7s
  cache_age: 90s
  registries_conf: registries.conf
  certs_d: certs.d
  docker_mirrors: ["https://hub.mirror.example"]
  registry.example:
    ca_file: corp.pem
    cert_file: us.pem
    key_file: us.key
    proxy: "http://bot:hunter2@proxy.example:3128"
    mirror: [mirror.example]
    auth_hosts: [sso.example]
    redirect_hosts: ["*.cdn.example"]
    allow_networks: [10.0.0.0/8]
    concurrency: 3
    rate: 2
    burst: 5
    stop_below: 20
    early_stop: false
  "127.0.0.1:5000": {plain_http: true}
"""


@pytest.fixture
def settings(tmp_path):
    """``settings(text)``: the settings of a file with this text."""

    def read(text):
        path = tmp_path / "archscan.yml"
        path.write_text(text)
        return load(path, {}, need_hosts=False)

    return read


def test_each_setting_of_a_registry_arrives_at_the_client(settings, tmp_path):
    own = wiring.client(settings(EVERYTHING), "1.2").registries["registry.example"]
    assert own == RegistryConfig(
        name="registry.example",
        ca_file=str(tmp_path / "corp.pem"),
        cert_file=str(tmp_path / "us.pem"),
        key_file=str(tmp_path / "us.key"),
        proxy="http://bot:hunter2@proxy.example:3128",
        mirror=("mirror.example",),
        auth_hosts=("sso.example",),
        redirect_hosts=("*.cdn.example",),
        concurrency=3,
        rate_per_s=2.0,
        burst=5,
        stop_below=20,
        early_stop=False,
        allow_networks=(ip_network("10.0.0.0/8"),),
    )


def test_each_setting_of_all_registries_arrives_at_the_client(settings, tmp_path):
    client = wiring.client(settings(EVERYTHING), "1.2")
    assert (client.only_listed, client.timeout_s, client.cache_age_s) == (True, 7.0, 90.0)
    assert (client.registries_conf, client.certs_d) == (tmp_path / "registries.conf", tmp_path / "certs.d")
    assert client.docker_mirrors == ("https://hub.mirror.example",)
    assert client.user_agent == "archscan/1.2"


def test_what_one_registry_may_be_asked_bounds_no_other(settings):
    client = wiring.client(settings(EVERYTHING), "1.2")
    plain = ClientConfig()
    assert client.registries["127.0.0.1:5000"].concurrency == 10
    assert (client.concurrency, client.rate_per_s, client.burst) == (plain.concurrency, plain.rate_per_s, plain.burst)


def test_a_setting_that_is_left_out_says_what_the_client_does_anyway(settings):
    """The page of settings shows these defaults, so they must be the client's own."""
    listed, plain = settings("registries: {a.example: {}}").registries.listed["a.example"], ClientConfig()
    assert (listed.concurrency, listed.rate, listed.burst) == (plain.concurrency, plain.rate_per_s, plain.burst)
    assert listed.stop_below is RegistryConfig("a.example").stop_below


def test_nothing_is_ambient_by_default(settings):
    client = wiring.client(settings(""), "1")
    assert (client.registries_conf, client.certs_d, client.docker_mirrors) == (None, None, ())
    assert wiring.credentials(settings(""))._sources == CredentialSources()


def test_a_configured_file_gets_its_helpers_a_path_but_no_login_of_the_environment(settings):
    environ = {"PATH": "/usr/bin", "HOME": "/root", "DOCKER_AUTH_CONFIG": "{}", "AWS_SECRET_ACCESS_KEY": "x"}
    named = wiring.credentials(settings("registries: {docker_config: config.json}"), environ=environ)
    assert named._sources.environment == {"PATH": "/usr/bin", "HOME": "/root"}
    assert wiring.credentials(settings(""), environ=environ)._sources.environment == {}


def test_configured_login_files_come_before_the_users_own(settings, tmp_path):
    text = "registries: {podman_auth: [a.json, b.json], docker_config: config.json}"
    ambient = CredentialSources(docker_config=tmp_path / "mine", podman_auth=(tmp_path / "mine",))
    sources = wiring.credentials(settings(text), ambient)._sources
    assert sources.podman_auth == (tmp_path / "a.json", tmp_path / "b.json")
    assert sources.docker_config == tmp_path / "config.json"
    assert wiring.credentials(settings(""), ambient)._sources.podman_auth == (tmp_path / "mine",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("registries_conf: gone.conf", "gone.conf: cannot be read: No such file or directory"),
        ("certs_d: gone.d", "gone.d: No such file or directory"),
        ("registries_conf: archscan.yml", "registries.conf is not TOML"),
    ],
)
def test_a_file_of_mirrors_that_cannot_be_used_is_a_mistake_of_the_configuration(settings, text, said):
    with pytest.raises(SettingsError, match="registries: .*" + said):
        Adapters(settings(f"registries: {{{text}}}"), AdapterContext("1"))


def test_no_setting_of_the_client_is_forgotten(settings):
    """Whoever adds one to the client says here why it is no setting, or wires it."""
    made = wiring.client(settings(EVERYTHING), "1").registries["registry.example"]
    plain = RegistryConfig("registry.example")
    same = {field.name for field in fields(RegistryConfig) if getattr(made, field.name) == getattr(plain, field.name)}
    assert same == {
        "name",
        "plain_http",  # excludes certificates, so another registry has it
        "ca_files",  # of mirrors in certs.d
    }
