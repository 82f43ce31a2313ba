"""A file for which there is no room leaves nothing that reads like a whole one, nor in the way of the next try."""

import os
import resource
import socket
from contextlib import contextmanager

import pytest

from scanner.cli.output.output import write_pieces
from scanner.domain.host import Host
from scanner.errors import UsageError
from scanner.hosts.pushed import PushedAnswers
from scanner.service.trusting import write_beside
from scanner.trail import key

ROOM = 20
TEXT = "host,workload,status\n" * 10


@contextmanager
def no_room():
    """Files of this process cannot grow beyond a few bytes: the kernel says so as it does of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refused(error, write):
    with no_room(), pytest.raises(error, match="File too large"):
        write()


def test_a_result_is_written_to_its_end_or_empty(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text("an older one")
    refused(UsageError, lambda: write_pieces((TEXT,), path))
    assert path.read_text() == ""
    write_pieces((TEXT,), path)
    assert path.read_text() == TEXT


def test_what_takes_nothing_is_told_as_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name, says in (("pipe", "nobody reads this pipe"), ("socket", "it is a socket, which is no file")):
            with pytest.raises(UsageError, match=says):
                write_pieces((TEXT,), tmp_path / name)


def test_a_file_that_is_replaced_stays_as_it_was(tmp_path):
    path = tmp_path / "known_hosts"
    path.write_text("an older one")
    refused(UsageError, lambda: write_beside(path, TEXT, 0o644))
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("known_hosts", "an older one")]


async def test_an_answer_that_is_pushed_leaves_the_one_before(tmp_path):
    kept, host = PushedAnswers(tmp_path / "pushed", 3600.0, 1000), Host("web-9", pushed=True)
    assert await kept.receive(host, b"an older one") is None
    with no_room():
        failure = await kept.receive(host, TEXT.encode())
    assert (failure.setting, "File too large" in failure.detail) == ("push.directory", True)
    assert (await kept.latest(host)).raw == b"an older one"
    assert [each.name for each in (tmp_path / "pushed").iterdir()] == ["web-9.answer"]


def test_a_key_is_made_as_soon_as_there_is_room(tmp_path):
    path = tmp_path / "trail.key"
    refused(key.KeyFileError, lambda: key.make(path))
    assert key.read(path) is None
    assert key.make(path) == key.read(path)
