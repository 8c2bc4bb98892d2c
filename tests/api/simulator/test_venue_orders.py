from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from api.simulator.ports import Action, Answer, Request
from api.simulator.venue import DEMO_ACCOUNT
from tests.api.simulator.venues import SECOND_ACCOUNT, START, Desk, new_desk, new_venue


@pytest.fixture
def desk() -> Desk:
    return new_desk()


def rest(desk: Desk, side: str = "Buy", symbol: str = "XBTUSD", **more: Any) -> dict[str, Any]:
    """Rest an order far behind the best price."""
    price = more.pop("price", None) or desk.away(symbol, side, 0.2)
    return desk.order(symbol, side, more.pop("quantity", 300), price=price, **more)


def own_events(desk: Desk, table: str) -> list[tuple[Action, Any]]:
    return [
        (event.action, row)
        for event in desk.venue.drain()
        if event.table == table and event.account == desk.account
        for row in event.rows
    ]


def test_resting_order_shows_in_the_book_and_in_its_tables(desk: Desk) -> None:
    order = rest(desk, clOrdID="mine")
    assert (order["ordStatus"], order["leavesQty"], order["workingIndicator"]) == ("New", 300, True)
    levels = desk.get("/orderBook/L2", symbol="XBTUSD", depth=0)
    desk.wait(seconds=0.01)
    levels = desk.get("/orderBook/L2", symbol="XBTUSD", depth=0)
    assert [x["size"] for x in levels if x["price"] == order["price"]] == [300]
    assert desk.get("/order", filter='{"open": true}')[0]["clOrdID"] == "mine"
    assert desk.execution_types() == ["New"]
    position = desk.get("/position")[0]
    assert (position["openOrderBuyQty"], position["currentQty"], position["isOpen"]) == (
        300,
        0,
        True,
    )


def test_market_order_fills_at_once_as_one_insert_and_new_and_trade_together(desk: Desk) -> None:
    order = desk.order("XBTUSDT", "Buy", 1_000, ordType="Market")
    assert (order["ordStatus"], order["cumQty"], order["leavesQty"]) == ("Filled", 1_000, 0)
    assert "price" not in order
    events = desk.venue.drain()
    orders = [e for e in events if e.table == "order"]
    assert [(e.action, e.rows[0]["ordStatus"]) for e in orders] == [(Action.INSERT, "Filled")]
    executions = [e for e in events if e.table == "execution"]
    assert len(executions) == 1
    assert [row["execType"] for row in executions[0].rows][:2] == ["New", "Trade"]


def test_trade_row_holds_the_exact_integers_of_its_price(desk: Desk) -> None:
    desk.order("XBTUSDT", "Sell", 100, ordType="Market")
    row = desk.get("/execution/tradeHistory")[0]
    cost = round(row["lastPx"] * 10) * 100 // 10
    assert row["execCost"] == -cost
    assert row["execComm"] == cost * 500 // 1_000_000
    assert row["realisedPnl"] == -row["execComm"]
    assert (row["feeType"], row["lastLiquidityInd"]) == ("Taker", "RemovedLiquidity")


def test_resting_order_is_filled_by_the_market_as_a_maker(desk: Desk) -> None:
    quote = desk.quote("XBTUSD")
    prices = {"Buy": quote["bidPrice"], "Sell": quote["askPrice"]}
    for side, price in prices.items():
        desk.order("XBTUSD", side, 100, price=price)
    for _ in range(100):
        desk.wait(seconds=1)
        fills = desk.get("/execution/tradeHistory")
        if fills:
            break
    assert fills[0]["lastPx"] == prices[fills[0]["side"]]
    assert (fills[0]["feeType"], fills[0]["lastLiquidityInd"]) == ("Maker", "AddedLiquidity")


def test_wallet_changes_by_fee_and_profit_and_its_history_chains(desk: Desk) -> None:
    before = desk.get("/user/wallet", currency="USDt")["amount"]
    desk.order("SOLUSDT", "Buy", 5_000, ordType="Market")
    desk.wait(seconds=30)
    desk.order("SOLUSDT", "Sell", 5_000, ordType="Market")
    rows = desk.get("/execution/tradeHistory", symbol="SOLUSDT")
    expected = -sum(row["execCost"] + row["execComm"] for row in rows)
    assert desk.get("/user/wallet", currency="USDt")["amount"] == before + expected
    history = desk.get("/user/walletHistory", currency="USDt", reverse="false")
    for earlier, later in pairwise(history):
        assert later["walletBalance"] == earlier["walletBalance"] + later["amount"]
    assert history[-1]["walletBalance"] == before + expected


def test_spot_trade_moves_both_currencies_and_has_no_settlement_currency(desk: Desk) -> None:
    before = {row["currency"]: row["amount"] for row in desk.get("/user/wallet", currency="all")}
    order = desk.order("XBT_USDT", "Buy", 10_000, ordType="Market")
    assert "settlCurrency" not in order
    after = {row["currency"]: row["amount"] for row in desk.get("/user/wallet", currency="all")}
    row = desk.get("/execution/tradeHistory")[0]
    assert after["XBt"] - before["XBt"] == 10_000
    assert after["USDt"] - before["USDt"] == -row["execCost"] - row["execComm"]
    assert (row["homeNotional"], row["foreignNotional"] > 0) == (0.0001, True)


@pytest.mark.parametrize("symbol", ["XBTUSD", "XBTUSDT", "ETHUSD", "SOLUSDT", "XBTZ26"])
def test_margin_rows_obey_their_identities(desk: Desk, symbol: str) -> None:
    lot = desk.quote(symbol)["lotSize"]
    desk.order(symbol, "Sell", 20 * lot, ordType="Market")
    rest(desk, "Buy", symbol, quantity=50 * lot)
    desk.wait(seconds=20)
    currency = desk.quote(symbol)["settlCurrency"]
    row = desk.get("/user/margin", currency=currency)
    position = next(p for p in desk.get("/position") if p["symbol"] == symbol)
    assert row["marginBalance"] == row["walletBalance"] + row["unrealisedPnl"]
    free = row["marginBalance"] - row["initMargin"] - row["maintMargin"]
    assert row["availableMargin"] == row["excessMargin"] == free
    assert row["withdrawableMargin"] == free - max(0, row["unrealisedPnl"])
    assert row["riskValue"] == row["grossMarkValue"] + row["grossOpenCost"]
    assert row["unrealisedPnl"] == position["markValue"] - position["unrealisedCost"]
    assert row["maintMargin"] == position["maintMargin"] > 0
    assert row["initMargin"] == position["initMargin"] > 0
    assert position["homeNotional"] < 0 < position["foreignNotional"]


def test_amend_of_the_price_keeps_the_order_and_reports_replaced(desk: Desk) -> None:
    order = rest(desk, clOrdID="a")
    desk.venue.drain()
    body = desk.body("PUT", "/order", orderID=order["orderID"], price=order["price"] + 10)
    assert body["price"] == order["price"] + 10
    assert body["text"] == "Amended price\nSubmitted via API."
    events = desk.venue.drain()
    update = next(e for e in events if e.table == "order")
    assert update.action is Action.UPDATE
    row = update.rows[0]
    assert row["price"] == order["price"] + 10
    assert row["clOrdID"] == "a"
    assert "orderQty" not in row
    assert desk.execution_types() == ["New", "Replaced"]


def test_amend_by_the_rest_sets_the_total(desk: Desk) -> None:
    order = rest(desk)
    body = desk.body("PUT", "/order", orderID=order["orderID"], leavesQty=100)
    assert (body["orderQty"], body["leavesQty"]) == (100, 100)
    body = desk.body("PUT", "/order", orderID=order["orderID"], orderQty=500)
    assert (body["orderQty"], body["leavesQty"]) == (500, 500)


def test_amend_can_give_a_new_client_id(desk: Desk) -> None:
    rest(desk, clOrdID="old")
    body = desk.body("PUT", "/order", origClOrdID="old", clOrdID="new")
    assert body["clOrdID"] == "new"
    assert desk.refusal("PUT", "/order", origClOrdID="old", orderQty=100) == (
        400,
        "Invalid origClOrdID",
    )


def test_filled_order_is_revived_within_a_minute_and_not_after(desk: Desk) -> None:
    price = desk.away("XBTUSD", "Sell", 0.01)
    order = desk.order("XBTUSD", "Buy", 100, price=price)
    assert order["ordStatus"] == "Filled"
    desk.wait(seconds=59)
    low = desk.away("XBTUSD", "Buy", 0.1)
    body = desk.body("PUT", "/order", orderID=order["orderID"], leavesQty=200, price=low)
    assert (body["ordStatus"], body["orderQty"], body["cumQty"], body["leavesQty"]) == (
        "PartiallyFilled",
        300,
        100,
        200,
    )
    other = desk.order("XBTUSD", "Buy", 100, price=price)
    desk.wait(seconds=61)
    assert desk.refusal("PUT", "/order", orderID=other["orderID"], leavesQty=100) == (
        400,
        "Invalid ordStatus",
    )


def test_cancel_answers_each_order_with_its_own_error(desk: Desk) -> None:
    first, done = rest(desk), rest(desk)
    desk.ask("DELETE", "/order", orderID=done["orderID"])
    ids = [first["orderID"], done["orderID"], "nothing"]
    rows: Any = desk.body("DELETE", "/order", orderID=ids)
    assert [row.get("error") for row in rows] == [
        None,
        "Unable to cancel order due to existing state: Canceled",
        "Unable to cancel order: Not found or not owned by user",
    ]
    assert (rows[0]["ordStatus"], rows[0]["leavesQty"], rows[0]["workingIndicator"]) == (
        "Canceled",
        0,
        False,
    )
    assert rows[0]["text"] == "Canceled\nCanceled via API.\nSubmitted via API."


def test_cancel_accepts_ids_as_text_list_and_client_ids(desk: Desk) -> None:
    ids = [rest(desk, clOrdID=f"c{number}")["orderID"] for number in range(4)]
    assert len(desk.body("DELETE", "/order", orderID=f'["{ids[0]}"]')) == 1
    assert len(desk.body("DELETE", "/order", orderID=f"{ids[1]},{ids[2]}")) == 2
    assert desk.body("DELETE", "/order", clOrdID="c3")[0]["ordStatus"] == "Canceled"
    assert desk.get("/order", filter={"open": True}) == []


def test_cancel_all_takes_symbol_and_side(desk: Desk) -> None:
    rest(desk, "Buy")
    rest(desk, "Sell")
    rest(desk, "Buy", "XBTUSDT")
    sells = desk.body("DELETE", "/order/all", symbol="XBTUSD", filter={"side": "Sell"})
    assert [row["side"] for row in sells] == ["Sell"]
    assert len(desk.body("DELETE", "/order/all", symbol="XBTUSD")) == 1
    assert len(desk.body("DELETE", "/order/all")) == 1
    assert desk.body("DELETE", "/order/all") == []


def test_post_only_order_that_would_take_is_canceled_with_status_200(desk: Desk) -> None:
    ask = desk.quote("XBTUSD")["askPrice"]
    order = desk.order("XBTUSD", "Buy", 100, price=ask, execInst="ParticipateDoNotInitiate")
    assert (order["ordStatus"], order["cumQty"], order["leavesQty"]) == ("Canceled", 0, 0)
    reason = "Canceled: Order had execInst of ParticipateDoNotInitiate\nSubmitted via API."
    assert order["text"] == reason
    assert desk.execution_types() == ["New", "Canceled"]
    assert [action for action, _ in own_events(desk, "order")] == [Action.INSERT]


def test_post_only_order_amended_to_a_crossing_price_is_canceled(desk: Desk) -> None:
    order = rest(desk, execInst="ParticipateDoNotInitiate")
    ask = desk.quote("XBTUSD")["askPrice"]
    body = desk.body("PUT", "/order", orderID=order["orderID"], price=ask)
    assert body["ordStatus"] == "Canceled"


def test_immediate_order_cancels_its_rest(desk: Desk) -> None:
    ask = desk.quote("ETHUSD")["askPrice"]
    size = desk.get("/quote", symbol="ETHUSD", reverse="true", count=1)[0]["askSize"]
    order = desk.order("ETHUSD", "Buy", size + 100, price=ask, timeInForce="ImmediateOrCancel")
    assert (order["ordStatus"], order["cumQty"], order["leavesQty"]) == ("Canceled", size, 0)
    assert order["text"].startswith("Canceled: Order had timeInForce of ImmediateOrCancel\n")


def test_fill_or_kill_order_does_nothing_unless_it_fills(desk: Desk) -> None:
    ask = desk.quote("ETHUSD")["askPrice"]
    size = desk.get("/quote", symbol="ETHUSD", reverse="true", count=1)[0]["askSize"]
    more = {"price": ask, "timeInForce": "FillOrKill"}
    killed = desk.order("ETHUSD", "Buy", size + 1, **more)
    assert (killed["ordStatus"], killed["cumQty"]) == ("Canceled", 0)
    assert desk.order("ETHUSD", "Buy", size, **more)["ordStatus"] == "Filled"


def test_close_order_takes_the_whole_position(desk: Desk) -> None:
    desk.order("XBTUSDT", "Buy", 700, ordType="Market")
    order: Any = desk.body("POST", "/order", symbol="XBTUSDT", execInst="Close")
    assert (order["side"], order["orderQty"], order["ordStatus"]) == ("Sell", 700, "Filled")
    assert desk.get("/position")[0]["currentQty"] == 0
    status, message = desk.refusal("POST", "/order/closePosition", symbol="XBTUSDT")
    assert status == 400
    assert message.endswith("current position is 0")


def test_reduce_only_orders_shrink_with_the_position(desk: Desk) -> None:
    desk.order("XBTUSDT", "Buy", 500, ordType="Market")
    order = rest(desk, "Sell", "XBTUSDT", quantity=500, execInst="ReduceOnly")
    desk.order("XBTUSDT", "Sell", 300, ordType="Market")
    assert desk.get("/order", filter={"open": True})[0]["leavesQty"] == 200
    desk.order("XBTUSDT", "Sell", 200, ordType="Market")
    rows = desk.get("/order", filter={"orderID": order["orderID"]})
    assert rows[0]["ordStatus"] == "Canceled"


def test_two_accounts_trade_with_each_other_at_the_price_of_the_one_that_waited() -> None:
    venue = new_venue()
    first, second = Desk(venue), Desk(venue, account=SECOND_ACCOUNT)
    quote = first.quote("XBTZ26")
    inside = quote["bidPrice"] + quote["tickSize"]
    waiting = first.order("XBTZ26", "Sell", 100, price=inside)
    taken = second.order("XBTZ26", "Buy", 100, price=inside + 100)
    assert taken["avgPx"] == inside
    row = first.get("/execution/tradeHistory")[0]
    assert (row["orderID"], row["feeType"]) == (waiting["orderID"], "Maker")
    assert second.get("/execution/tradeHistory")[0]["trdMatchID"] == row["trdMatchID"]


def test_orders_of_one_account_trade_with_each_other_and_cost_both_fees(desk: Desk) -> None:
    quote = desk.quote("XBTZ26")
    inside = quote["bidPrice"] + quote["tickSize"]
    before = desk.get("/user/wallet")["amount"]
    waiting = desk.order("XBTZ26", "Sell", 200, price=inside, clOrdID="seller")
    crossing = desk.order("XBTZ26", "Buy", 100, price=inside, clOrdID="buyer")
    assert (crossing["ordStatus"], crossing["avgPx"]) == ("Filled", inside)
    rows = {row["clOrdID"]: row for row in desk.get("/execution/tradeHistory")}
    assert (rows["seller"]["feeType"], rows["buyer"]["feeType"]) == ("Maker", "Taker")
    assert rows["seller"]["trdMatchID"] == rows["buyer"]["trdMatchID"]
    assert rows["seller"]["execCost"] == -rows["buyer"]["execCost"]
    assert desk.get("/order", filter={"open": True})[0]["orderID"] == waiting["orderID"]
    position = next(p for p in desk.get("/position") if p["symbol"] == "XBTZ26")
    assert (position["currentQty"], position["currentCost"]) == (0, 0)
    fees = sum(row["execComm"] for row in rows.values())
    assert desk.get("/user/wallet")["amount"] == before - fees < before


def inside_spread(desk: Desk) -> float:
    """Return a price of XBTZ26 between the best bid and the best ask."""
    quote = desk.quote("XBTZ26")
    inside: float = quote["bidPrice"] + quote["tickSize"]
    assert inside < quote["askPrice"]
    return inside


def test_reduce_only_orders_together_never_exceed_the_position(desk: Desk) -> None:
    desk.order("XBTZ26", "Buy", 500, ordType="Market")
    price = inside_spread(desk)

    def reduce(quantity: int, price: float) -> dict[str, Any]:
        return desk.order("XBTZ26", "Sell", quantity, price=price, execInst="ReduceOnly")

    def left() -> list[int]:
        return [row["leavesQty"] for row in desk.get("/order", filter={"open": True})]

    first = reduce(300, price + 500)
    second = reduce(300, price + 400)
    assert left() == [200, 300]
    last = reduce(100, price + 600)
    assert (last["ordStatus"], last["cumQty"]) == ("Canceled", 0)
    body = desk.body("PUT", "/order", orderID=second["orderID"], orderQty=400)
    assert (body["leavesQty"], left()) == (400, [100, 400])
    body = desk.body("PUT", "/order", orderID=first["orderID"], price=price + 300, leavesQty=900)
    assert (body["leavesQty"], left()) == (500, [500])


def test_one_sweep_cannot_turn_a_position_through_reduce_only_orders() -> None:
    venue = new_venue()
    holder, taker = Desk(venue), Desk(venue, account=SECOND_ACCOUNT)
    holder.order("XBTZ26", "Buy", 500, ordType="Market")
    price = inside_spread(holder)
    first = holder.order("XBTZ26", "Sell", 300, price=price, execInst="ReduceOnly")
    plain = holder.order("XBTZ26", "Sell", 100, price=price)
    second = holder.order("XBTZ26", "Sell", 200, price=price, execInst="ReduceOnly")
    more = {"price": price, "timeInForce": "FillOrKill"}
    assert taker.order("XBTZ26", "Buy", 600, **more)["ordStatus"] == "Canceled"
    assert taker.order("XBTZ26", "Buy", 500, **more)["ordStatus"] == "Filled"
    assert next(p for p in holder.get("/position") if p["symbol"] == "XBTZ26")["currentQty"] == 0
    rows = {row["orderID"]: row for row in holder.get("/order", symbol="XBTZ26")}
    filled = [rows[order["orderID"]]["cumQty"] for order in (first, plain, second)]
    assert filled == [300, 100, 100]
    assert holder.get("/order", filter={"open": True}) == []


def test_hidden_part_of_an_order_trades_last_and_pays_as_a_taker() -> None:
    venue = new_venue()
    first, second = Desk(venue), Desk(venue, account=SECOND_ACCOUNT)
    inside = inside_spread(first)
    first.order("XBTZ26", "Sell", 500, price=inside, displayQty=100)
    levels = first.get("/orderBook/L2", symbol="XBTZ26", depth=0)
    assert [x["size"] for x in levels if x["price"] == inside] == []  # not drained yet
    venue.drain()
    levels = first.get("/orderBook/L2", symbol="XBTZ26", depth=0)
    assert [x["size"] for x in levels if x["price"] == inside] == [100]
    second.order("XBTZ26", "Buy", 300, price=inside)
    rows = first.get("/execution/tradeHistory")
    assert [(row["lastQty"], row["feeType"]) for row in rows] == [(100, "Maker"), (200, "Taker")]


@pytest.mark.parametrize("trigger", ["LastPrice", "MarkPrice", "IndexPrice"])
def test_stop_order_waits_without_margin_and_becomes_a_market_order(
    desk: Desk, trigger: str
) -> None:
    stop = desk.away("XBTUSD", "Buy", 0.02)
    order = desk.order("XBTUSD", "Sell", 100, stopPx=stop, execInst=trigger)
    kept = (order["ordType"], order["ordStatus"], order["workingIndicator"])
    assert kept == ("Stop", "New", False)
    assert desk.get("/user/margin")["initMargin"] == 0
    desk.wait(seconds=20)
    assert desk.get("/order", filter={"open": True})[0]["stopPx"] == stop
    desk.venue.move_market("XBT", 0.97)
    desk.wait(seconds=20)
    row = desk.get("/order", filter={"orderID": order["orderID"]})[0]
    assert (row["ordStatus"], row["triggered"]) == ("Filled", "StopOrderTriggered")
    assert row["text"].startswith("Triggered: Order stop price reached\n")
    assert row["avgPx"] < stop
    types = ["New", "TriggeredOrActivatedBySystem", "Trade"]
    assert desk.execution_types()[:3] == types


def test_if_touched_limit_order_rests_at_its_price_once_triggered(desk: Desk) -> None:
    stop, price = desk.away("XBTUSD", "Buy", 0.02), desk.away("XBTUSD", "Buy", 0.1)
    more = {"ordType": "LimitIfTouched", "stopPx": stop, "price": price}
    order = desk.order("XBTUSD", "Buy", 100, **more)
    desk.venue.move_market("XBT", 0.97)
    desk.wait(seconds=20)
    row = desk.get("/order", filter={"orderID": order["orderID"]})[0]
    assert (row["ordStatus"], row["workingIndicator"], row["price"]) == ("New", True, price)


def test_trailing_stop_follows_the_price_and_never_goes_back(desk: Desk) -> None:
    more = {"ordType": "Stop", "pegPriceType": "TrailingStopPeg", "pegOffsetValue": -4_000}
    first = desk.order("XBTUSD", "Sell", 100, execInst="LastPrice", **more)["stopPx"]
    desk.venue.move_market("XBT", 1.05)
    desk.wait(seconds=20)
    raised = desk.get("/order", filter={"open": True})[0]["stopPx"]
    assert raised > first + 3_000
    desk.venue.move_market("XBT", 0.99)
    desk.wait(seconds=20)
    assert desk.get("/order", filter={"open": True})[0]["stopPx"] >= raised


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "NOTHING"}, "Invalid symbol"),
    ({"side": "Up"}, "Invalid side"),
    ({"ordType": "Iceberg"}, "Unsupported ordType"),
    ({"timeInForce": "Never"}, "Unsupported timeInForce"),
    ({"execInst": "AllOrNone"}, "Unsupported execInst"),
    ({"execInst": "MarkPrice,LastPrice"}, "Invalid execInst"),
    ({"price": 50_000.05}, "Invalid price tickSize"),
    ({"price": 0}, "Invalid price"),
    ({"price": -1}, "Invalid price"),
    ({"price": 1_000_001}, "Invalid price"),
    ({"ordType": "Limit", "price": None}, "Invalid price"),
    ({"stopPx": 50_000, "ordType": "Limit"}, "Invalid stopPx for ordType"),
    ({"ordType": "Stop"}, "Invalid stopPx"),
    ({"orderQty": 0}, "Invalid orderQty"),
    ({"orderQty": None}, "Invalid orderQty"),
    ({"orderQty": 150}, "Order quantity must be a multiple of lot size: 100"),
    ({"orderQty": 1.5}, "orderQty is invalid"),
    ({"orderQty": "many"}, "orderQty is invalid"),
    ({"orderQty": True}, "orderQty is invalid"),
    ({"orderQty": 20_000_000}, "Invalid orderQty"),
    ({"displayQty": 500}, "Invalid displayQty"),
    ({"clOrdID": "x" * 37}, "Invalid clOrdID"),
    ({"ordType": "Market", "execInst": "ParticipateDoNotInitiate"}, "Invalid ordType for execInst"),
    ({"symbol": "XBT_USDT", "execInst": "ReduceOnly", "orderQty": 1_000}, "Invalid execInst"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_order_that_is_wrong_is_refused_in_the_words_of_the_exchange(
    desk: Desk, change: dict[str, Any], message: str
) -> None:
    good = {"symbol": "XBTUSD", "side": "Buy", "orderQty": 100, "price": 50_000}
    assert desk.refusal("POST", "/order", **{**good, **change}) == (400, message)
    assert desk.get("/order") == []
    assert desk.get("/execution") == []


def test_order_beyond_the_available_balance_names_the_need(desk: Desk) -> None:
    answer = desk.ask(
        "POST", "/order", symbol="XBTUSD", side="Buy", orderQty=9_000_000, price=50_000
    )
    # 9,000,000 / 50,000 = 180 XBT, times 0.011005
    message = "Account has insufficient Available Balance, 198090000 XBt required"
    error = {"message": message, "name": "CodedHTTPError", "details": "19000"}
    assert answer == Answer(400, {"error": error})


def test_amends_that_are_wrong_are_refused(desk: Desk) -> None:
    order_id = rest(desk)["orderID"]
    assert desk.refusal("PUT", "/order", price=1)[1] == "orderID or origClOrdID must be sent."
    assert desk.refusal("PUT", "/order", orderID="nothing", price=1)[1] == "Invalid orderID"
    unchanged = "Invalid amend: orderQty, leavesQty, price, stopPx unchanged"
    assert desk.refusal("PUT", "/order", orderID=order_id, orderQty=300)[1] == unchanged
    assert desk.refusal("PUT", "/order", orderID=order_id, price=0.05)[1] == (
        "Invalid price tickSize"
    )
    assert desk.refusal("PUT", "/order", orderID=order_id, leavesQty=-100)[1] == (
        "Invalid leavesQty"
    )
    assert desk.refusal("PUT", "/order", orderID=order_id, leavesQty=150)[1] == (
        "Invalid leavesQty for lotSize"
    )
    desk.ask("DELETE", "/order", orderID=order_id)
    assert desk.refusal("PUT", "/order", orderID=order_id, orderQty=400)[1] == "Invalid ordStatus"


def test_client_id_is_unique_among_open_orders_only(desk: Desk) -> None:
    rest(desk, clOrdID="same")
    again = {"symbol": "XBTUSD", "side": "Buy", "orderQty": 100, "price": 1000, "clOrdID": "same"}
    assert desk.refusal("POST", "/order", **again) == (400, "Duplicate clOrdID")
    desk.ask("DELETE", "/order", clOrdID="same")
    assert desk.ask("POST", "/order", **again).status == 200


def test_requests_without_account_or_permission_are_refused() -> None:
    venue = new_venue()

    def status(method: str, path: str, account: int | None, *permissions: str) -> int:
        request = Request(method, path, {}, account, frozenset(permissions))
        return venue.handle(request).status

    assert status("GET", "/position", None) == 401
    assert status("GET", "/position", 1, "order") == 401  # the exchange's own account
    assert status("GET", "/position", DEMO_ACCOUNT) == 200
    assert status("POST", "/order", DEMO_ACCOUNT) == 403
    assert status("DELETE", "/order/all", DEMO_ACCOUNT, "orderCancel") == 200
    assert status("POST", "/order", DEMO_ACCOUNT, "orderCancel") == 403
    assert status("POST", "/order/bulk", DEMO_ACCOUNT, "order") == 404
    assert status("GET", "/instrument", None) == 200


def test_time_cannot_go_back(desk: Desk) -> None:
    desk.wait(seconds=1)
    with pytest.raises(ValueError, match="back"):
        desk.venue.advance(START)
