"""Kinds of images by how their layers make a file system."""

from __future__ import annotations

import subprocess

from tests.real.images import File, Image, digest_of, tar_of
from tests.system.truth.build import PLAIN_TAR, ZSTD_TAR, Kind, Stored, Tree, entries, gzipped, plain, stored
from tests.system.truth.programs import FOREIGN, NATIVE


def _links(count: int) -> Image:
    """So many symbolic links between the name and the program."""
    tree = {f"l{n}": File(link=f"l{n + 1}") for n in range(count - 1)}
    return plain({**tree, f"l{count - 1}": File(link="program"), "program": NATIVE}, argv=["/l0"])


def _packed_by_zstd(tree: Tree) -> Stored:
    """A layer that no other kind has: an engine does not unpack twice what it has."""
    tar = tar_of({**tree, "zstd": b""})
    packed = subprocess.run(["zstd", "-q", "-c"], input=tar, capture_output=True, check=True).stdout
    return Stored(ZSTD_TAR, packed, digest_of(tar))


def _many_layers() -> Image:
    return plain({"app": FOREIGN}, *({f"file-{n}": b"x"} for n in range(20)), {"app": NATIVE})


def _at(name: str) -> Image:
    return plain({name: NATIVE}, argv=["/" + name])


def _below(tree: Tree, *above: Tree) -> Image:
    return plain(tree, *above, argv=["/opt/bin/app"])


_APP: Tree = {"opt/bin/app": NATIVE}

KINDS = (
    Kind("symlink-absolute", lambda: plain({"app": File(link="/srv/program"), "srv/program": NATIVE}), "native"),
    Kind("symlink-relative", lambda: plain({"app": File(link="srv/program"), "srv/program": NATIVE}), "native"),
    Kind("symlink-with-parents", lambda: plain({"a/app": File(link="../../../srv/program"), "srv/program": NATIVE}, argv=["/a/app"]), "native"),
    Kind("symlink-to-foreign", lambda: plain({"app": File(link="/srv/program"), "srv/program": FOREIGN}), "wrong_binary"),
    Kind("symlink-dangling", lambda: plain({"app": File(link="/nowhere")}), "entrypoint_missing"),
    Kind("symlink-loop", lambda: plain({"app": File(link="b"), "b": File(link="app")}), "symlink_loop"),
    Kind("symlink-to-itself", lambda: plain({"app": File(link="app")}), "symlink_loop"),
    Kind("symlink-chain-40", lambda: _links(40), "native"),
    Kind("symlink-chain-41", lambda: _links(41), "symlink_loop"),
    Kind("symlinked-parent", lambda: plain({"bin": File(link="usr/bin"), "usr/bin/app": NATIVE}, argv=["/bin/app"]), "native"),
    Kind("merged-usr-across-layers", lambda: plain({"bin": File(link="usr/bin"), "usr/bin/other": b""}, {"usr/bin/app": NATIVE}, argv=["/bin/app"]), "native"),
    Kind("written-through-a-symlinked-parent", lambda: plain({"bin": File(link="usr/bin"), "usr/bin/app": FOREIGN}, {"bin/app": NATIVE}, argv=["/usr/bin/app"]), "wrong_binary", overlay=True),
    Kind("target-replaced-above", lambda: plain({"app": File(link="program"), "program": FOREIGN}, {"program": NATIVE}), "native"),
    Kind("hard-link", lambda: plain({"program": NATIVE, "app": File(hard="program")}), "native"),
    Kind("hard-link-to-foreign", lambda: plain({"program": FOREIGN, "app": File(hard="program")}), "wrong_binary"),
    Kind("hard-link-gives-an-execute-bit", lambda: plain({"program": File(NATIVE, mode=0o644), "app": File(hard="program")}), "binary_unknown"),
    Kind("hard-link-takes-the-execute-bit", lambda: plain({"program": NATIVE, "app": File(hard="program", mode=0o644)}, argv=["/program"]), "entrypoint_not_executable"),
    Kind("hard-link-to-symlink", lambda: plain({"program": NATIVE, "link": File(link="program"), "app": File(hard="link")}), "native"),
    Kind("replaced-above", lambda: plain({"app": FOREIGN}, {"app": NATIVE}), "native"),
    Kind("replaced-by-foreign", lambda: plain({"app": NATIVE}, {"app": FOREIGN}), "wrong_binary"),
    Kind("whiteout", lambda: plain({"app": NATIVE}, {".wh.app": b""}), "entrypoint_missing"),
    Kind("whiteout-then-back", lambda: plain({"app": FOREIGN}, {".wh.app": b""}, {"app": NATIVE}), "native"),
    Kind("whiteout-of-a-parent", lambda: _below(_APP, {".wh.opt": b""}), "entrypoint_missing"),
    Kind("whiteout-of-a-parent-then-back", lambda: _below({"opt/bin/app": FOREIGN}, {".wh.opt": b""}, _APP), "native"),
    Kind("whiteout-then-below", lambda: stored(gzipped(tar_of({"d/x": b"x", "app": NATIVE})), gzipped(entries((".wh.d", b""), ("d/y", b""))))),
    Kind("whiteout-then-directory", lambda: stored(gzipped(tar_of({"d/x": b"x", "app": NATIVE})), gzipped(tar_of({".wh.d": b"", "d": File(folder=True), "d/y": b"y"})))),
    Kind("opaque", lambda: _below(_APP, {"opt/bin/.wh..wh..opq": b"", "opt/bin/other": b""}), "entrypoint_missing"),
    Kind("opaque-parent", lambda: _below(_APP, {"opt/.wh..wh..opq": b"", "opt/bin/other": b""}), "entrypoint_missing"),
    Kind("opaque-with-it", lambda: _below({"opt/bin/app": FOREIGN}, {"opt/bin/.wh..wh..opq": b"", "opt/bin/app": NATIVE}), "native"),
    Kind("directory-replaced-by-file", lambda: _below(_APP, {"opt/bin": b"x"}), "entrypoint_missing"),
    Kind("directory-replaced-by-symlink", lambda: _below({"opt/bin/app": FOREIGN, "srv/app": NATIVE}, {"opt/bin": File(link="/srv")}), "native"),
    Kind("file-replaced-by-directory", lambda: plain({"app": NATIVE}, {"app": File(folder=True)}), "entrypoint_directory"),
    Kind("symlink-replaced-by-directory", lambda: _below({"opt/bin": File(link="/srv"), "srv/app": FOREIGN}, {"opt/bin": File(folder=True), **_APP}), "native"),
    Kind("mode-changed-above", lambda: plain({"app": NATIVE}, {"app": File(NATIVE, mode=0o644)}), "entrypoint_not_executable"),
    Kind("twice-in-a-layer", lambda: stored(gzipped(entries(("app", FOREIGN), ("app", NATIVE)))), "layer_unreadable"),
    Kind("twice-in-a-layer-wrong-last", lambda: stored(gzipped(entries(("app", NATIVE), ("./app", FOREIGN)))), "wrong_binary"),
    Kind("names-with-a-dot-in-front", lambda: stored(gzipped(entries(("./app", NATIVE)))), "native"),
    Kind("names-with-a-slash-in-front", lambda: stored(gzipped(entries(("/app", NATIVE)))), "native"),
    Kind("name-with-blanks", lambda: _at("my app"), "native"),
    Kind("name-beyond-ascii", lambda: _at("prögramm-\u4e16\u754c"), "native"),
    Kind("name-with-newline", lambda: _at("new\nline"), "native"),
    Kind("name-of-200-bytes", lambda: _at("d" * 100 + "/" + "n" * 200), "native"),
    Kind("many-layers", _many_layers, "native"),
    Kind("layer-plain", lambda: stored(Stored(PLAIN_TAR, tar_of({"app": NATIVE}), digest_of(tar_of({"app": NATIVE})))), "native"),
    Kind("layer-zstd", lambda: stored(_packed_by_zstd({"app": NATIVE})), "layer_unreadable", podman="native"),
    Kind("layer-zstd-foreign", lambda: stored(_packed_by_zstd({"app": FOREIGN})), "wrong_binary"),
    Kind("layer-empty-above", lambda: plain({"app": NATIVE}, {}), "native"),
)  # fmt: skip
