"""What a container says beside its image, or an image that no registry has: the verdict follows what Docker runs."""

import json
from dataclasses import dataclass

import pytest

from tests.real.images import File, Image, tar_of
from tests.system.truth.build import Tree, entries, indexed, on_debian, plain
from tests.system.truth.comparison import FAILS, STARTS, Case
from tests.system.truth.forms import foreign
from tests.system.truth.outcomes import docker_outcomes, removed
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS, WRAPPER

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

MIXED: Tree = {
    "app": NATIVE,
    "arm": FOREIGN,
    "b/app": FOREIGN,
    "srv/app": NATIVE,
    "srv/arm": FOREIGN,
    "sbin/tini": WRAPPER,
}


@dataclass(frozen=True)
class Run:
    """One ``docker run`` of an image: options before its name, words after it."""

    image: str
    reason: str
    options: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


PUSHED = {
    "native": plain(MIXED),
    "foreign": plain(MIXED, argv=["/arm"]),
    "named": plain(MIXED, process={"Entrypoint": ["app"], "Env": ["PATH=/srv"]}),
    "wrapped": plain(MIXED, process={"Entrypoint": ["/sbin/tini", "--"], "Cmd": ["/arm"]}),
    "command": plain(MIXED, process={"Cmd": ["/arm"]}),
    "nothing": plain(MIXED, process={}),
    "usual": plain({"usr/bin/app": NATIVE}, process={"Entrypoint": ["app"]}),
    "checked": plain(MIXED, process={"Entrypoint": ["/app"], "Healthcheck": {"Test": ["CMD", "/arm"]}}),
    "shell": on_debian(MIXED, argv=["/bin/sh", "-c"], cmd=["/arm"]),
}

RUNS = {
    "as-it-is": Run("native", "native"),
    "as-it-is-foreign": Run("foreign", "wrong_binary"),
    "entrypoint-right": Run("foreign", "native", ("--entrypoint", "/app")),
    "entrypoint-wrong": Run("native", "wrong_binary", ("--entrypoint", "/arm")),
    "entrypoint-by-path": Run("native", "wrong_binary", ("--entrypoint", "app", "-e", "PATH=/b")),
    "entrypoint-reset": Run("foreign", "native", ("--entrypoint", ""), ("/app",)),
    "path-changed": Run("named", "wrong_binary", ("-e", "PATH=/b:/srv")),
    "path-emptied": Run("usual", "entrypoint_missing", ("-e", "PATH=")),
    "health-check-foreign": Run("checked", "healthcheck_wrong_binary"),
    "health-check-switched-off": Run("checked", "native", ("--no-healthcheck",)),
    "path-kept": Run("named", "native", ("-e", "OTHER=/b")),
    "command-right": Run("command", "native", (), ("/app",)),
    "command-wrong": Run("command", "wrong_binary"),
    "command-behind-a-wrapper": Run("wrapped", "native", (), ("/app",)),
    "command-behind-a-wrapper-wrong": Run("wrapped", "wrong_binary"),
    "command-of-nothing": Run("nothing", "native", (), ("/app",)),
    "command-of-a-shell": Run("shell", "native", (), (f"echo {SAYS}",)),
    "command-of-a-shell-wrong": Run("shell", "wrong_binary"),
    "workdir-right": Run("foreign", "native", ("--workdir", "/srv", "--entrypoint", "./app")),
    "workdir-wrong": Run("native", "wrong_binary", ("--workdir", "/srv", "--entrypoint", "./arm")),
    "labelled-by-compose": Run(
        "foreign", "wrong_binary",
        ("--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=api"),
    ),
    "platform-right": Run("both-right", "native", ("--platform", "linux/amd64")),
    "platform-wrong": Run("both-wrong", "wrong_platform", ("--platform", "linux/arm64")),
    "by-digest": Run("digest-right", "native"),
    "by-digest-wrong": Run("digest-wrong", "wrong_binary"),
    "by-tag-and-digest": Run("tag-and-digest", "native"),
    "by-neither": Run("latest", "native"),
    "user": Run("native", "native", ("--user", "1000:1000")),
}  # fmt: skip


PINNED = {
    "both-right": indexed(plain(MIXED), foreign()),
    "both-wrong": indexed(plain(MIXED), foreign()),
    "digest-right": indexed(plain(MIXED), foreign()),
    "digest-wrong": plain(MIXED, argv=["/arm"]),
    "tag-and-digest": plain(MIXED),
    "latest": plain(MIXED),
}


@pytest.fixture(scope="module")
def references(pusher):
    """How each image is asked for: by tag, by digest, by both, by neither."""
    tagged = {name: pusher.push(f"override/{name}", "1", image) for name, image in (PUSHED | PINNED).items()}
    for name in ("digest-right", "digest-wrong"):
        tagged[name] = f"{tagged[name].removesuffix(':1')}@{PINNED[name].manifest.digest}"
    tagged["tag-and-digest"] += f"@{PINNED['tag-and-digest'].manifest.digest}"
    tagged["latest"] = pusher.push("override/latest", "latest", PINNED["latest"]).removesuffix(":latest")
    return tagged


@pytest.fixture(scope="module")
def run_truth(docker_scanner, docker_engine, references):
    outcomes = docker_outcomes(
        docker_engine, {f"run-{name}": (*run.options, references[run.image], *run.words) for name, run in RUNS.items()}
    )
    findings = docker_scanner.scan([references[name] for name in PINNED])
    removed(docker_engine.docker)
    return {
        name: Case(findings.get(references[run.image], {}), outcomes[f"run-{name}"], findings[f"run-{name}"])
        for name, run in RUNS.items()
    }


@pytest.mark.parametrize("name", RUNS)
def test_what_stands_beside_the_image_decides(name, run_truth):
    case = run_truth[name]
    assert not case.disagreement(case.container)
    assert case.container["reason"] == RUNS[name].reason, f"{case.container['detail']}; it {case.outcome}"


@pytest.mark.parametrize("name", ["by-digest", "by-digest-wrong", "by-tag-and-digest", "by-neither"])
def test_however_an_image_is_named_it_is_judged_before_it_runs_as_after(name, run_truth):
    case = run_truth[name]
    assert case.planned["reason"] == case.container["reason"]


# ---------------------------------------------------------------- images that no registry has

ONLY_HERE: Tree = {**MIXED, "only-here": b"the same image in a registry would tell more"}
LOCAL = {
    "native": plain(ONLY_HERE),
    "foreign": plain(ONLY_HERE, argv=["/arm"], architecture="arm64"),
    "foreign-says-amd64": plain(ONLY_HERE, argv=["/arm"]),
    "native-says-arm64": plain(ONLY_HERE, architecture="arm64"),
    "crlf": plain({"app": b"#!/app\r\n"}),
    "not-executable": plain({"app": File(NATIVE, mode=0o644)}),
    "missing": plain({"only-here": NATIVE}),
}
MADE_THERE = ("built", "imported", "retagged")
NEVER_STARTED = {
    "native": "image_local_only",
    "foreign": "wrong_platform",
    "foreign-says-amd64": "image_local_only",
}


def _archive(image: Image, tag: str) -> bytes:
    """What ``docker load`` takes."""
    layers = [f"{number}.tar" for number in range(len(image.layers))]
    listing = json.dumps([{"Config": "config.json", "RepoTags": [tag], "Layers": layers}]).encode()
    blobs = [(name, layer.body) for name, layer in zip(layers, image.layers, strict=True)]
    return entries(("manifest.json", listing), ("config.json", image.config.body), *blobs)


@pytest.fixture(scope="module")
def local_truth(docker_scanner, docker_engine, references, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    for name, image in LOCAL.items():
        archive = folder / f"{name}.tar"
        archive.write_bytes(_archive(image, f"local/{name}:1"))
        docker_engine.docker("load", "--quiet", "--input", archive)
    (folder / "root.tar").write_bytes(tar_of({"app": NATIVE}))
    docker_engine.docker("import", "--change", 'ENTRYPOINT ["/app"]', folder / "root.tar", "local/imported:1")
    context = tmp_path_factory.mktemp("context")
    (context / "app").write_bytes(FOREIGN)
    (context / "app").chmod(0o755)
    (context / "Dockerfile").write_text('FROM scratch\nCOPY app /app\nENTRYPOINT ["/app"]\n')
    docker_engine.docker("build", "--quiet", "--tag", "local/built:1", context)
    for name in NEVER_STARTED:
        docker_engine.docker("create", "--network", "none", "--name", f"created-{name}", f"local/{name}:1")
    docker_engine.docker("pull", "--quiet", references["native"])
    docker_engine.docker("tag", references["native"], "local/retagged:1")
    names = [*LOCAL, *MADE_THERE]
    outcomes = docker_outcomes(docker_engine, {f"local-{name}": (f"local/{name}:1",) for name in names})
    findings = docker_scanner.scan()
    removed(docker_engine.docker)
    return outcomes, findings


@pytest.mark.parametrize("name", [*LOCAL, *MADE_THERE])
def test_a_local_image_that_has_run_is_judged_by_what_became_of_it(name, local_truth):
    outcomes, findings = local_truth
    outcome, finding = outcomes[f"local-{name}"], findings[f"local-{name}"]
    assert finding["status"] in (STARTS if outcome.started else FAILS), f"{finding['detail']}; it {outcome}"


@pytest.mark.parametrize("name", NEVER_STARTED)
def test_a_local_image_that_was_never_started_is_ok_to_nobody(name, local_truth):
    finding = local_truth[1][f"created-{name}"]
    assert (finding["reason"], finding["stage"]) == (NEVER_STARTED[name], "stopped")
