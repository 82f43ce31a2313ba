"""The pages in a real browser: sizes, scripts, keyboard, contrast, paper; fleets of ten, three hundred, ten thousand."""

import hashlib
import os
import re
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from scanner.domain.override import Override
from scanner.domain.waiver import Waiver
from scanner.metrics import Metrics
from scanner.service.recording import Recording
from scanner.store.store import Store
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from scanner.web.http.access import Access, Scope, Token
from scanner.web.http.server import Server
from tests.web.conftest import NOW, TOKENS, FakeService, ready_app
from tests.web.fleets import HOSTILE, fleet_of, hostile_fleet

pytestmark = pytest.mark.system

PICTURES = os.environ.get("ARCHSCAN_PICTURES")
"""Where screenshots go, for the documentation; nowhere in a usual run."""

WIDTHS = (1280, 390)
MAX_BYTES = 300 * 1024
MAX_ELEMENTS = 6000
"""A page of a hundred rows; ten thousand hosts must not make it longer."""

ROWS_OF_FILTER = "new Set([...document.querySelectorAll('form.filter > *')].filter(one => one.offsetParent).map(one => Math.round(one.getBoundingClientRect().bottom))).size"

NARROWEST_PROSE = "Math.min(1000, ...[...document.querySelectorAll('td.prose')].map(cell => cell.offsetWidth))"
"""Pixels; a sentence in a column of three letters is not read."""

CUT_TABLES = "Math.max(0, ...[...document.querySelectorAll('.scroll')].map(one => one.scrollWidth - one.clientWidth))"
"""Pixels of a table that are seen by scrolling alone."""

NARROWEST_IMAGE = "Math.min(1000, ...[...document.querySelectorAll('.what .image')].map(one => one.offsetWidth))"

TALLEST_CHIP = "Math.max(0, ...[...document.querySelectorAll('td .label, td .reason')].map(one => one.offsetHeight))"

PAGE_IN_MENU = """() => {
    const here = document.querySelector(".bar nav [aria-current]").getBoundingClientRect();
    return here.left >= 0 && here.right <= innerWidth;
}"""

SMALLEST_LETTERS = "Math.min(100, ...[...document.querySelectorAll('svg text')].filter(one => one.getClientRects().length).map(one => one.getBoundingClientRect().height))"

NARROWEST_NAME = (
    "Math.min(1000, ...[...document.querySelectorAll('td > a.code, td.code > a')].map(one => one.offsetWidth))"
)
"""Pixels of the name of an image or registry, which is broken where one of its parts ends."""

EVERYTHING = frozenset({Scope.READ, Scope.GATE, Scope.OPERATE})


@asynccontextmanager
async def serving(count=0, *, signed=False, latest=None, recording=None):
    """A server of a made-up fleet; gives its address and the service behind it."""
    service = FakeService()
    if count or latest:
        service.latest = latest or fleet_of(count)
    service.recording = recording or service.recording
    tokens = [Token("ada", hashlib.sha256(TOKENS["operate"].encode()).hexdigest(), EVERYTHING)] if signed else []
    app = ready_app(service, Metrics("0.1.0"), Access(tokens), version="0.1.0", clock=lambda: NOW)
    server = Server(app, "127.0.0.1", 0)
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}", service
    finally:
        service.finish.set()
        await service.queue.close()
        await server.stop()


@asynccontextmanager
async def looking(browser, **options):
    """A page of a fresh context; whatever a browser complains about fails the test."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    complaints = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert not complaints


async def signed_in(page, address):
    await page.goto(f"{address}/sign-in")
    await page.fill("input[name=token]", TOKENS["operate"])
    await page.click("button.main")


def paths_of(service):
    finding = next(f for f in service.latest.findings if f.verdict.status != "ok")
    return {
        "fleet": "/",
        "findings": "/findings",
        "hosts": "/hosts",
        "host": f"/hosts/{finding.workload.host}",
        "images": "/images",
        "image": f"/images/{finding.workload.image}",
        "check": "/check",
        "decoder": "/decoder?text=exec%20/app:%20exec%20format%20error",
        "readiness": "/readiness?to=linux/arm64",
        "trail": "/trail",
        "scanner": "/scanner",
    }


@pytest.mark.parametrize("count", [10, 300, 10_000])
async def test_every_page_fits_its_screen_and_its_budget_at_every_size(browser, count):
    async with serving(count) as (address, service), looking(browser) as page:
        for name, path in paths_of(service).items():
            answer = await page.goto(address + path)
            assert answer.status == 200, path
            assert (await answer.request.sizes())["responseBodySize"] <= MAX_BYTES, path
            assert await page.evaluate("document.querySelectorAll('*').length") <= MAX_ELEMENTS, path
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
                assert width < 1280 or await page.evaluate(ROWS_OF_FILTER) <= 1, path
                assert await page.evaluate(CUT_TABLES) == 0, (path, width)
                assert await page.evaluate(TALLEST_CHIP) < 40, f"{path}: words in letters under each other"
                assert await page.evaluate(NARROWEST_PROSE) >= 200, (path, width)
                assert await page.evaluate(NARROWEST_NAME) >= 140, (path, width)
                assert await page.evaluate(SMALLEST_LETTERS) >= 11, (path, width)
                if PICTURES and is_pictured(name, count, width):
                    target = Path(PICTURES) / f"{name}-{count}{'-narrow' if width == 390 else ''}.png"
                    await page.screenshot(path=target)


@pytest.fixture
async def told_of_the_hostile(tmp_path):
    """A trail of findings whose names are as long and odd as they may be."""
    store = await Store.open(f"sqlite:///{tmp_path}/s.db")
    trail = Trail(store, Signer.made("log.example/" + "o" * 100), clock=lambda: NOW)
    await trail.open()
    about = [{"host": "h" * 250, "workload": name, "image": "i" * 255, "detail": "d" * 900} for name in HOSTILE]
    await trail.append(*(Entry(Event.FINDING_OPENED, NOW, "b" * 120, one) for one in about))
    yield Recording(trail, lambda: NOW)
    await store.close()


async def test_whatever_things_are_called_pages_fit_their_screen(browser, told_of_the_hostile):
    async with (
        serving(latest=hostile_fleet(), recording=told_of_the_hostile, signed=True) as (address, service),
        looking(browser) as page,
    ):
        service.given = {name: Waiver(name, name, "v" * 500, NOW + 60, image="i" * 255) for name in HOSTILE}
        service.overrides.given = {name: Override(name, name, "w" * 500, NOW + 60, "i" * 255, name) for name in HOSTILE}
        await signed_in(page, address)
        for path in paths_of(service).values():
            answer = await page.goto(address + path)
            assert answer.status == 200, path
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
                assert await page.evaluate(NARROWEST_IMAGE) >= 200, (path, width)
                assert await page.evaluate(CUT_TABLES) == 0, (path, width)


def is_pictured(name, count, width):
    """Whether the documentation shows this page at this size; ten thousand hosts are scanned for it (``tests/bench/picture``)."""
    if name == "fleet":
        return (count, width) in {(300, 1280), (300, 390)}
    return (count, width) == (300, 1280) and name != "trail"  # this fleet has none


async def test_on_a_narrow_screen_the_menu_shows_where_one_is(browser):
    async with serving(10) as (address, service), looking(browser, viewport={"width": 390, "height": 900}) as page:
        for path in paths_of(service).values():
            await page.goto(address + path)
            assert await page.evaluate(PAGE_IN_MENU), path


async def test_the_picture_of_ten_thousand_hosts_is_one_path_for_each_status(browser):
    async with serving(10_000) as (address, _), looking(browser) as page:
        await page.goto(address)
        kinds = await page.evaluate(
            "[...document.querySelectorAll('svg.fleet.wide path')].map(p => p.className.baseVal)"
        )
        assert len(kinds) == len(set(kinds)) <= 7
        await page.mouse.move(*await middle_of_first_cell(page))
        assert re.match(r"Host 1 of [\d]+, linux/amd64", await page.inner_text("#cell"))
        await page.mouse.click(*await middle_of_first_cell(page))
        await page.wait_for_url("**/hosts?*cell=0")
        assert "mismatch" in await page.inner_text("main")


async def middle_of_first_cell(page):
    await page.locator("svg.fleet.wide").scroll_into_view_if_needed()
    return await page.evaluate("""() => {
        const svg = document.querySelector("svg.fleet.wide"), box = svg.getBoundingClientRect();
        const scale = box.width / svg.viewBox.baseVal.width, half = Number(svg.dataset.step) / 2;
        return [box.left + half * scale, box.top + (20 + half) * scale];
    }""")


WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


@pytest.mark.parametrize(
    ("scheme", "pages", "rules"),
    [
        ("light", None, {"type": "tag", "values": WCAG}),
        ("dark", ("/", "/findings", "/readiness?to=linux/arm64"), COLOURS),
    ],
)
async def test_axe_finds_nothing_on_any_page(browser, scheme, pages, rules):
    axe = (files("axe_playwright_python") / "axe.min.js").read_text()
    async with serving(10, signed=True) as (address, service), looking(browser, color_scheme=scheme) as page:
        await signed_in(page, address)
        found = {}
        for path in pages or (*paths_of(service).values(), "/sign-in"):
            await page.goto(address + path)
            await page.evaluate(axe)
            asked = {"runOnly": rules, "resultTypes": ["violations"]}
            result = await page.evaluate("asked => axe.run(document, asked)", asked)
            assert result["passes"]
            for violation in result["violations"]:
                found[path, violation["id"]] = [node["html"][:160] for node in violation["nodes"][:3]]
        assert not found


async def test_a_keyboard_alone_reaches_what_is_wrong_and_filters_it(browser):
    async with serving(300) as (address, _), looking(browser) as page:
        await page.goto(address)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to content"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"
        await page.keyboard.press("/")
        await page.keyboard.type("worker")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/findings?q=worker")
        await page.focus("details.group summary")
        await page.keyboard.press("Enter")
        assert not await page.evaluate("document.querySelector('details.group').open")
        await page.select_option("select[name=status]", "mismatch")
        await page.focus("form.filter button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**status=mismatch**")


async def test_questions_are_answered_within_three_clicks(browser):
    async with serving(signed=True) as (address, _), looking(browser) as page:
        await signed_in(page, address)
        await page.goto(address)  # what is broken now, why, since when, what to type
        first = page.locator("details.group").first
        said = await first.inner_text()
        for words in (
            "shop/worker:2.0",
            "offers linux/amd64, this host runs linux/arm64",
            "2 hours",
            "docker buildx build",
        ):
            assert words in said
        await first.locator(".inside a.code").first.click()  # where else this image runs
        await page.wait_for_url("**/images/registry.example:5000/shop/worker:2.0")
        assert "edge-1" in await page.inner_text("main")
        await page.goto(f"{address}/hosts/web-1")  # what breaks if this host becomes arm64
        await page.click("text=What if it becomes another platform?")
        assert "What if the fleet becomes linux/arm64?" in await page.inner_text("h1")
        assert "registry.example:5000/shop/api:1.4" in await page.inner_text("main")
        await page.goto(f"{address}/hosts/edge-1")  # what the gate would say
        await page.click("text=May an image go here?")
        await page.fill("textarea", "ghcr.io/acme/agent:7")
        await page.click("main button.main")
        assert "deny" in (await page.inner_text(".decision")).lower()
        await page.click(".finding a.reason")  # a chip leads to its explanation
        assert await page.evaluate("document.querySelector(':target dd').textContent") == (
            "The program inside is for another CPU, whatever the image's label says."
        )


async def test_a_scan_is_asked_for_and_followed_while_it_goes_on(browser):
    async with serving(signed=True) as (address, service), looking(browser) as page:
        await signed_in(page, address)
        await page.goto(f"{address}/scanner")
        await page.click("text=Scan now >> nth=-1")
        await page.wait_for_url("**/scanner?scan=*")
        await page.locator("#scan-says", has_text="1 of 4").wait_for()
        service.finish.set()
        await page.locator("#scan[data-ended=yes]").wait_for()
        assert "done" in await page.inner_text("#scan-says")
        assert service.asked == [("scan", "ada")]


async def test_without_scripts_everything_can_be_read(browser):
    async with serving(10) as (address, service):
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        for path in paths_of(service).values():
            await page.goto(address + path)
            assert await page.locator("h1").is_visible()
        await page.goto(f"{address}/hosts")
        await page.fill("form.filter input[name=q]", "zzz")
        await page.click("form.filter button")
        assert "No host matches" in await page.inner_text("main")
        await context.close()


async def test_paper_has_no_controls_and_all_the_words(browser):
    async with serving(300) as (address, _), looking(browser) as page:
        await page.emulate_media(media="print")
        await page.goto(f"{address}/findings")
        for control in (".bar nav", ".seek", "form.filter"):
            assert not await page.locator(control).first.is_visible()
        assert await page.locator("details.group").first.is_visible()
