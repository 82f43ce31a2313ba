"""What may be assumed of any machine of a platform."""

import pytest

from scanner.domain.image.offers import Offer
from scanner.domain.image.selection import Outcome, select
from scanner.domain.platform.platform import Platform, parse
from scanner.domain.verdict.execution import executes
from scanner.domain.verdict.plain import plain_engine, plain_host
from scanner.domain.verdict.reason import Reason


@pytest.mark.parametrize(
    ("host", "need", "reason"),
    [
        ("linux/amd64", "linux/amd64", Reason.NATIVE),
        ("linux/amd64", "linux/386", Reason.NATIVE),
        ("linux/amd64", "linux/amd64/v2", Reason.CPU_LEVEL_TOO_LOW),
        ("linux/amd64/v3", "linux/amd64/v2", Reason.NATIVE),
        ("linux/amd64", "linux/arm64", Reason.WRONG_PLATFORM),
        ("linux/arm64", "linux/arm64/v8", Reason.NATIVE),
        ("linux/arm64", "linux/arm64/v8.1", Reason.CPU_LEVEL_TOO_LOW),
        ("linux/arm64/v9", "linux/arm64/v8.1", Reason.NATIVE),
        ("linux/arm64", "linux/arm/v7", Reason.AARCH32_UNKNOWN),
        ("linux/arm64", "linux/amd64", Reason.WRONG_PLATFORM),
        ("linux/arm/v7", "linux/arm/v6", Reason.NATIVE),
        ("linux/arm/v6", "linux/arm/v7", Reason.CPU_LEVEL_TOO_LOW),
        ("linux/arm/v7", "linux/arm64", Reason.WRONG_PLATFORM),
        ("linux/386", "linux/amd64", Reason.WRONG_PLATFORM),
        ("linux/ppc64le", "linux/ppc64le/power8", Reason.NATIVE),
        ("linux/ppc64le", "linux/ppc64le/power10", Reason.CPU_LEVEL_UNKNOWN),
        ("linux/loong64", "linux/loong64", Reason.NATIVE),
        ("linux/loong64", "linux/loong64/abi1", Reason.CPU_LEVEL_UNKNOWN),
        ("linux/loong64/abi1", "linux/loong64/abi1", Reason.NATIVE),
        ("windows/amd64", "linux/amd64", Reason.WRONG_PLATFORM),
    ],
)
def test_a_plain_host_executes_what_every_machine_does(host, need, reason):
    assert executes(plain_host(parse(host)), Platform(*need.split("/"))).reason == reason


@pytest.mark.parametrize(
    ("host", "entries", "taken"),
    [
        ("linux/amd64", ("linux/amd64/v2", "linux/amd64"), 1),
        ("linux/amd64", ("linux/amd64/v2",), None),
        ("linux/amd64/v3", ("linux/amd64", "linux/amd64/v3", "linux/amd64/v4"), 1),
        ("linux/arm64", ("linux/arm/v7", "linux/arm64"), 1),
        ("linux/arm64", ("linux/arm/v7",), 0),
        ("linux/arm/v6", ("linux/arm/v7", "linux/arm/v6"), 1),
        ("linux/arm", ("linux/arm/v6", "linux/arm/v7"), 1),
    ],
)
def test_docker_on_a_plain_host_selects_by_its_own_rules(host, entries, taken):
    platform = parse(host)
    offers = [Offer(entry, Platform(*entry.split("/"))) for entry in entries]

    found = select(plain_engine(platform), offers, kernel=plain_host(platform))

    assert found.outcome is not Outcome.UNKNOWN
    assert found.order[:1] == (() if taken is None else (taken,))


NOWHERE = (
    "linux/amd46", "linux/amd64/v7", "linux/arm64/v99", "linux/arm64/v8.10", "linux/arm/v99", "linux/s390x/z99",
    "plan10/amd64", "unknown/unknown",
)  # fmt: skip


@pytest.mark.parametrize("text", NOWHERE)
def test_a_platform_of_no_machine_is_refused(text):
    with pytest.raises(ValueError, match="there are no hosts of platform"):
        plain_host(parse(text))
