"""Exports and reports through the thread: files that are whole, and failures that are told."""

from __future__ import annotations

import csv
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from common.domain.commands import Command
from common.domain.reports import Period
from common.engine.items import Booked, Exported, ReportFailed, ReportReady
from common.engine.snapshot import Snapshot
from common.ledger.audit import Finding, insert_finding
from common.ledger.connecting import open_database
from common.ledger.database import DatabaseSettings, transaction
from common.ledger.migration import migrate
from common.ledger.schema import AUDIT, EXECUTIONS, LEDGER_TABLES
from common.ledger.table_reader import one_moment, read_table
from common.report_thread import ReportThread
from common.settings_types import SqliteSettings
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import (
    KEY,
    START,
    Recorder,
    add_bots,
    funding,
    query,
    running,
    trade,
)
from tests.display.support import busy_snapshot
from tests.support.database import MariaDB

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=timezone.utc)
NAMES = {
    *("positions", "orderbook", "orders", "account", "robots", "trades", "funding"),
    *("results-day", "results-week", "results-month"),
}
TABLES = {f"table-{table.name}" for table in LEDGER_TABLES}


@pytest.fixture(params=["sqlite", "mariadb"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    """Return the settings of books with one bot's trade, a stranger's, and funding."""
    found: DatabaseSettings = SqliteSettings(tmp_path / "tmatic.db")
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        found = mysql_settings(server, server.create_database())
    add_bots(found, "a")
    with running(found) as ledger:
        ledger.open()
        ledger.book(
            trade(1, 100, cl_ord_id="1.a", cost=-12_345, fee=7),
            trade(2, 200, cl_ord_id="2.=HYPERLINK(1)", cost=10**17, fee=-1),
            funding(3, 300, 1001),
        )
    return found


@contextmanager
def thread(settings: DatabaseSettings, folder: Path) -> Iterator[tuple[ReportThread, Recorder]]:
    reports, inbox = ReportThread(settings, folder, lambda: NOW), Recorder()
    reports.start(inbox)
    try:
        yield reports, inbox
    finally:
        reports.stop()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_export_holds_every_table_and_the_whole_books(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    with thread(settings, tmp_path / "exports") as (reports, inbox):
        reports.export(busy_snapshot(), [KEY])
        (done,) = inbox.wait(Exported)
    folder = Path(done.folder)
    assert folder == tmp_path / "exports" / "2026-11-23_040506"
    assert {path.stem for path in folder.iterdir()} == NAMES | TABLES
    assert done.files == len(NAMES | TABLES)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    trades, funded = rows(folder / "trades.csv"), rows(folder / "funding.csv")
    assert [(r["EMI"], r["QTY_CONTRACTS"], r["SUMREAL"]) for r in trades] == [
        ("a", "100", "0.00012345"),
        ("XBTUSD.inverse", "200", "-1000000000.00000000"),
    ]
    assert trades[0]["TIME"] == "2026-10-01 12:00:01"
    assert sum(Decimal(r["COMMISS"]) for r in funded) == Decimal("0.00001001")
    for period in Period:
        results = rows(folder / f"results-{period}.csv")
        booked = trades + funded
        for column in ("SUMREAL", "COMMISS"):
            paid = ("COMMISS", "FUNDING") if column == "COMMISS" else ("SUMREAL",)
            assert sum(Decimal(r[column]) for r in booked) == sum(
                Decimal(r[name]) for r in results for name in paid
            )
    assert len(rows(folder / "positions.csv")) == 6
    assert len(rows(folder / "robots.csv")) == 20
    assert len(rows(folder / "orderbook.csv")) == 6 * 20
    pnl = next(r["PNL"] for r in rows(folder / "positions.csv") if r["SYMBOL"] == "XBTUSD")
    assert pnl == "-1234.56789012"


def exported(settings: DatabaseSettings, folder: Path) -> Path:
    with thread(settings, folder) as (reports, inbox):
        reports.export(busy_snapshot(), [KEY])
        return Path(inbox.wait(Exported)[0].folder)


def test_an_export_holds_every_table_that_the_database_has(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    folder = exported(settings, tmp_path / "exports")
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    if not isinstance(settings, SqliteSettings):
        names = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    there = {f"table-{name}" for (name,) in query(settings, names)}
    assert there == {path.stem for path in folder.iterdir() if path.stem.startswith("table-")}


def test_journal_and_rows_are_exported_as_they_are_and_to_the_last_digit(
    settings: DatabaseSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.ledger.table_reader.PAGE", 2)
    strange = replace(trade(4, 1), exec_id="odd", side=None, raw='{"lastPx": 0.1000}')
    other = replace(KEY, account=5)
    with running(settings) as ledger:
        ledger.open()
        ledger.book(strange)
        ledger.writer.open(other, (), ())
        ledger.writer.book(other, (replace(trade(9, 1), exec_id="theirs"),), None)
        ledger.inbox.wait(Booked, 2)
    folder = exported(settings, tmp_path / "exports")
    journal = rows(folder / "table-executions.csv")
    assert [(r["EXECID"], r["EXEC_COST"], r["EXEC_COMM"], r["TTIME"]) for r in journal] == [
        ("exec-000001", "-12345", "7", "2026-10-01 12:00:01"),
        ("exec-000002", "100000000000000000", "-1", "2026-10-01 12:00:02"),
        ("exec-000003", "12345", "1001", "2026-10-01 12:00:03"),
    ]
    assert [r["RAW"] for r in journal] == [f'{{"execID": "exec-00000{n}"}}' for n in (1, 2, 3)]
    (waiting,) = rows(folder / "table-quarantine.csv")
    assert (waiting["EXECID"], waiting["RAW"]) == ("odd", strange.raw)
    assert "has no side" in waiting["REASON"]
    coins = rows(folder / "table-coins.csv")
    assert [(r["SUMREAL"], r["SUMREAL_I"], r["PRICE"]) for r in coins[:2]] == [
        ("0.00012345", "12345", "50000.5"),
        ("-1000000000", "-100000000000000000", "50000.5"),
    ]
    assert len(coins) == len(rows(folder / "trades.csv")) + len(rows(folder / "funding.csv"))


def test_what_a_take_over_found_of_no_market_is_exported_too(settings: DatabaseSettings) -> None:
    database = open_database(settings)
    migrate(database, START)
    with transaction(database):
        insert_finding(database, Finding("rounded", "3 rows had more digits than the currency"))
    assert len(list(read_table(database, AUDIT, [KEY]))) == 1
    database.close()


def test_an_export_is_of_one_moment_while_the_terminal_goes_on_booking(
    settings: DatabaseSettings,
) -> None:
    database = open_database(settings)
    with running(settings) as ledger:
        ledger.open()
        with one_moment(database):
            assert len(list(read_table(database, EXECUTIONS, [KEY]))) == 3
            assert len(ledger.book(trade(4, 1)).entries) == 1  # nobody waits for the reader
            assert len(list(read_table(database, EXECUTIONS, [KEY]))) == 3
        assert len(list(read_table(database, EXECUTIONS, [KEY]))) == 4
    database.close()


def test_texts_of_strangers_are_no_formulas(settings: DatabaseSettings, tmp_path: Path) -> None:
    with thread(settings, tmp_path / "exports") as (reports, inbox):
        reports.export(busy_snapshot(), [KEY])
        folder = Path(inbox.wait(Exported)[0].folder)
    refer = [row["REFER"] for row in rows(folder / "trades.csv")]
    assert refer == ["a", "'=HYPERLINK(1)"]


def test_a_second_export_within_the_second_has_a_folder_of_its_own(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    with thread(settings, tmp_path / "exports") as (reports, inbox):
        for _ in range(3):
            reports.export(busy_snapshot(), [KEY])
        done = inbox.wait(Exported, 3)
    assert [Path(item.folder).name for item in done] == [
        "2026-11-23_040506",
        "2026-11-23_040506-2",
        "2026-11-23_040506-3",
    ]


def test_a_report_comes_to_the_inbox(settings: DatabaseSettings, tmp_path: Path) -> None:
    with thread(settings, tmp_path) as (reports, inbox):
        reports.read([KEY, replace(KEY, account=5)], Period.WEEK)
        (ready,) = inbox.wait(ReportReady)
    assert [len(report.lines) for report in ready.reports] == [2, 0]
    assert [report.period for report in ready.reports] == [Period.WEEK] * 2


def test_what_cannot_be_written_is_told_and_leaves_nothing(
    settings: DatabaseSettings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with thread(settings, tmp_path / "file") as (reports, inbox):
        reports.export(busy_snapshot(), [KEY])
        (told,) = inbox.wait(ReportFailed)
        reports.read([KEY], Period.DAY)  # the thread goes on
        inbox.wait(ReportReady)
    assert "the export could not be made" in told.reason


def test_a_database_that_is_gone_is_told_and_no_half_export_stays(tmp_path: Path) -> None:
    gone = SqliteSettings(tmp_path / "none.db")
    with thread(gone, tmp_path / "exports") as (reports, inbox):
        reports.export(busy_snapshot(), [KEY])
        reports.read([KEY], Period.DAY)
        told = inbox.wait(ReportFailed, 2)
    assert [item.reason for item in told] == [
        "the export could not be made: there are no books yet",
        "the results could not be made: there are no books yet",
    ]
    assert list((tmp_path / "exports").iterdir()) == []
    assert not (tmp_path / "none.db").exists()


def test_an_error_of_the_program_is_told_too(
    tmp_path: Path, settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Snapshot) -> list[Command]:
        raise ValueError("wrong")

    monkeypatch.setattr("common.report_thread.window_sheets", broken)
    with thread(settings, tmp_path / "exports") as (reports, inbox):
        reports.export(busy_snapshot(), [KEY])
        (told,) = inbox.wait(ReportFailed)
    assert "ValueError('wrong'); the log has more" in told.reason


if sys.platform != "win32":

    def test_exports_are_for_their_owner_only(settings: DatabaseSettings, tmp_path: Path) -> None:
        with thread(settings, tmp_path / "exports") as (reports, inbox):
            reports.export(busy_snapshot(), [KEY])
            folder = Path(inbox.wait(Exported)[0].folder)
        for path in (folder, folder.parent):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
