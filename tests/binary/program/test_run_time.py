"""What an image's program meets at run time that its layers alone do not say."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.facts import Privileges, Process, Source, Stage, Workload
from scanner.domain.verdict.reason import Reason

CLOSED = {"mode": 0o700, "type": b"5"}
SHELL = "/bin/sh"
PATH = "/root/bin:/usr/bin"


@pytest.fixture
def look(images, build):
    """Inspects an image of one layer, beside a shell of dash's name."""

    async def inspected(argv, entries, **process):
        shell = [("usr/bin/dash", build.elf()), ("bin/sh", {"linkname": "/usr/bin/dash", "type": b"2"})]
        named = [(name, what.encode() if isinstance(what, str) else what) for name, what in entries]
        offered = build.offer(images.layer([*shell, *named]), entrypoint=argv, **process)
        return await inspect(offered, None, images.open)

    return inspected


def reason(program):
    return program.problem.reason if program.problem else None


def ends(program):
    return program.chain[-1].path if program.chain else ""


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ("./app", Reason.PERMISSION_DENIED),
        ("./inner/app", Reason.PERMISSION_DENIED),
        ("/root/app", Reason.PERMISSION_DENIED),
        ("/app", None),
    ],
)
async def test_a_relative_name_is_looked_up_in_the_directory_that_its_user_must_search(look, build, argv, why):
    entries = [("root", CLOSED), ("root/app", build.elf()), ("root/inner/app", build.elf()), ("app", build.elf())]
    found = await look((argv,), entries, working_dir="/root", user="1000")
    refused = [each.failure.reason for each in found.objections]
    assert (reason(found) or next(iter(refused), None)) is why


async def test_what_leads_to_the_working_directory_is_not_searched_again(look, build):
    entries = [("root", CLOSED), ("root/open/app", build.elf())]
    found = await look(("./app",), entries, working_dir="/root/open", user="1000")
    assert (found.problem, found.objections) == (None, ())


async def test_a_relative_program_of_another_user_is_refused(look, build):
    entries = [("srv/app", {"mode": 0o700, "content": build.elf()})]
    found = await look(("./app",), entries, working_dir="/srv", user="1000")
    assert [each.failure.reason for each in found.objections] == [Reason.PERMISSION_DENIED]


@pytest.mark.parametrize("text", ["exec app", "app"])
async def test_a_search_by_path_passes_over_what_its_user_may_not_search(look, build, text):
    entries = [
        ("root", CLOSED),
        ("root/bin/app", build.elf(machine=183)),
        ("usr/bin/app", build.elf()),
        ("s", f"#!{SHELL}\n{text}\n"),
    ]
    assert ends(await look(("/s",), entries, path=PATH, user="1000")) == "/usr/bin/app"
    assert ends(await look(("/s",), entries, path=PATH, user="0")) == "/root/bin/app"


async def test_a_script_by_a_link_of_another_name_is_found_by_path(look, build):
    entries = [
        ("opt/run.sh", f'#!{SHELL}\nexec "${{0%/*}}/app"\n'),
        ("usr/bin/start", {"linkname": "/opt/run.sh", "type": b"2"}),
        ("usr/bin/app", build.elf()),
    ]
    found = await look(("start",), entries, path="/sbin:/usr/bin")
    assert (reason(found), ends(found)) == (None, "/usr/bin/app")


@pytest.mark.parametrize("target", ["/proc/self/root/opt/app", "/dev/fd/../../../opt/app"])
async def test_a_link_into_what_engines_mount_leads_nowhere_that_is_known(look, build, target):
    entries = [("usr/bin/app", {"linkname": target, "type": b"2"}), ("opt/app", build.elf())]
    assert reason(await look(("app",), entries, path="/usr/bin")) is Reason.BINARY_UNKNOWN


@pytest.mark.parametrize(
    "test", ["-f /.dockerenv", "-s /etc/hosts", "-e /etc/resolv.conf", "-e /etc/mtab", "! -e /log", "-f /etc/hostname"]
)
async def test_what_engines_put_into_containers_is_known_at_run_time_only(look, build, test):
    entries = [
        ("s", f"#!{SHELL}\n[ {test} ] && exec /app\nexec /last\n"),
        ("log", {"linkname": "/dev/stdout", "type": b"2"}),
        ("app", build.elf(machine=183)),
        ("last", build.elf()),
    ]
    found = await look(("/s",), entries)
    assert len(found.branches) == 2


@pytest.mark.parametrize("argv", [("sh", "/srv/app"), ("sh", "./app"), ("/bin/sh", "-e", "app")])
async def test_a_binary_that_a_shell_is_to_read_is_no_script(look, build, argv):
    found = await look(argv, [("srv/app", build.elf())], working_dir="/srv")
    assert reason(found) is Reason.NOT_A_PROGRAM


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ("node dist/main.js", Reason.ENTRYPOINT_MISSING),
        ("node --max-old-space-size=512 --enable-source-maps dist/main.js", Reason.ENTRYPOINT_MISSING),
        ("python3.11 -u app.py", Reason.ENTRYPOINT_MISSING),
        ("java -Xmx1g -Da=b -jar /srv/app.jar", Reason.ENTRYPOINT_MISSING),
        ("node there.js", None),
        ("node run", None),
        ("node --require x.js there.js", None),
        ("python3.11 -m app", Reason.BINARY_UNKNOWN),
        ("python3.11 -c app.py", None),
        ("java -cp lib Main -jar x.jar", None),
        ("node /data/main.js", None),
        ("nodejs main.js", None),
    ],
)
async def test_an_interpreter_that_has_no_script_to_read_starts_nothing(look, build, argv, why):
    names = ("node", "python3.11", "java")
    dynamic, loader = build.elf(interp="/lib/ld.so"), build.elf(kind=3)
    entries = [*((f"usr/bin/{name}", dynamic) for name in names), ("srv/there.js", "x"), ("lib/ld.so", loader)]
    entries.append(("usr/bin/nodejs", build.elf()))
    found = await look(tuple(argv.split()), entries, working_dir="/srv", volumes=("/data",))
    assert reason(found) is why


async def test_a_script_that_is_made_before_is_not_known_to_be_missing(look, build):
    entries = [
        ("usr/bin/node", build.elf(interp="/lib/ld.so")),
        ("lib/ld.so", build.elf(kind=3)),
        ("usr/bin/build", build.elf()),
        ("s", f"#!{SHELL}\nbuild\nexec node /a.js\n"),
    ]
    assert reason(await look(("/s",), entries)) is Reason.BINARY_UNKNOWN


@pytest.mark.parametrize("volume", ["/", "", "/.", "/a/.."])
async def test_a_volume_over_the_whole_image_is_known_to_no_engine(look, build, volume):
    found = await look(("/app",), [("app", build.elf())], volumes=(volume,))
    assert reason(found) is Reason.BINARY_UNKNOWN


async def test_a_script_that_lacks_a_program_on_one_of_its_ways_is_not_known_to_start(look, build):
    text = f"#!{SHELL}\nif [ ! -f /data/done ]; then /opt/init || exit 1; fi\nexec /app\n"
    found = await look(("/s",), [("s", text), ("app", build.elf())], volumes=("/data",))
    assert reason(found) is Reason.BINARY_UNKNOWN
    assert "/opt/init" in found.problem.detail


@pytest.mark.parametrize(
    ("user", "home"), [("", "/var/lib/root"), ("0:0", "/var/lib/root"), ("app", "/home/app"), ("1000", "/home/app")]
)
async def test_home_is_what_the_accounts_say(look, build, user, home):
    passwd = "root:x:0:0::/var/lib/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"
    entries = [
        ("etc/passwd", passwd),
        ("s", f'#!{SHELL}\nexec "$HOME/server"\n'),
        ("var/lib/root/server", build.elf()),
        ("home/app/server", build.elf()),
    ]
    assert ends(await look(("/s",), entries, user=user)) == f"{home}/server"


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("exec setpriv --reuid app --clear-groups /t", "/var/lib/root/server"),
        ("exec chpst -u app /t", "/var/lib/root/server"),
        ("exec chroot --userspec=app / /t", "/var/lib/root/server"),
        ("exec gosu app /t", "/home/app/server"),
        ("exec sudo -u app /t", SHELL),
        ("exec env -i /t", SHELL),
        ("exec env -u HOME /t", SHELL),
        ("unset HOME; exec /t", SHELL),
    ],
)
async def test_home_is_the_user_s_only_where_the_engine_or_a_launcher_makes_it_so(look, build, line, end):
    passwd = "root:x:0:0::/var/lib/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"
    entries = [
        ("etc/passwd", passwd),
        ("s", f"#!{SHELL}\n{line}\n"),
        ("t", f'#!{SHELL}\nexec "$HOME/server"\n'),
        *((f"usr/bin/{name}", build.elf()) for name in ("setpriv", "chpst", "gosu", "sudo", "env", "chroot")),
        ("var/lib/root/server", build.elf()),
        ("home/app/server", build.elf()),
    ]
    assert ends(await look(("/s",), entries)).replace("/usr/bin/dash", SHELL) == end


@pytest.mark.parametrize(
    "line",
    [
        'cd "$(date)"; exec sh ./run.sh',
        'cd "$(date)"; exec sh run.sh',
        'cd "/srv/$(date)"; sh ./run.sh',
        'cd "$(date)"; exec node main.js',
        'cd "$(date)"; PATH=.:/bin exec run.sh',
        'cd "$(date)"; cd "$(date)"; cd -; exec sh ./run.sh',
        'cd "$(date)"; exec /relative.sh',
    ],
)
async def test_what_lies_in_a_directory_that_only_the_run_tells_is_not_looked_for_elsewhere(look, build, line):
    tools = {f"usr/bin/{name}": build.elf(interp="/lib/ld.so") for name in ("node", "date")}
    entries = [
        *tools.items(),
        ("lib/ld.so", build.elf(kind=3)),
        ("run.sh", "exec /none\n"),
        ("relative.sh", "#!usr/gone\n"),
        ("srv/x/run.sh", "exec /app\n"),
    ]
    found = await look((SHELL, "-c", line), entries, path="/usr/bin:/bin")
    assert reason(found) in {None, Reason.BINARY_UNKNOWN}
    assert "/none" not in (found.problem.detail if found.problem else found.at_run_time)


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("exec /opt/$HOSTTYPE/app", "/opt/x86_64/app"),
        ('case "$MACHTYPE" in x86_64-*) exec /opt/x86_64/app;; esac; exec /none', "/opt/x86_64/app"),
        ("exec /opt/$(uname -m)/app", "/opt/x86_64/app"),
        ("exec /opt/$(arch)/app", "/opt/x86_64/app"),
        ('case "$(uname -s -m)" in "Linux x86_64") exec /opt/x86_64/app;; esac; exec /none', "/opt/x86_64/app"),
        ("exec /srv-$(uname -m)/app", Reason.ENTRYPOINT_MISSING),
        ("exec /opt/$(uname -r)/app", "/usr/bin/bash"),
        ("exec linux32 bash -c 'exec /opt/$(uname -m)/app'", "/usr/bin/bash"),
        ("exec setarch i686 bash -c 'bash -c \"exec /opt/\\$(arch)/app\"'", "/usr/bin/bash"),
        ("exec /opt/$(uname -p)/app", "/usr/bin/bash"),
    ],
)
async def test_the_machine_is_that_of_the_shell_s_own_program(look, build, line, end):
    tools = {f"usr/bin/{name}": build.elf() for name in ("uname", "arch", "bash", "linux32", "setarch")}
    entries = [*tools.items(), ("opt/x86_64/app", build.elf()), ("srv-aarch64/app", build.elf(machine=183))]
    found = await look(("bash", "-c", line), entries)
    assert (reason(found) or ends(found)) == end, found


@pytest.mark.parametrize(
    "line",
    [
        "if gone --x; then :; fi; exec gone",
        "x=$(gone | head -n1); exec gone",
        "env | grep x; exec gone",
        'mkdir -p "$(date)"; exec gone',
    ],
)
async def test_what_nothing_before_can_have_made_is_surely_missing(look, build, line):
    tools = {f"usr/bin/{name}": build.elf() for name in ("head", "env", "grep", "mkdir", "date")}
    assert reason(await look((SHELL, "-c", line), list(tools.items()))) is Reason.ENTRYPOINT_MISSING


@pytest.mark.parametrize("last", ["sh /s", "/s"])
@pytest.mark.parametrize(
    ("launcher", "expected"),
    [
        ("su-exec app:staff", None),
        ("su-exec app:app", Reason.PERMISSION_DENIED),
        ("gosu app", Reason.BINARY_UNKNOWN),
        ("setpriv --reuid 1000 --regid 1000 --groups 50", Reason.BINARY_UNKNOWN),
        ("chpst -u app:app:staff", Reason.BINARY_UNKNOWN),
        ("chpst -u :1000:50:7", Reason.BINARY_UNKNOWN),
        ("chpst -u :1000:7", Reason.PERMISSION_DENIED),
    ],
)
async def test_a_script_is_read_as_it_is_executed_by_who_is_in_its_group(look, build, launcher, expected, last):
    script = {"mode": 0o750, "gid": 50, "content": f"#!{SHELL}\nexec /app\n".encode()}
    accounts = [("etc/passwd", "app:x:1000:1000::/:/bin/sh\n"), ("etc/group", "staff:x:50:\napp:x:1000:\n")]
    tools = [(f"bin/{name}", build.elf()) for name in ("su-exec", "gosu", "setpriv", "chpst")]
    argv = tuple(f"{launcher} {last}".split())
    found = await look(argv, [("app", build.elf()), ("s", script), *accounts, *tools], path="/bin", user="0")
    assert reason(found) is expected, found.problem


READ_ONLY = Process(read_only=True)


@pytest.mark.parametrize(
    ("text", "why", "end"),
    [
        ("cp /bin/tool /srv/x; exec /srv/x", Reason.ENTRYPOINT_MISSING, "/bin/dash"),
        ("cp /bin/tool /tmp/x; exec /tmp/x", Reason.ENTRYPOINT_MISSING, "/bin/dash"),
        ("echo 'exec tool' >/srv/run.sh; exec sh /srv/run.sh", Reason.ENTRYPOINT_MISSING, "/bin/dash"),
        ("set -e; echo x >/srv/conf; exec tool", Reason.BINARY_UNKNOWN, "/bin/dash"),
        ("set -e; mkdir -p /run/x; exec tool", Reason.BINARY_UNKNOWN, "/bin/dash"),
        ("cp /arm /bin/tool; exec tool", None, "/bin/tool"),
        ("mkdir -p /srv; echo x >/dev/null; set -e; echo x >/data/x; exec tool", None, "/bin/tool"),
    ],
)
async def test_nothing_is_written_to_a_root_that_is_read_only(images, build, text, why, end):
    tools = {f"bin/{name}": build.elf() for name in ("dash", "tool", "cp", "mkdir")}
    entries = [*tools.items(), ("bin/sh", build.symlink("dash")), ("arm", build.elf(machine=183))]
    entries += [(name, build.directory) for name in ("srv", "tmp", "run", "data")]
    image = build.offer(images.layer(entries), entrypoint=("sh", "-c", text), path="/bin", volumes=("/data",))
    found = await inspect(image, READ_ONLY, images.open)
    assert (reason(found), ends(found)) == (why, end)


@pytest.mark.parametrize(
    ("engine", "path", "expected"),
    [
        ("docker", "/run/secrets/key", None),
        ("docker", "/run/key", Reason.BINARY_UNKNOWN),
        ("", "/var/run/secrets/kubernetes.io/serviceaccount/token", None),
        ("podman", "/run/key", None),
    ],
)
async def test_what_engines_put_below_a_read_only_root_may_be_there(images, build, engine, path, expected):
    said = Workload("h", "n", Source.DOCKER, Stage.RUNNING, "a", engine=engine, process=READ_ONLY).override
    entries = [("bin/sh", build.elf()), ("bin/tool", build.elf()), ("bin/cat", build.elf()), ("var/run/x", b"")]
    text = f"set -e; cat {path} >/dev/null; exec tool"
    image = build.offer(images.layer(entries), entrypoint=("sh", "-c", text), path="/bin")
    assert reason(await inspect(image, said, images.open)) is expected


@pytest.mark.parametrize(("lacks", "expected"), [(None, Reason.BINARY_UNKNOWN), (True, Reason.ENTRYPOINT_MISSING)])
async def test_podman_may_leave_nothing_writable_below_a_read_only_root(images, build, lacks, expected):
    process = Process(read_only=True, lacks_tmpfs=lacks)
    said = Workload("h", "n", Source.PODMAN, Stage.PLANNED, "a", engine="podman", process=process).override
    entries = [("bin/sh", build.elf()), ("bin/tool", build.elf()), ("bin/cp", build.elf()), ("tmp", build.directory)]
    text = "cp /bin/tool /tmp/x; exec /tmp/x"
    image = build.offer(images.layer(entries), entrypoint=("sh", "-c", text), path="/bin")
    assert reason(await inspect(image, said, images.open)) is expected


async def test_what_a_container_is_denied_is_denied_behind_its_script(images, build):
    lost = Process(privileges=Privileges(loses=("DAC_OVERRIDE",)))
    own = {"mode": 0o700, "uid": 1, "gid": 1, "content": build.elf()}
    entries = [("bin/sh", build.elf()), ("own", own)]
    image = build.offer(images.layer(entries), entrypoint=("sh", "-c", "exec /own"), path="/bin")
    assert reason(await inspect(image, None, images.open)) is None
    assert reason(await inspect(image, lost, images.open)) is Reason.BINARY_UNKNOWN  # its script may change that
