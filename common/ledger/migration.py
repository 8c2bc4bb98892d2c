"""Bringing the tables of a database to this version: numbered steps, each recorded once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from common.errors import ConfigurationError
from common.ledger.database import Database, Dialect, time_text, to_int, to_text, transaction
from common.ledger.schema import COINS, MIGRATIONS, ROBOTS, SCHEMA_VERSION
from common.ledger.table import Table
from common.ledger.takeover import OLD_COLUMNS, ROBOT_COLUMNS, take_over

_COLUMNS = {
    Dialect.SQLITE: "SELECT name, type FROM pragma_table_info(?)",
    Dialect.MYSQL: (
        "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = ?"
    ),
}
_OLD = {COINS.name: OLD_COLUMNS, ROBOTS.name: ROBOT_COLUMNS}
_WHOLE_NUMBER = ("integer", "bigint")  # how this program's tables name the type of TIMEFR


def migrate(database: Database, now: datetime, scales: Mapping[str, int] | None = None) -> None:
    """Bring the tables to the newest version. ConfigurationError: the schema is not ours.

    `scales` (currency -> decimal places) are needed where rows made by other means are taken over.
    """
    with transaction(database):
        version = _version(database)
        if version > max(MIGRATIONS):
            raise ConfigurationError(
                f"The database {database.name} was written by a newer version of the program "
                f"(schema {version}, this one knows {max(MIGRATIONS)}); update the program."
            )
        if version == 0:
            _make_room(database, scales)
        for number in sorted(MIGRATIONS):
            if number > version:
                _apply(database, number, now)


def _version(database: Database) -> int:
    if not database.table_exists(SCHEMA_VERSION.name):
        return 0
    return to_int(database.query("SELECT MAX(VERSION) FROM schema_version")[0][0])


def _make_room(database: Database, scales: Mapping[str, int] | None) -> None:
    """Take rows made by other means over, drop empty tables, refuse what is not understood."""
    foreign = [
        table
        for table in (COINS, ROBOTS)
        if database.table_exists(table.name) and not _is_ours(database, table)
    ]
    filled = [t for t in foreign if database.query(f"SELECT 1 FROM {t.name} LIMIT 1")]
    for table in filled:
        _expect_old(database, table)
    if filled and scales is None:
        raise ConfigurationError(
            f"The database {database.name} has tables of an earlier program; start the terminal "
            "once, it takes their rows over."
        )
    for table in foreign:
        if table not in filled:
            database.execute(f"DROP TABLE {table.name}")
    if filled:
        take_over(database, filled, scales or {})


def _columns(database: Database, table: str) -> dict[str, str]:
    """Return name -> type of the columns, as they were declared, in small letters."""
    rows = database.query(_COLUMNS[database.dialect], (table,))
    return {to_text(name).upper(): to_text(kind).lower() for name, kind in rows}


def _is_ours(database: Database, table: Table) -> bool:
    columns = _columns(database, table.name)
    if columns.keys() != {column.name for column in table.columns}:
        return False
    # The old table `robots` has the same names; its numbers are small ones.
    return table is not ROBOTS or columns["TIMEFR"] in _WHOLE_NUMBER


def _expect_old(database: Database, table: Table) -> None:
    columns = _columns(database, table.name)
    expected = set(_OLD[table.name].split(", "))
    if columns.keys() == expected:
        return
    odd = ", ".join(sorted(columns.keys() ^ expected)[:5])
    raise ConfigurationError(
        f"The database {database.name} has a table `{table.name}` with rows that this program "
        f"did not write and does not understand (columns {odd}). They stay untouched: name another "
        "database (MYSQL_DATABASE), or another profile, for the books to be built anew from the "
        "trade history."
    )


def _apply(database: Database, number: int, now: datetime) -> None:
    for statement in SCHEMA_VERSION.render(database.dialect):
        database.execute(statement)
    for statement in MIGRATIONS[number](database.dialect):
        database.execute(statement)
    # REPLACE: another process may have finished the same step in the meantime.
    database.execute(
        "REPLACE INTO schema_version (VERSION, APPLIED_AT) VALUES (?, ?)", (number, time_text(now))
    )
