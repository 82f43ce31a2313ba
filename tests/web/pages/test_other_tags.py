"""The image page finds a tag that fits, when somebody who may asks for it."""

import html
from urllib.parse import urlencode

import pytest

from scanner.domain.decision import Decision
from scanner.domain.instead import Instead
from scanner.domain.platform.platform import Platform
from scanner.service.answers import Refusal, RefusalReason
from scanner.web.http.access import Access
from tests.web.pages.test_check_page import PIN, TAG, TAG_PIN, WORKER, Gate, checked

KEY = (WORKER, "linux/arm64")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def ask(service, app_with, client_of, tokens, token_list):
    async def asked(answer, scope="gate", **fields):
        service.gate = Gate(answer)
        content = urlencode({"reference": WORKER, "platform": "linux/arm64", **fields})
        client = client_of(app_with(Access(token_list)), tokens[scope])
        return await client.post("/images", content=content, headers=FORM), service.gate.asked

    return asked


def said(answer):
    return html.unescape(answer.text.partition('id="other-tags"')[2].partition("</section>")[0])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (checked(decision=Decision.DENY, instead={KEY: Instead(WORKER, KEY[1], TAG, TAG_PIN, 2)}), [TAG, TAG_PIN]),
        (
            checked(decision=Decision.DENY, instead={KEY: Instead(WORKER, KEY[1], looked_at=3)}),
            ["3 tags", "none starts"],
        ),
        (checked(decision=Decision.DENY, instead={KEY: Instead(WORKER, KEY[1], hosts=("web-1",))}), ["web-1"]),
        (checked(decision=Decision.DENY), ["No other tag was found"]),
        (checked(decision=Decision.HOLD), ["Not enough is known"]),
        (checked(decision=Decision.ALLOW, pins={WORKER: PIN}), ["goes there already: allow"]),
        (Refusal(RefusalReason.NOT_READY, "the first scan has not ended yet", 10), ["not_ready"]),
    ],
)
async def test_the_page_says_what_the_gate_found(ask, answer, words):
    got, asked = await ask(answer)
    assert [(plan.image, destination.platforms) for (plan,), _, destination, _ in asked] == [
        (WORKER, (Platform("linux", "arm64"),))
    ]
    assert [word for word in words if word not in said(got)] == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"reference": "not/known:1"}, 404),
        ({"reference": "UPPER:1"}, 400),
        ({"reference": ""}, 400),
        ({"platform": "toaster"}, 400),
    ],
)
async def test_what_is_no_image_of_the_fleet_is_not_asked_about(ask, fields, status):
    got, asked = await ask(checked(), **fields)
    assert (got.status_code, asked) == (status, [])


async def test_whoever_may_not_ask_the_gate_is_not_offered_it(ask, as_):
    got, asked = await ask(checked(), "read")
    assert (got.status_code, asked) == (403, [])
    offered = "Find a tag that starts on"
    assert offered not in (await as_("read").get(f"/images/{WORKER}")).text


async def test_a_view_asks_no_registry(service, app_with, client_of, token_list, tokens):
    client = client_of(app_with(Access(token_list)), tokens["read"])
    service.gate = Gate(None)
    assert (await client.get(f"/images/{WORKER}")).status_code == 200
    assert service.gate.asked == []
