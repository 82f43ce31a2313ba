"""The rollback script on this machine, as an installed one answers, killed where a test wants it."""

from __future__ import annotations

import os
import subprocess
import uuid
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from scanner.hosts.rollback_script import rollback_script
from tests.real.process import until

KILLER = """#!/bin/sh
# The engine's client, which kills whoever called it, or its engine, before or after the call whose turn it is.
word=$1
case $* in *' up --detach '*) word=up ;; *' config '*) word=config ;; esac
case $word in
  pull|stop|update|rename|start|restart|daemon-reload|rm|up|config|create|--silent)
    turn=$(($(cat {folder}/turn) - 1))
    echo "$turn" >{folder}/turn
    if [ "$turn" -eq 0 ]; then
      [ {when} = before ] || {client} "$@"
      newest=$(ls -rt {folder}/store/????????????????????????????????/turn.*) # those that ended are empty
      kill -9 {victim}
      exit 1
    fi ;;
esac
exec {client} "$@"
"""
"""``curl`` is known by its first option."""

WORKER = "\"$(cat $newest | tail -n 1 | cut -d ' ' -f 1)\""

ASK_EACH = 10
"""Looks at the journal for one question to the script, which costs a shell."""


@dataclass
class Hand:
    """Asks the script; ``client`` are the programs that it finds first on its PATH, by their names."""

    folder: Path
    clients: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    seconds: int = 1
    enter: tuple[str, ...] = ()
    """Words before the command, where it runs elsewhere."""

    def __post_init__(self) -> None:
        """Install the script with a store of its own."""
        self.bin = self.folder / "bin"
        self.bin.mkdir(parents=True, exist_ok=True)
        text = rollback_script().decode()
        text = text.replace("store=/var/lib/archscan-rollback", f"store={self.folder}/store")
        text = text.replace("  PATH=/usr/local/sbin:", f"  PATH={self.bin}:/usr/local/sbin:")
        self.script = self.folder / "rollback.sh"
        self.script.write_text(text)
        self.script.chmod(0o755)
        self.spare()

    def spare(self) -> None:
        """Nobody is killed any more."""
        for name, client in self.clients.items():
            self._program(name, f'#!/bin/sh\nexec {client} "$@"\n')

    def kill(self, turn: int, when: str, engine: int | None = None) -> None:
        """At that call that changes something the script is killed, or that process, ``before`` or ``after`` it."""
        (self.folder / "turn").write_text(f"{turn}\n")
        victim = WORKER if engine is None else str(engine)
        for name, client in self.clients.items():
            self._program(name, KILLER.format(folder=self.folder, when=when, client=client, victim=victim))

    def killed(self) -> bool:
        """Whether that call was reached."""
        return int((self.folder / "turn").read_text()) <= 0

    def _program(self, name: str, text: str) -> None:
        new = self.bin / f"{name}.new"
        new.write_text(text)
        new.chmod(0o755)
        new.rename(self.bin / name)

    def ask(self, line: str) -> dict[str, str]:
        """What it answers to one line."""
        done = subprocess.run(
            [*self.enter, "sh", self.script], input=f"{line}\n", capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, **self.environment},
        )  # fmt: skip
        assert done.stdout.startswith("archscan-rollback 1\n"), (done.stdout, done.stderr)
        assert done.stdout.endswith("@end\n"), (done.stdout, done.stderr)
        return dict(row.partition(" ")[::2] for row in done.stdout.splitlines()[1:-1])

    def begin(self, name: str, image: str, expected: str, engine: str = "docker", kind: str = "container") -> str:
        """A new id for what is to be done."""
        made = uuid.uuid4().hex
        told = self.ask(
            f"begin {made} {engine} {kind} {name} {image} {expected.removeprefix('sha256:')} {self.seconds}"
        )
        assert told["state"] == "begun", told
        return made

    def do(self, rollback: str, *steps: str) -> dict[str, str]:
        """Do steps one after the other; how it stands then."""
        told: dict[str, str] = {}
        for step in steps:
            self.ask(f"resume {rollback}" if step == "resume" else f"do {rollback} {step}")
            told = self.wait(rollback)
        return told

    def do_killed(self, rollback: str, step: str) -> tuple[dict[str, str], int]:
        """Do a step that is killed over and over, each time at a later call, and gone on with; how often it was."""
        for kills in count():
            self.kill(1 + kills // 2, ("before", "after")[kills % 2])
            told = self.do(rollback, "resume" if kills else step)
            if not self.killed():
                break
            assert told["state"] not in {"done", "undone", "refused"}, (step, kills, told, self.log(rollback))
        self.spare()
        return told, kills

    def worker(self, rollback: str) -> int:
        """The process that works on it."""
        *_, newest = sorted((self.folder / "store" / rollback).glob("turn.*"), key=lambda turn: int(turn.suffix[1:]))
        return int(newest.read_text().split()[0])

    def wait(self, rollback: str) -> dict[str, str]:
        """How it stands once nobody works on it."""
        journal, looks = self.folder / "store" / rollback, count(1)

        def idle() -> dict[str, str] | None:
            if any(turn.stat().st_size for turn in journal.glob("turn.*")) and next(looks) % ASK_EACH:
                return None  # cheaper than to ask; one that was killed leaves the file
            told = self.ask(f"status {rollback}")
            return told if told["busy"] == "no" else None

        return until(idle, "the end of a step")

    def state(self, rollback: str) -> str:
        """How it stands, from its journal: a question to the script may take longer than a state lasts."""
        return (self.folder / "store" / rollback / "state").read_text().strip()

    def log(self, rollback: str) -> str:
        """What the programs said."""
        return (self.folder / "store" / rollback / "log").read_text()
