from dataclasses import replace

import pytest

from scanner.domain.image.offers import BuiltFrom
from scanner.web.pages.rendering import is_link

COMMIT = "4f2a9c1d7be05f3386a1c2d4e5f60718293a4b5c"
AGENT = "ghcr.io/acme/agent:7"


@pytest.fixture
def owned(service):
    """The agent is the edge team's, and says what it was built from; everything else is the shop's."""

    def made(repository="https://git.example/acme/agent", revision=COMMIT, team="edge & co"):
        def of(finding):
            if finding.workload.image != AGENT:
                return replace(finding, team="shop")
            source = BuiltFrom(repository, revision)
            return replace(finding, team=team, verdict=replace(finding.verdict, built_from=source))

        service.latest = replace(service.latest, findings=tuple(map(of, service.latest.findings)))

    return made


@pytest.mark.parametrize("path", ["/findings", "/hosts/edge-1", f"/images/{AGENT}"])
async def test_a_page_tells_whose_it_is_and_what_it_was_built_from(client, owned, path):
    owned()
    got = (await client.get(path)).text
    assert '<a href="https://git.example/acme/agent" rel="noreferrer noopener nofollow external">' in got
    assert f'title="{COMMIT}">{COMMIT[:12]}</span>' in got
    assert 'href="/findings?team=edge%20%26%20co">edge &amp; co</a>' in got


@pytest.mark.parametrize(
    "address",
    [
        "http://git.example/a",
        "ssh://git.example/a",
        "git://git.example/a",
        "javascript:alert(1)",
        "https://a@evil.example/",
    ],
)
@pytest.mark.parametrize("path", ["/findings", "/hosts/edge-1", f"/images/{AGENT}"])
async def test_what_is_no_https_address_stays_text(client, owned, path, address):
    owned(repository=address)
    got = (await client.get(path)).text
    assert f'<span class="code">{address}</span>' in got
    assert f'href="{address}' not in got


@pytest.mark.parametrize("address", ["https://git.example/a", "https://127.0.0.1:3000/a/b"])
def test_an_https_address_is_a_link(address):
    assert is_link(address)


@pytest.mark.parametrize(
    "address", ["", "https://", "https:///a", "HTTPS ://x", "https://a b", "https://a\n", "//x", "https://ä"]
)
def test_what_leads_nowhere_is_no_link(address):
    assert not is_link(address)


@pytest.mark.parametrize("path", ["/findings", "/hosts", "/images", "/"])
async def test_a_team_in_the_address_narrows_every_list(client, owned, path):
    owned()
    got = (await client.get(f"{path}?team=edge+%26+co")).text
    body = got[got.index("<main") :]
    assert "team: edge &amp; co" in body
    assert "shop/cron:3" not in body
    assert 'href="/hosts/web-1"' not in body


async def test_a_fleet_without_teams_is_not_asked_for_one(client):
    assert 'name="team"' not in (await client.get("/findings")).text


async def test_a_commit_without_a_repository_stands_alone(client, owned):
    owned(repository="")
    assert f'Commit <span class="code" title="{COMMIT}">' in (await client.get(f"/images/{AGENT}")).text
