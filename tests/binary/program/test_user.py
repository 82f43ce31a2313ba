"""Which ids a User gets; the engines' own answers are in the ground truth."""

import pytest

from scanner.binary.program.user import MAX_ID, ProcessRights, identify
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

PASSWD = """root:x:0:0:root:/root:/bin/sh
app:x:1000:1001::/home/app:/bin/sh
# a comment

odd
123:x:7:7::/:
twin:x:1000:5::/:
"""
GROUP = """root:x:0:
app:x:1001:
staff:x:50:app,other
wheel:x:10:root
"""


def reading(files):
    asked = []

    def read(path):
        asked.append(path)
        return files.get(path)

    return read, asked


def who(spec, *, with_groups=True):
    read, _ = reading({"/etc/passwd": PASSWD, "/etc/group": GROUP})
    return identify(spec, read, with_groups=with_groups)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", ProcessRights(0, frozenset({0, 10}))),
        ("0", ProcessRights(0, frozenset({0, 10}))),
        ("root", ProcessRights(0, frozenset({0, 10}))),
        ("app", ProcessRights(1000, frozenset({1001, 50}))),
        ("app:", ProcessRights(1000, frozenset({1001, 50}))),
        ("app:staff", ProcessRights(1000, frozenset({50}))),
        ("app:4", ProcessRights(1000, frozenset({4}))),
        ("1000", ProcessRights(1000, frozenset({1001, 50}))),
        ("+1000", ProcessRights(1000, frozenset({1001, 50}))),
        ("2000", ProcessRights(2000, frozenset({0}))),
        ("123", ProcessRights(123, frozenset({0}))),
        (":50", ProcessRights(0, frozenset({50}))),
        (":staff", ProcessRights(0, frozenset({50}))),
        ("odd", ProcessRights(0, frozenset({0}))),
        ("0:0:0", ProcessRights(0, frozenset({0}))),
        (str(MAX_ID), ProcessRights(MAX_ID, frozenset({0}))),
    ],
)
def test_a_user_has_the_ids_that_engines_give_it(spec, expected):
    assert who(spec) == expected


@pytest.mark.parametrize(
    "spec",
    [
        "nobody",
        " ",
        "app:nobodies",
        "0:nobodies",
        "-1",
        "0:-1",
        str(MAX_ID + 1),
        "0:4294967296",
        "9" * 5000,
        "1_0",
        "٣",
    ],
)
def test_what_is_not_there_or_out_of_range_is_refused(spec):
    found = who(spec)
    assert isinstance(found, Failure)
    assert found.reason is Reason.USER_MISSING


@pytest.mark.parametrize("spec", ["app", "root", "0:staff"])
def test_an_image_without_accounts_has_no_names(spec):
    read, _ = reading({})
    assert identify(spec, read, with_groups=False).reason is Reason.USER_MISSING


@pytest.mark.parametrize("spec", ["", "1000", "1000:1000", ":5"])
def test_numbers_alone_need_no_accounts(spec):
    read, asked = reading({})
    assert isinstance(identify(spec, read, with_groups=False), ProcessRights)
    assert not asked


@pytest.mark.parametrize("spec", ["app", "1000", "0:staff"])
def test_accounts_that_nobody_could_read_leave_it_unknown(spec):
    unread = Failure(Reason.BINARY_UNKNOWN, "not read")
    assert identify(spec, lambda _: unread, with_groups=True) == unread
