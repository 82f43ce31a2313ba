"""Conversations with registries and their token servers, scripted after the real ones, over real HTTPS on loopback."""

import asyncio
import base64
import json
import logging
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.auth import auth
from scanner.registry.auth.auth import Authenticator
from scanner.registry.auth.bearer import MAX_TOKEN_BYTES
from scanner.registry.auth.credential import Credential, CredentialKind
from scanner.registry.config import RegistryConfig
from scanner.registry.http.exchange import exchange
from scanner.registry.http.pinned_transport import make_transport
from scanner.registry.http.tls import tls_context

ACR_USER = "00000000-0000-0000-0000-000000000000"
HOSTS = (
    "registry-1.docker.io", "auth.docker.io", "ghcr.io", "gcr.io", "europe-docker.pkg.dev", "public.ecr.aws",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "team.azurecr.io", "quay.io", "registry.gitlab.example",
    "gitlab.example", "harbor.example", "artifactory.example", "evil.example",
)  # fmt: skip


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def identity(secret, user=""):
    return Credential(user, secret, CredentialKind.IDENTITY_TOKEN)


class Found:
    """Credentials as they are found for a registry."""

    def __init__(self, *found):
        self.found = found
        self.asked = 0

    async def candidates(self, registry, repository):
        self.asked += 1
        return self.found[0] if self.found and isinstance(self.found[0], Failure) else self.found


@dataclass
class Script:
    """A registry that wants ``accepts``, and a token server that answers ``token(seen)``."""

    challenge: str
    accepts: tuple[str, ...] = ("Bearer granted",)
    token: object = None
    status: int = 401
    pulls: list = field(default_factory=list)
    tokens: list = field(default_factory=list)


@pytest.fixture
async def environment(http_server, authority, reply):
    """``environment(script, name, ...)``: a registry, its token server on every name of the field, and a client."""
    opened = []

    async def make(script, name, *found, config=None, clock=None):
        def handle(seen):
            if seen.path.startswith("/v2/") and "/manifests/" in seen.path:
                script.pulls.append(seen)
                if seen.authorization in script.accepts:
                    return reply(200, b"manifest")
                says = script.challenge(seen) if callable(script.challenge) else script.challenge
                return reply(script.status, headers={"www-authenticate": says.replace("PORT", str(server.port))})
            script.tokens.append(seen)
            return script.token(seen)

        server = await http_server(handle, authority.server(*HOSTS))

        async def resolve(host, port):
            return ("127.0.0.1",)

        transport = make_transport(verify=tls_context(authority.ca_file), allow_networks=True, resolve=resolve)
        opened.append(transport)

        async def send(request):
            return await exchange(transport, request, max_bytes=MAX_TOKEN_BYTES, deadline_s=10)

        settings = config or RegistryConfig(
            name, auth_hosts=(name,)
        )  # the servers of these tests have ports of their own
        now = clock or [1000.0]
        source = Found(*found)
        authenticator = Authenticator(settings, source, send, lambda: now[0])

        async def pull(repository="team/app"):
            """What a client does; more than twelve requests would be a loop."""
            header = await authenticator.authorization(repository)
            for _ in range(12):
                url = f"https://{settings.host}:{server.port}/v2/{repository}/manifests/1"
                request = httpx.Request("GET", url, headers={"authorization": header} if header else {})
                answer = await exchange(transport, request, max_bytes=1000, deadline_s=10)
                if answer.status != 401:
                    return answer.status
                header = await authenticator.challenge(answer.headers, repository, header)
                if isinstance(header, Failure):
                    return header
            raise AssertionError("it loops")

        return SimpleNamespace(pull=pull, script=script, server=server, clock=now, auth=authenticator, source=source)

    yield make
    for transport in opened:
        await transport.aclose()


@pytest.fixture
def grants(reply):
    """``grants(**document)``: a token answer."""
    return lambda status=200, **document: reply(
        status, json.dumps(document or {"token": "granted"}).encode(), {"content-type": "application/json"}
    )


# ---------------------------------------------------------------- one session per registry of the field


async def test_docker_hub_gives_anonymous_readers_a_token(environment, grants):
    script = Script(
        'Bearer realm="https://auth.docker.io:PORT/token",service="registry.docker.io",scope="repository:library/nginx:pull"',
        token=lambda _: grants(),
    )
    hub = await environment(script, "docker.io")
    assert await hub.pull("library/nginx") == 200
    (asked,) = script.tokens
    assert (asked.method, asked.path, asked.headers["host"].partition(":")[0]) == ("GET", "/token", "auth.docker.io")
    assert asked.query == {"service": ["registry.docker.io"], "scope": ["repository:library/nginx:pull"]}
    assert asked.authorization is None


async def test_docker_hub_takes_user_and_password_as_basic(environment, grants):
    script = Script(
        'Bearer realm="https://auth.docker.io:PORT/token",service="registry.docker.io"',
        token=lambda _: grants(
            token="granted", access_token="granted", expires_in=300, issued_at="2020-01-01T00:00:00Z"
        ),
    )
    hub = await environment(script, "docker.io", Credential("bot", "hunter2"))
    assert await hub.pull() == 200
    assert script.tokens[0].authorization == basic("bot", "hunter2")
    assert script.pulls[-1].authorization == "Bearer granted"


async def test_ghcr_takes_a_personal_access_token_as_password(environment, grants):
    script = Script(
        'Bearer realm="https://ghcr.io:PORT/token",service="ghcr.io",scope="repository:user/image:pull"',
        token=lambda seen: grants() if seen.authorization == basic("any", "ghp_pat") else grants(403, errors=[]),
    )
    assert await (await environment(script, "ghcr.io", Credential("any", "ghp_pat"))).pull("user/image") == 200


@pytest.mark.parametrize(
    "credential",
    [Credential("_json_key", '{"type": "service_account"}'), Credential("oauth2accesstoken", "ya29.token")],
)
async def test_gcr_takes_json_keys_and_access_tokens_with_an_unquoted_service(environment, grants, credential):
    script = Script(
        'Bearer realm="https://gcr.io:PORT/v2/token",service=gcr.io',
        token=lambda seen: grants() if seen.method == "GET" else grants(404),
    )
    assert await (await environment(script, "gcr.io", credential)).pull("project/app") == 200
    assert script.tokens[0].authorization == credential.basic
    assert script.tokens[0].query["service"] == ["gcr.io"]


async def test_gcr_knows_no_post_so_that_an_identity_token_is_tried_by_get(environment, grants):
    script = Script(
        'Bearer realm="https://gcr.io:PORT/v2/token",service="gcr.io"',
        token=lambda seen: grants() if seen.method == "GET" else grants(404),
    )
    assert await (await environment(script, "gcr.io", identity("idtoken", "_token"))).pull() == 200
    assert [(seen.method, seen.authorization) for seen in script.tokens] == [
        ("POST", None),
        ("GET", basic("_token", "idtoken")),
    ]


async def test_artifact_registry_is_its_own_token_server(environment, grants):
    script = Script('Bearer realm="https://europe-docker.pkg.dev:PORT/v2/token",service=""', token=lambda _: grants())
    assert await (await environment(script, "europe-docker.pkg.dev")).pull() == 200
    assert "service" not in script.tokens[0].query


async def test_ecr_asks_for_basic_and_gets_the_aws_password(environment):
    name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    script = Script(
        f'Basic realm="https://{name}/",service="ecr.amazonaws.com"', accepts=(basic("AWS", "ecr-password"),)
    )
    ecr = await environment(script, name, Credential("AWS", "ecr-password"))
    assert await ecr.pull() == 200
    assert await ecr.pull() == 200
    assert len(script.pulls) == 3
    assert script.tokens == []


async def test_ecr_has_nothing_for_anonymous_readers(environment):
    name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    answer = await (await environment(Script(f'Basic realm="https://{name}/"'), name)).pull()
    assert answer == Failure(Reason.IMAGE_DENIED, f"{name} asks for a user and a password, of which none is known")


async def test_ecr_public_gives_anonymous_readers_a_token(environment, grants):
    script = Script(
        'Bearer realm="https://public.ecr.aws:PORT/token/",service="public.ecr.aws",scope="aws"',
        token=lambda _: grants(),
    )
    assert await (await environment(script, "public.ecr.aws")).pull("nginx/nginx") == 200
    assert script.tokens[0].query["scope"] == ["repository:nginx/nginx:pull"]


async def test_acr_exchanges_an_identity_token_by_post_and_shows_metadata_scopes(environment, grants):
    script = Script(
        'Bearer realm="https://team.azurecr.io:PORT/oauth2/token",service="team.azurecr.io",scope="repository:team/app:metadata_read"',
        token=lambda _: grants(access_token="granted"),
    )
    assert await (await environment(script, "team.azurecr.io", identity("refresh me", ACR_USER))).pull() == 200
    (asked,) = script.tokens
    assert (asked.method, asked.authorization) == ("POST", None)
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.form == {
        "grant_type": ["refresh_token"],
        "client_id": ["archscan"],
        "refresh_token": ["refresh me"],
        "service": ["team.azurecr.io"],
        "scope": ["repository:team/app:pull repository:team/app:metadata_read"],
    }
    assert "refresh" not in asked.target


async def test_acr_that_refuses_the_post_takes_the_zero_user_by_get(environment, grants):
    script = Script(
        'Bearer realm="https://team.azurecr.io:PORT/oauth2/token",service="team.azurecr.io"',
        token=lambda seen: grants(access_token="granted") if seen.method == "GET" else grants(400),
    )
    assert await (await environment(script, "team.azurecr.io", identity("refresh", ACR_USER))).pull() == 200
    assert script.tokens[-1].authorization == basic(ACR_USER, "refresh")


async def test_quay_takes_a_robot_account(environment, grants):
    script = Script(
        'Bearer realm="https://quay.io:PORT/v2/auth",service="quay.io"',
        token=lambda seen: grants() if seen.authorization == basic("org+robot", "key") else grants(401),
    )
    assert await (await environment(script, "quay.io", Credential("org+robot", "key"))).pull("org/app") == 200


async def test_gitlab_needs_its_other_host_configured(environment, grants):
    script = Script(
        'Bearer    realm="https://gitlab.example:PORT/jwt/auth",service="container_registry"', token=lambda _: grants()
    )
    refused = await (await environment(script, "registry.gitlab.example", Credential("bot", "deploy-token"))).pull()
    assert refused.reason is Reason.IMAGE_REALM_REFUSED
    assert "add 'gitlab.example:" in refused.detail
    assert script.tokens == []
    config = RegistryConfig("registry.gitlab.example", auth_hosts=("gitlab.example",))
    assert (
        await (
            await environment(script, "registry.gitlab.example", Credential("bot", "deploy-token"), config=config)
        ).pull()
        == 200
    )


async def test_harbor_takes_a_robot_and_says_bearer_in_lower_case(environment, grants):
    script = Script(
        'bearer realm="https://harbor.example:PORT/service/token",service="harbor-registry",scope="repository:proxy/library/nginx:pull"',
        token=lambda _: grants(),
    )
    assert (
        await (await environment(script, "harbor.example", Credential("robot$ci", "s"))).pull("proxy/library/nginx")
        == 200
    )
    assert script.tokens[0].authorization == basic("robot$ci", "s")


async def test_artifactory_with_basic(environment):
    script = Script('Basic realm="Artifactory Realm"', accepts=(basic("bot", "key"),))
    assert await (await environment(script, "artifactory.example", Credential("bot", "key"))).pull() == 200


async def test_artifactory_with_bearer_answers_a_post_with_401(environment, grants):
    script = Script(
        'Bearer realm="https://artifactory.example:PORT/v2/token",service="artifactory.example:443"',
        token=lambda seen: grants() if seen.method == "GET" else grants(401),
    )
    assert await (await environment(script, "artifactory.example", identity("id", "bot"))).pull() == 200
    assert [seen.method for seen in script.tokens] == ["POST", "GET"]


async def test_a_registry_token_is_used_as_it_is(environment):
    script = Script('Bearer realm="https://quay.io:PORT/v2/auth",service="quay.io"', accepts=("Bearer ready",))
    assert (
        await (await environment(script, "quay.io", Credential("", "ready", CredentialKind.REGISTRY_TOKEN))).pull()
        == 200
    )
    assert script.tokens == []


async def test_bearer_is_preferred_where_both_are_offered(environment, grants):
    script = Script(
        'Basic realm="x", Bearer realm="https://quay.io:PORT/v2/auth",service="quay.io"', token=lambda _: grants()
    )
    assert await (await environment(script, "quay.io", Credential("a", "b"))).pull() == 200
    assert script.pulls[-1].authorization == "Bearer granted"


# ---------------------------------------------------------------- nothing loops


QUAY = 'Bearer realm="https://quay.io:PORT/v2/auth",service="quay.io"'


async def test_credentials_are_tried_in_turn_each_once(environment, grants):
    script = Script(
        QUAY,
        token=lambda seen: (
            grants(401)
            if seen.authorization == basic("first", "x")
            else grants(token="empty")
            if seen.authorization == basic("second", "x")
            else grants()
        ),
    )
    quay = await environment(
        script, "quay.io", *(Credential(user, "x") for user in ("first", "second", "third", "fourth"))
    )
    assert await quay.pull() == 200
    assert [seen.authorization for seen in script.tokens] == [basic(user, "x") for user in ("first", "second", "third")]


async def test_a_token_that_grants_nothing_ends_the_conversation(environment, grants):
    script = Script(QUAY, token=lambda _: grants(token="empty"))
    quay = await environment(script, "quay.io")
    denied = Failure(Reason.IMAGE_DENIED, "not for anonymous readers, and no credential is known", setting="username")
    assert await quay.pull() == denied
    assert (len(script.pulls), len(script.tokens)) == (2, 1)


async def test_basic_credentials_are_tried_in_turn_each_once(environment):
    script = Script("Basic realm=x", accepts=(basic("b", "x"),))
    quay = await environment(script, "quay.io", Credential("a", "x"), Credential("b", "x"), Credential("c", "x"))
    assert await quay.pull() == 200
    assert [seen.authorization for seen in script.pulls] == [None, basic("a", "x"), basic("b", "x")]


async def test_a_refused_credential_is_not_tried_again_until_a_while_has_passed(environment, grants):
    script = Script(QUAY, token=lambda _: grants(401))
    quay = await environment(script, "quay.io", Credential("a", "wrong", source="config.json"))
    for _ in range(3):
        assert await quay.pull() == Failure(
            Reason.IMAGE_DENIED, "the token server answers 401 to the credential of config.json"
        )
        assert (await quay.pull("other/app")).reason is Reason.IMAGE_DENIED
    assert len(script.tokens) == 1
    quay.clock[0] += auth.SESSION_S
    await quay.pull()
    assert len(script.tokens) == 2


async def test_a_new_credential_is_tried_at_once(environment, grants):
    script = Script(QUAY, token=lambda seen: grants() if seen.authorization == basic("a", "new") else grants(401))
    quay = await environment(script, "quay.io", Credential("a", "old"))
    assert isinstance(await quay.pull(), Failure)
    quay.source.found = (Credential("a", "new"),)
    assert await quay.pull() == 200


async def test_an_insufficient_scope_is_added_once(environment, grants):
    def challenge(seen):
        return (
            QUAY + ',scope="repository:other/base:pull,push",error="insufficient_scope"' if seen.authorization else QUAY
        )

    script = Script(
        challenge,
        token=lambda seen: grants() if "repository:other/base:pull" in seen.query["scope"] else grants(token="narrow"),
    )
    quay = await environment(script, "quay.io", Credential("a", "b"))
    assert await quay.pull() == 200
    assert [seen.query["scope"] for seen in script.tokens] == [
        ["repository:team/app:pull"],
        ["repository:team/app:pull", "repository:other/base:pull"],
    ]


async def test_an_insufficient_scope_that_stays_insufficient_ends(environment, grants):
    count = iter(range(100))
    script = Script(
        lambda _: QUAY + f',scope="repository:x{next(count)}/y:pull",error="insufficient_scope"',
        token=lambda _: grants(token="narrow"),
    )
    answer = await (await environment(script, "quay.io", Credential("a", "b"))).pull()
    assert answer.reason is Reason.IMAGE_DENIED
    assert len(script.tokens) == 2


async def test_no_token_of_ours_may_write(environment, grants):
    script = Script(
        QUAY
        + ',scope="repository:a/b:pull,push,delete repository:c/d:push repository:e/f:* registry:catalog:* repository(plugin):g/h:push,pull"',
        token=lambda _: grants(),
    )
    await (await environment(script, "quay.io")).pull("a/b")
    assert script.tokens[0].query["scope"] == [
        "repository:a/b:pull",
        "registry:catalog:*",
        "repository(plugin):g/h:pull",
    ]


async def test_a_token_is_kept_until_it_expires_and_asked_for_once_by_many(environment, grants):
    count = iter(range(100))

    async def slow(seen):
        await asyncio.sleep(0.05)
        return grants(token=f"t{next(count)}", expires_in=300)

    script = Script(QUAY, accepts=("Bearer t0", "Bearer t1"), token=slow)
    quay = await environment(script, "quay.io")
    assert await asyncio.gather(*(quay.pull() for _ in range(10))) == [200] * 10
    assert len(script.tokens) == 1
    quay.clock[0] += 299
    assert await quay.auth.authorization("team/app") == "Bearer t0"
    assert await quay.auth.authorization("other/app") is None
    quay.clock[0] += 1
    assert await quay.auth.authorization("team/app") is None
    assert await quay.pull() == 200
    assert len(script.tokens) == 2


async def test_a_token_that_is_withdrawn_early_is_replaced(environment, grants):
    count = iter(range(100))
    script = Script(QUAY, accepts=("Bearer t0",), token=lambda _: grants(token=f"t{next(count)}", expires_in=3600))
    quay = await environment(script, "quay.io", Credential("a", "b"))
    assert await quay.pull() == 200
    quay.clock[0] += auth.SETTLED_S
    script.accepts = ("Bearer t1",)
    assert await quay.pull() == 200


async def test_one_cancelled_waiter_does_not_disturb_the_others(environment, grants):
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(seen):
        arrived.set()
        await go.wait()
        return grants()

    quay = await environment(Script(QUAY, token=slow), "quay.io")
    tasks = [asyncio.create_task(quay.pull()) for _ in range(3)]
    await arrived.wait()
    tasks[0].cancel()
    await asyncio.wait([tasks[0]])
    go.set()
    assert await asyncio.gather(*tasks[1:]) == [200, 200]
    assert len(quay.script.tokens) == 1


async def test_when_everybody_is_cancelled_the_question_is_too_and_may_be_asked_again(environment, grants):
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow(seen):
        arrived.set()
        await go.wait()
        return grants()

    quay = await environment(Script(QUAY, token=slow), "quay.io", Credential("a", "b"))
    task = asyncio.create_task(quay.pull())
    await arrived.wait()
    task.cancel()
    await asyncio.wait([task])
    go.set()
    assert await quay.pull() == 200


# ---------------------------------------------------------------- realms and redirects: R02, R04


@pytest.mark.parametrize(
    "realm",
    [
        "http://quay.io:PORT/v2/auth", "https://evil.example:PORT/token", "https://127.0.0.1:PORT/", "https://169.254.169.254/latest",
        "https://[::1]:PORT/", "https://10.0.0.1/", "https://2130706433:PORT/", "https://0x7f.1:PORT/", "https://[64:ff9b::a9fe:a9fe]/",
        "https://quay.io@evil.example:PORT/", "https://quay.io:PORT@evil.example/", "https://user:pw@quay.io:PORT/", "https://evil.example:PORT\\\\@quay.io/",
        "https://quay.io.evil.example:PORT/", "https://evilquay.io:PORT/", "https://evil.example:PORT#quay.io", "https://quay.io:PORT/#x",
        "//quay.io/token", "/token", "quay.io", "ftp://quay.io/", "file:///etc/passwd", "https://", "https:///token", "https://quay.io:99999/",
        "https://quay.io%2eevil.example/", "https://quay.io. /", "https://qua\u0443.io/", "https://quay.io./token", "https://auth.docker.io/token", "https://quay.io:PORT/" + "a" * 3000,
    ],
)  # fmt: skip
async def test_a_foreign_realm_is_refused_without_a_connection(environment, grants, canary, realm):
    script = Script(f'Bearer realm="{realm}",service="quay.io"', token=lambda _: grants())
    quay = await environment(script, "quay.io", Credential("a", "hunter2"))
    connections = quay.server.connections
    answer = await quay.auth.challenge([script.challenge.replace("PORT", str(canary.port))], "team/app", None)
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_REALM_REFUSED
    assert answer.detail.isprintable()
    assert (script.tokens, quay.server.connections) == ([], connections)


async def test_a_realm_of_plain_http_is_asked_only_where_the_registry_is_plain_too(http_server, reply):
    server = await http_server(lambda seen: reply(200, b'{"token": "granted"}'))
    transport = make_transport(plain_http=True, allow_networks=True)

    async def send(request):
        return await exchange(transport, request, max_bytes=MAX_TOKEN_BYTES, deadline_s=5)

    challenge = [f'Bearer realm="http://{server.address}/token"']
    plain = Authenticator(RegistryConfig(server.address, plain_http=True), Found(), send)
    assert await plain.challenge(challenge, "a/b", None) == "Bearer granted"
    strict = Authenticator(RegistryConfig(server.address), Found(), send)
    assert (await strict.challenge(challenge, "a/b", None)).reason is Reason.IMAGE_REALM_REFUSED
    assert server.connections == 1
    await transport.aclose()


@pytest.mark.parametrize(
    ("auth_host", "allowed"),
    [
        ("gitlab.example", True),
        ("GITLAB.example", True),
        ("gitlab.example:443", True),
        ("gitlab.example:8443", False),
        ("example", False),
        ("*.example", False),
        ("", False),
    ],
)
async def test_an_auth_host_is_a_host_or_a_host_with_its_port(auth_host, allowed):
    asked = []

    async def send(request):
        asked.append(str(request.url))
        return Failure(Reason.IMAGE_TIMEOUT, "x")

    config = RegistryConfig("registry.gitlab.example", auth_hosts=(auth_host,))
    answer = await Authenticator(config, Found(), send).challenge(
        ['Bearer realm="https://gitlab.example/jwt/auth"'], "a/b", None
    )
    assert answer.reason is (Reason.IMAGE_TIMEOUT if allowed else Reason.IMAGE_REALM_REFUSED)
    assert bool(asked) is allowed


@pytest.mark.parametrize(
    "location",
    [
        "http://quay.io:PORT/x",
        "https://evil.example:PORT/x",
        "https://quay.io/x",
        "//evil.example/x",
        "https://a@quay.io:PORT/x",
        "http://169.254.169.254/",
        "",
        "https://[",
        "x" * 5000,
        "https://quay.io:CANARY/",
    ],
)
async def test_a_token_server_that_redirects_elsewhere_is_not_followed(environment, reply, canary, location):
    def elsewhere(seen):
        to = location.replace("PORT", str(quay.server.port)).replace("CANARY", str(canary.port))
        return reply(302, headers={"location": to})

    script = Script(QUAY, token=elsewhere)
    quay = await environment(script, "quay.io", Credential("a", "hunter2"))
    answer = await quay.pull()
    assert answer.reason is Reason.IMAGE_REALM_REFUSED
    assert len(script.tokens) <= 3


async def test_a_token_server_may_redirect_within_itself(environment, grants, reply):
    def moved(seen):
        return (
            grants()
            if seen.path == "/v2/auth/"
            else reply(307, headers={"location": "/v2/auth/?" + seen.target.partition("?")[2]})
        )

    script = Script(QUAY, token=moved)
    assert await (await environment(script, "quay.io", Credential("a", "b"))).pull() == 200
    assert script.tokens[-1].authorization == basic("a", "b")


async def test_a_redirect_loop_ends(environment, reply):
    script = Script(QUAY, token=lambda seen: reply(302, headers={"location": seen.target}))
    assert (await (await environment(script, "quay.io")).pull()).reason is Reason.IMAGE_REALM_REFUSED
    assert len(script.tokens) == 3


async def test_a_redirected_post_keeps_its_form_or_is_refused(environment, grants, reply):
    def moved(seen):
        return grants() if seen.path == "/new" else reply(status, headers={"location": "/new"})

    status = 308
    script = Script(QUAY, token=moved)
    assert await (await environment(script, "quay.io", identity("id"))).pull() == 200
    assert script.tokens[-1].form["refresh_token"] == ["id"]
    status = 302
    script = Script(QUAY, token=moved)
    assert (await (await environment(script, "quay.io", identity("id"))).pull()).reason is Reason.IMAGE_REALM_REFUSED


# ---------------------------------------------------------------- broken answers: R03


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ['Bearer realm="unclosed'],
        ["Basic realm=x, " * 1000],
        ["Negotiate"],
        ["Digest realm=x"],
        ['Bearer service="x"'],
        ["Bearer"],
    ],
)
async def test_a_challenge_that_is_none_is_denied(values):
    async def send(request):
        raise AssertionError("nobody may be asked")

    answer = await Authenticator(RegistryConfig("quay.io"), Found(Credential("a", "b")), send).challenge(
        values, "a/b", None
    )
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_DENIED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.IMAGE_DENIED),
        (b"not json", Reason.IMAGE_DENIED),
        (b"[]", Reason.IMAGE_DENIED),
        (b"{}", Reason.IMAGE_DENIED),
        (b'{"token": ""}', Reason.IMAGE_DENIED),
        (b'{"token": 5}', Reason.IMAGE_DENIED),
        (b'{"token": "a b"}', Reason.IMAGE_DENIED),
        (b'{"token": "a\\r\\nx: y"}', Reason.IMAGE_DENIED),
        (b'{"token": "\\u00e9"}', Reason.IMAGE_DENIED),
        (b"[" * 60_000, Reason.IMAGE_DENIED),
        (b'{"token": "x", "expires_in": ' + b"9" * 5000 + b"}", Reason.IMAGE_DENIED),
        (b'{"token": "' + b"x" * MAX_TOKEN_BYTES + b'"}', Reason.IMAGE_DENIED),
        (b"\xff\xfe", Reason.IMAGE_DENIED),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_an_answer_without_a_token_is_denied(environment, reply, body, reason):
    answer = await (await environment(Script(QUAY, token=lambda _: reply(200, body)), "quay.io")).pull()
    assert answer.reason is reason


async def test_an_encoded_token_is_refused(environment, reply):
    script = Script(QUAY, token=lambda _: reply(200, b"\x1f\x8b", {"content-encoding": "gzip"}))
    assert (await (await environment(script, "quay.io")).pull()).reason is Reason.IMAGE_ENCODING_REFUSED


@pytest.mark.parametrize(
    ("expires_in", "life"),
    [
        ("-1", 60),
        ("0", 60),
        ("59", 60),
        ("61", 61),
        ("300.5", 300.5),
        ("1e12", 3600),
        ('"x"', 60),
        ("null", 60),
        ("true", 60),
        ("[]", 60),
        ("NaN", 60),
        ("Infinity", 3600),
        ("1e999", 3600),
    ],
)
async def test_the_life_of_a_token_is_clamped_and_never_a_reason_to_fail(environment, reply, expires_in, life):
    script = Script(QUAY, token=lambda _: reply(200, f'{{"token": "granted", "expires_in": {expires_in}}}'.encode()))
    quay = await environment(script, "quay.io")
    assert await quay.pull() == 200
    quay.clock[0] += life - 0.5
    assert await quay.auth.authorization("team/app") == "Bearer granted"
    quay.clock[0] += 0.5
    assert await quay.auth.authorization("team/app") is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (429, Reason.IMAGE_RATE_LIMITED),
        (500, Reason.IMAGE_SERVER_ERROR),
        (503, Reason.IMAGE_SERVER_ERROR),
        (418, Reason.IMAGE_SERVER_ERROR),
        (403, Reason.IMAGE_DENIED),
        (404, Reason.IMAGE_DENIED),
    ],
)
async def test_a_token_server_in_trouble_is_not_a_denial_and_costs_no_credential(environment, grants, status, reason):
    now = [status]
    script = Script(QUAY, token=lambda _: grants() if now[0] == 200 else grants(now[0]))
    quay = await environment(script, "quay.io", Credential("a", "b"), Credential("c", "d"))
    assert (await quay.pull()).reason is reason
    assert len(script.tokens) == (2 if reason is Reason.IMAGE_DENIED else 1)
    if reason is not Reason.IMAGE_DENIED:
        now[0] = 200
        assert await quay.pull() == 200


async def test_a_failing_source_of_credentials_is_the_answer(environment, grants):
    failure = Failure(Reason.IMAGE_DENIED, "docker-credential-x fails: locked")
    script = Script(QUAY, token=lambda _: grants())
    assert await (await environment(script, "quay.io", failure)).pull() == failure
    assert script.tokens == []


async def test_no_secret_is_ever_logged_or_shown(environment, grants, caplog):
    for name in ("", "httpcore", "httpx"):  # a command that ran before in this process has made them silent
        caplog.set_level(logging.DEBUG, name)
    script = Script(QUAY, accepts=("Bearer tok-s3cret",), token=lambda _: grants(token="tok-s3cret"))
    quay = await environment(script, "quay.io", Credential("a", "pw-s3cret"))
    assert await quay.pull() == 200
    shown = repr(vars(quay.auth)) + repr(quay.auth._grants.values()) + repr(quay.auth._sessions.values())
    assert "s3cret" not in shown
    encoded = base64.b64encode(b"a:pw-s3cret").decode()
    logged = "".join(
        record.getMessage() for record in caplog.records
    )  # nothing at all, as long as nobody on the way logs
    assert "s3cret" not in logged
    assert encoded not in logged
