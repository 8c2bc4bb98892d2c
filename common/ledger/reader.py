"""The books as the tables hold them, for a comparison with the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from common.domain.books import AccountKey
from common.domain.executions import ExecutionKind
from common.domain.instruments import Category, Symbol
from common.domain.verification import BooksRead, CoinRow, JournalRow
from common.ledger import statements as sql
from common.ledger import wallet_rows
from common.ledger.database import (
    Database,
    Value,
    time_text,
    to_decimal,
    to_int,
    to_text,
    to_time,
)
from common.ledger.read_rows import to_balance, to_entry
from common.ledger.sums import read_sums


def read_books(database: Database, key: AccountKey, since: datetime, every_row: bool) -> BooksRead:
    """Return journal and rows from a moment on, and the sums of all rows of an account.

    every_row: all rows are added up; else only those after the sums that are kept.
    Expects to stand in a transaction, so that all of it is of one moment.
    """
    account = (key.market, key.network.value, key.account)
    moment = time_text(since)
    first, executions = database.query(sql.JOURNAL_SPAN, account)[0]
    said = wallet_rows.kinds_said(database, key.market)
    sums = read_sums(database, key)
    return BooksRead(
        journal=[_journal_row(row) for row in database.query(sql.JOURNAL, (*account, moment))],
        rows=[_coin_row(row) for row in database.query(sql.COIN_ROWS, (*account, moment))],
        balances=(
            [to_balance(row) for row in database.query(sql.ROW_SUMS, account)]
            if every_row
            else [balance for balance, _ in sums.balances]
        ),
        first=None if first is None else to_time(first),
        executions=to_int(executions),
        holes=sums.holes,
        wallet_kinds=said,
    )


def _journal_row(row: Sequence[Value]) -> JournalRow:
    return JournalRow(
        exec_id=to_text(row[0]),
        kind=ExecutionKind(to_text(row[1])),
        symbol=Symbol(to_text(row[2]), Category(to_text(row[3]))),
        currency=to_text(row[4]),
        cost=to_int(row[5]),
        fee_currency=to_text(row[6]),
        fee=to_int(row[7]),
        row_count=to_int(row[8]),
        at=to_time(row[9]),
    )


def _coin_row(row: Sequence[Value]) -> CoinRow:
    *entry, sum_real, commission = row
    return CoinRow(to_entry(entry), to_decimal(sum_real), to_decimal(commission))
