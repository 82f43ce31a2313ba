"""What containers read that units and tables start with ``-i``."""

import pytest

from scanner.probe.planned import folder
from scanner.probe.planned.commands.container_options import MAX_INPUT_CHARS

UNIT = "etc/systemd/system/a.service"
RUN = "docker run -i r.example/a sh"
LONG = "# " + "x" * MAX_INPUT_CHARS


def process(files):
    """Of the first container that is planned: whether it is handed anything, and what."""
    found = [one.planned.process for one in folder.plans({f"w/{k}": v.encode() for k, v in files.items()}, "w").filed]
    return [(one.is_fed, one.input) if one else (None, None) for one in found]


def unit(command, *settings, **files):
    return process({UNIT: "\n".join(["[Service]", *settings, f"ExecStart={command}", ""]), **files})


SCRIPT = f"#!/bin/sh\n{RUN} <<EOF\nexec /f\nEOF\n{RUN}\n"

FED = [  # what the container of a unit is handed, the unit's settings
    ([(None, None)], ("docker run r.example/a sh",)),
    ([(True, "")], (RUN,)),
    ([(None, None)], (RUN.replace("-i", "-di"), "StandardInputText=exec /f")),
    ([(True, "exec /f\n")], (RUN.replace("-i", "-i --detach=false"), "StandardInputText=exec /f")),
    ([(None, None)], (f"/bin/sh -c 'echo exec /f | {RUN.replace('-i', '-di')}'",)),
    ([(True, "")], (RUN, "StandardInput=null", "StandardInputText=exec /f")),
    ([(True, "exec /f\nx\n")], (RUN, "StandardInput=data", "StandardInputText=exec /f", "StandardInputText=x")),
    ([(True, "exec /f\n")], (RUN, "StandardInputText=no", "StandardInputText=", "StandardInputText=exec /f")),
    ([(True, None)], (RUN, r"StandardInputText=exec\x20/f")),
    ([(True, None)], (RUN, "StandardInputText=exec /%H")),
    ([(True, None)], (RUN, "StandardInputData=ZXhlYyAvZgo=")),
    ([(True, None)], (RUN, "StandardInput=file:/f")),
    ([(True, None)], (RUN, "StandardInput=@hidden")),
    ([(True, "exec /f\n")], (f"/bin/sh -c 'echo exec /f | {RUN}'",)),
    ([(True, "exec /f")], (f"/bin/bash -c '{RUN} <<<\"exec /f\"'",)),
    ([(True, "exec /s\n")], (f"/bin/sh -c '{RUN} </opt/s'",)),
    ([(True, "")], (f"/bin/sh -c '{RUN} </dev/null'",)),
    ([(True, None)], (f"/bin/sh -c '{RUN} </opt/none'",)),
    ([(True, None)], (f"/bin/sh -c '{RUN} <&3'",)),
    ([(True, None)], (f"/bin/sh -c 'exec </opt/s; {RUN}'",)),
    ([(True, None)], (RUN.replace("run", "create"),)),
    ([(True, "")], (f"/bin/sh -c 'exec >/opt/s; {RUN}'",)),
    ([(True, None)], (f"/bin/sh -c 'curl x | {RUN}'",)),
    ([(True, None)], (f"/bin/sh -c 'ls | xargs {RUN}'",)),
    ([(True, None)], (f"/bin/sh -c '{RUN} </opt/long'",)),
    ([(True, "exec /f\n"), (True, "")], ("/opt/run",)),
    ([(True, "x\n"), (True, None)], (f"/bin/sh -c '{RUN}; {RUN}'", "StandardInputText=x")),
]


@pytest.mark.parametrize(("handed", "said"), FED)
def test_a_container_reads_what_its_unit_gives_its_engine_s_client(handed, said):
    assert unit(*said, **{"opt/s": "exec /s\n", "opt/run": SCRIPT, "opt/long": LONG}) == handed


@pytest.mark.parametrize(
    ("line", "handed"),
    [
        (f"{RUN}", (True, "")),
        (f"{RUN}%exec /f%", (True, "exec /f\n")),
        (f"{RUN}%exec /f\\%x%y", (True, "exec /f%x\ny\n")),
        ("docker run r.example/a sh%exec /f", (None, None)),
        (f"{RUN}%", (True, "")),
        (f"cd /opt && {RUN}%exec /f", (True, "exec /f\n")),
        (f"cat; {RUN}%exec /f", (True, None)),
        (f"read x; {RUN}%exec /f%exec /g", (True, None)),
        ("/opt/one%exec /f", (True, "exec /f\n")),
    ],
)  # fmt: skip
def test_what_stands_behind_a_percent_sign_is_what_cron_gives_a_command(line, handed):
    files = {"etc/cron.d/a": f"* * * * * root {line}\n", "opt/one": f"#!/bin/sh\nexec {RUN}\n"}
    assert process(files) == [handed]


def test_what_compose_runs_once_is_handed_what_compose_reads():
    project = {"srv/compose.yml": "services: {a: {image: r.example/a}}\n"}
    run = "docker compose -f /srv/compose.yml run -T a sh"
    assert (True, "exec /f\n") in unit(f"/bin/sh -c 'echo exec /f | {run}'", **project)
    assert (True, None) in unit(f"/bin/sh -c 'curl x | {run}'", **project)


def test_what_podman_leaves_writable_below_a_read_only_root_can_be_taken_away():
    run = "podman run --read-only {} r.example/a"
    quadlet = {
        "q/etc/containers/systemd/a.container": "[Container]\nImage=r.example/a\nReadOnly=true\nReadOnlyTmpfs=false\n"
    }
    assert lacking_tmpfs({UNIT: f"[Service]\nExecStart={run.format('--read-only-tmpfs=false')}\n"}) == [True]
    assert lacking_tmpfs({UNIT: f"[Service]\nExecStart={run.format('--read-only-tmpfs')}\n"}) == [None]
    assert lacking_tmpfs({UNIT: f"[Service]\nExecStart={run.format('')}\n"}) == [None]
    assert lacking_tmpfs(quadlet) == [True]


def lacking_tmpfs(files):
    filed = folder.plans({f"w/{path}": text.encode() for path, text in files.items()}, "w").filed
    assert all(one.planned.process.read_only for one in filed)
    return [one.planned.process.lacks_tmpfs for one in filed]
