"""What programs written for the real exchange rely on, beyond those that the tests run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.simulator.old_dialect import OldDialectVenue
from api.simulator.ports import ApiKey
from api.simulator.topics import help_text
from api.simulator.venue import DEMO_ACCOUNT, Customer
from tests.api.simulator.venues import START, TRADING, Desk, new_desk


@pytest.fixture
def desk() -> Desk:
    return new_desk()


def test_feed_handlers_find_the_columns_that_make_their_symbols(desk: Desk) -> None:
    rows = desk.get("/instrument/active")
    assert rows[0]["typ"] in ("FFWCSX", "FFCCSX", "IFXXXP")
    for row in rows:
        assert {"symbol", "rootSymbol", "quoteCurrency", "typ", "tickSize", "isQuanto"} <= set(row)
        assert row["state"] == "Open"


def test_feed_handlers_of_old_find_empty_columns_of_orders() -> None:
    key = ApiKey("key", "secret", DEMO_ACCOUNT, TRADING)
    desk = Desk(OldDialectVenue(seed=7, now=START, accounts=[Customer(keys=[key])]))
    row = desk.order("XBTUSD", "Buy", 100, price=desk.away("XBTUSD", "Buy", 0.1))
    for name in ("orderID", "avgPx", "cumQty", "leavesQty", "ordStatus", "clOrdID", "side"):
        assert name in row


def test_market_makers_look_for_orders_that_are_not_terminated(desk: Desk) -> None:
    price = desk.away("XBTUSD", "Buy", 0.1)
    kept = desk.order("XBTUSD", "Buy", 100, price=price, clOrdID="mm_bitmex_a/b+c=")
    gone = desk.order("XBTUSD", "Buy", 100, price=price)
    desk.body("DELETE", "/order", orderID=gone["orderID"])
    wanted = {"ordStatus.isTerminated": False, "symbol": "XBTUSD"}
    rows = desk.get("/order", filter=json.dumps(wanted), count=500)
    assert [row["clOrdID"] for row in rows] == [kept["clOrdID"]]


def test_market_makers_learn_from_duplicates_that_the_first_one_arrived(desk: Desk) -> None:
    given: dict[str, Any] = {"price": desk.away("XBTUSD", "Buy", 0.1), "clOrdID": "mm_bitmex_1"}
    first = desk.order("XBTUSD", "Buy", 100, **given)
    refusal = desk.refusal("POST", "/order", symbol="XBTUSD", side="Buy", orderQty=100, **given)
    assert refusal == (400, "Duplicate clOrdID")
    (found,) = desk.get("/order", filter={"clOrdID": "mm_bitmex_1"})
    assert found["orderID"] == first["orderID"]
    desk.body("DELETE", "/order", clOrdID="mm_bitmex_1")
    desk.order("XBTUSD", "Buy", 100, **given)  # free again once the order has ended


def test_node_clients_learn_which_tables_need_a_key(desk: Desk) -> None:
    help_ = desk.get("/schema/websocketHelp")
    assert help_ == help_text()
    subjects = help_["subscriptionSubjects"]
    assert {"order", "execution", "margin", "position"} <= set(subjects["authenticationRequired"])
    assert {"instrument", "trade", "orderBookL2", "quoteBin1m"} <= set(subjects["public"])
    assert {"usage", "ops", "subscribe"} <= set(help_)


def test_terminals_of_old_ask_in_their_way(desk: Desk) -> None:
    desk.order("XBTUSD", "Buy", 100, ordType="Market")
    order = desk.order("XBTUSD", "Buy", 100, price=desk.away("XBTUSD", "Buy", 0.1))
    common: dict[str, Any] = {"symbol": "XBTUSD", "reverse": "false", "count": "1000"}
    candles = desk.get(
        "/trade/bucketed",
        **common,
        binSize="5m",
        partial="true",
        columns="open, high, low, close",
        startTime="2026-11-23 02:00:00",
    )
    assert len(candles) > 15
    assert set(candles[0]) == {"timestamp", "symbol", "open", "high", "low", "close"}
    assert candles[-1]["timestamp"] > "2026-11-23T03:30"  # the running one ends ahead
    since = {"startTime": "2026-11-23 03:00:00", "count": "500", "reverse": "false"}
    (fill,) = desk.get("/execution/tradeHistory", **since)
    assert fill["lastQty"] == 100
    (open_order,) = desk.get("/order", filter='{"open": true}', reverse="false")
    changed = {"leavesQty": 200, "price": open_order["price"], "orderID": order["orderID"]}
    assert desk.body("PUT", "/order", **changed)["orderQty"] == 200
    assert len(desk.get("/position", filter='{"symbol": "XBTUSD"}')) == 1
    assert len(desk.body("DELETE", "/order/all", symbol="XBTUSD")) == 1


def test_guards_of_rates_find_the_same_keys_for_every_symbol(desk: Desk) -> None:
    fees = desk.get("/user/commission")
    assert set(fees) == {row["symbol"] for row in desk.get("/instrument/active")}
    for fee in fees.values():
        assert set(fee) == {"maxFee", "makerFee", "takerFee", "settlementFee"}
    intervals = desk.get("/instrument/activeIntervals")
    assert len(intervals["intervals"]) == len(intervals["symbols"])
    assert dict(zip(*intervals.values(), strict=True))["XBT:quarterly"] == "XBTZ26"
