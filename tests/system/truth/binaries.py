"""Kinds of images by the file that argv names: programs for every machine, damaged ones, none at all."""

from __future__ import annotations

import gzip

from tests.real.elf import executable
from tests.real.images import File, Image, capability
from tests.system.truth.build import Kind, on_debian, plain
from tests.system.truth.programs import (
    EM_UNKNOWN,
    ET_CORE,
    ET_DYN,
    ET_REL,
    FOREIGN,
    LOADER,
    NATIVE,
    OSABI_FREEBSD,
    PIE,
    SAYS,
    WRAPPER,
    asking_for,
    with_header,
    without_nul,
)

LD = "/lib/ld-test.so.1"


def _app(body: bytes, mode: int = 0o755) -> Image:
    return plain({"app": File(body, mode=mode)})


def _loaded(loader: bytes | File) -> Image:
    return plain({"app": asking_for(LD), LD: loader})


KINDS = (
    Kind("static", lambda: _app(NATIVE), "native"),
    Kind("static-pie", lambda: _app(PIE), "native"),
    Kind("static-freebsd-osabi", lambda: _app(with_header(NATIVE, osabi=OSABI_FREEBSD)), "native"),
    Kind("dynamic", lambda: _loaded(LOADER), "native"),
    Kind("dynamic-pie", lambda: plain({"app": with_header(asking_for(LD), type=ET_DYN), LD: LOADER}), "native"),
    Kind("dynamic-debian", lambda: on_debian(argv=["/bin/sh"], cmd=["-c", f"echo {SAYS}"]), "native"),
    Kind("loader-missing", lambda: plain({"app": asking_for(LD)}), "loader_missing"),
    Kind("loader-foreign", lambda: _loaded(with_header(FOREIGN, type=ET_DYN)), "wrong_loader"),
    Kind("loader-text", lambda: _loaded(b"#!/bin/sh\n" + b"# a script is no loader\n" * 4), "loader_invalid"),
    Kind("loader-not-executable", lambda: _loaded(File(LOADER, mode=0o644)), "loader_invalid"),
    Kind("loader-short", lambda: _loaded(b"\x7fELF\x02\x01"), "loader_invalid"),
    Kind("loader-empty", lambda: _loaded(b""), "loader_invalid"),
    Kind("loader-directory", lambda: _loaded(File(folder=True)), "loader_invalid"),
    Kind("loader-symlink", lambda: plain({"app": asking_for(LD), LD: File(link="real.so"), "lib/real.so": LOADER}), "native"),
    Kind("loader-dangling", lambda: _loaded(File(link="/nowhere")), "loader_missing"),
    Kind("loader-in-merged-usr", lambda: plain({"lib": File(link="usr/lib"), "usr/lib/ld-test.so.1": LOADER, "app": asking_for(LD)}), "native"),
    Kind("loader-without-nul", lambda: plain({"app": without_nul(LD), LD: LOADER}), "loader_invalid"),
    Kind("loader-relative", lambda: plain({"app": asking_for("lib/ld-test.so.1"), LD: LOADER}), "native"),
    Kind("foreign-dynamic", lambda: plain({"app": asking_for(LD, "arm64"), LD: LOADER}), "wrong_binary"),
    Kind("binary-arm", lambda: _app(executable("arm", SAYS)), "wrong_binary"),
    Kind("binary-s390x", lambda: _app(executable("s390x", SAYS)), "wrong_binary"),
    Kind("binary-riscv64", lambda: _app(executable("riscv64", SAYS)), "wrong_binary"),
    Kind("binary-ppc64le", lambda: _app(executable("ppc64le", SAYS)), "wrong_binary"),
    Kind("binary-386", lambda: _app(executable("386", SAYS)), "mislabelled"),
    Kind("binary-x32", lambda: _app(executable("386", SAYS).replace(b"\3\0\1\0\0\0", b"\x3e\0\1\0\0\0", 1)), "binary_unknown"),
    Kind("binary-of-no-known-machine", lambda: _app(with_header(NATIVE, machine=EM_UNKNOWN)), "wrong_binary"),
    Kind("object-file", lambda: _app(with_header(NATIVE, type=ET_REL)), "not_a_program"),
    Kind("core-dump", lambda: _app(with_header(NATIVE, type=ET_CORE)), "not_a_program"),
    Kind("no-program-headers", lambda: _app(with_header(NATIVE, phnum=0)), "not_a_program"),
    Kind("odd-program-headers", lambda: _app(with_header(NATIVE, phentsize=57)), "not_a_program"),
    Kind("headers-beyond-the-end", lambda: _app(with_header(NATIVE, phoff=1 << 20)), "entrypoint_truncated"),
    Kind("cut-in-its-header", lambda: _app(NATIVE[:40]), "entrypoint_truncated"),
    Kind("cut-after-its-magic", lambda: _app(NATIVE[:4]), "entrypoint_truncated"),
    Kind("cut-in-its-code", lambda: _app(NATIVE[:140]), "binary_unknown"),
    Kind("empty", lambda: _app(b""), "entrypoint_empty"),
    Kind("zeros", lambda: _app(bytes(4096)), "not_a_program"),
    Kind("mach-o", lambda: _app(b"\xcf\xfa\xed\xfe" + bytes(400)), "not_a_program"),
    Kind("windows-program", lambda: _app(b"MZ\x90\0" + bytes(400)), "not_a_program"),
    Kind("wasm", lambda: _app(b"\0asm\1\0\0\0"), "not_a_program"),
    Kind("gzip", lambda: _app(gzip.compress(NATIVE, mtime=0)), "not_a_program"),
    Kind("jar", lambda: _app(b"PK\x03\x04" + bytes(400)), "not_a_program"),
    Kind("java-class", lambda: _app(b"\xca\xfe\xba\xbe" + bytes(400)), "not_a_program"),
    Kind("not-executable", lambda: _app(NATIVE, mode=0o644), "entrypoint_not_executable"),
    Kind("executable-by-others-only", lambda: _app(NATIVE, mode=0o001), "native"),
    Kind("executable-by-root-only-run-by-root", lambda: plain({"app": File(NATIVE, mode=0o700)}, process={"Entrypoint": ["/app"], "User": "0"}), "native"),
    Kind("directory", lambda: plain({"app": File(folder=True)}), "entrypoint_directory"),
    Kind("missing", lambda: plain({"other": NATIVE}), "entrypoint_missing"),
    Kind("capability-of-every-container", lambda: plain({"app": File(NATIVE, capability=capability(10))}), "native"),
    Kind("capability-of-no-container", lambda: plain({"app": File(NATIVE, capability=capability(14))}), "permission_denied"),
    Kind("capability-not-effective", lambda: plain({"app": File(NATIVE, capability=capability(14, effective=False))}), "native"),
    Kind("capability-beyond-the-last", lambda: plain({"app": File(NATIVE, capability=capability(62))}), "native"),
    Kind("capability-of-another-root", lambda: plain({"app": File(NATIVE, capability=capability(14, root=1000))}), "native"),
    Kind("capability-that-no-kernel-sets", lambda: plain({"app": NATIVE, "other": File(b"x", capability=b"\1\0")}), "layer_unreadable"),
    Kind("capability-lost-by-a-hard-link", lambda: plain({"first": File(NATIVE, capability=capability(14)), "app": File(hard="first")}), "native", podman="permission_denied"),
    Kind("capability-of-a-foreign-program", lambda: plain({"app": File(FOREIGN, capability=capability(14))}), "wrong_binary"),
    Kind("capability-behind-a-launcher", lambda: plain({"tini": WRAPPER, "app": File(NATIVE, capability=capability(14))}, argv=["/tini", "--", "/app"]), "permission_denied"),
    Kind("foreign-not-executable", lambda: _app(FOREIGN, mode=0o644), "entrypoint_not_executable"),
)  # fmt: skip
