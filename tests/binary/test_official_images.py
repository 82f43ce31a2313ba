"""The entrypoints of much pulled images, followed from an image's layers to the server behind them."""

import pytest

from scanner.binary.inspect import inspect
from scanner.binary.program.shell.shell_programs import PREPARING
from scanner.domain.facts import Process
from tests.binary.program.shell.official import OFFICIAL

MOST_AT_RUN_TIME = 0.03
"""Of the table, default and other commands together."""

USERS = "root:x:0:0::/root:/bin/sh\n" + "".join(
    f"{name}:x:{990 + n}:{990 + n}::/home:/bin/sh\n"
    for n, name in enumerate([
        "redis", "postgres", "mysql", "rabbitmq", "node", "mongodb", "zookeeper", "cassandra", "couchdb", "neo4j", "vault", "consul",
        "telegraf", "redmine", "flink", "chronograf", "www-data", "git", "mosquitto",
    ])
)  # fmt: skip
TOOLS = PREPARING | {
    "gosu", "su-exec", "tini", "dumb-init", "setpriv", "env", "docker-init", "chroot", "s6-svscan", "numactl", "python", "python3",
    "perl", "ps", "ip", "xargs", "openssl", "tar", "getopt", "php", "ruby", "bundle", "rake",
}  # fmt: skip


STANDING = (
    "init-influxdb.sh", "opt/sonarqube/data/README.txt", "conf/configuration.xsl", "etc/cassandra/cassandra.yaml",
    "var/lib/grafana/README", "usr/src/redmine/config/routes.rb", "usr/share/grafana/.aws/config", "usr/src/redmine/log/.keep",
    "usr/src/redmine/tmp/.keep", "usr/src/redmine/public/plugin_assets/x", "usr/src/redmine/files/.keep", "usr/share/jenkins/ref/x",
    "opt/couchdb/etc/local.d/README", "data/db/x", "data/configdb/x", "var/lib/rabbitmq/x", "var/lib/cassandra/x",
    "var/log/cassandra/x", "usr/bin/mariadb-install-db",
)  # fmt: skip
"""Files that these images bring along and that their scripts write to, read or call."""


def placed(name):
    return name.lstrip("/") if name.startswith("/") else f"usr/bin/{name}"


def built(images, build, image):
    """The image: its server for another CPU than all that stands in front of it."""
    foreign, native = build.elf(machine=183), build.elf()
    shell = {"bash": ("bash",), "dash": ("dash",), "busybox": ("busybox",)}[image.shell][0]
    groups = USERS.replace("/root:/bin/sh", "").replace(":/home:/bin/sh", "").encode()
    entries = {
        "etc/group": {"mode": 0o644, "content": groups},
        "entry.sh": image.text.encode(),
        "etc/passwd": {"mode": 0o644, "content": USERS.encode()},
    }
    entries |= {f"usr/bin/{name}": native for name in sorted(TOOLS | {"bash"})}
    entries |= {
        "bin/bash": native,
        f"bin/{shell}": native,
        "bin/sh": native if shell == "dash" else build.symlink(shell),
    }
    entries |= {"bin/ash": build.symlink(shell)} if shell == "busybox" else {}
    entries |= dict.fromkeys(STANDING, b"#!/bin/sh\n")
    entries |= {path.lstrip("/"): text.encode() for path, text in image.files.items()}
    for name in (image.server, image.leads):
        if name not in {"AT RUN TIME", "bash"} and (
            image.text or name == image.server
        ):  # shells are for the tools' CPU
            entries[placed(name)] = foreign
    first = (*image.first, "/entry.sh") if image.text else ()
    path = image.env.get("PATH", "/usr/local/bin:/usr/bin:/bin:/sbin")
    return build.offer(
        images.layer(list(entries.items())), entrypoint=first, cmd=image.cmd, env=tuple(image.env.items()), path=path,
        volumes=image.volumes, working_dir=image.cwd,
    )  # fmt: skip


def ends(program):
    """Where each way of a program ends."""
    return {(way.problem.detail if way.problem else way.at_run_time or way.chain[-1].path) for way in program.ways}


@pytest.mark.parametrize("name", OFFICIAL)
async def test_an_official_image_is_followed_to_its_server(images, build, name):
    image = OFFICIAL[name]
    program = await inspect(built(images, build, image), None, images.open)
    if image.server == "AT RUN TIME":
        assert program.at_run_time
        return
    assert ends(program) == {f"/{placed(image.server)}"}


@pytest.mark.parametrize("name", OFFICIAL)
async def test_an_official_image_is_followed_with_another_command(images, build, name):
    image = OFFICIAL[name]
    override = Process(None, image.other) if image.text else Process(("/usr/bin/env",), ("bash",))
    program = await inspect(built(images, build, image), override, images.open)
    assert ends(program) == {f"/{placed(image.leads)}" if image.leads != "bash" else "/usr/bin/bash"}


def test_hardly_any_is_decided_at_run_time():
    at_run_time = sum(image.server == "AT RUN TIME" for image in OFFICIAL.values())
    assert len(OFFICIAL) >= 60
    assert at_run_time <= MOST_AT_RUN_TIME * len(OFFICIAL)
