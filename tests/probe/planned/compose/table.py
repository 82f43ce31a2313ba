"""A table of Compose projects, and what Compose itself says of them."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "data" / "compose"
VERSIONS = {"2.26": "trixie", "2.40": "sid"}
"""Compose by the root that has it."""
RENEW = "run python -m tests.probe.planned.compose.record"

_UNSET = re.compile(r'The \\"(\w+)\\" variable is not set|The "(\w+)" variable is not set')
_KEPT = ("image", "platform", "command", "entrypoint", "environment", "working_dir", "user", "init", "tmpfs", "scale")


@dataclass
class Case:
    """One project: ``files`` by path, ``options`` for Compose, ``env`` of the shell; ``newer`` than version 2.26."""

    name: str
    files: dict[str, str] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    newer: bool = False

    @property
    def is_refused(self) -> bool:
        return self.name.endswith("refused")

    def write(self, folder: Path) -> None:
        for path, text in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)


def cases() -> list[Case]:
    found: list[Case] = []
    path = ""
    for line in (FOLDER / "projects.txt").read_text().split("\n"):
        if line.startswith("=== "):
            name, *words = line.removeprefix("=== ").split()
            found.append(Case(name, newer="newer" in words))
            for word in words:
                kind, colon, value = word.partition(":")
                if kind == "files":
                    found[-1].roots = value.split(",")
                elif colon:
                    found[-1].env[value.partition("=")[0]] = value.partition("=")[2]
        elif line.startswith("--- "):
            path = line.removeprefix("--- ")
            found[-1].files[path] = ""
        elif found:
            found[-1].files[path] += f"{line}\n"
    return found


def told(env: str | Path, compose: str | Path, folder: Path, case: Case) -> dict[str, Any]:
    """What Compose says of a project that stands in a folder; ``env`` is the program of that name."""
    argv: list[str | Path] = [compose]
    argv += [option for root in case.roots for option in ("-f", folder / root)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/root", "PWD": str(folder)} | case.env
    done = subprocess.run(
        [env, "-C", folder, *argv, "config", "--format", "json"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        return {"refused": done.stderr.strip().replace(str(folder.parent), "").split("\n")[-1][:200]}
    return reduced(json.loads(done.stdout), done.stderr)


def reduced(config: dict[str, Any], errors: str) -> dict[str, Any]:
    """What of Compose's answer a plan is compared with; its own escape of dollars taken back."""
    services = {}
    for name, body in (config.get("services") or {}).items():
        kept = {key: body[key] for key in _KEPT if body.get(key) is not None}
        kept["volumes"] = sorted([row["target"], row["type"]] for row in body.get("volumes") or ())
        kept["files"] = [
            [row.get("target") or f"{folder}{row['source']}" for row in body.get(key) or ()]
            for key, folder in (("configs", "/"), ("secrets", "/run/secrets/"))
        ]
        kept["healthcheck"] = {key: (body.get("healthcheck") or {}).get(key) for key in ("test", "disable")}
        kept["replicas"] = (body.get("deploy") or {}).get("replicas")
        kept["build"] = bool(body.get("build"))
        kept["provider"] = bool(body.get("provider"))
        services[name] = kept
    unset = sorted({one or other for one, other in _UNSET.findall(errors)})
    whole = {"name": config["name"], "services": services, "unset": unset}
    return dict(_unescaped(whole))


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [_unescaped(one) for one in value]
    return {_unescaped(key): _unescaped(one) for key, one in value.items()} if isinstance(value, dict) else value
