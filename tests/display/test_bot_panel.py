"""The panel of a bot in a window: how it opens, what it asks for, what its buttons do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from common.domain.bots import BotLine
from common.domain.commands import CancelOrder, DeleteBot, SetRobotStatus, ShowBot
from common.domain.robots import Status
from common.engine.snapshot import Level, Notice, RobotRow
from display.amend import AmendDialog
from display.bot_delete import DeleteDialog
from display.bot_panel import ASK_EVERY, GONE, BotPanel
from display.stop import StopDialog
from tests.display.support import MARKET, NOW, Bench, order_row, robot_row
from tests.display.test_bot_words import BOUGHT, fill, story


def right_click(bench: Bench, emi: str) -> None:
    x, y = bench.terminal.geometry_of("robot", emi)
    widget = bench.root.winfo_containing(x, y)
    assert widget is not None
    widget.event_generate("<ButtonPress-3>", x=x - widget.winfo_rootx(), y=y - widget.winfo_rooty())
    bench.turn()


@pytest.fixture
def panel(window: Bench) -> BotPanel:
    """Return the panel of myBot, opened by a right click."""
    window.change(robots=(robot_row("myBot", position=1000, pnl=112_900), robot_row("other")))
    right_click(window, "myBot")
    (found,) = window.terminal.actions.dialogs()
    assert isinstance(found, BotPanel)
    return found


def shown(panel: BotPanel) -> Any:
    return panel.shown()


def test_a_right_click_opens_the_panel_and_switches_nothing(window: Bench, panel: BotPanel) -> None:
    assert window.sent == [ShowBot(MARKET, "myBot")]
    assert shown(panel)["emi"] == "myBot"
    right_click(window, "myBot")
    assert window.terminal.actions.dialogs() == [panel]  # the same one again


def test_a_click_on_the_list_still_switches(window: Bench) -> None:
    window.change(robots=(robot_row("myBot"),))
    window.click_on("robot", "myBot")
    assert window.sent == [SetRobotStatus(MARKET, "myBot", work=False)]
    assert window.terminal.actions.dialogs() == []


def test_f5_opens_the_panel_of_the_row_at_the_cursor(window: Bench) -> None:
    window.change(robots=(robot_row("myBot"), robot_row("other")))
    window.terminal.layout.robots.canvas.focus_force()
    window.root.update()
    for key in ("<Down>", "<Down>", "<F5>"):
        window.terminal.layout.robots.canvas.event_generate(key)
    window.root.update()
    (panel,) = window.terminal.actions.dialogs()
    assert isinstance(panel, BotPanel)
    assert panel.row.emi == "other"


def test_the_books_are_asked_while_it_is_open_and_not_longer(
    window: Bench, panel: BotPanel
) -> None:
    window.now += ASK_EVERY - 0.1
    window.change()
    assert len(window.sent) == 1
    window.now += 0.1
    window.change()
    assert window.sent == [ShowBot(MARKET, "myBot")] * 2
    panel.close()
    window.now += ASK_EVERY
    window.change()
    assert len(window.sent) == 2


def test_the_story_fills_figures_tables_and_curve(window: Bench, panel: BotPanel) -> None:
    assert shown(panel)["facts"]["ENTRY"] == "-"
    window.change(stories={(MARKET, "myBot"): BOUGHT, (MARKET, "other"): story()})
    texts = shown(panel)
    assert texts["facts"]["ENTRY"] == "68401.0"
    assert texts["facts"]["UNREALISED"] == "+0.011000"
    assert len(texts["tables"]["bot_trades"]) == 3
    assert [row[0] for row in texts["tables"]["table"]] == ["ALL", "2026-11-23"]
    drawn = panel.curve.drawn
    window.change()
    assert panel.curve.drawn == drawn, "an unchanged story was drawn again"
    window.change(stories={(MARKET, "myBot"): story(fill(1000, "68400.0"))})
    assert panel.curve.drawn == drawn + 1


def test_only_its_own_orders_are_listed_and_a_click_opens_one(
    window: Bench, panel: BotPanel
) -> None:
    window.change(orders=(order_row(1), order_row(2, emi="other"), order_row(3)))
    assert [row[7] for row in shown(panel)["tables"]["bot_orders"]] == ["myBot", "myBot"]
    window.click_on("bot_order", order_row(3).key)
    opened = window.amendment()
    assert isinstance(opened, AmendDialog)
    assert opened.key == order_row(3).key
    window.click_on("amend", "cancel")
    assert isinstance(window.sent[-1], CancelOrder)


def test_the_log_shows_errors_apart(window: Bench, panel: BotPanel) -> None:
    assert shown(panel)["log"] == ["nothing was said since the start"]
    lines = (BotLine(NOW, "bought"), BotLine(NOW, "Traceback:\n  File x\nNameError", error=True))
    window.change(bot_logs={(MARKET, "myBot"): lines})
    assert shown(panel)["log"] == [
        "2026-11-23 04:05:06   bought",
        "2026-11-23 04:05:06 \u2715 Traceback:",
        "      File x",
        "    NameError",
    ]


def test_errors_and_the_reason_of_a_status_are_seen(window: Bench, panel: BotPanel) -> None:
    assert shown(panel)["errors"] == "ERRORS 0"
    row = robot_row("myBot", status=Status.ERROR, problem="NameError: x (strategy.py:9)")
    window.change(robots=(replace(row, errors=3, note="the new code is not used"),))
    assert shown(panel)["errors"] == "ERRORS 3"
    assert shown(panel)["status"] == "ERROR: NameError: x (strategy.py:9)"
    assert shown(panel)["note"] == "the new code is not used"
    table = window.terminal.describe()["tables"]
    assert isinstance(table, dict)
    assert table["robots"][0][8] == "3"


def test_its_buttons_switch_and_open_the_stop_window(window: Bench, panel: BotPanel) -> None:
    window.click_on("bot", "switch")
    assert window.sent[-1] == SetRobotStatus(MARKET, "myBot", work=False)
    window.change(robots=(robot_row("myBot", status=Status.OFF, position=1000),))
    assert panel.button["switch"]["text"] == "Enable"
    window.click_on("bot", "flatten")
    stop = window.terminal.actions.dialogs()[-1]
    assert isinstance(stop, StopDialog)
    assert "myBot" in stop.plan_text


def test_what_the_terminal_says_of_the_bot_is_said_in_its_panel(
    window: Bench, panel: BotPanel
) -> None:
    def say(number: int, level: Level, text: str) -> None:
        notice = Notice(number, NOW, level, text)
        window.change(notices=(*window.snapshot.notices, notice))

    say(50, Level.INFO, "myBot: OFF")
    assert panel.message["text"] == "04:05:06  myBot: OFF"
    say(51, Level.ERROR, "myBot cannot be switched: another terminal trades on this account")
    assert "cannot be switched" in str(panel.message["text"])
    assert str(panel.message["style"]) == "Error.TLabel"
    say(52, Level.ERROR, "myBot2: something else")
    assert "cannot be switched" in str(panel.message["text"])


def test_a_bot_that_goes_away_is_said_to_be_gone(window: Bench, panel: BotPanel) -> None:
    window.change(robots=(robot_row("other"),))
    assert panel.message["text"] == GONE
    assert all(button.instate(["disabled"]) for button in panel.button.values())


def test_the_panel_fits_a_small_screen_and_follows_the_theme(
    window: Bench, panel: BotPanel
) -> None:
    window.terminal.switch_theme()
    window.turn()
    assert panel.curve["background"] == window.terminal.theme.palette.panel
    assert panel.winfo_width() <= panel.winfo_screenwidth()
    assert panel.winfo_rooty() + panel.winfo_height() <= panel.winfo_screenheight()


# ---- deleting ----------------------------------------------------------------------------------


def open_delete(window: Bench, row: RobotRow) -> DeleteDialog:
    window.terminal.bots.delete(row)
    window.turn()
    dialog = window.terminal.actions.dialogs()[-1]
    assert isinstance(dialog, DeleteDialog)
    return dialog


def test_a_bot_with_something_left_is_not_deleted_and_the_remedy_is_named(window: Bench) -> None:
    row = robot_row("myBot", status=Status.WORK, position=1000)
    window.change(robots=(row,), orders=(order_row(1), order_row(2)))
    dialog = open_delete(window, row)
    said = str(dialog.problem["text"])
    assert "2 open orders" in said
    assert "holds 0.001 XBTUSDT" in said
    assert "disable it first" in said
    window.click_on("bot_delete", "do")
    dialog.press()
    assert window.sent == []
    window.change(robots=(robot_row("myBot", status=Status.OFF),), orders=())
    assert dialog.problem["text"] == ""
    window.click_on("bot_delete", "do")
    window.click_on("bot_delete", "do")
    assert window.sent == [DeleteBot(1, MARKET, "myBot")]
    window.answer(1)
    assert window.terminal.actions.dialogs() == []


def test_a_refused_deletion_says_why(window: Bench) -> None:
    row = robot_row("myBot", status=Status.OFF)
    window.change(robots=(row,), orders=())
    dialog = open_delete(window, row)
    dialog.press()
    window.answer(1, refused=True, text="myBot is not deleted: executions are being booked")
    assert "executions are being booked" in str(dialog.message["text"])
    assert not dialog.do.instate(["disabled"])


def test_reserved_and_undefined_bots_have_nothing_to_edit_or_delete(window: Bench) -> None:
    for status in (Status.RESERVED, Status.NOT_DEFINED, Status.NOT_IN_LIST):
        window.change(robots=(robot_row("myBot", status=status),))
        right_click(window, "myBot")
        panel = window.terminal.actions.dialogs()[-1]
        assert isinstance(panel, BotPanel)
        assert panel.button["edit"].instate(["disabled"])
        assert panel.button["delete"].instate(["disabled"])
        assert panel.button["switch"].instate(["disabled"])
        panel.close()
