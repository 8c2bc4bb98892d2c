"""`--report` on books with rows: the table, the CSV file and what goes wrong."""

from __future__ import annotations

import csv
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from common.domain.reports import Period
from common.errors import ConfigurationError, LedgerUnavailable
from common.ledger.database import DatabaseSettings
from common.report_command import run_report
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import KEY, START, add_bots, funding, running, trade
from tests.support.database import MariaDB
from tests.support.processes import closed_port
from tests.support.program import run_program, start_program

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=timezone.utc)
DAY = 86_400


def fill(settings: DatabaseSettings) -> None:
    """Book a closed trade of one bot over a month's end, and an open one of a stranger's."""
    add_bots(settings, "a")
    with running(settings) as ledger:
        ledger.open()
        ledger.book(
            trade(1, 100, cl_ord_id="1.a", cost=-100_000, fee=7, seconds=0),
            funding(2, 100, 11, seconds=60),
            trade(3, -100, cl_ord_id="3.a", cost=100_500, fee=8, seconds=31 * DAY),
            trade(4, 300, cl_ord_id="foreign", cost=5, fee=-1, seconds=31 * DAY),
        )


@pytest.fixture(params=["sqlite", "mariadb"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    found: DatabaseSettings = SqliteSettings(tmp_path / "tmatic.db")
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        found = mysql_settings(server, server.create_database())
    fill(found)
    return found


def printed(settings: DatabaseSettings, period: Period) -> list[str]:
    lines: list[str] = []
    run_report(settings, period, None, NOW, lines.append)
    return lines


def test_the_table_shows_every_period_and_the_totals(books: DatabaseSettings) -> None:
    lines = printed(books, Period.MONTH)
    assert lines[0] == f"Market DEMO account {KEY.account}, by month"
    cells = [" ".join(line.split()) for line in lines[2:-2]]
    assert cells[0].startswith("PERIOD EMI SYMBOL ")
    assert cells[1:] == [
        "2026-11 XBTUSD.inverse XBTUSD inverse XBt 1 300"
        " -0.00000005 -0.00000001 0.00000000 -0.00000004 300",
        "2026-11 a XBTUSD inverse XBt 1 100 -0.00100500 0.00000008 0.00000000 -0.00100508 0",
        "2026-10 a XBTUSD inverse XBt 1 100 0.00100000 0.00000007 0.00000011 0.00099982 100",
        "ALL all bots - - XBt 3 - -0.00000505 0.00000014 0.00000011 -0.00000530 -",
    ]
    assert "open positions are not valued" in lines[-1]
    assert len({len(line) for line in lines[2:-2]}) == 1  # the columns are aligned


def test_the_csv_file_holds_the_same_figures(books: DatabaseSettings, tmp_path: Path) -> None:
    path, told = tmp_path / "report.csv", list[str]()
    path.write_text("what was there before", encoding="utf-8")
    run_report(books, Period.DAY, path, NOW, told.append)
    assert told == [f"3 lines were written to {path}"]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["START"] for row in rows] == ["2026-11-01", "2026-11-01", START.date().isoformat()]
    assert sum(Decimal(row["NET"]) for row in rows) == Decimal("-0.00000530")
    assert [path.name for path in tmp_path.glob("*unfinished*")] == []


def test_a_file_that_cannot_be_written_is_named(books: DatabaseSettings, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "report.csv"
    with pytest.raises(ConfigurationError, match="--csv FILE") as refusal:
        run_report(books, Period.DAY, path, NOW, print)
    assert str(path) in str(refusal.value)


def test_books_that_do_not_exist_are_empty_and_stay_away(tmp_path: Path) -> None:
    none = SqliteSettings(tmp_path / "none.db")
    assert printed(none, Period.DAY) == ["There is nothing in the books yet."]
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_named() -> None:
    with (
        closed_port() as port,
        pytest.raises(LedgerUnavailable, match=r"books on 127\.0\.0\.1") as refusal,
    ):
        printed(MysqlSettings("127.0.0.1", port, "user", Secret("canary"), "books"), Period.DAY)
    assert "canary" not in str(refusal.value)


def test_the_command_reads_the_profile_and_ends(tmp_path: Path) -> None:
    fill(SqliteSettings(tmp_path / "tmatic.db"))
    told = run_program(tmp_path, "--report", "week")
    assert (told.returncode, told.stderr) == (0, "")
    assert "2026-W40" in told.stdout
    assert told.stdout.splitlines() == printed(SqliteSettings(tmp_path / "tmatic.db"), Period.WEEK)
    written = run_program(tmp_path, "--report", "week", "--csv", str(tmp_path / "week.csv"))
    assert written.returncode == 0
    assert (tmp_path / "week.csv").read_text(encoding="utf-8").count("\n") == 4
    alone = run_program(tmp_path, "--csv", "x.csv")
    assert alone.returncode == 2
    assert "--csv needs --report" in alone.stderr
    hopeless = run_program(tmp_path, "--report", "day", "--csv", str(tmp_path / "no" / "x.csv"))
    assert hopeless.returncode == 2
    assert "Traceback" not in hopeless.stderr


def test_a_reader_that_stops_reading_is_no_error(tmp_path: Path) -> None:
    fill(SqliteSettings(tmp_path / "tmatic.db"))
    process = start_program(tmp_path, "--report", "day")
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0
