"""The client against the real application on a real port, and the commands that use it."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import ssl
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from scanner.cli.serving.ask import looked
from scanner.client import Client
from scanner.domain.decision import Decision
from scanner.domain.report_json import document
from scanner.errors import ServiceError, UsageError
from scanner.web.http.access import Access, Scope
from scanner.web.http.server import Server
from tests.real.certificate import self_signed
from tests.web.conftest import NOW, TOKENS, app_with, metrics, ready_app, service, token_list  # noqa: F401 - fixtures


@pytest.fixture
async def running(service, metrics, token_list):  # noqa: F811 - fixtures
    every = frozenset(set(Scope) - {Scope.OPEN})
    access = Access([replace(token, scopes=every) if token.name == "operateer" else token for token in token_list])
    server = Server(ready_app(service, metrics, access, version="0.1.0", clock=lambda: NOW), "127.0.0.1", 0)
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    service.finish.set()
    await server.stop()


async def asked(url, ask, token="operate"):
    def go():
        with Client(url, TOKENS.get(token, token)) as client:
            return ask(client)

    return await asyncio.to_thread(go)


async def test_a_report_comes_back_as_it_was_sent(running, service):  # noqa: F811
    found = await asked(running, lambda client: client.report())
    sent, got = document(service.latest), document(found)
    for host in (*sent["hosts"], *got["hosts"]):
        del host["facts"]  # of which only the kernel is kept
    assert got == sent


async def test_findings_come_from_all_pages(running, service, monkeypatch):  # noqa: F811
    monkeypatch.setattr("scanner.client.PAGE", 3)
    found = await asked(running, lambda client: client.findings())
    assert [f.key for f in found] == [f.key for f in service.latest.findings]
    narrow = await asked(running, lambda client: client.findings(status="mismatch", host="edge-*"))
    assert {f.workload.host for f in narrow} == {"edge-1"}


async def test_an_image_comes_with_everybody_who_has_it(running, service):  # noqa: F811
    wanted = "registry.example:5000/shop/worker:2.0"
    document, found = await asked(running, lambda client: client.image(wanted))
    assert (document["reference"], document["offered"]) == (wanted, ["linux/amd64"])
    assert [f.workload.host for f in found] == ["edge-1"]
    with pytest.raises(UsageError, match="image_not_found"):
        await asked(running, lambda client: client.image("not/there:1"))


async def test_a_scan_is_asked_for_and_waited_for(running, service, monkeypatch):  # noqa: F811
    monkeypatch.setattr("scanner.client.POLL_S", 0.01)
    seen = []

    def ask(client):
        return client.scan(["web-*"], lambda done, total, _: seen.append((done, total)))

    waiting = asyncio.create_task(asked(running, ask))
    while not seen:
        await asyncio.sleep(0.01)
    service.finish.set()
    report = await waiting
    assert [host.name for host in report.hosts] == ["web-1", "web-2"]
    assert seen[0] == (1, 2)


async def test_the_gate_s_no_is_an_answer(running):
    checked = await asked(running, lambda client: client.check(["ghcr.io/acme/agent:7"], ["edge-1"], []))
    report, decision = checked.report, checked.decision
    assert decision is Decision.DENY
    assert [f.workload.image for f in report.findings] == ["ghcr.io/acme/agent:7"]


async def test_waivers_are_added_listed_ended(running, service):  # noqa: F811
    wanted = {"owner": "ada", "reason": "why", "until": "2099-01-01T00:00:00Z", "host": "web-*"}
    made, covered = await asked(running, lambda client: client.add_waiver(wanted))
    assert await asked(running, lambda client: client.waivers()) == [made]
    bad = [one for one in service.latest.findings if one.verdict.status != "ok"]
    assert covered == sum(one.workload.host.startswith("web-") for one in bad) > 0
    await asked(running, lambda client: client.delete_waiver(made.id))
    assert await asked(running, lambda client: client.waivers()) == []
    for report in (service.latest, None):
        service.latest = report
        covered = (await asked(running, lambda client: client.add_waiver(wanted | {"host": "wbe-1"})))[1]
        assert covered == (0 if report else None)


async def test_overrides_are_added_listed_ended(running, service):  # noqa: F811
    wanted = {"owner": "ada", "reason": "why", "until": "2099-01-01T00:00:00Z", "image": "r.example/app:*"}
    made = await asked(running, lambda client: client.add_override(wanted))
    assert list(service.overrides.given.values()) == [made]
    assert await asked(running, lambda client: client.overrides()) == [made]
    await asked(running, lambda client: client.delete_override(made.id))
    assert await asked(running, lambda client: client.overrides()) == []


REFUSALS = [
    ("", lambda client: client.report(), UsageError, "unauthenticated.*--token-file"),
    ("read", lambda client: client.scan([], print), UsageError, "scope_missing"),
    ("operate", lambda client: client.scan(["zzz"], print), UsageError, "host_not_in_inventory"),
    ("operate", lambda client: client.delete_waiver("zzz"), UsageError, "waiver_not_found"),
    ("operate", lambda client: client.delete_override("zzz"), UsageError, "override_not_found"),
    ("read", lambda client: client.add_override({}), UsageError, "scope_missing"),
    ("operate", lambda client: client.checkpoint(), UsageError, "no_trail"),
    ("operate", lambda client: client.check(["x:1"], ["web-1"], []), UsageError, "registry_not_allowed"),
]


@pytest.mark.parametrize(("token", "ask", "kind", "said"), REFUSALS)
async def test_a_refusal_is_one_line_with_its_reason(running, token, ask, kind, said):
    with pytest.raises(kind, match=said):
        await asked(running, ask, token)


ODD = [
    (httpx.Response(200, text="<html>"), "not JSON"),
    (httpx.Response(200, json={"schema": "x"}), "not understood"),
    (httpx.Response(200, json=[]), "not understood"),
    (httpx.Response(502, text="bad gateway"), "answered 502"),
    (httpx.Response(302, headers={"Location": "http://elsewhere/"}), "answered 302"),
]


@pytest.mark.parametrize(("answer", "said"), ODD)
def test_an_answer_that_is_not_archscan_s_is_said_to_be_none(answer, said):
    transport = httpx.MockTransport(lambda _: answer)
    with Client("http://x", transport=transport) as client, pytest.raises(ServiceError, match=said):
        client.report()


ASKS = {
    "report": lambda client: client.report(),
    "findings": lambda client: client.findings(),
    "image": lambda client: client.image("a:1"),
    "scan": lambda client: client.scan([], print),
    "check": lambda client: client.check(["a:1"], [], ["linux/amd64"]),
    "waivers": lambda client: client.waivers(),
    "add_waiver": lambda client: client.add_waiver({}),
    "overrides": lambda client: client.overrides(),
    "add_override": lambda client: client.add_override({}),
    "delete_waiver": lambda client: client.delete_waiver("1"),
    "trail_entries": lambda client: list(client.trail_entries(5)),
    "checkpoint": lambda client: client.checkpoint(),
    "readiness": lambda client: client.readiness("linux/arm64"),
}
ENDLESS = {
    "/api/v1/findings": {"findings": [], "next_cursor": "again", "total": 1},
    "/api/v1/trail": {"size": 10},
    "/api/v1/trail/entries": {"entries": [], "next": 0, "size": 10},
}


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.check(["a:1"], [], ["linux/amd64"], {"\udcff.yaml": "kind: Pod"}),
        lambda client: client.findings(image="\udcff"),
        lambda client: client.image("\udcff"),
    ],
)
def test_bytes_that_are_no_text_are_not_asked_about(ask):
    transport = httpx.MockTransport(lambda _: pytest.fail("it was asked"))
    with Client("http://x", transport=transport) as client, pytest.raises(UsageError, match="no text"):
        ask(client)


def test_no_question_takes_the_answer_of_somebody_else():
    bodies = ("{}", "[]", "1", "null", '"x"', "<html>", '{"detail": []}', '{"findings": 1, "size": "2", "state": []}')
    for name, ask in ASKS.items():
        for body in bodies:
            transport = httpx.MockTransport(lambda _, body=body: httpx.Response(200, text=body))
            with (
                Client("http://x", transport=transport) as client,
                pytest.raises(ServiceError, match=r"another version|is it archscan"),
            ):
                pytest.fail(f"{name} took {body} for {ask(client)}")


@pytest.mark.parametrize("name", ["findings", "trail_entries"])
def test_pages_without_an_end_are_given_up(name):
    transport = httpx.MockTransport(lambda asked: httpx.Response(200, json=ENDLESS[asked.url.path]))
    with Client("http://x", transport=transport) as client, pytest.raises(ServiceError, match="another version"):
        ASKS[name](client)


def page_of(*entries):
    """A server whose trail has five entries, of which it shows these."""
    bodies = {"/api/v1/trail": {"size": 5}, "/api/v1/trail/entries": {"entries": entries, "next": None, "size": 5}}
    return httpx.MockTransport(lambda asked: httpx.Response(200, json=bodies[asked.url.path]))


def test_of_a_trail_that_lost_entries_the_others_are_shown():
    entries = [{"index": index, "event": "reloaded"} for index in (0, 1, 4)]
    with Client("http://x", transport=page_of(*entries)) as client:
        assert [index for index, _ in client.trail_entries(5)] == [0, 1, 4]


@pytest.mark.parametrize("entries", [["x", "y"], [{"index": 9}], [{"index": 1}, {"index": 1}], [{"index": "1"}]])
def test_entries_that_nobody_asked_for_are_no_answer(entries):
    with (
        Client("http://x", transport=page_of(*entries)) as client,
        pytest.raises(ServiceError, match="another version"),
    ):
        list(client.trail_entries(5))


def test_a_server_that_is_not_there_is_named():
    with Client("http://127.0.0.1:1") as client, pytest.raises(ServiceError, match="does not answer"):
        client.report()
    with pytest.raises(UsageError, match="write http"):
        Client("127.0.0.1:9719")


# ---------------------------------------------------------------- the commands


ROOT = str(Path(__file__).parents[2])
SEVERAL = """
import contextlib, io, json, sys
from scanner import cli
from scanner.app.main import _operations
done = []
for words in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(_operations, lambda: "0", words)
    done.append([words, code, out.getvalue(), err.getvalue()])
print(json.dumps(done))
"""
"""Commands one after the other in one process of their own: each start would cost a second of CPU."""


async def archscan(*commands, **environment):
    """Arguments, exit code, standard output, standard error of each."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "120", **environment}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SEVERAL, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )
    async with asyncio.timeout(300):
        out, err = await process.communicate(json.dumps(commands).encode())
    assert process.returncode == 0, err.decode()
    done = [
        SimpleNamespace(args=words, returncode=code, stdout=out, stderr=err)
        for words, code, out, err in json.loads(out)
    ]
    assert not [one for one in done if "Traceback" in one.stderr]
    return done


async def test_commands_ask_the_server_that_the_environment_names(running, tmp_path, service):  # noqa: F811
    service.finish.set()
    (tmp_path / "token").write_text(TOKENS["operate"])
    (tmp_path / "token").chmod(0o600)
    there = {"ARCHSCAN_SERVER": running, "ARCHSCAN_TOKEN_FILE": str(tmp_path / "token")}
    old = document(
        replace(service.latest, findings=tuple(f for f in service.latest.findings if f.workload.name != "cron"))
    )
    (tmp_path / "old.json").write_text(json.dumps(old))
    runs = await archscan(
        ("findings", "--status", "mismatch", "--format", "json"),
        ("top", "--once"),
        ("check", "ghcr.io/acme/agent:7", "--host", "edge-1", "--format", "json"),
        ("scan", "--against", str(tmp_path / "old.json")),
        ("readiness", "--to", "linux/arm64", "--format", "json"),
        ("image", "ghcr.io/acme/agent:7"),
        ("findings", "--reason", "platform_missing"),
        ("readiness", "--to", "linux/arm64", "--host", "web-2"),
        ("readiness", "--to", "linux/arm64", "--host", "web-9"),
        ("why", "edge-1", "agent"),
        ("why", "edge-9", "agent"),
        ("findings", "--host", "edgge-1"),
        ("findings", "--image", "ghcr.io/acme/agnet:7", "--fail-on", "mismatch"),
        ("findings", "--host", "edge-1", "--status", "emulated", "--fail-on", "emulated"),
        ("findings", "--host", "edge-2", "--reason", "wrong_binary", "--fail-on", "mismatch"),
        ("waivers", "add", "--owner", "ada", "--reason", "why", "--until", "2099-01-31", "--host", "wbe-1"),
        ("overrides", "add", "app:1", "--owner", "ada", "--reason", "x", "--until", "2099-01-31T18:00:00+01:00"),
        ("overrides", "list", "--format", "json"),
        **there,
    )
    listed, top, checked, compared, ready, image, since, of_one, of_none, why, why_not, *narrow = runs
    assert "     since 2026-05-28 18:26:40 UTC\n" in since.stdout
    assert re.search(
        r"^ready +registry.example:5000/shop/api:1.4|^labelled +registry.example:5000/shop/api:1.4",
        of_one.stdout,
        re.MULTILINE,
    )
    assert "edge-1" not in of_one.stdout
    assert (of_none.returncode, of_none.stderr.count("\n")) == (2, 1)
    assert "archscan: no host is named web-9; did you mean web-2?" in of_none.stderr
    assert (why.returncode, "  index     linux/amd64, linux/arm64\n" in why.stdout) == (1, True), why.stdout
    assert (why_not.returncode, "no host edge-9; did you mean edge-2?" in why_not.stderr) == (2, True), why_not.stderr
    nobody, nothing, calm, unread, waived, overridden, known = narrow
    assert re.fullmatch(r"[0-9a-f]+\t2099-01-31T17:00:00.000Z\tada\timage=app:1\tx\n", overridden.stdout)
    assert [one["until"] for one in json.loads(known.stdout)] == ["2099-01-31T17:00:00.000Z"]
    assert (waived.returncode, "host=wbe-1" in waived.stdout) == (0, True), waived.stderr
    assert waived.stderr == "archscan: it is for no finding of the last scan: are its patterns right?\n"
    assert (nobody.returncode, "named so; did you mean edge-1?" in nobody.stderr) == (2, True), nobody.stderr
    assert (nothing.returncode, "did you mean ghcr.io/acme/agent:7?" in nothing.stderr) == (2, True), nothing.stderr
    assert (calm.returncode, unread.returncode, "edge-2" in unread.stdout) == (0, 3, True), unread.stdout
    assert (image.returncode, "edge-1" in image.stdout) == (1, True), image.stderr
    assert "ghcr.io/acme/agent:7  offers linux/amd64, linux/arm64" in image.stdout
    assert {f["status"] for f in json.loads(listed.stdout)["findings"]} == {"mismatch"}
    assert "ghcr.io/acme/agent:7" in top.stdout
    assert (checked.returncode, json.loads(checked.stdout)["decision"]) == (1, "deny")
    assert re.search(r"^opened +web-1 +cron", compared.stdout, re.MULTILINE)
    assert "1 opened, 0 changed, 0 closed" in compared.stdout
    assert json.loads(ready.stdout)["target"] == "linux/arm64"


ANSWERS = {
    "archscan findings": ("mismatch", "$ docker buildx build", "since 2026-05-28"),
    "archscan why edge-1 agent": ("because   /usr/bin/agent is an x86-64 binary",),
    "archscan findings --status mismatch --host 'edge-*'": ("edge-1",),
    "archscan image ghcr.io/acme/agent:7": ("edge-1",),
    "archscan readiness --to linux/arm64 --host web-1": (
        "registry.example:5000/shop/api:1.4",
        "images for linux/arm64",
    ),
    "archscan check ghcr.io/acme/agent:7 --host edge-1": ("decision: deny",),
    "archscan scan --against report.json": ("nothing is other than",),
}


async def test_each_question_of_the_documentation_is_answered_by_its_line(running, tmp_path, service, monkeypatch):  # noqa: F811
    written = (Path(__file__).parents[2] / "docs/start.md").read_text()
    lines = re.findall(r"\| `(archscan .*)` \|", written.partition("## Seven questions")[2].partition("\n## ")[0])
    assert lines == list(ANSWERS)
    service.finish.set()
    (tmp_path / "token").write_text(TOKENS["operate"])
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "report.json").write_text(json.dumps(document(service.latest)))
    monkeypatch.chdir(tmp_path)
    asked = [shlex.split(line)[1:] for line in lines]
    done = await archscan(*asked, ARCHSCAN_SERVER=running, ARCHSCAN_TOKEN_FILE=str(tmp_path / "token"), PYTHONPATH=ROOT)
    for line, one in zip(lines, done, strict=True):
        assert all(words in one.stdout for words in ANSWERS[line]), (line, one)


def test_top_goes_on_while_the_server_is_started_anew(service):  # noqa: F811
    def answering(error=None):
        def report():
            if error:
                raise error
            return service.latest

        return SimpleNamespace(report=report)

    lost = answering(ServiceError("http://x does not answer"))
    with pytest.raises(ServiceError):
        looked(lost, 20, 120, None)
    first, why = looked(answering(), 20, 120, None)
    assert why == ""
    assert looked(lost, 20, 120, first) == (first, "Not of now: http://x does not answer")


async def test_the_authorities_of_the_system_vouch_for_a_server(service, metrics, token_list, tmp_path, monkeypatch):  # noqa: F811
    authority, context = self_signed(tmp_path)
    app = ready_app(service, metrics, Access(token_list), version="0.1.0", clock=lambda: NOW)
    server = Server(app, "127.0.0.1", 0, context)
    await server.start()
    believed = ssl.create_default_context(cafile=authority)
    url = f"https://127.0.0.1:{server.port}"
    try:
        with pytest.raises(ServiceError, match="self-signed"):
            await asked(url, lambda client: client.report(), "read")
        monkeypatch.setattr("scanner.client.certificates.verifying", lambda: believed)
        assert await asked(url, lambda client: client.report(), "read")
    finally:
        await server.stop()
