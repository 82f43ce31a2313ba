"""Real shells, with engines in their path that write down how they are called."""

import subprocess

import pytest

SPY = """#!/bin/sh
{ printf '%s\\0' "${0##*/}" "$@"; printf '\\n\\0'; } >>"$SPY_LOG"
case "$1 ${2-}" in *" -i" | load* | attach*) cat >/dev/null ;; esac
exit "$SPY_CODE"
"""


@pytest.fixture(scope="module", params=["dash", "bash"])
def seen(request, require, tmp_path_factory):
    """``seen(script)``: the words of every engine that a real shell starts, with engines that succeed, then fail."""
    shell = require(request.param, request.param)
    home = tmp_path_factory.mktemp("spies")
    for name in ("docker", "podman"):
        (home / name).write_text(SPY)
        (home / name).chmod(0o755)

    def run(script):
        found = set()
        for code in "01":
            log = home / "log"
            log.write_bytes(b"")
            env = {"PATH": f"{home}:/usr/bin:/bin", "SPY_LOG": str(log), "SPY_CODE": code}
            subprocess.run([shell, "-c", script], env=env, capture_output=True, check=False, cwd="/", timeout=60)
            for line in log.read_bytes().decode().split("\n\0")[:-1]:
                found.add(tuple(line.split("\0")[:-1]))
        return found

    return run
