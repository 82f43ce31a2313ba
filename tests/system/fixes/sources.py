"""Sources of images with one fault each, with what a person changes who does what the finding's fix says."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.real.elf import BASE, executable
from tests.real.images import OCI, Document, Image, ImageFactory, Index
from tests.system.truth.programs import debian, with_header

NATIVE, FOREIGN = executable("amd64"), executable("arm64")
SCRIPT = b"#!/bin/sh\necho hello\n"
"""Nothing is started here, so that any program of the right CPU will do as its shell."""

ALONE = 'FROM scratch\nCOPY app /app\nENTRYPOINT ["/app"]\n'
WITH_SHELL = 'FROM scratch\nCOPY sh /bin/sh\nCOPY app /app\nENTRYPOINT ["/app"]\n'
PER_TARGET = 'FROM scratch\nARG TARGETARCH\nCOPY app-$TARGETARCH /app\nENTRYPOINT ["/app"]\n'
LONG = "/" + "d" * 100 + "/" + "e" * 100 + "/" + "f" * 60


@dataclass(frozen=True)
class Sources:
    """A folder that an image is built from.

    ``files`` are its bytes by name, those in ``plain`` without an execute bit. ``edits`` are what its owner writes after
    reading the fix's summary, where the fix has no command for it. ``platforms`` are what it was built for at first.
    ``found`` is what the registry has instead of what these files would make: an image by its tag, or nothing. Of what it
    has it then loses the blobs of ``lost``, and gives other bytes for those of ``spoilt``.
    """

    reason: str
    files: Mapping[str, bytes | str]
    edits: Mapping[str, bytes | str] = field(default_factory=dict)
    plain: tuple[str, ...] = ()
    platforms: str = "linux/amd64"
    found: Mapping[str, Image | Index] | None = None
    lost: tuple[str, ...] = ()
    spoilt: tuple[str, ...] = ()

    @property
    def is_typed(self) -> bool:
        """Whether commands alone mend it."""
        return not self.edits

    def write(self, folder: Path) -> None:
        """The folder as it was when the image was built."""
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            _write(folder / name, content)
            if name in self.plain:
                (folder / name).chmod(0o644)

    def edit(self, folder: Path) -> None:
        """What a person changes."""
        for name, content in self.edits.items():
            _write(folder / name, content)


def _write(path: Path, content: bytes | str) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o755)


def _script(reason: str, script: bytes, **more: object) -> Sources:
    return Sources(reason, {"Dockerfile": WITH_SHELL, "sh": NATIVE, "app": script}, **more)


def _program(reason: str, broken: bytes, dockerfile: str = ALONE) -> Sources:
    return Sources(reason, {"Dockerfile": dockerfile, "app": broken}, {"app": NATIVE})


def _process(reason: str, line: str, mended: str) -> Sources:
    """An image whose Dockerfile says something else than it should."""
    dockerfile = f'FROM scratch\nCOPY app /app\n{line}\nENTRYPOINT ["/app"]\n'
    return Sources(
        reason, {"Dockerfile": dockerfile, "app": NATIVE}, {"Dockerfile": dockerfile.replace(line, mended, 1)}
    )


def _published(reason: str, **found: Image | Index) -> Sources:
    """Sound sources; by tag what was published in their place. No fault is left in what they make anew."""
    return Sources(
        reason, {"Dockerfile": ALONE, "app": NATIVE}, found={tag.lstrip("_"): what for tag, what in found.items()}
    )


def _image(**more: object) -> Image:
    return ImageFactory.image({"app": ImageFactory.File(NATIVE, 0o755)}, entrypoint=["/app"], **more)


def _configured(**more: object) -> Image:
    return _image(config={"config": {"Entrypoint": ["/app"], **more}})


def _made_of(*, config: bytes | None = None, layer: bytes | None = None, layers: int = 1) -> Image:
    """An image with a config, a layer of these bytes, or its layer that many times."""
    sound = _image()
    blobs = sound.layers if layer is None else (Document(OCI["layer"], layer),)
    told = sound.config if config is None else Document(OCI["config"], config)
    manifest = {
        "schemaVersion": 2, "mediaType": OCI["manifest"], "config": told.descriptor,
        "layers": [blob.descriptor for blob in blobs] * layers,
    }  # fmt: skip
    return replace(sound, manifest=Document(OCI["manifest"], json.dumps(manifest).encode()), config=told, layers=blobs)


def _with(files: Mapping[str, bytes | ImageFactory.File], **more: object) -> Image:
    return ImageFactory.image(files, **{"entrypoint": ["/app"], **more})


def _of_halves(base: Mapping[str, bytes], **more: object) -> Index:
    """Images for two CPUs that stand on one base layer."""
    halves = (("amd64", NATIVE), ("arm64", FOREIGN))
    return ImageFactory.index(
        *(ImageFactory.image(base, {"app": program}, entrypoint=["/app"], architecture=cpu, **more) for cpu, program in halves)
    )  # fmt: skip


def _for_smaller_pages() -> bytes:
    """A program whose segment lies in its file as no kernel with pages of 4 KiB can map it."""
    program = bytearray(NATIVE)
    struct.pack_into("<QQ", program, 80, BASE + 0x400, BASE + 0x400)
    return bytes(program)


DECIDES = b'#!/bin/sh\nexec "$(cat /run/choice)"\n'
SPOILT = _image(config={"author": "somebody"})


MENDED = {
    "digest": replace(_published("image_digest_mismatch", _1=SPOILT), spoilt=(SPOILT.config.digest,)),
    "refused": _published("image_refused", _1=_image(config={"author": 5})),
    "permission": _published("permission_denied", _1=_with(
        {"bin/sh": NATIVE, "app": ImageFactory.File(SCRIPT, 0o711)}, config={"config": {"Entrypoint": ["/app"], "User": "1000"}})),
    "smaller-pages": _published("page_size_unsupported", _1=_with({"app": _for_smaller_pages()})),
    "library": _published("wrong_library", _1=_with(
        {path: with_header(body, machine=183) if path.endswith("/libc.so.6") and isinstance(body, bytes) else body
         for path, body in debian().items()}, entrypoint=["/bin/sh"])),
    "healthcheck": _published("healthcheck_wrong_binary", _1=_with(
        {"app": NATIVE, "check": FOREIGN}, config={"config": {"Entrypoint": ["/app"], "Healthcheck": {"Test": ["CMD", "/check"]}}})),
    "userland": _published("foreign_userland", _1=_of_halves({"usr/bin/tool": FOREIGN})),
    "binaries": _published("foreign_binaries", _1=_with(
        {"bin/sh": NATIVE, "usr/bin/cat": NATIVE, "app": DECIDES, "opt/server": FOREIGN})),
    "tag-missing": _published("image_tag_missing", other=_image()),
    "no-platforms": _published("image_refused", _1=ImageFactory.index()),
    "mislabelled": _published("mislabelled", _1=_image(architecture="arm64")),
    "config-disagrees": _published(
        "config_disagrees",
        _1=ImageFactory.index(_image(architecture="arm64"), platforms=[{"os": "linux", "architecture": "amd64"}])),
    "workdir": _published("workdir_invalid", _1=_configured(WorkingDir="/app")),
    "environment": _published("environment_invalid", _1=_configured(Env=["=x"])),
    "arch-unknown": _published("image_arch_unknown", _1=_image(architecture="vax")),
    "malformed": _published("image_malformed", _1=_made_of(config=b"no JSON")),
    "ambiguous": _published("image_ambiguous", _1=_made_of(config=_image().config.body.replace(b"{", b'{"os":"plan9",', 1))),
    "too-complex": _published("image_too_complex", _1=_made_of(layers=257)),
    "too-large": _published("image_too_large", _1=_made_of(config=_image().config.body + b" " * (4 << 20))),
    "layer-unreadable": _published("layer_unreadable", _1=_made_of(layer=b"no archive")),
    "layer-missing": replace(_published("layer_missing", _1=_image()), lost=(_image().layers[0].digest,)),
    "crlf": _script("crlf_shebang", SCRIPT.replace(b"\n", b"\r\n")),
    "bom": _script("bom_shebang", b"\xef\xbb\xbf" + SCRIPT),
    "utf16": _script("utf16_shebang", SCRIPT.decode().replace("\n", "\r\n").encode("utf-16")),
    "no-shebang": _script("no_shebang", b"\n" + SCRIPT),
    "not-executable": _script("entrypoint_not_executable", SCRIPT, plain=("app",)),
    "interpreter-missing": _script("interpreter_missing", b"#!/bin/bash\n", edits={"app": SCRIPT}),
    "interpreter-not-executable": _script(
        "interpreter_not_executable", SCRIPT, plain=("sh",),
        edits={"Dockerfile": WITH_SHELL.replace("COPY sh", "COPY --chmod=0755 sh")}),
    "interpreter-foreign": Sources(
        "wrong_interpreter", {"Dockerfile": WITH_SHELL, "sh": FOREIGN, "app": SCRIPT}, {"sh": NATIVE}),
    "shebang-too-long": _script("shebang_too_long", f"#!{LONG}\n".encode(), edits={"app": SCRIPT}),
    "shebang-too-deep": Sources(
        "shebang_too_deep",
        {"Dockerfile": 'FROM scratch\nCOPY . /\nENTRYPOINT ["/s0"]\n', "sh": NATIVE, "s9": "#!/sh\n",
         **{f"s{n}": f"#!/s{n + 1}\n" for n in range(9)}},
        {"s0": "#!/sh\n"}),
    "platform-missing": Sources(
        "platform_missing", {"Dockerfile": PER_TARGET, "app-amd64": NATIVE, "app-arm64": FOREIGN}, platforms="linux/arm64"),
    "one-binary-for-all": Sources(
        "wrong_binary", {"Dockerfile": ALONE, "app": FOREIGN, "app-amd64": NATIVE, "app-arm64": FOREIGN},
        {"Dockerfile": PER_TARGET}, platforms="linux/amd64,linux/arm64"),
    "foreign-loader": Sources(
        "wrong_loader",
        {"Dockerfile": ALONE.replace("ENTRYPOINT", "COPY ld /lib/ld\nENTRYPOINT"), "ld": FOREIGN,
         "app": executable("amd64", interpreter="/lib/ld")},
        {"app": NATIVE}),
    "loader-missing": _program("loader_missing", executable("amd64", interpreter="/lib64/ld-linux-x86-64.so.2")),
    "loader-invalid": Sources(
        "loader_invalid",
        {"Dockerfile": ALONE.replace("ENTRYPOINT", "COPY ld /lib/ld\nENTRYPOINT"), "ld": b"no loader",
         "app": executable("amd64", interpreter="/lib/ld")},
        {"app": NATIVE}),
    "missing": Sources(
        "entrypoint_missing", {"Dockerfile": ALONE.replace('["/app"]', '["/srv/app"]'), "app": NATIVE}, {"Dockerfile": ALONE}),
    "directory": Sources(
        "entrypoint_directory", {"Dockerfile": ALONE.replace("/app\n", "/app/app\n"), "app": NATIVE},
        {"Dockerfile": ALONE}),
    "empty": _program("entrypoint_empty", b""),
    "cut": _program("entrypoint_truncated", NATIVE[:30]),
    "no-program": _program("not_a_program", b"\x7fELF" + bytes(200)),
    "no-command": Sources(
        "no_command", {"Dockerfile": "FROM scratch\nCOPY app /app\n", "app": NATIVE}, {"Dockerfile": ALONE}),
    "no-user": _process("user_missing", "USER app", "USER 1000"),
}  # fmt: skip
"""By the name of its repository."""


def bake_file(builds: Mapping[str, Mapping[str, object]]) -> str:
    """Builds for ``docker buildx bake``: one process for all, each with what its own command says."""
    return json.dumps({"group": {"default": {"targets": list(builds)}}, "target": builds})
