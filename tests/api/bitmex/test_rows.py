"""Rows of the account become domain objects."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest

from api.bitmex import execution_rows, rows
from api.bitmex.directory import Directory
from api.bitmex.wire import decode_exact
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Category, Symbol
from common.domain.orders import Phase, Side
from common.errors import ProtocolError
from tests.api.bitmex import samples
from tests.api.bitmex.samples import FUNDING, MARGIN, ORDER, POSITION, SPOT, TRADE, XBTUSD, Row


def executed(row: Row, known: Directory | None = None) -> Executed:
    result = execution_rows.executed(row, known or samples.directory())
    assert result is not None
    return result


def without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def test_an_order_is_read_whole() -> None:
    order = rows.order(ORDER, samples.directory())
    assert order.symbol == samples.XBTUSDT
    assert (order.side, order.price, order.stop_price) == (Side.BUY, Decimal("86393.3"), None)
    assert (order.quantity, order.filled, order.leaves) == (1000, 0, 1000)
    assert (order.cl_ord_id, order.kind, order.phase) == ("12.Ema", "Limit", Phase.OPEN)
    assert order.at == datetime(2022, 2, 13, 0, 21, 50, 268000, timezone.utc)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("New", Phase.OPEN),
        ("PartiallyFilled", Phase.OPEN),
        ("PendingCancel", Phase.OPEN),
        ("Untriggered", Phase.OPEN),
        ("SomethingNew", Phase.OPEN),
        ("Filled", Phase.FILLED),
        ("Canceled", Phase.CANCELED),
        ("Expired", Phase.CANCELED),
        ("Rejected", Phase.REJECTED),
    ],
)
def test_every_status_has_its_phase(status: str, phase: Phase) -> None:
    order = rows.order({**ORDER, "ordStatus": status}, samples.directory())
    assert order.phase is phase
    assert order.leaves == (0 if phase.ended else 1000)


def test_a_market_order_and_one_of_another_program_have_neither_price_nor_id() -> None:
    order = rows.order(without(ORDER, "price", "clOrdID"), samples.directory())
    assert order.price is None
    assert order.cl_ord_id == ""


def test_l22_a_trade_copies_the_exchanges_integers() -> None:
    trade = executed(TRADE)
    assert trade.kind is ExecutionKind.TRADE
    assert (trade.cost, trade.fee, trade.quantity) == (-200000, -50, 100)
    assert (trade.currency, trade.fee_currency) == ("XBt", "XBt")
    assert (trade.side, trade.rate) == (Side.BUY, Decimal("-0.00025"))
    assert trade.at < trade.written_at
    assert decode_exact(trade.raw) == TRADE


@pytest.mark.parametrize(
    ("category", "home", "foreign", "side"),
    [
        (Category.INVERSE, "-15.5", 998000, Side.SELL),
        (Category.INVERSE, "15.5", -998000, Side.BUY),
        (Category.LINEAR, None, -5, Side.BUY),
        (Category.LINEAR, "", "", None),
    ],
)
def test_the_side_of_funding_is_that_of_the_position(
    category: Category, home: object, foreign: object, side: Side | None
) -> None:
    home = Decimal(home) if isinstance(home, str) and home else home
    funding = executed({**FUNDING, "homeNotional": home, "foreignNotional": foreign})
    assert funding.kind is ExecutionKind.FUNDING
    assert (funding.side, funding.quantity) == (side, 998000)
    assert (funding.fee, funding.cost, funding.order_id) == (139390, 1551400980, "")
    assert funding.leaves == 0
    assert category in Category


def test_funding_of_the_old_dialect_reads_like_the_new_one() -> None:
    old = {"orderID": "00000000-0000-0000-0000-000000000000", "side": "", "clOrdID": ""}
    assert executed({**FUNDING, **old}).order_id == ""
    assert executed({**FUNDING, **old}).side is Side.SELL


def test_a_settlement_closes_without_an_order() -> None:
    row = without({**TRADE, "execType": "Settlement", "execComm": 0}, "orderID", "clOrdID")
    settlement = executed(row)
    assert settlement.kind is ExecutionKind.SETTLEMENT
    assert (settlement.order_id, settlement.cl_ord_id, settlement.fee) == ("", "", 0)


@pytest.mark.parametrize("name", ["Liquidation", "Bankruptcy", "TrialFill"])
def test_l8_other_types_that_trade_count_as_trades(name: str) -> None:
    assert executed({**TRADE, "execType": name}).kind is ExecutionKind.TRADE


def test_an_unknown_type_that_looks_like_a_trade_is_unknown() -> None:
    assert executed({**TRADE, "execType": "Novation"}).kind is ExecutionKind.UNKNOWN
    assert not executed({**TRADE, "execType": "Novation"}).forced


def test_an_unknown_type_that_moves_money_is_unknown_not_dropped() -> None:
    row = without({**TRADE, "execType": "Rebate"}, "side", "lastQty", "homeNotional")
    assert executed(row).kind is ExecutionKind.UNKNOWN
    assert executed(row).exec_type == "Rebate"


def test_reports_without_money_or_symbol_cost_nothing() -> None:
    report = {
        "execID": "00000000-006d-1000-0000-001e7f5081ad",
        "orderID": "ece0a2cc-7729-4f4c-bc6c-65d7c723e75b",
        "execType": "CancelReject",
        "transactTime": "2025-09-05T05:38:28.001Z",
    }
    assert execution_rows.executed(report, samples.directory()) is None
    new = without({**TRADE, "execType": "New"}, "execCost", "execComm", "lastQty", "lastPx")
    assert executed(new).kind is ExecutionKind.REPORT


@pytest.mark.parametrize(
    "name", ["execID", "symbol", "execType", "transactTime", "lastQty", "execCost", "execComm"]
)
def test_a_trade_without_what_the_books_need_names_the_field(name: str) -> None:
    for row in (without(TRADE, name), {**TRADE, name: None}, {**TRADE, name: ""}):
        with pytest.raises(ProtocolError, match=name):
            executed(row)


def test_a_trade_without_a_side_takes_it_from_the_notionals() -> None:
    assert executed(without(TRADE, "side")).side is Side.BUY
    with pytest.raises(ProtocolError, match="side"):
        executed(without(TRADE, "side", "homeNotional", "foreignNotional"))


def test_a_spot_trade_moves_the_base_and_settles_in_the_quote() -> None:
    row = without(
        {**TRADE, "symbol": "XBT_USDT", "currency": "USDT", "execCost": 9495200, "execComm": 8545,
         "lastQty": 10000, "side": "Sell", "homeNotional": Decimal("-0.0001")},
        "settlCurrency",
    )  # fmt: skip
    trade = executed(row)
    assert trade.symbol == SPOT
    assert (trade.currency, trade.fee_currency, trade.base_delta) == ("USDt", "USDt", -10000)
    assert trade.base_currency == "XBt"
    assert executed({**row, "symbol": "ETH_USDT"}).base_currency == "Gwei"
    assert executed(TRADE).base_currency == ""
    assert executed({**row, "execCommCcy": "BMEx"}).fee_currency == "BMEx"
    assert executed({**row, "execCommCcy": "USDT"}).fee_currency == "USDt"


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({}, Category.INVERSE),
        ({"execCost": 200000}, Category.QUANTO),
        ({"side": "Sell", "execCost": 200000}, Category.INVERSE),
        ({"currency": "USDT", "settlCurrency": "USDt"}, Category.LINEAR),
        ({"symbol": "OLD_USDT", "settlCurrency": None}, Category.SPOT),
    ],
)
def test_an_instrument_that_nobody_knows_is_recognised_by_its_figures(
    changes: Row, category: Category
) -> None:
    row = {**TRADE, "symbol": "OLDM19", **changes}
    assert executed(row).symbol == Symbol(str(row["symbol"]), category)


def test_a_position_is_read_whole_and_its_price_cap_means_no_liquidation() -> None:
    position = rows.position(POSITION, samples.directory())
    assert (position.symbol, position.quantity) == (XBTUSD, -1438000)
    assert position.entry_price == Decimal("73701.7438")
    assert position.margin_call_price is None
    near = rows.position({**POSITION, "liquidationPrice": 81000}, samples.directory())
    assert near.margin_call_price == 81000


def test_a_margin_row_without_columns_counts_them_as_nothing() -> None:
    assert rows.margin(MARGIN).available == 3335333333
    bare = rows.margin({"currency": "USDt", "walletBalance": 7})
    assert (bare.margin_balance, bare.available, bare.leverage) == (7, 0, None)


def test_the_account_number_is_required() -> None:
    assert rows.account({"id": 1501242, "username": "trader"}).number == 1501242
    with pytest.raises(ProtocolError, match="id"):
        rows.account({"username": "trader"})
