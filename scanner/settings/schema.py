"""Every setting of the configuration file: its type, unit, range, default, purpose."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from scanner.settings.cluster_section import Cluster, ClusterOrScheduler
from scanner.settings.fields import (
    Duration,
    FilePath,
    Listen,
    Network,
    Secret,
    Section,
    Size,
    Text,
    split_listen,
)
from scanner.settings.replicas_section import Replicas
from scanner.settings.rollback_section import Rollback
from scanner.settings.sources import InventorySource
from scanner.settings.ssh_section import Ssh
from scanner.settings.waivers_section import Waiver
from scanner.settings.web_proxy_section import WebProxy

KIB, MIB, GIB, MINUTE, HOUR, DAY = 1 << 10, 1 << 20, 1 << 30, 60.0, 3600.0, 86400.0

Decision = Literal["allow", "warn", "deny", "hold"]
Scope = Literal["read", "gate", "operate", "push", "rollback", "rollback_agent"]


class Registry(Section):
    """How one registry is reached."""

    plain_http: bool = Field(default=False, description="Whether this registry speaks HTTP without TLS.")
    username: str = Field(default="", description="User to log in as.")
    password: Secret | None = Field(default=None, description="Password or access token of the user.")
    password_file: FilePath | None = Field(default=None, description="File with the password.")
    token: Secret | None = Field(default=None, description="Identity token to exchange for access tokens.")
    token_file: FilePath | None = Field(default=None, description="File with the identity token.")
    ca_file: FilePath | None = Field(default=None, description="CA certificates in PEM; the system's where it is null.")
    cert_file: FilePath | None = Field(default=None, description="Client certificate in PEM.")
    key_file: FilePath | None = Field(default=None, description="Private key of the client certificate.")
    mirror: tuple[Text, ...] = Field(default=(), description="Registries to ask first, in this order.")
    auth_hosts: tuple[Text, ...] = Field(default=(), description="Hosts that may hand out this registry's tokens.")
    redirect_hosts: tuple[Text, ...] = Field(
        default=(), description="Hosts to which this registry may redirect; *.example is every name below example."
    )
    proxy: Secret | None = Field(
        default=None, description="Proxy as http[s]://[user:password@]host:port; none is used by itself."
    )
    allow_networks: tuple[Network, ...] = Field(
        default=(), description="Private networks in which this registry may be; others are refused."
    )
    concurrency: int = Field(default=10, ge=1, le=100, description="Requests to this registry at the same time.")
    rate: float = Field(default=200.0, ge=0.01, le=10_000, description="Requests a second in the long run.")
    burst: int = Field(default=200, ge=1, le=10_000, description="Requests at once before the rate counts.")
    stop_below: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="Rest of the announced rate limit that is left to everybody else; half of it where it is null.",
    )
    early_stop: Literal["auto", True, False] = Field(
        default="auto",
        description="Whether an answer may stand before its layer was read to its end, so that its digest is not "
        "checked; auto: where all that serves the image, mirrors included, speaks TLS.",
    )


class Registries(Section):
    """The registries by host[:port], beside what holds for all of them."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Registry] = Field(init=False)

    only_listed: bool = Field(default=False, description="Whether registries that are not listed here are refused.")
    docker_config: FilePath | None = Field(
        default=None, description="Docker's config.json whose logins are used where the list has none."
    )
    podman_auth: tuple[FilePath, ...] = Field(
        default=(), description="Podman's auth.json files whose logins are used where nothing above has one."
    )
    registries_conf: FilePath | None = Field(
        default=None, description="Podman's registries.conf, whose mirrors and blocks hold here too."
    )
    certs_d: FilePath | None = Field(
        default=None, description="Containerd's certs.d folder, whose hosts.toml files hold here too."
    )
    docker_mirrors: tuple[Text, ...] = Field(
        default=(), description="Docker's registry-mirrors: URLs that are asked first for docker.io."
    )
    timeout: Duration = Field(default=20.0, ge=0.1, le=300, description="How long one request may take.")
    cache_age: Duration = Field(
        default=MINUTE, ge=0, le=DAY, description="How long a tag's answer is believed between scans."
    )

    @property
    def listed(self) -> dict[str, Registry]:
        """The registries by host[:port], as written."""
        return dict(self.__pydantic_extra__)


class Surveys(Section):
    """What may be read of images to learn what scripts in them may start."""

    daily_bytes: Size = Field(
        default=20 * GIB, ge=0, le=100_000 * GIB, description="Bytes of layers read a day; 0 reads none."
    )
    per_registry: int = Field(default=2, ge=1, le=16, description="Layers of one registry that are read at once.")
    max_image_bytes: Size = Field(
        default=4 * GIB, ge=MIB, le=1000 * GIB, description="Largest image that is read, as its layers are stored."
    )


class Scan(Section):
    """When the fleet is scanned, how deep."""

    interval: Duration = Field(
        default=5 * MINUTE, ge=1, le=7 * DAY, description="From the start of a scan to the next start."
    )
    jitter: Duration = Field(default=30.0, ge=0, le=HOUR, description="Random delay of a start, to spread load.")
    deadline: Duration = Field(default=4 * MINUTE, ge=0.5, le=7 * DAY, description="When an unfinished scan is ended.")
    depth: Literal["index", "config", "binary", "full"] = Field(
        default="binary", description="The deepest layer of evidence asked."
    )
    local_images: bool = Field(
        default=False, description="Whether images that no registry has are read from the hosts' own engines."
    )
    max_local_bytes: Size = Field(
        default=2048 * MIB, ge=MIB, le=65536 * MIB, description="Longest saved image that is read from a host."
    )
    surveys: Surveys = Field(default=Surveys(), description="Reading all files of images, outside of scans.")
    allow_shrink: bool = Field(
        default=False, description="Whether a reload may lose more than half of the hosts, or all of them."
    )


class Store(Section):
    """What is remembered."""

    url: Secret | None = Field(
        default=None, description="sqlite:///FILE or postgresql+psycopg://…; nothing is kept on disk where it is null."
    )
    url_file: FilePath | None = Field(default=None, description="File with the URL, for one that holds a password.")
    keep: Duration = Field(
        default=90 * DAY, ge=HOUR, le=3650 * DAY, description="How long findings stay after their end."
    )


class Witness(Section):
    """Somebody who cosigns the trail's heads by C2SP's tlog-witness."""

    url: Text = Field(
        pattern=r"^https?://[^\s?#]+$",
        description="Its address, before /add-checkpoint; checkpoints are read there too.",
    )
    key: Text = Field(description="Its verifier key, NAME+ID+BASE64.")


class Trail(Section):
    """The tamper-evident log of every decision."""

    enabled: bool = Field(default=True, description="Whether there is a trail wherever there is a store on disk.")
    key_file: FilePath | None = Field(
        default=None,
        description="File with the signing key (archscan trail key makes one); beside a SQLite store, as STORE.key, made "
        "once, where it is null.",
    )
    origin: Text | None = Field(
        default=None,
        description="Name of the log for a key that is made; this host's with something random where null.",
    )
    witnesses: tuple[Witness, ...] = Field(default=(), description="Who is asked to cosign each head.")


class Token(Section):
    """One bearer token of the HTTP interface."""

    name: Text = Field(description="Who holds it: it stands in the log.")
    token_file: FilePath | None = Field(default=None, description="File with the token.")
    token_sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the token in hexadecimal."
    )
    scopes: tuple[Scope, ...] = Field(min_length=1, description="What the token may do.")
    host: str = Field(default="", description="The one host whose answers a token with the scope push may send.")


class Web(Section):
    """The HTTP interface."""

    listen: Listen = Field(default="127.0.0.1:9719", description="Where to listen; no address means every interface.")
    config_file: FilePath | None = Field(
        default=None, description="TLS and basic authentication in the exporter toolkit's format."
    )
    tokens: tuple[Token, ...] = Field(default=(), description="Bearer tokens; without any, only reading is possible.")
    proxy: WebProxy | None = Field(
        default=None, description="A proxy in front that signs people in; nobody's word counts where null."
    )

    @property
    def listen_address(self) -> tuple[str, int]:
        """Address, empty for every interface, then port."""
        return split_listen(self.listen)


class GateRule(Section):
    """What the deploy gate answers for some of the hosts; what is null is said by the rules below, at last by the gate."""

    match: Text = Field(description="Hosts by name, glob pattern or label, as --host takes them: edge-*, env=dev.")
    emulated: Decision | None = Field(
        default=None, description="Answer for an image that runs only through an emulator."
    )
    degraded: Decision | None = Field(
        default=None, description="Answer for an image that starts although its metadata is wrong."
    )
    early_stop: Literal["allow", "hold"] | None = Field(
        default=None, description="Answer for an image that starts by bytes of a layer that was not read to its end."
    )
    depth: Literal["config", "binary", "full"] | None = Field(default=None, description="The least evidence asked for.")
    survey: bool | None = Field(
        default=None, description="Whether all files of an image must have been read before it may go."
    )
    max_facts_age: Duration | None = Field(
        default=None, ge=1, le=7 * DAY, description="Oldest host facts that are decided on."
    )


class Admission(Section):
    """What the webhook of Kubernetes answers, which lets pods pass that the gate cannot judge."""

    nodes: tuple[Text, ...] = Field(
        default=(),
        description="The cluster's nodes in the inventory, as --host takes them; all hosts where there are none.",
    )
    exempt: tuple[Text, ...] = Field(
        default=("kube-system",), description="Namespaces, as glob patterns, whose pods are never judged."
    )
    closed: tuple[Text, ...] = Field(
        default=(),
        description="Namespaces, as glob patterns, whose pods wait for a decision instead of passing without one.",
    )


class Gate(Section):
    """What the deploy gate answers."""

    emulated: Decision = Field(default="warn", description="Answer for an image that runs only through an emulator.")
    degraded: Decision = Field(
        default="warn", description="Answer for an image that starts although its metadata is wrong."
    )
    early_stop: Literal["allow", "hold"] = Field(
        default="allow",
        description="Answer for an image that starts by bytes of a layer that was not read to its end.",
    )
    depth: Literal["config", "binary", "full"] | None = Field(
        default=None, description="The least evidence asked for; that of scan.depth where it is null."
    )
    survey: bool = Field(
        default=False, description="Whether all files of an image must have been read before it may go."
    )
    max_facts_age: Duration = Field(
        default=15 * MINUTE, ge=1, le=7 * DAY, description="Oldest host facts it decides on."
    )
    reprobe: Duration = Field(
        default=20.0,
        ge=0,
        le=600,
        description="How long a host whose facts are too old is waited for, that is read anew; 0 reads none and holds.",
    )
    max_tag_age: Duration = Field(
        default=0.0,
        ge=0,
        le=5 * MINUTE,
        description="How long ago its registry may have said what a tag means; 0 asks it in each question. The answer names the "
        "digest that was judged.",
    )
    rules: tuple[GateRule, ...] = Field(
        default=(),
        description="Answers for some of the hosts; of each setting the first rule that fits and says it counts.",
    )
    admission: Admission = Field(default=Admission(), description="What the webhook of Kubernetes answers.")
    alternatives: int = Field(
        default=12,
        ge=0,
        le=100,
        description="Tags of the same repository that are looked at for one that fits, where an image is denied.",
    )


class Push(Section):
    """Answers that hosts send by themselves, instead of being asked."""

    directory: FilePath | None = Field(
        default=None,
        description="Folder in which each host's last answer lies as HOST.answer, sent over HTTP or put there in another "
        "way; needed as soon as a host pushes.",
    )
    max_age: Duration = Field(
        default=HOUR, ge=MINUTE, le=7 * DAY, description="Oldest answer that still tells of its host."
    )


class Plans(Section):
    """Deployments that are planned, as files."""

    directory: FilePath | None = Field(
        default=None,
        description="Folder of folders named by host pattern, with the files that would be deployed to those hosts.",
    )


class Owner(Section):
    """What a team owns: whatever fits any of the patterns."""

    team: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$", description="The team, as Alertmanager's routes call it."
    )
    images: tuple[Text, ...] = Field(
        default=(), description="Glob patterns of image references; without a tag they fit every tag."
    )
    namespaces: tuple[Text, ...] = Field(default=(), description="Glob patterns of Kubernetes namespaces.")
    projects: tuple[Text, ...] = Field(default=(), description="Glob patterns of Compose projects.")
    repositories: tuple[Text, ...] = Field(
        default=(),
        description="Glob patterns of the source repository that an image's label org.opencontainers.image.source "
        "names, such as github.com/example/*.",
    )


class Metrics(Section):
    """The Prometheus exposition."""

    max_findings: int = Field(
        default=500, ge=0, le=100_000, description="Findings with series of their own; others are counted."
    )


class Log(Section):
    """What is told to the operator."""

    format: Literal["logfmt", "json"] = Field(default="logfmt", description="How a log line is written.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is written."
    )


class Settings(Section):
    """The whole configuration."""

    inventory: tuple[InventorySource, ...] = Field(
        default=(), description="Sources of hosts, laid over each other: what they say of one host adds up."
    )
    ssh: Ssh = Field(default=Ssh(), description="How hosts are reached.")
    registries: Registries = Field(default=Registries(), description="Registries by host[:port].")
    scan: Scan = Field(default=Scan(), description="When the fleet is scanned, how deep.")
    store: Store = Field(default=Store(), description="What is remembered.")
    replicas: Replicas = Field(default=Replicas(), description="Several instances on one PostgreSQL.")
    trail: Trail = Field(default=Trail(), description="The tamper-evident log of every decision.")
    cluster: ClusterOrScheduler = Field(
        default=Cluster(), description="Processes that read hosts instead of the scanner."
    )
    web: Web = Field(default=Web(), description="The HTTP interface.")
    gate: Gate = Field(default=Gate(), description="What the deploy gate answers.")
    push: Push = Field(default=Push(), description="Answers that hosts send by themselves.")
    rollback: Rollback = Field(default=Rollback(), description="The way back to a release that started.")
    plans: Plans = Field(default=Plans(), description="Deployments that are planned, as files.")
    waivers: tuple[Waiver, ...] = Field(default=(), description="Findings that somebody answers for.")
    owners: tuple[Owner, ...] = Field(
        default=(),
        description="Whose image a finding is about: the first owner that fits, else the host's label team.",
    )
    metrics: Metrics = Field(default=Metrics(), description="The Prometheus exposition.")
    log: Log = Field(default=Log(), description="What is told to the operator.")

    @classmethod
    def default(cls) -> Settings:
        """The settings of commands that name no host and need no file."""
        return cls()
