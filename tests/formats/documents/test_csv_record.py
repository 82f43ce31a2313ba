"""One record of comma-separated values, beside Docker's client, which reads the values of ``--mount`` by Go's library."""

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.formats.documents.csv_record import first_record
from tests.rows import each_row

RECORDS = [
    ("a", ("a",)),
    ("a,b=c", ("a", "b=c")),
    ("a,", ("a", "")),
    (",", ("", "")),
    ('"a,b",c', ("a,b", "c")),
    ('"a,""b""",c', ('a,"b"', "c")),
    ('""', ("",)),
    ('"a\nb",c\nd', ("a\nb", "c")),
    ("a\nb", ("a",)),
    ("\r\n\na,b\r\nc", ("a", "b")),
    ("a\r", ("a",)),
    ("a\rb,c", ("a\rb", "c")),
    (" a , b", (" a ", " b")),
    ("", None),
    ("\n", None),
    ('a"b', None),
    ('"a', None),
    ('"a"b,c', None),
    ('a,"b" ', None),
    ('a,""b"', None),
]


@each_row("text, expected", RECORDS)
def test_a_record_is_read_as_go_reads_it(text, expected):
    assert first_record(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in RECORDS if text.strip()])
def test_docker_refuses_the_same_records(text, require):
    client = require("docker", "docker.io")
    argv = [client, "--host", "tcp://127.0.0.1:1", "create", "--mount", text, "image"]
    said = subprocess.run(argv, capture_output=True, text=True, check=False).stderr

    assert ("parse error" in said) is (first_record(text) is None), said


@given(st.lists(st.text(), min_size=1))
def test_whatever_is_written_in_quotes_is_read_again(fields):
    written = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
    expected = tuple(re.sub("\r\n", "\n", field) for field in fields)

    assert first_record(written) == expected
