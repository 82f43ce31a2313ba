"""The README's installation, typed on a Debian with nothing of Python's but what the README asks for."""

import os
import re
import shutil
import subprocess

import pytest

from tests.real.require import missing
from tests.real.roots import MADE_WITHIN_S, MIRROR, cache_folder
from tests.real.wheels import ROOT, copy_of_clone, fetch_wheels

pytestmark = [pytest.mark.system, pytest.mark.engines, pytest.mark.timeout(1800)]

STEPS = re.search(r"1\. Install.*?```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
assert STEPS, "the README's first step has commands"
PACKAGES, ENVIRONMENT, INSTALL = (line.split("#")[0].strip() for line in STEPS[1].strip().splitlines())
BUILT_FROM = ("scanner", "pyproject.toml", "README.md", "LICENSE")
DEBIANS = {"bookworm": "3.11", "trixie": "3.13"}
"""With the Python that each brings."""

TYPED = f"""
set -e
mount --bind "$1" "$1"
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
exec chroot "$1" sh -ec '
cd /src
{ENVIRONMENT}
{INSTALL}
archscan --version
archscan demo --once || echo "ended with $?"
'
"""
"""Beyond what the README says: wheels from a folder, for inside there is no index."""


@pytest.fixture(scope="module", params=DEBIANS)
def bare(request, require, require_root, tmp_path_factory):
    """A minimal root of that Debian and the packages of the README's first command, with a clone and wheels in it."""
    suite = request.param
    root = tmp_path_factory.mktemp(suite) / "root"
    assert re.fullmatch(r"sudo apt-get install --yes [a-z0-9 -]+", PACKAGES)
    wanted = ",".join(PACKAGES.split()[4:])
    made = subprocess.run(
        [require("debootstrap", "debootstrap"), "--variant=minbase", f"--include={wanted}",
         *([f"--cache-dir={debs}"] if (debs := cache_folder() / "debs").is_dir() else ()),
         suite, root, os.environ.get("ARCHSCAN_TEST_MIRROR", MIRROR)],
        capture_output=True, text=True, check=False, timeout=MADE_WITHIN_S,
    )  # fmt: skip
    if made.returncode:
        missing(f"debootstrap made no root of {suite}: {made.stdout[-300:]}")
    (root / "src").mkdir()
    copy_of_clone(root / "src", BUILT_FROM)
    fetch_wheels(root / "wheels", "--python-version", DEBIANS[suite], str(ROOT), "hatchling")
    yield root
    shutil.rmtree(root, ignore_errors=True)


def test_what_the_readme_says_installs_a_working_archscan(bare, require):
    typed = subprocess.run(
        [require("unshare", "util-linux"), "--mount", "--propagation", "private", "sh", "-c", TYPED, "sh", bare],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert typed.returncode == 0, typed.stdout[-3000:] + typed.stderr[-3000:]
    assert re.search(r"^archscan \d", typed.stdout, re.MULTILINE), typed.stdout
    assert typed.stdout.rstrip().endswith("ended with 1"), "the demonstration's fleet has something that does not start"
    assert "wrong_binary" in typed.stdout
