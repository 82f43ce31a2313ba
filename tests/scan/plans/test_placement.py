"""A plan that says which hosts it is for is judged on those alone, through the whole scan."""

import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image import offers
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason, Status
from scanner.scan.plans.plans import PlanDirectory
from scanner.scan.scan import ScanLimits, Scanner
from tests import builders

HOSTS = [
    Host("big-1", "127.0.0.1", labels={"disk": "ssd", "cores": "16"}),
    Host("pi-1.example.com", "127.0.0.2", labels={"disk": "sd", "cores": "4"}),
    Host("dark-1", "127.0.0.3"),
]

PLATFORMS = {"big-1": Platform("linux", "amd64"), "pi-1.example.com": Platform("linux", "arm64", "v8")}


async def read(host):
    if host.name not in PLATFORMS:
        return Failure(Reason.HOST_TIMEOUT, "no answer")
    return builders.host_facts(host.name, PLATFORMS[host.name])


class Registry:
    """Offers every image for amd64 alone."""

    async def resolve(self, reference, *, depth, wanted=None):
        del depth, wanted
        return builders.image_facts(builders.offer(), reference=reference)


async def inspect(*_asked):
    return offers.Program(("/app",), problem=Failure(Reason.BINARY_NOT_INSPECTED, ""))


@pytest.fixture
def scanned(tmp_path):
    """The findings about a file in a folder, by host."""

    async def scan(name, text):
        path = tmp_path / "plans" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        plans = PlanDirectory(tmp_path / "plans").read(HOSTS)
        report = await Scanner(read, Registry(), inspect, ScanLimits(), lambda: 1.0, plans=plans).scan(HOSTS)
        return {finding.workload.host: finding.verdict for finding in report.findings}

    return scan


def deployment(pod):
    return (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: "
        f"{{containers: [{{name: app, image: r.example/app:1}}], {pod}}}}}}}}}"
    )


def affinity(*terms):
    inner = ", ".join(f"{{matchExpressions: [{term}]}}" for term in terms)
    return (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
        f"[{inner}]}}}}}}"
    )


PREFERRED = (
    "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: "
    "{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [amd64]}]}}]}}"
)
BIG, PI, DARK = "big-1", "pi-1.example.com", "dark-1"

PLACED = [
    ("", [BIG, PI, DARK]),
    ("nodeSelector: {kubernetes.io/arch: amd64}", [BIG, DARK]),
    ("nodeSelector: {beta.kubernetes.io/arch: arm64}", [PI, DARK]),
    ("nodeSelector: {kubernetes.io/os: windows}", [DARK]),
    ("os: {name: windows}", [DARK]),
    ("os: {name: linux}", [BIG, PI, DARK]),
    ("nodeSelector: {disk: ssd}", [BIG, DARK]),
    ("nodeSelector: {disk: nvme}", [DARK]),
    ("nodeSelector: {kubernetes.io/arch: amd64, disk: sd}", [DARK]),
    ("nodeName: big-1", [BIG]),
    ("nodeName: pi-1", [PI]),
    ("nodeName: worker-7", [BIG, PI, DARK]),
    ("nodeSelector: {kubernetes.io/hostname: pi-1.example.com}", [PI]),
    (affinity("{key: kubernetes.io/arch, operator: In, values: [amd64, s390x]}"), [BIG, DARK]),
    (affinity("{key: kubernetes.io/arch, operator: NotIn, values: [amd64]}"), [PI, DARK]),
    (affinity("{key: kubernetes.io/arch, operator: Exists}"), [BIG, PI, DARK]),
    (affinity("{key: kubernetes.io/arch, operator: DoesNotExist}"), [DARK]),
    (affinity("{key: cores, operator: Gt, values: ['8']}"), [BIG, DARK]),
    (affinity("{key: cores, operator: Lt, values: ['8']}"), [PI, DARK]),
    (affinity("{key: disk, operator: Gt, values: ['8']}"), [DARK]),
    (
        affinity(
            "{key: kubernetes.io/arch, operator: In, values: [arm64]}", "{key: disk, operator: In, values: [ssd]}"
        ),
        [BIG, PI, DARK],
    ),
    (
        affinity("{key: kubernetes.io/arch, operator: In, values: [arm64]}, {key: disk, operator: In, values: [ssd]}"),
        [DARK],
    ),
    (affinity(), []),
    (affinity(""), []),
    ("nodeSelector: {disk: ssd}, " + affinity("{key: kubernetes.io/arch, operator: In, values: [arm64]}"), [DARK]),
    ("tolerations: [{key: kubernetes.io/arch, operator: Equal, value: arm64, effect: NoSchedule}]", [BIG, PI, DARK]),
    (
        PREFERRED,
        [BIG, PI, DARK],
    ),
]


@pytest.mark.parametrize(("pod", "hosts"), PLACED, ids=[pod for pod, _ in PLACED])
async def test_a_pod_is_judged_on_the_hosts_that_it_may_run_on(pod, hosts, scanned):
    assert list(await scanned("all/web.yaml", deployment(pod))) == hosts


async def test_a_deployment_for_another_cpu_is_no_finding_of_this_host(scanned):
    found = await scanned("all/web.yaml", deployment(""))
    assert found[PI].reason is Reason.PLATFORM_MISSING
    assert found[BIG].status is not Status.MISMATCH


async def test_what_would_not_start_is_unknown_where_nobody_told_whether_the_host_gets_it(scanned):
    found = await scanned("all/web.yaml", deployment("nodeSelector: {pool: web}"))
    assert found[PI].reason is Reason.PART_INCOMPLETE
    assert "pool In (web)" in found[PI].detail
    assert found[BIG].status is not Status.UNKNOWN or found[BIG].reason is not Reason.PART_INCOMPLETE


async def test_a_folder_named_after_a_host_tells_that_the_host_gets_it(scanned):
    found = await scanned(f"{PI}/web.yaml", deployment("nodeSelector: {pool: web}"))
    assert (list(found), found[PI].reason) == ([PI], Reason.PLATFORM_MISSING)


async def test_the_name_of_a_folder_does_not_outvote_the_cpu_that_a_plan_asks_for(scanned):
    assert await scanned(f"{PI}/web.yaml", deployment("nodeSelector: {kubernetes.io/arch: amd64}")) == {}


JOB = """job "shop" {{
  {constraint}
  group "web" {{
    task "app" {{
      driver = "docker"
      config {{ image = "r.example/app:1" }}
    }}
  }}
}}
"""

CONSTRAINTS = [
    ("", [BIG, PI, DARK]),
    ('constraint { attribute = "${attr.cpu.arch}"\n value = "amd64" }', [BIG, DARK]),
    ('constraint { attribute = "${attr.cpu.arch}"\n operator = "!="\n value = "amd64" }', [PI, DARK]),
    ('constraint { attribute = "${attr.cpu.arch}"\n operator = "regexp"\n value = "^(arm|arm64)$" }', [PI, DARK]),
    ('constraint { attribute = "${attr.cpu.arch}"\n operator = "set_contains_any"\n value = "arm64,arm" }', [PI, DARK]),
    ('constraint { attribute = "${attr.cpu.arch}"\n regexp = "^amd64$" }', [BIG, DARK]),
    ('constraint { attribute = "${attr.kernel.name}"\n value = "windows" }', [DARK]),
    ('constraint { attribute = "${meta.disk}"\n value = "ssd" }', [BIG, DARK]),
    ('constraint { attribute = "${meta.disk}"\n operator = "is_set" }', [BIG, PI, DARK]),
    ('constraint { attribute = "${node.unique.name}"\n value = "big-1" }', [BIG]),
    ('constraint { attribute = "${attr.nomad.version}"\n operator = "semver"\n value = ">= 1.6" }', [BIG, PI, DARK]),
    ("constraint { distinct_hosts = true }", [BIG, PI, DARK]),
    ('constraint { operator = "distinct_hosts"\n value = "true" }', [BIG, PI, DARK]),
]


@pytest.mark.parametrize(("constraint", "hosts"), CONSTRAINTS, ids=[one for one, _ in CONSTRAINTS])
async def test_a_job_is_judged_on_the_clients_that_its_constraints_allow(constraint, hosts, scanned):
    assert list(await scanned("all/shop.nomad", JOB.format(constraint=constraint))) == hosts
