"""What to write so that a registry may be asked."""

import ssl
from dataclasses import replace

import pytest
import yaml

from scanner.domain.failure import Failure
from scanner.domain.image.reference import image_reference
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy import Trouble
from scanner.domain.verdict.verdict import Fix
from scanner.registry.http.address import AddressPolicy, parse
from scanner.registry.http.failures import EgressRefusedError, classify
from scanner.service.config_hint import config_hint, configured
from scanner.settings.schema import Settings
from tests.rows import each_row


def refused(host, address):
    """What the registry's adapter says of an address that it may not connect to."""
    return classify(EgressRefusedError.screened(host, parse(address), AddressPolicy().refusal(parse(address))))


def unlisted(registry, detail=""):
    return Failure(
        Reason.IMAGE_NOT_ALLOWED, detail or f"{registry} is not a listed registry", registry, setting="only_listed"
    )


def hint(image, failure):
    return config_hint(failure, image_reference(image))


@pytest.mark.parametrize(
    ("image", "said", "line"),
    [
        ("127.0.0.1:5000/app:1", refused("127.0.0.1", "127.0.0.1"), '"127.0.0.1:5000": {plain_http: true}'),
        ("localhost:5000/app", refused("localhost", "127.0.0.1"), '"localhost:5000": {plain_http: true}'),
        ("[::1]:5000/app", refused("::1", "::1"), '"[::1]:5000": {plain_http: true}'),
        ("10.0.0.7/app", refused("10.0.0.7", "10.0.0.7"), '"10.0.0.7": {plain_http: true}'),
        ("r.corp:5000/app", refused("r.corp", "10.0.0.7"), '"r.corp:5000": {allow_networks: ["10.0.0.7"]}'),
        ("r.corp/app", refused("r.corp", "fc00::7"), '"r.corp": {allow_networks: ["fc00::7"]}'),
        ("nginx", refused("registry-1.docker.io", "10.0.0.7"), '"docker.io": {allow_networks: ["10.0.0.7"]}'),
        ("r.corp/app", refused("moved.corp", "10.0.0.7"), '"moved.corp": {allow_networks: ["10.0.0.7"]}'),
        ("r.example/app", unlisted("r.example"), '"r.example": {}'),
        ("r.example/app", unlisted("r.example", "in other words"), '"r.example": {}'),
    ],
)  # fmt: skip
def test_the_line_that_lists_a_registry_is_one_that_the_configuration_takes(image, said, line):
    assert f"below registries: in archscan.yml  {line}" in hint(image, said)
    written = yaml.safe_load("registries:\n  " + line)
    assert len(Settings.model_validate(_tuples(written)).registries.listed) == 1


def test_who_speaks_tls_is_told_to_leave_plain_http_out():
    assert hint("10.0.0.7/app", refused("10.0.0.7", "10.0.0.7")).endswith(" (without plain_http if it speaks TLS)")
    assert hint("r.corp/app", refused("r.corp", "10.0.0.7")).startswith("If this registry is yours, write below")


def test_a_registry_without_tls_is_told_from_one_with_a_wrong_certificate():
    plain = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    plain.reason = "WRONG_VERSION_NUMBER"
    assert hint("r.corp:5000/app:1", classify(plain)) == (
        "This registry speaks no TLS: if that is meant, write below registries: in archscan.yml  "
        '"r.corp:5000": {plain_http: true}'
    )
    wrong = ssl.SSLCertVerificationError("certificate has expired")
    wrong.verify_message = "certificate has expired"
    assert hint("r.corp:5000/app:1", classify(wrong)) == ""
    wrong.verify_code = 20
    assert hint("r.corp:5000/app:1", classify(wrong)).endswith('archscan.yml  "r.corp:5000": {ca_file: ca.crt}')


def test_a_registry_that_answers_nobody_without_a_login_is_given_one():
    denied = Failure(Reason.IMAGE_DENIED, "refused with the credential of auth.json")
    assert hint("r.corp/app", denied) == ""
    line = '"r.corp": {username: NAME, password_file: FILE}'
    assert hint("r.corp/app", replace(denied, setting="username")).endswith(f"archscan.yml  {line}")
    assert len(Settings.model_validate(yaml.safe_load("registries:\n  " + line)).registries.listed) == 1


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("169.254.169.254/app", refused("169.254.169.254", "169.254.169.254")),
        ("r.corp/app", refused("r.corp", "224.0.0.1")),
        ("r.corp/app", refused("r.corp", "64:ff9b::a00:7")),
        ("r.corp/app", Failure(Reason.IMAGE_NOT_ALLOWED, "registries.conf blocks r.corp")),
        ("r.corp/app", unlisted("other.corp", "other.corp is not a listed registry")),
        ("r.corp/app", refused('r.corp": {}', "10.0.0.7")),
        ("Not A Reference", unlisted("whatever")),
        ("", Failure(Reason.IMAGE_NOT_ALLOWED)),
    ],
)
def test_no_line_is_offered_where_none_would_be_right(image, said):
    assert hint(image, said) == (
        "This registry may not be asked as it is: list it under registries: in archscan.yml "
        "(plain_http: true for http, allow_networks for private addresses)."
    )


@each_row("reason", [r for r in Reason if r not in {Reason.IMAGE_NOT_ALLOWED, Reason.IMAGE_TLS_REJECTED}])
def test_the_configuration_mends_nothing_else(reason):
    assert hint("r.corp/app", replace(refused("r.corp", "10.0.0.7"), reason=reason)) == ""


@pytest.mark.parametrize(
    ("reason", "named"),
    [
        (Reason.IMAGE_UNREACHABLE, "proxy"), (Reason.IMAGE_TLS_REJECTED, "ca_file"), (Reason.IMAGE_DENIED, "password_file"),
        (Reason.IMAGE_RATE_LIMITED, "stop_below"), (Reason.IMAGE_LOCAL_ONLY, "scan.local_images"),
    ],
)  # fmt: skip
def test_a_fix_names_where_its_setting_stands(reason, named):
    given = remedy.fix(reason, Trouble("web-1", "r.corp/app"))
    told = configured(given, reason, None, image_reference("r.corp/app"))
    assert named in told.summary
    assert told.commands == given.commands


def test_a_host_that_did_not_give_its_image_is_not_to_be_allowed_to_once_more():
    reason = Reason.IMAGE_LOCAL_ONLY
    tried = Failure(reason, "only the host has the image, which cannot be had: …")
    for trouble in (Trouble("web-1", "app:1", failure=tried), Trouble("linux/amd64", "app:1")):
        given = remedy.fix(reason, trouble)
        assert configured(given, reason, None, image_reference("app:1")) is given


def test_a_fix_of_the_image_speaks_of_no_setting():
    given = Fix("Build it anew.")
    assert configured(given, Reason.WRONG_PLATFORM, None, image_reference("r.corp/app")) is given


def _tuples(value):
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value
