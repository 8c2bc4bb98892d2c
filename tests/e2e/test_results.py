"""Results in the real window: a trade is in the tab, in the exported files and in `--report`."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from tests.e2e.user import User
from tests.support.program import run_program
from tests.support.waiting import wait_until

RESERVED = "XBTUSDT.linear"


def results(user: User) -> list[list[str]]:
    """Return the lines of the tab without the totals, and without the rows' keys."""
    return [row[1:] for row in user.table("results") if row[1] != "ALL"]


def test_a_trade_is_in_the_tab_the_files_and_the_report(xvfb: str, tmp_path: Path) -> None:
    profile = tmp_path / "demo"
    with User(xvfb, profile) as user:
        user.wait_live()
        user.click("position", "XBTUSDT")
        wait_until(lambda: user.look()["selected"] == RESERVED, 20, "the selection")
        user.click("tab", "Results")
        user.click_book("Sell")
        user.click("ticket", "buy")
        user.wait_closed()
        (line,) = wait_until(lambda: results(user), 20, "the trade in the tab Results")
        assert line[1:5] == [RESERVED, "XBTUSDT", "USDt", "1"]

        user.click("period", "month")
        wait_until(lambda: results(user)[0][0] == line[0][:7], 20, "the results by month")
        assert results(user)[0][1:] == line[1:]

        user.press("F8")
        user.wait_notice("tables were written to")
        (folder,) = (profile / "exports").iterdir()
        with (folder / "trades.csv").open(encoding="utf-8", newline="") as file:
            trades = list(csv.DictReader(file))
        assert sum(Decimal(row["SUMREAL"]) for row in trades) == Decimal(line[6])
        assert sum(Decimal(row["COMMISS"]) for row in trades) == Decimal(line[7])
        with (folder / "results-day.csv").open(encoding="utf-8", newline="") as file:
            (day,) = csv.DictReader(file)
        assert [day["PERIOD"], day["EMI"], day["NET"]] == [*line[:2], line[9].lstrip("+")]

        told = run_program(profile, "--report", "day")
        assert told.returncode == 0, told.stderr
        assert f" {day['NET']} " in told.stdout
        assert user.close() == 0
