"""What launchers exec, as the real launchers of this machine do it."""

import json
import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.layers.body import Body
from scanner.binary.program.argv import Command, split_path
from scanner.binary.program.busybox import APPLETS, RARER_APPLETS
from scanner.binary.program.capture import Capture
from scanner.binary.program.content import Content, examine
from scanner.binary.program.elf.dynamic import Dynamic
from scanner.binary.program.launch.commanding import MAX_TEXT_CHARS
from scanner.binary.program.launch.launchers import Account, AtRunTime, By, Launched, account_of, launched
from scanner.binary.program.script import Shebang
from scanner.domain.image.offers import Elf, FileKind
from tests import counted

TRACER = r"""
#include <stdio.h>
#include <unistd.h>
extern char **environ;
static void say(const char *s) {
    putchar('"');
    for (; *s; s++)
        if (*s == '"' || *s == '\\' || (unsigned char)*s < 32) printf("\\u%04x", *s); else putchar(*s);
    putchar('"');
}
static void list(char **v) {
    putchar('[');
    for (char **p = v; *p; p++) { if (p != v) putchar(','); say(*p); }
    putchar(']');
}
int main(int argc, char **argv) {
    char cwd[4096], exe[4096];
    long n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    printf("\n@{\"argv\":"); list(argv);
    printf(",\"env\":"); list(environ);
    printf(",\"cwd\":"); say(getcwd(cwd, sizeof cwd));
    printf(",\"exe\":"); say(exe); printf("}\n");
    return 0;
}
"""

PACKAGES = {
    "gosu": "gosu", "tini": "tini", "dumb-init": "dumb-init", "catatonit": "catatonit", "chpst": "runit",
    "setlock": "daemontools", "softlimit": "daemontools", "envdir": "daemontools", "envuidgid": "daemontools",
    "setuidgid": "daemontools", "time": "time", "numactl": "numactl", "doas": "doas", "sudo": "sudo",
    "busybox": "busybox-static", "docker-init": "docker.io",
}  # fmt: skip

CASES = """
tini T a
tini -- T a
tini -s -g T --
tini -svvw -- T
tini -p SIGTERM T
tini -pSIGTERM -- T -- x
tini -e 143 -e 1 T
tini -e 300 T
tini -e x T
tini --version
tini --version T
tini -h T
tini -l T
tini -x T
tini T a -s b
tini T -x
tini -s T -- -x
tini T a --
tini --
tini
tini tracer x
tini "" x
docker-init -- T a
docker-init -sg T
docker-init T -s
docker-init T -x
catatonit T a
catatonit -g -- T -x
catatonit -- T -x
catatonit --version T
catatonit -L T
catatonit -x T
catatonit T -x
catatonit T -g a
catatonit T -- -g
catatonit --help T
dumb-init T a
dumb-init -c T
dumb-init -cv -- T
dumb-init --rewrite 15:3 T
dumb-init --rew=15:3 -- T
dumb-init -r15:3 -r 2:3 T
dumb-init --single-child T --version
dumb-init --version T
dumb-init -h T
dumb-init -x T
dumb-init
gosu root T a
gosu 0:0 T --help
gosu root
gosu --version T
gosu
setpriv --reuid=0 T a
setpriv --reuid 0 --regid=0 --clear-groups -- T -x
setpriv --reu 0 --clear-g --inh-caps=-all T
setpriv --no-new-privs --bounding-set -all T
setpriv --nnp T
setpriv --reset-env --reuid=root T
setpriv --reset-env T
setpriv -d T
setpriv --foo T
setpriv --re=0 T
setpriv
setpriv --init-groups --reuid nobody --regid nogroup T
runuser -u root T a
runuser -u root -- T -l
runuser -u root T -l
runuser --user=root -- T
runuser -u root
runuser root -s T -c text
runuser -s T root a b
runuser -p -s T root
runuser -l root -s T -c text
runuser - root -s T
runuser root -- -c text
runuser -m root -c text
su root -s T -c text
su -s T root a b
su -c text -s T root a
su root -s T --command=text -- x -y
su -s T
su -s T - root -c text
su -l -s T root
su - -s T
su -p root -c text
su -m -s T root -c text
su -u root T
su --sess=x -s T root
chroot / T a
chroot --skip-chdir / T a
chroot --userspec=0:0 / tracer
chroot --groups 0 / T
chroot // T
chroot /
chroot --skip /
chroot --foo / T
chroot
taskset -c 0 T a
taskset 1 T
taskset 0x1 T
taskset -ac 0 T
taskset --cpu-list 0 T
taskset --cpu 0 T
taskset -pc 1
taskset 1
taskset T
chpst T a
chpst -u root T
chpst -vP T
chpst -P -u root:root -b other T x
chpst -uroot -n 1 T
chpst -e EMPTY T
chpst -/ / T
chpst -2 -- T -x
chpst -x T
chpst -u root
chpst tracer
chrt -o 0 T a
chrt --other 0 T
chrt -b 0 T
chrt -R -o 0 T
chrt -i 0 T -p
chrt -m
chrt -p 1
chrt T
chrt --other 0 -- T
nice T a
nice -5 T
nice --5 T
nice -+5 T
nice -n5 T
nice -n 5 T
nice -n -5 -- T -x
nice --adjustment=5 T
nice --adj 5 T
nice -5 -n 6 -- T
nice -n x T
nice -n
nice
nice --help T
nice -x T
ionice -c3 T a
ionice -c 2 -n 7 T
ionice -c2 -n7 T
ionice --class idle T
ionice --class=best-effort --classdata=3 -- T
ionice -t -c3 T
ionice -p 1
ionice
ionice -x T
nohup T a
nohup -- T -x
nohup --version T
nohup -x T
nohup
setsid -w T a
setsid --wait T
setsid -wx T
setsid --wai -- T -x
setsid -h T
setsid
stdbuf -oL T a
stdbuf -o L -e0 T
stdbuf -i 0 --output=L -- T -x
stdbuf --err 0 T
stdbuf T
stdbuf -oL
stdbuf -x T
timeout 5 T a
timeout -s KILL 5 T
timeout -sKILL -k1 5s T
timeout --signal=KILL --kill-after 1 1.5m T
timeout --fore 5 T
timeout --preserve-status -v .5h T
timeout -- 5 T
timeout 5 -- T
timeout 1e1 T
timeout inf T
timeout 0x5 T
timeout "+5" T
timeout " 5" T
timeout "5 " T
timeout 5x T
timeout x T
timeout -k 5 T
timeout --help T
timeout 5
unshare T a
unshare -m T
unshare -mu -- T -x
unshare --mount --uts T
unshare -w /usr T
unshare --wd=/usr T
unshare -w/usr tracer
unshare --root=/ T
unshare -R / -w /usr T
unshare -f T
unshare --propagation private -m T
unshare
prlimit --nofile=1024 T a
prlimit -n=512 T
prlimit -n512 T
prlimit -n T
prlimit --nofile T
prlimit --nof=1024:2048 -- T -x
prlimit -v --core=0 T
prlimit -p 1
prlimit -x
prlimit --foo T
flock LOCK T a
flock -n LOCK T -c
flock -w 5 -E 3 LOCK T
flock --timeout=5 LOCK T
flock --nb --close LOCK T
flock -n LOCK -c text
flock LOCK --command text
flock LOCK -c text more
flock -c text LOCK
flock -o LOCK -- T
flock
numactl --interleave=all T a
numactl -i all -- T -x
numactl --int=all T
numactl --hardware
numactl --foo T
env T a
env -i T
env -i tracer
env - T
env - A=2 T
env A=2 B=3 T
env =x T
env A= T
env -u A T
env -uA T
env --unset=A --unset PATH T
env -u PATH tracer
env -u "" T
env -u A=B T
env -C /usr T
env -C/usr T
env --chdir=/usr T
env --chd /usr T
env -C /usr
env -C . T
env PATH=/nowhere T
env PATH=/usr tracer
env PATH=D tracer x
env -i PATH=D tracer x
env -iu HOME A=5 T
env -vu HOME T
env -0 T
env -0
env
env A=2
env -- T -x
env -- A=2 T
env - -i T
env -- - T
env A=2 - T
env -x T
env --ign T
env --ignore-e T
env --default-signal T
env --default-signal=PIPE --block-signal=TERM T
env --list-signal-handling T
env -S "T x"
env "-ST x" z
env -S "T 'a b' \\"c d\\"" z
env -iS "B=2 T x"
env -vS "T x"
env --split-string="T x" y
env --split "T x"
env -S "-i B=1 T"
env -S "-u A T"
env -S "T 'a\\\\n\\\\\\\\b\\\\'c'"
env -S "T \\"a\\\\tb\\\\_c\\" d\\\\_e"
env -S "T \\\\_ x"
env -S "T a\\\\cb c" z
env -S "T a #b c" z
env -S "T a#b \\\\#c" z
env -S "#x" T
env -S "" T
env -S "T \\"\\" '' x"
env -S "T ${A} x"
env -S "T ${NOPE} x"
env -S "T \\"${NOPE}\\" a${A}b"
env -S "T '${A}'"
env -S "T $A"
env -S "T \\\\$A"
env -S "T \\\\q"
env -S "T 'x"
env -S "T \\"a\\\\cb\\""
env -S "-S 'T x'" y
env -S "-S" "T x"
env -S "A=2 T" x
env -C /usr -S "T x"
env -S "-- T -x"
sudo T a
sudo -u root T
sudo -uroot -n -- T -x
sudo -n B=2 T
sudo B=2 -n T
sudo -u root -H --non-interactive T
sudo -E T
sudo --preserve-env=A T
sudo -D /usr T
sudo -V
sudo -l
sudo -s T x
sudo -i
sudo -x T
setlock LOCK T a
setlock -nx LOCK T
setlock -n LOCK
softlimit -m 1000000000 T a
softlimit -m1000000000 -o 50 T
softlimit -z 1 T
setuidgid root T a
setuidgid root tracer
setuidgid root
setuidgid -x T
envuidgid root T a
envdir EMPTY T a
envdir EMPTY tracer
envdir EMPTY
s6-setuidgid root T a
s6-setuidgid -- root T
s6-envuidgid root T a
s6-softlimit -m 1000000000 T a
s6-envdir EMPTY T a
s6-envdir -i EMPTY T a
s6-setsid T a
s6-setsid -s T
s6-setlock LOCK T
s6-setlock -r LOCK T
time T a
time -p T
time -v -o /dev/null T
time --format=%e --app -o /dev/null -- T -x
time -f%e T
time --foo T
time
setarch x86_64 T a
setarch -R T a
setarch x86_64 -R -- T -x
linux64 T a
linux64 -R T
/lib64/ld-linux-x86-64.so.2 T a
/lib64/ld-linux-x86-64.so.2 --argv0 x --inhibit-cache --library-path /lib T a
/lib64/ld-linux-x86-64.so.2 --preload "" T
/lib64/ld-linux-x86-64.so.2 ./tracer a
/lib64/ld-linux-x86-64.so.2 tracer a
/lib64/ld-linux-x86-64.so.2 -- T
/lib64/ld-linux-x86-64.so.2 --library-path=/lib T
/lib64/ld-linux-x86-64.so.2 --list T
/lib64/ld-linux-x86-64.so.2 --verify T
/lib64/ld-linux-x86-64.so.2 --argv0
/lib64/ld-linux-x86-64.so.2
"""

BUSYBOX = """
env T a
env -i T
env - A=2 T
env -i -u HOME T
env -iu HOME T
env --ignore-environment T
env --unset=A T
env -- A=2 T
env A=2 -i T
env -S "T x"
env -C /usr T
env -0 T
env
setsid T a
setsid -- T -x
setsid -x T
timeout 5 T a
timeout -s KILL 5 T
timeout -k 1 5s T
timeout 5s -- T
timeout --signal=KILL 5 T
timeout -t 5 T
chroot / T a
chroot -- / T
chroot /
chroot --userspec=0 / T
su root -s T -c text a
su -s T root a b
su -s T - root -c text
su -l -s T root
su -m -c text root
su -s T
ionice -c3 T a
ionice -c 2 -n 7 T
ionice --class 3 T
taskset -c 0 T a
taskset 1 T
taskset --cpu-list 0 T
setpriv --nnp T a
setpriv --reuid=0 T
setpriv -d T
unshare -m T a
unshare --mount T
unshare -w /usr T
s6-setlock -r LOCK T
time T a
time -p T
time -o /dev/null T
time --portability T
sh -c text
echo T
"""


@pytest.fixture(scope="session")
def traced(tmp_path_factory, require):
    """A directory with the tracer, an empty directory, busybox' links."""
    place = tmp_path_factory.mktemp("traced").resolve()
    (place / "tracer.c").write_text(TRACER)
    subprocess.run([require("gcc", "gcc"), "-O1", "-o", place / "tracer", place / "tracer.c"], check=True)
    (place / "empty").mkdir()
    (place / "links").mkdir()
    busybox = require("busybox", "busybox-static")
    for name in {line.split()[0] for line in BUSYBOX.strip().splitlines()}:
        (place / "links" / name).symlink_to(busybox)
    return place


def words_of(line, place):
    texts = {"T": f"{place}/tracer", "LOCK": f"{place}/lock", "EMPTY": f"{place}/empty", "D": str(place)}
    words = []
    for word in shlex.split(line):
        whole = texts.get(word, word)
        whole = whole.replace("PATH=D", f"PATH={place}")
        head = "T " if whole.startswith("T ") else None
        whole = f"{place}/tracer {whole[2:]}" if head else whole
        words.append(
            whole.replace(" T", f" {place}/tracer")
            .replace("-ST", f"-S{place}/tracer")
            .replace("'T ", f"'{place}/tracer ")
        )
    return words


def environment(place):
    return {
        "PATH": f"/usr/sbin:/usr/bin:/sbin:/bin:{place}",
        "A": "one",
        "HOME": "/somewhere",
        "SHELL": f"{place}/tracer",
    }


def reached(tool, words, place):
    """What the tracer saw, ``None`` where it was never started."""
    done = subprocess.run(
        [words[0], *words[1:]], executable=tool, env=environment(place), cwd=place, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30, check=False, start_new_session=True,
    )  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("@{")), None)
    return json.loads(line[1:]) if line else None


def command_of(words, place):
    env = environment(place)
    return Command(tuple(words), split_path(env["PATH"]), str(place), env=env, env_known=True)


def file_of(command):
    """What argv[0] leads to, by the rules of the chain."""
    name = command.argv[0]
    if "/" in name:
        return os.path.realpath(Path(command.cwd) / name)
    found = (Path(command.cwd, directory, name) for directory in command.path)
    return next((os.path.realpath(path) for path in found if os.access(path, os.X_OK)), None)


def compare(launch, saw):
    """The launcher's answer against what really ran."""
    if launch is None or (isinstance(launch, AtRunTime) and "usage error" in launch.why):
        assert saw is None, launch
        return
    if isinstance(launch, AtRunTime):
        return
    command = launch.command
    expected = file_of(command) if not command.login or "/" in command.argv[0] else None
    if expected is None or not expected.endswith("/tracer"):
        assert saw is None or command.login, launch
        return
    assert saw is not None, launch
    assert saw["argv"][1:] == list(command.argv[1:])
    assert saw["cwd"] == os.path.realpath(command.cwd)
    if launch.argv0 is not None:
        assert saw["argv"][0] == launch.argv0
    seen = dict(entry.partition("=")[::2] for entry in saw["env"])
    known = {name: value for name, value in command.env.items() if value is not None}
    assert {name: seen.get(name) for name in known} == known
    if command.env_known:
        assert set(seen) <= set(command.env)


def accounts(name):
    return account_of(Path("/etc/passwd").read_text(), name)


@pytest.mark.system
@pytest.mark.parametrize("line", CASES.strip().splitlines())
def test_a_launcher_reaches_what_the_real_one_reaches(line, traced, require, require_root):
    words = words_of(line, traced)
    name = words[0].rpartition("/")[2]
    tool = Path(words[0]) if words[0].startswith("/") else require(name, PACKAGES.get(name, "util-linux"))
    content = examine(Body.whole(tool.read_bytes()))
    launch = launched(command_of(words, traced), content, os.path.realpath(tool), accounts)
    compare(launch, reached(tool, words, traced))


def captured(file):
    """What is kept of busybox while it streams past."""
    raw = memoryview(file.read_bytes())
    capture = Capture(len(raw), applets=True)
    for at in range(0, len(raw), 1000):
        capture.feed(raw[at : at + 1000])
    return examine(capture.body())


def test_busybox_says_itself_which_applets_it_has(require):
    busybox = require("busybox", "busybox-static")
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    own = captured(busybox).applets
    assert own is not None
    assert own | {"busybox"} == set(listed) | {"busybox"}
    assert set(listed) <= APPLETS | RARER_APPLETS | {"busybox"}


@pytest.mark.system
@pytest.mark.parametrize("line", BUSYBOX.strip().splitlines())
@pytest.mark.parametrize("by_link", [True, False])
def test_an_applet_reaches_what_the_real_busybox_reaches(line, by_link, traced, require, require_root):
    words = words_of(line, traced)
    busybox = require("busybox", "busybox-static")
    tool = traced / "links" / words[0] if by_link else busybox
    words = words if by_link else ["busybox", *words]
    launch = launched(command_of(words, traced), captured(busybox), str(busybox), accounts)
    if isinstance(launch, Launched) and launch.by is By.APPLET:
        assert words[1] == "sh"
        return
    compare(launch, reached(tool, words, traced))


# ---------------------------------------------------------------- without a real one at hand

PATH = "/usr/bin:/bin"
ENV = {"PATH": PATH, "HOME": "/root", "SHELL": "/bin/bash"}
SMALL = Content(FileKind.ELF, elf=Elf(62, 64, "little", None, libc="glibc"), size=60_000)
LARGE = Content(FileKind.ELF, elf=Elf(62, 64, "little", None), size=1_000_000)
MUSL = Content(FileKind.ELF, elf=Elf(62, 64, "little", None, libc="musl"), size=60_000)
OF_PAM = replace(SMALL, dynamic=Dynamic(SMALL.elf, ("libpam.so.0", "libc.so.6")))
EXECLINE = Content(FileKind.SCRIPT, shebang=Shebang("/usr/bin/execlineb", "-S0"), size=500)
SHELL_SCRIPT = Content(FileKind.SCRIPT, shebang=Shebang("/bin/sh"), size=500)
WAITS = replace(SHELL_SCRIPT, text=b"#!/bin/sh\nusage: $0 host:port [-s] [-- command args]\n")
OF_PYTHON = Content(FileKind.SCRIPT, shebang=Shebang("/usr/bin/env", "python3"), size=500)


def answer(line, content=SMALL, path="", env=ENV, stands=lambda _: True):
    command = Command(tuple(shlex.split(line)), split_path(env.get("PATH", "")), "/srv", env=env, env_known=True)
    return launched(command, content, path, accounts, stands)


STARTED = [
    ("su-exec redis redis-server /etc/redis.conf", SMALL, "", "redis-server /etc/redis.conf"),
    ("su-exec 1000:1000 /app", MUSL, "", "/app"),
    ("doas -u root -n /app x", SMALL, "", "/app x"),
    ("doas -s", SMALL, "", "/bin/bash"),
    ("tini /app -c x", MUSL, "", "/app -c x"),
    ("tini -g -- /app -c x", LARGE, "", "/app -c x"),
    ("tini /app x", LARGE, "", "/app x"),
    ("dockerize -wait tcp://db:5432 -timeout 20s -skip-tls-verify /app x", SMALL, "", "/app x"),
    ("dockerize --wait=tcp://db:5432 -- /app -x", SMALL, "", "/app -x"),
    ("/init /app x", EXECLINE, "/init", "/app x"),
    ("s6-overlay-suexec /package/p/libexec/preinit '' /package/p/libexec/stage0 /app x", SMALL, "", "/app x"),
    ("with-contenv bash /run", SMALL, "/command/with-contenv", "bash /run"),
    ("with-contenv bash /run", EXECLINE, "/usr/bin/with-contenv", "bash /run"),
    ("/wait-for-it.sh db:5432 -t 20 -- /app x", WAITS, "/wait-for-it.sh", "/app x"),
    ("/bin/wait-for-it -s db:5432 -- /app x", OF_PYTHON, "/bin/wait-for-it", "/app x"),
    ("/lib/ld-musl-x86_64.so.1 --library-path=/lib --argv0 x /app y", MUSL, "/lib/ld-musl-x86_64.so.1", "/app y"),
    ("/lib/ld-musl-x86_64.so.1 -- app", MUSL, "/lib/libc.musl-x86_64.so.1", "./app"),
    ("/lib/ld-musl-aarch64.so.1 --preload /x.so /app", MUSL, "", "/app"),
    ("/entry -- /app", SMALL, "/usr/bin/tini", "/app"),
    ("env A=1 /app", LARGE, "/bin/env", "/app"),
    ("nice -n 5 /app", LARGE, "/bin/[", "/app"),
    ("busybox nice -5 /app", replace(LARGE, applets=frozenset({"nice"})), "/bin/busybox", "/app"),
    ("nice -n5 /app", LARGE, "/bin/busybox", "/app"),
    ("chpst -u nobody /app", LARGE, "/bin/busybox", "/app"),
    ("nohup /app", LARGE, "/bin/busybox-static", "/app"),
    ("flock /l -c '/app x'", LARGE, "/bin/busybox", "/bin/bash -c '/app x'"),
    ("sudo -i /app 'a b'", SMALL, "", "/bin/bash -c '\\/app a\\ b'"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "content", "path", "expected"), STARTED)
def test_a_launcher_starts_what_its_grammar_leaves(line, content, path, expected):
    launch = answer(line, content, path)
    assert isinstance(launch, Launched), launch
    assert launch.command.argv == tuple(shlex.split(expected))


REFUSED = [
    ("busybox nope /app", LARGE, "there is no applet nope"),
    ("busybox nohup /app", LARGE, "not always built with nohup"),
    ("busybox env /app", replace(LARGE, applets=frozenset({"nice"})), "there is no applet env"),
    ("setsid /app", SMALL, "a container's first process"),
    ("busybox setsid -c /app", LARGE, "a container's first process"),
    ("chrt 5 /app", SMALL, "real-time"),
    ("chrt -f 1 /app", SMALL, "real-time"),
    ("chrt -o -d 0 /app", SMALL, "real-time"),
    ("ionice -c 1 /app", SMALL, "real-time"),
    ("ionice -c realtime -n 4 /app", SMALL, "real-time"),
    ("setarch -R /app", SMALL, "seccomp"),
    ("setarch x86_64 --addr-no-randomize /app", SMALL, "seccomp"),
    ("chpst -u :1000 /app", SMALL, "behind a colon"),
    ("setpriv --regid 5 /app", SMALL, "what becomes of the others"),
    ("setpriv -d /app", SMALL, "excludes the rest"),
    ("stdbuf -iL /app", SMALL, "meaningless"),
    ("setsid -wc /app", SMALL, "terminal"),
    ("stdbuf -oL /app", SMALL, "needs libstdbuf.so"),
    ("s6-setuidgid nobody /app", SMALL, "no /etc/nsswitch.conf"),
    ("s6-envuidgid nobody /app", SMALL, "no /etc/nsswitch.conf"),
    ("s6-setuidgid nobody:nogroup /app", MUSL, "numbers with a colon"),
    ("runuser -u app -- /app", OF_PAM, "asks PAM"),
    ("su - app -c /app", OF_PAM, "asks PAM"),
]


@pytest.mark.parametrize(("line", "content", "why"), REFUSED)
def test_what_a_launcher_cannot_do_in_a_container_starts_nothing(line, content, why):
    path = "/bin/busybox" if line.startswith("busybox") else ""
    launch = answer(line, content, path, stands=lambda _: False)
    assert isinstance(launch, AtRunTime), launch
    assert (launch.is_refusal, why in launch.why) == (True, True), launch


@pytest.mark.parametrize(
    ("line", "content"),
    [
        ("node server.js", LARGE),
        *((line, replace(LARGE, applets=frozenset({"sh"}))) for line in ("httpd -f", "nice /app")),
    ],
)
def test_a_link_to_busybox_by_a_name_that_is_no_applet_starts_nothing(line, content):
    launch = answer(line, content, "/bin/busybox")
    assert isinstance(launch, AtRunTime)
    assert (launch.is_refusal, "there is no applet" in launch.why) == (True, True)


@pytest.mark.parametrize(
    "line",
    [
        "s6-setuidgid nobody /app",
        "s6-setuidgid 1:1 /app",
        "setsid -w /app",
        "chrt -b 0 /app",
        "ionice -c 3 /app",
        "ionice -t -c 1 /app",
        "setarch linux32 /app",
        "chpst -u :1:2 /app",
    ],
)
def test_what_it_can_do_there_starts(line):
    assert isinstance(answer(line, SMALL, ""), Launched)


DECIDED_AT_RUN_TIME = [
    ("nsenter -t 1 -m /app", SMALL, ""),
    ("xargs -r /app", SMALL, ""),
    ("xargs -I{} /app {}", SMALL, ""),
    ("find / -exec /app {} ;", SMALL, ""),
    ("supervisord -n", SMALL, ""),
    ("/usr/bin/supervisord -n", OF_PYTHON, "/usr/bin/supervisord"),
    ("/sbin/init", SMALL, "/lib/systemd/systemd"),
    ("/init", EXECLINE, "/init"),
    ("runsvdir /etc/service", LARGE, "/bin/busybox"),
    ("chroot /rootfs /app", SMALL, ""),
    ("unshare -R /rootfs /app", SMALL, ""),
    ("chpst -/ /rootfs /app", SMALL, ""),
    ("sudo -R /rootfs /app", SMALL, ""),
    ("env -S '/app ${HIDDEN}'", SMALL, ""),
    ("su unheard-of -c /app", SMALL, ""),
    ("tini /app -s", LARGE, ""),
    ("env -C /srv /app", LARGE, "/bin/env"),
    ("env -S '/app x'", LARGE, "/bin/busybox"),
    ("timeout -t 5 /app", LARGE, "/bin/busybox"),
    ("doppler run -- /app", LARGE, ""),
    ("sed 1e/app /x", SMALL, ""),
    ("sed -n -e p -e '$!e /app' /x", SMALL, ""),
    ("sed '/x/,/y/e ls' /x", SMALL, ""),
    ("sed '\\|x|e ls' /x", SMALL, ""),
    ("sed 's/x/y/;s|a|/app|ge' /x", SMALL, ""),
    ("sed -f /edits /x", SMALL, ""),
    (f"sed '{'#' * 5000}' /x", SMALL, ""),
    ("mawk 'BEGIN{system(\"/app\")}'", SMALL, ""),
    ("awk 'BEGIN{\"/app\" | getline x}'", SMALL, ""),
    ("gawk -f /x.awk", SMALL, ""),
    ("ed -s /x", SMALL, ""),
    ("ed '!/app'", SMALL, ""),
    ("ex -sc '!/app' /x", SMALL, ""),
    ("vi '+!/app' /x", SMALL, ""),
    ("op run -- /app", SMALL, ""),
    ("pid1 app", SMALL, ""),
    ("mpirun -np 2 app", SMALL, ""),
    ("parallel app ::: a", OF_PYTHON, "/usr/bin/parallel"),
    ("chronic app", OF_PYTHON, "/usr/bin/chronic"),
    ("rc -c /app", SMALL, ""),
    ("busybox vi -c '!/app' /x", LARGE, "/bin/busybox"),
    ("busybox awk -f /x.awk", LARGE, "/bin/busybox"),
    ("/lib64/ld-linux-x86-64.so.2 app", SMALL, ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "content", "path"), DECIDED_AT_RUN_TIME)
def test_what_only_running_it_tells_is_a_sentence(line, content, path):
    launch = answer(line, content, path, ENV | {"HIDDEN": None})
    assert isinstance(launch, AtRunTime), launch
    assert len(launch.why.split()) > 3


NAMED_BY_OPTIONS = [
    # the words, what the real program starts by them, empty for nothing
    ("start-stop-daemon --start --exec /bin/echo -- --foreground x", "/bin/echo --foreground x"),
    ("start-stop-daemon -S -x /bin/sh -a /bin/echo -n echo -- y", "/bin/echo y"),
    ("start-stop-daemon --start --quiet --oknodo --pidfile /nowhere/pid --startas /bin/echo -- z", "/bin/echo z"),
    ("start-stop-daemon --start --test --exec /bin/echo", ""),
    ("awk 'BEGIN{exit(system(\"/bin/echo\"))}'", "/bin/echo"),
]


@pytest.mark.parametrize(("line", "started"), NAMED_BY_OPTIONS)
def test_what_the_words_of_an_undecided_launcher_name_is_what_it_starts(line, started):
    launch = answer(line, SMALL, "", stands=os.path.exists)
    starts = launch.starts if isinstance(launch, AtRunTime) else launch.command
    assert isinstance(launch, Launched) is ("start-stop-daemon" in line and "-n" not in line.split() and bool(started))
    assert (" ".join(starts.argv) if starts else "") == started
    really = subprocess.run(shlex.split(line), capture_output=True, text=True, check=False, timeout=60)
    assert really.stdout.strip() == " ".join(started.split()[1:]) or "would start" in really.stdout.lower()


def test_a_start_stop_daemon_that_is_told_of_nothing_to_look_for_starts_nothing():
    line = "start-stop-daemon --start --startas /bin/echo -- x"
    launch = answer(line, SMALL, "")
    assert isinstance(launch, AtRunTime)
    assert launch.is_refusal
    really = subprocess.run(shlex.split(line), capture_output=True, text=True, check=False, timeout=60)
    assert (really.returncode != 0, really.stdout) == (True, "")
    launch = answer("start-stop-daemon -S -a /bin/echo -- x", LARGE, "/bin/busybox")
    assert isinstance(launch, AtRunTime)
    assert not launch.is_refusal


def test_a_start_stop_daemon_starts_nothing_in_a_directory_that_is_not_there():
    line = "start-stop-daemon --start --chdir {} --exec /bin/echo -- x"
    assert isinstance(answer(line.format("/none"), SMALL, "", stands=os.path.exists), AtRunTime)
    assert isinstance(answer(line.format("/bin"), SMALL, "", stands=os.path.exists), Launched)
    really = subprocess.run(shlex.split(line.format("/none")), capture_output=True, check=False, timeout=60)
    assert (really.returncode != 0, really.stdout) == (True, b"")


def test_a_start_stop_daemon_may_find_the_shell_that_starts_another():
    line = "start-stop-daemon --start --exec /bin/sh -- -c x"
    assert isinstance(answer(line, SMALL, ""), AtRunTime)
    really = subprocess.run(["sh", "-c", f"{line}; :"], capture_output=True, text=True, check=False, timeout=60)
    assert "already running" in really.stdout + really.stderr
    assert isinstance(
        answer(f"{line} y".replace("--exec", "--pidfile /none --exec"), SMALL, "", stands=os.path.exists), Launched
    )


THEMSELVES = [
    ("/app server --port 80", SMALL, "/app"),
    ("node server.js", LARGE, "/usr/bin/node"),
    ("java -jar /app.jar", SMALL, ""),
    ("dotnet app.dll", SMALL, ""),
    ("bash -c /app", SMALL, ""),
    ("env", SMALL, ""),
    ("gosu --version", SMALL, ""),
    ("tini --version", SMALL, ""),
    ("catatonit -P", SMALL, ""),
    ("busybox httpd -f", LARGE, "/bin/busybox"),
    ("busybox", LARGE, "/bin/busybox"),
    ("busybox --list", LARGE, "/bin/busybox"),
    ("httpd -f", LARGE, "/bin/busybox"),
    ("tini /app", SHELL_SCRIPT, "/usr/bin/tini"),
    ("/wait-for-it.sh db:5432 -- /app x", SHELL_SCRIPT, "/wait-for-it.sh"),
    ("/wait-for-it.sh db:5432", WAITS, "/wait-for-it.sh"),
    ("supervisord -n", SHELL_SCRIPT, "/usr/bin/supervisord"),
    ("/lib64/ld-linux-x86-64.so.2 --list /app", SMALL, ""),
    ("flock 9", SMALL, ""),
    ("sed -i -e s/the/e/ -e '/e/d;y/abc/xye/' /x", SMALL, ""),
    ("/op", SMALL, "/op"),
    ("op serve", SMALL, ""),
    ("/srv/rc", SMALL, "/srv/rc"),
    ("/app/ex", LARGE, "/app/ex"),
    ("/ex --port 80", SMALL, "/ex"),
    ("/ed", SMALL, "/ed"),
    ("/vi serve", LARGE, "/vi"),
    ("busybox sed 1e/app /x", LARGE, "/bin/busybox"),
    ("awk '$1 == 1 || /e/ {print}' /x", SMALL, ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "content", "path"), THEMSELVES)
def test_a_program_that_starts_nothing_is_itself_the_program(line, content, path):
    assert answer(line, content, path) is None


@pytest.mark.parametrize("text", ["s,{}", "\\,{}", "/{}", "\\\\{}"], ids=["edit", "address", "slashes", "backslashes"])
@pytest.mark.parametrize("escape", [r"\x", r"\\"], ids=["letters", "backslashes"])
def test_thousands_of_escapes_cost_one_look_at_each(text, escape):
    assert answer(f"sed '{text.format(escape * (MAX_TEXT_CHARS // len(escape) - 2))}' /x") is None


@pytest.mark.parametrize(
    ("line", "content", "by"),
    [("gosu root /app", SMALL, By.EXECVE), ("su-exec root /app", MUSL, By.EXECVP), ("nice /app", SMALL, By.EXECVP),
     ("/lib64/ld-linux-x86-64.so.2 /app", SMALL, By.LOADER), ("s6-setuidgid root /app", SMALL, By.EXECVE),
     ("su root -s /bin/sh -c /app", SMALL, By.EXECVE)],
)  # fmt: skip
def test_a_launcher_tells_how_it_execs(line, content, by):
    assert answer(line, content).by is by


def test_busybox_runs_a_shell_that_is_itself():
    launch = answer("busybox sh -c /app", LARGE, "/bin/busybox")
    assert (launch.command.argv, launch.by) == (("sh", "-c", "/app"), By.APPLET)


def test_without_path_the_c_library_decides_where_names_are_looked_up():
    assert answer("env -i app", SMALL).command.path == ("/bin", "/usr/bin")
    assert answer("env -i app", MUSL).command.path == ("/usr/local/bin", "/bin", "/usr/bin")


def test_a_switch_of_user_changes_home_where_the_account_is_known():
    launch = answer("gosu root /app")
    assert (launch.command.user, launch.command.env["HOME"]) == ("root", "/root")
    assert answer("gosu unheard-of /app").command.env["HOME"] is None


def test_options_stop_at_the_first_word_where_posix_is_asked_for():
    launch = answer("su root -s /bin/zsh", env=ENV | {"POSIXLY_CORRECT": "1"})
    assert launch.command.argv[1:] == ("-s", "/bin/zsh")


def test_an_account_is_found_by_name_before_its_number():
    passwd = "root:x:0:0:root:/root:/bin/bash\n1000:x:5:5::/a:\napp:x:1000:1000::/srv:/sbin/nologin\nbad:x:y:::\n"
    assert account_of(passwd, "app") == Account("app", 1000, "/srv", "/sbin/nologin")
    assert account_of(passwd, "1000") == Account("1000", 5, "/a", "/bin/sh")
    assert account_of(passwd, "5").name == "1000"
    assert account_of(passwd, "bad") is None


WORDS = st.sampled_from(
    ["--", "-", "-x", "-S", "-i", "-c", "-s", "--foo=1", "A=1", "/app", "5", "root", "-n5", "'", "${A}", "\\", "", "-u"]
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(
        ["env", "tini", "su", "sudo", "runuser", "nice", "timeout", "chpst", "unshare", "setpriv", "busybox", "doas",
         "flock", "dockerize", "ld.so", "ld-musl-x86_64.so.1", "init", "setarch", "s6-overlay-suexec", "env-x"]
    ),
    st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=8),
    st.sampled_from([SMALL, LARGE, MUSL, EXECLINE]),
)  # fmt: skip
def test_no_words_make_a_launcher_raise(name, words, content):
    command = Command((name, *words), split_path(PATH), "/", env=ENV, env_known=True)
    launch = launched(command, content, f"/bin/{name}", accounts)
    assert launch is None or isinstance(launch, AtRunTime) or launch.command.argv[0]


@pytest.mark.parametrize(
    "words", [("env", *["A=1"] * 4000, "/app"), ("sudo", *["A=1", "-n"] * 2000, "/app"), ("env", "-S", "-S " * 9)]
)
def test_long_command_lines_cost_little(words):
    command = Command(words, split_path(PATH), "/", env=ENV, env_known=True)
    assert counted.calls(lambda: launched(command, SMALL, "", accounts)) < 40 * sum(map(len, words))
