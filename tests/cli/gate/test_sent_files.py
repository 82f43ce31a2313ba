"""What of a person's files a running archscan is told."""

from types import MappingProxyType

import pytest

from scanner.cli.gate import sent_files
from scanner.errors import UsageError
from scanner.probe.planned.folder import plans as plans_of_folder


def told(folder, *files, environ=MappingProxyType({}), manifests=()):
    """What a server makes of the files that it is sent: each plan's workload with its image."""
    texts = sent_files.texts([folder / name for name in files], manifests, environ)
    found = plans_of_folder({path: text.encode() for path, text in texts.items()})
    assert not found.gaps
    return {one.planned.workload: one.planned.image for one in found.filed}


ONE = "services: {api: {image: 'r.example/api:${TAG-0}'}, old: {image: r.example/old, profiles: [old]}}\n"


REFERRING = """
include: [../common/base.yml, {path: more.yml, env_file: more.env}]
services:
  api: {image: "r.example/api:${TAG}", env_file: app.env, environment: [TOKEN]}
  one: {extends: {file: ../common/base.yml, service: db}}
"""


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "app" / "shop"
    folder.mkdir(parents=True)
    (folder / "compose.yml").write_text(ONE)
    (folder / ".env").write_text("TAG=1\nCOMPOSE_FILE=gone.yml")
    (folder / "sub").mkdir()
    (folder / "common").mkdir()
    for name, text in {
        "sub/all.yml": REFERRING, "common/base.yml": "services: {db: {image: r.example/db}}\n", "sub/more.env": "OF=4\n",
        "sub/more.yml": "services: {more: {image: 'r.example/more:${OF}'}}\n",
        "sub/app.env": "PASSWORD='s3cret # x'\nPATH=/opt/bin:/bin\n",
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    (folder / "prod's.yml").write_text("services: {api: {image: r.example/api:prod}}\n")
    (tmp_path / "app" / "base.yml").write_text("services: {db: {image: r.example/db}}\n")
    return folder


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        (["compose.yml"], {}, {"shop/api": "r.example/api:1"}),
        (["compose.yml", "prod's.yml"], {}, {"shop/api": "r.example/api:prod"}),
        (["../base.yml", "compose.yml"], {}, {"app/db": "r.example/db", "app/api": "r.example/api:0"}),
        (["compose.yml"], {"COMPOSE_PROJECT_NAME": "x", "SECRET": "s"}, {"x/api": "r.example/api:1"}),
        (["compose.yml"], {"COMPOSE_PROFILES": "old"}, {"shop/api": "r.example/api:1", "shop/old": "r.example/old"}),
        ([""], {"COMPOSE_FILE": "compose.yml"}, {"shop/api": "r.example/api:1"}),
        (["compose.yml"], {"TAG": "2", "SECRET": "s"}, {"shop/api": "r.example/api:2"}),
        (
            ["sub/all.yml"],
            {"TAG": "3"},
            {
                "sub/api": "r.example/api:3",
                "sub/one": "r.example/db",
                "sub/db": "r.example/db",
                "sub/more": "r.example/more:4",
            },
        ),
    ],
)
def test_a_server_reads_a_project_as_it_is_read_here(shop, files, environ, expected):
    assert told(shop, *files, environ=environ) == expected


def test_what_containers_are_given_stays_here(shop):
    environ = {"TAG": "3", "TOKEN": "t0ken", "UNUSED": "u"}
    texts = sent_files.texts([shop / "sub" / "all.yml"], [], environ)
    assert [secret for secret in ("t0ken", "s3cret", "UNUSED") if secret in str(texts)] == []
    assert texts["shop/sub/app.env"].split() == ["PASSWORD=@hidden", "PATH=/opt/bin:/bin"]
    (found,) = (
        one.planned for one in plans_of_folder({path: text.encode() for path, text in texts.items()}).filed
        if one.planned.workload == "sub/api"
    )  # fmt: skip
    assert dict(found.process.env) == {"PASSWORD": None, "PATH": "/opt/bin:/bin", "TOKEN": None}


def test_a_folder_is_sent_with_all_its_texts(tmp_path):
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
    assert sent_files.texts([], [folder]) == {"a.yaml": "kind: Pod", "base/b.yaml": "kind: Job"}


def test_what_cannot_be_sent_whole_is_told(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        sent_files.texts([tmp_path / "nope.yml"], [])
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(UsageError, match=r"latin\.yaml"):
        sent_files.texts([], [tmp_path])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yml").write_text(f"name: {name}")
    with pytest.raises(UsageError, match=r"called pod\.yml too"):
        sent_files.texts([], [tmp_path / "a" / "pod.yml", tmp_path / "b" / "pod.yml"])


def test_more_files_than_one_question_takes_are_refused_not_cut(tmp_path):
    for number in range(sent_files.MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").write_text("a: 1")
    with pytest.raises(UsageError, match="more than 256"):
        sent_files.texts([], [tmp_path])
