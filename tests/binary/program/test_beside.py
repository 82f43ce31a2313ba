"""What scripts run before the program that does the work, followed as that is: another CPU's is not passed over."""

import pytest

from scanner.binary.inspect import inspect
from scanner.binary.program.way import is_unknown
from scanner.domain.verdict.reason import Reason

FOREIGN_MACHINE = 183


def tree(build, text, **more):
    """A Debian-like image: a shell, some tools, a native /last, a foreign /step, ``text`` as /entry.sh."""
    native, foreign = build.elf(), build.elf(machine=FOREIGN_MACHINE)
    tools = {f"usr/bin/{name}": native for name in ("mkdir", "id", "cat", "find", "sort")}
    tools |= {"d/10-ok.sh": b"#!/bin/dash\necho ok\n", "d/20-runs.sh": b"#!/bin/dash\nexec /step\n"}
    entries = {"bin/sh": native, "bin/dash": native, **tools, "last": native, "step": foreign}
    scripts = {"entry.sh": f"#!/bin/dash\n{text}\n".encode(), "ok.sh": b"#!/bin/dash\necho ok\n"}
    scripts |= {"runs.sh": b"#!/bin/dash\n/step\n", "execs.sh": b"#!/bin/dash\nexec /step\n"}
    scripts |= {"loose.sh": b"#!/bin/dash\n/step\necho done\n", "fails.sh": b"#!/bin/dash\nexit 3\n"}
    return {**entries, **scripts, "zsh.sh": b"#!/bin/zsh\n", **more}


async def followed(images, build, text, **more):
    layer = images.layer(list(tree(build, text, **more).items()))
    return await inspect(build.offer(layer, entrypoint=("/entry.sh",)), None, images.open)


def cpus(program):
    return {file.elf.machine for file in program.files if file.elf is not None}


@pytest.mark.parametrize(
    "text",
    [
        "set -e\n/step\nexec /last",
        "/step && exec /last",
        "if /step; then exec /last; fi\nexit 1",
        "set -e\n/execs.sh\nexec /last",
        "set -e\nsh /runs.sh\nexec /last",
        "until /execs.sh; do exit 1; done\nexec /last",
        "set -e\nX=$(/step)\nexec /last",
        "set -e\necho x | /step\nexec /last",
        "set -e\nf() { /step; }\nf\nexec /last",
        "set -e\nX=/last sh -c 'exec $X'\nX=/ok.sh sh -c 'exec $X'\nX=/step sh -c 'exec $X'\nexec /last",
        "set -e\n( /step )\nexec /last",
        "set -e\necho x | ( /step; exec /last )",
        "set -e\n/step\necho no program does the work",
    ],
)
async def test_a_script_needs_each_program_for_which_it_waits(images, build, text):
    program = await followed(images, build, text)
    assert (program.problem, program.at_run_time) == (None, "")
    assert FOREIGN_MACHINE in cpus(program), "the judge is told of the file for another CPU"


@pytest.mark.parametrize(
    ("text", "is_decided"),
    [
        ("/step || echo instead", False),
        ("/step || { echo instead; exit 0; }", False),
        ("/step --now || echo instead; exit 0", False),
        ("/step || true", True),
        ("/step || exit 0", True),
        ("/step || { echo failed; exit 1; }", True),
        ("/step", True),
    ],
)
async def test_what_a_script_does_instead_of_its_program_is_no_failure_of_it(images, build, text, is_decided):
    program = await followed(images, build, text)
    assert bool(program.at_run_time) != is_decided
    assert (FOREIGN_MACHINE in cpus(program)) == is_decided


@pytest.mark.parametrize(
    "text",
    [
        "/step\nexec /last",
        "/step &\nexec /last",
        "/step || true\nexec /last",
        "set -e\nif /step; then :; fi\nexec /last",
        "/execs.sh\nexec /last",
        "set -e\n/loose.sh\nexec /last",
        "X=$(/step)\nexec /last",
        'set -e\nfind /d -follow -type f -print | sort -V | while read -r f; do "$f"; done\nexec /last',
        "set -e\n( /step ) || true\nexec /last",
        "if /step; then exec /last; fi",
    ],
)
async def test_what_nobody_waits_for_is_decided_at_run_time_where_it_is_for_another_cpu(images, build, text):
    program = await followed(images, build, text)
    assert "is for another CPU" in program.at_run_time


@pytest.mark.parametrize(
    "text",
    ["set -e\n/ok.sh\nexec /last", "set -e\nmkdir -p /x\nexec /last", "/fails.sh\nexec /last", "/last; exec /last"],
)
async def test_what_runs_here_stands_in_nobody_s_way(images, build, text):
    program = await followed(images, build, text)
    assert (program.problem, program.at_run_time) == (None, "")
    assert FOREIGN_MACHINE not in cpus(program)


@pytest.mark.parametrize(
    "text",
    [
        'find /d -type f | while read -r f; do "$f"; done\nexec /last',
        '"$(cat /run/hook)" || true\nexec /last',
        'cat /run/hooks | while read -r f; do "$f"; done\nexec /last',
        'set -e\nfor f in $(cat /run/hooks); do sh "$f"; done\nexec /last',
    ],
)
async def test_what_it_starts_besides_is_followed_or_decided_at_run_time(images, build, text):
    assert "it also starts" in (await followed(images, build, text)).at_run_time


@pytest.mark.parametrize(
    "text",
    [
        'set -e\nsh "$(cat /run/hook)"\nexec /none',
        'set -e\nsh "$(cat /run/hook)"\nexec /step',
        'if [ -e /run/x ]; then exec "$(cat /run/hook)"; fi\nexec /none',
        'set -e\nif [ -e /run/x ]; then sh "$(cat /run/hook)"; fi\nexec /none',
    ],
)
async def test_what_surely_does_not_start_decides_over_what_the_run_decides(images, build, text):
    program = await followed(images, build, text)
    assert program.problem is not None or FOREIGN_MACHINE in cpus(program)
    assert program.problem is None or program.problem.reason is Reason.BINARY_UNKNOWN


async def test_a_step_that_surely_cannot_start_ends_the_script_that_waits_for_it(images, build):
    program = await followed(images, build, "set -e\n/zsh.sh\nexec /last")
    assert program.problem.reason is Reason.INTERPRETER_MISSING


async def test_a_step_that_fails_by_itself_leaves_it_unknown(images, build):
    program = await followed(images, build, "set -e\n/fails.sh\nexec /last")
    assert program.problem.reason is Reason.BINARY_UNKNOWN


async def test_a_way_behind_what_cannot_start_is_not_taken(images, build):
    program = await followed(images, build, "if /zsh.sh; then exec /step; fi\nexec /last")
    assert program.problem is None
    assert FOREIGN_MACHINE not in cpus(program)


@pytest.mark.parametrize("text", ["set -e\nmkdir -p /x\nexec /last", "mkdir /x && exec /last"])
async def test_a_tool_that_prepares_counts_where_it_is_for_another_cpu(images, build, text):
    tool = {"usr/bin/mkdir": build.elf(machine=FOREIGN_MACHINE)}
    assert FOREIGN_MACHINE in cpus(await followed(images, build, text, **tool))


async def test_what_a_tool_for_another_cpu_would_answer_is_not_known(images, build):
    tool = {"usr/bin/id": build.elf(machine=FOREIGN_MACHINE)}
    program = await followed(images, build, '[ "$(id -u)" = 0 ] && exec /last\nexit 1', **tool)
    assert "is for another CPU" in program.at_run_time


async def test_scripts_that_start_each_other_end(images, build):
    more = {"a.sh": b"#!/bin/dash\nset -e\n/b.sh\n/last\n", "b.sh": b"#!/bin/dash\nset -e\n/a.sh\n/last\n"}
    program = await followed(images, build, "set -e\n/a.sh\nexec /last", **more)
    assert FOREIGN_MACHINE not in cpus(program)


@pytest.mark.parametrize(("last", "why"), [("echo x", "more than 48 programs"), ("/step", "more than 48 programs")])
async def test_more_steps_than_are_followed_are_never_ok(images, build, last, why):
    steps = {f"s{n:02}.sh": b"#!/bin/dash\necho x\n" for n in range(48)} | {"s48.sh": f"#!/bin/dash\n{last}\n".encode()}
    text = "set -e\n" + "\n".join(f"/{name}" for name in steps) + "\nexec /last"
    program = await followed(images, build, text, **steps)
    assert program.problem is not None
    assert why in program.problem.detail


@pytest.mark.parametrize(
    ("step", "lacks"), [("/execs.sh", "is for another CPU"), ("/lacks.sh", "/none"), ("/ok.sh", "")]
)
async def test_a_step_that_only_the_run_tells_hides_none_behind_it(images, build, step, lacks):
    text = f'set -e\nsh "$(cat /run/hook)"\n{step}\nexec /last'
    program = await followed(images, build, text, **{"lacks.sh": b"#!/bin/dash\nexec /none\n"})
    assert lacks in (program.problem.detail if program.problem else "")
    assert (program.problem is None) == (not lacks) == bool(program.at_run_time)


@pytest.mark.parametrize(
    "text",
    [
        "set -e\n/init -- /step\nexec /last",
        "set -e\nsh /names.sh\nexec /last",
        "/init-amd64 -- /execs.sh && exec /last",
    ],
)
async def test_what_the_words_of_a_step_name_for_another_cpu_is_decided_at_run_time(images, build, text):
    more = {"init": build.elf(), "names.sh": b"#!/bin/dash\n/init-amd64 -- /step\n", "init-amd64": build.elf()}
    program = await followed(images, build, text, **more)
    assert (program.problem, "is for another CPU" in program.at_run_time) == (None, True)


async def test_a_step_that_is_given_native_programs_stands_in_nobody_s_way(images, build):
    program = await followed(images, build, "set -e\n/init-amd64 -- /ok.sh\nexec /last", **{"init-amd64": build.elf()})
    assert (program.problem, program.at_run_time) == (None, "")


async def test_a_script_of_with_contenv_is_followed(images, build):
    more = {"init.sh": b"#!/command/with-contenv bash\nexec /step\n", "bin/bash": build.elf()}
    for contenv in (build.elf(), b"#!/command/execlineb -S0\nx\n"):
        given = {"command/with-contenv": contenv, "command/execlineb": build.elf()}
        program = await followed(images, build, "exec /init.sh", **more, **given)
        assert (program.problem, program.at_run_time) == (None, "")
        assert FOREIGN_MACHINE in cpus(program)


WRITES = [
    # what the script of user 1000 does first, whether it goes on
    ("mkdir -p /var/x/y", False),
    ("mkdir -p /home/app/x /var", True),
    ("echo x >/var/f", False),
    ("echo x >>/etc/mine", True),
    ("echo x >/etc/conf", False),
    ("touch /shared/f", True),
    ("touch /grp/f", False),
    ("cp /etc/conf /var/", False),
    ("cp /etc/conf /etc/mine", True),
    ("sed -i s/x/y/ /etc/mine", False),
    ("rm -f /etc/mine", False),
    ("rm -f /var/nothing", True),
    ("mv /home/app/c /var/c", False),
    # what only an owner may
    ("chown 5 /etc/conf", False),
    ("chown -R 1000:1000 /var", False),
    ("chown 1000 /etc/mine", True),
    ("chmod 600 /etc/mine", True),
    ("chmod a+r /etc/conf", False),
    ("chmod 700 /shared /grp", False),
    ("chmod 700 /data", True),
    ("chown -h 1000 /etc/link", True),
    ("chmod 600 /etc/link", True),
    ("chown 1000 /etc/conf || true", True),
    ("mv /home/app/c /home/app/d", True),
    ("ln -s /x /var/y", False),
    ("mkdir /var/x || true", True),
    ("mkdir -p /data/x", True),
    ("mkdir -p /var/run/x", True),
    # what another tool than one that writes the file itself needs is the directory, what it leaves alone needs nothing
    ("ln -sf /x /home/app/theirs", True),
    ("ln -sfn /x /etc/mine", False),
    ("cp -f /etc/mine /home/app/theirs", True),
    ("cp /etc/mine /home/app/theirs", False),
    ("cp -f /home/app/c /etc/conf", False),
    ("install /etc/mine /home/app/theirs", True),
    ("install /home/app/c /etc/mine", False),
    ("cp -n /etc/mine /etc/conf", True),
    ("cp -u /etc/mine /etc/conf", True),
    ("cp /home/app/mine /etc/", True),
    ("cp -r /home/app/. /etc/", True),
    ("cp /home/app/c /etc/link", True),
    ("mv -T /home/app/c /home/app/current", True),
    ("mv -f /home/app/c /etc/link", False),
    # as the links on the way have it
    ("mkdir -p /home/app/way/db; touch /data/db/x", True),
]


async def test_a_user_s_script_fails_where_it_may_not_write(images, build):
    def folder(mode, uid=0):
        return {**build.directory, "mode": mode, "uid": uid, "gid": uid}

    native, mine = build.elf(), {"mode": 0o644, "uid": 1000, "gid": 1000, "content": b"x"}
    folders = {
        "etc": folder(0o755),
        "var": folder(0o755),
        "data": folder(0o755),
        "shared": folder(0o1777),
        "grp": folder(0o775),
    }
    folders |= {"home": folder(0o755), "home/app": folder(0o755, 1000)}
    files = {
        "etc/conf": {**mine, "uid": 0, "gid": 0},
        "etc/mine": mine,
        "home/app/c": mine,
        "home/app/mine": mine,
        "home/app/theirs": {**mine, "uid": 0, "gid": 0},
        "home/app/way": build.symlink("/data"),
        "home/app/current": build.symlink("/etc"),
        "etc/link": build.symlink("/home/app/c"),
        "last": native,
        "bin/sh": native,
    }
    tools = {
        f"usr/bin/{name}": native
        for name in ("mkdir", "touch", "cp", "sed", "rm", "mv", "ln", "install", "chown", "chmod")
    }
    wrong = []
    for user, (text, goes_on) in [(user, row) for user in ("1000:1000", "") for row in WRITES]:
        script = {"entry.sh": f"#!/bin/sh\nset -e\n{text}\nexec /last\n".encode()}
        layer = images.layer(list({**folders, **files, **tools, **script}.items()))
        offer = build.offer(layer, entrypoint=("/entry.sh",), user=user, volumes=("/data",))
        if ((await inspect(offer, None, images.open)).problem is None) != (goes_on or not user):
            wrong.append((user, text))
    assert not wrong


SEARCHES = [
    # what a script that ends where nothing is found looks for, whether it goes on
    ("grep -qF 'caf\u00e9' /etc/menu", True),
    ("grep -qF 'caf\u00e8' /etc/menu", False),
    ("grep -qi 'CAF\u00c9' /etc/menu", True),
    ("grep -q 'x.y' /etc/menu", True),
    ("grep -qF 'a\nx' /etc/menu", True),
    ("grep -q nothing /etc/menu", True),
    ("grep -q nothing /etc/plain", False),
    ("grep -q nothing /etc/hosts", True),
    ("grep -q nothing /etc/resolv.conf", True),
    ("grep -q nothing /etc/names", True),
    ("sed -i.bak s/a/b/ /etc/menu; grep -q nothing /etc/plain", True),
]


async def test_a_search_answers_from_the_image_s_own_files_alone(images, build):
    texts = {
        "etc/menu": "caf\u00e9\nx\u00e9y\n".encode(),
        **dict.fromkeys(("etc/plain", "etc/hosts", "etc/resolv.conf"), b"x\n"),
    }
    more = (
        {f"usr/bin/{name}": build.elf() for name in ("grep", "sed")}
        | {"etc/names": build.symlink("/etc/hosts")}
        | texts
    )
    wrong = []
    for text, goes_on in SEARCHES:
        program = await followed(images, build, f"set -e\n{text}\nexec /last", **more)
        if (program.problem is None) != goes_on:
            wrong.append(text)
    assert not wrong


MAKERS = [
    # what runs before a program that the image lacks, whether that is surely still missing
    ("psql -c 'SELECT 1'", True),
    ("psql -c '\\! cp /srv /lost'", False),
    ("psql -f /etc/menu", False),
    ("psql <<E\nSELECT 1\nE", True),
    ('psql -c "$(cat /proc/x)"', False),
    ("java -version 2>&1", True),
    ("java -jar /x.jar", False),
    ("ssh-keygen -q -f /etc/key", True),
    ("ssh-keygen -q -f /lost", False),
    ("initdb -D /var/lib/db", True),
    ("migrate", False),
    ("X=$(psql -c 'SELECT 1')", True),
    ("X=$(migrate)", False),
    ("/ok.sh", True),
    ("sh /ok.sh", True),
    ("/puts.sh", False),
    ("/calls.sh", True),
    ("/calls.sh migrate", False),
    ("nice psql -c 'SELECT 1'", True),
    ("nice migrate", False),
    ("for f in /parts/*; do $f; done", True),
    ('psql -c "$(cat /proc/x);"', False),
    ("psql -o '|sh' -l", False),
    ("python3 -V", True),
    ("python3 version", False),
    ("python3 -v <<E\nprint()\nE", False),
    ("./createdb x", False),
    ("/usr/bin/createdb x", True),
    ("curl -fsSLo /lost https://x/y", False),
    ("curl -fsSL https://x/lost", True),
]  # fmt: skip


@pytest.mark.parametrize("start", ["exec //lost", "./lost"])
async def test_a_program_that_is_not_there_is_missing_unless_what_ran_before_may_have_made_it(images, build, start):
    native, script = build.elf(), b"#!/bin/dash\n"
    called = ("psql", "java", "ssh-keygen", "initdb", "migrate", "nice", "python3", "createdb", "curl")
    more = {f"usr/bin/{name}": native for name in called}
    more |= {
        "etc/menu": b"x\n",
        "puts.sh": script + b"cp /last /lost\n",
        "createdb": script + b"cp /last /lost\n",
        "calls.sh": script + b'psql -l\n"$@"\n/ok.sh\n',
    }
    more |= {"parts/1.sh": script + b"echo 1\n", "parts/2.sh": script + b"mkdir -p /x\necho 2 >/x/2\n"}
    wrong = []
    for text, is_missing in MAKERS:
        program = await followed(images, build, f"{text}\n{start}", **more)
        reason = program.problem.reason if program.problem is not None else program.at_run_time
        if (reason is Reason.ENTRYPOINT_MISSING) != is_missing or not reason:
            wrong.append((text, reason))
    assert not wrong


KEEPERS = [
    # what runs before a test of a file that the image lacks, the file
    ("ssh-keygen -A", "/etc/ssh/key"),
    ("nvidia-smi -q -f /x", "/x"),
    ("redis-cli save", "/data/dump.rdb"),
    ("git config --global a b", "/root/.gitconfig"),
    ("aws configure set a b", "/root/.aws/config"),
    ("psql <<E\nCOPY t TO '/x'\nE", "/x"),
    ("curl -fsSc /x https://y", "/x"),
]


async def test_a_file_that_a_program_keeps_for_itself_may_be_there_behind_it(images, build):
    more = {f"usr/bin/{text.split()[0]}": build.elf() for text, _ in KEEPERS}
    wrong = []
    for text, path in KEEPERS:
        program = await followed(images, build, f"{text}\nif [ -f {path} ]; then exec /step; fi\nexec /last", **more)
        if FOREIGN_MACHINE not in cpus(program):
            wrong.append(text)
    assert not wrong


OVERWRITING = [
    # a tool, whether it writes /last
    ("curl -fsSLo /last https://x/y", True),
    ("curl -fsSLo/last https://x/y", True),
    ("curl -sSLO https://x/last", True),
    ("curl -fsS -X POST https://x/last", False),
    ("wget -qO/last https://x/y", True),
    ("wget -q -O - https://x/last", False),
    ("wget -o log https://x/last", True),
    ("uniq /ok.sh /last", True),
    ("uniq -c /ok.sh", False),
    ("sort -uolast /ok.sh", True),
    ("sort -u /last", False),
    ("awk '{print > \"last\"}' /ok.sh", True),
    ("awk '$1 > 1 {print \"last\"}' /ok.sh", False),
    ("sed -n '1w last' /ok.sh", True),
    ("find /ok.sh -fprint /last", True),
    ("cp -at / /d/last", True),
    ("tar czf /last /ok.sh", True),
    ("gosu root /last migrate", False),
    ("gosu root cp /ok.sh /last", True),
]


async def test_what_the_usual_tools_write_is_no_longer_the_image_s(images, build):
    more = {f"usr/bin/{name}": build.elf() for name in ("curl", "wget", "uniq", "awk", "sed", "cp", "tar", "gosu")}
    wrong = []
    for text, is_written in OVERWRITING:
        program = await followed(images, build, f"cd /\n{text}\nexec /last", **more, **{"d/last": b"x"})
        if ("/last is written" in program.at_run_time) is not is_written or program.problem is not None:
            wrong.append((text, program.problem))
    assert not wrong


@pytest.mark.parametrize(
    "text", ["migrate\n/lost &\nwait -n", "/lost &\nmigrate\nwait $!", "migrate &\n/lost &\nexec /last"]
)
async def test_a_program_that_is_started_beside_others_and_not_there_is_never_passed_over(images, build, text):
    program = await followed(images, build, text, **{"usr/bin/migrate": build.elf()})
    assert "/lost" in program.problem.detail
    assert is_unknown(program.problem)


@pytest.mark.parametrize(
    ("inner", "is_open"),
    [
        ("chmod a-x /last", True),
        ("rm -f /last", True),
        ("sh /puts.sh", True),
        ("cp /srv /$X", False),
        ('D=$(cat /run/d); cp /srv "$D/last"', True),
        ('D=$(cat /run/d); cp /srv "$D/other"; cp /srv "$D"', False),
        ("migrate; cp /srv /last", True),
        ("exec migrate /last", True),
        ("mkdir -p /last.d; chmod +x /last; chown 0 /last", False),
    ],
)
async def test_what_a_script_before_takes_away_is_not_taken_for_there(images, build, inner, is_open):
    tools = {f"usr/bin/{name}": build.elf() for name in ("chmod", "chown", "rm", "cp", "sh", "mkdir", "migrate")}
    scripts = {"puts.sh": b"#!/bin/dash\ncp /srv /last\n", "inner.sh": f"#!/bin/dash\n{inner}\n".encode()}
    program = await followed(images, build, "/inner.sh\nmigrate\nX=$(migrate)\nexec /last", **tools, **scripts)
    assert is_unknown(program.problem) is is_open, program.problem
    assert is_open or program.problem is None


@pytest.mark.parametrize(("text", "is_open"), [("set -e\n/none\nexec /last", False), ("/none && echo x", True)])
async def test_an_empty_file_that_a_shell_starts_is_no_reason_to_end(images, build, text, is_open):
    program = await followed(images, build, text, none={"mode": 0o755, "content": b""})
    assert is_unknown(program.problem) is is_open, program.problem
    assert is_open or program.problem is None
