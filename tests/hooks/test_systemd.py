"""The drop-in for units, under a real systemd: what is denied is skipped, what nobody can decide about starts."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.hooks.conftest import HOOKS

pytestmark = pytest.mark.system

WAIT_S = 90

BOOT = """
mount -t tmpfs tmpfs /run
umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
exec env -i container=docker PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH="$1" \
  /lib/systemd/systemd --system --unit=all.target --log-target=null --show-status=no
"""
"""Process 1 of namespaces of its own, but for the network, where archscan listens."""

UNITS = {
    "allowed": ("a", "", True),
    "denied": ("b", "", False),
    "down": ("a", "ARCHSCAN_URL=http://127.0.0.1:1", True),
    "denied-then-down": ("b", "ARCHSCAN_URL=http://127.0.0.1:1 ARCHSCAN_GATE_STATE={state}", False),
    "down-and-closed": ("a", "ARCHSCAN_URL=http://127.0.0.1:1", False),
}
"""By name: for which host it asks, what else it is told, whether it is to start."""


async def test_a_unit_starts_unless_its_image_is_or_last_was_denied(asked, require, require_root, tmp_path):
    require("systemctl", "systemd")
    units, out, state = tmp_path / "units", tmp_path / "out", tmp_path / "kept"
    units.mkdir()
    out.mkdir()
    assert (await asked.gate("--open", "--host", "b", "r.example/app:1", ARCHSCAN_GATE_STATE=state))[0] == 1
    dropin = (HOOKS / "systemd" / "archscan-gate.conf").read_text()
    assert "ExecCondition=/usr/local/bin/archscan-gate --open --within 2 registry.example/shop/web:1.4\n" in dropin
    for name, (host, more, _) in UNITS.items():
        own = dropin.replace("/usr/local/bin/archscan-gate", f"{asked.bin}/archscan-gate --host {host}")
        own = own.replace("--within 2 registry.example/shop/web:1.4", f"--within {WAIT_S} r.example/app:1")
        if name.endswith("closed"):
            own = own.replace("--open ", "")
        told = f"ARCHSCAN_URL={asked.url} ARCHSCAN_TOKEN_FILE={asked.token} ARCHSCAN_GATE_STATE={tmp_path}/{name} "
        (units / f"{name}.service").write_text(
            "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n"
            f"Environment={told}{more.format(state=state)}\nExecStart=/bin/touch {out}/{name}\n"
            f"ExecStopPost=/bin/sh -c 'echo $SERVICE_RESULT > {out}/{name}.new && mv {out}/{name}.new {out}/{name}.ended'\n"
        )
        (units / f"{name}.service.d").mkdir()
        (units / f"{name}.service.d" / "archscan-gate.conf").write_text(own)
    wants = " ".join(f"{name}.service" for name in UNITS)
    (units / "all.target").write_text(f"[Unit]\nDefaultDependencies=no\nWants={wants}\n")
    process = await asyncio.create_subprocess_exec(
        "unshare", "--pid", "--mount", "--cgroup", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child",
        "sh", "-c", BOOT, "sh", f"{units}:/usr/lib/systemd/system", stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(WAIT_S):
            while not all((out / f"{name}.ended").exists() for name in UNITS):
                await asyncio.sleep(0.2)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert {name: (out / name).exists() for name in UNITS} == {name: starts for name, (_, _, starts) in UNITS.items()}
    ended = {name: (out / f"{name}.ended").read_text().strip() for name in UNITS}
    assert ended == {name: "success" if starts else "exec-condition" for name, (_, _, starts) in UNITS.items()}
