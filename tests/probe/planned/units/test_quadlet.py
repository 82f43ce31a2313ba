"""Quadlets, beside Podman's own generator."""

import re
import shlex
import subprocess

import pytest

from scanner.domain.facts import Process
from scanner.probe.planned.commands.command import Pull, started
from scanner.probe.planned.plans import pinned
from scanner.probe.planned.units import quadlet, quadlet_file, systemd
from scanner.probe.planned.units.quadlet_keys import SINCE
from tests.probe.planned.units.quadlet_cases import CASES

DIRECTORIES = {
    "run": "/run/containers/systemd",
    "etc": "/etc/containers/systemd",
    "usr": "/usr/share/containers/systemd",
}
GENERATOR = "/usr/libexec/podman/quadlet"
ALL = r"""
for case in "$1"/*; do
  printf '@case %s\n' "${case##*/}"
  QUADLET_UNIT_DIRS=$case/run:$case/etc:$case/usr "$2" -dryrun 2>&1 | sed 's/^@/ @/'
done
"""


def where(case, path):
    """A file's place on a host."""
    directory, _, rest = path.partition("/")
    return f"{DIRECTORIES[directory]}/{rest}"


@pytest.fixture(scope="module")
def generated(enter_root):
    """The services that Podman 5.4 makes of each case, by name; a case that it refuses has fewer."""
    root = enter_root("trixie")
    home = root.folder / "quadlets"
    for number, files in enumerate(CASES.values()):
        for directory in DIRECTORIES:
            (home / str(number) / directory).mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            place = home / str(number) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, newline="")
    done = subprocess.run(
        [root.program("sh"), "-c", ALL, "sh", home, GENERATOR], capture_output=True, text=True, check=True
    )
    said = {}
    for part in done.stdout.split("@case ")[1:]:
        number, _, text = part.partition("\n")
        for directory, place in DIRECTORIES.items():
            text = text.replace(f"{home}/{number}/{directory}", place)
        said[list(CASES)[int(number)]] = dict(services(text))
    return said


def is_startable(text, others):
    """Whether everything is made that systemd demands of a service that it starts."""
    needed = re.findall(r"^(?:Requires|BindsTo)=(\S+\.service)$", text, re.MULTILINE)
    starts = text.rpartition("\nExecStart=\n")[2].count("ExecStart=/")
    return {name.rpartition("/")[2] for name in others}.issuperset(needed) and (starts == 1 or "Type=oneshot" in text)


def services(text):
    for part in text.split("\n---")[1:] if text.startswith("\n---") else f"\n{text}".split("\n---")[1:]:
        name, _, body = part.partition("---\n")
        yield name, body


def of_service(name, text, others):
    """What the service of a quadlet runs, as a plan; the pull of an image chose its platform."""
    made = systemd.plans({f"/etc/systemd/system/{name.rpartition('/')[2]}": text.encode()})
    pulls = {}
    for other in others.values():
        for line in other.splitlines():
            if line.startswith("ExecStart=") and " image pull " in line:
                pull = started("podman", tuple(shlex.split(line)[1:]), {})
                if isinstance(pull, Pull):
                    pulls[pull.image] = pinned(pull.platform)
    return [said(plan, plan.pinned or pulls.get(plan.image)) for plan in made.planned]


def said(plan, platform):
    process = plan.process or Process()
    return {
        "unit": plan.workload,
        "image": plan.image,
        "platform": platform,
        "entrypoint": process.entrypoint,
        "args": process.cmd,
        "env": tuple(sorted(process.env or ())),
        "directory": process.working_dir,
        "user": process.user,
        "init": process.init,
        "read_only": process.read_only,
        "privileges": process.privileges,
        "health": process.healthcheck,
        "mounts": tuple(sorted((m.destination, m.kind, m.noexec) for m in plan.mounts or ())),
    }


DOUBTFUL = {
    "empty word of exec": "Podman's versions read no further, without a word",
    "empty word of podman args": "the same",
    "empty word before a platform": "the same",
    "unknown key": "a newer Podman may know it",
    "host environment": "only the running host knows its variables",
    "drop-in that is none": "the generator warns",
    "byte order mark of a drop-in": "the generator warns",
}
"""Where a gap stands beside the plan."""


def test_every_key_is_known_from_the_version_on_that_takes_it_first(enter_root):
    root = enter_root("trixie")
    folder = root.folder / "keys"
    folder.mkdir()
    for suffix, section in quadlet_file.SECTIONS.items():
        for key in (*SINCE[section], "Odd"):
            needed = "ImageTag=x\n" * (section == "Build")  # asked for before any key is looked at
            (folder / f"{key}{suffix}").write_text(f"[{section}]\n{needed}{key}=x\n")
    said = subprocess.run(
        [root.program("env"), f"QUADLET_UNIT_DIRS={folder}", GENERATOR, "-dryrun"],
        capture_output=True,
        text=True,
        check=False,
    )
    refused = set(re.findall(r"unsupported key '(\w+)' in group '(\w+)'", said.stderr))
    newer = {(key, section) for section, keys in SINCE.items() for key, version in keys.items() if version > (5, 4)}
    assert refused == newer | {("Odd", section) for section in quadlet_file.SECTIONS.values()}


@pytest.mark.parametrize("case", CASES)
def test_a_quadlet_is_what_podman_s_generator_makes_of_it(case, generated):
    texts = {where(case, path): text.encode() for path, text in CASES[case].items()}
    wanted = [
        one
        for name, text in generated[case].items()
        if " run --name " in text and is_startable(text, generated[case])
        for one in of_service(name, text, generated[case])
    ]

    found = quadlet.plans(texts)

    containers = {path.rpartition("/")[2] for path in texts if path.endswith((".container", ".kube"))}
    if case != "unknown key" and not case.startswith("empty word"):
        assert [said(plan, plan.pinned) for plan in found.planned] == wanted
    assert bool(found.gaps) == (len(wanted) < len(containers) or case in DOUBTFUL)


def test_a_build_with_a_volume_of_the_image_that_it_makes_is_a_gap():
    found = quadlet.plans(
        {
            "/etc/containers/systemd/u.container": b"[Container]\nImage=b.build\n",
            "/etc/containers/systemd/b.build": b"[Build]\nImageTag=localhost/b\nFile=/c\nVolume=v.volume:/v\n",
            "/etc/containers/systemd/v.volume": b"[Volume]\nDriver=image\nImage=b.build\n",
        }
    )
    assert found.planned == ()
    assert "waits for itself" in str(found.gaps)
