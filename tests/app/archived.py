"""Images laid out as files: OCI layouts, archives, what older engines' `docker save` makes of them."""

from __future__ import annotations

import io
import json
import tarfile

from scanner.app import gate_command
from scanner.app.adapters import AdapterContext
from scanner.cli.operations import CheckOptions
from scanner.scan.scan import silent
from scanner.settings.schema import Settings
from tests.real.images import Index, digest_of

REF_NAME, IMAGE_NAME = "org.opencontainers.image.ref.name", "io.containerd.image.name"


def documents_of(what):
    """Every blob by its name in a layout."""
    images = what.images if isinstance(what, Index) else (what,)
    made = [what.manifest, *(one for image in images for one in (image.manifest, image.config, *image.layers))]
    return {blob_of(one): one.body for one in made}


def blob_of(document):
    """Its name in a layout."""
    return f"blobs/sha256/{document.digest.removeprefix('sha256:')}"


def layout_of(*named):
    """The files of an OCI layout of images, each with its annotations."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    entries = []
    for what, notes in named:
        files |= documents_of(what)
        entries.append(what.manifest.descriptor | ({"annotations": notes} if notes else {}))
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    return files


def saved_of(image, tars, *tags, **changes):
    """The files of `docker save` before Docker 25: a config, a folder for each layer, manifest.json."""
    config = f"{image.config.digest.removeprefix('sha256:')}.json"
    layers = [f"{digest_of(tar).removeprefix('sha256:')}/layer.tar" for tar in tars]
    entry = {"Config": config, "RepoTags": list(tags) or None, "Layers": layers} | changes
    return {config: image.config.body, "manifest.json": json.dumps([entry]).encode()} | dict(
        zip(layers, tars, strict=True)
    )


def tarred(files, *more):
    """A tar of files, then of further entries as they are."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
        for entry, body in more:
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body) if body else None)
    return sink.getvalue()


def entry(name, kind=tarfile.REGTYPE, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def unpacked(files, folder):
    """The files on the disk."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


async def checked(*images, platforms=("linux/amd64",), settings=None, **more):
    asked = CheckOptions(images=tuple(map(str, images)), platforms=tuple(platforms), **more)
    return await gate_command.check(settings or Settings(), asked, AdapterContext("0"), silent)


async def said(*images, **more):
    """The decision, with the reason for each platform."""
    answer = await checked(*images, **more)
    return str(answer.decision), [str(finding.verdict.reason) for finding in answer.report.findings]
