"""Bots that offset each other at a settlement: closed against each other, to the last unit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from common.domain.executions import Executed
from common.domain.money import closing_value
from common.domain.settlements import Settled, internal_transfer
from common.domain.verification import Rule
from common.ledger.booking import Standing, book
from common.ledger.database import DatabaseSettings
from tests.common.engine.support import INVERSE
from tests.common.ledger.account import busy, coin
from tests.common.ledger.support import (
    KEY,
    START,
    XBTUSD,
    add_bots,
    coin_rows,
    positions,
    query,
    run,
    running,
    settlement,
    trade,
)

PRICE = Decimal("49123.7")


def transfer(seconds: int = 60) -> Executed:
    at = trade(seconds, 1).at
    return internal_transfer(Settled(INVERSE, PRICE, at), KEY.account, 8)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8))
def test_every_bot_ends_at_the_settlement_price_and_all_sums_are_zero(held: list[int]) -> None:
    bots = {f"bot{n}": position for n, position in enumerate(held)}
    bots["XBTUSD.inverse"] = -sum(held)
    entries = book(transfer(), Standing({}, bots, {"XBt": 8}))
    assert sum(e.sum_real for e in entries) == 0
    assert {e.emi: -e.position_delta for e in entries} == {e: n for e, n in bots.items() if n}
    assert all(e.commission == 0 and e.trade_price == PRICE for e in entries)
    for entry in entries:
        alone = closing_value(INVERSE, PRICE, bots[entry.emi], 8)
        assert abs(entry.sum_real - alone) <= 1


def test_a_position_that_is_left_waits_for_the_exchanges_own_settlement(
    settings: DatabaseSettings,
) -> None:
    add_bots(settings, "a", "b")
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 500, cl_ord_id="1.a"), trade(2, -300, cl_ord_id="2.b"))
        assert ledger.book(transfer()).entries == ()
        assert positions(ledger.open()) == {"a": 500, "b": -300}
        ledger.book(trade(3, -200, cl_ord_id="3.b"))  # the transfer was not taken for done
        assert len(ledger.book(transfer()).entries) == 2
        assert ledger.book(transfer()).known == 1
        assert positions(ledger.open()) == {}
    assert query(settings, "SELECT KIND, ROW_COUNT FROM executions WHERE KIND = 'Transfer'") == [
        ("Transfer", 2)
    ]


def test_a_fill_that_is_learned_after_the_transfer_is_closed_by_the_exchanges_settlement(
    settings: DatabaseSettings,
) -> None:
    add_bots(settings, "a", "b")
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 500, cl_ord_id="1.a"), trade(2, -500, cl_ord_id="2.b"), transfer())
        late = trade(3, 70, cl_ord_id="3.a")
        closed = ledger.book(late, settlement(60, 70, cost=142_500))
        assert [(e.emi, e.position_delta) for e in closed.entries[1:]] == [("a", -70)]
        assert positions(ledger.open()) == {}


def test_a_row_of_a_transfer_that_was_deleted_is_booked_again_to_whoever_holds_it(
    settings: DatabaseSettings,
) -> None:
    add_bots(settings, "a", "b")
    fills = (trade(1, 500, cl_ord_id="1.a"), trade(2, -500, cl_ord_id="2.b"))
    with running(settings) as ledger:
        ledger.open()
        ledger.book(*fills, transfer())
    whole = coin_rows(settings)
    run(settings, "DELETE FROM coins WHERE EMI = 'a'")
    run(settings, "DELETE FROM robots WHERE EMI = 'a'")
    with running(settings) as ledger:
        assert len(ledger.open().holes) == 2
        ledger.book(*fills, transfer())
        books = ledger.open()
        assert (positions(books), books.holes) == ({}, ())
    again = [
        (row[0], "a" if row[1] == "XBTUSD.inverse" else row[1], *row[2:])
        for row in coin_rows(settings)
    ]
    assert sorted(map(str, again)) == sorted(map(str, whole))


def test_a_transfer_whose_rows_do_not_sum_to_zero_is_found() -> None:
    account = busy()
    moved = transfer(5)
    entries = book(moved, Standing({}, {"a": 7, "b": -7}, {"XBt": 8}))
    books = account.books()
    row = replace(
        books.journal[0],
        exec_id=moved.exec_id,
        kind=moved.kind,
        symbol=XBTUSD,
        currency="XBt",
        cost=0,
        fee=0,
        row_count=2,
        at=START,
    )
    rows = [coin(entry) for entry in entries]
    right = replace(books, journal=(*books.journal, row), rows=(*books.rows, *rows))
    assert not {d.rule for d in account.check(books=right)}
    more = coin(replace(entries[0], sum_real=entries[0].sum_real + 1))
    wrong = replace(right, rows=(*books.rows, more, rows[1]))
    (found,) = account.check(books=wrong)
    assert (found.rule, found.books, found.exchange) == (Rule.TRANSFER, 1, 0)
