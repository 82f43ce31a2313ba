"""Names a pod as whoever made it does, by the labels that Kubernetes' controllers put on pods."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.probe.answer import Answer

SECTION = "cri/pods"

TEMPLATE_HASHES = ("pod-template-hash", "rollouts-pod-template-hash")
"""Of a Deployment's ReplicaSet, of an Argo Rollout's: the pods' own names hold it, too."""

REVISION_HASH = "controller-revision-hash"
STATEFUL = "statefulset.kubernetes.io/pod-name"
JOBS = ("batch.kubernetes.io/job-name", "job-name")

MINUTES_OF_CRON = range(25_000_000, 60_000_000)
"""A CronJob calls its Jobs after the minute that they are for, counted from 1970: 2017 to 2084, no day such as 20261126."""

_LABEL = re.compile(r"(?P<sandbox>\S{1,128}) (?P<name>[a-z./-]{1,64}) (?P<value>[A-Za-z0-9._-]{1,63})", re.ASCII)
_RANDOM = r"-[a-z0-9]{5}"
"""What the API server puts behind a name that it generates."""

_ORDINAL = re.compile(r"-[0-9]+$", re.ASCII)
_SCHEDULED = re.compile(r"(?P<name>.+)-(?P<minute>[0-9]{8})", re.ASCII)


def labels_of_pods(answer: Answer) -> dict[str, dict[str, str]]:
    """The controllers' labels by pod sandbox; none where nobody asked (an older probe) or nobody answered.

    They tell what a workload is called, nothing of whether it starts: without them a pod goes by its own name.
    """
    body = answer.succeeded(SECTION)
    if isinstance(body, Failure):
        return {}
    found: dict[str, dict[str, str]] = {}
    for line in body.decode("utf-8", "replace").split("\n"):
        if said := _LABEL.fullmatch(line):
            found.setdefault(said["sandbox"], {})[said["name"]] = said["value"]
    return found


def owner_of(pod: str, labels: Mapping[str, str]) -> str:
    """What stays the same over a rollout: the Deployment, StatefulSet, DaemonSet, Job or CronJob, else the pod itself.

    A name that its labels do not explain is left as it is; no part of it is guessed away.
    """
    for label in TEMPLATE_HASHES:
        if (hashed := labels.get(label)) and (found := re.fullmatch(rf"(.+)-{re.escape(hashed)}{_RANDOM}", pod)):
            return found[1]
    if labels.get(STATEFUL) == pod:
        return _ORDINAL.sub("", pod)
    for label in JOBS:
        if job := labels.get(label):
            return _of_job(job)
    if REVISION_HASH in labels and STATEFUL not in labels and (found := re.fullmatch(rf"(.+){_RANDOM}", pod)):
        return found[1]
    return pod


def _of_job(job: str) -> str:
    scheduled = _SCHEDULED.fullmatch(job)
    return scheduled["name"] if scheduled and int(scheduled["minute"]) in MINUTES_OF_CRON else job
