"""Rows of `coins` that were deleted by hand come back once their executions are read again."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from common.domain.books import Books, Entry
from common.domain.executions import Executed
from common.ledger import clerk, sums
from common.ledger.booking import Standing, book
from common.ledger.database import DatabaseSettings, to_int
from common.ledger.restoring import restore
from tests.common.ledger.support import (
    KEY,
    START,
    XBT_USDT,
    XBTUSD,
    add_bots,
    coin_rows,
    funding,
    query,
    run,
    running,
    settlement,
    trade,
)

HISTORY = (
    trade(1, 300, cl_ord_id="1.a"),
    trade(2, -469, cl_ord_id="2.b"),
    funding(3, -169, -182),
    trade(4, 40, cl_ord_id="4.other"),
    funding(5, -129, 77),
    settlement(6, -129, cost=1001, fee=13),
)
Figures = dict[str, tuple[int, int]]


def totals(settings: DatabaseSettings) -> Figures:
    """Return execution -> SUMREAL and COMMISS over its rows."""
    found: Figures = defaultdict(lambda: (0, 0))
    for exec_id, _, _, real, paid in coin_rows(settings):
        there = found[str(exec_id)]
        found[str(exec_id)] = (there[0] + to_int(real), there[1] + to_int(paid))
    return dict(found)


def in_books(books: Books) -> dict[str, tuple[int, int, int]]:
    return {
        b.emi: (b.position, b.sum_real, b.commission + b.funding)
        for b in books.balances
        if b.position or b.sum_real or b.commission or b.funding
    }


def with_news(books: Books, entries: Sequence[Entry]) -> dict[str, tuple[int, int, int]]:
    """Return what a screen shows that started with `books` and then heard of `entries`."""
    shown = {emi: list(figures) for emi, figures in in_books(books).items()}
    for entry in entries:
        row = shown.setdefault(entry.emi, [0, 0, 0])
        row[0] += entry.position_delta
        row[1] += entry.sum_real
        row[2] += entry.commission
    return {emi: (row[0], row[1], row[2]) for emi, row in shown.items() if any(row)}


def written(settings: DatabaseSettings, *bots: str) -> None:
    add_bots(settings, *bots)
    with running(settings) as ledger:
        ledger.open()
        ledger.book(*HISTORY, cursor=START)


@pytest.mark.parametrize("seed", range(6))
def test_any_rows_that_were_deleted_come_back_with_the_exchanges_totals(
    settings: DatabaseSettings, seed: int
) -> None:
    written(settings, "a", "b")
    whole, rows = totals(settings), coin_rows(settings)
    ids = [to_int(row[0]) for row in query(settings, "SELECT ID FROM coins ORDER BY ID")]
    gone = random.Random(seed).sample(ids, k=len(ids) // 2)
    run(settings, f"DELETE FROM coins WHERE ID IN ({', '.join(map(str, gone))})")
    with running(settings) as ledger:
        before = ledger.open()
        assert before.holes
        booked = ledger.book(*HISTORY)
        again = ledger.book(*HISTORY)
        after = ledger.open()
    assert totals(settings) == whole
    assert again.known == len(HISTORY)
    assert again.entries == ()
    assert not after.holes
    # The robots are the same, so is every row; the screen heard of what was missing, once.
    assert sorted(map(str, coin_rows(settings))) == sorted(map(str, rows))
    assert with_news(before, booked.entries) == in_books(after)


def test_what_a_removed_bot_had_goes_to_the_reserved_emi(settings: DatabaseSettings) -> None:
    written(settings, "a", "b")
    whole = totals(settings)
    run(settings, "DELETE FROM coins WHERE EMI = 'b'")
    run(settings, "DELETE FROM robots WHERE EMI = 'b'")
    with running(settings) as ledger:
        before = ledger.open()
        booked = ledger.book(*HISTORY)
        after = ledger.open()
    assert totals(settings) == whole
    assert "b" not in in_books(after)
    assert with_news(before, booked.entries) == in_books(after)
    counts = query(settings, "SELECT EXECID, EMI FROM coins GROUP BY EXECID, EMI HAVING COUNT(*)>1")
    assert counts == []
    assert (
        query(
            settings,
            "SELECT e.EXECID FROM executions e WHERE ROW_COUNT <>"
            " (SELECT COUNT(*) FROM coins c WHERE c.EXECID = e.EXECID)",
        )
        == []
    )


def test_holes_that_are_not_read_again_stay_told(settings: DatabaseSettings) -> None:
    written(settings, "a", "b")
    run(settings, "DELETE FROM coins WHERE EXECID = 'exec-000003' AND EMI = 'a'")
    run(settings, "DELETE FROM coins WHERE EXECID = 'exec-000001'")
    with running(settings) as ledger:
        assert list(ledger.open().holes) == [HISTORY[0].at, HISTORY[2].at]
        ledger.book(*HISTORY[2:])
        assert list(ledger.open().holes) == [HISTORY[0].at]
        ledger.book(*HISTORY)
        assert list(ledger.open().holes) == []


def test_rows_deleted_with_their_journal_are_no_hole_and_are_booked_anew(
    settings: DatabaseSettings,
) -> None:
    written(settings, "a", "b")
    whole = totals(settings)
    run(settings, "DELETE FROM coins WHERE EXECID = 'exec-000002'")
    run(settings, "DELETE FROM executions WHERE EXECID = 'exec-000002'")
    with running(settings) as ledger:
        assert not ledger.open().holes
        ledger.book(*HISTORY)
        assert not ledger.open().holes
    assert totals(settings) == whole


def test_kept_sums_equal_the_rows_and_are_dropped_when_rows_change(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "KEEP_EVERY", 3)
    written(settings, "a", "b")
    with running(settings) as ledger:
        first = in_books(ledger.open())
        kept = query(settings, "SELECT KEPT_ROWS FROM ledger_tally")
        assert kept == [(len(coin_rows(settings)),)]
        ledger.book(trade(7, 11, cl_ord_id="7.a"))
        second = in_books(ledger.open())
        assert second["a"][0] == first["a"][0] + 11
    # Kept sums are really used: a forged one is believed, until the rows below it change.
    run(settings, "UPDATE kept_sums SET POSITION = POSITION + 1000 WHERE EMI = 'a'")
    with running(settings) as ledger:
        assert in_books(ledger.open())["a"][0] == second["a"][0] + 1000
    run(settings, "DELETE FROM coins WHERE EXECID = 'exec-000001'")
    with running(settings) as ledger:
        assert in_books(ledger.open())["a"][0] == second["a"][0] - 300
        ledger.book(HISTORY[0])
        assert in_books(ledger.open()) == second


def test_a_long_run_keeps_its_sums_by_itself(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "KEEP_EVERY", 0)
    monkeypatch.setattr(clerk, "KEEP_AFTER", 5)
    with running(settings) as ledger:
        ledger.open()
        for number in range(1, 13):
            ledger.book(trade(number, 10))
        assert [to_int(r[0]) for r in query(settings, "SELECT KEPT_ROWS FROM ledger_tally")] == [10]
        shown = in_books(ledger.open())
    assert shown["XBTUSD.inverse"][0] == 120


def test_the_half_of_a_spot_trade_that_stands_names_its_owner() -> None:
    fill = replace(
        trade(1, 5, cl_ord_id="1.a", symbol=XBT_USDT, cost=9, fee=3, currency="USDt"),
        fee_currency="XBt",
    )
    scales = {"XBt": 8, "USDt": 6}
    then = book(fill, Standing({"a": XBT_USDT}, {}, scales))
    now = book(fill, Standing({}, {}, scales))
    assert {entry.emi for entry in now} == {"XBT_USDT.spot"}
    for lost in then:
        kept = [entry for entry in then if entry is not lost]
        assert restore(fill, now, kept).rows == (lost,)


weights = st.dictionaries(
    st.sampled_from(["a", "b", "c", "XBTUSD.inverse"]), st.integers(-500, 500), max_size=4
)


@rules(max_examples=300, deadline=None)
@given(
    then=weights, now=weights, money=st.integers(-(10**6), 10**6), keep=st.sets(st.integers(0, 4))
)
@pytest.mark.parametrize("kind", ["funding", "settlement"])
def test_completed_shares_always_sum_to_the_exchanges_figures(
    kind: str, then: dict[str, int], now: dict[str, int], money: int, keep: set[int]
) -> None:
    """Whatever the positions were then and are now, and whichever rows stand."""
    total = sum(then.values())
    if not total:
        return
    paid: Executed = funding(1, total, money) if kind == "funding" else settlement(1, total, money)
    scales = {"XBt": 8}
    before = book(paid, Standing({}, then, scales))
    standing = [entry for number, entry in enumerate(before) if number in keep]
    if not standing or len(standing) == len(before):
        return
    restored = restore(paid, book(paid, Standing({}, now, scales)), standing)
    rows = [e for e in standing if e is not restored.replaced] + list(restored.rows)
    assert sum(e.commission for e in rows) == paid.fee
    assert sum(e.sum_real for e in rows) == (0 if kind == "funding" else -paid.cost)
    assert sum(e.position_delta for e in rows) == (0 if kind == "funding" else -total)
    assert len({e.emi for e in rows}) == len(rows)
    known = sum(e.commission for e in standing) + sum(e.commission for e in restored.news)
    assert known == paid.fee
    assert KEY.account == paid.account
    assert {e.symbol for e in rows} == {XBTUSD}
