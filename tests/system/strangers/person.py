"""Somebody at a machine of their own, who types what the README says and answers what they are asked."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real import command
from tests.real.process import run

if TYPE_CHECKING:
    from tests.real.machine import Machine

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
FIVE_MINUTES = README.partition("## Your own hosts in five minutes")[2].partition("\n## ")[0]
ANSWERS = b"y\n" * 40
"""Yes to whatever is asked; a line that nobody reads goes with the terminal."""
ENDED_WITHIN_S = 120


def step(number: int) -> list[str]:
    """The commands of one step, as they stand in its shell block, without what is said of them."""
    text = FIVE_MINUTES.partition(f"\n{number}. ")[2].partition(f"\n{number + 1}. ")[0]
    block = textwrap.dedent("".join(re.findall(r"^   ```sh\n(.*?)   ```", text, re.DOTALL | re.MULTILINE)))
    return [line.partition("  # ")[0].rstrip() for line in block.splitlines()]


@dataclass(frozen=True)
class Said:
    """How a command ended, what it printed, what it told the person."""

    code: int
    printed: str
    told: str


@dataclass(frozen=True)
class Person:
    """A home with a key and an ssh of its own, a folder to work in; both programs are on the PATH."""

    home: Path
    work: Path

    @classmethod
    def arrived(cls, folder: Path, ssh_config: str = "") -> Person:
        """One whose ``~/.ssh/config`` says that, before what holds for every host."""
        home, work, programs = folder / "home", folder / "work", folder / "bin"
        for each in (home / ".ssh", work, programs):
            each.mkdir(parents=True)
        ssh = home / ".ssh"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "person", "-f", ssh / "id_ed25519")
        every = f"IdentityFile {ssh}/id_ed25519\n  UserKnownHostsFile {ssh}/known_hosts\n  BatchMode yes"
        (ssh / "config").write_text(f"{ssh_config}\nHost *\n  {every}\n")
        (ssh / "known_hosts").touch()
        # ssh asks the system where home is, archscan the environment
        for name, script in (
            ("archscan", command.script_of(command._addresses[-1])),
            ("ssh", f'#!/bin/sh\nexec /usr/bin/ssh -F {ssh}/config "$@"\n'),
        ):
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)
        return cls(home, work)

    @property
    def public_key(self) -> str:
        """The line that lets this person in."""
        return (self.home / ".ssh" / "id_ed25519.pub").read_text()

    def is_let_in(self, machine: Machine, account: str = "root") -> None:
        """Have logged in there before: the machine knows the key, the person its host key. A login of their own may sudo."""
        if account == "root":
            machine.type(f"cat >>/root/.ssh/authorized_keys <<'END'\n{self.public_key}END")
        else:
            machine.account(account, self.public_key)
            machine.type(f"echo '{account} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{account}")
        self.knows(machine.known_hosts)

    def knows(self, keys: Path) -> None:
        """Believe these host keys."""
        with (self.home / ".ssh" / "known_hosts").open("a") as known:
            known.write(keys.read_text())

    @property
    def environment(self) -> dict[str, str]:
        """What a shell of theirs has."""
        return {"PATH": f"{self.home.parent}/bin:{os.environ['PATH']}", "HOME": str(self.home), "COLUMNS": "200"}

    def types(self, line: str) -> Said:
        """What a command says to who sits at a terminal and says yes."""
        keyboard, terminal = os.openpty()
        try:
            os.write(keyboard, ANSWERS)
            done = subprocess.run(
                ["sh", "-ec", line], cwd=self.work, env=self.environment, stdin=terminal, capture_output=True, text=True,
                timeout=ENDED_WITHIN_S, check=False,
            )  # fmt: skip
        finally:
            os.close(keyboard)
            os.close(terminal)
        assert "Traceback" not in done.stderr, done.stderr
        return Said(done.returncode, done.stdout, done.stderr)
