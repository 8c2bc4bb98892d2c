from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.foreign import run_script
from tests.support.venue import start_exchange

LINEAR = "BTC/USDT:USDT"
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(clients_python: Path) -> Iterator[Seen]:
    """What one run of ccxt Pro against a fresh exchange saw."""
    exchange = start_exchange(seed=1, no_limits=True)
    try:
        yield run_script(clients_python, "ccxt_stream.py", exchange)
    finally:
        exchange.stop()


def test_book_is_never_crossed_and_always_sorted(seen: Seen) -> None:
    assert len(seen["book"]) >= 5
    for book in seen["book"]:
        bids, asks = [level[0] for level in book["bids"]], [level[0] for level in book["asks"]]
        assert len(bids) >= 10 and len(asks) >= 10
        assert bids == sorted(bids, reverse=True) and asks == sorted(asks)
        assert bids[0] < asks[0]
    tops = {(book["bids"][0][0], book["asks"][0][0]) for book in seen["book"]}
    assert len(tops) > 1, "the market does not move"


def test_orders_are_seen_through_their_life(seen: Seen) -> None:
    states: dict[str, list[str]] = {}
    for order in (order for group in seen["orders"] for order in group):
        states.setdefault(order["id"], []).append(order["status"])
    assert states.pop(seen["taken"]["id"])[-1] == "closed"
    ((first, *_, last),) = states.values()
    assert (first, last) == ("open", "canceled")


def test_streams_of_several_symbols_keep_them_apart(seen: Seen) -> None:
    both = {LINEAR, "BTC/USD:BTC"}
    assert {name for group in seen["tickers"] for name in group} == both
    books = {book["symbol"]: book for book in seen["books"]}
    assert set(books) == both
    for book in books.values():
        assert book["bids"][0][0] < book["asks"][0][0]
    trades = [trade for group in seen["all trades"] for trade in group]
    assert {trade["symbol"] for trade in trades} == both


def test_candles_are_streamed_from_the_last_finished_one(seen: Seen) -> None:
    time, opened, high, low, closed, volume = seen["candles"][0][-1]
    assert time % 60_000 == 0
    assert opened is None, "ccxt leaves it out: the exchange opens a bin where the last one closed"
    assert low <= closed <= high
    assert volume >= 0


def test_own_trades_and_position_follow_the_order(seen: Seen) -> None:
    trades = {trade["id"]: trade for group in seen["my trades"] for trade in group}
    mine = [trade for trade in trades.values() if trade["order"] == seen["taken"]["id"]]
    assert sum(trade["amount"] for trade in mine) == 3000
    position = [p for group in seen["positions"] for p in group if p["symbol"] == LINEAR][-1]
    assert (position["contracts"], position["side"]) == (3000, "long")


def test_balance_pays_the_fee(seen: Seen) -> None:
    wallets = [
        row["walletBalance"]
        for balance in seen["balance"]
        for row in balance["info"]
        if row["currency"] == "XBt" and "walletBalance" in row  # updates hold what changed
    ]
    fees = sum(trade["info"]["execComm"] for trade in seen["paid"])
    assert wallets[0] == 100_000_000
    assert wallets[-1] == wallets[0] - fees < wallets[0]


def test_public_trades_and_ticker_arrive(seen: Seen) -> None:
    trades = [trade for group in seen["public trades"] for trade in group]
    assert {trade["symbol"] for trade in trades} == {LINEAR}
    assert all(trade["price"] > 0 and trade["amount"] > 0 for trade in trades)
    assert any(ticker["bid"] for ticker in seen["ticker"])
    # ccxt forgets a price that an update does not repeat, but not in "info".
    told = [ticker["info"] for ticker in seen["ticker"]]
    assert all(row["bidPrice"] < row["askPrice"] for row in told)
