"""Hosts, workloads, images, reports: a sound one of each, of which a test changes what it is about."""

from __future__ import annotations

from scanner.domain import facts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image import offers as image_offers
from scanner.domain.image.reference import Digest
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict

AMD64, ARM64, ARM_V7 = Platform("linux", "amd64"), Platform("linux", "arm64"), Platform("linux", "arm", "v7")
I386, S390X = Platform("linux", "386"), Platform("linux", "s390x")
INDEX = Digest("sha256:" + "f" * 64)
APP = "r.example/app:1"

MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l", "386": "i686", "s390x": "s390x"}
ELF_MACHINES = {"amd64": 62, "arm64": 183, "arm": 40, "386": 3, "s390x": 22}


# ---------------------------------------------------------------- hosts


def host(name="h", *images, address="127.0.0.1", **changes):
    """An inventory host that is meant to run the images."""
    return Host(name, address, planned=tuple(Plan(image) for image in images), **changes)


def kernel(platform=AMD64, **changes):
    level = {"cpu_level": 3, "ia32": True} if platform == AMD64 else {}
    known = {**level, "binfmt": facts.Binfmt(enabled=True), **changes}
    return facts.Kernel("Linux", MACHINES[platform.architecture], platform=platform, **known)


def docker(platform=AMD64, version="27.1.0", state=facts.EngineState.UP, store=facts.ImageStore.CLASSIC, **changes):
    return facts.Engine(facts.EngineKind.DOCKER, state, version, platform, store, **changes)


def podman(platform=AMD64, version="5.0", owner=""):
    store = facts.ImageStore.PODMAN
    return facts.Engine(facts.EngineKind.PODMAN, facts.EngineState.UP, version, platform, store, owner)


def host_facts(name="h", platform=AMD64, workloads=(), gaps=None, engines=None, **known):
    """What a host with one Docker engine said; ``known`` is what its kernel told otherwise."""
    engines = (docker(platform),) if engines is None else engines
    return facts.HostFacts(name, kernel(platform, **known), engines, tuple(workloads), gaps or {})


# ---------------------------------------------------------------- workloads


def workload(name="app", image=APP, stage=facts.Stage.RUNNING, source=facts.Source.DOCKER, host="h", **changes):
    return facts.Workload(host, name, source, stage, image, **changes)


def container(letter="c", *repo_digests, local=None, **changes):
    """One that runs, of the image whose ID has this letter; ``local`` are further facts of that image."""
    held = facts.LocalImage(
        digest(letter) if len(letter) == 1 else letter, repo_digests, **{"platform": AMD64, **(local or {})}
    )
    return workload(**{"engine": "docker", "state": "running", "local": held, **changes})


def plan(name="app", image=APP, host="h", **changes):
    return workload(name, image, facts.Stage.PLANNED, facts.Source.INVENTORY, host, **changes)


# ---------------------------------------------------------------- images


def digest(letter="a"):
    return Digest("sha256:" + letter * 64)


def executable(platform=AMD64, path="/app", role="entrypoint"):
    """A binary for a platform; ``None`` makes one for a CPU that nobody knows."""
    machine = ELF_MACHINES.get(platform.architecture, 3) if platform else 0
    return image_offers.Executable(
        path, role, image_offers.FileKind.ELF, image_offers.Elf(machine, 64, "little", platform)
    )


def program(platform=AMD64, problem=None):
    return image_offers.Program(("/app",), (executable(platform),), problem)


def offer(platform=AMD64, letter="a", **changes):
    """What an index entry and its config both say."""
    return image_offers.Offer(digest(letter), platform, **{"config": platform, **changes})


def image_facts(*offers, reference=APP):
    """An index of these offers."""
    return image_offers.ImageFacts(str(reference), INDEX, is_index=True, offers=offers)


# ---------------------------------------------------------------- reports


def reading(name="h", **changes):
    return read_host(host_facts(name), **changes)


def read_host(known, **changes):
    """The reading of a host that said this."""
    return HostReading(known.host, known, **changes)


def unread(name="h", reason=Reason.HOST_TIMEOUT, detail="", **changes):
    return HostReading(name, Failure(reason, detail), **changes)


def finding(reason=Reason.NATIVE, of=None, said=None, **changes):
    """Of a plan, unless ``of`` is another workload; ``said`` is what else its verdict says."""
    return Finding(of or plan(), Verdict(reason, **(said or {})), **changes)


def report(*findings, hosts=(), complete=True, at=1.0, scan_id="s"):
    return Report(scan_id, at - 1, at, tuple(hosts), findings, complete)
