"""A program that is handed another CPU's program is never the whole of the way."""

import pytest

from scanner.binary.inspect import inspect
from scanner.binary.program import script_words
from scanner.binary.program.mentioned import MAX_IN_SCRIPTS, MAX_MENTIONED

FOREIGN_MACHINE = 183


PERL = {
    "path": 'exec "/arm";', "name": 'system("worker");', "ticks": "my $x = `worker -v`;",
    "shell": "system('cd / && exec worker');", "list": "exec(qw(worker -v));", "native": 'exec "tool";',
}  # fmt: skip
"""Scripts by their names, all but the last of which start another CPU's program."""


async def started(images, build, *argv, env=(), path="/usr/bin:/bin"):
    native, foreign = build.elf(), build.elf(machine=FOREIGN_MACHINE)
    names = (
        "bin/bash", "bin/sh", "bin/cat", "bin/chmod", "bin/awk", "bin/tar", "bin/qemu-aarch64-static", "bin/perl",
        "bin/fish", "bin/tcsh", "bin/make", "bin/uv", "bin/find", "bin/xargs", "bin/watch", "bin/tool", "init-amd64", "cnb/lifecycle/launcher", "native",
    )  # fmt: skip
    entries = dict.fromkeys(names, native) | {"arm": foreign, "bin/worker": foreign, "etc/arm": foreign}
    entries |= {"arm.jar": {"content": foreign}, "data": {"mode": 0o644, "content": foreign}}
    entries |= {"bin/python3": native, "bin/node": native}
    entries |= {f"{name}.pl": f"#!/bin/perl\n# it's\n{text}\n".encode() for name, text in PERL.items()}
    entries |= {
        "list.py": {"mode": 0o644, "content": b"import os\ns.run(['worker'])\n"},
        "e.js": {"mode": 0o644, "content": b"execFileSync(`worker`)\n"},
        "native.py": {"mode": 0o644, "content": b"s.run(['tool', '/native', 'gone', 'no worker'])\n"},
        "many.py": {"mode": 0o644, "content": b"".join(b"'n%d'\n" % n for n in range(MAX_IN_SCRIPTS + 1))},
    }
    entries |= {f"mods/{name}": entries["list.py"] for name in ("web/serve/__main__.py", "app/__main__.py")}
    entries |= {"mods/app/index.js": entries["e.js"]}
    entries |= {"runs.sh": b"#!/bin/sh\nexec /arm\n", "fish.sh": b"#!/bin/fish\nexec /arm\n"}
    entries |= {"cnb/process/web": build.symlink("../lifecycle/launcher")}
    layer = images.layer(list(entries.items()))
    process = {"env": env, "path": path, "working_dir": "/"}
    return await inspect(build.offer(layer, entrypoint=argv, **process), None, images.open)


@pytest.mark.parametrize(
    "argv",
    [
        ("/init-amd64", "--", "/arm", "serve"),
        ("/init-amd64", "-v", "/runs.sh"),
        ("uv", "run", "worker"),
        ("uv", "run", "./arm"),
        ("tool", "--exec=/arm --fast"),
        ("tool", "-c", "exec /arm"),
        ("perl", "-e", 'exec "/arm"'),
        ("awk", 'BEGIN{system("/arm")}'),
        ("tar", "cf", "/x", "--use-compress-program=/arm", "/data"),
        ("sh", "-c", "exec /init-amd64 -- /arm"),
        *((f"/{name}.pl",) for name in PERL if name != "native"),
        ("perl", "-e", 'system("worker")'),
        ("perl", "/name.pl"),
        ("perl", "/native.pl", "worker"),
        ("/native.pl", "worker"),
        ("python3", "-c", 'import os;os.system("worker")'),
        ("python3", "-u", "list.py"),
        ("sh", "-c", "cd / && exec python3 list.py"),
        ("sh", "-c", "PYTHONPATH=/other:/mods exec python3 -m web.serve"),
        ("sh", "-c", "exec python3 /mods/app"),
        ("node", "/mods/app"),
        ("node", "/e"),
        ("python3", "-m", "list"),
        ("python3", "/many.py"),
        ("node", "/e.js"),
        ("sh", "-c", "exec perl /name.pl"),
        ("sh", "-c", "/name.pl"),
        ("awk", 'BEGIN{system("worker")}'),
        ("tar", "-cf", "/dev/null", "/x", "--checkpoint=1", "--checkpoint-action=exec=worker"),
        ("fish", "-c", "exec /arm"),
        ("/fish.sh",),
        ("tcsh", "-c", "exec /arm"),
        ("make", "run"),
        ("/cnb/process/web",),
        ("tool", *(f"/p/{number}" for number in range(MAX_MENTIONED + 1))),
    ],
    ids=" ".join,
)
async def test_what_a_program_may_start_by_its_words_is_decided_at_run_time(images, build, argv):
    program = await started(images, build, *argv)
    assert program.problem is None
    assert program.at_run_time


@pytest.mark.parametrize(
    "argv",
    [
        ("tool", "--", "/native"),
        ("tool", "worker"),
        ("tool", "run", "worker"),
        ("tool", "--data-dir=/arm", *(f"/etc/{number}" for number in range(MAX_MENTIONED + 1))),
        ("tool", "/+" * 60_000),
        ("tool", "/data", "/arm.jar", "/etc/arm", "http://x/arm", "name:/arm", "/missing"),
        ("cat", "/arm"),
        ("sh", "-c", "chmod +x /arm; exec /native"),
        ("qemu-aarch64-static", "/arm"),
        ("perl", "-e", "print 1"),
        ("perl", "-e", 'exec "tool"'),
        ("/native.pl",),
        ("python3", "/native.py"),
    ],
    ids=" ".join,
)
async def test_words_that_no_program_is_started_by_are_words(images, build, argv):
    program = await started(images, build, *argv)
    assert (program.problem, program.at_run_time) == (None, "")


@pytest.mark.parametrize(
    "argv",
    [
        ("find", "/data", "-exec", "gone", ";"),
        ("xargs", "-r", "gone"),
        ("sh", "-c", "find /data -exec gone {} ';'"),
        ("watch", "-n", "1", "--", "gone"),
        ("sh", "-c", 'eval "A=$(cat /proc/x)"; exec gone'),
        ("sh", "-c", 'eval "A=$(cat /proc/x)"; B=/opt/bin/gone; exec $A$B'),
        ("perl", "-e", 'exec "/opt/gone" or exit 127'),
        ("python3", "-c", 'os.execv("/opt/gone", ["gone"])'),
    ],
    ids=" ".join,
)
async def test_what_is_named_to_be_started_and_is_nowhere_is_no_matter_of_other_files(images, build, argv):
    program = await started(images, build, *argv)
    assert program.problem is not None
    assert "gone" in program.problem.detail


@pytest.mark.parametrize(
    "text",
    [
        "echo 'exec /arm' >/made; exec sh /made",
        "printf '#!/bin/sh\\n' >/run.sh; echo 'exec /arm' >>/run.sh; chmod +x /run.sh; exec /run.sh",
        "cat >/run.sh <<EOF\nexec /arm\nEOF\n. /run.sh",
        "cat /arm >/made; chmod 755 /made; exec /made",
        "echo A=/arm >/env; BASH_ENV=/env exec bash -c 'exec $A'",
        "xargs bash -c 'exec \"$@\"' _ <<EOF\n/arm x\nEOF",
    ],
)
async def test_what_a_script_makes_itself_is_followed(images, build, text):
    program = await started(images, build, "bash", "-c", text)
    assert (program.problem, program.at_run_time) == (None, "")
    assert program.chain[-1].elf.needs.architecture == "arm64"


@pytest.mark.parametrize(
    "text",
    [
        "echo 'exec /arm' >/run.sh; exec /run.sh",
        "cat /arm >/made; exec /made",
        "echo 'exec /arm' >/nowhere/run.sh; exec sh /nowhere/run.sh",
    ],
)
async def test_what_a_script_makes_and_may_not_execute_does_not_start(images, build, text):
    program = await started(images, build, "bash", "-c", text)
    assert program.problem is not None


@pytest.mark.parametrize(
    ("text", "env"),
    [
        ("worker", (("BASH_FUNC_worker%%", "() { /native; }"),)),
        ("echo hi; exec /native", (("BASH_FUNC_echo%%", "() { exec /arm; }"),)),
        ("hash -p /arm name; name", ()),
        ("f(){ /native; }; export -f f; bash -c f", ()),
        ("f(){ /native; }; declare -fx f; exec bash -c 'f; exit'", ()),
        ("set -a; f(){ /native; }; bash -c f", ()),
    ],
)
async def test_what_bash_lets_names_stand_for_is_decided_at_run_time(images, build, text, env):
    program = await started(images, build, "bash", "-c", text, env=env)
    assert program.problem is None
    assert program.at_run_time


def test_a_name_in_a_script_stands_behind_an_assignment_not_in_it():
    assert list(script_words.names("A=1 worker; B=value; C=(x)")) == ["worker"]
