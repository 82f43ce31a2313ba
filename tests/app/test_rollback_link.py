"""What the agent takes for the service's answer, and where the token of a command comes from."""

import asyncio
import json
import os
from dataclasses import dataclass, field

import asyncssh
import pytest
import structlog

from scanner.app import rollback_agent
from scanner.app.rollback_link import RefusedError, RemoteLedger, ServiceLink, link_of
from scanner.domain.rollback_plan import Manager
from scanner.domain.rollback_record import Rollback, rollback_json
from scanner.errors import UsageError
from scanner.service.rollback.carrying_out import Agent, LedgerError, OutOfTurnError
from scanner.settings.schema import Settings
from tests.inventory.test_http_fetch import NOT_WHOLE, OK, Endpoint

MADE = Rollback(
    "a1", "web-1", "api", "api", "docker", Manager.CONTAINER, "sha256:1", "sha256:2", "sha256:3", "sha256:4", "api:1", 10,
    "ok native", (), (), (), (), True, 1.0, "ada",
)  # fmt: skip
RECORD = json.loads(json.dumps(rollback_json(MADE)))


@dataclass
class Answering:
    """A link whose other end says the same to everything."""

    told: dict
    url: str = "http://x"
    asked: list = field(default_factory=list)

    def ask(self, method, path, body=None, timeout_s=0.0):
        self.asked.append(path)
        return self.told


FOREIGN = ({}, {"status": "ok"}, RECORD | {"id": "another"}, RECORD | {"steps": None}, RECORD | {"steps": [1]})


async def test_a_step_is_written_only_where_the_service_itself_says_so():
    await RemoteLedger(Answering(RECORD)).step("a1", "switch", "")
    for told in FOREIGN:
        ledger = RemoteLedger(Answering(told))
        for ask in (ledger.step("a1", "switch", ""), ledger.end("a1", "done", ""), ledger.verify("a1")):
            with pytest.raises(LedgerError, match=r"archscan, of this version|another rollback"):
                await ask


class Refusing:
    """A link whose other end refuses everything for one reason."""

    url = "http://x"

    def __init__(self, status, reason):
        self.status, self.reason = status, reason

    def ask(self, *_):
        raise RefusedError(self.status, self.reason, "no")


@pytest.mark.parametrize(
    ("status", "reason", "raised"),
    [
        (409, "rollback_state", OutOfTurnError),
        (404, "rollback_not_found", OutOfTurnError),
        (404, "", LedgerError),
        (401, "unauthenticated", LedgerError),
        (503, "trail_failed", LedgerError),
    ],
)
async def test_what_stays_refused_however_often_it_is_told_is_told_once(status, reason, raised):
    ledger = RemoteLedger(Refusing(status, reason))
    for ask in (ledger.step("a1", "switch", ""), ledger.end("a1", "done", ""), ledger.verify("a1")):
        with pytest.raises(raised):
            await ask


async def test_work_of_another_version_is_told_and_asked_for_again():
    (known,) = await RemoteLedger(Answering({"rollbacks": [RECORD]})).work()
    assert known.id == "a1"
    for rows in (None, 1, [1], [{}], [RECORD | {"of_tomorrow": 1}], [RECORD | {"state": "dreaming"}]):
        with pytest.raises(LedgerError, match="another version"):
            await RemoteLedger(Answering({"rollbacks": rows})).work()


def test_the_token_is_that_of_the_command_line_then_that_of_the_settings(tmp_path):
    for name in ("typed", "set"):
        (tmp_path / name).write_text(f"{name}\n")
        (tmp_path / name).chmod(0o600)
    settings = Settings.model_validate({"rollback": {"token_file": str(tmp_path / "set")}})
    assert link_of(settings).token == "set"
    assert link_of(settings, "http://x/", tmp_path / "typed").token == "typed"
    assert link_of(Settings(), "http://x/", tmp_path / "typed").url == "http://x"
    with pytest.raises(UsageError, match=r"--token-file or rollback\.token_file"):
        link_of(Settings(), "http://x/")
    with pytest.raises(UsageError, match="without an account"):
        link_of(settings, "http://u:pw@x/")


def test_a_service_that_is_not_there_is_told_without_a_number():
    with pytest.raises(RefusedError) as refused:
        ServiceLink("http://127.0.0.1:1", "token").ask("GET", "/api/v1/rollbacks")
    assert str(refused.value) == "http://127.0.0.1:1 does not answer: Connection refused"


def test_a_pipe_in_the_place_of_its_authorities_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedError, match=r"rollback\.ca_file .*not a regular file but a named pipe"):
        ServiceLink("http://127.0.0.1:1", "token", tmp_path / "pipe").ask("GET", "/api/v1/rollbacks")


REFUSED = b"HTTP/1.1 503 No\r\n"


@pytest.mark.parametrize(
    ("said", "drip", "told"),
    [
        (b"SSH-2.0-x\x1b[31m\r\n", b"", NOT_WHOLE),
        (OK + b"x: y\r\n" * 500 + b"\r\n{}", b"", NOT_WHOLE),
        (REFUSED + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", b"", NOT_WHOLE),
        (REFUSED + b"Content-Length: 100000\r\n\r\n{", b" ", "timed out"),
        (OK + b"Content-Length: 100000\r\n\r\n{", b" ", "timed out"),
        (OK, b"x: y\r\n", "timed out"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", b"", "it redirects"),
        (REFUSED + b"Content-Length: 2\r\n\r\n{}", b"", "answered 503"),
    ],
)
async def test_an_answer_that_is_no_whole_one_in_time_is_a_refusal(said, drip, told):
    service = Endpoint(said, drip)
    await service.start()
    try:
        link = ServiceLink(f"http://{service.address}", "token")
        asked = asyncio.to_thread(link.ask, "POST", "/api/v1/rollbacks-work", None, 0.5)
        with pytest.raises(RefusedError, match=told):
            await asyncio.wait_for(asked, 60)
    finally:
        await service.stop()


async def test_whoever_stops_waits_for_no_answer():
    service = Endpoint(b"", b"")
    held = asyncio.Event()

    async def silent(_reader, _writer):
        held.set()
        await asyncio.Event().wait()

    service.talk = silent
    await service.start()
    link = ServiceLink(f"http://{service.address}", "token")
    asked = asyncio.create_task(RemoteLedger(link).work())
    await held.wait()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 20)
    await service.stop()


async def test_a_fault_of_ours_in_one_rollback_ends_that_alone():
    paused = []

    async def hand(_host, _line):
        raise KeyError("a fault")

    async def pause(seconds):
        paused.append(seconds)

    with structlog.testing.capture_logs() as lines:
        await rollback_agent._carried_out(Agent(hand, None, pause), MADE)
    assert [line["event"] for line in lines] == ["rollback_begins", "rollback_interrupted"]
    assert paused == [rollback_agent.ASK_AGAIN_S]


async def test_an_agent_whose_work_has_ended_does_not_go_on_as_if_it_worked(monkeypatch, tmp_path):
    async def work(*_):
        raise KeyError("a fault")

    monkeypatch.setattr(rollback_agent, "_work", work)
    key = asyncssh.generate_private_key("ssh-ed25519")
    for name, text in {"key": key.export_private_key().decode(), "token": "t" * 43}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "known_hosts").write_text(f"web-1 {key.export_public_key().decode()}")
    settings = Settings.model_validate({
        "inventory": ({"kind": "static", "hosts": {"web-1": {}}},),
        "ssh": {"identity_file": tmp_path / "key", "known_hosts_file": tmp_path / "known_hosts"},
        "rollback": {"token_file": tmp_path / "token"},
    })  # fmt: skip
    with pytest.raises(KeyError):
        await asyncio.wait_for(rollback_agent.run_agent(settings), 60)
