"""Storms of clicks and keys: one order, one window, one switch, whatever the hand does."""

from __future__ import annotations

from dataclasses import replace
from tkinter import ttk

import pytest

from common.domain.commands import AmendOrder, CancelOrder, PlaceOrder, SetRobotStatus, SetTrading
from common.engine.requests import SendOrder
from tests.common.engine.support import robot
from tests.common.engine.world import World, place
from tests.display.support import Bench


def press(window: Bench, key: str, times: int = 1) -> None:
    window.root.focus_force()
    for _ in range(times):
        window.root.event_generate(key)
    window.root.update()


def test_m13_u2_a_storm_on_buy_and_sell_sends_one_order(window: Bench) -> None:
    window.click_on("book", "Buy 68411.0")
    places = [window.terminal.geometry_of("ticket", side) for side in ("buy", "sell")]
    for number in range(30):
        window.click(places[number % 2])
    assert [type(each) for each in window.sent] == [PlaceOrder]
    window.answer(1, refused=True, text="no")
    for _ in range(30):
        window.click(places[1])
    assert [type(each) for each in window.sent] == [PlaceOrder, PlaceOrder]
    assert [each.event for each in window.sent if isinstance(each, PlaceOrder)] == [1, 2]


def test_u2_a_storm_on_move_and_cancel_sends_one_request(window: Bench) -> None:
    order = window.snapshot.orders[1]
    window.click_on("order", order.key)
    window.amendment().price.text.set("68390")
    for _ in range(20):
        window.click_on("amend", "move")
        window.click_on("amend", "cancel")
    assert [type(each) for each in window.sent] == [AmendOrder]
    window.answer(1, refused=True, text="no")
    for _ in range(20):
        window.click_on("amend", "cancel")
    assert [type(each) for each in window.sent] == [AmendOrder, CancelOrder]


def test_u2_a_storm_on_the_book_opens_one_ticket(window: Bench) -> None:
    for _ in range(20):
        window.click_on("book", "Buy 68411.0")
    assert len(window.terminal.actions.dialogs()) == 1


def test_u2_a_storm_on_an_order_opens_one_window(window: Bench) -> None:
    place_of_row = window.terminal.geometry_of("order", window.snapshot.orders[0].key)
    window.click(place_of_row)
    for _ in range(10):
        window.terminal.actions.click_order(window.snapshot.orders[0].key)
    assert len(window.terminal.actions.dialogs()) == 1


def test_u2_a_storm_on_a_robot_switches_it_once(window: Bench) -> None:
    for _ in range(20):
        window.click_on("robot", "myBot")
        window.now += 0.1
    assert [type(each) for each in window.sent] == [SetRobotStatus]


def test_u2_the_engine_carries_an_event_out_once_however_often_it_is_sent() -> None:
    world = World(robot()).start()
    world.put(*(place(event=7) for _ in range(30)))
    assert world.gateway.count(SendOrder) == 1


@pytest.mark.parametrize("key", ["<F1>", "<F2>", "<F4>", "<F6>", "<F7>", "<F8>"])
def test_u3_a_key_that_is_held_down_harms_nothing(window: Bench, key: str) -> None:
    for _ in range(30):
        press(window, key)
        window.now += 0.03
    assert len(window.sent) <= 1
    assert len(window.terminal.actions.dialogs()) <= 1


def test_u3_f9_is_edge_triggered_while_the_state_follows(window: Bench) -> None:
    for _ in range(10):
        press(window, "<F9>", 5)
        window.change(trading=True)
        window.now += 0.2
    assert window.sent == [SetTrading(on=True)]


def test_u4_a_reload_between_press_and_release_leaves_the_click_with_its_order(
    window: Bench,
) -> None:
    key = window.snapshot.orders[0].key
    release = window.click(window.terminal.geometry_of("order", key), press_only=True)
    rest = tuple(row for row in window.snapshot.orders if row.key != key)
    window.change(orders=rest, reloads=window.snapshot.reloads + 1)
    release()
    assert window.sent == []
    assert window.terminal.actions.dialogs() == []
    assert "order no longer open" in window.terminal.layout.notices.lines()[0]


def texts_of(body: ttk.Frame) -> str:
    labels = [each for each in body.winfo_children() if isinstance(each, ttk.Label)]
    return " ".join(str(each["text"]) for each in labels)


def test_u5_the_window_of_an_order_names_it_and_cancels_no_other(window: Bench) -> None:
    first, second, *others = window.snapshot.orders
    window.click_on("order", second.key)
    newer = replace(second, leaves=1000)
    window.change(orders=(newer, first, *others))
    dialog = window.amendment()
    for part in ("Buy", "0.001", "XBTUSDT", "68399"):
        assert part in dialog.heading
    assert second.emi in texts_of(dialog.body)
    window.click_on("amend", "cancel")
    assert window.sent == [CancelOrder(1, second.market, second.key)]
