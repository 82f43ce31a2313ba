import os

import pytest

from scanner.domain.host import Host
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason
from scanner.hosts.pushed import MAX_AHEAD_S, Pushed, PushedAnswers

HOST = Host("web-9", pushed=True)
NOW = 1_000_000.0


@pytest.fixture
def source(tmp_path):
    return PushedAnswers(tmp_path / "pushed", 3600.0, 1000, lambda: NOW)


def drop(source, raw=b"archscan-probe 2\n@end\n", at=NOW):
    source.directory.mkdir(exist_ok=True)
    path = source.directory / "web-9.answer"
    path.write_bytes(raw)
    os.utime(path, (at, at))
    return path


async def test_what_was_received_is_read_with_its_time_and_by_nobody_else(source):
    assert await source.receive(HOST, b"one") is None
    assert await source.receive(HOST, b"two") is None
    path = source.directory / "web-9.answer"
    os.utime(path, (NOW - 60, NOW - 60))

    assert await source.latest(HOST) == Pushed(b"two", NOW - 60)
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in source.directory.iterdir()] == ["web-9.answer"]


async def test_an_answer_that_was_dropped_as_a_file_is_one(source):
    drop(source)
    assert (await source.latest(HOST)).raw.endswith(b"@end\n")


@pytest.mark.parametrize(
    ("at", "says"),
    [(NOW - 3601, "was pushed 1h1s ago"), (NOW + MAX_AHEAD_S + 1, "lies 5m1s ahead"), (None, "no answer has been")],
)
async def test_what_is_too_old_or_of_the_future_or_not_there_says_nothing_of_the_host(source, at, says):
    if at is not None:
        drop(source, at=at)
    found = await source.latest(HOST)
    assert (found.reason, found.setting) == (Reason.HOST_STALE, "push.max_age")
    assert says in found.detail
    cure = remedy.fix(found.reason, remedy.Trouble(HOST.name, "", failure=found))
    assert ("set the clock right" in cure.summary) == ("ahead" in says)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "long"])
async def test_a_file_that_is_none_of_ours_is_not_followed_waited_for_or_cut(source, tmp_path, kind):
    path = drop(source, b"x" * 1001)
    if kind != "long":
        path.unlink()
    if kind == "link":
        (tmp_path / "secret").write_text("secret")
        path.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    os.utime(path, (NOW, NOW), follow_symlinks=False)
    found = await source.latest(HOST)
    assert found.reason is Reason.HOST_INCOMPLETE
    assert found.path == str(path)


async def test_an_answer_that_cannot_be_kept_names_the_setting_and_leaves_the_one_before(source, tmp_path):
    (tmp_path / "file").write_text("")
    lost = PushedAnswers(tmp_path / "file" / "below", 3600.0, 1000)
    assert (await lost.receive(HOST, b"x")).setting == "push.directory"
