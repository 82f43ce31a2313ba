"""Makes a release: ``make release`` puts wheel, sdist, SBOM and checksums into ``dist``."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from release.sbom import sbom

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Build it anew; what an older run left is gone first."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(dist)], cwd=ROOT, check=True)  # noqa: S603 -- our own words
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = sbom(project, (ROOT / "requirements.lock").read_text())
    bill = dist / f"{project['name']}-{project['version']}.cdx.json"
    bill.write_text(json.dumps(told, indent=1) + "\n")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(dist.iterdir())]
    (dist / "SHA256SUMS").write_text("".join(sums))
    sys.stdout.write("".join(sums))
    return 0


if __name__ == "__main__":
    sys.exit(main())
