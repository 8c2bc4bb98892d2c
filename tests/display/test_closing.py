"""Closing the window: asked only when something is open, and done as was chosen."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace

import pytest

from common.domain.commands import CancelAll, Command, Drawn, Scope, SetTrading
from common.engine.snapshot import DeadManRow, MarketRow, Snapshot
from display.closing import CloseDialog, open_matters
from tests.display import support
from tests.display.support import MARKET, Bench

QUIET = replace(support.busy_snapshot(), orders=())


def press_close(window: Bench) -> None:
    window.root.tk.call("eval", window.root.protocol("WM_DELETE_WINDOW"))
    window.root.update()


def question(window: Bench) -> CloseDialog:
    return next(d for d in window.terminal.actions.dialogs() if isinstance(d, CloseDialog))


def commands(window: Bench) -> list[Command]:
    return [each for each in window.sent if not isinstance(each, Drawn)]


def is_gone(window: Bench) -> bool:
    try:
        window.root.update()
        return not window.root.winfo_exists()
    except tk.TclError:
        return True


def test_u7_nothing_open_closes_at_once(window: Bench) -> None:
    window.turn(QUIET)
    press_close(window)
    assert is_gone(window)
    assert window.closed == 1


def test_u7_open_orders_are_named_and_nothing_is_done_before_an_answer(window: Bench) -> None:
    press_close(window)
    press_close(window)
    assert len(window.terminal.actions.dialogs()) == 1
    text = question(window).matters
    assert "4 open orders, 4 of this program" in text
    assert "the outcome of 1 is not known yet" in text
    assert "positions stay as they are: myBot" in text
    assert window.root.focus_get() is question(window).stay
    window.click_on("close", "stay")
    assert (window.closed, commands(window)) == (0, [])
    assert window.terminal.actions.dialogs() == []


def test_u7_trading_that_is_on_is_reason_enough() -> None:
    assert open_matters(QUIET) == []
    assert "TRADING is ON" in open_matters(replace(QUIET, trading=True))[0]


def test_u7_the_dead_mans_switch_is_spoken_of() -> None:
    row = replace(support.market_row(), dead_man=DeadManRow(60, support.NOW))
    assert any("taken back" in line for line in open_matters(with_market(row)))


def with_market(row: MarketRow) -> Snapshot:
    return replace(support.busy_snapshot(), markets=(row,))


def test_u7_keep_leaves_the_orders_alone(window: Bench) -> None:
    press_close(window)
    window.click_on("close", "keep")
    assert is_gone(window)
    assert (window.closed, commands(window)) == (1, [])


@pytest.mark.parametrize(("button", "own"), [("mine", True), ("all", False)])
def test_u7_cancelled_orders_are_waited_for(window: Bench, button: str, own: bool) -> None:
    press_close(window)
    window.click_on("close", button)
    assert commands(window) == [SetTrading(on=False), CancelAll(1, Scope(MARKET, own=own))]
    assert window.closed == 0
    assert question(window).stay.instate(["disabled"])
    window.change(orders=())
    assert is_gone(window)
    assert window.closed == 1


def test_u7_a_cancel_that_nobody_confirms_does_not_hold_the_window(
    window: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    press_close(window)
    window.click_on("close", "all")
    window.now += 2
    window.turn()
    assert window.closed == 0
    window.now += 1
    window.change()
    assert is_gone(window)
    assert "had not confirmed 4 cancels" in caplog.text


def test_a_second_answer_changes_nothing(window: Bench) -> None:
    press_close(window)
    window.click_on("close", "mine")
    window.click_on("close", "all")
    window.click_on("close", "keep")
    assert len(commands(window)) == 2
    assert window.closed == 0
