import re
from dataclasses import replace

import pytest

from scanner.domain.override import Override
from scanner.domain.report_json import moment
from scanner.metrics.registries import RegistryObserver
from scanner.web.http.access import Access
from tests.web.conftest import NOW, TOKENS


@pytest.fixture
def row(client):
    """The row of one registry as text."""

    async def of(name):
        got = (await client.get("/scanner")).text
        found = re.search(rf'<tr><td class="code"><a href="/images\?registry={re.escape(name)}">.*?</tr>', got)
        return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())

    return of


@pytest.fixture
def clock(metrics):
    metrics.registries._clock = lambda: NOW - 7200
    return metrics.registries


async def test_what_is_left_of_a_limit_stands_with_its_age_beside_the_registry(row, clock):
    clock.rate_limit("docker.io", 1076)
    assert (await row("docker.io")).endswith("1,076 requests 2 hours ago")


async def test_a_registry_that_announced_nothing_has_no_number(row):
    assert (await row("ghcr.io")).endswith("never announced")


async def test_nothing_left_is_a_number_not_nothing(row, clock):
    clock.rate_limit("docker.io", 0)
    assert "0 requests" in await row("docker.io")


async def test_a_registry_without_images_of_the_fleet_has_its_row(row, clock):
    clock.rate_limit("quay.io", 5)
    assert (await row("quay.io")).startswith("quay.io 0 ")


def test_names_that_a_host_made_up_are_not_kept(metrics):
    observer: RegistryObserver = metrics.registries
    for number in range(100):
        observer.rate_limit(f"made-up-{number}.example", 1)
    assert observer.left == {}


# ---------------------------------------------------------------- who answers for what

NEEDED = {"owner": "ada", "reason": "needed <tonight>", "until": "2026-06-20", "image": "r.example/app:1"}


@pytest.fixture
async def operator(client_of, app_with, token_list):
    """Somebody who signed in and may operate; sends a form of the page."""
    every = frozenset(scope for token in token_list for scope in token.scopes)
    client = client_of(app_with(Access([replace(token, scopes=every) for token in token_list])))
    await client.post("/sign-in", data={"token": TOKENS["operate"], "next": "/"})

    async def send(path, **fields):
        proof = re.search(r'name="csrf" value="([0-9a-f]+)"', (await client.get("/scanner")).text)[1]
        return await client.post(path, data={"csrf": proof, **fields}, headers={"Accept": "text/html"})

    send.get = client.get
    return send


async def test_an_override_is_added_shown_and_ended_by_who_may_operate(operator, service):
    assert "Nobody answers for a deployment against the gate." in (await operator.get("/scanner")).text
    added = await operator("/scanner/overrides", **NEEDED, host="")
    assert (added.status_code, added.headers["location"]) == (303, "/scanner#overrides")
    [made] = service.overrides.given.values()
    assert (made.owner, made.image, made.host, moment(made.until)) == (
        "ada",
        "r.example/app:1",
        "*",
        "2026-06-20T23:59:59.000Z",
    )
    page = (await operator.get("/scanner")).text
    section = page.partition('id="overrides"')[2].partition("</section>")[0].replace("<wbr>", "")
    for words in ("ada", "needed &lt;tonight&gt;", "r.example/app:1", ">all<", ">2026-06-20<"):
        assert words in section
    assert (await operator(f"/scanner/overrides/{made.id}/end")).status_code == 303
    assert service.overrides.given == {}
    assert (await operator(f"/scanner/overrides/{made.id}/end")).status_code == 404


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"until": "soon"}, "until is a day, such as 2027-01-31"),
        ({"until": "2020-01-31"}, "until is in the past"),
        ({"image": "*"}, "name an image: nobody answers for everything"),
        ({"owner": " "}, "owner: is required"),
    ],
)
async def test_an_override_that_makes_no_sense_is_refused_in_words(operator, service, change, says):
    refused = await operator("/scanner/overrides", **(NEEDED | change))
    assert (refused.status_code, says in refused.text, "override_invalid" in refused.text) == (400, True, True)
    assert service.overrides.given == {}


async def test_who_may_only_read_sees_overrides_and_is_offered_nothing(client, service):
    service.overrides.given = {"1": Override("1", "ada", "why", NOW + 3600, "r.example/app:1", "web-*")}
    page = (await client.get("/scanner")).text
    section = page.partition('id="overrides"')[2].partition("</section>")[0].replace("<wbr>", "")
    assert ("web-*" in section, ">2026-05-28 21:26 UTC<" in section, "<form" in section) == (True, True, False)
