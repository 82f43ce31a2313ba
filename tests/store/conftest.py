import pytest

from scanner.domain.facts import Failure, HostFacts, Kernel, LocalImage, Process, Source, Stage, Workload
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Evidence, Fix, Verdict

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")


class Fleet:
    """Makes readings, findings and reports of small fleets."""

    amd64, arm64 = AMD64, ARM64

    def reading(self, name="web-1", platform=AMD64, at=100.0, failed=None):
        if failed:
            return HostReading(name, Failure(failed, "said so"), {}, at)
        local = LocalImage("sha256:" + "1" * 64, platform=ARM64, process=Process(("/app",), None))
        workload = Workload(name, "api", Source.DOCKER, Stage.RUNNING, "app:1", "docker", local=local, log=("a", "b"))
        facts = HostFacts(
            name,
            Kernel("Linux", "x86_64", platform=platform, cpu_level=3),
            workloads=(workload,),
            gaps={"podman": Failure(Reason.ENGINE_DOWN)},
        )
        return HostReading(name, facts, {"team": "web"}, at)

    def finding(self, host="web-1", workload="api", reason=Reason.PLATFORM_MISSING, detail="", image="app:1"):
        made = Workload(host, workload, Source.DOCKER, Stage.RUNNING, image)
        verdict = Verdict(reason, detail, (Evidence("index", "linux/arm64"),), Fix("build", ("x", "y")), (ARM64,))
        return Finding(made, verdict, AMD64)

    def report(self, hosts=None, findings=None, at=100.0, scan_id="s", complete=True):
        hosts = [self.reading(at=at)] if hosts is None else hosts
        findings = [self.finding()] if findings is None else findings
        return Report(scan_id, at - 1, at, tuple(hosts), tuple(findings), complete)


@pytest.fixture
def fleet():
    return Fleet()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/archscan.db"
