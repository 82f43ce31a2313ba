import html
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from scanner.domain.decision import Decision, Ruling
from scanner.domain.instead import Instead
from scanner.domain.override import Override
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Report
from scanner.domain.verdict.reason import Reason
from scanner.service.answers import Checked
from scanner.service.gate.question import Destination
from scanner.web.http.access import Access
from tests.web.conftest import ARM64, NOW, finding

WORKER, API = "registry.example:5000/shop/worker:2.0", "registry.example:5000/shop/api:1.4"
PIN = f"registry.example:5000/shop/api@sha256:{'a' * 64}"
TAG, TAG_PIN = "registry.example:5000/shop/worker:2.1", f"registry.example:5000/shop/worker@sha256:{'b' * 64}"
PROJECT = "  services:\n    api:\n      image: registry.example:5000/shop/api:1.4\n    # </textarea><script>\n"


class Gate:
    """Says what it is told to; keeps what it was asked."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def ask_files(self, images, files, destination, by):
        self.asked.append((images, files, destination, by))
        return self.answer


def checked(*findings, decision=Decision.ALLOW, **more):
    return Checked(Report("check-1", NOW, NOW, (), findings), decision, **more)


@pytest.fixture
def ask(service, app_with, client_of, tokens, token_list):
    """Somebody signed in fills in the form; ``answer`` is the gate's."""

    async def asked(answer, **fields):
        service.gate = Gate(answer)
        app = app_with(Access(token_list))
        got = await client_of(app, tokens["gate"]).post(
            "/check",
            content=urlencode({"platform": "linux/arm64", **fields}),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        return got, service.gate.asked

    return asked


async def test_a_pasted_project_is_asked_about_as_it_is_beside_images(ask):
    good = finding("linux/arm64", "api", Reason.NATIVE, API, ARM64)
    got, asked = await ask(checked(good), images=f"{WORKER}\n", files=PROJECT.replace("\n", "\r\n"))
    destination = Destination((), (Platform("linux", "arm64"),))
    assert asked == [((Plan(WORKER),), {"compose.yaml": PROJECT.encode()}, destination, "gateer")]
    assert got.status_code == 200
    assert html.escape(PROJECT, quote=False) in got.text
    assert "</textarea><script>" not in got.text


async def test_a_project_alone_is_enough(ask):
    _, asked = await ask(checked(), files=PROJECT)
    assert asked[0][0] == ()


async def test_neither_images_nor_a_project_is_no_question(ask):
    got, asked = await ask(checked(), images=" ", files="\r\n ")
    assert (got.status_code, asked) == (400, [])
    assert "Name at least one image, or paste what shall run." in got.text


async def test_a_project_that_is_too_long_is_refused_never_cut(ask):
    got, asked = await ask(checked(), files="#" * 70_000)
    assert (got.status_code, asked) == (413, [])


async def test_a_text_that_plans_nothing_says_so(ask):
    got, _ = await ask(checked(decision=Decision.HOLD), files="version: 3")
    assert "Nothing of what was given plans a container that goes there." in got.text


async def test_what_may_go_is_shown_by_the_digest_to_pin(ask):
    got, _ = await ask(checked(finding("linux/arm64", "api", Reason.NATIVE, API, ARM64), pins={API: PIN}), images=API)
    assert "Deploy these digests" in got.text
    assert f"<code>{PIN}</code>" in got.text


async def test_what_is_denied_shows_what_to_deploy_instead(ask):
    bad = finding("edge-1", "worker", Reason.PLATFORM_MISSING, WORKER, ARM64, (Platform("linux", "amd64"),))
    ruling = Ruling(bad, Decision.DENY)
    instead = {(WORKER, "edge-1"): Instead(WORKER, "edge-1", TAG, TAG_PIN, 4, ("web-1", "web-2"))}
    answer = checked(bad, decision=Decision.DENY, rulings=(ruling,), instead=instead, pins={WORKER: PIN})
    got, _ = await ask(answer, images=WORKER)
    shown = html.unescape(got.text)
    assert "Deploy these digests" not in shown
    assert shown.index("Deploy <span") < shown.index("Digests that were judged"), (
        "first what to do, then what was judged"
    )
    assert f'Deploy <span class="code">{TAG}</span> instead' in shown
    assert f"<code>{TAG_PIN}</code>" in shown
    assert '<a href="/hosts/web-2">web-2</a>' in shown
    assert 'platforms = ["linux/amd64", "linux/arm64"]' in shown


async def test_no_tag_that_starts_is_told_with_how_many_were_looked_at(ask):
    bad = finding("edge-1", "worker", Reason.PLATFORM_MISSING, WORKER, ARM64, ())
    instead = {(WORKER, "edge-1"): Instead(WORKER, "edge-1", looked_at=1)}
    got, _ = await ask(
        checked(bad, decision=Decision.DENY, rulings=(Ruling(bad, Decision.DENY),), instead=instead), images=WORKER
    )
    assert "Looked at 1 tag of this repository nearest to it: none starts there." in got.text


async def test_an_override_that_lets_something_pass_is_named_and_counted(ask, client):
    bad = finding("edge-1", "worker", Reason.PLATFORM_MISSING, WORKER, ARM64, ())
    override = Override("o-7", "Ada <ops>", "the old fleet goes on Friday", NOW + 86400, "*/worker:*", "edge-*")
    ruling = Ruling(bad, Decision.WARN, "deny, overridden by Ada <ops>: the old fleet goes on Friday", override)
    got, _ = await ask(checked(bad, decision=Decision.WARN, rulings=(ruling, replace(ruling))), images=WORKER)
    assert got.text.count("Ada &lt;ops&gt; answers for it") == 1
    assert "*/worker:*" in got.text
    assert "It goes only because somebody answers for it" in got.text
    assert "It starts, but not as it should" not in got.text
    assert "archscan_gate_overridden_total 1.0" in (await client.get("/metrics")).text


async def test_what_a_file_leaves_open_has_its_name_in_place_of_an_image(ask):
    gap = finding("linux/arm64", "compose.yaml", Reason.PART_INCOMPLETE, "", ARM64, ())
    got, _ = await ask(checked(gap, decision=Decision.HOLD), files="a: [")
    assert '<h3 class="code">compose.yaml</h3>' in got.text
