"""Who is sent gzip, by the table of RFC 9110, 12.5.3."""

from __future__ import annotations

import pytest

from scanner.web.http.packing import takes_gzip


@pytest.mark.parametrize(
    ("said", "takes"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("*", False),
        ("br, deflate", False),
        ("xgzip, gzipped", False),
        ("gzip", True),
        ("deflate, GZIP", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("gzip;Q=0.0", False),
        ("gzip;q=0.001", True),
        ("identity;q=0, gzip;q=1", True),
        ("*;q=0, gzip", True),
        (";q=0,,gzip", True),
    ],
)
def test_gzip_is_for_whoever_offers_it_by_name_with_a_weight_above_zero(said, takes):
    assert takes_gzip(said) is takes
