"""Compose files, read as Compose itself reads them."""

import json
import shutil

from scanner.domain.facts import Process
from scanner.probe.planned import plans
from scanner.probe.planned.compose import compose, projects
from tests.probe.planned.compose.table import FOLDER, RENEW, VERSIONS, cases, told
from tests.rows import each_row

ANSWERS = {version: json.loads((FOLDER / f"compose-{version}.json").read_text()) for version in VERSIONS}
CASES = {case.name: case for case in cases()}
LIVE = (
    "override-beside", "command-operators", "environment-map", "interpolation", "dotenv-forms", "several-files", "reset",
    "extends-another-file", "include-env-file", "profiles-all", "env-file-forms", "unknown-key-refused",
)  # fmt: skip
"""Asked anew in each run: enough to see that the recorded answers are those of the tool."""


def ours(case):
    """What we read: in the folder of the project's name, as Compose was asked."""
    texts = {f"{case.name}/{path}": text.encode() for path, text in case.files.items()}
    if case.roots:
        roots = [f"{case.name}/{root}" for root in case.roots]
        return compose.project_plans(texts, roots, compose.ProjectSurroundings(variables=case.env))
    (first, *_) = projects.projects(texts, [path for path in texts if path.endswith((".yml", ".yaml"))])
    return compose.project_plans(
        texts, first.files, compose.ProjectSurroundings(variables=case.env, dotenv=first.dotenv)
    )


def expected(name, service, body):
    """A plan's parts, from Compose's answer."""
    entrypoint, command = body.get("entrypoint"), body.get("command")
    entrypoint = None if entrypoint is None else tuple(entrypoint)
    command = None if command is None or (not command and not entrypoint) else tuple(command)
    command = () if command is None and entrypoint else command
    check = body["healthcheck"]
    tmpfs = [[one.partition(":")[0], "tmpfs"] for one in body.get("tmpfs") or ()]
    files = [[one, "bind"] for one in body["files"][0]]
    files += [[one if one.startswith("/") else f"/run/secrets/{one}", "bind"] for one in body["files"][1]]
    return {
        "image": body.get("image") or f"{name}-{service}",
        "pinned": plans.pinned(body.get("platform") or ""),
        "entrypoint": entrypoint,
        "cmd": command,
        "env": body.get("environment") or {},
        "working_dir": body.get("working_dir") or None,
        "user": body.get("user") or None,
        "init": body.get("init") or None,
        "healthcheck": ("NONE",) if check["disable"] else tuple(check["test"]) if check["test"] else None,
        "mounts": sorted(dict([*body["volumes"], *tmpfs, *files]).items()),
    }


def read(plan):
    """The same parts of a plan."""
    process = plan.process or Process()
    return {
        "image": plan.image,
        "pinned": plan.pinned,
        "entrypoint": process.entrypoint,
        "cmd": process.cmd,
        "env": dict(process.env or ()),
        "working_dir": process.working_dir,
        "user": process.user,
        "init": process.init or None,
        "healthcheck": process.healthcheck,
        "mounts": sorted((mount.destination, mount.kind) for mount in plan.mounts or ()),
    }


def held_against(case, answer, others=()):
    """Whether what we read is what Compose says; a service that rests on an unset variable may be a gap.

    The value of a variable is not known where ``others``, what other versions say, have another one.
    """
    found = ours(case)
    if "refused" in answer:
        assert found.gaps, answer["refused"]
        return
    by_name = {plan.workload: plan for plan in found.planned}
    wanted = {
        f"{answer['name']}/{name}": expected(answer["name"], name, body)
        for name, body in answer["services"].items()
        if not body["provider"] and 0 not in (body.get("scale"), body["replicas"])
    }
    left_out = wanted.keys() - by_name.keys()
    assert len(found.gaps) >= len(left_out)
    if not answer["unset"]:
        assert not found.gaps
    if "volumes-from" in case.name:
        wanted[f"{case.name}/b"]["mounts"] = wanted[f"{case.name}/a"]["mounts"]
    for name, plan in by_name.items():
        told_of = wanted[name]
        got = read(plan)
        for other in others:
            theirs = other["services"][name.partition("/")[2]].get("environment") or {}
            differ = {key for key, value in (told_of["env"] or {}).items() if theirs.get(key) != value}
            assert not any(got["env"].get(key) for key in differ), name
            got["env"] |= {key: told_of["env"][key] for key in differ & got["env"].keys()}
        if answer["unset"]:
            got["env"] = {key: told_of["env"][key] if value is None else value for key, value in got["env"].items()}
        assert got == told_of, name


PAIRS = [(name, version) for name, case in CASES.items() for version in VERSIONS if not case.newer or version != "2.26"]


@each_row("name, version", PAIRS)
def test_a_project_is_read_as_compose_reads_it(name, version):
    case = CASES[name]
    assert case.name in ANSWERS[version], RENEW
    answer = ANSWERS[version][case.name]
    assert ("refused" in answer) is case.is_refused
    others = [ANSWERS[other][name] for other in VERSIONS if not case.newer and "refused" not in answer]
    held_against(case, answer, [other for other in others if other != answer and "refused" not in other])


def test_the_table_has_projects_enough():
    assert sum(not case.newer for case in CASES.values()) >= 150


def test_what_is_recorded_is_what_compose_says(enter_root):
    root = enter_root("trixie")
    env = root.program("env")
    for name in LIVE:
        folder = root.folder / name
        folder.mkdir()
        CASES[name].write(folder)
        answer = told(env, "docker-compose", folder, CASES[name])
        shutil.rmtree(folder)
        recorded = ANSWERS["2.26"][name]
        assert ("refused" in answer) is ("refused" in recorded)
        if "refused" not in answer:
            assert answer == recorded, RENEW
