"""The way back, from a good release over a wrong one to the good one again, with the real parts and the trail's proof."""

import json
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.real import command
from tests.real.hand import Hand
from tests.real.process import free_port, run, until

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("commands")]

ROOT = Path(__file__).parents[2]
PERSON, AGENT = "p" * 40, "a" * 40
READ = r"""#!/bin/sh
# The probe, on a host whose clock can be set ahead, so that nobody has to be up for a minute before it counts.
sed "s/date +%s/expr $(cat {folder}/ahead) + \$(date +%s)/" | sh -s
"""


class Fleet:
    """One host with its engine, one service that may only read it, one agent with the other key."""

    def __init__(self, folder, docker_engine, require, start_sshd, registry):
        self.folder, self.engine, self.registry = folder, docker_engine, registry
        self.hand = Hand(
            folder / "hand",
            {"docker": str(docker_engine.client), "curl": str(require("curl", "curl"))},
            docker_engine.environment,
        )
        environment = {"DOCKER_HOST": docker_engine.host, "DOCKER_CONFIG": docker_engine.environment["DOCKER_CONFIG"]}
        self.read_by, self.changed_by = start_sshd(environment=environment), start_sshd(environment=environment)
        (folder / "read.sh").write_text(READ.format(folder=folder))
        self.set_clock(ahead_s=0)
        self.read_by.authorize(f'restrict,command="sh {folder}/read.sh"')
        self.changed_by.authorize(f'restrict,command="sh {self.hand.script}"')
        self.url = f"http://127.0.0.1:{free_port()}"
        self.configs = self._configured()
        self.daemons = {}

    def _configured(self):
        for name, secret in (("person", PERSON), ("agent", AGENT)):
            (self.folder / f"{name}.token").write_text(secret)
            (self.folder / f"{name}.token").chmod(0o600)

        def document(sshd, **sections):
            return {
                "inventory": [{"kind": "static", "hosts": {"web-1": {
                    "address": sshd.address, "port": sshd.port, "user": sshd.user}}}],
                "ssh": {"identity_file": str(sshd.client_key), "known_hosts_file": str(sshd.known_hosts)},
            } | sections  # fmt: skip

        service = document(
            self.read_by,
            registries={self.registry.address: {"plain_http": True}, "cache_age": "0s"},
            scan={"interval": "1h", "jitter": "0s", "deadline": "2m"},
            store={"url": f"sqlite:///{self.folder}/archscan.db"},
            rollback={"enabled": True, "healthy_for": "2s", "token_file": "person.token"},
            web={"listen": self.url.removeprefix("http://"), "tokens": [
                {"name": "kim", "token_file": "person.token", "scopes": ["read", "operate", "rollback"]},
                {"name": "agent", "token_file": "agent.token", "scopes": ["rollback_agent"]},
            ]},
        )  # fmt: skip
        agent = document(self.changed_by, rollback={"server": self.url, "token_file": "agent.token"})
        written = {}
        for name, made in (("serve", service), ("rollback-agent", agent)):
            written[name] = self.folder / f"{name}.yml"
            written[name].write_text(json.dumps(made))
        return written

    def start(self, name):
        """The service or the agent."""
        folder = self.folder / name
        log = folder / "archscan.log"
        ready = {"serve": lambda: self.ask("/-/ready")[0] == 200}.get(
            name, lambda: f'"{"rollback_agent_ready"}"' in log.read_text()
        )
        words = [name, "--config", self.configs[name], "--log.format", "json"]
        self.daemons[name] = command.daemon(*words, folder=folder, ready=ready)
        assert self.daemons[name].log == log

    def kill(self, name):
        """Without a warning."""
        self.daemons[name].process.send_signal(signal.SIGKILL)
        self.daemons[name].process.wait()

    def stop(self):
        for daemon in self.daemons.values():
            daemon.stop()
        names = self.engine.docker("ps", "-aq", check=False).split()
        self.engine.docker("rm", "-f", *names, check=False)

    def ask(self, path, method="GET", body=None, token=PERSON):
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                raw = answer.read()
                return answer.status, json.loads(raw) if raw[:1] in b"{[" else raw.decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def set_clock(self, ahead_s):
        (self.folder / "ahead").write_text(f"{ahead_s}\n")

    def scan(self):
        status, request = self.ask("/api/v1/scans", "POST", {})
        assert status == 202, request
        until(lambda: self.ask(f"/api/v1/scans/{request['id']}")[1]["state"] == "done", "the scan")

    def command(self, *words, code=0):
        done = command.run(*words, "--config", self.configs["serve"], cwd=self.folder)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout

    def deploy(self, name, image):
        """As somebody's script does it."""
        self.engine.docker("pull", "-q", image)
        self.engine.docker("rm", "-f", name, check=False)
        self.engine.docker("run", "-d", "--restart", "always", "--stop-timeout", "0", "--network", "none",
                           "--name", name, image, check=False)  # fmt: skip

    def container(self, name):
        return json.loads(self.engine.docker("inspect", "--type", "container", name))[0]

    def confirmed(self, name):
        """A plan that is under way."""
        status, plan = self.ask("/api/v1/rollbacks", "POST", {"host": "web-1", "workload": name})
        assert status == 201, plan
        path = f"/api/v1/rollbacks/{plan['id']}"
        status, told = until(
            lambda: (answer := self.ask(f"{path}/confirm", "POST", {}))[0] != 503 and answer, "an agent"
        )
        assert status == 202, told
        return path


@pytest.fixture(scope="module")
def fleet(amd64, docker_engine, require, start_sshd, registry, tmp_path_factory):
    made = Fleet(tmp_path_factory.mktemp("way-back"), docker_engine, require, start_sshd, registry)
    made.start("serve")
    made.start("rollback-agent")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def push(pusher, image_factory, elf_factory):
    """``push("shop/api", "s390x")``: move the tag to an image whose label is right, whatever its binary is for."""

    def made(repository, cpu):
        program = image_factory.File(elf_factory(cpu, f"{repository} for {cpu}", forever=True))
        image = image_factory.image({"app": program}, entrypoint=["/app"], architecture="amd64")
        return pusher.push(repository, "prod", image)

    return made


@pytest.fixture
def deployed(fleet, push):
    """``deployed("api")``: a release that runs, then one that crash-loops; the image ID of the good one."""

    def made(name):
        image = push(f"shop/{name}", "amd64")
        fleet.deploy(name, image)
        fleet.set_clock(ahead_s=100)
        fleet.scan()
        fleet.set_clock(ahead_s=0)
        good = fleet.container(name)["Image"]
        push(f"shop/{name}", "s390x")
        fleet.deploy(name, image)
        until(lambda: fleet.container(name)["RestartCount"] > 0, "a crash loop")
        fleet.scan()
        return good

    return made


def test_the_last_release_that_started_is_one_step_away_and_the_trail_proves_it(fleet, deployed):
    good = deployed("api")

    [finding] = [f for f in fleet.ask("/api/v1/findings?status=mismatch")[1]["findings"] if f["workload"] == "api"]
    assert finding["reason"] == "wrong_binary"
    assert 'reason="wrong_binary"' in fleet.ask("/metrics")[1]

    known = fleet.ask("/api/v1/hosts/web-1/releases?workload=api")[1]["releases"]
    assert [(one["current"], bool(one["started_at"])) for one in known] == [(True, False), (False, True)]
    shown = fleet.command("rollback", "web-1", "api", "--dry-run")
    assert known[1]["digest"] in shown
    assert f"seen since {known[0]['first_seen']}" in shown
    assert "docker rename api api-old" in shown
    assert fleet.ask("/api/v1/rollbacks")[1]["rollbacks"] == []

    plan = json.loads(fleet.command("rollback", "web-1", "api", "--format", "json"))
    assert (plan["to_digest"], plan["verdict"], plan["cautions"]) == (known[1]["digest"], "ok native", [])
    done = json.loads(fleet.command("rollback", "--confirm", plan["id"], "--format", "json"))
    assert done["state"] == "done"
    now = fleet.container("api")
    assert (now["Image"], now["State"]["Running"], now["RestartCount"]) == (good, True, 0)
    assert now["HostConfig"]["RestartPolicy"]["Name"] == "always"
    left = fleet.engine.docker("ps", "-a", "--format", "{{.Names}}").split()
    assert left == ["api"]
    fleet.scan()
    [fine] = [f for f in fleet.ask("/api/v1/findings")[1]["findings"] if f["workload"] == "api"]
    assert fine["status"] == "ok"

    key = fleet.ask("/api/v1/trail")[1]["key"]
    fleet.command("trail", "export", "--output", "trail.jsonl", "--checkpoint", "head")
    verified = run(sys.executable, ROOT / "docs/verify_trail.py", "--key", key, "export",
                   fleet.folder / "trail.jsonl", fleet.folder / "head")  # fmt: skip
    assert "signed" in verified or "proved" in verified, verified
    entries = [json.loads(line) for line in (fleet.folder / "trail.jsonl").read_text().splitlines()]
    story = [
        (one["event"], one["by"], one["about"].get("step") or one["about"].get("outcome") or one["about"].get("reason"))
        for one in entries
        if one["event"].startswith("rollback") or one["about"].get("workload") == "api"
    ]
    assert story[:1] == [("finding_opened", "kim", "wrong_binary")]
    assert [one for one in story if one[0].startswith("rollback")] == [
        ("rollback_planned", "kim", None),
        ("rollback_confirmed", "kim", None),
        *[("rollback_step", "agent", step) for step in ("find", "prepare", "switch")],
        ("rollback_seen", "rollback agent", None),
        ("rollback_step", "agent", "finish"),
        ("rollback_ended", "agent", "done"),
    ]
    assert ("finding_closed", "rollback agent", "wrong_binary") in story


def test_whoever_dies_at_each_step_the_next_start_brings_it_to_a_good_end(fleet, deployed):
    good = deployed("pay")
    path = fleet.confirmed("pay")

    def told(step):
        now = fleet.ask(path)[1]
        return now if now["ended_at"] or step in {one["step"] for one in now["steps"]} else None

    for step in ("find", "prepare", "switch", "finish"):
        met = until(lambda step=step: told(step), step)
        fleet.kill("rollback-agent")
        fleet.kill("serve")
        fleet.start("serve")
        until(lambda: fleet.ask(path)[0] == 200, "the service that knows of it")
        assert fleet.ask(path)[1]["steps"][: len(met["steps"])] == met["steps"]
        fleet.start("rollback-agent")
    ended = until(lambda: (now := fleet.ask(path)[1])["ended_at"] and now, "the end")
    assert (ended["state"], fleet.container("pay")["Image"]) == ("done", good), ended
    assert [one["step"] for one in ended["steps"] if one["step"] != "resume"][-1] == "finish"


def test_nobody_but_their_holder_plans_confirms_or_writes_steps(fleet):
    where = {"host": "web-1", "workload": "api"}
    assert fleet.ask("/api/v1/rollbacks", "POST", where, AGENT)[0] == 403
    assert fleet.ask("/api/v1/rollbacks/x/confirm", "POST", {}, AGENT)[0] == 403
    assert fleet.ask("/api/v1/rollbacks-work", "POST", None, PERSON)[0] == 403
    assert fleet.ask("/api/v1/rollbacks/x/steps", "POST", {"step": "find"}, PERSON)[0] == 403
    assert fleet.ask("/api/v1/rollbacks/x/end", "POST", {"outcome": "done"}, PERSON)[0] == 403
    assert fleet.ask("/api/v1/rollbacks/x/confirm", "POST", {})[1]["reason"] == "rollback_not_found"
