"""Images of a program for an interpreter with its packages, and the same on this machine, whose interpreters are the witnesses."""

import os
import subprocess
import sys

from playwright._impl._driver import compute_driver_executable  # which brings a Node along

from scanner.binary.inspect import inspect

LOADER = "/lib64/ld-linux-x86-64.so.2"
PLACES = {"python3": sys.executable, "node": compute_driver_executable()[0]}
OTHERS = ("perl", "ruby", "php", "lua")
SITE = "usr/lib/python3.11/site-packages"
ARM, OWN = object(), object()


def written(build, what):
    """What a file of a row holds; real libraries have no entry point."""
    if what is ARM or what is OWN:
        raw = bytearray(build.elf(machine=183 if what is ARM else 62, kind=3))
        raw[24:32] = bytes(8)
        return bytes(raw)
    return what.encode()


async def judged(images, build, argv, files, **process):
    """What is told of ``argv`` in ``/srv`` of an image; what is ``site/`` stands among Python's packages, in a layer below."""
    program = build.elf(interp=LOADER, kind=3)
    entries = [(f"bin/{name}", program) for name in (*PLACES, *OTHERS)] + [(LOADER.lstrip("/"), build.elf(kind=3))]
    layers = {"site/": [], "": [("srv", build.directory)]}
    for name, what in files.items():
        lead = "site/" if name.startswith("site/") else ""
        path = f"{SITE}/{name[5:]}" if lead else f"srv/{name}" if name[0] != "/" else name[1:]
        layers[lead].append((path, {"mode": 0o644, "content": written(build, what)}))
    given = {"path": "/bin", "working_dir": "/srv"} | process
    stored = [images.layer(each) for each in (entries, layers["site/"], layers[""]) if each]
    return await inspect(build.offer(*stored, entrypoint=argv, **given), None, images.open)


def starts(build, folder, argv, files):
    """Whether it ends well on this machine."""
    for name, what in files.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(build, what))
    env = {**os.environ, "PYTHONPATH": str(folder / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    return (
        subprocess.run([PLACES[argv[0]], *argv[1:]], cwd=folder, env=env, capture_output=True, check=False).returncode
        == 0
    )
