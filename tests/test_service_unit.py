"""The systemd units: systemd understands them, and finds little that they could misuse."""

import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parent.parent / "config" / "systemd"
EXPOSURE_MAX = "20"
"""Tenths; what is left is mostly the network, which the service is for."""


@pytest.fixture(params=["archscan.service", "archscan-worker.service"])
def unit(request, tmp_path):
    """A unit with a program that exists here."""
    file = tmp_path / request.param
    file.write_text((SYSTEMD / request.param).read_text().replace("/opt/archscan/bin/archscan", "/bin/true"))
    return file


@pytest.mark.parametrize("words", [("verify",), ("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}")])
def test_systemd_has_no_complaint(words, unit, require):
    program = require("systemd-analyze", "systemd")
    done = subprocess.run([program, *words, unit], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert unit.name not in done.stderr, done.stderr
