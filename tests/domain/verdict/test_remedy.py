"""What is to be typed, case by case; cures of files are typed here, by the tools that they name."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.facts import Binfmt, BinfmtEntry, EngineKind, Maker, Process, Source, Stage
from scanner.domain.failure import Failure, Reach
from scanner.domain.image.reference import image_reference
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.remedy import Trouble, fix
from tests import builders
from tests.builders import AMD64, ARM64, image_facts, offer, program
from tests.real.require import find, missing
from tests.rows import each_row

APP = builders.APP
BOTH = image_facts(offer(ARM64, "a", program=program(ARM64)), offer(AMD64, "b"))


def stale(**changes):
    """A container made from the arm64 copy of an image, on a host that is amd64."""
    known = (f"r.example/app@{builders.INDEX}",)
    local = facts.LocalImage(builders.digest("c"), known, builders.digest("a"), ARM64)
    given = {"stage": Stage.STOPPED, "engine": "docker", "local": local, "state": "exited", "exit_code": 255, **changes}
    return builders.workload("api", **given)


def fixed(workload, image=BOTH, **host):
    return judge(builders.host_facts(**host), workload, image)


@pytest.mark.parametrize(
    ("reason", "host", "image", "commands"),
    [
        (Reason.IMAGE_LOCAL_ONLY, "linux/amd64", "", ()),
        (Reason.IMAGE_LOCAL_ONLY, "linux/amd64", APP, (f"archscan image {APP}",)),
        (Reason.IMAGE_LOCAL_ONLY, "h", APP, ("archscan why h api",)),
        (Reason.PART_INCOMPLETE, "linux/amd64", "", ()),
        (Reason.PART_INCOMPLETE, "linux/amd64", APP, (f"archscan check {APP} --platform linux/amd64",)),
        (Reason.PART_INCOMPLETE, "h", "", ("archscan scan --host h",)),
    ],
)
def test_no_command_asks_of_what_is_not_there(reason, host, image, commands):
    """A plain platform is no host of a configuration, a plan without an image has none to ask about."""
    assert fix(reason, Trouble(host, image, workload=builders.workload("api"))).commands == commands


# ---------------------------------------------------------------- copies, pins, builds


def test_a_stale_copy_is_pulled_anew_then_its_container_run_again_with_what_it_was_run_with():
    verdict = fixed(stale())
    assert (verdict.reason, verdict.fix.commands) == (
        Reason.WRONG_PLATFORM,
        (
            f"docker pull --platform linux/amd64 {APP}",
            "docker inspect api > api.json",
            "docker rm --force api",
            f"docker run --detach --name api --platform linux/amd64 {APP}",
        ),
    )
    assert (
        "The copy of r.example/app:1 on h is for linux/arm64, while the tag offers linux/amd64 today."
        in verdict.fix.summary
    )


def test_a_container_s_own_command_is_part_of_its_run():
    given = fixed(stale(process=Process(("/app", "--port", "80"), ()))).fix
    run = "docker run --detach --name api --platform linux/amd64"
    assert given.commands[-1] == f"{run} --entrypoint /app {APP} --port 80"
    given = fixed(stale(process=Process(("/app", "; reboot"), ()))).fix
    assert given.commands[-1] == f"{run} {APP}"
    assert "and its own command" in given.summary


@pytest.mark.parametrize(
    ("maker", "command"),
    [
        (
            Maker(Source.COMPOSE, "api", "shop", ("/srv/shop/compose.yml", "/srv/shop/prod.yml"), "/srv/shop"),
            (
                "docker compose --project-name shop --project-directory /srv/shop --file /srv/shop/compose.yml "
                "--file /srv/shop/prod.yml up --detach --force-recreate api"
            ),
        ),
        (Maker(Source.NOMAD, "8f1c"), "nomad alloc restart 8f1c"),
        (Maker(Source.KUBERNETES, "api-7d9", "shop"), "kubectl --namespace shop delete pod api-7d9"),
        (Maker(Source.SYSTEMD, "api.service"), "systemctl restart api.service"),
    ],
)
def test_a_container_is_made_anew_by_what_made_it(maker, command):
    assert fixed(stale(maker=maker)).fix.commands == (f"docker pull --platform linux/amd64 {APP}", command)


def test_a_service_of_swarm_looks_at_its_tag_again_since_it_names_the_old_digest():
    task = stale(maker=Maker(Source.SWARM, "shop_api"))
    for image in (APP, f"{APP}@{builders.digest('a')}"):
        given = fixed(replace(task, image=image)).fix
        assert given.commands == (f"docker service update --force --image {APP} shop_api",)


def test_podman_pulls_with_its_own_command():
    engines = (builders.podman(),)
    local = replace(stale().local, manifest_digest=builders.digest("a"))
    container = stale(source=Source.PODMAN, engine="podman", local=local, maker=Maker(Source.SYSTEMD, "api.service"))
    assert fixed(container, engines=engines).fix.commands == (
        f"podman pull --platform linux/amd64 {APP}",
        "systemctl restart api.service",
    )


def test_what_the_tag_does_not_offer_is_built_beside_what_it_does():
    only_arm = image_facts(offer(ARM64, "a", program=program(ARM64)))
    for workload in (stale(), builders.plan("api")):
        verdict = fixed(workload, only_arm)
        assert verdict.fix.commands == (f"docker buildx build --platform linux/amd64,linux/arm64 --tag {APP} --push .",)


@pytest.mark.parametrize("pinned", [None, ARM64])
def test_of_a_tag_that_nobody_asked_for_nothing_is_said_to_be_offered(pinned):
    """The host knows the image by another name, to which alone what its digest offers belongs."""
    legacy = f"r.example/legacy@{builders.INDEX}"
    other = replace(stale().local, repo_digests=(legacy,))
    known = replace(image_facts(offer(ARM64, "a", program=program(ARM64))), reference=legacy)
    given = fixed(stale(local=other, pinned=pinned), known).fix
    assert given.commands[:2] == (f"archscan image {APP}", f"docker pull --platform linux/amd64 {APP}")
    assert "it has" not in given.summary
    assert "nobody looked up" in given.summary
    assert ("may not be asked for any more" in given.summary) is (pinned is not None)


def test_what_was_built_on_a_host_is_built_there_again_and_not_pushed_to_a_name_that_no_registry_has():
    built = facts.LocalImage(builders.digest("c"), platform=ARM64, process=Process())
    for image, engine, build in (
        ("shop:1", "docker", "docker buildx build --load --platform linux/amd64 --tag shop:1 ."),
        ("localhost/shop", "podman", "podman build --platform linux/amd64 --tag localhost/shop ."),
        (APP, "docker", f"docker buildx build --platform linux/amd64 --tag {APP} --push ."),
    ):
        kind = EngineKind(engine)
        workload = stale(local=built, image=image, engine=engine, source=Source(engine))
        verdict = fixed(workload, None, engines=(replace(builders.docker(AMD64), kind=kind),))
        anew = verdict.fix.commands[1:]
        assert (verdict.reason, verdict.fix.commands[0], bool(anew)) == (Reason.WRONG_PLATFORM, build, image != APP)


@pytest.mark.parametrize(("since", "is_built"), [(AMD64, False), (ARM64, True), (None, True)])
def test_what_was_built_right_since_waits_for_its_container_alone(since, is_built):
    built = facts.LocalImage(builders.digest("c"), platform=ARM64, process=Process(), since=since)
    verdict = fixed(stale(local=built, image="shop:1"), None)
    assert (verdict.reason, "build" in " ".join(verdict.fix.commands)) == (Reason.WRONG_PLATFORM, is_built)
    assert verdict.fix.commands[-1].startswith("docker run --detach --name api --platform linux/amd64 shop:1")


@pytest.mark.parametrize(("image", "own"), [("r.example/app", "r.example/app:latest-windows"), (APP, f"{APP}-windows")])
def test_what_another_system_needs_is_put_beside_it_under_a_tag_of_the_same_repository(image, own):
    trouble = Trouble("h", image, needed=Platform("windows", "amd64"), reference=image_reference(image))
    assert fix(Reason.PLATFORM_MISSING, trouble).commands == (
        f"docker buildx build --platform windows/amd64 --tag {own} --push .",
        f"docker buildx imagetools create --append --tag {image} {own}",
    )


def test_a_tag_that_was_mended_since_is_pulled_not_built_again():
    wrong = image_facts(offer(AMD64, "a", program=program(ARM64)))
    right = image_facts(offer(AMD64, "b", program=program(AMD64)))
    held = replace(stale().local, platform=AMD64)
    verdict = judge(builders.host_facts(), stale(local=held), wrong, next_pull=right)
    assert verdict.reason is Reason.WRONG_BINARY
    assert verdict.fix.commands[0] == f"docker pull --platform linux/amd64 {APP}"
    assert "an older copy" in verdict.fix.summary
    still = judge(
        builders.host_facts(), stale(local=held), wrong, next_pull=replace(wrong, digest=builders.digest("e"))
    )
    assert still.fix.commands[0].startswith("docker buildx build")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (Source.COMPOSE, "Take platform: linux/arm64 out in shop/compose.yml:12, or write linux/amd64 there."),
        (
            Source.SYSTEMD,
            "Take --platform, or DOCKER_DEFAULT_PLATFORM, linux/arm64 out in shop/compose.yml:12, or write linux/amd64 there.",
        ),
    ],
)
def test_a_pin_is_named_by_file_and_line_and_shown(source, says):
    planned = builders.workload(
        "api", stage=Stage.PLANNED, source=source, pinned=ARM64, pinned_at="shop/compose.yml:12"
    )
    given = fixed(planned).fix
    assert says in given.summary
    assert given.commands == ("sed -n 12p shop/compose.yml",)


def test_a_default_platform_of_the_host_is_named():
    engines = (builders.docker(default_platform=ARM64),)
    given = fixed(builders.plan("api"), engines=engines).fix
    assert "DOCKER_DEFAULT_PLATFORM (set on the host) chose it" in given.summary
    assert "buildx" not in " ".join(given.commands)


def test_a_pin_to_what_the_image_lacks_is_no_reason_to_build_for_it():
    only_arm = image_facts(offer(ARM64, "a", program=program(ARM64)))
    given = fixed(builders.plan("api", pinned=ARM64, pinned_at="compose.yml:3"), only_arm).fix
    assert given.commands == (f"docker buildx build --platform linux/amd64,linux/arm64 --tag {APP} --push .",)
    assert "Nor may linux/arm64 be asked for any more (compose.yml:3)." in given.summary


def test_who_names_a_digest_is_told_to_name_the_new_one():
    given = fixed(builders.plan("api", f"r.example/app@{builders.INDEX}"), image_facts(offer(ARM64))).fix
    assert given.commands == (
        "docker buildx build --platform linux/amd64,linux/arm64 --tag r.example/app:TAG --push .",
    )
    assert "must then name the new one" in given.summary


def test_a_tag_that_is_gone_is_given_back_to_what_runs():
    running = replace(stale().local, platform=AMD64, manifest_digest=builders.digest("b"))
    container = stale(local=running, stage=Stage.RUNNING, state="running", exit_code=None, settled=True)
    verdict = judge(
        builders.host_facts(),
        container,
        BOTH.with_program(builders.digest("b"), program(), ()),
        next_pull=Failure(Reason.IMAGE_TAG_MISSING),
    )
    assert verdict.reason is Reason.TAG_GONE
    assert verdict.fix.commands == (f"docker buildx imagetools create --tag {APP} r.example/app@{builders.INDEX}",)


# ---------------------------------------------------------------- emulators


QEMU = BinfmtEntry(
    "qemu-aarch64",
    enabled=True,
    interpreter="/usr/bin/qemu-aarch64",
    magic=bytes.fromhex("7f454c460201010000000000000000000200b700"),
    mask=bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff"),
)


@pytest.mark.parametrize(
    ("binfmt", "commands"),
    [
        (
            Binfmt(enabled=True, entries=(QEMU,)),
            (
                "echo -1 | sudo tee /proc/sys/fs/binfmt_misc/qemu-aarch64",
                "docker run --privileged --rm tonistiigi/binfmt --install arm64",
            ),
        ),
        (
            Binfmt(enabled=True, entries=(replace(QEMU, enabled=False, flags="F"),)),
            ("echo 1 | sudo tee /proc/sys/fs/binfmt_misc/qemu-aarch64",),
        ),
        (
            Binfmt(enabled=False, entries=(replace(QEMU, flags="F"),)),
            ("echo 1 | sudo tee /proc/sys/fs/binfmt_misc/status",),
        ),
    ],
)
def test_a_handler_without_f_is_registered_anew_and_one_that_is_off_is_switched_on(binfmt, commands):
    alone = replace(
        image_facts(offer(None, config=ARM64, program=replace(program(ARM64), emulators=()))), is_index=False
    )
    verdict = fixed(builders.plan("api"), alone, binfmt=binfmt)
    assert (verdict.reason, verdict.fix.commands) == (Reason.EMULATOR_UNUSABLE, commands)
    by_doas = fixed(builders.plan("api"), alone, binfmt=binfmt, becomes_root_by="doas")
    assert by_doas.fix.commands == tuple(command.replace("sudo", "doas") for command in commands)


def test_the_end_of_rosetta_is_told():
    interpreter, alone = "/run/rosetta/rosetta", image_facts(offer(ARM64, "a", program=program(ARM64)))
    rosetta = replace(QEMU, name="rosetta", interpreter=interpreter, flags="F")
    for entry, is_told in ((rosetta, True), (replace(QEMU, flags="F"), False)):
        verdict = fixed(builders.plan("api", pinned=ARM64), alone, binfmt=Binfmt(enabled=True, entries=(entry,)))
        assert verdict.reason is Reason.EMULATED
        assert ("Rosetta ends" in verdict.fix.summary) == is_told


# ---------------------------------------------------------------- what is not known


@pytest.mark.parametrize(
    "reason", [Reason.LAYER_LIMIT, Reason.IMAGE_MALFORMED, Reason.BINARY_UNKNOWN, Reason.IMAGE_REFERENCE_INVALID]
)
def test_limits_damage_and_unset_variables_are_not_blamed_on_the_registry_s_answer(reason):
    given = fix(reason, Trouble("h", "${IMAGE}:1", failure=Failure(reason, setting="scan.surveys.max_image_bytes")))
    assert "gave no usable answer" not in given.summary


@pytest.mark.parametrize(
    ("part", "command"),
    [
        ("docker", "systemctl restart docker; journalctl --unit docker --lines 20"),
        ("containerd", "systemctl restart containerd; journalctl --unit containerd --lines 20"),
        ("podman", "podman info"),
        ("podman:kim", "su -s /bin/sh kim -c '\"'\"'podman info'\"'\"'"),
    ],
)
def test_an_engine_that_does_not_answer_is_started_by_its_own_name(part, command):
    workload = builders.workload(part, source=Source(part.partition(":")[0]))
    given = fix(Reason.ENGINE_DOWN, Trouble("web-1", "", workload=workload))
    assert given.commands[0] == f"ssh root@web-1 '{command}'"


PROBE = "/usr/local/libexec/archscan-probe"

CONSOLES = [
    (Reason.ENGINE_DOWN, Reach.HERE, "sudo sh -c 'systemctl restart docker; journalctl --unit docker --lines 20'"),
    (Reason.ENGINE_DOWN, Reach.PUSHES, "sudo sh -c 'systemctl restart docker; journalctl --unit docker --lines 20'"),
    (Reason.ENGINE_DENIED, Reach.HERE, 'sudo "$(command -v archscan)" scan --host h'),
    (Reason.ENGINE_DENIED, Reach.PUSHES, "archscan setup push h --server URL"),
    (Reason.HOST_TIMEOUT, Reach.HERE, "time sh -c 'archscan probe-script | sh -s >/dev/null'"),
    (Reason.HOST_INCOMPLETE, Reach.HERE, "archscan probe-script | sh -s"),
    (Reason.HOST_INCOMPLETE, Reach.PUSHES, f"sudo {PROBE}"),
    (Reason.HOST_MALFORMED, Reach.PUSHES, f"sudo {PROBE}"),
    (Reason.HOST_PROTOCOL, Reach.HERE, "/bin/sh -c true"),
    (Reason.HOST_TOO_LARGE, Reach.PUSHES, f"sudo {PROBE} >answer; wc answer; grep -a ^@section answer | sort -n -k 3 | tail"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "reach", "command"), CONSOLES)
def test_where_no_login_leads_what_is_typed_is_typed_at_the_console(reason, reach, command):
    given = fix(reason, Trouble("h", "", failure=Failure(reason, reach=reach)))
    assert given.commands[0] == command
    assert not [one for one in given.commands if "ssh" in one]


@pytest.mark.parametrize(
    ("failure", "says", "command"),
    [
        (Failure(Reason.HOST_PROTOCOL), "no SSH server", "ssh -v archscan@h true"),
        (Failure(Reason.HOST_PROTOCOL, setting="ssh.algorithms"), "(ssh.algorithms)", "ssh -vv archscan@h true"),
        (Failure(Reason.HOST_UNREACHABLE), "Nothing answers", "ssh -v archscan@h true"),
        (Failure(Reason.HOST_UNREACHABLE, address="2001:db8::1"), "has no IPv6", "ip route get 2001:db8::1"),
        (Failure(Reason.HOST_UNREACHABLE, address="10.0.0.1"), "no way to that network", "ip route get 10.0.0.1"),
        (
            Failure(Reason.HOST_UNREACHABLE, host="10.0.0.1", port=23, jump="me@b:22,c"),
            "Nothing",
            "ssh -v -J me@b:22,c -p 23 archscan@10.0.0.1 true",
        ),
        (Failure(Reason.HOST_UNREACHABLE, jump="$(x)"), "Nothing", "ssh -v -J BASTION archscan@h true"),
        (Failure(Reason.HOST_NAME, host="web"), "leads to no address", "getent hosts web"),
        (Failure(Reason.HOST_NAME, host="fe80::1%eth9"), "no interface eth9", "ip -brief link"),
    ],
)
def test_what_leads_nowhere_is_mended_where_it_ends(failure, says, command):
    given = fix(failure.reason, Trouble("h", "", failure=failure))
    assert (says in given.summary, command in given.commands) == (True, True), given


@pytest.mark.parametrize(("setting", "says"), [("ssh.max_output", "(ssh.max_output)"), ("", "no setting allows more")])
def test_an_answer_that_no_setting_makes_readable_is_not_to_be_allowed_more(setting, says):
    failure = Failure(Reason.HOST_TOO_LARGE, "it takes more than 1024 MiB to read", setting=setting)
    given = fix(failure.reason, Trouble("h", "", failure=failure))
    assert (says in given.summary, "allow more" in given.summary) == (True, bool(setting))


def test_a_limit_that_is_kept_for_others_is_told_from_one_that_is_used_up():
    def told(**more):
        return fix(Reason.IMAGE_RATE_LIMITED, Trouble("h", "app:1", failure=Failure(Reason.IMAGE_RATE_LIMITED, **more)))

    assert "kept for others" in told(setting="stop_below").summary
    assert "kept for others" not in told().summary


def test_an_unset_variable_is_told_from_a_reference_that_is_none():
    assert ".env" in fix(Reason.IMAGE_REFERENCE_INVALID, Trouble("h", "r.example/app:${TAG}")).summary
    assert ".env" not in fix(Reason.IMAGE_REFERENCE_INVALID, Trouble("h", "R.example/App:1")).summary


@each_row("reason", Reason)
def test_every_reason_but_native_has_a_cure_and_no_command_repeats_what_a_stranger_wrote(reason):
    hostile = "x; reboot `id` $(id)"
    workload = builders.workload(hostile, maker=Maker(Source.COMPOSE, hostile, hostile, (hostile,), hostile))
    failure = Failure(reason, hostile, host=hostile, user=hostile, path=hostile)
    trouble = Trouble(
        hostile,
        hostile,
        AMD64,
        (ARM64,),
        hostile,
        hostile,
        AMD64,
        ARM64,
        engine=EngineKind.DOCKER,
        workload=workload,
        failure=failure,
    )
    for given in (fix(reason, trouble), fix(reason, replace(trouble, native=None)), fix(reason, Trouble("h", APP))):
        assert bool(given.summary) == (reason is not Reason.NATIVE)
        assert not [command for command in given.commands if "reboot" in command or "$(id)" in command]
    assert STATUS_OF[reason] is not Status.OK or not fix(reason, trouble).commands


# ---------------------------------------------------------------- cures of files, typed


def typed(folder, commands):
    """Type them as a person would in a checkout, but the build."""
    for command in commands:
        if not command.startswith(("docker ", "archscan ")):
            subprocess.run(["sh", "-ec", command], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A repository that holds one script, below a folder."""
    for tool in ("git", "iconv", "perl"):
        if find(tool) is None:
            missing(f"{tool} is missing: apt-get install {tool}")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    def holds(content, mode):
        script = tmp_path / "docker" / "entrypoint.sh"
        script.parent.mkdir(exist_ok=True)
        script.write_bytes(content)
        script.chmod(mode)
        subprocess.run(["git", "-C", tmp_path, "add", "--all"], check=True, capture_output=True)
        return script

    return holds


UNIX = b"#!/bin/sh\necho ok\n"


@pytest.mark.parametrize(
    ("reason", "broken"),
    [
        (Reason.CRLF_SHEBANG, UNIX.replace(b"\n", b"\r\n")),
        (Reason.BOM_SHEBANG, b"\xef\xbb\xbf" + UNIX),
        (Reason.UTF16_SHEBANG, UNIX.decode().replace("\n", "\r\n").encode("utf-16")),
        (Reason.UTF16_SHEBANG, b"\xfe\xff" + UNIX.decode().encode("utf-16-be")),
        (Reason.NO_SHEBANG, b"echo ok\n"),
        (Reason.NO_SHEBANG, b"\n" + UNIX),
        (Reason.NO_SHEBANG, b" " + UNIX),
    ],
)
def test_the_cure_of_a_script_makes_it_one_that_the_kernel_starts(checkout, reason, broken):
    script = checkout(broken, 0o755)
    other = script.with_name("other-entrypoint.sh")
    other.write_bytes(broken)
    subprocess.run(["git", "-C", script.parent, "add", "--all"], check=True, capture_output=True)
    given = fix(reason, Trouble("h", APP, AMD64, (AMD64,), "/docker/entrypoint.sh"))
    typed(script.parent.parent, given.commands)
    assert (script.read_bytes(), other.read_bytes()) == (UNIX, broken), "a file whose name only ends so is another"
    assert subprocess.run([script], check=True, capture_output=True).stdout == b"ok\n"


def test_the_cure_of_a_missing_execute_bit_sets_it_in_git_as_well_as_in_the_folder_that_is_built(checkout):
    script = checkout(UNIX, 0o644)
    given = fix(Reason.ENTRYPOINT_NOT_EXECUTABLE, Trouble("h", APP, AMD64, (AMD64,), "/docker/entrypoint.sh"))
    typed(script.parent.parent, given.commands)
    listed = subprocess.run(["git", "-C", script.parent, "ls-files", "--stage"], check=True, capture_output=True)
    assert listed.stdout.startswith(b"100755 ")
    assert subprocess.run([script], check=True, capture_output=True).stdout == b"ok\n"


def test_a_level_that_the_host_has_is_no_other_platform():
    level = Platform("linux", "amd64", "v3")
    newer = image_facts(offer(level, "a", program=program(Platform("linux", "amd64", "v4"))))
    assert fixed(builders.plan("api"), newer).fix.commands[0].startswith("docker buildx build")


def test_a_platform_that_is_offered_in_name_only_is_built_anew():
    amd64 = Platform("linux", "amd64")
    given = fix(Reason.WRONG_PLATFORM, Trouble("h", "r.example/app:1", needed=amd64, offered=(amd64,)))
    assert given.summary.startswith("Build r.example/app:1 for linux/amd64 anew, since what it offers as that platform")
    assert "today" not in given.summary
    assert given.commands == ("docker buildx build --platform linux/amd64 --tag r.example/app:1 --push .",)
