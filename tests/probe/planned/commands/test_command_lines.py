"""Command lines that start containers, beside real shells and the engines' own words about their options."""

import re
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.probe.planned.commands import engine_options
from scanner.probe.planned.commands.command import ComposeUp, KubePlay, Other, Pull, Run
from scanner.probe.planned.commands.command_lines import MAX_COMMANDS, MAX_SHELLS, find
from scanner.probe.planned.commands.container_options import container
from scanner.probe.planned.unknown_text import UNKNOWN
from tests.real.roots import native_suite
from tests.rows import each_row


def runs(line, env=None):
    found = find(tuple(shlex.split(line)), env or {})
    return [started for started, _ in found.started if isinstance(started, Run)]


RUNS = [
    # command line, image, platform, what follows the image
    ("docker run nginx", "nginx", "", ()),
    ("/usr/bin/docker run --rm -p 80:80 -e A=b nginx:1 -g x", "nginx:1", "", ("-g", "x")),
    ("/usr/bin/docker run -dit --name=web -v/a:/b --restart always nginx", "nginx", "", ()),
    ("docker run -dp 80:80 nginx", "nginx", "", ()),
    ("docker run -p80:80 nginx", "nginx", "", ()),
    ("docker --context x -H unix:///s container run --platform linux/arm64 nginx", "nginx", "linux/arm64", ()),
    ("docker create --platform=linux/arm/v7 nginx", "nginx", "linux/arm/v7", ()),
    ("podman run --cidfile=%t/%n.ctr-id --cgroups=no-conmon --rm --sdnotify=conmon -d --replace --name web docker.io/nginx", "docker.io/nginx", "", ()),
    ("podman run --arch arm64 nginx", "nginx", "linux/arm64", ()),
    ("podman run --arch arm --variant v6 --os linux nginx", "nginx", "linux/arm/v6", ()),
    ("podman run --override-arch arm64 nginx", "nginx", "linux/arm64", ()),
    ("podman --log-level debug --root /x run -it --tls-verify=false nginx sh", "nginx", "", ("sh",)),
    ("podman run --os linux nginx", "nginx", "", ()),
    ("nerdctl -n k8s.io --snapshotter native run -d --platform=arm64 nginx", "nginx", "arm64", ()),
    ("docker run --net host --dns-opt x --network-alias y nginx", "nginx", "", ()),
    ("docker run --init=false --rm=true -t=false -eA=b -e=C=d nginx", "nginx", "", ()),
    ("docker run --init --privileged --env-file /e --entrypoint /x nginx", "nginx", "", ()),
    ("docker run -- nginx a", "nginx", "", ("a",)),
    ("docker run --rm a:1 --platform linux/arm64", "a:1", "", ("--platform", "linux/arm64")),
    ("docker run --platform linux/arm64 --platform linux/amd64 a", "a", "linux/amd64", ()),
    ("env A=b /usr/bin/docker run a", "a", "", ()),
    ("sudo -u x docker run a", "a", "", ()),
    ("timeout 5m nice -n 5 docker run a", "a", "", ()),
    ("systemd-cat -t x docker run a", "a", "", ()),
    ("flock -n /run/lock docker run a", "a", "", ()),
    ("flock /run/lock -c 'docker run a'", "a", "", ()),
    ("su - web -c 'podman run a'", "a", "", ()),
    ("runuser -u web -- podman run a", "a", "", ()),
    ("busybox sh -c 'docker run a'", "a", "", ()),
    ("/bin/sh -c 'docker rm -f web; exec docker run --rm nginx'", "nginx", "", ()),
    ("bash -lc 'docker run a'", "a", "", ()),
    ("sh -ec 'docker run a'", "a", "", ()),
    ("bash -o pipefail -ec 'docker run a'", "a", "", ()),
    ("bash -eo pipefail -c 'docker run a'", "a", "", ()),
    ("bash --norc -c 'docker run a'", "a", "", ()),
    ("sh -x -c 'docker run a'", "a", "", ()),
    ("sh -c \"sh -c 'docker run a'\"", "a", "", ()),
    ("docker --context rootless run a", "a", "", ()),
    ("DOCKER_HOST=unix:///x DOCKER_CONTEXT=far docker run a", "a", "", ()),
    ("finch --debug run --platform linux/arm64 a", "a", "linux/arm64", ()),
    ("docker.io run a", "a", "", ()),
    ("podman-remote --url unix:///run/x run --arch arm64 a", "a", "linux/arm64", ()),
    ("balena-engine run -d a", "a", "", ()),
    ("podman run docker://r.example/a:1 sh", "r.example/a:1", "", ("sh",)),
    ("podman run docker://a", "docker.io/library/a", "", ()),
    ("podman run docker://a/b", "docker.io/a/b", "", ()),
    ("podman run docker://localhost/a", "localhost/a", "", ()),
    ("podman run docker://127.0.0.1:5000/a", "127.0.0.1:5000/a", "", ()),
    ("docker run docker://a", "docker://a", "", ()),
    ("podman pod create --name x -p 80:80 --infra-image r.example/pause:1 --replace", "r.example/pause:1", "", ()),
]  # fmt: skip


@each_row("line, image, platform, command", RUNS)
def test_the_image_stands_behind_the_options(line, image, platform, command):
    (run,) = runs(line)

    assert (run.image, run.platform, run.command) == (image, platform, command)


OTHERS = [
    "docker stop web", "dockerd -H fd://", "podman start -a web", "", "/bin/true run x", "docker", "sh -c", "docker exec web docker ps",
    "docker run --help", "echo docker run a", "sh -c 'echo docker run a'", "/usr/bin/logger docker run a", "docker image ls", "docker pull a",
    "podman kube down /a.yaml", "docker compose down", "docker compose -f x.yml pull", "sh -c 'test -x /usr/bin/docker'", "ssh other docker ps", "curl --unix-socket /run/docker.sock http://d/containers/json",
    "kubectl get pods", "kubectl create -f x --dry-run=client", "ctr task start x", "distrobox enter x", "helm list", "ctr -h run", "ctr run --help", "helm install x y --dry-run", "make -C /srv/app all",
    "exporter --mode make up", "backup --of kind create", "docker service update --force web", "docker compose watch --no-up", "finch ps", "nomad agent -config /etc/nomad.d",
    "docker volume create x", "podman pod create --name x", "podman pod start x", "docker network create run", "/usr/bin/exporter --path=/var/lib/docker run", "exporter --docker run",
]  # fmt: skip


@each_row("line", OTHERS)
def test_other_commands_start_nothing(line):
    found = find(tuple(shlex.split(line)), {})

    assert (found.started, found.gaps) == ([], [])


@pytest.mark.parametrize("image", ["a{}b", "a:{}1", "'a{}b'", '"a{}b"', "$(echo a){}b", "a\\{}b"])
@pytest.mark.parametrize("before", ["", "X=", "sh -c "])
def test_what_is_not_known_within_a_word_stays_so_whatever_follows(image, before):
    word = image.format(UNKNOWN)
    script = {"": f"docker run {word}", "X=": f"X={word}; docker run $X"}.get(
        before
    ) or f"sh -c {shlex.quote(f'docker run {word}')}"

    found = find(("sh", "-c", script), {})

    assert found.started == []
    assert found.gaps


OTHER_STARTERS = [
    "ctr -n k8s.io run --rm r.example/a x", "k3s ctr c create a x", "microk8s.ctr run a x", "crictl runp p.json", "k3s crictl create x y z",
    "buildah run x sh", "distrobox create -i a", "distrobox-create -i a", "sudo toolbox create", "apptainer run docker://a", "runc run x",
    "kubectl run x --image=a", "kubectl apply -f x.yaml", "k3s kubectl apply -f x.yaml", "microk8s.kubectl create deployment x",
    "minikube kubectl -- apply -f x", "helm upgrade --install x y", "nomad job run x.nomad", "kind create cluster", "lima nerdctl run a",
    "limactl shell x nerdctl run a", "docker service update --image a web", "docker --context far run a", "docker -c far compose up", "DOCKER_CONTEXT=far docker run a", "podman kube apply x.yaml", "podman container runlabel run a",
    "make -C /srv/app up", "just docker-web", "npm run docker:up", "sh -c 'ctr run a x'",
    "ctr run --rm docker.io/library/redis:7 redis redis-server -h 0.0.0.0", "lima nerdctl run -h web nginx",
    "docker exec web docker run x", "ssh other docker run a", "kubectl run x --image=a -- tool --dry-run", "nomad job run --dry-run x.nomad", f"make {'-up' * 40_000}",
]  # fmt: skip


@each_row("line", OTHER_STARTERS)
def test_what_starts_containers_by_words_of_its_own_is_a_gap(line):
    found = find(tuple(shlex.split(line)), {})

    assert [type(started) for started, _ in found.started] == ([] if found.gaps else [Other])


UNCLEAR = [
    "docker run", "docker run -p", "docker run --rm", "docker run --no-such x a", "docker run -Z a", "podman run --rootfs /srv/x",
    "podman run --arch arm64 --platform linux/arm64 a", "podman run --variant v7 a", "podman run --os windows a", "docker --no-such run a",
    "sh -c 'docker run $(cat image)'", "sh -c '. /etc/default/x; docker run $IMAGE'", "sh -c 'read IMAGE; docker run $IMAGE'",
    "sh -c 'docker run $OPTIONS a'", "sh -c 'if x; then I=a; else I=b; fi; docker run $I'",
    "sh -c 'IFS=@hidden; X=a; docker run $X'", "sh -c 'docker run a <<X <<Y\nX\nY'", "docker run ''",
]  # fmt: skip


@each_row("line", UNCLEAR)
def test_what_cannot_be_told_is_a_gap(line):
    found = find(tuple(shlex.split(line)), {}, env_is_whole=False)

    assert [started for started, _ in found.started if isinstance(started, Run)] == []
    assert found.gaps


STARTS = [
    ("docker compose -f /x/c.yml -f d.yml -p shop up -d", ComposeUp(("/x/c.yml", "d.yml"), "shop")),
    ("docker-compose --project-directory /srv up", ComposeUp((), "", "/srv")),
    ("docker compose --profile a --profile=b,c up --wait", ComposeUp((), profiles=("a", "b", "c"))),
    (
        "docker compose --env-file x.env --env-file y.env up -d web db",
        ComposeUp((), env_files=("x.env", "y.env"), services=("web", "db")),
    ),
    (
        "docker compose up --scale web=0 --scale db=2 --no-deps web -t 5",
        ComposeUp((), services=("web",), without=("web",), alone=True),
    ),
    ("docker compose run --rm -T web sh -c 'x y'", ComposeUp((), services=("web",), run=("sh", "-c", "x y"))),
    ("docker compose run --entrypoint /x web", ComposeUp((), services=("web",), is_changed=True)),
    ("podman-compose -f c.yml start", ComposeUp(("c.yml",))),
    ("docker-compose-v2 up -d", ComposeUp(())),
    ("/snap/bin/docker.compose -f c.yml up", ComposeUp(("c.yml",))),
    ("finch compose up", ComposeUp(())),
    ("docker compose watch --quiet web", ComposeUp((), services=("web",))),
    ("docker compose scale --no-deps web=3 db=0", ComposeUp((), services=("web", "db"), without=("db",), alone=True)),
    ("podman compose run web", ComposeUp((), services=("web",))),
    ("nerdctl compose create", ComposeUp(())),
    ("podman kube play --replace --network=x /a.yaml", KubePlay(("/a.yaml",))),
    ("podman play kube /a.yaml --wait", KubePlay(("/a.yaml",))),
    ("docker pull --platform linux/arm64 a", Pull("a", "linux/arm64")),
    ("podman image pull --arch=arm64 a", Pull("a", "linux/arm64")),
    ("docker service create --name x a", Other("it creates a service of a Swarm")),
    ("docker stack deploy -c x.yml y", Other("it deploys a stack to a Swarm")),
    ("docker -H tcp://10.0.0.9 run a", Other("it asks the engine at tcp://10.0.0.9, which may be another machine's")),
    (
        "docker -H tcp://localhost:2375 run a",
        Other("it asks the engine at tcp://localhost:2375, which may be another machine's"),
    ),
    ("podman --remote run a", Other("it asks the engine at Podman's usual connection, which may be another machine's")),
    ("env DOCKER_HOST=ssh://x docker run a", Other("it asks the engine at ssh://x, which may be another machine's")),
]


@each_row("line, wanted", STARTS)
def test_other_ways_to_start_containers_are_seen(line, wanted):
    assert [started for started, _ in find(tuple(shlex.split(line)), {}).started] == [wanted]


# ---------------------------------------------------------------- shells

SCRIPTS = [
    "docker run --rm a:1; echo", "docker run a:1 && docker run b:1", "docker run a || docker run b", "docker run a | cat", "docker run a & wait",
    "docker run a >/dev/null 2>&1", "docker run a 2>&1 | tee /dev/null; podman run b", "(cd /; docker run a)", "{ docker run a; docker run b; }",
    "! docker run a", "if docker run a; then docker run b; else docker run c; fi", "I=a; docker run $I", 'I=a:1 J=b; docker run "$I" $J',
    "docker run ${I:-a}:${T-1}", "I=; docker run ${I:-a} ${I-b} x", "O='-e A=b --rm'; docker run $O a", "O='-e A=b'; docker run -e \"$O\" a",
    "for i in a b c; do docker run r/$i:1; done", 'set -- -d a x; docker run "$@"', "docker run 'a b' \"c d\" e\\ f", "docker run a 'it'\\''s' \"$$\" | true",
    "while docker run a; do break; done", "case x in x) docker run a;; y) docker run b;; esac", "exec docker run a", "A=b docker run -e A a",
    'f() { docker run a "$1"; }; :; docker run b', "docker run \\\n  -d \\\n  a \\\n  b", "# no\ndocker run a # b c\n", "docker run a;docker run b",
    "docker run a&&docker run b||docker run c", "true;docker run a>/dev/null", "export I=a; docker run $I", "I=a; (I=b; docker run $I); docker run $I",
    "docker run a -c 'x; y && z'", "docker run a *.nothing", 'docker run a "a;b|c&d"', "unset I; docker run ${I:-x}", "eval 'docker run a'",
    "sh -c 'docker run a; docker run b'", "sh -c 'docker run \"$1\"' x y", "bash -c 'docker run a' && podman run b", "command -v docker >/dev/null && docker run a",
    "docker run -d a;\n\n\npodman run b\n", "docker run <<X a\nb\nX\ndocker run c", "docker run \"a$(printf '')\"x", "I=a\ndocker run ${I}b ${I:+c} ${J:+d} ${K-}",
]  # fmt: skip


@each_row("script", SCRIPTS)
def test_a_script_is_split_as_shells_split_it(script, seen):
    found = find(("sh", "-c", script), {})

    started = {(run.engine, run.image, *run.command) for run, _ in found.started if isinstance(run, Run)}
    real = {(words[0], *_behind_options(words)) for words in seen(script) if words[1:2] == ("run",)}
    if "$$" in script or "$(" in script:
        assert found.gaps or {image for _, image, *_ in started} == {image for _, image, *_ in real}
    else:
        assert not found.gaps
        assert started - _maybe(script) == real


def _behind_options(words):
    given = engine_options.RUN[words[0]].read(words[2:])
    return given.rest


def _maybe(script):
    """What is there but never reached: a function that nobody calls, another branch."""
    return {"f()": {("docker", "a", "")}, "y) docker run b": {("docker", "b")}}.get(
        next((mark for mark in ("f()", "y) docker run b") if mark in script), ""), set()
    )


def test_a_script_that_a_shell_refuses_is_a_gap_whatever_else_it_starts():
    assert find(("sh", "-c", "docker run a'"), {}).gaps
    assert find(("sh", "-c", "docker run a; if x; then docker run b"), {}).gaps


def test_shells_within_each_other_are_bounded():
    line = "docker run a"
    for _ in range(MAX_SHELLS + 1):
        line = shlex.join(["sh", "-c", line])

    assert find(tuple(shlex.split(line)), {}).gaps == [f"more than {MAX_SHELLS} shells within each other"]


def test_a_script_that_multiplies_is_bounded():
    loop = "for a in 1 2 3 4 5 6 7 8 9; do "
    found = find(("sh", "-c", loop * 5 + "docker run a$a; " + "done; " * 5), {})

    assert len(found.started) <= MAX_COMMANDS
    assert found.gaps


@given(st.text(alphabet="docker run-eA='\"$(){};&|\\\n<>`*~#!x", max_size=80))
def test_any_script_is_read_or_a_gap(script):
    found = find(("sh", "-c", f"docker run {script}"), {})

    assert isinstance(found.gaps, list)


# ---------------------------------------------------------------- options

HELP = re.compile(r"\s+(?:-(\w), )?--([\w-]+)(?: (\S+))?(?:\s{2,}|$)")


@pytest.mark.parametrize("suite", ["native", "trixie"])
@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.parametrize("command", [("run",), ("create",), (), ("pull",), ("kube", "play"), ("pod", "create")])
def test_options_take_a_value_where_the_engine_says_so(suite, engine, command, require, generation_of):
    if engine == "docker" and len(command) > 1:
        pytest.skip("Podman's own command")
    program = generation_of(native_suite() if suite == "native" else suite).program(engine)
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "400"}
    text = subprocess.run([program, *command, "--help"], capture_output=True, text=True, env=env, check=False).stdout
    grammar = {
        ("run",): engine_options.RUN[engine], ("create",): engine_options.RUN[engine], (): engine_options.GLOBAL[engine],
        ("pull",): engine_options.PULL, ("kube", "play"): engine_options.KUBE_PLAY, ("pod", "create"): engine_options.POD,
    }[command]  # fmt: skip

    told = {found[2]: (found[1], found[3]) for line in text.splitlines() if (found := HELP.match(line))}

    assert told
    for name, (letter, kind) in told.items():
        assert name in (grammar.takes if kind else grammar.flags), (name, kind)
        if letter:
            assert grammar.short.get(letter) == name


@pytest.mark.parametrize("suite", ["trixie", "sid"])
def test_options_of_compose_take_a_value_where_compose_says_so(suite, generation_of):
    plugin = generation_of(suite).program("docker")
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "400"}
    for command, grammar in (("up", engine_options.COMPOSE_START), ("create", engine_options.COMPOSE_START),
                             ("start", engine_options.COMPOSE_START), ("scale", engine_options.COMPOSE_START),
                             ("watch", engine_options.COMPOSE_START), ("run", engine_options.COMPOSE_RUN)):  # fmt: skip
        argv = [plugin, "compose", command, "--help"]
        text = subprocess.run(argv, capture_output=True, text=True, env=env, check=False).stdout
        told = {found[2]: (found[1], found[3]) for line in text.splitlines() if (found := HELP.match(line))}
        assert told, command
        for name, (letter, kind) in told.items():
            assert name in (grammar.takes if kind else grammar.flags), (command, name, kind)
            assert not letter or grammar.short.get(letter) == name, (command, letter)


@pytest.mark.parametrize("value", ['type=bind,"src=/x"y,dst=/y', 'type=bind,src="/x"', '"type=bind'])
def test_a_mount_that_no_engine_can_read_is_a_gap(value):
    (run,) = runs(f"docker run --mount {shlex.quote(value)} img")

    made = container(run, {}, lambda _: None)

    assert (made.mounts, len(made.gaps)) == (None, 1)
    assert "comma-separated" in made.gaps[0]


def test_a_mount_of_several_lines_is_what_its_first_line_says():
    (run,) = runs("docker run --mount 'type=bind,src=/x,dst=/y\ntype=tmpfs' img")

    assert [mount.destination for mount in container(run, {}, lambda _: None).mounts] == ["/y"]


def test_a_secret_that_only_the_host_knows_may_be_mounted_anywhere():
    (run,) = runs("sh -c 'podman run --secret \"$(cat x)\" img'")

    assert container(run, {}, lambda _: None).gaps == ["only the running host knows where --secret … is mounted"]


def test_every_option_of_run_that_matters_here_is_followed():
    line = (
        'podman run --entrypoint \'["/a","b"]\' -w /w -u 1:2 --init -e A=b -e PATH=/p -e C -v /s:/d:ro -v anon:/e --tmpfs /t '
        "--mount type=bind,src=/x,target=/y --health-cmd 'x y' --secret s,type=env,target=T --secret source=E,type=env "
        "--secret s --secret m,type=mount,target=/usr/bin/app --secret r,target=rel img c"
    )
    (run,) = runs(line)

    made = container(run, {"C": "c"}, lambda _: None)

    assert made.gaps == []
    assert (made.process.entrypoint, made.process.cmd, made.process.working_dir) == (("/a", "b"), ("c",), "/w")
    assert (made.process.user, made.process.init, made.process.path) == ("1:2", True, "/p")
    assert dict(made.process.env) == {"A": "b", "PATH": "/p", "C": "c", "T": None, "E": None}
    assert made.process.healthcheck == ("CMD-SHELL", "x y")
    assert [(m.destination, m.kind) for m in made.mounts] == [
        ("/d", "bind"), ("/e", "volume"), ("/t", "tmpfs"), ("/y", "bind"), ("/run/secrets/s", "bind"),
        ("/usr/bin/app", "bind"), ("/run/secrets/rel", "bind"),
    ]  # fmt: skip


ENTRYPOINTS = [
    ("docker", "--entrypoint ''", ("",)),
    ("podman", "--entrypoint ''", ()),
    ("podman", "--entrypoint '[]'", ()),
    ("docker", "--entrypoint '[\"/a\"]'", ('["/a"]',)),
    ("podman", "--entrypoint '[1]'", ("[1]",)),
    ("nerdctl", "--entrypoint /a", ("/a",)),
    ("docker", "", None),
]


@pytest.mark.parametrize(("engine", "option", "wanted"), ENTRYPOINTS)
def test_an_entrypoint_is_read_as_its_engine_reads_it(engine, option, wanted):
    (run,) = runs(f"{engine} run {option} img")

    process = container(run, {}, lambda _: None).process

    assert (process.entrypoint if process else None) == wanted


def test_a_file_of_variables_is_read_as_its_engine_reads_it():
    (run,) = runs("docker run --env-file /e -e B=2 img")

    made = container(run, {"FROM": "client"}, {"/e": b"A='1'\nB=1\nFROM\nGONE\nPATH=/x\n"}.get)

    assert (dict(made.process.env), made.process.path) == (
        {"A": "'1'", "B": "2", "FROM": "client", "PATH": "/x"}, "/x",
    )  # fmt: skip


def test_a_file_of_variables_that_is_not_there_is_a_gap():
    (run,) = runs("docker run --env-file /e img")

    assert container(run, {}, lambda _: None).gaps == ["the variables of /e are not known: it cannot be read"]
