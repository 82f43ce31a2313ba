import hashlib
import json
import subprocess

import pytest

from scanner.inventory import DockerContextSource, InventoryError

CONTEXTS = {
    "build": "ssh://ci@build.example",
    "edge": "ssh://root@10.0.0.5:2222",
    "plain": "ssh://plain.example",
    "v6": "ssh://me@[2001:db8::5]:23",
    "builder": "ssh://ci@build.example",
    "tcp": "tcp://10.0.0.6:2376",
    "here": "unix:///var/run/docker.sock",
}


@pytest.fixture
def docker(tmp_path, require):
    """Docker's own command line, with a folder of its own."""
    tool = require("docker", "docker.io")

    def run(*words):
        environment = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        done = subprocess.run([tool, *words], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_contexts_are_read_as_docker_writes_them(tmp_path, docker):
    for name, endpoint in CONTEXTS.items():
        docker("context", "create", name, "--docker", f"host={endpoint}")
    said = [json.loads(line) for line in docker("context", "ls", "--format", "{{json .}}").splitlines()]
    assert {one["Name"]: one["DockerEndpoint"] for one in said if one["Name"] != "default"} == CONTEXTS
    hosts = {host.name: host for host in DockerContextSource(tmp_path).read().records}
    told = {
        name: (host.address, host.port, host.user, host.aliases) for name, host in hosts.items() if not host.skipped
    }
    assert told == {
        "build": ("build.example", None, "ci", ("builder",)),
        "edge": ("10.0.0.5", 2222, "root", ()),
        "plain": ("plain.example", None, "", ()),
        "v6": ("2001:db8::5", 23, "me", ()),
    }
    assert {name: host.skipped for name, host in hosts.items() if host.skipped} == {
        "tcp": "it is reached at tcp://10.0.0.6:2376, not by SSH",
        "here": "it is reached at unix:///var/run/docker.sock, not by SSH",
    }


def write(folder, name, content):
    meta = folder / "contexts" / "meta" / name
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(content)


def context(name, endpoint):
    return json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": endpoint}}})


@pytest.mark.parametrize(
    ("endpoint", "login"),
    [
        ("SSH://u@h", ("h", None, "u")),
        ("ssh://[::1]", ("::1", None, "")),
        ("ssh://u%2Ex@h:22", ("h", 22, "u.x")),
        ("ssh://u@h:", ("h", None, "u")),
    ],
)
def test_an_endpoint_is_what_docker_hands_to_ssh(tmp_path, require, endpoint, login):
    write(tmp_path, hashlib.sha256(b"a").hexdigest(), context("a", endpoint))
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{tmp_path}/argv\nexit 1\n")
    ssh.chmod(0o755)
    environment = {"PATH": f"{ssh.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}
    argv = [require("docker", "docker.io"), "--context", "a", "version"]
    subprocess.run(argv, env=environment, capture_output=True, check=False)
    options, host = (tmp_path / "argv").read_text().split("docker\n")[0].replace("--\n", "").split("\n")[:-1], login[0]
    assert options.pop() == host
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        option: str(value) for option, value in (("-l", login[2]), ("-p", login[1])) if value
    }
    (record,) = DockerContextSource(tmp_path).read().records
    assert (record.address, record.port, record.user) == login


def test_only_the_wanted_contexts_are_taken(tmp_path):
    for name in ("edge-1", "edge-2", "web"):
        write(tmp_path, name, context(name, f"ssh://me@{name}/run/user/1000/podman/podman.sock"))
    source = DockerContextSource(tmp_path, ("edge-*", "!edge-2"))
    assert [(host.name, host.address, host.user) for host in source.read().records] == [("edge-1", "edge-1", "me")]


ODD = [
    ("[", "{file}:1: is not JSON: Expecting value"),
    ("{}", "{file}: host abc: its context has no name"),
    (context("a", "ssh://"), "{file}:1: host a: its endpoint 'ssh://' is not ssh://[user@]host[:port]"),
    (context("a", "ssh://u:hunter2@h"), "{file}:1: host a: its endpoint 'h' is not ssh://[user@]host[:port]"),
    (context("a", "ssh://u:@h"), "{file}:1: host a: its endpoint 'h' is not ssh://[user@]host[:port]"),
    (context("a", "ssh://h#x"), "{file}:1: host a: its endpoint 'ssh://h#x' is not ssh://[user@]host[:port]"),
    (context("a", "u@h"), "{file}:1: host a: its endpoint 'h' is not ssh://[user@]host[:port]"),
    (context("a", "ssh:h"), "{file}:1: host a: its endpoint 'ssh:h' is not ssh://[user@]host[:port]"),
    (context("a", "ssh://h:0"), "{file}:1: host a: its endpoint 'ssh://h:0' is not ssh://[user@]host[:port]"),
    (context("a", "ssh://h/path?x"), "{file}:1: host a: its endpoint 'ssh://h/path?x' is not ssh://[user@]host[:port]"),
    (context("a", "ssh://-oX"), "{file}:1: host a: its endpoint 'ssh://-oX' is not ssh://[user@]host[:port]"),
    (context("a", "ssh://h:99999"), "{file}:1: host a: its endpoint 'ssh://h:99999' is not ssh://[user@]host[:port]"),
]


@pytest.mark.parametrize(("content", "problem"), ODD)
def test_an_odd_context_costs_itself(tmp_path, content, problem):
    write(tmp_path, "abc", content)
    write(tmp_path, "sound", context("sound", "ssh://10.0.0.9"))
    records = {host.name: host.problem for host in DockerContextSource(tmp_path).read().records}
    file = tmp_path / "contexts" / "meta" / "abc" / "meta.json"
    assert sorted(records.values()) == ["", problem.format(file=file)]


def test_a_folder_without_contexts_is_refused(tmp_path):
    with pytest.raises(InventoryError, match="contexts/meta: cannot be read: No such file or directory"):
        DockerContextSource(tmp_path).read()
