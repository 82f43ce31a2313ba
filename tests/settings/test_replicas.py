"""To which addresses a token may go."""

import pytest
from pydantic import ValidationError

from scanner.settings.replicas_section import Replicas


@pytest.mark.parametrize(
    "given",
    [
        {"members": ("https://a.example:9719/",)},
        {
            "members": (
                "http://127.0.0.1:9719",
                "http://[::1]:9719",
                "http://localhost:9719",
            )
        },
        {"members": ("http://10.1.2.3:9719",), "allow_plain": True},
        {"advertise": "https://[2001:db8::1]:9719"},
    ],
)
def test_an_address_of_a_member_is_taken(given):
    assert all(not one.endswith("/") for one in Replicas.model_validate(given).members)


@pytest.mark.parametrize(
    "given",
    [
        {"members": ("http://10.1.2.3:9719",)},
        {"members": ("http://192.0.2.1.example:9719",), "allow_plain": True},
        {"members": ("http://8.8.8.8:9719",), "allow_plain": True},
        {"members": ("http://a.example:9719",), "allow_plain": True},
        {"members": ("ftp://a.example",)},
        {"members": ("https://user:pw@a.example",)},
        {"members": ("https://a.example/path",)},
        {"members": ("https://a.example?x",)},
        {"members": ("https://a.example:0",)},
        {"members": ("https://",)},
        {"advertise": "http://10.1.2.3:9719"},
        {"lease": "1s"},
    ],
)
def test_an_address_that_could_give_a_token_away_is_refused(given):
    with pytest.raises(ValidationError):
        Replicas.model_validate(given)
