"""The site of the documentation: its generator refuses no link, every page is in its menu, nothing leads outside."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.rows import each_row

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+).+?\1")
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")


def menu(entries):
    """The pages of a menu, however deep."""
    for entry in entries:
        for inside in [entry] if isinstance(entry, str) else entry.values():
            yield from [inside] if isinstance(inside, str) else menu(inside)


def targets(page):
    """Where a page's links and pictures lead, but for other sites."""
    text = _CODE.sub("", _FENCE.sub("", (DOCS / page).read_text(encoding="utf-8")))
    return [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def test_every_page_is_in_the_menu_once():
    named = list(menu(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))
    assert sorted(named) == PAGES


@each_row("page", PAGES)
def test_a_page_leads_to_files_of_the_documentation_that_are_there(page):
    for target in targets(page):
        path = target.partition("#")[0]
        found = ((DOCS / page).parent / path).resolve() if path else DOCS / page
        assert found.is_file(), target
        assert found.is_relative_to(DOCS), target


def test_the_site_is_built_with_strict_links_and_asks_nobody_else_for_anything(tmp_path):
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    words = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    made = {path.parent.name for path in (tmp_path / ".setup" / "site").rglob("index.html")}
    assert {"start", "deciding", "ci", "security", "scaling", "api", "faq"} <= made
    text = (tmp_path / ".setup" / "site" / "start" / "index.html").read_text()
    assert not re.findall(r'<(?:link[^>]+href|script[^>]+src|img[^>]+src)="https?://(?!archscan)[^"]+"', text)


def test_the_figure_that_opens_the_readme_is_what_was_measured():
    measured = (DOCS / "performance.md").read_text(encoding="utf-8").partition("## One scan")[0]
    times = {}
    for hosts, table in re.findall(r"^(\d+) hosts:\n\n((?:\|.*\n)+)", measured, re.MULTILINE):
        rows = re.findall(r"^\| ([^|]+) \|.* ([\d.]+) \|$", table, re.MULTILINE)
        times |= {(int(hosts), tool): float(ratio) for tool, ratio in rows}
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert (
        "of 1,000 hosts it takes less than a fifth of the processor time of `xargs -P 100 ssh`, for 100 a tenth or less of"
        " that of `ansible -m raw`" in said
    )
    assert times[1000, "xargs -P 100 ssh"] > 5
    assert times[100, "ansible -m raw, 50 forks"] >= 10
