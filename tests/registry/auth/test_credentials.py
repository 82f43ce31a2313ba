"""Credentials from every place they may be in, tried in turn and never shown."""

import asyncio
import base64
import json
import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.auth import auth_file, credential_helper
from scanner.registry.auth.auth_file import AuthFile, HelperCall
from scanner.registry.auth.credential import MAX_SECRET_CHARS, Credential, CredentialKind
from scanner.registry.auth.credentials import (
    HELPER_MAX_AGE_S,
    MAX_CANDIDATES,
    ConfiguredCredential,
    Credentials,
    CredentialSources,
    of_user,
)

VECTORS = json.loads((Path(__file__).parents[2] / "data/vectors/credentials.json").read_text())
LOOKUPS = [row for row in VECTORS if "registry" in row]


def auth(text):
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.fixture
def keep(tmp_path):
    """``keep(document)``: the path of a file that holds it."""

    def write(document, name="config.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


@pytest.fixture
def helper(tmp_path):
    """``helper(script)``: an environment whose PATH holds docker-credential-x with that body."""

    def write(script, name="x"):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / f"docker-credential-{name}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{folder}:/usr/bin:/bin"}

    return write


def outcome(found):
    """What was found, in the words of the vectors."""
    if isinstance(found, HelperCall):
        return {"helper": f"docker-credential-{found.helper}", "stdin": found.server}
    if isinstance(found, Credential):
        return {"username": found.username, "password": found.secret}
    return found


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("row", LOOKUPS, ids=lambda row: row["note"])
def test_a_file_is_read_as_its_own_tool_reads_it(row):
    content = auth_file.parse(json.dumps(row["config"]), "config.json")
    if row.get("tool") == "containers/image":
        found = content.as_podman(row["registry"], row["repository"].removeprefix(row["registry"] + "/"))
    else:
        found = content.as_docker(row["registry"])
    assert outcome(found) == row["expect"]


@pytest.mark.parametrize(
    ("auths", "registry", "username"),
    [
        ({"https://index.docker.io/v1/": auth("hub:x")}, "docker.io", "hub"),
        ({"index.docker.io": auth("hub:x")}, "docker.io", None),
        ({"http://reg.example:5000/v1/": auth("a:x")}, "reg.example:5000", "a"),
        (
            {"reg.example:5000": auth("exact:x"), "https://reg.example:5000": auth("legacy:x")},
            "reg.example:5000",
            "exact",
        ),
        ({"REG.example": auth("a:x")}, "reg.example", None),
        ({"reg.example/team": auth("a:x")}, "reg.example", "a"),
        ({"sub.reg.example": auth("a:x")}, "reg.example", None),
        ({"reg.example": {}}, "reg.example", None),
    ],
)
def test_docker_compares_registries_exactly_then_by_the_host_of_old_urls(auths, registry, username):
    found = AuthFile(auths).as_docker(registry)
    assert (found and found.username) == username


@pytest.mark.parametrize(
    ("auths", "registry", "repository", "username"),
    [
        ({"docker.io": auth("a:x")}, "docker.io", "library/nginx", "a"),
        ({"https://index.docker.io/v1/": auth("a:x")}, "docker.io", "library/nginx", "a"),
        ({"registry-1.docker.io": auth("a:x")}, "docker.io", "library/nginx", "a"),
        ({"docker.io/library": auth("lib:x"), "docker.io": auth("a:x")}, "docker.io", "library/nginx", "lib"),
        ({"docker.io/library": auth("lib:x"), "docker.io": auth("a:x")}, "docker.io", "libraryother/nginx", "a"),
        ({"quay.io/org/repo/x": auth("deep:x")}, "quay.io", "org/repo", None),
        ({"localhost": auth("a:x")}, "localhost:5000", "a/b", None),
        ({"localhost:5000/a": auth("a:x")}, "localhost:5000", "a/b", "a"),
    ],
)
def test_podman_goes_from_the_longest_namespace_to_the_registry(auths, registry, repository, username):
    found = AuthFile(auths).as_podman(registry, repository)
    assert (found and found.username) == username


@pytest.mark.parametrize(
    ("entry", "kind", "secret"),
    [
        ({"auth": "YTpi"}, CredentialKind.PASSWORD, "b"),
        ({"auth": "YTpi", "username": "other", "password": "p"}, CredentialKind.PASSWORD, "b"),
        ({"auth": "YTpi\n"}, CredentialKind.PASSWORD, "b"),
        (auth("a:b:c"), CredentialKind.PASSWORD, "b:c"),
        (auth("00000000-0000-0000-0000-000000000000:") | {"identitytoken": "t"}, CredentialKind.IDENTITY_TOKEN, "t"),
        ({"identitytoken": "t"}, CredentialKind.IDENTITY_TOKEN, "t"),
        ({"username": "<token>", "password": "t"}, CredentialKind.IDENTITY_TOKEN, "t"),
        ({"registrytoken": "r"}, CredentialKind.REGISTRY_TOKEN, "r"),
    ],
)
def test_an_entry_tells_how_its_secret_is_used(entry, kind, secret):
    found = AuthFile({"r": entry}).as_docker("r")
    assert (found.kind, found.secret) == (kind, secret)


@pytest.mark.parametrize(
    "entry",
    [
        "text", 5, [], {"auth": 5}, {"auth": "%%%"}, {"auth": "YTpi="}, {"auth": "YQ=="}, {"auth": "OmI="},
        {"auth": "/////w=="}, {"auth": "YTo="}, {"username": "a", "password": ["b"]}, auth("a\r\n:b"), auth("a:b\x00c"),
        {"registrytoken": "two words"}, {"username": "a:b", "password": "c"}, {"username": "a"},
    ],
)  # fmt: skip
def test_a_broken_entry_is_a_failure_and_shows_nothing_of_it(entry):
    found = AuthFile({"reg.example": entry}, source="config.json").as_docker("reg.example")
    assert isinstance(found, Failure)
    assert found.reason is Reason.IMAGE_DENIED
    assert found.detail.startswith("config.json (reg.example) ")
    for secret in ("YTpi", "two words", "x: y"):
        assert secret not in found.detail


def test_a_broken_entry_of_another_registry_does_not_matter():
    assert AuthFile({"other": {"auth": "%%%"}, "r": auth("a:b")}).as_docker("r").username == "a"


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", '{"auths": []}', '{"auths": "x"}', '{"credHelpers": {"a": 1}}', '{"credsStore": {}}',
        b"\xff\xfe", "[" * 100_000, "1" * 5000,
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_a_failure(content):
    assert isinstance(auth_file.parse(content, "config.json"), Failure)


def test_a_file_too_long_is_a_failure():
    assert isinstance(auth_file.parse(b" " * (auth_file.MAX_AUTH_FILE_BYTES + 1), "config.json"), Failure)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["auth", "auths", "username", "password", "identitytoken", "credsStore", "r"]), x
            )
        ),
        max_leaves=12,
    )
)
def test_any_document_gives_a_credential_a_helper_a_failure_or_nothing(document):
    content = auth_file.parse(json.dumps({"auths": {"r": document}}), "f")
    assert isinstance(content.as_docker("r"), Credential | Failure | None)
    assert isinstance(content.as_podman("r", "a/b"), Credential | Failure | None)
    assert isinstance(auth_file.parse(json.dumps(document), "f"), AuthFile | Failure)


# ---------------------------------------------------------------- secrets stay secret


def test_a_credential_never_shows_its_secret():
    credential = Credential("alice", "s3cret")
    configured = ConfiguredCredential("alice", "s3cret")
    sources = CredentialSources({"r": (configured,)}, {"DOCKER_AUTH_CONFIG": "s3cret"})
    shown = (
        f"{credential!r} {credential} {[credential]} {configured!r} {sources!r} {AuthFile({'r': auth('a:s3cret')})!r}"
    )
    assert "s3cret" not in shown
    assert "alice" in shown


@pytest.mark.parametrize(
    ("username", "secret"),
    [("a", ""), ("a", "b\x00"), ("a\r", "b"), ("a:b", "c"), ("a", "x" * (MAX_SECRET_CHARS + 1)), ("a", "\ud800")],
)
def test_a_credential_that_cannot_be_sent_cannot_be_made(username, secret):
    with pytest.raises(ValueError, match=r"secret|credential") as refused:
        Credential(username, secret)
    assert secret == "" or secret not in str(refused.value) or len(secret) == 1


def test_a_json_key_of_several_lines_is_a_password():
    key = json.dumps({"type": "service_account", "private_key": "-----BEGIN\nx\n"}, indent=2)
    found = AuthFile({"gcr.io": auth(f"_json_key:{key}")}).as_docker("gcr.io")
    assert found.secret == key
    assert base64.b64decode(found.basic.removeprefix("Basic ")).decode() == f"_json_key:{key}"
    assert "\n" not in found.basic


def test_basic_is_utf_8():
    assert Credential("zoë", "pässword").basic == "Basic " + base64.b64encode("zoë:pässword".encode()).decode()


# ---------------------------------------------------------------- helpers


async def test_a_helper_is_asked_by_its_protocol(helper, tmp_path):
    environment = helper(
        f'echo "$@" > {tmp_path}/argv; cat > {tmp_path}/stdin; env > {tmp_path}/env; printf \'{{"ServerURL":"","Username":"u","Secret":"s"}}\''
    )
    found = await credential_helper.ask(HelperCall("x", "https://index.docker.io/v1/"), environment)
    assert outcome(found) == {"username": "u", "password": "s"}
    assert (tmp_path / "argv").read_text() == "get\n"
    assert (tmp_path / "stdin").read_text() == "https://index.docker.io/v1/"
    assert "PYTEST" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize("name", ["desktop.exe", "wincred.exe", "ecr-login", "Acr_env", "x.y.z"])
async def test_a_helper_may_have_any_suffix(helper, name):
    environment = helper('printf \'{"Username":"u","Secret":"s"}\'', name)
    found = await credential_helper.ask(HelperCall(name, "r"), environment)
    assert (found.username, found.secret, found.source) == ("u", "s", f"docker-credential-{name}")


def test_an_empty_helper_of_a_registry_switches_the_store_off_for_it():
    document = json.dumps({
        "credsStore": "desktop.exe",
        "credHelpers": {"a.example": "", "https://index.docker.io/v1/": ""},
        "auths": {name: {"auth": "dTpw"} for name in ("a.example", "b.example", "https://index.docker.io/v1/")},
    })  # fmt: skip
    content = auth_file.parse(document, "config.json")
    assert content.as_docker("a.example").secret == content.as_podman("a.example", "app").secret == "p"
    assert content.as_docker("docker.io").secret == "p"
    assert content.as_docker("b.example") == HelperCall("desktop.exe", "b.example")
    assert content.as_docker("c.example") == HelperCall("desktop.exe", "c.example")


async def test_a_helper_may_answer_an_identity_token(helper):
    found = await credential_helper.ask(HelperCall("x", "r"), helper('printf \'{"Username":"<token>","Secret":"t"}\''))
    assert (found.kind, found.secret) == (CredentialKind.IDENTITY_TOKEN, "t")


@pytest.mark.parametrize(
    "script", [f"echo {credential_helper.NOT_FOUND}; exit 1", 'printf \'{"Username":"","Secret":""}\'']
)
async def test_a_helper_that_knows_nothing_means_anonymous(helper, script):
    assert await credential_helper.ask(HelperCall("x", "r"), helper(script)) is None


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo the keychain is locked; echo more; exit 1", "docker-credential-x fails: the keychain is locked"),
        ("printf '\\033[31mred\\033[0m'; exit 2", "docker-credential-x fails: red"),
        ("echo no json", "docker-credential-x answers something else than JSON with Username and Secret"),
        ("echo '[1]'", "docker-credential-x answers something else than JSON with Username and Secret"),
        ("echo '{\"Username\": 1, \"Secret\": \"s\"}'", "docker-credential-x answers a Username or Secret that is no text"),
        ("head -c 70000 /dev/zero", "docker-credential-x says more than 65536 bytes"),
        ("kill -9 $$", "docker-credential-x fails: "),
        ('printf \'{"Username":"a:b","Secret":"s"}\'', "docker-credential-x answers what cannot be used: a user name holds a colon or a control character, or the secret a NUL"),
    ],
)  # fmt: skip
async def test_a_helper_that_fails_is_a_failure_in_one_line(helper, script, says):
    assert await credential_helper.ask(HelperCall("x", "r"), helper(script)) == Failure(Reason.IMAGE_DENIED, says)


@pytest.mark.parametrize(
    "script",
    ["exec sleep 600", "sleep 600 & wait", "yes", "setsid sleep 120 & exit 0", "while printf x; do sleep 0.02; done"],
)
async def test_a_helper_that_hangs_is_ended_with_what_it_started(helper, script):
    before = time.monotonic()
    answer = await credential_helper.ask(HelperCall("x", "r"), helper(script), deadline_s=0.3)
    assert isinstance(answer, Failure)
    assert time.monotonic() - before < 60


async def test_a_cancelled_question_leaves_no_helper(helper, tmp_path):
    environment = helper(f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600")
    task = asyncio.create_task(credential_helper.ask(HelperCall("x", "r"), environment))
    while not (tmp_path / "pid").exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "name", ["", "-x", "_x", "../x", "x/y", "x y", ".x", "..", "x;y", "$(x)", "x\n", "é", "x" * 65]
)
async def test_a_helper_with_another_name_is_never_looked_for(helper, name):
    answer = await credential_helper.ask(HelperCall(name, "r"), helper("touch /tmp/never"))
    assert isinstance(answer, Failure)
    assert "is not the name of a credential helper" in answer.detail


@pytest.mark.parametrize("path", ["", "/nonexistent", ".", "bin", "bin::."])
async def test_a_helper_is_only_found_on_an_absolute_path(helper, tmp_path, monkeypatch, path):
    helper("echo '{}'")
    monkeypatch.chdir(tmp_path / "bin")
    assert await credential_helper.ask(HelperCall("x", "r"), {"PATH": path}) == Failure(
        Reason.IMAGE_DENIED, "docker-credential-x is not on PATH"
    )


@pytest.mark.parametrize("server", ["", "a b", "a\nb", "é", "x" * 600])
async def test_a_helper_is_not_asked_for_a_server_that_is_none(helper, server):
    assert isinstance(await credential_helper.ask(HelperCall("x", server), helper("cat")), Failure)


# ---------------------------------------------------------------- candidates


async def test_nothing_is_ambient(monkeypatch, keep, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"r": auth("a:b")}}))
    keep({"auths": {"r": auth("a:b")}})
    assert await Credentials().candidates("r", "x") == ()


async def test_every_source_is_tried_in_turn_the_most_explicit_first(keep):
    sources = CredentialSources(
        configured={"r": (ConfiguredCredential("c1", "p"), ConfiguredCredential("c2", "p")), "r/team": (ConfiguredCredential("t", "p"),), "r/te": (ConfiguredCredential("never", "p"),)},
        environment={"DOCKER_AUTH_CONFIG": json.dumps({"auths": {"r": auth("env:p")}})},
        docker_config=keep({"auths": {"r": auth("docker:p")}}),
        podman_auth=(keep({"auths": {}}, "a.json"), keep({"auths": {"r/team/app": auth("podman:p")}}, "b.json"), keep({"auths": {"r": auth("later:p")}}, "c.json")),
    )  # fmt: skip
    found = await Credentials(sources).candidates("r", "team/app")
    assert [credential.username for credential in found] == ["t", "c1", "c2", "env", "podman"]
    found = await Credentials(sources).candidates("other", "team/app")
    assert found == ()


async def test_the_docker_file_counts_where_the_environment_knows_nothing(keep):
    sources = CredentialSources(
        environment={"DOCKER_AUTH_CONFIG": '{"credsStore": "x"}'},
        docker_config=keep({"auths": {"r": auth("docker:p")}}),
    )
    assert [c.username for c in await Credentials(sources).candidates("r", "x")] == ["docker"]


async def test_the_same_credential_from_two_places_is_tried_once(keep):
    path = keep({"auths": {"r": auth("a:p")}})
    found = await Credentials(
        CredentialSources({"r": (ConfiguredCredential("a", "p"),)}, docker_config=path, podman_auth=(path,))
    ).candidates("r", "x")
    assert len(found) == 1


async def test_no_more_than_so_many_credentials_are_tried():
    many = tuple(ConfiguredCredential(f"u{i}", "p") for i in range(50))
    assert len(await Credentials(CredentialSources({"r": many})).candidates("r", "x")) == MAX_CANDIDATES


async def test_missing_files_are_no_failure(tmp_path):
    sources = CredentialSources(docker_config=tmp_path / "none" / "config.json", podman_auth=(tmp_path / "none.json",))
    assert await Credentials(sources).candidates("r", "x") == ()


async def test_a_source_that_cannot_be_read_is_a_failure_where_nothing_else_is_known(keep):
    sources = CredentialSources(docker_config=keep("{"))
    assert isinstance(await Credentials(sources).candidates("r", "x"), Failure)
    sources = CredentialSources({"r": (ConfiguredCredential("a", "p"),)}, docker_config=keep("{"))
    assert len(await Credentials(sources).candidates("r", "x")) == 1


async def test_a_password_file_is_read_at_use_and_again_when_it_changes(tmp_path):
    path = tmp_path / "password"
    credentials = Credentials(CredentialSources({"r": (ConfiguredCredential("bot", password_file=path),)}))
    assert await credentials.candidates("r", "x") == Failure(
        Reason.IMAGE_DENIED, f"{path}: cannot be read: No such file or directory"
    )
    for written, read in [
        ("one\n", "one"),
        ("two", "two"),
        ("three\r\n", "three"),
        ("{\n}\n", "{\n}"),
        (" four \n", " four "),
    ]:
        path.write_bytes(written.encode())
        path.chmod(0o600)
        assert [c.secret for c in await credentials.candidates("r", "x")] == [read]


@pytest.mark.parametrize("content", [b"", b"\n", b"a\x00b", b"\xff", b"x" * (MAX_SECRET_CHARS + 1)])
async def test_a_password_file_that_holds_no_password_is_a_failure(tmp_path, content):
    path = tmp_path / "password"
    path.write_bytes(content)
    answer = await Credentials(CredentialSources({"r": (ConfiguredCredential("bot", password_file=path),)})).candidates(
        "r", "x"
    )
    assert isinstance(answer, Failure)


async def test_a_pipe_in_place_of_a_file_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    sources = CredentialSources(
        {"r": (ConfiguredCredential("bot", password_file=tmp_path / "pipe"),)}, docker_config=tmp_path / "pipe"
    )
    assert isinstance(await Credentials(sources).candidates("r", "x"), Failure)


async def test_the_user_name_token_makes_an_identity_token():
    (found,) = await Credentials(CredentialSources({"r": (ConfiguredCredential("<token>", "t"),)})).candidates("r", "x")
    assert (found.kind, found.username) == (CredentialKind.IDENTITY_TOKEN, "")


async def test_a_helper_is_run_once_for_many_repositories_and_again_after_a_while(helper, keep, tmp_path):
    environment = helper(f'echo run >> {tmp_path}/runs; printf \'{{"Username":"u","Secret":"s"}}\'')
    now = [0.0]
    credentials = Credentials(
        CredentialSources(environment=environment, docker_config=keep({"credsStore": "x"})), lambda: now[0]
    )
    found = await asyncio.gather(*(credentials.candidates("r", f"repo{i}") for i in range(20)))
    assert {c.username for each in found for c in each} == {"u"}
    assert (tmp_path / "runs").read_text() == "run\n"
    now[0] += HELPER_MAX_AGE_S
    await credentials.candidates("r", "x")
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


async def test_a_helper_that_knows_nothing_is_not_overruled_by_the_file(helper, keep):
    environment = helper(f"echo {credential_helper.NOT_FOUND}; exit 1")
    path = keep({"credHelpers": {"r": "x"}, "auths": {"r": auth("a:b")}})
    assert await Credentials(CredentialSources(environment=environment, docker_config=path)).candidates("r", "x") == ()


@pytest.mark.parametrize(
    ("environment", "docker", "podman"),
    [
        ({}, "/home/u/.docker/config.json", ["/home/u/.config/containers/auth.json"]),
        ({"DOCKER_CONFIG": "/d"}, "/d/config.json", ["/home/u/.config/containers/auth.json"]),
        ({"XDG_RUNTIME_DIR": "/run/u", "XDG_CONFIG_HOME": "/c"}, "/home/u/.docker/config.json", ["/run/u/containers/auth.json", "/c/containers/auth.json"]),
        ({"REGISTRY_AUTH_FILE": "/a.json"}, "/home/u/.docker/config.json", ["/a.json"]),
    ],
)  # fmt: skip
def test_a_users_own_sources_are_where_docker_and_podman_keep_them(environment, docker, podman):
    sources = of_user(environment, Path("/home/u"))
    assert (str(sources.docker_config), [str(path) for path in sources.podman_auth]) == (docker, podman)
