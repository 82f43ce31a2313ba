import pytest

from scanner.web.api.description import REFUSALS
from tests.web.conftest import TOKENS


@pytest.fixture
async def document(client):
    return (await client.get("/api/v1/openapi.json")).json()


def operations(document):
    return [(path, method, op) for path, methods in document["paths"].items() for method, op in methods.items()]


def test_it_says_how_one_is_let_in(document):
    assert set(document["components"]["securitySchemes"]) == {"token", "user", "session"}
    open_ones = {path for path, _, operation in operations(document) if operation["security"] == []}
    assert open_ones == {"/-/healthy", "/-/ready"}


def test_every_operation_names_its_refusals_as_problem_documents(document):
    for path, method, operation in operations(document):
        assert {"400", "401", "403", "500", "503"} <= set(operation["responses"]), (method, path)
        for status, response in operation["responses"].items():
            if status in REFUSALS and int(status) >= 400:
                assert "application/problem+json" in response["content"], (method, path, status)


def test_what_acts_cannot_be_done_with_a_password(document):
    for path, method, operation in operations(document):
        if "Scope: `operate`" in operation.get("description", ""):
            assert {"user": []} not in operation["security"], (method, path)


def test_every_body_has_an_example_that_is_taken(document):
    for path, method, operation in operations(document):
        for media_type, content in operation.get("requestBody", {"content": {}})["content"].items():
            assert media_type == "application/octet-stream" or content["example"], (method, path)


async def test_the_examples_are_taken(as_, document):
    for path, method, operation in operations(document):
        asked = operation.get("requestBody", {"content": {}})["content"].get("application/json")
        if asked is not None:
            example = asked["example"]
            scope = next(s for s in TOKENS if f"Scope: `{s}`" in operation["description"])
            got = await as_(scope).request(method, path, json=example)
            assert got.status_code not in {400, 422}, (path, got.text)


# ---------------------------------------------------------------- what every caller may rely on


async def test_who_has_an_answer_already_is_told_so(client):
    first = await client.get("/api/v1/findings")
    again = await client.get("/api/v1/findings", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert again.status_code == 304
    assert again.content == b""
    assert (await client.get("/api/v1/findings", headers={"If-None-Match": '"x"'})).status_code == 200
    assert "etag" not in (await client.get("/metrics")).headers


async def test_pages_of_findings_follow_each_other_by_cursor(client, service):
    seen, cursor = [], ""
    for _ in range(20):
        page = (await client.get(f"/api/v1/findings?limit=3&cursor={cursor}")).json()
        seen += [(one["host"], one["workload"]) for one in page["findings"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [(f.workload.host, f.workload.name) for f in service.latest.findings]


async def test_a_cursor_finds_its_place_in_a_newer_report(client, service):
    cursor = (await client.get("/api/v1/findings?limit=3")).json()["next_cursor"]
    report = service.latest
    service.latest = type(report)("s", 1.0, 2.0, report.hosts, (report.findings[-1], *report.findings[:-1]))
    page = (await client.get(f"/api/v1/findings?limit=1&cursor={cursor}")).json()
    assert page["findings"][0]["workload"] == report.findings[3].workload.name


@pytest.mark.parametrize("cursor", ["x", "bnVsbA==", "WyJhIl0=", "%00", "W10="])
async def test_a_cursor_that_is_none_is_refused(client, cursor):
    got = await client.get(f"/api/v1/findings?cursor={cursor}")
    assert got.status_code == 400
    assert got.json()["reason"] == "cursor_invalid"


async def test_a_request_with_its_key_is_carried_out_once(as_, service):
    caller, key = as_("operate"), {"Idempotency-Key": "one"}
    first = await caller.post("/api/v1/scans", json={}, headers=key)
    again = await caller.post("/api/v1/scans", json={}, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert service.asked == [("scan", "operateer")]
    other = await caller.post("/api/v1/scans", json={"hosts": ["web-*"]}, headers=key)
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency_key_reused")


async def test_what_failed_may_be_tried_again_with_its_key(as_, service):
    caller, key, report = as_("gate"), {"Idempotency-Key": "two"}, service.latest
    asked = {"images": [report.findings[0].workload.image], "hosts": ["web-1"]}
    service.latest = None
    assert (await caller.post("/api/v1/check", json=asked, headers=key)).status_code == 503
    service.latest = report
    assert (await caller.post("/api/v1/check", json=asked, headers=key)).status_code == 200


async def test_keys_of_different_callers_are_different(as_, service):
    for scope, path, body in (("operate", "/api/v1/scans", {}), ("read", "/api/v1/explain", {"text": "x"})):
        got = await as_(scope).post(path, json=body, headers={"Idempotency-Key": "same"})
        assert got.status_code in {200, 202}


@pytest.mark.parametrize("key", ["", "x" * 129])
async def test_a_key_that_is_none_is_refused(as_, key):
    got = await as_("operate").post("/api/v1/scans", json={}, headers={"Idempotency-Key": key})
    assert got.status_code == 400
