"""A back-test from the panel of a bot in the real window, while the terminal goes on."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tests.e2e.user import User
from tests.support.waiting import wait_until


def test_a_bot_is_tested_from_its_panel(xvfb: str, tmp_path: Path) -> None:
    with User(xvfb, tmp_path / "demo") as user:
        user.wait_live()
        user.right_click("robot", "demoBot")
        assert "XBTUSDT linear   1m" in user.dialog("bot")["head"]
        user.click("bot", "backtest")
        user.dialog("backtest")
        today = date.fromisoformat(str(user.look()["state"]["clock"])[:10])
        user.fill("backtest", "from", (today - timedelta(days=2)).isoformat())
        user.fill("backtest", "to", (today - timedelta(days=1)).isoformat())
        user.click("backtest", "run")
        report = wait_until(lambda: user.dialog("backtest")["report"], 40, "the report")
        assert report.startswith("Back-test of demoBot: XBTUSDT.linear every 1 min")
        assert "1440 bars of 1 min" in report
        assert "books verified" in report
        folder = Path(report.rpartition(" are in ")[2])
        assert (folder / "report.txt").read_text(encoding="utf-8").strip() in report
        assert user.ask(heartbeat=True) < 2.0
        user.press("Escape")
        wait_until(lambda: user.find_dialog("backtest") is None, 20, "the window to close")
        assert user.close() == 0
