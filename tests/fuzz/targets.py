"""Every parser of strangers' bytes: how it is called, with what it may refuse, real samples, words of its language."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.binary.layers import tables, toc
from scanner.binary.layers.layers import LayerIndex
from scanner.binary.layers.limits import LayerError, LayerLimits
from scanner.binary.layers.usage import Usage
from scanner.binary.program.libraries import ld_cache
from scanner.binary.program.survey.archived import ArchiveReader
from scanner.binary.program.survey.zipstream import Allowance
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image import reference
from scanner.domain.image.image_survey import LayerSurvey, SurveyedFile, SurveyedKind
from scanner.domain.platform import platform
from scanner.domain.text import printable
from scanner.domain.verdict import error_phrases
from scanner.domain.verdict.explanation import explained
from scanner.formats import compose_words, systemd_unit, systemd_words
from scanner.formats.documents import csv_record, lenient_json, strict_json, toml
from scanner.formats.shell import grammar
from scanner.formats.variables import dotenv, env_file, environment_file, interpolation
from scanner.hosts.ssh import trust
from scanner.inventory import docker_context, prometheus_sd
from scanner.inventory.ansible import ansible, ini_form
from scanner.inventory.ansible.groups import Groups
from scanner.inventory.ansible.host_variables import Around
from scanner.inventory.ansible.inventory_script import Printed
from scanner.inventory.error import InventoryError
from scanner.inventory.reading.snapshot import Snapshot
from scanner.inventory.ssh_config import ssh_config
from scanner.probe import answer, reading
from scanner.probe.planned.compose import compose
from scanner.probe.planned.kubernetes import manifests
from scanner.probe.planned.nomad import nomad
from scanner.probe.planned.units import host_commands, quadlet, systemd
from scanner.settings import units, yaml_source
from scanner.settings.problem import SettingsError
from scanner.store import surveys
from tests.fuzz import fuzz_elf, fuzz_registry, fuzz_tar
from tests.real.images import ImageFactory, tar_of
from tests.real.zips import a_zip

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
HOST = Host("box", "box.example")
BETWEEN = b"\n\x01\n"
OUTSIDE = {"A": interpolation.Value("b")}


INPUT_S = 0.05
"""Of one input's processor time in its thread: what others do on this machine does not count."""

RANGES_S = 1.0
"""The lines of an INI inventory may name 500,000 hosts, each of which is made; read in a process of its own, with a budget."""

GRAMMAR_S = 0.3
"""Tree-sitter's grammar of shells has 0.1 s for repairs of what it cannot read; the densest 16 KiB take as long to read."""


@dataclass(frozen=True)
class Target:
    """``read`` takes bytes; it may raise nothing but ``refusals``. ``share`` of the inputs: costly ones get fewer."""

    read: Callable[[bytes], object]
    samples: tuple[bytes, ...]
    tokens: tuple[bytes, ...] = ()
    refusals: tuple[type[Exception], ...] = ()
    share: float = 1.0
    input_s: float = INPUT_S


def text(raw: bytes) -> str:
    """As whoever hands text on has read it."""
    return raw.decode("utf-8", "replace")


def _files(pattern: str, limit: int = 12) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(ROOT.glob(pattern))[:limit])


def _tables(raw: bytes) -> object:
    return host_commands.plans(
        dict.fromkeys(("/etc/supervisord.conf", "/etc/monitrc", "/etc/anacrontab", "/etc/d/x"), raw)
    )


def _ini(raw: bytes) -> object:
    groups = Groups()
    ini_form.read_ini(groups, text(raw), "hosts")
    return groups


def _ansible_yaml(raw: bytes) -> object:
    named = ansible.NamedInventory("/i.yml", "/", "all", ("/i.yml",), is_alone=True)
    return ansible.read_inventory(named, Around("/", "/root", "root"), Snapshot({"/i.yml": text(raw)}), {})


def _archive(raw: bytes) -> object:
    reader = ArchiveReader(Allowance(1 << 24))
    for at in range(0, len(raw), 333):
        reader.feed(memoryview(raw)[at : at + 333])
    reader.end()
    return reader.found


def _listed(raw: bytes) -> object:
    return ansible.read_printed("/i", "all", Around("/", "/root", "root"), Printed("i", raw))


def _ssh_config(raw: bytes) -> object:
    return ssh_config.read_config("/c", ("*",), "/root", "root", Snapshot({"/c": text(raw)}))


def _context(raw: bytes) -> object:
    return docker_context.read_contexts(Snapshot({"/meta/abc/meta.json": text(raw)}), ("*",))


def _table(raw: bytes) -> object:
    entries = toc._entries(tables.parse_table(raw))
    toc._fill(LayerIndex(Usage(LayerLimits())), entries, 1 << 30)
    return toc._files(entries)


def _reference(raw: bytes) -> object:
    found = reference.parse(text(raw))
    assert reference.parse(str(found)) == found, "a reference is its own normal form"
    return found


def _shell(raw: bytes) -> object:
    return grammar.parse(raw)


def _answer(raw: bytes) -> object:
    found = reading.read(raw, HOST)
    if isinstance(found, Failure):
        return found
    assert found.host == "box", "identity is the inventory's"
    assert "a fault of archscan's own" not in str(found.gaps), found.gaps
    return found


def _sections(raw: bytes) -> object:
    """An answer whose frames are right whatever its sections hold, so that they are read."""
    framed = [b"archscan-probe 1\n"]
    for part in raw.split(BETWEEN):
        name, _, body = part.partition(b"\n")
        framed.append(b"@section %s %d\n%s\n" % (name, len(body), body))
    return _answer(b"".join(framed) + b"@end\n")


def _unframed(sample: bytes) -> bytes:
    sections = answer.parse(sample).sections.values()
    return BETWEEN.join(section.name.encode() + b"\n" + section.body for section in sections)


COMPOSE = (
    (
        b"services:\n  web: {image: 'nginx:${TAG:-1}', platform: linux/arm64, command: [a, 'b c'], environment: {A: b}}\n"
        b"  db:\n    extends: web\n    image: postgres:16\n    depends_on: {web: {condition: service_started}}\n"
    ),
    b"x-base: &base {image: 'r.example/a:1', deploy: {replicas: 2}}\nservices:\n  a: {<<: *base, profiles: [x]}\n  b: *base\n",
    b"name: shop\ninclude: [other.yml]\nservices: {a: {build: ., image: a, env_file: [.env], entrypoint: 'sh -c \"run $$X\"'}}\n",
)
COMPOSE_JSON = json.dumps({
    "name": "s", "services": {"a": {
        "image": "r/x:1", "platform": "linux/arm64", "command": ["a"], "entrypoint": "b c", "environment": {"A": "b"}, "env_file": ["e"],
        "deploy": {"replicas": 2, "placement": {"constraints": ["node.platform.arch == x86_64"]}}, "scale": 1, "profiles": ["p"],
        "depends_on": {"b": {"condition": "service_healthy"}}, "extends": {"service": "b"}, "volumes": ["a:/b", {"type": "bind", "target": "/c"}],
        "build": {"context": "."}, "user": "1", "working_dir": "/w", "labels": ["a=b"], "ports": ["80:80"], "healthcheck": {"test": ["CMD", "x"]},
    }, "b": {"image": "y"}}, "volumes": {"a": None}, "include": [{"path": "o.yml"}],
}).encode()  # fmt: skip
JOB_JSON = json.dumps({"Job": {"ID": "x", "TaskGroups": [{
    "Name": "g", "Count": 1, "Constraints": [{"LTarget": "${attr.cpu.arch}", "RTarget": "arm64", "Operand": "="}],
    "Tasks": [{"Name": "t", "Driver": "docker", "Config": {"image": "r/x:1", "args": ["a"], "command": "b"}, "Env": {"A": "b"}, "User": "u"}],
}]}}).encode()  # fmt: skip
JAR = tuple(
    a_zip({"in.jar": a_zip({"a.so": b"\x7fELF\2\1\1"}, streamed=where), "b": b"c"}, streamed=where)
    for where in (False, True)
)
LISTED = json.dumps({
    "_meta": {"hostvars": {"a": {"ansible_host": "10.0.0.1", "ansible_port": 22, "archscan_planned": [{"image": "x"}]}}},
    "web": {"hosts": ["a"], "vars": {"x": 1}, "children": ["db"]}, "all": {"children": ["web"]},
}).encode()  # fmt: skip
POD = (
    (
        b"apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: y}\nspec:\n  nodeSelector: {kubernetes.io/arch: arm64}\n"
        b"  containers:\n  - {name: c, image: 'r/x:1', command: [a, $(B)], env: [{name: B, value: c}]}\n"
    ),
    (
        b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 2, template: {spec: {initContainers: [{name: i, image: j}], "
        b"containers: [{name: c, image: 'r/x:1'}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {A: b}\n"
    ),
    (
        b'{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"j"},"spec":{"jobTemplate":'
        b'{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}}}]}'
    ),
)
JOB = (
    (
        b'variable "tag" { default = "7" }\nlocals { image = "redis:${var.tag}" }\njob "web" {\n  constraint { attribute = "${attr.cpu.arch}"\n'
        b'    value = "arm64" }\n  group "g" {\n    count = 2\n    task "t" {\n      driver = "docker"\n      config { image = local.image\n'
        b'        args = ["a", "b"] }\n      template { data = <<EOF\n{{ key "x" }}\nEOF\n      }\n    }\n  }\n}\n'
    ),
    b'job "x" { group "g" { task "t" { driver = "podman"\n config { image = "docker://a:1" } } } }\n',
)
UNIT = (
    (
        b'[Unit]\nDescription=x\n[Service]\nEnvironment=A=b "C=d e"\nExecStartPre=-/usr/bin/docker pull r/x:1\n'
        b"ExecStart=/usr/bin/docker run --rm --platform linux/arm64 \\\n  -e A=${A} --name %n r/x:1 cmd 'a b'\n"
    ),
    b"[Service]\nExecStart=/bin/sh -c 'exec podman run --rm docker.io/library/redis:7 || exit 1'\n",
)
QUADLET = (
    b'[Container]\nImage=docker.io/library/postgres:16\nExec=a "b c" \\\n  d\nEnvironment=A=b\nPodmanArgs=--platform linux/arm64\n',
    b"[Unit]\n[Container]\nImage=x.image\nPod=y.pod\nVolume=/a:/b:Z\n[Install]\nWantedBy=default.target\n",
)
SCRIPT = (
    b'#!/bin/sh\nset -e\nif [ "$1" = "run" ]; then shift; exec /usr/bin/app "$@"; fi\nfor f in /docker-entrypoint.d/*.sh; do . "$f"; done\n',
    b'#!/bin/bash\ncase "${1:-x}" in a|b) cat <<EOF\n$(id) `x`\nEOF\n;; *) f() { local a=${b%%.*}; }; f ;; esac\nexec "${CMD[@]}" >&2 2>/dev/null\n',
)
INI = (
    b"[web]\na[01:03] ansible_host=10.0.0.1 ansible_port=2222 x=\"{'a': 1}\"\n[web:vars]\nansible_user=root\n[all:children]\nweb\n",
)
SSH = (
    (
        b'Host web-* !web-9\n  HostName %h.example\n  User root\n  ProxyJump a@b:22,c\nMatch host x exec "true"\n  Port 22\n'
        b"Include conf.d/*\nIdentityFile ~/.ssh/%r\n"
    ),
)
ANSIBLE = (
    b"all:\n  hosts:\n    a: {ansible_host: 10.0.0.1}\n  children: {web: {hosts: {'b[1:3]': null}, vars: {ansible_port: 22}}}\n",
)
SD = (b'[{"targets": ["a:9100", "[::1]:22"], "labels": {"team": "x"}}, {"targets": []}]',)
CONTEXT = (
    b'{"Name": "x", "Metadata": {}, "Endpoints": {"docker": {"Host": "ssh://root@h.example:22", "SkipTLSVerify": false}}}',
)
SETTINGS = (
    b"inventory: [{kind: static, hosts: {a: {address: 10.0.0.1}}}]\nscan: {interval: 5m}\nweb:\n  tokens: []\n",
)
KNOWN = (
    (
        b"a.example,10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n@cert-authority *.x ssh-ed25519 "
        b"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl c\n|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|USECr3SWf1JUPsms5AqfD5QfxkM= ssh-ed25519 "
        b"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
    ),
)
LOGS = (
    b"exec /app: exec format error\nstandard_init_linux.go:228: exec user process caused: no such file or directory\n",
    b'docker: Error response from daemon: failed to create task: OCI runtime create failed: exec: "x": permission denied: unknown.\n',
)
INDEX = (
    b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",'
    b'"digest":"sha256:' + b"a" * 64 + b'","size":7,"platform":{"os":"linux","architecture":"arm","variant":"v7"}}]}',
    b'{"os":"linux","architecture":"amd64","config":{"Entrypoint":["/a"],"Cmd":["b"],"Env":["A=b"],"User":"1:1"},"rootfs":{"type":"layers","diff_ids":[]}}',
    b'Bearer realm="https://r.example/token",service="r.example",scope="repository:a:pull"',
)
TABLES = (
    b"[supervisord]\nuser=a\nenvironment=A=1,B='2'\n[include]\nfiles = d/*\n[program:a]\ncommand=docker run a:%(ENV_A)s ; x\n",
    b"check process a with pidfile /a\n start = \"/usr/bin/docker run 'a b'\" as uid b\n include /etc/d/*\n",
    b"A=1\n1 2 a docker run \\\n a\n",
)
TOC = (
    json.dumps({"version": 1, "entries": [
        {"name": "a/", "type": "dir"}, {"name": "a/b", "type": "reg", "size": 3, "offset": 10, "digest": "sha256:" + "a" * 64, "mode": 493},
        {"name": "l", "type": "symlink", "linkName": "a/b"},
    ]}).encode(),
)  # fmt: skip
LAYER = tar_of({"bin/app": ImageFactory.File(b"#!/bin/sh\n"), "l": ImageFactory.File(link="bin/app")})
SURVEY = surveys.pack(
    LayerSurvey(
        files=(SurveyedFile("/a", next(iter(SurveyedKind)), 0o755),),
        links={"/l": "/a"}, hard_links={"/h": "/a"}, whiteouts=frozenset({"/w"}), opaques=frozenset({"/o"}),
        covered=b"ab", directories=b"c", searched={"/a": ("/b",)},
    )
)  # fmt: skip
ANSWERS = _files("tests/data/hosts/*.txt", 100)

TARGETS: dict[str, Target] = {
    "a host's answer": Target(_answer, ANSWERS, (b"@section ", b"@end\n", b" truncated", b"@hung 4", b"@exit 1", b"/state 2\nup"), share=0.15),
    "sections of an answer": Target(
        _sections, tuple(map(_unframed, ANSWERS)), (b"@hung 4", b"@exit 1", b"null", b"sha256:", b"running/0 {", BETWEEN), share=0.15
    ),
    "Compose": Target(lambda raw: compose.plans({"/s/compose.yml": raw}), (*COMPOSE, COMPOSE_JSON), (b"extends: ", b"!reset ", b"<<: *", b"${A:-"), share=0.2),
    "Kubernetes": Target(lambda raw: manifests.plans({"/m.yaml": raw}), POD, (b"$(A)", b"kind: ", b"---\n"), share=0.4),
    "Nomad": Target(lambda raw: nomad.plans({"/j.nomad": raw}), JOB, (b"<<EOF\n", b"${", b"%{ if ", b"for ", b"/*")),
    "Nomad's JSON": Target(lambda raw: nomad.plans({"/j.json": raw}), (JOB_JSON,)),
    "systemd": Target(lambda raw: systemd.plans({"/etc/systemd/system/x.service": raw}), UNIT, (b"%i", b"ExecStart=", b"\\\n", b"docker run "), share=0.2, input_s=GRAMMAR_S),
    "quadlets": Target(lambda raw: quadlet.plans({"/etc/containers/systemd/x.container": raw}), QUADLET, (b"Image=", b"PodmanArgs=", b"\\\n"), share=0.4, input_s=GRAMMAR_S),
    "tables of commands": Target(_tables, TABLES, (b"[include]\nfiles=", b"include ", b"%(here)s", b" as uid ", b"docker run "), share=0.1, input_s=GRAMMAR_S),
    ".env": Target(lambda raw: dotenv.variables(raw, OUTSIDE), (b"A=b\nexport C='d'\nE=\"${A} $x\"\n# c\n",), (b"export ", b"${A:-"), (env_file.EnvFileError,)),
    "Docker's env file": Target(env_file.docker, (b"A=b\n#c\nD\n",), (), (env_file.EnvFileError,)),
    "Podman's env file": Target(env_file.podman, (b"A=b\n#c\nD*\n",), (), (env_file.EnvFileError,)),
    "EnvironmentFile": Target(environment_file.systemd, (b"A=b \"c\" 'd' \\\n e\n;x\n",), (), (env_file.EnvFileError,)),
    "interpolation": Target(lambda raw: interpolation.substitute(text(raw), OUTSIDE), (b"a${A:-b}c$A$$${A?e}",), (b"${A:+", b"${A:?"), (interpolation.InterpolationError,)),
    "shell": Target(_shell, SCRIPT, (b"$(", b"<<E\n", b"esac", b"{ ", b"done", b"[[", b"(("), share=0.1, input_s=GRAMMAR_S),
    "words of Compose": Target(lambda raw: compose_words.split(text(raw)), (b"a 'b c' \"d\\\"e\" f\\ g",), (), (compose_words.ShellwordsError,)),
    "words of systemd": Target(lambda raw: systemd_words.split(text(raw)), (b"a 'b c' \"d\\x41e\" \\u00e9",), (b"\\x", b"\\U"), (systemd_words.WordsError,)),
    "unit files": Target(lambda raw: systemd_unit.settings(text(raw), "/u"), UNIT, (), (systemd_unit.UnitError,)),
    "quadlet files": Target(lambda raw: systemd_unit.quadlet_settings(text(raw), "/u"), QUADLET, (), (systemd_unit.UnitError,)),
    "strict JSON": Target(strict_json.read_object, INDEX),
    "lenient JSON": Target(lenient_json.loads, INDEX, (), (lenient_json.JsonError,)),
    "comma-separated values": Target(lambda raw: csv_record.first_record(text(raw)), (b'type=bind,"src=/a,b",dst=/b\n""c""\n',), (b'"', b'""', b"\r\n")),
    "TOML": Target(lambda raw: toml.loads(text(raw)), (b'[a."b"]\nc = [1, "x"]\nd = {e = 1.5}\n[[f]]\n',), (b"[[", b"'''"), (ValueError,)),
    "Ansible's INI": Target(_ini, INI, (b"[a:vars]\n", b"[1:9999]"), (InventoryError,), 1.0, RANGES_S),
    "Ansible's YAML": Target(_ansible_yaml, ANSIBLE, (b"[1:9]", b"!vault |"), (InventoryError,), 0.4),
    "Ansible's scripts": Target(_listed, (LISTED,), (), (InventoryError,)),
    "ssh_config": Target(_ssh_config, SSH, (b"Host ", b"Match ", b"%%", b"Include "), (InventoryError,)),
    "service discovery": Target(lambda raw: prometheus_sd.read_body("http://sd", raw, target_port=False), SD, (), (InventoryError,)),
    "Docker contexts": Target(_context, CONTEXT, (b"ssh://",), (InventoryError,)),
    "settings": Target(lambda raw: yaml_source.parse(raw, "f"), SETTINGS, (b"<<: ", b"&a ", b"*a"), (SettingsError,)),
    "durations": Target(lambda raw: units.parse_duration(text(raw)), (b"1h30m", b"5s", b"90d"), (), (ValueError,)),
    "known_hosts": Target(lambda raw: trust.parse_known_hosts(text(raw), "f"), KNOWN, (b"@revoked ", b"|1|"), (trust.TrustError,)),
    "registries": Target(fuzz_registry.one_input, INDEX, (b'"mediaType":', b"realm="), share=0.1),
    "references": Target(_reference, (b"r.example:5000/a/b:1@sha256:" + b"a" * 64, b"nginx", b"a.b/c_d-e:T"), (b"@sha256:", b":"), (ValueError,)),
    "platforms": Target(lambda raw: platform.parse(text(raw)), (b"linux/arm64/v8", b"x86_64", b"linux(10)/amd64"), (), (ValueError,)),
    "programs": Target(fuzz_elf.one_input, (Path("/bin/true").read_bytes()[:8192], SCRIPT[0]), share=0.1),
    "layers": Target(fuzz_tar.one_input, (LAYER, ImageFactory.image({"a": b"b"}).layers[0].body), share=0.1),
    "Java archives": Target(_archive, JAR, (b"PK\x03\x04", b"PK\x07\x08", b"PK\x01\x02"), share=0.3),
    "loader caches": Target(lambda raw: ld_cache.parse(raw, "little"), (Path("/etc/ld.so.cache").read_bytes()[:8192],)),
    "tables of contents": Target(_table, TOC, (b'"digest":', b'"chunks":'), (LayerError,)),
    "stored surveys": Target(lambda raw: surveys.unpack(zlib.compress(raw)), (zlib.decompress(SURVEY),), (), (ValueError,)),
    "what a log says": Target(lambda raw: (explained(text(raw)), error_phrases.instead(text(raw))), LOGS, (b"exec: ", b"OCI runtime ", b"format error"), share=0.1),
    "any text": Target(printable, LOGS, (b"\x1b]8;;", b"\x9b")),
}  # fmt: skip
