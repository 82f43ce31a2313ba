import asyncio
from dataclasses import replace

from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.readiness import Outlook
from scanner.service.answers import RefusalReason
from tests.service.environment import ARM64


async def judged(service, target):
    while service.moves.is_judging(target):
        await asyncio.sleep(0)


async def test_images_are_opened_for_the_target_on_request_and_the_answer_stays(environment, service):
    environment.hosts = tuple(replace(host, planned=(Plan("registry.example/a:1"),)) for host in environment.hosts)
    service.reloading.reload("test")
    await service.scans.scheduled()
    assert not service.moves.outlook(ARM64).is_judged
    assert service.moves.judge(ARM64, "ada") is None
    assert service.moves.is_judging(ARM64)
    await judged(service, ARM64)
    found = service.moves.outlook(ARM64)
    assert found.is_judged
    assert [image.outlook for image in found.images] == [Outlook.BLOCKED]


async def test_before_the_first_report_there_is_nothing_to_judge(service):
    assert service.moves.outlook(ARM64) is None
    assert service.moves.judge(ARM64, "ada").reason is RefusalReason.NOT_READY


async def test_a_target_of_which_there_are_no_hosts_is_refused(environment, service):
    await service.scans.scheduled()
    assert service.moves.judge(Platform("plan9", "vax"), "ada").reason is RefusalReason.PLATFORM_INVALID
