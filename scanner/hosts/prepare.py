"""The script that gives a host the account, program, sudo rule or key line of one of archscan's two scripts."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.hosts.least_privilege import PROBE_PATH, authorized_key_line, sudoers_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCRIPT = """\
#!/bin/sh
# Prepares this host for {for_whom}: an account that can run one {kind} script as root, nothing else. Can be run again.
set -eu
user={user}
path={path}
login={login}
id "$user" >/dev/null 2>&1 ||
  useradd --system --create-home --home-dir "$login" --shell /bin/sh "$user" 2>/dev/null ||
  adduser -S -D -h "$login" -s /bin/sh "$user"
# No password opens the account, and sshd takes it for locked with "!" in the place of one.
usermod --password '*' "$user" 2>/dev/null || sed -i "s/^$user:!:/$user:*:/" /etc/shadow
home=$(getent passwd "$user" 2>/dev/null | cut -d: -f6)
[ -n "$home" ] || home=$(awk -F: -v u="$user" '$1 == u {{ print $6 }}' /etc/passwd)
mkdir -p "$(dirname "$path")" "$home/.ssh" /etc/sudoers.d
cat >"$path.new" <<'ARCHSCAN_SCRIPT'
{script}ARCHSCAN_SCRIPT
chmod 755 "$path.new"
mv "$path.new" "$path"
cat >/etc/sudoers.d/{rule_name}.new <<'ARCHSCAN_RULE'
{rule}ARCHSCAN_RULE
chmod 440 /etc/sudoers.d/{rule_name}.new
mv /etc/sudoers.d/{rule_name}.new /etc/sudoers.d/{rule_name}
cat >"$home/.ssh/authorized_keys.new" <<'ARCHSCAN_KEY'
{line}ARCHSCAN_KEY
mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
chmod 700 "$home/.ssh"
chmod 600 "$home/.ssh/authorized_keys"
chown -R "$user" "$home/.ssh"
command -v sudo >/dev/null 2>&1 || echo "archscan: sudo is not installed here: install it" >&2
echo "archscan: $(hostname) is prepared for {for_whom}"
"""


@dataclass(frozen=True, slots=True)
class Role:
    """One of the two scripts: who asks for it, what it does, where its sudo rule stands, the end of its account's home."""

    for_whom: str
    kind: str
    rule_name: str
    home_end: str = ""


PROBE = Role("archscan", "read-only", "archscan")
ROLLBACK = Role("archscan rollback-agent", "small", "archscan-rollback", "-login")
"""Its home is not where the script keeps its journal."""


def preparation(  # noqa: PLR0913, PLR0917 -- what is written, each by its own name
    user: str,
    public_key: str,
    script: bytes,
    from_addresses: Sequence[str] = (),
    path: str = PROBE_PATH,
    role: Role = PROBE,
) -> str:
    """A POSIX script for root on a host; it writes the same five things however often it is run.

    Raises:
        ValueError: not a login name, public key, address or plain absolute path.
    """
    return _SCRIPT.format(
        for_whom=role.for_whom,
        kind=role.kind,
        rule_name=role.rule_name,
        user=shlex.quote(user),
        path=shlex.quote(path),
        login=shlex.quote(f"/var/lib/{user}{role.home_end}"),
        script=script.decode(),
        rule=sudoers_rule(user, path),
        line=authorized_key_line(public_key, from_addresses, path),
    )
