"""Commands that cron, supervisord, Monit, runit and scripts at boot start, in a folder and on a host."""

import json
import shlex
from pathlib import Path

import pytest

from scanner.domain.facts import Source
from scanner.domain.host import Host
from scanner.probe import reading
from scanner.probe.planned import folder
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.units import host_commands, included_tables
from scanner.probe.planned.unknown_text import UNKNOWN
from tests.probe.planned.units.host_tables import ANACRON, CRON, MONIT, SUPERVISORD
from tests.rows import each_row

SAID = json.loads((Path(__file__).parents[3] / "data" / "units" / "tables.json").read_text())
"""What the owners of these tables make of them (``record_tables.py``)."""
USERS = {"": 0, "root": 0, "daemon": 1, "1": 1}

SH = "#!/bin/sh\n"


def started(files, folder="w/etc"):
    """Every command of some tables, none where the first one is refused."""
    texts = {
        f"{folder}/{path}".replace("etc/../", ""): text.replace("@HERE@", "/etc").encode()
        for path, text in files.items()
    }
    found = []
    try:
        for table in included_tables.tables(texts):
            found += host_commands.commands(table, texts[table.path])
    except UnclearError:
        return None
    return found


@each_row("name", SUPERVISORD)
def test_supervisord_starts_what_is_read(name):
    said, found = SAID["supervisord"][name], started(SUPERVISORD[name])
    assert (found is None) is (said is None)
    for one, (command, uid, directory, env) in zip(found or [], said or [], strict=True):
        assert (one.words, one.place, dict(one.env)) == (tuple(shlex.split(command)), directory or UNKNOWN, env)
        assert one.is_open
        assert USERS[one.user] == (uid or 0) or one.user == "daemon"  # who supervisord itself becomes


@each_row("name", MONIT)
def test_monit_starts_what_is_read(name):
    said, found = SAID["monit"][name], started(MONIT[name])
    assert said == (
        found and sorted([" ".join(one.words), USERS[one.user]] for one in found if "pidfile" not in one.words)
    )


@each_row("name", CRON)
def test_cron_starts_what_is_read(name):
    place, text = CRON[name]
    found = started(
        {f"{place}/x" if place == "cron.d" else place: f"SHELL=/x\n{text}"}, "w/etc" if place == "cron.d" else "w/cron"
    )
    said = {("-c", argv[1].rstrip()): (uid, env) for argv, uid, _, env, _ in SAID["cron"][name]}
    assert {
        ("-c", one.words[2].rstrip()): (USERS[one.user], {k: v for k, v in one.env.items() if len(k) == 1})
        for one in found
    } == said
    assert {one.words[0] for one in found} == {"/x"}


@each_row("name", ANACRON)
def test_anacron_starts_what_is_read(name):
    found = started({"anacrontab": f"SHELL=/x\n{ANACRON[name]}"})
    said = [(["docker", *argv], place, env) for argv, _, place, env, _ in SAID["anacron"][name]]
    read = [(shlex.split(one.words[2]), one.place, {k: v for k, v in one.env.items() if len(k) == 1}) for one in found]
    assert sorted(read, key=str) == sorted(said, key=str)
    assert {one.words[:2] for one in found} == {("/bin/sh", "-c")}


APP = "services: {a: {image: 'r.example/a:${TAG:-1}'}}\n"

STARTED = [
    ("etc/crontab", "MAILTO=x\n# docker run never\n17 * * * * root docker run --rm r.example/a\n", ["r.example/a"]),
    ("etc/cron.d/x", "T=1\n@daily root docker run r.example/a:$T\nT=2\n-*/5 * * 1-5 mon bin /usr/bin/docker run b:$T\n", ["r.example/a:1", "b:2"]),
    ("etc/cron.d/x", "I = 'r.example/a'\n0 3 * * * root cd /srv && docker run $I >/dev/null 2>&1 # x\n", ["r.example/a"]),
    ("etc/cron.d/x", "0 3 * * * root docker run a:$(date +\\%F) || docker run b%docker\n", ["b", None]),
    ("etc/cron.d/x", "0 3 * * * root sh%docker run a\n", [None]),
    ("etc/cron.d/x", "0 3 * * * root docker run $GIVEN_BY_NOBODY\n", [None]),
    ("etc/cron.d/x", "0 3 * * * root docker system prune -f; podman ps\n", []),
    ("etc/cron.d/x", "SHELL=/bin/bash\n0 3 * * * root [[ a == b ]] || docker run a\n", ["a"]),
    ("etc/cron.d/x", "0 3 * * * root /opt/run.sh\n", ["of/script"]),
    ("etc/cron.d/x", "0 3 * * * root cd /srv && docker compose up -d\n", []),
    ("etc/cron.d/x", "0 3 * * * root cd /srv && TAG=2 docker compose up -d\n", ["r.example/a:2"]),
    ("deploy/crontab", "0 3 * * * docker run a\n", ["a"]),
    ("deploy/crontab", "0 3 * * * cd /opt && ./run.sh; docker run a\n", ["a", "of/script"]),
    ("var/spool/cron/crontabs/web", "0 3 * * * docker run a\n@reboot podman run b\n", ["a", "b"]),
    ("var/spool/cron/root", "0 3 * * * docker run a\n", ["a"]),
    ("etc/crontabs/root", "0 3 * * * docker run a\n", ["a"]),
    ("etc/anacrontab", "RANDOM_DELAY=5\n1 5 cron.daily run-parts /etc/cron.daily\n7\t10\tweekly\tdocker run a\n@monthly 9 m docker run b\n", ["a", "b"]),
    ("etc/cron.daily/x", f"{SH}docker run a\n", ["a"]),
    ("etc/cron.weekly/x", "#!/usr/bin/python3\nimport docker\ndocker.from_env().containers.run('a')\n", [None]),
    ("etc/periodic/daily/x", f"{SH}. /opt/run.sh\n", ["of/script"]),
    ("etc/rc.local", "#!/bin/sh -e\ndocker run a &\nexit 0\n", ["a"]),
    ("etc/init.d/web", f"{SH}case $1 in start) docker run a;; stop) docker rm -f a;; esac\n", ["a"]),
    ("etc/init.d/web", f"{SH}case $1 in start) /usr/bin/web;; esac\n", []),
    ("etc/local.d/x.start", f"{SH}docker run a\n", ["a"]),
    ("etc/sv/web/run", f"{SH}exec 2>&1\nexec chpst -u web docker run a\n", ["a"]),
    ("etc/supervisor/conf.d/x.conf", "[program:web]\ncommand=/usr/bin/docker run --rm\n  a 'b c' ; d\nuser=web\n[program:x]\ncommand=docker ps\n", ["a"]),
    ("etc/supervisor/conf.d/x.conf", '[program:web]\nenvironment=A="1",DOCKER_HOST="tcp://far:1"\ncommand=docker run a\n', [None]),
    ("etc/supervisord.d/x.ini", '[program:web]\ncommand=docker run a:%(ENV_TAG)s\n[program:b]\ncommand : bash -c "docker run b"\n', ["b", None]),
    ("etc/supervisord.d/n.ini", "[program:web]\ncommand=docker run a:%(process_num)02d\n", [None]),
    ("etc/supervisord.conf", "[inet_http_server]\ncommand=docker run a\n[eventlistener:b]\ncommand=podman run b", ["b"]),
    ("etc/supervisord.conf", "[program:b]\ncommand=docker run 'b", [None]),
    ("etc/monit/conf.d/web", "check program x with path \"/opt/run.sh\"\n  start program = \"/usr/bin/docker run a\" as uid root\n  if failed then exec '/bin/sh -c \"docker run b\"'\n", ["of/script", "a", None]),
    ("etc/crontab", "* * * * * root x\n" * 1001, [None]),
    ("etc/crontab", "".join(f"A{number}=1\n" for number in range(1001)), [None]),
    ("etc/supervisord.conf", f"[program:b]\ncommand=x {'y' * 20_000}", [None]),
    ("etc/monitrc", "check x with path '/x' \"\n start program \"/usr/bin/docker run a\"\n", [None]),
    ("etc/monitrc", "check x with path /x\n start program =\n\n   '/usr/bin/docker run a'\n", [None]),
    ("etc/monitrc", "set daemon 30\ncheck host x address y\n", []),
]  # fmt: skip
"""Files with the images that they start; none stands for a gap."""


def read(path, text):
    files = {path: text, "opt/run.sh": f"{SH}docker run of/script\n", "srv/compose.yml": APP}
    return folder.plans({f"web-1/{name}": body.encode() for name, body in files.items()}, "web-1")


@each_row("path, text, images", STARTED)
def test_what_a_file_starts_is_planned_or_a_gap(path, text, images):
    found = read(path, text)
    planned = [one.planned.image for one in found.filed if one.file == f"web-1/{path}"]
    gaps = [one for one in found.gaps if one.file == f"web-1/{path}"]
    assert sorted(planned) == sorted(image for image in images if image)
    assert bool(gaps) is (None in images), gaps
    sources = {one.planned.source for one in found.filed if one.file == f"web-1/{path}"}
    assert sources <= ({Source.COMPOSE} if "compose" in text else {Source.COMMAND})
    assert str(found.outcomes[f"web-1/{path}"]) == ("gap" if gaps else "planned" if images else "no plan")


def test_a_project_that_cron_starts_as_it_lies_is_planned_once():
    rows = {
        text: [one.planned.image for one in read("etc/cron.d/x", text).filed]
        for _, text, _ in STARTED
        if "compose" in text
    }
    assert list(rows.values()) == [["r.example/a:1"], ["r.example/a:2"]]


def test_a_command_is_its_owner_s_and_stands_in_its_line():
    table = "\n0 3 * * * podman run --platform linux/arm64 a\n"
    one = next(one for one in read("var/spool/cron/crontabs/web", table).filed if one.planned.image == "a")
    assert (one.planned.workload, one.planned.engine, one.planned.pinned_at) == (
        "crontabs/web", "podman:web", "web-1/var/spool/cron/crontabs/web:2",
    )  # fmt: skip


@pytest.mark.parametrize(
    "raw", [b"\xff", b"[program:\n", b"* * * * *", b"@reboot", b"% % % % % %", b"=\n=", b"\0" * 99]
)
@pytest.mark.parametrize("path", sorted({path for path, _, _ in STARTED}))
def test_whatever_stands_there_raises_nothing(path, raw):
    assert host_commands.plans({f"/{path}": raw}).planned == ()


TOLD = [
    ("/etc/cron.d/x\n\n0 3 * * * root docker run -e A=@hidden r.example/a:1\n", ["r.example/a:1"], ""),
    ("/etc/cron.daily/x\n@script", [], "/etc/cron.daily/x, a script in which an engine is named"),
    ("/opt/any/x\n@script", [], "/opt/any/x, a script in which an engine is named"),
    ('/etc/supervisord.conf\n[program:x]\nenvironment=@hidden\ncommand=sh -c "docker run b:$TAG"\n', [], "/etc/supervisord.conf:3"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "images", "why"), TOLD)
def test_what_stands_on_a_host_is_planned_or_a_gap(told, images, why, pieces):
    sections = {**pieces.HOSTS["no-engine"], "plan/commands/1": told, "plan/count": "1"}
    facts = reading.read(pieces.framed(sections), Host("web-1", "127.0.0.1"))
    assert [(one.image, one.source) for one in facts.workloads] == [(image, Source.COMMAND) for image in images]
    assert ("command" in facts.gaps) is bool(why)
    assert not why or why in facts.gaps["command"].detail
