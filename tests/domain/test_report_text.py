"""A report whose texts are fit to be shown."""

from scanner.domain.report_text import shown
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Fix, Verdict
from tests import builders


def report(*verdicts):
    made = (builders.Finding(builders.workload(name), verdict) for name, verdict in verdicts)
    return builders.report(*made)


def test_a_report_that_is_fit_already_stays_the_same_object():
    given = report(("app", Verdict(Reason.NATIVE)))
    assert shown(given) is given
    assert shown(given) is given, "which is found out once"


def test_names_details_and_commands_of_a_stranger_become_printable_lines():
    verdict = Verdict(Reason.WRONG_BINARY, "it says \x1b[31mred\n", fix=Fix("do\x07 this", ("rm \u202e/",)))
    given = report(("a\x1bb", verdict), ("app", Verdict(Reason.NATIVE)))
    made = shown(given)
    assert made is not given
    bad, good = made.findings
    everything = "".join((bad.workload.name, bad.verdict.detail, bad.verdict.fix.summary, *bad.verdict.fix.commands))
    assert everything.isprintable()
    assert good is given.findings[1]
    assert shown(made) is made
