import asyncio
import re
import subprocess
from html.parser import HTMLParser

import pytest

from scanner.domain.verdict.reason import Reason
from scanner.web.http.server import Server
from scanner.web.pages.pages import age


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        self.words.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


PATHS = ["/", "/?status=ok", "/hosts/edge-1", "/hosts/edge-2", "/hosts/web-1", "/images?reference=ghcr.io/acme/agent:7"]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_from_a_host_becomes_markup(client, path):
    got = await client.get(path)
    page = Page(got.text)
    assert got.status_code == 200
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert scripts == [{"src": "/static/copy.js", "defer": None}]
    assert "49:1" not in got.text


@pytest.mark.parametrize("path", PATHS)
async def test_pages_load_nothing_from_elsewhere(client, path):
    page = Page((await client.get(path)).text)
    for tag, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name == "style"}, tag
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith(("/", "#")), attributes


async def test_the_first_page_says_what_is_wrong_now(client):
    text = Page((await client.get("/")).text).text
    assert "3 workloads will not start" in text
    assert "1 host could not be read" in text
    assert text.index("agent on edge-1") < text.index("cron on web-1") < text.index("backup on web-2")
    assert "docker buildx build --platform linux/amd64,linux/arm64 --tag ghcr.io/acme/agent:7" in text
    assert "for 2 hours" in text


async def test_every_status_has_its_word_beside_its_colour(client):
    got = (await client.get("/")).text
    badges = re.findall(r'class="badge (\w+)"><span aria-hidden="true">(.)</span>(\w+)<', got)
    statuses = {(colour, word) for colour, _, word in badges if word not in ("read", "failed")}
    assert all(colour == word for colour, word in statuses)
    assert len({symbol for colour, symbol, word in badges if colour == word}) == 6


async def test_the_filter_works_without_scripts(client):
    page = Page((await client.get("/?status=mismatch&host=edge&image=agent")).text)
    assert "agent on edge-1" in page.text
    assert "api on edge-1" not in page.text
    assert ("form", {"action": "/#findings", "method": "get", "class": "filter"}) in page.tags
    assert "Nothing here that matches" in Page((await client.get("/?host=zzz")).text).text


@pytest.mark.parametrize("query", ["status=fine", "page=0", "page=x", "host=" + "a" * 600])
async def test_a_filter_that_makes_no_sense_is_refused(client, query):
    assert (await client.get(f"/?{query}")).status_code == 400


async def test_a_quiet_fleet_is_told_so(client, service):
    quiet = tuple(finding for finding in service.latest.findings if finding.verdict.reason is Reason.NATIVE)
    service.latest = type(service.latest)("s", 1.0, 2.0, service.latest.hosts[:2], quiet)
    text = Page((await client.get("/")).text).text
    assert "Everything starts" in text
    assert "Nothing here" in text


async def test_a_host_page_tells_facts_gaps_and_contradictions(client):
    text = Page((await client.get("/hosts/edge-1")).text).text
    for words in ("kernel says arm64, userland is 32 bit", "engine_denied", "docker 28.1.1", "linux/arm64", "aarch64"):
        assert words in text
    silent = Page((await client.get("/hosts/edge-2")).text).text
    assert "This host could not be read" in silent
    assert "host_timeout" in silent


async def test_an_image_page_tells_who_runs_it(client):
    text = Page((await client.get("/images?reference=registry.example:5000/shop/api:1.4")).text).text
    assert "linux/amd64" in text
    assert "web-1" in text
    assert "web-2" in text
    assert (await client.get("/images?reference=x")).status_code == 404


@pytest.mark.parametrize("name", ["archscan.css", "copy.js", "icon.svg"])
async def test_static_files_are_served(client, name):
    assert (await client.get(f"/static/{name}")).status_code == 200


@pytest.mark.parametrize("name", ["../pages.py", "%2e%2e/pages.py", "page.html", ""])
async def test_nothing_else_is_served(client, name):
    assert (await client.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "never"),
        (100.0, "less than a minute"),
        (200.0, "less than a minute"),
        (40.0, "1 minute"),
        (-7200.0, "2 hours"),
        (-200_000.0, "2 days"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds, words):
    assert age(100.0, seconds) == words


@pytest.mark.system
async def test_a_browser_runs_our_script_and_nothing_else(app_with, tmp_path, require):
    browser = require("chromium", "chromium")
    server = Server(app_with(), "127.0.0.1", 0)
    await server.start()
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=3000 --dump-dom"
    )
    command = [browser, *options.split(), f"--user-data-dir={tmp_path}", f"http://127.0.0.1:{server.port}/"]
    shown = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    await server.stop()
    assert shown.stdout.count('<button type="button">Copy</button>') == 6
    assert "Content Security Policy" not in shown.stderr
