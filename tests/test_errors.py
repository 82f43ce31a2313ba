"""What libraries' exceptions say to a person."""

from __future__ import annotations

import os
import ssl
import urllib.request
from urllib.error import URLError

import pytest

from scanner import cli
from scanner.app.main import _operations
from scanner.cluster.link import MAX_WORDS, one_line
from scanner.errors import in_words


def raised(call) -> Exception:
    with pytest.raises((OSError, ValueError)) as caught:
        call()
    return caught.value


def test_numbers_of_libraries_are_left_out(tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    said = [
        in_words(raised(lambda: os.open(tmp_path / "no", os.O_RDONLY))),
        in_words(raised(lambda: urllib.request.urlopen("http://127.0.0.1:1"))),
        in_words(raised(lambda: ssl.create_default_context(cafile=str(tmp_path / "ca.pem")))),
        in_words(URLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)"))),
        in_words(OSError("two\nlines")),
        in_words(TimeoutError()),
    ]
    assert said == [
        f"No such file or directory: '{tmp_path}/no'",
        "Connection refused",
        "no certificate or crl found",
        "wrong version number",
        "two lines",
        "TimeoutError",
    ]


def test_what_a_cluster_cannot_do_is_said_in_words():
    said = [one_line(ConnectionRefusedError(111, "Connection refused")), one_line(TimeoutError()), one_line(KeyError())]
    assert said == ["Connection refused", "no answer in time", "KeyError"]
    assert len(one_line(ValueError("\x1b[31m" + "x" * 9999))) == MAX_WORDS


@pytest.mark.parametrize(
    ("path", "cure"),
    [
        ("no/folder/a.db", "create its directory"),
        ("file/a.db", "a part of its path is a file"),
        ("folder", "archscan.db"),
    ],
)
def test_a_store_that_cannot_be_made_is_told_without_a_number(path, cure, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.yml").write_text(
        f"inventory: [{{kind: local}}]\nstore: {{url: 'sqlite:///{tmp_path}/{path}'}}\nweb: {{listen: '127.0.0.1:0'}}\n"
    )
    assert cli.run(_operations, lambda: "0", ("serve", "--config", "a.yml")) == 2
    said = capsys.readouterr().err
    assert (
        "Errno" in said,
        cure in said,
        said.splitlines()[-1].startswith(f"archscan: store sqlite:///{tmp_path}/{path}: "),
    ) == (
        False,
        True,
        True,
    ), said
