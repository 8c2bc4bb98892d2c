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
from common.engine.items import Exported, ReportFailed, ReportReady
from common.engine.snapshot import Snapshot
from common.ledger.database import DatabaseSettings
from common.report_thread import ReportThread
from common.settings_types import SqliteSettings
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import KEY, Recorder, add_bots, funding, running, trade
from tests.display.support import busy_snapshot
from tests.support.database import MariaDB

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=timezone.utc)
NAMES = {
    *("positions", "orderbook", "orders", "account", "robots", "trades", "funding"),
    *("results-day", "results-week", "results-month"),
}


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
    assert {path.stem for path in folder.iterdir()} == NAMES
    assert done.files == len(NAMES)
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
