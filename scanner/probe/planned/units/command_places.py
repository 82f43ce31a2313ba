"""Where cron, supervisord with their like look for commands."""

from __future__ import annotations

import re

CRON = re.compile(r"(?:.*/)?(?:crontab|cron\.d/[^/.][^/]*)", re.DOTALL)
OF_A_USER = re.compile(r"(?:.*/)?(?:spool/cron/(?:crontabs/|tabs/)?|etc/crontabs/)([^/.][^/]*)", re.DOTALL)
ANACRON = re.compile(r"(?:.*/)?anacrontab", re.DOTALL)
SUPERVISED = re.compile(r"(?:.*/)?(?:supervisord\.conf|supervisord?(?:/conf)?\.d/[^/]*\.(?:conf|ini))", re.DOTALL)
WATCHED = re.compile(r"(?:.*/)?(?:monitrc|monit(?:\.d|/(?:monit|conf)(?:\.d|-enabled))/[^/.][^/]*)", re.DOTALL)
SCRIPTS = re.compile(
    r"(?:.*/)?(?:rc\.local|etc/init\.d/[^/]+|cron\.(?:hourly|daily|weekly|monthly|yearly)/[^/]+|etc/periodic/[^/]+/[^/]+"
    r"|(?:sv|service|runsvdir/[^/]+)/[^/]+/run|local\.d/[^/]+\.start)",
    re.DOTALL,
)
_ANY = (CRON, OF_A_USER, ANACRON, SUPERVISED, WATCHED, SCRIPTS)


def is_named(path: str) -> bool:
    """Whether a file lies where such a program looks for its commands."""
    return any(form.fullmatch(path) for form in _ANY)
