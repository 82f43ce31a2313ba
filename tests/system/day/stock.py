"""The images of a made-up company: much pulled ones with the scripts in front of them, its own services, some odd ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.binary.program.shell.official import OFFICIAL
from tests.binary.test_official_images import STANDING, TOOLS, USERS, placed
from tests.real.elf import executable
from tests.real.images import File, Image, ImageFactory, Index
from tests.real.zips import a_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.binary.program.shell.official import Official
    from tests.real.lenient import LenientRegistry

CPUS = ("amd64", "arm64")
BODY = {cpu: executable(cpu) for cpu in CPUS}
DECIDES = b'#!/bin/sh\nexec "$(cat /run/choice)"\n'

Files = dict[str, bytes | File]


@dataclass(frozen=True)
class Stocked:
    """One image of the registry; ``digests`` are those of its configs by CPU, ``exe`` what its process turns out to be."""

    name: str
    digest: str
    argv: tuple[str, ...]
    digests: Mapping[str, str]
    exe: str
    what: Index


def stock(registry: LenientRegistry, count: int) -> list[Stocked]:
    """So many images, in a fixed order: of ten three are much pulled ones, the others the company's."""
    official = list(OFFICIAL.items())
    made = []
    for number in range(count):
        if number % 10 < 3 and official:
            name, image = official.pop(0)
            made.append(_official(registry, name, image))
        else:
            made.append(service(registry, number))
    return made


def service(registry: LenientRegistry, number: int, build: int = 1, cpus: tuple[str, ...] = CPUS) -> Stocked:
    """One of the company's own, of one of six kinds by its number; each ``build`` has a digest of its own."""
    kind = _KINDS[number % len(_KINDS)]
    images = []
    for cpu in cpus:
        files, entrypoint, _ = kind(cpu, number)
        base: Files = {"etc/os-release": File(b"ID=debian\n", mode=0o644), "bin/sh": BODY[cpu], "bin/cat": BODY[cpu]}
        new: Files = {"etc/build": File(f"{number}.{build}".encode(), mode=0o644)}
        images.append(ImageFactory.image(base, files, new, entrypoint=entrypoint, architecture=cpu))
    _, entrypoint, exe = kind(cpus[0], number)
    return _pushed(registry, f"shop/service-{number}", ImageFactory.index(*images), entrypoint, exe)


def _compiled(cpu: str, number: int) -> tuple[Files, list[str], str]:
    return {"bin/app": BODY[cpu] + str(number).encode()}, ["/bin/app", "serve"], "/bin/app"


def _behind_a_script(cpu: str, number: int) -> tuple[Files, list[str], str]:
    script = b'#!/bin/sh\nset -e\n[ -n "$DEBUG" ] && set -x\ncd /srv\nexec ./server --port "${PORT:-80}" "$@"\n'
    return {"start.sh": script, "srv/server": BODY[cpu] + str(number).encode()}, ["/start.sh"], "/srv/server"


def _python(cpu: str, number: int) -> tuple[Files, list[str], str]:
    site = "usr/lib/python3/site-packages/fast"
    files: Files = {"usr/bin/python3": BODY[cpu], f"{site}/{cpu}.so": BODY[cpu]}
    return (
        files | {"app/main.py": File(b"print(%d)" % number, mode=0o644)},
        ["python3", "/app/main.py"],
        "/usr/bin/python3",
    )


def _java(cpu: str, number: int) -> tuple[Files, list[str], str]:
    native = {f"native/linux/{each}/libx.so": BODY[each] for each in CPUS}
    jar = a_zip({"META-INF/MANIFEST.MF": b"%d" % number, "lib/x.jar": a_zip(native)}, streamed=True)
    return (
        {"opt/jdk/bin/java": BODY[cpu], "app.jar": File(jar, mode=0o644)},
        ["/opt/jdk/bin/java", "-jar", "/app.jar"],
        "/opt/jdk/bin/java",
    )


def _node(cpu: str, number: int) -> tuple[Files, list[str], str]:
    module = "app/node_modules/hash/prebuilds"
    files: Files = {
        f"{module}/linux-{each}/hash.node": File(BODY[cpu], mode=0o644)
        for cpu, each in zip(CPUS, ("x64", "arm64"), strict=True)
    }
    return (
        files | {"usr/bin/node": BODY[cpu], "app/i.js": File(b"%d" % number, mode=0o644)},
        ["node", "/app/i.js"],
        "/usr/bin/node",
    )


def _deciding(cpu: str, number: int) -> tuple[Files, list[str], str]:
    return {"start.sh": DECIDES, "opt/worker": BODY[cpu] + str(number).encode()}, ["/start.sh"], "/opt/worker"


_KINDS: tuple[Callable[[str, int], tuple[Files, list[str], str]], ...] = (
    _compiled, _behind_a_script, _python, _java, _node, _compiled, _compiled, _behind_a_script, _deciding,
)  # fmt: skip
"""One in nine decides at run time what it starts."""


def official_image(image: Official, cpu: str, server: bytes | None) -> Image:
    """A much pulled one for a CPU, its server this file, or none at all."""
    first = (*image.first, "/entry.sh") if image.text else ()
    config = {
        "Entrypoint": list(first) or None, "Cmd": list(image.cmd) or None, "WorkingDir": image.cwd,
        "Env": [f"{key}={value}" for key, value in ({"PATH": "/usr/local/bin:/usr/bin:/bin:/sbin"} | image.env).items()],
        "Volumes": {path: {} for path in image.volumes} or None,
    }  # fmt: skip
    tools, own = _tools(image, cpu), _own(image, cpu)
    if image.server != "AT RUN TIME":
        for files in (tools, own):
            files.pop(placed(image.server), None)
        own |= {} if server is None else {placed(image.server): server}
    return ImageFactory.image(tools, own, architecture=cpu, config={"config": config})


def _official(registry: LenientRegistry, name: str, image: Official) -> Stocked:
    images = [official_image(image, cpu, BODY[cpu]) for cpu in CPUS]
    exe = f"/{placed(image.server)}" if image.server != "AT RUN TIME" else "/usr/bin/bash"
    argv = [*((*image.first, "/entry.sh") if image.text else ()), *image.cmd]
    return _pushed(registry, f"library/{name.replace(' ', '-')}", ImageFactory.index(*images), argv, exe)


def _tools(image: Official, cpu: str) -> Files:
    shell = {"bash": "bash", "dash": "dash", "busybox": "busybox"}[image.shell]
    files: Files = {f"usr/bin/{name}": BODY[cpu] for name in sorted(TOOLS | {"bash"})}
    files |= {"bin/bash": BODY[cpu], f"bin/{shell}": BODY[cpu], "etc/passwd": File(USERS.encode(), mode=0o644)}
    files["etc/group"] = File(USERS.replace("/root:/bin/sh", "").replace(":/home:/bin/sh", "").encode(), mode=0o644)
    files["bin/sh"] = BODY[cpu] if shell == "dash" else File(link=shell)
    return files | ({"bin/ash": File(link=shell)} if shell == "busybox" else {})


def _own(image: Official, cpu: str) -> Files:
    files: Files = dict.fromkeys(STANDING, b"#!/bin/sh\n")
    files |= {path.lstrip("/"): text.encode() for path, text in image.files.items()}
    programs = [name for name in (image.server, image.leads) if name not in {"AT RUN TIME", "bash"}]
    return files | {placed(name): BODY[cpu] for name in programs} | {"entry.sh": image.text.encode()}


def _pushed(registry: LenientRegistry, repository: str, index: Index, argv: list[str], exe: str) -> Stocked:
    name = registry.push(repository, "1", index)
    digests = {_cpu(image): image.config.digest for image in index.images}
    return Stocked(name, index.manifest.digest, tuple(argv), digests, exe, index)


def _cpu(image: Image) -> str:
    return image.platform["architecture"]
