"""Manifests and configs: what each document proves, what is refused."""

import base64
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Process
from scanner.domain.failure import Failure
from scanner.domain.platform.platform import Platform, normalize
from scanner.domain.platform.platform import parse as parse_platform
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import read_object
from scanner.registry.documents.image_config import ImageConfig, read_config
from scanner.registry.documents.manifest import MAX_ENTRIES, Index, Manifest, read_manifest
from scanner.registry.documents.media_types import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)
from tests.rows import each_row

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/manifest_cases.json").read_text())
A, B, C, D = (f"sha256:{letter * 64}" for letter in "abcd")
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def _bytes(document):
    return json.dumps(document).encode()


def _entry(digest=A, os="linux", arch="amd64", **more):
    return {"mediaType": OCI_MANIFEST, "digest": digest, "size": 1, "platform": {"os": os, "architecture": arch}} | more


def _index(*entries, **more):
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)} | more


def _manifest(**more):
    config = {"mediaType": OCI_CONFIG, "digest": C, "size": 5}
    layers = [{"mediaType": LAYER, "digest": D, "size": 7}]
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers} | more


def _reason(found):
    return found.reason if isinstance(found, Failure) else found


@each_row("case", CASES, ids=lambda case: case["name"])
def test_a_document_proves_what_the_vectors_say(case):
    expect, body = case["expect"], _bytes(case["document"])
    if case["name"].startswith("config-"):
        found = read_config(body)
        expected = expect["platform"] and normalize(parse_platform(expect["platform"]))
        platform = found.platform if isinstance(found, ImageConfig) else found
        is_whole = isinstance(platform, Platform) and platform.os and platform.architecture
        assert (normalize(platform) if is_whole else None) == expected
        return
    found = read_manifest(body, case["content_type"])
    if expect.get("error") == "mixed":
        assert _reason(found) is Reason.IMAGE_AMBIGUOUS
    elif expect.get("kind") == "image":
        assert isinstance(found, Manifest)
        assert [found.config.digest] == expect["need_config"]
    else:
        assert isinstance(found, Index)
        named = [normalize(entry.platform) for entry in found.entries if entry.platform]
        assert named == [normalize(parse_platform(text)) for text in expect["platforms"]]
        assert list(found.ignored) == expect.get("ignored", [])
        assert [e.digest for e in found.entries if e.platform is None] == expect.get("need_config", [])


def test_an_entry_keeps_the_platform_as_it_is_written():
    platform = {"os": "windows", "architecture": "X86_64", "os.version": "10.0.20348.1", "os.features": ["win32k"]}
    found = read_manifest(_bytes(_index(_entry(platform=platform))))
    assert found.entries[0].platform == Platform("windows", "X86_64", "", "10.0.20348.1", ("win32k",))


IGNORED = [
    _entry(os="unknown", arch="unknown"),
    _entry(arch="unknown"),
    _entry(annotations={"vnd.docker.reference.type": "attestation-manifest"}, platform=None),
    _entry(annotations={"vnd.docker.reference.type": "something-new"}, platform=None),
    _entry(artifactType="application/vnd.dev.cosign.artifact.sig.v1+json", platform=None),
    _entry(mediaType="application/vnd.in-toto+json", platform=None),
]


@pytest.mark.parametrize("entry", IGNORED, ids=range(len(IGNORED)))
def test_an_entry_that_is_no_image_is_left_out(entry):
    found = read_manifest(_bytes(_index(entry, _entry(B))))
    assert ([e.digest for e in found.entries], list(found.ignored)) == ([B], [A])


TAKEN = [
    _entry(annotations={"vnd.docker.reference.type": "attestation-manifest"}),
    _entry(artifactType="application/vnd.docker.attestation.manifest.v1+json"),
    _entry(mediaType="application/vnd.in-toto+json"),
    _entry(mediaType="application/vnd.docker.distribution.manifest.v1+prettyjws"),
]


@pytest.mark.parametrize("entry", TAKEN, ids=range(len(TAKEN)))
def test_an_entry_that_names_a_platform_counts_whatever_else_it_says_of_itself(entry):
    """Every engine takes it by its platform."""
    assert [e.digest for e in read_manifest(_bytes(_index(entry, _entry(B)))).entries] == [A, B]


@pytest.mark.parametrize(
    ("entry", "is_doubtful"), [(_entry(os="unknown"), False), *((each, True) for each in IGNORED[2:])]
)
def test_an_entry_that_is_left_out_is_in_doubt_where_it_names_no_platform(entry, is_doubtful):
    assert read_manifest(_bytes(_index(entry))).is_doubtful == is_doubtful


def test_an_entry_without_platform_says_nothing():
    assert read_manifest(_bytes(_index(_entry(platform=None)))).entries[0].platform is None


@pytest.mark.parametrize(
    ("platform", "read"),
    [
        ({}, Platform("", "")),
        ({"os": "linux"}, Platform("linux", "")),
        ({"architecture": "amd64"}, Platform("", "amd64")),
        ({"os": "", "architecture": ""}, Platform("", "")),
    ],
)
def test_half_a_platform_stays_as_it_is_written_for_engines_tell_it_from_none(platform, read):
    assert read_manifest(_bytes(_index(_entry(platform=platform)))).entries[0].platform == read


def test_an_image_entry_may_carry_an_artifact_type():
    found = read_manifest(_bytes(_index(_entry(artifactType=OCI_CONFIG), _entry(B, artifactType="application/x"))))
    assert [e.digest for e in found.entries] == [A, B]


def test_a_manifest_tells_its_config_and_layers_lowest_first():
    foreign = {"mediaType": LAYER.replace("layer.", "layer.nondistributable."), "digest": A, "size": 1}
    urls = {"mediaType": LAYER, "digest": B, "size": 2, "urls": ["https://elsewhere.example/x"]}
    found = read_manifest(_bytes(_manifest(layers=[foreign, urls, {"mediaType": LAYER, "digest": D, "size": 7}])))
    assert found.config.digest == C
    assert [(layer.digest, layer.size, layer.foreign) for layer in found.layers] == [
        (A, 1, True),
        (B, 2, True),
        (D, 7, False),
    ]


def test_one_layer_that_is_one_makes_a_manifest_an_image():
    statement = {"mediaType": "application/vnd.in-toto+json", "digest": A, "size": 1}
    found = read_manifest(_bytes(_manifest(layers=[statement, {"mediaType": LAYER, "digest": D, "size": 7}])))
    assert [layer.digest for layer in found.layers] == [A, D]


EMPTY_CONFIG, HELM_CONFIG = "application/vnd.oci.empty.v1+json", "application/vnd.cncf.helm.config.v1+json"
ODD, LOOSE = Condition.LAYER_TYPE_ODD, Condition.LAYER_TYPE_LOOSE


@pytest.mark.parametrize(
    ("config", "layers", "conditions", "is_artifact"),
    [
        (OCI_CONFIG, [LAYER], [], False),
        (OCI_CONFIG, [], [], False),
        (HELM_CONFIG, ["application/vnd.cncf.helm.chart.content.v1.tar+gzip"], [Condition.CONFIG_TYPE_ODD, ODD], True),
        (HELM_CONFIG, [LAYER], [Condition.CONFIG_TYPE_ODD], False),
        (EMPTY_CONFIG, [], [Condition.CONFIG_TYPE_ODD], True),
        (OCI_CONFIG, ["application/vnd.dev.cosign.simplesigning.v1+json"], [ODD], True),
        (OCI_CONFIG, ["text/plain", LAYER], [ODD], False),
        (OCI_CONFIG, [LAYER, "application/octet-stream"], [LOOSE], False),
        (OCI_CONFIG, [LAYER, ""], [LOOSE], False),
        (OCI_CONFIG, [LAYER.upper()], [LOOSE], True),
        (DOCKER_CONFIG, [LAYER], [Condition.CONFIG_TYPE_MIXED], False),
    ],
)
def test_types_that_are_no_image_s_are_objections_for_engines_differ(config, layers, conditions, is_artifact):
    entries = [{"mediaType": each, "digest": D, "size": 7} for each in layers]
    found = read_manifest(_bytes(_manifest(config={"mediaType": config, "digest": C, "size": 2}, layers=entries)))
    assert ([each.condition for each in found.objections], found.is_artifact) == (conditions, is_artifact)


def test_inline_content_is_decoded():
    config = {"mediaType": OCI_CONFIG, "digest": C, "size": 2, "data": base64.b64encode(b"{}").decode()}
    assert read_manifest(_bytes(_manifest(config=config))).config.inline == b"{}"


SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCUMENTS = [
    # id, document, Content-Type, announced, expected
    ("no-media-type", {"manifests": [_entry()]}, "", "", Index),
    ("oci-index", _index(_entry()), OCI_INDEX, "", Index),
    ("parameters", _index(_entry()), OCI_INDEX + "; charset=utf-8", "", Index),
    ("upper-case", _index(_entry()), OCI_INDEX.upper(), "", Index),
    ("generic-text", _index(_entry()), "text/plain; charset=utf-8", "", Index),
    ("generic-json", _manifest(), "application/json", OCI_MANIFEST, Manifest),
    ("docker-list", _index(_entry(), mediaType=DOCKER_LIST), DOCKER_LIST, "", Index),
    ("docker-config", _manifest(config={"mediaType": DOCKER_CONFIG, "digest": C, "size": 1}), "", "", Manifest),
    ("no-layers", _manifest(layers=[]), "", "", Manifest),
    ("manifests-and-layers", _index(_entry(), layers=[]), OCI_INDEX, "", Reason.IMAGE_AMBIGUOUS),
    ("manifests-and-config", _manifest(manifests=[]), OCI_MANIFEST, "", Reason.IMAGE_AMBIGUOUS),
    ("manifests-and-null-config", _index(_entry(), config=None), OCI_INDEX, "", Reason.IMAGE_AMBIGUOUS),
    ("manifests-and-fslayers", _index(_entry(), fsLayers=[]), OCI_INDEX, "", Reason.IMAGE_AMBIGUOUS),
    ("manifests-and-Layers", _index(_entry(), Layers=[]), OCI_INDEX, "", Reason.IMAGE_AMBIGUOUS),
    ("Manifests", {"Manifests": [_entry()]}, OCI_INDEX, "", Reason.IMAGE_AMBIGUOUS),
    ("long-s", _index(_entry(), layerſ=[]), OCI_INDEX, "", Reason.IMAGE_AMBIGUOUS),
    ("type-of-the-other", _index(_entry()), OCI_MANIFEST, "", Reason.IMAGE_AMBIGUOUS),
    ("type-not-the-shape", {"schemaVersion": 2, "manifests": []}, OCI_MANIFEST, "", Reason.IMAGE_AMBIGUOUS),
    ("shape-not-the-type", _manifest(mediaType=OCI_INDEX), "", "", Reason.IMAGE_AMBIGUOUS),
    ("docker-is-not-oci", _manifest(), DOCKER_MANIFEST, "", Reason.IMAGE_AMBIGUOUS),
    ("not-as-announced", _manifest(), OCI_MANIFEST, DOCKER_MANIFEST, Reason.IMAGE_AMBIGUOUS),
    ("html-type", _manifest(), "text/html", "", Reason.IMAGE_AMBIGUOUS),
    ("schema1-type", {"fsLayers": [], "schemaVersion": 1}, SCHEMA1, "", Reason.IMAGE_UNSUPPORTED),
    ("schema1-shape", {"fsLayers": [], "schemaVersion": 1, "architecture": "amd64"}, "", "", Reason.IMAGE_UNSUPPORTED),
    ("schema1-version", {"schemaVersion": 1, "history": []}, "", "", Reason.IMAGE_UNSUPPORTED),
    ("oci-artifact", {"mediaType": "application/vnd.oci.artifact.manifest.v1+json"}, "", "", Reason.IMAGE_NOT_AN_IMAGE),
    ("docker-plugin", _manifest(config={"mediaType": "application/vnd.docker.plugin.v1+json", "digest": C, "size": 1}), "", "", Reason.IMAGE_NOT_AN_IMAGE),
    ("config-of-bytes", _manifest(config={"mediaType": "application/octet-stream", "digest": C, "size": 2}), "", "", Reason.IMAGE_NOT_AN_IMAGE),
    ("odd-config-in-docker", _manifest(mediaType=DOCKER_MANIFEST, config={"mediaType": "application/x", "digest": C, "size": 2}), "", "", Reason.IMAGE_NOT_AN_IMAGE),
    ("webassembly", _manifest(layers=[{"mediaType": "application/wasm", "digest": D, "size": 1}]), "", "", Reason.IMAGE_NOT_AN_IMAGE),
    ("nothing", {}, "", "", Reason.IMAGE_MALFORMED),
    ("typed-nothing", {"schemaVersion": 2}, OCI_INDEX, "", Reason.IMAGE_MALFORMED),
    ("too-many", _index(*[_entry()] * (MAX_ENTRIES + 1)), "", "", Reason.IMAGE_TOO_COMPLEX),
    ("ten-thousand", _index(*[_entry()] * 10_000), "", "", Reason.IMAGE_TOO_COMPLEX),
    ("as-many-as-may-be", _index(*[_entry()] * MAX_ENTRIES), "", "", Index),
    ("long-notes", _manifest(layers=[{"mediaType": LAYER, "digest": D, "size": 7, "annotations": {"a": "x" * 262_144}}]), "", "", Reason.IMAGE_TOO_COMPLEX),
    ("long-data", _index(_entry(data="A" * 262_148)), "", "", Reason.IMAGE_MALFORMED),
    ("many-layers", _manifest(layers=[{"mediaType": LAYER, "digest": D, "size": 7}] * 257), "", "", Reason.IMAGE_TOO_COMPLEX),
]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "content_type", "announced", "expected"), [r[1:] for r in DOCUMENTS], ids=[r[0] for r in DOCUMENTS]
)
def test_a_document_is_one_thing_or_refused(document, content_type, announced, expected):
    found = read_manifest(_bytes(document), content_type, announced)
    assert (found.reason if isinstance(found, Failure) else type(found)) is expected


WRONG = [None, 0, -1, 1.5, True, "x", "", [], {}, [None], [1], {"a": 1}, "\x00", "a b", "é", "x" * 200, 2**63]


def _mutations():
    documents = {"index": _index(_entry(annotations={}, artifactType="", data="")), "manifest": _manifest()}
    paths = {
        "index": [(), ("manifests",), ("manifests", 0), *[("manifests", 0, key) for key in (*_entry(), "annotations", "urls", "data", "artifactType")], ("manifests", 0, "platform", "os"), ("manifests", 0, "platform", "architecture"), ("schemaVersion",), ("mediaType",)],
        "manifest": [("config",), ("layers",), ("layers", 0), ("config", "digest"), ("config", "size"), ("config", "mediaType"), ("layers", 0, "digest"), ("layers", 0, "urls"), ("schemaVersion",)],
    }  # fmt: skip
    for kind, document in documents.items():
        for path in paths[kind]:
            for value in WRONG:
                changed = json.loads(json.dumps(document))
                node = changed
                for step in path[:-1]:
                    node = node[step]
                if path:
                    node[path[-1]] = value
                else:
                    changed = value
                yield pytest.param(changed, id=f"{kind}-{'.'.join(map(str, path))}-{value!a:.12}")


@each_row("document", list(_mutations()))
def test_a_wrong_type_at_any_field_is_refused_or_harmless(document):
    found = read_manifest(_bytes(document), "")
    assert isinstance(found, Index | Manifest | Failure)
    if isinstance(found, Failure):
        assert found.reason in {Reason.IMAGE_MALFORMED, Reason.IMAGE_NOT_AN_IMAGE, Reason.IMAGE_UNSUPPORTED}
        assert found.detail.isprintable()


@pytest.mark.parametrize("size", [-1, 1.0, True, "1", None, 2**63])
def test_a_size_is_a_number_of_bytes(size):
    assert _reason(read_manifest(_bytes(_index(_entry(size=size))))) is Reason.IMAGE_MALFORMED


@pytest.mark.parametrize("digest", ["sha256:../../x", "", "sha256:" + "A" * 64, "md5:" + "a" * 32, None, 7, A + "\n"])
def test_a_digest_has_a_grammar(digest):
    assert _reason(read_manifest(_bytes(_index(_entry(digest))))) is Reason.IMAGE_MALFORMED


TEXTS = [
    ("nesting", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Reason.IMAGE_MALFORMED),
    ("objects", b'{"a":' * 100_001 + b"1" + b"}" * 100_001, Reason.IMAGE_MALFORMED),
    ("nesting-below-the-count", b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}", Reason.IMAGE_MALFORMED),
    ("open-nesting", b'{"a":' * 50_000, Reason.IMAGE_MALFORMED),
    ("lists", b'{"a":[' + b"[]," * 1_000_000 + b"[]]}", Reason.IMAGE_TOO_COMPLEX),
    ("digits", b'{"size":' + b"9" * 5000 + b"}", Reason.IMAGE_MALFORMED),
    ("twenty-one-digits", b'{"size":' + b"9" * 21 + b"}", Reason.IMAGE_MALFORMED),
    ("nan", b'{"size":NaN}', Reason.IMAGE_MALFORMED),
    ("infinity", b'{"size":-Infinity}', Reason.IMAGE_MALFORMED),
    ("float-overflow", b'{"size":1e999}', Reason.IMAGE_MALFORMED),
    ("surrogate", b'{"a":"\\ud800"}', Reason.IMAGE_MALFORMED),
    ("surrogate-key", b'{"\\uDFFF":1}', Reason.IMAGE_MALFORMED),
    ("surrogate-deep", b'{"a":[{"b":["\\ud83d"]}]}', Reason.IMAGE_MALFORMED),
    ("raw-surrogate", b'{"a":"\xed\xa0\x80"}', Reason.IMAGE_MALFORMED),
    ("not-utf8", b'{"a":"\xff"}', Reason.IMAGE_MALFORMED),
    ("bom", b'\xef\xbb\xbf{"a":1}', Reason.IMAGE_MALFORMED),
    ("utf16", '{"a":1}'.encode("utf-16"), Reason.IMAGE_MALFORMED),
    ("empty", b"", Reason.IMAGE_MALFORMED),
    ("html", b"<html>login</html>", Reason.IMAGE_MALFORMED),
    ("list", b"[]", Reason.IMAGE_MALFORMED),
    ("word", b'"x"', Reason.IMAGE_MALFORMED),
    ("two", b"{}{}", Reason.IMAGE_MALFORMED),
    ("cut", b'{"manifests":[', Reason.IMAGE_MALFORMED),
    ("control", b'{"a":"\n"}', Reason.IMAGE_MALFORMED),
    ("twice", b'{"manifests":[],"manifests":[]}', Reason.IMAGE_AMBIGUOUS),
    ("twice-deep", b'{"a":{"b":[{"c":1,"c":1}]}}', Reason.IMAGE_AMBIGUOUS),
    ("twice-by-escape", b'{"manifests":[],"m\\u0061nifests":[]}', Reason.IMAGE_AMBIGUOUS),
]


@pytest.mark.parametrize(("body", "reason"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_traps_of_json_are_refused(body, reason):
    for found in (read_manifest(body), read_config(body)):
        assert _reason(found) is reason
        assert found.detail.isprintable()


def test_a_pair_of_surrogate_escapes_is_one_character():
    assert read_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_a_document_of_empty_lists_costs_little_memory():
    body = b'{"a":[' + b"[]," * 1_390_000 + b"[]]}"
    tracemalloc.start()
    try:
        read_manifest(body)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------- configs


def _config(**more):
    return read_config(_bytes({"os": "linux", "architecture": "amd64"} | more))


def test_a_config_tells_what_is_started():
    process = {
        "Entrypoint": ["/entry"],
        "Cmd": ["a", "b"],
        "Env": ["A=1", "PATH=/x", "PATH=/bin:/y"],
        "WorkingDir": "/w",
        "User": "me",
        "Volumes": {"/v": {}},
    }
    found = _config(config=process)
    env = (("A", "1"), ("PATH", "/x"), ("PATH", "/bin:/y"))
    assert found.process == Process(("/entry",), ("a", "b"), "/bin:/y", "/w", env, "me", volumes=("/v",))


def test_a_diff_id_that_is_no_digest_is_told_beside_those_that_are():
    sound, odd = _config(rootfs={"type": "layers", "diff_ids": [A, "x"]}).diff_ids
    assert sound == A
    assert odd.reason is Reason.IMAGE_MALFORMED
    assert odd.detail.startswith("a diff_id is no digest: ")


@pytest.mark.parametrize("section", [None, {}, {"Entrypoint": None, "Cmd": None, "Env": None, "WorkingDir": ""}])
def test_what_a_config_does_not_say_is_none_where_it_could_say_more_by_an_empty_one(section):
    assert _config(config=section).process == Process(env=(), user="", volumes=())


def test_an_empty_entrypoint_is_another_thing_than_none():
    assert _config(config={"Entrypoint": [], "Cmd": []}).process == Process((), (), env=(), user="", volumes=())


@pytest.mark.parametrize("labels", [{}, {"os": ""}, {"os": None}])
def test_a_config_with_an_unknown_architecture_says_so(labels):
    found = read_config(_bytes({"os": "linux", "architecture": "toaster"} | labels))
    assert isinstance(found.platform, Failure)
    assert found.platform.reason is Reason.IMAGE_ARCH_UNKNOWN


@pytest.mark.parametrize("empty", [{}, {"architecture": ""}, {"architecture": None}])
def test_a_config_that_leaves_a_word_out_names_half_a_platform(empty):
    assert read_config(_bytes({"os": "linux"} | empty)).platform == Platform("linux", "")
    assert read_config(_bytes({"architecture": "arm64", "os": None})).platform == Platform("", "arm64")
    assert read_config(_bytes(empty)).platform == Platform("", "")


@pytest.mark.parametrize("word", ["x86_64", "aarch64", "armv7l", "loong64", "riscv64", "s390x"])
def test_a_config_may_spell_an_architecture_its_own_way(word):
    assert _config(architecture=word).platform == Platform("linux", word)


@pytest.mark.parametrize("name", ["architecture", "os", "variant", "os.version"])
@pytest.mark.parametrize("value", [1, [], {}, True, "a b", "é", "x" * 129, "\n"])
def test_a_platform_word_of_another_type_is_malformed(name, value):
    assert _reason(_config(**{name: value})) is Reason.IMAGE_MALFORMED


@pytest.mark.parametrize("value", ["win32k", [1], ["a b"], ["x" * 129], [f"f{number}" for number in range(65)]])
def test_features_that_are_no_few_words_are_malformed(value):
    assert _reason(_config(**{"os.features": value})) is Reason.IMAGE_MALFORMED


@pytest.mark.parametrize("name", ["Entrypoint", "Cmd", "Env"])
@pytest.mark.parametrize("value", [1, "text", {}, [1], [None], [["a"]], True])
def test_an_argument_list_of_another_type_is_malformed(name, value):
    assert _reason(_config(config={name: value})) is Reason.IMAGE_MALFORMED


@pytest.mark.parametrize("more", [{"Architecture": "arm64"}, {"OS": "windows"}, {"config": {"entrypoint": ["/x"]}}])
def test_a_key_in_another_case_makes_a_config_ambiguous(more):
    assert _reason(_config(**more)) is Reason.IMAGE_AMBIGUOUS


@pytest.mark.parametrize(
    "section", [{"Cmd": ["x"] * 131_073}, {"Env": ["PATH=" + "x" * 131_073]}, {"WorkingDir": "x" * 131_073}]
)
def test_a_command_that_no_kernel_takes_is_malformed(section):
    found = _config(config=section)
    assert _reason(found) in {Reason.IMAGE_MALFORMED, Reason.IMAGE_TOO_COMPLEX}


def test_labels_may_differ_in_case_only():
    assert isinstance(_config(config={"Labels": {"Maintainer": "a", "maintainer": "b"}}), ImageConfig)


# ---------------------------------------------------------------- any bytes


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from([A, OCI_MANIFEST, OCI_INDEX, OCI_CONFIG, LAYER]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["manifests", "config", "layers", "mediaType", "digest", "size", "platform", "os", "architecture", "annotations", "urls", "data", "schemaVersion", "fsLayers", "Env", "Cmd", "Entrypoint", "artifactType", "os.features"]),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(_VALUES, st.sampled_from(["", OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, "text/html", "\x00"]))
def test_any_document_is_interpreted_or_refused(value, content_type):
    body = json.dumps(value).encode()
    assert isinstance(read_manifest(body, content_type), Index | Manifest | Failure)
    assert isinstance(read_config(body), ImageConfig | Failure)


@given(st.binary(max_size=200))
def test_any_bytes_are_interpreted_or_refused(body):
    assert isinstance(read_manifest(body), Index | Manifest | Failure)
    assert isinstance(read_config(body), ImageConfig | Failure)


def test_a_document_cut_anywhere_is_refused():
    for document in (_index(_entry(), _entry(B, arch="arm64")), _manifest()):
        body = _bytes(document)
        for end in range(len(body)):
            assert isinstance(read_manifest(body[:end]), Failure)
