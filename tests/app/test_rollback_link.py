"""What the agent takes for the service's answer, and where the token of a command comes from."""

import json
import os
from dataclasses import dataclass, field

import pytest

from scanner.app.rollback_link import RefusedError, RemoteLedger, ServiceLink, link_of
from scanner.domain.rollback_plan import Manager
from scanner.domain.rollback_record import Rollback, rollback_json
from scanner.errors import UsageError
from scanner.service.rollback.carrying_out import LedgerError, OutOfTurnError
from scanner.settings.schema import Settings

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
