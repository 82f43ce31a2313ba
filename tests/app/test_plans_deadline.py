"""The plan directory is read under the scan's deadline, however much there is in it."""

import threading
import time

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.scan.plans.plans import NO_DEPLOYMENTS, Deployments
from scanner.scan.scan import ScanLimits
from scanner.service.deadline import PLANS_SHARE, with_plans
from scanner.settings.schema import Settings
from tests import builders

HOSTS = (builders.host("a"), builders.host("b"))


@pytest.fixture
async def adapters(tmp_path):
    made = Adapters(Settings.model_validate({"plans": {"directory": tmp_path}}), AdapterContext("0"))
    yield made
    await made.close()


async def test_plans_that_take_too_long_are_unknown_and_the_rest_of_the_time_is_for_the_hosts(adapters, monkeypatch):
    go, calls = threading.Event(), []

    def read(hosts):
        calls.append(hosts)
        go.wait(60)
        return Deployments(problems=("read at last",))

    monkeypatch.setattr(adapters.plan_reading._directory, "read", read)
    began = time.monotonic()
    plans, left = await with_plans(adapters, HOSTS, ScanLimits(deadline_s=0.4))
    took_s = time.monotonic() - began
    assert plans.problems == ("plans.directory was not read within 0 s",)
    assert [len(plans.of(host.name).gaps) for host in HOSTS] == [1, 1]
    assert 0.4 - took_s <= left.deadline_s <= 0.4 * (1 - PLANS_SHARE)
    again, _ = await with_plans(adapters, HOSTS, ScanLimits(deadline_s=0.2))
    assert again.problems == plans.problems
    go.set()
    assert (await adapters.plans(HOSTS, 60)).problems == ("read at last",)
    assert len(calls) == 1  # nobody reads beside a reading that is late


async def test_without_a_directory_the_whole_deadline_is_the_hosts():
    adapters = Adapters(Settings.default(), AdapterContext("0"))
    began = time.monotonic()
    plans, left = await with_plans(adapters, HOSTS, ScanLimits(deadline_s=9))
    assert plans is NO_DEPLOYMENTS
    assert 9 - (time.monotonic() - began) <= left.deadline_s <= 9
    await adapters.close()
