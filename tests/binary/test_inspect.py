"""From an offer to the chain of files that its argv starts."""

import asyncio
import bz2
import gzip
import tarfile
from dataclasses import replace

import pytest
import zstandard

from scanner.binary.inspect import inspect
from scanner.binary.layers.limits import LayerLimits
from scanner.binary.program.shell.shell_programs import PREPARING
from scanner.domain.facts import Process
from scanner.domain.failure import Failure
from scanner.domain.image.offers import FileKind
from scanner.domain.image.reference import Digest
from scanner.domain.platform.platform import Platform
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

LOADER = "/lib64/ld-linux-x86-64.so.2"


def roles(program):
    return [(step.role, step.path) for step in program.chain]


def reason(program):
    return program.problem.reason if program.problem else None


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
async def test_a_static_binary_is_found_however_its_layer_is_packed(images, build, packing):
    layer = images.layer([("app", build.elf(machine=183))], packing)
    program = await inspect(build.offer(layer), None, images.open)
    assert program.problem is None
    assert [step.elf.needs for step in program.chain] == [Platform("linux", "arm64")]
    assert images.closed == len(images.opened) == 1


async def test_a_layers_packing_is_told_by_its_bytes_not_by_its_label(images, build):
    raw = build.pack["zstd"](build.tar([("app", build.elf())]))
    program = await inspect(build.offer(images.push(raw, build.media["plain"])), None, images.open)
    assert program.problem is None


async def test_a_gzip_layer_may_have_several_members(images, build):
    raw = build.tar([("app", build.elf())])
    packed = b"".join(build.pack["gzip"](raw[at : at + 700]) for at in range(0, len(raw), 700))
    assert (await inspect(build.offer(images.push(packed)), None, images.open)).problem is None


async def test_a_dynamic_binary_brings_its_loader_through_a_merged_usr(images, build):
    base = images.layer(
        [
            ("lib64", build.symlink("usr/lib64")),
            ("usr/lib64/ld-linux-x86-64.so.2", build.symlink("../lib/x86_64-linux-gnu/ld-2.36.so")),
            ("usr/lib/x86_64-linux-gnu/ld-2.36.so", build.elf(kind=3)),
        ]
    )
    top = images.layer([("app", build.elf(interp=LOADER))])
    program = await inspect(build.offer(base, top), None, images.open)
    assert program.problem is None
    assert roles(program) == [("entrypoint", "/app"), ("loader", "/usr/lib/x86_64-linux-gnu/ld-2.36.so")]
    assert program.problem is None
    assert program.chain[0].elf.libc == "glibc"


LOADER_CASES = [
    ({}, Reason.LOADER_MISSING),
    ({"lib64/ld-linux-x86-64.so.2": b"short"}, Reason.LOADER_INVALID),
    ({"lib64/ld-linux-x86-64.so.2": b"a text " * 100}, Reason.LOADER_INVALID),
    ({"lib64/ld-linux-x86-64.so.2": {"mode": 0o644, "content": b"x" * 100}}, Reason.LOADER_INVALID),
    ({"lib64/ld-linux-x86-64.so.2": {"type": tarfile.DIRTYPE}}, Reason.LOADER_INVALID),
    ({"lib64/ld-linux-x86-64.so.2": "foreign"}, Reason.WRONG_LOADER),
    ({"lib64/ld-linux-x86-64.so.2": "native"}, None),
]


@pytest.mark.parametrize(("files", "expected"), LOADER_CASES)
async def test_the_loader_must_be_one_for_the_same_machine(images, build, files, expected):
    made = {"foreign": build.elf(machine=183, kind=3), "native": build.elf(kind=3)}
    entries = [(name, made.get(what, what) if isinstance(what, str) else what) for name, what in files.items()]
    layer = images.layer([("app", build.elf(interp=LOADER)), *entries])
    program = await inspect(build.offer(layer), None, images.open)
    assert reason(program) == expected
    assert program.chain[0].elf.needs == Platform("linux", "amd64")


async def test_a_script_brings_its_interpreter_and_that_ones_loader(images, build):
    layer = images.layer(
        [
            ("app", b"#!/bin/sh\nexit\n"),
            ("bin/sh", build.symlink("dash")),
            ("bin/dash", build.elf(interp=LOADER)),
            ("lib64/ld-linux-x86-64.so.2", build.elf(kind=3)),
        ]
    )
    program = await inspect(build.offer(layer), None, images.open)
    assert roles(program) == [("entrypoint", "/app"), ("interpreter", "/bin/dash"), ("loader", LOADER)]
    assert program.chain[0].shebang == "/bin/sh"
    assert program.chain[0].kind is FileKind.SCRIPT


async def test_env_looks_its_program_up_in_path(images, build):
    layer = images.layer(
        [
            ("app", b"#!/usr/bin/env -S X=1 python3 -u\n"),
            ("usr/bin/env", build.elf()),
            ("opt/bin/python3", build.elf(machine=183)),
        ]
    )
    made = build.offer(layer, path="/usr/bin:/opt/bin")
    program = await inspect(made, None, images.open)
    assert roles(program) == [
        ("entrypoint", "/app"),
        ("interpreter", "/usr/bin/env"),
        ("interpreter", "/opt/bin/python3"),
    ]
    assert program.problem is None


SCRIPT_CASES = [
    (b"#!/bin/sh\r\necho\r\n", Reason.CRLF_SHEBANG),
    (b"#!/bin/sh -e\r\necho\r\n", Reason.CRLF_SHEBANG),
    (b"#!/usr/bin/env bash\r\n", Reason.CRLF_SHEBANG),
    (b"#!/usr/bin/env nothing\n", Reason.INTERPRETER_MISSING),
    (b"#!/no/such\n", Reason.INTERPRETER_MISSING),
    (b"#!sh\n", Reason.INTERPRETER_MISSING),
    (b"#!/etc/text\n", Reason.INTERPRETER_NOT_EXECUTABLE),
    (b"#!/etc\n", Reason.INTERPRETER_NOT_EXECUTABLE),
    (b"#!/app\n", Reason.SHEBANG_TOO_DEEP),
    (b"#!/empty\n", Reason.ENTRYPOINT_EMPTY),
    (b"\xef\xbb\xbf#!/bin/sh\n", Reason.BOM_SHEBANG),
    (b"\n#!/bin/sh\n", Reason.NO_SHEBANG),
    (b" #!/bin/sh\n", Reason.NO_SHEBANG),
    (b"echo hello\n", Reason.NO_SHEBANG),
    (b"#!   \n", Reason.NO_SHEBANG),
    (b"#!" + b"/x" * 300 + b"\n", Reason.SHEBANG_TOO_LONG),
    (b"", Reason.ENTRYPOINT_EMPTY),
    (b"\x7fEL", Reason.ENTRYPOINT_TRUNCATED),
    (b"MZ\x90\0", Reason.NOT_A_PROGRAM),
    (b"\0asm\1\0\0\0", Reason.NOT_A_PROGRAM),
]


@pytest.mark.parametrize(("content", "expected"), SCRIPT_CASES)
async def test_a_file_that_execve_refuses_is_broken_for_its_own_reason(images, build, content, expected):
    layer = images.layer(
        [
            ("app", content),
            ("bin/sh", build.elf()),
            ("bin/bash", build.elf()),
            ("usr/bin/env", build.elf()),
            ("etc/text", {"mode": 0o644, "content": b"x"}),
            ("empty", b""),
        ]
    )
    assert reason(await inspect(build.offer(layer), None, images.open)) == expected


ENTRY_CASES = [
    ([], Reason.ENTRYPOINT_MISSING),
    ([("app", {"type": tarfile.DIRTYPE})], Reason.ENTRYPOINT_DIRECTORY),
    ([("app", {"mode": 0o644, "content": b"x"})], Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ([("app", {"type": tarfile.FIFOTYPE})], Reason.ENTRYPOINT_NOT_EXECUTABLE),
    ([("app", {"type": tarfile.SYMTYPE, "linkname": "gone"})], Reason.ENTRYPOINT_MISSING),
    ([("app", {"type": tarfile.SYMTYPE, "linkname": "/app"})], Reason.SYMLINK_LOOP),
    ([("app", {"type": tarfile.LNKTYPE, "linkname": "app"})], Reason.LAYER_UNREADABLE),
]


@pytest.mark.parametrize(("entries", "expected"), ENTRY_CASES)
async def test_what_stands_at_the_entrypoint_decides(images, build, entries, expected):
    layer = images.layer([*entries, ("other", b"x")])
    assert reason(await inspect(build.offer(layer), None, images.open)) == expected


async def test_no_command_is_broken_while_an_unread_config_is_unknown(images, build):
    layer = images.layer([("app", build.elf())])
    assert reason(await inspect(build.offer(layer, entrypoint=None), None, images.open)) == Reason.NO_COMMAND
    unread = build.offer(layer)
    unread = type(unread)(unread.digest, layers=unread.layers)
    assert reason(await inspect(unread, None, images.open)) == Reason.BINARY_UNKNOWN
    assert images.opened == []


async def test_an_upper_file_hides_a_lower_one(images, build):
    low, top = (
        images.layer([("app", build.elf(machine=183, pad=20_000))], "plain"),
        images.layer([("app", build.elf())]),
    )
    program = await inspect(build.offer(low, top), None, images.open)
    assert program.chain[0].elf.needs.architecture == "amd64"
    assert len(images.opened) == 1


async def test_a_small_layer_is_held_to_what_it_should_be_though_no_answer_rests_on_it(images, build):
    low, top = images.layer([("other", b"x")]), images.layer([("app", build.elf())])
    made = replace(build.offer(low, top), diff_ids=(Digest("sha256:" + "0" * 64), None))
    program = await inspect(made, None, images.open)
    assert (program.problem, conditions(program)) == (None, {Condition.DIFF_ID_WRONG})


HIDING = [
    [(".wh.app", b"")],
    [("./.wh.app", b"")],
]


@pytest.mark.parametrize("entries", HIDING)
async def test_a_whiteout_deletes_the_file_below(images, build, entries):
    low, top = images.layer([("app", build.elf())]), images.layer(entries)
    assert reason(await inspect(build.offer(low, top), None, images.open)) == Reason.ENTRYPOINT_MISSING


DEEP_HIDING = [
    [("srv/.wh.bin", b"")],
    [(".wh.srv", b"")],
    [("srv/bin/.wh.app", b"")],
    [("srv/bin/.wh..wh..opq", b"")],
    [("srv/bin/other", b""), ("srv/.wh..wh..opq", b"")],
    [("srv", b"a file now")],
    [("srv/bin", {"type": tarfile.SYMTYPE, "linkname": "/nowhere"})],
]


@pytest.mark.parametrize("entries", DEEP_HIDING)
async def test_whatever_replaces_a_parent_deletes_what_was_below_it(images, build, entries):
    low, top = images.layer([("srv/bin/app", build.elf())]), images.layer(entries)
    made = build.offer(low, top, entrypoint=("/srv/bin/app",))
    assert reason(await inspect(made, None, images.open)) == Reason.ENTRYPOINT_MISSING


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_whiteout_never_deletes_a_file_of_its_own_layer(images, build, place):
    entries = [("srv/.wh.app", b""), ("srv/app", build.elf())]
    entries.insert(place, ("srv/.wh..wh..opq", b""))
    low, top = images.layer([("srv/app", build.elf(machine=183))]), images.layer(entries)
    program = await inspect(build.offer(low, top, entrypoint=("/srv/app",)), None, images.open)
    assert program.chain[0].elf.needs.architecture == "amd64"


async def test_the_last_of_repeated_entries_counts_but_proves_nothing_for_some_engines_refuse_the_layer(images, build):
    layer = images.layer([("app", build.elf(machine=183)), ("./app", build.elf())])
    program = await inspect(build.offer(layer), None, images.open)
    assert program.chain[0].elf.needs.architecture == "amd64"
    assert (program.problem, conditions(program)) == (None, {Condition.NAMED_TWICE})


async def test_a_whiteout_twice_in_a_layer_is_apart_from_a_file_twice_for_other_engines_refuse_it(images, build):
    below, above = images.layer([("x", b"x"), ("app", build.elf())]), images.layer([(".wh.x", b""), (".wh.x", b"")])
    program = await inspect(build.offer(below, above), None, images.open)
    assert (program.problem, conditions(program)) == (None, {Condition.WHITEOUT_TWICE})


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([(".wh.d", b""), ("d/y", b"")], {Condition.BELOW_WHITEOUT}),
        ([(".wh.d", b""), ("d/e/y", b"")], {Condition.BELOW_WHITEOUT}),
        ([(".wh.d", b""), ("d", "directory"), ("d/y", b"")], set()),
        ([(".wh.d", b""), ("d", b"")], set()),
        ([(".wh.d", b""), ("other/y", b"")], set()),
        ([("d/.wh..wh..opq", b""), ("d/y", b"")], set()),
    ],
)
async def test_an_entry_below_a_whiteout_of_its_layer_needs_its_directory_between_them(
    images, build, entries, expected
):
    above = images.layer([(name, build.directory if body == "directory" else body) for name, body in entries])
    program = await inspect(build.offer(images.layer([("d/x", b"x"), ("app", build.elf())]), above), None, images.open)
    assert (program.problem, conditions(program)) == (None, expected)


async def test_a_directory_that_became_a_file_and_a_directory_again_starts_empty(images, build):
    layer = images.layer([("srv/app", build.elf()), ("srv", b"file"), ("srv", build.directory)])
    made = build.offer(layer, entrypoint=("/srv/app",))
    assert reason(await inspect(made, None, images.open)) == Reason.ENTRYPOINT_MISSING


async def test_an_entry_below_a_symlink_of_its_layer_lands_where_that_points(images, build):
    layer = images.layer([("usr/bin", build.directory), ("bin", build.symlink("usr/bin")), ("bin/app", build.elf())])
    program = await inspect(build.offer(layer, entrypoint=("/usr/bin/app",)), None, images.open)
    assert program.problem is None


@pytest.mark.parametrize("target", ["bin/busybox", "/bin/busybox", "x/../bin/busybox", "sbin/busybox", "bin/sh"])
async def test_a_hard_link_is_what_it_names_in_its_layer(images, build, target):
    real = [("bin/busybox", build.elf()), ("sbin", build.symlink("/bin")), ("bin/sh", build.symlink("busybox"))]
    link = ("bin/app", build.hardlink(target))
    program = await inspect(build.offer(images.layer([*real, link]), entrypoint=("/bin/app",)), None, images.open)
    assert program.problem is None
    assert program.chain[0].elf is not None


def conditions(program):
    """What engines may object to."""
    return {each.condition for each in program.objections}


OUTSIDE = {
    "a hard link to a lower layer": [("x", {"type": tarfile.LNKTYPE, "linkname": "lower"})],
    "a hard link to nothing": [("x", {"type": tarfile.LNKTYPE, "linkname": "nowhere"})],
    "a hard link before its target": [("x", {"type": tarfile.LNKTYPE, "linkname": "y"}), ("y", b"")],
}
ABOVE = {
    "a hard link above the root": [("y", b""), ("x", {"type": tarfile.LNKTYPE, "linkname": "../y"})],
    "a name above the root": [("../x", b"")],
    "a name above the root in between": [("x/../../y", b"")],
}
REFUSED = {
    "a hard link to a directory": [("d", {"type": tarfile.DIRTYPE}), ("x", {"type": tarfile.LNKTYPE, "linkname": "d"})],
    "a whiteout behind its file": [("x", b""), (".wh.x", b"")],
    "a whiteout behind its directory": [("x/y", b""), (".wh.x", b"")],
    "a whiteout of nothing": [("x/.wh.", b"")],
    "a whiteout of the parent": [("x/.wh...", b"")],
    "a contiguous file": [("x", {"type": b"7"})],
    "a volume header": [("x", {"type": b"V"})],
    "an unknown type": [("x", {"type": b"Z"})],
}
DIFFER = {
    "a whiteout of its directory": ([("x/.wh..", b"")], {Condition.WHITEOUT_OF_ITSELF}),
    **{name: (entries, {Condition.HARD_LINK_OUTSIDE}) for name, entries in OUTSIDE.items()},
    **{name: (entries, {Condition.LAYER_DAMAGED}) for name, entries in REFUSED.items()},
}


@pytest.mark.parametrize(("entries", "expected"), DIFFER.values(), ids=DIFFER)
async def test_a_layer_that_an_engine_refuses_is_unreadable_whatever_else_it_holds(images, build, entries, expected):
    low, top = images.layer([("lower", b"")]), images.layer([("app", build.elf()), *entries])
    program = await inspect(build.offer(low, top), None, images.open)
    assert (reason(program), conditions(program)) == (Reason.LAYER_UNREADABLE, expected)


@pytest.mark.parametrize("entries", ABOVE.values(), ids=ABOVE)
async def test_a_name_above_the_root_stands_in_the_root_where_it_is_taken(images, build, entries):
    low, top = images.layer([("lower", b"")]), images.layer([("app", build.elf()), *entries])
    program = await inspect(build.offer(low, top), None, images.open)
    assert (program.problem, conditions(program)) == (None, {Condition.NAME_ABOVE_ROOT})


async def test_what_is_below_a_link_out_of_its_layer_proves_nothing(images, build):
    out = [("l", {"type": tarfile.SYMTYPE, "linkname": "/out"}), ("l/x", b"")]
    program = await inspect(build.offer(images.layer([("app", build.elf()), *out])), None, images.open)
    assert (reason(program), program.objections) == (Reason.LAYER_UNKNOWN, ())


PACKED = {
    "no bytes": (lambda _: b"", "application/vnd.oci.image.layer.v1.tar", {Condition.LAYER_EMPTY}),
    "gzip as plain": (
        lambda tar: gzip.compress(tar, mtime=0),
        "application/vnd.oci.image.layer.v1.tar",
        {Condition.PACKED_THOUGH_PLAIN},
    ),
    "gzip as Docker's plain": (
        lambda tar: gzip.compress(tar, mtime=0), "application/vnd.docker.image.rootfs.diff.tar", set(),
    ),
    "zstd as gzip": (
        lambda tar: zstandard.ZstdCompressor().compress(tar),
        "application/vnd.oci.image.layer.v1.tar+gzip",
        {Condition.ZSTD},
    ),
    "zstd behind a frame to skip": (
        lambda tar: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.ZstdCompressor().compress(tar),
        "application/vnd.oci.image.layer.v1.tar+zstd",
        {Condition.ZSTD, Condition.ZSTD_SKIPPABLE_FIRST},
    ),
    "bzip2": (bz2.compress, "application/vnd.oci.image.layer.v1.tar+gzip", {Condition.PACKED_OTHERWISE}),
}  # fmt: skip


@pytest.mark.parametrize(("pack", "media_type", "expected"), PACKED.values(), ids=PACKED)
async def test_how_a_layer_is_packed_is_what_its_bytes_say(images, build, pack, media_type, expected):
    low = images.layer([("app", build.elf())])
    top = replace(images.push(pack(build.tar([("x", b"x")]))), media_type=media_type)
    assert conditions(await inspect(build.offer(low, top), None, images.open)) == expected


async def test_an_opaque_root_proves_nothing_of_what_is_below(images, build):
    low, top = images.layer([("app", build.elf())]), images.layer([(".wh..wh..opq", b""), ("own", build.elf())])
    assert reason(await inspect(build.offer(low, top), None, images.open)) == Reason.LAYER_UNKNOWN
    assert reason(await inspect(build.offer(low, top, entrypoint=("/own",)), None, images.open)) is None
    alone = build.offer(top, entrypoint=("/x",))
    assert reason(await inspect(alone, None, images.open)) == Reason.ENTRYPOINT_MISSING


async def test_a_file_stays_one_though_its_name_ends_in_a_slash(images, build):
    assert reason(await inspect(build.offer(images.layer([("app/", build.elf())])), None, images.open)) is None


@pytest.mark.parametrize("name", ["./app", "/app", ".//app", "x/../app"])
async def test_names_may_be_spelt_in_any_way(images, build, name):
    layer = images.layer([(name, build.elf())])
    assert (await inspect(build.offer(layer), None, images.open)).problem is None


@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
async def test_long_names_are_read_from_pax_and_gnu_headers(images, build, tar_format):
    name = "/".join(["d" * 60] * 6) + "/app-ü"
    raw = build.tar([(name, build.elf()), ("app", build.symlink("/" + name))], tar_format)
    assert (await inspect(build.offer(images.push(raw)), None, images.open)).problem is None


async def test_argv_without_slash_is_searched_in_path_order(images, build):
    low = images.layer([("usr/local/bin/tool", build.elf(machine=183)), ("usr/bin/tool", build.elf())])
    program = await inspect(build.offer(low, entrypoint=("tool",)), None, images.open)
    assert program.chain[0].path == "/usr/local/bin/tool"
    override = Process(entrypoint=("tool",), path="/usr/bin")
    program = await inspect(build.offer(low), override, images.open)
    assert program.chain[0].path == "/usr/bin/tool"


async def test_a_relative_entrypoint_starts_at_the_working_directory(images, build):
    layer = images.layer([("srv/run", build.elf())])
    made = build.offer(layer, entrypoint=("./run",), working_dir="/srv")
    assert (await inspect(made, None, images.open)).problem is None


@pytest.mark.parametrize(
    ("entrypoint", "working_dir", "path", "reason"),
    [
        ("../run", "/made/by/the/engine/../..", "/bin", Reason.ENTRYPOINT_MISSING),
        ("../run", "/made", "/bin", None),  # engines make the directory before they start anything
        ("../../run", "/srv/made", "/bin", None),
        ("./run", "relative", "/bin", Reason.ENTRYPOINT_MISSING),  # "Cwd must be an absolute path"
        ("tool", "/srv", ":/bin", Reason.BINARY_UNKNOWN),  # "cannot run executable found relative to current directory"
        ("tool", "/", "srv:/bin", Reason.BINARY_UNKNOWN),
        ("run", "/srv", ":/bin", Reason.ENTRYPOINT_MISSING),
        ("tool", "/", "/srv:srv", None),
    ],
)
async def test_a_working_directory_counts_as_engines_take_it(images, build, entrypoint, working_dir, path, reason):
    layer = images.layer([("run", build.elf()), ("srv/tool", build.elf())])
    made = build.offer(layer, entrypoint=(entrypoint,), working_dir=working_dir, path=path)
    problem = (await inspect(made, None, images.open)).problem
    assert (problem and problem.reason) == reason


@pytest.mark.parametrize(
    ("entrypoint", "cmd"),
    [
        (["/sbin/tini", "-g", "--", "/real"], ()),
        (["dumb-init", "--rewrite", "15:2", "/real"], ()),
        (["/sbin/env", "-u", "X", "A=1", "/real"], ()),
        (["/sbin/gosu", "1000:1000"], ("/real",)),
        (["/bin/sh", "-c", "exec /real --port 80"], ()),
        (["/bin/sh", "-ec", "cd /tmp && ../real"], ()),
        (["/entry.sh"], ("/real",)),
        (["/sbin/tini", "--", "/entry.sh", "/real"], ()),
    ],
)
async def test_what_a_wrapper_surely_execs_is_followed_too(images, build, entrypoint, cmd):
    layer = images.layer([
        ("sbin/tini", build.elf()), ("sbin/dumb-init", build.elf()), ("sbin/env", build.elf()),
        ("sbin/gosu", build.elf()), ("bin/sh", build.elf()), ("tmp", build.directory),
        ("entry.sh", b'#!/bin/sh\nset -e\n# last line\nexec /sbin/gosu app "$@"\n'),
        ("real", build.elf(machine=183)), ("etc/passwd", {"mode": 0o644, "content": b"app:x:1000:1000::/:/bin/sh\n"}),
    ])  # fmt: skip
    program = await inspect(build.offer(layer, entrypoint=entrypoint, cmd=cmd), None, images.open)
    assert program.problem is None
    assert ("wrapped", "/real") in roles(program)


@pytest.mark.parametrize(
    ("entrypoint", "why"),
    [
        (["/bin/sh", "-c", "eval $(date)"], "eval"),
    ],
)
async def test_what_only_the_run_decides_is_said_to_be_decided_there(images, build, entrypoint, why):
    layer = images.layer([
        ("sbin/tini", build.elf()), ("bin/sh", build.elf()), ("real", build.elf(machine=183)), ("native", build.elf()),
        ("sbin/env", build.elf()),
    ])  # fmt: skip
    program = await inspect(build.offer(layer, entrypoint=entrypoint), None, images.open)
    assert program.problem is None
    assert "/real" not in [step.path for step in program.chain]
    assert why in program.at_run_time


@pytest.mark.parametrize(
    ("entrypoint", "why"),
    [
        (["/bin/sh", "-c", "$SERVER --port 80"], "its first word is empty"),
        (["/bin/sh", "-c", "echo 'unclosed"], "syntax"),
        (["/bin/sh", "-c", "set -e; false; exec /native"], "status 1"),
        (["/bin/sh", "-c", "exec /native ${PORT:?}"], "PORT is not set"),
        (["/bin/sh", "-eo", "pipefail", "-c", "exec /native"], "-eo pipefail"),
        (["/sbin/env", "-S$SERVER"], "usage error"),
        (["/sbin/tini", "-x"], "usage error"),
    ],
)
async def test_what_may_well_start_nothing_is_unknown_whatever_else_the_image_holds(images, build, entrypoint, why):
    layer = images.layer([
        ("sbin/tini", build.elf()), ("bin/sh", build.elf()), ("native", build.elf()), ("sbin/env", build.elf()),
    ])  # fmt: skip
    program = await inspect(build.offer(layer, entrypoint=entrypoint), None, images.open)
    assert (reason(program), program.at_run_time) == (Reason.BINARY_UNKNOWN, "")
    assert why in program.problem.detail


async def test_each_way_of_a_script_is_a_branch_behind_what_they_share(images, build):
    layer = images.layer([
        ("sbin/tini", build.elf()), ("bin/sh", build.elf()), ("real", build.elf(machine=183)), ("native", build.elf()),
    ])  # fmt: skip
    text = "if test -e /proc/x; then exec /real; elif test -e /proc/y; then exec /native; else exec /none; fi"
    made = build.offer(layer, entrypoint=["/sbin/tini", "--", "/bin/sh", "-c", text])
    program = await inspect(made, None, images.open)
    assert [step.path for step in program.chain] == ["/sbin/tini", "/bin/sh"]
    assert [[step.path for step in way.chain] for way in program.branches] == [["/real"], ["/native"], []]
    assert [problem.reason for problem in program.problems] == [Reason.ENTRYPOINT_MISSING]
    assert [step.path for step in program.files] == ["/sbin/tini", "/bin/sh", "/real", "/native"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sed -i s/a/b/ /run.sh; exec sh /run.sh", "/run.sh is written"),
        ("tar -xf /x.tar -C /; exec /real", "written"),
        ("curl -o $(hostname) x; exec /real", "written"),
        ("curl -o $(hostname)/real x; exec /real", "written"),
        ("echo x > /lnk/real; exec /real", "written"),
        ("update --into=/opt; exec /opt/app", "written"),
        ("cp -u /native /lnk/real || true; exec /real", "written"),
        ("cp /native /real & exec /real", "written"),
        ("X=$(test -e /proc/x && cp /native /real; echo 1); exec /real", "written"),
        ("cp /native /to-real; exec /real", "written"),
        ("echo x > /to-real; exec /real", "written"),
        ("curl -o /tools/$(hostname) x; exec tool", "written"),
        ("cp /unmarked /real; exec /real", "written"),
        ("cp -rT /opt /srv; exec /srv/x", "written"),
        ("curl -o /native x; exec sh -c 'cp /native /real; exec /real'", "written"),
    ],
)
async def test_what_a_script_may_have_changed_before_is_decided_at_run_time(images, build, text, why):
    program = await inspect(_changing(images, build, text), None, images.open)
    assert program.problem is None
    assert why in program.at_run_time


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("cp /native /real; exec tini -- /real", "/real"),
        ("cp /native /real && exec /real", "/real"),
        ("mv /native /srv/a; exec /srv/a", "/srv/a"),
        ("mv /srv /opt/srv; exec /opt/srv/native", "/opt/srv/native"),
        ("cp /native /tools/tool; exec tool", "/usr/bin/tool"),
        ("PATH=/tools; cp /native /tools/new; exec new", "/usr/bin/new"),
        ("install /pale /sbin/new; exec new", "/sbin/new"),
        ("cp /pale /sbin/new; chmod +x /sbin/new; exec new", "/sbin/new"),
        ("chmod +x /to-pale; exec /to-pale", "/pale"),
        ("chmod +x /lnk/pale; exec /pale", "/pale"),
        ("ln -sf /native /usr/bin/../../real; exec /real", "/native"),
        ("cp /native /sbin/tool; exec tool", "/sbin/tool"),
        ("X=$(cp /native /real; echo 1); exec /real", "/real"),
        ("exec sh -c 'cp /native /real; exec sh -c \"exec /real\"'", "/real"),
        ("mkdir -p /d/x && cp /native /d/x/ && chmod 755 /d/x/native; exec /d/x/native", "/d/x/native"),
        ("mkdir -p /d; cp -r /srv/. /d; exec /d/native", "/d/native"),
        ("cp /native /unmarked /sbin; exec native", "/sbin/native"),
        ("T=$(mktemp -d); cp /native $T/a; exec $T/a", "/tmp/tmp.XXXXXXXXXX/a"),
        ("T=$(mktemp); echo 'exec /native' >$T; exec sh $T", "/native"),
        ("T=$(mktemp); sed 's,@B@,/native,' /run.tmpl >$T; exec sh $T", "/native"),
        ("sed 's,@B@,/native,' /run.tmpl >/made.sh; chmod +x /made.sh; exec /made.sh", "/native"),
    ],
)
async def test_what_a_script_surely_puts_in_place_is_what_it_starts(images, build, text, path):
    program = await inspect(_changing(images, build, text), None, images.open)
    assert (program.problem, program.at_run_time) == (None, "")
    assert (program.chain[-1].path, program.chain[-1].elf.needs) == (path, Platform("linux", "amd64"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mv /native /srv/a; exec /native", Reason.ENTRYPOINT_MISSING),
        ("exec $HOME/nowhere", Reason.ENTRYPOINT_MISSING),
        ("cp -r /srv/. /usr/bin/; exec java", Reason.ENTRYPOINT_MISSING),
        ("mv /srv /opt/srv; exec /srv/native", Reason.ENTRYPOINT_MISSING),
        ("cp /pale /sbin/new; chmod +x /sbin/new; exec /pale", Reason.ENTRYPOINT_NOT_EXECUTABLE),
        ("install /pale /sbin/new; exec /pale", Reason.ENTRYPOINT_NOT_EXECUTABLE),
        ("cp /native /pale; exec /pale", Reason.BINARY_UNKNOWN),
        ("cp -a /srv/led /opt/led; exec /opt/led", Reason.BINARY_UNKNOWN),
        ("mv /srv/led /opt/led; exec /opt/led", Reason.BINARY_UNKNOWN),
        ("mv -T /srv /opt; exec /opt/native", Reason.BINARY_UNKNOWN),
        ("cp /native /srv/sub; exec /srv/sub", Reason.ENTRYPOINT_DIRECTORY),
        ("install -D /native /new/dir/a; exec /new/dir/a", Reason.BINARY_UNKNOWN),
        ("chmod 600 /tools/tool; exec tool", Reason.BINARY_UNKNOWN),
        ("PATH=/tools; chmod 600 /usr/bin/tool; exec tool", Reason.BINARY_UNKNOWN),
    ],
)
async def test_what_a_script_puts_in_place_is_no_more_than_its_tools_do(images, build, text, why):
    program = await inspect(_changing(images, build, text), None, images.open)
    assert (reason(program), program.at_run_time) == (why, "")


async def test_who_is_not_root_may_put_nothing_in_place_for_sure(images, build):
    text = "cp /native /lnk/sbin/new; exec /sbin/new"
    program = await inspect(_changing(images, build, text, user="1000"), None, images.open)
    assert reason(program) is Reason.BINARY_UNKNOWN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fetch-everything; exec /opt/none", "may make it"),
        ("X=$(fetch-everything); exec /opt/none", "may make it"),
        ("tar -xf /x.tar -C /usr/bin; exec java", "may make it"),
        ("tar -xf /x.tar -C /opt; exec sh /opt/none.sh", "may be made"),
        ("chmod 600 /real; exec /real", "takes away the right"),
        ('exec "$(hostname)/nowhere"', "nothing in the image is called nowhere"),
        ('mkdir -p "$(hostname)"; cd "$(hostname)"; ./nowhere', "nothing in the image is called nowhere"),
        ('cp /none "$(hostname)/x"; exec "$(hostname)/x"', "cp surely fails for /none"),
        ("D=/srv/$(date +%Y); mkdir -p $D; cp /none $D/x; cd $D; exec ./x", "cp surely fails for /none"),
        ("D=$(date +%Y)\nexec /opt/$D/nowhere", "nothing in the image is called nowhere"),
        ("D=$(date +%Y)\nexec /opt/$D/tool", "nothing in /opt has tool"),
        ("exec none-$(date +%Y)", "nothing in PATH is called none-…"),
        ("D=$(date +%Y)\ncd /nodir/$D && ./tool", "/nodir is not in the image"),
        ("PATH=/opt/$(date +%Y):$PATH\nexec nowhere", "nothing in the image is called nowhere"),
        ("D=$(date +%Y)\nset -- /opt/$D/nowhere x\nexec $@", "nothing in the image is called nowhere"),
        ('run() { exec "$@"; }\nrun /opt/$(date +%Y)/nowhere', "nothing in the image is called nowhere"),
        (". /opt/$(date +%Y)/nowhere", "nothing in the image is called nowhere"),
        ("exec sh /opt/$(date +%Y)/nowhere", "nothing in the image is called nowhere"),
        ('exec sh -c "exec /opt/$(date +%Y)/nowhere -x"', "nothing in the image is called nowhere"),
        ("exec tini -- /opt/$(date +%Y)/nowhere", "nothing in the image is called nowhere"),
    ],
)
async def test_what_is_not_there_stays_unknown_whatever_files_are(images, build, text, why):
    program = await inspect(_changing(images, build, text), None, images.open)
    assert (reason(program), program.at_run_time) == (Reason.BINARY_UNKNOWN, "")
    assert why in program.problem.detail


@pytest.mark.parametrize(
    "text",
    [
        "curl -o '/srv'/\"$(hostname)\"/conf x; exec /real",
        'curl -o "$(hostname)/conf" x; exec /real',
        "chmod +x /real; exec /real",
        "mkdir -p $(hostname) /opt; touch /real; exec /real",
        "rm -rf $(hostname); exec /real",
        "T=$(mktemp); echo x > $T; exec /real",
        "migrate --dir /opt/x up; exec /real",
        "cp /native /opt; exec /opt/app",
        "find /srv -exec cp {} /tmp ';'; exec /real",
        "chown -R me /opt; exec /opt/app",
        "cp /native /usr/bin/tool2; exec tool",
        "cp -r /srv/. /tools; exec tool",
        "echo x > /sbin/other; exec tool",
        "tar -cf /x.tar /opt; exec /opt/app",
        'export "$(hostname)"=x; exec /real',
        '[ -x "/nodir/$(hostname)/a" ] && exec "/nodir/$(hostname)/a"; exec /real',
        "mkdir -p /made; cp /real /made/go; for f in /made/*; do exec $f; done",
        'mkdir -p /made; cd /made; echo "exec /real" >go; for f in ./*; do . $f; done',
    ],
)
async def test_what_a_script_cannot_have_changed_stays_the_images(images, build, text):
    program = await inspect(_changing(images, build, text), None, images.open)
    assert (program.problem, program.at_run_time) == (None, "")
    assert program.chain[-1].elf.needs == Platform("linux", "arm64")


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ('D="/opt /b-$(hostname)"; mkdir -p $D; [ -d /b ] && exec /real; exec /native', 2),
        ('cd /srv; [ -f "x$(hostname)" ] && exec /real; exec /native', 2),
        ('[ -f "$(hostname)/status" ] && exec /real; exec /native', 2),
        ('[ -f "/proc/$(hostname)/status" ] && exec /real; exec /native', 2),
        ('cd "$(hostname)"; [ -f conf ] && exec /real; exec /native', 2),
        ('CMD="/real --host=$(hostname)"; exec $CMD', 0),
        ('exec sh -c "/opt/$(hostname)/nowhere || exec /real"', 0),
    ],
)
async def test_what_only_the_run_can_tell_is_no_reason_against_a_way(images, build, text, ways):
    program = await inspect(_changing(images, build, text), None, images.open)
    assert (program.problem, len(program.branches), bool(program.at_run_time)) == (None, ways, not ways)


def _changing(images, build, text, user=""):
    foreign = build.elf(machine=183)
    layer = images.layer([
        ("bin/sh", build.elf()), ("sbin/tini", build.elf()), ("native", build.elf()), ("real", foreign), ("opt/app", foreign),
        ("usr/bin/tool", foreign), ("lnk", build.symlink(".")), ("run.sh", b"exec /real\n"), ("tmp", build.directory),
        ("run.tmpl", {"mode": 0o644, "content": b"#!/bin/sh\nexec @B@\n"}),
        ("unmarked", {"mode": 0o644, "content": foreign}), ("srv/x", b"x"), ("x.tar", b"x"),
        ("pale", {"mode": 0o644, "content": build.elf()}), ("to-pale", build.symlink("pale")), ("to-real", build.symlink("/real")),
        ("tools", build.symlink("usr/bin")), ("srv/native", build.elf()), ("srv/led", build.symlink("native")), ("srv/sub/y", b"y"),
        *((f"usr/bin/{name}", build.elf()) for name in sorted(PREPARING | {"update", "fetch-everything"})),
    ])  # fmt: skip
    return build.offer(layer, entrypoint=("/bin/sh", "-c", text), path="/sbin:/usr/bin:/bin", user=user)


@pytest.mark.parametrize(
    ("entrypoint", "expected"),
    [
        (["/sbin/tini", "--", "/not/there"], Reason.ENTRYPOINT_MISSING),
        (["/sbin/tini", "--", "/data"], Reason.ENTRYPOINT_NOT_EXECUTABLE),
        (["/sbin/tini", "--", "/tmp"], Reason.ENTRYPOINT_DIRECTORY),
        (["/sbin/tini", "--", "/unloaded"], Reason.LOADER_MISSING),
        (["/sbin/tini", "--", "/uninterpreted"], Reason.INTERPRETER_MISSING),
        (["/sbin/tini", "--", "not-in-path"], Reason.ENTRYPOINT_MISSING),
        (["/sbin/tini", "--", "nvidia-smi"], Reason.BINARY_UNKNOWN),
        (["/usr/bin/nvidia-smi", "-L"], Reason.BINARY_UNKNOWN),
        (["nvidia-smi"], Reason.BINARY_UNKNOWN),
        (["/bin/sh", "-c", "exec /not/there"], Reason.ENTRYPOINT_MISSING),
        (["/bin/sh", "-c", "cd /tmp && ./nothing"], Reason.ENTRYPOINT_MISSING),
        (["/bin/sh", "/not/there.sh"], Reason.ENTRYPOINT_MISSING),
        (["/start.sh", "/not/there"], Reason.ENTRYPOINT_MISSING),
        (["/start.sh", "/unloaded"], Reason.LOADER_MISSING),
        (["/sbin/tini", "--", "/on/volume/app"], Reason.BINARY_UNKNOWN),
        (["/bin/sh", "-c", "exec /on/volume/app"], Reason.BINARY_UNKNOWN),
        (["/sbin/tini", "--", "/text"], None),  # execvp hands it to /bin/sh
        (["/start.sh", "/text"], None),
    ],
)
async def test_behind_a_launcher_the_same_failures_count_as_in_front(images, build, entrypoint, expected):
    layer = images.layer([
        ("sbin/tini", build.elf()), ("bin/sh", build.elf()), ("tmp", build.directory), ("text", b"echo\n"),
        ("data", {"mode": 0o644, "content": b"x"}), ("unloaded", build.elf(interp="/lib/ld")),
        ("uninterpreted", b"#!/no/such\n"), ("start.sh", b'#!/bin/sh\nexec "$@"\n'), ("on/volume/x", b"x"),
    ])  # fmt: skip
    made = build.offer(layer, entrypoint=entrypoint, volumes=("/on/volume",), path="/bin:/sbin")
    program = await inspect(made, None, images.open)
    assert (reason(program), program.at_run_time) == (expected, "")


FOLLOWED = [
    'exec /opt/app/bin/server "$@"',
    "cd /opt/app/bin\nexec ./server",
    "cd /opt/app && exec bin/server",
    "exec /opt/app/bin/server 2>&1",
    "[ -x /opt/app/bin/server ] && exec /opt/app/bin/server",
    "if [ -f /opt/app/bin/server ]; then exec /opt/app/bin/server; fi; exec /native",
    'if [ "${1#-}" != "$1" ]; then\n  set -- server "$@"\nfi\nexec "$@"',
    "export PATH=/opt/app/bin:$PATH && exec server",
    "PATH=/opt/app/bin:$PATH; server",
    "# s6-overlay is not used here\nexec /opt/app/bin/server",
    "sed -i 's/\\r$//' /etc/conf\nexec /opt/app/bin/server",
    "cp /etc/conf.dist /etc/conf\nexec /opt/app/bin/server",
    "case $1 in never) exec /native;; esac\nexec /opt/app/bin/server",
    "echo x # no; exec /native\n/opt/app/bin/server",
    "echo x # no; /opt/app/bin/server\nexec /opt/app/bin/server",
    "start() { exec /opt/app/bin/server; }\nstart",
    ". /etc/functions\nlaunch",
    "eval 'exec /opt/app/bin/server'",
    "/opt/app/bin/server &\nwait",
    "exec tini -- /opt/app/bin/server",
    "exec env A=1 /opt/app/bin/server",
    "exec sh -c 'exec /opt/app/bin/server'",
    "exec /inner.sh /opt/app/bin/server",
    "trap 'echo bye' TERM\nexec /opt/app/bin/server",
    "while true; do /opt/app/bin/server; sleep 1; done",
    "if curl -f x; then A=1; fi\nexec /opt/app/bin/server $A",
    "for f in /init.d/*.sh; do . $f; done\nexec $SERVER",
]


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
@pytest.mark.parametrize("text", FOLLOWED)
async def test_a_script_is_followed_to_the_foreign_server_behind_it(images, build, text, shell):
    layer = images.layer([
        ("start.sh", f"#!/bin/sh\n{text}\n".encode()), ("bin/sh", build.symlink(shell)), (f"bin/{shell}", build.elf()),
        ("bin/tini", build.elf()), ("bin/env", build.elf()), ("native", build.elf()), ("bin/sed", build.elf()),
        ("opt/app/bin/server", build.elf(machine=183)), ("inner.sh", b'#!/bin/sh\nexec "$@"\n'),
        ("etc/functions", {"mode": 0o644, "content": b"launch() { exec /opt/app/bin/server; }\n"}),
        ("init.d/10.sh", {"mode": 0o644, "content": b"SERVER=/opt/app/bin/server\n"}),
    ])  # fmt: skip
    made = build.offer(
        layer, entrypoint=("/start.sh",), cmd=("-x",) if "set --" in text else (), path="/bin:/opt/app/bin"
    )
    program = await inspect(made, None, images.open)
    assert (program.problem, program.at_run_time) == (None, "")
    assert program.chain[-1].path == "/opt/app/bin/server"
    assert program.chain[-1].elf.needs == Platform("linux", "arm64")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["sh", "-c", "exec /app 2>&1"], "/app"),
        (["sh", "-c", "[ -x /app ] && exec /app"], "/app"),
        (["setpriv", "--reuid", "1", "/app"], "/app"),
        (["busybox", "sh", "-c", "/app"], "/app"),
        (["/tini.sh"], "/app"),
        (["sh", "/plain.sh"], "/app"),
        (["sh", "-e", "/plain.sh"], "/app"),
        (["tini", "--", "/unmarked"], "/app"),
    ],
)
async def test_every_kind_of_launcher_is_followed_to_its_program(images, build, argv, expected):
    layer = images.layer([
        ("bin/busybox", build.elf()), ("bin/sh", build.symlink("busybox")), ("bin/setpriv", build.elf()),
        ("bin/tini", build.elf()), ("app", build.elf(machine=183)), ("tini.sh", b"#!/bin/tini /app\n"),
        ("plain.sh", {"mode": 0o644, "content": b"exec /app\n"}), ("unmarked", b"exec /app\n"),
    ])  # fmt: skip
    program = await inspect(build.offer(layer, entrypoint=argv, path="/bin"), None, images.open)
    assert (program.problem, program.at_run_time) == (None, "")
    assert program.chain[-1].path == expected


@pytest.mark.parametrize(
    ("text", "is_sure"),
    [
        ("exec httpd -v", False),
        ("httpd", False),
        ("exec /usr/bin/httpd", True),
        ("exec nginx", True),
        ("exec ntpd -n", True),
        ("exec vi", True),
    ],
)
async def test_a_shell_of_busybox_may_run_its_own_applet_instead_of_a_file(images, build, text, is_sure):
    busybox, foreign = build.elf() + b"\0[\0[[\0httpd\0ntpd\0sh\0\0", build.elf(machine=183)
    layer = images.layer([
        ("bin/busybox", busybox), ("bin/sh", build.symlink("busybox")), ("usr/bin/ntpd", build.symlink("/bin/busybox")),
        *((f"usr/bin/{name}", foreign) for name in ("httpd", "nginx", "vi")),
    ])  # fmt: skip
    made = build.offer(layer, entrypoint=("/bin/sh", "-c", text), path="/usr/bin:/bin")
    program = await inspect(made, None, images.open)
    assert (program.problem, not program.at_run_time) == (None, is_sure)


async def test_a_file_that_is_sourced_under_an_uncommon_name_is_read_again(images, build):
    layer = images.layer([
        ("start.sh", b"#!/bin/dash\n. /etc/settings\nexec $SERVER\n"), ("bin/dash", build.elf()), ("app", build.elf()),
        ("etc/settings", {"mode": 0o644, "content": b"SERVER=/app\n"}),
    ])  # fmt: skip
    program = await inspect(build.offer(layer, entrypoint=("/start.sh",)), None, images.open)
    assert (program.problem, program.at_run_time, program.chain[-1].path) == (None, "", "/app")
    assert len(images.opened) == 2


async def test_a_program_that_the_script_writes_is_decided_at_run_time(images, build):
    layer = images.layer([
        ("start.sh", b"#!/bin/dash\ncurl -o /app http://x/app\nexec /app\n"), ("bin/dash", build.elf()), ("usr/bin/curl", build.elf()),
        ("app", build.elf()),
    ])  # fmt: skip
    program = await inspect(build.offer(layer, entrypoint=("/start.sh",)), None, images.open)
    assert program.problem is None
    assert "written" in program.at_run_time


async def test_what_a_mount_covers_is_not_the_images(images, build):
    layer = images.layer([("srv/app", build.elf())])
    covered = await inspect(build.offer(layer, entrypoint=("/srv/app",)), Process(volumes=("/srv",)), images.open)
    assert reason(covered) is Reason.BINARY_UNKNOWN


async def test_a_big_base_below_a_small_top_layer_is_not_read(images, build):
    noise = b"".join(i.to_bytes(4, "little") * 3 for i in range(1 << 19))
    base = images.layer([("usr/share/noise", {"content": noise})], "plain")
    top = images.layer([("usr/local/bin/app", build.elf())])
    made = build.offer(base, top, entrypoint=("/usr/local/bin/app",))
    found = await inspect(made, None, images.open)
    assert found.problem is None
    assert [each.condition for each in found.objections] == [Condition.BELOW_UNREAD_LAYER]  # the top implies /usr/local
    assert base.digest not in images.handed_out
    assert images.bytes_out < 0.05 * (base.size + top.size)


@pytest.mark.parametrize("early_stop", [False, True])
async def test_a_small_base_below_implied_directories_is_read_for_what_it_takes_away(images, build, early_stop):
    noise = b"".join(i.to_bytes(4, "little") * 3 for i in range(1 << 17))  # 1.5 MiB, worth an early stop
    base = images.layer([("usr/share/noise", {"content": noise})], "plain")
    top = images.layer([("usr/local/bin/app", build.elf())])
    made = build.offer(base, top, entrypoint=("/usr/local/bin/app",))
    found = await inspect(made, None, images.open, early_stop=early_stop)
    assert found.objections == ()
    assert images.handed_out[base.digest] == base.size


async def test_a_bare_name_found_above_a_big_base_reads_it_for_paths_sake_unless_it_may_stop_early(images, build):
    base = images.layer([("usr/share/noise", {"content": b"\1" * (3 << 20)})], "plain")
    top = images.layer([("usr", build.directory), ("usr/bin", build.directory), ("usr/bin/app", build.elf())])
    made = build.offer(base, top, entrypoint=("app",))
    early = await inspect(made, None, images.open, early_stop=True)
    assert (early.problem, early.partly_read) == (None, (base.digest,))
    assert base.digest not in images.handed_out
    whole = await inspect(made, None, images.open)
    assert (whole.problem, whole.partly_read) == (None, ())
    assert images.handed_out[base.digest] == base.size


async def test_a_big_layer_is_left_where_it_may_be_as_soon_as_the_question_is_answered(images, build):
    entries = [("app", build.elf()), ("noise", {"content": bytes(range(256)) * (1 << 15)})]
    layer = images.layer(entries, "plain")
    program = await inspect(build.offer(layer), None, images.open, early_stop=True)
    assert (program.problem, program.partly_read) == (None, (layer.digest,))
    assert images.bytes_out <= 4 * images.chunk_bytes
    assert images.closed == 1


async def test_foreign_and_encrypted_layers_are_never_opened_unless_nothing_above_answers(images, build):
    foreign = images.layer([("lib", b"")], foreign=True)
    secret = images.push(b"???", "application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
    top = images.layer([("app", build.elf())])
    assert (await inspect(build.offer(foreign, secret, top), None, images.open)).problem is None
    missing = await inspect(build.offer(foreign, top, entrypoint=("/x",)), None, images.open)
    assert reason(missing) == Reason.LAYER_FOREIGN
    missing = await inspect(build.offer(secret, top, entrypoint=("/x",)), None, images.open)
    assert reason(missing) == Reason.LAYER_ENCRYPTED
    assert {digest for digest, *_ in images.opened} == {top.digest}


async def test_a_broken_transport_is_the_programs_problem(images, build):
    layer = images.layer([("app", build.elf())])
    images.broken[layer.digest] = StreamBroken(Failure(Reason.IMAGE_TIMEOUT, "slow"))
    program = await inspect(build.offer(layer), None, images.open)
    assert program.problem == Failure(Reason.IMAGE_TIMEOUT, "slow")


async def test_a_layer_read_to_its_end_that_is_not_its_digest_proves_nothing(images, build):
    class Checking(type(images)):
        async def _chunks(self, layer, raw):
            async for chunk in super()._chunks(layer, raw):
                yield chunk
            raise StreamBroken(Failure(Reason.IMAGE_DIGEST_MISMATCH, "other bytes"))

    checking = Checking()
    layer = checking.layer([("app", build.elf())])
    program = await inspect(build.offer(layer), None, checking.open)
    assert reason(program) == Reason.IMAGE_DIGEST_MISMATCH
    assert program.chain == ()


async def test_time_is_bounded(images, build):
    layer = images.layer([("app", build.elf())])

    class Hanging(type(images)):
        async def _chunks(self, layer, raw):
            await asyncio.Event().wait()
            yield raw

    hanging = Hanging()
    hanging.blobs = images.blobs
    program = await inspect(build.offer(layer), None, hanging.open, LayerLimits(read_s=0.05))
    assert reason(program) == Reason.LAYER_LIMIT
    assert hanging.closed == len(hanging.opened)  # on a busy machine the time is over before it is opened


async def test_windows_images_are_not_inspected(images, build):
    made = build.offer(images.layer([("app", build.elf())]))
    made = type(made)(made.digest, Platform("windows", "amd64"), process=made.process, layers=made.layers)
    assert reason(await inspect(made, None, images.open)) == Reason.BINARY_NOT_INSPECTED
