"""The books depend on what happened, not on how often, when or in which pieces it was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from common.domain.executions import Executed, ExecutionKind
from common.ledger import jobs
from common.ledger.clerk import Clerk
from common.ledger.database import Value, to_int, to_text
from common.ledger.migration import migrate
from common.ledger.sqlite_database import SqliteDatabase
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    START,
    XBTUSD,
    funding,
    settlement,
    trade,
)

BOTS = ("a", "b", "stranger", "")
NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
Rows = list[tuple[Value, ...]]
Sums = tuple[str, int, int, int, int]  # EMI, contracts, SUMREAL, COMMISS, funding
_SUMS = (
    "SELECT EMI, SUM(CASE SIDE WHEN 0 THEN QTY WHEN 1 THEN -QTY ELSE 0 END), SUM(SUMREAL_I),"
    " SUM(CASE SIDE WHEN -1 THEN 0 ELSE COMMISS_I END),"
    " SUM(CASE SIDE WHEN -1 THEN COMMISS_I ELSE 0 END) FROM coins GROUP BY EMI ORDER BY EMI"
)
SLOW = settings(max_examples=40, deadline=None)

steps = st.lists(
    st.tuples(st.sampled_from(BOTS), st.integers(-500, 500), st.integers(-(10**6), 10**6)),
    min_size=1,
    max_size=25,
)


def history(drawn: list[tuple[str, int, int]]) -> list[Executed]:
    """Return a history whose funding and settlement rows fit the account's position."""
    total, rows = 0, []
    for number, (bot, quantity, money) in enumerate(drawn, start=1):
        if quantity % 5 == 0 and total:
            rows.append(funding(number, total, money))
        elif quantity % 7 == 0 and total:
            rows.append(settlement(number, total, cost=money, fee=money % 11))
            total = 0
        else:
            cl_ord_id = f"{number}.{bot}" if bot else ""
            rows.append(trade(number, quantity or 1, cl_ord_id=cl_ord_id, cost=money))
            total += quantity or 1
    return rows


def booked(*batches: list[Executed], restart: bool = False) -> tuple[Rows, list[Sums]]:
    """Book batch by batch in a fresh file; return the rows of `coins` and the sums in memory."""
    with TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "books.db")
        migrate(database, NOW)
        for emi in ("a", "b"):
            database.execute(
                "INSERT INTO robots (EMI, SYMBOL, CATEGORY, MARKET, TIMEFR)"
                " VALUES (?, 'XBTUSD', 'inverse', ?, 1)",
                (emi, KEY.market),
            )
        scales = {currency.code: currency.scale for currency in CURRENCIES}
        clerk = Clerk(database, {}, lambda _: None, lambda: NOW)
        clerk.carry_out(jobs.Open(KEY, (XBTUSD,), scales))
        for batch in batches:
            if restart:
                clerk = Clerk(database, {}, lambda _: None, lambda: NOW)
                clerk.carry_out(jobs.Open(KEY, (XBTUSD,), scales))
            clerk.carry_out(jobs.Book(KEY, batch, None))
        rows = database.query(
            "SELECT EXECID, EMI, SIDE, QTY, SUMREAL_I, COMMISS_I FROM coins ORDER BY EXECID, EMI"
        )
        sums: list[Sums] = []
        for name, *totals in database.query(_SUMS):
            held, real, paid, fund = map(to_int, totals)
            sums.append((to_text(name), held, real, paid, fund))
        memory = [
            (b.emi, b.position, b.sum_real, b.commission, b.funding)
            for b in sorted(clerk.balances(KEY), key=lambda b: b.emi)
        ]
        database.close()
        assert memory == sums  # what is shown is what the rows sum to
        return rows, sums


@SLOW
@given(steps)
def test_the_shares_of_every_execution_sum_to_the_exchanges_figures(
    drawn: list[tuple[str, int, int]],
) -> None:
    rows = history(drawn)
    coins, sums = booked(rows)
    exact(rows, coins, sums)
    if rows[-1].kind is ExecutionKind.SETTLEMENT:
        assert all(mine[1] == 0 for mine in sums)


@SLOW
@given(steps, st.randoms(use_true_random=False), st.integers(1, 9))
def test_gaps_that_are_filled_late_and_in_any_order_cost_no_unit(
    drawn: list[tuple[str, int, int]], random: object, size: int
) -> None:
    rows = history(drawn)
    late = [*rows, *rows[::2]]  # some come twice
    random.shuffle(late)  # type: ignore[attr-defined]
    pieces = [late[start : start + size] for start in range(0, len(late), size)]
    exact(rows, *booked(*pieces, restart=True))


def exact(rows: list[Executed], coins: Rows, sums: list[Sums]) -> None:
    """Every execution stands once, its shares sum to its figures, and so do all positions."""
    assert {coin[0] for coin in coins} == {row.exec_id for row in rows}
    assert len({(coin[0], coin[1]) for coin in coins}) == len(coins)
    for row in rows:
        mine = [coin for coin in coins if coin[0] == row.exec_id]
        cost = 0 if row.kind is ExecutionKind.FUNDING else row.cost
        assert sum(int(str(coin[4])) for coin in mine) == -cost
        assert sum(int(str(coin[5])) for coin in mine) == row.fee
    signed = {ExecutionKind.TRADE: 1, ExecutionKind.SETTLEMENT: 1, ExecutionKind.FUNDING: 0}
    total = sum(signed[r.kind] * r.side.sign * r.quantity for r in rows if r.side)
    assert sum(mine[1] for mine in sums) == total


@SLOW
@given(steps, st.data())
def test_l32_p14_p15_pieces_repetitions_and_restarts_change_nothing(
    drawn: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    rows = history(drawn)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    pieces = [
        rows[max(0, start - data.draw(st.integers(0, 5))) : end]
        for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)
    ]
    assert booked(*pieces, restart=data.draw(st.booleans())) == booked(rows)


@SLOW
@given(steps, st.randoms(use_true_random=False))
def test_executions_of_one_moment_may_come_in_any_order(
    drawn: list[tuple[str, int, int]], random: object
) -> None:
    rows = history(drawn)
    moments: list[list[Executed]] = [[]]
    for row in rows:  # fills in a row happen at once; what is split by positions ends the moment
        if row.kind is ExecutionKind.TRADE:
            moments[-1].append(replace(row, at=START, written_at=START))
        else:
            moments += [[row], []]
    at = [START + timedelta(seconds=n) for n in range(len(moments))]
    timed = [
        [replace(row, at=when, written_at=when) for row in moment]
        for moment, when in zip(moments, at, strict=True)
    ]
    usual = booked([row for moment in timed for row in moment])
    for moment in timed:
        random.shuffle(moment)  # type: ignore[attr-defined]
    assert booked([row for moment in timed for row in moment]) == usual


@SLOW
@given(steps)
def test_the_result_of_a_flat_bot_is_what_its_executions_cost(
    drawn: list[tuple[str, int, int]],
) -> None:
    rows = [row for row in history(drawn) if row.kind is ExecutionKind.TRADE]
    for bot in ("a", "b"):  # each closes at last what it holds
        mine = [row for row in rows if row.cl_ord_id.endswith(f".{bot}")]
        held = sum(row.side.sign * row.quantity for row in mine if row.side)
        if held:
            rows.append(trade(len(drawn) + 1 + len(rows), -held, cl_ord_id=f"9.{bot}", cost=held))
    _, sums = booked(rows)
    for bot in ("a", "b"):
        mine = [row for row in rows if row.cl_ord_id.endswith(f".{bot}")]
        result = -sum(row.cost for row in mine) - sum(row.fee for row in mine)
        found = [(held, real - paid - fund) for emi, held, real, paid, fund in sums if emi == bot]
        assert found == ([(0, result)] if mine else [])


@SLOW
@given(steps)
def test_after_a_settlement_the_results_of_all_bots_are_what_everything_cost(
    drawn: list[tuple[str, int, int]],
) -> None:
    rows = history([*drawn, ("a", 1, 5)])
    total = sum(
        row.side.sign * row.quantity
        for row in rows
        if row.side and row.kind is not ExecutionKind.FUNDING
    )
    if total:
        rows.append(settlement(len(rows) + 1, total, cost=777, fee=3))
    _, sums = booked(rows)
    cost = sum(row.cost for row in rows if row.kind is not ExecutionKind.FUNDING)
    fees = sum(row.fee for row in rows)
    assert sum(real - paid - fund for _, _, real, paid, fund in sums) == -cost - fees
    assert all(held == 0 for _, held, *_ in sums) or not total


@SLOW
@given(steps, st.data())
def test_funding_may_come_later_than_the_trades_after_it(
    drawn: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    rows = [row for row in history(drawn) if row.kind is not ExecutionKind.SETTLEMENT]
    rows = history_without_settlements(rows)
    late = [row for row in rows if row.kind is ExecutionKind.FUNDING and data.draw(st.booleans())]
    assert booked([row for row in rows if row not in late], late) == booked(rows)


def history_without_settlements(rows: list[Executed]) -> list[Executed]:
    """Return the trades with funding rows that fit the position they leave."""
    total, fitting = 0, []
    for number, row in enumerate(rows, start=1):
        if row.kind is ExecutionKind.FUNDING:
            if total:
                fitting.append(funding(number, total, row.fee))
            continue
        assert row.side is not None
        total += row.side.sign * row.quantity
        fitting.append(trade(number, row.side.sign * row.quantity, cl_ord_id=row.cl_ord_id))
    return fitting
