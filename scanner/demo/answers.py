"""Makes the answers of made-up machines, byte for byte in the probe's own form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from scanner.probe.answer import MAGIC, VERSION

_CPU = {
    "x86_64": "flags\t\t: fpu cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm movbe xsave\n",
    "aarch64": "Features\t: fp asimd evtstrm aes crc32 atomics\nCPU architecture: 8\n",
    "armv7l": "model name\t: ARMv7 Processor rev 4 (v7l)\nFeatures\t: half thumb fastmult vfp neon vfpv4\nCPU architecture: 7\n",
    "s390x": "features\t: esan3 zarch stfle msa ldisp eimm dfp vx\n",
}
_GOARCH = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "s390x": "s390x"}
_COMPAT = {
    "x86_64": "CONFIG_IA32_EMULATION=y\n# CONFIG_IA32_EMULATION_DEFAULT_DISABLED is not set\n",
    "aarch64": "CONFIG_COMPAT=y\nlinux32 armv8l\n",
}

QEMU_ARM64 = (
    "@entry qemu-aarch64\nenabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POF\noffset 0\n"
    "magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n"
)
"""How the kernel prints the handler that Debian's qemu-user package registers."""


@dataclass(frozen=True, slots=True)
class DemoContainer:
    """One made-up Docker container; ``made_from`` is the platform of its local image, ``digest`` that of its index."""

    name: str
    image: str
    digest: str
    made_from: str
    argv: tuple[str, ...]
    image_id: str
    state: str = "running"
    exit_code: int = 0
    restarts: int = 0
    log: str = ""


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """One made-up Linux machine with Docker."""

    kernel_machine: str
    os: str
    containers: tuple[DemoContainer, ...] = ()
    binfmt: str = ""
    sections: dict[str, str] = field(default_factory=dict)


def answer(machine: DemoMachine) -> bytes:
    """The probe's whole answer."""
    wide = machine.kernel_machine != "armv7l"
    sections = {
        "probe": "",
        "uname": f"Linux\n{machine.kernel_machine}\n6.1.0-28",
        "userland": f"page_size 4096\nlong_bit {64 if wide else 32}",
        "cpuinfo": _CPU[machine.kernel_machine],
        "compat": _COMPAT.get(machine.kernel_machine, ""),
        "binfmt": f"enabled\n{machine.binfmt}",
        "os": f'PRETTY_NAME="{machine.os}"',
        "default_platform": "",
        **_docker(machine),
        **machine.sections,
        "podman/state": "absent",
        "containerd/state": "absent",
        "cri/state": "absent",
        "plan/count": "0",
        "engines": " docker podman containerd cri",
    }
    body = b"".join(_section(name, text.encode()) for name, text in sections.items())
    return b"%s%d\n" % (MAGIC, VERSION) + body + b"@end\n"


def _section(name: str, body: bytes) -> bytes:
    return f"@section {name} {len(body)}\n".encode() + body + b"\n"


def _docker(machine: DemoMachine) -> dict[str, str]:
    ids = [_id(container.name) for container in machine.containers]
    unwell = [container for container in machine.containers if container.log]
    return {
        "docker/state": "up",
        "docker/version": _line({
            "Client": {"Version": "27.3.1"},
            "Server": {"Version": "27.3.1", "Os": "linux", "Arch": _GOARCH[machine.kernel_machine], "ApiVersion": "1.47"},
        }),
        "docker/info": _line({
            "driver": "overlay2",
            "driver_status": [["Backing Filesystem", "extfs"]],
            "operating_system": machine.os,
            "name": "demo",
            "security": ["name=seccomp,profile=builtin"],
            "kernel": "6.1.0-28",
            "architecture": machine.kernel_machine,
            "manager": False,
        }),
        "docker/ids": "\n".join(ids),
        "docker/containers": "\n".join(map(_container, machine.containers)),
        "docker/images": "\n".join({container.image_id: _image(container) for container in machine.containers}.values()),
        "docker/log_ids": "\n".join(_id(container.name) for container in unwell),
        **{f"docker/log/{_id(container.name)}": container.log for container in unwell},
    }  # fmt: skip


def _container(container: DemoContainer) -> str:
    state = {"status": container.state, "exit_code": container.exit_code, "error": ""}
    config = {"image": container.image, "working_dir": "", "path": [None], "labels": None}
    shown = _line({
        "name": f"/{container.name}",
        "path": container.argv[0],
        "args": list(container.argv[1:]),
        "restarts": container.restarts,
        "state": state,
        "config": config,
    })  # fmt: skip
    return f"{container.image_id} {_id(container.name)} {container.state}/{container.exit_code} {shown}"


def _image(container: DemoContainer) -> str:
    system, architecture, variant = (*container.made_from.split("/"), "")[:3]
    repository = container.image.rpartition(":")[0]
    return _line({
        "id": container.image_id,
        "repo_digests": [f"{repository}@{container.digest}"],
        "repo_tags": [container.image],
        "os": system,
        "architecture": architecture,
        "variant": variant,
        "os_version": "",
        "config": {"entrypoint": list(container.argv), "cmd": None, "working_dir": "", "path": [None]},
    })  # fmt: skip


def _id(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
