import pytest

from scanner.domain.facts import LocalImage, Process
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Evidence, Fix
from tests import builders
from tests.builders import AMD64, ARM64


class Fleet:
    """Makes readings, findings and reports of small fleets, with something in every field that a store keeps."""

    amd64, arm64 = AMD64, ARM64

    def reading(self, name="web-1", platform=AMD64, at=100.0, failed=None):
        if failed:
            return builders.unread(name, failed, "said so", taken_at=at)
        local = LocalImage("sha256:" + "1" * 64, platform=ARM64, process=Process(("/app",), None))
        workload = builders.workload("api", "app:1", host=name, engine="docker", local=local, log=("a", "b"))
        known = builders.host_facts(name, platform, [workload], {"podman": Failure(Reason.ENGINE_DOWN)}, engines=())
        return builders.read_host(known, labels={"team": "web"}, taken_at=at)

    def finding(self, host="web-1", workload="api", reason=Reason.PLATFORM_MISSING, detail="", image="app:1"):
        said = {
            "detail": detail,
            "evidence": (Evidence("index", "linux/arm64"),),
            "fix": Fix("build", ("x", "y")),
            "offered": (ARM64,),
        }
        return builders.finding(reason, builders.workload(workload, image, host=host), said, host_platform=AMD64)

    def report(self, hosts=None, findings=None, at=100.0, scan_id="s", complete=True):
        hosts = [self.reading(at=at)] if hosts is None else hosts
        findings = [self.finding()] if findings is None else findings
        return builders.report(*findings, hosts=hosts, complete=complete, at=at, scan_id=scan_id)


@pytest.fixture
def fleet():
    return Fleet()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/archscan.db"
