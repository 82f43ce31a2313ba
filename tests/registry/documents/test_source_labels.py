import json

import pytest

from scanner.domain.image.offers import BuiltFrom
from scanner.registry.documents.image_config import read_config
from scanner.registry.documents.source_labels import REVISION_LABEL, SOURCE_LABEL, built_from


@pytest.mark.parametrize(
    ("source", "repository"),
    [
        ("https://github.com/example/shop", "https://github.com/example/shop"),
        ("https://git.example:8443/shop/api.git", "https://git.example:8443/shop/api.git"),
        ("https://[2001:db8::1]:3000/shop/api", "https://[2001:db8::1]:3000/shop/api"),
        ("https://ci:s3cret@git.example/shop/api", "https://git.example/shop/api"),
        ("https://git.example/shop/api?private_token=s3cret#readme", "https://git.example/shop/api"),
        ("git@github.com:example/shop.git", "ssh://github.com/example/shop.git"),
        ("javascript:alert(1)", ""),
        ("https://git.example/<!channel>", ""),
        ("https://git.example/$(id)", ""),
        ("https://git.example/" + "a" * 200, ""),
        ("https://[git.example/shop", ""),
        ("the shop", ""),
        (["https://git.example"], ""),
        (None, ""),
    ],
)
def test_a_source_is_an_address_without_a_secret_or_nothing(source, repository):
    found = built_from({SOURCE_LABEL: source, REVISION_LABEL: "4f1c2d3"})
    assert found == BuiltFrom(repository, "4f1c2d3")


@pytest.mark.parametrize("revision", ["", "a b", "$(id)", "<@U1>", "x" * 101, 7, None])
def test_a_revision_that_is_no_commit_is_nothing(revision):
    assert built_from({REVISION_LABEL: revision}) is None


@pytest.mark.parametrize("labels", [None, [], "x", {}, {"other": "label"}])
def test_labels_that_say_nothing_of_a_source_give_nothing_and_cost_no_image(labels):
    config = {"architecture": "amd64", "os": "linux", "config": {"Labels": labels}}
    found = read_config(json.dumps(config).encode())
    assert found.built_from is None
    assert str(found.platform) == "linux/amd64"
