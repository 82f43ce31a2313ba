"""A fault of ours costs one file."""

from scanner.domain.host import Host
from scanner.probe.planned import folder
from scanner.probe.planned.faults import MAX_ALONE, MAX_TOGETHER, without_culprits
from scanner.scan.plans import plans

COMPOSE = b"services: {a: {image: 'r.example/a:1'}}\n"


def stumbling(texts):
    if any(b"bad" in raw for raw in texts.values()):
        raise KeyError("x")
    return sorted(texts)


def test_the_file_at_fault_is_left_out_with_its_reason():
    found, faults = without_culprits(stumbling, {"a": b"", "b": b"bad", "c": b""})
    assert found == ["a", "c"]
    assert faults == {"b": "a fault of archscan's own: KeyError: 'x'"}


def test_of_files_that_are_at_fault_together_one_is_left_out():
    def together(texts):
        if {"a", "d"} <= texts.keys() or {"b", "f"} <= texts.keys():
            raise ValueError("together")
        return stumbling(texts)

    found, faults = without_culprits(together, dict.fromkeys("abcdg", b"") | {"e": b"bad", "f": b""})
    assert found == ["a", "b", "c", "g"]
    assert faults.keys() == {"d", "e", "f"}
    assert faults["d"] == "a fault of archscan's own: ValueError: together"


def test_where_it_is_not_found_which_files_are_at_fault_all_are_unknown():
    def never(texts):
        raise ValueError(len(texts))

    found, faults = without_culprits(never, {"a": b"", "b": b""})
    assert (found, faults.keys()) == (None, {"a", "b"})
    pairs = {str(number): b"" for number in range(2 * MAX_TOGETHER + 4)}
    found, faults = without_culprits(lambda texts: len(texts) < 2 or never(texts), pairs)
    assert (found, faults.keys()) == (None, pairs.keys())
    many = {str(number): b"bad" for number in range(MAX_ALONE + 1)}
    assert len(without_culprits(stumbling, many)[1]) == len(many)


def test_a_plan_directory_loses_the_one_file(tmp_path, monkeypatch):
    (tmp_path / "web").mkdir()
    (tmp_path / "web/compose.yml").write_bytes(COMPOSE)
    (tmp_path / "web/bad.yaml").write_bytes(b"kind: Pod\n")
    real = folder.plans

    def faulty(texts, root=""):
        if any(path.endswith("bad.yaml") for path in texts if path.startswith("web/")):
            raise TypeError("unhashable type: 'list'")
        return real(texts, root)

    monkeypatch.setattr(plans.folder, "plans", faulty)
    found = plans.PlanDirectory(tmp_path).read([Host("web", "web")]).of("web")
    assert [workload.image for workload in found.workloads] == ["r.example/a:1"]
    assert ["web/bad.yaml: a fault of archscan's own" in failure.detail for _, failure in found.gaps] == [True]
