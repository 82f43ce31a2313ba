"""Swarm's stack files: ``docker stack config`` of Docker 26.1 is the witness for what Docker takes of them."""

import pytest
import yaml

from scanner.domain.facts import Process, Source
from scanner.probe.planned import folder
from tests.real.process import run

TAKEN = [
    "services: {a: {image: r.example/a:1}}",
    "version: '3'\nservices: {a: {image: r.example/a:1}}",
    "version: '3.8'\nservices: {a: {image: r.example/a:1, deploy: {replicas: 3}}, b: {image: r.example/b:2}}",
    "version: '3.9'\nx-common: &common {image: r.example/a:1}\nservices: {a: *common, b: {<<: *common, user: '5'}}",
    "services: {a: {image: 'r.example/a:${TAG:-7}'}}",
    "services: {a: {image: 'r.example/${NAME:-a}:${TAG-8}'}}",
    "services: {a: {image: r.example/a:1, command: /x y, entrypoint: [/e], working_dir: /w}}",
    "services: {a: {image: r.example/a:1, networks: [net], secrets: [s]}}\nnetworks: {net: {}}\nsecrets: {s: {external: true}}",
    "services: {a: {image: r.example/a:1, x-mine: 1}}",
    "services: {a: {image: r.example/a:1, deploy: {placement: {constraints: [node.platform.arch == x86_64]}}}}",
    "services: {a: {image: r.example/a:1, deploy: {mode: global, labels: {a: b}}}}",
    "services: {a: {image: r.example/a:1, command: ['sh', '-c', 'exec /x \"$$@\"'], user: '5:6', init: true}}",
    "services: {a: {image: r.example/a:1, entrypoint: /e 'f g', volumes: ['v:/data', '/x:/y:ro', {type: tmpfs, target: /t}]}}\nvolumes: {v: {}}",
    "services: {a: {image: r.example/a:1, command: [], environment: {PATH: /p, A: null}}}",
    "version: ''\nservices: {a: {image: r.example/a:1}}",
    "version: '3.12'\nservices: {a: {image: r.example/a:1, deploy: {mode: replicated-job, replicas: 2}}}",
    "services: {a: {image: r.example/a:1, build: ., container_name: x, links: [b], depends_on: [b], ipc: 'service:z'}}",
    "services: {a: {image: r.example/a:1, restart: always, privileged: true, network_mode: host, devices: ['/dev/a:/dev/b']}}",
    "services: {a: {image: r.example/a:1, env_file: x.env}}",
    "services: {a: {image: r.example/a:1, env_file: [x.env, y.env], environment: [A=b]}}",
    "services: {a: {image: r.example/a:1, env_file: [x.env], environment: [PATH=/q]}}",
    "services: {a: {image: r.example/a:1, environment: {PATH: '$$HOME/bin'}}}",
    "services: {a: {image: 'r.example/a:$TAG-alpine'}}",
    "services: {a: {image: 'r.example/a:${TAG?x:-y}'}}",
    "services: {a: {image: 'r.example/a:1', command: 'x ${A:-b c} }d'}}",
    "services: {a: {image: r.example/a:1, command: 'a # b; c && d'}}",
    "services: {a: {image: r.example/a:1, command: 'a \"b $$c\" \\d e#f ''#g'' > h'}}",
    "services: {a: {image: r.example/a:1, command: \"a # b\\n c\", entrypoint: ''}}",
    "services: {a: {image: r.example/a:1, deploy: {replicas: '${N:-2}'}, tty: '${T:-yes}'}}",
    "services: {a: {image: r.example/a:1, deploy: {mode: global, replicas: 0}}}",
    "---\nservices: {a: {image: r.example/a:1}}\n---\nservices: {b: {image: r.example/b:1}}",
    "services: {a: {image: r.example/a:1, volumes: [{type: bind, source: ./x, target: /x, bind: {propagation: rslave}}]}}",
    "services: {a: {image: r.example/a:1, hostname: '{{.Node.Hostname}}', ulimits: {nproc: '${P:-3}'}, stop_grace_period: 1m30s}}",
    "services: {a: {<<: [{image: r.example/first:1}, {image: r.example/second:1, user: x}], working_dir: /w}}",
    "services: {a: {image: r.example/a:1, <<: {user: x}}}",
]

DIFFERENT = [
    "services: {a: {image: r.example/a:1, <<: {image: r.example/merged:1, user: x}}}",
    "services: {a: {<<: {image: r.example/a:1}, <<: {image: r.example/b:1}}}",
    "services: {a: {image: r.example/a:1, image: r.example/last:1}}",
    "services: {a: {image: r.example/a:1}, a: {image: r.example/b:1}}",
    "services: {a: {image: r.example/a:1, tty: y, init: off}}",
]
"""Docker 26.1 takes them, of which 28 refuses most, and reads the first otherwise."""

REFUSED = [
    "version: '2.4'\nservices: {a: {image: r.example/a:1}}",
    "services: {a: {image: r.example/a:1, platform: linux/arm64}}",
    "services: {a: {image: r.example/a:1, profiles: [x]}}",
    "services: {a: {image: r.example/a:1, extends: {service: b}}, b: {image: r.example/b:1}}",
    "services: {a: {image: r.example/a:1, scale: 2}}",
    "name: shop\nservices: {a: {image: r.example/a:1}}",
    "include: [more.yml]\nservices: {a: {image: r.example/a:1}}",
    "services: {a: {image: r.example/a:1, imagee: b}}",
    "services: {a: {image: 'r.example/a:${TAG?is missing}'}}",
    "services: {a: {image: [r.example/a]}}",
    "services: [a]",
    "version: 3.7\nservices: {a: {image: r.example/a:1}}",
    "version: '2'\nservices: {a: {image: r.example/a:1}}",
    "version: '3.2'\nservices: {a: {image: r.example/a:1, configs: [c]}}\nconfigs: {c: {external: true}}",
    "version: '3.6'\nservices: {a: {image: r.example/a:1, init: true}}",
    "services: {a: {image: r.example/a:1, depends_on: {b: {condition: service_started}}}, b: {image: r.example/b:1}}",
    "services: {a: {image: r.example/a:1, env_file: [{path: x.env}]}}",
    "services: {a: {image: r.example/a:1, command: null}}",
    "services: {a: {image: 'r.example/a:${TAG:+x}'}}",
    "services: {a: {image: r.example/a:1, command: 'echo $(date)'}}",
    "services: {a: {image: r.example/a:1, command: 'a \"b'}}",
    "services: {a: {image: r.example/a:1, deploy: {replicas: '3'}}}",
    "services: {a: {image: r.example/a:1, deploy: {replicas: '${N:-x}'}}}",
    "services: {a: {image: r.example/a:1, init: 'true'}}",
    "services: {a: {image: r.example/a:1, init: '${I:-true}'}}",
    "services: {a: {image: r.example/a:1, environment: {A: true}}}",
    "services: {a: {image: r.example/a:1, stop_grace_period: 1d}}",
    "services: {a: {image: r.example/a:1}}\nsecrets: {s: {environment: X}}",
    "services: {a: null}",
    "services: {1: {image: r.example/a:1}}",
    "services: {on: {image: r.example/a:1}}",
    "services: {a: {image: r.example/a:1, environment: {N: x}}}",
    "services: {a: {image: r.example/a:1, user: n}}",
    "services: {a: {image: r.example/a:1, command: [echo, yes]}}",
]

BESIDE = {"w/x.env": b"PATH=/from/x\nA='q'\n", "w/y.env": b"PATH=/from/y\n"}
"""Files of variables beside every stack."""


@pytest.fixture(scope="module")
def config(enter_root):
    """What Docker makes of stack files, none where it refuses them: asked of all of them by one shell."""
    root = enter_root("trixie")
    every = [*TAKEN, *DIFFERENT, *REFUSED]
    for number, text in enumerate(every):
        folder = root.folder / f"stack{number}"
        folder.mkdir()
        (folder / "docker-stack.yml").write_text(text)
        for name, raw in BESIDE.items():
            (folder / name.removeprefix("w/")).write_bytes(raw)
    each = "cd $1/stack$n && docker stack config -c docker-stack.yml >said 2>/dev/null || rm said"
    run(root.program("sh"), "-c", f"n=0; while [ $n -lt {len(every)} ]; do {each}; n=$((n+1)); done", "sh", root.folder)
    said = {text: root.folder / f"stack{number}" / "said" for number, text in enumerate(every)}
    return lambda text: yaml.safe_load(said[text].read_text()) if said[text].exists() else None


def planned(text, name="docker-stack.yml", beside=None):
    return folder.plans({f"w/{name}": text.encode(), **(BESIDE if beside is None else beside)}, "w")


def witnessed(service):
    """What Docker would give a service: image, words, user, directory, PATH, where volumes are."""
    return (
        service["image"],
        tuple(service.get("entrypoint") or ()),
        tuple(word.replace("$$", "$") for word in service.get("command") or ()),
        service.get("user"),
        service.get("working_dir"),
        service.get("init"),
        (service.get("environment") or {}).get("PATH"),
        {volume["target"] for volume in service.get("volumes") or ()},
    )


def told(plan):
    process = plan.process or Process()
    return (
        plan.image,
        process.entrypoint or (),
        process.cmd or (),
        process.user,
        process.working_dir,
        process.init,
        process.path,
        {mount.destination for mount in plan.mounts or () if not mount.destination.startswith("/run/secrets")},
    )


@pytest.mark.system
@pytest.mark.parametrize("text", TAKEN)
def test_a_stack_that_docker_takes_is_planned_with_docker_s_images(text, config):
    found = planned(text)
    assert found.gaps == ()
    witness = {name: witnessed(service) for name, service in config(text)["services"].items()}
    assert {one.planned.workload.partition("/")[2]: told(one.planned) for one in found.filed} == witness
    assert {one.planned.source for one in found.filed} == {Source.SWARM}


@pytest.mark.system
@pytest.mark.parametrize("text", [*REFUSED, *DIFFERENT])
def test_a_stack_that_a_docker_refuses_is_a_gap(text, config):
    assert (config(text) is None) is (text in REFUSED)
    found = planned(text)
    assert (found.filed, {gap.file for gap in found.gaps}) == ((), {"w/docker-stack.yml"})


def test_docker_stack_reads_no_dotenv():
    text = "services: {a: {image: 'r.example/a:${TAG:-1}'}}"
    found = planned(text, beside={"w/.env": b"TAG=9\n"})
    assert [one.planned.image for one in found.filed] == ["r.example/a:1"]


def test_what_a_login_sets_has_no_default():
    found = folder.plans(
        {"w/docker-stack.yml": b"services: {a: {image: '${USER:-x}/a'}, b: {image: 'r/b:${T:-1}'}}"}, "w"
    )

    assert [one.planned.image for one in found.filed] == ["r/b:1"]
    assert "USER" in found.gaps[0].failure.detail


def test_a_file_that_is_only_called_a_stack_is_compose_s_where_docker_stack_would_refuse_it():
    text = "services: {a: {image: 'r.example/a:1', profiles: []}}"
    found = planned(text, "web-stack.yml")
    assert [one.planned.source for one in found.filed] == [Source.COMPOSE]


def test_no_replicas_are_no_plan():
    found = planned("services: {a: {image: 'r.example/a:1', deploy: {replicas: 0}}}")
    assert (found.filed, found.gaps) == ((), ())
