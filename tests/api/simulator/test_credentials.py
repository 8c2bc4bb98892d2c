from __future__ import annotations

from collections.abc import Callable

import pytest

from api.simulator.credentials import (
    Authenticator,
    Credentials,
    RequestRefused,
    read_credentials,
    sign,
)
from api.simulator.ports import ApiKey

KEY = "LAqUlngMIQkIUjXMUreyu3qn"
SECRET = "chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO"
ORDER = (
    b'{"symbol":"XBTM15","price":219.0,"clOrdID":"mm_bitmex_1a/oemUeQ4CAJZgP3fjHsA","orderQty":98}'
)
# Published by the exchange in its description of API keys; the last two follow the same rule.
VECTORS = [
    (
        ("GET", "/api/v1/instrument", "1518064236", b""),
        "c7682d435d0cfe87c16098df34ef2eb5a549d4c5a3c2b1f0f77b8af73423bf00",
    ),
    (
        (
            "GET",
            "/api/v1/instrument?filter=%7B%22symbol%22%3A+%22XBTM15%22%7D",
            "1518064237",
            b"",
        ),
        "e2f422547eecb5b3cb29ade2127e21b858b235b386bfa45e1c1756eb3383919f",
    ),
    (
        ("POST", "/api/v1/order", "1518064238", ORDER),
        "1749cd2ccae4aa49048ae09f0b95110cee706e0944e6a14ad0b3a8cb45bd336b",
    ),
    (
        ("GET", "/realtime", "1518064236", b""),
        "6d459dc02866d35a2b965edeecc68063d488e296b77982235fc6eca24b934945",
    ),
    (
        (
            "DELETE",
            "/api/v1/order",
            "1518064239",
            b'{"orderID":"00000000-006d-1000-0000-000000000000"}',
        ),
        "c1dc2c59642c0bc2785226a1383cdab47645926ca621246c326e236444f3e869",
    ),
]
Request = tuple[str, str, str, bytes]


def authenticator(now: float = 1518064230.0, *, accept_nonce: bool = False) -> Authenticator:
    known = ApiKey(KEY, SECRET, 1, frozenset())
    find: Callable[[str], ApiKey | None] = {KEY: known}.get
    return Authenticator(find, lambda: now, accept_nonce=accept_nonce)


@pytest.mark.parametrize(("request_parts", "signature"), VECTORS)
def test_signature_equals_the_published_one(request_parts: Request, signature: str) -> None:
    verb, target, stamp, body = request_parts
    assert sign(SECRET, verb, target, stamp, body) == signature
    sent = Credentials(KEY, stamp, signature)
    assert authenticator().check(sent, verb, target, body).account == 1


@pytest.mark.parametrize(
    "changed",
    [
        ("PUT", "/api/v1/order", "1518064238", ORDER),
        ("POST", "/api/v1/order?", "1518064238", ORDER),
        ("POST", "/api/v1/order", "1518064239", ORDER),
        ("POST", "/api/v1/order", "1518064238", ORDER + b" "),
    ],
)
def test_signature_of_another_request_is_refused(changed: Request) -> None:
    verb, target, stamp, body = changed
    sent = Credentials(KEY, stamp, VECTORS[2][1])
    with pytest.raises(RequestRefused) as refused:
        authenticator().check(sent, verb, target, body)
    assert (refused.value.status, refused.value.message) == (401, "Signature not valid.")


def test_signature_in_other_letters_is_refused() -> None:
    (verb, target, stamp, body), signature = VECTORS[0]
    with pytest.raises(RequestRefused, match="Signature not valid"):
        authenticator().check(Credentials(KEY, stamp, signature.upper()), verb, target, body)


def test_expired_request_is_refused_with_the_server_time() -> None:
    (verb, target, stamp, body), signature = VECTORS[0]
    with pytest.raises(RequestRefused) as refused:
        authenticator(1518064237.5).check(Credentials(KEY, stamp, signature), verb, target, body)
    assert refused.value.status == 400
    assert refused.value.message == (
        "This request has expired - `expires` is in the past. Current time: 1518064237"
    )


def test_expiry_in_milliseconds_is_far_in_the_future_and_accepted() -> None:
    stamp = "1518064236000"
    sent = Credentials(KEY, stamp, sign(SECRET, "GET", "/realtime", stamp))
    assert authenticator().check(sent, "GET", "/realtime").key == KEY


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "1e400", "nan", "١٢٣"])
def test_expiry_that_is_no_number_is_refused(stamp: str) -> None:
    sent = Credentials(KEY, stamp, sign(SECRET, "GET", "/realtime", stamp))
    with pytest.raises(RequestRefused) as refused:
        authenticator().check(sent, "GET", "/realtime")
    assert refused.value.status == 400


def test_unknown_key_is_refused() -> None:
    with pytest.raises(RequestRefused) as refused:
        authenticator().check(Credentials("other", "1518064236", "00"), "GET", "/realtime")
    assert (refused.value.status, refused.value.message) == (401, "Invalid API Key.")


def test_nonce_is_refused_unless_asked_for_and_must_grow() -> None:
    def sent(nonce: str) -> Credentials:
        return Credentials(KEY, nonce, sign(SECRET, "GET", "/realtime", nonce), is_nonce=True)

    with pytest.raises(RequestRefused, match="api-expires"):
        authenticator().check(sent("5"), "GET", "/realtime")
    accepting = authenticator(accept_nonce=True)
    accepting.check(sent("5"), "GET", "/realtime")
    with pytest.raises(RequestRefused, match="not increasing"):
        accepting.check(sent("5"), "GET", "/realtime")
    accepting.check(sent("6"), "GET", "/realtime")


def test_parts_are_read_from_headers_or_query() -> None:
    assert read_credentials({}) is None
    values = {"api-key": "k", "api-signature": "s", "api-expires": "1"}
    assert read_credentials(values) == Credentials("k", "1", "s")
    nonce = {"api-key": "k", "api-signature": "s", "api-nonce": "1"}
    assert read_credentials(nonce) == Credentials("k", "1", "s", is_nonce=True)


@pytest.mark.parametrize("missing", ["api-key", "api-signature", "api-expires"])
def test_incomplete_credentials_are_refused(missing: str) -> None:
    values = {"api-key": "k", "api-signature": "s", "api-expires": "1"}
    del values[missing]
    with pytest.raises(RequestRefused) as refused:
        read_credentials(values)
    assert refused.value.status == 401


def test_secrets_do_not_show() -> None:
    assert SECRET not in repr(ApiKey(KEY, SECRET, 1, frozenset()))
    assert "sig" not in repr(Credentials(KEY, "1", "sig"))
