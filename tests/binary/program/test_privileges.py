"""What a container's further groups, or capabilities that were taken from it, change of what its user may execute."""

import tarfile

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.facts import Engine, EngineKind, EngineState, Privileges, Process
from scanner.domain.verdict.engine_rules import on_engine
from scanner.domain.verdict.reason import Reason
from scanner.probe.engines import container_json
from tests.real.images import CAPABILITY, capability

WITHOUT = Privileges(loses=("ALL",))


def an_image(images, build, **app):
    group = {"mode": 0o644, "content": b"root:x:0:\nstaff:x:50:\n"}
    layer = images.layer([("app", {"mode": 0o700, "content": build.elf(), **app}), ("etc/group", group)])
    return build.offer(layer, entrypoint=("/app",))


async def refusal(images, offer, privileges, user="0"):
    """Why its program is not started, ``None`` where it is."""
    program = await inspect(offer, Process(user=user, privileges=privileges), images.open)
    denied = [each.failure for each in program.objections] + ([program.problem] if program.problem else [])
    return denied[0].reason if denied else None


@pytest.mark.parametrize(
    ("app", "privileges", "reason"),
    [
        ({"uid": 1000}, Privileges(), None),
        ({"uid": 1000}, WITHOUT, Reason.PERMISSION_DENIED),
        ({"uid": 0}, WITHOUT, None),
        ({"uid": 1000, "mode": 0o755}, WITHOUT, None),
        ({"uid": 1000, "gid": 50, "mode": 0o710}, WITHOUT, Reason.PERMISSION_DENIED),
        ({"uid": 1000, "gid": 50, "mode": 0o710}, Privileges(("50",), loses=("ALL",)), None),
    ],
)
async def test_root_without_its_override_is_held_to_the_bits_of_files(images, build, app, privileges, reason):
    assert await refusal(images, an_image(images, build, **app), privileges) == reason


READS = Privileges(gains=("DAC_READ_SEARCH",), loses=("ALL",))


@pytest.mark.parametrize(
    ("privileges", "user", "mode", "reason"),
    [
        (READS, "0", 0o700, None),
        (WITHOUT, "0", 0o700, Reason.PERMISSION_DENIED),
        (Privileges(loses=("DAC_OVERRIDE",)), "0", 0o700, Reason.PERMISSION_DENIED),
        (READS, "2000", 0o700, Reason.PERMISSION_DENIED),  # who is not root has it in no effective set
        (READS, "2000", 0o711, None),
    ],
)
async def test_root_that_may_read_and_search_anything_enters_closed_directories(
    images, build, privileges, user, mode, reason
):
    home = {"type": tarfile.DIRTYPE, "mode": mode, "uid": 1000}
    layer = images.layer([("home", home), ("home/app", {"mode": 0o755, "content": build.elf()})])
    offer = build.offer(layer, entrypoint=("/home/app",))
    assert await refusal(images, offer, privileges, user) == reason


async def test_root_that_may_read_and_search_anything_executes_no_more_for_it(images, build):
    assert await refusal(images, an_image(images, build, uid=1000), READS) == Reason.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        (("50",), None),
        (("staff",), None),
        (("7",), Reason.PERMISSION_DENIED),
        ((), Reason.PERMISSION_DENIED),
        (("nobodies",), Reason.USER_MISSING),
    ],
)
async def test_further_groups_count_as_the_user_s_own(images, build, groups, reason):
    offer = an_image(images, build, gid=50, mode=0o710)
    assert await refusal(images, offer, Privileges(groups), "2000") == reason


IPC_LOCK, NET_RAW, NET_ADMIN, BIND = capability(14), capability(13), capability(12), capability(10)
ODD = (b"\1\0", capability(14)[:12], capability(14) + bytes(4), b"\1\0\0\5" + bytes(16))


@pytest.mark.parametrize(
    ("value", "privileges", "reason"),
    [
        (BIND, Privileges(), None),
        (BIND, WITHOUT, Reason.PERMISSION_DENIED),
        (IPC_LOCK, Privileges(), Reason.PERMISSION_DENIED),
        (IPC_LOCK, Privileges(gains=("IPC_LOCK",)), None),
        (IPC_LOCK, Privileges(gains=("ALL",)), None),
        (IPC_LOCK, Privileges(gains=("ALL",), loses=("IPC_LOCK",)), Reason.PERMISSION_DENIED),
        (capability(14, effective=False), Privileges(), None),
        (capability(14, root=0), Privileges(), Reason.PERMISSION_DENIED),
        (capability(14, root=1000), Privileges(), None),
        (capability(10, 14), Privileges(), Reason.PERMISSION_DENIED),
        (capability(39), Privileges(), Reason.PERMISSION_DENIED),
        (capability(62), Privileges(), None),
        *((value, Privileges(), Reason.LAYER_UNREADABLE) for value in ODD),
    ],
)
@pytest.mark.parametrize("user", ["0", "1000"])
async def test_capabilities_that_a_file_wants_have_to_be_its_container_s(
    images, build, value, privileges, reason, user
):
    offer = an_image(images, build, mode=0o755, pax_headers={CAPABILITY: value.decode("utf-8", "surrogateescape")})
    assert await refusal(images, offer, privileges, user) == reason


@pytest.mark.parametrize(
    ("privileges", "engine", "starts"),
    [
        (Privileges(), EngineKind.DOCKER, True),
        (Privileges(), EngineKind.PODMAN, False),
        (Privileges(gains=("NET_RAW",)), EngineKind.PODMAN, True),
        (Privileges(loses=("NET_RAW",)), EngineKind.DOCKER, False),
    ],
)
async def test_what_only_some_engines_give_is_left_to_them(images, build, privileges, engine, starts):
    wanted = {CAPABILITY: NET_RAW.decode("utf-8", "surrogateescape")}
    tini = {"mode": 0o755, "content": build.elf()}
    layer = images.layer([("tini", tini), ("app", {**tini, "pax_headers": wanted})])
    offer = build.offer(layer, entrypoint=("/tini", "--", "/app"))
    program = await inspect(offer, Process(user="0", privileges=privileges), images.open)
    here = Engine(engine, EngineState.UP, "20.10.24" if engine is EngineKind.DOCKER else "5.4.2")
    assert (on_engine(program, here).problem is None) is starts


NO_SETUID = Privileges(loses=("SETUID",))


@pytest.mark.parametrize(
    ("words", "user", "privileges", "starts"),
    [
        (("gosu", "1000"), "0", Privileges(), True),
        (("gosu", "1000"), "1000", Privileges(), False),
        (("gosu", "1000"), "app", Privileges(), False),
        (("gosu", "1000"), "0", NO_SETUID, False),
        (("su-exec", "1000"), "0", WITHOUT, False),
        (("su-exec", "1000"), "0", Privileges((), ("SETUID", "SETGID"), ("ALL",)), True),
        (("setpriv", "--reuid=1000", "--clear-groups"), "0", NO_SETUID, False),
        (("setpriv", "--no-new-privs"), "1000", WITHOUT, True),
        (("chroot", "/"), "0", Privileges(), True),
        (("chroot", "/"), "1000", Privileges(), False),
        (("unshare", "-f"), "0", Privileges(), False),
        (("unshare", "-f"), "0", Privileges(gains=("ALL",)), True),
    ],
)
async def test_a_launcher_does_not_do_what_its_container_may_not(images, build, words, user, privileges, starts):
    passwd = {"mode": 0o644, "content": b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"}
    files = [(f"bin/{words[0]}", build.elf()), ("app", build.elf()), ("etc/passwd", passwd)]
    offer = build.offer(images.layer(files), entrypoint=(f"/bin/{words[0]}", *words[1:], "/app"))
    program = await inspect(offer, Process(user=user, privileges=privileges), images.open)
    assert (program.problem is None) is starts


HERE = {
    EngineKind.DOCKER: "26.1.5", EngineKind.CONTAINERD: "1.7.24", EngineKind.PODMAN: "5.4.2",
}  # fmt: skip


@pytest.mark.parametrize("engine", HERE)
@pytest.mark.parametrize("own", [True, False])
async def test_a_hard_link_takes_a_file_s_capabilities_away_but_on_podman(images, build, own, engine):
    wanted = {CAPABILITY: IPC_LOCK.decode("utf-8", "surrogateescape")}
    first = {"mode": 0o755, "content": build.elf(), "pax_headers": wanted}
    link = {**build.hardlink("first"), **({"pax_headers": wanted} if own else {})}
    layer = images.layer([("first", first), ("app", link)])
    for name in ("/first", "/app"):
        for privileges in (Privileges(), Privileges(gains=("IPC_LOCK",))):
            offer = build.offer(layer, entrypoint=(name,))
            program = await inspect(offer, Process(user="0", privileges=privileges), images.open)
            problem = on_engine(program, Engine(engine, EngineState.UP, HERE[engine])).problem
            is_denied = (own or engine is EngineKind.PODMAN) and not privileges.gains
            assert (problem and problem.reason) == (Reason.PERMISSION_DENIED if is_denied else None)


@pytest.mark.parametrize(("name", "expected"), [("first", False), ("second", False), ("third", False), ("anew", True)])
async def test_the_mode_of_a_hard_link_is_that_of_all_names_of_its_file(images, build, name, expected):
    link, closed = build.hardlink("first"), {**build.hardlink("second"), "mode": 0o644}
    names = [("first", build.elf()), ("second", link), ("anew", link), ("anew", build.elf()), ("third", closed)]
    found = await inspect(build.offer(images.layer(names), entrypoint=(f"/{name}",)), None, images.open)
    assert (found.problem is None) is expected


@pytest.mark.parametrize(
    ("said", "privileges"),
    [
        ({}, Privileges()),
        ({"groups": None, "cap_drop": None, "cap_add": None, "privileged": False}, Privileges()),
        ({"cap_drop": ["ALL"]}, WITHOUT),
        ({"cap_drop": ["CAP_DAC_OVERRIDE"]}, Privileges(loses=("DAC_OVERRIDE",))),
        ({"cap_drop": ["all"], "cap_add": ["dac_override"]}, Privileges((), ("DAC_OVERRIDE",), ("ALL",))),
        ({"cap_drop": ["ALL"], "privileged": True}, Privileges(gains=("ALL",))),
        ({"cap_drop": ["NET_RAW"], "groups": ["staff"]}, Privileges(("staff",), loses=("NET_RAW",))),
    ],
)
def test_what_an_engine_says_of_a_container_becomes_its_privileges(said, privileges):
    assert container_json.process(said, {}, ("/app",)).privileges == privileges


@pytest.mark.parametrize(
    ("asks", "privileges", "known"),
    [
        ("-r /secret", Privileges(), True),
        ("-r /secret", WITHOUT, False),
        ('-z "$TERM"', Privileges(), False),
    ],
)
async def test_a_script_of_root_is_refused_what_its_capabilities_do_not_open(images, build, asks, privileges, known):
    layer = images.layer([
        ("bin/sh", build.elf()), ("app", build.elf()), ("secret", {"mode": 0o600, "uid": 1000, "content": b"x"}),
        ("run", f"#!/bin/sh\n[ {asks} ] && exec /app\nexec /none\n".encode()),
    ])  # fmt: skip
    program = await inspect(build.offer(layer, entrypoint=("/run",)), Process(privileges=privileges), images.open)
    assert (program.problem is None and program.chain[-1].path == "/app") is known
