"""A host that nobody logs into: what ``archscan setup push`` prints is run, the service judges what comes."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import subprocess
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from scanner.probe.answer import VERSION
from scanner.probe.script import script as probe_script
from tests.real import command
from tests.real.process import free_port, until

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("commands")]

READER = "r" * 43


def ask(url, path, method="GET", body=None, token=READER):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, body, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def announced(url, path, length, token):
    """The status of a request whose body would have so many bytes, of which none is sent."""
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection.getresponse().status


def setup_push(*words):
    return command.run("setup", "push", *words)


@pytest.fixture
def pushing(tmp_path, require):
    """A service with one host that pushes; the script that was printed for it, its folders below ``tmp_path``."""
    require("curl", "curl")
    url = f"http://127.0.0.1:{free_port()}"
    printed = setup_push("web-9", "--server", url)
    assert printed.returncode == 0, printed.stderr
    assert (
        re.search(r'token_sha256: "([0-9a-f]{64})"', printed.stderr)[1]
        == hashlib.sha256(re.search(r"Bearer ([0-9a-f]{64})", printed.stdout)[1].encode()).hexdigest()
    )
    assert f"<<'ARCHSCAN_PROBE'\n{probe_script().decode()}ARCHSCAN_PROBE\n" in printed.stdout
    document = {
        "inventory": [{"kind": "pushed", "hosts": {"web-9": {"labels": {"team": "edge"}}, "web-8": {}}}],
        "push": {"directory": "pushed", "max_age": "1h"},
        "scan": {"interval": "1h", "jitter": "0s", "deadline": "2m"},
        "web": {"listen": url.removeprefix("http://"), "tokens": [
            {"name": "web-9", "scopes": ["push"], "host": "web-9",
             "token_sha256": re.search(r'token_sha256: "([0-9a-f]{64})"', printed.stderr)[1]},
            {"name": "reader", "scopes": ["read", "operate"], "token_sha256": hashlib.sha256(READER.encode()).hexdigest()},
        ]},
    }  # fmt: skip
    (tmp_path / "archscan.yml").write_text(json.dumps(document))
    script = printed.stdout
    for path in ("/usr/local/libexec", "/etc/systemd", "/etc/cron.d", "/etc/archscan-push", "/run/systemd/system"):
        script = script.replace(path, f"{tmp_path}{path}")
    (tmp_path / "etc").mkdir()
    daemon = command.daemon(
        "serve", "--config", tmp_path / "archscan.yml", folder=tmp_path, ready=lambda: ask(url, "/-/ready")[0] == 200
    )
    yield url, script, tmp_path
    daemon.stop()


def test_a_host_that_pushes_is_judged_like_any_other_and_only_it_may_push_its_answer(pushing):
    url, script, root = pushing
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "archscan-push" in (root / "etc/cron.d/archscan-push").read_text()
    assert (root / "etc/archscan-push.curl").stat().st_mode & 0o077 == 0

    status, ticket = ask(url, "/api/v1/scans", "POST", b"{}")
    assert status == 202, ticket
    number = json.loads(ticket)["id"]
    until(lambda: json.loads(ask(url, f"/api/v1/scans/{number}")[1])["state"] == "done", "the scan's end", 60)
    host = json.loads(ask(url, "/api/v1/hosts/web-9")[1])
    assert (host["status"], host["labels"]) == ("ok", {"team": "edge"})
    installed = (root / "usr/local/libexec/archscan-probe").read_bytes()
    assert host["facts"]["probe"] == {"version": VERSION, "sha256": hashlib.sha256(installed).hexdigest()}
    assert host["facts"]["answered_at"] == pytest.approx((root / "pushed/web-9.answer").stat().st_mtime)

    silent = json.loads(ask(url, "/api/v1/hosts/web-8")[1])
    assert (silent["reason"], silent["detail"]) == ("host_stale", "no answer has been pushed yet")
    assert silent["fix"]["commands"][0] == "archscan setup push web-8 --server URL"
    metrics = ask(url, "/metrics")[1]
    assert 'archscan_host_failure{host="web-8",reason="host_stale"} 1' in metrics
    assert 'archscan_host_last_success_timestamp_seconds{host="web-9"}' in metrics

    token = re.search(r"Bearer ([0-9a-f]{64})", script)[1]
    whole = (root / "pushed/web-9.answer").read_bytes()
    for path, body, own, expected in (
        ("/api/v1/hosts/web-8/facts", whole, token, (403, "host_not_yours")),
        ("/api/v1/hosts/web-9/facts", b"x", READER, (403, "scope_missing")),
        ("/api/v1/hosts/web-9/facts", whole[:-3], token, (400, "answer_invalid")),
        ("/api/v1/report", None, token, (403, "scope_missing")),
    ):
        status, text = ask(url, path, "POST" if body else "GET", body, own)
        assert (status, json.loads(text)["reason"]) == expected, text
    assert announced(url, "/api/v1/hosts/web-9/facts", 1 << 20, READER) == 413
    assert announced(url, "/api/v1/hosts/web-8/facts", 1 << 20, token) == 413
    assert announced(url, "/api/v1/hosts/web-9/facts", (4 << 20) + 1, token) == 413
    assert (root / "pushed/web-9.answer").read_bytes() == whole


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name the one host"),
        (("web-9",), "--server"),
        (("web-9", "web-8", "--server", "http://a:1"), "name the one host"),
        (("a b", "--server", "http://a:1"), "no host's name"),
        (("web-9", "--server", "a.example"), "is no server"),
        (("web-9", "--server", "https://u:p@a.example"), "is no server"),
        (("web-9", "--server", "https://a.example/'$(id)"), "is no server"),
    ],
)
def test_a_mistake_in_setup_push_is_one_line_and_2(words, says):
    done = setup_push(*words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert says in done.stderr
