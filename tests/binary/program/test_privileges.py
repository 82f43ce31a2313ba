"""What a container's further groups, or capabilities that were taken from it, change of what its user may execute."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.facts import Privileges, Process
from scanner.domain.verdict.reason import Reason
from scanner.probe.engines import container_json

WITHOUT = Privileges(lacks_override=True)


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
        ({"uid": 1000, "gid": 50, "mode": 0o710}, Privileges(("50",), lacks_override=True), None),
    ],
)
async def test_root_without_its_override_is_held_to_the_bits_of_files(images, build, app, privileges, reason):
    assert await refusal(images, an_image(images, build, **app), privileges) == reason


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


@pytest.mark.parametrize(
    ("said", "privileges"),
    [
        ({}, Privileges()),
        ({"groups": None, "cap_drop": None, "cap_add": None, "privileged": False}, Privileges()),
        ({"cap_drop": ["ALL"]}, WITHOUT),
        ({"cap_drop": ["CAP_DAC_OVERRIDE"]}, WITHOUT),
        ({"cap_drop": ["all"], "cap_add": ["dac_override"]}, Privileges()),
        ({"cap_drop": ["ALL"], "privileged": True}, Privileges()),
        ({"cap_drop": ["NET_RAW"], "groups": ["staff"]}, Privileges(("staff",))),
    ],
)
def test_what_an_engine_says_of_a_container_becomes_its_privileges(said, privileges):
    assert container_json.process(said, {}, ("/app",)).privileges == privileges
