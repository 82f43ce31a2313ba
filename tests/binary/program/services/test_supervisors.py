"""What supervisors start, go on without, or end with."""

import os
import signal
import subprocess
from dataclasses import replace

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.facts import Binfmt, BinfmtEntry, Kernel
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.evidence_layers import binary
from scanner.domain.verdict.execution import executes
from scanner.domain.verdict.reason import Reason
from tests.real.process import until

SHELL = "/bin/sh"
HOST = Kernel("Linux", "x86_64", platform=Platform("linux", "amd64"), cpu_level=3, ia32=True, binfmt=Binfmt(True))
FOREIGN = f"#!{SHELL}\nexec /foreign\n"
CONF = ("/usr/bin/supervisord", "-n", "-c", "/s.conf")


@pytest.fixture
def look(images, build):
    """Inspects an image of one layer, beside a shell, programs for this CPU and another one."""

    async def inspected(argv, beside, **process):
        made = {"E": build.elf(), "F": build.elf(machine=183), "32": build.elf(machine=3, bits=32)}
        shell = [("usr/bin/dash", made["E"]), ("bin/sh", {"linkname": "/usr/bin/dash", "type": b"2"})]
        given = [(name, made.get(what, what) if isinstance(what, str) else what) for name, what in beside.items()]
        raw = [(name, what.encode() if isinstance(what, str) else what) for name, what in given]
        tools = [("app", made["E"]), ("foreign", made["F"])]
        layer = images.layer([*shell, (argv[0].lstrip("/"), made["E"]), *tools, *raw])
        env = (("BIN", "/opt"), ("OFF", "false"), *process.pop("env", ()))
        return await inspect(build.offer(layer, entrypoint=argv, env=env, **process), None, images.open)

    return inspected


def reason(program):
    return program.problem.reason if program.problem else None


def judged(program, kernel=HOST):
    label = Platform("linux", "amd64")
    return binary(kernel, program, label, executes(kernel, label), agrees=True)


SUPERVISED = [  # what is started, files beside the supervisor, what speaks against it
    (("/usr/bin/runsvdir", "-P", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec /app\n", "sv/b/run": f"#!{SHELL}\nexec /none\n"}, "/none"),
    (("/usr/bin/runsvdir", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec /app\n", "sv/b/run": f"#!{SHELL}\nexec /none\n", "sv/b/down": ""}, ""),
    (("/usr/bin/runsvdir", "/sv"), {f"sv/a{n:02}/run": f"#!{SHELL}\nexec /app\n" for n in range(65)}, "more than 64 services"),
    (("/usr/bin/runsvdir", "/sv"), {f"sv/a{n:03}": "" for n in range(257)}, "more than 256 names"),
    (("/usr/bin/runsvdir", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec /app\n", "sv/a/finish": f"#!{SHELL}\nexec /none\n", "sv/.b/run": "#!/none\n"}, ""),
    (("/usr/bin/runsvdir", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec /app\n", "sv/a/finish": f"#!{SHELL}\nexec /foreign\n"}, "/sv/a/finish leads"),
    (("/usr/bin/runsv", "/sv/a"), {"sv/a/run": f"#!{SHELL}\nexec /none\n"}, "/none"),
    (("/usr/bin/s6-svscan", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec ./none\n"}, "./none"),
    (("/usr/bin/s6-svscan", "-t", "0", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec ./none\n"}, "./none"),
    (("/init",), {"etc/cont-init.d/10-x": f"#!{SHELL}\nexec /none\n"}, "/none"),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": {"mode": 0o644, "content": b"/none -x\n"}}, "/none"),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": b"# x\n/app -x\n  /none\n"}, ""),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": b'foreground { /app "a b" }\ncd /srv\nif { /foreign }\n/app\n'}, "/foreign leads"),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": b"importas X X\n${X} /none\n"}, ""),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": b"importas -i -D x X X\nbacktick -D x Y { /app }\nmultisubstitute { importas Z Z define A b }\nemptyenv -p exec -c -a name /none $X\n"}, "/none"),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": b"backtick -n Y { /foreign }\n/app\n"}, "/foreign leads"),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/run": b"#!/command/execlineb -P\nfdmove -c 2 1 /none\n", "command/execlineb": "E"}, "/none"),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": b"/none\n", "etc/s6-overlay/s6-rc.d/b/up": b"/app\n", "etc/s6-overlay/s6-rc.d/user/contents.d/b": ""}, ""),
    (("/init",), {"etc/s6-overlay/s6-rc.d/a/up": b"/none\n", "etc/s6-overlay/s6-rc.d/b/dependencies.d/a": "", "etc/s6-overlay/s6-rc.d/user/contents.d/b": ""}, "/none"),
    (("/usr/bin/s6-overlay-suexec", "/package/s6/libexec/preinit", "", "/package/s6/libexec/stage0"), {"etc/services.d/a/run": f"#!{SHELL}\nexec /none\n"}, "/none"),
    (("/sbin/my_init",), {"etc/service/a/run": f"#!{SHELL}\nexec /none\n"}, "/none"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=/app -x\n[include]\nfiles = d/*.conf\n", "d/b.conf": "[program:b]\ncommand=/none -x\n"}, "/none"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[include]\nfiles = d/*/s?.conf\n", "d/a/s1.conf": "[program:b]\ncommand=/none -x\n", "d/s1.conf": "x"}, "/none"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=/app\n[program:b]\nautostart=false\ncommand=/none\n"}, ""),
    (("/usr/bin/supervisord",), {"supervisord.conf": "[supervisord]\n[program:a]\ncommand=/app\n", "etc/supervisord.conf": "[program:a]\ncommand=/none\n"}, ""),
    (("/usr/bin/supervisord",), {"usr/etc/supervisord.conf": "[supervisord]\n[program:a]\ncommand=/none\n", "supervisord.conf": "[supervisord]\n"}, "/none"),
    (("/usr/bin/supervisord", "-n", "--configuration=/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=/none\n", "etc/supervisord.conf": ""}, "/none"),
    (("/usr/bin/supervisord", "-nc/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=/none\n"}, "/none"),
    (("/usr/bin/supervisord", "-c=/s.conf"), {"s.conf": "[supervisord]\n"}, "there is no configuration =/s.conf"),
    (("/usr/bin/supervisord",), {}, "there is no configuration"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[program:a]\ncommand=/app\n"}, "no section supervisord"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\n"}, "gives a no command"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "command=/app\n"}, "/s.conf is no configuration"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=/none\n[fcgi-program:b]\ncommand=/app\n"}, "/none"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=/app\n[eventlistener:b]\ncommand=/none\n"}, "/none"),
    (("/usr/bin/supervisord", "-c", "/c/s.conf"), {"c/s.conf": "[supervisord]\n[program:a]\ncommand=%(here)s/none %(program_name)s ; x\n"}, "/c/none"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=%(ENV_APP)s -x\n"}, "names ENV_APP, which stands for nothing"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=%(ENV_BIN)s/app%(process_num)02d\n", "opt/app00": "E"}, ""),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=./app\ndirectory=/srv\n", "srv/app": "F"}, "./app leads"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": '[supervisord]\n[program:a]\ncommand=sh -c "exec ./thing"\ndirectory=/srv\nuser=root\n', "srv/thing": "E", "etc/passwd": "root:x:0:0::/root:/bin/sh\n"}, ""),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=sh -c\n  \"exec thing\"\nenvironment=PATH=\"/srv:/bin\",X='1'\n", "srv/thing": "F"}, "sh leads"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=%(ENV_APP\n"}, "badly formatted"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[DEFAULT]\nautostart=no\n[program:a]\ncommand=/none\n"}, ""),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[include]\nfiles=d/*.conf\n", "d/a.conf": "[program:a]\ncommand=%(here)s/a\n", "d/a": "F"}, "/d/a leads"),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\nautostart=%(ENV_OFF)s\ncommand=/none\n"}, ""),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\nenvironment=X=/a%(ENV_HOME)s/b,Y=1\ncommand=/app\n"}, ""),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": f"[supervisord]\n[program:a]\nnumprocs_start={'9' * 5000}\ncommand=/app %(process_num)d\n"}, ""),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": f"[supervisord]\nenvironment=A='{'%(ENV_BIN)s' * 1300}'\n[program:a]\nenvironment=B='{'%(ENV_A)s' * 1300}'\ncommand=/app\n"}, "longer than 65536"),
    ((SHELL, "-c", "exec /usr/bin/supervisord -c /s.conf $(cat /run/x)"), {"usr/bin/supervisord": "E", "s.conf": "[supervisord]\n"}, ""),
    (("/usr/bin/supervisord", "-c", "/s.conf"), {"s.conf": "[supervisord]\n[program:a]\ncommand=sh -c 'exec $X'\nenvironment=X=/app\n[program:b]\ncommand=sh -c 'exec $X'\nenvironment=X=/app\n[program:c]\ncommand=sh -c 'exec $X'\nenvironment=X=/foreign\n"}, "sh leads"),
    ((SHELL, "-c", "echo '[supervisord]' >/s.conf; exec /usr/bin/supervisord -c /s.conf"), {"usr/bin/supervisord": "E"}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "beside", "lacks"), SUPERVISED)
async def test_a_supervisor_is_not_known_to_start_where_a_service_lacks_its_program(look, argv, beside, lacks):
    found = await look(argv, beside)
    assert reason(found) is (Reason.BINARY_UNKNOWN if lacks else None), found.problem
    assert bool(found.at_run_time) is not bool(lacks)
    assert lacks in (found.problem.detail if found.problem else "")


LASTING = [  # what is started, files beside the supervisor, which service it goes on without
    (("/usr/bin/runsvdir", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec /app\n", "sv/b/run": FOREIGN}, "/sv/b/run"),
    (("/usr/bin/runsvdir", "/sv"), {"sv/a/run": f'#!{SHELL}\nexec "$(cat /run/x)"\n', "sv/b/run": f"#!{SHELL}\nexec /none\n", "sv/c/run": FOREIGN}, "/sv/c/run"),
    (("/usr/bin/runsvdir", "/sv"), {f"sv/a{n:02}/run": f"#!{SHELL}\nexec /app\n" for n in range(40)} | {"sv/b/run": FOREIGN}, "/sv/b/run"),
    (("/usr/bin/runsvdir", "/sv"), {"sv/a/run": f"#!{SHELL}\nexec /app\n", "sv/a/log/run": "#!/foreign\n"}, "/sv/a/log/run"),
    (("/usr/bin/runsv", "/sv/a"), {"sv/a/run": "F"}, "/sv/a/run"),
    (("/usr/bin/s6-svscan", "/sv"), {"sv/a/run": FOREIGN}, "/sv/a/run"),
    (("/usr/bin/s6-supervise", "/sv/a"), {"sv/a/run": FOREIGN}, "/sv/a/run"),
    (("/usr/bin/s6-overlay-suexec", "/package/s6/libexec/preinit", "", "/package/s6/libexec/stage0"), {"etc/services.d/a/run": FOREIGN}, "/etc/services.d/a/run"),
    (("/usr/bin/s6-overlay-suexec", "/package/s6/libexec/preinit", "", "/package/s6/libexec/stage0", "/app"), {"etc/services.d/a/run": FOREIGN}, "/etc/services.d/a/run"),
    (("/init", "/app"), {"init": "#!/usr/bin/execlineb -S0\nx\n", "usr/bin/execlineb": "E", "etc/cont-init.d/10-x": FOREIGN}, "/etc/cont-init.d/10-x"),
    (("/sbin/my_init",), {"etc/service/a/run": FOREIGN}, "/etc/service/a/run"),
    (CONF, {"s.conf": "[supervisord]\n[program:a]\ncommand=/foreign -x\n[program:b]\ncommand=/app\n"}, "/foreign -x"),
    (CONF[:1] + CONF[2:], {"s.conf": "[supervisord]\nnodaemon=true\n[program:a]\ncommand=/foreign\n"}, "/foreign"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "beside", "without"), LASTING)
async def test_a_supervisor_that_goes_on_without_a_service_for_another_cpu_is_degraded(look, argv, beside, without):
    found = await look(argv, beside)
    verdict = judged(found)
    assert verdict.reason is Reason.FOREIGN_USERLAND, found
    assert f"the service {without!r} does not start" in verdict.detail


ENDING = [  # what is started, files beside the supervisor, variables, what is known of it
    (CONF[:1] + CONF[2:], {"s.conf": "[supervisord]\n[program:a]\ncommand=/foreign\n"}, (), Reason.BINARY_UNKNOWN),
    (CONF, {"s.conf": "[supervisord]\n[program:a]\ncommand=/foreign\n[eventlistener:b]\ncommand=/app\n"}, (), Reason.BINARY_UNKNOWN),
    (("/usr/bin/runsvdir", "/sv"), {"sv/a/run": FOREIGN, "sv/a/finish": f"#!{SHELL}\nkill 1\n"}, (), Reason.BINARY_UNKNOWN),
    (("/init",), {"etc/services.d/a/run": FOREIGN}, (), Reason.BINARY_UNKNOWN),
    (("/usr/bin/s6-overlay-suexec", "/package/s6/libexec/stage0"), {"etc/services.d/a/run": FOREIGN}, (("S6_BEHAVIOUR_IF_STAGE2_FAILS", "2"),), Reason.BINARY_UNKNOWN),
    (("/sbin/my_init",), {"etc/my_init.d/a": FOREIGN}, (), Reason.WRONG_BINARY),
    (("/sbin/my_init",), {"etc/my_init.d/a": f"#!{SHELL}\n/foreign || true\n"}, (), Reason.SURVEY_PENDING),
    (("/sbin/my_init", "--skip-startup-files", "--", "/app"), {"etc/my_init.d/a": FOREIGN}, (), Reason.SURVEY_PENDING),
    (("/sbin/my_init", "--skip-s"), {"etc/my_init.d/a": FOREIGN}, (), Reason.SURVEY_PENDING),
    (("/sbin/my_init", "--skip-runit"), {"etc/service/a/run": FOREIGN}, (), Reason.SURVEY_PENDING),
    (("/sbin/my_init", "--quiet", "--", "/app", "--skip-startup-files"), {"etc/my_init.d/a": FOREIGN}, (), Reason.WRONG_BINARY),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "beside", "env", "expected"), ENDING)
async def test_a_supervisor_that_may_end_with_a_service_is_not_degraded(look, argv, beside, env, expected):
    assert judged(await look(argv, beside, env=env)).reason is expected


OVERLAY = {
    "init": "#!/usr/bin/execlineb -S0\nx\n",
    "usr/bin/execlineb": "E",
    "usr/bin/cat": "E",
    "etc/services.d/a/run": FOREIGN,
}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("/app",), Reason.FOREIGN_USERLAND),
        (("/none",), Reason.ENTRYPOINT_MISSING),
        ((SHELL, "-c", 'exec "$(cat /run/x)"'), Reason.BINARY_UNKNOWN),
        ((SHELL, "/none.sh"), Reason.ENTRYPOINT_MISSING),
    ],
)
async def test_what_a_supervisor_runs_in_front_counts_for_more_than_a_service_beside_it(look, command, expected):
    assert judged(await look(("/init", *command), OVERLAY)).reason is expected


async def test_a_service_that_this_host_runs_too_is_none_that_a_supervisor_goes_on_without(look):
    found = await look(("/usr/bin/runsvdir", "/sv"), {"old": "32", "sv/a/run": f"#!{SHELL}\nexec /old\n"})
    assert judged(found).reason is Reason.SURVEY_PENDING
    assert judged(found, replace(HOST, ia32=False)).reason is Reason.FOREIGN_USERLAND


async def test_a_service_that_an_emulator_of_the_image_may_start_is_not_known_to_lack_anything(look):
    found = await look(("/usr/bin/runsvdir", "/sv"), {"sv/a/run": FOREIGN, "usr/bin/qemu-aarch64-static": "E"})
    magic, mask = "7f454c460201010000000000000000000200b700", "ffffffffffffff00fffffffffffffffffeffffff"
    handler = BinfmtEntry(
        "qemu-aarch64", True, "/usr/bin/qemu-aarch64-static", magic=bytes.fromhex(magic), mask=bytes.fromhex(mask)
    )
    verdict = judged(found, replace(HOST, binfmt=Binfmt(True, (handler,))))
    assert (str(verdict.status), "may not start" in verdict.detail) == ("unknown", True)


async def test_a_supervisor_behind_a_script_or_beside_one_is_told_apart(look):
    beside = {"usr/bin/runsvdir": "E", "sv/a/run": FOREIGN}
    behind = await look((SHELL, "-c", "exec /usr/bin/runsvdir /sv"), beside)
    aside = await look((SHELL, "-c", "/usr/bin/runsvdir /sv & exec /app"), beside)
    assert judged(behind).reason is Reason.FOREIGN_USERLAND
    assert judged(aside).reason is Reason.SURVEY_PENDING
    assert "for another CPU" in aside.at_run_time


@pytest.mark.parametrize("name", ["runsvdir", "runsv", "s6-svscan", "s6-supervise"])
def test_a_real_supervisor_goes_on_without_a_service_for_another_cpu(tmp_path, require, build, name):
    tool = require(name, "s6" if name.startswith("s6") else "runit")
    service = tmp_path / "sv" / "a"
    service.mkdir(parents=True)
    (tmp_path / "foreign").write_bytes(build.elf(machine=183))
    (service / "run").write_text(f"#!/bin/sh\necho x >>{tmp_path}/trace\nexec {tmp_path}/foreign 2>/dev/null\n")
    for each in (tmp_path / "foreign", service / "run"):
        each.chmod(0o755)
    (tmp_path / "trace").touch()
    at = service if name in {"runsv", "s6-supervise"} else service.parent
    ran = subprocess.Popen([tool, str(at)], stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until(lambda: (tmp_path / "trace").read_text().count("x") > 1, "a second start of its service")
        assert ran.poll() is None
    finally:
        os.killpg(ran.pid, signal.SIGKILL)
        ran.wait()
