"""Answers of many kinds of host, made from pieces; run it to write them anew beside itself."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent

X86_FLAGS = {
    1: "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 syscall nx lm",
    2: "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3",
    3: "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
    4: "avx512f avx512bw avx512cd avx512dq avx512vl",
}

ELF = {  # class, byte order, machine as bytes 18 and 19 of a shell's header
    "amd64": "7f454c4602010100000000000000000003003e00",
    "386": "7f454c4601010100000000000000000003000300",
    "arm64": "7f454c460201010000000000000000000300b700",
    "arm": "7f454c4601010100000000000000000003002800",
    "ppc64le": "7f454c4602010100000000000000000003001500",
    "s390x": "7f454c4602020100000000000000000000030016",
    "riscv64": "7f454c460201010000000000000000000300f300",
    "loong64": "7f454c4602010100000000000000000003000201",
    "mips": "7f454c4601020100000000000000000000030008",
    "mipsle": "7f454c4601010100000000000000000003000800",
    "mips64le": "7f454c4602010100000000000000000003000800",
    "macho": "cffaedfe0c000001000000000200000012000000",
}

QEMU_ARM64 = (
    "@entry qemu-aarch64\nenabled\ninterpreter /usr/bin/qemu-aarch64\nflags: POCF\noffset 0\n"
    "magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n"
)


def framed(sections: dict[str, str | bytes]) -> bytes:
    """The answer that holds these sections."""
    out = [b"archscan-probe 1\n"]
    for name, body in sections.items():
        raw = body.encode() if isinstance(body, str) else body
        out.append(b"@section %s %d\n%s\n" % (name.encode(), len(raw), raw))
    return b"".join(out) + b"@end\n"


def flags(level: int) -> str:
    return "model name\t: A CPU\nflags\t\t: " + " ".join(X86_FLAGS[n] for n in range(1, level + 1))


def arm_cpu(architecture: str, model: str = "") -> str:
    first = f"model name\t: {model}\n" if model else ""
    return f"{first}Features\t: fp asimd\nCPU architecture: {architecture}"


def version(arch: str, os: str = "linux", kernel: str = "6.1.0", number: str = "28.5.1") -> str:
    client = {"Version": number, "Os": os, "Arch": arch, "Context": "default"}
    server = {
        "Platform": {"Name": ""},
        "Version": number,
        "ApiVersion": "1.51",
        "Os": os,
        "Arch": arch,
        "KernelVersion": kernel,
    }
    return json.dumps({"Client": client, "Server": server}, separators=(",", ":"))


def info(
    kernel: str = "6.1.0", system: str = "Debian GNU/Linux 12", containerd: bool = False, manager: bool = False
) -> str:
    status = [["driver-type", "io.containerd.snapshotter.v1"]] if containerd else [["Backing Filesystem", "extfs"]]
    return json.dumps({
        "driver": "overlayfs" if containerd else "overlay2", "driver_status": status, "operating_system": system,
        "name": "host", "security": ["name=seccomp"], "kernel": kernel, "architecture": "", "manager": manager,
    })  # fmt: skip


def container(number: int, *, image: int = 1, name: str = "web", ref: str = "nginx:1", state: str = "running", code: int = 0,
              error: str = "", argv: tuple[str, ...] = ("/entry", "run"), labels: dict | None = None,
              descriptor: dict | None = None, restarts: int = 0, started: str = "") -> str:  # fmt: skip
    body = {
        "name": f"/{name}", "path": argv[0], "args": list(argv[1:]), "restarts": restarts,
        **({"descriptor": descriptor} if descriptor else {}),
        "state": {"status": state, "exit_code": code, "error": error, **({"started": started} if started else {})},
        "config": {"image": ref, "working_dir": "", "path": ["PATH=/usr/bin:/bin", None], "labels": {**(labels or {}), "": None}},
    }  # fmt: skip
    return f"sha256:{image:064x} {number:064x} {state}/{code} {json.dumps(body)}"


def image(
    number: int, arch: str, variant: str = "", repo: str = "nginx", argv: tuple[str, ...] = ("/entry", "run")
) -> str:
    digests = [f"{repo}@sha256:{number + 4096:064x}"] if repo else []
    return json.dumps({
        "id": f"sha256:{number:064x}", "repo_digests": digests, "repo_tags": [], "os": "linux", "architecture": arch,
        "variant": variant or None, "os_version": None,
        "config": {"entrypoint": list(argv[:1]), "cmd": list(argv[1:]), "working_dir": "", "path": ["PATH=/usr/bin:/bin", None]},
    })  # fmt: skip


def docker(arch: str, *, key: str = "docker", containers: tuple[str, ...] = (), images: tuple[str, ...] = (),
           kernel: str = "6.1.0", os: str = "linux", logs: dict[int, str] | None = None, **more) -> dict[str, str]:  # fmt: skip
    return {
        f"{key}/state": "up",
        f"{key}/version": version(arch, os, kernel),
        f"{key}/info": info(kernel, **more),
        f"{key}/ids": "\n".join(line.split()[1] for line in containers),
        f"{key}/containers": "\n".join(containers),
        f"{key}/images": "\n".join(images),
        f"{key}/log_ids": "\n".join(f"{number:064x}" for number in logs or {}),
        **{f"{key}/log/{number:064x}": text for number, text in (logs or {}).items()},
    }


def podman(arch: str, *, key: str = "podman", kernel: str = "6.1.0", variant: str = "", containers: tuple[str, ...] = (),
           images: tuple[str, ...] = (), remote: bool = False, os: str = "linux") -> dict[str, str]:  # fmt: skip
    details = {
        "host": {"arch": arch, "os": os, "variant": variant, "kernel": kernel, "serviceIsRemote": remote},
        "version": {"Version": "5.2.0"},
    }
    lines = tuple(line.removeprefix("sha256:").replace('"name": "/', '"name": "') for line in containers)
    return {
        f"{key}/state": "up",
        f"{key}/info": json.dumps(details, indent=2),
        f"{key}/ids": "\n".join(line.split()[1] for line in lines),
        f"{key}/containers": "\n".join(lines),
        f"{key}/images": "\n".join(text.replace("sha256:", "", 1) for text in images),
        f"{key}/log_ids": "",
    }


def host(machine: str, elf: str, cpu: str, *, system: str = "Linux", release: str = "6.1.0", page: int | str = 4096,
         compat: str = "", binfmt: str = "enabled", bits: int = 64, os: str = "Debian GNU/Linux 12", platform: str = "",
         engines: dict[str, str] | None = None, plans: dict[str, str] | None = None, extra: str = "") -> dict[str, str | bytes]:  # fmt: skip
    sections: dict[str, str | bytes] = {
        "uname": f"{system}\n{machine}\n{release}",
        "userland": f"page_size {page}\nlong_bit {bits}\nshell_header {ELF[elf]}{extra}",
        **({"cpuinfo": cpu} if cpu else {}),
        "compat": compat,
        "binfmt": binfmt,
        "os": f'PRETTY_NAME="{os}"',
        "default_platform": platform,
        **(engines or {}),
    }
    for key in ("docker", "podman", "containerd", "cri"):
        sections.setdefault(f"{key}/state", "absent")
    sections.update(plans or {})
    sections["plan/count"] = str(len(plans or {}))
    sections["engines"] = " ".join(name.removesuffix("/state") for name in sections if name.endswith("/state"))
    return sections


X86 = "CONFIG_IA32_EMULATION=y\nCONFIG_COMPAT=y"
ARM64 = "CONFIG_COMPAT=y\nlinux32 armv8l"
NO_AARCH32 = "CONFIG_COMPAT=y\nlinux32 setarch: failed to set personality to linux32: Invalid argument"
NGINX = {"containers": (container(1),), "images": (image(1, "amd64"),)}


def nginx(arch: str, variant: str = "") -> dict:
    return {"containers": (container(1),), "images": (image(1, arch, variant),)}


CRI = {
    "cri/state": "up",
    "cri/version": "Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v1.7.27\nRuntimeApiVersion:  v1",
    "cri/containers": json.dumps({"containers": [
        {"id": f"{n:064x}", "podSandboxId": "s", "metadata": {"name": name, "attempt": attempt}, "image": {"image": f"sha256:{7:064x}", "userSpecifiedImage": ref},
         "imageRef": f"sha256:{7:064x}", "state": state, "labels": {"io.kubernetes.container.name": name, "io.kubernetes.pod.name": "shop-1", "io.kubernetes.pod.namespace": "prod"},
         "annotations": {"io.kubernetes.container.restartCount": str(attempt)}}
        for n, name, state, attempt, ref in ((1, "api", "CONTAINER_EXITED", 6, "reg:5000/api:1"), (2, "web", "CONTAINER_RUNNING", 0, "nginx:1"), (3, "api", "CONTAINER_EXITED", 5, "reg:5000/api:1"))
    ]}, indent=2),
    "cri/images": json.dumps({"images": [{"id": f"sha256:{7:064x}", "repoTags": ["reg:5000/api:1"], "repoDigests": [f"reg:5000/api@sha256:{8:064x}"]}]}, indent=2),
    "cri/platforms": f"sha256:{7:064x} linux amd64 <no value>\n",
    "cri/exited": f"sha256:{7:064x} {1:064x} exited/255 Error <no value>\nsha256:{7:064x} {3:064x} exited/255 Error \n",
    "cri/log_ids": f"{1:064x}",
    f"cri/log/{1:064x}": "exec /api: exec format error",
}  # fmt: skip

CONTAINERD = {
    "containerd/state": "up",
    "containerd/version": "Client:\n  Version:  1.7.27\n\nServer:\n  Version:  1.7.27\n",
    "containerd/plugins": "TYPE ID PLATFORMS STATUS\nio.containerd.content.v1 content - ok\nio.containerd.snapshotter.v1 overlayfs linux/arm64/v8 ok\n",
    "containerd/namespaces": "default\nmoby\nk8s.io",
    "containerd/default/containers": "CONTAINER IMAGE RUNTIME\nweb docker.io/library/nginx:1 io.containerd.runc.v2\nbare - io.containerd.runc.v2\n",
    "containerd/default/tasks": "TASK PID STATUS\nweb 42 RUNNING\n",
    "containerd/default/images": f"REF TYPE DIGEST SIZE PLATFORMS LABELS\ndocker.io/library/nginx:1 application/vnd.oci.image.index.v1+json sha256:{5:064x} 2.1 MiB linux/amd64,linux/arm64/v8 -\n",
    "containerd/k8s.io/containers": "CONTAINER IMAGE RUNTIME\n",
    "containerd/k8s.io/tasks": "TASK PID STATUS\n",
    "containerd/k8s.io/images": "REF TYPE DIGEST SIZE PLATFORMS LABELS\n",
}

COMPOSE_LABELS = {
    "project": "shop",
    "service": "web",
    "compose_files": "/srv/shop/compose.yaml",
    "compose_dir": "/srv/shop",
}
PLANS = {
    "plan/compose/1": "/srv/shop/compose.yaml\nservices:\n  web: {image: 'nginx:${TAG:-1}', platform: linux/arm64}\n  built: {build: .}\n",
    "plan/compose/2": "/srv/shop/.env\nTAG=2",
    "plan/quadlet/3": "/etc/containers/systemd/db.container\n[Container]\nImage=docker.io/library/postgres:16",
    "plan/systemd/4": "/etc/systemd/system/old.service\nExecStart=/usr/bin/docker run --rm -p 80:80 legacy:1",
    "plan/manifests/5": "/etc/kubernetes/manifests/etcd.yaml\nkind: Pod\nmetadata: {name: etcd, namespace: kube-system}\nspec: {containers: [{name: etcd, image: 'registry.k8s.io/etcd:3.5'}]}\n",
    "plan/nomad/6": '/opt/nomad/jobs/web.nomad\njob "web" {\n group "g" {\n task "t" {\n driver = "docker"\n config {\n image = "redis:7"\n }\n }\n }\n}',
}

HOSTS: dict[str, dict[str, str | bytes]] = {
    "amd64-docker": host("x86_64", "amd64", flags(3), compat=X86, engines=docker("amd64", **NGINX)),
    "amd64-v1-old-atom": host("x86_64", "amd64", flags(1), compat=X86, engines=docker("amd64", **NGINX)),
    "amd64-v4-containerd-store": host("x86_64", "amd64", flags(4), compat=X86, engines=docker(
        "amd64", containerd=True, images=(image(1, "arm64"),),
        containers=(container(1, descriptor={"digest": f"sha256:{9:064x}", "platform": {"os": "linux", "architecture": "amd64"}}),))),
    "amd64-ia32-off-at-boot": host("x86_64", "amd64", flags(2), compat=X86 + "\ncmdline ia32_emulation=0", engines=docker("amd64")),
    "amd64-ia32-off-by-default": host("x86_64", "amd64", flags(2), compat=X86 + "\nCONFIG_IA32_EMULATION_DEFAULT_DISABLED=y", engines=docker("amd64")),
    "amd64-ia32-not-built": host("x86_64", "amd64", flags(2), compat="# CONFIG_IA32_EMULATION is not set", engines=docker("amd64")),
    "amd64-ia32-not-told": host("x86_64", "amd64", flags(2), compat="", engines=docker("amd64")),
    "amd64-with-qemu": host("x86_64", "amd64", flags(3), compat=X86, binfmt="enabled\n" + QEMU_ARM64, engines=docker("amd64", containers=(container(1),), images=(image(1, "arm64"),))),
    "amd64-binfmt-off": host("x86_64", "amd64", flags(3), compat=X86, binfmt="disabled\n" + QEMU_ARM64, engines=docker("amd64")),
    "amd64-binfmt-unmounted-old-kernel": host("x86_64", "amd64", flags(3), release="5.15.0-91-generic", compat=X86, binfmt="unmounted", engines=docker("amd64", kernel="5.15.0-91-generic")),
    "amd64-binfmt-unmounted-new-kernel": host("x86_64", "amd64", flags(3), release="6.8.0", compat=X86, binfmt="unmounted", engines=docker("amd64", kernel="6.8.0")),
    "amd64-386-userland": host("x86_64", "386", flags(2), bits=32, compat=X86, engines=docker("386")),
    "i686": host("i686", "386", flags(1), bits=32, compat="linux64 i686", engines=docker("386", **nginx("386"))),
    "i686-on-64-bit-kernel": host("i686", "386", flags(2), bits=32, compat="linux64 x86_64", engines=docker("386")),
    "pi5-arm64-16k-pages": host("aarch64", "arm64", arm_cpu("8"), page=16384, release="6.6.31+rpt-rpi-2712", compat="# CONFIG_COMPAT is not set", engines=docker("arm64", kernel="6.6.31+rpt-rpi-2712", **nginx("arm64"))),
    "pi4-arm64": host("aarch64", "arm64", arm_cpu("8"), release="6.6.31+rpt-rpi-v8", compat=ARM64, engines=docker("arm64", kernel="6.6.31+rpt-rpi-v8", **nginx("arm64"))),
    "pi4-64-bit-kernel-armhf-docker": host("aarch64", "arm", arm_cpu("8"), bits=32, release="6.6.31+rpt-rpi-v8", compat=ARM64, engines=docker("arm", kernel="6.6.31+rpt-rpi-v8", **nginx("arm", "v7"))),
    "pi3-armv7": host("armv7l", "arm", arm_cpu("7", "ARMv7 Processor rev 4 (v7l)"), bits=32, engines=docker("arm", **nginx("arm", "v7"))),
    "pi-zero-armv6-says-7": host("armv6l", "arm", arm_cpu("7", "ARMv6-compatible processor rev 7 (v6l)"), bits=32, engines=docker("arm", **nginx("arm", "v6"))),
    "armv5-nas": host("armv5tel", "arm", arm_cpu("5TE"), bits=32, release="4.4.302", engines=docker("arm", kernel="4.4.302")),
    "armv8l-32-bit-view": host("armv8l", "arm", arm_cpu("8"), bits=32, compat="linux64 aarch64", engines=docker("arm")),
    "graviton-no-aarch32": host("aarch64", "arm64", arm_cpu("8"), compat=NO_AARCH32, engines=docker("arm64", **nginx("arm64"))),
    "arm64-64k-pages-not-told": host("aarch64", "arm64", arm_cpu("8"), page=65536, compat="linux32 armv8l", engines=podman("arm64", **nginx("arm64"))),
    "ppc64le-podman": host("ppc64le", "ppc64le", "", page=65536, engines=podman("ppc64le", **nginx("ppc64le"))) | {"cpuinfo": "processor : 0"},
    "s390x-podman": host("s390x", "s390x", "features\t: esan3 zarch", engines=podman("s390x", **nginx("s390x"))),
    "riscv64-docker": host("riscv64", "riscv64", "isa\t\t: rv64imafdc", engines=docker("riscv64", **nginx("riscv64"))),
    "loong64-docker": host("loongarch64", "loong64", "Features\t: cpucfg lam", page=16384, engines=docker("loong64", **nginx("loong64"))),
    "mips-big-endian": host("mips", "mips", "isa\t\t\t: mips1", bits=32),
    "mips-little-endian": host("mips", "mipsle", "isa\t\t\t: mips1", bits=32),
    "mips64-little-endian": host("mips64", "mips64le", "isa\t\t\t: mips64r2"),
    "macos-docker-desktop": host("arm64", "macho", "", system="Darwin", release="23.1.0", page=16384, binfmt="unknown", extra="\ntranslated 0\narm64 1",
                                 engines=docker("arm64", kernel="6.10.14-linuxkit", system="Docker Desktop", containerd=True)),
    "macos-rosetta-shell": host("x86_64", "macho", "", system="Darwin", release="23.1.0", binfmt="unknown", extra="\ntranslated 1\narm64 1",
                                engines=docker("arm64", kernel="6.10.14-linuxkit", system="Docker Desktop")),
    "freebsd-podman": host("amd64", "amd64", "", system="FreeBSD", release="14.1-RELEASE", binfmt="unknown", engines=podman("amd64", kernel="14.1-RELEASE", os="freebsd")),
    "wsl2-docker": host("x86_64", "amd64", flags(3), release="5.15.167.4-microsoft-standard-WSL2", compat=X86, binfmt="enabled\n@entry WSLInterop\nenabled\ninterpreter /init\nflags: PF\noffset 0\nmagic 4d5a\n",
                        engines=docker("amd64", kernel="5.15.167.4-microsoft-standard-WSL2", **NGINX)),
    "docker-desktop-on-linux": host("x86_64", "amd64", flags(3), compat=X86, engines=docker("amd64", kernel="6.10.14-linuxkit", system="Docker Desktop")),
    "rootless-podman": host("x86_64", "amd64", flags(3), compat=X86, engines={"podman/state": "absent never used", **podman("amd64", key="podman:alice", **NGINX), **podman("amd64", key="podman:bob", **NGINX)}),
    "rootless-docker": host("x86_64", "amd64", flags(3), compat=X86, engines={"docker/state": "absent only rootless engines", **docker("amd64", key="docker:alice", **NGINX)}),
    "no-engine": host("x86_64", "amd64", flags(3), compat=X86),
    "docker-down": host("x86_64", "amd64", flags(3), compat=X86, engines={"docker/state": "down Cannot connect to the Docker daemon at unix:///var/run/docker.sock."}),
    "docker-denied": host("x86_64", "amd64", flags(3), compat=X86, engines={"docker/state": "denied"}),
    "docker-without-client": host("x86_64", "amd64", flags(3), compat=X86, engines={"docker/state": "unknown there is a socket but no docker command to ask it with"}),
    "machine-unknown": host("e2k", "amd64", "", engines=docker("amd64")) | {"cpuinfo": ""},
    "engine-contradicts-kernel": host("aarch64", "arm64", arm_cpu("8"), compat=ARM64, engines=docker("s390x")),
    "default-platform-set": host("aarch64", "arm64", arm_cpu("8"), compat=ARM64, platform="linux/amd64", engines=docker("arm64")),
    "swarm-manager": host("x86_64", "amd64", flags(3), compat=X86, engines={**docker("amd64", manager=True), "docker/service_ids": "svc1",
                          "docker/services": json.dumps({"name": "shop_web", "task": {"image": "nginx:1@sha256:" + "a" * 64, "command": None, "args": ["x"], "dir": ""}})}),
    "crash-loop": host("x86_64", "amd64", flags(3), compat=X86, engines=docker("amd64", logs={1: "exec /entry: exec format error", 3: "boom"}, images=(image(1, "arm64"),), containers=(
        container(1, state="restarting", code=255, restarts=9), container(2, name="never", state="created", code=127, error='exec: "/x": stat /x: no such file or directory: unknown'),
        container(3, name="old", state="exited", code=1), container(4, name="done", state="exited", code=0)))),
    "kubernetes-node": host("x86_64", "amd64", flags(3), compat=X86, engines=CRI),
    "containerd-only": host("aarch64", "arm64", arm_cpu("8"), compat=ARM64, engines=CONTAINERD),
    "every-plan": host("x86_64", "amd64", flags(3), compat=X86, engines=docker("amd64", containers=(container(1, labels=COMPOSE_LABELS),), images=(image(1, "amd64"),)), plans=PLANS),
    "hostile-names": host("x86_64", "amd64", flags(3), compat=X86, engines=docker("amd64", images=(image(1, "amd64"),), containers=(
        container(1, name="\x1b[31mred\r\nX: y\u202e{{7*7}}$(id)%s", ref="a\ud800b\x00'\""),))),
}  # fmt: skip
"""Every kind of host by name."""


def main() -> None:
    """Write each answer to a file of its own."""
    for name, sections in HOSTS.items():
        (HERE / f"{name}.txt").write_bytes(framed(sections))


if __name__ == "__main__":
    main()
