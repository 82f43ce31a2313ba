"""What a container's health check runs."""

import pytest

from scanner.domain.facts import Process, Source, Stage, Workload
from scanner.domain.image.healthcheck import checks_of

IMAGE = Process(healthcheck=("CMD", "curl", "-f", "http://x"))
BY_BASH = Process(healthcheck=("CMD-SHELL", "a"), shell=("/bin/bash", "-ec"))
CURL = ("curl", "-f", "http://x")


def a_workload(source=Source.DOCKER, own=None, checks=()):
    process = Process(healthcheck=own) if own is not None else None
    return Workload("h", "w", source, Stage.RUNNING, "i", process=process, checks=checks)


@pytest.mark.parametrize(
    ("workload", "image", "checks"),
    [
        (a_workload(), IMAGE, (CURL,)),
        (a_workload(), Process(), ()),
        (a_workload(), None, ()),
        (a_workload(), Process(healthcheck=("NONE",)), ()),
        (a_workload(), Process(healthcheck=("CMD-SHELL", "a || b")), (("/bin/sh", "-c", "a || b"),)),
        (a_workload(), Process(healthcheck=("CMD-SHELL",)), ()),
        (a_workload(), BY_BASH, (("/bin/bash", "-ec", "a"),)),
        (a_workload(Source.PODMAN), BY_BASH, (("/bin/sh", "-c", "a"),)),
        (a_workload(own=("CMD-SHELL", "b")), BY_BASH, (("/bin/bash", "-ec", "b"),)),
        (a_workload(), Process(healthcheck=("CMD",)), ()),
        (a_workload(own=("NONE",)), IMAGE, ()),
        (a_workload(own=("CMD", "/mine")), IMAGE, (("/mine",),)),
        (a_workload(Source.KUBERNETES), IMAGE, ()),
        (a_workload(Source.KUBERNETES, checks=(("/probe", "x"),)), IMAGE, (("/probe", "x"),)),
        (a_workload(Source.CONTAINERD), IMAGE, ()),
        (a_workload(Source.COMPOSE, checks=(("/hook",),)), IMAGE, (CURL, ("/hook",))),
    ],
)
def test_a_container_s_checks_are(workload, image, checks):
    assert checks_of(workload, image) == checks
