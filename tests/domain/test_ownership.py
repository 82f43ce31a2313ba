import pytest

from scanner.domain.facts import Maker, Source
from scanner.domain.image.offers import BuiltFrom
from scanner.domain.ownership import OwnerRule, team_of
from scanner.domain.report import Finding
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict
from tests import builders as b


def a_finding(origin=None, **changes):
    return Finding(b.workload(**changes), Verdict(Reason.WRONG_PLATFORM, built_from=origin))


def team(finding, *rules, labels=None):
    return team_of(finding, rules, labels or {})


@pytest.mark.parametrize(
    ("pattern", "image", "fits"),
    [
        ("r.example/shop/*", "r.example/shop/api:1", True),
        ("r.example/shop/api", "r.example/shop/api:1", True),
        ("r.example:5000/shop/api", "r.example:5000/shop/api:1", True),
        ("r.example/shop/api", "r.example/shop/api@sha256:" + "a" * 64, True),
        ("r.example/shop/api:1", "r.example/shop/api:2", False),
        ("docker.io/library/nginx", "nginx", True),
        ("nginx", "nginx:1.27", True),
        ("nginx", "shop/nginx:1.27", False),
        ("*", "Not A Reference", True),
    ],
)
def test_an_image_fits_a_pattern_with_or_without_its_tag(pattern, image, fits):
    assert team(a_finding(image=image), OwnerRule("shop", images=(pattern,))) == ("shop" if fits else "")


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (OwnerRule("t", namespaces=("shop-*",)), {"name": "shop-eu/web/app", "source": Source.KUBERNETES}),
        (OwnerRule("t", projects=("shop",)), {"name": "shop/web", "source": Source.COMPOSE}),
        (OwnerRule("t", projects=("shop",)), {"name": "shop-web-1", "maker": Maker(Source.COMPOSE, "web", "shop")}),
        (
            OwnerRule("t", repositories=("git.example/shop/*",)),
            {"origin": BuiltFrom("https://git.example/shop/web.git")},
        ),
        (OwnerRule("t", repositories=("https://git.example/*",)), {"origin": BuiltFrom("https://git.example/shop")}),
    ],
)
def test_a_namespace_a_project_or_a_repository_tells_the_owner(rule, changes):
    assert team(a_finding(**changes), rule) == "t"


def test_a_compose_project_is_no_namespace_though_its_name_has_the_same_form():
    assert not team(a_finding(name="shop/web", source=Source.COMPOSE), OwnerRule("t", namespaces=("shop",)))


def test_the_first_rule_that_fits_decides_before_the_label_of_the_host():
    finding = a_finding(image="r.example/shop/api:1")
    rules = OwnerRule("shop", images=("r.example/shop/*",)), OwnerRule("all", images=("*",))
    assert team(finding, *rules, labels={"team": "hosts"}) == "shop"
    assert team(finding, OwnerRule("x", images=("y",)), labels={"team": "hosts"}) == "hosts"


def test_an_image_that_is_no_reference_is_owned_as_it_is_written():
    odd = b.finding(of=b.workload(image="NOT/A:NAME"))
    assert team_of(odd, (OwnerRule("shop", images=("NOT/*",)),), {}) == "shop"
    assert team_of(odd, (OwnerRule("shop", images=("not/*",)),), {}) == ""
