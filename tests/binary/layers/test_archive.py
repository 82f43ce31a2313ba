"""What docker save and podman save print."""

import hashlib
import json
import tarfile

import pytest

from scanner.binary.layers.archive import inspect_archive
from scanner.domain.facts import Process
from scanner.domain.failure import Failure
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason


async def pieces(raw, size=5000):
    for at in range(0, len(raw), size):
        yield raw[at : at + size]


def config(*entrypoint):
    return json.dumps({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": list(entrypoint)}}).encode()


def docker_archive(build, layers, *, first="layers"):
    named = [(f"{n}/layer.tar", raw) for n, raw in enumerate(layers)]
    manifest = [{"Config": "abc.json", "RepoTags": ["app:1"], "Layers": [name for name, _ in named]}]
    documents = [("abc.json", config("/app")), ("manifest.json", json.dumps(manifest).encode())]
    entries = [*named, *documents] if first == "layers" else [*documents, *named]
    return build.tar([("VERSION", b"1.0"), *entries])


def oci_layout(build, layers, *, extra=()):
    blobs = {}

    def blob(raw):
        digest = hashlib.sha256(raw).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = raw
        return {"digest": f"sha256:{digest}", "size": len(raw)}

    manifest = {"config": blob(config("/app")), "layers": [blob(raw) for raw in layers]}
    index = {"manifests": [blob(json.dumps(manifest).encode()), *extra]}
    return build.tar([*blobs.items(), ("index.json", json.dumps(index).encode()), ("oci-layout", b"{}")])


@pytest.mark.parametrize("first", ["layers", "documents"])
async def test_a_docker_archive_is_read_in_one_pass_in_any_order(build, first):
    low = build.tar([("app", build.elf()), ("gone", build.elf())])
    top = build.tar([("app", build.elf(machine=183)), (".wh.gone", b"")])
    raw = docker_archive(build, [low, top], first=first)
    program = await inspect_archive(pieces(raw))
    assert program.problem is None
    assert program.chain[0].elf.needs.architecture == "arm64"
    gone = await inspect_archive(pieces(raw), "", Process(entrypoint=("/gone",)))
    assert gone.problem.reason == Reason.ENTRYPOINT_MISSING


async def test_what_a_script_names_that_no_shell_reads_is_looked_up_in_an_archive_too(build):
    entries = {"bin/sh": build.elf(), "bin/python3": build.elf(), "arm": build.elf(machine=183)}
    entries["srv/run.py"] = {"mode": 0o644, "content": b"os.execv('/arm', [])\n"}
    raw = docker_archive(build, [build.tar(list(entries.items()))])
    program = await inspect_archive(pieces(raw), "", Process(entrypoint=("sh", "-c", "cd /srv && exec python3 run.py")))
    assert "/arm leads to a program for another CPU" in program.at_run_time


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
async def test_an_oci_layout_is_read_however_its_layers_are_packed(build, packing):
    layer = build.pack[packing](build.tar([("app", build.elf(machine=243))]))
    program = await inspect_archive(pieces(oci_layout(build, [layer])))
    assert program.chain[0].elf.needs.architecture == "riscv64"


async def test_a_layer_saved_twice_is_a_symlink_in_old_archives(build):
    layer = build.tar([("app", build.elf())])
    manifest = [{"Config": "c.json", "Layers": ["b/layer.tar"]}]
    raw = build.tar([
        ("a/layer.tar", layer), ("b/layer.tar", {"type": tarfile.SYMTYPE, "linkname": "../a/layer.tar"}),
        ("c.json", config("/app")), ("manifest.json", json.dumps(manifest).encode()),
    ])  # fmt: skip
    assert (await inspect_archive(pieces(raw))).problem is None


async def test_of_several_images_that_of_the_id_is_taken_and_a_guess_is_never_made(build):
    one, two = "1" * 64, "2" * 64
    layer = build.tar([("app", build.elf())])
    manifests = [
        {"Config": f"{one}.json", "RepoTags": None, "Layers": ["l.tar"]},
        {"Config": f"{two}.json", "RepoTags": None, "Layers": ["l.tar"]},
    ]
    raw = build.tar([
        ("l.tar", layer), (f"{one}.json", config("/app")), (f"{two}.json", config("/none")),
        ("manifest.json", json.dumps(manifests).encode()),
    ])  # fmt: skip
    assert (await inspect_archive(pieces(raw), f"sha256:{one}")).problem is None
    assert (await inspect_archive(pieces(raw), f"sha256:{two}")).problem.reason == Reason.ENTRYPOINT_MISSING
    assert (await inspect_archive(pieces(raw), "")).problem.reason == Reason.IMAGE_AMBIGUOUS


async def test_an_archive_cut_anywhere_never_yields_a_program(build):
    raw = docker_archive(build, [build.tar([("app", build.elf())])])
    end = raw.rstrip(b"\0")
    for cut in range(0, len(end), 97):
        program = await inspect_archive(pieces(end[:cut]))
        assert program.problem is not None
        assert program.chain == ()


async def test_a_broken_stream_is_the_programs_problem(build):
    async def broken():
        yield b"x" * 100
        raise StreamBroken(Failure(Reason.HOST_TIMEOUT, "slow"))

    assert (await inspect_archive(broken())).problem.reason == Reason.HOST_TIMEOUT


@pytest.mark.parametrize(
    "documents",
    [
        {"manifest.json": [1, None]},
        {"manifest.json": [{"Config": 5, "Layers": "x"}]},
        {"manifest.json": [{"Config": "c.json", "Layers": ["nope"]}], "c.json": {"config": {"Cmd": ["/app"]}}},
        {"manifest.json": [{"Config": "c.json", "Layers": []}], "c.json": []},
        {"index.json": {"manifests": [{"digest": 5}, None, {"digest": "sha256:aa"}]}},
        {"index.json": {"manifests": "x"}},
        {"index.json": []},
        {},
    ],
)
async def test_documents_of_any_shape_are_refused_not_believed(build, documents):
    raw = build.tar([(name, json.dumps(document).encode()) for name, document in documents.items()])
    program = await inspect_archive(pieces(raw))
    assert program.problem is not None
