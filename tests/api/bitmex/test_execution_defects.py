"""Executions with absent, empty and unusual columns, as the exchange has really written them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from api.bitmex import audit_rows, market_rows
from api.bitmex.files import read_executions
from common.domain.instruments import Category
from common.domain.orders import Side
from tests.api.bitmex import samples
from tests.api.bitmex.samples import FUNDING, INSTRUMENTS, TRADE, Row
from tests.api.bitmex.test_rows import executed, without

SPOT_ROW = without(
    {**TRADE, "symbol": "XBT_USDT", "currency": "USDT", "execCost": 9495200, "execComm": 8545},
    "settlCurrency",
)
OPTIONAL = ("price", "leavesQty", "orderID", "clOrdID", "trdMatchID", "text", "commission")


@pytest.mark.parametrize("name", OPTIONAL)
def test_l13_a_column_that_is_absent_null_or_empty_reads_the_same(name: str) -> None:
    forms = (without(TRADE, name), {**TRADE, name: None}, {**TRADE, name: ""})
    absent, null, empty = (replace(executed(row), raw="") for row in forms)
    assert absent == null == empty
    assert (absent.cost, absent.fee, absent.quantity) == (-200000, -50, 100)
    assert (absent.price is None) == (name == "price")
    assert (absent.order_id == "") == (name == "orderID")
    assert absent.leaves == 0


@pytest.mark.parametrize("missing", ["absent", None, ""])
def test_l13_a_settlement_currency_that_is_missing_is_that_of_the_instrument(
    missing: object,
) -> None:
    row = without(TRADE, "settlCurrency")
    row |= {} if missing == "absent" else {"settlCurrency": missing}
    assert (executed(row).currency, executed(row).fee_currency) == ("XBt", "XBt")


@pytest.mark.parametrize("sign", [1, -1])
def test_l24_the_position_that_was_funded_follows_the_notional_and_not_the_fee(sign: int) -> None:
    for fee in (139390, -139390):
        row = {**FUNDING, "homeNotional": sign * Decimal("15.5"), "execComm": fee}
        found = executed({**row, "foreignNotional": -sign * 998000, "lastQty": 998000})
        assert (found.side, found.fee) == (Side.BUY if sign > 0 else Side.SELL, fee)
        assert executed({**row, "side": "Buy"}).side is found.side


def test_l8_a_settlement_happens_at_its_transact_time_however_late_it_is_written() -> None:
    times = {
        "transactTime": "2021-12-31T12:00:00.000Z",
        "timestamp": "2021-12-31T12:00:10.000Z",
    }
    found = executed({**TRADE, "execType": "Settlement", "execComm": 0, **times})
    assert found.at == datetime(2021, 12, 31, 12, tzinfo=timezone.utc)
    assert found.written_at - found.at == timedelta(seconds=10)


def test_l16_a_quantity_of_twenty_five_billion_is_read_exactly() -> None:
    row = {**TRADE, "symbol": "ETHZ21", "lastQty": 25_450_000_000, "execType": "Settlement"}
    assert executed(row).quantity == 25_450_000_000


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [("", 0), (".0", 0), (".091", 91000), (".000001", 1), (".123456789", 123456)],
)
def test_l39_an_execution_may_have_a_fraction_of_a_second_or_none(
    written: str, microsecond: int
) -> None:
    found = executed({**TRADE, "transactTime": f"2025-01-08T23:33:04{written}Z"})
    assert found.at == datetime(2025, 1, 8, 23, 33, 4, microsecond, timezone.utc)


def test_l23_money_of_a_contract_that_was_specified_anew_stays_what_it_was() -> None:
    before, after = samples.directory(), samples.directory()
    changed = market_rows.instrument(
        {**INSTRUMENTS["XBTUSD"], "multiplier": -5, "lotSize": 1}, after
    )
    assert changed is not None
    after.add(changed)
    assert executed(TRADE, after) == executed(TRADE, before)
    assert executed(TRADE, after).cost == TRADE["execCost"]


def test_l12_an_expired_contract_and_one_listed_again_read_the_same(tmp_path: Path) -> None:
    old = {**TRADE, "symbol": "AAVEUSDT", "currency": "USDT", "settlCurrency": "USDt"}
    again = {**old, "execID": "again", "transactTime": "2026-01-08T23:33:04Z"}
    gone = {**TRADE, "symbol": "XBTM19", "execID": "gone"}
    path = tmp_path / "history.json"
    path.write_text(json.dumps([old, gone, again], default=float), encoding="utf-8")
    found = [row.execution for row in read_executions(path)]
    known = [(e.symbol.ticker, e.symbol.category, e.currency) for e in found if e]
    assert known == [
        ("AAVEUSDT", Category.LINEAR, "USDt"),
        ("XBTM19", Category.INVERSE, "XBt"),
        ("AAVEUSDT", Category.LINEAR, "USDt"),
    ]
    assert [executed(row).symbol for row in (old, gone, again)] == [e.symbol for e in found if e]


@pytest.mark.parametrize(
    ("named", "currency"), [("absent", "USDt"), ("", "USDt"), ("USDt", "USDt"), ("XBt", "XBt")]
)
def test_l34_a_spot_row_names_no_settlement_and_its_fee_any_currency(
    tmp_path: Path, named: str, currency: str
) -> None:
    row = SPOT_ROW | ({} if named == "absent" else {"execCommCcy": named})
    path = tmp_path / "history.json"
    path.write_text(json.dumps([row], default=float), encoding="utf-8")
    (in_file,) = read_executions(path)
    assert in_file.execution is not None
    for found in (executed(row), in_file.execution):
        assert (found.symbol.category, found.currency) == (Category.SPOT, "USDt")
        assert (found.fee, found.fee_currency, found.base_delta) == (8545, currency, 100)


def test_l34_a_fee_of_a_contract_may_be_paid_in_another_currency() -> None:
    found = executed({**TRADE, "execCommCcy": "BMEx"})
    assert (found.currency, found.fee_currency, found.cost, found.fee) == (
        *("XBt", "BMEx"),
        *(-200000, -50),
    )


def test_l12_a_flat_position_of_a_contract_that_is_gone_is_passed_over() -> None:
    gone: Row = {**samples.POSITION, "symbol": "XBTM19", "currentQty": 0}
    assert audit_rows.position_figures(gone, samples.directory()) is None
