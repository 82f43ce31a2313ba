"""The line after ``#!``."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.program import script
from scanner.binary.program.script import Shebang
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

LINES = [
    (b"#!/bin/sh\n", Shebang("/bin/sh")),
    (b"#!/bin/sh", Shebang("/bin/sh")),
    (b"#! \t/bin/sh \t\nx", Shebang("/bin/sh")),
    (b"#!/usr/bin/env -S a  b \n", Shebang("/usr/bin/env", "-S a  b")),
    (b"#!/bin/sh -e\r\n", Shebang("/bin/sh", "-e\r")),
    (b"#!/bin/sh\r\n", Shebang("/bin/sh\r")),
    (b"#!/bin/sh\0junk\n", Shebang("/bin/sh")),
    (b"#!/bin/sh a\0b\n", Shebang("/bin/sh", "a")),
    (b"#!", Shebang("")),
    (b"#!/b" + b" " * 300, Shebang("/b")),
    (b"#!/b " + b"a" * 300, Shebang("/b", "a" * 250)),
    (b"#!" + b"a" * 252 + b"\n", Shebang("a" * 252)),
    (b"#!" + b"a" * 253, Shebang("a" * 253)),
    (b"#!" + b"a" * 253 + b"\n", Shebang("a" * 253)),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_is_split_as_the_kernel_splits_it(line, expected):
    assert script.parse(line) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"#!\n", Reason.NO_SHEBANG),
        (b"#! \t \n", Reason.NO_SHEBANG),
        (b"#!" + b" " * 300, Reason.NO_SHEBANG),
        (b"#!" + b"a" * 254, Reason.SHEBANG_TOO_LONG),
        (b"#!" + b"a" * 300 + b"\n", Reason.SHEBANG_TOO_LONG),
    ],
)
def test_a_line_without_a_whole_interpreter_is_refused(line, reason):
    assert script.parse(line).reason is reason


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_line_raises(tail):
    parsed = script.parse(b"#!" + tail)
    assert isinstance(parsed, Shebang | Failure)
    if isinstance(parsed, Shebang):
        assert not set(parsed.interpreter) & {" ", "\t", "\n", "\0"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"#!/bin/sh -e", True), (b"#!/usr/bin/env bash", True), (b"#!/usr/bin/env -S bash -e", True),
        (b"#!/bin/busybox sh", True), (b"#!/usr/bin/python3", False), (b"#!/usr/bin/env node", False),
    ],
)  # fmt: skip
def test_a_script_of_a_shell_is_told_by_its_line(line, expected):
    assert script.is_shell(script.parse(line)) is expected
