"""How a host's facts come about, whatever the way."""

from pathlib import Path

import pytest

from scanner.domain.facts import HOSTS_SHARE, HostFacts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.formats.parsing.offload import Parsers
from scanner.hosts.answer_reading import AnswerReader
from scanner.hosts.login import ProbeLogin
from scanner.hosts.pushed import PushedAnswers
from scanner.scan.host_facts import HostFactsReader

ANSWER = (Path(__file__).parents[1] / "data/hosts/no-engine.txt").read_bytes()
HOST = Host("web-1", pushed=True)


class Counting(Parsers):
    """Counts what is parsed."""

    calls = 0

    async def run(self, *words):
        self.calls += 1
        return await super().run(*words)


@pytest.fixture
def reader(tmp_path):
    workers = Counting(1, shared=HOSTS_SHARE)
    yield HostFactsReader(
        {}, AnswerReader(workers, ProbeLogin("archscan")), pushed=PushedAnswers(tmp_path, 60, 1 << 20)
    )
    workers.close()


async def test_an_answer_that_was_pushed_is_parsed_once_however_often_it_is_read(reader):
    assert await reader.receive(HOST, ANSWER) is None
    first, second = await reader.read(HOST), await reader.read(HOST)
    assert isinstance(first, HostFacts)
    assert first is second
    assert reader.answer_reader.parsers.calls == 1


async def test_what_is_no_whole_answer_is_not_kept(reader, tmp_path):
    assert isinstance(await reader.receive(HOST, ANSWER[:-9]), Failure)
    assert list(tmp_path.iterdir()) == []
