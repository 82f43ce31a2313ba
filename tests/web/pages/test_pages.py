import asyncio
import html
import re
import subprocess
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser

import pytest

from scanner.domain.readiness import readiness
from scanner.domain.verdict.reason import Reason
from scanner.web.http.server import Server
from scanner.web.pages.findings_page import findings_page
from scanner.web.pages.fleet_index import FleetIndex
from scanner.web.pages.fleet_page import fleet_page
from scanner.web.pages.page_filter import PageFilter, fitting
from scanner.web.pages.rendering import age, environment, load_templates
from tests.builders import ARM64
from tests.counted import calls
from tests.web.conftest import finding, reading
from tests.web.fleets import fleet_of


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


PATHS = [
    "/",
    "/findings",
    "/findings?status=ok",
    "/hosts",
    "/hosts/edge-1",
    "/hosts/edge-2",
    "/hosts/web-1",
    "/images",
    "/images/ghcr.io/acme/agent:7",
    "/images?reference=legacy/{{7*7}}:1",
    "/check?image=%3Cscript%3Ealert(1)%3C/script%3E",
    "/decoder",
    "/decoder?text=%3Cscript%3Eexec%20format%20error",
    "/trail",
    "/readiness",
    "/readiness?to=linux/arm64",
    "/scanner",
    "/sign-in?to=%22%3E%3Cscript%3E",
]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_from_a_host_becomes_markup(client, path):
    got = await client.get(path)
    page = Page(got.text)
    assert got.status_code == 200
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert scripts == [{"src": "/static/archscan.js", "defer": None}]
    assert "49:1" not in got.text


@pytest.mark.parametrize("path", PATHS)
async def test_pages_load_nothing_from_elsewhere(client, path):
    page = Page((await client.get(path)).text)
    for tag, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name == "style"}, tag
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith(("/", "#")), attributes
            assert not attributes.get(name, "/").startswith("//"), attributes


@pytest.mark.parametrize("path", PATHS)
async def test_every_id_stands_once_in_its_page(client, path):
    page = Page((await client.get(path)).text)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


async def test_an_image_that_fares_in_two_ways_has_two_regions_that_are_told_apart(client, service):
    first, *_ = service.latest.findings[2:]
    other = finding("web-1", "api", Reason.EMULATED, first.workload.image)
    service.latest = replace(service.latest, findings=(first, other))
    page = Page((await client.get("/findings")).text)
    called = [attributes["aria-label"] for _, attributes in page.tags if attributes.get("role") == "region"]
    assert len(set(called)) == len(called) == 2


async def test_the_first_page_says_what_is_wrong_now(client):
    text = Page((await client.get("/")).text).text
    assert "3 workloads will not start" in text
    assert "1 host could not be read" in text
    assert text.index("ghcr.io/acme/agent:7") < text.index("cron:3") < text.index("library/backup:1")
    assert "docker buildx build --platform linux/amd64,linux/arm64 --tag ghcr.io/acme/agent:7" in text
    assert "2 hours" in text


async def test_the_picture_and_its_table_have_the_same_numbers(client):
    got = (await client.get("/")).text
    cells = [d for kind, d in re.findall(r'class="cells (\w+)" d="([^"]+)"', got)]
    step = int(re.search(r'data-step="(\d+)"', got)[1])
    drawn = sum(int(length) // step for d in cells[: len(cells) // 2] for length in re.findall(r"h(\d+)", d))
    assert drawn == 4
    row = re.search(r'platform=linux%2Famd64">linux/amd64</a></th>(.*?)</tr>', got, re.DOTALL)[1]
    assert re.findall(r">(\d+)<", row)[-1] == "2"


async def test_every_status_has_its_word_beside_its_colour(client):
    got = (await client.get("/")).text
    badges = re.findall(r'class="badge (\w+)"><span aria-hidden="true">(.)</span>(\w+)<', got)
    assert all(colour == word for colour, _, word in badges)
    assert len({symbol for _, symbol, _ in badges}) == 6


FILTERS = [
    ("/findings?status=mismatch&q=agent", "ghcr.io/acme/agent:7", "shop/worker"),
    ("/findings?reason=crlf_shebang", "shop/cron:3", "agent:7"),
    ("/findings?platform=linux/arm64", "shop/worker:2.0", "shop/cron:3"),
    ("/findings?registry=ghcr.io", "agent:7", "shop/cron:3"),
    ("/findings?stage=planned", "legacy/", "shop/cron:3"),
    ("/findings?host=edge-*", "agent:7", "shop/cron:3"),
    ("/findings?image=*/agent:*", "agent:7", "shop/cron:3"),
    ("/findings?label=team=web&q=cron", "shop/cron:3", "agent:7"),
    ("/hosts?status=unknown", "edge-2", 'href="/hosts/edge-1"'),
    ("/hosts?q=edge", "edge-2", 'href="/hosts/web-1"'),
    ("/hosts?q=edge-*", "edge-2", 'href="/hosts/web-1"'),
    ("/hosts?label=site=berlin", "edge-2", 'href="/hosts/web-1"'),
    ("/hosts?platform=unknown", "edge-2", 'href="/hosts/web-1"'),
    ("/images?q=cron", "shop/cron:3", "agent:7"),
    ("/?platform=linux/arm64", "on 1 host that match", "on 4 hosts"),
]


@pytest.mark.parametrize(("path", "there", "not_there"), FILTERS)
async def test_a_filter_in_the_address_narrows_the_page_without_scripts(client, path, there, not_there):
    got = html.unescape((await client.get(path)).text)
    body = got[got.index("<main") :]
    assert there in body
    assert not_there not in re.sub(r"<option.*?</option>", "", body)


@pytest.mark.parametrize("path", ["/", "/findings", "/hosts", "/images"])
async def test_a_filter_that_takes_nothing_says_so(client, path):
    text = Page((await client.get(f"{path}?q=zzz")).text).text
    assert re.search("Nothing here that matches|No (host|image) matches", text)


@pytest.mark.parametrize("query", ["status=fine", "reason=bad", "stage=gone", "q=" + "a" * 600])
@pytest.mark.parametrize("path", ["/", "/findings", "/hosts", "/images"])
async def test_a_filter_that_makes_no_sense_is_refused(client, path, query):
    assert (await client.get(f"{path}?{query}")).status_code == 400


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=100001"])
async def test_a_page_that_there_cannot_be_is_refused(client, query):
    assert (await client.get(f"/findings?{query}")).status_code == 400


async def test_a_page_behind_the_last_is_the_last(client):
    assert (await client.get("/hosts?page=900")).status_code == 200


async def test_a_quiet_fleet_is_told_so(client, service):
    quiet = tuple(finding for finding in service.latest.findings if finding.verdict.reason is Reason.NATIVE)
    service.latest = type(service.latest)("s", 1.0, 2.0, service.latest.hosts[:2], quiet)
    text = Page((await client.get("/")).text).text
    assert "Everything starts" in text
    assert "Nothing here" in text


async def test_before_the_first_report_a_page_says_so(client, service):
    service.latest = None
    assert "The first scan is under way" in (await client.get("/")).text
    got = await client.get("/findings", headers={"Accept": "text/html"})
    assert got.status_code == 503
    assert "The first scan is under way" in got.text
    assert 'http-equiv="refresh"' in got.text


@pytest.mark.parametrize(
    ("query", "count", "headline", "also"),
    [
        ("", 0, "There is no host to watch", "The inventory is empty"),
        ("", 1, "The only host could not be read", "nobody knows what runs there"),
        ("", 3, "None of 3 hosts could be read", "nobody knows what runs there"),
        ("?host=web-1", 3, "The only host that matches could not be read", "nobody knows what runs there"),
    ],
)
async def test_a_fleet_of_which_nothing_is_known_is_not_called_quiet(client, service, query, count, headline, also):
    hosts = tuple(reading(f"web-{number}", failed=Reason.HOST_TIMEOUT) for number in range(count))
    service.latest = type(service.latest)("s", 1.0, 2.0, hosts, ())
    page = (await client.get(f"/{query}")).text
    assert headline in Page(page).text
    assert also in Page(page).text
    assert "headline good" not in page
    found = Page((await client.get("/findings")).text).text
    assert ("nobody knows what runs there" in found) is bool(count)


async def test_a_host_page_tells_facts_gaps_and_contradictions(client):
    text = Page((await client.get("/hosts/edge-1")).text).text
    words_told = ("kernel says arm64, userland is 32 bit", "engine_denied", "docker 28.1.1", "linux/arm64", "aarch64")
    for words in (*words_told, "32-bit x86 no"):
        assert words in text
    assert "linux/amd64 until 1 day ago , then linux/arm64 linux/arm/v7 until 9 days ago , then linux/amd64" in text
    silent = Page((await client.get("/hosts/edge-2")).text).text
    assert "This host could not be read" in silent
    assert "host_timeout" in silent


async def test_a_cell_of_the_picture_leads_to_its_host(client):
    first = (await client.get("/hosts?platform=linux/amd64&cell=0")).text
    assert "<h1>web-1</h1>" in first
    assert (await client.get("/hosts?platform=linux/amd64&cell=9")).status_code == 404


async def test_an_image_page_tells_who_runs_it(client):
    text = Page((await client.get("/images/registry.example:5000/shop/api:1.4")).text).text
    assert "linux/amd64" in text
    assert "web-1" in text
    assert "web-2" in text
    assert "unknown unknown not read, so nobody knows whether they have it" in " ".join(text.split())
    assert (await client.get("/images/x")).status_code == 404


async def test_a_name_that_no_path_can_hold_has_its_page_all_the_same(client, service):
    odd = "../../x?y#z //"
    report = service.latest
    moved = [replace(one, workload=replace(one.workload, host=odd, image=odd)) for one in report.findings[:1]]
    service.latest = replace(report, hosts=(replace(report.hosts[0], name=odd),), findings=tuple(moved))
    for listing in ("/hosts", "/images"):
        links = [
            a["href"] for tag, a in Page((await client.get(listing)).text).tags if tag == "a" and "x%3Fy" in a["href"]
        ]
        assert links
        assert odd in Page((await client.get(links[0])).text).text


async def test_the_decoder_explains_what_is_pasted(client):
    form = {"text": "exec /app: exec format error"}
    text = Page((await client.post("/decoder", data=form)).text).text
    assert "exec_format_error" in text
    assert "docker image inspect" in text
    assert "Nothing in it is a known sign" in (await client.get("/decoder?text=hello")).text


async def test_every_reason_has_its_place_to_which_chips_lead(client):
    decoder = (await client.get("/decoder")).text
    assert all(f'id="{reason}"' in decoder for reason in Reason)


async def test_readiness_counts_images_by_what_is_known(client):
    text = Page((await client.get("/readiness?to=linux/arm64")).text).text
    assert "What if the fleet becomes linux/arm64?" in text
    assert "its label says linux/arm64; what it has for that was not read" in text
    for query, status in (("to=nonsense", 400), ("to=linux/amd46", 400), ("to=linux/arm64&host=edgy-1", 404)):
        assert (await client.get(f"/readiness?{query}")).status_code == status


async def test_whether_a_host_is_there_is_known_without_a_row_of_each(client, monkeypatch):
    """Rows of ten thousand hosts would hold the event loop, in which that is asked."""
    monkeypatch.setattr(FleetIndex, "rows", property(lambda _: pytest.fail("all rows were made")))
    assert (await client.get("/readiness?host=edgy-1")).status_code == 404


async def test_of_a_report_that_was_prepared_the_first_page_makes_nothing_anew(client, service, monkeypatch):
    latest, before = service.app.state.latest_index, service.latest
    shown, upcoming = latest.of(before), replace(before, scan_id="scan-2")
    latest.prepare(upcoming)
    for name in ("_row", "grouped", "drawn_for_both"):
        monkeypatch.setattr(f"scanner.web.pages.fleet_index.{name}", lambda *_: pytest.fail("it was made anew"))
    assert latest.of(before) is shown
    service.latest = upcoming
    assert (await client.get("/")).status_code == 200
    assert latest.of(upcoming).report is upcoming


async def test_an_error_is_a_page_for_people_and_a_document_for_programs(client):
    page = await client.get("/no-such-page", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "not_found" in page.text
    for accept in ("*/*", "application/json", "application/json, text/html"):
        document = await client.get("/no-such-page", headers={"Accept": accept})
        assert document.json()["reason"] == "not_found"


async def test_pages_come_packed_to_whoever_takes_that(client):
    got = await client.get("/", headers={"Accept-Encoding": "gzip"})
    assert got.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in (await client.get("/", headers={"Accept-Encoding": "identity"})).headers


@pytest.mark.parametrize("name", ["archscan.css", "archscan.js", "icon.svg"])
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


@pytest.mark.parametrize("wanted", [PageFilter(status="ok"), PageFilter(team="web"), PageFilter(registry="ghcr.io")])
def test_what_workloads_share_is_filtered_without_a_look_at_each(wanted):
    few, many = FleetIndex(fleet_of(100, workloads=20)), FleetIndex(fleet_of(400, workloads=20))
    for index in (few, many):
        index.prepare()
        assert index.select(wanted).count > 100
    assert calls(lambda: many.select(wanted).counts) < calls(lambda: few.select(wanted).counts) * 3


def test_pages_of_most_of_a_fleet_cost_by_its_hosts_and_images_not_by_its_workloads():
    few, many = FleetIndex(fleet_of(100, workloads=10)), FleetIndex(fleet_of(100, workloads=80))
    for index in (few, many):
        index.prepare()
        assert len(readiness(index.report, ARM64).by_host) > 80
    for page in (
        lambda index: fleet_page(index, PageFilter(status="ok"), (), 0),
        lambda index: findings_page(index, PageFilter(status="ok"), 1),
        lambda index: [tallies.name for tallies in readiness(index.report, ARM64).by_host],
    ):
        assert calls(partial(page, many)) < calls(partial(page, few)) * 2


def test_a_template_is_read_when_the_service_starts_and_never_again():
    load_templates()
    made = environment()
    assert not made.auto_reload
    assert {name for _, name in made.cache} == set(made.list_templates())


@pytest.mark.parametrize(
    "wanted",
    [
        PageFilter(q="worker"),
        PageFilter(q="web-000*"),
        PageFilter(q="cron-1", status="ok"),
        PageFilter(q="shop/", label="site=oslo"),
        PageFilter(q="agent", host="web-*"),
        PageFilter(host="edge-*", label="team=web"),
    ],
)
def test_what_is_sought_is_what_a_look_at_each_finds(wanted):
    index, fits = FleetIndex(fleet_of(100, workloads=20)), fitting(wanted.q)
    fitting_ones = {
        finding.key
        for host, group in index.report.by_host.items()
        for finding, one in zip(group, group.likenesses, strict=True)
        if wanted.takes_alike(one)
        and wanted.takes_where(host, index.labels_of[host])
        and any(map(fits, (host, finding.workload.name, finding.workload.image)))
    }
    found = [finding.key for some in index.select(wanted).parts.values() for finding in some]
    assert (set(found), len(found)) == (fitting_ones, len(fitting_ones))
    assert fitting_ones
