"""The way back on paper: which release, by which commands, what it touches, what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from scanner.domain.facts import Source
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.remedy.trouble import word
from scanner.domain.verdict.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from scanner.domain.facts import Workload
    from scanner.domain.release import Release

_DATABASES = frozenset({
    "postgres", "postgresql", "mysql", "mariadb", "mongo", "mongodb", "redis", "valkey", "elasticsearch", "opensearch",
    "influxdb", "cassandra", "clickhouse", "etcd", "rabbitmq", "kafka", "couchdb", "neo4j", "timescaledb", "percona",
    "mssql", "oracle", "vault", "consul", "zookeeper", "minio", "gitlab-ce", "gitlab-ee", "nextcloud",
})  # fmt: skip
"""Images, by the last part of their name, whose newer releases change files that older ones then cannot read."""

_MIGRATES = ("migrat", "alembic", "flyway", "liquibase", "db:setup", "upgradedb", "schema", "prisma")
"""Parts of words of commands that change a database's schema before a service starts."""


DROP_IN = "99-archscan-rollback.conf"
"""What the agent pins a unit by: two of different names would overrule each other."""


class Manager(StrEnum):
    """What makes a container anew, hence what is told of the older image."""

    CONTAINER = "container"
    COMPOSE = "compose"
    SWARM = "swarm"
    UNIT = "unit"
    KUBERNETES = "kubernetes"
    OTHER = "other"


_OF_MAKERS = {
    Source.COMPOSE: Manager.COMPOSE,
    Source.SWARM: Manager.SWARM,
    Source.SYSTEMD: Manager.UNIT,
    Source.QUADLET: Manager.UNIT,
    Source.KUBERNETES: Manager.KUBERNETES,
}
_BY_AGENT = frozenset({
    (Manager.CONTAINER, "docker"), (Manager.COMPOSE, "docker"), (Manager.SWARM, "docker"),
    (Manager.CONTAINER, "podman"), (Manager.UNIT, "podman"), (Manager.KUBERNETES, "cri"),
})  # fmt: skip
"""What the script on a host can do; everything else is typed by a person."""


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """From the release that a workload has to one that it had.

    ``subject`` is what the host's script is told: the container, or the service, unit or pod that owns it.
    ``cautions`` are reasons to think twice, which whoever confirms must accept beside the plan. ``by_agent`` tells
    whether the agent can carry it out; otherwise ``commands`` are for a person, as they are in any case.
    """

    host: str
    workload: str
    container: str
    subject: str
    engine: str
    manager: Manager
    current: Release
    target: Release
    verdict: Verdict
    commands: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    by_agent: bool = field(default=False)


def manager_of(workload: Workload) -> Manager:
    """What made a container: its own maker, or a person with the engine's command."""
    if workload.maker is not None:
        return _OF_MAKERS.get(workload.maker.kind, Manager.OTHER)
    return Manager.CONTAINER if workload.source in {Source.DOCKER, Source.PODMAN} else Manager.OTHER


def subject_of(workload: Workload, manager: Manager) -> str:
    """What the host's script is told to bring back."""
    maker = workload.maker
    if maker is None or manager in {Manager.CONTAINER, Manager.COMPOSE}:
        return workload.name
    if manager is Manager.KUBERNETES:
        return f"{maker.project}/{maker.name}/{workload.name.rpartition('/')[2]}"
    return maker.name


def rollback_plan(  # noqa: PLR0913, PLR0917 -- a plan is made of all of them
    workload: Workload, current: Release, target: Release, verdict: Verdict, platform: str, healthy_for_s: int
) -> RollbackPlan:
    """The plan for a workload whose facts are fresh; ``platform`` is its host's."""
    manager, engine = manager_of(workload), workload.engine
    return RollbackPlan(
        workload.host,
        current.workload,
        workload.name,
        subject_of(workload, manager),
        engine,
        manager,
        current,
        target,
        verdict,
        _commands(workload, manager, target),
        _touches(workload, manager, healthy_for_s),
        _cautions(workload, manager, target, platform),
        (manager, engine) in _BY_AGENT,
    )


def vouched(verdict: Verdict, target: Release, platform: str) -> Verdict:
    """The verdict on a release that was seen to start: what its host's kernel has shown needs no registry.

    Only what is not known gives way to it; that an image does not start is never overruled.
    """
    if verdict.status is not Status.UNKNOWN or not target.started_on(platform):
        return verdict
    says = f"this host has run {target.digest} for at least 60 s without a restart"
    return replace(
        Verdict(Reason.NATIVE, evidence=(Evidence("kernel", says), *verdict.evidence), digest=target.digest),
        next_pull=verdict.next_pull,
    )


def _cautions(workload: Workload, manager: Manager, target: Release, platform: str) -> tuple[str, ...]:
    found = []
    held = [mount.destination for mount in workload.mounts or () if mount.kind in {"volume", "bind"}]
    if held:
        found.append(f"data stays where it is and the older release will use it: {', '.join(sorted(held))}")
    elif workload.mounts is None:
        found.append("nobody told which volumes it has: the older release will use the same ones")
    named = target.reference
    name = "" if isinstance(named, Failure) else named.last_component
    if name in _DATABASES:
        found.append(f"{name} keeps files that an older release may not be able to read any more")
    argv = workload.process.argv if workload.process else ()
    migrating = sorted({one for one in argv for part in _MIGRATES if part in one.lower()})
    if migrating:
        found.append(
            f"its command changes a schema ({word(migrating[0], 'migrate')}): the older release meets the newer schema"
        )
    if manager in {Manager.SWARM, Manager.KUBERNETES}:
        found.append(
            "it changes every node that runs it; whoever applies its manifest anew brings the newer release back"
        )
    if not target.started_on(platform):
        found.append("this release was never seen up for 60 s on this hardware")
    return tuple(found)


def _touches(workload: Workload, manager: Manager, healthy_for_s: int) -> tuple[str, ...]:
    name, maker = workload.name, workload.maker
    owner = maker.name if maker else name
    match manager:
        case Manager.CONTAINER:
            return (
                f"the container {name}: stopped, renamed, deleted only once its successor was up for {healthy_for_s} s",
                f"a new container {name} with the options of the old one; what the old one wrote outside of volumes goes with it",
            )
        case Manager.COMPOSE:
            project = maker.project if maker else ""
            return (
                f"the service {owner} of the Compose project {project}: its containers are made anew",
                "an override file of archscan's own, outside of the project, pins the image until you delete it",
            )
        case Manager.SWARM:
            return (f"the Swarm service {owner}, on every node that runs it",)
        case Manager.UNIT:
            return (
                f"the unit {owner}: restarted",
                "a drop-in of archscan's own beside it, which pins the image until you delete it",
            )
        case Manager.KUBERNETES:
            return (f"the workload that owns the pod {owner}, on every node that runs it",)
        case Manager.OTHER:
            return (f"whatever makes {name}",)
        case _:
            assert_never(manager)


def _commands(workload: Workload, manager: Manager, target: Release) -> tuple[str, ...]:
    """What a person types on the host, in the order that loses nothing: the image first."""
    return (*_as_owner(workload), *_of_manager(workload, manager, target))


def _as_owner(workload: Workload) -> tuple[str, ...]:
    """Who else than root types it: the owner of a rootless engine."""
    engine, _, owner = workload.engine.partition(":")
    if not owner:
        return ()
    environment = "XDG_RUNTIME_DIR=/run/user/$(id -u)"
    if engine == "docker":
        environment += " DOCKER_HOST=unix:///run/user/$(id -u)/docker.sock"
    return (f"sudo --login --user {word(owner, 'USER')}", f"export {environment}")


def _of_manager(workload: Workload, manager: Manager, target: Release) -> tuple[str, ...]:
    engine = word(workload.engine.partition(":")[0], "ENGINE")
    image, name = word(target.image, "IMAGE"), word(workload.name, "CONTAINER")
    here = f"{engine} image inspect {image} >/dev/null || {engine} pull {image}"
    if target.image.startswith("sha256:"):
        here = f"{engine} image inspect {image}"
    match manager:
        case Manager.CONTAINER:
            return (here, *_anew(engine, name, image))
        case Manager.COMPOSE:
            return (here, *_composed(workload, engine, image))
        case Manager.SWARM:
            service = word(workload.maker.name if workload.maker else "", "SERVICE")
            return (f"docker service update --image {image} {service}",)
        case Manager.UNIT:
            return (here, *_pinned_unit(workload, image))
        case Manager.KUBERNETES:
            namespace = word(workload.maker.project if workload.maker else "", "NAMESPACE")
            pod = word(workload.maker.name if workload.maker else "", "POD")
            container = word(workload.name.rpartition("/")[2], "CONTAINER")
            return (
                f"kubectl --namespace {namespace} get pod {pod} --output jsonpath='{{.metadata.ownerReferences}}'",
                f"kubectl --namespace {namespace} set image deployment/DEPLOYMENT {container}={image}  # or: rollout undo",
            )
        case Manager.OTHER:
            return (here,)
        case _:
            assert_never(manager)


def _pinned_unit(workload: Workload, image: str) -> tuple[str, ...]:
    """For a quadlet, of a template the one file for all of it; the agent's own drop-in has the same name."""
    unit = workload.maker.name if workload.maker else ""
    name, at, _ = unit.removesuffix(".service").partition("@")
    is_rootless = ":" in workload.engine
    base = "~/.config/containers/systemd" if is_rootless else "/etc/containers/systemd"
    folder = f"{base}/{word(name, 'QUADLET')}{at}.container.d"
    systemctl = "systemctl --user" if is_rootless else "systemctl"
    of_all = ", of every instance" if at else ""
    return (
        f"mkdir -p {folder}  # of a quadlet{of_all}; of podman generate systemd: {systemctl} edit --full {word(unit, 'UNIT')}",
        f"printf '[Container]\\nImage={image}\\n' > {folder}/{DROP_IN}",
        f"{systemctl} daemon-reload && {systemctl} restart {word(unit, 'UNIT')}",
    )


def _anew(engine: str, name: str, image: str) -> tuple[str, ...]:
    if engine == "podman":
        return (
            f"podman inspect --format '{{{{json .Config.CreateCommand}}}}' {name}",
            f"podman stop {name}",
            f"podman rename {name} {name}-old",
            f"podman run --detach --name {name} OPTIONS {image}  # OPTIONS: as its own CreateCommand above has them",
        )
    return (
        f"docker inspect {name} > {name}.json",
        f"docker stop {name}",
        f"docker update --restart=no {name}",
        f"docker rename {name} {name}-old",
        f"docker run --detach --name {name} OPTIONS {image}  # OPTIONS: ports, volumes, environment as {name}.json has them",
    )


def _composed(workload: Workload, engine: str, image: str) -> tuple[str, ...]:
    maker = workload.maker
    if maker is None:
        return ()
    service = word(maker.name, "SERVICE")
    directory = f" --project-directory {word(maker.directory, 'DIRECTORY')}" if maker.directory else ""
    files = "".join(f" --file {word(file, 'COMPOSE_FILE')}" for file in maker.files)
    project = f"{engine} compose --project-name {word(maker.project, 'PROJECT')}{directory}{files}"
    return (
        f"printf 'services: {{{service}: {{image: \"{image}\"}}}}\\n' > pin.yml",
        f"{project} --file pin.yml up --detach --no-deps --no-build --pull never {service}",
    )
