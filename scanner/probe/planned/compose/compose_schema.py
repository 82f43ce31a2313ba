"""The schema of Compose files: the fields of the Compose specification with the kinds of their values.

The names are those of the specification's JSON schema as of 2026 (compose-spec/compose-go, ``schema``), which also takes
what older versions take.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.probe.planned.compose.shapes import Anything, Listing, Names, Record, Scalar, Shape, check

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"^[a-zA-Z0-9._-]+$")
_PULL = re.compile(r"always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+")


def _kinds(words: str, cast: str = "") -> Scalar:
    return Scalar(frozenset(words.split()), cast)


def _words(words: str) -> Scalar:
    return Scalar(frozenset({"text"}), words=frozenset(words.split()))


_TEXT = _kinds("text")
_BOOL = _kinds("bool text", "bool")
_LOOSE_BOOL = _kinds("bool text")
_WHOLE = _kinds("whole text", "whole")
_NUMBER = _kinds("number text", "number")
_SIZE = _kinds("number text")
_BYTES = _kinds("number text", "size")
_TIME = _kinds("text", "duration")
_WORD = _kinds("text number bool null")
_ANY = Anything()
_TEXTS = Listing(_TEXT, is_set=True)
_TEXT_OR_TEXTS: Shape = (_TEXT, _TEXTS)
_PAIRS: Shape = (Names(_WORD), _TEXTS)
_OPTIONS = Names(_kinds("text number"))
_COMMAND: Shape = (_kinds("null text"), Listing(_TEXT))
_HOSTS: Shape = (Names((_TEXT, Listing(_TEXT))), _TEXTS)
_FILES = Listing((
    _TEXT, Record({"source": _TEXT, "target": _TEXT, "uid": _TEXT, "gid": _TEXT, "mode": _NUMBER}),
))  # fmt: skip
_ULIMITS = Names((_WHOLE, Record({"hard": _WHOLE, "soft": _WHOLE}, ("soft", "hard"))), re.compile(r"^[a-z]+$"))
_EXTERNAL: Shape = (_BOOL, Record({"name": _TEXT}))
_HOOK = {"command": _COMMAND, "user": _TEXT, "privileged": _BOOL, "working_dir": _TEXT, "environment": _PAIRS}
_DEVICE = Record(
    {"capabilities": _TEXTS, "count": _kinds("text whole"), "device_ids": _TEXTS, "driver": _TEXT, "options": _PAIRS},
)
_RATES = Listing(Record({"path": _TEXT, "rate": _kinds("whole text")}, closed=True))
_UPDATE = Record({
    "parallelism": _WHOLE, "delay": _TIME, "failure_action": _TEXT, "monitor": _TIME, "max_failure_ratio": _NUMBER,
    "order": _words("start-first stop-first"),
})  # fmt: skip

_BUILD = Record({
    "context": _TEXT, "dockerfile": _TEXT, "dockerfile_inline": _TEXT, "entitlements": Listing(_TEXT), "args": _PAIRS,
    "ssh": _PAIRS, "labels": _PAIRS, "cache_from": Listing(_TEXT), "cache_to": Listing(_TEXT), "no_cache": _BOOL,
    "no_cache_filter": _TEXT_OR_TEXTS, "additional_contexts": _PAIRS, "network": _TEXT, "provenance": _LOOSE_BOOL,
    "sbom": _LOOSE_BOOL, "pull": _BOOL, "target": _TEXT, "shm_size": _BYTES, "extra_hosts": _HOSTS, "isolation": _TEXT,
    "privileged": _BOOL, "secrets": _FILES, "tags": Listing(_TEXT), "ulimits": _ULIMITS, "platforms": Listing(_TEXT),
})  # fmt: skip
_DEPLOY: Shape = (_kinds("null"), Record({
    "mode": _TEXT, "endpoint_mode": _TEXT, "replicas": _WHOLE, "labels": _PAIRS, "rollback_config": _UPDATE,
    "update_config": _UPDATE,
    "resources": Record({
        "limits": Record({"cpus": _SIZE, "memory": _kinds("text", "size"), "pids": _kinds("whole text")}),
        "reservations": Record({
            "cpus": _SIZE, "memory": _kinds("text", "size"),
            "generic_resources": Listing(Record({"discrete_resource_spec": Record({"kind": _TEXT, "value": _SIZE})})),
            "devices": Listing(_DEVICE),
        }),
    }),
    "restart_policy": Record({"condition": _TEXT, "delay": _TIME, "max_attempts": _WHOLE, "window": _TIME}),
    "placement": Record({
        "constraints": Listing(_TEXT), "preferences": Listing(Record({"spread": _TEXT})), "max_replicas_per_node": _WHOLE,
    }),
}))  # fmt: skip
_HEALTHCHECK = Record({
    "disable": _BOOL, "interval": _TIME, "retries": _NUMBER, "test": (_TEXT, Listing(_TEXT)), "timeout": _TIME,
    "start_period": _TIME, "start_interval": _TIME,
})  # fmt: skip
_VOLUME = Record(
    {
        "type": _words("bind volume tmpfs cluster npipe image"), "source": _TEXT, "target": _TEXT, "read_only": _BOOL,
        "consistency": _TEXT,
        "bind": Record({
            "propagation": _TEXT, "create_host_path": _BOOL, "selinux": _words("z Z"),
            "recursive": _words("enabled disabled writable readonly"),
        }),
        "volume": Record({"labels": _PAIRS, "nocopy": _BOOL, "subpath": _TEXT}),
        "tmpfs": Record({"size": _BYTES, "mode": _SIZE}),
        "image": Record({"subpath": _TEXT}),
    },
    ("type",),
)  # fmt: skip
_NETWORKS: Shape = (_TEXTS, Names((_kinds("null"), Record({
    "aliases": _TEXTS, "interface_name": _TEXT, "ipv4_address": _TEXT, "ipv6_address": _TEXT, "link_local_ips": _TEXTS,
    "mac_address": _TEXT, "driver_opts": _OPTIONS, "priority": _kinds("number"), "gw_priority": _kinds("number"),
})), _NAME))  # fmt: skip
_CONDITIONS = _words("service_started service_healthy service_completed_successfully")

_CONTAINER: Mapping[str, Shape] = {
    "develop": _ANY, "deploy": _DEPLOY, "annotations": _PAIRS, "attach": _BOOL, "build": (_TEXT, _BUILD),
    "blkio_config": Record({
        "device_read_bps": _RATES, "device_read_iops": _RATES, "device_write_bps": _RATES, "device_write_iops": _RATES,
        "weight": _kinds("whole text"),
        "weight_device": Listing(Record({"path": _TEXT, "weight": _kinds("whole text")}, closed=True)),
    }, closed=True),
    "cap_add": _TEXTS, "cap_drop": _TEXTS, "cgroup": _words("host private"), "cgroup_parent": _TEXT,
    "command": _COMMAND, "configs": _FILES,
    "container_name": Scalar(frozenset({"text"}), pattern=re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")),
    "cpu_count": _WHOLE, "cpu_percent": _NUMBER, "cpu_shares": _NUMBER, "cpu_quota": _NUMBER, "cpu_period": _NUMBER,
    "cpu_rt_period": _NUMBER, "cpu_rt_runtime": _NUMBER, "cpus": _NUMBER, "cpuset": _TEXT,
    "credential_spec": Record({"config": _TEXT, "file": _TEXT, "registry": _TEXT}),
    "depends_on": (_TEXTS, Names(
        Record({"restart": _BOOL, "required": _kinds("bool"), "condition": _CONDITIONS}, ("condition",)), _NAME,
    )),
    "device_cgroup_rules": _TEXTS,
    "devices": Listing((_TEXT, Record({"source": _TEXT, "target": _TEXT, "permissions": _TEXT}, ("source",)))),
    "dns": _TEXT_OR_TEXTS, "dns_opt": _TEXTS, "dns_search": _TEXT_OR_TEXTS, "domainname": _TEXT, "entrypoint": _COMMAND,
    "env_file": (_TEXT, Listing((
        _TEXT, Record({"path": _TEXT, "format": _TEXT, "required": _BOOL}, ("path",), closed=True),
    ))),
    "label_file": (_TEXT, Listing(_TEXT)), "environment": _PAIRS, "expose": Listing(_kinds("text number"), is_set=True),
    "extends": (_TEXT, Record({"service": _TEXT, "file": _TEXT}, ("service",), closed=True)),
    "provider": Record({
        "type": _TEXT, "options": Names((_kinds("text number bool"), Listing(_kinds("text number bool")))),
    }, ("type",)),
    "external_links": _TEXTS, "extra_hosts": _HOSTS, "gpus": (_words("all"), Listing(_DEVICE)),
    "group_add": Listing(_kinds("text number"), is_set=True), "healthcheck": _HEALTHCHECK, "hostname": _TEXT,
    "image": _TEXT, "init": _BOOL, "ipc": _TEXT, "isolation": _TEXT, "labels": _PAIRS, "links": _TEXTS,
    "logging": Record({"driver": _TEXT, "options": Names(_kinds("text number null"))}), "mac_address": _TEXT,
    "mem_limit": _BYTES, "mem_reservation": _BYTES, "mem_swappiness": _kinds("whole text"), "memswap_limit": _BYTES,
    "models": (_TEXTS, Names((_kinds("null"), Record({"endpoint_var": _TEXT, "model_var": _TEXT})), _NAME)),
    "network_mode": _TEXT, "networks": _NETWORKS, "oom_kill_disable": _BOOL, "oom_score_adj": _WHOLE,
    "pid": _kinds("text null"), "pids_limit": _NUMBER, "platform": _TEXT,
    "ports": Listing((_kinds("number text", "port"), Record({
        "name": _TEXT, "mode": _TEXT, "host_ip": _TEXT, "target": _WHOLE, "published": _kinds("text whole"),
        "protocol": _TEXT, "app_protocol": _TEXT,
    })), is_set=True),
    "post_start": Listing(Record(_HOOK, ("command",))), "pre_stop": Listing(Record(_HOOK, ("command",))),
    "privileged": _BOOL, "profiles": _TEXTS, "pull_policy": Scalar(frozenset({"text"}), pattern=_PULL),
    "pull_refresh_after": _TEXT, "read_only": _BOOL, "restart": _TEXT, "runtime": _TEXT, "scale": _WHOLE,
    "security_opt": _TEXTS, "shm_size": _BYTES, "secrets": _FILES, "sysctls": _PAIRS, "stdin_open": _BOOL,
    "stop_grace_period": _TIME, "stop_signal": _TEXT, "storage_opt": Names(_ANY), "tmpfs": _TEXT_OR_TEXTS, "tty": _BOOL,
    "ulimits": _ULIMITS, "use_api_socket": _kinds("bool"), "user": _TEXT, "uts": _TEXT, "userns_mode": _TEXT,
    "volumes": Listing((_TEXT, _VOLUME), is_set=True), "volumes_from": _TEXTS, "working_dir": _TEXT,
}  # fmt: skip

SERVICE = Record({**_CONTAINER, "pre_start": Listing(Record({**_CONTAINER, "per_replica": _BOOL}))})
"""One service, whose ``pre_start`` are containers of their own, described as it is; ``develop`` is of nobody's start."""

EXTENDS = SERVICE.fields["extends"]
INCLUDE: Shape = (_TEXT, Record(
    {"path": _TEXT_OR_TEXTS, "env_file": _TEXT_OR_TEXTS, "project_directory": _TEXT}, closed=True,
))  # fmt: skip
_NULL_OR = _kinds("null")
FILE = Record({
    "version": _TEXT, "name": _TEXT,
    "include": Listing(INCLUDE),
    "services": Names(SERVICE, _NAME),
    "models": Names(Record(
        {"name": _TEXT, "model": _TEXT, "context_size": _kinds("whole"), "runtime_flags": Listing(_TEXT)}, ("model",),
    ), _NAME),
    "networks": Names((_NULL_OR, Record({
        "name": _TEXT, "driver": _TEXT, "driver_opts": _OPTIONS, "ipam": Record({
            "driver": _TEXT, "config": Listing(Record({
                "subnet": _TEXT, "ip_range": _TEXT, "gateway": _TEXT, "aux_addresses": Names(_TEXT),
            })), "options": Names(_TEXT),
        }), "external": _EXTERNAL, "internal": _BOOL, "enable_ipv4": _BOOL, "enable_ipv6": _BOOL, "attachable": _BOOL,
        "labels": _PAIRS,
    })), _NAME),
    "volumes": Names((_NULL_OR, Record({
        "name": _TEXT, "driver": _TEXT, "driver_opts": _OPTIONS, "external": _EXTERNAL, "labels": _PAIRS,
    })), _NAME),
    "secrets": Names(Record({
        "name": _TEXT, "environment": _TEXT, "file": _TEXT, "external": _EXTERNAL, "labels": _PAIRS, "driver": _TEXT,
        "driver_opts": _OPTIONS, "template_driver": _TEXT,
    }), _NAME),
    "configs": Names(Record({
        "name": _TEXT, "content": _TEXT, "environment": _TEXT, "file": _TEXT, "external": _EXTERNAL, "labels": _PAIRS,
        "template_driver": _TEXT,
    }), _NAME),
})  # fmt: skip
"""A whole file, or several laid over each other."""


def validate(model: Mapping[str, Any], path: str) -> None:
    """Hold a file against the specification.

    Raises:
        UnclearError: Compose refuses it.
    """
    check(model, FILE, (), path)
