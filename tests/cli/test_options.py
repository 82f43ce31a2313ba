"""``--label`` beside ``--host``: which hosts are chosen."""

from __future__ import annotations

import json
import subprocess

import pytest

from scanner import cli
from scanner.app.main import _operations

LABELLED = """
inventory:
  - kind: static
    hosts:
      web-1: {address: 127.0.0.1, port: 1, labels: {team: web, zone: eu-1}}
      web-2: {address: 127.0.0.1, port: 2, labels: {team: web, zone: us-1}}
      db-1: {address: 127.0.0.1, port: 3, labels: {team: data, zone: eu-2}}
      edge-1: {address: 127.0.0.1, port: 4}
ssh: {identity_file: key, known_hosts_file: known_hosts}
"""


@pytest.fixture
def labelled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "key"], check=True)
    (tmp_path / "known_hosts").write_text(
        "[127.0.0.1]:1 " + " ".join((tmp_path / "key.pub").read_text().split()[:2]) + "\n"
    )
    (tmp_path / "archscan.yml").write_text(LABELLED)


@pytest.mark.usefixtures("labelled")
@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["--label", "team=web"], ["web-1", "web-2"]),
        (["--label", "zone=eu-*"], ["db-1", "web-1"]),
        (["-l", "team=data", "-l", "zone=us-1"], ["db-1", "web-2"]),
        (["--label", "team=web,team=data"], ["db-1", "web-1", "web-2"]),
        (["--label", "team=web", "--host", "edge-*"], ["edge-1", "web-1", "web-2"]),
        (["--label", "team=web", "--host", "!web-2"], ["web-1"]),
        (["--host", "*-1", "--label", "!team=web"], ["db-1", "edge-1"]),
    ],
)
def test_scan_reads_the_hosts_that_labels_and_names_choose_together(words, chosen, capsys):
    code = cli.run(_operations, lambda: "0", ("scan", "--format", "json", *words))
    assert (code, sorted(host["name"] for host in json.loads(capsys.readouterr().out)["hosts"])) == (3, chosen)


@pytest.mark.usefixtures("labelled")
def test_a_label_that_no_host_has_is_said(capsys):
    assert cli.run(_operations, lambda: "0", ("scan", "--label", "team=wbe")) == 2
    assert "no host matches team=wbe" in capsys.readouterr().err
