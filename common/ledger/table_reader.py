"""The tables of the books as they are, column by column, for exports. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from common.domain.books import AccountKey
from common.ledger.database import Database, Dialect, Value, to_decimal, to_int, to_text, to_time
from common.ledger.schema import LEDGER_TABLES
from common.ledger.table import Table

PAGE = 5000  # rows that are in memory at a time
_SNAPSHOT = {  # how a reader keeps seeing the same moment, and nobody waits for it
    Dialect.SQLITE: ["BEGIN"],
    Dialect.MYSQL: [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    ],
}
Cell = str | int | Decimal | datetime | None
_ACCOUNT = ("MARKET", "NETWORK", "ACCOUNT")
_BY_EXECUTION = ", ".join((*_ACCOUNT, "EXECID"))


def ledger_tables() -> Sequence[Table]:
    """Return every table of the books."""
    return LEDGER_TABLES


@contextmanager
def one_moment(database: Database) -> Iterator[None]:
    """Have everything that is read inside be of one moment; writers go on meanwhile."""
    database.rollback()  # a server has begun a transaction with whatever was read before
    for statement in _SNAPSHOT[database.dialect]:
        database.execute(statement)
    try:
        yield
    finally:
        database.rollback()


def read_table(
    database: Database, table: Table, keys: Sequence[AccountKey]
) -> Iterator[Sequence[Cell]]:
    """Return the rows of a table that belong to these accounts, or to no account at all.

    Amounts and numbers are exact: integers, and decimals without the zeros that pad a column.
    """
    names = [column.name for column in table.columns]
    kinds = [column.kind for column in table.columns]
    for condition, parameters in _owners(names, keys):
        for row in _pages(database, table, names, condition, parameters):
            yield [_cell(value, kind) for value, kind in zip(row, kinds, strict=True)]


def _owners(
    names: Sequence[str], keys: Sequence[AccountKey]
) -> list[tuple[str, tuple[str | int, ...]]]:
    """Return conditions with their parameters, by what a table tells of its owner."""
    if set(_ACCOUNT) <= set(names):
        condition = " AND ".join(f"{name} = ?" for name in _ACCOUNT)
        return [(condition, (key.market, key.network.value, key.account)) for key in keys]
    if "MARKET" in names:
        markets = sorted({key.market for key in keys})
        marks = ", ".join("?" * len(markets))
        return [(f"(MARKET IN ({marks}) OR MARKET IS NULL OR MARKET = '')", tuple(markets))]
    return [("1 = 1", ())]


def _pages(
    database: Database,
    table: Table,
    names: Sequence[str],
    condition: str,
    parameters: tuple[str | int, ...],
) -> Iterator[tuple[Value, ...]]:
    """Return the rows in pages where there may be many: by ID, or by execution."""
    select = f"SELECT {', '.join(names)} FROM {table.name} WHERE {condition}"
    order = "ID" if "ID" in names else "EXECID" if table.primary == _BY_EXECUTION else ""
    if not order:
        yield from database.query(f"{select} ORDER BY {table.primary or names[0]}", parameters)
        return
    place = names.index(order)
    last: str | int = 0 if order == "ID" else ""
    while True:
        page = database.query(
            f"{select} AND {order} > ? ORDER BY {order} LIMIT {PAGE}", (*parameters, last)
        )
        yield from page
        if len(page) < PAGE:
            return
        last = to_int(page[-1][place]) if order == "ID" else to_text(page[-1][place])


def _cell(value: Value, kind: str) -> Cell:
    if value is None:
        return None
    if kind == "decimal":
        return to_decimal(value)
    if kind in ("time", "written"):
        return to_time(value)
    return to_int(value) if kind in ("id", "small", "int") else to_text(value)
