"""Everything that one configuration can ask: its hosts, its registries, the insides of images."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.app import secret_settings, wiring
from scanner.binary.layers.archive import inspect_archive
from scanner.domain.facts import HOSTS_SHARE
from scanner.formats.parsing.offload import Parsers
from scanner.hosts.answer_reading import AnswerReader
from scanner.hosts.local import LocalProbe
from scanner.hosts.login import ProbeLogin
from scanner.hosts.pushed import NO_PLACE, PushedAnswers
from scanner.hosts.source import NO_KEY, ClosedSource, NotUnderstoodSource, SourceKind
from scanner.probe.answer import is_of_installed_probe
from scanner.probe.script import script
from scanner.registry.archives.archived import WithArchives
from scanner.registry.auth.authorizers import authorizer_for
from scanner.registry.client import Registry
from scanner.registry.http.tls import certificate_ends_at
from scanner.registry.mirrors.pull_endpoints import MirrorsError
from scanner.registry.stale_fallback import StaleFallback
from scanner.scan.host_facts import HostFactsReader
from scanner.scan.images.image_surveys import ImageSurveys, Surveying
from scanner.scan.images.inspections import Inspections
from scanner.scan.images.layer_access import INSPECTION, SURVEY, LayerAccess, inspection_key
from scanner.scan.images.layer_surveys import LayerSurveys
from scanner.scan.images.local_images import LocalImages
from scanner.scan.plans.plan_reading import PlanReading
from scanner.scan.plans.plans import NO_DEPLOYMENTS, Deployments, PlanDirectory, read_texts
from scanner.scan.scan import Scanner
from scanner.scan.standing_verdicts import StandingVerdicts
from scanner.scan.unchanged import LastScan
from scanner.service.config_hint import configured
from scanner.service.configuration import owners
from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from scanner.app.listen import Face
    from scanner.cluster.cluster import ClusterObserver
    from scanner.cluster.cluster_reader import ClusterReader
    from scanner.domain.facts import HostFacts
    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.domain.image.image_survey import ImageSurvey
    from scanner.domain.image.offers import ImageFacts, Offer
    from scanner.domain.image.reference import ImageReference
    from scanner.hosts.source import HostSource
    from scanner.hosts.ssh.config import SshConfig
    from scanner.hosts.ssh.fetcher import Fetcher
    from scanner.hosts.ssh.ssh_source import SshSource
    from scanner.probe.answer_cache import AnswerCache
    from scanner.probe.planned.folder import FolderPlans
    from scanner.registry.archives.archived import Archived
    from scanner.registry.auth.credentials import CredentialSources
    from scanner.registry.documents.cache import Recent
    from scanner.registry.http.observer import RegistryObserver
    from scanner.scan.images.image_surveys import Wanted
    from scanner.scan.ports import HostReader
    from scanner.scan.scan import ScanLimits
    from scanner.settings.schema import Settings
    from scanner.store.store import Store


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What reaches beyond one configuration: version, store, the observer of registries, the user's own logins.

    ``on_survey_read`` is called with the bytes of every layer that was read for a survey.
    ``ssh`` is a person's own way to hosts, instead of the configured one.
    ``fetcher`` is the process that asks hosts over SSH instead of this one.
    ``cluster_observer`` watches the workers of a cluster.
    ``last_seen`` keeps what images offered over a reload, which is often what ends a registry's trouble.
    """

    version: str
    store: Store | None = None
    observer: RegistryObserver | None = None
    ambient: CredentialSources | None = None
    last_seen: Recent[ImageFacts] | None = None
    on_survey_read: Callable[[int], None] = lambda _bytes: None
    ssh: SshConfig | None = None
    cluster_observer: ClusterObserver | None = None
    fetcher: Fetcher | None = None


class Adapters:
    """Opened for one configuration, closed when the next one takes its place.

    Raises:
        SettingsError: a key, known_hosts or a file of mirrors cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        context: AdapterContext,
        face: Face | None = None,
        archives: Mapping[ImageReference, Archived] | None = None,
    ) -> None:
        self.face = face
        secret_settings.refuse_exposed(settings)
        is_elsewhere = context.fetcher is not None or (settings.cluster.is_remote and context.ssh is None)
        self._ssh = None if is_elsewhere else _ssh(settings, context.ssh)
        self._owners, self._max_tag_age_s = owners(settings), settings.gate.max_tag_age
        self._parsers = Parsers(shared=HOSTS_SHARE)
        self.hosts = _hosts(settings, context, self._ssh, self._parsers)
        self._cluster = _cluster(settings, context, self.hosts.answers)
        self.hosts.other_reader = self._cluster.read if self._cluster is not None else None
        directory = settings.plans.directory
        self.plan_reading = PlanReading(PlanDirectory(directory, self._parsers) if directory else None)
        self._last_scan, self._standing = LastScan(), StandingVerdicts()
        self.registry = _registry(settings, context)
        self.images = WithArchives(self.registry, archives or {})
        access = LayerAccess(self.images)
        self.inspections = Inspections(
            access.inspect, inspection_key, context.store, INSPECTION, self.images.may_stop_early
        )
        own = settings.scan.surveys
        layers = LayerSurveys(
            access.survey, context.store, SURVEY, per_registry=own.per_registry, on_read=context.on_survey_read
        )
        self.surveys = ImageSurveys(layers, self.images, own.max_image_bytes)

    def one_scan(self) -> AbstractContextManager[None]:
        """Within this each reference is resolved once: a tag cannot move in a scan."""
        self.inspections.begin_scan()
        return self.registry.scan()

    def one_check(self) -> AbstractContextManager[None]:
        """Within this each reference is resolved once: a gate answers by what a tag means now, or meant as lately as it may."""
        return self.registry.scan(max_age_s=self._max_tag_age_s)

    async def read(self, host: Host) -> HostFacts | Failure:
        """Ask one host through the source that answers for it."""
        return await self.hosts.read(host)

    async def receive(self, host: Host, raw: bytes) -> Failure | None:
        """Keep the answer that a host pushed, parsed here once; the next scan judges it, as every other host's."""
        return await self.hosts.receive(host, raw)

    def scanner(  # noqa: PLR0913 -- each is an independent choice of the use case
        self,
        limits: ScanLimits,
        *,
        read: HostReader | None = None,
        on_bug: Callable[[str], None] = lambda _where: None,
        plans: Deployments = NO_DEPLOYMENTS,
        survey_now: bool = False,
        want_survey: Callable[[Wanted], None] | None = None,
    ) -> Scanner:
        """A scanner over these adapters; ``read`` where facts come from elsewhere than the hosts."""
        resolver = StaleFallback(self.images)
        return Scanner(
            read or self.read,
            resolver,
            self.inspections,
            limits,
            on_bug=on_bug,
            plans=plans,
            configured=configured,
            missing_part=self.images.missing_part,
            held=self.images.held,
            surveys=Surveying(self.surveys, survey_now, want_survey, limits.deadline_s),
            last=self._last_scan if read is None and not survey_now else None,
            standing=self._standing if survey_now else None,
            owners=self._owners,
        )

    async def survey(self, wanted: Wanted, grant: Callable[[int], bool]) -> int | Failure:
        """Read what a survey lacks, as far as ``grant`` allows; how many bytes that took."""
        return await self.surveys.make(wanted, grant)

    async def plans(self, hosts: Sequence[Host], within_s: float) -> Deployments:
        """What the plan directory, if there is one, now holds for these hosts, which are the whole inventory.

        What is not read in time is read on, for whoever asks next.
        """
        return await self.plan_reading.read(hosts, within_s)

    async def tags(self, reference: ImageReference) -> tuple[str, ...] | Failure:
        """The tags of a repository."""
        return await self.images.tags(reference)

    async def read_files(self, files: Mapping[str, bytes]) -> FolderPlans:
        """What these files, by path, plan together; read where a hostile one can be ended."""
        return await asyncio.to_thread(read_texts, files, self._parsers)

    async def files(self, reference: ImageReference, offer: Offer) -> ImageSurvey | Failure:
        """Every file of one image that could be executed or loaded."""
        return await self.surveys.files(reference, offer)

    def credential_ends(self) -> dict[str, float]:
        """When the certificates end that are in use from now on (Unix seconds), by their place in the configuration.

        A certificate is loaded once; a renewed file counts from the next reload.
        """
        shown = self.registry.client_certificates
        ends = {f"registries.{name}.cert_file": certificate_ends_at(path) for name, path in shown.items()}
        if self.face is not None and self.face.certificate:
            ends["web.tls"] = certificate_ends_at(self.face.certificate)
        of_ssh = dict(self._ssh.certificate_ends) if self._ssh else {}
        return {name: at for name, at in ends.items() if at is not None} | of_ssh

    async def close(self) -> None:
        """Close every connection."""
        await self.inspections.close()
        await self.surveys.close()
        await self.registry.aclose()
        if self._cluster is not None:
            await self._cluster.close()
        for source in self.hosts.sources.values():
            await source.close()
        await asyncio.to_thread(self._parsers.close)
        await self.plan_reading.close()


def _registry(settings: Settings, context: AdapterContext) -> Registry:
    """The way to registries, the files of mirrors read."""
    try:
        return Registry(
            wiring.client(settings, context.version),
            authorizer_for=authorizer_for(wiring.credentials(settings, context.ambient)),
            documents=context.store,
            observer=context.observer,
            last=context.last_seen,
        )
    except MirrorsError as error:
        raise SettingsError([Problem("registries", 0, "", str(error))]) from None


LOOKS: Sequence[Callable[[Settings, AdapterContext], object]] = (
    lambda settings, _: secret_settings.refuse_exposed(settings),
    lambda settings, context: None if settings.cluster.is_remote else _ssh(settings, context.ssh),
    _registry,
    Adapters,
)
"""Each refuses what it cannot open, whatever the others refuse; the last puts all of it together."""


def _cluster(settings: Settings, context: AdapterContext, answers: AnswerCache) -> ClusterReader | None:
    """What reads hosts instead of this process, where the settings name one."""
    if settings.cluster.scheduler is None:
        return None
    from scanner.app import cluster_wiring  # noqa: PLC0415 -- nobody else waits for it
    from scanner.cluster.cluster_reader import ClusterReader  # noqa: PLC0415 -- the same

    config, is_own = context.ssh or wiring.ssh(settings), context.ssh is not None
    cluster = cluster_wiring.cluster_of(settings, config, context.version, context.cluster_observer, is_own=is_own)
    return ClusterReader(cluster, answers) if cluster is not None else None


def _local_images(settings: Settings, ssh: SshSource | None) -> LocalImages | None:
    """The look into the hosts' own stores, where it is asked for."""
    if ssh is None or not settings.scan.local_images:
        return None
    return LocalImages(ssh.export_image, inspect_archive)


def _hosts(settings: Settings, context: AdapterContext, ssh: SshSource | None, parsers: Parsers) -> HostFactsReader:
    """What reads hosts, each by its own way."""
    pushed = _pushed(settings)
    login = (
        ProbeLogin(context.ssh.user, is_own=True)
        if context.ssh
        else ProbeLogin(settings.ssh.user, jump=settings.ssh.jump)
    )
    return HostFactsReader(
        sources=_sources(settings, _fetched(context.fetcher, settings, context.ssh) if context.fetcher else ssh),
        answer_reader=AnswerReader(parsers, login),
        pushed=pushed,
        local_images=_local_images(settings, ssh),
    )


def _pushed(settings: Settings) -> PushedAnswers | None:
    """The hosts that push, where there is a place for their answers."""
    own = settings.push
    return PushedAnswers(own.directory, own.max_age, settings.ssh.max_output) if own.directory else None


def _fetched(fetcher: Fetcher, settings: Settings, own: SshConfig | None) -> HostSource:
    """The process that asks hosts, its keys read."""
    if troubles := fetcher.open(lambda: _ssh(settings, own) or ClosedSource(NO_KEY)):
        raise _unusable(troubles)
    return fetcher


def _sources(settings: Settings, ssh: HostSource | None) -> Mapping[SourceKind, HostSource]:
    """Who answers for a host, by what the host is; pushed answers have a reader of their own where there is a place for them."""
    return {
        SourceKind.LOCAL: LocalProbe(script(), settings.ssh.probe_timeout, settings.ssh.max_output),
        SourceKind.NOT_UNDERSTOOD: NotUnderstoodSource(),
        SourceKind.PUSHED: ClosedSource(NO_PLACE),
        SourceKind.SSH: ssh or ClosedSource(NO_KEY),
    }


def _ssh(settings: Settings, own: SshConfig | None) -> SshSource | None:
    """The hosts that SSH reaches, its keys read; ``None`` where only this machine can be asked."""
    config = own or wiring.ssh(settings)
    if config is None:
        return None
    from scanner.hosts.ssh.ssh_source import SshSource  # noqa: PLC0415 -- asyncssh takes half a second, for nothing where no host is
    from scanner.hosts.ssh.trust import TrustError  # noqa: PLC0415 -- the same

    try:
        return SshSource.open(config, script(), settings.scan.max_local_bytes, is_of_installed_probe)
    except TrustError as error:
        raise _unusable(error.problems) from None


def _unusable(problems: Iterable[str]) -> SettingsError:
    """Keys that cannot be used."""
    return SettingsError(Problem("ssh", 0, "", one) for one in problems)
