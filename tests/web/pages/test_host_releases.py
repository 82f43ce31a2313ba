import html

import pytest

from scanner.domain.facts import Source
from scanner.domain.release import Release
from scanner.store.error import StoreError
from scanner.web.pages.host_pages import MAX_RELEASED, MAX_RELEASES, released
from tests.web.conftest import NOW


def release(number, workload="api", *, host="edge-1", platform="linux/arm64", started=True, current=False):
    digest = "sha256:" + f"{number:02x}" * 32
    at = NOW - number * 86400
    return Release(
        host, Source.DOCKER, workload, digest, digest, f"shop/{workload}@{digest}", f"shop/{workload}:{number}", platform,
        at, at + 3600, at if started else None, current=current,
    )  # fmt: skip


@pytest.fixture
def stored(service):
    def hold(*found, error=None):
        async def releases(host, workload=""):
            if error:
                raise error
            return [one for one in found if one.host == host]

        service.rollbacks.releases = releases

    return hold


async def test_a_host_page_shows_releases_with_the_command_of_the_way_back(client, stored):
    stored(release(1, current=True, started=False), release(2), release(3))
    got = html.unescape((await client.get("/hosts/edge-1")).text)
    assert "<code>archscan rollback edge-1 api</code>" in got
    assert "010101010101 <span" in got
    assert "shop/api:2" in got
    assert got.count("never seen up") == 1


@pytest.mark.parametrize(
    "others",
    [[], [release(2, started=False)], [release(2, platform="linux/amd64")]],
    ids=["none", "never up", "other CPU"],
)
async def test_without_a_release_that_started_here_there_is_no_way_back(client, stored, others):
    stored(release(1, current=True), *others)
    got = (await client.get("/hosts/edge-1")).text
    assert "archscan rollback" not in got
    assert "no way back is known" in got


@pytest.mark.parametrize(
    ("host", "workload", "command"),
    [
        ("edge-1", "a b", "archscan rollback edge-1 'a b'"),
        ("x;reboot", "$(id)", "archscan rollback 'x;reboot' '$(id)'"),
        ("edge-1", "--to", "archscan rollback -- edge-1 --to"),
    ],
)
def test_the_command_is_one_whatever_names_are(host, workload, command):
    found = released([release(1, workload, current=True), release(2, workload)], host, "linux/arm64")
    assert [one.way_back for one in found] == [command]


def test_many_releases_are_counted_where_they_are_not_shown():
    many = [release(number, current=number == 1) for number in range(1, MAX_RELEASES + 6)]
    (one,) = released(many, "edge-1", "linux/arm64")
    assert (len(one.releases), one.more) == (MAX_RELEASES, 5)


async def test_more_workloads_than_a_page_has_stand_behind_their_address(client, stored):
    stored(*(release(1, f"job-{number}") for number in range(MAX_RELEASED + 3)))
    got = (await client.get("/hosts/edge-1")).text
    assert "3 more workloads have releases" in got
    assert 'href="/api/v1/hosts/edge-1/releases"' in got


async def test_a_store_that_cannot_be_read_is_told_beside_the_rest(client, stored):
    stored(error=StoreError("disk full"))
    got = await client.get("/hosts/edge-1")
    assert got.status_code == 200
    assert "Releases are not known" in got.text


async def test_a_host_that_was_not_read_still_tells_its_releases(client, stored):
    stored(release(1, host="edge-2", current=True), release(2, host="edge-2"))
    got = (await client.get("/hosts/edge-2")).text
    assert "shop/api:1" in got
