"""Compose files."""

import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Process, Source
from scanner.domain.plan import Placement, Requirement
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.probe.planned.compose import compose, compose_yaml, projects
from scanner.probe.planned.plans import Plans
from tests import counted


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


@pytest.mark.parametrize("image", ["$USER/a", "${USER:-x}", "a:$VERSION", "${HOME+a}"])
def test_what_a_login_sets_goes_before_the_env_file_whatever_that_says(image):
    beside = {"/srv/shop/.env": "USER=app\nHOME=/h\nVERSION=$HOSTNAME-1\n"}

    assert not plans(f"services: {{a: {{image: '{image}'}}}}", beside).planned
    assert images(plans("services: {a: {image: $USER/a}}", beside, variables={"USER": "me"})) == {"shop/a": "me/a"}


@pytest.mark.parametrize("said", ["COMPOSE_FILE=$BASE", "COMPOSE_FILE=$HOME"])
def test_a_project_whose_files_rest_on_a_variable_that_nothing_sets_is_a_gap(said):
    found = plans(
        "services: {a: {image: a}}",
        {"/srv/shop/.env": f"HOME=\n{said}/c.yml", "/c.yml": "services: {b: {image: b}}"},
    )

    assert (images(found), [*found.gaps]) == ({"shop/a": "a"}, [f"/srv/shop/{said.partition('=')[2]}/c.yml"])


def test_a_default_platform_that_rests_on_what_a_login_sets_is_a_gap():
    found = plans(
        "services: {a: {image: a}, b: {image: b, platform: linux/arm64}}",
        {"/srv/shop/.env": "DOCKER_DEFAULT_PLATFORM=$USER\n"},
    )

    assert (images(found), [*found.gaps]) == ({"shop/b": "b"}, ["/srv/shop/compose.yaml: a"])


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


MANY = "".join(f"  s{i}: {{extends: base, environment: {{X: 1}}, volumes: [/x]}}\n" for i in range(400))
WIDE = f"{{image: web, environment: {{{', '.join(f'A{i}: {i}' for i in range(50))}}}, volumes: [{', '.join(f'/v{i}' for i in range(50))}]}}"
COSTLY = {
    "many extend one": f"services:\n  base: {WIDE}\n{MANY}",
    "many take a file's": "services:\n"
    + "".join(f"  s{i}: {{extends: {{file: b.yml, service: base}}}}\n" for i in range(400)),
    "a growing chain": "services:\n  s0: {image: web}\n"
    + "".join(f"  s{i}: {{extends: s{i - 1}, volumes: [/v{i}], security_opt: [o{i}]}}\n" for i in range(1, 1500)),
    "files that include": f"include: [{', '.join(['b.yml'] * 450)}]\nservices: {{a: {{image: a}}}}",
    "much taken away": "services:\n  b: {image: b}\n"
    + "".join(f"  s{i}: {{extends: b, command: !reset null}}\n" for i in range(1500)),
    "volumes of others": "services:\n"
    + "".join(f"  s{i}: {{image: x, volumes_from: [s{i + 1}]}}\n" for i in range(1500)),
    "a long variable": f"services: {{a: {{image: a, command: [{', '.join(['$LONG'] * 5000)}]}}}}",
    "a long command": f"services: {{a: {{image: a, command: '{'x ' * 450_000}'}}}}",
    "many braces": f"services: {{a: {{image: a, command: '{'${A:-' * 20_000}{'}' * 20_000}'}}}}",
    "many documents": "services: {a: {image: a}}\n---\n" * 499,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_no_project_costs_more_than_a_few_times_its_length(text):
    more = {"/srv/shop/b.yml": f"services:\n  base: {WIDE}\n", "/srv/shop/.env": f"LONG={'x' * 100_000}"}
    with counted.in_proportion():
        found = plans(text, more)
    assert found.planned or found.gaps


def work(of):
    """Files parsed, functions called where so many services extend one, each with something of its own."""
    own = "environment: {{X: '{0}'}}, command: run {0}, ports: ['{1}:80']"
    rows = "".join(f"  s{n}: {{extends: base, {own.format(n, 8000 + n)}}}\n" for n in range(of // 2))
    rows += "".join(
        f"  t{n}: {{extends: {{file: b.yml, service: base}}, {own.format(n, 20_000 + n)}}}\n" for n in range(of // 2)
    )
    counted, parsed = Counter(), Counter()

    def count(_frame, event, _argument):
        counted["calls"] += event == "call"

    def parse(path, raw, _parsed=compose_yaml.parsed):
        parsed[path] += 1
        return _parsed(path, raw)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose_yaml, "parsed", parse)
        sys.setprofile(count)
        try:
            found = plans(f"services:\n  base: {WIDE}\n{rows}", {"/srv/shop/b.yml": f"services:\n  base: {WIDE}\n"})
        finally:
            sys.setprofile(None)
    assert (len(found.planned), found.gaps) == (of + 1, {})
    return set(parsed.values()), counted["calls"]


def test_services_that_extend_one_cost_as_much_as_they_are_many():
    (parsed, calls), (_, twice) = work(20), work(40)

    assert parsed == {1}
    assert twice < 2.1 * calls
    assert twice < 40 * 2500, "a service with fifty variables and as many volumes"


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("services:\n  a:\n    image: a\n    comand: x\n", "compose.yaml:4: services.a.comand is a key"),
        ("services:\n  a:\n    image: [a]\n", "compose.yaml:"),
        ("services:\n  a:\n    image: 'a:${}'\n", "compose.yaml:3: "),
        ("services:\n  a: {image: a}\n  a: {image: b}\n", "compose.yaml:3: written twice"),
        ("services:\n  a: {image: a\n", "compose.yaml:"),
        ("services:\n  a:\n    image: a\n    init: maybe\n", "compose.yaml:4: services.a.init"),
        ("services:\n  a:\n    extends:\n      service: b\n", "compose.yaml:4: "),
    ],
)
def test_what_compose_refuses_is_told_with_file_and_line(text, detail):
    found = plans(text)

    assert not found.planned
    assert any(f"/srv/shop/{detail}" in gap.detail for gap in found.gaps.values()), found.gaps


def test_a_pinned_platform_is_told_with_its_place():
    more = {"/srv/shop/base/b.yml": "services:\n  b:\n    image: b\n    platform: linux/amd64\n"}
    text = """services:
  a:
    image: a
    platform: "linux/${ARCH:-arm64}"
  b: {extends: {file: base/b.yml, service: b}}
"""
    assert [p.pinned_at for p in plans(text, more).planned] == ["/srv/shop/compose.yaml:4", "/srv/shop/base/b.yml:4"]


def test_the_default_platform_of_the_env_file_pins_what_pins_nothing_itself():
    more = {"/srv/shop/.env": "DOCKER_DEFAULT_PLATFORM=linux/amd64\n"}

    found = plans("services: {a: {image: a}, b: {image: b, platform: linux/arm64}}", more)

    assert [(str(p.pinned), p.pinned_at) for p in found.planned] == [
        ("linux/amd64", "/srv/shop/.env"), ("linux/arm64", "/srv/shop/compose.yaml:1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("constraint", "asked"),
    [
        ("node.platform.arch == x86_64", Requirement("arch", "In", ("amd64",))),
        ("node.platform.arch!=aarch64", Requirement("arch", "NotIn", ("arm64",))),
        ("node.platform.os==linux", Requirement("os", "In", ("linux",))),
        ("node.labels.zone == a b", Requirement("label:zone", "In", ("a b",))),
        ("node.hostname != web-1", Requirement("host", "NotIn", ("web-1",))),
    ],
)
def test_a_placement_constraint_says_which_hosts_a_plan_is_for(constraint, asked):
    text = f"services: {{a: {{image: a, deploy: {{placement: {{constraints: ['{constraint}']}}}}}}}}"

    assert [p.placement for p in plans(text).planned] == [Placement(((asked,),))]


def test_a_constraint_that_no_inventory_tells_leaves_a_plan_for_every_host():
    text = "services: {a: {image: a, deploy: {placement: {constraints: [node.role == manager]}}}}"

    assert [p.placement for p in plans(text).planned] == [None]
    assert plans(text.replace("node.role ==", "node.color ==")).gaps


def test_a_project_whose_directory_nobody_names_has_no_name_to_put_into_its_images():
    texts = {"compose.yaml": b"services: {a: {image: a}, b: {image: '${COMPOSE_PROJECT_NAME}/b'}}"}
    found = compose.plans(texts)
    assert images(found) == {"default/a": "a"}
    assert "nothing sets the variable COMPOSE_PROJECT_NAME" in found.gaps["compose.yaml: b"].detail


def test_a_service_without_its_env_file_is_planned_with_that_said():
    found = plans("services: {a: {image: a, env_file: gone.env}}")

    assert images(found) == {"shop/a": "a"}
    assert "/srv/shop/gone.env is not there" in found.gaps["/srv/shop/compose.yaml: a"].detail
    texts = {"/srv/shop/compose.yaml": b"services: {a: {image: a, env_file: gone.env}}"}
    assert not compose.project_plans(texts, list(texts), compose.ProjectSurroundings(has_env_files=False)).gaps


@pytest.mark.parametrize(
    "body",
    [
        "image: 'a:$NO'", "image: a, platform: $NO", "image: a, command: 'x $NO'", "image: a, entrypoint: [$NO]",
        "image: a, working_dir: $NO", "image: a, user: $NO", "image: a, volumes: ['./x:$NO/y']", "image: a, tmpfs: $NO",
        "image: a, environment: {PATH: '/x:$PATH'}", "image: a, environment: [PATH]", "image: a, init: $NO",
        "image: a, profiles: [$NO]", "image: a, healthcheck: {test: $NO}", "image: 'a:${NO:?must}'",
        "image: a, volumes: ['/x:${NO:?must}']", "image: a, env_file: $NO",
    ],
)  # fmt: skip
def test_what_rests_on_a_variable_that_nothing_sets_is_a_gap_of_its_service(body):
    found = plans(f"services: {{a: {{{body}}}, b: {{image: b}}}}")

    assert images(found) == {"shop/b": "b"}
    assert all(gap.reason is Reason.PART_INCOMPLETE for gap in found.gaps.values())
    assert found.gaps


def test_what_runs_before_a_service_is_its_service_with_what_the_step_says():
    body = """
      image: a
      user: "5"
      platform: linux/arm64
      environment: {PATH: /p, A: b}
      volumes: [/own]
      deploy: {placement: {constraints: [node.platform.os == linux]}}
      pre_start:
      - {image: b, command: [x, y], environment: [PATH=/q], volumes: [data:/data]}
      - {command: z, user: "6", working_dir: /w}
    """
    found = plans(f"services:\n  s:{body}\nvolumes: {{data: }}\n")
    assert found.gaps == {}
    told = {
        one.workload: (
            one.image,
            one.process.cmd,
            one.process.user,
            one.process.path,
            [mount.destination for mount in one.mounts],
        )
        for one in found.planned
    }
    assert told == {
        "shop/s": ("a", None, "5", "/p", ["/own"]),
        "shop/s-pre_start-0": ("b", ("x", "y"), "5", "/q", ["/own", "/data"]),
        "shop/s-pre_start-1": ("a", ("z",), "6", "/p", ["/own"]),
    }
    assert {str(one.pinned) for one in found.planned} == {"linux/arm64"}
    assert len({one.placement for one in found.planned}) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "entrypoint: [/e], pre_start: [{image: b, command: x}]",
            "pre_start[0] says no entrypoint, while its service has one",
        ),
        ("pre_start: [{image: b, command: x, per_replica: true}]", "pre_start[0] is for each replica"),
        ("pre_start: [{image: b, command: x, env_file: y}]", "pre_start[0] has an env_file of its own"),
        ("pre_start: [{image: 'b:$NO', command: x}]", "nothing sets the variable NO"),
        ("volumes_from: ['container:x:ro']", "volumes_from mounts what the container x:ro has"),
    ],
)
def test_what_is_not_clear_beside_a_service_leaves_its_own_plan(body, told):
    found = plans(f"services: {{a: {{image: a, {body}}}}}")
    (failure,) = found.gaps.values()
    assert images(found) == {"shop/a": "a"}
    assert told in failure.detail


@pytest.mark.parametrize(
    "body",
    [
        "ports: ['$NO:80']", "labels: {a: $NO}", "environment: {A: $NO}", "volumes: ['$NO/x:/y']", "volumes: ['$NO:/y']",
        "hostname: $NO", "networks: {default: {ipv4_address: $NO}}", "command: 'x ${NO:-y}'", "restart: $NO",
    ],
)  # fmt: skip
def test_what_no_judgement_reads_may_rest_on_a_variable_that_nothing_sets(body):
    found = plans(f"services: {{a: {{image: a, {body}}}}}")

    assert images(found) == {"shop/a": "a"}
    assert not found.gaps


def test_a_variable_that_must_be_set_is_a_gap_wherever_it_stands():
    found = plans("services:\n  a:\n    image: a\n    ports: ['${PORT:?say which}:80']\n")

    assert images(found) == {"shop/a": "a"}
    (gap,) = found.gaps.values()
    assert "/srv/shop/compose.yaml:4: the variable PORT must be set: say which" in gap.detail


def test_an_environment_value_that_is_open_is_unknown():
    (plan,) = plans("services: {a: {image: a, environment: {A: $NO, B: 1, C: , D: 'x${NO:-y}'}}}").planned

    assert plan.process.env == (("A", None), ("B", "1"), ("C", None), ("D", "xy"))


def test_hooks_are_commands_beside_a_service_s_own():
    text = "services: {a: {image: a, post_start: [{command: /x y}], pre_stop: [{command: [/z]}]}}"

    assert [p.checks for p in plans(text).planned] == [(("/x", "y"), ("/z",))]


def test_a_tmpfs_is_mounted_without_exec_unless_it_says_so():
    text = "services: {a: {image: a, tmpfs: [/a, '/b:exec,size=1m'], volumes: [{type: tmpfs, target: /c}, /d]}}"

    (plan,) = plans(text).planned
    assert {mount.destination: mount.noexec for mount in plan.mounts} == {
        "/d": False,
        "/c": True,
        "/a": True,
        "/b": False,
    }


def test_each_directory_is_a_project_and_other_files_are_projects_beside_it():
    files = {
        "a/compose.yaml", "a/docker-compose.yml", "a/compose.override.yaml", "a/other.compose.yml", "b/docker-compose.prod.yml",
        "b/docker-compose.prod.override.yml", "c/base.yml", "c/prod.yml",
    }  # fmt: skip
    texts = dict.fromkeys(sorted(files), b"") | {"c/.env": b"COMPOSE_FILE=base.yml:prod.yml"}

    assert [project.files for project in projects.projects(texts, sorted(files))] == [
        ("c/base.yml", "c/prod.yml"), ("a/compose.yaml", "a/compose.override.yaml"), ("a/docker-compose.yml",),
        ("a/other.compose.yml",), ("b/docker-compose.prod.yml", "b/docker-compose.prod.override.yml"),
    ]  # fmt: skip


def test_a_file_of_services_that_are_no_whole_ones_lies_over_the_default_file():
    texts = {
        "a/compose.yaml": b"services: {web: {image: web}}",
        "a/compose.override.yaml": b"services: {web: {user: dev}}",
        "a/compose.prod.yaml": b"services: {web: {platform: linux/arm64}}",
        "a/compose.whole.yaml": b"services: {web: {image: other}}",
        "b/compose.prod.yaml": b"services: {web: {platform: linux/arm64}}",
    }
    found = [project.files for project in projects.projects(texts)]

    assert found == [
        ("a/compose.yaml", "a/compose.override.yaml"), ("a/compose.yaml", "a/compose.prod.yaml"),
        ("a/compose.whole.yaml",), ("b/compose.prod.yaml",),
    ]  # fmt: skip
    assert [str(p.pinned) for p in compose.plans(texts, found[1]).planned] == ["linux/arm64"]


def test_a_value_without_a_name_is_taken_by_newer_versions_alone():
    found = compose.plans({"a/compose.yaml": b"services: {web: {image: web}}", "a/.env": b"A=1\n=1\n"})
    assert [plan.image for plan in found.planned] == ["web"]
    assert [failure.detail.partition(" a value")[0] for failure in found.gaps.values()] == ["a/compose.yaml: a/.env:"]


def test_what_the_env_file_of_another_folder_names_is_that_folder_s():
    texts = {"a/compose.yaml": b"", "b/.env": b"COMPOSE_FILE=base.yml", "b/base.yml": b""}

    assert [project.files for project in projects.projects(texts, ["a/compose.yaml"])] == [("a/compose.yaml",)]
    assert [project.files for project in projects.projects(texts, ["b/base.yml"])] == [("b/base.yml",)]


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_any_text_is_plans_or_gaps(text):
    assert isinstance(plans(text), Plans)
    assert isinstance(plans("services:\n  a: {image: " + text), Plans)
