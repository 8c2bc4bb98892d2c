"""Which addresses may be used, and the markets that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.bitmex.answers import Answer, Purpose, refusal
from api.bitmex.closure import check_endpoints, explain
from api.registry import MARKETS, check_market, create_gateway
from common.domain.executions import Network
from common.errors import AuthenticationFailed, ConfigurationError, ExchangeUnavailable
from tests.api.bitmex.samples import settings

REST = "http://127.0.0.1:8700/api/v1/"
WS = "ws://127.0.0.1:8700/realtime"


@pytest.mark.parametrize(
    ("rest", "ws"),
    [
        (REST, WS),
        ("http://localhost:1/api/v1/", "ws://[::1]:1/realtime"),
        ("https://www.bitmex.com/api/v1/", "wss://ws.bitmex.com/realtime"),
        ("https://testnet.bitmex.com/api/v1/", "wss://testnet.bitmex.com/realtime"),
    ],
)
def test_the_exchange_and_this_machine_may_be_named(rest: str, ws: str) -> None:
    check_endpoints(settings(rest, ws))


@pytest.mark.parametrize(
    "url",
    [
        "http://www.bitmex.com/api/v1/",
        "https://bitmex.com.evil.example/api/v1/",
        "https://evilbitmex.com/api/v1/",
        "https://10.0.0.1/api/v1/",
        "ftp://127.0.0.1/",
        "https://user:word@www.bitmex.com/api/v1/",
        "https://www.bitmex.com/api/v1/?x=1",
        "http://[::1/api",
        "http://127.0.0.1:99999/api/v1/",
        "",
    ],
)
def test_s4_any_other_address_is_refused_naming_file_and_key(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\.env\.Bitmex: HTTP_URL "):
        check_endpoints(settings(url, WS))
    with pytest.raises(ConfigurationError, match=r"\.env\.Bitmex: TESTNET_HTTP_URL "):
        check_endpoints(replace(settings(url, WS), network=Network.TEST))
    with pytest.raises(ConfigurationError, match="WS_URL"):
        check_endpoints(settings(REST, url))


def test_the_closure_is_named_only_where_it_is_the_cause() -> None:
    gone = explain("https://www.bitmex.com/api/v1/user", "404 Not Found")
    assert "23 September 2026" in gone
    assert "demo" in gone
    assert "September" not in explain(REST, "404 Not Found")


def test_a_page_in_place_of_the_closed_exchange_does_not_refuse_a_key() -> None:
    page = b"<html>closed</html>"
    closed = Answer("https://www.bitmex.com/api/v1/user", 403, {}, page)
    assert type(refusal(closed, Purpose.READ)) is ExchangeUnavailable
    here = Answer(REST, 403, {}, page)
    assert type(refusal(here, Purpose.READ)) is AuthenticationFailed


def test_an_unknown_market_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"MARKET_LIST.*Bitmex"):
        check_market(replace(settings(REST, WS), name="Bybit"))
    assert MARKETS == ("Bitmex",)


def test_a_gateway_shows_its_host_and_no_secret() -> None:
    gateway = create_gateway(settings(REST, WS))
    assert (gateway.market, gateway.endpoint) == ("Bitmex", "127.0.0.1:8700")
    assert "chNOOS4" not in repr(vars(gateway))


@pytest.mark.parametrize(
    ("network", "host", "refused"),
    [
        (Network.TEST, "www.bitmex.com", True),
        (Network.REAL, "testnet.bitmex.com", True),
        (Network.REAL, "ws.testnet.bitmex.com", True),
        (Network.REAL, "www.bitmex.com", False),
        (Network.TEST, "testnet.bitmex.com", False),
        (Network.TEST, "ws.testnet.bitmex.com", False),
    ],
)
def test_an_address_of_the_other_network_is_refused(
    network: Network, host: str, refused: bool
) -> None:
    own = "testnet" if network is Network.TEST else "ws"
    key = "TESTNET_HTTP_URL" if network is Network.TEST else "HTTP_URL"
    named = replace(
        settings(f"https://{host}/api/v1/", f"wss://{own}.bitmex.com/realtime"),
        network=network,
        places={key: "folder/.env.Bitmex, line 7"},
    )
    if not refused:
        check_endpoints(named)
        return
    with pytest.raises(ConfigurationError, match=rf"\.env\.Bitmex, line 7: {key} names {host}"):
        check_endpoints(named)
