"""Orders of an account meet the recorded book and the recorded trades."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from api.simulator.ports import Request, Row, TableEvent
from api.simulator.recorded_contracts import recorded_contract
from api.simulator.recording import read_instruments, read_recording
from api.simulator.replay import ReplayVenue
from api.simulator.tables import TABLES
from tests.api.simulator.fakes import T0, TRADER, level
from tests.api.simulator.recorded import INSTRUMENT, STARTED, XBT, RecordedDesk, changed, traded
from tests.api.simulator.test_replay import as_levels, book_of_the_recording

BALANCE = 100_000_000


def test_crossing_order_takes_the_recorded_levels_at_their_prices(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path)
    row = desk.order("Buy", 2_500, 30_001)
    assert (row["ordStatus"], row["cumQty"]) == ("Filled", 2_500)
    assert desk.fills() == [("Buy", 30_000.5, 1_000, "Taker"), ("Buy", 30_001, 1_500, "Taker")]


def test_what_is_taken_is_gone_until_the_recording_changes_the_level(tmp_path: Path) -> None:
    desk = RecordedDesk(
        tmp_path,
        changed(5, "update", level(XBT, 1, "Sell", 700)),
        changed(7, "update", level(XBT, 1, "Sell", 800)),
    )
    desk.order("Buy", 600, 30_000.5, timeInForce="ImmediateOrCancel")
    rest = desk.order("Buy", 600, 30_000.5, timeInForce="ImmediateOrCancel")
    assert (rest["ordStatus"], rest["cumQty"]) == ("Canceled", 400)
    desk.play(6)
    assert desk.order("Buy", 500, 30_000.5)["cumQty"] == 500
    desk.play(8)
    again = desk.order("Buy", 900, 30_000.5, timeInForce="ImmediateOrCancel")
    assert again["cumQty"] == 800


def test_market_order_without_enough_to_meet_is_canceled_for_the_rest(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path)
    row = desk.order("Buy", 5_000)
    assert (row["ordStatus"], row["cumQty"]) == ("Canceled", 3_000)


def test_order_at_a_price_waits_until_what_stood_before_it_has_traded(tmp_path: Path) -> None:
    desk = RecordedDesk(
        tmp_path,
        traded(5, "Sell", 2_000, 30_000),
        changed(5.1, "update", level(XBT, 3, "Buy", 1_000)),  # this trade's trace in the book
        traded(6, "Buy", 9_000, 30_000),  # a taker of the other side
        traded(7, "Sell", 1_500, 30_000),
        traded(8, "Sell", 200, 30_000),
    )
    order = desk.order("Buy", 800, 30_000)
    desk.play(6.5)
    assert desk.state(order) == ("New", 0, None)
    desk.play(7)
    assert desk.state(order) == ("PartiallyFilled", 500, 30_000)
    desk.play(8)
    assert desk.state(order) == ("PartiallyFilled", 700, 30_000)
    assert {kind for *_, kind in desk.fills()} == {"Maker"}


def test_two_orders_at_a_price_share_what_traded_in_the_order_they_came(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path, traded(5, "Sell", 3_500, 30_000), traded(6, "Sell", 300, 30_000))
    first, second = desk.order("Buy", 400, 30_000), desk.order("Buy", 400, 30_000)
    desk.play(5)
    assert [desk.state(one)[1] for one in (first, second)] == [400, 100]
    desk.play(6)
    assert desk.state(second)[1] == 400


def test_amended_price_loses_the_place_and_a_smaller_quantity_keeps_it(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path, traded(5, "Sell", 3_000, 30_000), traded(6, "Sell", 100, 30_000))
    kept, moved = desk.order("Buy", 400, 30_000), desk.order("Buy", 400, 30_000)
    desk.play(5)
    desk.body("PUT", "/order", orderID=kept["orderID"], orderQty=300)
    for price in (29_999, 30_000):
        desk.body("PUT", "/order", orderID=moved["orderID"], price=price)
    desk.play(6)
    assert (desk.state(kept)[1], desk.state(moved)[1]) == (100, 0)


def test_trade_through_the_price_fills_at_the_price_up_to_its_size(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path, traded(5, "Sell", 300, 29_999), traded(6, "Sell", 900, 29_998))
    order = desk.order("Buy", 800, 29_999.5)  # behind 5,000
    desk.play(5)
    assert desk.state(order) == ("PartiallyFilled", 300, 29_999.5)
    desk.play(6)
    assert desk.state(order) == ("Filled", 800, 29_999.5)


def test_recorded_level_that_crosses_an_order_fills_it(tmp_path: Path) -> None:
    desk = RecordedDesk(
        tmp_path,
        changed(5, "delete", level(XBT, 3, "Buy", 0)),
        changed(5, "insert", level(XBT, 9, "Sell", 500, 29_999.5)),
        changed(5, "delete", level(XBT, 4, "Buy", 0)),
        changed(6, "update", level(XBT, 9, "Sell", 500)),
    )
    order = desk.order("Buy", 800, 30_000)
    desk.play(5)
    assert desk.state(order) == ("PartiallyFilled", 500, 30_000)
    taken = desk.order("Buy", 100, 29_999.5, timeInForce="ImmediateOrCancel")
    assert taken["cumQty"] == 0, "what filled the resting order was there once only"


def test_levels_that_cross_for_a_moment_do_not_trade_with_each_other(tmp_path: Path) -> None:
    desk = RecordedDesk(
        tmp_path,
        changed(5, "insert", level(XBT, 9, "Sell", 500, 30_000)),  # the bid is still there
        changed(5.5, "delete", level(XBT, 3, "Buy", 0)),
    )
    desk.play(5)
    assert desk.order("Sell", 3_000, 30_000)["cumQty"] == 3_000
    desk.play(6)
    assert desk.order("Buy", 500, 30_000)["cumQty"] == 500


def test_public_market_is_the_recorded_one_whatever_is_traded(tmp_path: Path) -> None:
    messages = (
        traded(5, "Sell", 4_000, 30_000),
        changed(6, "update", level(XBT, 1, "Sell", 200)),
        changed(7, "delete", level(XBT, 1, "Sell", 0)),
    )
    quiet, busy = RecordedDesk(tmp_path, *messages), RecordedDesk(tmp_path, *messages)
    seen: dict[RecordedDesk, list[TableEvent]] = {quiet: [], busy: []}
    for step in (1, 5, 6, 7, 8):
        busy.order("Buy", 300, 30_001)
        busy.order("Buy", 500, 30_000)
        busy.order("Sell", 300, 30_001.5)
        for desk, events in seen.items():
            events += [event for event in desk.play(step) if not TABLES[event.table].private]
    assert seen[quiet] == seen[busy] and len(seen[quiet]) > 5
    assert busy.fills() and not quiet.fills()
    for table in ("orderBookL2", "orderBook10", "trade", "instrument"):
        assert quiet.venue.partial(table, XBT, None) == busy.venue.partial(table, XBT, None)


def test_money_fees_margin_and_position_are_exact(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path)
    desk.order("Buy", 1_000, 30_000.5)
    # Per lot of 100: 1e10 / 30000.5 = 333327.78 -> 333328; ten lots; the fee is cut to whole units.
    cost, fee = 3_333_280, 2_499
    (row,) = desk.body("GET", "/execution/tradeHistory")
    assert (row["execCost"], row["execComm"], row["commission"]) == (-cost, fee, 0.00075)
    assert desk.margin()["walletBalance"] == BALANCE - fee
    (position,) = desk.body("GET", "/position")
    assert (position["currentQty"], position["markPrice"]) == (1_000, 30_000.25)
    value = 10 * 333_331  # 1e10 / 30000.25 = 333330.56
    assert position["unrealisedPnl"] == cost - value == desk.margin()["unrealisedPnl"]
    desk.order("Sell", 1_000, 30_000)
    profit = 3_333_280 - 3_333_330  # sold at 333333 a lot
    assert desk.margin()["walletBalance"] == BALANCE - fee + profit - 2_499
    assert desk.margin()["marginBalance"] == desk.margin()["walletBalance"]
    history = desk.body("GET", "/user/walletHistory")
    assert [(r["transactType"], r["amount"]) for r in history] == [
        ("RealisedPNL", profit - 2_499),
        ("RealisedPNL", -fee),
        ("Deposit", BALANCE),
    ]


def test_account_tables_tell_of_a_fill_by_a_recorded_trade(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path, traded(5, "Buy", 1_500, 30_000.5))
    order = desk.order("Sell", 500, 30_000.5)
    desk.venue.drain()
    events = {e.table: e for e in desk.play(5) if TABLES[e.table].private}
    assert {"order", "execution", "position", "margin", "wallet", "transact"} == set(events)
    row = events["execution"].rows[0]
    assert (row["orderID"], row["lastQty"], row["execComm"]) == (order["orderID"], 500, -416)
    assert row["timestamp"] == "2021-07-22T22:36:12.865Z"
    assert events["order"].rows[0]["ordStatus"] == "Filled"
    image = desk.venue.partial("position", None, 7)
    assert image is not None and image.rows[0]["currentQty"] == -500


def test_order_that_the_account_cannot_back_is_refused(tmp_path: Path) -> None:
    answer = RecordedDesk(tmp_path).ask(
        "POST", "/order", symbol=XBT, side="Buy", orderQty=5_000_000, price=29_000
    )
    assert answer.status == 400 and "insufficient Available Balance" in str(answer.body)


def test_post_only_order_that_would_take_is_canceled(tmp_path: Path) -> None:
    row = RecordedDesk(tmp_path).order("Buy", 100, 30_000.5, execInst="ParticipateDoNotInitiate")
    assert (row["ordStatus"], row["cumQty"]) == ("Canceled", 0)


def test_canceled_order_is_not_filled_any_more(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path, traded(5, "Sell", 9_000, 29_999))
    order = desk.order("Buy", 100, 30_000)
    (canceled,) = desk.body("DELETE", "/order", orderID=order["orderID"])
    assert canceled["ordStatus"] == "Canceled"
    desk.play(5)
    assert desk.fills() == []


def test_mark_keeps_its_distance_from_the_recorded_book(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path, changed(5, "delete", level(XBT, 3, "Buy", 0)))
    desk.order("Buy", 100, 30_000.5)
    desk.venue.drain()
    events = {event.table: event for event in desk.play(5)}
    assert events["instrument"].rows[0]["markPrice"] == 30_000
    assert events["position"].rows[0]["markPrice"] == 30_000


def test_stop_is_triggered_by_a_recorded_trade(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path, traded(5, "Buy", 100, 30_002))
    stop = desk.order("Buy", 100, stopPx=30_001.5, execInst="LastPrice")
    assert desk.state(stop)[0] == "New"
    desk.play(5)
    assert desk.state(stop) == ("Filled", 100, 30_000.5)


def test_funding_is_paid_at_its_recorded_time_and_rate(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path)
    desk.order("Buy", 1_000, 30_000.5)
    before = desk.margin()["walletBalance"]
    desk.play(599)
    assert desk.margin()["walletBalance"] == before
    assert "funding" not in {event.table for event in desk.play(601)}, "it was not recorded"
    fee = 3_333_310 * 100 // 1_000_000  # 0.01 % of the value at the mark price
    assert desk.margin()["walletBalance"] == before - fee
    row = desk.body("GET", "/execution/tradeHistory")[-1]
    assert (row["execType"], row["execComm"]) == ("Funding", fee)
    assert row["timestamp"] == "2021-07-22T22:46:07.865Z"


def test_dead_mans_switch_works_after_the_end_of_the_recording(tmp_path: Path) -> None:
    desk = RecordedDesk(tmp_path)
    order = desk.order("Buy", 100, 29_000)
    desk.play(10)
    assert desk.venue.finished
    desk.body("POST", "/order/cancelAllAfter", timeout=60_000)
    desk.play(69)
    assert desk.state(order)[0] == "New"
    desk.play(71)
    assert desk.state(order)[0] == "Canceled"


def test_account_that_the_recorded_market_ruins_is_liquidated(tmp_path: Path) -> None:
    crash = level(XBT, 5, "Buy", 9_000_000, 20_000)
    desk = RecordedDesk(
        tmp_path,
        changed(4, "insert", level(XBT, 6, "Sell", 600_000, 30_000.5)),
        changed(5, "insert", crash),
        changed(5, "delete", level(XBT, 3, "Buy", 0), level(XBT, 4, "Buy", 0)),
        changed(5, "delete", level(XBT, 6, "Sell", 0), level(XBT, 1, "Sell", 0)),
        changed(5, "insert", level(XBT, 7, "Sell", 100, 20_000.5)),
    )
    desk.play(4)
    assert desk.order("Buy", 500_000, 30_000.5)["cumQty"] == 500_000
    desk.play(5)
    (position,) = desk.body("GET", "/position")
    assert position["currentQty"] == 0
    assert desk.margin()["walletBalance"] == 0


def random_session(folder: Path, seed: int) -> tuple[list[TableEvent], list[Row]]:
    """Trade at random in a random recording; the venue compares its books after every event."""
    random = Random(seed)
    messages: list[tuple[float, Row]] = []
    for number in range(150):
        at, side = 1.0 + number, random.choice(("Buy", "Sell"))
        price = 30_000 + random.randrange(-8, 9) / 2
        one = random.choice((1, 2, 3, 4))
        size = random.randrange(1, 60) * 50  # not always whole lots
        kind = "Sell" if one < 3 else "Buy"
        messages.append(
            random.choice(
                (traded(at, side, size, price), changed(at, "update", level(XBT, one, kind, size)))
            )
        )
    desk, events = RecordedDesk(folder, *messages), list[TableEvent]()
    for number in range(150):
        side = random.choice(("Buy", "Sell"))
        price = 30_000 + random.randrange(-8, 9) / 2
        desk.ask("POST", "/order", symbol=XBT, side=side, orderQty=random.randrange(1, 30) * 100,
                 price=price)  # fmt: skip
        events += desk.play(1.0 + number)
    return events, desk.body("GET", "/execution/tradeHistory", count=500)


@pytest.mark.parametrize("seed", range(3))
def test_random_session_keeps_its_books_and_repeats_itself(tmp_path: Path, seed: int) -> None:
    events, history = random_session(tmp_path, seed)
    assert len(history) > 50
    assert {row["feeType"] for row in history} == {"Maker", "Taker"}
    assert random_session(tmp_path, seed) == (events, history)


@pytest.mark.needs_shared
def test_every_instrument_of_a_real_recording_can_be_traded(shared_folder: Path) -> None:
    folder = shared_folder / "recordings"
    path = folder / "bitmex-ws-2021-07-22.jsonl"
    listed = read_instruments(folder / "bitmex-instrument-active-2021-07-22.json")
    assert all(recorded_contract(row, 1) for row in listed)
    venue = ReplayVenue(listed, read_recording(path), [TRADER])
    now, random = T0, Random(4)
    names = sorted({str(row["symbol"]) for row in venue.rows("orderBookL2", None)})
    lots = {str(row["symbol"]): int(str(row["lotSize"])) for row in listed}
    while not venue.finished:
        venue.advance(now)
        now += timedelta(seconds=0.2)
        given: Row = {"symbol": random.choice(names), "side": random.choice(("Buy", "Sell"))}
        given["orderQty"] = random.randrange(1, 4) * lots[str(given["symbol"])]
        levels = venue.rows("orderBookL2_25", str(given["symbol"]))
        given["price"] = levels[random.randrange(22, 28)]["price"]
        answer = venue.handle(Request("POST", "/order", given, TRADER.account, TRADER.permissions))
        assert answer.status == 200, answer.body
    filled = Request("GET", "/execution/tradeHistory", {"count": 500}, 7, TRADER.permissions)
    rows = venue.handle(filled).body
    assert isinstance(rows, list) and {row["symbol"] for row in rows} == set(names)
    assert as_levels(venue.rows("orderBookL2", None)) == book_of_the_recording(path)


@pytest.mark.parametrize(
    "change",
    [{"typ": "OCECCS"}, {"settlCurrency": "ETH"}, {"state": "Closed"}, {"tickSize": 0}]
    + [{name: None} for name in ("lotSize", "multiplier", "markPrice", "takerFee")],
)
def test_instrument_that_cannot_be_traded_is_no_contract(change: Row) -> None:
    row = {name: value for name, value in {**INSTRUMENT, **change}.items() if value is not None}
    assert recorded_contract(row, 1) is None


def test_two_replays_of_one_recording_give_different_ids(tmp_path: Path) -> None:
    ids = set()
    for days in (2_000, 2_001):
        desk = RecordedDesk(tmp_path, opened=STARTED + timedelta(days=days))
        ids.add(desk.order("Buy", 100, 30_000.5)["orderID"])
        ids |= {row["execID"] for row in desk.body("GET", "/execution")}
    assert len(ids) == 2 * 3
