"""The schema of stack files: the fields of version 3 with the kinds of their values.

The names are those of docker/cli's ``config_schema_v3.13.json``; ``SINCE`` tells which of them older versions lack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.probe.planned.compose.keys import is_key_of
from scanner.probe.planned.compose.shapes import Anything, Listing, Names, Record, Scalar, Shape, check
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEWEST = 13
"""The newest version is 3.13, of Docker 27; Docker 26.1 takes up to 3.12."""

_VERSION = re.compile(r"3(?:\.([0-9]|1[0-3]))?", re.ASCII)
_NAME = re.compile(r"^[a-zA-Z0-9._-]+$")


def _kinds(words: str, cast: str = "") -> Scalar:
    return Scalar(frozenset(words.split()), cast)


_TEXT = _kinds("text")
_BOOL = _kinds("bool")
_WHOLE = _kinds("whole")
_NUMBER = _kinds("number")
_TIME = _kinds("text", "go_duration")
_ANY = Names(Anything())
_SET = Listing(_TEXT, is_set=True)
_TEXT_OR_SET: Shape = (_TEXT, _SET)
_PAIRS: Shape = (Names(_kinds("text number null")), _SET)
_OPTIONS = Names(_kinds("text number"))
_COMMAND: Shape = (_TEXT, Listing(_TEXT))
_FILES = Listing((_TEXT, Record({"source": _TEXT, "target": _TEXT, "uid": _TEXT, "gid": _TEXT, "mode": _NUMBER})))


def _closed(fields: Mapping[str, Shape], *required: str) -> Record:
    return Record(fields, required, closed=True)


_UPDATE = _closed({
    "parallelism": _WHOLE, "delay": _TIME, "failure_action": _TEXT, "monitor": _TIME, "max_failure_ratio": _NUMBER,
    "order": Scalar(frozenset({"text"}), words=frozenset({"start-first", "stop-first"})),
})  # fmt: skip
_DEPLOY: Shape = (_kinds("null"), _closed({
    "mode": _TEXT, "endpoint_mode": _TEXT, "replicas": _WHOLE, "labels": _PAIRS, "rollback_config": _UPDATE,
    "update_config": _UPDATE,
    "resources": _closed({
        "limits": _closed({"cpus": _TEXT, "memory": _TEXT, "pids": _WHOLE}),
        "reservations": _closed({
            "cpus": _TEXT, "memory": _TEXT,
            "generic_resources": Listing(_closed({"discrete_resource_spec": _closed({"kind": _TEXT, "value": _NUMBER})})),
        }),
    }),
    "restart_policy": _closed({"condition": _TEXT, "delay": _TIME, "max_attempts": _WHOLE, "window": _TIME}),
    "placement": _closed({
        "constraints": Listing(_TEXT), "preferences": Listing(_closed({"spread": _TEXT})),
        "max_replicas_per_node": _WHOLE,
    }),
}))  # fmt: skip
_VOLUME = _closed({
    "type": _TEXT, "source": _TEXT, "target": _TEXT, "read_only": _BOOL, "consistency": _TEXT, "bind": _ANY,
    "volume": _ANY, "tmpfs": _ANY, "cluster": _ANY,
}, "type")  # fmt: skip

_SERVICE = Record({
    "deploy": _DEPLOY, "build": (_TEXT, _ANY), "cap_add": _SET, "cap_drop": _SET, "cgroupns_mode": _TEXT,
    "cgroup_parent": _TEXT, "command": _COMMAND, "configs": _FILES, "container_name": _TEXT,
    "credential_spec": _closed({"config": _TEXT, "file": _TEXT, "registry": _TEXT}), "depends_on": _SET, "devices": _SET,
    "dns": _TEXT_OR_SET, "dns_search": _TEXT_OR_SET, "domainname": _TEXT, "entrypoint": _COMMAND,
    "env_file": _TEXT_OR_SET, "environment": _PAIRS, "expose": Listing(_kinds("text number"), is_set=True),
    "external_links": _SET, "extra_hosts": _PAIRS,
    "healthcheck": _closed({
        "disable": _BOOL, "interval": _TIME, "retries": _NUMBER, "test": _COMMAND, "timeout": _TIME, "start_period": _TIME,
        "start_interval": _TIME,
    }),
    "hostname": _TEXT, "image": _TEXT, "init": _BOOL, "ipc": _TEXT, "isolation": _TEXT, "labels": _PAIRS, "links": _SET,
    "logging": _closed({"driver": _TEXT, "options": Names(_kinds("text number null"))}), "mac_address": _TEXT,
    "network_mode": _TEXT,
    "networks": (_SET, Names((_kinds("null"), _closed({
        "aliases": _SET, "driver_opts": _OPTIONS, "ipv4_address": _TEXT, "ipv6_address": _TEXT,
    })), _NAME)),
    "oom_score_adj": _WHOLE, "pid": _kinds("text null"),
    "ports": Listing((_kinds("number text"), _closed({
        "mode": _TEXT, "target": _WHOLE, "published": _WHOLE, "protocol": _TEXT,
    })), is_set=True),
    "privileged": _BOOL, "read_only": _BOOL, "restart": _TEXT, "secrets": _FILES, "security_opt": _SET,
    "shm_size": _kinds("number text"), "stdin_open": _BOOL, "stop_grace_period": _TIME, "stop_signal": _TEXT,
    "sysctls": _PAIRS, "tmpfs": _TEXT_OR_SET, "tty": _BOOL,
    "ulimits": Names((_WHOLE, _closed({"hard": _WHOLE, "soft": _WHOLE}, "soft", "hard"))),
    "user": _TEXT, "userns_mode": _TEXT, "volumes": Listing((_TEXT, _VOLUME), is_set=True), "working_dir": _TEXT,
})  # fmt: skip
_EXTERNAL: Shape = (_BOOL, _closed({"name": _TEXT}))
_FILE_FIELDS: Mapping[str, Shape] = {
    "name": _TEXT, "file": _TEXT, "external": _EXTERNAL, "labels": _PAIRS, "template_driver": _TEXT,
}  # fmt: skip

FILE = Record({
    "version": _kinds("text"),
    "services": Names(_SERVICE, _NAME),
    "networks": Names((_kinds("null"), Record({
        "name": _TEXT, "driver": _TEXT, "driver_opts": _OPTIONS, "external": _EXTERNAL, "internal": _BOOL,
        "attachable": _BOOL, "labels": _PAIRS,
        "ipam": _closed({"driver": _TEXT, "config": Listing(_closed({"subnet": _TEXT}))}),
    }))),
    "volumes": Names((_kinds("null"), Record({
        "name": _TEXT, "driver": _TEXT, "driver_opts": _OPTIONS, "external": _EXTERNAL, "labels": _PAIRS,
        "x-cluster-spec": Anything(),
    })), _NAME),
    "secrets": Names(Record({**_FILE_FIELDS, "driver": _TEXT, "driver_opts": _OPTIONS}), _NAME),
    "configs": Names(Record(_FILE_FIELDS), _NAME),
})  # fmt: skip
"""A whole file."""

SINCE: Mapping[str, int] = {
    "secrets": 1, "configs": 3, "services.*.secrets": 1, "services.*.configs": 3, "services.*.credential_spec": 3,
    "services.*.deploy.endpoint_mode": 3, "services.*.deploy.rollback_config": 7, "services.*.init": 7,
    "services.*.cgroupns_mode": 12, "services.*.oom_score_adj": 13,
}  # fmt: skip
"""The version 3.N with which a field came."""

_CASTS = {
    "services.*.configs.[].mode": "whole", "services.*.secrets.[].mode": "whole", "services.*.healthcheck.retries": "whole",
    "services.*.healthcheck.disable": "bool", "services.*.deploy.replicas": "whole",
    "services.*.deploy.update_config.parallelism": "whole", "services.*.deploy.rollback_config.parallelism": "whole",
    "services.*.deploy.update_config.max_failure_ratio": "number",
    "services.*.deploy.rollback_config.max_failure_ratio": "number",
    "services.*.deploy.restart_policy.max_attempts": "whole",
    "services.*.deploy.placement.max_replicas_per_node": "whole", "services.*.ports.[].target": "whole",
    "services.*.ports.[].published": "whole", "services.*.ulimits.*": "whole", "services.*.ulimits.*.hard": "whole",
    "services.*.ulimits.*.soft": "whole", "services.*.privileged": "bool", "services.*.read_only": "bool",
    "services.*.stdin_open": "bool", "services.*.tty": "bool", "services.*.volumes.[].read_only": "bool",
    "services.*.volumes.[].volume.nocopy": "bool", "networks.*.external": "bool", "networks.*.internal": "bool",
    "networks.*.attachable": "bool", "volumes.*.external": "bool", "secrets.*.external": "bool",
    "configs.*.external": "bool",
}  # fmt: skip
"""What Docker makes of a text at these places, if variables were put into it (its ``interpolateTypeCastMapping``)."""


def refused(body: Mapping[str, Any]) -> str:
    """Why ``docker stack deploy`` does not take a document; empty where it does, as far as keys and version tell."""
    version = body.get("version") or "3"
    if _VERSION.fullmatch(str(version)) is None:
        return f"docker stack takes no files of version {str(version)[:20]}"
    services = body.get("services")
    named = {"": body, **(services if isinstance(services, dict) else {})}
    for name, value in named.items():
        known = _SERVICE.fields if name else FILE.fields
        odd = next((key for key in value if not is_key_of(key, known)), None) if isinstance(value, dict) else None
        if odd is not None:
            return f"docker stack takes no {odd}{f' of services (in {name})' if name else ''}"
    return ""


def validate(model: Mapping[str, Any], path: str) -> None:
    """Hold a file against the schema of its version.

    Raises:
        UnclearError: Docker refuses it.
    """
    if problem := refused(model):
        raise UnclearError(f"{path}: {problem}")
    check(model, FILE, (), path)
    version = model.get("version") or "3"
    found = _VERSION.fullmatch(version)
    assert found is not None  # noqa: S101 -- it is not refused
    minor = int(found[1] or NEWEST)
    if late := next((field for field in _fields(model) if SINCE.get(field, 0) > minor), ""):
        raise UnclearError(f"{path}: {late} is taken from version 3.{SINCE[late]} on, and this is {version}")


def cast_of(place: tuple[str | int, ...]) -> str:
    """What Docker makes of a text with variables at a place: ``whole``, ``number``, ``bool``, empty where it stays one."""
    names = ["[]" if isinstance(part, int) else part for part in place]
    names[1:2] = "*"
    if names[2:3] == ["ulimits"]:
        names[3:4] = "*"
    return _CASTS.get(".".join(names), "")


def _fields(model: Mapping[str, Any]) -> Iterator[str]:
    yield from model
    for service in (model.get("services") or {}).values():
        yield from (f"services.*.{key}" for key in service)
        yield from (f"services.*.deploy.{key}" for key in service.get("deploy") or ())
