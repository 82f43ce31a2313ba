"""The table of fixes that no test types is held to the tests that type fixes."""

import re
from pathlib import Path

from docs.generate.untyped_fixes import UNTYPED
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason

SYSTEM = Path(__file__).parents[2] / "system"
SHOWS = ("archscan ", "ssh -v", "ssh-keygen -L", "for key in", "getent ", "time ssh", "docker logs")
"""How commands begin that change nothing; ``archscan trust`` is typed in ``tests/cli/test_first_contact.py``."""


def test_a_fix_that_changes_something_is_typed_or_says_why_not():
    files = [*SYSTEM.glob("test_fixes*.py"), *(SYSTEM / "fixes").glob("*.py")]
    text = "\n".join(file.read_text() for file in files)
    typed = {reason for reason in Reason if re.search(rf'\bReason\.{reason.name}\b|"{reason}"', text)}
    untyped = {reason for reasons in UNTYPED.values() for reason in reasons}
    assert (typed & untyped, sum(map(len, UNTYPED.values()))) == (set(), len(untyped))
    left = [reason for reason in Reason if reason not in typed | untyped]
    commands = {
        reason: remedy.fix(reason, remedy.Trouble("HOST", "registry.example/app:1")).commands for reason in left
    }
    assert {reason: said for reason, said in commands.items() if any(not c.startswith(SHOWS) for c in said)} == {}
