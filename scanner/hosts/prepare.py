"""The script that gives a host the account, program, sudo rule or key line of one of archscan's two scripts."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.hosts.least_privilege import (
    PROBE_PATH,
    SSH_PORT,
    authorized_key_line,
    bastion_key_line,
    checked_login,
    forced_command,
    sudoers_rule,
)
from scanner.hosts.public_key import checked as public_key_line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_ACCOUNT = """\
set -eu
user={user}
login={login}
id "$user" >/dev/null 2>&1 ||
  useradd --system --create-home --home-dir "$login" --shell /bin/sh "$user" 2>/dev/null ||
  adduser -S -D -h "$login" -s /bin/sh "$user"
# No password opens a new account, and sshd takes it for locked with "!" in the place of one. Any other password stays.
case $(awk -F: -v u="$user" '$1 == u {{ print $2 }}' /etc/shadow 2>/dev/null) in
'!' | '!!' | '!*') usermod --password '*' "$user" 2>/dev/null ||
  sed -i "s/^$(echo "$user" | sed 's/[.$]/[&]/g'):!!*[*]*:/$user:*:/" /etc/shadow ;;
esac
home=$(getent passwd "$user" 2>/dev/null | cut -d: -f6)
[ -n "$home" ] || home=$(awk -F: -v u="$user" '$1 == u {{ print $6 }}' /etc/passwd)
"""
"""The account, which may have been there with keys or a password of its own."""

_KEY_LINE = """\
[ -e "$home" ] || {{ mkdir -p "$home"; chown -h "$user" "$home"; }}
# The account itself writes its keys: no link in its folder can lead to what it could not read or write anyway.
as_account() {{
  if [ "$(id -u)" = 0 ]; then su -s /bin/sh -c '/bin/sh -s' "$user"; else /bin/sh -s; fi
}}
shell=$(awk -F: -v u="$user" '$1 == u {{ print $7 }}' /etc/passwd)
[ -z "$shell" ] || [ -x "$shell" ] || {{
  echo "archscan: the login shell of $user, $shell, is not there, so sshd lets nobody in: usermod --shell /bin/sh $user" >&2
  exit 1
}}
# What StrictModes asks of it. Debian's sshd alone lets a group write of which the account is the only member.
listed() {{ getent "$1" 2>/dev/null || cat "/etc/$1"; }}
is_debian_s() {{ [ -x /usr/sbin/sshd ] && ssh -V 2>&1 | grep -q -E 'Debian|Ubuntu|Raspbian'; }}
is_its_own() {{ # an owner, a group
  {{ listed passwd; listed group; }} | awk -F: -v uid="$uid" -v owner="$1" -v gid="$2" '
    NF == 7 && $4 == gid {{ members++; if ($3 != uid) exit }}
    NF == 7 && $3 == owner && name == "" {{ name = $1 }}
    NF == 4 && $3 == gid {{ if ($4 == "" ? members : $4 == name) found = 1; exit }}
    END {{ exit !found }}'
}}
uid=$(id -u "$user")
ls -ldn "$home/." | {{
  read -r modes _ owner group _
  case $owner in 0 | "$uid") ;; *) exit 1 ;; esac
  case $modes in
  ????????w*) exit 1 ;;
  ?????w*) is_debian_s && is_its_own "$owner" "$group" ;;
  esac
}} || {{
  echo "archscan: others own $home or may write it, so sshd believes no key in it: chown $user $home; chmod go-w $home" >&2
  exit 1
}}
export home
as_account <<'ARCHSCAN_AS_ACCOUNT'
set -eu
umask 077
stop() {{ echo "archscan: $*" >&2; exit 1; }}
folder=$home/.ssh
keys=$folder/authorized_keys
for one in "$folder" "$keys"; do
  [ ! -L "$one" ] || stop "$one is a link, through which nothing is written"
done
mkdir -p "$folder"
chmod 700 "$folder"
new=$(mktemp "$folder/.archscan.XXXXXX")
trap 'rm -f "$new"' EXIT
key={key} forced={forced}
export key forced
[ ! -e "$keys" ] || [ -f "$keys" ] || stop "$keys is not a file"
if [ -e "$keys" ]; then
  # Other keys of the account stay; of this one, or of an earlier one for the same, no other line.
  LC_ALL=C awk '
    /^[ \\t]*#/ {{ print; next }}
    {{ at = index($0, ENVIRON["key"]); command = index(tolower($0), "command=") }}
    at && (!command || command > at) {{ exit 3 }}
    !at && !index($0, ENVIRON["forced"]) {{ print }}
  ' "$keys" >"$new" || {{
    [ "$?" = 3 ] || stop "$keys cannot be read, so it stays as it is"
    stop "this key opens a shell here: give archscan a key of its own (archscan setup makes one)"
  }}
fi
cat >>"$new" <<'ARCHSCAN_KEY'
{line}ARCHSCAN_KEY
chmod 600 "$new"
if cmp -s "$new" "$keys" 2>/dev/null; then
  chmod 600 "$keys"
else
  mv -f "$new" "$keys"
  echo "archscan: wrote $keys"
fi
ARCHSCAN_AS_ACCOUNT
"""

_SCRIPT = (
    """\
#!/bin/sh
# Prepares this host for {for_whom}: an account that can run one {kind} script as root, nothing else. Can be run again.
"""
    + _ACCOUNT
    + """\
path={path}
mkdir -p "$(dirname "$path")" /etc/sudoers.d
cat >"$path.new" <<'ARCHSCAN_SCRIPT'
{script}ARCHSCAN_SCRIPT
chmod 755 "$path.new"
mv "$path.new" "$path"
cat >/etc/sudoers.d/{rule_name}.new <<'ARCHSCAN_RULE'
{rule}ARCHSCAN_RULE
chmod 440 /etc/sudoers.d/{rule_name}.new
mv /etc/sudoers.d/{rule_name}.new /etc/sudoers.d/{rule_name}
"""
    + _KEY_LINE
    + """\
command -v sudo >/dev/null 2>&1 || echo "archscan: sudo is not installed here: install it" >&2
echo "archscan: $(hostname) is prepared for {for_whom}"
"""
)

_BASTION = (
    """\
#!/bin/sh
# Lets archscan's key through this bastion, where it can run nothing. Can be run again.
"""
    + _ACCOUNT
    + _KEY_LINE
    + """\
echo "archscan: $(hostname) lets archscan through"
"""
)


_INSTALLED = (
    """\
#!/bin/sh
# Puts one line among the keys of an account; for root, or for the account itself. Can be run again.
"""
    + _ACCOUNT
    + _KEY_LINE
)

_OPTIONS = re.compile(r'(?P<options>(?:[^\s"]|"(?:\\.|[^"\\])*")+) ++(?P<key>.*)')
_COMMAND = re.compile(r'command="(?:\\.|[^"\\])*"')
_NOTHING = 'command="/bin/false"'


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


JOURNAL = "/var/lib/archscan-rollback"
"""Where the script that changes something keeps what it does as root; no account's home."""


def preparation(  # noqa: PLR0913, PLR0917 -- what is written, each by its own name
    user: str,
    public_key: str,
    script: bytes,
    from_addresses: Sequence[str] = (),
    path: str = PROBE_PATH,
    role: Role = PROBE,
    *,
    passes: Collection[int] = (),
) -> str:
    """A POSIX script for root on a host; it writes the same five things however often it is run.

    An account that was there keeps its password with its other keys. A host that is a bastion, too, ``passes`` the key
    on to these ports of those behind it: sshd reads the first line that has it, so that there must be one.

    Raises:
        ValueError: not a login name, public key, address or plain absolute path.
    """
    return _SCRIPT.format(
        for_whom=role.for_whom,
        kind=role.kind,
        rule_name=role.rule_name,
        user=shlex.quote(user),
        path=shlex.quote(path),
        login=shlex.quote(_home(user, role.home_end)),
        script=script.decode(),
        rule=sudoers_rule(user, path),
        **_key_parts(
            public_key, authorized_key_line(public_key, from_addresses, path, passes=passes), forced_command(path)
        ),
    )


def bastion_preparation(
    user: str, public_key: str, from_addresses: Sequence[str] = (), ports: Collection[int] = (SSH_PORT,)
) -> str:
    """A POSIX script for a bastion, run by the account itself, or by root where the account is not there yet.

    ``ports`` are those of the hosts behind it.

    Raises:
        ValueError: not a login name, public key or address.
    """
    line = bastion_key_line(public_key, from_addresses, ports)
    return _BASTION.format(
        user=shlex.quote(checked_login(user)),
        login=shlex.quote(_home(user)),
        **_key_parts(public_key, line, line.strip()),
    )


def key_installation(user: str, line: str) -> str:
    """A POSIX script for root or the account itself: ``line`` stands in its authorized_keys, other keys stay.

    Lines with the same key give way to it, as those of earlier keys do whose command is the same.

    Raises:
        ValueError: not a login name, or a line without a forced command in front of a public key.
    """
    line = line.strip()
    found = _OPTIONS.fullmatch(line)
    forced = _COMMAND.search(found["options"]) if found and line.isprintable() else None
    if found is None or forced is None:
        raise ValueError('not a line of authorized_keys with a command="..." in front of its key')
    same = line if forced[0] == _NOTHING else forced[0]
    return _INSTALLED.format(
        user=shlex.quote(checked_login(user)),
        login=shlex.quote(_home(user)),
        **_key_parts(found["key"], f"{line}\n", same),
    )


def _home(user: str, end: str = "") -> str:
    """Of an account that is not there yet."""
    home = f"/var/lib/{user}{end}"
    return f"{home}{ROLLBACK.home_end}" if home == JOURNAL else home


def _key_parts(public_key: str, line: str, forced: str) -> dict[str, str]:
    """The line, with what older lines for the same are known by."""
    blob = public_key_line(public_key).split()[1]
    return {"line": line, "key": shlex.quote(blob), "forced": shlex.quote(forced)}
