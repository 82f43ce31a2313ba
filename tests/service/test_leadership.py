"""Who leads, as the process itself sees it; the database's half is in tests/store/test_lease.py."""

import asyncio

import pytest

from scanner.service import leadership as leadership_module
from scanner.service.answers import Refusal, RefusalReason
from scanner.service.leadership import LeaderRequest, Leadership
from scanner.store.error import StoreError
from scanner.store.lease import Lease

ASKED = LeaderRequest("POST", b"/api/v1/scans", {"authorization": "Bearer secret"})


class Shared:
    """A store that another leads until ``left`` looks were had."""

    def __init__(self, *, leads=False, address="https://a.example", left=0, renewals=(), lease_left_s=1.0):
        self.leads, self.address, self.left, self.renewals = leads, address, left, list(renewals)
        self.lease_left_s = lease_left_s
        self.marks = [(1, 0), (1, 0), (1, 5), (2, 5)]

    async def lease(self):
        return Lease(1, "a", self.address, self.lease_left_s)

    async def lead(self):
        self.left -= 1
        self.leads = self.left < 0
        return self.leads

    async def mark(self):
        return self.marks.pop(0)

    async def renew(self):
        what = self.renewals.pop(0)
        if isinstance(what, Exception):
            raise what
        await asyncio.sleep(what)


async def changed(_seconds):
    return False


async def shown(leadership):
    """What became of ``run`` until it lost the lease."""
    seen = []

    async def refresh(is_report):
        seen.append(is_report)

    async def lead():
        seen.append("leads")

    with pytest.raises(StoreError) as lost:
        await leadership.run(changed, refresh, lead)
    return seen, str(lost.value)


async def test_one_who_follows_reads_what_changed_then_leads():
    told = []
    store = Shared(left=4, renewals=[StoreError("taken over")])
    leadership = Leadership(store, 0.03, on_change=told.append)
    assert await shown(leadership) == ([True, False, True, "leads"], "taken over")
    assert told == [False, True]


async def test_a_renewal_that_failed_for_a_moment_is_tried_again(monkeypatch):
    monkeypatch.setattr(
        leadership_module, "RENEW_AT", 0.0
    )  # at once, within a lease that no pause of this machine ends
    store = Shared(leads=True, renewals=[0, StoreError("full", fatal=False), 0, StoreError("gone")])
    assert (await shown(Leadership(store, 600.0)))[1] == "gone"
    assert store.renewals == []


async def test_a_leader_that_hears_nothing_of_its_database_leads_no_longer_than_its_lease():
    store = Shared(leads=True, renewals=[3600.0])
    assert "another may lead now" in (await shown(Leadership(store, 0.03)))[1]


async def test_alone_on_its_store_it_is_nobody_s_follower():
    class Alone(Shared):
        async def lease(self):
            return None

    leadership = Leadership(Alone(leads=True), 0.03)
    running = asyncio.create_task(leadership.run(changed, changed, lambda: changed(0)))
    await asyncio.sleep(0)
    assert (leadership.leads, leadership.role) == (True, "")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("address", "members", "left_s", "told"),
    [
        ("https://evil.example", ["https://a.example"], 1.0, "is not among replicas.members"),
        ("https://a.example.evil.example", ["https://a.example"], 1.0, "is not among replicas.members"),
        ("", ["https://a.example"], 1.0, "no replicas.advertise"),
        ("https://a.example", [], 1.0, "is not among replicas.members"),
        ("https://a.example", ["https://a.example"], 0.0, "its lease has run out"),
    ],
)
async def test_a_token_goes_to_no_address_that_only_the_database_names(address, members, left_s, told):
    asked = []

    async def ask(*request):
        asked.append(request)

    leadership = Leadership(Shared(address=address, lease_left_s=left_s), 30.0, members, ask)
    await leadership._look()
    answer = await leadership.forward(ASKED)
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.retry_after_s) == (RefusalReason.NOT_LEADER, 10.0)
    assert told in answer.detail
    assert "a leads" in answer.detail
    assert asked == []


async def test_what_the_leader_does_is_asked_of_it_at_the_configured_address():
    asked = []

    async def ask(*request):
        asked.append(request)
        return "answer"

    leadership = Leadership(Shared(), 30.0, ["https://a.example"], ask)
    await leadership._look()
    assert await leadership.forward(ASKED) == "answer"
    assert asked == [("https://a.example", ASKED)]
