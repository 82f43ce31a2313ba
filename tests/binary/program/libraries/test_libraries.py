"""Libraries in the layers of an image: what is read of them, what is said of one that is not there."""

from __future__ import annotations

import struct
import subprocess
from array import array
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from scanner.binary.inspect import inspect
from scanner.binary.layers import usage
from scanner.binary.program.elf.symbols import Symbols
from scanner.binary.program.libraries import binding
from scanner.domain.facts import Process
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from tests import counted
from tests.binary.program.libraries.kit import GLIBC, GLIBC_LOADER, MULTIARCH, for_machine

ENV = (("PATH", "/bin"),)
HERE = f"{MULTIARCH}/liba.so.1"


def plain(content):
    """A file without an execute bit, as distributions install libraries."""
    return {"mode": 0o644, "content": content}


def base(*more):
    files = [(name, plain(Path(f"/{name}").read_bytes())) for name in (GLIBC,)]
    return [(GLIBC_LOADER, Path(f"/{GLIBC_LOADER}").read_bytes()), *files, *more]


def app(kit, soname="liba.so.1", **more):
    return kit.program([("liba.so.1", kit.shared(soname=soname))], **more)


async def judged(images, build, *layers, env=ENV, override=None, entrypoint=("/app",), **process):
    offer = build.offer(*(images.layer(entries) for entries in layers), entrypoint=entrypoint, env=env, **process)
    return await inspect(offer, override, images.open)


def reason(program):
    return program.problem.reason if program.problem else None


async def test_libraries_follow_the_loader_in_its_order_with_their_cpus(images, build, kit):
    program = await judged(images, build, base((HERE, plain(kit.shared()))), [("app", app(kit))])
    assert reason(program) is None
    assert [(file.role, file.path) for file in program.chain] == [
        ("entrypoint", "/app"), ("loader", f"/{GLIBC_LOADER}"), ("library", f"/{HERE}"), ("library", f"/{GLIBC}"),
    ]  # fmt: skip
    assert {file.elf.needs for file in program.chain} == {Platform("linux", "amd64")}


@pytest.mark.parametrize(
    ("mode", "user", "expected"),
    [
        (0o644, "1000", None),
        (0o444, "1000:1000", None),
        (0o640, "1000", None),  # a number without an account is of root's group
        (0o640, "1000:1000", Reason.PERMISSION_DENIED),
        (0o711, "1000:1000", Reason.PERMISSION_DENIED),
        (0o600, "0", None),
    ],
)
async def test_a_library_has_to_be_readable_and_no_more_to_who_loads_it(images, build, kit, mode, user, expected):
    library = {"mode": mode, "content": kit.shared()}
    program = await judged(images, build, base((HERE, library)), [("app", app(kit))], user=user)
    assert reason(program) is expected


async def test_a_library_that_may_not_be_read_is_looked_for_further_by_the_name_of_a_link(images, build, kit):
    closed = {"mode": 0o600, "content": kit.shared()}
    links = (f"{MULTIARCH}/liba.so.1.2", closed), (HERE, build.symlink("liba.so.1.2"))
    second = ("usr/lib/liba.so.1", plain(kit.shared()))
    alone = await judged(images, build, base(*links), [("app", app(kit))], user="1000:1000")
    program = await judged(images, build, base(*links, second), [("app", app(kit))], user="1000:1000")
    assert (reason(alone), reason(program)) == (Reason.PERMISSION_DENIED, Reason.BINARY_UNKNOWN)


@pytest.mark.parametrize(("room", "expected"), [(usage.MAX_SYMBOLS_BYTES, Reason.LIBRARY_TOO_OLD), (0, None)])
async def test_symbols_are_compared_while_there_is_room_for_them(images, build, kit, monkeypatch, room, expected):
    monkeypatch.setattr(usage, "MAX_SYMBOLS_BYTES", room)
    other = kit.shared("b")
    program = await judged(images, build, base((HERE, plain(other))), [("app", app(kit, flags=("-Wl,-z,now",)))])
    assert reason(program) is expected


async def test_the_library_that_lacks_a_symbol_is_named_where_its_version_tells_it(images, build, kit):
    linked, held = kit.shared(version="V1"), kit.shared("b", version="V1")
    program = kit.program([("liba.so.1", linked)], flags=("-Wl,-z,now",))
    found = await judged(images, build, base((HERE, plain(held))), [("app", program)])
    assert (reason(found), found.problem.path) == (Reason.LIBRARY_TOO_OLD, f"/{HERE}")
    other = await judged(
        images, build, base((HERE, plain(kit.shared("b")))), [("app", app(kit, flags=("-Wl,-z,now",)))]
    )
    assert (reason(other), other.problem.path) == (Reason.LIBRARY_TOO_OLD, "")


async def test_a_symbol_that_is_looked_for_on_the_first_call_is_not_surely_missed(images, build, kit):
    program = await judged(images, build, base((HERE, plain(kit.shared("b")))), [("app", app(kit))])
    assert reason(program) is Reason.BINARY_UNKNOWN
    assert "undefined symbol: a, which stops it as soon as that is called" in program.problem.detail


OPT = (("PATH", "/bin"), ("LD_LIBRARY_PATH", "/opt"))


@pytest.mark.parametrize(
    ("program", "user", "expected"),
    [
        ({"mode": 0o755}, "1000", None),
        ({"mode": 0o4755}, "1000", Reason.BINARY_UNKNOWN),
        ({"mode": 0o2755}, "1000", Reason.BINARY_UNKNOWN),
        ({"mode": 0o4755}, "0", None),
        ({"mode": 0o4755}, "0:0", None),
        ({"mode": 0o2755}, "", None),
        ({"mode": 0o2755, "gid": 50}, "", Reason.BINARY_UNKNOWN),
        ({"mode": 0o4755, "uid": 1000}, "", Reason.BINARY_UNKNOWN),
    ],
)
async def test_a_program_that_changes_its_user_is_not_led_by_its_environment(
    images, build, kit, program, user, expected
):
    files = [("app", {**program, "content": app(kit)}), ("opt/liba.so.1", plain(kit.shared()))]
    assert reason(await judged(images, build, base(), files, env=OPT, user=user)) is expected
    beside = [*files, (HERE, plain(kit.shared()))]
    assert reason(await judged(images, build, base(), beside, env=OPT, user=user)) is None


@pytest.mark.parametrize(
    ("path", "expected"), [("$ORIGIN/opt", Reason.BINARY_UNKNOWN), (f"$ORIGIN/{MULTIARCH}", None), ("/opt", None)]
)
async def test_a_program_that_changes_its_user_trusts_its_own_place_only_where_the_system_s_is(
    images, build, kit, path, expected
):
    program = {"mode": 0o4755, "content": app(kit, flags=(f"-Wl,-rpath,{path}",))}
    where = HERE if MULTIARCH in path else "opt/liba.so.1"
    files = [("app", program), (where, plain(kit.shared()))]
    assert reason(await judged(images, build, base(), files, user="1000")) is expected


async def test_what_is_preloaded_for_a_program_that_changes_its_user_is_not_known(images, build, kit):
    files = [("app", {"mode": 0o4755, "content": app(kit)}), ("opt/liba.so.1", plain(kit.shared()))]
    env = (("PATH", "/bin"), ("LD_PRELOAD", "/opt/liba.so.1"))
    assert reason(await judged(images, build, base(), files, env=env, user="1000")) is Reason.BINARY_UNKNOWN


async def test_a_layer_may_take_a_library_away(images, build, kit):
    lower = base((HERE, plain(kit.shared())))
    program = await judged(images, build, lower, [("app", app(kit))], [(f"{MULTIARCH}/.wh.liba.so.1", b"")])
    assert reason(program) is Reason.LIBRARY_MISSING
    assert "liba.so.1" in program.problem.detail


async def test_a_layer_may_replace_a_library_by_one_for_another_cpu(images, build, kit):
    lower = base((HERE, plain(kit.shared())))
    top = [("app", app(kit)), (HERE, plain(for_machine(kit.shared(), 183)))]
    program = await judged(images, build, lower, top)
    assert reason(program) is Reason.WRONG_LIBRARY
    assert program.problem.path == f"/{HERE}"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (None, Reason.LIBRARY_MISSING),
        (Process(volumes=("/data",)), Reason.LIBRARY_MISSING),
        (Process(volumes=(f"/{MULTIARCH}",)), Reason.BINARY_UNKNOWN),
        (Process(volumes=(f"/{HERE}",)), Reason.BINARY_UNKNOWN),
        (Process(volumes=("/usr/lib",)), Reason.BINARY_UNKNOWN),
        (Process(env=(("LD_LIBRARY_PATH", None),)), Reason.BINARY_UNKNOWN),
        (Process(env=(("LD_LIBRARY_PATH", "/opt/x"),)), Reason.LIBRARY_MISSING),
        (Process(env=(("LD_LIBRARY_PATH", "/proc/1/root/lib"),)), Reason.BINARY_UNKNOWN),
        (Process(env=(("LD_PRELOAD", None),)), Reason.BINARY_UNKNOWN),
        (Process(env=(("NVIDIA_VISIBLE_DEVICES", "all"),)), Reason.BINARY_UNKNOWN),
    ],
)
async def test_a_library_is_missed_only_where_nobody_but_the_image_provides_it(images, build, kit, override, expected):
    program = await judged(images, build, base(), [("app", app(kit))], override=override)
    assert reason(program) is expected


async def test_a_library_below_a_mount_is_not_the_images(images, build, kit):
    layers = (base((HERE, plain(kit.shared()))), [("app", app(kit))])
    program = await judged(images, build, *layers, override=Process(volumes=(f"/{HERE}",)))
    assert reason(program) is Reason.BINARY_UNKNOWN


async def test_a_volume_of_the_image_holds_what_the_image_holds_there(images, build, kit):
    layers = (base((HERE, plain(kit.shared()))), [("app", app(kit))])
    assert reason(await judged(images, build, *layers, volumes=(f"/{MULTIARCH}",))) is None


async def test_an_environment_that_is_not_known_excuses_a_missing_library(images, build, kit):
    program = await judged(images, build, base(), [("app", app(kit))], env=None)
    assert reason(program) is Reason.BINARY_UNKNOWN


@pytest.mark.parametrize(
    "name", ["libcuda.so.1", "libnvidia-ml.so.1", "libnvcuvid.so.1", "libEGL_nvidia.so.0", "libdxcore.so"]
)
async def test_what_a_driver_brings_into_a_container_is_missed_in_no_image(images, build, kit, name):
    program = await judged(images, build, base(), [("app", app(kit, name))])
    assert reason(program) is Reason.BINARY_UNKNOWN
    assert "driver" in program.problem.detail


async def test_libraries_of_the_toolkit_are_the_images_own(images, build, kit):
    program = await judged(images, build, base(), [("app", app(kit, "libcudart.so.12"))])
    assert reason(program) is Reason.LIBRARY_MISSING


async def test_where_an_unknown_loader_looks_is_not_known(images, build, kit):
    layers = [(GLIBC_LOADER, build.elf(kind=3)), (HERE, plain(kit.shared())), ("app", app(kit))]
    program = await judged(images, build, layers)
    assert reason(program) is Reason.BINARY_UNKNOWN


async def test_ldconfig_that_was_not_run_is_told(images, build, kit):
    aside = ("opt/x/liba.so.1", plain(kit.shared()))
    conf = ("etc/ld.so.conf.d/x.conf", plain(b"/opt/x\n"))
    included = ("etc/ld.so.conf", plain(b"include /etc/ld.so.conf.d/*.conf\n"))
    program = await judged(images, build, base(aside, conf, included), [("app", app(kit))])
    assert reason(program) is Reason.LIBRARY_MISSING
    assert "/opt/x/liba.so.1 is not in /etc/ld.so.cache: ldconfig was not run" in program.problem.detail


BUSYBOX = Path("/bin/busybox").read_bytes()


@pytest.mark.parametrize("before", ["ldconfig", "cp /x/* /lib/", "/opt/prepare"])
async def test_a_library_that_only_a_script_may_bring_is_unknown_whatever_files_are(images, build, kit, before):
    script = f"#!/bin/sh\n{before}\nexec /app\n".encode()
    layers = [("bin/sh", BUSYBOX), ("start.sh", script), ("app", app(kit))]
    layers += [("opt/prepare", BUSYBOX), ("sbin/ldconfig", BUSYBOX)]
    program = await judged(images, build, base(), layers, entrypoint=("/start.sh",))
    assert (reason(program), program.at_run_time) == (Reason.BINARY_UNKNOWN, "")
    assert "unless the script that starts it makes that right" in program.problem.detail


@pytest.mark.parametrize(("line", "expected"), [
    ("exec /app", Reason.LIBRARY_MISSING),
    ("export LD_LIBRARY_PATH=/opt/x\nexec /app", None),
    ("LD_LIBRARY_PATH=/opt/y:/opt/x exec /app", None),
    ("LD_LIBRARY_PATH=/opt/y exec /app", Reason.LIBRARY_MISSING),
    ("exec /by-path", Reason.LIBRARY_MISSING),
    ('cd "$(date)"\nexec /by-path', Reason.BINARY_UNKNOWN),
])  # fmt: skip
async def test_a_script_may_lead_the_loader(images, build, kit, line, expected):
    layers = [("bin/sh", BUSYBOX), ("start.sh", f"#!/bin/sh\n{line}\n".encode()), ("app", app(kit))]
    layers += [("by-path", app(kit, soname="./liba.so.1"))]
    lower = base(("opt/x/liba.so.1", plain(kit.shared())))
    program = await judged(images, build, lower, layers, entrypoint=("/start.sh",))
    assert (reason(program), program.at_run_time) == (expected, "")


@pytest.mark.parametrize(("options", "expected"), [
    (("--library-path", "/opt/x"), None), (("--library-path", "/opt/y"), Reason.BINARY_UNKNOWN),
    (("--preload", "/opt/x/liba.so.1"), None), ((), Reason.BINARY_UNKNOWN),
])  # fmt: skip
async def test_a_loader_that_is_started_as_a_program_looks_where_it_is_told(images, build, kit, options, expected):
    lower = base(("opt/x/liba.so.1", plain(kit.shared())))
    entrypoint = (f"/{GLIBC_LOADER}", *options, "/app")
    program = await judged(images, build, lower, [("app", app(kit))], entrypoint=entrypoint)
    assert reason(program) is expected


async def test_a_library_that_was_not_kept_leaves_the_answer_open(images, build, kit):
    odd = kit.program([("liba.so.1", kit.shared(soname="module.bin"))])
    program = await judged(images, build, base((f"{MULTIARCH}/module.bin", plain(kit.shared()))), [("app", odd)])
    assert reason(program) is Reason.BINARY_UNKNOWN


async def test_every_layer_is_read_once_however_many_libraries_stand_in_it(images, build, kit):
    lower = base((HERE, plain(kit.shared())), ("etc/ld.so.cache", plain(b"")))
    offer = build.offer(images.layer(lower), images.layer([("app", app(kit))]), env=ENV)
    assert reason(await inspect(offer, None, images.open)) is None
    assert len(images.opened) == len(offer.layers)


async def test_a_chain_of_libraries_without_end_is_a_limit_not_an_answer(images, build, kit, monkeypatch):
    monkeypatch.setattr("scanner.binary.program.libraries.libraries.MAX_LIBRARIES", 1)
    program = await judged(images, build, base((HERE, plain(kit.shared()))), [("app", app(kit))])
    assert reason(program) is Reason.BINARY_UNKNOWN
    assert "more than 1 libraries" in program.problem.detail


async def test_libraries_for_some_cpus_without_end_are_a_limit_not_an_answer(images, build, kit, monkeypatch):
    monkeypatch.setattr("scanner.binary.program.libraries.libraries.MAX_STAND_INS", 0)
    special = HERE.replace("liba", "glibc-hwcaps/x86-64-v2/liba")
    lower = base((HERE, plain(kit.shared())), (special, plain(kit.shared())))
    program = await judged(images, build, lower, [("app", app(kit))])
    assert "more than 0 libraries stand in" in program.problem.detail


async def test_paths_without_end_are_a_limit_not_an_answer(images, build, kit, monkeypatch):
    monkeypatch.setattr("scanner.binary.program.libraries.library_files.MAX_LOOKUPS", 1)
    program = await judged(images, build, base((HERE, plain(kit.shared()))), [("app", app(kit))])
    assert reason(program) is Reason.BINARY_UNKNOWN


async def test_too_many_directories_are_a_limit_not_an_answer(images, build, kit):
    env = (*ENV, ("LD_LIBRARY_PATH", ":".join(f"/{n}" for n in range(600))))
    program = await judged(images, build, base((HERE, plain(kit.shared()))), [("app", app(kit))], env=env)
    assert reason(program) is Reason.BINARY_UNKNOWN


def symbols(asked, number=0):
    """Tables of a file that offers nothing and asks for so many functions."""
    table = b"".join(struct.pack("<IBBHQQ", 1, 0x12, 0, 0, 0, 0) for _ in range(asked or 1))
    none = array("I")
    return Symbols(64, "<", table, b"\0f%d\0" % number, b"", range(0), none, array("I", range(asked)), none, {})


def test_what_many_libraries_offer_is_looked_through_once_not_for_each_symbol():
    files = [SimpleNamespace(dynamic=SimpleNamespace(symbols=symbols(5000 * (not n), n))) for n in range(100)]
    work = partial(binding.unbound, files, files, is_musl=False, binds_now=False)
    assert work().later
    assert counted.calls(work) < 50 * 5000


@pytest.mark.parametrize(("mode", "expected"), [(0o644, None), (0o600, Reason.LIBRARY_MISSING)])
async def test_a_loader_goes_on_without_a_cache_that_its_user_may_not_read(
    images, build, kit, tmp_path, mode, expected
):
    (tmp_path / "opt/x").mkdir(parents=True)
    (tmp_path / "opt/x/liba.so.1").write_bytes(kit.shared())
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.conf").write_text("/opt/x\n")
    subprocess.run(["/sbin/ldconfig", "-r", str(tmp_path)], check=True, capture_output=True)
    cache = {"mode": mode, "content": (tmp_path / "etc/ld.so.cache").read_bytes()}
    lower = base(("opt/x/liba.so.1", plain(kit.shared())), ("etc/ld.so.cache", cache))
    program = await judged(images, build, lower, [("app", app(kit))], user="1000:1000")
    assert reason(program) is expected
    assert program.problem is None or "its user may not read /etc/ld.so.cache" in program.problem.detail
    assert reason(await judged(images, build, lower, [("app", app(kit))])) is None  # root reads it


async def test_a_loader_that_is_started_as_a_program_loads_no_script(images, build, kit):
    layers = [("bin/sh", BUSYBOX), ("start.sh", b"#!/bin/sh\nexec /app\n"), ("app", app(kit))]
    program = await judged(images, build, base(), layers, entrypoint=(f"/{GLIBC_LOADER}", "/start.sh"))
    assert reason(program) is Reason.NOT_A_PROGRAM


@pytest.mark.parametrize("value", ["1", "", None])
async def test_a_loader_that_is_told_to_list_starts_nothing_whatever_the_value_that_tells_it(images, build, kit, value):
    env = (*ENV, ("LD_TRACE_LOADED_OBJECTS", value))
    program = await judged(images, build, base((HERE, plain(kit.shared()))), [("app", app(kit))], env=env)
    assert reason(program) is Reason.BINARY_UNKNOWN
