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
]

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
]


@pytest.fixture(scope="module")
def config(enter_root):
    """What Docker makes of a stack file, none where it refuses it."""
    root = enter_root("trixie")
    docker = root.program("docker")

    def made(text):
        path = root.folder / "docker-stack.yml"
        path.write_text(text)
        said = run(docker, "stack", "config", "--compose-file", path, check=False)
        return yaml.safe_load(said) if said.lstrip().startswith(("version:", "services:")) else None

    return made


def planned(text, name="docker-stack.yml", beside=None):
    return folder.plans({f"w/{name}": text.encode(), **(beside or {})}, "w")


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
@pytest.mark.parametrize("text", REFUSED)
def test_a_stack_that_docker_refuses_is_a_gap(text, config):
    assert config(text) is None
    found = planned(text)
    assert (found.filed, {gap.file for gap in found.gaps}) == ((), {"w/docker-stack.yml"})


def test_docker_stack_reads_no_dotenv():
    text = "services: {a: {image: 'r.example/a:${TAG:-1}'}}"
    found = planned(text, beside={"w/.env": b"TAG=9\n"})
    assert [one.planned.image for one in found.filed] == ["r.example/a:1"]


def test_a_file_that_is_only_called_a_stack_is_compose_s_where_docker_stack_would_refuse_it():
    text = "services: {a: {image: 'r.example/a:1', profiles: []}}"
    found = planned(text, "web-stack.yml")
    assert [one.planned.source for one in found.filed] == [Source.COMPOSE]


def test_no_replicas_are_no_plan():
    found = planned("services: {a: {image: 'r.example/a:1', deploy: {replicas: 0}}}")
    assert (found.filed, found.gaps) == ((), ())
