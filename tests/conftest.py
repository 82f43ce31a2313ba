"""What every test can use: the real parts, and proof that nothing was left behind."""

from __future__ import annotations

pytest_plugins = [
    "pytester",
    "tests.real.leaks",
    "tests.real.require",
    "tests.real.elf",
    "tests.real.images",
    "tests.real.sshd",
    "tests.real.registry",
    "tests.real.lenient",
    "tests.real.toll",
    "tests.real.engines",
    "tests.real.roots",
    "tests.real.booted",
    "tests.real.generations",
    "tests.real.monitoring",
    "tests.real.services",
    "tests.real.foreign",
]
"""Each real part is a module of its own; a fixture starts it on first use."""
