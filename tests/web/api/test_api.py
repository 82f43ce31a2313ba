import asyncio
import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fastapi import APIRouter
from prometheus_client.parser import text_string_to_metric_families as parse
from structlog.testing import capture_logs

from scanner.domain.decision import Decision
from scanner.scan.aside import FEW
from scanner.service import check_document
from scanner.service.answers import Checked
from scanner.web.http.access import Access, Scope
from scanner.web.http.dependencies import MAX_LISTENERS
from scanner.web.http.limits import MAX_BODY_BYTES
from scanner.web.http.problem import Problem
from scanner.web.http.query import refuse_repeated
from scanner.web.http.route import GuardedRoute

WORKER = "registry.example:5000/shop/worker:2.0"
API = "registry.example:5000/shop/api:1.4"


def every_route(app):
    found = []
    queue = list(app.routes)
    while queue:
        route = queue.pop()
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            queue.extend(inner)
        elif hasattr(route, "methods"):
            found.append(route)
    return found


# ---------------------------------------------------------------- access


def test_every_route_is_guarded_with_a_scope(app_with):
    routes = every_route(app_with())
    assert len(routes) > 20
    scopes = {route.path: route.scope for route in routes}
    assert {path for path, scope in scopes.items() if scope is Scope.OPEN} == {
        "/-/healthy",
        "/-/ready",
        "/sign-in",
        "/sign-out",
        "/static/{name}",
    }
    changes_nothing = {"/api/v1/explain", "/decoder", "/sign-in", "/sign-out"}
    for route in routes:
        if route.methods - {"GET", "HEAD"} and route.path not in changes_nothing:
            assert route.scope not in (Scope.OPEN, Scope.READ), route.path


def test_a_route_that_names_no_scope_cannot_be_made():
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(TypeError, match="which scope"):
        router.get("/x")(lambda: None)


ACTS = [
    ("POST", "/-/reload", "operate"),
    ("GET", "/probe?target=web-1", "operate"),
    ("POST", "/api/v1/scans", "operate"),
    ("POST", "/api/v1/check", "gate"),
    ("POST", "/api/v1/waivers", "operate"),
    ("DELETE", "/api/v1/waivers/1", "operate"),
    ("POST", "/api/v1/hosts/web-1/facts", "push"),
    ("POST", "/api/v1/rollbacks", "rollback"),
    ("POST", "/api/v1/rollbacks/1/confirm", "rollback"),
    ("POST", "/api/v1/rollbacks-work", "rollback_agent"),
    ("POST", "/api/v1/rollbacks/1/steps", "rollback_agent"),
    ("POST", "/api/v1/rollbacks/1/verify", "rollback_agent"),
    ("POST", "/api/v1/rollbacks/1/end", "rollback_agent"),
]


@pytest.mark.parametrize(("method", "path", "scope"), ACTS)
async def test_what_acts_needs_the_token_for_it(as_, service, method, path, scope):
    for other in {"read", "gate", "operate"} - {scope}:
        assert (await as_(other).request(method, path, json={})).status_code == 403
    refused = await as_(None).request(method, path, json={})
    assert refused.status_code == 401
    assert "Bearer" in refused.headers["www-authenticate"]
    assert service.asked == []


@pytest.mark.parametrize(("method", "path", "scope"), ACTS)
async def test_what_acts_is_refused_where_no_token_is_configured(client, service, method, path, scope):
    refused = await client.request(method, path, json={})
    assert (refused.status_code, refused.json()["reason"]) == (403, "token_required")
    assert scope in refused.json()["detail"]
    assert service.asked == []


async def test_access_is_decided_before_the_body_is_looked_at(as_):
    refused = await as_(None).post("/api/v1/check", content=b"{not json")
    assert refused.status_code == 401


async def test_a_host_header_cannot_change_the_decision(as_, service):
    for host in ("a/?x=", "..//", "%2e", "localhost/-/healthy?", "x@localhost"):
        refused = await as_(None).post("/-/reload", headers={"Host": host})
        assert refused.status_code == 401
    assert service.asked == []


@pytest.mark.parametrize(
    "path", ["//-/reload", "/-/reload/", "/-/%72eload", "/x/../-/reload", "/-//reload", "/metrics/../-/reload"]
)
async def test_odd_paths_meet_the_same_guard_or_nothing(as_, service, path):
    refused = await as_(None).post(path)
    assert refused.status_code in (401, 404, 405)
    assert service.asked == []


async def test_reading_is_closed_on_listeners_that_are_not_loopback(client_of, app_with):
    refused = await client_of(app_with(Access(loopback=False))).get("/metrics")
    assert (refused.status_code, refused.json()["reason"]) == (403, "token_required")


# ---------------------------------------------------------------- reading


async def test_the_report_is_the_documented_document(client):
    got = (await client.get("/api/v1/report")).json()
    assert got["schema"] == "archscan/v1"
    assert got["summary"] == {
        "hosts": 4, "workloads": 8, "ok": 2, "emulated": 1, "degraded": 1, "unknown": 1, "mismatch": 2, "broken": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=mismatch", ["api", "agent"]),
        ("status=mismatch&status=broken&host=web-*", ["cron"]),
        ("host=edge-1&image=ghcr.io/*", ["agent"]),
        ("reason=platform_missing", ["api"]),
        ("workload=backup", ["backup"]),
        ("host=nowhere*", []),
        ("limit=1&offset=1", ["cron"]),
    ],
)
async def test_findings_are_filtered(client, query, names):
    got = (await client.get(f"/api/v1/findings?{query}")).json()
    assert [finding["workload"] for finding in got["findings"]] == names


async def test_a_page_of_findings_tells_where_the_next_begins(client):
    got = (await client.get("/api/v1/findings?limit=3&offset=3")).json()
    assert (got["total"], got["next_offset"], len(got["findings"])) == (8, 6, 3)
    assert (await client.get("/api/v1/findings?limit=3&offset=6")).json()["next_offset"] is None


def test_a_name_that_stands_in_a_query_a_thousand_times_is_compared_in_proportion():
    compared = []

    class Name(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            compared.append(other)
            return str.__eq__(self, other)

    names = [(Name("to"), "") for _ in range(1000)]
    with pytest.raises(Problem, match="more than once"):
        refuse_repeated(SimpleNamespace(query_params=SimpleNamespace(multi_items=lambda: names)), frozenset({"to"}))
    assert len(compared) < 5 * len(names)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("status=fine", "query.status.0: must be one of ok, emulated, degraded, unknown, mismatch, broken"),
        ("stauts=ok", "query.stauts: is not known here"),
        ("limit=0", "query.limit: must be at least 1"),
        ("limit=x", "query.limit: must be a whole number"),
        ("offset=-1", "query.offset: must be at least 0"),
        ("reason=wrong_binry", "words; did you mean wrong_binary?"),
        ("host=" + "a" * 600, "query.host: must have at most 512 characters"),
        (
            "host=web-1&host=web-2&limit=1&limit=1",
            "query.host: is given more than once; query.limit: is given more than once",
        ),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(client, query, says):
    refused = await client.get(f"/api/v1/findings?{query}")
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert refused.json()["reason"] == "malformed"
    assert says in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("check", '{"images": "a", "platform": "linux/amd64"}', "body.images: must be a list"),
        ("check", '{"images": [5], "platform": "linux/amd64"}', "body.images.0: must be text or must be an object of JSON"),
        ("check", '{"images": [{"image": "a", "command": "b"}], "platform": "x"}', "body.images.0.command: must be a list"),
        ("check", '{"images": [{"command": ["b"]}], "platform": "x"}', "body.images.0.image: is required"),
        ("check", '{"images": ["a"]}', "body: give hosts or platforms"),
        ("check", '{"images": ["a"], "platforms": []}', "body: platforms must not be empty: name where it is to go"),
        ("check", '{"images": ["a"], "platforms": ["x"], "hosts": ["y"]}', "body: give either hosts or platforms, not both"),
        ("check", '{"images": ["a"', "body: is no JSON: Expecting ',' delimiter (character 15)"),
        ("check", "[" * 9000 + "]" * 9000, "body: is no JSON: the document is nested too deeply"),
        ("check", "[]", "body: must be an object of JSON"),
        ("check", "", "body: is empty: send an object of JSON"),
        ("waivers", '{"owner": "a", "until": "2027-01-31T10:00:00"}', "body.until: needs a time zone: write it as 2027-01-31T23:59:59Z"),
        ("waivers", '{"owner": "a", "until": "2027-02-31"}', "body.until: must be a moment such as 2027-01-31T23:59:59Z"),
        ("waivers", '{"owner": "a", "reason": "b", "until": "2040-01-31", "match": {"host": "x"}, "host": "x"}', "body: host: match.host says it already"),
        ("waivers", '{"owner": "a", "reason": "b", "until": "2040-01-31", "match": {"image": "*"}}', "body: name a host, image, workload or reason"),
        ("waivers", '{"owner": "a", "reason": "b", "until": "2040-01-31", "match": {"reason": "tag_gon"}}', "body: match.reason: no reason is called tag_gon"),
        ("waivers", '{"owner": "a", "reason": "b", "until": "2040-01-31", "match": {"finding_reason": "tag_gone"}}', "body.match.finding_reason: is not known here"),
        ("waivers", '{"owner": "a", "reason": "b", "until": "2027-01-31T00:00Z", "image": "x", "finding_reason": "wrong_bin"}', "did you mean wrong_binary?"),
        ("waivers", '{"owner": "a", "reason": "b", "until": "9999-12-31T23:59:59-12:00", "image": "x"}', "body.until: must end before the year 10000, in UTC"),
        ("waivers", '{"owner": " ", "reason": "b", "until": "soon"}', "body.until: must be a moment such as 2027-01-31T23:59:59Z"),
    ],
)  # fmt: skip
async def test_a_body_that_makes_no_sense_is_refused_in_words_of_ours(as_, path, body, says):
    client = as_("gate" if path == "check" else "operate")
    headers = {"Content-Type": "application/json"}
    refused = await client.post(f"/api/v1/{path}", content=body, headers=headers)
    assert (refused.status_code, says in refused.json()["detail"]) == (400, True), refused.text


async def test_a_host_that_nobody_knows_has_no_findings_to_be_glad_of(client):
    refused = await client.get("/api/v1/findings?host=nowhere")
    assert (refused.status_code, refused.json()["reason"]) == (404, "host_not_found")


async def test_a_platform_that_no_host_is_has_no_readiness(client):
    refused = await client.get("/api/v1/readiness?to=linux/amd46")
    assert (refused.status_code, "did you mean linux/amd64?" in refused.json()["detail"]) == (400, True)


async def test_a_body_whose_header_does_not_say_that_it_is_json_is_told_so(as_):
    refused = await as_("gate").post("/api/v1/check", content='{"images": ["a"], "platform": "linux/amd64"}')
    assert refused.status_code == 400
    assert refused.json()["detail"] == "body: is read as JSON only with the header Content-Type: application/json"


TWO_MEANINGS = {
    '{"images": ["a"], "images": ["b"]}': "a key stands twice in one object",
    '{"images": ["a"], "target": {"platforms": [], "platforms": ["linux/arm64"]}}': "a key stands twice in one object",
    '{"images": NaN}': "NaN is not JSON",
    '{"images": ': "Expecting value",
}


async def test_a_body_of_two_meanings_is_refused_by_every_endpoint(as_):
    takes = {"check": "gate", "explain": "read", "waivers": "operate", "scans": "operate", "overrides": "operate"}
    for path, scope in {**{f"/api/v1/{name}": who for name, who in takes.items()}, "/admission/v1": "gate"}.items():
        for body, why in TWO_MEANINGS.items():
            refused = await as_(scope).post(path, content=body, headers={"content-type": "application/json"})
            assert (refused.status_code, why in refused.text) == (400, True), (path, body, refused.text)


async def test_a_host_comes_with_its_facts_and_findings(client):
    got = (await client.get("/api/v1/hosts/edge-1")).json()
    assert got["facts"]["kernel"]["machine"] == "aarch64"
    assert [finding["reason"] for finding in got["findings"]] == ["platform_missing", "wrong_binary"]
    assert (await client.get("/api/v1/hosts/nobody")).json()["reason"] == "host_not_found"


async def test_hosts_come_in_pages_by_name(client):
    first = (await client.get("/api/v1/hosts?limit=3")).json()
    assert [host["name"] for host in first["hosts"]] == ["edge-1", "edge-2", "web-1"]
    assert (first["total"], first["next_cursor"]) == (4, "web-1")
    assert "facts" not in first["hosts"][0]
    last = (await client.get("/api/v1/hosts?limit=3&cursor=web-1")).json()
    assert ([host["name"] for host in last["hosts"]], last["next_cursor"]) == (["web-2"], None)


async def test_a_page_begins_behind_a_host_that_left_meanwhile(client):
    got = (await client.get("/api/v1/hosts?cursor=edge-11")).json()
    assert [host["name"] for host in got["hosts"]] == ["edge-2", "web-1", "web-2"]


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "page=2", "cursor=" + "a" * 600])
async def test_a_page_of_hosts_that_makes_no_sense_is_refused(client, query):
    assert (await client.get(f"/api/v1/hosts?{query}")).status_code == 400


async def test_an_image_tells_who_runs_it(client):
    got = (await client.get(f"/api/v1/images/{API}")).json()
    assert got["offered"] == ["linux/amd64", "linux/arm64"]
    assert [finding["host"] for finding in got["findings"]] == ["web-1", "web-2"]
    assert (await client.get("/api/v1/images/never/seen:1")).status_code == 404


async def test_prometheus_discovers_the_inventory(client):
    got = (await client.get("/api/v1/sd/prometheus")).json()
    assert got[0] == {
        "targets": ["web-1"],
        "labels": {
            "__meta_archscan_label_team": "web",
            "__meta_archscan_address": "10.0.0.1",
            "__meta_archscan_platform": "linux/amd64",
        },
    }
    assert len(got) == 4


async def test_before_the_first_report_nothing_pretends(client, service):
    service.latest = None
    for path in ("/api/v1/report", "/api/v1/findings", "/api/v1/hosts", "/hosts/web-1", "/-/ready"):
        refused = await client.get(path)
        assert (refused.status_code, refused.json()["reason"]) == (503, "not_ready")
        assert int(refused.headers["retry-after"]) > 0
    assert (await client.get("/-/healthy")).status_code == 200
    assert (await client.get("/metrics")).status_code == 200
    assert "first scan is under way" in (await client.get("/")).text


async def test_the_interface_describes_itself(client):
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    assert {"/metrics", "/probe", "/api/v1/check", "/api/v1/scans", "/api/v1/findings"} <= set(paths)


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
async def test_load_balancers_may_ask_with_head(client, path):
    got = await client.head(path)
    assert (got.status_code, got.content) == (200, b"")


# ---------------------------------------------------------------- metrics and probes


async def test_metrics_are_an_exposition(client):
    got = await client.get("/metrics")
    assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "archscan_finding" in {family.name for family in parse(got.text)}
    opened = await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert opened.text.endswith("# EOF\n")


@pytest.mark.parametrize(("offered", "coding"), [("gzip", "gzip"), ("gzip;q=0", None), ("identity", None), ("", None)])
async def test_metrics_are_packed_for_whoever_takes_that_alone(client, offered, coding):
    for _ in range(2):  # made in a thread, then there
        got = await client.get("/metrics", headers={"Accept-Encoding": offered})
        assert got.headers.get("content-encoding") == coding
        assert got.headers["vary"] == "Accept, Accept-Encoding"
        assert int(got.headers["content-length"]) == got.num_bytes_downloaded
        assert "archscan_finding" in {family.name for family in parse(got.text)}


async def test_requests_are_counted_by_route_not_by_path(client):
    for n in range(30):
        await client.get(f"/api/v1/hosts/x{n}")
        await client.get(f"/nowhere/{n}")
        await client.request("BREW", f"/nowhere/{n}")
    text = (await client.get("/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("archscan_http_requests_total")]
    assert 'archscan_http_requests_total{code="404",route="/api/v1/hosts/{name}"} 30.0' in lines
    assert len(lines) <= 4


async def test_a_probe_answers_for_its_target_only(as_):
    got = await as_("operate").get("/probe?target=edge-1")
    samples = {s.name: s.value for family in parse(got.text) for s in family.samples}
    assert samples["archscan_probe_success"] == 1
    assert 'host="edge-1"' in got.text
    assert "web-1" not in got.text


async def test_a_probe_of_a_silent_host_is_a_page_without_success(as_):
    got = await as_("operate").get("/probe?target=edge-2")
    assert got.status_code == 200
    assert "archscan_probe_success 0.0" in got.text


async def test_a_probe_ends_before_the_scrape_does(as_):
    got = await as_("operate").get("/probe?target=web-2", headers={"X-Prometheus-Scrape-Timeout-Seconds": "0.2"})
    assert got.status_code == 200
    assert "archscan_probe_success 0.0" in got.text


@pytest.mark.parametrize("header", ["soon", "-1", "0", "nan", "inf", "1e999"])
async def test_a_scrape_timeout_that_is_no_time_is_refused(as_, header):
    got = await as_("operate").get("/probe?target=web-1", headers={"X-Prometheus-Scrape-Timeout-Seconds": header})
    assert (got.status_code, got.json()["reason"]) == (400, "timeout_invalid")


@pytest.mark.parametrize("target", ["http://evil", "nobody", "127.0.0.1", "-oProxyCommand=x", "web-1;id"])
async def test_only_inventory_hosts_can_be_probed(as_, target):
    got = await as_("operate").get("/probe", params={"target": target})
    assert (got.status_code, got.json()["reason"]) == (400, "host_not_in_inventory")


async def test_the_log_of_a_probe_is_shown_now_and_later(as_):
    shown = await as_("operate").get("/probe?target=web-1&debug=true")
    assert "read 2 KiB" in shown.text
    listed = (await as_("read").get("/logs")).json()
    assert [(log["target"], log["success"]) for log in listed] == [("web-1", True)]
    assert (await as_("read").get(f"/logs?id={listed[0]['id']}")).text == "connected\nread 2 KiB\n"
    assert (await as_("read").get("/logs?id=99")).status_code == 404


async def test_a_reload_says_what_is_wrong(as_, service):
    assert (await as_("operate").post("/-/reload")).status_code == 200
    service.good_config = False
    refused = await as_("operate").post("/-/reload")
    assert (refused.status_code, refused.json()["detail"]) == (422, "archscan.yml:3: unknown key")
    assert service.asked == [("reload", "operateer")] * 2


# ---------------------------------------------------------------- scans


async def test_a_scan_is_accepted_joined_and_followed(as_, service):
    first = await as_("operate").post("/api/v1/scans", json={"hosts": ["web-*"]})
    assert first.status_code == 202
    again = await as_("operate").post("/api/v1/scans", json={"hosts": ["web-1", "web-2"]})
    assert (again.json()["id"], again.json()["joined"]) == (first.json()["id"], True)
    assert first.headers["location"] == f"/api/v1/scans/{first.json()['id']}"
    stream = asyncio.create_task(as_("read").get(first.headers["location"] + "/events"))
    while not service.app.state.context.listeners:
        await asyncio.sleep(0)
    service.finish.set()
    events = (await asyncio.wait_for(stream, 60)).text
    assert events.rstrip().rpartition("event: ")[2].startswith("end\n")
    assert json.loads(events.rstrip().rpartition("data: ")[2])["state"] == "done"
    assert (await as_("read").get(first.headers["location"])).json()["state"] == "done"


async def test_a_thousand_wishes_run_one_scan_and_keep_sixteen_waiting(as_, service, monkeypatch):
    monkeypatch.setattr(service, "_matching", lambda patterns: patterns)
    client = as_("operate")
    await client.post("/api/v1/scans", json={"hosts": ["h"]})
    answers = await asyncio.gather(*(client.post("/api/v1/scans", json={"hosts": [f"h{n}"]}) for n in range(200)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(answers) - len(refused) == 16
    assert {answer.json()["reason"] for answer in refused} == {"too_many_scans"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)


async def test_a_scan_of_nobody_is_refused(as_):
    refused = await as_("operate").post("/api/v1/scans", json={"hosts": ["nobody"]})
    assert (refused.status_code, refused.json()["reason"]) == (400, "host_not_in_inventory")
    assert (await as_("read").get("/api/v1/scans/none")).status_code == 404
    assert (await as_("read").get("/api/v1/scans/none/events")).status_code == 404


async def test_of_streams_that_are_opened_at_once_only_so_many_are_let_in(as_, service):
    path = (await as_("operate").post("/api/v1/scans", json={"hosts": []})).headers["location"]
    client = as_("read")
    streams = [asyncio.create_task(client.get(path + "/events")) for _ in range(MAX_LISTENERS + 8)]
    while service.app.state.context.listeners + sum(stream.done() for stream in streams) < len(streams):
        await asyncio.sleep(0)
    refused = [stream.result() for stream in streams if stream.done()]
    assert {(answer.status_code, answer.json()["reason"]) for answer in refused} == {(429, "too_many_listeners")}
    assert (len(refused), service.app.state.context.listeners) == (8, MAX_LISTENERS)
    service.finish.set()
    await asyncio.wait_for(asyncio.gather(*streams), 60)
    assert not service.app.state.context.listeners


async def test_a_stream_ends_with_the_token_that_opened_it(as_, service, token_list):
    request = service.queue.request(["a"])
    stream = asyncio.create_task(as_("read").get(f"/api/v1/scans/{request.id}/events"))
    while not service.app.state.context.listeners:
        await asyncio.sleep(0.01)
    service.app.state.access = Access([token for token in token_list if token.name != "reader"])
    service.app.state.context.access_changes.tell()
    events = (await asyncio.wait_for(stream, 10)).text  # sooner than the next sign of life
    assert "event: end" not in events
    assert not service.app.state.context.listeners


async def test_an_agent_whose_token_is_removed_while_it_waits_is_told_nothing_more(as_, service, token_list):
    class Waiting:
        async def work(self, _wait_s):
            service.app.state.access = Access([token for token in token_list if token.name != "rollback_agenter"])
            return []

    client = as_("rollback_agent")
    service.rollbacks = Waiting()
    assert (await client.post("/api/v1/rollbacks-work?wait=1")).status_code == 401


async def test_work_is_not_told_to_a_token_that_ended_while_it_was_waited_for(as_, service, token_list):
    class Waiting:
        async def work(self, _wait_s):
            service.app.state.access = Access([token for token in token_list if Scope.READ in token.scopes])
            return []

    service.rollbacks = Waiting()
    assert (await as_("rollback_agent").post("/api/v1/rollbacks-work?wait=20")).status_code == 401


async def test_a_scan_of_many_hosts_is_told_in_few_events(as_, service, monkeypatch):
    monkeypatch.setattr("scanner.web.api.scanning.PAUSE_S", 0.05)
    path = (await as_("operate").post("/api/v1/scans", json={"hosts": []})).headers["location"]
    request = service.queue.find(path.rpartition("/")[2])
    stream = asyncio.create_task(as_("read").get(path + "/events"))
    while not service.app.state.context.listeners:
        await asyncio.sleep(0)
    for n in range(5000):
        service.queue.progress(request.id, n, 5000)
        await asyncio.sleep(0)
    service.finish.set()
    events = (await asyncio.wait_for(stream, 60)).text
    assert 2 <= events.count("event: ") < 500
    assert events.count("event: end") == 1


# ---------------------------------------------------------------- the gate


@pytest.mark.parametrize(
    ("image", "status", "decision"),
    [
        (API, 200, "allow"),
        ("old/report:1", 200, "warn"),
        (WORKER, 409, "deny"),
        ("docker.io/library/backup:1", 503, "hold"),
    ],
)
async def test_the_gate_answers_so_that_curl_fail_fails_closed(as_, image, status, decision):
    got = await as_("gate").post("/api/v1/check", json={"images": [image], "hosts": ["*"]})
    assert (got.status_code, got.json()["decision"]) == (status, decision)
    assert got.json()["schema"] == "archscan/v1"
    assert ("retry-after" in got.headers) == (decision == "hold")
    text = (await as_("read").get("/metrics")).text
    assert f'archscan_gate_decisions_total{{decision="{decision}"}} 1.0' in text


async def test_the_gate_holds_before_the_first_scan(as_, service):
    service.latest = None
    got = await as_("gate").post("/api/v1/check", json={"images": [API], "platform": "linux/amd64"})
    assert (got.status_code, got.json()["decision"], got.headers["retry-after"]) == (503, "hold", "10")


async def test_the_gate_holds_on_a_decision_it_does_not_know(as_, service, monkeypatch):
    monkeypatch.setattr(service, "policy", dict.fromkeys(service.policy, "perhaps"))
    got = await as_("gate").post("/api/v1/check", json={"images": [API], "hosts": ["*"]})
    assert (got.status_code, got.json()["decision"]) == (503, "hold")


@pytest.mark.parametrize(
    "body",
    [
        {"images": ["http://evil/x"], "hosts": ["*"]},
        {"images": ["file:///etc/passwd"], "hosts": ["*"]},
        {"images": ["user:pw@host/x:1"], "hosts": ["*"]},
        {"images": ["a\r\nb"], "hosts": ["*"]},
        {"images": ["A" * 4000 + "!"], "hosts": ["*"]},
        {"images": [], "hosts": ["*"]},
        {"images": ["x"] * 65, "hosts": ["*"]},
        {"images": ["x"]},
        {"images": ["x"], "hosts": ["*"], "platform": "linux/amd64"},
        {"images": ["x"], "platform": "not a platform"},
        {"images": ["x"], "platform": "linux/*"},
        {"images": "x", "hosts": ["*"]},
        {"images": ["x"], "hosts": ["*"], "force": True},
        {"images": ["x"], "hosts": ["nobody"]},
        [],
        None,
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(as_, body):
    refused = await as_("gate").post("/api/v1/check", json=body)
    assert refused.status_code == 400, refused.text
    assert refused.headers["content-type"] == "application/problem+json"


async def test_an_image_of_a_registry_that_is_not_configured_is_refused(as_):
    refused = await as_("gate").post("/api/v1/check", json={"images": ["evil.example/x:1"], "hosts": ["*"]})
    assert (refused.status_code, refused.json()["reason"]) == (403, "registry_not_allowed")


async def test_an_error_is_explained(client):
    got = (await client.post("/api/v1/explain", json={"text": "exec /app: exec format error"})).json()
    assert [one["reason"] for one in got["explanations"]] == ["exec_format_error"]
    (one,) = got["explanations"]
    assert list(one) == ["reason", "status", "phrase", "cause", "said_by", "confirm", "fix"]
    assert "runc" in one["said_by"]
    assert "uname -m" in one["confirm"]
    assert any("buildx" in command for command in one["fix"]["commands"])
    port = (await client.post("/api/v1/explain", json={"text": "failed: port is already allocated"})).json()
    assert port == {"explanations": [], "instead": "a port is in use"}
    assert (await client.post("/api/v1/explain", json={"text": "all is well"})).json() == {"explanations": []}


# ---------------------------------------------------------------- waivers


async def test_a_waiver_is_given_listed_and_ended(as_):
    body = {"owner": "ann", "reason": "replaced on Friday", "until": "2040-01-01T00:00:00Z", "host": "edge-*"}
    given = await as_("operate").post("/api/v1/waivers", json=body)
    assert given.status_code == 201
    listed = (await as_("read").get("/api/v1/waivers")).json()["waivers"]
    assert listed == [{name: said for name, said in given.json().items() if name != "covered"}]
    assert (given.json()["until"], given.json()["host"]) == ("2040-01-01T00:00:00.000Z", "edge-*")
    assert (await as_("operate").delete(given.headers["location"])).status_code == 204
    assert (await as_("operate").delete(given.headers["location"])).status_code == 404
    assert (await as_("operate").delete("/api/v1/waivers/from-config")).json()["reason"] == "waiver_invalid"
    last = await as_("operate").post("/api/v1/waivers", json=body | {"until": "9999-12-31T23:59:59.999999Z"})
    assert last.json()["until"] == "9999-12-31T23:59:59.000Z"


async def test_a_waiver_of_the_configuration_file_is_taken_as_it_stands_there(as_):
    match = {"host": "a", "image": "b", "workload": "c", "reason": "tag_gone"}
    in_file = {"owner": "kim", "reason": "r", "until": "2040-05-31", "match": match}
    given = (await as_("operate").post("/api/v1/waivers", json=in_file)).json()
    covers = [given[name] for name in ("host", "image", "workload", "finding_reason")]
    assert (covers, given["until"]) == (list(match.values()), "2040-05-31T23:59:59.999Z")


@pytest.mark.parametrize(
    "change",
    [
        {"until": "2001-01-01T00:00:00Z"},
        {"until": "2040-01-01T00:00:00"},
        {"until": "later"},
        {"host": "*"},
        {"host": "**", "image": "*/*:*"},
        {"owner": " "},
        {"more": 1},
    ],
)
async def test_a_waiver_needs_an_owner_an_end_and_a_target(as_, change):
    body = {"owner": "ann", "reason": "why", "until": "2040-01-01T00:00:00Z", "host": "edge-*"} | change
    refused = await as_("operate").post("/api/v1/waivers", json=body)
    assert refused.status_code == 400


# ---------------------------------------------------------------- errors and limits


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/metrics", 405, "method_not_allowed"),
        ("BREW", "/", 405, "method_not_allowed"),
    ],
)
async def test_every_error_is_a_problem_document(client, method, path, status, reason):
    got = await client.request(method, path)
    assert got.headers["content-type"] == "application/problem+json"
    body = got.json()
    assert (body["status"], body["reason"], body["type"]) == (status, reason, "about:blank")
    assert got.headers["x-content-type-options"] == "nosniff"


async def test_a_bug_is_told_without_its_inside(client, service):
    service.broken = True
    with capture_logs() as logged:
        got = await client.get("/api/v1/report")
    assert [(line["event"], line["route"]) for line in logged] == [("request_failed", "/api/v1/report")]
    assert (got.status_code, got.json()["reason"]) == (500, "internal_bug")
    assert "secret" not in got.text
    service.broken = False
    assert "archscan_internal_errors_total 1.0" in (await client.get("/metrics")).text


async def test_a_body_beyond_the_limit_is_refused(as_):
    big = b'{"text": "' + b"x" * MAX_BODY_BYTES + b'"}'
    assert (await as_("read").post("/api/v1/explain", content=big)).status_code == 413

    async def endless():
        while True:
            yield b"x" * 8192

    refused = await as_("read").post("/api/v1/explain", content=endless())
    assert (refused.status_code, refused.headers["connection"]) == (413, "close")


async def test_a_body_that_trickles_is_refused(as_, monkeypatch):
    monkeypatch.setattr("scanner.web.http.limits.BODY_WITHIN_S", 0.05)

    async def slow():
        yield b"{"
        await asyncio.sleep(30)

    refused = await as_("read").post("/api/v1/explain", content=slow())
    assert (refused.status_code, refused.json()["reason"]) == (408, "body_too_slow")


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"text":' * 7_000, b'{"text": NaN}', b"\xff\xfe", b'{"text": "\\ud800"}', b""]
)
async def test_json_that_is_no_sensible_json_is_refused(as_, body):
    refused = await as_("read").post("/api/v1/explain", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400, refused.text


async def test_forms_and_files_are_not_taken(as_):
    refused = await as_("read").post("/api/v1/explain", files={"text": b"x"})
    assert refused.status_code == 400


async def test_answers_carry_security_headers(client):
    for path in ("/", "/metrics", "/static/archscan.css", "/nowhere"):
        headers = (await client.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


async def test_an_answer_about_many_hosts_is_written_beside_the_loop(as_, service, monkeypatch):
    seen, made = [], check_document.document
    hosts = service.latest.hosts * FEW
    checked = Checked(replace(service.latest, hosts=hosts, findings=()), Decision.ALLOW)

    async def ask_files(*_):
        return checked

    monkeypatch.setattr(service, "ask_files", ask_files)
    monkeypatch.setattr(check_document, "document", lambda one: seen.append(threading.get_ident()) or made(one))
    answer = await as_("gate").post("/api/v1/check", json={"images": [API], "hosts": ["*"]})
    assert len(answer.json()["hosts"]) == len(hosts)
    assert seen != [threading.get_ident()]
