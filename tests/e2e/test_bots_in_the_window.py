"""A bot's life in the real window: made by clicks and keys, it trades, is changed and deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from tests.e2e.user import User
from tests.support.profiles import demo_access, write_profile
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

STRATEGY = '''"""Buys once and holds."""

from bots.api import Bot, Parameter, Strategy


class Holder(Strategy):
    """Buys a few lots and holds them."""

    lots = Parameter(1, low=1, high=5, help="lots to hold")
    eager = Parameter(True, help="takes the ask")

    def on_bar(self, bot: Bot) -> None:
        bot.log(f"bar, lots {self.lots}")
        missing = self.lots * bot.lot - bot.position
        if missing > 0 and self.eager and not bot.orders:
            bot.buy(missing, bot.ask + 100 * bot.tick)
'''


def prepare(venue: ExchangeProcess, folder: Path) -> Path:
    """Write a profile with a strategy of its own, and let a minute end soon on the exchange."""
    write_profile(folder, demo_access(venue.rest, venue.ws, venue.key, venue.secret))
    (folder / "algo").mkdir()
    (folder / "algo" / "init.py").write_text("def init_algo():\n    pass\n", encoding="utf-8")
    (folder / "algo" / "holder.py").write_text(STRATEGY, encoding="utf-8")
    control = venue.rest.removesuffix("api/v1/") + "control/clock"
    time = datetime.fromisoformat(
        requests.get(control, timeout=10).json()["now"].replace("Z", "+00:00")
    )
    step = (30 - time.second) % 60
    requests.post(control, json={"step": step}, timeout=10).raise_for_status()
    return folder


def row_of(user: User, emi: str) -> list[str] | None:
    return next((row[1:] for row in user.table("robots") if row[1] == emi), None)


def status(user: User, emi: str) -> str:
    row = row_of(user, emi)
    return row[6] if row else ""


def bot(user: User) -> Any:
    return user.dialog("bot")


def test_a_bot_is_made_changed_and_deleted_in_the_window(
    xvfb: str, tmp_path: Path, exchange: Callable[..., ExchangeProcess]
) -> None:
    profile = prepare(exchange(seed=5), tmp_path / "profile")
    with User(xvfb, profile) as user:
        user.wait_live()
        create(user)
        user.right_click("robot", "holder")
        wait_until(lambda: "holder.py" in bot(user)["code"], 20, "its code")
        user.click("bot", "switch")
        wait_until(lambda: status(user, "holder") == "WORK", 20, "WORK")
        user.press("F9")
        trades = wait_until(lambda: bot(user)["tables"]["bot_trades"], 80, "a trade")
        assert [row[4] for row in trades] == ["Buy"] * len(trades)
        wait_until(lambda: bot(user)["facts"]["POSITION"] == "0.0002", 20, "the position")
        wait_until(lambda: bot(user)["facts"]["ENTRY"] == trades[0][5], 20, "the entry price")
        assert any("bar, lots 2" in line for line in bot(user)["log"])

        change(user)
        user.press("F9")
        user.click("bot", "switch")
        wait_until(lambda: status(user, "holder") == "OFF", 20, "OFF")

        user.click("bot", "delete")
        assert "holds 0.0002 XBTUSDT" in user.dialog("bot_delete")["problem"]
        user.click("bot_delete", "do")
        user.click("bot_delete", "leave")
        assert row_of(user, "holder") is not None

        user.click("bot", "flatten")
        user.click("stop", "do")
        wait_until(lambda: bot(user)["facts"]["POSITION"] == "0.0000", 20, "no position")
        wait_until(lambda: len(bot(user)["tables"]["bot_trades"]) > len(trades), 20, "its trade")
        assert bot(user)["facts"]["ENTRY"] == "-"

        user.click("bot", "delete")
        wait_until(lambda: user.dialog("bot_delete")["problem"] == "", 20, "nothing in the way")
        user.click("bot_delete", "do")
        wait_until(lambda: row_of(user, "holder") is None, 20, "the bot to be gone")
        assert user.dialog("bot")["message"] == "this bot is no longer listed"
        assert user.ask(heartbeat=True) < 2.0
        assert user.close() == 0


def create(user: User) -> None:
    """Describe a bot: wrong at first, then right."""
    user.click("new_bot")
    form = wait_until(
        lambda: (f := user.dialog("bot_form"))["said"]["strategy"].startswith("Buys") and f,
        20,
        "the strategies of the folder",
    )
    assert not form["ready"]
    user.fill("bot_form", "emi", "my holder")
    wait_until(lambda: "blanks" in user.dialog("bot_form")["said"]["emi"], 20, "the rule of EMI")
    user.fill("bot_form", "emi", "holder")
    user.fill("bot_form", "timeframe", "7")
    wait_until(lambda: "6 or 8" in user.dialog("bot_form")["said"]["timeframe"], 20, "timeframes")
    user.fill("bot_form", "timeframe", "1m")
    user.fill("bot_form", "capital", "5")
    user.fill("bot_form", "parameter lots", "9")
    wait_until(
        lambda: "from 1 to 5" in user.dialog("bot_form")["said"]["parameter lots"], 20, "the range"
    )
    user.fill("bot_form", "parameter lots", "2")
    form = wait_until(lambda: (f := user.dialog("bot_form"))["ready"] and f, 20, "a good form")
    assert form["said"]["capital"].startswith("5 lots = 0.0005 XBT, about ")
    user.click("bot_form", "save")
    user.wait_closed()
    wait_until(lambda: status(user, "holder") == "OFF", 20, "the new bot, OFF")


def change(user: User) -> None:
    """Change a parameter while the bot works."""
    user.click("bot", "edit")
    user.dialog("bot_form")
    user.fill("bot_form", "parameter lots", "1")
    wait_until(lambda: user.dialog("bot_form")["ready"], 20, "a good form")
    user.click("bot_form", "save")
    wait_until(lambda: user.find_dialog("bot_form") is None, 20, "the form to be answered")
    wait_until(lambda: any("changed" in line for line in bot(user)["log"]), 20, "the change")
