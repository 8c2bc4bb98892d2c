"""The signature of requests, against the vectors that the exchange published."""

from __future__ import annotations

import pytest

from api.bitmex.auth import Signer, signature
from common.settings_types import Secret
from tests.api.bitmex.samples import KEY, SECRET

ORDER_BODY = (
    '{"symbol":"XBTM15","price":219.0,"clOrdID":"mm_bitmex_1a/oemUeQ4CAJZgP3fjHsA","orderQty":98}'
)


@pytest.mark.parametrize(
    ("verb", "path", "expires", "body", "expected"),
    [
        (
            "GET",
            "/api/v1/instrument",
            1518064236,
            "",
            "c7682d435d0cfe87c16098df34ef2eb5a549d4c5a3c2b1f0f77b8af73423bf00",
        ),
        (
            "GET",
            "/api/v1/instrument?filter=%7B%22symbol%22%3A+%22XBTM15%22%7D",
            1518064237,
            "",
            "e2f422547eecb5b3cb29ade2127e21b858b235b386bfa45e1c1756eb3383919f",
        ),
        (
            "POST",
            "/api/v1/order",
            1518064238,
            ORDER_BODY,
            "1749cd2ccae4aa49048ae09f0b95110cee706e0944e6a14ad0b3a8cb45bd336b",
        ),
        (
            "delete",
            "/api/v1/order",
            1518064239,
            '{"orderID":"00000000-006d-1000-0000-000000000000"}',
            "c1dc2c59642c0bc2785226a1383cdab47645926ca621246c326e236444f3e869",
        ),
    ],
)
def test_signatures_equal_the_published_vectors(
    verb: str, path: str, expires: int, body: str, expected: str
) -> None:
    assert signature(SECRET, verb, path, expires, body) == expected


def test_the_stream_is_signed_over_its_bare_path() -> None:
    headers = Signer(Secret(KEY), Secret(SECRET)).realtime_headers(1518064236)
    assert headers == {
        "api-key": KEY,
        "api-expires": "1518064236",
        "api-signature": "6d459dc02866d35a2b965edeecc68063d488e296b77982235fc6eca24b934945",
    }


def test_without_a_key_nothing_is_signed() -> None:
    assert Signer(Secret(""), Secret("")).headers("GET", "/x", 1) == {}


def test_a_signer_shows_no_secret() -> None:
    signer = Signer(Secret(KEY), Secret(SECRET))
    assert KEY not in repr(signer) + str(signer)
    assert SECRET not in repr(signer) + str(signer)
