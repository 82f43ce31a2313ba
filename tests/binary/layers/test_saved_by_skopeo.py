"""Archives as a real tool writes them."""

import hashlib
import json
import subprocess

import pytest

from scanner.binary.layers.archive import inspect_archive

OCI = "application/vnd.oci.image"


async def pieces(path):
    with path.open("rb") as file:
        while piece := file.read(65536):
            yield piece


def layout(root, build, layers):
    """An OCI layout on disk, complete enough for a tool that checks it."""

    def blob(raw, media_type):
        digest = hashlib.sha256(raw).hexdigest()
        path = root / "blobs" / "sha256" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(raw)}

    config = {
        "architecture": "arm64",
        "os": "linux",
        "config": {"Entrypoint": ["/app"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(raw).hexdigest()}" for raw in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), f"{OCI}.config.v1+json"),
        "layers": [blob(build.pack["gzip"](raw), f"{OCI}.layer.v1.tar+gzip") for raw in layers],
    }
    entry = blob(json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json")
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


@pytest.mark.system
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
async def test_what_skopeo_saves_is_read(build, tmp_path, form, require):
    skopeo = require("skopeo", "skopeo")
    base = build.tar([("bin/tool", build.elf()), ("app", b"#!/bin/tool\n")])
    layout(tmp_path / "image", build, [base, build.tar([("app", build.elf(machine=183))])])
    target = tmp_path / "saved.tar"
    copy = [skopeo, "--insecure-policy", "--override-arch", "arm64", "copy", "-q"]
    subprocess.run([*copy, f"oci:{tmp_path}/image", f"{form}:{target}:app:1"], check=True, capture_output=True)
    program = await inspect_archive(pieces(target))
    assert program.problem is None
    assert [step.elf.needs.architecture for step in program.chain] == ["arm64"]
