import pytest
from jsonschema import Draft202012Validator, FormatChecker

from scanner.web.api.description import REFUSALS
from tests.web.conftest import TOKENS

_MADE = {}
"""It takes a second to make, and no test changes it."""


@pytest.fixture
async def document(client_of, app_with):
    if not _MADE:
        _MADE.update((await client_of(app_with()).get("/api/v1/openapi.json")).json())
    return _MADE


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


async def test_what_failed_may_be_tried_again_with_its_key_and_the_gate_decides_anew(as_, service):
    caller, key, report = as_("gate"), {"Idempotency-Key": "two"}, service.latest
    asked = {"images": [report.findings[0].workload.image], "hosts": ["web-1"]}
    service.latest = None
    assert (await caller.post("/api/v1/check", json=asked, headers=key)).status_code == 503
    service.latest = report
    assert (await caller.post("/api/v1/check", json=asked, headers=key)).status_code == 200
    service.latest = None
    assert (await caller.post("/api/v1/check", json=asked, headers=key)).status_code == 503, (
        "a decision is of its moment"
    )


async def test_keys_of_different_callers_are_different(as_, service):
    for scope, path, body in (("operate", "/api/v1/scans", {}), ("read", "/api/v1/explain", {"text": "x"})):
        got = await as_(scope).post(path, json=body, headers={"Idempotency-Key": "same"})
        assert got.status_code in {200, 202}


@pytest.mark.parametrize("key", ["", "x" * 129, "two words", "schlüssel".encode("latin-1")])
async def test_a_key_that_is_none_is_refused(as_, key):
    got = await as_("operate").post("/api/v1/scans", json={}, headers={"Idempotency-Key": key})
    assert got.status_code == 400


# ---------------------------------------------------------------- answers are what the description says


def closed(schema):
    """The same schema, in which no member may be that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    return made | ({"additionalProperties": False} if "properties" in schema else {})


READ = (
    "/api/v1/report",
    "/api/v1/hosts",
    "/api/v1/hosts/{name}",
    "/api/v1/findings",
    "/api/v1/images/{reference}",
    "/api/v1/sd/prometheus",
    "/api/v1/readiness",
    "/api/v1/waivers",
    "/api/v1/overrides",
    "/api/v1/rollbacks",
    "/api/v1/hosts/{name}/releases",
)
FILLED = {"{name}": "edge-1", "{reference}": "registry.example:5000/shop/worker:2.0"}


@pytest.mark.parametrize("path", READ)
async def test_an_answer_has_what_the_description_says_and_nothing_else(client, document, path):
    asked = path
    for name, value in FILLED.items():
        asked = asked.replace(name, value)
    answer = await client.get(asked, params={"to": "linux/arm64"} if "readiness" in path else {})
    assert answer.status_code == 200, answer.text
    found = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = closed({**found, "components": document["components"]})
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(answer.json())


async def test_what_is_made_has_what_the_description_says_and_nothing_else(as_, service, document):
    waiver = {"owner": "ada", "reason": "soon", "until": "2027-01-31T23:59:59Z", "image": "legacy/*"}
    bad = next(f.workload.image for f in service.latest.findings if f.verdict.reason == "platform_missing")
    asked = {
        "/api/v1/scans": ("operate", {}),
        "/api/v1/waivers": ("operate", waiver),
        "/api/v1/overrides": ("operate", waiver),
        "/api/v1/explain": ("read", {"text": "exec /app/server: exec format error"}),
        "/api/v1/check": ("gate", {"images": [bad], "hosts": ["edge-1"]}),
    }
    for path, (scope, body) in asked.items():
        answer = await as_(scope).post(path, json=body)
        assert answer.status_code in {200, 201, 202, 409}, answer.text
        said = document["paths"][path]["post"]["responses"][str(answer.status_code)]["content"]["application/json"]
        whole = closed({**said["schema"], "components": document["components"]})
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(answer.json())


def test_every_answer_in_json_has_a_schema(document):
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                assert media_type == "text/event-stream" or content.get("schema"), (method, path, status, media_type)


def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert sorted(names) == sorted(set(names))
    linked = [link["operationId"] for _, _, operation in operations(document)
              for response in operation["responses"].values() for link in response.get("links", {}).values()]  # fmt: skip
    assert set(linked) <= set(names)
    assert linked


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/api/v1/waivers", "GET, POST"), ("/api/v1/rollbacks", "GET, POST"), ("/api/v1/check", "POST"), ("/", "GET")],
)
async def test_an_address_names_all_methods_that_it_takes(client, path, methods):
    answer = await client.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)
