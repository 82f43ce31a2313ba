"""What the files of an image mean for what runs, statement by statement."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.domain.facts import Binfmt, Kernel
from scanner.domain.image.image_survey import ImageSurvey, ReachedBy, Survey, SurveyedFile, SurveyedKind
from scanner.domain.image.offers import Elf, Executable, FileKind, Program
from scanner.domain.platform.elf_machine import platform_of
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy import Trouble, fix
from scanner.domain.verdict.survey import weigh
from scanner.domain.verdict.survey_ways import SurveyedProcess, key_of, survey_of

MACHINES = {"amd64": (62, 64), "arm64": (183, 64), "386": (3, 32), "arm": (40, 32), "s390x": (22, 64), "?": (4711, 64)}
NO_EMULATORS = Binfmt(enabled=True)
AMD64 = Kernel("Linux", "x86_64", platform=Platform("linux", "amd64"), ia32=True, binfmt=NO_EMULATORS)
ARM64 = Kernel("Linux", "aarch64", platform=Platform("linux", "arm64"), aarch32=False, binfmt=NO_EMULATORS)
S390X = Kernel("Linux", "s390x", platform=Platform("linux", "s390x"), binfmt=NO_EMULATORS)
KERNELS = {"amd64": AMD64, "arm64": ARM64, "s390x": S390X}
RECORDED = Path(__file__).parents[2] / "data" / "surveys"


def a_file(path, what, *, mode=None, names=()):
    """``what`` is a CPU, with ``lib`` behind it a library, or ``sh`` for a script."""
    cpu, _, kind = what.partition(" ")
    if cpu == "sh":
        return SurveyedFile(path, SurveyedKind.SCRIPT, 0o755 if mode is None else mode, shebang="/bin/sh", names=names)
    machine, bits = MACHINES[cpu]
    elf = Elf(
        machine,
        bits,
        "little",
        None if cpu == "?" else Platform("linux", cpu),
        type=3,
        interpreter="" if kind == "lib" else "/lib/ld.so",
    )
    return SurveyedFile(path, SurveyedKind.ELF, (0o644 if kind == "lib" else 0o755) if mode is None else mode, elf)


def put(files, path, file):
    """A file, or what is ``!/`` within an archive as one of its members."""
    archive, inside, name = path.partition("!/")
    if inside:
        before = files.get(archive, SurveyedFile(archive, SurveyedKind.ARCHIVE, 0o644))
        files[archive] = replace(
            before, kind=SurveyedKind.ARCHIVE, members=(*before.members, replace(file, path=name, mode=0))
        )
    else:
        files[path] = file


def an_image(files, links=None, searched=()):
    made = {}
    for path, what in files.items():
        names = what if isinstance(what, tuple) else ()
        put(made, path, a_file(path, "sh" if isinstance(what, tuple) else what, names=names))
    return ImageSurvey(made, links or {}, searched)


def way_of(path, files, links=None, searched=(), /, **asked):
    found = survey_of(an_image(files, links, searched), SurveyedProcess(**asked))
    return next(group.way for group in found.groups if path in group.examples)


def program(*chain, at_run_time=""):
    files = tuple(Executable(path, "entrypoint", FileKind.OTHER) for path in chain or ("/app",))
    return Program(("/app",), files, at_run_time=at_run_time)


def reason_of(files, *, kernel=AMD64, at_run_time="", chain=("/app",), whole=True, **asked):
    survey = survey_of(an_image(files), SurveyedProcess(**asked), whole=whole)
    return weigh(kernel, program(*chain, at_run_time=at_run_time), survey).reason


# ---------------------------------------------------------------- ways


@pytest.mark.parametrize(
    ("path", "what", "way"),
    [
        ("/usr/bin/curl", "arm64", ReachedBy.PATH),
        ("/usr/local/sbin/x", "arm64", ReachedBy.PATH),
        ("/usr/bin/sub/x", "arm64", ReachedBy.APPLICATION),
        ("/opt/app/bin/server", "arm64", ReachedBy.APPLICATION),
        ("/usr/lib/libz.so.1", "arm64 lib", ReachedBy.LOADER),
        ("/lib64/libz.so.1", "arm64 lib", ReachedBy.LOADER),
        ("/usr/lib/aarch64-linux-gnu/libz.so.1", "arm64 lib", ReachedBy.NONE),
        ("/usr/lib/jvm/lib/libjvm.so", "arm64 lib", ReachedBy.NONE),
        ("/srv/lib/libx.so", "arm64 lib", ReachedBy.NONE),
        ("/usr/lib/python3/dist-packages/x.so", "arm64 lib", ReachedBy.MODULE),
        ("/app/node_modules/x/build/x.node", "arm64 lib", ReachedBy.MODULE),
        ("/usr/local/go/src/debug/elf/testdata/hello", "arm64", ReachedBy.NONE),
        ("/app/node_modules/x/test/fixtures/x", "arm64", ReachedBy.NONE),
        ("/usr/libexec/valgrind/memcheck-arm64-linux", "arm64", ReachedBy.NONE),
        ("/usr/share/qemu/openbios-ppc", "?", ReachedBy.NONE),
        ("/usr/lib/perf-core/perf-read-vdsox32", "?", ReachedBy.NONE),
        ("/usr/bin/qemu-aarch64-static", "arm64", ReachedBy.NONE),
        ("/usr/aarch64-linux-gnu/lib/libc.so.6", "arm64 lib", ReachedBy.NONE),
        ("/usr/lib/firmware/x", "arm64", ReachedBy.NONE),
        ("/usr/share/elasticsearch/bin/controller", "arm64", ReachedBy.APPLICATION),
        ("/app/lib/rocksdbjni.jar!/librocksdbjni-linux64.so", "amd64 lib", ReachedBy.JAVA),
        (
            "/app.jar!/BOOT-INF/lib/snappy.jar!/org/xerial/snappy/Linux/x86_64/libsnappyjava.so",
            "arm64 lib",
            ReachedBy.JAVA,
        ),
        ("/app/lib/netty-epoll-4.1-linux-x86_64.jar!/META-INF/native/libx.so", "amd64 lib", ReachedBy.NONE),
        ("/app.jar!/BOOT-INF/lib/brotli4j-linux-aarch64-1.jar!/lib/libbrotli.so", "arm64 lib", ReachedBy.NONE),
        (
            "/app.jar!/META-INF/native/libio_grpc_netty_shaded_netty_tcnative_linux_x86_64.so",
            "amd64 lib",
            ReachedBy.NONE,
        ),
        ("/app/src/test/x.jar!/libx.so", "arm64 lib", ReachedBy.NONE),
        ("/wheels/numpy-2.0-cp312-manylinux_2_17_x86_64.whl!/numpy/x.so", "amd64 lib", ReachedBy.NONE),
        ("/usr/lib/python3/dist-packages/x.egg!/x.so", "amd64 lib", ReachedBy.MODULE),
    ],
)
def test_a_file_lies_on_the_way(path, what, way):
    assert way_of(path, {path: what}) is way


@pytest.mark.parametrize(
    ("path", "what", "way"),
    [
        ("/srv/fast.so", "arm64 lib", ReachedBy.MODULE),
        ("/opt/java/lib/server/libjvm.so", "arm64 lib", ReachedBy.MODULE),
        ("/usr/local/bundle/gems/x/lib/x.so", "arm64 lib", ReachedBy.MODULE),
        ("/srv/node_modules/@esbuild/linux-arm64/bin/esbuild", "arm64", ReachedBy.MODULE),
        ("/srv/server", "arm64", ReachedBy.APPLICATION),
        ("/srv/test/fast.so", "arm64 lib", ReachedBy.NONE),
    ],
)
def test_an_interpreter_loads_libraries_from_anywhere(path, what, way):
    assert way_of(path, {path: what}, loads=True) is way


def test_path_is_searched_through_links_and_as_it_is_set():
    assert way_of("/opt/b/x", {"/opt/b/x": "arm64"}, {"/mine": "opt/b"}, path="/mine:/bin") is ReachedBy.PATH
    assert way_of("/usr/bin/x", {"/usr/bin/x": "arm64"}, path="/opt/b") is ReachedBy.APPLICATION
    assert way_of("/app/b/x", {"/app/b/x": "arm64"}, path="b", cwd="/app") is ReachedBy.PATH


def test_a_link_in_path_leads_to_its_program():
    links = {"/usr/bin/java": "/opt/jdk/bin/java"}
    assert way_of("/opt/jdk/bin/java", {"/opt/jdk/bin/java": "arm64"}, links) is ReachedBy.PATH


def test_a_loop_of_links_leads_nowhere():
    links = {"/usr/bin": "/bin", "/bin": "/usr/bin"}
    assert way_of("/usr/bin/x", {"/usr/bin/x": "arm64"}, links) is ReachedBy.APPLICATION


def test_what_ld_so_conf_adds_is_searched_by_the_loader():
    files = {"/opt/lib/libx.so": "arm64 lib"}
    assert way_of("/opt/lib/libx.so", files, None, ("/opt/lib",)) is ReachedBy.LOADER


def test_what_a_script_names_is_followed_through_the_scripts_that_it_names():
    files = {
        "/start.sh": ("/etc/start.d", "/opt/run"),
        "/etc/start.d/10.sh": ("*/bin/server",),
        "/etc/start.d/20.jar": ("/opt/launched",),
        "/etc/start.d/20.jar!/l.so": "amd64 lib",
        "/opt/run": ("/opt/lib/plugin.so",),
        "/opt/launched": "arm64",
        "/srv/app/bin/server": "arm64",
        "/opt/lib/plugin.so": "arm64 lib",
        "/opt/other": "arm64",
    }
    assert way_of("/srv/app/bin/server", files, named=("/start.sh",)) is ReachedBy.NAMED
    assert way_of("/opt/lib/plugin.so", files, named=("/start.sh",)) is ReachedBy.NAMED
    assert way_of("/opt/launched", files, named=("/start.sh",)) is ReachedBy.NAMED
    assert way_of("/opt/other", files, named=("/start.sh",)) is ReachedBy.APPLICATION


def test_scripts_that_name_each_other_come_to_an_end():
    files = {"/a": ("/b",), "/b": ("/a", "/x"), "/x": "arm64"}
    assert way_of("/x", files, named=("/a",)) is ReachedBy.NAMED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/x/prebuilds/linux-x64/y.node", "/x/prebuilds/linux-arm64/y.node"),
        ("/x/prebuilds/linux-x64/l.glibc.node", "/x/prebuilds/linux-arm64/l.armv8.node"),
        ("/x/prebuilds/linux-x64/l.glibc.node", "/x/prebuilds/linux-arm/l.armv7.node"),
        ("/n/@esbuild/linux-x64/bin/esbuild", "/n/@esbuild/linux-arm64/bin/esbuild"),
        (
            "/n/@swc/core-linux-x64-gnu/swc.linux-x64-gnu.node",
            "/n/@swc/core-linux-arm64-musl/swc.linux-arm64-musl.node",
        ),
        ("/n/@img/sharp-linuxmusl-arm64/lib/s.node", "/n/@img/sharp-linux-x64/lib/s.node"),
        ("/usr/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/aarch64-linux-gnu/libz.so.1"),
        ("/usr/lib/libz.so.1", "/usr/lib32/libz.so.1"),
        ("/p/attach_linux_amd64.so", "/p/attach_linux_x86.so"),
        ("/p/m.cpython-311-x86_64-linux-gnu.so", "/p/m.cpython-311-aarch64-linux-gnu.so"),
        ("/opt/server-amd64", "/opt/server-arm64"),
        ("/opt/Linux/x86_64/t", "/opt/Linux/aarch64/t"),
        ("/j.jar!/META-INF/native/libnetty_x86_64.so", "/j.jar!/META-INF/native/libnetty_aarch_64.so"),
        ("/j.jar!/librocksdbjni-linux64.so", "/j.jar!/librocksdbjni-linux-aarch64.so"),
        ("/j.jar!/com/sun/jna/linux-x86-64/l.so", "/j.jar!/com/sun/jna/linux-s390x/l.so"),
        ("/l/x-linux-x86_64.jar!/lib/linux-x86_64/l.so", "/l/x-linux-aarch_64.jar!/lib/linux-aarch_64/l.so"),
    ],
)
def test_twins_have_one_key(one, other):
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("/bin/server", "/bin/client"), ("/a/arm/x", "/b/arm/x"), ("/bin/charm", "/bin/ch"), ("/bin/x11", "/bin/x")],
)
def test_others_have_not(one, other):
    assert key_of(one) != key_of(other)


# ---------------------------------------------------------------- what is decided at run time

UNCLEAR = "/start.sh decides at run time"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"/usr/bin/curl": "amd64"}, None),
        ({"/usr/bin/curl": "amd64", "/opt/server": "arm64"}, Reason.FOREIGN_BINARIES),
        ({"/opt/server": "arm64"}, Reason.FOREIGN_BINARIES),
        ({"/opt/server-arm64": "arm64", "/opt/server-amd64": "amd64"}, None),
        ({"/opt/server-arm64": "arm64", "/opt/server-s390x": "s390x"}, Reason.FOREIGN_BINARIES),
        ({"/usr/bin/curl": "arm64"}, Reason.FOREIGN_BINARIES),
        ({"/x/tests/a": "arm64"}, None),
        ({"/x/a": "386"}, None),
        ({"/x/a": "?"}, Reason.FOREIGN_BINARIES),
        ({"/x/libq.so": "arm64 lib"}, None),
        ({"/usr/lib/libq.so": "arm64 lib"}, Reason.FOREIGN_USERLAND),
    ],
)
def test_what_is_decided_at_run_time_may_be_any_foreign_program(files, reason):
    assert reason_of(files, at_run_time=UNCLEAR) is reason


def test_the_finding_names_the_script_the_file_its_cpu():
    survey = survey_of(an_image({"/opt/a": "arm64", "/opt/b": "arm64"}), SurveyedProcess())
    found = weigh(AMD64, program(at_run_time=UNCLEAR), survey)
    assert found.detail == f"{UNCLEAR}; /opt/a (and 1 more) is for linux/arm64, and it may start that"
    assert found.path == "/opt/a"


def test_a_program_that_cannot_be_read_leaves_open_what_starts():
    image = ImageSurvey({"/opt/x": SurveyedFile("/opt/x", SurveyedKind.ELF, 0o755, problem="sparse")})
    found = weigh(AMD64, program(at_run_time=UNCLEAR), survey_of(image, SurveyedProcess()))
    assert found.reason is Reason.BINARY_UNKNOWN


def test_where_emulators_are_not_known_a_foreign_program_may_be_what_starts():
    unsure = Kernel("Linux", "x86_64", platform=Platform("linux", "amd64"))
    assert reason_of({"/opt/a": "arm64"}, kernel=unsure, at_run_time=UNCLEAR) is Reason.FOREIGN_BINARIES
    assert reason_of({"/usr/bin/a": "arm64"}, kernel=unsure) is None


def test_a_level_that_the_host_lacks_is_foreign():
    v3 = Elf(62, 64, "little", Platform("linux", "amd64", "v3"), type=2)
    image = ImageSurvey({"/opt/x": SurveyedFile("/opt/x", SurveyedKind.ELF, 0o755, v3)})
    old = Kernel("Linux", "x86_64", platform=Platform("linux", "amd64"), cpu_level=1, binfmt=NO_EMULATORS)
    assert (
        weigh(old, program(at_run_time=UNCLEAR), survey_of(image, SurveyedProcess())).reason is Reason.FOREIGN_BINARIES
    )


# ---------------------------------------------------------------- what was followed


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"/usr/bin/curl": "amd64"}, None),
        ({"/usr/bin/curl": "arm64"}, Reason.FOREIGN_USERLAND),
        ({"/usr/lib/libz.so.1": "arm64 lib"}, Reason.FOREIGN_USERLAND),
        ({"/usr/lib/libz.so.1": "386 lib"}, None),
        ({"/usr/lib/libz.so.1": "arm64 lib", "/usr/lib64/libz.so.1": "amd64 lib"}, None),
        ({"/opt/helper": "arm64"}, None),
        ({"/usr/lib/aarch64-linux-gnu/libz.so.1": "arm64 lib"}, None),
    ],
)
def test_behind_a_program_that_was_followed_only_what_something_takes_counts(files, reason):
    assert reason_of(files) is reason


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        (("/app",), None),
        (("/usr/local/bin/python3.12",), Reason.FOREIGN_USERLAND),
        (("/x", "/usr/bin/node"), Reason.FOREIGN_USERLAND),
        (("/usr/lib/erlang/erts-14/bin/erlexec",), Reason.FOREIGN_USERLAND),
    ],
)
def test_modules_count_for_an_interpreter_that_loads_them(chain, reason):
    assert reason_of({"/app/node_modules/x/x.node": "arm64 lib"}, chain=chain) is reason


ROCKSDB = "/app/rocksdbjni.jar!/librocksdbjni-linux64.so"


@pytest.mark.parametrize(
    ("files", "chain", "named", "reason"),
    [
        ((ROCKSDB,), ("/opt/jdk/bin/java",), (), Reason.FOREIGN_USERLAND),
        ((ROCKSDB, ROCKSDB.replace("64", "-aarch64")), ("/opt/jdk/bin/java",), (), None),
        ((ROCKSDB,), ("/usr/bin/python3",), (), None),
        ((ROCKSDB.replace("jni.jar", "-linux-x86_64.jar"),), ("/opt/jdk/bin/java",), (), None),
        (("/w/x-linux_x86_64.whl!/x.so",), ("/usr/bin/python3",), (), None),
        (("/w/x-linux_x86_64.whl!/x.so",), ("/usr/bin/pip",), ("/w/x-linux_x86_64.whl",), Reason.FOREIGN_USERLAND),
    ],
)
def test_libraries_in_archives_count_for_whoever_loads_them(files, chain, named, reason):
    found = {path: "arm64 lib" if "aarch64" in path else "amd64 lib" for path in files}
    assert reason_of(found, kernel=ARM64, chain=chain, named=named) is reason


def test_the_evidence_counts_archives_that_were_not_read_to_their_end():
    image = ImageSurvey({"/a.jar": SurveyedFile("/a.jar", SurveyedKind.ARCHIVE, 0o644, problem="it is damaged")})
    assert weigh(AMD64, program(), survey_of(image, SurveyedProcess())).says == (
        "every file was read: 0 programs and libraries, none for another CPU on a way; 1 archives were not read to their end"
    )


def test_the_evidence_counts_what_was_read_and_what_lies_aside():
    survey = survey_of(an_image({"/usr/bin/a": "amd64", "/x/test/b": "arm64"}), SurveyedProcess())
    assert weigh(AMD64, program(), survey).says == (
        "every file was read: 2 programs and libraries, none for another CPU on a way, 1 aside"
    )


# ---------------------------------------------------------------- real packages


def recorded():
    return sorted(RECORDED.glob("*.json"))


def image_of(package):
    """A recorded package as it lies in an image; the heads are the first 64 bytes of its ELF files."""
    files = {}
    for path, mode, head, interpreter in package["files"]:
        raw = bytes.fromhex(head)
        order = "little" if raw[5] == 1 else "big"
        elf = Elf(
            int.from_bytes(raw[18:20], order),
            64 if raw[4] == 2 else 32,
            order,
            platform_of(raw),
            type=int.from_bytes(raw[16:18], order),
            interpreter=interpreter,
        )
        put(files, path, SurveyedFile(path, SurveyedKind.ELF, mode, elf))
    return ImageSurvey(files)


@pytest.mark.parametrize("file", recorded(), ids=lambda file: file.stem)
@pytest.mark.parametrize("at_run_time", ["", UNCLEAR])
def test_a_real_package_that_ships_siblings_is_no_finding_where_it_is_native(file, at_run_time):
    package = json.loads(file.read_text())
    survey = survey_of(image_of(package), SurveyedProcess())
    for cpu in package["native"]:
        found = weigh(KERNELS[cpu], program("/usr/bin/node", "/usr/bin/java", at_run_time=at_run_time), survey)
        assert (found.reason, found.detail) == (None, "")
    for cpu in package["foreign"]:
        found = weigh(KERNELS[cpu], program("/usr/bin/node", "/usr/bin/java", at_run_time=at_run_time), survey)
        assert found.reason is not None


def test_a_survey_of_nothing_speaks_for_nothing():
    assert weigh(AMD64, program(), Survey()).reason is None


# ---------------------------------------------------------------- what mends it

TROUBLE = Trouble(host="web-1", image="r.example/app:1", needed=Platform("linux", "amd64"), path="/usr/bin/curl")


@pytest.mark.parametrize(
    ("reason", "first"),
    [
        (Reason.FOREIGN_USERLAND, "archscan image r.example/app:1 --all-binaries"),
        (Reason.HEALTHCHECK_WRONG_BINARY, "archscan image r.example/app:1 --all-binaries"),
        (Reason.FOREIGN_BINARIES, "archscan image r.example/app:1 --all-binaries"),
        (Reason.SURVEY_PENDING, "archscan check r.example/app:1 --host web-1"),
    ],
)
def test_each_reason_of_a_survey_has_a_fix_that_can_be_typed(reason, first):
    given = fix(reason, TROUBLE)
    assert given.commands[0] == first
    assert reason is Reason.SURVEY_PENDING or "/usr/bin/curl" in given.summary


@pytest.mark.parametrize("reason", [Reason.SURVEY_PENDING, Reason.PART_INCOMPLETE])
def test_who_asked_for_a_platform_is_told_of_no_host(reason):
    command = fix(reason, replace(TROUBLE, host="linux/arm64")).commands[0]
    assert command == "archscan check r.example/app:1 --platform linux/arm64"
