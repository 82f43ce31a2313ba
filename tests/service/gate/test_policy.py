"""What the gate asks of each host, whom it lets through all the same, what it asks hosts again, what it judged."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from scanner.cli.gate import checked_output
from scanner.cli.outcome import Exit, FailOn, exit_code
from scanner.client import Client
from scanner.domain.facts import BinfmtEntry, Process
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.override import Override
from scanner.domain.plan import Plan
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.metrics.metrics import Metrics
from scanner.service import check_document
from scanner.service.answers import Refusal
from scanner.service.gate.overrides import MAX_S
from scanner.service.gate.policy import demands
from scanner.service.gate.question import Destination, Question
from scanner.store.error import StoreError
from tests.service.environment import AMD64, ARM64, gate, scanned

IMAGE = "r.example/app:1"


async def asked(service, *hosts, image=IMAGE, **beside):
    return await service.gate.ask(Question((Plan(image, **beside),)), Destination(hosts or ("*",)), "ci")


# ---------------------------------------------------------------- policy


@pytest.fixture
def emulating(environment):
    """Hosts of two labels for arm64 with an emulator for amd64."""
    environment.hosts = (
        Host("d", "10.0.0.2", labels={"env": "dev"}),
        Host("p", "10.0.0.2", labels={"env": "prod"}),
    )
    entry = BinfmtEntry(
        "qemu-x86_64",
        enabled=True,
        interpreter="/usr/bin/qemu-x86_64",
        flags="F",
        magic=bytes.fromhex("7f454c4602010100000000000000000002003e00"),
        mask=bytes.fromhex("fffffffffffefe00fffffffffffffffffeffffff"),
    )
    read = environment.read

    async def with_emulator(host):
        facts = await read(host)
        kernel = facts.kernel
        return replace(facts, kernel=replace(kernel, binfmt=replace(kernel.binfmt, entries=(entry,))))

    environment.read = with_emulator
    return environment


RULES = ({"match": "env=dev", "emulated": "allow"}, {"match": "*", "emulated": "deny", "max_facts_age": "1h"})


async def test_a_rule_answers_for_the_hosts_of_its_label(emulating, service):
    emulating.document["gate"] = {"rules": RULES}
    assert service.reloading.reload("test").successful
    await scanned(service)
    answers = {name: await asked(service, name, pinned=AMD64) for name in ("d", "p")}
    assert {name: str(answer.decision) for name, answer in answers.items()} == {"d": "allow", "p": "deny"}
    assert [ruling.because for ruling in answers["p"].rulings] == ["gate.rules[1].emulated: deny"]


async def test_of_each_setting_the_first_rule_counts_that_fits_and_says_it(emulating, service):
    emulating.document["gate"] = {"max_facts_age": "1m", "reprobe": "0s", "rules": RULES}
    assert service.reloading.reload("test").successful
    await scanned(service)
    emulating.now += 600
    assert str((await asked(service, "d", pinned=AMD64)).decision) == "allow"


async def test_a_survey_that_is_asked_for_holds_what_was_not_read_whole(environment, service):
    environment.document["gate"] = {"rules": ({"match": "a", "survey": True},)}
    assert service.reloading.reload("test").successful
    await scanned(service)
    answer = await asked(service, "a")
    assert (str(answer.decision), answer.rulings[0].because) == (
        "hold",
        "gate.rules[0].survey: not all files of it were read",
    )


@pytest.mark.parametrize(
    ("rule", "depth"),
    [
        ({"survey": True}, Depth.FULL),
        ({"depth": "full"}, Depth.FULL),
        ({"depth": "config"}, Depth.BINARY),
        ({"emulated": "deny"}, Depth.BINARY),
    ],
)
async def test_evidence_is_as_deep_as_the_strictest_host_asks(environment, service, rule, depth):
    environment.document["gate"] = {"rules": ({"match": "a", **rule},)}
    assert service.reloading.reload("test").successful
    assert demands(service.reloading.settings, service.reloading.hosts()).depth is depth
    assert demands(service.reloading.settings, ()).depth is Depth.BINARY
    assert demands(service.reloading.settings, (), Depth.FULL).depth is Depth.FULL


# ---------------------------------------------------------------- what hosts say now


async def test_a_host_of_which_nothing_fresh_is_known_is_read_for_the_gate(service, environment):
    assert await gate(service, "a") == ("allow", ["native"])
    assert service.publication.report() is None
    await scanned(service)
    environment.now += 3600
    environment.machines["10.0.0.1"] = ARM64
    assert await gate(service, "a") == ("deny", ["platform_missing"])


async def test_a_host_is_read_once_for_all_who_ask_meanwhile(service, environment):
    reads = []
    read = environment.read

    async def counted(host):
        reads.append(host.name)
        return await read(host)

    environment.read = counted
    environment.go.clear()
    waiting = [asyncio.create_task(gate(service, "a")) for _ in range(5)]
    await asyncio.sleep(0)
    environment.go.set()
    assert {str(decision) for decision, _ in await asyncio.gather(*waiting)} == {"allow"}
    assert await gate(service, "a") == ("allow", ["native"])
    assert reads == ["a"]


async def test_a_host_that_cannot_be_read_now_holds_and_says_both(service, environment):
    environment.machines["10.0.0.1"] = Failure(Reason.HOST_REFUSED, "connection refused")
    answer = await asked(service, "a")
    assert str(answer.decision) == "hold"
    [finding] = answer.report.findings
    assert finding.verdict.reason is Reason.HOST_REFUSED
    assert finding.verdict.detail.endswith("asked now: connection refused")


async def test_a_host_that_answers_too_late_holds(service, environment):
    environment.document["gate"] = {"reprobe": "10ms"}
    assert service.reloading.reload("test").successful
    environment.go.clear()
    assert await gate(service, "a") == ("hold", ["host_timeout"])


# ---------------------------------------------------------------- overrides


def override(environment, **changes):
    return Override(
        **{"id": "", "owner": "me", "reason": "known", "until": environment.now + 60, "image": IMAGE} | changes
    )


def code_there(answer):
    """The exit code of ``archscan check --server``, whose JSON is what the server sent; the same of an older one."""
    sent = check_document.document(answer)
    older = {name: value for name, value in sent.items() if name not in {"because", "overrides"}}
    got, same = (_received(document) for document in (sent, older))
    assert {**check_document.document(got), "hosts": []} == {**sent, "hosts": []}  # of whose facts the kernel is kept
    assert (same.decision, same.overridden) == (got.decision, got.overridden)
    return exit_code(got.report, FailOn.MISMATCH, got.decision, got.overridden)


def _received(document):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=document))
    with Client("http://x", transport=transport) as client:
        return client.check([IMAGE], ["*"], [])


async def test_an_override_lets_through_what_it_covers_until_it_ends(service, environment):
    await scanned(service)
    made = await service.overrides.add(override(environment, host="b"), "ops")
    answer = await asked(service, "b")
    assert (str(answer.decision), answer.rulings[0].override) == ("warn", made)
    assert answer.rulings[0].because == "deny, overridden by me: known"
    assert code_there(answer) == Exit.OK
    other = await asked(service, "b", image="r.example/other:1")
    assert (str(other.decision), code_there(other)) == ("deny", Exit.FINDINGS)
    environment.now += 61
    await scanned(service)
    assert str((await asked(service, "b")).decision) == "deny"


async def test_an_override_may_name_the_digest_that_was_judged(service, environment):
    await scanned(service)
    denied = await asked(service, "b")
    digest = denied.report.findings[0].verdict.digest
    await service.overrides.add(override(environment, image=digest), "ops")
    assert str((await asked(service, "b")).decision) == "warn"


async def test_an_override_that_was_ended_counts_no_more(service, environment):
    await scanned(service)
    made = await service.overrides.add(override(environment), "ops")
    assert await service.overrides.delete(made.id, "ops") is True
    assert await service.overrides.delete(made.id, "ops") is False
    assert str((await asked(service, "b")).decision) == "deny"


async def test_an_override_covers_a_host_that_cannot_be_read(service, environment):
    environment.machines["10.0.0.1"] = Failure(Reason.HOST_REFUSED)
    await service.overrides.add(override(environment, host="a"), "ops")
    answer = await asked(service, "a")
    assert (str(answer.decision), code_there(answer)) == ("warn", Exit.OK)
    environment.machines["10.0.0.2"] = Failure(Reason.HOST_REFUSED)
    answer = await asked(service, "*")
    assert (str(answer.decision), code_there(answer)) == ("hold", Exit.INCOMPLETE)
    stopped = replace(answer, report=replace(answer.report, findings=(), complete=False), rulings=())
    nothing, late = check_document.document(stopped)["because"][:2]
    assert nothing.startswith("nothing was judged: ")
    assert late == "the time was over before every host was read"


async def test_an_override_pins_nothing_that_nobody_resolved(service, environment, capsys):
    """A script that takes the plain text for pins gets no tag."""
    await scanned(service)
    await service.overrides.add(override(environment, host="b"), "ops")
    answer = await asked(service, "b")
    assert check_document.text(answer) == f"{answer.pins[IMAGE]}\n"
    lost = replace(answer, pins={}, overridden=frozenset({0}))
    assert check_document.text(lost) == ""
    capsys.readouterr()
    assert checked_output.write_pins(lost, Exit.OK) is Exit.INCOMPLETE
    written = capsys.readouterr()
    assert (written.out, f"{IMAGE} has no digest to pin" in written.err) == ("", True)


async def test_an_override_is_no_rule_for_good(service, environment):
    assert isinstance(
        await service.overrides.add(override(environment, until=environment.now + MAX_S + 1), "x"), Refusal
    )


async def test_an_override_that_ended_is_shown_until_anybody_asks_about_anything(service, environment, monkeypatch):
    shown = []
    monkeypatch.setattr(Metrics, "overrides_in_force", lambda _, found: shown.append(found))
    await scanned(service)
    made = await service.overrides.add(override(environment), "ops")
    assert str((await asked(service, "a")).decision) == "allow"
    assert shown == [(), (made,)]  # what goes anyway needs nobody to answer for it
    environment.now += 61
    await scanned(service)
    await asked(service, "a")
    await asked(service, "a")
    assert shown == [(), (made,), ()]


async def test_no_override_counts_that_the_store_cannot_tell_of(service, environment, store, monkeypatch):
    await scanned(service)
    await service.overrides.add(override(environment), "ops")

    async def broken(_kind):
        raise StoreError("the disk is gone", fatal=False)

    monkeypatch.setattr(store, "records", broken)
    assert str((await asked(service, "b")).decision) == "deny"


# ---------------------------------------------------------------- what was judged


async def test_the_answer_names_the_digest_that_was_judged(service):
    await scanned(service)
    answer = await asked(service, "a")
    assert answer.pins == {IMAGE: f"r.example/app@sha256:{'f' * 64}"}
    assert answer.id


async def test_what_stands_beside_the_image_is_judged(service, environment):
    await scanned(service)
    seen = []
    inspect = environment.inspect

    async def watched(reference, offer, override, host=""):
        seen.append(override)
        return await inspect(reference, offer, override, host)

    environment.inspect = watched
    await asked(service, "a", process=Process(entrypoint=("/bin/other",)))
    assert [one.entrypoint for one in seen] == [("/bin/other",)]


async def test_several_platforms_are_asked_about_at_once(service):
    answer = await service.gate.ask(Question.of([IMAGE]), Destination((), (ARM64, AMD64)), "ci")
    assert [(str(f.host_platform), str(f.verdict.reason)) for f in answer.report.findings] == [
        ("linux/arm64", "platform_missing"),
        ("linux/amd64", "native"),
    ]


# ---------------------------------------------------------------- what to do instead


async def test_a_denied_image_comes_with_the_nearest_tag_that_was_judged_to_fit(service, environment):
    environment.tags = ("1", "1.2", "1-arm64", "2")
    await scanned(service)
    resolve = environment.resolve
    asked_for = []

    async def by_tag(reference, *, depth, wanted=None):
        facts = await resolve(reference, depth=depth, wanted=wanted)
        asked_for.append(reference.tag)
        if reference.tag != "1.2":
            return facts
        return replace(facts, offers=tuple(replace(one, entry=ARM64, config=ARM64) for one in facts.offers))

    environment.resolve = by_tag
    answer = await asked(service, "b")
    instead = answer.instead[IMAGE, "b"]
    assert (instead.tag, instead.looked_at, instead.hosts) == ("r.example/app:1.2", 2, ("a",))
    assert instead.pin == f"r.example/app@sha256:{'f' * 64}"
    assert "2" not in asked_for


async def test_no_more_tags_are_looked_at_than_the_settings_allow(service, environment):
    environment.document["gate"] = {"alternatives": 2}
    assert service.reloading.reload("test").successful
    environment.tags = tuple(f"1.{number}" for number in range(50))
    await scanned(service)
    answer = await asked(service, "b")
    assert (answer.instead[IMAGE, "b"].tag, answer.instead[IMAGE, "b"].looked_at) == ("", 2)


async def test_what_may_go_is_looked_up_no_further(service, environment):
    environment.tags = ("1", "2")
    await scanned(service)
    assert (await asked(service, "a")).instead == {}
