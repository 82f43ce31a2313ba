"""Compose files."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Process, Source
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.probe.planned import compose
from scanner.probe.planned.plans import Plans


def plans(text, more=None, **options):
    texts = {"/srv/shop/compose.yaml": text.encode()} | {path: body.encode() for path, body in (more or {}).items()}
    return compose.plans(texts, **options)


def images(found):
    return {planned.workload: planned.image for planned in found.planned}


def test_a_service_is_project_and_service_with_its_platform():
    (web,) = plans("services: {web: {image: 'nginx:${TAG:-1.25}', platform: linux/arm64/v8}}").planned

    assert (web.workload, web.image, web.source, web.pinned, web.build_only) == (
        "shop/web", "nginx:1.25", Source.COMPOSE, Platform("linux", "arm64"), False,
    )  # fmt: skip


def test_what_is_only_built_is_noted_as_such():
    found = plans(
        "services: {a: {build: .}, b: {build: ., image: 'reg:5000/b'}, c: {build: ., image: c, pull_policy: build}}"
    )

    assert [(p.workload, p.image, p.build_only) for p in found.planned] == [
        ("shop/a", "shop-a", True), ("shop/b", "reg:5000/b", False), ("shop/c", "c", True),
    ]  # fmt: skip


def test_the_env_file_beside_it_sets_variables_and_the_shell_goes_first():
    more = {"/srv/shop/.env": "TAG=2\nREG=hub\n"}

    found = plans("services: {web: {image: '${REG}/web:${TAG}'}}", more, variables={"TAG": "3"})

    assert images(found) == {"shop/web": "hub/web:3"}


def test_an_open_variable_is_a_gap_of_that_service_alone():
    found = plans("services: {web: {image: 'web:${NOPE}'}, db: {image: postgres}}")

    assert images(found) == {"shop/db": "postgres"}
    (gap,) = found.gaps.values()
    assert gap.reason is Reason.PART_INCOMPLETE
    assert "NOPE" in gap.detail


def test_a_service_extends_another_also_from_another_file():
    more = {"/srv/shop/base/common.yml": "services: {base: {image: base:1, platform: linux/amd64}}"}
    text = """
services:
  own: {extends: {file: base/common.yml, service: base}}
  over: {extends: own, image: over:2}
"""
    found = plans(text, more)

    assert [(p.workload, p.image, str(p.pinned)) for p in found.planned] == [
        ("shop/own", "base:1", "linux/amd64"), ("shop/over", "over:2", "linux/amd64"),
    ]  # fmt: skip


def test_included_files_bring_their_services():
    more = {"/srv/shop/a.yaml": "services: {a: {image: a}}", "/srv/shop/b/b.yaml": "services: {b: {image: b}}"}

    found = plans("include: [a.yaml, {path: [b/b.yaml]}]\nservices: {c: {image: c}}", more)

    assert images(found) == {"shop/a": "a", "shop/b": "b", "shop/c": "c"}


def test_a_service_of_a_profile_is_planned_only_with_that_profile():
    text = "services: {web: {image: web}, debug: {image: debug, profiles: [dev]}}"

    assert images(plans(text)) == {"shop/web": "web"}
    assert images(plans(text, {"/srv/shop/.env": "COMPOSE_PROFILES=x,dev"})) == {
        "shop/web": "web",
        "shop/debug": "debug",
    }


def test_later_files_lie_over_earlier_ones():
    more = {"/srv/shop/compose.override.yaml": "services: {web: {image: web:2}}"}

    assert images(plans("services: {web: {image: web:1}}", more)) == {"shop/web": "web:2"}
    roots = ["/srv/shop/compose.yaml", "/srv/shop/prod.yml"]
    found = plans(
        "services: {web: {image: web:1}}",
        {"/srv/shop/prod.yml": "services: {web: {platform: linux/arm64}}"},
        roots=roots,
    )
    assert [(p.image, str(p.pinned)) for p in found.planned] == [("web:1", "linux/arm64")]


@pytest.mark.parametrize(
    ("text", "options", "name"),
    [
        ("name: fancy\nservices: {a: {image: a}}", {}, "fancy/a"),
        ("name: fancy\nservices: {a: {image: a}}", {"project": "told"}, "told/a"),
        ("services: {a: {image: a}}", {}, "shop/a"),
    ],
)
def test_the_project_is_named_by_the_caller_the_file_or_the_directory(text, options, name):
    assert list(images(plans(text, **options))) == [name]


def test_a_command_of_its_own_overrides_the_image_s():
    text = "services: {a: {image: a, command: 'run \"two words\"'}, b: {image: b, entrypoint: [/x, y]}, c: {image: c}}"

    assert [p.process for p in plans(text).planned] == [
        Process(cmd=("run", "two words")), Process(entrypoint=("/x", "y"), cmd=()), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "services: [", "services: []", "- a", "services: {a: b}", "services: {a: {}}", "services: {a: {image: a, platform: a/b/c/d}}",
        "services: {a: {extends: a}}", "services: {a: {extends: b}}", "services: {a: {extends: {service: [1]}}}", "include: [compose.yaml]", "include: [gone.yaml]",
        "services: {a: {extends: {file: gone.yml, service: x}}}", "services: {a: {image: a, command: \"'\"}}", "\x00", "a: !!python/object:os.system x",
        "[" * 5000, "services: {a: {image: a, profiles: x}}", "services: {? [a] : {image: a}}, b: !reset",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_a_gap(text):
    assert plans(text).gaps


def test_aliases_that_multiply_are_refused_as_compose_refuses_them():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefghi", "bcdefghij", strict=True)
    )

    assert (
        "aliases that stand for more"
        in plans(bomb + "services: {web: {image: web}}").gaps["/srv/shop/compose.yaml"].detail
    )


def test_many_services_that_extend_one_cost_one_reading():
    text = "services:\n  base: {image: web}\n" + "".join(f"  s{i}: {{extends: base}}\n" for i in range(400))
    began = time.process_time()
    assert len(plans(text).planned) == 401
    assert time.process_time() - began < 1


def test_a_stack_is_swarm_s():
    assert [p.source for p in plans("services: {a: {image: a}}", source=Source.SWARM).planned] == [Source.SWARM]


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_any_text_is_plans_or_gaps(text):
    assert isinstance(plans(text), Plans)
    assert isinstance(plans("services:\n  a: {image: " + text), Plans)
