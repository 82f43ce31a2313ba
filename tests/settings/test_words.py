"""Words of the settings beside those of the rooms that they are handed to."""

from __future__ import annotations

from typing import get_args

import pytest

from scanner.domain.decision import Decision
from scanner.settings import schema
from scanner.settings.web_proxy_section import ProxyScope
from scanner.web.http.access import Scope


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (schema.Decision, set(Decision)),
        (schema.Scope, set(Scope) - {Scope.OPEN}),
        (ProxyScope, {Scope.READ, Scope.GATE, Scope.OPERATE}),
    ],
)
def test_what_may_be_written_is_what_is_meant_by_it(written, meant):
    assert set(get_args(written)) == {str(one) for one in meant}
