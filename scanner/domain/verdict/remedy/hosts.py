"""Remedies for a host that could not be read, or for its engine."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy import consoles, logins
from scanner.domain.verdict.remedy.by_hand import again, as_root, by_setting, is_own, listed, login_name, ssh
from scanner.domain.verdict.remedy.consoles import PROBE_PATH
from scanner.domain.verdict.remedy.trouble import host_word, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.verdict.remedy.trouble import Trouble


def _prepend(user: str) -> str:
    """What puts a line in front of an account's keys: of two lines with one key sshd believes the first."""
    return f"f=~{user}/.ssh/authorized_keys; cat - $f >$f.new && cat $f.new >$f && rm $f.new"


def _timeout(t: Trouble) -> Fix:
    is_in = t.failure is not None and t.failure.setting == "ssh.probe_timeout"
    first = "" if is_in else "its address, its port, or a firewall that drops what comes is the first to look at; else "
    return Fix(
        f"{t.host} did not answer in time: {first}give it longer{'' if is_own(t) else by_setting(t)}. A login takes five round trips, which a "
        "slow line makes long; many containers make the probe's answer long.",
        (f"time {ssh(t)} true", again(t)),
    )


def _unreachable(t: Trouble) -> Fix:
    if t.failure is not None and (address := word(t.failure.address, "")):
        lacks = "IPv6, or no way to that network" if ":" in address else "way to that network"
        return Fix(
            f"The machine that archscan runs on has no {lacks}, while {t.host} is at {address}: give it one, name another address "
            "of the host, or a bastion that has a way there (jump).",
            (f"ip route get {address}", *listed(t)),
        )
    return Fix(
        f"Nothing answers at the address of {t.host}: look at the address and port in the inventory, the host, the firewall, "
        "the bastion (jump).",
        (*listed(t), f"{ssh(t, options=' -v')} true"),
    )


def _name(t: Trouble) -> Fix:
    if t.failure is not None and "%" in t.failure.host:
        zone = t.failure.host.rpartition("%")[2]
        return Fix(
            f"The machine that archscan runs on has no interface {zone}, by which {t.host} is to be reached: name one that it has.",
            ("ip -brief link",),
        )
    return Fix(
        f"The name of {t.host} leads to no address: correct it, or give the host an address in the inventory.",
        (f"getent hosts {word(t.failure.host, 'NAME') if t.failure and t.failure.host else host_word(t)}",),
    )


def _malformed(t: Trouble) -> Fix:
    return Fix(
        f"Something other than the probe answered on {t.host}: what the login prints of its own (a profile's echo, a menu) must be silent "
        "where there is no terminal, and a forced command must run the probe.",
        (
            f"{ssh(t, options=' -T')} true",
            f"archscan probe-script | {as_root(t, f'install -D -m 755 /dev/stdin {PROBE_PATH}')}",
        ),
    )


def _incomplete(t: Trouble) -> Fix:
    return Fix(
        f"The login to {t.host} ended before the answer did: try the same by hand, where its own words are shown. A start file of the "
        "account's shell that ends it or starts something else (exit, exec tmux) must not where there is no terminal.",
        (f"archscan probe-script | {ssh(t)} sh -s", again(t)),
    )


def _protocol(t: Trouble) -> Fix:
    if t.failure is not None and not t.failure.setting:
        return Fix(
            f"What answers at the port of {t.host} is no SSH server: correct the port or the address.",
            (*listed(t), f"{ssh(t, options=' -v')} true"),
        )
    made = " in an archscan.yml, which archscan setup makes" if is_own(t) else ""
    return Fix(
        f"{t.host} speaks another SSH than archscan accepts (old algorithms, or no SSH at all on that port): see what it offers. "
        f"What only knows older ones than archscan speaks gets a profile for its name{by_setting(t)}{made}: dropbear, or legacy where "
        "that is not enough.",
        (f"{ssh(t, options=' -vv')} true", *listed(t)),
    )


def _too_large(t: Trouble) -> Fix:
    """Of a limit that the configuration has; else what shows who or what makes it so long."""
    if t.failure is not None and not t.failure.setting:
        return Fix(
            f"The answer of {t.host} goes beyond what is read of any, and no setting allows more: see what it is full of. "
            "A fleet's usual answers are far below; containers that ended long ago and old plan files are what can be taken away.",
            (
                f"archscan probe-script | {ssh(t)} sh -s >answer; wc answer; grep -a ^@section answer | sort -n -k 3 | tail",
            ),
        )
    return Fix(f"The answer of {t.host} is longer than what is read of one: allow more{by_setting(t)}.", (again(t),))


def _engine_down(t: Trouble) -> Fix:
    summary, command = consoles.restarted(t)
    return Fix(summary, (f"{ssh(t, 'root')} {shlex.quote(command)}", again(t)))


def _engine_denied(t: Trouble) -> Fix:
    user = login_name(t)
    return Fix(
        f"The scanner's account on {t.host} may not ask the engine: install the probe with its sudo rule, which is less than membership "
        "in the docker group (that is as good as root).",
        (
            f"archscan probe-script | {as_root(t, f'install -D -m 755 /dev/stdin {PROBE_PATH}')}",
            f"archscan probe-script --sudoers --user {user} | {as_root(t, 'install -m 440 /dev/stdin /etc/sudoers.d/archscan')}",
            f"archscan authorized-key | {as_root(t, _prepend(user))}",
        ),
    )


def _engine_absent(t: Trouble) -> Fix:
    return Fix(f"No container engine was found on {t.host}: install one, or take the planned image off this host.")


def _stale(t: Trouble) -> Fix:
    """A host that pushes and does not; of others the gate says what is to be done."""
    if t.failure is None or not t.failure.setting:
        return Fix("Scan the host, then ask again.", (f"archscan scan --host {host_word(t)}",))
    if t.failure.path:
        return Fix(
            f"By this machine's clock {t.failure.path} is of a time to come: set the clock right, here or of whatever "
            f"put it there, and have {t.host} push again.",
            (f"archscan scan --host {host_word(t)}",),
        )
    return Fix(
        f"{t.host} is to push its answers by itself: see on it why its timer does not, or set that up.",
        (
            consoles.set_up_push(t),
            f"ssh {host_word(t)} systemctl status archscan-push.timer archscan-push.service",
        ),
    )


def _no_worker(t: Trouble) -> Fix:
    return Fix(
        f"Start a worker, of the same archscan, from where {t.host} can be reached; one that reads the hosts of a zone is told which.",
        ("archscan worker --help", again(t)),
    )


def _not_understood(_: Trouble) -> Fix:
    return Fix(
        "The inventory says of this host what cannot be understood: mend the line that the detail names.",
        ("archscan config check",),
    )


FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    **logins.FIXES,
    Reason.HOST_NOT_UNDERSTOOD: _not_understood,
    Reason.HOST_TIMEOUT: _timeout,
    Reason.HOST_REFUSED: _unreachable,
    Reason.HOST_UNREACHABLE: _unreachable,
    Reason.HOST_NAME: _name,
    Reason.HOST_MALFORMED: _malformed,
    Reason.HOST_INCOMPLETE: _incomplete,
    Reason.HOST_PROTOCOL: _protocol,
    Reason.HOST_NO_WORKER: _no_worker,
    Reason.HOST_TOO_LARGE: _too_large,
    Reason.HOST_STALE: _stale,
    Reason.ENGINE_DOWN: _engine_down,
    Reason.ENGINE_DENIED: _engine_denied,
    Reason.ENGINE_ABSENT: _engine_absent,
}
