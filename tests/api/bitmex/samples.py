"""Rows as the exchange writes them, for the tests of the client."""

from __future__ import annotations

import json
from decimal import Decimal

from api.bitmex import market_rows
from api.bitmex.directory import Directory
from common.domain.executions import Network
from common.domain.instruments import Category, Symbol
from common.settings_types import Depth, MarketSettings, Secret

XBTUSD = Symbol("XBTUSD", Category.INVERSE)
XBTUSDT = Symbol("XBTUSDT", Category.LINEAR)
ETHUSD = Symbol("ETHUSD", Category.QUANTO)
SPOT = Symbol("XBT_USDT", Category.SPOT)

KEY = "LAqUlngMIQkIUjXMUreyu3qn"
SECRET = "chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO"

Row = dict[str, object]

INSTRUMENTS: dict[str, Row] = {
    "XBTUSD": {
        "symbol": "XBTUSD",
        "state": "Open",
        "typ": "FFWCSX",
        "listing": "2016-05-13T12:00:00.000Z",
        "underlying": "XBT",
        "quoteCurrency": "USD",
        "settlCurrency": "XBt",
        "maxOrderQty": 10000000,
        "maxPrice": 1000000,
        "lotSize": 100,
        "tickSize": 0.1,
        "multiplier": -100000000,
        "isQuanto": False,
        "isInverse": True,
        "makerFee": 0.0005,
        "takerFee": 0.0005,
        "fundingTimestamp": "2026-05-03T12:00:00.000Z",
        "fundingRate": -2.4e-05,
        "volume24h": 133709000,
        "lastPrice": 78129.6,
        "markPrice": 78175.02,
        "timestamp": "2026-05-03T05:01:55.500Z",
    },
    "XBTUSDT": {
        "symbol": "XBTUSDT",
        "state": "Open",
        "typ": "FFWCSX",
        "underlying": "XBT",
        "quoteCurrency": "USDT",
        "settlCurrency": "USDt",
        "lotSize": 100,
        "tickSize": 0.1,
        "multiplier": 1,
        "underlyingToPositionMultiplier": 1000000,
        "isQuanto": False,
        "isInverse": False,
    },
    "ETHUSD": {
        "symbol": "ETHUSD",
        "state": "Open",
        "typ": "FFWCSX",
        "underlying": "ETH",
        "quoteCurrency": "USD",
        "settlCurrency": "XBt",
        "lotSize": 1,
        "tickSize": 0.01,
        "multiplier": 100,
        "isQuanto": True,
        "isInverse": False,
    },
    "XBT_USDT": {
        "symbol": "XBT_USDT",
        "state": "Open",
        "typ": "IFXXXP",
        "underlying": "XBT",
        "quoteCurrency": "USDT",
        "lotSize": 1000,
        "tickSize": 0.5,
        "multiplier": 1,
        "underlyingToPositionMultiplier": 100000000,
        "isQuanto": False,
        "isInverse": False,
    },
}

ORDER: Row = {
    "orderID": "0c4e4a8e-b234-495f-8b94-c4766786c4a5",
    "clOrdID": "12.Ema",
    "account": 1600000,
    "symbol": "XBTUSDT",
    "side": "Buy",
    "orderQty": 1000,
    "price": Decimal("86393.3"),
    "currency": "USDT",
    "settlCurrency": "USDt",
    "ordType": "Limit",
    "timeInForce": "GoodTillCancel",
    "ordStatus": "New",
    "workingIndicator": True,
    "leavesQty": 1000,
    "cumQty": 0,
    "text": "Submitted via API.",
    "transactTime": "2022-02-13T00:21:50.268Z",
    "timestamp": "2022-02-13T00:21:50.268Z",
}

TRADE: Row = {
    "execID": "00000000-006d-1000-0000-0010f2cbdbb0",
    "orderID": "a4f9b79f-90b3-4756-bad1-6f2db0919fef",
    "clOrdID": "12.Ema",
    "account": 2273415,
    "symbol": "XBTUSD",
    "side": "Buy",
    "lastQty": 100,
    "lastPx": 50000,
    "price": 50000,
    "currency": "USD",
    "settlCurrency": "XBt",
    "execType": "Trade",
    "ordType": "Limit",
    "ordStatus": "Filled",
    "leavesQty": 0,
    "cumQty": 100,
    "commission": Decimal("-0.00025"),
    "execCost": -200000,
    "execComm": -50,
    "homeNotional": Decimal("0.002"),
    "foreignNotional": -100,
    "transactTime": "2025-01-08T23:33:04.091Z",
    "timestamp": "2025-01-08T23:33:04.093Z",
}

FUNDING: Row = {
    "execID": "00000000-0077-1000-0000-000083b7b0d5",
    "account": 1501242,
    "symbol": "XBTUSD",
    "strategy": "OneWay",
    "lastQty": 998000,
    "lastPx": Decimal("64329.15"),
    "orderQty": 998000,
    "currency": "USD",
    "settlCurrency": "XBt",
    "execType": "Funding",
    "ordStatus": "Filled",
    "cumQty": 998000,
    "commission": Decimal("0.00008985"),
    "text": "Funding",
    "execCost": 1551400980,
    "execComm": 139390,
    "homeNotional": Decimal("-15.5140098"),
    "foreignNotional": 998000,
    "transactTime": "2026-07-19T12:00:00.330Z",
    "timestamp": "2026-07-19T12:00:00.330Z",
}

POSITION: Row = {
    "account": 2273415,
    "symbol": "XBTUSD",
    "strategy": "OneWay",
    "currency": "XBt",
    "currentQty": -1438000,
    "avgEntryPrice": Decimal("73701.7438"),
    "markPrice": Decimal("78173.24"),
    "unrealisedCost": 1951105699,
    "unrealisedPnl": -111601719,
    "liquidationPrice": 1000000,
    "timestamp": "2026-05-03T05:01:40.510Z",
}

MARGIN: Row = {
    "account": 2273415,
    "currency": "XBt",
    "walletBalance": 3215808985,
    "marginBalance": 3380764154,
    "availableMargin": 3335333333,
    "unrealisedPnl": 164955169,
    "realisedPnl": 0,
    "marginLeverage": Decimal("0.4589"),
    "timestamp": "2026-07-19T12:35:00.504Z",
}

KEYS = {
    "order": ["orderID"],
    "position": ["account", "symbol", "strategy"],
    "margin": ["account", "currency"],
    "execution": [],
    "instrument": ["symbol"],
    "orderBook10": ["symbol"],
    "quote": [],
    "trade": [],
}


def directory() -> Directory:
    """Return a directory that knows the four instruments."""
    known = Directory()
    for row in INSTRUMENTS.values():
        instrument = market_rows.instrument(row, known)
        assert instrument is not None
        known.add(instrument)
    return known


def settings(
    rest: str,
    ws: str,
    symbols: tuple[Symbol, ...] = (XBTUSD, XBTUSDT),
    depth: Depth = Depth.TEN,
    key: str = KEY,
    secret: str = SECRET,
) -> MarketSettings:
    """Return the settings of a market on loopback."""
    return MarketSettings(
        name="Bitmex",
        network=Network.DEMO,
        http_url=rest,
        ws_url=ws,
        api_key=Secret(key),
        api_secret=Secret(secret),
        symbols=symbols,
        currencies=("XBt", "USDt"),
        depth=depth,
    )


def message(table: str, action: str, *data: Row, symbol: str = "") -> bytes:
    """Return a table message as it is on the wire."""
    head: Row = {"table": table, "action": action}
    if action == "partial":
        scope: Row = {"symbol": symbol} if symbol else {"account": 1}
        head |= {"keys": KEYS[table], "types": {}, "filter": scope}
    return json.dumps({**head, "data": list(data)}, default=float, separators=(",", ":")).encode()
