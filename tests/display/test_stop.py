"""The stop window: what it says, what it sends, and that a press never slips to something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.domain.commands import CancelAll, Flatten, Scope, SetTrading
from common.domain.orders import Side
from common.engine.snapshot import Health
from common.engine.stop_levels import Level, Target
from display.stop import StopDialog
from tests.display import support
from tests.display.support import MARKET, XBTUSDT, Bench

SYMBOL = XBTUSDT.symbol


def stop(window: Bench) -> StopDialog:
    return next(d for d in window.terminal.actions.dialogs() if isinstance(d, StopDialog))


@pytest.fixture
def stopping(window: Bench) -> Bench:
    """A window whose stop window was opened by the button of the state line."""
    window.click_on("state", "stop")
    return window


def test_f4_opens_the_stop_window_with_the_keyboard_at_the_harmless_button(window: Bench) -> None:
    window.root.focus_force()
    window.root.event_generate("<F4>")
    window.root.update()
    dialog = stop(window)
    assert dialog.do["text"] == "Cancel 4 orders"
    assert window.root.focus_get() is dialog.leave
    dialog.leave.event_generate("<Return>")
    window.root.update()
    assert window.sent == []
    assert window.terminal.actions.dialogs() == []


def test_cancelling_says_which_orders_and_sends_one_command(stopping: Bench) -> None:
    text = stop(stopping).plan_text
    assert text.startswith("cancel 4 orders of Bitmex")
    assert "Sell 0.002 XBTUSDT at 68425.5 (myBot)" in text
    stopping.click_on("stop", "do")
    stopping.click_on("stop", "do")
    assert stopping.sent == [CancelAll(1, Scope(MARKET))]
    stopping.answer(1)
    assert stopping.terminal.actions.dialogs() == []


def test_the_orders_of_one_bot_can_be_chosen_with_the_keyboard(stopping: Bench) -> None:
    dialog = stop(stopping)
    values = list(dialog.target["values"])
    assert values[:2] == ["all of Bitmex", "XBTUSDT.linear"]
    dialog.target.focus_force()
    dialog.target.event_generate("<Down>")  # a read-only box on X: the list drops down
    dialog.target.current(values.index("myBot"))
    dialog.target.event_generate("<<ComboboxSelected>>")
    stopping.root.update()
    assert dialog.do["text"] == "Cancel 3 orders"
    dialog.do.focus_force()
    dialog.do.event_generate("<Return>")
    stopping.root.update()
    assert stopping.sent == [CancelAll(1, Scope(MARKET, emi="myBot"))]


def test_trading_goes_off_first_when_it_is_on(stopping: Bench) -> None:
    stopping.change(trading=True)
    assert stop(stopping).off.winfo_ismapped()
    stopping.click_on("stop", "do")
    assert stopping.sent == [SetTrading(on=False), CancelAll(1, Scope(MARKET))]


def test_flatten_sends_what_it_said(stopping: Bench) -> None:
    stopping.terminal.actions.open_stop(Level.FLATTEN, Target(MARKET, SYMBOL, "myBot"))
    stopping.turn()
    assert "Sell 0.250 XBTUSDT of myBot at about" in stop(stopping).plan_text
    stopping.click_on("stop", "do")
    assert stopping.sent == [Flatten(1, MARKET, SYMBOL, "myBot", (("myBot", Side.SELL),))]


def test_stopping_entries_is_shown_in_the_state_line(stopping: Bench) -> None:
    stopping.change(trading=True)
    stopping.click_on("stop", "entries")
    stopping.click_on("stop", "do")
    assert stopping.sent == [SetTrading(on=True, entries=False)]
    stopping.change(entries=False)
    assert stopping.terminal.layout.state_line.trading["text"] == "EXITS ONLY"


def test_a_target_that_vanishes_is_not_replaced_by_another_one(stopping: Bench) -> None:
    stopping.terminal.actions.open_stop(Level.CANCEL, Target(MARKET, emi="myBot"))
    place = stopping.terminal.geometry_of("stop", "do")
    rest = [row for row in stopping.snapshot.orders if row.emi != "myBot"]
    stopping.change(orders=tuple(rest))
    stopping.click(place)
    assert stopping.sent == []
    assert "there is no such order" in stop(stopping).plan_text
    assert stop(stopping).target.get() == "myBot"


def test_a_market_that_is_away_lets_orders_be_cancelled_and_nothing_be_closed(
    stopping: Bench,
) -> None:
    stopping.change(markets=(support.market_row(Health.OFFLINE, "no network"),))
    assert not stop(stopping).do.instate(["disabled"])
    stopping.terminal.actions.open_stop(Level.FLATTEN, Target(MARKET, SYMBOL, "myBot"))
    assert stop(stopping).do.instate(["disabled"])
    assert "OFFLINE" in stop(stopping).plan_text


def test_an_empty_account_has_nothing_to_stop(stopping: Bench) -> None:
    stopping.change(orders=(), robots=(), markets=())
    for level in (Level.CANCEL, Level.FLATTEN):
        stopping.terminal.actions.open_stop(level)
        assert stop(stopping).do.instate(["disabled"])
        assert "nothing to stop" in stop(stopping).plan_text or level is Level.CANCEL


def test_the_plan_follows_the_market(stopping: Bench) -> None:
    before = stop(stopping).plan_text
    first, *others = stopping.snapshot.orders
    stopping.change(orders=(replace(first, leaves=1000), *others))
    assert stop(stopping).plan_text != before
    assert "Sell 0.001 XBTUSDT" in stop(stopping).plan_text
