"""The service as it is run: a real host over SSH, a real registry, a page at the end of it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.real import command
from tests.real.process import Daemon, free_port, until

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("commands")]

ROOT = Path(__file__).parent.parent.parent
TOKEN = "t" * 43


@dataclass
class Running:
    """One `archscan serve`."""

    url: str
    config: Path
    daemon: Daemon

    def ask(self, path, method="GET", body=None, token=TOKEN):
        """Status and JSON (or text) of one request."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode()
        return status, json.loads(text) if text.startswith(("{", "[")) else text

    def findings(self, query="?status=mismatch"):
        """The findings of the published report."""
        return self.ask(f"/api/v1/findings{query}")[1]["findings"]

    def scan(self):
        """Have everything scanned now; wait for its end."""
        status, ticket = self.ask("/api/v1/scans", "POST", {})
        assert status == 202, ticket
        return until(lambda: self._ended(ticket["id"]), "the end of the scan")

    def _ended(self, ticket_id):
        ticket = self.ask(f"/api/v1/scans/{ticket_id}")[1]
        assert ticket["state"] != "failed", ticket
        return ticket if ticket["state"] == "done" else None


@pytest.fixture
def host(start_sshd, docker_engine):
    """A host with a Docker that the probe finds."""
    return start_sshd(environment={"DOCKER_HOST": docker_engine.host})


@pytest.fixture
def serve(host, registry, tmp_path):
    """``serve("image to plan", store={...})``: an `archscan serve` over this host, scanning when told."""
    running = []

    def start(*planned, **sections):
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "token").chmod(0o600)
        document = {
            "inventory": [{"kind": "static", "hosts": {"web-1": {
                "address": host.address, "port": host.port, "user": host.user,
                "labels": {"team": "web"}, "planned": list(planned),
            }}}],
            "ssh": {"identity_file": str(host.client_key), "known_hosts_file": str(host.known_hosts)},
            "registries": {registry.address: {"plain_http": True}, "cache_age": "0s"},
            "scan": {"interval": "1h", "jitter": "0s", "deadline": "2m"},
            "store": {"url": f"sqlite:///{tmp_path}/archscan.db"},
            "web": {"listen": f"127.0.0.1:{free_port()}", "tokens": [
                {"name": "test", "token_file": "token", "scopes": ["read", "gate", "operate"]}]},
        } | sections  # fmt: skip
        config = tmp_path / "archscan.yml"
        config.write_text(json.dumps(document))
        url = f"http://{document['web']['listen']}"
        daemon = command.daemon(
            *("serve", "--config", config, "--log.format", "json"), folder=tmp_path,
            ready=lambda: Running(url, config, None).ask("/-/ready")[0] == 200,
        )  # fmt: skip
        running.append(daemon)
        return Running(url, config, daemon)

    yield start
    for daemon in running:
        daemon.stop()


@pytest.fixture
def images(elf_factory, image_factory, pusher):
    """``images("shop/api", "arm64")``: push an index with these platforms, each with a right binary."""

    def push(repository, *architectures):
        made = [
            image_factory.image(
                {"app": elf_factory(architecture, says="up", forever=True)},
                entrypoint=["/app"],
                architecture=architecture,
            )
            for architecture in architectures
        ]
        return pusher.push(repository, "1", image_factory.index(*made))

    return push


@pytest.fixture
def container(docker_engine):
    """``container(image)``: start one with the real engine, whatever becomes of it."""
    names = []

    def start(name, image):
        names.append(name)
        docker_engine.docker("pull", "-q", image)
        docker_engine.docker("run", "-d", "--network", "none", "--name", name, image, check=False)

    yield start
    for name in names:
        docker_engine.docker("rm", "-f", name, check=False)


def test_a_scan_shows_what_really_runs_and_what_is_planned(serve, images, container):
    container("runs", images("service/good", "amd64", "arm64"))
    service = serve(images("service/foreign", "arm64"))
    found = {f["workload"]: f for f in service.findings("") if f["workload"] == "runs" or f["stage"] == "planned"}
    [planned] = [f for f in found.values() if f["stage"] == "planned"]
    assert (found["runs"]["status"], found["runs"]["reason"]) == ("ok", "native")
    assert (planned["status"], planned["reason"], planned["offered"]) == (
        "mismatch",
        "platform_missing",
        ["linux/arm64"],
    )
    assert planned["fix"]["commands"][0].startswith("docker buildx build --platform linux/amd64,linux/arm64 --tag ")


def test_nobody_acts_or_reads_without_a_token_where_there_are_tokens(serve):
    service = serve()
    question = {"images": ["x"], "platform": "linux/amd64"}
    for token in ("", "wrong" * 9):
        assert service.ask("/api/v1/scans", "POST", {}, token)[0] == 401
        assert service.ask("/-/reload", "POST", None, token)[0] == 401
        assert service.ask("/api/v1/check", "POST", question, token)[0] == 401
        assert service.ask("/api/v1/findings", token=token)[0] == 401
        assert service.ask("/-/healthy", token=token)[0] == 200


def test_the_gate_answers_by_what_the_image_holds(serve, images):
    service = serve()
    both, arm = images("gate/both", "amd64", "arm64"), images("gate/arm", "arm64")

    def decided(image, **where):
        status, document = service.ask("/api/v1/check", "POST", {"images": [image], **where})
        return status, document.get("decision")

    assert decided(both, hosts=["web-1"]) == (200, "allow")
    assert decided(arm, hosts=["web-1"]) == (409, "deny")
    assert decided(arm, platform="linux/arm64") == (200, "allow")
    assert decided(f"{both.rpartition(':')[0]}:nope", hosts=["web-1"]) == (503, "hold")


def test_a_bad_file_keeps_the_last_good_configuration_and_says_so(serve):
    service = serve()
    good = service.config.read_text()
    service.config.write_text(good.replace('"jitter"', '"jiter"'))
    status, problem = service.ask("/-/reload", "POST")
    assert (status, problem["reason"]) == (422, "configuration_refused")
    assert "did you mean jitter?" in problem["detail"]
    until(lambda: "archscan_config_last_reload_successful 0.0" in service.ask("/metrics")[1], "the failed reload")
    service.config.write_text(good)
    os.kill(service.daemon.process.pid, signal.SIGHUP)
    until(lambda: "archscan_config_last_reload_successful 1.0" in service.ask("/metrics")[1], "the good reload")
    service.scan()


def test_findings_keep_their_first_sight_over_a_restart(serve, images):
    image = images("restart/foreign", "arm64")
    service = serve(image)
    [before] = [f for f in service.findings() if f["image"] == image]
    service.daemon.stop()
    again = serve(image)
    again.scan()
    [after] = [f for f in again.findings() if f["image"] == image]
    assert (after["first_seen"], after["reason"]) == (before["first_seen"], before["reason"])
    assert after["last_seen"] > before["last_seen"]


def test_the_service_stops_within_ten_seconds_and_leaves_its_store_whole(serve, tmp_path):
    service = serve()
    service.ask("/api/v1/scans", "POST", {})
    began = time.monotonic()
    service.daemon.process.send_signal(signal.SIGTERM)
    assert service.daemon.process.wait(timeout=60) == 0
    assert time.monotonic() - began < 60
    with sqlite3.connect(tmp_path / "archscan.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("shared", ["both", "store", "port"])
def test_a_second_service_on_the_same_store_or_port_is_refused_in_one_line(serve, tmp_path, shared):
    service = serve()
    document = json.loads(service.config.read_text())
    if shared == "store":
        document["web"]["listen"] = f"127.0.0.1:{free_port()}"
    if shared == "port":
        document["store"]["url"] = f"sqlite:///{tmp_path}/another.db"
    config = tmp_path / "second.yml"
    config.write_text(json.dumps(document))
    second = command.run("serve", "--config", config)
    # With a store of its own it begins a trail, and logs so, before it listens.
    said = [line for line in second.stderr.splitlines() if " level=info " not in line]
    assert (second.returncode, len(said)) == (2, 1), second.stderr
    named = {"store": "archscan.db is in use by another archscan", "port": "the port is in use"}
    assert named.get(shared, "in use") in said[0]
    assert shared == "port" or second.stderr.count("\n") == 1


def test_a_registry_that_is_gone_makes_its_images_unknown_never_ok(
    serve, start_registry, images, image_factory, elf_factory
):
    from tests.real.images import Pusher  # noqa: PLC0415 -- only this test pushes to a registry of its own

    own = start_registry()
    made = image_factory.image({"app": elf_factory("amd64")}, entrypoint=["/app"])
    reference = Pusher(own.host, own.port).push("gone/app", "1", made)
    service = serve(reference, registries={own.address: {"plain_http": True}, "cache_age": "0s"})
    [fine] = [f for f in service.findings("") if f["image"] == reference]
    own.daemon.stop()
    service.scan()
    [lost] = [f for f in service.findings("") if f["image"] == reference]
    assert (fine["reason"], lost["status"], lost["reason"]) == ("native", "unknown", "image_unreachable")
    assert "last seen less than 1 min ago" in lost["detail"]
    assert lost["detail"].endswith("offering linux/amd64")


# ---------------------------------------------------------------- to the person who is paged


def test_a_real_mismatch_becomes_a_page_and_is_resolved_after_the_fix(
    serve, images, prometheus, alertmanager, webhook, tmp_path
):
    image = images("page/api", "amd64", "arm64")
    service = serve(image)
    service.scan()  # what the first scan of a fleet finds pages nobody: the mismatch comes after it
    assert [f["status"] for f in service.findings("") if f["image"] == image] == ["ok"]
    rules = yaml.safe_load((ROOT / "config/prometheus/rules/archscan.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
            rule.pop("keep_firing_for", None)
    (tmp_path / "rules.yml").write_text(json.dumps(rules))
    routing = {
        "route": {"receiver": "hook", "group_by": ["image", "reason"], "group_wait": "1s", "group_interval": "1s"},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": webhook.url, "send_resolved": True}]}],
    }
    (tmp_path / "alertmanager.yml").write_text(json.dumps(routing))
    sent_to = alertmanager(tmp_path / "alertmanager.yml").address
    scrape = {
        "job_name": "archscan",
        "authorization": {"credentials": TOKEN},
        "static_configs": [{"targets": [service.url.removeprefix("http://")]}],
    }
    prometheus(rules=[tmp_path / "rules.yml"], alertmanagers=[sent_to], config={"scrape_configs": [scrape]})

    def about(status):
        alerts = [alert for post in webhook.received for alert in post["alerts"]]
        return next((a for a in alerts if a["labels"].get("image") == image and a["status"] == status), None)

    images("page/api", "arm64")
    service.scan()
    page = until(lambda: about("firing"), "the page")
    assert page["labels"]["alertname"] == "ArchscanMismatchPlanned"
    assert (page["labels"]["host"], page["labels"]["reason"]) == ("web-1", "platform_missing")
    assert page["labels"]["team"] == "web"
    assert "docker buildx build" in page["annotations"]["fix"]
    runbook = ROOT / page["annotations"]["runbook_url"].partition("/blob/main/")[2]
    assert runbook.is_file()

    images("page/api", "amd64", "arm64")
    service.scan()
    assert until(lambda: about("resolved"), "the end of the page")["labels"]["host"] == "web-1"
