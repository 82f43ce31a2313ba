"""The gate's decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.decision import Decision, Policies, Policy, decide, rulings
from scanner.domain.override import Override, names_something
from scanner.domain.verdict.reason import STATUS_OF, Reason
from scanner.domain.verdict.verdict import NOT_READ_TO_ITS_END, Evidence
from tests import builders
from tests.rows import each_row

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


@each_row("reason", [r for r in Reason if r is not Reason.NATIVE])
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


def test_a_policy_that_wants_surveys_lets_pass_what_was_surveyed():
    made = builders.finding(Reason.NATIVE)
    surveyed = replace(made.verdict, evidence=(Evidence("survey", "every file of it was read"),))
    report = builders.report(replace(made, verdict=surveyed), hosts=(READ,))
    assert decide(report, Policy(survey=True)) is Decision.ALLOW
    assert decide(a_report(Reason.NATIVE), Policy(survey=True)) is Decision.HOLD


@pytest.mark.parametrize(
    ("reason", "images", "decision"),
    [
        (Reason.PLATFORM_MISSING, "r.example/*", "warn"),
        (Reason.IMAGE_DENIED, "r.example/*", "warn"),
        (Reason.PLATFORM_MISSING, "other/*", "deny"),
        (Reason.NATIVE, "r.example/*", "allow"),
    ],
)
def test_somebody_who_answers_for_an_image_turns_a_stop_into_a_warning(reason, images, decision):
    override = Override("1", "me", "known", 9.0, images)
    ruled = rulings(a_report(reason), Policies(), (override,))
    assert [str(one.decision) for one in ruled] == [decision]
    assert (ruled[0].override is override) is (decision == "warn")
    assert str(Policy().of(builders.finding(reason).verdict)) == str(rulings(a_report(reason), Policies())[0].decision)


EVERYTHING = ("*", "**", "?*", "*:*", "*/*", "*.*/*", "[!~]*", "[a-z]*", "[!]a]*", "[]a]*", "")
SOMETHING = ("shop/*", "*:1", "[ab]pi:*", "r.example/*", "ü*")


def test_a_glob_without_a_letter_or_digit_of_its_own_names_nothing():
    assert [glob for glob in (*EVERYTHING, *SOMETHING) if names_something(glob)] == list(SOMETHING)
