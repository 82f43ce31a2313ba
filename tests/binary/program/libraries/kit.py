"""Programs and libraries made by this machine's compilers, in scratch roots where the real loaders run them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

from scanner.binary.program.argv import resolve
from scanner.binary.program.execve import Search
from scanner.domain.facts import Process
from tests.binary.program.libraries.directory_view import DirectoryView

GLIBC_LOADER = "lib64/ld-linux-x86-64.so.2"
GLIBC = "lib/x86_64-linux-gnu/libc.so.6"
MUSL_LOADER = "lib/ld-musl-x86_64.so.1"
MULTIARCH = "lib/x86_64-linux-gnu"
ARM64_LIBRARY = Path("/usr/aarch64-linux-gnu/lib/libatomic.so.1")

_SAID_BY_LOADERS = re.compile(
    r"error while loading shared libraries|version `[^']+' not found|Error loading shared library|Error relocating"
    r"|symbol lookup error|relocation error"
    r"|Inconsistency detected by ld\.so"
)


def elf_hash(name):
    """The hash of a version's name (generic ABI, chapter 5)."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value


def needing_version(program, old, new):
    """A program that needs another version of the same length."""
    raw = program.replace(old.encode() + b"\0", new.encode() + b"\0")
    return raw.replace(struct.pack("<I", elf_hash(old)), struct.pack("<I", elf_hash(new)))


def for_machine(library, machine):
    """The same library with another e_machine."""
    return library[:18] + struct.pack("<H", machine) + library[20:]


class Kit:
    """Compiles once what several cases need."""

    def __init__(self, folder):
        self.folder = folder
        self.made = {}

    def compiled(self, source, *flags, inputs=(), musl=False):
        """What a source comes to; ``inputs`` are names with bytes of what stands beside it."""
        return self._compiled(_compiler(musl), source, flags, tuple(inputs))

    def _compiled(self, compiler, source, flags, inputs=()):
        key = (compiler, source, flags, tuple(hashlib.sha256(raw).hexdigest() for _, raw in inputs))
        if key not in self.made:
            here = self.folder / str(len(self.made))
            here.mkdir()
            (here / "source.c").write_text(source)
            for name, raw in inputs:
                (here / name).write_bytes(raw)
            names = [f"-l:{name}" if name.endswith((".so", ".1", ".2")) else "" for name, _ in inputs]
            order = ["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-L", str(here), *filter(None, names)]
            command = [compiler, "-O1", "-w", "-o", str(here / "out"), str(here / "source.c"), *flags, *order]
            done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
            if done.returncode:
                raise AssertionError(done.stderr)
            self.made[key] = (here / "out").read_bytes()
        return self.made[key]

    def shared(self, symbol="a", soname="liba.so.1", *, needs=(), flags=(), version="", musl=False, libc=False):
        """A library that defines one function; ``needs`` are names and bytes of others that it needs."""
        flags = (
            "-shared",
            "-fPIC",
            *(() if libc else ("-nostdlib",)),
            *([f"-Wl,-soname,{soname}"] if soname else []),
            *flags,
        )
        inputs = list(needs)
        if version:
            inputs.append(("map", f"{version} {{ global: *; }};\n".encode()))
            flags += ("-Wl,--version-script,map",)
        value = "getpid() < 0" if libc else "0"
        return self._compiled(_compiler(musl), f"int {symbol}(void) {{ return {value}; }}\n", flags, tuple(inputs))

    def program(self, needs=(), *, calls=("a",), flags=(), musl=False):
        """A program that prints ``ran`` once it has called one function of each library."""
        declared = "".join(f"int {each}(void);" for each in calls)
        body = " | ".join(["0", *(f"{each}()" for each in calls)])
        source = f'#include <stdio.h>\n{declared}\nint main(void) {{ int n = {body}; puts("ran"); return n; }}\n'
        return self._compiled(_compiler(musl), source, tuple(flags), tuple(needs))


def _compiler(musl):
    return "musl-gcc" if musl else "gcc"


class Root:
    """A root directory with the C libraries of this machine."""

    def __init__(self, path, base):
        self.path = path
        for name in (GLIBC_LOADER, GLIBC, MUSL_LOADER, "busybox"):
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(base / name, target)
        for name in ("proc", "etc"):
            (path / name).mkdir()

    def put(self, files):
        """Bytes become executable files, text becomes a symbolic link where it begins with ``->``, else a file."""
        for name, content in files.items():
            target = self.path / name
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                target.unlink()
            if isinstance(content, bytes):
                target.write_bytes(content)
                target.chmod(0o755)
            elif content.startswith("->"):
                target.symlink_to(content[2:])
            else:
                target.write_text(content)

    def ldconfig(self, *options):
        """Make the cache as ldconfig makes it."""
        subprocess.run(["/sbin/ldconfig", "-r", str(self.path), *options], check=True, capture_output=True)

    def outcome(self, argv, env):
        """``ran``, or what the real loader says."""
        words = [f"{name}={value}" for name, value in env.items()]
        script = 'mount --rbind /proc "$0/proc" && exec chroot "$0" /busybox env -i "$@"'
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script, str(self.path), *words, *argv],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode == 0 and done.stdout == "ran\n":
            return "ran"
        if done.returncode < 0 or done.returncode >= 128 or _SAID_BY_LOADERS.search(done.stderr):
            return f"{done.returncode}: {done.stderr.strip()}"
        raise AssertionError(f"neither ran nor refused: {done}")

    def judged(self, argv, env, **more):
        """What we say: the run of one execve."""
        process = Process(tuple(argv), env=(("PATH", "/bin"), *env.items()), **more)
        return Search(DirectoryView(self.path)).start(resolve(process, None), "entrypoint")


def base_of(folder):
    """The files that every root has, once."""
    for name in (GLIBC_LOADER, GLIBC, MUSL_LOADER):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"/{name}", target)
    shutil.copy("/bin/busybox", folder / "busybox")
    return folder
