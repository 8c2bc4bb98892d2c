from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from common.domain.orders import NUMBER_DIGITS
from common.domain.robots import EMI_LIMIT
from common.errors import ConfigurationError, LedgerUnavailable
from common.ledger.connecting import open_database
from common.ledger.database import DatabaseSettings, Dialect
from common.ledger.migration import migrate
from common.ledger.mysql_database import MysqlDatabase
from common.ledger.numbers import (
    MARGIN,
    NUMBER_LIMIT,
    SPREAD_AT_FIRST,
    SPREAD_AT_START,
    first_free,
)
from common.ledger.schema import COINS, MIGRATIONS, ROBOTS
from common.ledger.table import Table
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import (
    START,
    add_bots,
    connected,
    funding,
    query,
    run,
    running,
    trade,
)
from tests.support.database import MariaDB


def migrated(settings: DatabaseSettings) -> None:
    with connected(settings) as database:
        migrate(database, START)


@pytest.mark.needs_shared
@pytest.mark.parametrize("table", [COINS, ROBOTS], ids=lambda t: t.name)
def test_the_specifications_columns_come_first_and_in_its_order(
    shared_folder: Path, table: Table
) -> None:
    text = (shared_folder / "specification.md").read_text(encoding="utf-8")
    (body,) = re.findall(rf"CREATE TABLE my_db\.{table.name} \((.*?)ENGINE", text, re.DOTALL)
    columns = re.findall(r"^  `(\w+)`", body, re.MULTILINE)
    assert [column.name for column in table.columns][: len(columns)] == columns


@pytest.mark.needs_shared
def test_the_specifications_insert_of_a_robot_works(shared_folder: Path, mariadb: MariaDB) -> None:
    text = (shared_folder / "specification.md").read_text(encoding="utf-8")
    (statement,) = re.findall(r"INSERT INTO my_db\.robots.*?;", text, re.DOTALL)
    settings = mysql_settings(mariadb, mariadb.create_database())
    migrated(settings)
    mariadb.execute(statement.replace("my_db.", ""), database=settings.database)
    assert query(settings, "SELECT EMI, TIMEFR FROM robots") == [("myBot", 1)]


def test_migrating_twice_changes_nothing(settings: DatabaseSettings) -> None:
    migrated(settings)
    add_bots(settings, "a")
    migrated(settings)
    assert query(settings, "SELECT EMI FROM robots") == [("a",)]
    assert query(settings, "SELECT VERSION FROM schema_version ORDER BY VERSION") == [
        (number,) for number in MIGRATIONS
    ]


def test_a_first_step_that_broke_off_is_finished(settings: DatabaseSettings) -> None:
    migrated(settings)
    run(settings, "DROP TABLE coins")
    run(settings, "DROP TABLE schema_version")
    migrated(settings)
    assert query(settings, "SELECT COUNT(*) FROM coins") == [(0,)]


def test_a_foreign_table_with_rows_is_refused_untouched(settings: DatabaseSettings) -> None:
    run(settings, "CREATE TABLE coins (EXECID VARCHAR(45))")
    run(settings, "INSERT INTO coins VALUES ('theirs')")
    with pytest.raises(ConfigurationError, match="`coins` with rows"):
        migrated(settings)
    assert query(settings, "SELECT * FROM coins") == [("theirs",)]


def test_empty_foreign_tables_make_room(settings: DatabaseSettings) -> None:
    run(settings, "CREATE TABLE coins (EXECID VARCHAR(45))")
    run(settings, "CREATE TABLE robots (EMI VARCHAR(20))")
    add_bots(settings, "a")
    with running(settings) as ledger:
        assert [r.emi for r in ledger.open().robots] == ["a"]


def test_a_newer_schema_is_refused(settings: DatabaseSettings) -> None:
    migrated(settings)
    run(settings, "UPDATE schema_version SET VERSION = 99 WHERE VERSION = 2")
    with pytest.raises(ConfigurationError, match="newer version"):
        migrated(settings)


def test_l20_names_differ_by_case_in_the_tables_too(settings: DatabaseSettings) -> None:
    migrated(settings)
    for emi in ("bot", "BOT", "Bot"):
        run(settings, f"INSERT INTO robots (EMI, MARKET) VALUES ('{emi}', 'M')")
    assert query(settings, "SELECT COUNT(*) FROM robots WHERE EMI = 'bot'") == [(1,)]


def test_sqlite_never_stores_a_real(sqlite: SqliteSettings) -> None:
    with running(sqlite) as ledger:
        ledger.open()
        ledger.book(trade(1, 100), funding(2, 100, 5), trade(3, -40), cursor=START)
    tables = query(sqlite, "SELECT name FROM sqlite_master WHERE type = 'table'")
    for (table,) in tables:
        for column in query(sqlite, f"PRAGMA table_info({table})"):
            kinds = query(sqlite, f"SELECT DISTINCT typeof({column[1]}) FROM {table}")
            assert ("real",) not in kinds, (table, column[1])
    assert query(sqlite, "SELECT DISTINCT typeof(PRICE) FROM coins WHERE SIDE = 0") == [("text",)]
    assert query(sqlite, "SELECT DISTINCT typeof(SUMREAL) FROM coins") == [("text",)]


def test_mysql_decimals_are_exact(mariadb: MariaDB) -> None:
    settings = mysql_settings(mariadb, mariadb.create_database())
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 100, cost=-1, fee=-9_999_999_999_999_999))
    row = query(settings, "SELECT SUMREAL, COMMISS FROM coins")
    assert row == [(Decimal("0.00000001"), Decimal("-99999999.99999999"))]


def test_a_missing_database_is_created_with_the_privilege(mariadb: MariaDB) -> None:
    settings = mysql_settings(mariadb, mariadb.free_name())
    with running(settings) as ledger:
        assert ledger.open().robots == ()


def test_without_the_privilege_the_statement_is_named(mariadb: MariaDB) -> None:
    name, account = mariadb.free_name(), mariadb.limited
    settings = MysqlSettings(
        mariadb.host, mariadb.port, account.user, Secret(account.password), name
    )
    with pytest.raises(
        LedgerUnavailable, match=rf"run: CREATE DATABASE IF NOT EXISTS `{name}`"
    ) as caught:
        open_database(settings)
    assert account.password not in str(caught.value)
    for statement in str(caught.value).partition("run: ")[2].split("; "):
        mariadb.execute(statement)  # each can be run as it stands
    with running(settings) as ledger:
        ledger.open()


def test_an_account_of_least_privilege_is_enough(mariadb: MariaDB) -> None:
    account = mariadb.limited
    settings = MysqlSettings(
        mariadb.host,
        mariadb.port,
        account.user,
        Secret(account.password),
        mariadb.create_database(limited=True),
    )
    with running(settings) as ledger:
        ledger.open()
        assert len(ledger.book(trade(1, 1)).entries) == 1


def test_a_wrong_password_is_told_without_it(mariadb: MariaDB) -> None:
    settings = MysqlSettings(mariadb.host, mariadb.port, mariadb.user, Secret("wr0ng-one"), "x")
    with pytest.raises(LedgerUnavailable, match="Access denied") as caught:
        open_database(settings)
    assert "wr0ng-one" not in str(caught.value)


@pytest.mark.parametrize("name", ["a-b", "a`b", "", "x" * 65, "a b", "a;drop"])
def test_a_database_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="MYSQL_DATABASE"):
        MysqlDatabase(MysqlSettings("127.0.0.1", 1, "u", Secret("p"), name))


def test_the_mysql_session_is_strict_and_in_utc(mariadb: MariaDB) -> None:
    with connected(mysql_settings(mariadb, mariadb.create_database())) as database:
        assert database.dialect is Dialect.MYSQL
        ((mode, zone),) = database.query("SELECT @@sql_mode, @@time_zone")
    assert "STRICT_ALL_TABLES" in str(mode)
    assert zone == "+00:00"


def test_a_sqlite_commit_reaches_the_disk_before_it_returns(sqlite: SqliteSettings) -> None:
    with connected(sqlite) as database:
        assert database.query("PRAGMA journal_mode") == [("wal",)]
        assert database.query("PRAGMA synchronous") == [(2,)]  # FULL


def test_a_folder_instead_of_a_database_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="cannot be used"):
        open_database(SqliteSettings(tmp_path))


def _lowest(_: int) -> int:
    return 0


def _highest(below: int) -> int:
    return below - 1


def test_m19_first_numbers_lie_above_the_books_and_the_former_blocks() -> None:
    assert first_free(0, 0, _lowest) == MARGIN + 1
    assert first_free(0, 10**11, _lowest) == 10**11 + MARGIN + 1
    assert first_free(0, 10**11, _highest) == 10**11 + MARGIN + SPREAD_AT_FIRST
    assert first_free(10**11, 0, _highest) == 10**11  # the next block follows at once
    for_a_start = first_free(10**11, 0, _highest, at_start=True)
    assert for_a_start == 10**11 + SPREAD_AT_START - 1
    assert EMI_LIMIT + 1 + NUMBER_DIGITS == 36


@pytest.mark.parametrize("booked", [0, 10**11, NUMBER_LIMIT - MARGIN - 3])
def test_numbers_leave_room_for_the_emi(booked: int) -> None:
    assert booked < first_free(0, booked, _highest) < NUMBER_LIMIT


if os.name == "posix":

    def test_only_its_owner_may_read_the_books(sqlite: SqliteSettings) -> None:
        sqlite.path.touch(0o644)
        with running(sqlite) as ledger:
            ledger.open()
            ledger.book(trade(1, 1))
            files = list(sqlite.path.parent.glob("tmatic.db*"))
            assert len(files) >= 3  # the file, its log and the log's index
            assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
