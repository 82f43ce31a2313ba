"""The vendors' own documents, as their projects publish them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import EngineState, HostFacts, ImageStore, Maker, Source
from scanner.domain.host import Host
from scanner.domain.platform.platform import Platform
from scanner.probe import reading

OUTPUTS = Path(__file__).parents[2] / "data" / "vectors" / "docker_outputs"
HOST = Host(name="edge-1", address="10.0.0.1")


def sample(file):
    return json.loads((OUTPUTS / f"{file}.json").read_text(encoding="utf-8"))


def read(pieces, engines, machine="x86_64"):
    facts = reading.read(pieces.framed(pieces.host(machine, "amd64", pieces.flags(3), engines=engines)), HOST)
    assert isinstance(facts, HostFacts)
    return facts


@pytest.mark.parametrize(("number", "platform"), [(0, Platform("linux", "amd64")), (2, Platform("linux", "arm"))])
def test_docker_is_the_platform_of_its_server(pieces, number, platform):
    version = json.dumps(sample("docker_version")["samples"][number]["output"])

    engine = read(pieces, {**pieces.docker("amd64"), "docker/version": version}).engine("docker")

    assert (engine.state, engine.platform) == (EngineState.UP, platform)
    assert engine.version


def test_docker_s_snapshotter_tells_the_containerd_store(pieces):
    status = sample("docker_info")["samples"][0]["output"]["DriverStatus"]
    classic = {**pieces.docker("amd64"), "docker/info": json.dumps({"driver_status": status})}
    newer = {**classic, "docker/info": json.dumps({"driver_status": [["driver-type", "io.containerd.snapshotter.v1"]]})}

    assert read(pieces, classic).engine("docker").store is ImageStore.CLASSIC
    assert read(pieces, newer).engine("docker").store is ImageStore.CONTAINERD


def in_our_format(container):
    config = container.get("Config") or {}
    descriptor = container.get("ImageManifestDescriptor")
    path = [word for word in config.get("Env") or [] if word.startswith("PATH=")]
    return " ".join([
        container["Image"], container.get("Id", "e" * 64), "running/0",
        json.dumps({
            "name": container.get("Name", "/x"), "path": container.get("Path"), "args": container.get("Args"), "restarts": 0,
            **({"descriptor": {"digest": descriptor["digest"], "platform": descriptor["platform"]}} if descriptor else {}),
            "state": {"status": container.get("State", {}).get("Status", "running"), "exit_code": container.get("State", {}).get("ExitCode", 0), "error": ""},
            "config": {"image": config.get("Image"), "working_dir": config.get("WorkingDir"), "path": [*path, None], "labels": None},
        }),
    ])  # fmt: skip


def test_docker_s_containers_keep_the_reference_as_typed_and_the_exact_manifest(pieces):
    containers = [in_our_format(one["output"][0]) for one in sample("docker_inspect_container")["samples"]]
    ids = "\n".join(line.split()[1] for line in containers)

    facts = read(
        pieces,
        {**pieces.docker("amd64", containerd=True), "docker/ids": ids, "docker/containers": "\n".join(containers)},
    )

    assert [(w.image, str(w.local.platform or ""), w.local.manifest_digest[:13]) for w in facts.workloads] == [
        ("docker/welcome-to-docker:latest", "linux/amd64", "sha256:364b67"),
        ("mongo", "linux/amd64", "sha256:949d53"),
        ("ghcr.io/org/app:1", "", ""),
    ]
    assert facts.workloads[0].process.argv == ("/docker-entrypoint.sh", "nginx", "-g", "daemon off;")
    assert facts.workloads[0].process.path.startswith("/usr/local/sbin:")


def test_an_image_without_values_is_no_platform(pieces):
    empty, real = (one["output"][0] for one in sample("docker_inspect_image")["samples"])
    lines = [
        json.dumps({
            "id": one["Id"] or "sha256:" + "0" * 64, "repo_digests": one["RepoDigests"], "os": one["Os"], "architecture": one["Architecture"],
            "variant": one.get("Variant"), "config": None,
        })
        for one in (empty, real)
    ]  # fmt: skip
    containers = tuple(
        pieces.container(number, name=f"c{number}").replace(f"sha256:{1:064x}", identity)
        for number, identity in ((1, "sha256:" + "0" * 64), (2, real["Id"]))
    )

    nothing, something = read(pieces, pieces.docker("amd64", containers=containers, images=tuple(lines))).workloads

    assert (nothing.local.platform, nothing.local.process) == (None, None)
    assert (str(something.local.platform), len(something.local.repo_digests)) == ("linux/arm/v7", 2)


def test_podman_is_the_platform_that_it_was_built_for(pieces):
    details = json.dumps(sample("podman_info")["samples"][0]["output"], indent=2)

    engine = read(pieces, {**pieces.podman("amd64"), "podman/info": details}).engine("podman")

    assert (engine.version, engine.platform, engine.store) == ("4.0.0", Platform("linux", "amd64"), ImageStore.PODMAN)


def test_podman_s_image_keeps_its_digests_and_its_command(pieces):
    image = sample("podman_inspect_image")["samples"][0]["output"][0]
    config = image["Config"]
    line = json.dumps({
        "id": image["Id"], "repo_digests": image["RepoDigests"], "os": image["Os"], "architecture": image["Architecture"],
        "config": {"entrypoint": config.get("Entrypoint"), "cmd": config["Cmd"], "working_dir": config.get("WorkingDir"), "path": [None]},
    })  # fmt: skip
    container = pieces.container(1).replace(f"sha256:{1:064x}", image["Id"])

    engine = {**pieces.podman("amd64", containers=(container,)), "podman/images": line}
    (made,) = read(pieces, engine).workloads

    assert made.local.image_id == f"sha256:{image['Id']}"
    assert made.local.repo_digests == tuple(image["RepoDigests"])
    assert (made.local.platform, made.local.process.argv) == (Platform("linux", "amd64"), ("/bin/bash",))


@pytest.mark.parametrize(
    ("path", "args", "argv", "init"),
    [
        ("/run/podman-init", ["--", "/app", "x"], ("/app", "x"), True),
        ("/dev/init", ["--", "/app"], ("/app",), True),
        ("/run/podman-init", ["/app"], ("/run/podman-init", "/app"), None),
        ("/app", ["--", "x"], ("/app", "--", "x"), None),
    ],
)
def test_podman_s_own_init_is_no_part_of_the_command(pieces, path, args, argv, init):
    head, document = pieces.container(1).split("{", 1)
    container = head + json.dumps({**json.loads("{" + document), "path": path, "args": args})
    (made,) = read(pieces, pieces.podman("amd64", containers=(container,))).workloads
    assert (made.process.argv, made.process.init) == (argv, init)


@pytest.mark.parametrize(
    ("unit", "maker"),
    [
        ("podman-compose@shop.service", Maker(Source.COMPOSE, "web", "shop", ("/srv/shop/c.yml",), "/srv/shop")),
        ("web.service", Maker(Source.SYSTEMD, "web.service")),
        ("", Maker(Source.COMPOSE, "web", "shop", ("/srv/shop/c.yml",), "/srv/shop")),
    ],
)
def test_podman_compose_names_a_unit_whether_there_is_one_or_not(pieces, unit, maker):
    labels = {"project": "shop", "service": "web", "compose_files": "c.yml", "compose_dir": "/srv/shop", "unit": unit}
    (made,) = read(pieces, pieces.podman("amd64", containers=(pieces.container(1, labels=labels),))).workloads
    assert made.maker == maker


def test_podman_in_a_machine_runs_elsewhere(pieces):
    facts = read(pieces, pieces.podman("arm64", remote=True))

    assert facts.engine("podman").in_vm


def test_podman_s_warnings_do_not_hide_its_answer(pieces):
    warned = (
        'time="2026" level=warning msg="The cgroupv2 manager is set to systemd"\n'
        + pieces.podman("amd64")["podman/info"]
    )

    assert read(pieces, {**pieces.podman("amd64"), "podman/info": warned}).engine("podman").platform == Platform(
        "linux", "amd64"
    )


@pytest.mark.parametrize("number", [0, 1])
def test_cri_s_own_samples_are_containers_of_pods(pieces, number):
    document = sample("crictl")["commands"]["crictl ps -a -o json"]["samples"][number]["output"]

    facts = read(pieces, {**pieces.CRI, "cri/containers": json.dumps(document), "cri/exited": "", "cri/log_ids": ""})

    assert [(w.name, w.image) for w in facts.workloads] == [
        [("default/podId1/alpine", "alpine"), ("default/podId2/busybox", "busybox")],
        [
            (
                "default/doca-hbn-service/doca-hbn",
                "sha256:05f1047133f9852bd739590fa53071cc6f6eb7cce0a695ce981ddba81317c368",
            )
        ],
    ][number]


def test_cri_s_image_digest_is_kept_where_cri_o_tells_it(pieces):
    document = sample("crictl")["commands"]["crictl ps -a -o json"]["samples"][0]["output"]

    facts = read(pieces, {**pieces.CRI, "cri/containers": json.dumps(document)})

    assert facts.workloads[0].local.repo_digests == (document["containers"][0]["imageRef"],)


def test_containerd_s_plugin_table_tells_its_platform(pieces):
    table = "TYPE ID PLATFORMS STATUS\n" + "\n".join(sample("ctr")["commands"]["ctr plugins ls"]["sample_lines"])

    facts = read(pieces, {**pieces.CONTAINERD, "containerd/plugins": table})

    assert facts.engine("containerd").platform == Platform("linux", "amd64")


def test_nerdctl_names_its_containers_and_their_platform(pieces):
    listed = json.loads(sample("nerdctl")["commands"]["nerdctl ps -a --format json"]["samples"][0]["line"])
    told = {"id": "web", "name": listed["Names"], "image": listed["Image"], "platform": listed["Platform"]}
    other = {"id": "bare", "name": "shop-db", "image": "postgres", "platform": "linux/arm64", "status": "Up"}
    lines = "\n".join(json.dumps(one) for one in (told, other))

    web, db = read(pieces, {**pieces.CONTAINERD, "containerd/default/nerdctl": lines}).workloads

    assert (web.name, web.pinned) == ("nginx-0f8c4", Platform("linux", "amd64"))
    assert (db.name, db.pinned) == ("shop-db", Platform("linux", "arm64"))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = ["name", "path", "args", "restarts", "descriptor", "state", "config"]


@given(st.sampled_from(FIELDS), JSON)
def test_a_field_of_any_shape_makes_a_gap_or_a_workload(pieces, field, value):
    prefix = pieces.container(1).split(" ", 3)
    line = " ".join([*prefix[:3], json.dumps({**json.loads(prefix[3]), field: value})])

    facts = read(pieces, pieces.docker("amd64", containers=(line,), images=(pieces.image(1, "amd64"),)))

    assert len(facts.workloads) + len(facts.gaps) >= 1


@pytest.mark.parametrize("section", ["podman/info", "podman/containers", "podman/images"])
@given(value=JSON)
def test_podman_s_documents_of_any_shape_raise_nothing(pieces, section, value):
    read(pieces, {**pieces.podman("amd64", containers=(pieces.container(1),)), section: json.dumps(value)})


@pytest.mark.parametrize("section", ["cri/containers", "cri/images", "cri/platforms", "cri/exited", "cri/version"])
@given(value=JSON)
def test_cri_s_documents_of_any_shape_raise_nothing(pieces, section, value):
    for document in (value, {"containers": value, "images": value}, {"containers": [value], "images": [value]}):
        read(pieces, {**pieces.CRI, section: json.dumps(document)})


@pytest.mark.parametrize(
    ("lent", "destinations"),
    [
        ({"a": ["b"]}, ["/own", "/b"]),
        ({"a": ["b:ro,z"]}, ["/own", "/b"]),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, ["/own", "/b", "/c"]),
        ({"a": ["gone"]}, ["/own", "/"]),  # what it lends may stand anywhere
        ({}, ["/own"]),
        ({"a": None}, ["/own"]),
    ],
)
def test_podman_s_containers_have_the_mounts_that_others_lend_them(pieces, lent, destinations):
    places = {"a": "/own", "b": "/b", "c": "/c"}

    def container(number, name):
        head, document = pieces.container(number).split("{", 1)
        mounts = [{"destination": places[name], "type": "bind", "options": ["rbind"]}, None]
        told = {"name": name, "mounts": mounts, "volumes_from": lent.get(name, [])}
        return head + json.dumps({**json.loads("{" + document), **told})

    containers = tuple(container(number, name) for number, name in enumerate(places, start=1))
    found = {each.name: each.mounts for each in read(pieces, pieces.podman("amd64", containers=containers)).workloads}
    assert [mount.destination for mount in found["a"]] == destinations
