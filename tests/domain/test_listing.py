"""What to write so that a registry may be asked."""

import pytest
import yaml

from scanner.domain import listing
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason
from scanner.settings.schema import Settings


def refused(host, address, why):
    return f"{host!a} may not be connected to: {address} is {why}"


@pytest.mark.parametrize(
    ("image", "said", "line"),
    [
        ("127.0.0.1:5000/app:1", refused("127.0.0.1", "127.0.0.1", "a loopback address"), '"127.0.0.1:5000": {plain_http: true}'),
        ("localhost:5000/app", refused("localhost", "127.0.0.1", "a loopback address"), '"localhost:5000": {plain_http: true}'),
        ("[::1]:5000/app", refused("::1", "::1", "a loopback address"), '"[::1]:5000": {plain_http: true}'),
        ("10.0.0.7/app", refused("10.0.0.7", "10.0.0.7", "a private address"), '"10.0.0.7": {plain_http: true}'),
        ("r.corp:5000/app", refused("r.corp", "10.0.0.7", "a private address"), '"r.corp:5000": {allow_networks: ["10.0.0.7"]}'),
        ("r.corp/app", refused("r.corp", "fc00::7", "a private address"), '"r.corp": {allow_networks: ["fc00::7"]}'),
        ("nginx", refused("registry-1.docker.io", "10.0.0.7", "a private address"), '"docker.io": {allow_networks: ["10.0.0.7"]}'),
        ("r.corp/app", refused("moved.corp", "10.0.0.7", "a private address"), '"moved.corp": {allow_networks: ["10.0.0.7"]}'),
        ("r.example/app", "r.example is not a listed registry", '"r.example": {}'),
        (
            "r.example/app",
            "what the tag means today is not known: r.example is not a listed registry; last seen over 1 h ago",
            '"r.example": {}',
        ),
        (
            "r.corp/app",
            refused("r.corp", "10.0.0.7", "a private address; last seen over 1 h ago"),
            '"r.corp": {allow_networks: ["10.0.0.7"]}',
        ),
    ],
)  # fmt: skip
def test_the_line_that_lists_a_registry_is_one_that_the_configuration_takes(image, said, line):
    assert listing.line(image, said) == line
    written = yaml.safe_load("registries:\n  " + line)
    assert len(Settings.model_validate(_tuples(written)).registries.listed) == 1
    fix = remedy.fix(Reason.IMAGE_NOT_ALLOWED, remedy.Trouble("web-1", image, said=said))
    assert line in fix.summary


def test_a_registry_without_tls_is_told_from_one_with_a_wrong_certificate():
    trouble = remedy.Trouble("web-1", "r.corp:5000/app:1", said="TLS fails: WRONG_VERSION_NUMBER")
    assert '"r.corp:5000": {plain_http: true}' in remedy.fix(Reason.IMAGE_TLS_REJECTED, trouble).summary
    trouble = remedy.Trouble("web-1", "r.corp:5000/app:1", said="certificate refused: certificate has expired")
    assert "plain_http" not in remedy.fix(Reason.IMAGE_TLS_REJECTED, trouble).summary


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("169.254.169.254/app", refused("169.254.169.254", "169.254.169.254", "a cloud's metadata address")),
        ("r.corp/app", refused("r.corp", "224.0.0.1", "a multicast address")),
        ("r.corp/app", "'r.corp' may not be connected to: 64:ff9b::a00:7 carries 10.0.0.7, a private address"),
        ("r.corp/app", "registries.conf blocks r.corp"),
        ("r.corp/app", "other.corp is not a listed registry"),
        ("r.corp/app", refused('r.corp": {}', "10.0.0.7", "a private address")),
        ("Not A Reference", "whatever"),
        ("", ""),
    ],
)
def test_no_line_is_offered_where_none_would_be_right(image, said):
    assert listing.line(image, said) == ""
    assert (
        "list it under registries:"
        in remedy.fix(Reason.IMAGE_NOT_ALLOWED, remedy.Trouble("h", image, said=said)).summary
    )


def _tuples(value):
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value
