"""User, directory, environment of an image as the way of its argv has them."""

import os
import tarfile

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.facts import Process
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

PASSWD = {"mode": 0o644, "content": b"root:x:0:0::/:\napp:x:1000:1001::/:\n"}
GROUP = {"mode": 0o644, "content": b"app:x:1001:\nstaff:x:50:app\n"}
ACCOUNTS = [("etc/passwd", PASSWD), ("etc/group", GROUP)]


def folder(mode, **owner):
    return {"type": tarfile.DIRTYPE, "mode": mode, **owner}


def file(content, mode, **owner):
    return {"content": content, "mode": mode, **owner}


def reason(program):
    return program.problem.reason if program.problem else None


def conditions(program):
    return [objection.condition for objection in program.objections]


@pytest.fixture
def look(images, build):
    """Inspects an image of these layers."""

    async def inspected(*layers, override=None, **process):
        offered = build.offer(*(images.layer(entries) for entries in layers), **process)
        return await inspect(offered, override, images.open)

    return inspected


# ---------------------------------------------------------------- users


@pytest.mark.parametrize("user", ["", "0", "1000", "1000:1000", "app", "app:staff", "root"])
async def test_a_user_that_is_there_changes_nothing_where_all_may(look, build, user):
    program = await look([("app", build.elf()), *ACCOUNTS], user=user)
    assert (program.problem, program.objections) == (None, ())


@pytest.mark.parametrize("user", ["nobody", "app:nobodies", "-1", "2147483648"])
async def test_a_user_that_is_not_there_is_told(look, build, user):
    assert reason(await look([("app", build.elf()), *ACCOUNTS], user=user)) is Reason.USER_MISSING


async def test_a_container_s_own_user_stands_before_the_image_s(look, build):
    layer = [("app", build.elf()), *ACCOUNTS]
    assert (await look(layer, user="nobody", override=Process(user="app"))).problem is None
    assert reason(await look(layer, user="app", override=Process(user="nobody"))) is Reason.USER_MISSING


async def test_accounts_of_an_upper_layer_replace_those_below(look, build):
    below = [("app", build.elf()), ("etc/passwd", file(b"old:x:5:5::/:\n", 0o644))]
    program = await look(below, ACCOUNTS, user="old")
    assert reason(program) is Reason.USER_MISSING
    assert (await look(below, ACCOUNTS, user="app")).problem is None


async def test_accounts_below_a_mount_are_not_the_image_s(look, build):
    layer = [("app", build.elf()), *ACCOUNTS]
    program = await look(layer, user="other", override=Process(volumes=("/etc",)))
    assert reason(program) is Reason.BINARY_UNKNOWN


@pytest.mark.parametrize("user", ["1000", "0", "", "app"])
async def test_accounts_that_are_no_file_are_nobody_s(look, build, user):
    program = await look([("app", build.elf()), ("etc/passwd", build.directory)], user=user)
    assert reason(program) is Reason.BINARY_UNKNOWN


async def test_numbers_need_no_accounts_however_large_the_layers_below(look, build, images):
    large = [("etc/passwd", PASSWD), ("noise", os.urandom(20_000))]
    program = await look(large, [("app", build.elf())], user="1000:1000")
    assert program.problem is None
    assert len(images.opened) == 1


# ---------------------------------------------------------------- rights

RIGHTS = [
    ("1000", [], file(b"", 0o755), True),
    ("1000", [], file(b"", 0o711), True),
    ("1000", [], file(b"", 0o700), False),
    ("1000", [], file(b"", 0o700, uid=1000), True),
    ("1000", [], file(b"", 0o077, uid=1000), False),
    ("2000", [], file(b"", 0o710), True),  # its group is 0, for it has no account
    ("1000:5", [], file(b"", 0o710), False),
    ("1000:5", [], file(b"", 0o710, gid=5), True),
    ("app", [], file(b"", 0o710, gid=1001), True),
    ("app", [], file(b"", 0o710, gid=50), True),
    ("app", [], file(b"", 0o710), False),
    ("1000", [], file(b"", 0o710, gid=50), True),
    ("app:1001", [], file(b"", 0o710, gid=50), False),
    ("0", [], file(b"", 0o001, uid=7), True),
    ("1000", [("opt", folder(0o700))], file(b"", 0o755), False),
    ("1000", [("opt", folder(0o711))], file(b"", 0o755), True),
    ("1000", [("opt", folder(0o744))], file(b"", 0o755), False),
    ("1000", [("opt", folder(0o700, uid=1000))], file(b"", 0o755), True),
    ("0", [("opt", folder(0o000))], file(b"", 0o755), True),
    ("1000", [("opt", folder(0o700)), ("opt", folder(0o755))], file(b"", 0o755), True),
]


@pytest.mark.parametrize(("user", "folders", "program", "may"), RIGHTS)
async def test_what_the_user_may_not_execute_some_engines_refuse(look, build, user, folders, program, may):
    entry = ("opt/app", program | {"content": build.elf()})
    found = await look([*ACCOUNTS, *folders, entry], user=user, entrypoint=("/opt/app",))
    assert found.problem is None
    denied = [each for each in found.objections if each.condition is Condition.EXEC_DENIED]
    assert [each.failure.path for each in denied] == ([] if may else ["/opt/app"])


async def test_a_directory_has_the_rights_of_the_topmost_layer_that_lists_it(look, build):
    app = ("opt/app", build.elf())
    closed, opened = [("opt", folder(0o700)), app], [("opt", folder(0o755))]
    assert not (await look(closed, opened, user="1000", entrypoint=("/opt/app",))).objections
    assert conditions(await look(opened, closed, user="1000", entrypoint=("/opt/app",))) == [Condition.EXEC_DENIED]


async def test_a_closed_directory_that_an_upper_layer_only_implies_leaves_it_open(look, build):
    program = await look([("opt", folder(0o700))], [("opt/app", build.elf())], user="1000", entrypoint=("/opt/app",))
    assert reason(program) is Reason.BINARY_UNKNOWN


async def test_ids_of_extension_headers_count(look, build):
    large = {"uid": 3_000_000, "gid": 3_000_000}
    program = await look([("app", file(build.elf(), 0o700, **large))], user="3000000")
    assert not program.objections


async def test_a_script_that_its_user_may_execute_but_not_read_never_runs(look, build):
    layer = [("bin/sh", build.elf()), ("app", file(b"#!/bin/sh\nexit\n", 0o711))]
    program = await look(layer, user="1000")
    assert reason(program) is Reason.PERMISSION_DENIED
    assert (await look(layer, user="0")).problem is None


async def test_an_interpreter_that_may_not_read_its_script_is_only_sure_where_it_would(look, build):
    layer = [("opt/own", build.elf()), ("app", file(b"#!/opt/own\n", 0o711))]
    assert reason(await look(layer, user="1000")) is Reason.BINARY_UNKNOWN


@pytest.mark.parametrize("closed", ["opt/sh", "lib64/ld.so"])
async def test_an_interpreter_or_loader_that_the_user_may_not_execute_is_refused_by_some(look, build, closed):
    files = {
        "app": file(b"#!/opt/sh\n", 0o755),
        "opt/sh": file(build.elf(interp="/lib64/ld.so"), 0o755),
        "lib64/ld.so": file(build.elf(kind=3), 0o755),
    }
    files[closed] |= {"mode": 0o700}
    program = await look(list(files.items()), user="1000")
    assert Condition.EXEC_DENIED in conditions(program)


async def test_behind_a_launcher_nobody_has_the_runtime_s_capabilities(look, build):
    layer = [("sbin/tini", build.elf()), ("app", file(build.elf(), 0o700)), *ACCOUNTS]
    program = await look(layer, user="1000", entrypoint=("/sbin/tini", "--", "/app"))
    assert reason(program) is Reason.PERMISSION_DENIED
    as_root = await look(layer, user="0", entrypoint=("/sbin/tini", "--", "/app"))
    assert as_root.problem is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("gosu", "1000"), Reason.PERMISSION_DENIED),
        (("gosu", "app"), Reason.PERMISSION_DENIED),
        (("gosu", "0"), None),
        (("gosu", "root"), None),
        (("gosu", "nobody"), Reason.USER_MISSING),
    ],
)
async def test_a_launcher_that_changes_the_user_changes_whose_rights_count(look, build, words, expected):
    layer = [("usr/bin/gosu", build.elf()), ("app", file(build.elf(), 0o700)), *ACCOUNTS]
    assert reason(await look(layer, entrypoint=(*words, "/app"))) is expected


async def test_what_a_script_may_change_before_is_not_held_against_it(look, build):
    script = file(b"#!/bin/sh\nchmod a+rx /app\nexec gosu app /app\n", 0o755)
    layer = [
        ("bin/sh", build.elf()), ("usr/bin/gosu", build.elf()), ("run.sh", script),
        ("app", file(build.elf(), 0o700)), *ACCOUNTS,
    ]  # fmt: skip
    program = await look(layer, entrypoint=("/run.sh",))
    assert reason(program) in {None, Reason.BINARY_UNKNOWN}
    assert program.problem or program.at_run_time


async def test_where_engines_differ_in_how_far_they_look_nothing_is_claimed(look, build):
    layer = [("a", folder(0o700)), ("a/app", build.elf(machine=183)), ("b/app", build.elf())]
    program = await look(layer, user="1000", entrypoint=("app",), path="/a:/b")
    assert (reason(program), program.chain) == (Reason.BINARY_UNKNOWN, ())


# ---------------------------------------------------------------- directories

DIRECTORIES = [
    ("/", [], None),
    ("/made", [], None),
    ("/made/below", [], None),
    ("/srv", [("srv", folder(0o755))], None),
    ("/data", [("data", b"x")], Reason.WORKDIR_INVALID),
    ("/data/x", [("data", b"x")], Reason.WORKDIR_INVALID),
    ("/w", [("w", {"type": tarfile.SYMTYPE, "linkname": "srv"}), ("srv", folder(0o755))], None),
    ("/w", [("w", {"type": tarfile.SYMTYPE, "linkname": "data"}), ("data", b"x")], Reason.WORKDIR_INVALID),
    ("/w", [("w", {"type": tarfile.SYMTYPE, "linkname": "w"})], Reason.WORKDIR_INVALID),
    ("/../..", [], None),
    ("/srv/../opt", [("opt", folder(0o755))], None),
    ("/proc/1", [], None),
    ("/sys/app", [], Reason.BINARY_UNKNOWN),
    ("/" + "d" * 256, [], Reason.WORKDIR_INVALID),
    ("/" + "\udcff" * 255, [], None),
    ("/\ud800", [], None),
]


@pytest.mark.parametrize(("directory", "entries", "expected"), DIRECTORIES)
async def test_a_directory_that_cannot_be_made_is_told(look, build, directory, entries, expected):
    program = await look([("app", build.elf()), *entries], working_dir=directory)
    assert (reason(program), program.objections) == (expected, ())


async def test_a_directory_below_a_mount_is_not_the_image_s(look, build):
    layer = [("app", build.elf()), ("data", b"x")]
    assert (await look(layer, working_dir="/data", override=Process(volumes=("/data",)))).problem is None


@pytest.mark.parametrize(
    ("directory", "condition"), [("srv", Condition.WORKDIR_RELATIVE), (".", Condition.WORKDIR_RELATIVE)]
)
async def test_a_relative_directory_is_refused_by_some(look, build, directory, condition):
    assert conditions(await look([("app", build.elf())], working_dir=directory)) == [condition]


@pytest.mark.parametrize(
    ("image", "container", "missing"),
    [
        (None, "/made", True),
        ("/srv", "/made", True),
        ("/made/", "/made", False),
        ("/srv", "/", False),
        (None, "/srv", False),
    ],
)
async def test_a_directory_of_the_container_s_own_that_is_not_there_is_refused_by_some(
    look, build, image, container, missing
):
    layer = [("app", build.elf()), ("srv", folder(0o755))]
    program = await look(layer, working_dir=image, override=Process(working_dir=container))
    assert program.problem is None
    assert conditions(program) == ([Condition.WORKDIR_MISSING] if missing else [])


async def test_a_dangling_link_on_the_way_to_the_directory_is_refused_by_some(look, build):
    layer = [("app", build.elf()), ("w", {"type": tarfile.SYMTYPE, "linkname": "/nowhere"})]
    for directory in ("/w", "/w/below"):
        assert conditions(await look(layer, working_dir=directory)) == [Condition.WORKDIR_DANGLING]


async def test_a_relative_program_is_looked_up_in_the_cleaned_directory(look, build):
    program = await look([("opt/app", build.elf())], working_dir="/srv/../opt", entrypoint=("./app",))
    assert program.problem is None


# ---------------------------------------------------------------- environments and words

ENVIRONMENTS = [
    ({"env": (("A", "b"),)}, None, [Condition.PATH_UNSET]),
    ({"env": (("A", "b"), ("PATH", "/bin")), "path": "/bin"}, None, []),
    ({"env": ()}, None, []),
    ({"env": (("", "x"),)}, Reason.ENVIRONMENT_INVALID, []),
    ({"env": (("PATH", "/bin"), ("A", "b\0c")), "path": "/bin"}, None, [Condition.ENV_WITH_NUL]),
    ({"nameless_env": ("LONELY",)}, None, [Condition.ENV_WITHOUT_EQUALS]),
    ({"nameless_env": ("",)}, None, [Condition.ENV_EMPTY_WORD]),
    ({"path": ""}, Reason.ENTRYPOINT_MISSING, []),
    ({"path": "", "working_dir": "/bin"}, Reason.BINARY_UNKNOWN, [Condition.PATH_EMPTY]),
    ({"path": ".", "working_dir": "/bin"}, Reason.BINARY_UNKNOWN, [Condition.PATH_RELATIVE]),
    ({"path": "::/bin"}, None, []),
]


@pytest.mark.parametrize(("process", "expected", "objected"), ENVIRONMENTS)
async def test_an_odd_environment_is_told(look, build, process, expected, objected):
    program = await look([("bin/app", build.elf())], entrypoint=("app",), **process)
    assert (reason(program), conditions(program)) == (expected, objected)


async def test_an_entrypoint_of_one_empty_word_gives_way_to_cmd(look, build):
    program = await look([("app", build.elf())], entrypoint=("",), cmd=("/app",))
    assert (program.argv, program.problem) == (("/app",), None)
    assert conditions(program) == [Condition.ENTRYPOINT_EMPTY_WORD]
    assert reason(await look([("app", build.elf())], entrypoint=("",))) is Reason.NO_COMMAND
    assert reason(await look([("app", build.elf())], entrypoint=("", "/app"))) is Reason.NO_COMMAND


async def test_a_word_with_a_zero_byte_is_refused_by_some(look, build):
    program = await look([("app", build.elf())], cmd=("a\0b",))
    assert (reason(program), conditions(program)) == (Reason.BINARY_UNKNOWN, [Condition.ARGV_WITH_NUL])


@pytest.mark.parametrize("path", ["dev/app", "proc/app", "sys/app", "dev/shm/app"])
async def test_what_the_image_holds_where_engines_mount_is_hidden(look, build, path):
    program = await look([(path, build.elf())], entrypoint=(f"/{path}",))
    assert reason(program) is Reason.ENTRYPOINT_MISSING
    linked = await look([(path, build.elf()), ("app", {"type": tarfile.SYMTYPE, "linkname": f"/{path}"})])
    assert reason(linked) is Reason.ENTRYPOINT_MISSING
    assert program.problem.path == f"/{path}"


@pytest.mark.parametrize("path", ["/proc/self/exe", "/dev/fd/3"])
async def test_what_only_a_running_process_has_is_not_known(look, build, path):
    assert reason(await look([("app", build.elf())], entrypoint=(path,))) is Reason.BINARY_UNKNOWN


async def test_a_mount_below_dev_may_hold_the_program(look, build):
    program = await look([("app", build.elf())], entrypoint=("/dev/shm/app",), override=Process(volumes=("/dev/shm",)))
    assert reason(program) is Reason.BINARY_UNKNOWN


async def test_some_engines_mount_over_run_and_over_their_own_files(look, build):
    below = await look([("run/app", build.elf())], entrypoint=("/run/app",))
    assert (below.problem, conditions(below)) == (None, [Condition.BELOW_RUN])
    own = await look([("etc/hosts", build.elf())], entrypoint=("/etc/hosts",))
    assert (own.problem, conditions(own)) == (None, [Condition.ENGINE_FILE])


# ---------------------------------------------------------------- the engine's init

INIT = Process(init=True)


async def test_an_init_of_the_engine_hands_a_text_without_shebang_to_the_shell(look, build):
    layer = [("bin/sh", build.elf()), ("app", b"exec /real\n"), ("real", build.elf(machine=183))]
    assert reason(await look(layer)) is Reason.NO_SHEBANG
    program = await look(layer, override=INIT)
    assert program.problem is None
    assert program.chain[-1].path == "/real"


async def test_behind_the_engine_s_init_the_same_failures_count(look, build):
    assert reason(await look([("other", build.elf())], override=INIT)) is Reason.ENTRYPOINT_MISSING
    closed = [("app", file(build.elf(), 0o700))]
    program = await look(closed, user="1000", override=INIT)
    assert (reason(program), program.objections) == (Reason.PERMISSION_DENIED, ())


async def test_every_missing_file_is_named_by_its_path(look, build):
    missing = await look([("other", build.elf())])
    assert missing.problem.path == "/app"
    interpreter = await look([("app", b"#!/bin/none\n")])
    assert (reason(interpreter), interpreter.problem.path) == (Reason.INTERPRETER_MISSING, "/bin/none")
    loader = await look([("app", build.elf(interp="/lib64/ld.so"))])
    assert (reason(loader), loader.problem.path) == (Reason.LOADER_MISSING, "/lib64/ld.so")
    link = {"type": tarfile.SYMTYPE, "linkname": "/srv/gone"}
    led = await look([("app", link)])
    assert (reason(led), led.problem.path) == (Reason.ENTRYPOINT_MISSING, "/srv/gone")
    assert led.problem.detail == "/app leads to /srv/gone: no such file or directory"
    loaded = await look([("app", build.elf(interp="/lib64/ld.so")), ("lib64/ld.so", link)])
    assert (reason(loaded), loaded.problem.path) == (Reason.LOADER_MISSING, "/srv/gone")


async def test_an_interpreter_without_a_slash_is_one_of_the_working_directory(look, build):
    layer = [("srv/app", b"#!program\n"), ("srv/program", build.elf())]
    program = await look(layer, working_dir="/srv", entrypoint=("./app",))
    assert (program.problem, program.chain[-1].path) == (None, "/srv/program")


async def test_what_a_script_may_change_before_it_forks_is_not_held_against_either_way(look, build):
    script = b"#!/bin/sh\nchmod a+rx /one /other\nif [ -e /tmp/x ]; then exec gosu app /one; fi\nexec gosu app /other\n"
    closed = file(build.elf(), 0o700)
    layer = [
        ("bin/sh", build.elf()), ("usr/bin/gosu", build.elf()), ("run.sh", script), ("one", closed), ("other", closed),
        *ACCOUNTS,
    ]  # fmt: skip
    program = await look(layer, entrypoint=("/run.sh",))
    assert Reason.PERMISSION_DENIED not in {each.reason for each in program.problems}
