"""Stream messages in the mix of a busy exchange, the same for every benchmark that needs them.

60 % are books of ten levels; then quotes, public trades, changes of instruments, and the account's
own positions, margin, orders and executions.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal

from api.bitmex import market_rows
from api.bitmex.directory import Directory
from api.bitmex.stream_protocol import StreamProtocol
from common.domain.instruments import Category, Symbol
from common.settings_types import Depth

Row = dict[str, object]

SYMBOLS = tuple(Symbol(f"S{i}USDT", Category.LINEAR) for i in range(10))
TAPES = SYMBOLS[:4]  # symbols that bots trade: their bars are built from public trades
AT = "2026-05-03T05:01:40.510Z"
BOOKS, QUOTES = "orderBook10", "quote"
_SHARES = {
    BOOKS: 60,
    QUOTES: 15,
    "trade": 10,
    "instrument": 9,
    "position": 3,
    "margin": 1,
    "order": 1,
    "execution": 1,
}
_KEYS = {
    "order": ["orderID"],
    "position": ["account", "symbol"],
    "margin": ["account", "currency"],
    "instrument": ["symbol"],
    BOOKS: ["symbol"],
}


def messages(count: int, seed: int = 1, without: tuple[str, ...] = ()) -> list[bytes]:
    """Return `count` messages; tables named in `without` are left out of the mix."""
    random_ = random.Random(seed)
    shares = {table: share for table, share in _SHARES.items() if table not in without}
    tables = random_.choices(list(shares), list(shares.values()), k=count)
    return [_message(random_, table) for table in tables]


def opened_protocol() -> StreamProtocol:
    """Return a stream protocol whose images have all arrived."""
    directory = Directory()
    protocol = StreamProtocol(directory, Depth.TEN, SYMBOLS, TAPES)
    for table, row in (
        ("margin", {"account": 1, "currency": "XBt", "walletBalance": 1, "timestamp": AT}),
        ("order", _order("order-0")),
        ("execution", None),
    ):
        protocol.feed(_partial(table, "", [row] if row else []), 0.0)
    for symbol in SYMBOLS:
        row = _instrument(symbol.ticker)
        known = market_rows.instrument(row, directory)
        assert known is not None
        directory.add(known)
        protocol.feed(_partial("instrument", symbol.ticker, [row]), 0.0)
        protocol.feed(_partial(BOOKS, symbol.ticker, []), 0.0)
        if symbol in TAPES:
            protocol.feed(_partial("trade", symbol.ticker, []), 0.0)
    positions: list[Row] = [_position(symbol.ticker, 100) for symbol in SYMBOLS]
    protocol.feed(_partial("position", "", positions), 0.0)
    return protocol


def _message(random_: random.Random, table: str) -> bytes:
    ticker = random_.choice(TAPES if table == "trade" else SYMBOLS).ticker
    middle = random_.randrange(200_000, 900_000)
    size = random_.randrange(1, 5000) * 100
    action = "insert" if table in (QUOTES, "trade", "execution") else "update"
    rows: dict[str, Row] = {
        BOOKS: {
            "symbol": ticker,
            "bids": [[(middle - i) / 10, size + i] for i in range(1, 11)],
            "asks": [[(middle + i) / 10, size + i] for i in range(1, 11)],
            "timestamp": AT,
        },
        QUOTES: {
            "timestamp": AT,
            "symbol": ticker,
            "bidSize": size,
            "bidPrice": (middle - 1) / 10,
            "askPrice": (middle + 1) / 10,
            "askSize": size,
        },
        "trade": {
            "timestamp": AT,
            "symbol": ticker,
            "side": "Buy",
            "size": size,
            "price": middle / 10,
            "tickDirection": "ZeroPlusTick",
            "trdMatchID": f"00000000-006d-1000-0000-{middle:012d}",
            "grossValue": size * middle,
            "homeNotional": size / 1e6,
            "foreignNotional": size * middle / 1e7,
            "trdType": "Regular",
        },
        "instrument": {
            "symbol": ticker,
            "fairPrice": middle / 10,
            "markPrice": middle / 10,
            "openValue": size * middle,
            "timestamp": AT,
        },
        "position": _position(ticker, size),
        "margin": {
            "account": 1,
            "currency": "XBt",
            "marginBalance": middle,
            "unrealisedPnl": size,
            "marginLeverage": 0.4589,
            "timestamp": AT,
        },
        "order": {**_order("order-0"), "leavesQty": size, "price": middle / 10},
        "execution": _execution(random_, ticker, size, middle),
    }
    return _wire({"table": table, "action": action, "data": [rows[table]]})


def _partial(table: str, ticker: str, rows: list[Row]) -> bytes:
    scope: Row = {"symbol": ticker} if ticker else {"account": 1}
    head: Row = {"table": table, "action": "partial", "keys": _KEYS.get(table, [])}
    return _wire({**head, "types": {}, "filter": scope, "data": rows})


def _wire(value: Row) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _position(ticker: str, quantity: int) -> Row:
    return {
        "account": 1,
        "symbol": ticker,
        "currency": "USDt",
        "currentQty": quantity,
        "markPrice": 86393.3,
        "markValue": quantity * 863933,
        "unrealisedPnl": quantity,
        "avgEntryPrice": 86393.3,
        "liquidationPrice": None,
        "timestamp": AT,
    }


def _order(name: str) -> Row:
    return {
        "orderID": name,
        "clOrdID": "12.Ema",
        "account": 1,
        "symbol": SYMBOLS[0].ticker,
        "side": "Buy",
        "orderQty": 1000,
        "price": 86393.3,
        "ordType": "Limit",
        "ordStatus": "New",
        "leavesQty": 1000,
        "cumQty": 0,
        "transactTime": AT,
        "timestamp": AT,
    }


def _execution(random_: random.Random, ticker: str, size: int, middle: int) -> Row:
    return {
        "execID": f"00000000-006d-1000-0000-{random_.randrange(10**12):012d}",
        "orderID": "order-0",
        "clOrdID": "12.Ema",
        "account": 1,
        "symbol": ticker,
        "side": "Buy",
        "lastQty": size,
        "lastPx": middle / 10,
        "currency": "USDT",
        "settlCurrency": "USDt",
        "execType": "Trade",
        "ordStatus": "PartiallyFilled",
        "leavesQty": 100,
        "commission": 0.0005,
        "execCost": size * middle,
        "execComm": size,
        "homeNotional": size / 1e6,
        "foreignNotional": -size * middle / 1e7,
        "transactTime": AT,
        "timestamp": AT,
    }


def _instrument(ticker: str) -> Row:
    return {
        "symbol": ticker,
        "state": "Open",
        "typ": "FFWCSX",
        "underlying": ticker[:2],
        "quoteCurrency": "USDT",
        "settlCurrency": "USDt",
        "lotSize": 100,
        "tickSize": float(Decimal("0.1")),
        "multiplier": 1,
        "underlyingToPositionMultiplier": 1000000,
        "isQuanto": False,
        "isInverse": False,
    }
