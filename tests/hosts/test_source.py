"""Where a host's answer comes from."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.cli.setup import host_check
from scanner.domain.facts import EngineKind, HostFacts
from scanner.domain.failure import Failure, Reach
from scanner.domain.host import Host
from scanner.domain.report import HostReading, Report
from scanner.domain.verdict.reason import Reason
from scanner.hosts.login import ProbeLogin, of_login, with_login
from scanner.hosts.source import ClosedSource, SourceKind, kind_of
from scanner.settings.schema import Settings
from tests import builders


@pytest.mark.parametrize(
    ("host", "kind"), [(Host("here", local=True), SourceKind.LOCAL), (Host("web-1", "192.0.2.1"), SourceKind.SSH)]
)
def test_what_a_host_is_decides_who_answers_for_it(host, kind):
    assert kind_of(host) is kind


@pytest.mark.parametrize(
    ("host", "reach"),
    [(Host("here", local=True), Reach.HERE), (Host("web-9", pushed=True), Reach.PUSHES)],
)
def test_where_no_login_leads_a_failure_tells_of_none(host, reach):
    down = Failure(Reason.ENGINE_DOWN, "no socket")
    assert of_login(down, host, ProbeLogin("archscan")) == replace(down, reach=reach)
    facts = builders.host_facts(host.name, engines=(builders.docker(),), gaps={"docker": down})
    assert with_login(facts, host, ProbeLogin("archscan")).gaps == {"docker": replace(down, reach=reach)}


@pytest.mark.parametrize(("own", "jump"), [("", "b"), ("c", "c"), ("none", "")])
def test_a_failure_tells_through_which_bastions_its_host_is_reached(own, jump):
    login = ProbeLogin("archscan", jump={"web-*": "b"})
    assert of_login(Failure(Reason.ENGINE_DOWN), Host("web-1", "192.0.2.1", jump=own), login).jump == jump


@pytest.mark.parametrize(
    ("engine", "command"), [("podman", "podman info"), ("containerd", "systemctl restart containerd;")]
)
def test_a_check_of_hosts_has_each_engine_started_as_what_it_is(capsys, engine, command):
    engines = (builders.docker(), replace(builders.docker(), kind=EngineKind(engine)))
    facts = builders.host_facts("web-1", engines=engines, gaps={engine: Failure(Reason.ENGINE_DOWN, "no socket")})
    host_check.show(Report("s", 0.0, 1.0, (HostReading("web-1", facts),), ()))
    assert command in capsys.readouterr().out


async def test_a_source_that_is_not_configured_fails_every_host_for_that_reason():
    source = ClosedSource(Failure(Reason.HOST_AUTH_REJECTED, "no key"))
    assert await source.read(Host("web-1", "192.0.2.1")) == Failure(Reason.HOST_AUTH_REJECTED, "no key")
    await source.close()


async def test_without_a_key_this_machine_answers_while_hosts_elsewhere_are_refused():
    adapters = Adapters(Settings.model_validate({}), AdapterContext("0"))
    try:
        assert set(adapters.hosts.sources) == set(SourceKind)
        assert isinstance(await adapters.read(Host("here", local=True)), HostFacts)
        assert await adapters.read(Host("web-1", "192.0.2.1")) == Failure(
            Reason.HOST_AUTH_REJECTED,
            "no ssh.identity_file is configured",
            host="192.0.2.1",
            setting="ssh.identity_file",
            user="archscan",
            port=22,
        )
    finally:
        await adapters.close()


async def test_a_host_that_pushed_nothing_new_says_the_same_facts_again(tmp_path):
    answer = tmp_path / "web-9.answer"
    answer.write_bytes((Path(__file__).parents[1] / "data/hosts/amd64-docker.txt").read_bytes())
    adapters = Adapters(Settings.model_validate({"push": {"directory": str(tmp_path)}}), AdapterContext("0"))
    host = Host("web-9", pushed=True)
    try:
        first, again = await adapters.read(host), await adapters.read(host)
        assert isinstance(first, HostFacts), first
        assert first is again
        os.utime(answer, (answer.stat().st_mtime - 60,) * 2)
        assert (await adapters.read(host)).answered_at == answer.stat().st_mtime
    finally:
        await adapters.close()


def test_a_host_of_two_sources_is_this_machine_first():
    assert kind_of(Host("here", local=True, pushed=True)) is SourceKind.LOCAL


@pytest.mark.parametrize(
    "module",
    [
        "scanner.hosts.source",
        "scanner.hosts.local",
        "scanner.hosts.least_privilege",
        "scanner.hosts.ssh",
        "scanner.hosts.ssh.config",
        "scanner.app.adapters",
    ],
)
def test_what_needs_no_connection_loads_without_asyncssh(module):
    program = f"import sys, {module}; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
