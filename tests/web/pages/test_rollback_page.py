import html
import re

import pytest

from scanner.domain.facts import Source
from scanner.domain.release import Release
from scanner.domain.rollback_plan import Manager
from scanner.domain.rollback_record import Rollback, RollbackState, Step
from scanner.service.answers import Refusal, RefusalReason
from scanner.web.http.access import Access, Scope, Token
from tests.web.conftest import NOW, TOKENS

ID = "0" * 32
DIGEST = "sha256:" + "ab" * 32


def planned(**changes):
    known = {
        "cautions": ("data stays where it is: /var/lib/<b>",),
        "state": RollbackState.PLANNED,
        "by_agent": True,
    }  # fmt: skip
    made = known | changes
    return Rollback(
        ID, "edge-1", "api", "api", "docker", Manager.CONTAINER, "sha256:old", DIGEST, "sha256:old", DIGEST, f"shop/api@{DIGEST}",
        60, "ok native", ("kernel: seen",), ("docker stop api",), ("the container api",), made.pop("cautions"),
        made.pop("by_agent"), NOW - 30, "kim", **made,
    )  # fmt: skip


@pytest.fixture
def rollbacks(service):
    class Known:
        asked = ()
        made = planned()

        async def releases(self, host, workload=""):
            at = NOW - 3600
            one = Release(
                host,
                Source.DOCKER,
                "api",
                DIGEST,
                DIGEST,
                f"shop/api@{DIGEST}",
                "shop/api:1",
                "linux/arm64",
                at,
                at,
                at,
            )
            two = Release(host, Source.DOCKER, "api", "sha256:n", "sha256:n", "shop/api", "shop/api:2", "linux/arm64", at, at,
                          current=True)  # fmt: skip
            return [two, one]

        def find(self, rollback_id):
            return self.made if rollback_id == ID else None

        async def plan(self, host, workload, to, by, *, dry_run=False):
            self.asked = (*self.asked, ("plan", host, workload, by))
            return self.made

        async def confirm(self, rollback_id, by, *, accept_cautions=False):
            self.asked = (*self.asked, ("confirm", rollback_id, by, accept_cautions))
            if self.made.cautions and not accept_cautions:
                return Refusal(RefusalReason.CAUTIONS_NOT_ACCEPTED, "; ".join(self.made.cautions))
            return self.made

    service.rollbacks = Known()
    service.settings = service.settings.model_copy(
        update={"rollback": service.settings.rollback.model_copy(update={"enabled": True})}
    )
    return service.rollbacks


@pytest.fixture
def signed_in(client_of, as_, app_with, token_list):
    """A browser with the session of somebody whose token has this one scope beside reading."""
    both = [Token(one.name, one.sha256, one.scopes | {Scope.READ}) for one in token_list]
    app = app_with(Access(both))

    async def sign(scope):
        client = client_of(app)
        got = await client.post("/sign-in", data={"token": TOKENS[scope]})
        assert got.status_code == 303, got.text
        return client

    return sign


def proof_of(text):
    return re.search(r'name="csrf" value="([^"]+)"', text)[1]


async def test_one_button_plans_and_another_confirms(signed_in, rollbacks):
    client = await signed_in("rollback")
    page = (await client.get("/hosts/edge-1")).text
    assert 'action="/rollbacks"' in page
    fields = {"csrf": proof_of(page), "host": "edge-1", "workload": "api"}
    got = await client.post("/rollbacks", data=fields)
    assert (got.status_code, got.headers["location"]) == (303, f"/rollbacks/{ID}")
    page = (await client.get(got.headers["location"])).text
    assert "/var/lib/&lt;b&gt;" in page
    assert "docker stop api" in html.unescape(page)
    got = await client.post(f"/rollbacks/{ID}/confirm", data={"csrf": proof_of(page)})
    assert got.status_code == 409
    got = await client.post(f"/rollbacks/{ID}/confirm", data={"csrf": proof_of(page), "accept_cautions": "yes"})
    assert got.status_code == 303
    assert rollbacks.asked == (
        ("plan", "edge-1", "api", "rollbacker"),
        ("confirm", ID, "rollbacker", False),
        ("confirm", ID, "rollbacker", True),
    )


@pytest.mark.parametrize("scope", ["read", "gate", "operate"])
async def test_who_may_not_is_offered_no_button_and_cannot_press_one(signed_in, rollbacks, scope):
    client = await signed_in(scope)
    assert 'action="/rollbacks' not in (await client.get("/hosts/edge-1")).text
    page = (await client.get(f"/rollbacks/{ID}")).text
    assert 'action="/rollbacks' not in page
    fields = {"csrf": proof_of(page), "host": "edge-1", "workload": "api"}
    for path in ("/rollbacks", f"/rollbacks/{ID}/confirm"):
        assert (await client.post(path, data=fields)).status_code == 403
    assert rollbacks.asked == ()


async def test_without_the_page_s_proof_no_other_site_can_press_it(signed_in, rollbacks):
    client = await signed_in("rollback")
    for path in ("/rollbacks", f"/rollbacks/{ID}/confirm"):
        got = await client.post(path, data={"host": "edge-1", "workload": "api", "accept_cautions": "yes"})
        assert got.status_code == 403
    assert rollbacks.asked == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"by_agent": False},
        {"state": RollbackState.RUNNING, "steps": (Step("switch", NOW, "<i>"),)},
        {"state": RollbackState.DONE, "detail": "api runs"},
    ],
)
async def test_what_cannot_be_confirmed_has_no_button(signed_in, rollbacks, changes):
    rollbacks.made = planned(**changes)
    client = await signed_in("rollback")
    page = (await client.get(f"/rollbacks/{ID}")).text
    assert 'action="/rollbacks' not in page
    assert "<i>" not in page
    assert str(rollbacks.made.state) in page


async def test_a_plan_that_nobody_knows_is_not_found(as_):
    assert (await as_("read").get(f"/rollbacks/{'1' * 32}")).status_code == 404
