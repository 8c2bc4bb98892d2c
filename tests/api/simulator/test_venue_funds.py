"""What an account cannot afford: refusals before a fill, liquidation after a move."""

from __future__ import annotations

from typing import Any

import pytest

from api.simulator.ports import Action
from api.simulator.venue import Customer, LiveVenue
from tests.api.simulator.venues import START, Desk, new_desk


def position(desk: Desk, symbol: str) -> dict[str, Any]:
    return next(row for row in desk.get("/position") if row["symbol"] == symbol)


def test_account_without_a_currency_is_told_so() -> None:
    venue = LiveVenue(seed=7, now=START, accounts=[Customer(money={"USDt": 10**9})])
    desk = Desk(venue)
    asked = {"symbol": "XBTUSD", "side": "Buy", "orderQty": 100, "price": 50_000}
    assert desk.refusal("POST", "/order", **asked) == (400, "Account has no XBt")
    assert desk.order("XBTUSDT", "Buy", 100, ordType="Market")["ordStatus"] == "Filled"


@pytest.mark.parametrize(("side", "far"), [("Buy", "Sell"), ("Sell", "Buy")])
def test_order_price_that_would_liquidate_at_once_is_refused(side: str, far: str) -> None:
    desk = new_desk()
    price = desk.away("XBTUSDT", far, 0.3)  # 30 % worse than the market
    asked = {"symbol": "XBTUSDT", "side": side, "orderQty": 600_000, "price": price}
    message = "Executing at order price would lead to immediate liquidation"
    assert desk.refusal("POST", "/order", **asked) == (400, message)
    fair = desk.away("XBTUSDT", side, 0.01)
    row = desk.order("XBTUSDT", side, 600_000, price=fair)
    amend = {"orderID": row["orderID"], "price": price}
    assert desk.refusal("PUT", "/order", **amend) == (400, message)
    desk.order("XBTUSDT", far, 600_000, ordType="Market")
    closing = {**asked, "execInst": "ReduceOnly"}  # a loss that exists already may be taken
    assert desk.ask("POST", "/order", **closing).status == 200


def test_isolated_position_is_liquidated_alone() -> None:
    desk = new_desk()
    desk.order("XBTUSDT", "Buy", 100_000, ordType="Market")
    desk.order("SOLUSDT", "Buy", 1_000, ordType="Market")
    desk.body("POST", "/position/leverage", symbol="XBTUSDT", leverage=50)
    rest = desk.order("XBTUSDT", "Sell", 100, price=desk.away("XBTUSDT", "Sell", 0.2))
    row = position(desk, "XBTUSDT")
    assert row["bankruptPrice"] < row["liquidationPrice"] < row["markPrice"]
    desk.venue.move_market("XBT", row["liquidationPrice"] / row["markPrice"] * 1.003)
    assert not [e for e in desk.wait(seconds=10) if e.table == "liquidation"]
    desk.venue.move_market("XBT", 0.994)
    events = desk.wait(seconds=10)
    acted = [event.action for event in events if event.table == "liquidation"]
    assert acted == [Action.INSERT, Action.DELETE]
    assert position(desk, "XBTUSDT")["currentQty"] == 0
    assert position(desk, "SOLUSDT")["currentQty"] == 1_000
    assert desk.get("/order", filter={"orderID": rest["orderID"]})[0]["ordStatus"] == "Canceled"
    assert desk.get("/user/margin", currency="USDt")["walletBalance"] > 9_000_000_000


def test_same_position_with_cross_margin_lives_on() -> None:
    desk = new_desk()
    desk.order("XBTUSDT", "Buy", 100_000, ordType="Market")
    desk.venue.move_market("XBT", 0.9)
    desk.wait(seconds=10)
    assert position(desk, "XBTUSDT")["currentQty"] == 100_000
