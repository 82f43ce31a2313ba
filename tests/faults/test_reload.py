"""A reload means what it says: what it changes is in force at once, what it cannot change is refused by name."""

import hashlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.request

import asyncssh
import bcrypt
import pytest

from tests.real.process import free_port, until

pytestmark = pytest.mark.system

SECOND, THIRD = "s" * 43, "u" * 43
ALL = ["read", "gate", "operate"]


@pytest.fixture
def service(serve):
    made = serve()
    made.first = made.document["web"]["tokens"][0]
    return made


def web(service, *tokens, **more):
    return {"listen": service.document["web"]["listen"], "tokens": [service.first, *tokens], **more}


def code(service, token, path="/api/v1/hosts"):
    return service.ask(path, token=token)[0]


def test_a_token_is_in_force_with_the_reload_that_adds_it_and_dead_with_the_one_that_removes_it(service):
    assert code(service, SECOND) == 401
    service.write(web=web(service, {"name": "b", "token_file": service.token("b", SECOND), "scopes": ALL}))
    assert code(service, SECOND) == 401
    assert service.reload()[0] == 200
    assert code(service, SECOND) == 200
    service.write(web=web(service))
    assert service.reload()[0] == 200
    assert code(service, SECOND) == 401


def test_a_stream_that_is_open_ends_with_the_reload_that_removes_its_token(service):
    key = asyncssh.generate_private_key("ssh-ed25519")
    (service.folder / "known_hosts").write_text(f"web-1 {key.export_public_key().decode()}")
    service.token("id", key.export_private_key().decode())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = {"web-1": {"address": "127.0.0.1", "port": silent.getsockname()[1]}}
        service.write(
            inventory=[{"kind": "static", "hosts": hosts}, *service.document["inventory"]],
            ssh={"identity_file": "id", "known_hosts_file": "known_hosts", "connect_timeout": "1m"},
            scan=service.document["scan"] | {"deadline": "2m"},
            web=web(service, {"name": "b", "token_file": service.token("b", SECOND), "scopes": ALL}),
        )
        assert service.reload()[0] == 200
        number = json.loads(service.ask("/api/v1/scans", "POST", {"hosts": ["web-1"]})[1])["id"]
        asked = (
            f"GET /api/v1/scans/{number}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECOND}\r\n\r\n"
        )
        with socket.create_connection(
            ("127.0.0.1", service.port), timeout=12
        ) as stream:  # its next sign of life is later
            stream.sendall(asked.encode())
            told = b""
            while b"event: progress" not in told:
                told += stream.recv(65536)
            service.write(web=web(service))
            assert service.reload()[0] == 200
            while not told.endswith(b"\r\n0\r\n\r\n"):
                told += stream.recv(65536) or pytest.fail(f"it was cut: {told}")
        assert b"event: end" not in told


def test_a_token_file_that_changed_counts_from_the_reload_on(service):
    service.write(web=web(service, {"name": "b", "token_file": service.token("b", SECOND), "scopes": ["read"]}))
    assert service.reload()[0] == 200
    service.token("b", THIRD)
    assert service.reload()[0] == 200
    assert (code(service, SECOND), code(service, THIRD)) == (401, 200)


def test_scopes_that_were_taken_are_gone(service):
    token = {"name": "b", "token_sha256": hashlib.sha256(SECOND.encode()).hexdigest(), "scopes": ALL}
    service.write(web=web(service, token))
    assert service.reload()[0] == 200
    assert service.ask("/api/v1/scans", "POST", {}, token=SECOND)[0] == 202
    service.write(web=web(service, token | {"scopes": ["gate"]}))
    assert service.reload()[0] == 200
    assert service.ask("/api/v1/scans", "POST", {}, token=SECOND)[0] == 403
    assert code(service, SECOND) == 403


def test_sighup_means_the_same(service):
    service.write(web=web(service, {"name": "b", "token_file": service.token("b", SECOND), "scopes": ALL}))
    service.daemon.process.send_signal(signal.SIGHUP)
    until(lambda: code(service, SECOND) == 200, "the new token")
    service.write(web=web(service))
    service.daemon.process.send_signal(signal.SIGHUP)
    until(lambda: code(service, SECOND) == 401, "the end of the token")


@pytest.mark.parametrize("spoil", ["missing", "short", "open", "empty"])
def test_a_token_file_that_cannot_be_used_refuses_the_reload_and_changes_nothing(service, spoil):
    path = service.folder / service.token("b", SECOND)
    service.write(web=web(service, {"name": "b", "token_file": "b", "scopes": ALL}))
    if spoil == "missing":
        path.unlink()
    elif spoil == "open":
        path.chmod(0o644)
    else:
        path.write_text({"short": "abc", "empty": "\n"}[spoil])
    status, text = service.reload()
    assert status == 422
    assert "web.tokens: b" in json.loads(text)["detail"]
    assert code(service, SECOND) == 401
    assert code(service, "t" * 43) == 200


def certificate(folder, name):
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    argv = [
        "openssl",
        "req",
        "-x509",
        *kind,
        "-keyout",
        folder / f"{name}.key",
        "-out",
        folder / f"{name}.pem",
        *subject,
    ]
    subprocess.run(argv, check=True, capture_output=True)
    (folder / f"{name}.key").chmod(0o600)


def shown(service, ca):
    """Whether the service proves itself by this certificate."""
    url = service.url.replace("http://", "https://") + "/-/healthy"
    handler = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=service.folder / f"{ca}.pem"))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), handler).open(url, timeout=30) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_tls_comes_changes_and_goes_with_web_config_file(service):
    for name in ("one", "two"):
        certificate(service.folder, name)
    config = service.folder / "web.yml"

    def tls(name):
        config.write_text(json.dumps({"tls_server_config": {"cert_file": f"{name}.pem", "key_file": f"{name}.key"}}))

    tls("one")
    service.write(web=web(service, config_file="web.yml"))
    assert service.reload()[0] == 200
    assert (shown(service, "one"), shown(service, "two")) == (True, False)
    tls("two")
    service.daemon.process.send_signal(signal.SIGHUP)
    until(lambda: shown(service, "two"), "the second certificate")
    assert not shown(service, "one")
    shutil.copy(service.folder / "one.pem", service.folder / "two.pem")  # is not the key's
    service.daemon.process.send_signal(signal.SIGHUP)
    until(lambda: "configuration_refused" in service.log, "the refusal")
    assert "web.config_file" in service.log
    service.write(web=web(service))
    service.daemon.process.send_signal(signal.SIGHUP)
    until(lambda: service.ask("/-/healthy", token=None)[0] == 200, "plain HTTP")


def test_users_of_web_config_file_are_in_force_at_once(service):
    config = service.folder / "web.yml"

    def users(**passwords):
        hashed = {name: bcrypt.hashpw(text.encode(), bcrypt.gensalt(4)).decode() for name, text in passwords.items()}
        config.write_text(json.dumps({"basic_auth_users": hashed}))

    def basic(user, password):
        manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
        manager.add_password(None, service.url, user, password, is_authenticated=True)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(manager)
        )
        try:
            with opener.open(service.url + "/api/v1/hosts", timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    users(ada="first password")
    service.write(web=web(service, config_file="web.yml"))
    assert service.reload()[0] == 200
    assert basic("ada", "first password") == 200
    users(ada="second password")
    assert service.reload()[0] == 200
    assert (basic("ada", "first password"), basic("ada", "second password")) == (401, 200)


def test_what_cannot_change_is_refused_by_name_and_nothing_else_changes_either(service):
    for sections, name in [
        ({"web": web(service) | {"listen": f"127.0.0.1:{free_port()}"}}, "web.listen"),
        ({"store": {"url": f"sqlite:///{service.folder}/other.db"}}, "store.url"),
        ({"store": None}, "store.url"),
    ]:
        before = dict(service.document)
        token = {"name": "b", "token_file": service.token("b", SECOND), "scopes": ALL}
        changed = {"web": web(service, token), **sections}
        changed["web"]["tokens"] = [service.first, token]
        service.write(**changed)
        status, text = service.reload()
        assert (status, json.loads(text)["detail"].partition(":")[0]) == (422, name)
        assert "restart it" in text
        assert code(service, SECOND) == 401
        service.write(**before)
    assert service.reload()[0] == 200


def test_the_log_s_level_and_form_change_at_once(service):
    service.write(log={"level": "error", "format": "json"})
    assert service.reload()[0] == 200
    until(lambda: service.reload()[0] == 200, "another reload")
    before = service.log
    assert service.reload()[0] == 200
    assert service.log == before
    service.write(log={"level": "info", "format": "json"})
    assert service.reload()[0] == 200
    assert service.reload()[0] == 200
    until(lambda: "configuration_reloaded" in events(service.log[len(before) :]), "a line in JSON", 60)


def events(log):
    """The events of whole lines in JSON; the last line may still be on its way."""
    whole = log[: log.rfind("\n") + 1].splitlines()
    return {json.loads(line)["event"] for line in whole if line.startswith("{")}
