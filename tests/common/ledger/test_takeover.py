"""Tables that were made by hand from the specification, with rows in them, are taken over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from common.domain.books import AccountKey, Books
from common.domain.executions import Network
from common.engine.items import LedgerOpened
from common.errors import ConfigurationError
from common.ledger.connecting import open_database
from common.ledger.database import Database, DatabaseSettings, Dialect, Parameter, Value
from common.ledger.migration import migrate
from common.ledger.schema import MIGRATIONS
from common.ledger.writer import LedgerWriter
from common.settings_types import MysqlSettings, SqliteSettings
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import (
    CURRENCIES,
    KEY,
    START,
    XBTUSD,
    Recorder,
    connected,
    query,
    run,
)
from tests.support.database import MariaDB

SCALES = {currency.code: currency.scale for currency in CURRENCIES}
REAL = replace(KEY, network=Network.REAL)
OLD_COINS = """CREATE TABLE coins (
  ID {id}, EXECID varchar(45) DEFAULT NULL, EMI varchar(25) DEFAULT NULL,
  REFER varchar(20) DEFAULT NULL, MARKET varchar(20) DEFAULT NULL,
  CURRENCY varchar(10) DEFAULT NULL, SYMBOL varchar(20) DEFAULT NULL,
  CATEGORY varchar(10) DEFAULT NULL, SIDE tinyint DEFAULT NULL,
  QTY int DEFAULT NULL, QTY_REST int DEFAULT NULL, PRICE decimal(16,8) DEFAULT NULL,
  THEOR_PRICE decimal(16,8) DEFAULT NULL, TRADE_PRICE decimal(16,8) DEFAULT NULL,
  SUMREAL decimal(19,12) DEFAULT NULL, COMMISS decimal(19,15) DEFAULT '0.000000000000000',
  TTIME datetime DEFAULT NULL, DAT timestamp NULL DEFAULT CURRENT_TIMESTAMP,
  CLORDID int DEFAULT '0', ACCOUNT int DEFAULT '0'{keys}){options}"""
OLD_ROBOTS = """CREATE TABLE robots (
  EMI varchar(20) DEFAULT NULL, SYMBOL varchar(20) DEFAULT NULL, CATEGORY varchar(10) DEFAULT NULL,
  MARKET varchar(20) DEFAULT NULL, SORT tinyint DEFAULT NULL,
  DAT timestamp NULL DEFAULT CURRENT_TIMESTAMP, TIMEFR tinyint DEFAULT '0',
  CAPITAL int DEFAULT '0', MARGIN int DEFAULT '0'{keys}){options}"""
INSERT = (
    "INSERT INTO coins (EXECID, EMI, REFER, MARKET, CURRENCY, SYMBOL, CATEGORY, SIDE, QTY,"
    " QTY_REST, PRICE, THEOR_PRICE, TRADE_PRICE, SUMREAL, COMMISS, TTIME, CLORDID, ACCOUNT) VALUES "
)
ROWS = (
    # execution, EMI, SIDE, QTY, SUMREAL, COMMISS, TTIME
    ("t1", "a", 0, 300, "0.009000010000", "0.000004500000000", "2023-12-08 12:00:00"),
    ("t2", "b", 1, 469, "-0.014000000000", "0.000007000000000", "2023-12-08 12:10:00"),
    ("f1", "a", -1, 300, "0", "0.000003230000000", "2023-12-08 20:00:00"),
    ("f1", "b", -1, 469, "0", "-0.000005050000000", "2023-12-08 20:00:00"),
    ("f2", "a", -1, 300, "0", "0.000003230000000", "2023-12-09 04:00:00"),  # b is missing
    ("t3", "a", 1, 100, "-0.003000000000", "0.000001500000000", "2023-12-09 05:00:00"),
    ("t3", "a", 1, 100, "-0.003000000000", "0.000001500000000", "2023-12-09 05:00:00"),  # twice
    ("t4", "b", 0, 1, "0.000030004900", "0.000000015000000", "2023-12-09 06:00:00"),  # 0.49 satoshi
)


def row(values: Sequence[object], currency: str = "XBt") -> str:
    exec_id, emi, side, quantity, real, paid, at = values
    return (
        f"('{exec_id}', '{emi}', '{emi}', 'Market', '{currency}', 'XBTUSD', 'inverse', {side},"
        f" {quantity}, 0, 43000.5, 43000, 43000.5, {real}, {paid}, '{at}', 1109594183,"
        f" {KEY.account})"
    )


def make_old(settings: DatabaseSettings, rows: Sequence[Sequence[object]] = ROWS) -> None:
    """Make the tables of the specification; types of SQLite's are those of MySQL's text."""
    mysql = isinstance(settings, MysqlSettings)
    options = " ENGINE=InnoDB DEFAULT CHARSET=latin1" if mysql else ""
    ident = "int NOT NULL AUTO_INCREMENT" if mysql else "INTEGER PRIMARY KEY AUTOINCREMENT"
    keys = (
        ", UNIQUE KEY ID_UNIQUE (ID), KEY EXECID_ix (EXECID), KEY EMI_QTY_ix (EMI,QTY),"
        " KEY SIDE_ix (SIDE)"
    )
    run(settings, OLD_COINS.format(id=ident, keys=keys if mysql else "", options=options))
    unique = ", UNIQUE KEY EMI_UNIQUE (EMI)" if mysql else ", UNIQUE (EMI)"
    run(settings, OLD_ROBOTS.format(keys=unique, options=options))
    if rows:
        run(settings, INSERT + ", ".join(map(row, rows)))
    run(
        settings,
        "INSERT INTO robots (EMI, SYMBOL, CATEGORY, MARKET, SORT, TIMEFR, CAPITAL)"
        " VALUES ('a', 'XBTUSD', 'inverse', 'Market', 1, 5, 10)",
    )


def migrated(settings: DatabaseSettings, scales: Mapping[str, int] | None = SCALES) -> None:
    with connected(settings) as database:
        migrate(database, START, scales)


def contents(settings: DatabaseSettings) -> dict[str, list[tuple[Value, ...]]]:
    """Return all rows of the tables that a takeover fills."""
    columns = {
        "coins": "*",
        "coins_backup": "*",
        "robots": "*",
        "robots_backup": "*",
        "executions": "*",
        "audit": "FINDING, EXECID, NOTE",
        "schema_version": "VERSION",
    }
    return {
        table: sorted(query(settings, f"SELECT {names} FROM {table}"), key=str)
        for table, names in columns.items()
    }


def test_rows_become_integers_and_the_journal_is_filled_back(settings: DatabaseSettings) -> None:
    make_old(settings)
    migrated(settings)
    assert query(
        settings,
        "SELECT ID, EXECID, EMI, SIDE, QTY, SUMREAL_I, COMMISS_I, SCALE, KIND, NETWORK, CLORDID"
        " FROM coins ORDER BY ID",
    ) == [
        (1, "t1", "a", 0, 300, 900001, 450, 8, "Trade", "REAL", 1109594183),
        (2, "t2", "b", 1, 469, -1400000, 700, 8, "Trade", "REAL", 1109594183),
        (3, "f1", "a", -1, 300, 0, 323, 8, "Funding", "REAL", 1109594183),
        (4, "f1", "b", -1, 469, 0, -505, 8, "Funding", "REAL", 1109594183),
        (5, "f2", "a", -1, 300, 0, 323, 8, "Funding", "REAL", 1109594183),
        (6, "t3", "a", 1, 100, -300000, 150, 8, "Trade", "REAL", 1109594183),
        (7, "t3", "a", 1, 100, -300000, 150, 8, "Trade", "REAL", 1109594183),
        (8, "t4", "b", 0, 1, 3000, 2, 8, "Trade", "REAL", 1109594183),
    ]
    journal = query(
        settings, "SELECT EXECID, EXEC_COST, EXEC_COMM, ROW_COUNT FROM executions ORDER BY EXECID"
    )
    assert [tuple(map(str, r)) for r in journal] == [
        ("f1", "0", "-182", "2"),
        ("f2", "0", "323", "1"),
        ("t1", "-900001", "450", "1"),
        ("t2", "1400000", "700", "1"),
        ("t3", "600000", "300", "2"),
        ("t4", "-3000", "2", "1"),
    ]
    (price, real), *_ = query(settings, "SELECT PRICE, SUMREAL FROM coins ORDER BY ID")
    assert Decimal(str(price)) == Decimal("43000.5")
    assert Decimal(str(real)) == Decimal("0.00900001")
    assert len(query(settings, "SELECT * FROM coins_backup")) == len(ROWS)
    assert query(settings, "SELECT EMI, TIMEFR, CAPITAL FROM robots") == [("a", 5, 10)]
    run(settings, "UPDATE robots SET TIMEFR = 1440")  # a day fits


def test_duplicates_and_partial_splits_are_reported_and_kept(settings: DatabaseSettings) -> None:
    make_old(settings)
    migrated(settings)
    found = query(settings, "SELECT FINDING, EXECID, NOTE FROM audit ORDER BY FINDING")
    assert [(kind, exec_id) for kind, exec_id, _ in found] == [
        ("duplicate rows", "t3"),
        ("partial funding split", "f2"),
        ("rounded", ""),
    ]
    assert "2 rows instead of 1" in str(found[0][2])
    assert "no row of b (which held -469)" in str(found[1][2])
    with opened(settings, REAL) as books:
        assert any("1 x duplicate rows" in text for text in books.warnings)
        assert not books.holes  # what was there before is no hole
        assert {b.emi: b.position for b in books.balances} == {"a": 100, "b": -468}


@contextmanager
def opened(settings: DatabaseSettings, key: AccountKey) -> Iterator[Books]:
    """Open the books of an account with a ledger of its own."""
    writer, inbox = LedgerWriter(settings, scales=SCALES), Recorder()
    writer.start(inbox)
    try:
        writer.open(key, (XBTUSD,), CURRENCIES)
        yield inbox.wait(LedgerOpened)[-1].books
    finally:
        writer.stop()


def test_rows_of_an_account_on_the_test_network_go_there(settings: DatabaseSettings) -> None:
    make_old(settings)
    migrated(settings)
    with opened(settings, replace(KEY, network=Network.DEMO)) as books:
        assert not books.balances
    with opened(settings, replace(KEY, network=Network.TEST)) as books:
        assert {b.emi: b.position for b in books.balances} == {"a": 100, "b": -468}
    with opened(settings, REAL) as books:
        assert not books.balances


def test_rows_that_cannot_be_understood_stay_in_the_backup_and_are_told(
    settings: DatabaseSettings,
) -> None:
    make_old(settings)
    run(settings, INSERT + row(("x1", "a", 0, 1, 1, 0, "2023-12-09 07:00:00"), "Dogs"))
    run(settings, INSERT + row(("x2", "a", 7, 1, 1, 0, "2023-12-09 07:00:00")))
    run(settings, "INSERT INTO coins (EXECID, MARKET) VALUES ('x3', 'Market')")
    migrated(settings)
    notes = query(settings, "SELECT EXECID, NOTE FROM audit WHERE FINDING = 'not taken over'")
    told = {str(exec_id): str(note) for exec_id, note in notes}
    assert "CURRENCY 'Dogs'" in told["x1"]
    assert "SIDE '7'" in told["x2"]
    assert "SYMBOL and SIDE and TTIME missing" in told["x3"]
    assert len(query(settings, "SELECT * FROM coins")) == len(ROWS)
    assert len(query(settings, "SELECT * FROM coins_backup")) == len(ROWS) + 3


def test_without_the_currencies_the_terminal_is_asked_for(settings: DatabaseSettings) -> None:
    make_old(settings)
    with pytest.raises(ConfigurationError, match="start the terminal once"):
        migrated(settings, None)
    migrated(settings)


@pytest.mark.parametrize("change", ["ADD COLUMN MINE int", "RENAME COLUMN REFER TO WHO"])
def test_an_unknown_schema_with_rows_is_refused_untouched(
    settings: DatabaseSettings, change: str
) -> None:
    make_old(settings)
    run(settings, f"ALTER TABLE coins {change}")
    with pytest.raises(ConfigurationError, match="does not understand"):
        migrated(settings)
    assert len(query(settings, "SELECT * FROM coins")) == len(ROWS)


class Killed(Exception):
    """The process is gone."""


class Mortal:
    """A connection whose process dies before a given statement."""

    def __init__(self, real: Database, statements: int) -> None:
        self._real = real
        self._left = statements
        self.dialect = real.dialect
        self.name = real.name

    def _live(self) -> None:
        if self._left == 0:
            self._real.close()
            raise Killed
        self._left -= 1

    def begin(self) -> None:
        self._live()
        self._real.begin()

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> int:
        self._live()
        return self._real.execute(sql, parameters)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Parameter]]) -> None:
        self._live()
        self._real.execute_many(sql, rows)

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[tuple[Value, ...]]:
        return self._real.query(sql, parameters)

    def commit(self) -> None:
        self._live()
        self._real.commit()

    def rollback(self) -> None:
        if self._left:
            self._real.rollback()

    def table_exists(self, table: str) -> bool:
        return self._real.table_exists(table)

    def ping(self) -> None:
        self._real.ping()

    def close(self) -> None:
        self._real.close()


def test_a_kill_before_any_statement_is_made_good_by_the_next_start(
    settings: DatabaseSettings, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    deaths = 0
    expected: dict[str, list[tuple[Value, ...]]] | None = None
    while True:
        fresh = another(settings, request, tmp_path, deaths)
        make_old(fresh)
        run(fresh, "UPDATE coins SET DAT = '2024-01-01 00:00:00'")
        run(fresh, "UPDATE robots SET DAT = '2024-01-01 00:00:00'")
        if expected is None:
            migrated(fresh)
            expected = contents(fresh)
            fresh = another(settings, request, tmp_path, -1)
            make_old(fresh)
            run(fresh, "UPDATE coins SET DAT = '2024-01-01 00:00:00'")
            run(fresh, "UPDATE robots SET DAT = '2024-01-01 00:00:00'")
        database = open_database(fresh)
        try:
            migrate(Mortal(database, deaths), START, SCALES)
            survived = True
        except Killed:
            survived = False
        finally:
            database.close()
        migrated(fresh)
        assert contents(fresh) == expected, f"after a death before statement {deaths}"
        if survived:
            break
        deaths += 1
    assert deaths > 15


class DiesRenaming(Mortal):
    """The rows beside are durable, and the process dies before they get their names."""

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> int:
        if "RENAME" in sql:
            self._real.commit()
            self._left = 0
        return super().execute(sql, parameters)


def test_a_kill_between_the_copy_and_the_rename_begins_anew(settings: DatabaseSettings) -> None:
    make_old(settings)
    database = open_database(settings)
    try:
        with pytest.raises(Killed):
            migrate(DiesRenaming(database, 10_000), START, SCALES)
    finally:
        database.close()
    assert len(query(settings, "SELECT * FROM coins_next")) == len(ROWS)
    migrated(settings)
    assert len(query(settings, "SELECT * FROM coins")) == len(ROWS)
    assert len(query(settings, "SELECT * FROM audit")) == 3


def another(
    settings: DatabaseSettings, request: pytest.FixtureRequest, folder: Path, number: int
) -> DatabaseSettings:
    """Return the settings of one more empty database of the same kind."""
    if isinstance(settings, SqliteSettings):
        return SqliteSettings(folder / f"{number}.db")
    server: MariaDB = request.getfixturevalue("mariadb")
    return replace(settings, database=server.create_database())


@pytest.mark.needs_shared
def test_v8_the_specifications_own_statements_are_taken_over(
    shared_folder: Path, mariadb: MariaDB
) -> None:
    """On MySQL alone, whose statements they are."""
    settings = mysql_settings(mariadb, mariadb.create_database())
    text = (shared_folder / "specification.md").read_text(encoding="utf-8")
    for table in ("coins", "robots"):
        (statement,) = re.findall(rf"(CREATE TABLE my_db\.{table} .*?;)", text, re.DOTALL)
        repaired = statement.replace("DEFAULT '0'\n  UNIQUE", "DEFAULT '0',\n  UNIQUE")
        mariadb.execute(repaired.replace("my_db.", ""), database=settings.database)
    run(settings, INSERT + ", ".join(map(row, ROWS)))
    migrated(settings)
    assert len(query(settings, "SELECT * FROM coins")) == len(ROWS)
    assert query(settings, "SELECT MAX(VERSION) FROM schema_version") == [(max(MIGRATIONS),)]
    with connected(settings) as database:
        assert database.dialect is Dialect.MYSQL
    assert datetime(2023, 12, 9, tzinfo=timezone.utc) < START
