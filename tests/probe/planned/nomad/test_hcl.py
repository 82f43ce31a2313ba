"""HCL: python-hcl2 is the witness for structure and values; it is no reader of ours, since it takes twenty times as long."""

import contextlib
import string

import hcl2
import pytest
from hcl2 import SerializationOptions
from hypothesis import given
from hypothesis import strategies as st

from scanner.probe.planned.nomad import hcl
from scanner.probe.planned.nomad.hcl import Reference, Template, Unknown
from scanner.probe.planned.plans import UnclearError
from tests import counted

OPTIONS = SerializationOptions(
    with_comments=False, strip_string_quotes=True, preserve_heredocs=False, explicit_blocks=False
)

FILES = [
    'a = "x"\n',
    "a = 1\nb = 1.5\nc = true\nd = null\ne = 0\n",
    'a = ["x", "y"]\nb = []\nc = ["x",]\nd = [1, "y", true]\n',
    'a = [\n  "x", # one\n  "y", // two\n  /* three */ "z",\n]\n',
    'a = { b = "c" }\nd = {}\n',
    'a = {\n  b = "c"\n  "d" = "e"\n  f : "g"\n}\n',
    'a = { b = "c", d = ["e", { f = "g" }] }\n',
    'job "a" {\n}\n',
    'job "a" {}\n',
    'job "a" { b = "c" }\n',
    'job a {\n  b = "c"\n}\n',
    'service "http" "web" {\n  b = "c"\n}\n',
    'job "a" {\n  group "b" {\n    count = 2\n    task "c" {\n      config {\n        image = "d"\n      }\n    }\n  }\n}\n',
    'job "a" {\n  group "b" {\n  }\n  group "c" {\n  }\n}\n',
    '# a comment\na = "b" # behind\n// another\nc = "d" // behind\n/* several\nlines { */\ne = "f"\n',
    'a = "no # comment // here /* nor */ here"\n',
    'a = "brace } in { text"\nb = "bracket ] in [ text"\n',
    'a = "tab\\tline\\nquote\\"backslash\\\\"\n',
    'a = "\\u00e9\\U0001F600"\n',
    'a = "$5 100% $$ %%"\n',
    'a = "${var.x}"\nb = var.x\nc = "a-${var.x}-b"\n',
    'a = "${local.x.y}"\nb = local.x["y"]\nc = local.x[0]\n',
    'a = "${f("}", { x = "{" })}-z"\nb = "c"\n',
    'a = join(":", ["b", "c"])\nd = "e"\n',
    'a = join(\n  ":",\n  [\n    "b",\n    "c",\n  ],\n)\nd = "e"\n',
    'a = format("%s:%s", var.b,\n  "c") # d\ne = "f"\n',
    'a = var.b ? "c" : "d"\ne = "f"\n',
    "a = 1 + 2\nb = -1\nc = !true\nd = (1 + 2) * 3\n",
    'a = var.b == "c" && var.d != "e" || !var.f\ng = "h"\n',
    'a = [for x in var.b : upper(x) if x != ""]\nc = "d"\n',
    'a = { for k, v in var.b : k => upper(v) }\nc = "d"\n',
    'a = [var.b, "c", join("", ["d"])]\n',
    "a = var.b[*].c\nd = var.e.*.f\n",
    'a = [join("",\n [\n"x"]), "y"]\n',
    'a = <<EOF\nline one\nline two\nEOF\nb = "c"\n',
    'a = <<-EOF\n    line one\n      line two\n    EOF\nb = "c"\n',
    'a = <<EOF\n} ] " { # // /* job "trap" {\nEOF\nb = "c"\n',
    'a = <<EOF\nEOF\nb = "c"\n',
    'task "a" {\n  template {\n    data = <<EOH\n{{ key "x" }} { } "\nEOH\n    destination = "local/a"\n  }\n  driver = "docker"\n}\n',
    'a = [<<EOF\nx\nEOF\n, "y"]\n',
    'variable "image" {\n  type    = string\n  default = "a:1"\n}\n',
    'variable "x" {\n  type = list(string)\n  default = ["a", "b"]\n}\n',
    'variable "x" {\n  type = object({ a = string, b = number })\n}\n',
    'locals {\n  a = "b"\n  c = "${local.a}:1"\n}\n',
    'dynamic "group" {\n  for_each = var.a\n  labels = [group.value]\n  content {\n    task "b" {\n      driver = "docker"\n    }\n  }\n}\n',
    'env {\n  A_B = "c"\n  d-e = "f"\n}\n',
    'config {\n  labels = {\n    "traefik.enable" = "true"\n    "b.c/d" = "e"\n  }\n}\n',
    "config {\n  port_map { http = 80 }\n}\n",
    'resources {\n  cpu = 500 # MHz\n  memory = 256\n  network {\n    port "http" { to = 80 }\n  }\n}\n',
    'a = "b"\r\nc = "d"\r\njob "e" {\r\n  f = "g"\r\n}\r\n',
    '\n\n\na = "b"\n\n\n\nc = "d"\n\n',
    '\ta\t=\t"b"\n  c="d"\n',
    'job "ünïcode" {\n  a = "日本"\n}\n',
]  # fmt: skip


def same(own, witness):
    """Whether a value is the witness's; what is an expression to us is one to it."""
    if isinstance(own, Unknown | Reference):
        return isinstance(witness, str) and (witness.startswith("${") or own == Reference(witness))
    if isinstance(own, Template):
        return isinstance(witness, str) and all(part in witness for part in own.parts if isinstance(part, str))
    if isinstance(own, list):
        return isinstance(witness, list) and len(own) == len(witness) and all(map(same, own, witness))
    if isinstance(own, dict):
        return isinstance(witness, dict) and own.keys() == witness.keys() and all(same(own[k], witness[k]) for k in own)
    return own == witness or (
        isinstance(own, str) and isinstance(witness, str) and own.rstrip("\n") == witness.rstrip("\n")
    )


def laid_out(block):
    """A block as the witness lays it out: blocks of one type in a list, labels as keys around their body."""
    found = dict(block.values)
    for inner in block.blocks:
        body = laid_out(inner)
        for label in reversed(inner.labels):
            body = {label: body}
        found.setdefault(inner.type, []).append(body)
    return found


@pytest.mark.parametrize("text", FILES)
def test_a_file_is_read_as_python_hcl2_reads_it(text):
    own, witness = laid_out(hcl.parse(text)), hcl2.loads(text, serialization_options=OPTIONS)
    assert same(own, witness), (own, witness)


REFUSED = [
    'job "a" {', "}", "a {" * 100, 'a = "b', 'a = "b\nc"', "a = [", 'a = ["b" "c"]', "a = {", "= 1", 'a = "\\q"', "a = <<EOF\nx\n",
    "a = (1", "a = )", 'a = "${b"', "/* a", 'a "b" = 1', "a = [1}",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_hcl_is_unclear_with_its_line(text):
    with pytest.raises(UnclearError, match=r"not HCL: .* in line \d+"):
        hcl.parse(text)


def test_dollars_are_escaped_by_a_second_one():
    assert hcl.parse('a = "$${b} %%{c} $$d"').values["a"] == "${b} %{c} $$d"


@pytest.mark.parametrize(
    "text",
    ['a = "b"\n' * 25_000, "a = [" + '"b", ' * 40_000 + "]", 'a = "' + "${b}" * 50_000 + '"', "\n" * 250_000, "a = f(" + "(" * 75_000,
     "x { }\n" * 40_000, "a = <<E\n" + "b\n" * 75_000 + "E\n", "/*" * 100_000, "a = " + "[" * 125_000, "#" * 225_000],
    ids=["attributes", "list", "references", "lines", "parentheses", "blocks", "heredoc", "comment", "brackets", "hashes"],
)  # fmt: skip
def test_a_long_file_of_anything_takes_seconds_at_most(text):
    with counted.in_proportion(), contextlib.suppress(UnclearError):
        hcl.parse(text)


@given(st.text(alphabet=string.ascii_letters[:4] + ' "{}[]()=\n#/*<>-EOF\\$%,.:~?', max_size=200))
def test_any_text_is_hcl_or_unclear(text):
    with contextlib.suppress(UnclearError):
        assert isinstance(hcl.parse(text), hcl.Block)


@pytest.mark.parametrize("depth", [29, 31, 20_000])
def test_templates_within_templates_are_counted(depth):
    text = 'a = "' + '${"' * depth + '"}' * depth + '"\n'
    if depth < 30:
        assert isinstance(hcl.parse(text).values["a"], Template)
    else:
        with pytest.raises(UnclearError, match="templates nested deeper than 30 in line 1"):
            hcl.parse(text)
