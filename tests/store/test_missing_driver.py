"""A store whose driver is not installed."""

import subprocess
import sys

WITHOUT = """
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name == "psycopg":
            raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")
sys.meta_path.insert(0, Nowhere())
from scanner import cli
from scanner.app.main import _operations, _version
sys.exit(cli.run(_operations, _version))
"""


def test_postgresql_without_its_driver_names_the_extra(tmp_path):
    file = tmp_path / "archscan.yml"
    file.write_text(
        "inventory: [{kind: local, name: box}]\nstore: {url: 'postgresql://u@h/db'}\nweb: {listen: '127.0.0.1:0'}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "serve", "--config", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "archscan: store.url: postgresql needs psycopg, which is not installed: pip install 'archscan[postgresql]'\n"
    )
