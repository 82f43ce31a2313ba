"""The reference page of all settings, made from the schema."""

from __future__ import annotations

from itertools import groupby

from scanner.settings.describe import Described, describe

_HEAD = """# Configuration

One YAML file, `archscan.yml`: `--config FILE`, `ARCHSCAN_CONFIG`, `./archscan.yml` or `/etc/archscan/archscan.yml`, the
first that there is. It is strict: unknown and duplicate keys, wrong types and ranges are refused with file, line, path
and the nearest right key; `archscan config check` shows them all. Durations are written `30s`, `5m`, `4h`, `90d`, sizes
`64KiB`, `4MiB`. Relative paths start from the file's folder. Every secret can be a `*_file`.

Each setting but lists can be overridden by the environment: `ARCHSCAN_` and its path in capitals, the parts joined by two
underscores, such as `ARCHSCAN_SSH__CONNECT_TIMEOUT=5s`.

`SIGHUP` or `POST /-/reload` read the file again. A bad file keeps the last good one, and
`archscan_config_last_reload_successful` goes to 0. A reload that would lose more than half of the hosts is refused unless
`scan.allow_shrink` is set. A running scan ends on the settings it began with.

[config/archscan.yml](../config/archscan.yml) shows the usual keys. This page is made from the code:
`python -m scanner.settings.page`.
"""


def page() -> str:
    """All settings in Markdown, a table for each section."""
    parts = [_HEAD]
    for section, settings in groupby(describe(), key=_section):
        parts.append(
            f"\n## {section}\n\n| setting | type | range | default | meaning |\n| --- | --- | --- | --- | --- |\n"
        )
        parts.extend(_row(setting) for setting in settings)
    return "".join(parts)


def _section(setting: Described) -> str:
    return setting.path.partition(".")[0].replace("[]", "")


def _row(setting: Described) -> str:
    cells = (f"`{setting.path}`", setting.type, setting.range, setting.default, setting.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 -- this is the page's generator
