"""Requests over HTTP: what is sent, and what every kind of failure means."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, SSLError

from api.bitmex.answers import DEFAULT_RETRY, LONGEST_RESET, Answer, retry_after
from api.bitmex.auth import Signer, signature
from api.bitmex.budget import Budget
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.rest import RestClient
from common.errors import (
    AuthenticationFailed,
    ClockSkew,
    DuplicateNumber,
    ExchangeUnavailable,
    InsufficientBalance,
    KeyRefused,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    Overloaded,
    ProtocolError,
    RateLimited,
    TmaticError,
)
from common.settings_types import Secret
from tests.api.bitmex.http_peer import SILENCE, Peer, Script, answer, http_peer, refusal
from tests.api.bitmex.samples import KEY, SECRET
from tests.support.processes import closed_port

HTML = "<html><h1>Bad gateway</h1></html>"
TORN = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"
PATIENCE = 20.0  # seconds for an answer that comes; a loaded machine is slow
IMPATIENCE = 0.3  # seconds for one that never does
BODY = {"symbol": "XBTUSD", "orderQty": 100, "price": Decimal("0.00001")}


def client(
    url: str,
    clock: ExchangeClock | None = None,
    budget: Budget | None = None,
    connect_timeout: float = PATIENCE,
    read_timeout: float = PATIENCE,
) -> RestClient:
    return RestClient(
        url,
        Signer(Secret(KEY), Secret(SECRET)),
        clock or ExchangeClock(),
        budget or Budget(),
        threading.Event(),
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


def read(rest: RestClient) -> object:
    return rest.get("/order", {"filter": '{"open":true}', "count": 5})


def place(rest: RestClient) -> object:
    return rest.order("POST", "/order", BODY)


def cancel(rest: RestClient) -> object:
    return rest.cancel("/order", {"orderID": "x"})


def outcome(call: Callable[[RestClient], object], *script: Script) -> tuple[Peer, TmaticError]:
    with http_peer(*script) as peer:
        never = SILENCE in script or TORN in script
        rest = client(peer.url, read_timeout=IMPATIENCE if never else PATIENCE)
        try:
            with pytest.raises(TmaticError) as caught:
                call(rest)
        finally:
            rest.close()
    return peer, caught.value


def test_a_request_is_signed_over_what_is_really_sent() -> None:
    with http_peer(answer(200, [])) as peer:
        rest = client(peer.url)
        before = time.time()
        read(rest)
        place(rest)
        after = time.time()
        rest.close()
    for asked in peer.asked:
        expires = int(asked.headers["api-expires"])
        assert before + 9 <= expires <= after + 11
        expected = signature(SECRET, asked.verb, asked.target, expires, asked.body)
        assert asked.headers["api-signature"] == expected
    assert peer.asked[0].target == "/api/v1/order?filter=%7B%22open%22%3Atrue%7D&count=5"
    assert peer.asked[1].body == '{"symbol":"XBTUSD","orderQty":100,"price":0.00001}'
    assert peer.asked[1].headers["content-type"] == "application/json"
    assert peer.connections == 1


def test_numbers_of_an_answer_are_exact() -> None:
    with http_peer(answer(200, '{"x":79139.90000000001}')) as peer:
        rest = client(peer.url)
        assert rest.get("/x") == {"x": Decimal("79139.90000000001")}
        rest.close()


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (400, "Account has insufficient Available Balance, 5929700 XBt required",
         InsufficientBalance),
        (400, "Invalid price tickSize", OrderRefused),
        (400, "Invalid ordStatus", OrderNotFound),
        (400, "Invalid orderID", OrderNotFound),
        (404, "Not Found", OrderNotFound),
        (400, "Duplicate clOrdID", DuplicateNumber),
        (401, "Invalid API Key.", KeyRefused),
        (403, "Access Denied", KeyRefused),
        (429, "Rate limit exceeded, retry in 1 seconds.", OrderRefused),
        (503, "The system is currently overloaded. Please try again later.", Overloaded),
        (503, "Service unavailable", OutcomeUnknown),
        (500, "Request timed out", OutcomeUnknown),
    ],
)  # fmt: skip
def test_what_the_exchange_says_of_an_order(
    status: int, text: str, error: type[TmaticError]
) -> None:
    peer, caught = outcome(place, answer(status, refusal(text)))
    assert type(caught) is error
    assert text.rstrip(".") in str(caught)
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    "script",
    [
        answer(502, HTML),
        answer(504, HTML),
        answer(520, HTML),
        answer(400, HTML),
        answer(404, HTML),
        answer(200, HTML),
        answer(302, "", {"Location": "http://127.0.0.1:1/"}),
        None,
        SILENCE,
        TORN,
    ],
)
def test_an_order_without_a_clear_answer_is_unknown_and_sent_once(script: Script) -> None:
    peer, caught = outcome(place, script)
    assert type(caught) is OutcomeUnknown
    assert len(peer.asked) == 1


@pytest.mark.parametrize("call", [read, place, cancel])
def test_a_closed_port_means_that_nothing_was_sent(call: Callable[[RestClient], object]) -> None:
    with closed_port() as port:
        rest = client(f"http://127.0.0.1:{port}/api/v1/")
        with pytest.raises(TmaticError) as caught:
            call(rest)
        rest.close()
    assert type(caught.value) is (OrderRefused if call is place else ExchangeUnavailable)
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("call", [read, cancel])
@pytest.mark.parametrize(
    ("script", "error"),
    [
        (answer(401, refusal("Invalid API Key.")), AuthenticationFailed),
        (answer(403, refusal("This key is disabled.")), AuthenticationFailed),
        (answer(403, HTML), AuthenticationFailed),
        (answer(429, refusal("Rate limit exceeded"), {"retry-after": "7"}), RateLimited),
        (answer(503, refusal("The system is currently overloaded.")), ExchangeUnavailable),
        (answer(502, HTML), ExchangeUnavailable),
        (answer(200, HTML), ExchangeUnavailable),
        (answer(404, HTML), ExchangeUnavailable),
        (answer(301, "", {"Location": "http://127.0.0.1:1/"}), ExchangeUnavailable),
        (None, ExchangeUnavailable),
        (SILENCE, ExchangeUnavailable),
    ],
)
def test_what_a_failed_read_or_cancel_means(
    call: Callable[[RestClient], object], script: Script, error: type[TmaticError]
) -> None:
    assert type(outcome(call, script)[1]) is error


def test_a_refused_parameter_of_a_read_is_a_protocol_error_and_of_a_cancel_a_refusal() -> None:
    said = answer(400, refusal("Invalid orderID"))
    assert type(outcome(read, said)[1]) is ProtocolError
    assert type(outcome(cancel, said)[1]) is OrderNotFound


def test_the_wait_that_a_429_asks_for_is_kept() -> None:
    said = answer(429, refusal("Rate limit exceeded, retry in 9 seconds."))
    caught = outcome(read, said)[1]
    assert isinstance(caught, RateLimited)
    assert caught.retry_after == 9.0


@pytest.mark.parametrize(
    ("reset", "date", "seconds"),
    [
        ("1700000007", "Tue, 14 Nov 2023 22:13:20 GMT", 7.0),
        ("1700009999", "Tue, 14 Nov 2023 22:13:20 GMT", LONGEST_RESET),
        ("1600000000", "Tue, 14 Nov 2023 22:13:20 GMT", DEFAULT_RETRY),
        ("soon", "Tue, 14 Nov 2023 22:13:20 GMT", DEFAULT_RETRY),
        ("1700000007", "yesterday", DEFAULT_RETRY),
    ],
)
def test_n16_a_429_that_tells_only_when_its_limit_is_whole_again_is_kept_too(
    reset: str, date: str, seconds: float
) -> None:
    headers = {"x-ratelimit-reset": reset, "date": date}
    assert retry_after(Answer("url", 429, headers, b"{}")) == seconds


def test_b19_n20_an_expired_read_is_sent_again_with_the_exchanges_time() -> None:
    began = time.time()
    ahead = int(began) + 500
    text = f"This request has expired - `expires` is in the past. Current time: {ahead}"
    clock = ExchangeClock()
    with http_peer(answer(400, refusal(text)), answer(200, [])) as peer:
        rest = client(peer.url, clock)
        assert read(rest) == []
        rest.close()
    assert 499 - (time.time() - began) <= clock.offset <= 501
    assert int(peer.asked[1].headers["api-expires"]) - ahead >= 8


def test_b19_n20_an_expired_order_is_refused_and_the_clock_corrected() -> None:
    began = time.time()
    ahead = int(began) + 500
    text = f"This request has expired - `expires` is in the past. Current time: {ahead}"
    clock = ExchangeClock()
    with http_peer(answer(400, refusal(text))) as peer:
        rest = client(peer.url, clock)
        with pytest.raises(OrderRefused):
            place(rest)
        with pytest.raises(ClockSkew):
            read(rest)
        rest.close()
    assert [asked.verb for asked in peer.asked] == ["POST", "GET", "GET"]
    assert 499 - (time.time() - began) <= clock.offset <= 501


def test_n16_a_used_up_budget_refuses_orders_and_lets_cancels_pass() -> None:
    used = {"x-ratelimit-limit": "120", "x-ratelimit-remaining": "10", "x-ratelimit-reset": "1"}
    with http_peer(answer(200, [], used)) as peer:
        rest = client(peer.url)
        read(rest)
        with pytest.raises(OrderRefused, match="limit"):
            place(rest)
        cancel(rest)
        rest.close()
    assert [asked.verb for asked in peer.asked] == ["GET", "DELETE"]


def test_a_closing_program_does_not_wait_for_its_budget() -> None:
    stopping = threading.Event()
    budget = Budget()
    budget.close(30.0)
    stopping.set()
    signer = Signer(Secret(KEY), Secret(SECRET))
    rest = RestClient("http://127.0.0.1:1/api/v1/", signer, ExchangeClock(), budget, stopping)
    with pytest.raises(ExchangeUnavailable, match="closing"):
        read(rest)
    rest.close()


def test_the_environments_proxy_and_netrc_are_not_used_on_loopback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password something\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with http_peer(answer(200, [])) as peer:
        rest = client(peer.url)
        read(rest)
        rest.close()
    assert "authorization" not in peer.asked[0].headers


def test_s6_a_huge_answer_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n"
    _, caught = outcome(read, head + b'"' + b"x" * 19_999_998 + b'"')
    assert type(caught) is ExchangeUnavailable
    assert "too large" in str(caught)


def test_no_failure_shows_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for script in (None, SILENCE, answer(502, HTML), answer(401, refusal("Invalid API Key."))):
        for call in (read, place, cancel):
            _, caught = outcome(call, script)
            shown = "".join(map(repr, (caught, caught.__cause__, caught.args)))
            assert SECRET not in shown
            assert KEY not in shown
    assert SECRET not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [(place, OutcomeUnknown, "no answer"), (read, ExchangeUnavailable, "no answer")],
)
def test_an_answer_that_is_lost_behind_a_proxy_may_be_that_of_an_order_that_was_placed(
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[RestClient], object],
    error: type[TmaticError],
    words: str,
) -> None:
    with http_peer(None) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url.partition("/api")[0])
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        rest = client("http://exchange.example/api/v1/")
        with pytest.raises(error, match=words) as caught:
            call(rest)
        rest.close()
    assert len(proxy.asked) == 1  # the request was there as a whole
    assert type(caught.value) is error


def test_an_encrypted_answer_that_cannot_be_read_leaves_an_order_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = ssl.SSLError("[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC]")
    retries = MaxRetryError(HTTPConnectionPool("x"), "/", SSLError(broken))

    def lose(*_: object, **__: object) -> None:
        raise requests.exceptions.SSLError(retries)

    with http_peer(answer(200, [])) as peer:
        rest = client(peer.url)
        monkeypatch.setattr(requests.Response, "iter_content", lose)
        with pytest.raises(OutcomeUnknown, match="no answer"):
            place(rest)
        rest.close()


def test_an_order_never_leaves_through_a_proxy_that_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with http_peer(answer(407, HTML)) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url.partition("/api")[0])
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        rest = client("https://exchange.example/api/v1/")
        with pytest.raises(OrderRefused, match=r"407.*never left"):
            place(rest)
        rest.close()
