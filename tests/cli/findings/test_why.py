"""The chain of evidence behind one verdict."""

from __future__ import annotations

import pytest

from scanner import cli
from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.image.offers import BuiltFrom
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Evidence, Fix, NextPull, Verdict
from tests import builders

OK = Verdict(
    Reason.NATIVE,
    evidence=(Evidence("host", "Linux x86_64"), Evidence("binary", "entrypoint /app: ELF linux/amd64")),
    digest="sha256:" + "a" * 64,
    next_pull=NextPull.STARTS,
    built_from=BuiltFrom("https://github.com/acme/api", "0f3c9a"),
)
UNKNOWN = Verdict(Reason.IMAGE_TAG_MISSING, "no such tag")
BAD = Verdict(Reason.CRLF_SHEBANG, "the line ends with CR", fix=Fix("Mend it.", ("sed -i 's/x/y/' run.sh",)))


class Operations:
    async def scan(self, common, patterns, depth, progress, only):
        del common, depth, progress
        workloads = [
            ("api", "r.example/api:1", OK),
            ("[/red]", "r.example/odd:1", BAD),
            ("later", "r.example/gone:1", UNKNOWN),
        ]
        findings = tuple(
            Finding(
                Workload("web-1", name, Source.DOCKER, Stage.RUNNING, image),
                verdict, builders.AMD64, team="shop", waived_until=1.8e9 if name == "later" else None,
            )
            for name, image, verdict in workloads
        )  # fmt: skip
        findings = tuple(finding for finding in findings if only(finding.workload))
        return Report("s", 0.0, 1.0, (HostReading(patterns[0], builders.host_facts()),), findings)


def why(*words):
    return cli.run(Operations, lambda: "0", ["why", "web-1", *words])


def test_what_is_ok_has_its_evidence_told_too(capsys):
    assert why("api") == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "api on web-1 (docker, running): ok native",
        "  image     r.example/api:1 sha256:" + "a" * 64,
        "  host      linux/amd64",
        "  owner     shop",
        "  built of  https://github.com/acme/api, commit 0f3c9a",
        "  host      Linux x86_64",
        "  binary    entrypoint /app: ELF linux/amd64",
        "  next pull starts",
    ]


@pytest.mark.parametrize("wanted", ["[/red]", "r.example/odd:1", "*/odd:*"])
def test_a_workload_is_meant_by_name_image_or_pattern(wanted, capsys):
    assert why(wanted) == 1
    told = capsys.readouterr().out
    assert told.startswith("[/red] on web-1 (docker, running): broken crlf_shebang\n")
    assert "  because   the line ends with CR\n  fix       Mend it.\n            $ sed -i 's/x/y/' run.sh\n" in told


def test_who_is_asked_says_that_somebody_answers_for_it(capsys):
    why("later")
    told = capsys.readouterr().out
    assert "  owner     shop\n  waived    until 2027-01-15 08:00:00 UTC\n  because   no such tag\n" in told


@pytest.mark.parametrize(("wanted", "code"), [("api", 0), ("later", 3), ("[/red]", 1), ("*", 1)])
def test_the_exit_code_is_of_the_workload_that_is_asked_about(wanted, code):
    assert why(wanted) == code


def test_a_workload_that_is_none_is_told_with_those_that_are(capsys):
    assert why("nosuch") == 2
    assert capsys.readouterr().err == "archscan: no workload is called 'nosuch'; there are: [/red], api, later\n"
