"""Exit codes: what a pipeline goes by."""

from __future__ import annotations

import itertools

import pytest

from scanner.cli.outcome import FailOn, exit_code
from scanner.domain.decision import Decision
from scanner.domain.verdict.reason import OF_THE_WORKLOAD, PENDING, STATUS_OF, Reason, Status
from tests import builders
from tests.rows import each_row

READ, UNREAD = builders.reading(), builders.unread()
WAIVED = builders.finding(Reason.NO_SHEBANG, waived_until=2e9)


def a_report(*reasons, hosts=(READ,), complete=True):
    return builders.report(*map(builders.finding, reasons), hosts=hosts, complete=complete)


@pytest.mark.parametrize(
    ("report", "fail_on", "code"),
    [
        (a_report(Reason.NATIVE), FailOn.MISMATCH, 0),
        (a_report(), FailOn.MISMATCH, 0),  # a host that was read and runs nothing
        (a_report(hosts=()), FailOn.MISMATCH, 3),
        (a_report(hosts=(UNREAD,)), FailOn.NEVER, 3),
        (a_report(Reason.NATIVE, complete=False), FailOn.MISMATCH, 3),
        (a_report(Reason.IMAGE_DENIED), FailOn.MISMATCH, 3),
        (a_report(Reason.IMAGE_DENIED, Reason.NO_SHEBANG), FailOn.MISMATCH, 1),
        (a_report(Reason.EMULATED, Reason.PLATFORM_LOST), FailOn.MISMATCH, 0),
        (a_report(Reason.PLATFORM_LOST), FailOn.DEGRADED, 1),
        (a_report(Reason.EMULATED), FailOn.EMULATED, 1),
        (a_report(Reason.WRONG_PLATFORM), FailOn.NEVER, 0),
        (builders.report(WAIVED, hosts=(READ,)), FailOn.MISMATCH, 0),
        (builders.report(WAIVED, hosts=(UNREAD,)), FailOn.MISMATCH, 3),
        (builders.report(WAIVED, builders.finding(Reason.WRONG_PLATFORM), hosts=(READ,)), FailOn.MISMATCH, 1),
    ],
)
def test_the_code_tells_the_worst_that_counts(report, fail_on, code):
    assert exit_code(report, fail_on) == code


@pytest.mark.parametrize(
    ("decision", "fail_on", "code"),
    [
        (Decision.ALLOW, FailOn.MISMATCH, 0),
        (Decision.WARN, FailOn.MISMATCH, 0),
        (Decision.HOLD, FailOn.MISMATCH, 3),
        (Decision.DENY, FailOn.MISMATCH, 1),
        (Decision.DENY, FailOn.NEVER, 0),
    ],
)
def test_a_gate_that_is_stricter_than_fail_on_decides(decision, fail_on, code):
    assert exit_code(a_report(Reason.EMULATED), fail_on, decision) == code


UNKNOWN = [reason for reason in Reason if STATUS_OF[reason] is Status.UNKNOWN]


@each_row("reason, fail_on", itertools.product(UNKNOWN, FailOn))
def test_what_a_scan_should_have_learnt_but_did_not_is_never_success(reason, fail_on):
    """A workload's own trouble that nobody can explain, or a survey that is on its way, is shown without a code."""
    expected = 0 if reason in OF_THE_WORKLOAD | PENDING else 3
    assert exit_code(a_report(Reason.NATIVE, reason), fail_on) == expected
