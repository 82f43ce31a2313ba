"""The schema that editors check by, with a real validator as witness."""

import copy
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scanner.settings import Settings, SettingsError
from scanner.settings.json_schema import node_at, schema_of, sections
from scanner.settings.load import interpret
from scanner.settings.yaml_source import SettingsDocument, parse

ROOT = Path(__file__).parents[2]
SCHEMA = schema_of(Settings)
VALIDATOR = Draft202012Validator(SCHEMA)


def plain(value):
    """As an editor's YAML reader has it: lists instead of tuples."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


def tuples(value):
    if isinstance(value, dict):
        return {key: tuples(inner) for key, inner in value.items()}
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def refusals(text):
    errors = VALIDATOR.iter_errors(plain(parse(text.encode(), "f").value))
    return sorted(".".join(map(str, error.absolute_path)) for error in errors)


def settings_of(node):
    """Every node of the schema, with how it is reached."""
    for name, section in {**node["$defs"], "": node}.items():
        for key, inner in section["properties"].items():
            yield f"{name}.{key}", inner


# ---------------------------------------------------------------- the schema itself


def test_it_is_a_schema_of_draft_2020_12():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_no_section_takes_keys_that_it_does_not_know():
    open_sections = [name for name, section in SCHEMA["$defs"].items() if section["additionalProperties"] is not False]
    assert SCHEMA["additionalProperties"] is False
    assert open_sections == ["Registries"]
    assert SCHEMA["$defs"]["Registries"]["additionalProperties"] == {"$ref": "#/$defs/Registry"}


def test_every_setting_has_what_an_editor_shows():
    said = [path for path, node in settings_of(SCHEMA) if not sections(SCHEMA, node) and not node.get("title")]
    assert said == []
    resolved = [(path, sections(SCHEMA, node) or (node,)) for path, node in settings_of(SCHEMA)]
    assert [path for path, nodes in resolved if not all(node.get("description") for node in nodes)] == []


def test_every_default_is_a_value_that_the_schema_takes():
    wrong = [
        path
        for path, node in settings_of(SCHEMA)
        if "default" in node
        and not VALIDATOR.evolve(schema={**node, "$defs": SCHEMA["$defs"]}).is_valid(node["default"])
    ]
    assert wrong == []


def test_what_may_hold_a_secret_is_write_only():
    secrets = {path for path, node in settings_of(SCHEMA) if node.get("writeOnly")}
    assert secrets == {
        "Registry.password", "Registry.token", "Registry.proxy", "Store.url", "HttpSdSource.password", "HttpSdSource.token",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("place", "unit", "least", "most", "default"),
    [
        (("ssh", "connect_timeout"), "duration", "100ms", "5m", "10s"),
        (("ssh", "max_output"), "size", "64KiB", "64MiB", "4MiB"),
        (("registries", "registry.example", "stop_below"), None, 0, 1_000_000, None),
    ],
)
def test_an_amount_tells_how_it_is_written(place, unit, least, most, default):
    node = node_at(SCHEMA, place, {})
    assert node.get("x-unit") == unit
    assert (node.get("x-minimum", node.get("minimum")), node.get("x-maximum", node.get("maximum"))) == (least, most)
    assert node["default"] == default


# ---------------------------------------------------------------- what is right


def examples():
    """Each configuration that the manual shows: whole files, then the pieces within pages."""
    for path in (ROOT / "config" / "archscan.yml", ROOT / "config" / "compose" / "archscan" / "archscan.yml"):
        yield str(path.relative_to(ROOT)), path.read_text()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for number, fence in enumerate(
            re.findall(r"^( *)```ya?ml\n(.*?)^\1```", page.read_text(), re.DOTALL | re.MULTILINE)
        ):
            text = fence[1]
            if re.search(rf"^ *(?:{'|'.join(SCHEMA['properties'])}):", text, re.MULTILINE):
                yield f"{page.relative_to(ROOT)}[{number}]", text


EXAMPLES = dict(examples())


def test_the_examples_are_found():
    pages = {name.partition("[")[0] for name in EXAMPLES}
    assert {"config/archscan.yml", "README.md", "docs/hosts.md", "docs/registries.md", "docs/plans.md"} <= pages


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_schema_and_loader_take(name):
    assert refusals(EXAMPLES[name]) == []
    interpret(parse(EXAMPLES[name].encode(), name), Settings)


# ---------------------------------------------------------------- what is wrong

WRONG = [
    ("ssh: {conect_timeout: 5s}", "ssh"),
    ("sacn: {}", ""),
    ("scan: []", "scan"),
    ("scan: null", "scan"),
    ("scan: {interval: 300}", "scan.interval"),
    ("scan: {interval: 300.5}", "scan.interval"),
    ("scan: {interval: 5 m}", "scan.interval"),
    ("scan: {interval: 30m1h}", "scan.interval"),
    ("scan: {interval: ''}", "scan.interval"),
    ("scan: {max_local_bytes: 4MB}", "scan.max_local_bytes"),
    ("scan: {max_local_bytes: 4}", "scan.max_local_bytes"),
    ("scan: {depth: elf}", "scan.depth"),
    ("scan: {depth: null}", "scan.depth"),
    ("scan: {local_images: yes}", "scan.local_images"),
    ("ssh: {identity_file: ''}", "ssh.identity_file"),
    ("ssh: {identity_file: 5}", "ssh.identity_file"),
    ("ssh: {concurrency: 0}", "ssh.concurrency"),
    ("ssh: {concurrency: 1.5}", "ssh.concurrency"),
    ("ssh: {jump: {a: 1}}", "ssh.jump.a"),
    ("inventory: {}", "inventory"),
    ("inventory: [{kind: puppet}]", "inventory.0"),
    ("inventory: [{kind: ansible}]", "inventory.0"),
    ("inventory: [{kind: static, hosts: {}}]", "inventory.0"),
    ("inventory: [{kind: static, hosts: {a: {adress: b}}}]", "inventory.0"),
    ("inventory: [{kind: static, hosts: {a: {port: 70000}}}]", "inventory.0"),
    ("inventory: [{kind: static, hosts: {a: {planned: [{workload: api}]}}}]", "inventory.0"),
    ("inventory: [{kind: static, hosts: {a: {planned: ['']}}}]", "inventory.0"),
    ("registries: {a.example: {usrname: x}}", "registries.a.example"),
    ("registries: {a.example: {password: ''}}", "registries.a.example.password"),
    ("registries: {a.example: {rate: 0}}", "registries.a.example.rate"),
    ("registries: {a.example: {mirror: ['']}}", "registries.a.example.mirror.0"),
    ("registries: {a.example: null}", "registries.a.example"),
    ("web: {listen: nowhere}", "web.listen"),
    ("web: {tokens: [{name: ci, scopes: []}]}", "web.tokens.0.scopes"),
    ("web: {tokens: [{name: ci, scopes: [root]}]}", "web.tokens.0.scopes.0"),
    ("web: {tokens: [{name: ci, scopes: [gate], token_sha256: hunter2}]}", "web.tokens.0.token_sha256"),
    ("waivers: [{owner: kim, reason: r, until: soon, match: {}}]", "waivers.0.until"),
    ("waivers: [{owner: kim, until: 2027-05-31, match: {}}]", "waivers.0"),
    ("clusters: {scheduler: null}", ""),
    ("cluster: {scheduler: 5}", "cluster"),
    ("cluster: {workers: 2}", "cluster"),
]


@pytest.mark.parametrize(("text", "place"), WRONG, ids=[text for text, _ in WRONG])
def test_what_the_schema_refuses_the_loader_refuses(text, place):
    assert set(refusals(text)) == {place}
    with pytest.raises(SettingsError):
        interpret(parse(text.encode(), "f"), Settings)


WHOLE = plain(
    parse(
        b"""
inventory:
- {kind: static, defaults: {port: 22}, hosts: {a: {planned: [x, {image: y, engine: docker}], local: true}}}
- {kind: http_sd, url: x, token: y, timeout: 5s}
ssh: {identity_file: a, jump: {"*": b}, max_output: 8MiB}
registries: {timeout: 5s, podman_auth: [x], a.example: {rate: 1.5, allow_networks: [10.0.0.0/8], password: x}}
scan: {interval: 5m, depth: index}
web: {listen: ":1", tokens: [{name: ci, scopes: [gate], token_file: x}]}
waivers: [{owner: kim, reason: r, until: 2027-05-31, match: {host: a}}]
log: {level: info}
""",
        "f",
    ).value
)


def places(value, place=()):
    yield place
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield from places(inner, (*place, key))


ODD = st.sampled_from(
    [None, True, 0, 1, 22, -1, 0.5, 300.0, "", "a", "5s", "1h30m", "0s", "8d", "64KiB", "4MiB", "null", "info", "docker", ":9719",
     "2027-05-31", "20270531T000000Z", "2027-W05-1", "2027-01-31 12:00+01:00", "10.0.0.0/8", [], {}, ["a"], {"kind": "local"}, {"a": "b"}]
)  # fmt: skip


@given(st.sampled_from(list(places(WHOLE))), ODD)
def test_the_schema_never_refuses_what_the_loader_takes(place, odd):
    changed = copy.deepcopy({"": WHOLE})
    *around, last = ("", *place)
    inner = changed
    for part in around:
        inner = inner[part]
    inner[last] = odd
    try:
        interpret(SettingsDocument("f", tuples(changed[""])), Settings)
    except SettingsError:
        return
    value = {} if changed[""] is None else changed[""]
    assert VALIDATOR.is_valid(value), [error.message for error in VALIDATOR.iter_errors(value)]
