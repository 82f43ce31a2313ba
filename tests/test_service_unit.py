"""The systemd unit: systemd understands it, and finds little that it could misuse."""

import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "config" / "systemd" / "archscan.service"
EXPOSURE_MAX = "20"
"""Tenths; what is left is mostly the network, which the service is for."""


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that exists here."""
    file = tmp_path / UNIT.name
    file.write_text(UNIT.read_text().replace("/opt/archscan/bin/archscan", "/bin/true"))
    return file


@pytest.mark.parametrize("words", [("verify",), ("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}")])
def test_systemd_has_no_complaint(words, unit, require):
    program = require("systemd-analyze", "systemd")
    done = subprocess.run([program, *words, unit], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "archscan.service" not in done.stderr, done.stderr
