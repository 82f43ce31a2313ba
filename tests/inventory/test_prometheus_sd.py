import json
from pathlib import Path

import pytest

from scanner.inventory import FileSdSource, HttpSdSource, InventoryError
from tests.inventory.target_files import EVERY

ANSWERS = Path(__file__).parent.parent / "data" / "target_files" / "prometheus.json"

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
        (b'[{"targets": "a"}]', "http://sd/[0]: must be a list of groups with targets"),
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
    path.write_text("- targets:\n  - web-1:9100\n  - a b:c\n  - c:x\n- targets: [web-2]\n  labels: {x-y: z}\n")
    records = {record.name: record.problem for record in FileSdSource((path,)).read().records}
    assert records == {
        "web-1": "",
        "a b:c": f"{path}:3: host a b:c: target 'a b:c' is not host:port",
        "c:x": f"{path}:4: host c:x: target 'c:x' is not host:port",
        "web-2": f"{path}:5: host web-2: label 'x-y' must match [a-zA-Z_][a-zA-Z0-9_]*",
    }
    body = b'[\n{"targets": ["ok", "a b:c"]}]'
    odd = HttpSdSource("http://sd/", lambda _url: body).read().records[1]
    assert odd.problem == "http://sd/:2: host a b:c: target 'a b:c' is not host:port"


def read(path):
    """The addresses of a file with their labels, none where it is refused."""
    try:
        records = FileSdSource((path,), target_port=True).read().records
    except InventoryError:
        return None
    if any(record.problem for record in records):
        return None
    shown = ((f"[{one.address}]" if ":" in one.address else one.address, one) for one in records)
    return sorted(([f"{address}:{one.port}", dict(one.labels)] for address, one in shown), key=str)


def test_target_files_are_read_as_prometheus_reads_them(tmp_path):
    answers = json.loads(ANSWERS.read_text())
    assert len(answers) == len(EVERY), "run python -m tests.inventory.record_target_files"
    differ = {}
    for number, ((ending, text), answer) in enumerate(zip(EVERY, answers, strict=True)):
        path = tmp_path / f"{number}{ending}"
        path.write_text(text)
        if (ours := read(path)) != answer:
            differ[text] = ours, answer
    assert differ == {}


def test_a_group_that_prometheus_refuses_costs_its_own_targets(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text(
        "- targets: [a:1]\n  label: {team: web}\n- targets: [b:1]\n  labels: {x: [y]}\n- targets: ['2001:db8::2']\n"
    )
    records = {record.name: record.problem for record in FileSdSource((path,)).read().records}
    assert records == {
        "a:1": f"{path}:1: host a:1: its group has 'label', which is neither targets nor labels",
        "b:1": f"{path}:3: host b:1: labels must be a mapping to text",
        "2001:db8::2": "",
    }
