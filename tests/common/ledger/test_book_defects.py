"""Defects that made books wrong in older terminals; each test fails if its defect comes back."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from api.bitmex import rows
from api.bitmex.wire import parse_time
from common.domain.executions import Executed, Network
from common.domain.instruments import Currency
from common.domain.orders import Phase
from common.engine.items import Booked, LedgerOpened
from common.engine.state import MarketState
from common.ledger.connecting import open_database
from common.ledger.database import Database, DatabaseSettings
from common.ledger.writer import LedgerWriter
from tests.api.bitmex.samples import ORDER, directory
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    START,
    XBTUSD,
    XBTUSDT,
    Bench,
    Recorder,
    add_bots,
    coin_rows,
    funding,
    query,
    running,
    trade,
)

COLUMNS = "QTY, PRICE, TRADE_PRICE, SUMREAL_I, COMMISS_I, CLORDID, COMMISS"


def test_l1_funding_that_comes_by_two_ways_is_booked_once(settings: DatabaseSettings) -> None:
    add_bots(settings, "a", "b")
    with running(settings) as bench:
        bench.open()
        bench.book(trade(1, 300, cl_ord_id="1.a"), trade(2, 100, cl_ord_id="2.b"))
        payment = funding(3, 400, 101)
        bench.book(payment)
        bench.book(payment, payment)
    assert len(coin_rows(settings)) == 4
    assert query(settings, "SELECT SUM(COMMISS_I) FROM coins WHERE SIDE = -1")[0][0] == 101


def test_l4_one_thread_alone_uses_the_connection(settings: DatabaseSettings) -> None:
    users: set[str] = set()

    def connect(given: DatabaseSettings) -> Database:
        database = open_database(given)
        for name in ("begin", "commit", "execute", "query"):
            real = getattr(database, name)

            def noted(*given: object, real: object = real) -> object:
                users.add(threading.current_thread().name)
                return real(*given)  # type: ignore[operator]

            setattr(database, name, noted)
        return database

    inbox = Recorder()
    writer = LedgerWriter(settings, connect=connect)
    writer.start(inbox)
    bench = Bench(writer, inbox)
    try:
        bench.open()
        threads = [
            threading.Thread(target=writer.book, args=(KEY, (trade(n, 100),), None))
            for n in range(1, 9)
        ]
        for thread in threads:
            thread.start()
        inbox.wait(Booked, 8)
        for thread in threads:
            thread.join()
    finally:
        writer.stop()
    assert users == {"ledger"}


def test_l5_a_fill_before_the_bots_are_read_is_not_booked_to_nobody(
    settings: DatabaseSettings,
) -> None:
    add_bots(settings, "a")
    with running(settings) as bench:
        fill = trade(1, 700, cl_ord_id="1.a")
        (refused,) = bench.book(fill).problems
        assert "are shut" in refused
        assert coin_rows(settings) == []
        bench.open()
        bench.writer.book(KEY, (fill,), None)
        bench.inbox.wait(Booked, 2)
    assert [row[1] for row in coin_rows(settings)] == ["a"]


def test_l7_the_position_of_the_reserved_bot_comes_back(settings: DatabaseSettings) -> None:
    add_bots(settings, "a")
    with running(settings) as bench:
        bench.open()
        bench.book(trade(1, 500), trade(2, 200, cl_ord_id="2.a"))
    with running(settings) as bench:
        held = {b.emi: b.position for b in bench.open().balances}
    assert held == {"XBTUSD.inverse": 500, "a": 200}


def test_l15_an_order_number_beyond_32_bits_is_kept(settings: DatabaseSettings) -> None:
    kept(settings, trade(1, 100, cl_ord_id=f"{2**31}.a"))


def test_l16_a_quantity_beyond_32_bits_is_kept(settings: DatabaseSettings) -> None:
    kept(settings, trade(1, 25_450_000_000, cl_ord_id="1.a", cost=-1))  # of a real settlement


def test_l17_fees_and_values_of_any_size_are_kept(settings: DatabaseSettings) -> None:
    kept(settings, trade(1, 100, cl_ord_id="1.a", cost=-(10**17), fee=10_000_000_000_000))


@pytest.mark.parametrize("price", ["0.000000000001", "0.000000001", "23.6335", "1000000.5"])
def test_l18_no_digit_of_a_price_is_lost(settings: DatabaseSettings, price: str) -> None:
    fill = trade(1, 100, cl_ord_id="1.a")
    kept(settings, replace(fill, price=Decimal(price), trade_price=Decimal(price) * 3))


def kept(settings: DatabaseSettings, fill: Executed) -> None:
    """Book a fill and compare the row with it, in integers and in what people read."""
    add_bots(settings, "a")
    with running(settings) as bench:
        bench.open()
        assert bench.book(fill).problems == ()
    ((quantity, price, traded, real, paid, number, fee),) = query(
        settings, f"SELECT {COLUMNS} FROM coins"
    )
    assert (quantity, real, paid) == (fill.quantity, -fill.cost, fill.fee)
    assert Decimal(str(price)) == fill.price
    assert Decimal(str(traded)) == fill.trade_price
    assert number == int(fill.cl_ord_id.split(".")[0])
    assert Decimal(str(fee)) == Decimal(fill.fee).scaleb(-8)


NASTY = "a'b\"; DROP TABLE coins; -- \\ % ?"


def test_s1_what_the_exchange_and_the_table_of_bots_say_is_never_sql(
    settings: DatabaseSettings,
) -> None:
    symbol = replace(XBTUSD, ticker=NASTY[:40])
    fill = replace(
        trade(1, 100, cl_ord_id=f"1.{NASTY}", symbol=symbol, currency="a'b"),
        exec_id=NASTY,
        order_id=NASTY,
    )
    add_bots(settings, "a'b")  # a row that a person has written
    scales = (*CURRENCIES, Currency("a'b", "A'B", 3))
    with running(settings) as bench:
        bench.writer.open(KEY, (XBTUSD, symbol), scales)
        books = bench.inbox.wait(LedgerOpened)[-1].books
        assert [robot.emi for robot in books.robots] == ["a'b"]
        assert bench.book(fill).problems == ()
        assert bench.book(fill).entries == ()
    with running(settings) as bench:
        bench.writer.open(KEY, (XBTUSD, symbol), scales)
        [balance] = bench.inbox.wait(LedgerOpened)[-1].books.balances
    assert (balance.symbol, balance.currency, balance.position) == (symbol, "a'b", 100)
    assert [row[0] for row in coin_rows(settings)] == [NASTY]


def test_l21_fills_of_one_second_keep_their_times_and_their_order(
    settings: DatabaseSettings,
) -> None:
    times = (0.5, 0.001, 0.999)
    with running(settings) as bench:
        bench.open()
        bench.book(*(trade(n, 100, seconds=at) for n, at in enumerate(times, start=1)))
    with running(settings) as bench:
        found = [entry.at for entry in bench.open().recent_trades]
    assert found == [START + timedelta(seconds=at) for at in sorted(times, reverse=True)]


def test_l33_two_symbols_with_equal_sums_count_both(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        for number, symbol in enumerate((XBTUSD, replace(XBTUSD, ticker="ETHUSD")), start=1):
            bench.book(trade(number, 100, symbol=symbol, cost=-1_000_000, fee=10))
    with running(settings) as bench:
        balances = bench.open().balances
    assert sum(balance.sum_real for balance in balances) == 2_000_000
    assert sum(balance.commission for balance in balances) == 20


def test_l38_reading_an_order_changes_nothing_and_can_be_done_again() -> None:
    before, known = dict(ORDER), directory()
    assert rows.order(ORDER, known) == rows.order(ORDER, known)
    assert before == ORDER


@pytest.mark.parametrize("fraction", ["", ".5", ".510", ".510123"])
def test_l39_a_time_may_have_a_fraction_or_none(fraction: str) -> None:
    found = parse_time(f"2026-05-03T05:01:40{fraction}Z", "transactTime")
    whole = datetime(2026, 5, 3, 5, 1, 40, tzinfo=timezone.utc)
    assert found == whole + timedelta(seconds=float(f"0{fraction}" if fraction else 0))


def test_l40_two_markets_share_nothing() -> None:
    one, other = (MarketState(name, Network.DEMO, (XBTUSDT,)) for name in ("One", "Other"))
    shared = [
        name
        for name, value in vars(one).items()
        if isinstance(value, (dict, list, set)) and value is vars(other)[name]
    ]
    assert shared == []


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Filled", Phase.FILLED),
        ("Canceled", Phase.CANCELED),
        ("Rejected", Phase.REJECTED),
        ("Expired", Phase.CANCELED),
        ("DoneForDay", Phase.CANCELED),
    ],
)
def test_l35_an_order_that_ended_in_any_way_is_no_open_one(status: str, phase: Phase) -> None:
    row = {**ORDER, "ordStatus": status, "leavesQty": 0}
    assert rows.order(row, directory()).phase is phase
