"""``archscan setup push``: what a host is given to push its answers by itself."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

import typer

from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


WORD = "push"
"""The first word behind ``setup`` that asks for this; a host of this name is ``push.`` there."""

_SERVER = """\
In archscan.yml, then archscan config check and a reload:

  push:
    directory: /var/lib/archscan/pushed
  inventory:
    - kind: pushed
      hosts: {{{host}: {{}}}}
  web:
    tokens:
      - {{name: {host}, scopes: [push], host: {host}, token_sha256: "{sha256}"}}

On {host}, as root, the script that follows: keep it in a file, since it holds the token, which is made anew each time.

  archscan setup push {host} --server {server} >push-{host}.sh
  ssh root@{host} sh <push-{host}.sh

Without HTTP, whatever moves files will do: the answer of the probe as /var/lib/archscan/pushed/{host}.answer, put there whole (mv).
"""


def setup_push(words: Sequence[str], server: str | None) -> None:
    """Print the script for one host on standard output, what the server needs on standard error."""
    if len(words) != 1:
        raise UsageError("name the one host that is to push: archscan setup push web-9 --server https://archscan:9719")
    if server is None:
        raise UsageError("name the server as the host reaches it: --server https://archscan.example:9719")
    from scanner.service import first_hour

    (host,) = words
    token = secrets.token_hex(32)
    text = first_hour.push_preparation_of(host, server, token)
    digest = hashlib.sha256(token.encode()).hexdigest()
    typer.echo(_SERVER.format(host=host, sha256=digest, server=server), err=True)
    typer.echo(text, nl=False)
