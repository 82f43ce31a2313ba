"""Remedies for a login that a host, or its bastion, does not let through to the probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.by_hand import again, as_root, is_own, listed, login_name, ssh, target
from scanner.domain.verdict.remedy.consoles import PROBE_PATH
from scanner.domain.verdict.remedy.trouble import host_word, word
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.verdict.remedy.trouble import Trouble

SECOND_FACTOR = "AuthenticationMethods"
"""The setting of a login by key alone, where sshd wants something besides: what sshd itself calls it."""

IDENTITY_AGENT = "IdentityAgent"
"""The setting of an agent whose keys alone are offered: what ssh itself calls it."""

DOAS_RULES = "/etc/doas.conf"
"""Where doas is told who may what: the file at fault where it is doas that refuses."""

PACKAGES_OF = {"sudo": ("sudo", "sudo", "sudo"), "doas": ("opendoas", "opendoas", "doas")}
"""The packages of Debian, Fedora, Alpine that bring what the probe becomes root by."""

UNBELIEVED = frozenset({Reason.HOST_KEY_UNKNOWN, Reason.HOST_KEY_CHANGED})
"""Of a host key that nobody has vouched for."""


def _sudo_refused(t: Trouble) -> Fix:
    user = login_name(t)
    if t.path == DOAS_RULES:
        line = f"permit nopass {user} cmd {PROBE_PATH} args"
        return Fix(
            f"doas on {t.host} does not let {user} run the probe: give it a line for that ({DOAS_RULES}).",
            (as_root(t, f"echo {line} >>{DOAS_RULES} && doas -C {DOAS_RULES}"), again(t)),
        )
    path = word(t.path, "PROBE") if t.path else PROBE_PATH
    rule = f"archscan probe-script --sudoers --user {user} --path {path}"
    return Fix(
        f"sudo on {t.host} does not let {user} run the probe: install its rule (/etc/sudoers.d/archscan).",
        (f"{rule} | {as_root(t, 'install -m 440 /dev/stdin /etc/sudoers.d/archscan')}", again(t)),
    )


def _probe_missing(t: Trouble) -> Fix:
    path = word(t.path, "PROBE") if t.path else PROBE_PATH
    if path in PACKAGES_OF:
        debian, fedora, alpine = PACKAGES_OF[path]
        installed = f"apt-get install --yes {debian} || dnf install --assumeyes {fedora} || apk add {alpine}"
        return Fix(
            f"{path} is not installed on {t.host}, while the key's forced command runs the probe through it: install {path}.",
            (as_root(t, installed), again(t)),
        )
    return Fix(
        f"The probe is not installed on {t.host}, or not where the key's forced command looks for it ({path}): install it.",
        (f"archscan probe-script | {as_root(t, f'install -D -m 755 /dev/stdin {path}')}", again(t)),
    )


def _shell_refused(t: Trouble) -> Fix:
    """A shell that refuses and a forced command that does end alike, so that only what is no shell is changed."""
    user = login_name(t)
    return Fix(
        f"The login of {user} on {t.host} runs no command. Where its login shell is none (nologin, false, a menu, files only), give the "
        "account one: what the key may run is still only its forced command. Else it is what is forced on the login (ForceCommand or "
        "MaxSessions 0 of sshd, command= of the key): mend that.",
        (
            as_root(
                t, f'getent passwd {user} | grep -E "/(ba|da|k|mk|z|a|c|tc|fi)?sh$" || usermod --shell /bin/sh {user}'
            ),
            as_root(
                t,
                f"/usr/sbin/sshd -T -C user={user},host=any,addr=127.0.0.1 | grep -e ^forcecommand -e ^maxsessions; grep command= ~{user}/.ssh/authorized_keys",
            ),
            again(t),
        ),
    )


def _account_locked(t: Trouble) -> Fix:
    user = login_name(t)
    return Fix(
        f"The account {user} on {t.host} is locked, expired or must change its password: open it again. It needs no password, only its key.",
        (as_root(t, f'chage --expiredate -1 --maxdays -1 {user} && usermod --password "*" {user}'), again(t)),
    )


def _auth_rejected(t: Trouble) -> Fix:
    if t.failure is not None and t.failure.setting == SECOND_FACTOR:
        return _second_factor(t)
    if t.failure is not None and t.failure.setting == IDENTITY_AGENT:
        return _agentless(t)
    if t.failure is not None and t.failure.setting:
        if is_own(t):
            return _keyless(t)
        return Fix(
            f"No key is configured: make one and name it ({t.failure.setting}), or have it all done.",
            ("archscan setup",),
        )
    user = login_name(t)
    if is_own(t):
        return Fix(
            f"{t.host} refused your own keys for {user}: the account is another one, it has none of your keys, or a passphrase locks "
            "the one that it has (ssh-add). What your own ssh says in its place tells which.",
            (f"{ssh(t)} true", _copy_key(t), again(t)),
        )
    return Fix(
        f"{t.host} refused the scanner's key for {user}: the account is not there, the key's line is missing in ~{user}/.ssh/authorized_keys "
        "or is meant for other addresses or days (from=, expiry-time=), others may write that file, the account is another one, it is "
        "locked, its login shell is not there, or sshd lets it in from nowhere (AllowUsers, DenyUsers, AllowGroups) or by no key "
        "(PubkeyAuthentication); the host's own log says which.",
        (
            f"archscan authorized-key --install {user} | {ssh(t, 'root')} sh",
            as_root(t, f"passwd --status {user}; journalctl --unit ssh --lines 20"),
            again(t),
        ),
    )


def _second_factor(t: Trouble) -> Fix:
    user = login_name(t)
    alone = f'printf "Match User {user}\\n  {SECOND_FACTOR} publickey\\n" >/etc/ssh/sshd_config.d/archscan.conf'
    return Fix(
        f"sshd on {t.host} lets {user} in by a key and something else besides ({SECOND_FACTOR}), which nobody is there to give: have it "
        "take the key alone for this account, whose key can run one read-only command.",
        (as_root(t, f"{alone} && sshd -t && systemctl reload ssh"), again(t)),
    )


def _agentless(t: Trouble) -> Fix:
    """On the scanner's machine, as the account that it runs under."""
    socket = word(t.path, "SOCKET")
    return Fix(
        f"No key was shown to {t.host}, for its keys are an agent's alone, and that is gone or holds none: start it, or give it the key "
        "as the account that archscan runs under.",
        (f"SSH_AUTH_SOCK={socket} ssh-add -l", f"SSH_AUTH_SOCK={socket} ssh-add", again(t)),
    )


def _keyless(t: Trouble) -> Fix:
    """A person who has always typed a password."""
    return Fix(
        f"archscan logs in to {t.host} by key, never by password: unlock the key that you have (ssh-add), or make one and bring it there.",
        ("ssh-add || ssh-keygen -t ed25519", _copy_key(t), again(t)),
    )


def _copy_key(t: Trouble) -> str:
    return ssh(t).replace("ssh", "ssh-copy-id", 1).replace(" -J ", " -o ProxyJump=", 1)


def _key_unknown(t: Trouble) -> Fix:
    return Fix(
        f"Nobody has told archscan the host key of {t.host} yet: collect it, compare the fingerprint with the one that its console "
        "shows, then accept it.",
        (f"archscan trust {target(t)}", "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"),
    )


def _key_changed(t: Trouble) -> Fix:
    return Fix(
        f"{t.host} shows another host key than known_hosts has: find out why (reinstalled, another machine at its address, or "
        "somebody in between) before anything is trusted. Only if the fingerprint on its console is the new one, replace it.",
        (
            "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done",
            f"archscan trust --replace {target(t)}",
        ),
    )


def _key_rejected(t: Trouble) -> Fix:
    return Fix(
        f"The host key or certificate of {t.host} must not be believed: it is revoked, expired, or for another name. Issue a new one.",
        ("ssh-keygen -Lf /etc/ssh/ssh_host_ed25519_key-cert.pub",),
    )


def _bastion(t: Trouble) -> Fix:
    """Of a bastion whose key or login is at fault; else what shows more."""
    cause = t.failure.cause if t.failure and not is_own(t) else None
    if cause in UNBELIEVED:
        return Fix(
            f"The host key of the bastion in front of {t.host} is not believed: archscan trust shows it before those behind it. "
            "Compare the fingerprint with the one that the bastion's console shows; of a key that changed find out why first.",
            (f"archscan trust {host_word(t)}", "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"),
        )
    if cause is Reason.HOST_AUTH_REJECTED:
        user = login_name(t)
        return Fix(
            f"The bastion in front of {t.host} refused the scanner's key for {user}: give that account a line that lets the key "
            "pass through, and run nothing.",
            (f"archscan authorized-key --bastion --install {user} | {ssh(t)} sh", again(t)),
        )
    return Fix(
        f"The bastion in front of {t.host} could not be used, so that nothing behind it was tried: its key, login and "
        "AllowTcpForwarding are the first to look at.",
        (*listed(t), f"{ssh(t, options=' -v')} true"),
    )


FIXES: Mapping[Reason, Callable[[Trouble], Fix]] = {
    Reason.HOST_SUDO_REFUSED: _sudo_refused,
    Reason.HOST_PROBE_MISSING: _probe_missing,
    Reason.HOST_SHELL_REFUSED: _shell_refused,
    Reason.HOST_ACCOUNT_LOCKED: _account_locked,
    Reason.HOST_AUTH_REJECTED: _auth_rejected,
    Reason.HOST_KEY_UNKNOWN: _key_unknown,
    Reason.HOST_KEY_CHANGED: _key_changed,
    Reason.HOST_KEY_REJECTED: _key_rejected,
    Reason.HOST_BASTION: _bastion,
}
