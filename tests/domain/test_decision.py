"""The gate's decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.decision import Decision, Policy, decide
from scanner.domain.verdict.reason import STATUS_OF, Reason
from scanner.domain.verdict.verdict import NOT_READ_TO_ITS_END, Evidence
from tests import builders

READ, UNREAD = builders.reading(), builders.unread()


def a_report(*reasons, hosts=(READ,), complete=True):
    return builders.report(*map(builders.finding, reasons), hosts=hosts, complete=complete)


@pytest.mark.parametrize(
    ("report", "decision"),
    [
        (a_report(Reason.NATIVE), "allow"),
        (a_report(Reason.NATIVE, Reason.EMULATED), "warn"),
        (a_report(Reason.CONFIG_DISAGREES), "warn"),
        (a_report(Reason.NATIVE, Reason.IMAGE_DENIED), "hold"),
        (a_report(Reason.IMAGE_DENIED, Reason.PLATFORM_MISSING), "deny"),
        (a_report(Reason.NO_SHEBANG), "deny"),
        (a_report(), "hold"),
        (a_report(Reason.NATIVE, hosts=(READ, UNREAD)), "hold"),
        (a_report(Reason.NATIVE, complete=False), "hold"),
    ],
)
def test_the_worst_finding_decides_and_nothing_known_holds(report, decision):
    assert str(decide(report)) == decision


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.NATIVE])
def test_only_a_native_image_is_allowed_through(reason):
    assert decide(a_report(Reason.NATIVE, reason)) is not Decision.ALLOW


def test_a_policy_may_deny_what_is_only_emulated():
    assert decide(a_report(Reason.EMULATED), Policy(emulated=Decision.DENY)) is Decision.DENY


def test_no_policy_lets_the_unknown_pass():
    lax = Policy(emulated=Decision.ALLOW, degraded=Decision.ALLOW)
    unknown = [r for r in Reason if STATUS_OF[r] == "unknown"]
    assert {decide(a_report(r), lax) for r in unknown} == {Decision.HOLD}


@pytest.mark.parametrize(
    ("reason", "lenient", "strict"),
    [(Reason.NATIVE, "allow", "hold"), (Reason.EMULATED, "warn", "hold"), (Reason.WRONG_BINARY, "deny", "deny")],
)
def test_a_policy_may_hold_what_rests_on_a_layer_that_was_not_read_to_its_end(reason, lenient, strict):
    made = builders.finding(reason)
    partly = replace(made.verdict, evidence=(Evidence("layer", f"sha256:0: {NOT_READ_TO_ITS_END}"),))
    report = builders.report(replace(made, verdict=partly), hosts=(READ,))
    assert str(decide(report)) == lenient
    assert str(decide(report, Policy(early_stop=Decision.HOLD))) == strict
    assert decide(a_report(Reason.NATIVE), Policy(early_stop=Decision.HOLD)) is Decision.ALLOW
