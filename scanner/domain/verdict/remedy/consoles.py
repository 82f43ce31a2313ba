"""Remedies for a machine to which no login leads, this one or one that pushes: each is typed at its console."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from scanner.domain.failure import Reach
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.trouble import host_word, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.verdict.remedy.trouble import Trouble

PROBE_PATH = "/usr/local/libexec/archscan-probe"
"""Where the documentation installs the probe."""

_ENGINE_OF = {"podman": "podman", "quadlet": "podman", "containerd": "containerd"}
"""The engine by what told of the workload, where no more is known; every other plan asks Docker first."""

PUSH_PATH = "/usr/local/libexec/archscan-push"
"""What pushes its answer, beside it."""


def is_at_one(t: Trouble) -> bool:
    """Whether no login leads to the host."""
    return t.failure is not None and t.failure.reach is not Reach.LOGIN


def restarted(t: Trouble) -> tuple[str, str]:
    """What is to be done about an engine that does not answer, with root's command for it."""
    kind = str(t.engine or _ENGINE_OF.get(t.workload.source if t.workload else "", "docker"))
    if kind != "podman":
        command = f"systemctl restart {kind}; journalctl --unit {kind} --lines 20"
        return f"The container engine on {t.host} does not answer: start it.", command
    part, _, owner = t.workload.name.partition(":") if t.workload else ("", "", "")
    asks = f"su -s /bin/sh {word(owner, 'OWNER')} -c 'podman info'" if part == kind and owner else "podman info"
    return f"Podman on {t.host}, which needs no service, does not answer: mend what it says of itself there.", asks


def _is_here(t: Trouble) -> bool:
    return t.failure is not None and t.failure.reach is Reach.HERE


def _probe(t: Trouble) -> str:
    """The question of a scan, asked by hand."""
    return "archscan probe-script | sh -s" if _is_here(t) else f"{t.become} {PROBE_PATH}"


def _anew(t: Trouble) -> tuple[str, ...]:
    return () if _is_here(t) else (f"{t.become} {PUSH_PATH}",)


def set_up_push(t: Trouble) -> str:
    """What prepares a host to push; the server is called as the host reaches it."""
    return f"archscan setup push {host_word(t)} --server URL"


def _engine_down(t: Trouble) -> Fix:
    summary, command = restarted(t)
    return Fix(summary, (f"{t.become} sh -c {shlex.quote(command)}", *_anew(t)))


def _engine_denied(t: Trouble) -> Fix:
    if not _is_here(t):
        return Fix(
            f"What pushes on {t.host} runs as an account that may not ask the engine: have root push.",
            (set_up_push(t),),
        )
    return Fix(
        f"archscan runs on {t.host} as an account that may not ask the engine: run it as root, or let the account ask (the docker "
        "group, which is as good as root; of a service SupplementaryGroups= in its unit).",
        (f'{t.become} "$(command -v archscan)" scan --host {host_word(t)}',),
    )


def _timeout(t: Trouble) -> Fix:
    by = f" ({t.failure.setting})" if t.failure and t.failure.setting else ""
    return Fix(
        f"The probe on {t.host} did not end in time: give it longer{by}. Many containers make its answer long.",
        (f"time sh -c {shlex.quote(f'{_probe(t)} >/dev/null')}",),
    )


def _no_answer(t: Trouble) -> Fix:
    """The probe failed, or what came is none of its answers."""
    if _is_here(t):
        return Fix(
            f"The probe gave no whole answer on {t.host}: run it by hand, where its own words are shown.", (_probe(t),)
        )
    if t.path:
        return Fix(
            f"What {t.host} pushed cannot be kept or read here: mend what the detail names.",
            (f"ls -ld {word(t.path, 'PATH')}",),
        )
    return Fix(
        f"What {t.host} pushed is no whole answer of the probe: see on it what the probe says, then push anew.",
        (_probe(t), *_anew(t)),
    )


def _no_shell(t: Trouble) -> Fix:
    return Fix(f"/bin/sh of {t.host} does not start, as the detail says: mend that.", ("/bin/sh -c true",))


def _too_large(t: Trouble) -> Fix:
    by = (
        f": allow more ({t.failure.setting}), or"
        if t.failure and t.failure.setting
        else ", and no setting allows more:"
    )
    return Fix(
        f"The answer of {t.host} is longer than what is read of one{by} see what it is full of. Containers that ended long ago and "
        "old plan files are what can be taken away.",
        (f"{_probe(t)} >answer; wc answer; grep -a ^@section answer | sort -n -k 3 | tail",),
    )


FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    Reason.HOST_TIMEOUT: _timeout,
    Reason.HOST_INCOMPLETE: _no_answer,
    Reason.HOST_MALFORMED: _no_answer,
    Reason.HOST_PROTOCOL: _no_shell,
    Reason.HOST_TOO_LARGE: _too_large,
    Reason.ENGINE_DOWN: _engine_down,
    Reason.ENGINE_DENIED: _engine_denied,
}
"""Instead of what is done by a login."""
