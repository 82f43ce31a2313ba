"""The other real parts: nginx, PostgreSQL, Chromium."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

from tests.real.monitoring import fetch
from tests.real.process import Daemon, free_port, listens, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from playwright.async_api import Browser, Page

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{listen};
    {server}
  }}
}}
"""


@dataclass
class Nginx:
    """A running nginx."""

    port: int
    folder: Path
    daemon: Daemon

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def nginx(
    require: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Nginx]]:
    """``nginx("location / { proxy_pass http://...; }", listen=" ssl")``: one server block on a free port."""
    program = require("nginx", "nginx-light")
    started: list[Daemon] = []

    def start(server: str, listen: str = "") -> Nginx:
        folder, port = tmp_path_factory.mktemp("nginx"), free_port()
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port, listen=listen, server=server))
        argv = [program, "-c", config, "-p", folder]
        started.append(Daemon.start(argv, folder, lambda: listens(port)))
        return Nginx(port, folder, started[-1])

    yield start
    for daemon in started:
        daemon.stop()


@dataclass
class Postgres:
    """A running PostgreSQL; ``url(database)`` is what SQLAlchemy takes."""

    port: int
    psql: Path
    daemon: Daemon

    def url(self, database: str = "postgres") -> str:
        """An address for SQLAlchemy with psycopg."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Run one statement; returns bare rows."""
        return run(
            self.psql, "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-Atqc", statement, database
        ).strip()

    def database(self, name: str) -> str:
        """Make an empty database; returns its URL."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}"')
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


@pytest.fixture(scope="session")
def postgres(require: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster of its own; initdb refuses to run as root, so root becomes the user ``postgres`` for it."""
    initdb, server = require("initdb", "postgresql"), require("postgres", "postgresql")
    psql = require("psql", "postgresql")
    folder, port = tmp_path_factory.mktemp("postgres"), free_port()
    become: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        become = [
            str(require("setpriv", "util-linux")),
            f"--reuid={account.pw_uid}",
            f"--regid={account.pw_gid}",
            "--clear-groups",
        ]
        cluster_home = _home_of(account.pw_uid, account.pw_gid)
    else:
        cluster_home = folder
    cluster = cluster_home / "cluster"
    run(*become, initdb, "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
    argv = [
        *become, server, "-D", cluster, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
        "-c", f"unix_socket_directories={cluster}",
    ]  # fmt: skip
    ready = [psql, "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-Atqc", "SELECT 1", "postgres"]
    daemon = Daemon.start(argv, folder, lambda: run(*ready, check=False).strip() == "1")
    yield Postgres(port, psql, daemon)
    daemon.stop()
    if cluster_home != folder:
        shutil.rmtree(cluster_home)


def _home_of(uid: int, gid: int) -> Path:
    # pytest's own temporary folders are closed to other users, on purpose
    home = Path(tempfile.mkdtemp(prefix="archscan-postgres-"))
    os.chown(home, uid, gid)
    return home


@pytest.fixture(scope="session")
def chromium(require: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The debugging address of a headless Chromium."""
    program = require("chromium", "chromium")
    folder, port = tmp_path_factory.mktemp("chromium"), free_port()
    argv = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
        f"--user-data-dir={folder}/profile", f"--remote-debugging-port={port}", "about:blank",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    daemon = Daemon.start(argv, folder, lambda: json.loads(fetch(f"{url}/json/version")))
    yield url
    daemon.stop()


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A connection to ``chromium`` in this test's event loop."""
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect_over_cdp(chromium)
        yield connected
        await connected.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of a fresh context: no cookies, no cache of another test."""
    context = await browser.new_context(ignore_https_errors=True)
    yield await context.new_page()
    await context.close()
