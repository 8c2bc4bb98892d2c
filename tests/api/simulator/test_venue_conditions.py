"""Orders that wait: for a price, for another order, or for a position to close."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.api.simulator.venues import SECOND_ACCOUNT, Desk, new_desk, new_venue, reloaded


@pytest.fixture
def desk() -> Desk:
    return new_desk()


def now(desk: Desk, order: dict[str, Any]) -> dict[str, Any]:
    """Return an order as it is now."""
    return dict(desk.get("/order", filter={"orderID": order["orderID"]})[0])


def states(desk: Desk, *orders: dict[str, Any]) -> list[str]:
    return [now(desk, order)["ordStatus"] for order in orders]


@pytest.mark.parametrize(
    ("kind", "side", "factor"),
    [
        ("Stop", "Buy", 1.03),
        ("Stop", "Sell", 0.97),
        ("StopLimit", "Buy", 1.03),
        ("StopLimit", "Sell", 0.97),
        ("MarketIfTouched", "Buy", 0.97),
        ("MarketIfTouched", "Sell", 1.03),
        ("LimitIfTouched", "Buy", 0.97),
        ("LimitIfTouched", "Sell", 1.03),
    ],
)
def test_order_waits_on_its_side_of_the_price(
    desk: Desk, kind: str, side: str, factor: float
) -> None:
    up = factor > 1
    stop = desk.away("XBTUSD", "Sell" if up else "Buy", 0.02)
    more: dict[str, Any] = {"ordType": kind, "stopPx": stop, "execInst": "LastPrice"}
    if "Limit" in kind:
        more["price"] = desk.away("XBTUSD", side, -0.1)  # good enough to trade at once
    order = desk.order("XBTUSD", side, 100, **more)
    desk.venue.move_market("XBT", 2 - factor)  # the other way: nothing happens
    desk.wait(seconds=20)
    waiting = now(desk, order)
    assert (waiting["ordStatus"], waiting["workingIndicator"]) == ("New", False)
    assert "triggered" not in waiting
    desk.venue.move_market("XBT", factor * factor / (2 - factor))
    desk.wait(seconds=20)
    row = now(desk, order)
    assert (row["ordStatus"], row["triggered"]) == ("Filled", "StopOrderTriggered")


def test_stop_whose_price_is_reached_already_is_triggered_at_once(desk: Desk) -> None:
    stop = desk.away("XBTUSD", "Buy", 0.02)
    order = desk.order("XBTUSD", "Buy", 100, stopPx=stop)
    assert (order["ordStatus"], order["triggered"]) == ("Filled", "StopOrderTriggered")


def test_triggered_order_without_margin_is_rejected_with_the_reason(desk: Desk) -> None:
    stop = desk.away("XBTUSD", "Buy", 0.02)
    order = desk.order("XBTUSD", "Sell", 9_000_000, stopPx=stop, execInst="LastPrice")
    desk.venue.move_market("XBT", 0.97)
    desk.wait(seconds=20)
    row = now(desk, order)
    assert (row["ordStatus"], row["leavesQty"], row["cumQty"]) == ("Rejected", 0, 0)
    assert row["ordRejReason"].startswith("Account has insufficient Available Balance")
    assert desk.execution_types() == ["New", "TriggeredOrActivatedBySystem", "Rejected"]
    assert desk.get("/user/margin")["initMargin"] == 0


def test_last_within_mark_does_not_trigger_far_from_the_mark(desk: Desk) -> None:
    stop = desk.away("XBTUSD", "Buy", 0.02)
    inst = {"stopPx": stop, "ordType": "Stop"}
    guarded = desk.order("XBTUSD", "Sell", 100, execInst="LastPrice,LastWithinMark", **inst)
    plain = desk.order("XBTUSD", "Sell", 100, execInst="LastPrice", **inst)
    # The last price follows at once, the mark price only when it is taken, every five seconds.
    desk.wait(seconds=0.6)
    desk.venue.move_market("XBT", 0.90)
    while states(desk, plain) == ["New"]:
        desk.wait(seconds=0.1)
    assert states(desk, guarded) == ["New"]
    desk.wait(seconds=20)
    assert states(desk, guarded) == ["Filled"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"execInst": "LastWithinMark"}, "Invalid execInst"),
        ({"execInst": "Fixed"}, "Invalid ordType for execInst"),
        ({"ordType": "MarketIfTouched", "execInst": "LastPrice,LastWithinMark"},
         "Invalid ordType for execInst"),
        ({"pegPriceType": "TrailingStopPeg"}, "Invalid pegOffsetValue"),
        ({"pegPriceType": "TrailingStopPeg", "pegOffsetValue": 100}, "Invalid pegOffsetValue"),
        ({"pegPriceType": "LastPeg", "pegOffsetValue": -100}, "Invalid pegPriceType"),
        ({"pegOffsetValue": -100}, "Invalid pegPriceType"),
        ({"contingencyType": "OneUpdatesTheOtherAbsolute"}, "Invalid contingencyType"),
        ({"contingencyType": "OneCancelsTheOther"}, "Invalid clOrdLinkID"),
        ({"orderQty": None, "side": None, "execInst": "Close"}, "Invalid side"),
    ],
)  # fmt: skip
def test_conditions_that_are_wrong_are_refused(
    desk: Desk, change: dict[str, Any], message: str
) -> None:
    desk.order("XBTUSD", "Buy", 100, ordType="Market")
    stop = desk.away("XBTUSD", "Buy", 0.02)
    good = {"symbol": "XBTUSD", "side": "Sell", "orderQty": 100, "stopPx": stop, "ordType": "Stop"}
    assert desk.refusal("POST", "/order", **{**good, **change}) == (400, message)


def test_close_stop_takes_the_position_there_is_when_it_is_triggered(desk: Desk) -> None:
    desk.order("XBTUSD", "Buy", 300, ordType="Market")
    stop = desk.away("XBTUSD", "Buy", 0.02)
    more = {"symbol": "XBTUSD", "side": "Sell", "stopPx": stop, "execInst": "Close,LastPrice"}
    order = desk.body("POST", "/order", **more)
    desk.order("XBTUSD", "Buy", 400, ordType="Market")
    beside = desk.order("XBTUSD", "Sell", 500, price=desk.away("XBTUSD", "Sell", 0.1))
    again = reloaded(desk)
    again.venue.move_market("XBT", 0.97)
    again.wait(seconds=20)
    row = now(again, order)
    assert (row["ordStatus"], row["orderQty"], row["cumQty"]) == ("Filled", 700, 700)
    assert states(again, beside) == ["Canceled"]
    assert again.get("/position")[0]["currentQty"] == 0


@pytest.mark.parametrize("side", ["Buy", "Sell"])
@pytest.mark.parametrize("peg", ["PrimaryPeg", "MarketPeg"])
def test_pegged_order_takes_its_price_from_the_touch_and_keeps_it(
    desk: Desk, side: str, peg: str
) -> None:
    quote = desk.quote("XBTUSD")
    near, far = ("bidPrice", "askPrice") if side == "Buy" else ("askPrice", "bidPrice")
    offset = -300 if side == "Buy" else 300
    order = desk.body(
        "POST",
        "/order",
        symbol="XBTUSD",
        side=side,
        orderQty=100,
        pegPriceType=peg,
        pegOffsetValue=offset,
        execInst="Fixed",
    )
    touch = quote[near if peg == "PrimaryPeg" else far]
    assert (order["ordType"], order["ordStatus"]) == ("Pegged", "New")
    assert order["price"] == pytest.approx(touch + offset)
    desk.wait(seconds=20)
    assert now(desk, order)["price"] == order["price"]


def test_pegged_order_must_be_fixed(desk: Desk) -> None:
    good = {"symbol": "XBTUSD", "orderQty": 100, "pegPriceType": "MarketPeg", "pegOffsetValue": -9}
    assert desk.refusal("POST", "/order", **good) == (400, "Invalid execInst")
    assert desk.refusal("POST", "/order", **good, execInst="Fixed", ordType="Limit")[0] == 400


def test_trailing_stop_ignores_small_moves_and_its_offset_can_be_amended(desk: Desk) -> None:
    more = {"ordType": "Stop", "pegPriceType": "TrailingStopPeg", "execInst": "LastPrice"}
    order = desk.order("XBTUSD", "Sell", 100, pegOffsetValue=-4_000, **more)
    followed = order["stopPx"] + 4_000
    seen = {order["stopPx"]}
    for _ in range(200):
        desk.wait(seconds=2)
        seen.add(now(desk, order)["stopPx"])
    steps = sorted(seen)
    assert all(b - a > 0.0009 * followed for a, b in pairwise(steps))
    last = desk.quote("XBTUSD")["lastPrice"]
    body = desk.body("PUT", "/order", orderID=order["orderID"], pegOffsetValue=-1_000)
    assert body["stopPx"] == pytest.approx(last - 1_000)
    message = desk.refusal("PUT", "/order", orderID=order["orderID"], pegOffsetValue=1_000)[1]
    assert message == "Invalid pegOffsetValue"


def test_one_of_linked_orders_cancels_the_others_when_it_executes(desk: Desk) -> None:
    desk.order("XBTUSD", "Buy", 300, ordType="Market")
    link = {"clOrdLinkID": "bracket", "contingencyType": "OneCancelsTheOther"}
    profit = desk.order("XBTUSD", "Sell", 300, price=desk.away("XBTUSD", "Sell", 0.05), **link)
    loss = desk.order("XBTUSD", "Sell", 300, stopPx=desk.away("XBTUSD", "Buy", 0.05), **link)
    other = desk.order("XBTUSD", "Sell", 100, price=desk.away("XBTUSD", "Sell", 0.2))
    desk.venue.move_market("XBT", 1.06)
    desk.wait(seconds=30)
    assert states(desk, profit, loss, other) == ["Filled", "Canceled", "New"]
    assert now(desk, loss)["text"].startswith("Canceled: OneCancelsTheOther\n")


def test_triggered_stop_cancels_the_order_it_is_linked_to(desk: Desk) -> None:
    desk.order("XBTUSD", "Buy", 300, ordType="Market")
    link = {"clOrdLinkID": "bracket", "contingencyType": "OneCancelsTheOther"}
    profit = desk.order("XBTUSD", "Sell", 300, price=desk.away("XBTUSD", "Sell", 0.05), **link)
    loss = desk.order("XBTUSD", "Sell", 300, stopPx=desk.away("XBTUSD", "Buy", 0.03), **link)
    desk.venue.move_market("XBT", 0.95)
    desk.wait(seconds=30)
    assert states(desk, profit, loss) == ["Canceled", "Filled"]


def test_linked_orders_that_meet_each_other_trade_once_and_end(desk: Desk) -> None:
    quote = desk.quote("XBTZ26")
    inside = quote["bidPrice"] + quote["tickSize"]
    link = {"clOrdLinkID": "pair", "contingencyType": "OneCancelsTheOther", "price": inside}
    first = desk.order("XBTZ26", "Sell", 200, **link)
    second = desk.order("XBTZ26", "Buy", 300, **link)
    assert [now(desk, o)["cumQty"] for o in (first, second)] == [200, 200]
    assert states(desk, first, second) == ["Filled", "Canceled"]


def test_secondary_order_waits_for_the_fill_of_the_primary(desk: Desk) -> None:
    primary = desk.order(
        "XBTUSD",
        "Buy",
        100,
        price=desk.away("XBTUSD", "Buy", 0.02),
        clOrdLinkID="entry",
        contingencyType="OneTriggersTheOther",
    )
    price = desk.away("XBTUSD", "Sell", 0.2)
    second = desk.order("XBTUSD", "Sell", 100, price=price, clOrdLinkID="entry")
    third = desk.order("XBTUSD", "Sell", 100, ordType="Market", clOrdLinkID="entry")
    assert (second["ordStatus"], second["workingIndicator"]) == ("New", False)
    assert (third["ordStatus"], third["cumQty"]) == ("New", 0)
    desk.wait(seconds=10)
    again = reloaded(desk)
    assert [now(again, o)["workingIndicator"] for o in (primary, second)] == [True, False]
    again.venue.move_market("XBT", 0.97)
    again.wait(seconds=30)
    assert states(again, primary, second, third) == ["Filled", "New", "Filled"]
    assert now(again, second)["workingIndicator"] is True


def test_secondary_order_of_two_primaries_is_woken_once() -> None:
    venue = new_venue()
    desk, other = Desk(venue), Desk(venue, account=SECOND_ACCOUNT)
    quote = desk.quote("XBTZ26")
    inside = quote["bidPrice"] + quote["tickSize"]
    more = {"price": inside, "clOrdLinkID": "entry", "contingencyType": "OneTriggersTheOther"}
    first = desk.order("XBTZ26", "Buy", 100, **more)
    other.order("XBTZ26", "Sell", 100, price=inside)
    second = desk.order("XBTZ26", "Buy", 100, **more)
    desk.body("PUT", "/order", orderID=first["orderID"], leavesQty=100)
    price = desk.away("XBTZ26", "Sell", 0.2)
    waiting = desk.order("XBTZ26", "Sell", 100, price=price, clOrdLinkID="entry")
    assert waiting["workingIndicator"] is False
    other.order("XBTZ26", "Sell", 200, price=inside)  # fills both at once
    assert states(desk, first, second, waiting) == ["Filled", "Filled", "New"]
    venue.drain()
    levels = desk.get("/orderBook/L2", symbol="XBTZ26", depth=0)
    assert [x["size"] for x in levels if x["price"] == price] == [100]


def test_secondary_orders_end_with_their_primary(desk: Desk) -> None:
    price = desk.away("XBTUSD", "Buy", 0.1)
    more = {"clOrdLinkID": "entry", "price": price}
    primary = desk.order("XBTUSD", "Buy", 100, contingencyType="OneTriggersTheOther", **more)
    second = desk.order("XBTUSD", "Buy", 100, **more)
    desk.body("DELETE", "/order", orderID=primary["orderID"])
    assert states(desk, primary, second) == ["Canceled", "Canceled"]


def test_no_more_than_the_allowed_orders_may_be_open_in_one_instrument(desk: Desk) -> None:
    stop = desk.away("XBTUSD", "Buy", 0.3)
    for _ in range(10):
        desk.order("XBTUSD", "Sell", 100, stopPx=stop)
    asked = {"symbol": "XBTUSD", "side": "Sell", "orderQty": 100}
    status, message = desk.refusal("POST", "/order", **asked, stopPx=stop)
    assert (status, "stop orders" in message) == (400, True)
    price = desk.away("XBTUSD", "Sell", 0.3)
    for _ in range(190):
        desk.order("XBTUSD", "Sell", 100, price=price)
    status, message = desk.refusal("POST", "/order", **asked, price=price)
    assert (status, "200 per symbol" in message) == (400, True)
    assert desk.order("XBTUSDT", "Buy", 100, ordType="Market")["ordStatus"] == "Filled"
    ended = desk.get("/order", filter={"open": True}, count=1)[0]
    desk.body("DELETE", "/order", orderID=ended["orderID"])
    assert desk.order("XBTUSD", "Sell", 100, price=price)["ordStatus"] == "New"


def test_revived_order_needs_a_client_id_that_is_still_free(desk: Desk) -> None:
    price = desk.away("XBTUSD", "Sell", 0.01)
    order = desk.order("XBTUSD", "Buy", 100, price=price, clOrdID="same")
    assert order["ordStatus"] == "Filled"
    low = desk.away("XBTUSD", "Buy", 0.2)
    other = desk.order("XBTUSD", "Buy", 100, price=low, clOrdID="same")
    revive = {"orderID": order["orderID"], "leavesQty": 100, "price": low}
    assert desk.refusal("PUT", "/order", **revive) == (400, "Duplicate clOrdID")
    desk.body("DELETE", "/order", orderID=other["orderID"])
    body = desk.body("PUT", "/order", **revive)
    assert (body["ordStatus"], body["orderQty"], body["leavesQty"]) == ("PartiallyFilled", 200, 100)
