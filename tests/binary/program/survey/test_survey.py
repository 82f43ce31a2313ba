"""Tests of the survey of one layer."""

import asyncio
import gzip
import threading
from dataclasses import replace
from zipfile import ZIP_STORED

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.binary.layers.limits import LayerLimits
from scanner.binary.layers.tarstream import TarEntry
from scanner.binary.program.survey import survey
from scanner.binary.program.survey.survey_files import FileReader, names_in
from scanner.binary.program.survey.zipstream import Allowance, NotFollowedError
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import LayerSurvey, SurveyedKind
from scanner.domain.platform.platform import Platform
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from tests.real.zips import a_zip

LIMITS = LayerLimits()
ARM64 = Platform("linux", "arm64")


async def surveyed(images, layer, limits=LIMITS):
    return await survey.read_layer(layer, images.open, limits)


def at(found, path):
    return next(file for file in found.files if file.path == path)


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
async def test_every_elf_file_is_found_whatever_its_mode(build, images, packing):
    lib = build.elf(machine=183, kind=3)
    entries = [
        ("usr/bin/tool", build.elf(interp="/lib64/ld-linux-x86-64.so.2")),
        ("usr/lib/libx.so.1", {"content": lib, "mode": 0o644}),
        ("app/node_modules/x/build/x.node", {"content": lib, "mode": 0o644}),
        ("usr/share/readme", b"nothing that runs"),
    ]
    found = await surveyed(images, images.layer(entries, packing))
    assert [(f.path, str(f.elf.needs), f.is_executable) for f in found.files] == [
        ("app/node_modules/x/build/x.node", "linux/arm64", False),
        ("usr/bin/tool", "linux/amd64", True),
        ("usr/lib/libx.so.1", "linux/arm64", False),
    ]


async def test_a_level_that_a_library_demands_is_kept(build, images):
    entries = [("usr/lib/libx.so", {"content": build.elf(kind=3, notes=build.gnu_property(3)), "mode": 0o644})]
    found = await surveyed(images, images.layer(entries))
    assert at(found, "usr/lib/libx.so").elf.needs == Platform("linux", "amd64", "v3")


async def test_an_object_file_says_why_it_is_no_program(build, images):
    found = await surveyed(images, images.layer([("x.o", build.elf(kind=1))]))
    assert at(found, "x.o").problem == "an ELF file of ET_REL (an object file) cannot be executed"


async def test_scripts_units_and_what_they_name_are_found(images):
    unit = b"[Service]\nExecStart=/opt/app/bin/serve --port 80\n"
    entries = [
        ("start.sh", b'#!/bin/sh\nexec "$HOME/bin/server" /etc/x.conf\n'),
        ("tool.py", b"#!/usr/bin/env python3\nopen('/etc/passwd')\n"),
        ("sourced.sh", {"content": b". /opt/env\n", "mode": 0o644}),
        ("etc/systemd/system/x.service", {"content": unit, "mode": 0o644}),
    ]
    found = await surveyed(images, images.layer(entries))
    assert [(f.path, f.kind, f.names) for f in found.files] == [
        ("etc/systemd/system/x.service", SurveyedKind.UNIT, ("/opt/app/bin/serve",)),
        ("sourced.sh", SurveyedKind.SCRIPT, ("/opt/env",)),
        ("start.sh", SurveyedKind.SCRIPT, ("/bin/sh", "*/bin/server", "/etc/x.conf")),
        ("tool.py", SurveyedKind.SCRIPT, ()),
    ]


async def test_an_archive_behind_a_script_is_both(build, images):
    script, lib = b"#!/bin/bash\n. /opt/env\n", build.elf(machine=183, kind=3)
    entries = [
        ("app.jar", script + a_zip({"native/libx.so": lib})),
        ("big.jar", script + a_zip({"x.png": bytes(100_000), "native/libx.so": lib}, method=ZIP_STORED)),
        ("cut.jar", script + a_zip({"native/libx.so": lib})[:60]),
        ("plain.jar", script + a_zip({"A.class": b""})),
        ("text.jar", b"no archive"),
    ]
    found = await surveyed(images, images.layer(entries))
    said = ("/bin/bash", ("/bin/bash", "/opt/env"))
    told = [(f.path, f.kind, [m.path for m in f.members], bool(f.problem), (f.shebang, f.names)) for f in found.files]
    assert told == [
        ("app.jar", SurveyedKind.ARCHIVE, ["native/libx.so"], False, said),
        ("big.jar", SurveyedKind.ARCHIVE, ["native/libx.so"], False, said),
        ("cut.jar", SurveyedKind.ARCHIVE, [], True, said),
        ("plain.jar", SurveyedKind.SCRIPT, [], False, said),
    ]


async def test_what_nobody_waits_for_ends_at_the_next_member(images, monkeypatch):
    entered, stopped, ends = threading.Event(), threading.Event(), []

    class Held(Allowance):
        def take(self, count):
            entered.set()
            stopped.wait(60)
            try:
                super().take(count)
            except NotFollowedError as error:
                ends.append(str(error))
                raise

        def stop(self):
            super().stop()
            stopped.set()

    monkeypatch.setattr(survey, "Allowance", Held)
    layer = images.layer([("a.jar", a_zip({f"{number}.class": b"" for number in range(40)}))])
    reading = asyncio.create_task(surveyed(images, layer))
    await asyncio.to_thread(entered.wait, 60)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await asyncio.get_running_loop().shutdown_default_executor()
    assert ends == ["nobody waits for its layer any more"]


async def test_windows_and_macos_programs_are_told_apart_from_java_classes(images):
    entries = [
        ("a.exe", b"MZ" + bytes(100)),
        ("b", b"\xcf\xfa\xed\xfe" + bytes(100)),
        ("c", b"\xca\xfe\xba\xbe\0\0\0\x02" + bytes(100)),
        ("D.class", b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(100)),
    ]
    found = await surveyed(images, images.layer(entries))
    assert [(f.path, str(f.kind)) for f in found.files] == [("a.exe", "pe"), ("b", "macho"), ("c", "macho")]


async def test_links_whiteouts_and_the_loader_configuration_are_kept(build, images):
    entries = [
        ("bin", build.symlink("usr/bin")),
        ("usr/bin/.wh.gone", b""),
        ("opt/.wh..wh..opq", b""),
        ("etc/ld.so.conf.d/x.conf", b"# ours\n/opt/lib\ninclude /etc/more\n"),
        ("usr/bin/a", build.elf()),
        ("usr/bin/b", build.hardlink("usr/bin/a")),
        ("usr/bin/c", build.hardlink("usr/bin/below")),
    ]
    found = await surveyed(images, images.layer(entries))
    assert found.links == {"bin": "usr/bin"}
    assert found.whiteouts == {"usr/bin/gone"}
    assert found.opaques == {"opt"}
    assert found.searched == {"etc/ld.so.conf.d/x.conf": ("/opt/lib",)}
    assert found.hard_links == {"usr/bin/c": "usr/bin/below"}
    assert [file.path for file in found.files] == ["usr/bin/a", "usr/bin/b"]


async def test_the_last_entry_of_a_name_wins(build, images):
    entries = [
        ("a/tool", build.elf()),
        ("b", build.elf()),
        ("a", build.symlink("c")),
        ("b", b"a text"),
        ("a/late", build.elf(machine=183)),
    ]
    found = await surveyed(images, images.layer(entries))
    assert [file.path for file in found.files] == ["c/late"]


async def test_many_small_chunks_say_the_same_as_one(build, images):
    layer = images.layer([(f"bin/t{n}", build.elf(pad=n * 37)) for n in range(40)])
    whole = await surveyed(images, layer)
    images.chunk_bytes = 7
    assert await surveyed(images, layer) == whole


async def test_a_layer_that_is_not_what_its_manifest_says_is_no_survey(images):
    layer = images.layer([("a", b"x")])
    short = await surveyed(images, replace(layer, size=layer.size + 1))
    long = await surveyed(images, replace(layer, size=layer.size - 1))
    assert (short.reason, long.reason) == (Reason.LAYER_UNREADABLE, Reason.LAYER_UNREADABLE)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
async def test_a_layer_whose_packing_does_not_end_is_no_survey(build, images, packing):
    raw = build.pack[packing](build.tar([("usr/bin/a", build.elf())]))
    found = await surveyed(images, images.push(raw[:-4], build.media[packing]))
    assert isinstance(found, Failure)
    assert found.reason is Reason.LAYER_UNREADABLE


async def test_a_broken_stream_is_its_failure(images):
    layer = images.layer([("a", b"x")])
    why = Failure(Reason.IMAGE_TIMEOUT, "too slow")
    images.broken[layer.digest] = StreamBroken(why)
    assert await surveyed(images, layer) == why


async def test_a_bomb_is_refused(images):
    layer = images.push(gzip.compress(bytes(80 << 20), 9))
    assert (await surveyed(images, layer)).reason in {Reason.LAYER_LIMIT, Reason.LAYER_UNREADABLE}


async def test_a_foreign_layer_is_not_asked_for(images):
    layer = replace(images.layer([("a", b"x")]), foreign=True)
    assert (await surveyed(images, layer)).reason is Reason.LAYER_FOREIGN
    assert images.opened == []


async def test_too_many_programs_are_an_error(build, images, monkeypatch):
    monkeypatch.setattr(survey, "MAX_FILES", 3)
    layer = images.layer([(f"t{n}", build.elf()) for n in range(4)])
    assert (await surveyed(images, layer)).reason is Reason.LAYER_LIMIT


async def test_a_sparse_file_is_a_program_that_cannot_be_read(images, tmp_path):
    header = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "app", "GNU.sparse.realsize": "9"}
    entries = [("GNUSparseFile.0/app", {"content": b"1\n0\n".ljust(512, b"\0"), "pax_headers": header})]
    found = await surveyed(images, images.layer(entries))
    assert at(found, "app").problem == "it is stored as a sparse file"


def test_an_empty_layer_says_nothing():
    assert survey._Sink().survey() == LayerSurvey()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"exec /opt/x/y --flag", ("/opt/x/y",)),
        (b'exec "$APP/bin/y"', ("*/bin/y",)),
        (b"exec ${APP}/y", ("*/y",)),
        (b"exec ./y", ("*/y",)),
        (b"cd lib/exec && ./go", ("lib/exec", "*/go")),
        (b"PATH=/a/b:/c/d:$PATH", ("/a/b", "/c/d")),
        (b"for f in /docker-entrypoint.d/*.sh; do", ("/docker-entrypoint.d",)),
        (b"no path at all", ()),
    ],
)
def test_the_paths_in_a_script_are(text, names):
    assert names_in(text) == names


def test_a_script_that_names_more_paths_than_any_is_not_read():
    assert names_in(b" ".join(b"/a/%d" % n for n in range(600))) is None


@given(
    st.sampled_from([b"", b"\x7fELF\x02\x01\x01", b"#!", b"#!/bin/sh\n", b"#!/x\nPK\3\4", b"MZ", b"\xca\xfe\xba\xbe"]),
    st.binary(min_size=1, max_size=9000),
    st.integers(1, 5000),
    st.sampled_from(["a", "x.sh", "x.jar", "etc/ld.so.conf", "etc/systemd/system/x.service"]),
)
def test_a_file_of_any_bytes_in_any_pieces_is_read_alike(magic, rest, step, path):
    content = magic + rest
    entry = TarEntry(path, "0", 0o755, len(content))
    whole, pieces = FileReader(path, entry, Allowance()), FileReader(path, entry, Allowance())
    whole.feed(memoryview(content))
    for at in range(0, len(content), step):
        pieces.feed(memoryview(content)[at : at + step])
    assert (pieces.file(), pieces.searched) == (whole.file(), whole.searched)
