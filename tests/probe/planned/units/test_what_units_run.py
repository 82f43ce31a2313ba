"""What stands in other files that a unit's commands run: scripts, projects of Compose, manifests."""

import subprocess

import pytest

from scanner.domain.plan import HostNames
from scanner.domain.platform.platform import Platform
from scanner.probe.planned import folder
from scanner.probe.planned.units import systemd

S = "[Service]\nExecStart="
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'r.example/k:1'}]}\n"
APP = "services:\n  web: {image: r.example/web, profiles: [x], depends_on: [db]}\n  db: {image: r.example/db}\n  o: {image: 'r.example/o:${TAG:-1}'}\n"


def read(files):
    return folder.plans({f"web/{path}": text.encode() for path, text in files.items()}, "web")


def planned(files, unit):
    return sorted((one.planned.workload, one.planned.image) for one in read(files).filed if one.file == f"web/{unit}")


def said(files):
    return {path.removeprefix("web/"): str(outcome) for path, outcome in read(files).outcomes.items()}


UNIT = "etc/systemd/system/a.service"


def test_a_script_is_opened_where_it_lies_in_the_folder():
    script = "#!/bin/bash\nset -e\nTAG=${1:-v1}\ndocker rm -f a || true\nexec docker run --name a r.example/a:$TAG\n"
    files = {UNIT: f"{S}/opt/start.sh v2\n", "opt/start.sh": script, "opt/other.sh": "docker run never\n"}

    assert planned(files, UNIT) == [("a.service", "r.example/a:v2")]
    assert said(files) == {UNIT: "planned", "opt/start.sh": "planned", "opt/other.sh": "no plan"}


def test_a_script_for_which_a_unit_starts_a_shell_is_opened():
    files = {"a.service": f"{S}/bin/bash -e /opt/start.sh\n", "opt/start.sh": "docker run r.example/b\n"}

    assert planned(files, "a.service") == [("a.service", "r.example/b")]


def test_a_script_that_is_named_after_an_engine_is_missed():
    assert said({UNIT: f"{S}/opt/docker-web.sh\n"}) == {UNIT: "gap"}
    assert said({UNIT: f"{S}/opt/web.sh\n"}) == {UNIT: "no plan"}


PYTHON = "#!/usr/bin/python3\nimport subprocess\nsubprocess.run(['docker', 'run', 'r.example/a'])\n"
FOREIGN = [
    ("/opt/run.py", {"opt/run.py": PYTHON}, "gap"),
    ("/usr/bin/python3 -u /opt/run.py", {"opt/run.py": PYTHON}, "gap"),
    ("/usr/bin/python3 /opt/run.py", {"opt/run.py": "#!/usr/bin/python3\nprint('docker')\n"}, "no plan"),
    ("/opt/long", {"opt/long": "@unread"}, "gap"),
    *(
        (command, {"opt/all.sh": f"#!/bin/sh\n{script}\n", "opt/d/a": text}, outcome)
        for text, outcome in (("#!/bin/sh\ndocker run a\n", "gap"), ("#!/bin/sh\necho docker\n", "no plan"))
        for command, script in (
            ("/opt/all.sh", 'for one in /opt/d/*; do [ -x "$one" ] && "$one" start; done'),
            ("/opt/all.sh", "for one in $(ls /opt/d); do /opt/d/$one; done"),
            ("/opt/all.sh", "cd /opt/d; for one in *; do ./$one; done"),
            ("/bin/sh -c '/opt/d/*'", ""),
            ("/opt/all.sh", "/opt/$(hostname)/a"),
            ("/bin/sh -c '/opt/$(hostname)/$(uname -m)'", ""),
            ("/opt/all.sh", "rm -f /tmp/[0-9]/*; ls " + "/tmp/1/* " * 9 + '; for one in /opt/d/*; do "$one"; done'),
        )
    ),
    ("/usr/bin/make -C /srv web", {"srv/Makefile": "web:\n\tdocker run a\n"}, "gap"),
    ("/usr/bin/make -C/srv up", {"srv/Makefile": "up:\n\techo\n"}, "no plan"),
    ("/usr/bin/make --directory=/srv up", {}, "gap"),
    ("/usr/bin/make -C /srv web", {"srv/Makefile": "include a.mk\n", "srv/a.mk": "web:\n\tdocker run a\n"}, "gap"),
    ("/usr/bin/make -C /srv up", {"srv/Makefile": "include a.mk\nup: ; $(RUN)\n"}, "gap"),
    (
        "/usr/bin/make -C /srv web",
        {"srv/Makefile": "-include none.mk \\\n a.mk\n", "srv/a.mk": "web:\n\tdocker run a\n"},
        "gap",
    ),
    (
        "/usr/bin/make -C /srv web",
        {"srv/Makefile": "ifdef X\n  sinclude mk/*.mk\nendif\n", "srv/mk/a.mk": "web:\n\tdocker run a\n"},
        "gap",
    ),
    ("/usr/bin/make -C /srv web", {"srv/Makefile": "web:\n\tinclude a.mk\n", "srv/a.mk": "docker run a\n"}, "no plan"),
    (
        "/usr/bin/just -d /srv web",
        {"srv/justfile": "import? 'a.just'\n", "srv/a.just": "web:\n  podman run a\n"},
        "gap",
    ),
    ("/usr/bin/just -d /srv a web", {"srv/justfile": "mod a\n", "srv/a.just": "web:\n  podman run a\n"}, "gap"),
    (
        "/usr/bin/just -d /srv a web",
        {"srv/justfile": "mod? a 'x'\n", "srv/x/justfile": "web:\n  podman run a\n"},
        "gap",
    ),
    (
        "/usr/bin/task -d /srv web",
        {
            "srv/Taskfile.yml": "version: 3\nincludes:\n  a: ./x\ntasks: {web: {deps: [a:b]}}\n",
            "srv/x/Taskfile.yml": "tasks: {b: docker run a}\n",
        },
        "gap",
    ),
    (
        "/usr/bin/task -d /srv web",
        {"srv/Taskfile.yml": "includes:\n\n  a:\n    taskfile: 'b.yml'\n", "srv/b.yml": "tasks: {b: docker run a}\n"},
        "gap",
    ),
    ("/usr/bin/just -d /srv web", {"srv/justfile": "import 'a.just'\n", "srv/a.just": "web:\n  podman run a\n"}, "gap"),
    ("/bin/run-parts /etc/up.d", {"etc/up.d/10-web": "#!/bin/sh\ndocker run r.example/a\n"}, "planned"),
    ("/bin/run-parts /etc/up.d", {"etc/up.d/web.sh": "#!/bin/sh\ndocker run r.example/a\n"}, "gap"),
    (
        "/bin/run-parts /etc/up.d",
        {"etc/up.d/web.sh": "#!/bin/sh\ndate\n", "etc/up.d/README.md": "docker run\n"},
        "no plan",
    ),
    ("/bin/run-parts --regex=x /etc/up.d", {"etc/up.d/web": "#!/bin/sh\ndocker run r.example/a\n"}, "gap"),
    ("/bin/run-parts --arg=r.example/a /etc/up.d", {"etc/up.d/web": "#!/bin/sh\ndocker run $1\n"}, "planned"),
    ("/bin/sh -c 'docker run a:$${I:-b}'", {}, "planned"),
    ("/bin/sh -c 'docker run a:$${I:-b}'\nPAMName=login", {}, "gap"),
    ("/usr/bin/docker run a\nRootDirectory=/srv/r", {}, "gap"),
    ("/usr/bin/docker run a\nRootDirectory=/srv/r\nRootDirectory=/", {}, "planned"),
    ("/opt/x\nRootDirectory=/srv/r", {"srv/r/opt/x": "#!/bin/sh\ndocker run a\n"}, "gap"),
    ("/opt/x\nRootImage=/i.raw", {"opt/x": "#!/bin/sh\ndocker run a\n"}, "gap"),
    ("/opt/x\nRootDirectory=/srv/r", {"opt/x": "#!/bin/sh\ndate\n"}, "no plan"),
    ("/opt/x\nRootImage=/i.raw\nBindPaths=/run/docker.sock", {}, "gap"),
    ("/opt/x\nRootImage=/i.raw\nBindReadOnlyPaths=/a /run:/run", {}, "gap"),
    ('/opt/x\nRootImage=/i.raw\nBindPaths="/run"', {}, "gap"),
    ("/opt/x\nRootImage=/i.raw\nBindPaths=/run/dbus /srv/run", {}, "no plan"),
    ("/usr/bin/make -C /srv web", {"srv/Makefile": "include *.mk\n", **{f"srv/{n}.mk": "" for n in range(99)}}, "gap"),
    *(
        ("/usr/bin/task -d /srv web", {"srv/Taskfile.yml": text, "srv/x.yml": "tasks: {b: docker run a}\n"}, "gap")
        for text in (
            *("includes:\n  a: ./x.yml", "includes:\r\n  a: ./x.yml\r\n", "includes: {a: ./x.yml}\n"),
            *("includes: # x\n  'a': {taskfile: ./x.yml}\n", "includes:\n  a:b: x.yml\n"),
        )
    ),
    (
        "/usr/bin/make -C /srv -f sub/Makefile web",
        {"srv/sub/Makefile": "include a.mk\n", "srv/a.mk": "web:\n\tdocker run a\n", "srv/sub/a.mk": ""},
        "gap",
    ),
    ("/usr/bin/make -C /srv up", {"srv/Makefile": "include */a.mk\n", "srv/s/a.mk": "up:\n\tdocker run a\n"}, "gap"),
    ("/bin/run-parts /etc/docker.d", {}, "gap"),
    ("/bin/run-parts /etc/other.d", {}, "no plan"),
    ("/usr/bin/kubectl apply -f /srv/k.yaml", {}, "gap"),
    ("/usr/bin/kubectl apply -f /srv/k.yaml", {"srv/k.yaml": POD}, "no plan"),
    ("/usr/bin/nomad job run /srv/x.nomad", {}, "gap"),
]


@pytest.mark.parametrize(("command", "files", "outcome"), FOREIGN)
def test_what_no_shell_reads_is_a_gap_where_an_engine_is_named(command, files, outcome):
    assert said({UNIT: f"{S}{command}\n", **files})[UNIT] == outcome


COMPOSED = [
    ("docker compose up", ""),
    ("docker compose --profile x up -d", "db o web"),
    ("docker compose up web", "db web"),
    ("docker compose up --no-deps web", "web"),
    ("docker compose --profile x up --scale db=0", "o web"),
    ("docker compose create db", "db"),
]


@pytest.mark.parametrize(("command", "services"), COMPOSED)
def test_services_that_a_command_names_are_started_with_those_that_they_need(command, services):
    files = {UNIT: f"{S}/usr/bin/{command}\nWorkingDirectory=/srv/app\n", "srv/app/compose.yml": APP}

    assert {name.partition("/")[2] for name, _ in planned(files, UNIT)} == set(services.split())


def test_a_project_and_a_quadlet_in_a_root_of_their_own_are_not_taken_from_the_host_s():
    files = {
        UNIT: f"{S}/usr/bin/docker compose up\nWorkingDirectory=/srv/app\nRootDirectory=/srv/r\n",
        "srv/app/compose.yml": "services: {a: {image: r.example/a}}\n",
        "etc/containers/systemd/q.container": "[Container]\nImage=r.example/q\n[Service]\nRootImage=/i\n",
    }

    assert said(files) == {UNIT: "gap", "srv/app/compose.yml": "planned", "etc/containers/systemd/q.container": "gap"}


TAGGED = "services: {a: {image: 'r.example/a:${TAG:-none}'}}\n"
LYING = {
    "compose.yml": TAGGED, "sub/compose.yml": TAGGED, "sub/c.yml": TAGGED, ".env": "TAG=env\n",
    "prod.env": "TAG=prod\n", "sub/.env": "TAG=sub\n", "told/compose.yml": TAGGED, "told/.env": "TAG=told\nCOMPOSE_FILE=sub/c.yml\n",
}  # fmt: skip
VARIABLES = {
    "config": "env",
    "-p q -f compose.yml -f sub/c.yml config": "env",
    "--env-file prod.env config": "prod",
    "--env-file=prod.env --env-file sub/.env config": "sub",
    "-f sub/c.yml config": "sub",
    "--project-directory sub config": "sub",
    "--project-directory sub -f compose.yml config": "sub",
    "--project-directory . -f sub/c.yml config": "env",
    "--project-directory sub --env-file prod.env config": "prod",
    "--project-directory told config": "told",
    "COMPOSE_ENV_FILES=prod.env config": "prod",
    "COMPOSE_ENV_FILES=prod.env,sub/.env config": "sub",
    "COMPOSE_ENV_FILES=prod.env --env-file sub/.env config": "sub",
    "COMPOSE_DISABLE_ENV_FILE=1 config": "none",
    "COMPOSE_DISABLE_ENV_FILE=false config": "env",
    "COMPOSE_DISABLE_ENV_FILE=true COMPOSE_ENV_FILES=prod.env config": "prod",
    "COMPOSE_FILE=sub/c.yml COMPOSE_ENV_FILES=prod.env config": "prod",
}
"""What starts a project, with the tag that Compose finds for it."""


def tag_of(started):
    """What we read of a unit that starts it; empty for a gap."""
    set_here = [word for word in started.split() if word.startswith("COMPOSE_")]
    words = " ".join(word for word in started.split() if not word.startswith("COMPOSE_"))
    unit = f"{S}/usr/bin/docker compose {words.replace('config', 'up')}\nWorkingDirectory=/srv/app\nEnvironment={' '.join(set_here)}\n"
    texts = {UNIT: unit, **{f"srv/app/{path}": text for path, text in LYING.items()}}
    found = systemd.plans({f"web/{path}": text.encode() for path, text in texts.items()})
    return "" if found.gaps else "".join({plan.image.partition(":")[2] for plan in found.planned})


def test_the_variables_of_a_project_are_those_that_compose_reads_for_it(enter_root):
    root = enter_root("trixie")
    env, app = root.program("env"), root.folder / "app"
    for path, text in LYING.items():
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(text)
    for started, tag in VARIABLES.items():
        words = started.split()
        set_here = [word for word in words if word.startswith("COMPOSE_")]
        argv = [env, "-C", app, *set_here, "docker-compose", *words[len(set_here) :]]
        told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
        assert f"image: r.example/a:{tag}\n" in told, started


@pytest.mark.parametrize(("started", "tag"), VARIABLES.items())
def test_a_unit_s_project_has_these_variables(started, tag):
    assert tag_of(started) == tag


@pytest.mark.parametrize("started", ["COMPOSE_FILE=sub/c.yml config", "COMPOSE_DISABLE_ENV_FILE=maybe config"])
def test_variables_that_compose_reads_by_its_version_or_refuses_are_a_gap(started):
    assert not tag_of(started)


BASE = "services: {a: {image: 'r.example/a:${TAG:-1}', platform: linux/amd64, command: x}}\n"
OVER = "services: {a: {image: r.example/a:over}}\n"
AS_THEY_LIE = ["srv/app/compose.yml app/a r.example/a:1 linux/amd64", "srv/app/p.yml app/a r.example/a:over"]
AS_STARTED = [
    # what a unit adds to a project makes it the unit's; just as it lies there it stays a project of its own
    ("docker compose up", "", AS_THEY_LIE),
    ("docker compose -f compose.yml -f p.yml up", "", [f"{UNIT} app/a r.example/a:over linux/amd64"]),
    ("docker compose up", "Environment=TAG=2\n", [f"{UNIT} app/a r.example/a:2 linux/amd64", "srv/app/p.yml app/a r.example/a:over"]),
    ("docker compose -f p.yml up", "Environment=DOCKER_DEFAULT_PLATFORM=linux/arm64\n",
     [f"{UNIT} app/a r.example/a:over linux/arm64 4", "srv/app/compose.yml app/a r.example/a:1 linux/amd64"]),
    ("docker compose up", "Environment=TAG=2\n[Unit]\nConditionArchitecture=arm64\n",  # the files may be for other hosts, too
     [f"{UNIT} app/a r.example/a:2 linux/amd64", *AS_THEY_LIE]),
    ("docker compose up", "Environment=TAG=2\n[Unit]\nConditionArchitecture=|arm64\nConditionPathExists=|/x\n",
     [f"{UNIT} app/a r.example/a:2 linux/amd64", AS_THEY_LIE[1]]),
    ("docker compose -p s -f p.yml up", "", [f"{UNIT} s/a r.example/a:over", "srv/app/compose.yml app/a r.example/a:1 linux/amd64"]),
    ("sh -c 'export TAG=3; docker compose up'", "", [f"{UNIT} app/a r.example/a:3 linux/amd64", "srv/app/p.yml app/a r.example/a:over"]),
    ("docker compose up a", "Environment=TAG=2\n", [f"{UNIT} app/a r.example/a:2 linux/amd64", "srv/app/p.yml app/a r.example/a:over"]),
]  # fmt: skip


@pytest.mark.parametrize(("command", "more", "wanted"), AS_STARTED)
def test_a_project_is_planned_once_and_as_it_is_started(command, more, wanted):
    files = {
        UNIT: f"{S}/usr/bin/{command}\nWorkingDirectory=/srv/app\n{more}",
        "srv/app/compose.yml": BASE,
        "srv/app/p.yml": OVER,
    }
    found = read(files)

    assert not found.gaps
    shown = []
    for one in found.filed:
        plan, file = one.planned, one.file.removeprefix("web/")
        line = plan.pinned_at.rpartition(":")[2] if file == UNIT and plan.pinned_at.startswith(f"web/{UNIT}") else ""
        shown.append(" ".join(filter(None, (file, plan.workload, plan.image, str(plan.pinned or ""), line))))
    assert sorted(shown) == sorted(wanted)


NAMED = [
    ("up o", ["db", "o:7"]),
    ("up db o", ["db", "o:7"]),
    ("up --scale db=0", ["db", "o:7"]),
    ("run o x", ["db", "o:1", "o:7"]),  # once, and somebody else may start the project
    ("-p other up o", ["db", "o:7"]),
    ("up", ["db", "o:7"]),
]


@pytest.mark.parametrize(("command", "wanted"), NAMED)
def test_a_service_that_a_unit_names_is_planned_once_and_others_stay_as_they_lie(command, wanted):
    files = {
        UNIT: f"{S}/usr/bin/docker compose --env-file /etc/e {command}\nWorkingDirectory=/srv/app\n",
        "srv/app/compose.yml": APP,
        "etc/e": "TAG=7\n",
    }
    found = read(files)

    assert not found.gaps
    assert sorted(one.planned.image.removeprefix("r.example/") for one in found.filed) == wanted
    assert said(files)["srv/app/compose.yml"] == "planned"


@pytest.mark.parametrize("more", ["EnvironmentFile=/etc/gone\n", "PassEnvironment=TAG\n", "Environment=TAG=@hidden\n"])
def test_a_project_whose_variables_the_host_alone_knows_is_a_gap(more):
    files = {UNIT: f"{S}/usr/bin/docker compose up\nWorkingDirectory=/srv/app\n{more}", "srv/app/compose.yml": BASE}

    (gap,) = read(files).gaps
    assert "it starts a project of Compose with TAG, which only the running host knows" in gap.failure.detail


NODES = "services: {a: {image: r.example/a, deploy: {placement: {constraints: [node.platform.arch == s390x]}}}}\n"
ON_NODES = POD.replace("spec: {", "spec: {nodeSelector: {kubernetes.io/arch: s390x}, ")


@pytest.mark.parametrize(
    "files",
    [
        {UNIT: f"{S}/usr/bin/podman kube play /srv/p.yaml\n", "srv/p.yaml": ON_NODES},
        {"etc/containers/systemd/a.kube": "[Kube]\nYaml=/srv/p.yaml\n", "srv/p.yaml": ON_NODES},
        {UNIT: f"{S}/usr/bin/docker compose -p x up\nWorkingDirectory=/srv\n", "srv/compose.yml": NODES},
    ],
)
def test_what_podman_plays_or_compose_starts_is_started_whatever_it_asks_of_nodes(files):
    """Podman takes a pod whose nodeSelector names another architecture; only Swarm places services by constraints."""
    found = read(files)

    assert [one.planned.placement for one in found.filed] == [None]


def test_what_compose_run_runs_instead_is_the_command():
    files = {
        UNIT: f"{S}/usr/bin/docker compose run db sh -c x\nWorkingDirectory=/srv/app\n",
        "srv/app/compose.yml": APP,
    }
    (one,) = [filed.planned for filed in read(files).filed if filed.file.endswith(UNIT)]

    assert (one.image, one.process.cmd) == ("r.example/db", ("sh", "-c", "x"))


def test_a_project_is_looked_for_where_the_script_has_gone_with_its_override():
    files = {
        UNIT: f"{S}/bin/sh -c 'cd /srv/app/sub && docker compose up db'\n",
        "srv/app/compose.yml": APP,
        "srv/app/compose.override.yml": "services: {db: {image: r.example/db2}}\n",
        "srv/app/sub/x.env": "",
    }

    assert planned(files, UNIT) == [("app/db", "r.example/db2")]


@pytest.mark.parametrize("unit", [UNIT, "etc/containers/systemd/a.kube"])
def test_a_manifest_that_a_unit_plays_is_planned_once(unit):
    text = f"{S}/usr/bin/podman kube play '/srv/x y.yaml'\n" if unit == UNIT else '[Kube]\nYaml="/srv/x y.yaml"\n'
    files = {unit: text, "srv/x y.yaml": POD}

    assert [(one.planned.workload, one.file) for one in read(files).filed] == [("a.service/c", f"web/{unit}")]
    assert said(files) == {unit: "planned", "srv/x y.yaml": "planned"}


ENGINES = [
    (UNIT, f"{S}/usr/bin/podman run a\n", "podman"),
    (UNIT, f"{S}/usr/bin/podman run a\nUser=root\n", "podman"),
    (UNIT, f"{S}/usr/bin/podman run a\nUser=alice\n", "podman:alice"),
    (UNIT, f"{S}/usr/bin/podman run a\nUser=1000\n", "podman:*"),
    (UNIT, f"{S}/usr/sbin/runuser -u carl -- podman run a\n", "podman:carl"),
    (UNIT, f"{S}/bin/su - carl -c 'podman run a'\n", "podman:carl"),
    (UNIT, f"{S}/usr/bin/podman run a\nDynamicUser=yes\n", "podman:*"),
    (UNIT, f"{S}+/usr/bin/podman run a\nUser=app\n", "podman"),
    (UNIT, f"{S}-!/usr/bin/podman run a\nUser=app\n", "podman"),
    (UNIT, f"{S}!!/usr/bin/podman run a\nUser=app\n", "podman:app"),
    (UNIT, f"{S}/bin/true\nExecStartPre=/usr/bin/podman run a\nUser=app\nPermissionsStartOnly=yes\n", "podman"),
    (UNIT, f"{S}/usr/bin/podman --root /x run a\n", "podman:*"),
    (UNIT, f"{S}/usr/bin/podman run a\nUser=alice\nEnvironment=USER=root\n", "podman:alice"),
    (UNIT, f"{S}/usr/bin/podman run a\nEnvironment=USER=alice\n", "podman"),
    (UNIT, f"{S}+/usr/bin/podman run a\nUser=alice\nEnvironment=USER=alice\n", "podman"),
    (UNIT, f"{S}+/bin/sh -c 'podman run a:$$USER; . /x; podman run a:$$USER'\nUser=alice\n", "podman"),
    (UNIT, f"{S}/usr/bin/env USER=root podman run a\nUser=alice\n", "podman:alice"),
    (UNIT, f"{S}/usr/bin/sudo -g web podman run a\nUser=alice\n", "podman:alice"),
    (UNIT, f"{S}/usr/bin/docker run a\nUser=alice\n", ""),
    ("home/bob/.config/systemd/user/a.service", f"{S}/usr/bin/podman run a\n", "podman:bob"),
    ("etc/systemd/user/a.service", f"{S}/usr/bin/podman run a\n", "podman:*"),
    ("etc/containers/systemd/a.container", "[Container]\nImage=a\n", ""),
    ("home/bob/.config/containers/systemd/a.container", "[Container]\nImage=a\n", "podman:bob"),
    ("etc/containers/systemd/users/1000/a.container", "[Container]\nImage=a\n", "podman:*"),
]


@pytest.mark.parametrize(("unit", "text", "engine"), ENGINES)
def test_a_unit_of_a_user_asks_that_user_s_podman(unit, text, engine):
    assert [one.planned.engine for one in read({unit: text}).filed] == [engine]


FLEET = HostNames.of(["web", "db"])

ARCHITECTURES = [
    ("arm64", "arm64 arm"),
    ("x86-64", "amd64 386"),
    ("! arm64", "arm amd64 386"),
    ("!arm", "arm64 arm amd64 386"),
    ("|arm64", "arm64 arm"),
    ("|arm64\nConditionPathExists=|/x", "arm64 arm amd64 386"),
    ("|arm64\nConditionHost=|web", "arm64 arm amd64 386"),
    ("|arm64\nConditionHost=|db", "arm64 arm"),
    ("|arm64\nConditionArchitecture=|arm\nConditionHost=web", "arm64 arm"),
    ("|arm64\nConditionPathExists=@hidden", "arm64 arm amd64 386"),  # of an older probe, which hides the mark
    ("%a", "arm64 arm amd64 386"),
    ("aarch64", ""),
    ("!aarch64", "arm64 arm amd64 386"),
    ("native", "arm64 arm amd64 386"),
    ("arm64\nConditionArchitecture=", "arm64 arm amd64 386"),
    ("arm64\nConditionArchitecture=x86-64", ""),
    ("arm64\nConditionPathExists=", "arm64 arm amd64 386"),
    ("arm64\nAssertPathExists=\nConditionPathExists=/x", "arm64 arm"),
    ("x86-64\nAssertArchitecture=arm64\nConditionHost=", "arm64 arm"),
]


HOSTS = [
    ("web", True),
    ("db", False),
    ("!db", True),
    ("!web", False),
    ("|web", True),
    ("|db\nConditionHost=|web", True),
    ("|db", False),
    ("db\nConditionHost=", None),
    ("we?", True),
    ("d*", None),
    ("!we*", False),
    ("0123456789abcdef0123456789abcdef", None),
    ("%H", None),
    ("@hidden", None),
]


@pytest.mark.parametrize(("said_of_unit", "fits"), HOSTS)
def test_a_unit_is_for_the_hosts_that_its_condition_names(said_of_unit, fits):
    (filed,) = read({UNIT: f"[Unit]\nConditionHost={said_of_unit}\n{S}/usr/bin/docker run a\n"}).filed

    placement = filed.planned.placement
    assert (placement and placement.fits("web", Platform("linux", "arm64"), {}, FLEET)) is fits


@pytest.mark.parametrize(("hosts", "terms"), [(1, 2), (20, 420), (40, 41), (1100, None)])
def test_what_conditions_and_assertions_ask_together_is_bounded(hosts, terms):
    asked = "".join(f"ConditionHost=|h{number}\nAssertHost=|h{number}\n" for number in range(hosts))
    (filed,) = read({UNIT: f"[Unit]\nConditionHost=|web\n{asked}{asked}{S}/usr/bin/docker run a\n"}).filed

    assert (filed.planned.placement and len(filed.planned.placement.terms)) == terms


@pytest.mark.parametrize(("said_of_unit", "wanted"), ARCHITECTURES)
def test_a_unit_is_for_hosts_of_its_condition_and_none_on_which_it_may_run_is_left_out(said_of_unit, wanted):
    condition = f"[Unit]\nConditionArchitecture={said_of_unit}\n"
    files = {UNIT: f"{condition}{S}/usr/bin/docker run a\n", "etc/a.container": f"{condition}[Container]\nImage=a\n"}
    plans = [one.planned for one in read(files).filed]

    for plan in plans:
        fits = [
            architecture
            for architecture in ("arm64", "arm", "amd64", "386")
            if plan.placement is None or plan.placement.fits("web", Platform("linux", architecture), {}, FLEET)
        ]
        assert fits == wanted.split()
    assert len(plans) == 2
