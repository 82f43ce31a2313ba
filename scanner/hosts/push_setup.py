"""The script that has a host push the probe's answer by itself, with sh, curl, a timer."""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

from scanner.domain.host import is_name
from scanner.hosts.least_privilege import PROBE_PATH

PUSH_PATH = "/usr/local/libexec/archscan-push"
EVERY_MINUTES = 15

_TOKEN = re.compile(r"[A-Za-z0-9_.~+/=-]{16,200}", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9._~/-]*", re.ASCII)

_SCRIPT = """\
#!/bin/sh
# Has this host push what archscan asks of hosts, every {minutes} minutes: run it as root. Can be run again.
set -eu
umask 022
probe={probe}
push={push}
command -v curl >/dev/null 2>&1 || {{ echo "archscan: curl is not installed here: install it first" >&2; exit 1; }}
mkdir -p "$(dirname "$probe")"
cat >"$probe.new" <<'ARCHSCAN_PROBE'
{script}ARCHSCAN_PROBE
chmod 755 "$probe.new"
mv "$probe.new" "$probe"
# What curl must not be seen to send stands in a file that only root reads, not in its arguments.
(umask 077 && cat >/etc/archscan-push.curl.new) <<'ARCHSCAN_TOKEN'
header = "Authorization: Bearer {token}"
header = "Content-Type: application/octet-stream"
ARCHSCAN_TOKEN
mv /etc/archscan-push.curl.new /etc/archscan-push.curl
cat >"$push.new" <<'ARCHSCAN_PUSH'
#!/bin/sh
set -eu
umask 077
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
{probe} >"$answer"
curl --config /etc/archscan-push.curl --silent --show-error --fail --max-time 60 --retry 2 \\
  --data-binary @"$answer" --output /dev/null {url}
ARCHSCAN_PUSH
chmod 755 "$push.new"
mv "$push.new" "$push"
if [ -d /run/systemd/system ]; then
  cat >/etc/systemd/system/archscan-push.service <<'ARCHSCAN_SERVICE'
{service}ARCHSCAN_SERVICE
  cat >/etc/systemd/system/archscan-push.timer <<'ARCHSCAN_TIMER'
{timer}ARCHSCAN_TIMER
  systemctl daemon-reload
  systemctl enable --now archscan-push.timer
else
  mkdir -p /etc/cron.d
  cat >/etc/cron.d/archscan-push <<'ARCHSCAN_CRON'
{cron}ARCHSCAN_CRON
fi
"$push"
echo "archscan: $(hostname) pushes"
"""

SERVICE = f"""\
[Unit]
Description=Push what this host can execute and runs to archscan
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={PUSH_PATH}
"""

TIMER = f"""\
[Unit]
Description=Push to archscan every {EVERY_MINUTES} minutes

[Timer]
OnBootSec=2min
OnUnitActiveSec={EVERY_MINUTES}min
RandomizedDelaySec=1min

[Install]
WantedBy=timers.target
"""

CRON = f"*/{EVERY_MINUTES} * * * * root {PUSH_PATH}\n"


def push_preparation(host: str, server: str, token: str, script: bytes) -> str:
    """A POSIX script for root on the host called ``host`` in the inventory; it pushes once at its end.

    Raises:
        ValueError: no host's name, no address of a server, no bearer token.
    """
    if not is_name(host):
        raise ValueError(f"{host!r} is no host's name")
    if not _TOKEN.fullmatch(token):
        raise ValueError("the token is no bearer token of at least 16 characters")
    return _SCRIPT.format(
        minutes=EVERY_MINUTES,
        probe=shlex.quote(PROBE_PATH),
        push=shlex.quote(PUSH_PATH),
        script=script.decode(),
        token=token,
        url=shlex.quote(f"{_server(server)}/api/v1/hosts/{host}/facts"),
        service=SERVICE,
        timer=TIMER,
        cron=CRON,
    )


def _server(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_server = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_server = False
    if not is_server or parts.username or parts.query or parts.fragment or not _PATH.fullmatch(parts.path):
        raise ValueError(f"{text!r} is no server: write its address as hosts reach it, https://archscan.example:9719")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
