"""Remedies for a host that could not be read, or for its engine."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy import consoles
from scanner.domain.verdict.remedy.consoles import PROBE_PATH
from scanner.domain.verdict.remedy.trouble import host_word, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.verdict.remedy.trouble import Trouble

SSH_PORT = 22

SECOND_FACTOR = "AuthenticationMethods"
"""The setting of a login by key alone, where sshd wants something besides: what sshd itself calls it."""

UNBELIEVED = frozenset({Reason.HOST_KEY_UNKNOWN, Reason.HOST_KEY_CHANGED})
"""Of a host key that nobody has vouched for."""


def ssh(t: Trouble, user: str = "", options: str = "") -> str:
    """The command that logs in to the host by hand, as ``user`` or as the scanner does."""
    failure = t.failure
    name = word(failure.host, "HOST") if failure and failure.host else host_word(t)
    port = f" -p {failure.port}" if failure and failure.port not in {0, SSH_PORT} else ""
    through = f" -J {word(failure.jump, 'BASTION')}" if failure and failure.jump else ""
    who = user or _user(t)
    return f"ssh{options}{through}{port} {who}@{name}"


def _user(t: Trouble) -> str:
    return word(t.failure.user, "USER") if t.failure and t.failure.user else "archscan"


def _as_root(t: Trouble, command: str) -> str:
    return f"{ssh(t, 'root')} '{command}'"


def _again(t: Trouble) -> str:
    if _is_own(t):
        return f"archscan scan {_target(t)}"
    return f"archscan inventory --check --host {host_word(t)}"


def _is_own(t: Trouble) -> bool:
    """Whether a person asked as their own ssh would, with no inventory that knows the host."""
    return t.failure is not None and t.failure.is_own


def _target(t: Trouble) -> str:
    """What ``archscan trust`` takes for it."""
    if t.failure is None or not _is_own(t):
        return host_word(t)
    port = f":{t.failure.port}" if t.failure.port not in {0, SSH_PORT} else ""
    name = word(t.failure.host, "HOST")
    return f"{_user(t)}@{f'[{name}]' if ':' in name else name}{port}"


def _by(t: Trouble) -> str:
    """The setting that would permit it, as whoever met the trouble called it."""
    return f" ({t.failure.setting})" if t.failure and t.failure.setting else ""


def _listed(t: Trouble) -> tuple[str, ...]:
    return () if _is_own(t) else (f"archscan inventory --host {host_word(t)}",)


def _sudo_refused(t: Trouble) -> Fix:
    path = word(t.path, "PROBE") if t.path else PROBE_PATH
    user = _user(t)
    rule = f"archscan probe-script --sudoers --user {user} --path {path}"
    return Fix(
        f"sudo on {t.host} does not let {user} run the probe: install its rule (/etc/sudoers.d/archscan).",
        (f"{rule} | {_as_root(t, 'install -m 440 /dev/stdin /etc/sudoers.d/archscan')}", _again(t)),
    )


def _probe_missing(t: Trouble) -> Fix:
    path = word(t.path, "PROBE") if t.path else PROBE_PATH
    if path == "sudo":
        return Fix(
            f"sudo is not installed on {t.host}, while the key's forced command runs the probe through it: install sudo.",
            (_as_root(t, "apt-get install --yes sudo || dnf install --assumeyes sudo || apk add sudo"), _again(t)),
        )
    return Fix(
        f"The probe is not installed on {t.host}, or not where the key's forced command looks for it ({path}): install it.",
        (f"archscan probe-script | {_as_root(t, f'install -D -m 755 /dev/stdin {path}')}", _again(t)),
    )


def _shell_refused(t: Trouble) -> Fix:
    """A shell that refuses and a forced command that does end alike, so that only what is no shell is changed."""
    user = _user(t)
    return Fix(
        f"The login of {user} on {t.host} runs no command. Where its login shell is none (nologin, false, a menu, files only), give the "
        "account one: what the key may run is still only its forced command. Else it is what is forced on the login (ForceCommand or "
        "MaxSessions 0 of sshd, command= of the key): mend that.",
        (
            _as_root(
                t, f'getent passwd {user} | grep -E "/(ba|da|k|mk|z|a|c|tc|fi)?sh$" || usermod --shell /bin/sh {user}'
            ),
            _as_root(
                t,
                f"/usr/sbin/sshd -T -C user={user},host=any,addr=127.0.0.1 | grep -e ^forcecommand -e ^maxsessions; grep command= ~{user}/.ssh/authorized_keys",
            ),
            _again(t),
        ),
    )


def _account_locked(t: Trouble) -> Fix:
    user = _user(t)
    return Fix(
        f"The account {user} on {t.host} is locked, expired or must change its password: open it again. It needs no password, only its key.",
        (_as_root(t, f'chage --expiredate -1 --maxdays -1 {user} && usermod --password "*" {user}'), _again(t)),
    )


def _auth_rejected(t: Trouble) -> Fix:
    if t.failure is not None and t.failure.setting == SECOND_FACTOR:
        return _second_factor(t)
    if t.failure is not None and t.failure.setting:
        if _is_own(t):
            return _keyless(t)
        return Fix(
            f"No key is configured: make one and name it ({t.failure.setting}), or have it all done.",
            ("archscan setup",),
        )
    user = _user(t)
    if _is_own(t):
        return Fix(
            f"{t.host} refused your own keys for {user}: the account is another one, it has none of your keys, or a passphrase locks "
            "the one that it has (ssh-add). What your own ssh says in its place tells which.",
            (f"{ssh(t)} true", _copy_key(t), _again(t)),
        )
    return Fix(
        f"{t.host} refused the scanner's key for {user}: the account is not there, the key's line is missing in ~{user}/.ssh/authorized_keys "
        "or is meant for other addresses or days (from=, expiry-time=), others may write that file, the account is another one, it is "
        "locked, its login shell is not there, or sshd lets it in from nowhere (AllowUsers, DenyUsers, AllowGroups) or by no key "
        "(PubkeyAuthentication); the host's own log says which.",
        (
            f"archscan authorized-key --install {user} | {ssh(t, 'root')} sh",
            _as_root(t, f"passwd --status {user}; journalctl --unit ssh --lines 20"),
            _again(t),
        ),
    )


def _second_factor(t: Trouble) -> Fix:
    user = _user(t)
    alone = f'printf "Match User {user}\\n  {SECOND_FACTOR} publickey\\n" >/etc/ssh/sshd_config.d/archscan.conf'
    return Fix(
        f"sshd on {t.host} lets {user} in by a key and something else besides ({SECOND_FACTOR}), which nobody is there to give: have it "
        "take the key alone for this account, whose key can run one read-only command.",
        (_as_root(t, f"{alone} && sshd -t && systemctl reload ssh"), _again(t)),
    )


def _keyless(t: Trouble) -> Fix:
    """A person who has always typed a password."""
    return Fix(
        f"archscan logs in to {t.host} by key, never by password: unlock the key that you have (ssh-add), or make one and bring it there.",
        ("ssh-add || ssh-keygen -t ed25519", _copy_key(t), _again(t)),
    )


def _copy_key(t: Trouble) -> str:
    return ssh(t).replace("ssh", "ssh-copy-id", 1).replace(" -J ", " -o ProxyJump=", 1)


def _prepend(user: str) -> str:
    """What puts a line in front of an account's keys: of two lines with one key sshd believes the first."""
    return f"f=~{user}/.ssh/authorized_keys; cat - $f >$f.new && cat $f.new >$f && rm $f.new"


def _key_unknown(t: Trouble) -> Fix:
    return Fix(
        f"Nobody has told archscan the host key of {t.host} yet: collect it, compare the fingerprint with the one that its console "
        "shows, then accept it.",
        (f"archscan trust {_target(t)}", "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"),
    )


def _key_changed(t: Trouble) -> Fix:
    return Fix(
        f"{t.host} shows another host key than known_hosts has: find out why (reinstalled, another machine at its address, or "
        "somebody in between) before anything is trusted. Only if the fingerprint on its console is the new one, replace it.",
        (
            "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done",
            f"archscan trust --replace {_target(t)}",
        ),
    )


def _key_rejected(t: Trouble) -> Fix:
    return Fix(
        f"The host key or certificate of {t.host} must not be believed: it is revoked, expired, or for another name. Issue a new one.",
        ("ssh-keygen -Lf /etc/ssh/ssh_host_ed25519_key-cert.pub",),
    )


def _timeout(t: Trouble) -> Fix:
    is_in = t.failure is not None and t.failure.setting == "ssh.probe_timeout"
    first = "" if is_in else "its address, its port, or a firewall that drops what comes is the first to look at; else "
    return Fix(
        f"{t.host} did not answer in time: {first}give it longer{'' if _is_own(t) else _by(t)}. A login takes five round trips, which a "
        "slow line makes long; many containers make the probe's answer long.",
        (f"time {ssh(t)} true", _again(t)),
    )


def _unreachable(t: Trouble) -> Fix:
    if t.failure is not None and (address := word(t.failure.address, "")):
        lacks = "IPv6, or no way to that network" if ":" in address else "way to that network"
        return Fix(
            f"The machine that archscan runs on has no {lacks}, while {t.host} is at {address}: give it one, name another address "
            "of the host, or a bastion that has a way there (jump).",
            (f"ip route get {address}", *_listed(t)),
        )
    return Fix(
        f"Nothing answers at the address of {t.host}: look at the address and port in the inventory, the host, the firewall, "
        "the bastion (jump).",
        (*_listed(t), f"{ssh(t, options=' -v')} true"),
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
            f"archscan probe-script | {_as_root(t, f'install -D -m 755 /dev/stdin {PROBE_PATH}')}",
        ),
    )


def _incomplete(t: Trouble) -> Fix:
    return Fix(
        f"The login to {t.host} ended before the answer did: try the same by hand, where its own words are shown. A start file of the "
        "account's shell that ends it or starts something else (exit, exec tmux) must not where there is no terminal.",
        (f"archscan probe-script | {ssh(t)} sh -s", _again(t)),
    )


def _protocol(t: Trouble) -> Fix:
    if t.failure is not None and not t.failure.setting:
        return Fix(
            f"What answers at the port of {t.host} is no SSH server: correct the port or the address.",
            (*_listed(t), f"{ssh(t, options=' -v')} true"),
        )
    return Fix(
        f"{t.host} speaks another SSH than archscan accepts (old algorithms, or no SSH at all on that port): see what it offers. "
        f"What only knows older ones than archscan speaks gets a profile for its name{_by(t)}: dropbear, or legacy where that "
        "is not enough.",
        (f"{ssh(t, options=' -vv')} true", *_listed(t)),
    )


def _bastion(t: Trouble) -> Fix:
    """Of a bastion whose key or login is at fault; else what shows more."""
    cause = t.failure.cause if t.failure and not _is_own(t) else None
    if cause in UNBELIEVED:
        return Fix(
            f"The host key of the bastion in front of {t.host} is not believed: archscan trust shows it before those behind it. "
            "Compare the fingerprint with the one that the bastion's console shows; of a key that changed find out why first.",
            (f"archscan trust {host_word(t)}", "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"),
        )
    if cause is Reason.HOST_AUTH_REJECTED:
        user = _user(t)
        return Fix(
            f"The bastion in front of {t.host} refused the scanner's key for {user}: give that account a line that lets the key "
            "pass through, and run nothing.",
            (f"archscan authorized-key --bastion --install {user} | {ssh(t)} sh", _again(t)),
        )
    return Fix(
        f"The bastion in front of {t.host} could not be used, so that nothing behind it was tried: its key, login and "
        "AllowTcpForwarding are the first to look at.",
        (*_listed(t), f"{ssh(t, options=' -v')} true"),
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
    return Fix(f"The answer of {t.host} is longer than what is read of one: allow more{_by(t)}.", (_again(t),))


def _engine_down(t: Trouble) -> Fix:
    summary, command = consoles.restarted(t)
    return Fix(summary, (f"{ssh(t, 'root')} {shlex.quote(command)}", _again(t)))


def _engine_denied(t: Trouble) -> Fix:
    user = _user(t)
    return Fix(
        f"The scanner's account on {t.host} may not ask the engine: install the probe with its sudo rule, which is less than membership "
        "in the docker group (that is as good as root).",
        (
            f"archscan probe-script | {_as_root(t, f'install -D -m 755 /dev/stdin {PROBE_PATH}')}",
            f"archscan probe-script --sudoers --user {user} | {_as_root(t, 'install -m 440 /dev/stdin /etc/sudoers.d/archscan')}",
            f"archscan authorized-key | {_as_root(t, _prepend(user))}",
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
        ("archscan worker --help", _again(t)),
    )


def _not_understood(_: Trouble) -> Fix:
    return Fix(
        "The inventory says of this host what cannot be understood: mend the line that the detail names.",
        ("archscan config check",),
    )


FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    Reason.HOST_NOT_UNDERSTOOD: _not_understood,
    Reason.HOST_SUDO_REFUSED: _sudo_refused,
    Reason.HOST_PROBE_MISSING: _probe_missing,
    Reason.HOST_SHELL_REFUSED: _shell_refused,
    Reason.HOST_ACCOUNT_LOCKED: _account_locked,
    Reason.HOST_AUTH_REJECTED: _auth_rejected,
    Reason.HOST_KEY_UNKNOWN: _key_unknown,
    Reason.HOST_KEY_CHANGED: _key_changed,
    Reason.HOST_KEY_REJECTED: _key_rejected,
    Reason.HOST_TIMEOUT: _timeout,
    Reason.HOST_REFUSED: _unreachable,
    Reason.HOST_UNREACHABLE: _unreachable,
    Reason.HOST_NAME: _name,
    Reason.HOST_MALFORMED: _malformed,
    Reason.HOST_INCOMPLETE: _incomplete,
    Reason.HOST_PROTOCOL: _protocol,
    Reason.HOST_BASTION: _bastion,
    Reason.HOST_NO_WORKER: _no_worker,
    Reason.HOST_TOO_LARGE: _too_large,
    Reason.HOST_STALE: _stale,
    Reason.ENGINE_DOWN: _engine_down,
    Reason.ENGINE_DENIED: _engine_denied,
    Reason.ENGINE_ABSENT: _engine_absent,
}
