"""What waivers and overrides cover, what else there is to deploy, who owns a repository."""

from datetime import datetime

import pytest

from scanner.domain.image.offers import BuiltFrom
from scanner.domain.instead import changes
from scanner.domain.override import Override
from scanner.domain.ownership import OwnerRule, team_of
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding
from scanner.domain.report_json import moment
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict
from scanner.domain.waiver import Waiver, writable
from tests import builders
from tests.builders import AMD64, ARM64, digest


def finding(reason=Reason.PLATFORM_MISSING, **more):
    return Finding(builders.workload("api", "shop/api:1", host="web-1"), Verdict(reason, **more), AMD64)


@pytest.mark.parametrize(
    ("pattern", "covers"),
    [
        ({}, True), ({"host": "web-*"}, True), ({"host": "db-*"}, False), ({"image": "shop/*"}, True),
        ({"image": "other/*"}, False), ({"workload": "api"}, True), ({"workload": "db"}, False),
        ({"finding_reason": "platform_*"}, True), ({"finding_reason": "wrong_*"}, False),
    ],
)  # fmt: skip
def test_a_waiver_covers_what_fits_every_pattern(pattern, covers):
    assert Waiver("", "me", "why", 9.0, **pattern).covers(finding()) is covers


@pytest.mark.parametrize(
    ("image", "host", "covers"),
    [("shop/api:1", "*", True), (digest("a"), "web-1", True), ("shop/api:2", "*", False), ("*", "db-*", False)],
)
def test_an_override_covers_an_image_as_written_or_by_digest(image, host, covers):
    assert Override("", "me", "why", 9.0, image, host).covers(finding(digest=digest("a"))) is covers


def test_an_override_of_everything_does_not_take_a_digest_that_nobody_knows_for_an_image():
    assert not Override("", "me", "why", 9.0, "").covers(finding())


def test_an_image_that_fits_elsewhere_is_told_how_to_fit_here():
    told = changes(finding(offered=(ARM64, Platform("windows", "amd64"))))
    assert told["bake"] == 'platforms = ["linux/amd64", "linux/arm64"]'
    assert "platforms: linux/amd64,linux/arm64" in told["github_workflow"]
    assert "--install arm64" in told["emulation"]


def test_where_nothing_else_is_offered_nothing_is_emulated():
    assert set(changes(finding())) == {"bake", "github_workflow"}


def test_what_another_platform_does_not_mend_is_told_none():
    assert changes(finding(Reason.ENTRYPOINT_MISSING)) == {}
    assert changes(Finding(builders.workload(), Verdict(Reason.PLATFORM_MISSING), None)) == {}


@pytest.mark.parametrize(
    "pattern", ["https://git.example/shop/api.git", "https://git.example/shop/api", "git.example/shop/*"]
)
def test_a_repository_is_owned_with_or_without_its_scheme(pattern):
    rule = OwnerRule("shop", repositories=(pattern,))
    origin = BuiltFrom("https://git.example/shop/api.git", "")
    assert team_of(finding(built_from=origin), (rule,), {}) == "shop"
    assert team_of(finding(built_from=BuiltFrom("", "1")), (rule,), {"team": "hosts"}) == "hosts"
    assert team_of(finding(), (rule,), {}) == ""


@pytest.mark.parametrize("until", ["2027-01-31T23:59:59.999999+00:00", "9999-12-31T23:59:59.999999+00:00"])
def test_a_waiver_ends_at_a_moment_that_can_be_written(until):
    end = writable(datetime.fromisoformat(until))
    assert moment(end.timestamp()).startswith(until[:19])
    with pytest.raises(ValueError, match="before the year 10000"):
        writable(datetime.fromisoformat("9999-12-31T23:59:59-12:00"))
