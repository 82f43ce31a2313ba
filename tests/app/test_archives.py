"""Images in files are judged as a registry's are; what an archive should not hold is refused by its name."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import tarfile

import pytest
import zstandard

from scanner.errors import UsageError
from scanner.registry.archives import docker_save
from tests.app.archived import (
    IMAGE_NAME,
    REF_NAME,
    blob_of,
    checked,
    entry,
    layout_of,
    said,
    saved_of,
    tarred,
    unpacked,
)
from tests.real.images import File, tar_of

BOTH = ("linux/amd64", "linux/arm64")


@pytest.fixture(scope="session")
def built(image_factory, elf_factory):
    """Images by name: right for both CPUs, wrong for one behind a right label, for amd64 alone."""

    def image(architecture, label=None):
        return image_factory.image(
            {"app": File(elf_factory(architecture))}, entrypoint=["/app"], architecture=label or architecture
        )

    return {
        "both": image_factory.index(image("amd64"), image("arm64")),
        "lies": image_factory.index(image("amd64"), image("amd64", "arm64")),
        "one": image("amd64"),
    }


@pytest.fixture
def laid(built, tmp_path):
    """A layout on the disk of what is named, under a tag."""

    def laid(*names, annotations=None):
        notes = annotations or [{REF_NAME: name} for name in names]
        files = layout_of(*((built[name], note) for name, note in zip(names, notes, strict=True)))
        return unpacked(files, tmp_path / "layout")

    return laid


@pytest.fixture
def written(tmp_path):
    def written(body, name="image.tar"):
        path = tmp_path / name
        path.write_bytes(body)
        return path

    return written


# ---------------------------------------------------------------- what is in it


@pytest.mark.parametrize(
    ("name", "decision", "reasons"),
    [
        ("both", "allow", ["native", "native"]),
        ("lies", "deny", ["native", "wrong_binary"]),
        ("one", "deny", ["native", "wrong_platform"]),
    ],
)
async def test_every_platform_of_a_layout_is_judged_down_to_its_binary(laid, name, decision, reasons):
    assert await said(f"oci:{laid(name)}", platforms=BOTH) == (decision, reasons)
    assert await said(f"oci:{laid(name)}:{name}", platforms=BOTH) == (decision, reasons)


@pytest.mark.parametrize("pack", [bytes, lambda body: gzip.compress(body, 1), zstandard.ZstdCompressor().compress])
async def test_an_archive_is_read_packed_or_not(built, written, pack):
    body = tarred({f"./{name}": body for name, body in layout_of((built["lies"], None)).items()})
    path = written(pack(body))
    assert await said(f"oci-archive:{path}", platforms=BOTH) == ("deny", ["native", "wrong_binary"])
    assert await said(f"docker-archive:{path}", platforms=BOTH) == ("deny", ["native", "wrong_binary"])


async def test_what_an_older_engine_saved_is_read_by_its_config(built, written, elf_factory):
    tar = tar_of({"app": File(elf_factory("amd64"))})
    path = written(tarred(saved_of(built["one"], [tar], "shop/api:1.4")))
    for name in ("", ":shop/api:1.4", ":docker.io/shop/api:1.4", ":@0"):
        answer = await checked(f"docker-archive:{path}{name}")
        [finding] = answer.report.findings
        assert (str(answer.decision), str(finding.verdict.reason)) == ("allow", "native")
        assert finding.workload.image == f"docker.io/shop/api:1.4@{built['one'].config.digest}"


async def test_a_layer_that_occurs_twice_is_a_link_in_what_an_older_engine_saved(built, written, elf_factory):
    tar = tar_of({"app": File(elf_factory("amd64"))})
    files = saved_of(built["one"], [tar], Layers=["again/layer.tar"])
    link = (entry("again/layer.tar", tarfile.SYMTYPE, f"../{list(files)[-1]}"), b"")
    assert await said(f"docker-archive:{written(tarred(files, link))}") == ("allow", ["native"])


async def test_of_several_images_one_must_be_named(laid):
    folder = laid("both", "lies")
    answer = await checked(f"oci:{folder}")
    [finding] = answer.report.findings
    assert "name one of them: both, lies" in finding.verdict.detail
    assert (
        finding.verdict.fix.summary == "Name one of the images in the file behind its path, as the detail lists them."
    )
    assert finding.verdict.fix.commands == (f"skopeo inspect --raw oci:{folder}",)
    assert str(answer.decision) == "hold"
    assert await said(f"oci:{folder}:both", platforms=BOTH) == ("allow", ["native", "native"])
    assert await said(f"oci:{folder}:lies", platforms=BOTH) == ("deny", ["native", "wrong_binary"])


async def test_a_full_name_beside_a_tag_is_found_by_either(laid):
    folder = laid("both", annotations=[{REF_NAME: "1.4", IMAGE_NAME: "docker.io/shop/api:1.4"}])
    for name in ("1.4", "shop/api:1.4"):
        assert (await said(f"oci:{folder}:{name}"))[0] == "allow"


async def test_an_index_offers_only_what_the_archive_has(built, written):
    files = layout_of((built["both"], None))
    del files[f"blobs/sha256/{built['both'].images[1].manifest.digest.removeprefix('sha256:')}"]
    assert await said(f"oci-archive:{written(tarred(files))}", platforms=BOTH) == (
        "deny",
        ["native", "platform_missing"],
    )


async def test_the_entries_of_a_layout_without_names_are_the_platforms_of_one_image(built, tmp_path):
    amd64, arm64 = built["both"].images
    files = layout_of((amd64, None), (arm64, None))
    index = json.loads(files["index.json"])
    for one, image in zip(index["manifests"], (amd64, arm64), strict=True):
        one["platform"] = image.platform
    files["index.json"] = json.dumps(index).encode()
    folder = unpacked(files, tmp_path / "layout")
    assert await said(f"oci:{folder}", platforms=BOTH) == ("allow", ["native", "native"])


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("oci", "type=oci,tar=false,dest={path}"),
        ("oci-archive", "type=oci,dest={path}"),
        ("docker-archive", "type=oci,dest={path}"),
    ],
)
async def test_what_a_file_lacks_is_built_into_the_file(laid, built, written, kind, told):
    path = laid("one") if kind == "oci" else written(tarred(layout_of((built["one"], None))))
    answer = await checked(f"{kind}:{path}", platforms=("linux/arm64",))
    [finding] = answer.report.findings
    assert finding.workload.source == "archive"
    assert (
        finding.verdict.fix.summary == "Build it for linux/arm64 too (it has linux/amd64 today), before it is pushed."
    )
    output = told.format(path=path)
    assert finding.verdict.fix.commands == (
        f"docker buildx build --platform linux/amd64,linux/arm64 --output {output} .",
    )


# ---------------------------------------------------------------- what it should not hold

HOSTILE = {
    "a name that leads outside": ((entry("../../etc/cron.d/x"), b"x"), "its entry ../../etc/cron.d/x leads outside"),
    "an absolute name": ((entry("/etc/passwd"), b"x"), "its entry /etc/passwd leads outside"),
    "a link that leads outside": (
        (entry("blobs/x", tarfile.SYMTYPE, "../../etc/shadow"), b""),
        "its entry blobs/x is a link to ../../etc/shadow",
    ),
    "an absolute link": ((entry("x", tarfile.SYMTYPE, "/etc/shadow"), b""), "its entry x is a link to /etc/shadow"),
    "a hard link that leads outside": ((entry("x", tarfile.LNKTYPE, "../y"), b""), "its entry x is a link to ../y"),
    "a device": ((entry("dev/sda", tarfile.BLKTYPE), b""), "its entry dev/sda is a device"),
    "a pipe": ((entry("pipe", tarfile.FIFOTYPE), b""), "its entry pipe is a named pipe"),
    "an entry twice": ((entry("index.json"), b"{}"), "its entry index.json is there twice"),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_what_an_archive_must_not_hold_is_refused_by_its_name(built, written, kind):
    more, why = HOSTILE[kind]
    answer = await checked(f"oci-archive:{written(tarred(layout_of((built['one'], None)), more))}")
    [finding] = answer.report.findings
    assert (str(answer.decision), str(finding.verdict.reason)) == ("hold", "image_malformed")
    assert why in finding.verdict.detail


def told(files, **changes):
    """The files with something else in the first descriptor of their index."""
    index = json.loads(files["index.json"])
    index["manifests"][0] |= changes
    return files | {"index.json": json.dumps(index).encode()}


LAYOUTS = {
    b'{"imageLayoutVersion": "1.0.0"}': "",
    b'{"imageLayoutVersion": "1.1.0"}': "oci-layout says 1.1.0: not every engine would load it",
    b"{}": "oci-layout says no version",
    b"1.0.0": "oci-layout: ",
    None: "the archive has no oci-layout",
}


@pytest.mark.system
async def test_a_layout_that_containerd_would_not_load_holds(built, written, containerd):
    """Skopeo and Podman load them all."""
    for number, (said_of_itself, why) in enumerate(LAYOUTS.items()):
        files = {**layout_of((built["one"], None)), "oci-layout": said_of_itself}
        path = written(tarred({name: body for name, body in files.items() if body is not None}))
        answer = await checked(f"oci-archive:{path}")
        containerd.ctr(
            "images", "import", "--no-unpack", "--digests", "--base-name", f"layout{number}", str(path), check=False
        )
        listed = containerd.ctr("images", "list", "-q")
        assert (f"layout{number}@" in listed) is (answer.decision == "allow") is (not why)
        assert why in answer.report.findings[0].verdict.detail


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": 1}, "image_malformed"),
        ({"size": 10**6}, "image_malformed"),
        ({"mediaType": "application/vnd.oci.image.index.v1+json"}, "image_ambiguous"),
    ],
)
async def test_a_document_that_is_not_what_the_index_says_of_it_is_refused(built, written, changes, reason):
    for name in ("one", "both"):
        if name == "one" or "size" in changes:
            path = written(tarred(told(layout_of((built[name], None)), **changes)))
            assert await said(f"oci-archive:{path}") == ("hold", [reason])


async def test_images_of_one_name_that_nothing_tells_apart_are_refused(built, tmp_path):
    notes = {REF_NAME: "1.4"}
    folder = unpacked(layout_of(*((image, notes) for image in built["both"].images)), tmp_path / "layout")
    assert await said(f"oci:{folder}:1.4", platforms=BOTH) == ("hold", ["image_ambiguous", "image_ambiguous"])


@pytest.mark.parametrize(("other", "decision"), [("amd64", "allow"), ("arm64", "hold")])
async def test_both_lists_of_what_an_engine_saved_must_lead_to_one_image(
    built, written, image_factory, elf_factory, other, decision
):
    files = {"app": File(elf_factory(other))}
    saved = image_factory.image(files, entrypoint=["/app"], architecture=other)
    both = layout_of((built["one"], None)) | saved_of(saved, [tar_of(files)], "shop/api:1.4")
    path = written(tarred(both))
    assert (await said(f"docker-archive:{path}"))[0] == decision
    assert (await said(f"oci-archive:{path}"))[0] == "allow"
    del both["oci-layout"]  # Podman still goes by index.json, older engines by manifest.json
    assert await said(f"docker-archive:{written(tarred(both))}") == ("hold", ["image_malformed"])


@pytest.mark.parametrize("name", ["1", "app:1", "2", "docker.io/library/other:2"])
async def test_of_two_images_that_a_newer_engine_saved_each_is_found_by_either_name(built, written, elf_factory, name):
    """Its index has a full name and a bare tag, its older list the short name: moby, image/tarexport."""
    images = {"app:1": built["one"], "other:2": built["both"].images[1]}
    notes = [(image, {IMAGE_NAME: f"docker.io/library/{of}", REF_NAME: of[-1]}) for of, image in images.items()]
    saved = [{"Config": blob_of(image.config), "RepoTags": [of]} for of, image in images.items()]
    path = written(tarred(layout_of(*notes) | {"manifest.json": json.dumps(saved).encode()}))
    assert (await said(f"docker-archive:{path}:{name}"))[0] == ("allow" if "1" in name else "deny")


@pytest.mark.parametrize(
    ("configs", "said_of_it"),
    [
        ({}, ("allow", ["native"])),
        ({f"config-{n}": bytes(3 << 20) for n in range(6)}, ("hold", ["image_too_complex"])),
        ({f"config-{n}": b"" for n in range(600)}, ("hold", ["image_too_complex"])),
    ],
    ids=["one", "too long", "too many"],
)
async def test_a_list_that_names_configs_again_and_again_costs_no_more_than_a_few_reads(
    built, written, monkeypatch, configs, said_of_it
):
    own = blob_of(built["one"].config)
    listed = [{"Config": name} for name in (own, *configs)] * 3
    path = written(tarred(layout_of((built["one"], None)) | configs | {"manifest.json": json.dumps(listed).encode()}))
    read = []
    whole = docker_save.whole
    monkeypatch.setattr(docker_save, "whole", lambda blobs, name, limit: read.append(name) or whole(blobs, name, limit))
    assert await said(f"docker-archive:{path}") == said_of_it
    assert read == ["manifest.json", own][: 1 if configs else 2]


@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
async def test_bytes_that_are_not_what_their_name_says_are_refused_by_it(built, written, part):
    image = built["one"]
    document = {"manifest": image.manifest, "config": image.config, "layer": image.layers[0]}[part]
    name = blob_of(document)
    files = layout_of((image, None)) | {name: document.body[:-1] + bytes([document.body[-1] ^ 1])}
    answer = await checked(f"oci-archive:{written(tarred(files))}")
    [finding] = answer.report.findings
    assert str(answer.decision) == "hold"
    assert finding.verdict.reason in ("image_digest_mismatch", "layer_unreadable"), finding.verdict.detail
    if part != "layer":
        assert name in finding.verdict.detail


async def test_a_layer_that_an_older_engine_saved_is_held_to_the_config(built, written, elf_factory):
    tar = tar_of({"app": File(elf_factory("amd64") + b"more")})
    files = saved_of(built["one"], [tar])
    answer = await checked(f"docker-archive:{written(tarred(files))}")
    assert str(answer.decision) == "hold"
    assert "holds other bytes" in answer.report.findings[0].verdict.detail


async def test_a_link_of_a_layout_that_leads_outside_is_refused_by_its_name(built, laid, tmp_path):
    folder = laid("one")
    name = f"blobs/sha256/{built['one'].config.digest.removeprefix('sha256:')}"
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    answer = await checked(f"oci:{folder}")
    assert f"{name}, which leads outside" in answer.report.findings[0].verdict.detail
    assert str(answer.decision) == "hold"


async def test_a_pipe_in_a_layout_is_not_waited_for(laid):
    folder = laid("one")
    (folder / "index.json").unlink()
    os.mkfifo(folder / "index.json")
    answer = await checked(f"oci:{folder}")
    assert "index.json, which is no regular file" in answer.report.findings[0].verdict.detail


@pytest.mark.parametrize(("pack", "name"), [(lzma.compress, "xz"), (bz2.compress, "bzip2")])
async def test_what_is_packed_otherwise_says_so(built, written, pack, name):
    answer = await checked(f"docker-archive:{written(pack(tarred(layout_of((built['one'], None)))))}")
    assert str(answer.decision) == "hold"
    assert f"it is packed with {name}: unpack it first" in answer.report.findings[0].verdict.detail


async def test_a_bomb_is_not_unpacked_to_its_end(written):
    path = written(gzip.compress(tarred({}, (entry("x"), bytes(200 << 20))), 9))
    answer = await checked(f"oci-archive:{path}")
    assert "times its size" in answer.report.findings[0].verdict.detail
    assert str(answer.decision) == "hold"


@pytest.mark.parametrize("kept", [100, 700, 5000])
async def test_an_archive_that_breaks_off_is_refused(built, written, kept):
    answer = await checked(f"oci-archive:{written(tarred(layout_of((built['both'], None)))[:kept])}")
    assert str(answer.decision) == "hold"
    assert "archive" in answer.report.findings[0].verdict.detail


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("oci:{folder}/nowhere", "is no folder"),
        ("oci-archive:{folder}/nowhere", "cannot be read: No such file"),
        ("oci-archive:{folder}", "is a folder; an OCI layout in a folder is oci:"),
        ("docker-archive:", "names no file"),
    ],
)
async def test_a_file_that_is_not_there_is_wrong_usage(tmp_path, text, why):
    with pytest.raises(UsageError, match=why):
        await checked(text.format(folder=tmp_path))
