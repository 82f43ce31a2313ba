"""What of a person's files a running archscan is told."""

import pytest

from scanner.cli.gate import sent_files
from scanner.errors import UsageError


def test_a_project_is_sent_with_its_variables_and_a_folder_with_all_its_texts(tmp_path):
    (tmp_path / "compose.yml").write_text("services: {}\n")
    (tmp_path / ".env").write_text("TAG=1\n")
    folder = tmp_path / "k8s"
    (folder / "base").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name, raw in (
        ("a.yaml", b"kind: Pod"),
        ("base/b.yaml", b"kind: Job"),
        ("logo.png", b"\x89PNG\0\xff"),
        (".git/x", b"x"),
    ):
        (folder / name).write_bytes(raw)
    found = sent_files.texts([tmp_path / "compose.yml"], [folder])
    assert found == {
        "compose.yml": "services: {}\n", ".env": "TAG=1\n", "a.yaml": "kind: Pod", "base/b.yaml": "kind: Job",
    }  # fmt: skip


def test_what_cannot_be_sent_whole_is_told(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        sent_files.texts([tmp_path / "nope.yml"], [])
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(UsageError, match=r"latin\.yaml"):
        sent_files.texts([], [tmp_path])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yml").write_text(f"name: {name}")
    with pytest.raises(UsageError, match=r"called compose\.yml too"):
        sent_files.texts([tmp_path / "a" / "compose.yml", tmp_path / "b" / "compose.yml"], [])


def test_more_files_than_one_question_takes_are_refused_not_cut(tmp_path):
    for number in range(sent_files.MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").write_text("a: 1")
    with pytest.raises(UsageError, match="more than 256"):
        sent_files.texts([], [tmp_path])
