"""The verdict against the kernel's own: every measured case, and the same files exec'd for real."""

import json
import os
import re
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from tests.real.require import missing

VECTORS = Path(__file__).parents[2] / "data" / "vectors"
CASES = {
    case["id"]: case
    for case in json.loads((VECTORS / "exec_errors.json").read_text())["cases"]
    if case["group"] == "native"
}
EXIT_0 = bytes.fromhex("b83c00000031ff0f05")
EXIT_0_I386 = bytes.fromhex("b80100000031dbcd80")
RUNS_HERE = {Platform("linux", "amd64"), Platform("linux", "386")}
NOEXEC = 0o644
LOADER = "/lib64/ld.so"


class Files:
    """Makes the files of a case by its id: ``{path: bytes | (bytes, mode) | symlink target | None for a directory}``."""

    def __init__(self, build):
        self.build = build
        self.native = build.elf(code=EXIT_0)
        self.foreign = build.elf(machine=183)
        self.plain = {
            "elf-native-static": self.native,
            "elf-native-pie": build.elf(kind=3, code=EXIT_0),
            "elf-i386": build.elf(machine=3, bits=32, code=EXIT_0_I386, vaddr=0x8048000),
            "elf-486": build.elf(machine=6, bits=32, code=EXIT_0_I386, vaddr=0x8048000),
            "elf-x32": build.elf(bits=32, code=EXIT_0, vaddr=0x8048000),
            "elf-rel": build.elf(kind=1),
            "elf-core": build.elf(kind=4),
            "elf-none": build.elf(kind=0),
            "elf-phnum-0": self.native[:56] + b"\0\0" + self.native[58:],
            "elf-phentsize": self.native[:54] + b"\x30\0" + self.native[56:],
            "elf-phoff-beyond": self.native[:32] + struct.pack("<Q", 1 << 20) + self.native[40:],
            "elf-interp-unterminated": build.elf(interp_raw=b"/lib64/ld.so", code=EXIT_0),
            "elf-interp-toolong": build.elf(interp_raw=b"/" * 5000 + b"\0", code=EXIT_0),
            "elf-interp-one-byte": build.elf(interp_raw=b"\0", code=EXIT_0),
            "shebang-ok": b"#!/bin/sh\n",
            "shebang-eof": b"#!/bin/sh",
            "shebang-spaces": b"#! \t /bin/sh \t \n",
            "shebang-crlf": b"#!/bin/sh\r\n",
            "shebang-crlf-arg": b"#!/bin/sh -e\r\n",
            "shebang-env-crlf": b"#!/usr/bin/env bash\r\n",
            "shebang-missing": b"#!/no/such\n",
            "shebang-env-missing": b"#!/usr/bin/env no-such-prog\n",
            "shebang-relative": b"#!sh\n",
            "shebang-relative-found": b"#!bin/sh\n",
            "shebang-leading-newline": b"\n#!/bin/sh\n",
            "shebang-leading-blank": b" #!/bin/sh\n",
            "shebang-bom": b"\xef\xbb\xbf#!/bin/sh\n",
            "shebang-none": b"echo\n",
            "shebang-blank": b"#!   \n",
            "shebang-empty": b"#!\n",
            "shebang-empty-eof": b"#!",
            "shebang-nul": b"#!/bin/sh\0junk\n",
            "shebang-self": b"#!/app\n",
            "shebang-dir": b"#!/bin\n",
            "macho": bytes.fromhex("cffaedfe070000010300000002000000"),
            "pe": b"MZ\x90\0\x03" + bytes(80),
            "wasm": b"\0asm\1\0\0\0",
            "gzip": bytes.fromhex("1f8b08000000000000030300000000"),
            "java-class": bytes.fromhex("cafebabe00000034"),
            "empty": b"",
            "one-byte": b"\x7f",
            "zeros": bytes(4096),
            "random": bytes(range(128, 256)),
        }
        self.several = {
            "elf-interp-missing": {"app": build.elf(interp="/no/ld.so", code=EXIT_0)},
            "elf-interp-wrongarch": self.loaded(self.foreign),
            "elf-interp-text": self.loaded(b"text\n" * 100),
            "elf-interp-short": self.loaded(b"\x7fELF short"),
            "elf-interp-empty": self.loaded(b""),
            "elf-interp-noexec": self.loaded((self.native, NOEXEC)),
            "elf-interp-dir": self.loaded(None),
            "elf-interp-ok": self.loaded(build.elf(kind=3, code=EXIT_0)),
            "elf-interp-relative": {"app": build.elf(interp="ld.so", code=EXIT_0), "ld.so": self.native_pie},
            "shebang-foreign": {"app": b"#!/other\n", "other": self.foreign},
            "shebang-interp-noexec": {"app": b"#!/other\n", "other": (self.native, NOEXEC)},
            "shebang-interp-empty": {"app": b"#!/other\n", "other": b""},
            "shebang-interp-ldmissing": {"app": b"#!/other\n", "other": build.elf(interp="/no", code=EXIT_0)},
            "shebang-interp-symlink": {"app": b"#!/link\n", "link": "real", "real": self.native},
            "missing": {},
            "dir": {"app": None},
            "noexec": {"app": (self.native, NOEXEC)},
            "dangling-symlink": {"app": "no-such"},
            "symlink-loop": {"app": "app2", "app2": "app"},
            "symlink-ok": {"app": "/real", "real": self.native},
        }

    @property
    def native_pie(self):
        return self.build.elf(kind=3, code=EXIT_0)

    def loaded(self, loader):
        return {"app": self.build.elf(interp=LOADER, code=EXIT_0), LOADER[1:]: loader}

    def of(self, name):
        if name in self.plain:
            return {"app": self.plain[name]}
        if name in self.several:
            return self.several[name]
        if name.startswith("elf-foreign-"):
            return {"app": self.foreign_by(name)}
        if matched := re.fullmatch(r"elf-native-osabi(\d+)", name):
            return {"app": self.build.elf(code=EXIT_0, osabi=int(matched[1]))}
        if matched := re.fullmatch(r"elf-trunc-(\d+)", name):
            return {"app": self.native[: int(matched[1])]}
        if matched := re.fullmatch(r"shebang-chain-(\d+)", name):
            return self.nested(int(matched[1]))
        if matched := re.fullmatch(r"shebang-len-(\d+)-(nl|eof)", name):
            path = "/" * (int(matched[1]) - 2 - len("bin/sh")) + "bin/sh"
            return {"app": b"#!" + path.encode() + (b"\n" if matched[2] == "nl" else b"")}
        raise LookupError(name)

    def foreign_by(self, name):
        described = re.search(r"class=(\d+) endian=(LSB|MSB) e_machine=(\d+)", CASES[name]["description"])
        bits, order, machine = int(described[1]), {"LSB": "little", "MSB": "big"}[described[2]], int(described[3])
        return self.build.elf(bits=bits, order=order, machine=machine)

    def nested(self, files):
        made = {f"s{n}": f"#!/s{n + 1}\n".encode() for n in range(files - 1)}
        made["app"] = made.pop("s0", None) or self.native
        return {**made, f"s{files - 1}": self.native}


MORE = """elf-native-static elf-486 elf-core elf-none elf-phnum-0 elf-phentsize elf-phoff-beyond elf-interp-unterminated
elf-interp-toolong elf-interp-one-byte elf-interp-text elf-interp-empty elf-interp-dir elf-interp-ok elf-interp-relative
elf-trunc-1 elf-trunc-3 elf-trunc-4 elf-trunc-63 elf-trunc-64 elf-trunc-100 shebang-eof shebang-spaces shebang-crlf-arg
shebang-relative-found shebang-leading-blank shebang-bom shebang-none shebang-empty shebang-empty-eof shebang-nul
shebang-dir shebang-interp-noexec shebang-interp-empty shebang-interp-symlink shebang-chain-2 shebang-chain-7
shebang-chain-9 shebang-len-256-nl shebang-len-256-eof shebang-len-257-nl shebang-len-254-nl shebang-len-300-nl empty
one-byte zeros random noexec symlink-loop symlink-ok""".split()  # noqa: SIM905 - fifty ids read better as a paragraph


def system_files():
    """Real programs for /bin/sh and env, with what they load."""
    busybox = Path("/usr/bin/busybox")
    listed = subprocess.run(["ldd", str(busybox)], capture_output=True, text=True, check=False).stdout
    libraries = re.findall(r"(/\S+)", listed)
    content = busybox.read_bytes()
    files = {"usr/bin/busybox": content, "bin/sh": "/usr/bin/busybox", "usr/bin/env": "busybox"}
    return files | {library[1:]: Path(library).read_bytes() for library in libraries}


def all_files(case, build):
    made = {"bin/sh": build.elf(code=EXIT_0), "usr/bin/env": build.elf(code=EXIT_0), "bin/bash": build.elf(code=EXIT_0)}
    return made | Files(build).of(case)


def as_layer(files):
    entries = []
    for name, what in files.items():
        if what is None:
            entries.append((name, {"type": tarfile.DIRTYPE}))
        elif isinstance(what, str):
            entries.append((name, {"type": tarfile.SYMTYPE, "linkname": what}))
        elif isinstance(what, tuple):
            entries.append((name, {"content": what[0], "mode": what[1]}))
        else:
            entries.append((name, what))
    return entries


def write(root, files):
    for name, what in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if what is None:
            path.mkdir()
        elif isinstance(what, str):
            path.symlink_to(what)
        else:
            content, mode = what if isinstance(what, tuple) else (what, 0o755)
            path.write_bytes(content)
            path.chmod(mode)


def starts(program):
    """Whether the chain is whole and every binary of it runs on this machine."""
    binaries = [step.elf for step in program.chain if step.elf is not None]
    return program.problem is None and bool(binaries) and all(elf.needs in RUNS_HERE for elf in binaries)


@pytest.mark.parametrize("name", CASES)
async def test_the_verdict_on_a_measured_case_is_the_kernels(images, build, name):
    case = CASES[name]
    layer = images.layer(as_layer(all_files(name, build)))
    program = await inspect(build.offer(layer), None, images.open)
    if "env" in name:
        bare = {k: v for k, v in all_files(name, build).items() if k != "bin/bash"}
        program = await inspect(build.offer(images.layer(as_layer(bare))), None, images.open)
    assert starts(program) == (case["result"] == "executed" and case["exit"] == 0), program


EXPECTED = {
    "ENOENT": {
        Reason.ENTRYPOINT_MISSING, Reason.INTERPRETER_MISSING, Reason.LOADER_MISSING, Reason.CRLF_SHEBANG,
    },
    "EACCES": {
        Reason.ENTRYPOINT_DIRECTORY, Reason.ENTRYPOINT_NOT_EXECUTABLE, Reason.INTERPRETER_NOT_EXECUTABLE,
        Reason.LOADER_INVALID,
    },
    "ELOOP": {Reason.SYMLINK_LOOP, Reason.SHEBANG_TOO_DEEP},
    "ELIBBAD": {Reason.WRONG_LOADER, Reason.LOADER_INVALID},
    "EIO": {Reason.LOADER_INVALID},
    "ENOEXEC": {
        Reason.NO_SHEBANG, Reason.BOM_SHEBANG, Reason.SHEBANG_TOO_LONG, Reason.NOT_A_PROGRAM, Reason.ENTRYPOINT_EMPTY,
        Reason.ENTRYPOINT_TRUNCATED, Reason.LOADER_INVALID, None,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name]["result"] == "error"])
async def test_the_reason_fits_the_measured_errno(images, build, name):
    layer = images.layer(as_layer(all_files(name, build)))
    program = await inspect(build.offer(layer), None, images.open)
    reason = program.problem.reason if program.problem else None
    assert reason in EXPECTED[CASES[name]["errno"]]


def execute(root):
    """The errno's name of a real execve in a chroot, or the exit status."""

    def enter():
        os.chroot(root)
        os.chdir("/")

    environment = {"PATH": "/usr/bin:/bin"}
    try:
        done = subprocess.run(
            ["/app"],
            preexec_fn=enter,
            env=environment,
            capture_output=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        return os.strerror(error.errno)
    return done.returncode


NAMES = [*CASES, *MORE]


@pytest.mark.system
@pytest.mark.parametrize("name", NAMES)
async def test_the_verdict_is_what_this_kernel_does(images, build, tmp_path, name, require_root):
    if os.uname().machine != "x86_64":
        missing("these files are made for an x86-64 machine")
    files = system_files() | Files(build).of(name)
    write(tmp_path, files)
    really = execute(tmp_path)
    program = await inspect(build.offer(images.layer(as_layer(files)), path="/usr/bin:/bin"), None, images.open)
    assert starts(program) == (really == 0), (really, program)
