"""Where engines' own configurations send a pull."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.failure import Failure
from scanner.domain.image.reference import ImageReference
from scanner.domain.image.reference import parse as reference
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import RegistryConfig
from scanner.registry.mirrors import hosts_toml, registries_conf
from scanner.registry.mirrors.hosts_toml import HostsToml
from scanner.registry.mirrors.mirrors import DockerMirrors, MirrorUrl, PullEndpoint, docker_mirrors, parse_url
from scanner.registry.mirrors.registries_conf import RegistriesConf

DIGEST = "sha256:" + "a" * 64
CERTS = Path("/etc/containerd/certs.d/docker.io")


def tried(places):
    """The places in words: scheme://host/repository, an exclamation mark where one must not be tried."""
    if isinstance(places, Failure):
        return places.reason
    return [
        ("! " if p.failure else "") + f"http{'' if p.plain_http else 's'}://{p.host}/{p.repository}" for p in places
    ]


# ---------------------------------------------------------------- registries.conf

EXAMPLE = """
unqualified-search-registries = ["example.com"]
short-name-mode = "enforcing"

[[registry]]
prefix = "example.com/foo"
location = "internal.example.net/bar"

[[registry.mirror]]
location = "mirror-0.local/mirror-for-foo"

[[registry.mirror]]
location = "mirror-1.local:5000/mirrors/foo/"
insecure = true

[[registry]]
prefix = "example.com/foo/secret"
blocked = true

[[registry]]
location = "plain.example:5000"
insecure = true

[[registry]]
prefix = "*.corp.example"

[[registry.mirror]]
location = "mirror.corp.example"
pull-from-mirror = "digest-only"

[[registry]]
prefix = "*.wild.example/team"
location = "one.example/team"

[[registry]]
prefix = "docker.io"
location = "hub.mirror.example/hub"
mirror-by-digest-only = true
mirror = [{location = "digests.example/hub"}]

[[registry]]
prefix = "pinned.example/app:1"
location = "other.example/app:2"

[[registry]]
prefix = "localhost"
location = "never.example"
"""


@pytest.mark.parametrize(
    ("image", "places"),
    [
        (
            "example.com/foo/image:1",
            ["https://mirror-0.local/mirror-for-foo/image", "http://mirror-1.local:5000/mirrors/foo/image", "https://internal.example.net/bar/image"],
        ),
        ("example.com/foo:1", ["https://mirror-0.local/mirror-for-foo", "http://mirror-1.local:5000/mirrors/foo", "https://internal.example.net/bar"]),
        ("example.com/foobar:1", ["https://example.com/foobar"]),
        ("example.com:5000/foo/image", ["https://example.com:5000/foo/image"]),
        ("example.com/foo/secret/x:1", Reason.IMAGE_NOT_ALLOWED),
        ("example.com/foo/secret:1", Reason.IMAGE_NOT_ALLOWED),
        (f"example.com/foo/secret@{DIGEST}", Reason.IMAGE_NOT_ALLOWED),
        ("example.com/foo/secrets:1", ["https://mirror-0.local/mirror-for-foo/secrets", "http://mirror-1.local:5000/mirrors/foo/secrets", "https://internal.example.net/bar/secrets"]),
        ("plain.example:5000/a/b", ["http://plain.example:5000/a/b"]),
        ("a.corp.example/x:1", ["https://a.corp.example/x"]),
        (f"a.b.corp.example/x@{DIGEST}", ["https://mirror.corp.example/x", "https://a.b.corp.example/x"]),
        ("corp.example/x:1", ["https://corp.example/x"]),
        ("evil.example/a.corp.example/x:1", ["https://evil.example/a.corp.example/x"]),
        ("a.wild.example/team/app:1", ["https://one.example/team/app"]),
        ("a.wild.example/other/app:1", ["https://a.wild.example/other/app"]),
        ("nginx:1", ["https://hub.mirror.example/hub/library/nginx"]),
        (f"nginx@{DIGEST}", ["https://digests.example/hub/library/nginx", "https://hub.mirror.example/hub/library/nginx"]),
        ("localhost:5000/a", ["https://localhost:5000/a"]),
        ("quay.io/a/b", ["https://quay.io/a/b"]),
    ],
)  # fmt: skip
def test_registries_conf_sends_a_pull_where_podman_would(image, places):
    assert tried(registries_conf.parse(EXAMPLE).endpoints(reference(image))) == places


def test_a_location_that_makes_no_reference_is_not_tried():
    conf = registries_conf.parse('[[registry]]\nprefix = "a.example"\nlocation = "b.example/../../x"')
    (place,) = conf.endpoints(reference("a.example/app:1"))
    assert place.failure.reason is Reason.IMAGE_NOT_ALLOWED


def test_a_location_that_leaves_only_a_host_does_not_lead_to_docker_hub():
    conf = registries_conf.parse('[[registry]]\nprefix = "a.example/app"\nlocation = "mirror.example"')
    (place,) = conf.endpoints(reference("a.example/app:1"))
    assert place.failure.reason is Reason.IMAGE_NOT_ALLOWED
    assert conf.endpoints(reference("a.example/app/x:1")) == (PullEndpoint("mirror.example", "x"),)


@pytest.mark.parametrize(
    "text",
    [
        "[[registry]]", "registry = 1", "registry = [1]", '[[registry]]\nlocation = "https://x"', "[[registry]]\nlocation = 5",
        '[[registry]]\nlocation = "x"\nblocked = "yes"', '[[registry]]\nlocation = "x"\n[[registry.mirror]]\ninsecure = true',
        '[[registry]]\nlocation = "x"\nmirror = 1', '[[registry]]\nlocation = "x"\nmirror = [1]', '[[registry]]\nprefix = "*.x"\nlocation = "*.y"',
        '[[registry]]\nlocation = "x"\nmirror = [{location = "y", pull-from-mirror = "never"}]',
        "[registries.search]\nregistries = []", "= broken", "[" * 5000, "#" + "x" * 300_000,
    ],
)  # fmt: skip
def test_a_registries_conf_that_is_not_understood_allows_nothing(text):
    answer = registries_conf.parse(text)
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_NOT_ALLOWED
    assert answer.detail.isprintable()


def test_an_empty_registries_conf_changes_nothing():
    assert registries_conf.parse("").endpoints(reference("a.example/b")) == (PullEndpoint("a.example", "b"),)


# ---------------------------------------------------------------- hosts.toml

HOSTS = """
server = "https://registry-1.docker.io"

[host."https://public-mirror.example.com"]
  capabilities = ["pull"]
[host."https://docker-mirror.internal:8443/prefix"]
  capabilities = ["pull", "Resolve"]
  ca = "docker-mirror.crt"
  client = [["/certs/client.cert", "client.key"], ["both.pem", ""]]
[host."http://10.0.0.5:5000/api/v2"]
[host."https://push-only.example"]
  capabilities = ["push"]
[host."https://odd.example/custom"]
  override_path = true
  ca = ["/a.pem", "b.pem"]
[host."https://lax.example"]
  skip_verify = true
"""


def hosts(text=HOSTS):
    return hosts_toml.parse(text, CERTS)


def test_hosts_toml_tries_its_hosts_in_their_order_then_the_server():
    assert tried(hosts().endpoints(reference("nginx:1"))) == [
        "https://docker-mirror.internal:8443/library/nginx",
        "http://10.0.0.5:5000/library/nginx",
        "https://odd.example/library/nginx",
        "! https://lax.example/library/nginx",
        "https://registry-1.docker.io/library/nginx",
    ]


def test_a_host_that_only_pulls_is_asked_for_digests():
    assert (
        tried(hosts().endpoints(reference(f"nginx@{DIGEST}")))[0] == "https://public-mirror.example.com/library/nginx"
    )


def test_a_mirror_is_told_which_registry_it_stands_for_and_the_registry_is_not():
    places = hosts().endpoints(reference("nginx:1"))
    assert [place.namespace for place in places] == ["docker.io"] * 4 + [""]
    (own,) = hosts('server = "https://reg.example:5000"').endpoints(reference("reg.example:5000/a"))
    assert own.namespace == ""


def test_paths_certificates_and_api_roots_are_those_of_containerd():
    mirror, plain, odd, *_ = hosts().endpoints(reference("nginx:1"))
    assert (mirror.root, plain.root, odd.root) == ("/prefix/v2", "/api/v2", "/custom")
    assert mirror.path == "/prefix/v2/library/nginx"
    assert mirror.ca_files == (f"{CERTS}/docker-mirror.crt",)
    assert mirror.client_pairs == (("/certs/client.cert", f"{CERTS}/client.key"), (f"{CERTS}/both.pem", ""))
    assert odd.ca_files == ("/a.pem", f"{CERTS}/b.pem")
    reached = mirror.over(RegistryConfig(mirror.host, ca_file="/corp.pem"))
    assert reached.authorities == ("/corp.pem", f"{CERTS}/docker-mirror.crt")
    assert (reached.cert_file, reached.key_file) == ("/certs/client.cert", f"{CERTS}/client.key")
    assert plain.over(RegistryConfig(plain.host)).plain_http


def test_verification_is_never_skipped():
    lax = hosts().endpoints(reference("nginx:1"))[3]
    assert lax.failure == Failure(
        Reason.IMAGE_TLS_REJECTED, "hosts.toml asks not to verify lax.example; give its ca instead"
    )


def test_without_a_server_the_registry_itself_is_asked_last():
    places = hosts('[host."https://mirror.example"]').endpoints(reference("quay.io/a/b:1"))
    assert tried(places) == ["https://mirror.example/a/b", "https://quay.io/a/b"]


def test_a_server_without_a_scheme_is_https():
    assert tried(hosts('server = "mirror.example"').endpoints(reference("quay.io/a/b:1"))) == [
        "https://mirror.example/a/b"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "server = 5", 'server = "ftp://x"', 'server = "https://user:pw@x"', 'server = "https://x?y"', 'server = "https://x:99999"', 'server = ""',
        "host = 1", "host = {x = 1}", '[host."https://x"]\ncapabilities = ["fly"]', '[host."https://x"]\ncapabilities = [1]', '[host."https://x"]\nskip_verify = "no"',
        '[host."https://x"]\nca = 5', '[host."https://x"]\nclient = 5', '[host."https://x"]\nclient = [["a"]]', '[host."https://x/../y"]', "= broken",
        "".join(f'[host."https://h{i}"]\n' for i in range(20)),
    ],
)  # fmt: skip
def test_a_hosts_toml_that_is_not_understood_allows_nothing(text):
    answer = hosts(text)
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_NOT_ALLOWED


@pytest.mark.parametrize(
    ("registry", "names"),
    [
        ("docker.io", ["docker.io", "_default"]),
        ("reg.example:5000", ["reg.example_5000_", "reg.example:5000", "_default"]),
        ("[::1]:5000", ["[::1]_5000_", "[::1]:5000", "_default"]),
        ("[::1]", ["[::1]", "_default"]),
    ],
)
def test_the_directories_of_a_registry_are_looked_at_in_containerds_order(registry, names):
    assert [path.parent.name for path in hosts_toml.paths(Path("/etc"), registry)] == names


# ---------------------------------------------------------------- Docker


def test_dockers_mirrors_are_for_docker_hub_alone():
    mirrors = docker_mirrors(["https://mirror.example", "http://10.0.0.5:5000/"])
    assert tried(mirrors.endpoints(reference("nginx"))) == [
        "https://mirror.example/library/nginx",
        "http://10.0.0.5:5000/library/nginx",
        "https://docker.io/library/nginx",
    ]
    assert tried(mirrors.endpoints(reference("quay.io/a/b"))) == ["https://quay.io/a/b"]
    assert {place.namespace for place in mirrors.endpoints(reference("nginx"))} == {""}


@pytest.mark.parametrize(
    "value",
    ["mirror.example", "https://mirror.example/path", "https://a@b", "https://a?b", "ftp://a", 5, None, "", "https://"],
)
def test_a_mirror_that_docker_would_refuse_is_refused(value):
    assert isinstance(docker_mirrors([value]), Failure)


def test_too_many_mirrors_are_refused():
    assert isinstance(docker_mirrors(["https://a"] * 20), Failure)


def test_no_mirror_means_the_registry():
    assert DockerMirrors().endpoints(reference("nginx")) == (PullEndpoint("docker.io", "library/nginx"),)


# ---------------------------------------------------------------- any text


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://A.example:5000/x/", MirrorUrl("a.example:5000", path="/x")),
        ("http://[::1]:5000", MirrorUrl("[::1]:5000", plain_http=True)),
        ("a.example", MirrorUrl("a.example")),
        ("https://a\\b", None),
        ("https://a b", None),
        ("https://a#b", None),
        ("https://a/%2e%2e", None),
        ("https://" + "a" * 5000, None),
    ],
)
def test_a_mirrors_url_is_plain_or_none(text, url):
    assert parse_url(text) == url


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_a_failure(text):
    assert isinstance(registries_conf.parse(text), RegistriesConf | Failure)
    assert isinstance(hosts(text), HostsToml | Failure)
    assert isinstance(parse_url(text), MirrorUrl | None)


NAMES = st.sampled_from(["a.example", "b.example:5000", "docker.io", "*.example", "a.example/x", "a.example/x/y"])


@given(
    st.lists(st.tuples(NAMES, NAMES.filter(lambda n: "*" not in n)), max_size=6),
    st.sampled_from(["a.example/x/y/z:1", "a.example/x:1", "b.example:5000/q", "nginx", f"a.example/x/y@{DIGEST}"]),
)
def test_every_place_is_a_reference_and_the_longest_prefix_wins(tables, image):
    text = "".join(f'[[registry]]\nprefix = "{prefix}"\nlocation = "{location}"\n' for prefix, location in tables)
    conf = registries_conf.parse(text)
    places = conf.endpoints(reference(image))
    assert len(places) == 1
    if places[0].failure:
        return
    ImageReference(places[0].host, places[0].repository)
    longest = max((table.matched(str(reference(image))) for table in conf.tables), default=0)
    chosen = [table for table in conf.tables if table.matched(str(reference(image))) == longest]
    if longest:
        assert f"{places[0].host}/{places[0].repository}".startswith(chosen[0].location)
