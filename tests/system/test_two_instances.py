"""Two archscans on one PostgreSQL are one: whatever becomes of the leader, the other goes on from where it was."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.real import command
from tests.real.process import Daemon, free_port, listens, until

KILLS = int(os.environ.get("ARCHSCAN_KILLS", "2"))
"""`make faults` has fifty."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(900 if KILLS <= 2 else 7200)]

ROOT = Path(__file__).parent.parent.parent
TOKEN = "t" * 43
LEASE_S = 3
WITHIN_S = 120.0
"""An upper end for a machine that does ten other things; two leases are what it takes."""


HANDED_OVER = ("took over", "another may lead now")
"""What one that led says of what it can no longer write, in the trail's words, too."""


class Instance:
    """One `archscan serve` of the two."""

    def __init__(self, pair, name, database):
        self.pair, self.name, self.folder = pair, name, pair.folder / name
        self.port, self.database, self.daemon = free_port(), database, None
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        document = {
            "inventory": [{"kind": "pushed", "hosts": {
                "web-1": {"planned": [{"image": "registry.invalid/shop/api:1"}]},
                "web-2": {"planned": [{"image": "registry.invalid/shop/api:2"}]}}}],
            "ssh": {"connect_timeout": "1s", "probe_timeout": "1s"},
            "push": {"directory": str(self.folder)},
            "registries": {"only_listed": True},
            "scan": {"interval": "5s", "jitter": "0s", "deadline": "4s"},
            "store": {"url": self.database},
            "trail": {"key_file": str(self.pair.folder / "trail.key")},
            "replicas": {"advertise": self.url, "members": self.pair.members, "lease": f"{LEASE_S}s"},
            "web": {"listen": f"127.0.0.1:{self.port}", "tokens": [
                {"name": "test", "token_file": str(self.pair.folder / "token"), "scopes": ["read", "gate", "operate"]}]},
        }  # fmt: skip
        self.folder.mkdir(exist_ok=True)
        self.config = self.folder / "archscan.yml"
        self.config.write_text(json.dumps(document))
        words = ["serve", "--config", self.config]
        self.daemon = command.daemon(*words, folder=self.folder, ready=lambda: listens(self.port), within_s=WITHIN_S)
        return self

    def ask(self, path, method="GET", body=None, timeout=30):
        """Status, text."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def role(self):
        return self.ask("/-/ready")[1]

    def until_leader(self):
        until(lambda: self.role() == "archscan is ready: leader.\n", f"{self.name} leads", WITHIN_S)

    def until_follower(self):
        until(lambda: "follower of" in self.role(), f"{self.name} follows", WITHIN_S)

    def findings(self):
        """Host and moment of each."""
        found = json.loads(self.ask("/api/v1/findings")[1])["findings"]
        return {one["host"]: one["first_seen"] for one in found}

    def waive(self, owner, refusals=()):
        """The id of a waiver that was answered for; nothing where the lease changes hands: a busy machine may renew it late.

        ``refusals`` are further reasons that may be given.
        """
        ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        body = {"owner": owner, "reason": "known", "until": ends, "host": "web-9"}
        status, text = self.ask("/api/v1/waivers", "POST", body)
        found = json.loads(text)
        if status == 201:
            return found["id"]
        is_handed_over = found["reason"] in {"not_leader", *refusals} or any(
            words in found["detail"] for words in HANDED_OVER
        )
        assert (status, is_handed_over) == (503, True), f"{self.name}: {status} {text}"
        return None

    def waivers(self):
        return {one["id"] for one in json.loads(self.ask("/api/v1/waivers")[1])["waivers"]}

    def metrics(self):
        return self.ask("/metrics")[1]

    def kill(self):
        self.daemon.process.kill()
        self.daemon.stop()


class Pair:
    """Both, each with a relay of its own between it and the database."""

    def __init__(self, folder, postgres, name):
        self.folder, self._postgres, self._database = folder, postgres, postgres.database(name)
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        self._relays = {}
        self.a, self.b = Instance(self, "a", self._way("a")), Instance(self, "b", self._way("b"))

    @property
    def members(self):
        return [self.a.url, self.b.url]

    def ready(self):
        """Both run, as leader and follower."""
        for one in (self.a, self.b):
            if one.daemon is None or one.daemon.process.poll() is not None:
                one.start()
        until(lambda: "leader" in self.a.role() + self.b.role(), "a leader", WITHIN_S)
        leader, follower = (self.a, self.b) if "leader" in self.a.role() else (self.b, self.a)
        follower.until_follower()
        until(lambda: len(follower.findings()) == len(leader.findings()) == 2, "findings", WITHIN_S)
        return leader, follower

    def relay(self, name):
        """The process between an instance and the database."""
        return self._relays[name].process

    def relay_anew(self, name):
        """One that works."""
        self._relays[name].process.kill()
        self._relays[name].stop()
        getattr(self, name).database = self._way(name)

    def verify(self):
        """What the owner of the trail says of it."""
        words = ["trail", "verify", "--config", self.b.config]
        done = command.run(*words, env={**os.environ, "ARCHSCAN_STORE__URL": self._database}, within_s=300)
        assert done.returncode == 0, done.stdout + done.stderr

    def stop(self):
        for one in (self.a, self.b):
            if one.daemon is not None:
                with contextlib.suppress(ProcessLookupError):
                    one.daemon.process.send_signal(signal.SIGCONT)
                one.daemon.stop()
        for relay in self._relays.values():
            relay.process.kill()
            relay.stop()

    def _way(self, name):
        port = free_port()
        argv = [sys.executable, "-m", "tests.real.relay", str(port), str(self._postgres.port)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._relays[name] = Daemon.start(argv, self.folder / f"relay-{name}", lambda: listens(port), env)
        return self._database.replace(f":{self._postgres.port}/", f":{port}/")


@pytest.fixture(scope="module")
def pair(tmp_path_factory, postgres, commands):
    made = Pair(tmp_path_factory.mktemp("pair"), postgres, f"pair_{uuid.uuid4().hex}")
    yield made
    made.stop()


def test_the_follower_shows_what_the_leader_found_and_passes_on_what_only_that_one_does(pair):
    leader, follower = pair.ready()
    assert until(lambda: follower.findings() == leader.findings(), "the same findings", WITHIN_S)
    assert leader.findings().keys() == {"web-1", "web-2"}
    made = until(lambda: follower.waive("ops"), "a leader to pass it on to", WITHIN_S)
    assert made in leader.waivers()
    assert until(lambda: made in follower.waivers(), "the waiver", WITHIN_S)
    status, text = follower.ask("/api/v1/scans", "POST", {})
    assert status == 202
    assert follower.ask(f"/api/v1/scans/{json.loads(text)['id']}")[0] == 200
    assert "\narchscan_leader 1.0" in leader.metrics()
    assert "\narchscan_leader 0.0" in follower.metrics()
    assert "\narchscan_host_up{" in leader.metrics()
    assert "\narchscan_host_up{" not in follower.metrics(), "or both would page about it"
    size = trail_size(leader)
    assert until(lambda: trail_size(follower) >= size, "its trail", WITHIN_S)


def trail_size(instance):
    return int(instance.ask("/checkpoint")[1].splitlines()[1])


def test_a_leader_that_is_killed_is_followed_by_the_other_with_nothing_lost(pair):
    leader, follower = pair.ready()
    before, waived = leader.findings(), leader.waivers()
    for number in range(KILLS):
        waived.add(until(lambda: follower.waive(f"round {number}"), "a leader to pass it on to", WITHIN_S))  # noqa: B023 -- at once
        leader.kill()
        follower.until_leader()
        assert follower.findings() == before
        assert follower.waivers() == waived
        leader, follower = pair.ready()
    pair.verify()


def test_a_leader_that_is_stopped_in_the_middle_of_writing_writes_nothing_when_it_wakes(pair):
    leader, follower = pair.ready()
    acknowledged, ended = set(), threading.Event()

    def busy():
        while not ended.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may end in the middle of an answer
                acknowledged.add(leader.waive("busy", {"store_failed", "trail_failed"}))

    writers = [threading.Thread(target=busy) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        until(lambda: len(acknowledged) > 5, "some were written", WITHIN_S)
        os.kill(leader.daemon.process.pid, signal.SIGSTOP)
        follower.until_leader()
        known, size = follower.waivers(), follower.ask("/checkpoint")[1]
        os.kill(leader.daemon.process.pid, signal.SIGCONT)
        assert leader.daemon.process.wait(WITHIN_S) == 2
    finally:
        ended.set()
        with contextlib.suppress(ProcessLookupError):
            leader.daemon.process.send_signal(signal.SIGCONT)
        for writer in writers:
            writer.join()
    assert acknowledged - {None} <= known, "what was answered for is durable"
    assert follower.waivers() == known, "and what was not is not written any more"
    assert int(follower.ask("/checkpoint")[1].split("\n")[1]) >= int(size.split("\n")[1])
    pair.verify()


CUTS = [signal.SIGSTOP, signal.SIGKILL] if KILLS > 2 else [signal.SIGSTOP]
"""A relay that is stopped loses every packet, without a word; one that is killed resets: that is noticed at once."""


@pytest.mark.parametrize("how", CUTS)
def test_a_leader_that_is_cut_off_from_the_database_ends_and_the_other_leads(pair, how):
    leader, follower = pair.ready()
    before = leader.findings()
    pair.relay(leader.name).send_signal(how)
    try:
        follower.until_leader()
        assert leader.daemon.process.wait(WITHIN_S) != 0
        assert follower.findings() == before
        pair.verify()
    finally:
        pair.relay_anew(leader.name)
