from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from common.domain.books import SIDE_BUY, SIDE_FUNDING, SIDE_SELL
from common.domain.executions import ExecutionKind
from common.ledger.booking import RowRefused, Standing, book
from tests.common.ledger.support import XBT_USDT, XBTUSD, XBTUSDT, funding, settlement, trade

SCALES = {"XBt": 8, "USDt": 6}


def standing(**positions: int) -> Standing:
    return Standing({"myBot": XBTUSD, "other": XBTUSD}, positions, SCALES)


def test_a_fill_of_a_known_bot_is_booked_to_it_with_the_exchanges_money() -> None:
    (entry,) = book(trade(1, 100, cl_ord_id="1109594183.myBot", cost=-317640, fee=-25), standing())
    assert (entry.emi, entry.refer, entry.number) == ("myBot", "myBot", 1109594183)
    assert (entry.sum_real, entry.commission, entry.scale) == (317640, -25, 8)
    assert (entry.side, entry.quantity, entry.position_delta) == (SIDE_BUY, 100, 100)
    assert entry.theor_price == entry.price == Decimal("50000.5")
    assert entry.trade_price == Decimal(50000)


def test_a_sale_lowers_the_position() -> None:
    (entry,) = book(trade(1, -100, cl_ord_id="5.myBot"), standing())
    assert (entry.side, entry.quantity, entry.position_delta) == (SIDE_SELL, 100, -100)


@pytest.mark.parametrize(
    ("cl_ord_id", "refer", "number"),
    [
        ("", None, 0),
        ("5.stranger", "stranger", 5),
        ("5.mybot", "mybot", 5),  # names differ by case
        ("abc.def", "def", 0),
        ("mm_2b/oemUeQ4", None, 0),
        ("7.a.b.c", "a.b.c", 7),
        (".", "", 0),
        ("5.XBTUSD.inverse", "XBTUSD.inverse", 5),
        ("999999999999999999999.x", "x", 0),
        ("Ж.Ж", "Ж", 0),
    ],
)
def test_what_no_bot_claims_goes_to_the_reserved_emi_and_keeps_its_refer(
    cl_ord_id: str, refer: str | None, number: int
) -> None:
    (entry,) = book(trade(1, 100, cl_ord_id=cl_ord_id), standing())
    assert (entry.emi, entry.refer, entry.number) == ("XBTUSD.inverse", refer, number)


def test_a_bots_fill_in_another_symbol_than_its_own_goes_to_the_reserved_emi() -> None:
    fill = trade(1, 100, cl_ord_id="5.myBot", symbol=XBTUSDT, currency="USDt")
    (entry,) = book(fill, standing())
    assert (entry.emi, entry.refer) == ("XBTUSDT.linear", "myBot")


def test_l6_a_removed_bot_that_holds_a_position_is_closed_under_its_own_name() -> None:
    (entry,) = book(trade(1, -300, cl_ord_id="5.oldBot"), standing(oldBot=500))
    assert entry.emi == "oldBot"
    (entry,) = book(trade(2, -300, cl_ord_id="5.oldBot"), standing(oldBot=0))
    assert entry.emi == "XBTUSD.inverse"


def test_the_price_first_asked_for_is_kept_beside_the_orders_own() -> None:
    stand = replace(standing(), asked=Decimal(49990))
    (entry,) = book(trade(1, 100, cl_ord_id="5.myBot"), stand)
    assert (entry.theor_price, entry.price) == (Decimal(49990), Decimal("50000.5"))


def test_a_fee_in_another_currency_has_a_row_of_its_own() -> None:
    fill = replace(
        trade(1, 10000, symbol=XBT_USDT, cost=9495200, fee=25, currency="USDt"), fee_currency="XBt"
    )
    money, fee = book(fill, standing())
    assert (money.currency, money.sum_real, money.commission) == ("USDt", -9495200, 0)
    assert (fee.currency, fee.sum_real, fee.commission) == ("XBt", 0, 25)
    assert (fee.quantity, fee.position_delta, fee.scale) == (0, 0, 8)


def test_both_legs_of_a_spot_trade_have_a_row_and_the_fee_stands_in_its_own_currency() -> None:
    fill = replace(
        trade(1, -10000, symbol=XBT_USDT, cost=-9495200, fee=25, currency="USDt"),
        base_delta=-10000,
        base_currency="XBt",
    )
    for fee_currency, rows in (
        ("USDt", {"USDt": (9495200, 25), "XBt": (-10000, 0)}),
        ("XBt", {"USDt": (9495200, 0), "XBt": (-10000, 25)}),
        ("BMEx", {"USDt": (9495200, 0), "XBt": (-10000, 0), "BMEx": (0, 25)}),
    ):
        scales = replace(standing(), scales={"USDt": 6, "XBt": 8, "BMEx": 6})
        entries = book(replace(fill, fee_currency=fee_currency), scales)
        assert {e.currency: (e.sum_real, e.commission) for e in entries} == rows
        assert [(e.quantity, e.position_delta) for e in entries[1:]] == [(0, 0)] * (len(rows) - 1)
        assert {e.emi for e in entries} == {"XBT_USDT.spot"}


def test_funding_of_a_single_bot_is_all_its_own() -> None:
    (entry,) = book(funding(1, 998000, 139390), standing(myBot=998000))
    assert (entry.emi, entry.commission, entry.sum_real) == ("myBot", 139390, 0)
    assert (entry.side, entry.quantity, entry.position_delta) == (SIDE_FUNDING, 998000, 0)
    assert (entry.price, entry.trade_price) == (Decimal("-0.0001"), Decimal(50000))
    assert entry.theor_price is None


def test_funding_is_split_over_opposite_bots_to_the_last_unit() -> None:
    entries = book(funding(1, -169, -182), standing(myBot=300, other=-469))
    assert {e.emi: e.commission for e in entries} == {"myBot": 323, "other": -505}


def test_l26_funding_left_after_bots_goes_to_the_reserved_emi() -> None:
    entries = book(funding(1, 1000, 100), standing(myBot=700))
    assert {e.emi: e.commission for e in entries} == {"myBot": 70, "XBTUSD.inverse": 30}
    entries = book(funding(1, 1000, 100), standing(myBot=700, **{"XBTUSD.inverse": 300}))
    assert {e.emi: e.commission for e in entries} == {"myBot": 70, "XBTUSD.inverse": 30}


def test_funding_without_a_side_takes_it_from_the_books_or_is_refused() -> None:
    row = replace(funding(1, -400, 40), side=None)
    (entry,) = book(row, standing(myBot=-400))
    assert (entry.emi, entry.commission, entry.quantity) == ("myBot", 40, 400)
    with pytest.raises(RowRefused, match="no side"):
        book(row, standing(myBot=-300))


def test_l8_settlement_closes_every_bot_and_its_money_sums_to_the_exchanges() -> None:
    entries = book(settlement(1, 500, cost=-1_000_001, fee=7), standing(myBot=800, other=-300))
    assert {e.emi: e.position_delta for e in entries} == {"myBot": -800, "other": 300}
    assert {e.emi: e.side for e in entries} == {"myBot": SIDE_SELL, "other": SIDE_BUY}
    assert sum(e.sum_real for e in entries) == 1_000_001
    assert sum(e.commission for e in entries) == 7
    assert {e.emi: e.sum_real for e in entries} == {"myBot": 1_600_002, "other": -600_001}


def test_reports_and_unknown_kinds_have_no_rows() -> None:
    assert book(replace(trade(1, 100), kind=ExecutionKind.REPORT), standing()) == ()
    assert book(replace(trade(1, 100), kind=ExecutionKind.UNKNOWN), standing()) == ()


def test_a_fill_without_side_or_with_an_unknown_currency_is_refused() -> None:
    with pytest.raises(RowRefused, match="no side"):
        book(replace(trade(1, 100), side=None), standing())
    with pytest.raises(RowRefused, match="'ABc'"):
        book(replace(trade(1, 100), currency="ABc"), standing())
