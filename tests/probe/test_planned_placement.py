"""Files of a host that plan for other hosts: a kubelet refuses a static pod that asks for another CPU."""

import pytest

from scanner.domain.host import Host
from scanner.probe import reading

POD = (
    "/etc/kubernetes/manifests/x.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"
    "spec: {containers: [{name: x, image: r.example/app:1}], %s}\n"
)


@pytest.mark.parametrize(
    ("asked", "is_planned"),
    [
        ("nodeSelector: {kubernetes.io/arch: amd64}", True),
        ("nodeSelector: {kubernetes.io/arch: arm64}", False),
        ("nodeSelector: {kubernetes.io/os: windows}", False),
        ("nodeSelector: {disk: ssd}", True),
        ("nodeSelector: {disk: nvme}", False),
        ("nodeSelector: {unheard-of: x}", True),
        ("nodeName: ip-10-0-0-7", True),
    ],
)
def test_a_static_pod_is_planned_where_its_host_may_run_it(asked, is_planned, pieces):
    sections = {**pieces.HOSTS["no-engine"], "plan/manifests/1": POD % asked, "plan/count": "1"}
    facts = reading.read(pieces.framed(sections), Host("web-1", "127.0.0.1", labels={"disk": "ssd"}))
    assert [workload.image for workload in facts.workloads] == ["r.example/app:1"] * is_planned
