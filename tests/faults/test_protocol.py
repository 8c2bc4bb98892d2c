"""Faults of protocol and data, P1 to P28, on a terminal that trades meanwhile."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from api.bitmex.stream_protocol import StreamProtocol
from api.bitmex.wire import DEPTH_LIMIT, decode_exact
from api.simulator.ports import Request
from common.domain.commands import SetTrading
from common.domain.instruments import Category, Instrument, Symbol
from common.domain.orders import Phase, Side
from common.engine.snapshot import Health, Level
from common.errors import ProtocolError
from common.ledger.robots_table import add_robot
from common.settings_types import Depth, SqliteSettings
from tests.api.bitmex.samples import directory
from tests.api.terminal.support import MARKET
from tests.faults.scene import SYMBOL, Scene
from tests.faults.test_network import LIVE_AGAIN, only_order

SPOT = Symbol("XBT_USDT", Category.SPOT)
RESERVED = str(SYMBOL)
SPECIFIED = (SYMBOL.ticker, SYMBOL.category.value)


def foreign(scene: Scene, symbol: str = "XBTUSDT", **params: Any) -> Any:
    """Place an order by another program on the same account."""
    row = scene.venue.handle(
        Request("GET", "/instrument", {"symbol": symbol}, scene.account, frozenset())
    )
    bid = row.body[0]["bidPrice"]  # type: ignore[index]
    order = {"symbol": symbol, "side": "Buy", "orderQty": 1000, "price": bid - 200, **params}
    rights = frozenset({"order"})
    answer = scene.venue.handle(Request("POST", "/order", order, scene.account, rights))
    assert answer.status == 200, answer.body
    return answer.body


def wallet_rows(scene: Scene) -> list[dict[str, Any]]:
    """Return the history of all wallets."""
    query = {"currency": "all", "count": 500}
    request = Request("GET", "/user/walletHistory", query, scene.account, frozenset())
    body: Any = scene.venue.handle(request).body
    return list(body)


def rows_of(scene: Scene) -> list[tuple[Any, ...]]:
    """Return EMI, REFER and CLORDID of the table coins."""
    return scene.sql("SELECT EMI, REFER, CLORDID FROM coins ORDER BY ID")


# ---- P1 to P4: images and changes -----------------------------------------------------------


def test_p1_a_missing_image_is_asked_for_again_alone(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.arm(fault="no-partial", table="order")
    scene.arm(fault="drop")
    scene.until(lambda: scene.fired("no-partial"), 30)
    session = scene.market.bring_up.session
    with caplog.at_level(logging.WARNING):
        took = scene.agrees(LIVE_AGAIN)
    assert 9 <= took <= 20
    assert scene.market.bring_up.session == session
    asked = [r.message for r in caplog.records if "no image of" in r.message]
    assert asked == ["no image of order yet, subscribing again"]


def test_p1_a_topic_that_never_comes_is_named_and_the_session_given_up(scene: Scene) -> None:
    scene.arm(fault="no-partial", table="margin", times=0, until=100)
    scene.arm(fault="drop")
    scene.until(lambda: scene.told("no image of margin"), 60)
    assert scene.fired("no-partial") == 4
    scene.agrees(100 + LIVE_AGAIN)


def test_p2_changes_before_the_image_are_counted_and_ignored(scene: Scene) -> None:
    scene.rest()
    scene.arm(fault="early-delta", table="order", times=2)
    scene.arm(fault="early-delta", table="position", times=2)
    scene.arm(fault="drop")
    scene.until(lambda: scene.fired("early-delta") > 1, 30)
    scene.agrees(LIVE_AGAIN)
    assert scene.terminal.gateway._protocol.dropped > 0  # type: ignore[attr-defined]
    assert only_order(scene) is Phase.OPEN


@pytest.mark.parametrize("table", ["order", "execution", "position", "margin"])
def test_l36_p3_changes_of_rows_that_are_not_there_cost_only_themselves(
    scene: Scene, table: str
) -> None:
    session = scene.market.bring_up.session
    scene.arm(fault="unknown-row", table=table, times=5)
    scene.buy_and_fill()
    scene.rest()
    assert scene.fired("unknown-row")
    scene.agrees()
    assert scene.market.bring_up.session == session


def test_p3_an_unknown_order_has_the_orders_compared_at_once(scene: Scene) -> None:
    scene.rest()
    scene.run(20)
    looks = scene.market.verifier.status.finished
    scene.arm(fault="lose", table="order", action="insert")
    order = foreign(scene)
    scene.run(0.5)
    scene.venue.interventions.fill_order(order["orderID"], quantity=500, parts=1)
    scene.run(10)
    assert scene.market.verifier.status.finished > looks
    scene.agrees()
    assert len(list(scene.market.state.orders)) == 2


@pytest.mark.parametrize("table", ["order", "position", "margin"])
def test_p4_a_second_image_replaces_the_first_at_once(scene: Scene, table: str) -> None:
    session = scene.market.bring_up.session
    scene.arm(fault="second-partial", table=table, times=3)
    scene.buy_and_fill()
    scene.rest()
    assert scene.fired("second-partial")
    scene.agrees()
    assert scene.market.bring_up.session == session


# ---- P5 to P9: shapes -----------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["unknown-table", "unknown-action", "unknown-field", "no-rows"])
@pytest.mark.parametrize("table", ["order", "execution", "position"])
def test_p5_what_this_program_does_not_know_is_passed_over(
    scene: Scene, fault: str, table: str
) -> None:
    session = scene.market.bring_up.session
    scene.arm(fault=fault, table=table, times=4)
    scene.buy_and_fill()
    assert scene.fired(fault)
    scene.agrees()
    assert scene.market.bring_up.session == session


def test_p5_an_execution_of_an_unknown_type_that_moves_money_blocks(scene: Scene) -> None:
    scene.arm(fault="unknown-type", table="execution", skip=1)
    scene.buy_and_fill()
    assert scene.fired("unknown-type")
    scene.run(2)
    assert scene.health is Health.BLOCKED
    assert "unknown type 'Novel'" in scene.reason
    assert "--classify" in scene.reason
    # The copy of a fill under another name is not booked.
    assert scene.market.state.booked_position(SYMBOL) == 1000


@pytest.mark.parametrize("fault", ["absent-field", "null-field", "empty-field", "wrong-type"])
@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("execution", "price"),
        ("execution", "orderID"),
        ("execution", "settlCurrency"),
        ("execution", "leavesQty"),
        ("execution", "execID"),
        ("execution", "symbol"),
        ("execution", "transactTime"),
        ("order", "price"),
        ("order", "orderID"),
        ("position", "currentQty"),
        ("margin", "walletBalance"),
    ],
)
def test_l13_p6_a_field_that_is_absent_null_empty_or_of_another_type(
    scene: Scene, fault: str, table: str, field: str
) -> None:
    scene.arm(fault=fault, table=table, field=field)
    scene.buy_and_fill()
    scene.rest(Side.SELL)
    scene.agrees(LIVE_AGAIN)
    assert scene.fired(fault)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e308", "-0", "9" * 5000, "12345.5", '"7"'])
@pytest.mark.parametrize("field", ["execCost", "lastQty", "lastPx"])
def test_p7_numbers_that_are_none_never_reach_the_books(
    scene: Scene, field: str, value: str
) -> None:
    scene.arm(fault="odd-number", table="execution", field=field, value=value)
    scene.buy_and_fill()
    scene.agrees(LIVE_AGAIN)
    assert scene.fired("odd-number")


def test_p8_of_two_keys_of_one_name_the_last_counts(scene: Scene) -> None:
    scene.arm(fault="duplicate-key", table="execution", times=4)
    scene.arm(fault="duplicate-key", table="order", times=4)
    scene.buy_and_fill()
    assert scene.fired("duplicate-key")
    scene.agrees()
    assert decode_exact('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize("levels", [DEPTH_LIMIT + 1, 5_000, 200_000])
def test_p9_a_text_nested_too_deeply_is_refused_and_survived(scene: Scene, levels: int) -> None:
    for text in ("[" * levels + "]" * levels, '{"a":' * levels + "1" + "}" * levels):
        with pytest.raises(ProtocolError):
            decode_exact(text)
    protocol = StreamProtocol(directory(), Depth.TEN, [SYMBOL], [SYMBOL])
    deep = '{"table":"trade","action":"insert","data":' + "[" * levels + "]" * levels + "}"
    with pytest.raises(ProtocolError):
        protocol.feed(deep, 0.0)
    scene.arm(fault="deep", levels=levels, table="execution")
    scene.buy_and_fill()
    assert scene.fired("deep")
    scene.agrees(LIVE_AGAIN)


def test_p9_brackets_within_texts_are_no_nesting() -> None:
    assert decode_exact(json.dumps(["[{" * 200, '"[' * 100])) == ["[{" * 200, '"[' * 100]
    flat = [{"n": n} for n in range(500)]
    assert decode_exact(json.dumps(flat)) == flat


# ---- P10 to P18: instruments and history ----------------------------------------------------


def test_l12_l30_p10_a_fill_of_a_symbol_that_nobody_named_is_booked(tmp_path: Path) -> None:
    other = Symbol("SOLUSDT", Category.LINEAR)
    with Scene(tmp_path, more=("SOLUSDT",)) as scene:
        scene.live()
        order = foreign(scene, "SOLUSDT", price=50)
        scene.venue.interventions.fill_order(order["orderID"])
        scene.run(3)
        scene.agrees()
        assert scene.market.state.booked_position(other) == 1000


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Scene]:
    """A LIVE terminal where two bots and nobody hold different amounts of one contract."""
    for emi in ("long", "short"):
        add_robot(SqliteSettings(tmp_path / "books.db"), MARKET, emi, *SPECIFIED, 1, 1)
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
        for number, (emi, side, quantity) in enumerate(
            (("long", "Buy", 5000), ("short", "Sell", 3000)), start=1
        ):
            foreign(
                scene, side=side, orderQty=quantity, ordType="Market", clOrdID=f"{number}.{emi}"
            )
            scene.run(1)
        scene.agrees()
        assert positions(scene) == {"long": 5000, "short": -3000, RESERVED: 1000}
        yield scene


def positions(scene: Scene) -> dict[str, int]:
    """Return what every EMI holds."""
    return {b.emi: b.position for b in scene.market.state.balances.values() if b.position}


def results(scene: Scene) -> dict[str, int]:
    """Return SUMREAL of every EMI, in the smallest unit."""
    return {b.emi: b.sum_real for b in scene.market.state.balances.values()}


def executions_there(scene: Scene, kind: str) -> list[dict[str, Any]]:
    """Return executions of a type by the exchange's own ledger."""
    truth: Any = scene.venue.interventions.truth()
    mine = next(row for row in truth["accounts"] if row["account"] == scene.account)
    return [row for row in mine["executions"] if row["kind"] == kind]


def test_p11_a_contract_that_is_settled_while_held_is_closed_and_left_out(held: Scene) -> None:
    scene, before = held, results(held)
    scene.venue.interventions.delist("XBTUSDT")
    scene.run(30)
    scene.agrees(LIVE_AGAIN)
    assert positions(scene) == {}
    assert scene.market.state.booked_position(SYMBOL) == 0
    (settled,) = executions_there(scene, "Settlement")
    shares = {emi: result - before[emi] for emi, result in results(scene).items()}
    assert sum(shares.values()) == -settled["cost"]
    for emi, contracts in (("long", 5000), ("short", -3000), (RESERVED, 1000)):
        assert abs(shares[emi] + Fraction(settled["cost"] * contracts, 3000)) < 1, emi
    sessions = scene.market.bring_up.session
    scene.run(600)
    assert scene.market.bring_up.session <= sessions + 1  # no loop


def test_p13_another_tick_and_lot_are_followed_and_the_books_left_alone(scene: Scene) -> None:
    scene.buy_and_fill()
    before = rows_of(scene)
    scene.venue.interventions.respecify("XBTUSDT", tick_size=Decimal("0.5"))
    scene.run(5)
    instrument: Instrument = scene.market.state.instruments[SYMBOL]
    assert instrument.tick_size == Decimal("0.5")
    bid = scene.terminal.gateway.ticker(SYMBOL).bid
    assert bid is not None
    scene.terminal.place(SYMBOL, Side.BUY, 1000, Decimal(int(bid)) - Decimal("99.9"))
    scene.run(2)
    assert scene.told("0.5")
    assert rows_of(scene) == before
    scene.agrees()


def test_p14_funding_in_the_very_moment_of_a_reconnect_is_booked_once(scene: Scene) -> None:
    scene.buy_and_fill()
    scene.arm(fault="drop")
    scene.until(lambda: scene.market.bring_up.running, 30)
    for _ in range(6):
        scene.venue.interventions.force_funding("XBTUSDT", 100)
        scene.engine.turn()
        scene.run(0.2)
    scene.agrees(LIVE_AGAIN)


def test_l9_p16_more_rows_of_one_moment_than_a_page_holds_are_all_fetched(scene: Scene) -> None:
    order = foreign(scene, orderQty=130_000)
    scene.run(2)
    scene.arm(fault="drop")
    scene.until(lambda: scene.market.bring_up.running, 30)
    scene.venue.interventions.fill_order(order["orderID"], parts=1300)
    scene.agrees(LIVE_AGAIN)
    assert len(scene.terminal.booked()) >= 1300


def test_p17_rows_that_appear_late_are_fetched_all_the_same(scene: Scene) -> None:
    scene.arm(fault="late-rows", seconds=15, times=0, until=40)
    scene.arm(fault="drop")
    scene.until(lambda: scene.market.bring_up.running, 30)
    scene.arm(fault="lose", table="execution", times=0, until=20)
    order = foreign(scene)
    scene.venue.interventions.fill_order(order["orderID"], parts=3)
    scene.agrees(40 + LIVE_AGAIN)
    assert scene.fired("late-rows")
    assert scene.fired("lose")


@pytest.mark.parametrize("fault", ["short-page", "empty-page", "repeated-page"])
def test_p18_short_empty_and_repeated_pages_lose_nothing(scene: Scene, fault: str) -> None:
    scene.buy_and_fill()
    scene.arm(fault=fault, path="/execution/tradeHistory", times=2)
    scene.arm(fault="drop")
    scene.until(lambda: scene.market.bring_up.running, 30)
    order = foreign(scene, orderQty=10_000)
    scene.venue.interventions.fill_order(order["orderID"], parts=40)
    scene.agrees(LIVE_AGAIN)
    assert scene.fired(fault)


# ---- P19 to P22: orders ---------------------------------------------------------------------


def test_p20_an_order_that_has_gone_meanwhile_is_news_and_no_trouble(scene: Scene) -> None:
    order = scene.rest()
    scene.arm(fault="lose", table="order", times=0, until=5)
    scene.arm(fault="lose", table="execution", times=0, until=5)
    scene.venue.interventions.fill_order(order["orderID"])
    scene.terminal.cancel(order["clOrdID"])
    scene.run(5)
    assert only_order(scene) is None  # asked about at once
    scene.agrees(LIVE_AGAIN)


def test_p21_our_own_duplicate_is_adopted(scene: Scene) -> None:
    scene.arm(
        fault="error-json", status=400, message="Duplicate clOrdID", after=True, method="POST"
    )
    scene.place()
    scene.run(10)
    assert only_order(scene) is Phase.OPEN
    assert scene.sent("POST") == 1
    scene.agrees()


def test_p22_an_order_that_is_canceled_by_the_exchange_goes_with_its_reason(scene: Scene) -> None:
    order = scene.rest()
    rights = frozenset({"order"})
    body = {"orderID": order["orderID"], "text": "Canceled: by somebody else"}
    scene.venue.handle(Request("DELETE", "/order", body, scene.account, rights))
    scene.run(2)
    assert only_order(scene) is None
    assert scene.told("ended at the exchange: Canceled: Canceled: by somebody else")
    scene.agrees()


# ---- P23, P24: others -----------------------------------------------------------------------

IDS = ["", "abc.def", "no-dot", "12.", ".x", "mm_bitmex_2b/oemUeQ4CAJZgP3fjHsA", "7.😀", "x" * 36]


@pytest.mark.parametrize("name", IDS)
def test_p23_orders_of_other_programs_are_shown_and_booked_to_nobodys_bot(
    scene: Scene, name: str
) -> None:
    order = foreign(scene, **({"clOrdID": name} if name else {}))
    scene.run(2)
    assert only_order(scene) is Phase.OPEN
    scene.venue.interventions.fill_order(order["orderID"], parts=2)
    scene.run(2)
    scene.agrees()
    assert {row[0] for row in rows_of(scene)} == {str(SYMBOL)}


def test_p24_a_liquidation_is_booked_told_in_red_and_stops_the_bots(held: Scene) -> None:
    scene = held
    scene.engine.inbox.put(SetTrading(on=True))
    scene.until(lambda: scene.engine.snapshot.trading, 2)
    scene.venue.interventions.liquidate(scene.account)
    scene.run(5)
    scene.agrees(LIVE_AGAIN)
    assert scene.health is Health.LIVE  # nothing else has switched it off
    assert not scene.engine.snapshot.trading
    notices = [n for n in scene.terminal.notices.all() if "LIQUIDATION" in n.text]
    assert notices
    assert {n.level for n in notices} == {Level.ERROR}
    assert all(RESERVED in n.text for n in notices)
    # No bot asked for it: what the bots hold stays theirs, and nobody's rows stand against it.
    assert positions(scene) == {"long": 5000, "short": -3000, RESERVED: -2000}


# ---- P25 to P28: figures --------------------------------------------------------------------


def test_p25_a_change_of_a_position_without_its_quantity_keeps_the_quantity(scene: Scene) -> None:
    scene.buy_and_fill()
    scene.arm(fault="absent-field", table="position", field="currentQty", times=0, until=30)
    scene.run(35)
    assert scene.market.state.positions[SYMBOL].quantity == 1000


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("currentQty", "quantity"),
        ("avgEntryPrice", "entry_price"),
        ("unrealisedPnl", "unrealised_pnl"),
        ("unrealisedCost", "unrealised_cost"),
    ],
)
def test_v2_what_a_change_of_a_position_leaves_out_keeps_its_value(
    scene: Scene, field: str, name: str
) -> None:
    scene.buy_and_fill()
    scene.until(lambda: scene.market.state.positions[SYMBOL].entry_price, 10)
    before = scene.market.state.positions[SYMBOL]
    assert getattr(before, name)
    scene.arm(fault="absent-field", table="position", field=field, times=0, until=30)
    scene.venue.interventions.move_market("XBT", 1.01)  # the mark price changes, and is told
    scene.until(lambda: scene.market.state.positions[SYMBOL].mark_price != before.mark_price, 30)
    assert getattr(scene.market.state.positions[SYMBOL], name) == getattr(before, name)


@pytest.mark.parametrize("fault", ["crossed-book", "empty-book"])
def test_p26_a_crossed_or_one_sided_book_divides_nothing(scene: Scene, fault: str) -> None:
    scene.buy_and_fill()
    session = scene.market.bring_up.session
    scene.arm(fault=fault, table="orderBook10", times=0, until=30)
    scene.run(30)
    assert scene.fired(fault)
    scene.agrees()
    assert scene.market.bring_up.session == session
    ticker = scene.terminal.gateway.ticker(SYMBOL)
    assert ticker.bid is None or ticker.bid > 0


def test_p27_a_margin_of_an_unlisted_currency_is_shown_raw(scene: Scene) -> None:
    scene.arm(fault="foreign-currency", table="margin")
    scene.buy_and_fill()
    assert scene.fired("foreign-currency")
    scene.agrees()
    unknown = [a for a in scene.engine.snapshot.accounts if a.currency not in ("XBt", "USDt")]
    assert [row.scale for row in unknown] == [0]


def test_l34_p28_a_spot_fill_and_its_fee_are_booked_in_their_own_currencies(tmp_path: Path) -> None:
    with Scene(tmp_path, symbols=(SYMBOL, SPOT)) as scene:
        scene.live()
        order = foreign(scene, "XBT_USDT", orderQty=1_000_000)
        scene.venue.interventions.fill_order(order["orderID"])
        scene.run(3)
        scene.agrees()
        legs = """SELECT CURRENCY, SUM(SUMREAL_I), SUM(COMMISS_I) FROM coins GROUP BY CURRENCY"""
        booked = {row[0]: row[1:] for row in scene.sql(legs)}
        truth: Any = scene.venue.interventions.truth()
        mine = next(each for each in truth["accounts"] if each["account"] == scene.account)
        (fill,) = mine["executions"]
        assert booked == {"XBt": (1_000_000, 0), "USDt": (-fill["cost"], fill["fee"])}
        moved: dict[str, int] = {}
        for row in wallet_rows(scene):
            if row["transactType"] == "SpotTrade":
                moved[row["currency"]] = moved.get(row["currency"], 0) + row["amount"]
        assert {c: real - fee for c, (real, fee) in booked.items()} == moved
