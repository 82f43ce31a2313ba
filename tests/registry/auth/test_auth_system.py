"""Real parts: nginx before a registry with TLS, passwords, client certificates; a registry with token authentication."""

import base64
import json
import os
import tempfile
import time
from pathlib import Path

import bcrypt
import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.auth.authorizers import authorizer_for
from scanner.registry.auth.credentials import ConfiguredCredential, Credentials, CredentialSources
from scanner.registry.config import RegistryConfig
from scanner.registry.http.exchange import exchange
from scanner.registry.http.redirects import Trust
from scanner.registry.http.transports import Transports
from tests.real import command
from tests.real.images import Pusher
from tests.real.process import run

pytestmark = pytest.mark.system


@pytest.fixture
async def pull():
    """``await pull(config, sources)``: asks for /v2/ as a client does; status or failure."""
    opened = []

    async def ask(config, sources=None, repository="team/app", path="/v2/"):
        transports = Transports(config, listed=True)
        opened.append(transports)
        authenticator = authorizer_for(Credentials(sources))(config, transports)
        header = None
        for _ in range(6):
            request = httpx.Request("GET", config.base_url + path, headers={"authorization": header} if header else {})
            answer = await exchange(await transports.to(Trust.OWN), request, max_bytes=100_000, deadline_s=10)
            if isinstance(answer, Failure) or answer.status != 401:
                return answer if isinstance(answer, Failure) else answer.status
            header = await authenticator.challenge(answer.headers, repository, header)
            if isinstance(header, Failure):
                return header
        raise AssertionError("it loops")

    yield ask
    for transports in opened:
        await transports.aclose()


def secured(pem, *more):
    return f"ssl_certificate {pem}; ssl_certificate_key {pem}; {' '.join(more)}"


@pytest.fixture
def htpasswd():
    """``htpasswd(text)``: the path of a file that nginx's unprivileged workers can read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)

        def write(text):
            (folder / "htpasswd").write_text(text)
            return folder / "htpasswd"

        yield write


async def test_nginx_with_a_password_before_a_registry(nginx, registry, authority, pull, tmp_path, htpasswd):
    users = htpasswd("bot:{PLAIN}pass wörd\n")
    front = nginx(
        secured(
            authority.issue("localhost"),
            f'auth_basic "Registry"; auth_basic_user_file {users}; location / {{ proxy_pass http://{registry.address}; }}',
        ),
        " ssl",
    )
    config = RegistryConfig(f"localhost:{front.port}", ca_file=authority.ca_file)
    path = tmp_path / "password"
    path.write_text("pass wörd\n")
    path.chmod(0o600)
    sources = CredentialSources(
        {config.name: (ConfiguredCredential("bot", "wrong"), ConfiguredCredential("bot", password_file=path))}
    )
    assert await pull(config, sources) == 200
    assert (await pull(config)).reason is Reason.IMAGE_DENIED
    assert (
        await pull(config, CredentialSources({config.name: (ConfiguredCredential("bot", "wrong"),)}))
    ).reason is Reason.IMAGE_DENIED


@pytest.mark.parametrize(
    ("names", "options", "says"),
    [
        (("localhost",), {"trusted": False}, "self-signed"),
        (("localhost",), {"days": -1}, "expired"),
        (("elsewhere.example",), {}, "Hostname mismatch"),
    ],
)  # fmt: skip
async def test_a_wrong_certificate_of_nginx_is_rejected(nginx, authority, pull, names, options, says):
    front = nginx(secured(authority.issue(*names, **options), "return 200;"), " ssl")
    answer = await pull(RegistryConfig(f"localhost:{front.port}", ca_file=authority.ca_file))
    assert answer.reason is Reason.IMAGE_TLS_REJECTED
    assert says in answer.detail


async def test_a_certificate_of_nginx_that_nobody_vouches_for_is_rejected(nginx, authority, pull):
    front = nginx(secured(authority.issue("localhost"), "return 200;"), " ssl")
    assert (await pull(RegistryConfig(f"localhost:{front.port}"))).reason is Reason.IMAGE_TLS_REJECTED


async def test_nginx_that_speaks_no_tls_is_rejected_without_a_second_try(nginx, pull):
    front = nginx("return 200;")
    assert (await pull(RegistryConfig(f"127.0.0.1:{front.port}"))).reason is Reason.IMAGE_TLS_REJECTED


async def test_nginx_that_wants_a_client_certificate_gets_it(nginx, authority, pull):
    front = nginx(
        secured(
            authority.issue("localhost"),
            f"ssl_client_certificate {authority.ca_file}; ssl_verify_client on; return 200;",
        ),
        " ssl",
    )
    client = authority.issue("archscan")
    name = f"localhost:{front.port}"
    assert await pull(RegistryConfig(name, ca_file=authority.ca_file, cert_file=client)) == 200
    assert await pull(RegistryConfig(name, ca_file=authority.ca_file)) == 400


async def test_nginx_as_a_proxy_for_plain_http(nginx, registry, pull):
    proxy = nginx("location / { proxy_pass http://$http_host$uri; }")
    config = RegistryConfig(registry.address, plain_http=True, proxy=f"http://{proxy.address}")
    assert await pull(config) == 200


# ---------------------------------------------------------------- a registry with token authentication


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(authority, claims):
    """A JSON web token by the authority's own key, as distribution's token specification wants it."""
    certificate = base64.b64encode(authority.certificate.public_bytes(serialization.Encoding.DER)).decode()
    head = {"typ": "JWT", "alg": "ES256", "x5c": [certificate]}
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(authority.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@pytest.fixture
async def guarded(http_server, start_registry, authority, reply):
    """A registry whose token server knows one user, over TLS."""

    def token(seen):
        allowed = seen.authorization == "Basic " + base64.b64encode(b"bot:pw").decode()
        scopes = [scope.split(":") for scope in seen.query.get("scope", [])]
        access = [{"type": kind, "name": name, "actions": actions.split(",")} for kind, name, actions in scopes]
        now = int(time.time())
        claims = {
            "iss": "issuer", "sub": "bot", "aud": seen.query["service"][0], "exp": now + 300, "nbf": now - 10,
            "iat": now, "jti": "1", "access": access if allowed else [],
        }  # fmt: skip
        return reply(200, json.dumps({"token": signed(authority, claims), "expires_in": 300}).encode())

    server = await http_server(token, authority.server("localhost"))
    pem = authority.issue("127.0.0.1")
    started = start_registry(
        auth={
            "token": {
                "realm": f"https://localhost:{server.port}/token",
                "service": "a registry",
                "issuer": "issuer",
                "rootcertbundle": authority.ca_file,
            }
        },
        http={"tls": {"certificate": pem, "key": pem}},
    )
    return started, server


async def test_a_registry_that_wants_tokens_gets_them_from_its_listed_token_server(guarded, authority, pull):
    registry, server = guarded
    config = RegistryConfig(registry.address, ca_file=authority.ca_file, auth_hosts=("localhost",))
    sources = CredentialSources({config.name: (ConfiguredCredential("bot", "pw"),)})
    missing = "/v2/team/app/manifests/none"
    assert await pull(config, sources, path=missing) == 404
    assert server.seen[0].query == {
        "service": ["a registry"],
        "scope": ["repository:team/app:pull"],
        "client_id": ["archscan"],
    }
    assert (await pull(config, path=missing)) == Failure(
        Reason.IMAGE_DENIED, "not for anonymous readers, and no credential is known", setting="username"
    )


async def test_a_registry_whose_token_server_is_not_listed_gets_nothing(guarded, authority, pull):
    registry, server = guarded
    config = RegistryConfig(registry.address, ca_file=authority.ca_file)
    sources = CredentialSources({config.name: (ConfiguredCredential("bot", "pw"),)})
    assert (await pull(config, sources)).reason is Reason.IMAGE_REALM_REFUSED
    assert server.connections == 0


# ---------------------------------------------------------------- what the engines' own logins leave


HELPER = """#!/bin/sh
# a credential helper as docker-credential-helpers has them: it keeps one login in a file
case $1 in
store) cat >"$HOME/kept" ;;
get) read -r asked; grep -q "\\"$asked\\"" "$HOME/kept" || { echo 'credentials not found in native keychain'; exit 1; }; cat "$HOME/kept" ;;
esac
"""


@pytest.fixture
def private(start_registry, authority, image_factory, elf_factory, tmp_path):
    """A registry with a certificate of a company's own authority, which takes one user; with an image."""
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "blobs")}}
    opened = start_registry(storage=storage)
    image = image_factory.image({"app": elf_factory("amd64")}, entrypoint=["/app"], architecture="amd64")
    Pusher(opened.host, opened.port).push("shop/api", "1", image)
    users, pem = tmp_path / "htpasswd", authority.issue("127.0.0.1")
    users.write_bytes(b"bot:" + bcrypt.hashpw(b"secret word", bcrypt.gensalt(4)) + b"\n")
    return start_registry(
        storage=storage,
        auth={"htpasswd": {"realm": "corp", "path": str(users)}},
        http={"tls": {"certificate": pem, "key": pem}},
    )


@pytest.mark.usefixtures("commands")
def test_what_the_engines_logins_left_opens_a_private_registry(private, authority, docker_engine, podman, tmp_path):
    helper = tmp_path / "bin" / "docker-credential-corp"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    (tmp_path / "archscan.yml").write_text(
        f'registries: {{"{private.address}": {{ca_file: {authority.ca_file}}}}}\n'  # as docs/registries.md says
    )
    login = ("login", "--username", "bot", "--password", "secret word", private.address)
    said = {}
    for how in ("nobody", "docker", "helper", "podman"):
        home = tmp_path / how
        (home / ".docker").mkdir(parents=True)
        environment = docker_engine.environment | {
            "HOME": str(home), "DOCKER_CONFIG": str(home / ".docker"), "REGISTRY_AUTH_FILE": str(home / "auth.json"),
            "PATH": f"{helper.parent}:{os.environ['PATH']}",
        }  # fmt: skip
        if how == "helper":
            (home / ".docker" / "config.json").write_text('{"credsStore": "corp"}')
        if how in {"docker", "helper"}:
            run(docker_engine.client, *login, env=environment)
        if how == "podman":
            podman.podman(*login, "--tls-verify=false", "--authfile", home / "auth.json")
        done = command.run("image", f"{private.address}/shop/api:1", cwd=tmp_path, env=environment)
        said[how] = (done.returncode, "linux/amd64" in done.stdout)
        assert "secret word" not in done.stdout + done.stderr
    assert said == {"nobody": (3, False), "docker": (0, True), "helper": (0, True), "podman": (0, True)}
    assert "auth" not in json.loads((tmp_path / "helper" / ".docker" / "config.json").read_text())["auths"].popitem()[1]
