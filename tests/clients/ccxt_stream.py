"""Watches the market and its own orders with ccxt Pro while it trades; prints what it saw as JSON.

Reads {"rest": ..., "ws": ..., "key": ..., "secret": ...} from its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro  # type: ignore[import-not-found, import-untyped, unused-ignore] # not in the tests' own environment
from ccxt_rest import INVERSE, LINEAR, Exchange, client  # type: ignore[import-not-found, unused-ignore] # beside this file

DEADLINE = 30.0  # seconds for everything
BITCOIN = 100_000_000  # satoshis, what the account begins with


class Watcher:
    """Collects what a watch method returns until it is told to stop."""

    def __init__(self, watch: Callable[[], Awaitable[Any]]) -> None:
        self._watch = watch
        self.seen: list[Any] = []
        self._news = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            # Through JSON: ccxt goes on to change what it returned.
            self.seen.append(json.loads(json.dumps(await self._watch(), default=list)))
            self._news.set()

    async def until(self, condition: Callable[[list[Any]], bool]) -> list[Any]:
        """Return what was seen as soon as it satisfies a condition."""
        while not condition(self.seen):
            self._news.clear()
            news = asyncio.create_task(self._news.wait())
            await asyncio.wait([news, self.task], return_when=asyncio.FIRST_COMPLETED)
            if self.task.done():
                self.task.result()
        return self.seen


def rows(seen: list[Any]) -> list[Any]:
    """Return the elements of lists of rows."""
    return [row for group in seen for row in group]


async def watch_and_trade(exchange: Exchange) -> dict[str, Any]:
    """Trade while every stream is watched; return what the streams told."""
    await exchange.load_markets()
    watchers = {
        "book": Watcher(lambda: exchange.watch_order_book(LINEAR)),
        "public trades": Watcher(lambda: exchange.watch_trades(LINEAR)),
        "ticker": Watcher(lambda: exchange.watch_ticker(INVERSE)),
        "orders": Watcher(lambda: exchange.watch_orders(LINEAR)),
        "my trades": Watcher(lambda: exchange.watch_my_trades(LINEAR)),
        "positions": Watcher(exchange.watch_positions),
        "balance": Watcher(exchange.watch_balance),
        "tickers": Watcher(lambda: exchange.watch_tickers([LINEAR, INVERSE])),
        "books": Watcher(lambda: exchange.watch_order_book_for_symbols([LINEAR, INVERSE])),
        "all trades": Watcher(lambda: exchange.watch_trades_for_symbols([LINEAR, INVERSE])),
        "candles": Watcher(lambda: exchange.watch_ohlcv(INVERSE, "1m")),
    }
    for name in ("book", "ticker", "balance"):
        await watchers[name].until(bool)
    paid = await pay(exchange, watchers["balance"])
    price = round((await exchange.fetch_ticker(LINEAR))["bid"] * 0.9)
    order = await exchange.create_order(LINEAR, "limit", "buy", 1000, price)
    await watchers["orders"].until(lambda seen: ids(seen, "open") >= {order["id"]})
    await exchange.cancel_order(order["id"], LINEAR)
    await watchers["orders"].until(lambda seen: ids(seen, "canceled") >= {order["id"]})
    taken = await exchange.create_order(LINEAR, "market", "buy", 3000)
    await watchers["orders"].until(lambda seen: ids(seen, "closed") >= {taken["id"]})
    await watchers["my trades"].until(lambda seen: amount(seen, taken["id"]) == 3000)
    await watchers["positions"].until(lambda seen: any(p["contracts"] == 3000 for p in rows(seen)))
    await watchers["public trades"].until(bool)
    await watchers["book"].until(lambda seen: len(seen) >= 5 and len(tops(seen)) > 1)
    await watchers["ticker"].until(lambda seen: any(ticker["bid"] for ticker in seen))
    both = {LINEAR, INVERSE}
    await watchers["tickers"].until(lambda seen: {name for group in seen for name in group} >= both)
    await watchers["books"].until(lambda seen: {book["symbol"] for book in seen} >= both)
    await watchers["all trades"].until(lambda seen: {row["symbol"] for row in rows(seen)} >= both)
    await watchers["candles"].until(bool)
    for watcher in watchers.values():
        watcher.task.cancel()
    await asyncio.gather(*(w.task for w in watchers.values()), return_exceptions=True)
    return {
        "taken": taken,
        "paid": paid,
        **{name: watcher.seen for name, watcher in watchers.items()},
    }


def tops(seen: list[Any]) -> set[tuple[float, float]]:
    """Return the best bids and asks that were seen together."""
    return {(book["bids"][0][0], book["asks"][0][0]) for book in seen if book["bids"]}


async def pay(exchange: Exchange, balance: Watcher) -> list[Any]:
    """Trade until the balance is seen to pay for it; return the trades.

    More than once because ccxt keeps nothing for who does not await at the moment of a message.
    """
    for _ in range(10):
        await exchange.create_order(INVERSE, "market", "buy", 100)
        trades = await exchange.fetch_my_trades(INVERSE)
        left = BITCOIN - sum(trade["info"]["execComm"] for trade in trades)
        try:
            await asyncio.wait_for(balance.until(lambda seen: left in wallets(seen)), 2.0)  # noqa: B023 - awaited in this round
        except asyncio.TimeoutError:
            continue
        return list(trades)
    raise AssertionError("the balance was never seen to pay")


def ids(seen: list[Any], status: str) -> set[str]:
    """Return the ids of the orders that were seen in a state."""
    return {order["id"] for order in rows(seen) if order["status"] == status}


def wallets(seen: list[Any]) -> set[int]:
    """Return the bitcoin wallet balances that were seen, in satoshis."""
    shown = [row for balance in seen for row in balance["info"] if row["currency"] == "XBt"]
    return {row["walletBalance"] for row in shown if "walletBalance" in row}


def amount(seen: list[Any], order_id: str) -> float:
    """Return how much of an order was seen to trade; ccxt repeats what it has told."""
    trades = {trade["id"]: trade for trade in rows(seen) if trade["order"] == order_id}
    return float(sum(trade["amount"] for trade in trades.values()))


async def main() -> None:
    """Run against the exchange that standard input names."""
    exchange = client(json.load(sys.stdin), ccxt.pro.bitmex)
    try:
        seen = await asyncio.wait_for(watch_and_trade(exchange), DEADLINE)
    finally:
        await exchange.close()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
