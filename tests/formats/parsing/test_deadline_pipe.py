"""Bytes go both ways until their moment; the other end is this process itself."""

import os
import threading
import time

import pytest

from scanner.formats.parsing.deadline_pipe import DeadlinePipe

LONG_S = 60


@pytest.fixture
def ends():
    """Our end, then the other's descriptors: what it reads, what it writes."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    opened = {theirs_in, ours_out, ours_in, theirs_out}
    yield DeadlinePipe(ours_in, ours_out), theirs_in, theirs_out, opened
    for descriptor in opened:
        os.close(descriptor)


def test_more_than_the_kernel_holds_goes_through_whole(ends):
    pipe, theirs_in, theirs_out, _ = ends
    said = os.urandom(300_000)

    def echo():
        left = len(said)
        while left:
            piece = os.read(theirs_in, 5000)
            left -= len(piece)
            os.write(theirs_out, piece)

    def take():
        taken.append(pipe.take(len(said), time.monotonic() + LONG_S))

    taken = []
    threads = [threading.Thread(target=work) for work in (echo, take)]
    for thread in threads:
        thread.start()
    pipe.send(said, time.monotonic() + LONG_S)
    for thread in threads:
        thread.join()
    assert taken == [said]


def test_whoever_takes_nothing_is_late(ends):
    with pytest.raises(TimeoutError):
        ends[0].send(b"x" * 1_000_000, time.monotonic() + 0.01)


def test_whoever_says_too_little_is_late(ends):
    pipe, _, theirs_out, _ = ends
    os.write(theirs_out, b"abc")
    with pytest.raises(TimeoutError):
        pipe.take(4, time.monotonic() + 0.01)


def test_whoever_went_away_says_no_more(ends):
    pipe, _, theirs_out, opened = ends
    os.write(theirs_out, b"abc")
    os.close(theirs_out)
    opened.remove(theirs_out)
    with pytest.raises(BrokenPipeError):
        pipe.take(4, time.monotonic() + LONG_S)


def test_whoever_went_away_takes_no_more(ends):
    pipe, theirs_in, _, opened = ends
    os.close(theirs_in)
    opened.remove(theirs_in)
    with pytest.raises(BrokenPipeError):
        pipe.send(b"x", time.monotonic() + LONG_S)
