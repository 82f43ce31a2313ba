"""`archscan image`, `archscan check` against the registry of the demonstration."""

from __future__ import annotations

import json

import pytest

from scanner import cli
from scanner.app import commands
from scanner.demo.fleet import stock
from scanner.demo.images import Shelf
from scanner.demo.registry import DemoRegistry
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf, Executable, FileKind, ImageFacts, Offer, Program
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.service.image import InspectedImage
from tests.app.archived import REF_NAME, layout_of, unpacked
from tests.real.images import File


@pytest.fixture
def registry(tmp_path):
    shelf = Shelf()
    stock(shelf)
    with DemoRegistry(shelf) as running:
        (tmp_path / "archscan.yml").write_text(f'registries: {{"{running.name}": {{plain_http: true}}}}')
        yield running.name


@pytest.fixture
def archscan(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*words):
        code = cli.run(commands.Application, lambda: "0", [*words, "--config", str(tmp_path / "archscan.yml")])
        return int(code), capsys.readouterr().out

    return run


def test_an_image_is_shown_down_to_each_binary(archscan, registry):
    code, shown = archscan("image", f"{registry}/shop/api:1.4")
    assert code == 0
    for platform in ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"):
        assert platform in shown
    assert shown.count("/bin/app: ELF linux/") == 4


def test_an_image_with_a_foreign_binary_is_a_finding(archscan, registry):
    code, shown = archscan("image", f"{registry}/edge/sensor:0.9")
    assert code == 1
    assert "not what the label linux/arm64 says" in shown


def test_all_binaries_lists_the_ones_that_differ_from_their_label(archscan, registry):
    code, shown = archscan("image", f"{registry}/edge/sensor:0.9", "--all-binaries")
    assert code == 1
    assert "1 files for another CPU than the image says, 1 of them on a way\n  /bin/app: ELF linux/amd64" in shown


def test_an_image_in_a_file_is_shown_as_one_of_a_registry_is(archscan, registry, tmp_path, image_factory, elf_factory):
    lies = image_factory.image({"app": File(elf_factory("amd64"))}, entrypoint=["/app"], architecture="arm64")
    folder = unpacked(layout_of((lies, {REF_NAME: "1.4"})), tmp_path / "layout")
    code, shown = archscan("image", f"oci:{folder}:1.4")
    assert (code, "/app: ELF linux/amd64" in shown, "not what the label linux/arm64 says" in shown) == (1, True, True)
    code, shown = archscan("image", f"oci:{folder}:1.5", "--format", "json")
    assert (code, json.loads(shown)["facts"]["reason"]) == (3, "image_not_found")
    code, shown = archscan("image", f"oci:{folder}:1.5")
    assert (code, "Name one of the images in the file behind its path" in shown, "registry" in shown) == (
        3,
        True,
        False,
    )


def test_an_image_as_json_holds_every_offer_with_its_program(archscan, registry):
    code, shown = archscan("image", f"{registry}/shop/cron:1.1", "--format", "json")
    [offer] = json.loads(shown)["facts"]["offers"]
    assert (code, offer["program"]["problem"]["reason"]) == (1, "crlf_shebang")


def test_a_missing_image_says_why_and_what_to_do(archscan, registry):
    code, shown = archscan("image", f"{registry}/shop/retired:1")
    assert code == 3
    assert "image_tag_missing" in shown
    assert "correct the reference or push it" in shown


def test_an_unlisted_registry_on_loopback_is_never_asked(archscan, registry):
    code, shown = archscan("image", "127.0.0.1:1/x:1")
    assert code == 3
    assert "image_not_allowed" in shown
    assert 'below registries: in archscan.yml  "127.0.0.1:1": {plain_http: true}' in shown


@pytest.mark.parametrize(
    ("image", "platform", "code", "decision"),
    [
        ("shop/api:1.4", "linux/s390x", 0, "allow"),
        ("shop/api:1.4", "linux/riscv64", 1, "deny"),
        ("edge/sensor:0.9", "linux/arm64", 1, "deny"),
        ("edge/sensor:0.9", "linux/amd64", 0, "allow"),
        ("shop/retired:1", "linux/amd64", 3, "hold"),
    ],
)
def test_the_gate_decides_for_a_plain_platform(archscan, registry, image, platform, code, decision):
    left, shown = archscan("check", f"{registry}/{image}", "--platform", platform, "--format", "json")
    assert (left, json.loads(shown)["decision"]) == (code, decision)


def test_the_gate_takes_the_worst_of_several_platforms(archscan, registry):
    code, shown = archscan(
        "check", f"{registry}/edge/sensor:0.9", "--platform", "amd64", "--platform", "arm64", "--format", "json"
    )
    document = json.loads(shown)
    assert (code, document["decision"]) == (1, "deny")
    assert sorted(host["name"] for host in document["hosts"]) == ["linux/amd64", "linux/arm64"]


# ---------------------------------------------------------------- what the exit code rests on

AMD64 = Platform("linux", "amd64")
APP = Program(("/app",), (Executable("/app", "entrypoint", FileKind.ELF, Elf(62, 64, "little", AMD64)),))


@pytest.mark.parametrize(
    ("offers", "code"),
    [
        ([Offer("sha256:a", AMD64, AMD64, program=APP)], 0),
        ([Offer("sha256:a", None, Platform("linux", "x86_64"), program=APP)], 0),  # another spelling of the same
        ([Offer("sha256:a", None, Platform("linux", "arm64"), program=APP)], 1),
        ([], 3),
        ([Offer("sha256:a", AMD64, None, program=APP)], 3),
        ([Offer("sha256:a", AMD64, AMD64)], 3),
        ([Offer("sha256:a", AMD64, Failure(Reason.IMAGE_MALFORMED), program=APP)], 3),
        ([Offer("sha256:a", AMD64, AMD64, program=Program(("/app",), (), Failure(Reason.LAYER_LIMIT)))], 3),
    ],
)
def test_an_image_is_right_only_if_every_offer_was_opened(offers, code, capsys):
    class Operations:
        async def image(self, *_, **__):
            return InspectedImage(ImageFacts("r.example/app:1", "sha256:f", is_index=True, offers=tuple(offers)), {})

    assert cli.run(Operations, lambda: "0", ["image", "r.example/app:1"]) == code
