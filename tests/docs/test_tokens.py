"""The page about tokens, typed."""

import hashlib
import re
import subprocess
from pathlib import Path
from typing import get_args

import yaml

from scanner.app.listen import face_of
from scanner.settings.load import load
from scanner.settings.schema import Scope

PAGE = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text(encoding="utf-8")


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_commands_make_a_token_with_the_digest_that_archscan_compares():
    shown = subprocess.run(
        ["sh", "-c", block("sh") + 'printf %s "$token"'], capture_output=True, text=True, check=True
    ).stdout
    digest, token = shown.split("\n")
    assert digest == hashlib.sha256(token.encode()).hexdigest()


def test_the_configuration_is_accepted_with_its_tokens(tmp_path):
    (tmp_path / "token").write_text("t" * 64)
    (tmp_path / "token").chmod(0o600)
    document = yaml.safe_load(block("yaml").replace("/etc/archscan/prometheus-token", "token"))
    pushed = {"inventory": [{"kind": "pushed", "hosts": {"web-9": {}}}], "push": {"directory": "pushed"}}
    (tmp_path / "archscan.yml").write_text(yaml.safe_dump({**pushed, **document}))
    settings = load(tmp_path / "archscan.yml", {}, need_hosts=True)
    assert len(face_of(settings).access.tokens) == len(document["web"]["tokens"])


def test_every_scope_is_told_of():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(get_args(Scope))
