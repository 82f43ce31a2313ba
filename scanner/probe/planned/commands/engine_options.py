"""Which options of docker, podman, nerdctl take the next word."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class OptionsError(ValueError):
    """Words that the engine would refuse, or whose options are not known here."""


@dataclass(frozen=True, slots=True)
class Given:
    """Options that were given, each as its long name with its value, in their order; then the words behind them."""

    options: tuple[tuple[str, str], ...]
    rest: tuple[str, ...]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of an option."""
        return tuple(value for known, value in self.options if known == name)

    def last(self, name: str) -> str | None:
        """The value that counts where an option has one."""
        found = self.all(name)
        return found[-1] if found else None

    def is_on(self, name: str) -> bool:
        """Whether an option that stands alone was given, and not taken back (``--init=false``)."""
        return (self.last(name) or "false").lower() in {"true", "1", "t"}


@dataclass(frozen=True, slots=True)
class Grammar:
    """The options of one command: ``flags`` stand alone, ``takes`` have a value; ``short`` letters and ``aliases`` are other names."""

    flags: frozenset[str]
    takes: frozenset[str]
    short: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def read(self, words: tuple[str, ...]) -> Given:
        """The options at the beginning of some words, as pflag reads them: they end before the first word that is none.

        Raises:
            OptionsError: an option that is not known, or one without its value.
        """
        found: list[tuple[str, str]] = []
        at = 0
        while at < len(words) and words[at].startswith("-") and words[at] != "-":
            word = words[at]
            at += 1
            if word == "--":
                break
            follows = words[at] if at < len(words) else None
            made, taken = self._long(word, follows) if word.startswith("--") else self._letters(word, follows)
            found += made
            at += taken
        return Given(tuple(found), words[at:])

    def read_all(self, words: tuple[str, ...]) -> Given:
        """The same where options may stand among the other words, until ``--``."""
        options: tuple[tuple[str, str], ...] = ()
        others: tuple[str, ...] = ()
        while words:
            given = self.read(words)
            options += given.options
            behind_dashes = words[len(words) - len(given.rest) - 1 : len(words) - len(given.rest)] == ("--",)
            if behind_dashes:
                return Given(options, others + given.rest)
            others += given.rest[:1]
            words = given.rest[1:]
        return Given(options, others)

    def _long(self, word: str, follows: str | None) -> tuple[list[tuple[str, str]], int]:
        name, equals, value = word[2:].partition("=")
        name = self.aliases.get(name, name)
        if equals:
            return [(name, value)], 0
        if name in self.flags:
            return [(name, "true")], 0
        if name not in self.takes:
            raise OptionsError(f"the option --{name} is not known here")
        return [(name, _there(name, follows))], 1

    def _letters(self, word: str, follows: str | None) -> tuple[list[tuple[str, str]], int]:
        """``-dit``, ``-p80:80``, ``-p=80:80``, ``-dp 80:80``."""
        found: list[tuple[str, str]] = []
        for position, letter in enumerate(word[1:], start=2):
            name = self.short.get(letter)
            if name is None:
                raise OptionsError(f"the option -{letter} is not known here")
            rest = word[position:]
            if rest.startswith("="):
                return [*found, (name, rest[1:])], 0
            if name in self.flags:
                found.append((name, "true"))
                continue
            return ([*found, (name, rest)], 0) if rest else ([*found, (name, _there(name, follows))], 1)
        return found, 0


def _there(name: str, follows: str | None) -> str:
    if follows is None:
        raise OptionsError(f"there is no value behind --{name}")
    return follows


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHORT = MappingProxyType({
    "a": "attach", "c": "cpu-shares", "d": "detach", "e": "env", "h": "hostname", "i": "interactive", "l": "label",
    "m": "memory", "p": "publish", "P": "publish-all", "q": "quiet", "t": "tty", "u": "user", "v": "volume", "w": "workdir",
})  # fmt: skip

_DOCKER = Grammar(
    flags=_names(
        "detach disable-content-trust help init interactive no-healthcheck oom-kill-disable privileged publish-all quiet "
        "read-only rm sig-proxy tty use-api-socket"
    ),
    takes=_names(
        "add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile "
        "cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems "
        "detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns "
        "dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval "
        "health-retries health-start-interval health-start-period health-timeout hostname io-maxbandwidth io-maxiops ip "
        "ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address memory "
        "memory-reservation memory-swap memory-swappiness mount name network network-alias oom-score-adj pid pids-limit "
        "platform publish pull restart runtime security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs "
        "ulimit user userns uts volume volume-driver volumes-from workdir"
    ),
    short=_SHORT,
    aliases=MappingProxyType({"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}),
)
"""Of ``docker run`` with ``docker create``, from 20.10 to 28; compared with its ``--help``."""

_PODMAN = Grammar(
    flags=_names(
        "detach disable-content-trust env-host help http-proxy init interactive no-healthcheck no-hostname no-hosts "
        "oom-kill-disable passwd privileged publish-all quiet read-only read-only-tmpfs replace rm rmi rootfs sig-proxy "
        "tls-verify tty unsetenv-all"
    ),
    takes=_names(
        "add-host annotation arch attach authfile blkio-weight blkio-weight-device cap-add cap-drop cert-dir cgroup-conf "
        "cgroup-parent cgroupns cgroups chrootdirs cidfile conmon-pidfile cpu-period cpu-quota cpu-rt-period "
        "cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems creds decryption-key detach-keys device "
        "device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns dns-option "
        "dns-search entrypoint env env-file env-merge expose gidmap gpus group-add group-entry health-cmd "
        "health-interval health-log-destination health-max-log-count health-max-log-size health-on-failure "
        "health-retries health-start-period health-startup-cmd health-startup-interval health-startup-retries "
        "health-startup-success health-startup-timeout health-timeout hostname hosts-file hostuser image-volume init-ctr "
        "init-path ip ip6 ipc label label-file log-driver log-opt mac-address memory memory-reservation memory-swap "
        "memory-swappiness mount name network network-alias oom-score-adj os passwd-entry personality pid pidfile "
        "pids-limit platform pod pod-id-file preserve-fd preserve-fds publish pull rdt-class requires restart retry "
        "retry-delay sdnotify seccomp-policy secret security-opt shm-size shm-size-systemd stop-signal stop-timeout "
        "subgidname subuidname sysctl systemd timeout tmpfs tz uidmap ulimit umask unsetenv user userns uts variant "
        "volume volumes-from workdir"
    ),
    short=_SHORT,
    aliases=MappingProxyType({
        "net": "network", "dns-opt": "dns-option", "override-arch": "arch", "override-os": "os",
        "override-variant": "variant", "healthcheck-command": "health-cmd", "healthcheck-interval": "health-interval",
        "healthcheck-retries": "health-retries", "healthcheck-start-period": "health-start-period",
        "healthcheck-timeout": "health-timeout",
    }),
)  # fmt: skip
"""Of ``podman run`` with ``podman create``, from 4.3 to 5.8; compared with its ``--help``."""

_NERDCTL = Grammar(
    flags=_names(
        "detach help init interactive no-healthcheck oom-kill-disable privileged publish-all quiet read-only rm rootfs "
        "sig-proxy tty ipfs"
    ),
    takes=_names(
        "add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-conf cgroup-parent cgroupns "
        "cidfile cosign-certificate-identity cosign-certificate-identity-regexp cosign-certificate-oidc-issuer "
        "cosign-certificate-oidc-issuer-regexp cosign-key cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares "
        "cpus cpuset-cpus cpuset-mems detach-keys device device-read-bps device-read-iops device-write-bps "
        "device-write-iops dns dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd "
        "health-interval health-retries health-start-interval health-start-period health-timeout hostname init-binary ip "
        "ip6 ipc ipfs-address isolation kernel-memory label label-file link-local-ip log-driver log-opt mac-address "
        "memory memory-reservation memory-swap memory-swappiness mount name network network-alias oom-score-adj pid "
        "pidfile pids-limit platform publish pull rdt-class restart runtime security-opt shm-size stop-signal "
        "stop-timeout sysctl systemd tmpfs ulimit umask user userns uts verify volume volumes-from workdir"
    ),
    short=_SHORT,
    aliases=MappingProxyType({"net": "network", "dns-opt": "dns-option"}),
)
"""Of ``nerdctl run`` with ``nerdctl create``, from its docs/command-reference.md."""

RUN: Mapping[str, Grammar] = MappingProxyType({"docker": _DOCKER, "podman": _PODMAN, "nerdctl": _NERDCTL})

GLOBAL: Mapping[str, Grammar] = MappingProxyType({
    "docker": Grammar(
        _names("debug tls tlsverify version help"),
        _names("config context host log-level tlscacert tlscert tlskey"),
        MappingProxyType({"D": "debug", "v": "version", "c": "context", "H": "host", "l": "log-level", "h": "help"}),
    ),
    "podman": Grammar(
        _names("help noout remote syslog transient-store version trace"),
        _names(
            "cdi-spec-dir cgroup-manager config conmon connection events-backend hooks-dir identity imagestore log-level "
            "module namespace network-cmd-path network-config-dir out root runroot runtime runtime-flag ssh "
            "storage-driver storage-opt tls-ca tls-cert tls-key tmpdir url volumepath context host"
        ),
        MappingProxyType({"r": "remote", "c": "connection", "v": "version", "H": "host", "h": "help"}),
    ),
    "nerdctl": Grammar(
        _names("debug debug-full experimental help insecure-registry kube-hide-dupe version"),
        _names(
            "address bridge-ip cdi-spec-dirs cgroup-manager cni-netconfpath cni-path data-root dns dns-opts dns-search "
            "global-dns host host-gateway-ip hosts-dir namespace selinux-enabled snapshotter storage-driver userns-remap"
        ),
        MappingProxyType({"a": "address", "H": "host", "n": "namespace", "v": "version", "h": "help"}),
    ),
})  # fmt: skip
"""Options between the program and its command."""

PULL = Grammar(
    _names("all-tags disable-content-trust help quiet tls-verify unpack all-platforms ipfs verify"),
    _names(
        "arch authfile cert-dir cosign-key creds decryption-key os platform policy retry retry-delay signature-policy "
        "variant soci-index-digest"
    ),
    MappingProxyType({"a": "all-tags", "q": "quiet"}),
    MappingProxyType({"override-arch": "arch", "override-os": "os", "override-variant": "variant"}),
)
"""Of ``pull`` in all of them."""

KUBE_PLAY = Grammar(
    _names(
        "build down force help no-hostname no-hosts no-pod-prefix publish-all quiet replace service-container start "
        "tls-verify wait"
    ),
    _names(
        "annotation authfile cert-dir configmap context-dir creds ip log-driver log-level log-opt mac-address network "
        "publish seccomp-profile-root service-exit-code-propagation signature-policy userns"
    ),
    MappingProxyType({"q": "quiet", "w": "wait", "p": "publish"}),
    MappingProxyType({"net": "network"}),
)
"""Of ``podman kube play``."""

POD = Grammar(
    _names("help infra no-hostname no-hosts publish-all replace share-parent"),
    _names(
        "add-host blkio-weight blkio-weight-device cgroup-parent cpu-shares cpus cpuset-cpus cpuset-mems device "
        "device-read-bps device-write-bps dns dns-option dns-search exit-policy gidmap gpus hostname hosts-file "
        "infra-command infra-conmon-pidfile infra-image infra-name ip ip6 label label-file mac-address memory memory-swap "
        "name network network-alias pid pod-id-file publish restart security-opt share shm-size "
        "shm-size-systemd subgidname subuidname sysctl uidmap userns uts volume volumes-from"
    ),
    MappingProxyType({**_SHORT, "n": "name"}),
    MappingProxyType({"net": "network", "dns-opt": "dns-option"}),
)
"""Of ``podman pod create``, from 4.3 to 5.8; compared with its ``--help``."""

COMPOSE = Grammar(
    _names("all-resources compatibility dry-run verbose help version debug no-ansi"),
    _names(
        "ansi env-file file parallel profile progress project-directory project-name workdir podman-path podman-args in-pod"
    ),
    MappingProxyType({"f": "file", "p": "project-name", "v": "version", "h": "help", "D": "debug"}),
)
"""Of ``docker compose`` with its like, before their command."""

COMPOSE_START = Grammar(
    _names(
        "abort-on-container-exit abort-on-container-failure always-recreate-deps attach-dependencies build detach dry-run "
        "force-recreate help interactive ipfs menu no-TTY no-build no-cache no-color no-deps no-log-prefix no-recreate "
        "no-start no-up prune quiet quiet-build quiet-pull remove-orphans renew-anon-volumes rm service-ports timestamps tty use-aliases "
        "wait watch yes"
    ),
    _names(
        "attach build-arg cap-add cap-drop entrypoint env env-from-file exit-code-from in-pod label name no-attach "
        "podman-args publish pull scale timeout user volume wait-timeout workdir"
    ),
    MappingProxyType({
        "d": "detach", "t": "timeout", "V": "renew-anon-volumes", "w": "watch", "y": "yes", "h": "help",
    }),
)  # fmt: skip
"""Of ``docker compose up``, ``create``, ``start``, ``scale``, ``watch`` with their like, from 2.26 to 2.40; compared with their ``--help``."""

COMPOSE_RUN = Grammar(
    COMPOSE_START.flags,
    COMPOSE_START.takes,
    MappingProxyType({
        "d": "detach", "e": "env", "h": "help", "i": "interactive", "l": "label", "p": "publish", "P": "service-ports",
        "q": "quiet", "T": "no-TTY", "u": "user", "v": "volume", "w": "workdir",
    }),
)  # fmt: skip
"""Of ``docker compose run``; compared with its ``--help``."""
