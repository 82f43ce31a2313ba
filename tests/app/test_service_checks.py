"""`config check` finds what `serve` would trip over, and changes nothing."""

import asyncio
import hashlib
import os
import socket
import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scanner.app.service_checks import check_service
from scanner.settings import SettingsError
from scanner.settings.schema import Settings, Trail
from scanner.store import connect
from scanner.store.error import StoreError
from scanner.store.read_only import images_of
from scanner.store.store import Store
from scanner.trail.note import Signer
from tests.inventory.test_http_fetch import Endpoint
from tests.real.process import free_port

TOKEN = "t" * 43
NOBODY = 65534


def test_a_trail_that_could_not_begin_is_told(settings, tmp_path):
    (tmp_path / "trail.key").write_text("no key")
    (tmp_path / "trail.key").chmod(0o600)
    wanted = settings().model_copy(update={"trail": Trail(key_file=tmp_path / "trail.key")})
    assert found(wanted).startswith("trail.key_file: ")
    (tmp_path / "store" / "archscan.db.key").write_text(Signer.made("log.example").encoded)
    (tmp_path / "store" / "archscan.db.key").chmod(0o644)
    assert found(settings()).endswith("archscan.db.key: others may read it (mode 0644): chmod go-rwx")


@pytest.fixture
def settings(tmp_path):
    def make(**web):
        return Settings.model_validate({
            "store": {"url": f"sqlite:///{tmp_path}/store/archscan.db"},
            "web": {"listen": f"127.0.0.1:{free_port()}"} | web,
        })  # fmt: skip

    (tmp_path / "store").mkdir()
    return make


def found(settings):
    with pytest.raises(SettingsError) as caught:
        check_service(settings)
    return str(caught.value)


def test_a_good_service_passes_and_nothing_is_made(settings, tmp_path):
    check_service(settings())
    assert list((tmp_path / "store").iterdir()) == []


def test_a_store_without_its_folder_is_told(settings, tmp_path):
    (tmp_path / "store").rmdir()
    assert "store.url: " in found(settings())
    assert "is no directory: create it" in found(settings())


def test_a_database_that_does_not_answer_is_told_without_its_password(settings):
    url = f"postgresql://u:hunter2hunter2@127.0.0.1:{free_port()}/x"
    said = found(settings().model_copy(update={"store": Settings.model_validate({"store": {"url": url}}).store}))
    assert said.startswith("store.url: store postgresql://u:***@127.0.0.1")
    assert "hunter2" not in said


def test_a_database_that_says_nothing_is_not_waited_for(settings, monkeypatch):
    monkeypatch.setattr(connect, "SILENT_S", 0.0)  # which libpq takes for its least
    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor() as threads:
        url = f"postgresql+psycopg://u@127.0.0.1:{mute.getsockname()[1]}/x"
        wanted = settings().model_copy(update={"store": Settings.model_validate({"store": {"url": url}}).store})
        looks = [threads.submit(found, wanted), threads.submit(pytest.raises, StoreError, images_of, url)]
        assert "timeout expired" in looks[0].result(timeout=60)
        assert "timeout expired" in str(looks[1].result(timeout=60).value)


def test_a_foreign_store_is_told_and_left(settings, tmp_path):
    path = tmp_path / "store/archscan.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE urls (x)")
    connection.close()
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    assert "is another program's database" in found(settings())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert len(list(path.parent.iterdir())) == 1


def test_a_file_that_is_no_database_is_told_and_left(settings, tmp_path):
    path = tmp_path / "store/archscan.db"
    path.write_text("root:x:0:0:root:/root:/bin/sh\n" * 100)
    assert "is not a database" in found(settings())
    assert path.read_text() == "root:x:0:0:root:/root:/bin/sh\n" * 100
    assert len(list(path.parent.iterdir())) == 1


def test_a_folder_in_the_store_s_place_is_told(settings, tmp_path):
    (tmp_path / "store/archscan.db").mkdir()
    assert "is not a file" in found(settings())


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (None, 0, "cannot be read"),
        (TOKEN, 0o644, "chmod go-rwx"),
        ("abc", 0o600, "shorter than 16 characters"),
        ("t" * 1025, 0o600, "longer than 1024 characters"),
        (f"{TOKEN}\n{TOKEN}", 0o600, "more than a line"),
        (f"{TOKEN}\0", 0o600, "more than a line"),
    ],
)
def test_a_token_that_cannot_be_used_is_told(settings, tmp_path, text, mode, why):
    path = tmp_path / "token"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    told = found(settings(tokens=({"name": "ci", "token_file": path, "scopes": ("read",)},)))
    assert told.startswith("web.tokens: ci: ")
    assert why in told


def test_a_port_that_somebody_else_has_is_told(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = found(settings(listen=f"127.0.0.1:{taken.getsockname()[1]}"))
    assert told.startswith("web.listen: cannot listen on")
    assert "the port is in use" in told


async def test_a_port_of_a_program_that_speaks_no_http_is_somebody_else_s(settings):
    other = Endpoint(b"SSH-2.0-OpenSSH_9.2\r\n")
    await other.start()
    try:
        told = await asyncio.to_thread(found, settings(listen=other.address))
    finally:
        await other.stop()
    assert told.startswith("web.listen: cannot listen on")


async def test_a_port_of_an_archscan_that_runs_on_this_store_is_its_own(settings, tmp_path):
    store = await Store.open(f"sqlite:///{tmp_path}/store/archscan.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        check_service(settings(listen=f"127.0.0.1:{taken.getsockname()[1]}"))
    await store.close()


def test_all_faults_are_told_at_once(settings, tmp_path):
    (tmp_path / "store").rmdir()
    told = found(
        settings(listen="203.0.113.1:1", tokens=({"name": "a", "token_file": tmp_path / "no", "scopes": ("read",)},))
    )
    assert [line.partition(": ")[0] for line in told.splitlines()] == ["web.tokens", "store.url", "web.listen"]


def test_a_folder_that_we_may_not_write_is_told():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        wanted = Settings.model_validate({
            "store": {"url": f"sqlite:///{folder}/archscan.db"}, "web": {"listen": f"127.0.0.1:{free_port()}"}
        })  # fmt: skip
        assert "is not writable" in as_nobody(lambda: found(wanted))


def as_nobody(ask: Callable[[], str]) -> str:
    """The answer, given in a process without root's rights."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.geteuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.write(writes, ask().encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as said:
        answer = said.read().decode()
    os.waitpid(child, 0)
    return answer
