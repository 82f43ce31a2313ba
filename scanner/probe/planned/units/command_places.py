"""Where cron, supervisord with their like look for commands."""

from __future__ import annotations

from enum import Enum, auto


class Place(Enum):
    """Whose file it is."""

    CRON = auto()
    CRON_OF_A_USER = auto()
    ANACRON = auto()
    SUPERVISORD = auto()
    MONIT = auto()
    SCRIPT = auto()


_BY_NAME = {
    "crontab": Place.CRON,
    "anacrontab": Place.ANACRON,
    "supervisord.conf": Place.SUPERVISORD,
    "monitrc": Place.MONIT,
    "rc.local": Place.SCRIPT,
}
_BY_FOLDER = {
    "cron.d": Place.CRON,
    "monit.d": Place.MONIT,
    "cron.hourly": Place.SCRIPT,
    "cron.daily": Place.SCRIPT,
    "cron.weekly": Place.SCRIPT,
    "cron.monthly": Place.SCRIPT,
    "cron.yearly": Place.SCRIPT,
}
_BY_FOLDERS = {
    ("cron", "crontabs"): Place.CRON_OF_A_USER,
    ("cron", "tabs"): Place.CRON_OF_A_USER,
    ("spool", "cron"): Place.CRON_OF_A_USER,
    ("etc", "crontabs"): Place.CRON_OF_A_USER,
    ("monit", "conf.d"): Place.MONIT,
    ("monit", "conf-enabled"): Place.MONIT,
    ("etc", "init.d"): Place.SCRIPT,
}
_OF_SUPERVISORD = {("supervisor", "conf.d"), ("supervisord", "conf.d")}
_SERVICES = {"sv", "service"}


def place_of(path: str) -> Place | None:
    """Whose file one is by where it lies; none where it is nobody's."""
    folders, _, name = path.rpartition("/")
    above, _, folder = folders.rpartition("/")
    above = above.rpartition("/")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if not name or name.startswith("."):
        return None
    if name.endswith((".conf", ".ini")) and (
        (above, folder) in _OF_SUPERVISORD or folder in {"supervisor.d", "supervisord.d"}
    ):
        return Place.SUPERVISORD
    is_script = (above in _SERVICES and name == "run") or (folder == "local.d" and name.endswith(".start"))
    if is_script or above == "periodic":
        return Place.SCRIPT
    return _BY_FOLDER.get(folder) or _BY_FOLDERS.get((above, folder))


def is_named(path: str) -> bool:
    """Whether a file lies where such a program looks for its commands."""
    return place_of(path) is not None


def is_whole(path: str) -> bool:
    """Whether it is the table that such a program is given itself, which names the others."""
    return path.rpartition("/")[2] in {"supervisord.conf", "monitrc"}


def root_of(path: str) -> str:
    """The folder that stands for the host's root around a file, empty where it is the root itself."""
    if path.startswith("/"):
        return ""
    begins = [at for place in ("/etc/", "/var/spool/") if (at := path.find(place)) > 0]
    return path[: min(begins)] if begins else path.partition("/")[0]
