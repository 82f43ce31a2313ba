"""What every test can use: the real parts, and proof that nothing was left behind."""

from __future__ import annotations

import os
import sys

from hypothesis import settings

# other work on the same cores is no fault of what is tested; the same examples everywhere, others with make fuzz
settings.register_profile("busy", deadline=None, derandomize=True)
settings.register_profile("exploring", deadline=None, derandomize=False, print_blob=True)
settings.load_profile("busy")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
"""Where nothing may be kept every worker rewrites every test, then each archscan that a test starts compiles all of itself:
more than a second of a processor each time. What is kept are ``__pycache__`` folders, which git ignores, which ``make clean`` removes."""

pytest_plugins = [
    "pytester",
    "tests.real.leaks",
    "tests.real.order",
    "tests.real.require",
    "tests.real.command",
    "tests.real.elf",
    "tests.real.images",
    "tests.real.sshd",
    "tests.real.machine",
    "tests.real.network",
    "tests.real.registry",
    "tests.real.lenient",
    "tests.real.counting_proxy",
    "tests.real.queueing_proxy",
    "tests.real.engines",
    "tests.real.roots",
    "tests.real.booted",
    "tests.real.generations",
    "tests.real.monitoring",
    "tests.real.services",
    "tests.real.foreign",
]
"""Each real part is a module of its own; a fixture starts it on first use."""
