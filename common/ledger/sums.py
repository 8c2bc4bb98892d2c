"""Balances of an account at the start: sums kept of the rows, checked against the rows.

Adding up a million rows takes seconds. So the sums of all rows up to some ID are kept in
`kept_sums`, and only the rows after it are added up. What is kept counts only while as many rows
with the same sum of IDs stand up to there: rows that were deleted or brought back are noticed and
everything is added up anew. That changed figures agree with their sums is what verification checks.

The journal knows how many rows of `coins` must stand (`ledger_tally.COIN_ROWS`); when fewer do,
the executions that lack rows are looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.domain.books import AccountKey, Balance
from common.ledger import statements as sql
from common.ledger.database import Database, Value, time_text, to_int, to_text, to_time
from common.ledger.read_rows import to_balance, to_kept_balance
from common.ledger.rows import kept_row

KEEP_EVERY = 20_000  # rows that may be added up at a start; more are kept as sums first
SPAN = 200_000  # IDs of `coins` that one statement looks at
JOURNAL_ROWS = 20_000  # rows of the journal that one statement returns
Dated = tuple[Balance, "datetime | None"]  # with the time of its last trade


@dataclass(frozen=True, slots=True)
class Tally:
    """A row of `ledger_tally`."""

    coin_rows: int  # that must stand by the journal
    kept_id: int  # rows up to here are in the kept sums
    kept_rows: int
    kept_id_sum: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What the rows of an account amount to."""

    balances: Sequence[Dated]
    rows: int  # that stand
    added_up: int  # of them not from kept sums
    last_id: int  # of the newest row
    must_stand: int  # rows by the journal
    tally_is_right: bool
    holes: Sequence[datetime] = ()  # times of executions that lack rows, oldest first


def read_sums(database: Database, key: AccountKey) -> Sums:
    """Return the sums, from what is kept where the rows allow it; changes nothing."""
    account = _parameters(key)
    tally = _tally(database, key)
    kept: list[Dated] = []
    start = kept_rows = 0
    if tally is not None and _kept_is_true(database, account, tally):
        kept = [_kept_balance(row) for row in database.query(sql.KEPT, account)]
        start, kept_rows = tally.kept_id, tally.kept_rows
    last = to_int(database.query(sql.LAST_ROW)[0][0])
    fresh = [
        row
        for first in range(start, last, SPAN)
        for row in database.query(sql.BALANCES_OF, (*account, first, min(first + SPAN, last)))
    ]
    added_up = sum(to_int(row[10]) for row in fresh)
    rows = added_up + kept_rows
    right = tally is not None and tally.coin_rows == rows
    must_stand, holes = (rows, []) if right else _compare(database, account, last)
    return Sums(
        balances=_merge([*kept, *map(_fresh_balance, fresh)]),
        rows=rows,
        added_up=added_up,
        last_id=last,
        must_stand=must_stand,
        tally_is_right=right,
        holes=holes,
    )


def _compare(
    database: Database, account: tuple[str, str, int], last: int
) -> tuple[int, list[datetime]]:
    """Return how many rows the journal asks for, and the times of executions that lack some."""
    standing: Counter[str] = Counter()
    for first in range(0, last, SPAN):
        span = (*account, first, min(first + SPAN, last))
        for exec_id, count in database.query(sql.ROWS_PAGE, span):
            standing[to_text(exec_id)] += to_int(count)
    must_stand, holes, after = 0, [], ""
    while True:
        page = database.query(sql.JOURNAL_PAGE, (*account, after, JOURNAL_ROWS))
        for exec_id, count, at in page:
            must_stand += to_int(count)
            if standing[to_text(exec_id)] < to_int(count):
                holes.append(to_time(at))
        if len(page) < JOURNAL_ROWS:
            return must_stand, sorted(holes)
        after = to_text(page[-1][0])


def keep_sums(database: Database, key: AccountKey, sums: Sums) -> None:
    """Write the sums for the next start and set the tally right, where there is need of it."""
    account = _parameters(key)
    if sums.tally_is_right and sums.added_up <= KEEP_EVERY:
        return
    if sums.holes:  # missing rows may come back: nothing is kept until the books are whole
        database.execute(sql.REPLACE_TALLY, (*account, sums.must_stand, 0, 0, 0))
        return
    last = sums.last_id
    rows, id_sum = database.query(sql.ROWS_UP_TO, (*account, last))[0]
    if to_int(rows) != sums.rows:  # another process has written in the meantime
        last, rows, id_sum = 0, 0, 0
    database.execute(
        sql.REPLACE_TALLY, (*account, sums.must_stand, last, to_int(rows), to_int(id_sum))
    )
    database.execute(sql.DELETE_KEPT, account)
    if last:
        kept = [kept_row(key, balance, _text(at)) for balance, at in sums.balances]
        database.execute_many(sql.INSERT_KEPT, kept)


def count_on(database: Database, key: AccountKey, rows: int) -> None:
    """Take into the tally that so many more rows must stand from this transaction on."""
    if rows:
        database.execute(sql.COUNT_ON, (rows, *_parameters(key)))


def _tally(database: Database, key: AccountKey) -> Tally | None:
    rows = database.query(sql.TALLY, _parameters(key))
    return Tally(*(to_int(value) for value in rows[0])) if rows else None


def _kept_is_true(database: Database, account: tuple[str, str, int], tally: Tally) -> bool:
    if not tally.kept_id:
        return False
    rows, id_sum = database.query(sql.ROWS_UP_TO, (*account, tally.kept_id))[0]
    return to_int(rows) == tally.kept_rows and to_int(id_sum) == tally.kept_id_sum


def _kept_balance(row: Sequence[Value]) -> Dated:
    return to_kept_balance(row), _time(row[9])


def _fresh_balance(row: Sequence[Value]) -> Dated:
    return to_balance(row), _time(row[9])


def _merge(parts: Iterable[Dated]) -> list[Dated]:
    merged: dict[tuple[object, ...], Dated] = {}
    for balance, at in parts:
        name = (balance.emi, balance.symbol, balance.currency)
        if name not in merged:
            merged[name] = (balance, at)
            continue
        whole, last = merged[name]
        whole.take(balance)
        merged[name] = (whole, max((t for t in (at, last) if t is not None), default=None))
    return list(merged.values())


def _time(value: Value) -> datetime | None:
    return None if value is None or to_text(value) == "" else to_time(value)


def _text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _parameters(key: AccountKey) -> tuple[str, str, int]:
    return key.market, key.network.value, key.account
