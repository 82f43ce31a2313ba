import json

import pytest

from scanner.inventory import FileSdSource, HttpSdSource, InventoryError

GROUPS = [
    {"targets": ["web-1:9100", "https://web-2:9100/metrics", "[::1]:9100"], "labels": {"team": "web", "__meta_x": "y"}},
    {"targets": ["web-1:9323"], "labels": {"job": "docker", "team": "other"}},
]


def test_a_machine_is_one_host_however_many_exporters_it_has(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(GROUPS))
    (tmp_path / "b.yml").write_text("- targets: [db-1]\n")
    hosts = {record.name: record for record in FileSdSource((tmp_path / "a.json", tmp_path / "*.yml")).read().records}
    assert list(hosts) == ["web-1", "web-2", "::1", "db-1"]
    assert hosts["web-1"].labels == {"team": "web", "job": "docker"}
    assert {record.port for record in hosts.values()} == {None}


def test_a_targets_port_may_be_that_of_ssh():
    source = HttpSdSource("http://sd/", lambda _url: json.dumps([{"targets": ["a:2222", "b"]}]).encode(), True)
    assert [(r.name, r.address, r.port) for r in source.read().records] == [("a:2222", "a", 2222), ("b", "b", None)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "http://sd/[0]: must be a list of groups with targets"),
        (b"[1]", "http://sd/[0]: must be a list of groups with targets"),
        (b"[{}]", "http://sd/[0]: must be a list of groups with targets"),
        (b'[{"targets": [], "labels": {"a": 1}}]', "http://sd/[0]: labels must be a mapping to text"),
        (b"[", "http://sd/:1: is not JSON: Expecting value"),
        (b"\xff", "http://sd/:1: is not UTF-8"),
        (b"[" * 100_000, "http://sd/: is not JSON that can be read: nested too deeply"),
        (b"9" * 5000, "http://sd/: is not JSON that can be read: a number is too long"),
    ],
)
def test_a_bad_answer_is_told(body, message):
    with pytest.raises(InventoryError) as caught:
        HttpSdSource("http://sd/", lambda _url: body).read()
    assert str(caught.value) == message


def test_an_endpoint_that_is_down_is_told():
    def down(_url):
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(InventoryError, match=r"http://sd/: .*Connection refused"):
        HttpSdSource("http://sd/", down).read()


def test_a_pattern_without_files_is_refused(tmp_path):
    with pytest.raises(InventoryError, match="no file matches"):
        FileSdSource((tmp_path / "*.json",)).read()


def test_an_odd_target_costs_itself(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text("- targets:\n  - web-1:9100\n  - a b:c\n  - 7\n- targets: [web-2]\n  labels: {x-y: z}\n")
    records = {record.name: record.problem for record in FileSdSource((path,)).read().records}
    assert records == {
        "web-1": "",
        "a b:c": f"{path}:3: host a b:c: target 'a b:c' is not host:port",
        "7": f"{path}:4: host 7: target '7' is not host:port",
        "web-2": f"{path}:5: host web-2: label 'x-y' must match [a-zA-Z_][a-zA-Z0-9_]*",
    }
    body = b'[\n{"targets": ["ok", "a b:c"]}]'
    odd = HttpSdSource("http://sd/", lambda _url: body).read().records[1]
    assert odd.problem == "http://sd/:2: host a b:c: target 'a b:c' is not host:port"
