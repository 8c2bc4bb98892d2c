"""Taking over tables `coins` and `robots` that were made by hand, with their rows.

New tables are filled beside the old ones and take their names with one RENAME; the old ones stay as
`coins_backup` and `robots_backup`. Whatever breaks off before the rename begins anew, since the
tables beside are emptied first; after it only steps are left that may be repeated. SQLite does
everything in one transaction anyway.

What is wrong with the old rows is written into `audit` and kept, not repaired: nobody but a person
can say which of two rows is the right one.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

from common.domain.books import SIDE_BUY, SIDE_FUNDING, SIDE_SELL, AccountKey, Entry
from common.domain.executions import ExecutionKind, Network
from common.domain.instruments import Category, Symbol
from common.domain.robots import reserved_emi
from common.ledger.audit import Finding, find_duplicates, find_partial_splits, insert_finding
from common.ledger.booking import RowRefused
from common.ledger.database import (
    Database,
    Dialect,
    Value,
    time_text,
    to_decimal,
    to_int,
    to_text,
    to_time,
)
from common.ledger.rows import COIN_COLUMNS, Row, coin_row, insert
from common.ledger.schema import AUDIT, COINS, EXECUTIONS, ROBOTS
from common.ledger.table import Table

PAGE = 5000  # rows that are in memory at a time
BACKUP = "_backup"
NEXT = "_next"
OLD_COLUMNS = (
    "ID, EXECID, EMI, REFER, MARKET, CURRENCY, SYMBOL, CATEGORY, SIDE, QTY, QTY_REST, PRICE,"
    " THEOR_PRICE, TRADE_PRICE, SUMREAL, COMMISS, TTIME, DAT, CLORDID, ACCOUNT"
)
ROBOT_COLUMNS = "EMI, SYMBOL, CATEGORY, MARKET, SORT, DAT, TIMEFR, CAPITAL, MARGIN"
_SIDES = (SIDE_BUY, SIDE_SELL, SIDE_FUNDING)

log = logging.getLogger(__name__)


def take_over(database: Database, tables: Sequence[Table], scales: Mapping[str, int]) -> None:
    """Put tables of this program in the place of the old `tables` (COINS, ROBOTS or both).

    `scales`: currency -> decimal places of its smallest unit.
    """
    beside = [*tables, *((EXECUTIONS, AUDIT) if COINS in tables else ())]
    for table in beside:
        database.execute(_next(table).render(database.dialect)[0])
    for table in beside:
        database.execute(f"DELETE FROM {table.name}{NEXT}")
    if COINS in tables:
        _copy_coins(database, scales)
        _write_journal(database)
        for finding in (*find_duplicates(database, NEXT), *find_partial_splits(database, NEXT)):
            insert_finding(database, finding, NEXT)
    if ROBOTS in tables:
        database.execute(
            f"INSERT INTO robots{NEXT} ({ROBOT_COLUMNS}) SELECT {ROBOT_COLUMNS} FROM robots"
        )
    _exchange_names(database, tables, beside)


def _next(table: Table) -> Table:
    return replace(table, name=table.name + NEXT)


def _exchange_names(database: Database, tables: Sequence[Table], beside: Sequence[Table]) -> None:
    pairs = [(table.name, _free_name(database, table.name + BACKUP)) for table in tables]
    pairs += [(table.name + NEXT, table.name) for table in beside]
    if database.dialect is Dialect.MYSQL:  # one statement: all names change or none
        database.execute("RENAME TABLE " + ", ".join(f"{old} TO {new}" for old, new in pairs))
        return
    for old, new in pairs:
        database.execute(f"ALTER TABLE {old} RENAME TO {new}")


def _free_name(database: Database, name: str) -> str:
    number, free = 2, name
    while database.table_exists(free):
        number, free = number + 1, f"{name}_{number}"
    return free


def _copy_coins(database: Database, scales: Mapping[str, int]) -> None:
    """Copy every row that can be understood, money as integers; tell the others."""
    statement = insert(_next(COINS), ("ID", "DAT", *COIN_COLUMNS))
    taken, rounded = 0, Counter[str]()
    for page in _pages(database):
        rows: list[Row] = []
        for old in page:
            try:
                key, entry = _entry(old, scales)
                row = coin_row(key, entry)
            except RowRefused as refusal:
                finding = Finding(
                    "not taken over",
                    f"row {to_text(old[0])} of coins{BACKUP}: {refusal}",
                    *(to_text(old[4]), _number(old[19]), to_text(old[1])),
                )
                insert_finding(database, finding, NEXT)
                continue
            rounded[entry.currency] += _has_more_digits(old, entry.scale)
            rows.append((to_int(old[0]), _written(old[17]), *row))
        database.execute_many(statement, rows)
        taken += len(rows)
        log.info("%d rows of the table coins are taken over", taken)
    for currency, count in rounded.items():
        if count:
            note = f"{count} rows in {currency} had more digits than the currency; rounded"
            insert_finding(database, Finding("rounded", note), NEXT)


def _pages(database: Database) -> Iterator[list[tuple[Value, ...]]]:
    last = -1
    while True:
        page = database.query(
            f"SELECT {OLD_COLUMNS} FROM coins WHERE ID > ? ORDER BY ID LIMIT {PAGE}", (last,)
        )
        if page:
            yield page
            last = to_int(page[-1][0])
        if len(page) < PAGE:
            return


def _entry(old: Sequence[Value], scales: Mapping[str, int]) -> tuple[AccountKey, Entry]:
    """Return whose an old row is, and the row; RowRefused names the column that is wrong."""
    market, ticker, currency = to_text(old[4]), to_text(old[6]), to_text(old[5])
    missing = [
        name
        for name, number in (
            ("EXECID", 1),
            ("MARKET", 4),
            ("SYMBOL", 6),
            ("SIDE", 8),
            ("TTIME", 16),
        )
        if old[number] in (None, "")
    ]
    if missing:
        raise RowRefused(f"{' and '.join(missing)} missing")
    if to_text(old[7]) not in {category.value for category in Category}:
        raise RowRefused(f"CATEGORY {to_text(old[7])!r} is unknown")
    if currency not in scales:
        raise RowRefused(f"the decimal places of CURRENCY {currency!r} are not known")
    side, quantity = _number(old[8]), _number(old[9])
    if side not in _SIDES or quantity < 0:
        raise RowRefused(f"SIDE {to_text(old[8])!r} with QTY {to_text(old[9])!r} is not a row")
    symbol = Symbol(ticker, Category(to_text(old[7])))
    # Which network an old row is of is settled when its account is opened.
    key = AccountKey(market, Network.REAL, _number(old[19]))
    entry = Entry(
        exec_id=to_text(old[1]),
        kind=ExecutionKind.FUNDING if side == SIDE_FUNDING else ExecutionKind.TRADE,
        emi=to_text(old[2]) or reserved_emi(symbol),
        refer=to_text(old[3]) or None,
        symbol=symbol,
        currency=currency,
        side=side,
        quantity=quantity,
        rest=_number(old[10]),
        price=_decimal(old[11]),
        theor_price=_decimal(old[12]),
        trade_price=_decimal(old[13]),
        sum_real=0 if side == SIDE_FUNDING else _units("SUMREAL", old[14], scales[currency]),
        commission=_units("COMMISS", old[15] if old[15] is not None else 0, scales[currency]),
        scale=scales[currency],
        at=to_time(old[16]),
        number=_number(old[18]),
    )
    return key, entry


def _number(value: Value) -> int:
    try:
        return to_int(value)
    except ValueError as error:
        raise RowRefused(f"{to_text(value)[:40]!r} is not a whole number") from error


def _decimal(value: Value) -> Decimal | None:
    try:
        return to_decimal(value)
    except ArithmeticError as error:
        raise RowRefused(f"{to_text(value)[:40]!r} is not a number") from error


def _units(column: str, value: Value, scale: int) -> int:
    number = _decimal(value)
    if number is None:
        raise RowRefused(f"{column} missing")
    return int(number.scaleb(scale).quantize(Decimal(1), ROUND_HALF_EVEN))


def _has_more_digits(old: Sequence[Value], scale: int) -> bool:
    amounts = [_decimal(value) for value in old[14:16] if value is not None]
    return any(a is not None and a.scaleb(scale) % 1 != 0 for a in amounts)


def _written(value: Value) -> str | None:
    return None if value is None else time_text(to_time(value))


def _write_journal(database: Database) -> None:
    """Fill the journal back: what the rows of an execution amount to. RAW stays empty."""
    database.execute(
        f"INSERT INTO executions{NEXT} (MARKET, NETWORK, ACCOUNT, EXECID, KIND, EXEC_TYPE, SYMBOL,"
        " CATEGORY, CLORDID, ORDERID, TTIME, WRITTEN_AT, CURRENCY, EXEC_COST, FEE_CURRENCY,"
        " EXEC_COMM, ROW_COUNT, RAW) SELECT MARKET, NETWORK, ACCOUNT, EXECID, MIN(KIND), MIN(KIND),"
        " MIN(SYMBOL), MIN(CATEGORY), '', '', MIN(TTIME), MIN(TTIME), MIN(CURRENCY),"
        " -SUM(SUMREAL_I), MIN(CURRENCY), SUM(COMMISS_I), COUNT(*), ''"
        f" FROM coins{NEXT} GROUP BY MARKET, NETWORK, ACCOUNT, EXECID"
    )
