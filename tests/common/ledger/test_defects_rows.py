"""Rows that older terminals lost or refused: each is booked, or kept until it can be."""

from __future__ import annotations

import pytest

from common.domain.instruments import Currency
from common.engine.items import LedgerOpened
from common.ledger.database import DatabaseSettings
from common.settings_types import SqliteSettings
from tests.api.bitmex import samples
from tests.api.bitmex.test_rows import executed, without
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    XBTUSD,
    XBTUSDT,
    add_bots,
    coin_rows,
    query,
    running,
    trade,
)

NEW_COIN = Currency("LAMp", "SOL", 9)


def test_l14_money_of_an_unlisted_currency_waits_and_is_booked_once_it_is_known(
    settings: DatabaseSettings,
) -> None:
    add_bots(settings, "a")
    strange = trade(1, 100, cl_ord_id="1.a", cost=-77, fee=3, currency=NEW_COIN.code)
    with running(settings) as bench:
        bench.open()
        booked = bench.book(strange, trade(2, 50, cl_ord_id="2.a"))
        (problem,) = booked.problems
        assert NEW_COIN.code in problem
        assert [entry.exec_id for entry in booked.entries] == ["exec-000002"]
        bench.writer.open(KEY, (XBTUSD, XBTUSDT), (*CURRENCIES, NEW_COIN))
        (waiting,) = bench.inbox.wait(LedgerOpened, 2)[-1].books.waiting
        assert waiting.exec_id == strange.exec_id
        assert bench.book(strange).problems == ()
        bench.writer.open(KEY, (XBTUSD, XBTUSDT), (*CURRENCIES, NEW_COIN))
        held = bench.inbox.wait(LedgerOpened, 3)[-1].books.balances
    found = {b.currency: (b.position, b.sum_real, b.commission) for b in held}
    assert found[NEW_COIN.code] == (100, 77, 3)
    assert found["XBt"][0] == 50
    assert query(settings, "SELECT EXECID, COUNT(*) FROM coins GROUP BY EXECID ORDER BY 1") == [
        ("exec-000001", 1),
        ("exec-000002", 1),
    ]


@pytest.mark.parametrize(
    "client_id",
    ["nodot", "abc.def", "mm_bitmex_2b/oemUeQ4C", "", ".", ".a", "7.", "1e3.a", "-1.a", "٣.a"],
)
def test_l10_a_client_id_without_a_number_is_booked_and_read_again(
    sqlite: SqliteSettings, client_id: str
) -> None:
    add_bots(sqlite, "a")
    with running(sqlite) as bench:
        bench.open()
        assert bench.book(trade(1, 100, cl_ord_id=client_id)).problems == ()
    with running(sqlite) as bench:
        books = bench.open()
    assert [b.position for b in books.balances] == [100]
    assert {b.emi for b in books.balances} <= {"a", "XBTUSD.inverse"}


@pytest.mark.parametrize("price", [None, ""])
def test_l13_a_fill_without_a_price_of_its_order_is_booked(
    sqlite: SqliteSettings, price: object
) -> None:
    fill = executed({**samples.TRADE, "price": price, "account": KEY.account})
    with running(sqlite) as bench:
        bench.open()
        assert bench.book(fill).problems == ()
    assert query(sqlite, "SELECT SUMREAL_I, COMMISS_I, PRICE FROM coins")[0][:2] == (200000, -50)


def test_l16_a_settlement_of_twenty_five_billion_contracts_is_booked(
    settings: DatabaseSettings,
) -> None:
    row = without(samples.TRADE, "orderID", "clOrdID", "price", "leavesQty")
    row |= {"execType": "Settlement", "side": "Sell", "execComm": 0, "account": KEY.account}
    with running(settings) as bench:
        bench.open()
        bench.book(trade(1, 25_450_000_000, cost=-25_450_000_000))
        late = {"transactTime": "2026-10-01T13:00:00Z", "lastQty": 25_450_000_000}
        assert bench.book(executed({**row, **late, "execCost": 25_450_000_001})).problems == ()
        (balance,) = bench.open().balances
    assert (balance.position, balance.sum_real) == (0, -1)


def test_l21_ties_keep_the_order_in_which_they_came(sqlite: SqliteSettings) -> None:
    ties = [trade(n, 100 if n % 2 else -100, seconds=0.5) for n in (*range(12, 24), *range(1, 12))]
    with running(sqlite) as bench:
        bench.open()
        bench.book(*ties)
    assert [row[0] for row in coin_rows(sqlite)] == [fill.exec_id for fill in ties]
