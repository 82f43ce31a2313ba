"""Text from hosts, images, registries is text in everything that others see: nothing of it acts."""

import io
import json
import logging
import os
import pty
import re
import shlex
from contextlib import redirect_stdout
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from scanner.app import logs
from scanner.cli.options import Format
from scanner.cli.output import output
from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.report_text import shown
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Fix, Verdict
from scanner.metrics.metrics import Metrics
from tests import builders
from tests.real import command

MARKUP = [
    "[/red]",
    "[conceal]hidden",
    "[link=https://evil.example]x[/link]",
    "-e [a-z]+",
    "[bold]",
    ":warning:",
    "{{7*7}}",
]
ACTING = [
    "\x1b[31mred",
    "\x1b]8;;https://evil.example\x1b\\x",
    "\x1b]0;title\x07",
    "a\rb",
    "a\nb",
    "\u202eevil",
    "\x9b31m",
    "\x00",
    "\x7f",
    "a\x85b",
    "a\u2028b",
    "\u2066evil\u2069",
    "\U000e0041evil",
    "\ufeffevil",
    "\udcffevil",
]
PAGES = [
    "<script>alert(1)</script>",
    '"onload=x',
    "'><img src=x>",
    "&lt;",
    "]]>",
    "javascript:alert(1)",
    "![x](javascript:alert(1))",
]
CELLS = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1"]
NAMES = [*MARKUP, *ACTING, *PAGES, *CELLS]

CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


@pytest.fixture
def report():
    """Names in every place that a stranger writes to."""
    facts = builders.host_facts("box")

    def finding(number, name):
        workload = Workload("box", name, Source.DOCKER, Stage.RUNNING, f"{name}/{number}")
        verdict = Verdict(Reason.EXEC_FORMAT_ERROR, f"said {name}", fix=Fix(f"do {name}", (f"run {name}",)))
        return Finding(workload, verdict, Platform("linux", "amd64"), 1.0, 2.0)

    findings = tuple(finding(number, name) for number, name in enumerate(NAMES))
    silent = tuple(
        HostReading(f"h{number}", Failure(Reason.HOST_TIMEOUT, f"said {name}"), {"team": name}, 2.0, 2.0)
        for number, name in enumerate(NAMES)
    )
    box = HostReading("box", replace(facts), {"team": "[/red]"}, 2.0, 2.0)
    return Report("s", 1.0, 2.0, (box, *silent), findings)


def printed(report, form):
    stream = io.StringIO()
    with redirect_stdout(stream):
        output.write(report, form, every=True)
    return stream.getvalue()


def visible(name):
    """What a person is to see of a name: nothing that acts, all the rest."""
    return printable(name)


def test_a_table_shows_names_as_they_are(report):
    text = printed(report, Format.TABLE)
    assert not CONTROL.search(text.replace("\n", "")), CONTROL.findall(text.replace("\n", ""))
    for name in NAMES:
        assert visible(name) in text


def test_json_keeps_names_as_data_and_shows_no_control_character(report):
    text = printed(report, Format.JSON)
    assert not CONTROL.search(text.replace("\n", ""))
    assert len(json.loads(text)["findings"]) == len(NAMES)


def test_junit_is_xml_whatever_the_names(report):
    text = printed(report, Format.JUNIT)
    cases = ET.fromstring(text.encode()).findall(".//testcase")
    named = [case.get("name").partition(" (")[0] for case in cases]
    assert [name for name in named if name in MARKUP] == MARKUP
    assert not CONTROL.search(text.replace("\n", ""))


def test_sarif_holds_names_as_text_and_addresses_as_addresses(report):
    text = printed(report, Format.SARIF)
    assert not CONTROL.search(text.replace("\n", ""))
    for result in json.loads(text)["runs"][0]["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert urlsplit(uri)[:2] == ("", ""), uri  # neither scheme nor host
        assert re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*", uri), uri


@pytest.mark.parametrize("form", [Format.CSV, Format.MARKDOWN, Format.HTML])
def test_other_formats_show_no_control_character(report, form):
    assert not CONTROL.search(printed(report, form).replace("\n", "").replace("\r", ""))


def test_no_cell_of_a_sheet_is_a_formula(report):
    assert not re.search(r'(?:^|,)"?[=+@\t-]', printed(report, Format.CSV), re.MULTILINE)


def test_markdown_holds_no_tag(report):
    outside = re.sub(r"```.*?```", "", printed(report, Format.MARKDOWN), flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<", outside.replace("\\\\", ""))


def test_a_file_for_a_browser_has_no_tag_and_no_script_of_a_stranger_s(report):
    seen = Tags()
    seen.feed(printed(report, Format.HTML))
    nothing = Tags()
    nothing.feed(printed(replace(report, findings=report.findings[:0]), Format.HTML))
    ours = {tag for tag, _ in nothing.seen} | {
        "article",
        "code",
        "pre",
        "span",
        "br",
        "details",
        "summary",
        "small",
        "b",
        "strong",
    }
    assert {tag for tag, _ in seen.seen} <= ours
    acts = [
        (tag, name) for tag, names in seen.seen for name in names if name.startswith("on") or name in {"src", "srcdoc"}
    ]
    assert not acts
    assert not [value for value in seen.links if not re.match(r"https?://|#|/", value)]


class Tags(HTMLParser):
    """Every tag with the names of its attributes; every address."""

    def __init__(self):
        super().__init__()
        self.seen, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, [name for name, _ in attrs]))
        self.links += [value or "" for name, value in attrs if name in {"href", "action", "formaction"}]


def test_metrics_parse_and_no_label_breaks_out(report):
    metrics = Metrics("1")
    report = shown(report)  # as it is published
    metrics.prepare(report)
    _, page = metrics.render(report, None)
    families = list(text_string_to_metric_families(page.decode()))
    labels = {label for family in families for sample in family.samples for label in sample.labels.values()}
    assert any("[/red]" in label for label in labels)
    assert not CONTROL.search("".join(labels)), CONTROL.findall("".join(labels))


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_line_of_the_log_stays_one_line_without_control_characters(form, capsys):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logs.configure(form, "info")
        for name in NAMES:
            structlog.get_logger("x").info("seen", name=name)
            logging.getLogger("y").warning("seen %s", name)
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 * len(NAMES)
    assert not CONTROL.search("".join(lines)), CONTROL.findall("".join(lines))


# ---------------------------------------------------------------- a real terminal


def on_terminal(words, folder):
    """What archscan writes to a terminal of 200 columns, and its exit code."""
    master, terminal = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", "LINES": "50"}
    running = command.start(*words, standard=(terminal, terminal, terminal), cwd=folder, env=env)
    os.close(terminal)
    written = b""
    try:
        while piece := os.read(master, 65536):
            written += piece
    except OSError:
        pass
    finally:
        os.close(master)
    return written, running.wait(60)


PLANNED = [*MARKUP, *ACTING]
COMMANDS = """
scan -c c.yml
scan -c c.yml --format json
scan -c c.yml --format junit
scan -c c.yml --format sarif
inventory -c c.yml
why box '[/red]' -c c.yml
why '[/red]' '[/blue]' -c c.yml
scan --host '[/red]' -c c.yml
check '[/red]' --platform linux/amd64
check '[link=https://evil.example]x' --platform '[bold]'
image '[conceal]hidden'
explain 'exec /[/red]: exec format error'
trail show -c c.yml
config check -c '[/red].yml'
config check -c c.yml
"""
"""Every command that shows what a stranger, or whoever pastes what a stranger wrote, may have named."""

OURS = re.compile(rb"\x1b\[[0-9;?]*[mhlKGAJ]|\x1b\]8;id=[0-9]+;https://[a-z.]*archscan")
"""Colours, the cursor, lines that are wiped: what we ourselves write on a terminal."""


@pytest.mark.system
@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize("typed", [line for line in COMMANDS.splitlines() if line])
def test_every_command_shows_names_on_a_real_terminal(tmp_path, typed):
    planned = [
        {"image": f"registry.invalid/x{n}:1", "workload": name}
        for n, name in enumerate(PLANNED)
        if name != "\x00" and max(name) < "\ud800"  # of which YAML takes no escapes of JSON's
    ]
    document = {"inventory": [{"kind": "local", "name": "box", "planned": planned}], "registries": {"timeout": "1s"}}
    (tmp_path / "c.yml").write_text(json.dumps(document))
    written, code = on_terminal(shlex.split(typed), tmp_path)
    assert code in {0, 1, 2, 3}
    assert b"Traceback" not in written
    rest = OURS.sub(b"", written).decode()
    assert not CONTROL.search(re.sub(r"[\r\n\t]", "", rest)), CONTROL.findall(rest)
    if typed == "scan -c c.yml":
        for name in MARKUP:
            assert name in rest
