"""When a process beside a command asks its hosts."""

import os
from dataclasses import replace

import pytest

from scanner.app import fetching
from scanner.app.fetching import WORTH, fetcher_for
from scanner.app.scanning import open_scanner
from scanner.demo.environment import environment
from scanner.domain.host import Host
from scanner.settings.schema import Settings

KEYS = {"identity_file": "/nowhere/key", "known_hosts_file": "/nowhere/known_hosts"}
MANY = [Host(f"web-{number}", "10.0.0.1") for number in range(WORTH)]


@pytest.mark.parametrize(
    ("said", "hosts", "processors", "is_started"),
    [
        ({"ssh": KEYS}, MANY, 2, True),
        ({"ssh": KEYS}, MANY, 1, False),
        ({"ssh": KEYS}, MANY[1:], 2, False),
        ({"ssh": KEYS}, [*MANY[1:], Host("here", local=True)], 2, False),
        ({}, MANY, 2, False),
        ({"ssh": KEYS, "scan": {"local_images": True}}, MANY, 2, False),
        ({"ssh": KEYS, "cluster": "local:2"}, MANY, 2, False),
    ],
    ids=["many", "one processor", "few", "few over SSH", "no key", "images of hosts", "a cluster"],
)
def test_a_process_asks_where_that_pays_and_nobody_else_does(monkeypatch, said, hosts, processors, is_started):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    fetcher = fetcher_for(Settings.model_validate(said), None, hosts)
    assert (fetcher is not None) == is_started
    if fetcher is not None:
        fetcher.end()


def test_where_a_library_is_loaded_before_all_others_that_one_is_not_gone_around(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setenv("LD_PRELOAD", "libproxychains.so.4")
    assert fetcher_for(Settings.model_validate({"ssh": KEYS}), None, MANY) is None


async def test_what_it_asked_is_judged_as_what_was_asked_here(monkeypatch, tmp_path):
    monkeypatch.setattr(fetching, "WORTH", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    found = []
    async with environment(tmp_path) as (document, hosts):
        settings = Settings.model_validate(document)
        for fetcher in (None, fetcher_for(settings, None, hosts)):
            async with open_scanner(settings, None, hosts, fetcher=fetcher) as (scanner, _):
                report = await scanner.scan(hosts)
            found.append((
                [replace(reading, taken_at=0.0, last_success_at=None) for reading in report.hosts],
                [replace(finding, first_seen=0.0) for finding in report.findings],
            ))  # fmt: skip
    assert fetcher.process.returncode is not None
    assert found[0] == found[1]
