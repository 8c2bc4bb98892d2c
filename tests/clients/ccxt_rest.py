"""Trades with ccxt's REST client and prints what it saw, as JSON; run in the clients' environment.

Reads {"rest": ..., "ws": ..., "key": ..., "secret": ...} from its standard input.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import ccxt  # type: ignore[import-not-found, import-untyped, unused-ignore] # not in the tests' own environment

Exchange = Any  # the client library has no types
LINEAR, INVERSE, SPOT = "BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT"


def client(said: dict[str, str], kind: Callable[..., Exchange]) -> Exchange:
    """Return a ccxt exchange that talks to the embedded one."""
    exchange = kind({"apiKey": said["key"], "secret": said["secret"], "enableRateLimit": False})
    root = f"http://{urlsplit(said['rest']).netloc}"
    exchange.urls["api"] = {"public": root, "private": root, "ws": said["ws"]}
    return exchange


def trade(exchange: Exchange) -> dict[str, Any]:
    """Place, amend, fill and cancel orders; return every answer."""
    seen: dict[str, Any] = {}
    ticker = exchange.fetch_ticker(LINEAR)
    low, lower = round(ticker["bid"] * 0.9), round(ticker["bid"] * 0.8)
    placed = exchange.create_order(
        LINEAR, "limit", "buy", 2000, low, {"clientOrderId": "rest one/+=."}
    )
    seen["placed"] = placed
    seen["amended"] = exchange.edit_order(placed["id"], LINEAR, "limit", "buy", 3000, low + 10)
    seen["fetched"] = exchange.fetch_order(placed["id"], LINEAR)
    seen["open"] = exchange.fetch_open_orders(LINEAR)
    seen["cancelled"] = exchange.cancel_order(placed["id"], LINEAR)
    two = [exchange.create_order(LINEAR, "limit", "buy", 1000, lower) for _ in range(2)]
    seen["cancelled two"] = exchange.cancel_orders([order["id"] for order in two], LINEAR)
    for symbol, quantity in ((LINEAR, 10000), (SPOT, 0.01)):  # contracts; coins
        exchange.create_order(symbol, "limit", "buy", quantity, lower)
    seen["cancelled all"] = exchange.cancel_all_orders()
    seen["open at the end"] = exchange.fetch_open_orders()
    seen["post only"] = exchange.create_order(
        LINEAR,
        "limit",
        "buy",
        1000,
        round(ticker["ask"] * 1.05),
        {"execInst": "ParticipateDoNotInitiate"},
    )
    seen["market buy"] = exchange.create_order(LINEAR, "market", "buy", 5000)
    seen["market sell"] = exchange.create_order(LINEAR, "market", "sell", 2000)
    seen["inverse"] = exchange.create_order(INVERSE, "market", "buy", 100)
    seen["stop"] = exchange.create_order(
        LINEAR, "Stop", "sell", 1000, None, {"stopPx": lower, "execInst": "LastPrice"}
    )
    exchange.cancel_all_orders(LINEAR)
    seen["orders"] = exchange.fetch_orders(LINEAR)
    seen["closed"] = exchange.fetch_closed_orders(LINEAR)
    seen["trades"] = exchange.fetch_my_trades(LINEAR)
    seen["positions"] = exchange.fetch_positions()
    seen["balance"] = exchange.fetch_balance()
    seen["ledger"] = exchange.fetch_ledger("USDT")
    seen["leverage"] = exchange.set_leverage(5, LINEAR)
    seen["leverages"] = exchange.fetch_leverages([LINEAR, INVERSE])
    seen["isolated"] = exchange.set_margin_mode("isolated", INVERSE)
    seen["crossed"] = exchange.set_margin_mode("cross", INVERSE)
    seen["one position"] = exchange.fetch_positions([INVERSE])
    seen["ranks"] = exchange.fetch_positions_adl_rank()
    seen["transfers"] = exchange.fetch_transactions("USDT")
    seen["my trades since"] = exchange.fetch_my_trades(
        LINEAR, since=seen["trades"][-1]["timestamp"]
    )
    seen["trigger"] = exchange.create_order(
        INVERSE,
        "limit",
        "sell",
        100,
        lower,
        {"triggerPrice": lower, "triggerDirection": "below"},
    )
    by_client = exchange.create_order(
        LINEAR, "limit", "buy", 1000, lower, {"clientOrderId": "mine"}
    )
    exchange.edit_order(by_client["id"], LINEAR, "limit", "buy", 1000, lower + 10)
    seen["by client id"] = exchange.cancel_order(None, LINEAR, {"clOrdID": "mine"})
    exchange.cancel_all_orders()
    seen["reduced"] = exchange.create_order(
        LINEAR, "market", "sell", 1000, None, {"reduceOnly": True}
    )
    seen["disarmed"] = exchange.cancel_all_orders_after(0)
    seen["timer"] = exchange.cancel_all_orders_after(60000)
    seen["refusals"] = refusals(exchange, low)
    return seen


def refusals(exchange: Exchange, price: float) -> dict[str, str]:
    """Return the class of the exception that ccxt makes of each error."""
    attempts: dict[str, Callable[[], object]] = {
        "too much": lambda: exchange.create_order(LINEAR, "limit", "buy", 10**9, price),
        "off the tick": lambda: exchange.private_post_order(
            {"symbol": "XBTUSDT", "orderQty": 1000, "price": price + 0.03}
        ),
        "off the lot": lambda: exchange.private_post_order(
            {"symbol": "XBTUSDT", "orderQty": 1, "price": price}
        ),
        "unknown route": lambda: exchange.request("nothing", "public"),
    }
    outcome = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            outcome[name] = "accepted"
        except ccxt.BaseError as error:
            outcome[name] = f"{type(error).__name__}: {error}"
    exchange.secret += "x"
    try:
        exchange.fetch_balance()
    except ccxt.BaseError as error:
        outcome["wrong secret"] = f"{type(error).__name__}: {error}"
    exchange.secret = exchange.secret[:-1]
    return outcome


def look(exchange: Exchange) -> dict[str, Any]:
    """Fetch the public market."""
    return {
        "markets": exchange.load_markets(),
        "currencies": exchange.currencies,
        "ticker": exchange.fetch_ticker(LINEAR),
        "tickers": exchange.fetch_tickers(),
        "book": exchange.fetch_order_book(LINEAR, 25),
        "public trades": exchange.fetch_trades(LINEAR, limit=20),
        "candles": {
            frame: exchange.fetch_ohlcv(LINEAR, frame, limit=100)
            for frame in ("1m", "5m", "1h", "1d")
        },
        "funding rate": exchange.fetch_funding_rate(INVERSE),
        "funding rates": exchange.fetch_funding_rates([LINEAR, INVERSE]),
        "liquidations": exchange.fetch_liquidations(INVERSE),
        "candles since": exchange.fetch_ohlcv(LINEAR, "5m", exchange.milliseconds() - 3600000, 5),
        "funding history": exchange.fetch_funding_rate_history(INVERSE, limit=5),
    }


def main() -> None:
    exchange = client(json.load(sys.stdin), ccxt.bitmex)
    json.dump({**look(exchange), **trade(exchange)}, sys.stdout)


if __name__ == "__main__":
    main()
