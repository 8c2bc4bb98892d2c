"""Faults of the network that need real sockets: TLS, proxies, portals, black holes."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from api.bitmex import rest as rest_module
from api.bitmex import stream as stream_module
from api.bitmex.dialing import dial
from api.bitmex.rest import RestClient
from common.engine.requests import FetchInstruments
from common.engine.snapshot import Health
from common.errors import (
    ExchangeUnavailable,
    NotTrusted,
    OrderRefused,
    OutcomeUnknown,
    TmaticError,
)
from tests.api.bitmex.http_peer import answer, http_peer, refusal
from tests.api.bitmex.test_rest import HTML, PATIENCE, cancel, client, place, read
from tests.api.bitmex.test_stream import closed, session
from tests.common.engine.world import World
from tests.faults.tls_peer import certificate, proxy, tls_peer
from tests.support.places import ROOT
from tests.support.processes import closed_port
from tests.support.source import modules

ELSEWHERE = "https://testnet.bitmex.com/api/v1/"
REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


def error_of(
    url: str, call: Callable[[RestClient], object], connect_timeout: float = PATIENCE
) -> TmaticError:
    rest = client(url, connect_timeout=connect_timeout)
    with closing(rest), pytest.raises(TmaticError) as caught:
        call(rest)
    return caught.value


# ---- N7: encryption that cannot be trusted ----


@pytest.mark.parametrize(
    ("days", "host"), [(1, "127.0.0.1"), (-1, "127.0.0.1"), (1, "10.9.8.7")],
    ids=["self-signed", "expired", "of another host"],
)  # fmt: skip
def test_n7_an_untrusted_certificate_is_never_connected_to(
    days: int, host: str, tmp_path: Path
) -> None:
    with tls_peer(certificate(tmp_path, days=days, host=host)) as (port, said):
        url = f"https://127.0.0.1:{port}/api/v1/"
        error = error_of(url, read)
        assert type(error) is NotTrusted
        assert "certificate" in str(error)
        assert type(error_of(url, cancel)) is NotTrusted
        refused = error_of(url, place)
        assert type(refused) is OrderRefused
        assert "never left" in str(refused)
        with session(f"wss://127.0.0.1:{port}/realtime") as (_, inbox):
            assert type(closed(inbox)) is NotTrusted
    assert not any(said)


def test_n7_a_certificate_that_the_system_trusts_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with tls_peer(pem) as (port, said):
        with session(f"wss://127.0.0.1:{port}/realtime") as (_, inbox):
            assert type(closed(inbox)) is ExchangeUnavailable  # it says nothing and goes
        assert said[0].startswith(b"GET /realtime HTTP/1.1")


def test_n7_an_untrusted_exchange_blocks_with_the_reason() -> None:
    world = World()
    world.errors[FetchInstruments] = NotTrusted("127.0.0.1: its certificate is not accepted")
    world.start()
    health, reason = world.market.health()
    assert health is Health.BLOCKED
    assert "certificate" in reason
    world.errors.clear()
    world.move(35)  # mended: up again without anybody
    assert world.health() is Health.LIVE


def test_n7_no_code_can_leave_verification_out() -> None:
    forbidden = re.compile(
        r"verify\s*=\s*False|CERT_NONE|CERT_OPTIONAL|_create_unverified|check_hostname\s*=\s*False"
    )
    found = [p for p in modules().values() if forbidden.search(p.read_text(encoding="utf-8"))]
    assert found == []
    assert forbidden.search("requests.get(url, verify=False)")


# ---- N8: portals and names ----


@pytest.mark.parametrize("status", [200, 302, 511])
def test_n8_the_page_of_a_captive_portal_is_an_error_and_no_data(status: int) -> None:
    with http_peer(answer(status, HTML, {"Location": "http://127.0.0.1:1/login"})) as peer:
        assert type(error_of(peer.url, read)) is ExchangeUnavailable
        assert type(error_of(peer.url, place)) is OutcomeUnknown  # something took it
        with session(peer.url.replace("http:", "ws:") + "realtime") as (_, inbox):
            assert type(closed(inbox)) is ExchangeUnavailable


def test_n8_a_name_that_is_not_found_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(host: object, *_: object, **__: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    assert type(error_of("https://nowhere.invalid/api/v1/", read)) is ExchangeUnavailable
    assert type(error_of("https://nowhere.invalid/api/v1/", place)) is OrderRefused
    with session("wss://nowhere.invalid/realtime") as (_, inbox):
        assert type(closed(inbox)) is ExchangeUnavailable
    world = World()
    world.errors[FetchInstruments] = ExchangeUnavailable("nowhere.invalid: cannot be reached")
    world.start()
    assert world.health() is Health.OFFLINE
    world.errors.clear()
    world.move(60)
    assert world.health() is Health.LIVE


# ---- N9: proxies ----


def test_n9_requests_and_stream_go_through_the_proxy_and_its_refusal_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with proxy(REFUSED) as (address, asked):
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, address)
        error = error_of(ELSEWHERE, read)
        assert type(error) is ExchangeUnavailable
        assert "407" in str(error)
        assert asked[0].startswith(b"CONNECT testnet.bitmex.com:443")
        asked.clear()
        never = error_of(ELSEWHERE, place)
        assert type(never) is OrderRefused
        assert "never left" in str(never)
        asked.clear()
        with session("wss://ws.testnet.bitmex.com/realtime") as (_, inbox):
            told = closed(inbox)
        assert "407" in str(told)
        assert asked[0].startswith(b"CONNECT ws.testnet.bitmex.com:443")


def test_n9_proxies_are_documented() -> None:
    assert "HTTPS_PROXY" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


# ---- N23, N19 ----


def test_n23_a_connection_into_a_black_hole_is_given_up_after_five_seconds() -> None:
    assert rest_module.CONNECT_TIMEOUT == 5.0
    assert stream_module.CONNECT_TIMEOUT == 5.0
    with black_hole() as port:
        error = error_of(f"http://127.0.0.1:{port}/api/v1/", place, connect_timeout=0.5)
    assert type(error) is OrderRefused


@contextmanager
def black_hole() -> Iterator[int]:
    """A port of 127.0.0.1 that never answers: its queue of connections is full."""
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield full.getsockname()[1]
        for each in waiting:
            each.close()


def addresses(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Have every name lead to these ports, in this order, as the system would list addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_n23_an_address_that_leads_nowhere_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        black_hole() as nowhere,
        http_peer(answer(200, "[]")) as peer,
        closed_port() as free,
    ):
        answering = int(peer.url.split(":")[2].split("/")[0])
        addresses(monkeypatch, nowhere, free, answering)
        began = time.monotonic()
        with closing(client(peer.url, connect_timeout=rest_module.CONNECT_TIMEOUT)) as rest:
            read(rest)
        with session(peer.url.replace("http:", "ws:") + "realtime") as (_, inbox):
            assert "a page instead of an answer" in str(closed(inbox))
        assert time.monotonic() - began < 4
        assert len(peer.asked) == 2


def test_n23_when_no_address_answers_the_last_error_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with black_hole() as nowhere, closed_port() as free:
        addresses(monkeypatch, nowhere, free)
        began = time.monotonic()
        with pytest.raises(ConnectionRefusedError):
            dial("somewhere", 1, 1.0)
        assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("body", [HTML, "", "\x00garbage", '{"error":', "[]"])
@pytest.mark.parametrize("call", [read, place, cancel])
def test_n19_a_400_without_json_is_classified_by_its_status(
    body: str, call: Callable[[RestClient], object]
) -> None:
    with http_peer(answer(400, body)) as peer:
        error = error_of(peer.url, call)
    assert type(error) is (OutcomeUnknown if call is place else ExchangeUnavailable)
    assert "\x00" not in str(error)


@pytest.mark.parametrize("status", [400, 503])
def test_b7_a_page_of_html_instead_of_json_raises_nothing_unexpected(status: int) -> None:
    with http_peer(answer(status, HTML)) as peer:
        assert type(error_of(peer.url, read)) is ExchangeUnavailable
        assert type(error_of(peer.url, place)) is OutcomeUnknown
        assert len(peer.asked) == 2


def test_b20_what_a_429_asks_for_is_waited_for_by_everybody() -> None:
    slow = answer(429, refusal("Rate limit exceeded"), {"retry-after": "7"})
    with http_peer(slow) as peer, closing(client(peer.url)) as rest:
        with pytest.raises(TmaticError):
            read(rest)
        with pytest.raises(OrderRefused, match="used up"):
            place(rest)
    assert len(peer.asked) == 1
