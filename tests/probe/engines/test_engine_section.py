"""What counts as an override of what an image says."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Privileges, Process
from scanner.probe.engines.engine_section import USUAL_PATH, override

IMAGE = Process(("/app",), ("serve",))


@pytest.mark.parametrize(
    "container",
    [
        Process(("/app", "serve"), ()),
        Process(("/app", "serve"), (), path=USUAL_PATH),
        Process(("/app", "serve"), (), working_dir="/"),
    ],
)
def test_a_container_that_spells_out_what_the_image_leaves_open_overrides_nothing(container):
    assert override(container, IMAGE) is None


@pytest.mark.parametrize(
    "container",
    [
        Process(("/app",), ()),
        Process(("/app", "serve"), (), path="/bin"),
        Process(("/app", "serve"), (), working_dir="/srv"),
    ],
)
def test_another_command_path_or_directory_is_an_override(container):
    assert override(container, IMAGE) == container


IN_ENVIRONMENT = Process(
    ("/app", "serve"), (), env=(("PATH", "/bin"), ("MODE", None), ("LD_PRELOAD", "/a.so")), user="app"
)


def with_environment(*env, **changes):
    return replace(IN_ENVIRONMENT, env=env, **changes)


@pytest.mark.parametrize(
    "container",
    [
        IN_ENVIRONMENT,
        with_environment(("LD_PRELOAD", "/a.so"), ("MODE", None)),  # in another order
        with_environment(("MODE", None), ("LD_PRELOAD", "/a.so"), ("HOSTNAME", None), ("container", None), ("TERM", None)),
        replace(IN_ENVIRONMENT, init=False),
    ],
)  # fmt: skip
def test_what_engines_add_to_an_environment_overrides_nothing_but_what_may_have_another_value(container):
    assert override(container, IN_ENVIRONMENT) == Process(env=(("MODE", None),))
    known = replace(IN_ENVIRONMENT, env=(("LD_PRELOAD", "/a.so"),))
    shown = tuple(each for each in container.env if each[0] != "MODE")
    assert override(replace(container, env=shown), known) is None


def test_an_environment_that_was_not_told_overrides_nothing():
    older = replace(IN_ENVIRONMENT, env=None)  # an older probe, or more variables than it sends
    assert override(older, IN_ENVIRONMENT) is None


@pytest.mark.parametrize(
    "container",
    [
        with_environment(("MODE", None), ("LD_PRELOAD", "/b.so")),
        with_environment(("MODE", None), ("LD_PRELOAD", "/a.so"), ("OTHER", None)),
        with_environment(("MODE", None), ("LD_PRELOAD", "/a.so"), ("LD_LIBRARY_PATH", "")),
        replace(IN_ENVIRONMENT, user="root"),
        replace(IN_ENVIRONMENT, init=True),
        replace(IN_ENVIRONMENT, privileges=Privileges(groups=("77",))),
        replace(IN_ENVIRONMENT, privileges=Privileges(loses=("ALL",))),
        replace(IN_ENVIRONMENT, read_only=True),
    ],
)
def test_another_environment_user_init_privilege_or_root_is_an_override(container):
    assert override(container, IN_ENVIRONMENT) == container


def test_what_an_engine_tells_of_every_container_is_no_override():
    usual = Privileges(loses=("MKNOD", "NET_RAW"))
    container = replace(IN_ENVIRONMENT, privileges=usual)
    assert override(container, IN_ENVIRONMENT, usual=usual) == Process(env=(("MODE", None),))
    further = replace(container, privileges=Privileges(loses=("CHOWN", "MKNOD", "NET_RAW")))
    assert override(further, IN_ENVIRONMENT, usual=usual) == further


PATH, MODE, NAME = ("PATH", "/bin"), ("MODE", None), ("NAME", None)


@pytest.mark.parametrize(
    ("image", "container", "own"),
    [
        ((PATH, MODE, NAME), (PATH, MODE, NAME), None),
        ((PATH, MODE, NAME), (MODE, PATH, NAME), (MODE,)),
        ((PATH, MODE, NAME), (("OTHER", None), PATH, MODE, NAME), (("OTHER", None),)),
        ((PATH, MODE, NAME), (NAME, MODE, PATH), (NAME, MODE)),
        ((PATH, MODE), (("PATH", "/b"), MODE), (("PATH", "/b"), MODE)),  # MODE may be set after it
        ((MODE, PATH), (MODE, PATH), (MODE,)),  # so may one before the image's PATH
        ((MODE,), (MODE,), (MODE,)),
        ((PATH, MODE), (PATH, NAME, MODE), (PATH, NAME, MODE)),  # no order that Docker makes
        ((PATH,), (PATH,), None),
    ],
)
def test_docker_puts_the_variables_of_a_container_before_those_of_its_image(image, container, own):
    said = override(replace(IN_ENVIRONMENT, env=container), replace(IN_ENVIRONMENT, env=image), is_merged=True)
    assert (said.env if said else None) == own


def test_where_the_image_is_not_known_all_that_the_container_says_counts():
    container = Process(("/app", "serve"), ())
    assert override(container, None) == container
