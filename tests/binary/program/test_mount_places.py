"""Mounts whose destinations lead through links of the image: what they cover."""

import pytest

from scanner.binary.inspect import inspect
from scanner.domain.facts import Process
from scanner.domain.verdict.reason import Reason


async def reason(images, build, layers, entrypoint, *destinations):
    offer = build.offer(*(images.layer(entries) for entries in layers), entrypoint=(entrypoint,))
    program = await inspect(offer, Process(volumes=destinations), images.open)
    return program.problem.reason if program.problem else None


@pytest.mark.parametrize(
    ("links", "destination"),
    [
        ({"opt": "srv/it"}, "/opt"),
        ({"opt": "/srv/it"}, "/opt/"),
        ({"opt": "srv"}, "/opt/it"),
        ({"opt": "srv"}, "/opt/it/app"),
        ({"a": "b", "b": "srv/it"}, "/a"),
        ({"a/b": "../srv"}, "/a/b/it"),
        ({"a": "srv", "opt": "nowhere"}, "/opt/../a/it"),  # engines clean it by its words first
    ],
)
async def test_a_mount_covers_what_its_destination_leads_to(images, build, links, destination):
    below = [(name, build.symlink(target)) for name, target in links.items()]
    layers = ([*below, ("srv/it/app", build.elf(machine=183))],)
    assert await reason(images, build, layers, "/srv/it/app", destination) is Reason.BINARY_UNKNOWN


async def test_a_mount_beside_a_link_covers_nothing_else(images, build):
    layers = ([("opt", build.symlink("srv/it")), ("srv/it/app", build.elf())],)
    assert await reason(images, build, layers, "/srv/it/app", "/srv/other", "/opt2") is None


@pytest.mark.parametrize("destination", ["/var/run/x", "/var/lock/../run/x"])
async def test_a_usual_link_is_taken_for_one_where_the_layer_that_would_tell_is_not_read(images, build, destination):
    below, top = [("var/run", build.symlink("/run"))], [("run/x/app", build.elf())]
    assert await reason(images, build, (below, top), "/run/x/app", destination) is Reason.BINARY_UNKNOWN


async def test_no_layer_is_read_for_a_mount_alone(images, build):
    below = images.layer([("var/run", build.symlink("/run")), ("data", b"x" * 20_000)], "plain")
    offer = build.offer(below, images.layer([("app", build.elf())]))
    program = await inspect(offer, Process(volumes=("/data", "/var/run/docker.sock")), images.open)
    assert program.problem is None
    assert len(images.opened) == 1


async def test_links_in_a_circle_leave_a_mount_where_it_is_spelt(images, build):
    layers = ([("a", build.symlink("b")), ("b", build.symlink("a")), ("app", build.elf())],)
    assert await reason(images, build, layers, "/app", "/a/x") is None
