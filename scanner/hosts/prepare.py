"""The script that gives archscan on a host its account, probe, sudo rule or key line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from scanner.hosts.least_privilege import PROBE_PATH, authorized_key_line, sudoers_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCRIPT = """\
#!/bin/sh
# Prepares this host for archscan: an account that can run one read-only script as root, nothing else. Can be run again.
set -eu
user={user}
probe={probe}
id "$user" >/dev/null 2>&1 ||
  useradd --system --create-home --home-dir "/var/lib/$user" --shell /bin/sh "$user" 2>/dev/null ||
  adduser -S -D -h "/var/lib/$user" -s /bin/sh "$user"
# No password opens the account, and sshd takes it for locked with "!" in the place of one.
usermod --password '*' "$user" 2>/dev/null || sed -i "s/^$user:!:/$user:*:/" /etc/shadow
home=$(getent passwd "$user" 2>/dev/null | cut -d: -f6)
[ -n "$home" ] || home=$(awk -F: -v u="$user" '$1 == u {{ print $6 }}' /etc/passwd)
mkdir -p "$(dirname "$probe")" "$home/.ssh" /etc/sudoers.d
cat >"$probe.new" <<'ARCHSCAN_PROBE'
{script}ARCHSCAN_PROBE
chmod 755 "$probe.new"
mv "$probe.new" "$probe"
cat >/etc/sudoers.d/archscan.new <<'ARCHSCAN_RULE'
{rule}ARCHSCAN_RULE
chmod 440 /etc/sudoers.d/archscan.new
mv /etc/sudoers.d/archscan.new /etc/sudoers.d/archscan
cat >"$home/.ssh/authorized_keys.new" <<'ARCHSCAN_KEY'
{line}ARCHSCAN_KEY
mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
chmod 700 "$home/.ssh"
chmod 600 "$home/.ssh/authorized_keys"
chown -R "$user" "$home/.ssh"
command -v sudo >/dev/null 2>&1 || echo "archscan: sudo is not installed here: install it" >&2
echo "archscan: $(hostname) is prepared"
"""


def preparation(
    user: str, public_key: str, script: bytes, from_addresses: Sequence[str] = (), path: str = PROBE_PATH
) -> str:
    """A POSIX script for root on a host; it writes the same five things however often it is run.

    Raises:
        ValueError: not a login name, public key, address or plain absolute path.
    """
    return _SCRIPT.format(
        user=shlex.quote(user),
        probe=shlex.quote(path),
        script=script.decode(),
        rule=sudoers_rule(user, path),
        line=authorized_key_line(public_key, from_addresses, path),
    )
