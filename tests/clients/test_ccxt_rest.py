from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.clients.foreign import run_script
from tests.support.venue import start_exchange

LINEAR = "BTC/USDT:USDT"
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(clients_python: Path) -> Iterator[Seen]:
    """What one run of ccxt against a fresh exchange saw."""
    exchange = start_exchange(seed=1, no_limits=True)
    try:
        yield run_script(clients_python, "ccxt_rest.py", exchange)
    finally:
        exchange.stop()


def test_markets_are_understood(seen: Seen) -> None:
    kinds = {m["symbol"]: (m["type"], m["inverse"]) for m in seen["markets"].values()}
    assert kinds["BTC/USD:BTC"] == ("swap", True)
    assert kinds[LINEAR] == ("swap", False)
    assert kinds["BTC/USDT"][0] == "spot"
    assert [kind for kind, *_ in kinds.values()].count("future") == 1
    assert seen["markets"][LINEAR]["precision"]["price"] == 0.1
    assert seen["currencies"]["BTC"]["precision"] == 1e-8
    assert seen["currencies"]["USDT"]["precision"] == 1e-6


def test_market_data_is_consistent(seen: Seen) -> None:
    book = seen["book"]
    bids, asks = [p for p, _ in book["bids"]], [p for p, _ in book["asks"]]
    assert len(bids) == len(asks) == 25
    assert bids == sorted(bids, reverse=True) and asks == sorted(asks)
    assert bids[0] < asks[0]
    ticker = seen["ticker"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert abs(ticker["bid"] / bids[0] - 1) < 0.001
    assert len(seen["tickers"]) >= 6
    assert seen["public trades"][0]["symbol"] == LINEAR


@pytest.mark.parametrize(
    ("frame", "minutes", "least"),
    [("1m", 1, 100), ("5m", 5, 100), ("1h", 60, 100), ("1d", 1440, 30)],
)
def test_candles_are_whole_and_without_gaps(
    seen: Seen, frame: str, minutes: int, least: int
) -> None:
    candles = seen["candles"][frame]
    times = [candle[0] for candle in candles]
    assert len(candles) >= least
    assert {b - a for a, b in pairwise(times)} == {minutes * 60_000}
    for _, opened, high, low, closed, volume in candles:
        assert low <= min(opened, closed) <= max(opened, closed) <= high
        assert volume >= 0


def test_funding_is_known(seen: Seen) -> None:
    assert abs(seen["funding rate"]["fundingRate"]) < 0.01
    times = [row["timestamp"] for row in seen["funding history"]]
    assert len(times) == 5
    assert all(time % (8 * 3_600_000) == 4 * 3_600_000 for time in times)


def test_order_is_placed_amended_found_and_cancelled(seen: Seen) -> None:
    placed, amended = seen["placed"], seen["amended"]
    assert (placed["status"], placed["side"], placed["amount"]) == ("open", "buy", 2000)
    assert placed["clientOrderId"] == "rest one/+=."
    assert amended["id"] == placed["id"]
    assert (amended["amount"], amended["price"]) == (3000, placed["price"] + 10)
    assert seen["fetched"]["price"] == amended["price"]
    assert [order["id"] for order in seen["open"]] == [placed["id"]]
    assert (seen["cancelled"]["id"], seen["cancelled"]["status"]) == (placed["id"], "canceled")


def test_several_orders_are_cancelled_at_once(seen: Seen) -> None:
    for name in ("cancelled two", "cancelled all"):
        assert [order["status"] for order in seen[name]] == ["canceled", "canceled"]
    assert {order["symbol"] for order in seen["cancelled all"]} == {LINEAR, "BTC/USDT"}
    assert seen["open at the end"] == []


def test_post_only_order_that_would_take_is_cancelled(seen: Seen) -> None:
    assert (seen["post only"]["status"], seen["post only"]["filled"]) == ("canceled", 0)


def test_fills_add_up_to_the_position_and_the_wallet(seen: Seen) -> None:
    bought, sold = seen["market buy"], seen["market sell"]
    assert (bought["status"], bought["filled"]) == ("closed", 5000)
    assert (sold["status"], sold["filled"]) == ("closed", 2000)
    trades = seen["trades"]
    for order in (bought, sold):
        mine = [t for t in trades if t["order"] == order["id"]]
        assert sum(t["amount"] for t in mine) == order["filled"]
        assert all(t["info"]["execComm"] > 0 for t in mine)
    positions = {p["symbol"]: p for p in seen["positions"] if p["contracts"]}
    assert positions[LINEAR]["contracts"] == 3000
    assert positions[LINEAR]["side"] == "long"
    assert positions["BTC/USD:BTC"]["contracts"] == 100
    assert {p["symbol"] for p in seen["positions"]} >= set(positions)
    # What the trades realised is what the wallet lost: fees, and profit on the part sold.
    realised = sum(t["info"].get("realisedPnl", 0) for t in trades)
    margins = {row["currency"]: row for row in seen["balance"]["info"]}
    assert margins["USDt"]["walletBalance"] == 10_000_000_000 + realised


def test_ledger_chains(seen: Seen) -> None:
    rows = sorted((row["info"] for row in seen["ledger"]), key=lambda row: row["transactTime"])
    rows = [row for row in rows if row.get("transactStatus") == "Completed"]
    balance = 0
    for row in rows:
        balance += row["amount"]
        assert row["walletBalance"] == balance


def test_stop_waits_for_its_trigger(seen: Seen) -> None:
    assert seen["stop"]["status"] == "open"
    assert seen["stop"]["info"]["workingIndicator"] is False


def test_orders_of_the_past_are_listed(seen: Seen) -> None:
    listed = {order["id"]: order["status"] for order in seen["orders"]}
    assert listed[seen["market buy"]["id"]] == "closed"
    assert listed[seen["placed"]["id"]] == "canceled"
    assert {order["id"] for order in seen["closed"]} <= set(listed)


def test_leverage_and_timer_are_accepted(seen: Seen) -> None:
    assert seen["leverage"]["leverage"] == 5
    assert seen["timer"]["cancelTime"] > seen["timer"]["now"]


def test_leverage_and_margin_mode_are_read_back(seen: Seen) -> None:
    assert seen["leverages"][LINEAR]["longLeverage"] == 5
    assert seen["isolated"]["crossMargin"] is False
    assert seen["crossed"]["crossMargin"] is True
    (position,) = seen["one position"]
    assert (position["symbol"], position["contracts"]) == ("BTC/USD:BTC", 100)
    assert position["marginMode"] == "cross" and position["side"] == "long"
    assert {rank["symbol"] for rank in seen["ranks"]} >= {LINEAR, "BTC/USD:BTC"}


def test_stop_limit_and_reduce_only_orders_are_placed(seen: Seen) -> None:
    assert (seen["trigger"]["info"]["ordType"], seen["trigger"]["status"]) == ("StopLimit", "open")
    reduced = seen["reduced"]
    assert reduced["reduceOnly"] is True and reduced["filled"] == 1000
    cancelled = seen["by client id"]
    assert (cancelled["clientOrderId"], cancelled["status"]) == ("mine", "canceled")


def test_history_is_found_from_a_time_on(seen: Seen) -> None:
    since = seen["trades"][-1]["timestamp"]
    assert seen["my trades since"]
    assert all(trade["timestamp"] >= since for trade in seen["my trades since"])
    (deposit,) = seen["transfers"]
    assert (deposit["type"], deposit["amount"]) == ("deposit", 10_000)
    assert len(seen["candles since"]) == 5
    assert set(seen["funding rates"]) == {LINEAR, "BTC/USD:BTC"}
    assert seen["liquidations"] == []


def test_disarmed_timer_has_no_time(seen: Seen) -> None:
    assert seen["disarmed"]["cancelTime"] == 0


def test_errors_are_understood(seen: Seen) -> None:
    refusals = seen["refusals"]
    kinds = {name: text.partition(":")[0] for name, text in refusals.items()}
    assert kinds == {
        "too much": "InsufficientFunds",
        "off the tick": "BadRequest",
        "off the lot": "BadRequest",
        "unknown route": "ExchangeError",
        "wrong secret": "AuthenticationError",
    }
