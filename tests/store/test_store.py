import asyncio
import hashlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy.exc import OperationalError

from scanner.domain.failure import Failure
from scanner.domain.image.offers import Program
from scanner.domain.verdict.reason import Reason
from scanner.store import read_only
from scanner.store.cache_rows import MAX_WAITING_BYTES
from scanner.store.database import Database
from scanner.store.error import StoreError
from scanner.store.findings import Architecture
from scanner.store.platform_changes import MAX_OF_HOST
from scanner.store.store import Store
from tests.faults import crashes
from tests.shortage import no_descriptors


async def reopened(store, url, **options):
    await store.close()
    return await Store.open(url, **options)


def moments(report):
    return {f.workload.name: (f.first_seen, report.finished_at) for f in report.findings}


async def test_a_new_store_has_no_report(url):
    store = await Store.open(url)
    assert await store.load() is None
    await store.close()


async def test_a_report_is_there_again_after_a_restart(url, fleet):
    store = await Store.open(url)
    saved = await store.save(fleet.report())
    store = await reopened(store, url)
    assert await store.load() == saved
    assert saved.findings[0].first_seen == 100.0
    assert saved.hosts[0].last_success_at == 100.0
    await store.close()


async def test_a_verdict_that_stays_keeps_its_first_seen_over_restarts(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report(at=100.0))
    store = await reopened(store, url)
    saved = await store.save(fleet.report(findings=[fleet.finding(detail="other words")], at=200.0))
    assert moments(saved) == {"api": (100.0, 200.0)}
    store = await reopened(store, url)
    assert (await store.load()).findings[0].verdict.detail == "other words"
    await store.close()


async def test_a_verdict_that_changes_is_seen_first_now(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report(at=100.0))
    saved = await store.save(fleet.report(findings=[fleet.finding(reason=Reason.NATIVE)], at=200.0))
    assert moments(saved) == {"api": (200.0, 200.0)}
    store = await reopened(store, url)
    assert [f.verdict.reason for f in (await store.load()).findings] == [Reason.NATIVE]
    await store.close()


async def test_a_finding_that_vanished_is_closed(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report(at=100.0))
    await store.save(fleet.report(findings=[], at=200.0))
    again = await store.save(fleet.report(at=300.0))
    assert moments(again) == {"api": (300.0, 300.0)}
    await store.close()
    path = url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as db:
        rows = db.execute("select first_seen, last_seen, closed_at from findings order by id").fetchall()
    db.close()
    assert rows == [(100.0, 100.0, 200.0), (300.0, None, None)]


async def test_a_finding_outlives_the_silence_of_its_host(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report(at=100.0))
    silent = await store.save(fleet.report([fleet.reading(failed=Reason.HOST_TIMEOUT, at=200.0)], [], at=200.0))
    assert silent.findings == ()
    assert silent.hosts[0].last_success_at == 100.0
    store = await reopened(store, url)
    assert (await store.load()).findings == ()
    assert moments(await store.save(fleet.report(at=300.0))) == {"api": (100.0, 300.0)}
    await store.close()


async def test_a_host_that_left_the_inventory_is_gone(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report([fleet.reading("web-1"), fleet.reading("web-2")], [fleet.finding("web-2")]))
    await store.save(fleet.report([fleet.reading("web-1")], [], at=200.0))
    store = await reopened(store, url)
    loaded = await store.load()
    assert [host.name for host in loaded.hosts] == ["web-1"]
    assert loaded.findings == ()
    await store.close()


async def test_an_incomplete_report_only_enters_the_history(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report(at=100.0))
    filled = await store.save(fleet.report([], [fleet.finding()], at=200.0, complete=False, scan_id="cut"))
    assert moments(filled) == {"api": (100.0, 200.0)}
    assert [(scan["id"], scan["complete"]) for scan in await store.scans()] == [("cut", False), ("s", True)]
    store = await reopened(store, url)
    assert (await store.load()).finished_at == 100.0
    await store.close()


async def test_a_host_that_lists_one_name_twice_keeps_both(url, fleet):
    store = await Store.open(url)
    twice = [fleet.finding(), fleet.finding(reason=Reason.NATIVE)]
    await store.save(fleet.report(findings=twice, at=100.0))
    store = await reopened(store, url)
    saved = await store.save(fleet.report(findings=twice, at=200.0))
    assert [(f.verdict.reason, f.first_seen) for f in saved.findings] == [
        (Reason.PLATFORM_MISSING, 100.0),
        (Reason.NATIVE, 100.0),
    ]
    await store.close()


async def test_a_change_of_architecture_is_remembered(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report([fleet.reading(platform=fleet.amd64)], at=100.0))
    await store.save(fleet.report([fleet.reading(failed=Reason.HOST_TIMEOUT)], at=150.0))
    await store.save(fleet.report([fleet.reading(platform=fleet.arm64)], at=200.0))
    store = await reopened(store, url)
    assert await store.architectures() == {"web-1": Architecture("linux/arm64", "linux/amd64", 200.0)}
    assert await store.platform_changes("web-1") == [Architecture("linux/arm64", "linux/amd64", 200.0)]
    for turn in range(MAX_OF_HOST + 2):
        await store.save(fleet.report([fleet.reading(platform=(fleet.amd64, fleet.arm64)[turn % 2])], at=300.0 + turn))
    changes = await store.platform_changes("web-1")
    assert [one.changed_at for one in changes] == [300.0 + turn for turn in reversed(range(2, MAX_OF_HOST + 2))]
    last = changes[0]
    await store.save(fleet.report([fleet.reading(platform=fleet.amd64)], at=last.changed_at))  # the clock was set back
    assert (await store.platform_changes("web-1"))[0] == replace(last, platform=last.before, before=last.platform)
    assert await store.platform_changes("web-2") == []
    await store.close()


async def test_an_unchanged_report_writes_no_finding(url, fleet, monkeypatch):
    store = await Store.open(url)
    many = [fleet.finding(workload=f"w{n}") for n in range(50)]
    await store.save(fleet.report(findings=many))
    calls = []
    monkeypatch.setattr("scanner.store.codec.dumps", lambda value: calls.append(value) or "{}")
    await store.save(fleet.report(findings=many, at=200.0))
    assert calls == []
    await store.close()


async def test_what_is_older_than_keep_is_pruned(url, fleet):
    now = [100.0]
    store = await Store.open(url, keep_s=1000.0, clock=lambda: now[0])
    await store.save(fleet.report(at=100.0, scan_id="old"))
    await store.save(fleet.report(findings=[], at=110.0, scan_id="old2"))
    digest = "sha256:" + hashlib.sha256(b"x").hexdigest()
    await store.put(digest, b"x", "m")
    now[0] = 5000.0
    await store.save(fleet.report(findings=[], at=5000.0, scan_id="new"))
    assert [scan["id"] for scan in await store.scans()] == ["new"]
    assert await store.get(digest) is None
    await store.close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
        assert db.execute("select count(*) from findings").fetchone() == (0,)
    db.close()


async def test_the_images_of_a_store_in_use_are_known_at_once(url, fleet, monkeypatch):
    store = await Store.open(url)
    await store.save(fleet.report(findings=[fleet.finding(image=image) for image in ("b:1", "a:1", "b:1")]))
    store = await reopened(store, url)
    await store.save(fleet.report(findings=[fleet.finding(image="c:1")], at=200.0))
    assert read_only.images_of(url) == {"c:1"}
    monkeypatch.setattr(read_only, "MAX_BYTES_AT_ONCE", 0)
    monkeypatch.setattr(read_only, "_copied", None)  # what is large is not copied
    assert read_only.images_of(url) == {"a:1", "b:1"}  # the service has not written back more
    await store.close()
    assert read_only.images_of(url) == {"c:1"}


# ---------------------------------------------------------------- caches and records


async def test_a_document_comes_back_by_its_digest(url):
    store = await Store.open(url)
    digest = "sha256:" + hashlib.sha256(b"\x00bytes").hexdigest()
    assert await store.get(digest) is None
    await store.put(digest, b"\x00bytes", "application/json")
    await store.put(digest, b"\x00bytes", "application/json")
    store = await reopened(store, url)
    assert await store.get(digest) == b"\x00bytes"
    assert await store.media_type(digest) == "application/json"
    await store.close()


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "md5:0", "../../x", ""])
async def test_bytes_that_do_not_have_their_digest_are_no_document(url, digest):
    store = await Store.open(url)
    await store.put(digest, b"other", "m")
    assert await store.get(digest) is None
    await store.close()


async def test_an_inspection_is_kept_per_manifest_argv_and_version(url):
    store = await Store.open(url)
    program = Program(("/app",), problem=Failure(Reason.ENTRYPOINT_MISSING))
    await store.put_program("sha256:a", ("/app",), "1", program)
    assert await store.get_program("sha256:a", ("/app",), "1") == program
    assert await store.get_program("sha256:a", ("/app", ""), "1") is None
    assert await store.get_program("sha256:a", ("/app",), "2") is None
    await store.close()


async def test_what_others_brought_is_written_though_whoever_writes_it_is_cancelled(url):
    store, free = await Store.open(url), threading.Event()
    bodies = [b"x", b"y" * MAX_WAITING_BYTES]
    small, large = ("sha256:" + hashlib.sha256(body).hexdigest() for body in bodies)
    busy = asyncio.ensure_future(store._database.read(lambda _: free.wait()))
    await store.put(small, bodies[0], "m")
    writes = asyncio.ensure_future(store.put(large, bodies[1], "m"))
    while not store._caches._written:
        await asyncio.sleep(0)
    writes.cancel()
    await asyncio.wait([writes])
    free.set()
    await busy
    store = await reopened(store, url)
    assert [await store.get(digest) for digest in (small, large)] == bodies
    await store.close()


async def test_records_are_kept_until_deleted(url):
    store = await Store.open(url)
    await store.put_record("waiver", "w1", {"host": "web-1"})
    await store.put_record("waiver", "w1", {"host": "web-2"})
    store = await reopened(store, url)
    assert await store.records("waiver") == {"w1": {"host": "web-2"}}
    assert await store.delete_record("waiver", "w1") is True
    assert await store.delete_record("waiver", "w1") is False
    await store.close()


# ---------------------------------------------------------------- refusals


async def test_a_second_instance_refuses_to_start(url):
    store = await Store.open(url)
    with pytest.raises(StoreError, match="in use by another archscan"):
        await Store.open(url)
    store = await reopened(store, url)
    await store.close()


async def test_a_database_that_another_process_holds_is_refused(url, monkeypatch):
    path = url.removeprefix("sqlite:///")
    store = await Store.open(f"{url}2")
    await store.close()
    other = sqlite3.connect(f"{path}2", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("scanner.store.connect.BUSY_S", 0.05)
    with pytest.raises(StoreError, match="another process holds it"):
        await Store.open(f"{url}2")
    other.close()


async def test_the_last_change_of_a_platform_is_kept_from_an_older_schema(url, fleet):
    store = await Store.open(url)
    await store.save(fleet.report([fleet.reading(platform=fleet.amd64)], at=100.0))
    await store.save(fleet.report([fleet.reading(platform=fleet.arm64)], at=200.0))
    await store.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
        db.executescript("drop table platform_changes; update alembic_version set version_num = '0005'")
    store = await Store.open(url)
    assert await store.platform_changes("web-1") == [Architecture("linux/arm64", "linux/amd64", 200.0)]
    await store.close()


async def test_a_newer_schema_is_refused_and_left_alone(url):
    await (await Store.open(url)).close()
    path = url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as db:
        db.execute("update alembic_version set version_num = '9999'")
    db.close()
    with pytest.raises(StoreError, match=r"schema 9999, newer than 0006.*upgrade archscan"):
        await Store.open(url)
    with sqlite3.connect(path) as db:
        assert db.execute("select version_num from alembic_version").fetchone() == ("9999",)
    db.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not a database address"),
        ("mysql://x/y", "use sqlite or postgresql"),
        ("sqlite:////nowhere/at/all/archscan.db", "create its directory"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x?connect_timeout=1", "127.0.0.1"),
    ],
)
async def test_a_store_that_cannot_be_opened_says_what_to_do(url, words):
    with pytest.raises(StoreError, match=words) as refused:
        await Store.open(url)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_file_that_is_no_database_is_refused_and_kept(url, tmp_path):
    path = tmp_path / "archscan.db"
    path.write_bytes(b"these are my holiday notes" * 100)
    with pytest.raises(StoreError, match="not a database"):
        await Store.open(url)
    assert path.read_bytes().startswith(b"these are")


async def test_a_damaged_page_is_refused(url, tmp_path, fleet):
    store = await Store.open(url)
    await store.save(fleet.report(findings=[fleet.finding(workload=f"w{n}") for n in range(500)]))
    await store.close()
    path = tmp_path / "archscan.db"
    data = bytearray(path.read_bytes())
    for page in range(6, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(StoreError, match="malformed"):
        await Store.open(url)
    assert path.read_bytes() == bytes(data)


async def test_the_file_is_for_its_owner_only(url, tmp_path):
    store = await Store.open(url)
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in tmp_path.iterdir()} == {0}
    await store.close()


async def test_a_closed_store_says_so(url, fleet):
    store = await Store.open(url)
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.save(fleet.report())


def failing(monkeypatch, words):
    def fail(connection, made):
        raise OperationalError("insert", {}, sqlite3.OperationalError(words))

    monkeypatch.setattr("scanner.store.findings.write", fail)


async def test_a_full_disk_loses_one_report_and_nothing_else(url, fleet, monkeypatch):
    store = await Store.open(url)
    await store.save(fleet.report(at=100.0))
    with monkeypatch.context() as patch:
        failing(patch, "database or disk is full")
        with pytest.raises(StoreError, match="free space") as refused:
            await store.save(fleet.report(findings=[], at=200.0))
    assert not refused.value.fatal
    assert moments(await store.save(fleet.report(at=300.0))) == {"api": (100.0, 300.0)}
    store = await reopened(store, url)
    assert [scan["finished_at"] for scan in await store.scans()] == [300.0, 100.0]
    await store.close()


async def test_after_an_input_output_error_nothing_more_is_written(url, fleet, monkeypatch):
    store = await Store.open(url)
    with monkeypatch.context() as patch:
        failing(patch, "disk I/O error")
        with pytest.raises(StoreError):
            await store.save(fleet.report())
    with pytest.raises(StoreError, match="disk I/O error") as refused:
        await store.save(fleet.report())
    assert refused.value.fatal
    await store.close()


async def test_a_real_full_disk_is_told_from_a_broken_one(tmp_path, fleet):
    database = await Database.open(f"sqlite:///{tmp_path}/small.db")
    await database.run(lambda c: c.exec_driver_sql("PRAGMA max_page_count=30"))
    store = Store(database, 1e9, lambda: 0.0)
    with pytest.raises(StoreError, match="free space") as refused:
        await store.save(fleet.report(findings=[fleet.finding(workload=f"w{n}") for n in range(2000)]))
    assert not refused.value.fatal
    saved = await store.save(fleet.report())
    assert len(saved.findings) == 1
    await store.close()


SORTED = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n LIMIT 9000) SELECT hex(randomblob(300)) b FROM n ORDER BY b"
"""More than SQLite sorts without a file."""


async def test_want_of_descriptors_loses_one_transaction_and_nothing_else(tmp_path, fleet):
    database = await Database.open(f"sqlite:///{tmp_path}/a.db")
    store = Store(database, 1e9, lambda: 0.0)
    with no_descriptors(), pytest.raises(StoreError, match="Too many open files: let archscan open more") as refused:
        await database.run(lambda c: c.exec_driver_sql(SORTED).fetchone())
    assert not refused.value.fatal
    assert moments(await store.save(fleet.report(at=300.0))) == {"api": (300.0, 300.0)}
    await store.close()


async def test_a_caller_that_leaves_does_not_spoil_the_memory(url, fleet):
    store = await Store.open(url)
    for n in range(5):
        task = asyncio.ensure_future(store.save(fleet.report(findings=[fleet.finding(workload=f"w{n}")])))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    saved = await store.save(fleet.report(at=200.0))
    store = await reopened(store, url)
    assert await store.load() == saved
    await store.close()


# ---------------------------------------------------------------- kill -9

WRITER = """
import asyncio, sys
from scanner.domain.report import Report
from scanner.store.store import Store
async def main():
    store = await Store.open(sys.argv[1])
    n = 0
    while True:
        n += 1
        await store.save(Report(str(n), n, n, (), ()))
        print(n, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 2, 5, 20])
async def test_no_acknowledged_report_is_lost_by_kill_9(url, acknowledged):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE)
    last = 0
    while last < acknowledged:
        last = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.communicate()[0].split()
    last = int(rest[-1]) if rest else last
    store = await Store.open(url, clock=lambda: 0.0)
    assert int((await store.load()).scan_id) >= last
    assert int((await store.load()).scan_id) == (await store.scans(1))[0]["sequence"]
    await store.close()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What a writer leaves that is killed while it writes: each way to tear its files has a copy of them."""
    folder = tmp_path_factory.mktemp("killed")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, f"sqlite:///{folder}/a.db"], stdout=subprocess.PIPE)
    while int(writer.stdout.readline()) < 8:
        pass
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    return folder


@pytest.mark.parametrize("seed", range(20))
async def test_a_torn_wal_leaves_a_prefix(tmp_path, killed, seed):
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    crashes.tear(tmp_path / "a.db-wal", seed, Random(seed))
    store = await Store.open(f"sqlite:///{tmp_path}/a.db", clock=lambda: 0.0)
    scans = [int(scan["id"]) for scan in await store.scans(10_000)]
    assert scans == list(range(len(scans), 0, -1))
    await store.close()


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture
def postgresql(require):
    """A PostgreSQL of its own on a unix socket, run by a user who is not root."""
    initdb, control = require("initdb", "postgresql"), require("pg_ctl", "postgresql")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        run = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if run:
            shutil.chown(folder, "postgres")
        subprocess.run(
            [*run, initdb, "-D", f"{folder}/db", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        control = [*run, control, "-D", f"{folder}/db", "-w"]
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        subprocess.run(
            [*control, "-l", f"{folder}/log", "-o", options, "start"], check=True, cwd=folder, stdout=subprocess.DEVNULL
        )
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd=folder, stdout=subprocess.DEVNULL)


@pytest.mark.system
async def test_postgresql_remembers_the_same(postgresql, fleet):
    store = await Store.open(postgresql)
    saved = await store.save(fleet.report())
    await store.put("sha256:" + hashlib.sha256(b"x").hexdigest(), b"x", "m")
    await store.put("sha256:" + hashlib.sha256(b"y").hexdigest(), b"y", "a text with \0 costs no other row")
    words = ("sh", "-c", Random(1).randbytes(4000).hex())  # longer than what PostgreSQL has as a key
    await store.put_program("sha256:m", words, "1", Program(("/app",)))
    with pytest.raises(StoreError, match="in use by another archscan"):
        await Store.open(postgresql)
    store = await reopened(store, postgresql, clock=lambda: 0.0)
    assert await store.load() == saved
    assert await store.get("sha256:" + hashlib.sha256(b"x").hexdigest()) == b"x"
    assert await store.get_program("sha256:m", words, "1") == Program(("/app",))
    assert await store.get_program("sha256:m", (*words[:2], "true"), "1") is None
    later = await store.save(replace(fleet.report(at=200.0), scan_id="t"))
    assert moments(later) == {"api": (100.0, 200.0)}
    await store.close()
