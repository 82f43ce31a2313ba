"""Everything that one configuration can ask: its hosts, its registries, the insides of images."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from scanner.app import secret_settings, wiring
from scanner.binary.inspect import inspect
from scanner.binary.layers.archive import inspect_archive
from scanner.binary.layers.limits import Limits as LayerLimits
from scanner.binary.program import argv
from scanner.binary.program.survey.survey import read_layer
from scanner.domain.facts import HOSTS_SHARE, Failure
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.hosts import OWN_SSH
from scanner.formats.parsing.offload import BudgetExceeded, Workers
from scanner.hosts.local import LocalSource
from scanner.hosts.login import of_login, with_login
from scanner.hosts.pushed import PushedSource
from scanner.hosts.source import ClosedSource, NotUnderstood, SourceKind, kind_of
from scanner.probe import reading
from scanner.probe.answer import parse
from scanner.probe.answer_budget import BUDGET, too_large
from scanner.probe.answer_cache import AnswerCache
from scanner.probe.script import script
from scanner.registry.archives.archived import WithArchives
from scanner.registry.auth.authorizers import authorizer_for
from scanner.registry.client import Registry
from scanner.registry.http.tls import certificate_ends_at
from scanner.registry.mirrors.pull_endpoints import MirrorsError
from scanner.registry.stale_fallback import StaleFallback
from scanner.scan.image_surveys import ImageSurveys, Surveying
from scanner.scan.inspections import Inspections
from scanner.scan.layer_surveys import LayerSurveys
from scanner.scan.local_images import LocalImages
from scanner.scan.plans import NO_DEPLOYMENTS, Deployments, PlanDirectory, not_read_within, read_texts
from scanner.scan.scan import Scanner
from scanner.scan.unchanged import LastScan
from scanner.service.config_hint import config_hint
from scanner.service.configuration import owners
from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from scanner.app.listen import Face
    from scanner.binary.layers.source import OpenLayer
    from scanner.cluster.cluster import ClusterObserver
    from scanner.cluster.cluster_reader import ClusterReader
    from scanner.domain.facts import HostFacts, Process
    from scanner.domain.host import Host
    from scanner.domain.image.image_survey import ImageSurvey, LayerSurvey
    from scanner.domain.image.offers import ImageFacts, Layer, Offer, Program
    from scanner.domain.image.reference import ImageReference
    from scanner.hosts.source import HostSource
    from scanner.hosts.ssh.config import SshConfig
    from scanner.hosts.ssh.ssh_source import SshSource
    from scanner.probe.planned.folder import FolderPlans
    from scanner.registry.archives.archived import Archived
    from scanner.registry.auth.credentials import CredentialSources
    from scanner.registry.documents.cache import Recent
    from scanner.registry.http.observer import RegistryObserver
    from scanner.scan.image_surveys import Wanted
    from scanner.scan.ports import HostReader
    from scanner.scan.scan import Limits
    from scanner.settings.schema import Settings
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

INSPECTION = "7"
"""Raised whenever the inspection of binaries learns to see more, so that what older versions stored is looked at anew."""


SURVEY = "1"
"""Raised whenever the survey of layers learns to see more, so that layers are read anew."""

SURVEY_LIMITS = LayerLimits(read_s=1800.0)
"""Of one layer: 4 GiB at 2.5 MB/s, which a busy registry gives to whoever is in no hurry."""


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What reaches beyond one configuration: version, store, the observer of registries, the user's own logins.

    ``on_survey_read`` is called with the bytes of every layer that was read for a survey.
    ``ssh`` is a person's own way to hosts, instead of the configured one.
    ``workers`` watches those of a cluster.
    ``last_seen`` keeps what images offered over a reload, which is often what ends a registry's trouble.
    """

    version: str
    store: Store | None = None
    observer: RegistryObserver | None = None
    ambient: CredentialSources | None = None
    last_seen: Recent[ImageFacts] | None = None
    on_survey_read: Callable[[int], None] = lambda _bytes: None
    ssh: SshConfig | None = None
    workers: ClusterObserver | None = None


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
        self._is_own = context.ssh is not None
        self._ssh = None if settings.cluster.is_remote and not self._is_own else _ssh(settings, context.ssh)
        self._owners = owners(settings)
        self._user = context.ssh.user if context.ssh else settings.ssh.user
        self._pushed = _pushed(settings)
        self.sources = _sources(settings, self._ssh, self._pushed)
        self._workers = Workers(shared=HOSTS_SHARE)
        self._plans = PlanDirectory(settings.plans.directory, self._workers) if settings.plans.directory else None
        self._reading_plans: asyncio.Task[Deployments] | None = None
        self._logged_problems: tuple[str, ...] = ()
        self._local_images = _local_images(settings, self._ssh)
        self._answers = AnswerCache(self._interpret)
        self._cluster = _cluster(settings, context, self._answers)
        self._pushed_facts: dict[str, tuple[HostFacts, HostFacts]] = {}
        self._last_scan = LastScan()
        self.registry = _registry(settings, context)
        self.images = WithArchives(self.registry, archives or {})
        self.inspections = Inspections(self._inspect, _command, context.store, INSPECTION, self.images.may_stop_early)
        own = settings.scan.surveys
        layers = LayerSurveys(
            self._read_layer, context.store, SURVEY, per_registry=own.per_registry, on_read=context.on_survey_read
        )
        self.surveys = ImageSurveys(layers, self.images, own.max_image_bytes)

    def one_scan(self) -> AbstractContextManager[None]:
        """Within this each reference is resolved once: a tag cannot move in a scan."""
        self.inspections.begin_scan()
        return self.registry.scan()

    def one_check(self) -> AbstractContextManager[None]:
        """Within this each reference is resolved once, anew: a gate must not answer by what a tag meant before."""
        return self.registry.scan(anew=True)

    async def read(self, host: Host) -> HostFacts | Failure:
        """Ask one host through the source that answers for it."""
        if self._pushed is not None and kind_of(host) is SourceKind.PUSHED:
            return await self._read_pushed(self._pushed, host)
        if self._cluster is not None and kind_of(host) is SourceKind.SSH:
            return await self._cluster.read(host)
        raw = await self.sources[kind_of(host)].read(host)
        facts = raw if isinstance(raw, Failure) else await self._answers.read(raw, host)
        if isinstance(facts, Failure):
            return facts if host.local else of_login(facts, host, self._user, OWN_SSH if self._is_own else "")
        if self._local_images is None:
            return facts
        return await self._local_images.fill(host, facts)

    async def _read_pushed(self, source: PushedSource, host: Host) -> HostFacts | Failure:
        """What a host pushed last, with its time; its own store of images is out of reach."""
        pushed = await source.latest(host)
        if isinstance(pushed, Failure):
            return pushed
        facts = await self._answers.read(pushed.raw, host)
        if isinstance(facts, Failure):
            return facts
        known = self._pushed_facts.get(host.name)
        if known is None or known[0] is not facts or known[1].answered_at != pushed.at:
            known = self._pushed_facts[host.name] = (facts, replace(facts, answered_at=pushed.at))
        return known[1]  # the same object for the same answer: nothing of it is judged again

    async def receive(self, host: Host, raw: bytes) -> Failure | None:
        """Keep the answer that a host pushed; it is read by the next scan, as every other host's is."""
        if self._pushed is None:
            return Failure(Reason.HOST_NOT_UNDERSTOOD, "no push.directory is configured", setting="push.directory")
        if len(raw) > self._pushed.max_output_bytes:
            return Failure(Reason.HOST_TOO_LARGE, f"the answer is longer than {self._pushed.max_output_bytes} bytes")
        found = await asyncio.to_thread(parse, raw)
        return found if isinstance(found, Failure) else await self._pushed.receive(host, raw)

    def scanner(  # noqa: PLR0913 -- each is an independent choice of the use case
        self,
        limits: Limits,
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
            hint=config_hint,
            missing_part=self.images.missing_part,
            surveys=Surveying(self.surveys, survey_now, want_survey, limits.deadline_s),
            last=self._last_scan if read is None and not survey_now else None,
            owners=self._owners,
        )

    async def survey(self, wanted: Wanted, grant: Callable[[int], bool]) -> int | Failure:
        """Read what a survey lacks, as far as ``grant`` allows; how many bytes that took."""
        return await self.surveys.make(wanted, grant)

    async def plans(self, hosts: Sequence[Host], within_s: float) -> Deployments:
        """What the plan directory, if there is one, now holds for these hosts, which are the whole inventory.

        What is not read in time is read on, for whoever asks next.
        """
        if self._plans is None:
            return NO_DEPLOYMENTS
        reading = self._reading_plans
        if reading is None or reading.done():
            reading = self._reading_plans = asyncio.create_task(asyncio.to_thread(self._plans.read, hosts))
        try:
            async with asyncio.timeout(within_s):
                found = await asyncio.shield(reading)
        except TimeoutError:
            found = not_read_within(hosts, within_s)
        if found.problems != self._logged_problems:
            self._logged_problems = found.problems
            for problem in found.problems:
                log.warning("plan_problem", problem=problem)
        return found

    async def tags(self, reference: ImageReference) -> tuple[str, ...] | Failure:
        """The tags of a repository."""
        return await self.images.tags(reference)

    async def read_files(self, files: Mapping[str, bytes]) -> FolderPlans:
        """What these files, by path, plan together; read where a hostile one can be ended."""
        return await asyncio.to_thread(read_texts, files, self._workers)

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
        for source in self.sources.values():
            await source.close()
        await asyncio.to_thread(self._workers.close)
        if self._reading_plans is not None:
            await asyncio.wait([self._reading_plans])

    async def _interpret(self, raw: bytes, host: Host) -> HostFacts | Failure:
        """What an answer says, read where a hostile one can be ended."""
        found = await self._workers.run(reading.read, BUDGET, raw, host)
        if isinstance(found, BudgetExceeded):
            return too_large(found)
        if isinstance(found, Failure):
            return found
        return with_login(found, host, self._user, OWN_SSH if self._is_own else "")

    async def _inspect(self, reference: ImageReference, offer: Offer, override: Process | None) -> Program:
        early_stop = self.images.may_stop_early(reference)
        return await inspect(offer, override, self._opener(reference), early_stop=early_stop)

    async def _read_layer(self, reference: ImageReference, layer: Layer) -> LayerSurvey | Failure:
        return await read_layer(layer, self._opener(reference, SURVEY_LIMITS.read_s), SURVEY_LIMITS)

    def _opener(self, reference: ImageReference, deadline_s: float | None = None) -> OpenLayer:
        def open_layer(
            layer: Layer, start: int = 0, end: int | None = None
        ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
            return self.images.open_layer(reference, layer, start, end, deadline_s=deadline_s)

        return open_layer


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


def _cluster(settings: Settings, context: AdapterContext, answers: AnswerCache) -> ClusterReader | None:
    """What reads hosts instead of this process, where the settings name one."""
    if settings.cluster.scheduler is None:
        return None
    from scanner.app import cluster_wiring  # noqa: PLC0415 -- nobody else waits for it
    from scanner.cluster.cluster_reader import ClusterReader  # noqa: PLC0415 -- the same

    config, is_own = context.ssh or wiring.ssh(settings), context.ssh is not None
    cluster = cluster_wiring.cluster_of(settings, config, context.version, context.workers, is_own=is_own)
    return ClusterReader(cluster, answers) if cluster is not None else None


def _local_images(settings: Settings, ssh: SshSource | None) -> LocalImages | None:
    """The look into the hosts' own stores, where it is asked for."""
    if ssh is None or not settings.scan.local_images:
        return None
    return LocalImages(ssh.export_image, inspect_archive)


def _pushed(settings: Settings) -> PushedSource | None:
    """The hosts that push, where there is a place for their answers."""
    own = settings.push
    return PushedSource(own.directory, own.max_age, settings.ssh.max_output) if own.directory else None


def _sources(settings: Settings, ssh: SshSource | None, pushed: PushedSource | None) -> Mapping[SourceKind, HostSource]:
    """Who answers for a host, by what the host is."""
    return {
        SourceKind.LOCAL: LocalSource(script(), settings.ssh.probe_timeout, settings.ssh.max_output),
        SourceKind.NOT_UNDERSTOOD: NotUnderstood(),
        SourceKind.PUSHED: pushed
        or ClosedSource(Reason.HOST_STALE, "no push.directory is configured", "push.directory"),
        SourceKind.SSH: ssh
        or ClosedSource(Reason.HOST_AUTH_REJECTED, "no ssh.identity_file is configured", "ssh.identity_file"),
    }


def _ssh(settings: Settings, own: SshConfig | None) -> SshSource | None:
    """The hosts that SSH reaches, its keys read; ``None`` where only this machine can be asked."""
    config = own or wiring.ssh(settings)
    if config is None:
        return None
    from scanner.hosts.ssh.ssh_source import SshSource  # noqa: PLC0415 -- asyncssh takes half a second, for nothing where no host is
    from scanner.hosts.ssh.trust import TrustError  # noqa: PLC0415 -- the same

    try:
        return SshSource.open(config, script(), settings.scan.max_local_bytes)
    except TrustError as error:
        raise SettingsError([Problem("ssh", 0, "", str(error))]) from None


def _command(offer: Offer, override: Process | None) -> tuple[str, ...]:
    """What an inspection's answer depends on beside the manifest."""
    command = argv.resolve(offer.process, override)
    known = (
        sorted(command.env.items(), key=str),
        command.env_known,
        command.user,
        command.init,
        command.written,
        command.privileges,
    )
    around = repr((known, command.mounts, command.volumes))
    return (command.cwd, hashlib.sha256(around.encode("utf-8", "surrogatepass")).hexdigest(), *command.argv)
