from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from api.simulator.venue import LiveVenue
from tests.api.simulator.venues import START, Desk, new_desk, reloaded

BEFORE_FUNDING = datetime(2026, 11, 23, 11, 59, 30, tzinfo=timezone.utc)


def of_type(desk: Desk, kind: str) -> list[dict[str, Any]]:
    return [row for row in desk.get("/execution/tradeHistory") if row["execType"] == kind]


@pytest.mark.parametrize("side", ["Buy", "Sell"])
@pytest.mark.parametrize("symbol", ["XBTUSD", "XBTUSDT", "ETHUSD"])
def test_funding_is_paid_at_the_rate_shown_before_and_long_pays_short(
    symbol: str, side: str
) -> None:
    desk = new_desk(now=BEFORE_FUNDING)
    lot = desk.quote(symbol)["lotSize"]
    desk.order(symbol, side, 40 * lot, ordType="Market")
    before = desk.quote(symbol)
    currency = before["settlCurrency"]
    wallet = desk.get("/user/wallet", currency=currency)["amount"]
    desk.wait(minutes=1)
    rows = of_type(desk, "Funding")
    assert len(rows) == 1
    row, rate, direction = rows[0], before["fundingRate"], 1 if side == "Buy" else -1
    assert row["commission"] == rate * direction
    paid = int(abs(rate) * 1e6 + 0.5) * abs(row["execCost"]) // 1_000_000
    assert row["execComm"] == (paid if rate * direction > 0 else -paid)
    assert row["realisedPnl"] == -row["execComm"]
    assert desk.get("/user/wallet", currency=currency)["amount"] == wallet - row["execComm"]
    assert row["transactTime"] == "2026-11-23T12:00:00.000Z"
    assert row["lastQty"] == row["orderQty"] == row["cumQty"] == 40 * lot
    assert not {"side", "orderID", "clOrdID", "price", "leavesQty"} & set(row)
    assert (row["foreignNotional"] > 0) == (side == "Sell")
    assert (row["homeNotional"] > 0) == (side == "Buy")
    after = desk.quote(symbol)
    assert after["fundingRate"] == before["indicativeFundingRate"]
    history = desk.get("/funding", symbol=symbol, reverse="true", count=1)[0]
    assert (history["timestamp"], history["fundingRate"]) == (row["transactTime"], rate)


def test_time_off_is_crossed_with_every_funding_exactly_once() -> None:
    desk = new_desk()
    desk.order("XBTUSD", "Buy", 1_000, ordType="Market")
    desk.wait(days=3, hours=1)
    times = [row["transactTime"] for row in of_type(desk, "Funding")]
    hours = [START.replace(hour=4, minute=0) + timedelta(hours=8 * n) for n in range(10)]
    assert times == [f"{hour:%Y-%m-%dT%H:%M:%S}.000Z" for hour in hours]


def test_dated_future_settles_at_the_index_and_the_next_one_is_listed() -> None:
    eve = datetime(2026, 12, 25, 11, 59, tzinfo=timezone.utc)
    desk = new_desk(now=eve)
    desk.order("XBTZ26", "Sell", 500, ordType="Market")
    price = desk.away("XBTZ26", "Buy", 0.1)
    resting = desk.order("XBTZ26", "Buy", 100, price=price)
    desk.wait(seconds=65)
    assert (desk.quote("XBTZ26")["state"], of_type(desk, "Settlement")) == ("Closed", [])
    again = reloaded(desk)
    assert again.get("/position")[0]["currentQty"] == -500
    again.wait(seconds=10)
    assert len(of_type(again, "Settlement")) == 1
    desk.wait(seconds=55)
    row = of_type(desk, "Settlement")[0]
    assert row["transactTime"] == row["timestamp"] == "2026-12-25T12:00:10.290Z"
    settled = desk.quote("XBTZ26")
    per_lot = round(100 * 1e8 / settled["settledPrice"])
    assert (row["side"], row["lastQty"], row["leavesQty"], row["execComm"]) == ("Buy", 500, 0, 0)
    assert row["lastPx"] == row["price"] == settled["settledPrice"]
    assert row["execCost"] == -5 * per_lot
    assert "orderID" not in row
    assert desk.get("/position")[0]["currentQty"] == 0
    assert desk.get("/order", filter={"orderID": resting["orderID"]})[0]["ordStatus"] == "Canceled"
    assert settled["state"] == "Settled"
    assert desk.refusal("POST", "/order", symbol="XBTZ26", orderQty=100, price=50_000) == (
        400,
        "Instrument expired",
    )
    active = {row["symbol"] for row in desk.get("/instrument/active")}
    assert "XBTH27" in active
    assert "XBTZ26" not in active
    published = desk.get("/settlement")[0]
    assert published["settledPrice"] == settled["settledPrice"]
    assert published["timestamp"] == "2026-12-25T12:00:00.000Z"
    assert desk.order("XBTH27", "Buy", 100, ordType="Market")["ordStatus"] == "Filled"


def test_day_orders_end_at_midnight_and_others_stay() -> None:
    desk = new_desk(now=datetime(2026, 11, 23, 23, 59, 50, tzinfo=timezone.utc))
    price = desk.away("XBTUSD", "Buy", 0.2)
    day = desk.order("XBTUSD", "Buy", 100, price=price, timeInForce="Day")
    stays = desk.order("XBTUSD", "Buy", 100, price=price)
    desk.wait(seconds=20)
    assert [row["orderID"] for row in desk.get("/order", filter={"open": True})] == [
        stays["orderID"]
    ]
    assert desk.get("/order", filter={"orderID": day["orderID"]})[0]["text"].startswith(
        "Canceled: Order had timeInForce of Day\n"
    )


def test_dead_mans_switch_cancels_all_orders_unless_it_is_moved() -> None:
    desk = new_desk()
    price = desk.away("XBTUSD", "Buy", 0.2)
    desk.order("XBTUSD", "Buy", 100, price=price)
    answer = desk.body("POST", "/order/cancelAllAfter", timeout=15_000)
    assert answer == {
        "now": "2026-11-23T03:30:00.000Z",
        "cancelTime": "2026-11-23T03:30:15.000Z",
    }
    desk.wait(seconds=10)
    desk.body("POST", "/order/cancelAllAfter", timeout=15_000)
    desk.wait(seconds=10)
    assert len(desk.get("/order", filter={"open": True})) == 1
    desk.wait(seconds=10)
    assert desk.get("/order", filter={"open": True}) == []
    assert desk.body("POST", "/order/cancelAllAfter", timeout=0)["cancelTime"] == 0


def test_position_that_lost_its_margin_is_liquidated_and_the_books_balance() -> None:
    desk = new_desk()
    assert desk.order("XBTUSDT", "Buy", 2_000_000, ordType="Market")["cumQty"] == 2_000_000
    position = desk.get("/position")[0]
    assert 0 < position["bankruptPrice"] < position["liquidationPrice"] < position["markPrice"]
    desk.venue.move_market("XBT", 0.9)
    events = desk.wait(seconds=30)
    assert desk.get("/position")[0]["currentQty"] == 0
    assert desk.get("/user/wallet", currency="USDt")["amount"] == 0
    assert [e.action.value for e in events if e.table == "liquidation"] == ["insert", "delete"]
    assert desk.get("/order", reverse="true")[0]["text"] == "Liquidation"


def test_leverage_isolates_a_position_and_zero_undoes_it() -> None:
    desk = new_desk()
    desk.order("XBTUSDT", "Buy", 1_000, ordType="Market")
    row = desk.body("POST", "/position/leverage", symbol="XBTUSDT", leverage=5)
    assert (row["leverage"], row["crossMargin"], row["initMarginReq"]) == (5.0, False, 0.2)
    assert row["maintMargin"] >= row["posCost"] // 5
    row = desk.body("POST", "/position/isolate", symbol="XBTUSDT", enabled=False)
    assert row["crossMargin"] is True
    assert desk.refusal("POST", "/position/leverage", symbol="XBTUSDT", leverage=101)[0] == 400
    assert desk.refusal("POST", "/position/leverage", symbol="XBT_USDT", leverage=1)[0] == 400


def test_session_profit_becomes_past_profit_at_noon() -> None:
    desk = new_desk(now=BEFORE_FUNDING)
    desk.order("XBT_USDT", "Buy", 1_000, ordType="Market")
    desk.order("XBTZ26", "Buy", 100, ordType="Market")
    row = next(p for p in desk.get("/position") if p["symbol"] == "XBTZ26")
    assert (row["rebalancedPnl"] < 0, row["prevRealisedPnl"]) == (True, 0)
    desk.wait(minutes=1)
    after = next(p for p in desk.get("/position") if p["symbol"] == "XBTZ26")
    assert (after["rebalancedPnl"], after["prevRealisedPnl"]) == (0, row["rebalancedPnl"])


def test_gap_moves_the_market_along_its_path_and_fills_what_it_crossed() -> None:
    desk = new_desk()
    price = desk.away("SOLUSDT", "Sell", 0.001)
    order = desk.order("SOLUSDT", "Sell", 100, price=price)
    desk.venue.move_market("SOL", 1.05)
    desk.wait(hours=6)
    row = desk.get("/order", filter={"orderID": order["orderID"]})[0]
    assert (row["ordStatus"], row["avgPx"]) == ("Filled", price)


def test_venue_starts_at_any_time_of_the_year() -> None:
    for month in range(1, 13):
        venue = LiveVenue(seed=month, now=datetime(2027, month, 28, 12, tzinfo=timezone.utc))
        desk = Desk(venue, datetime(2027, month, 28, 12, tzinfo=timezone.utc))
        desk.wait(seconds=5)
        assert len(desk.get("/instrument/active")) == 6
