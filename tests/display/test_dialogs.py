from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from common.domain.commands import AmendOrder, CancelOrder, PlaceOrder
from common.domain.orders import Side
from common.engine.snapshot import Health, OrderRow
from display.amend import GONE
from display.ticket import LOCKED
from tests.display import support
from tests.display.support import MARKET, SOLUSDT, XBTUSDT, Bench


@pytest.fixture
def clicked(window: Bench) -> Bench:
    """A window with the ticket of XBTUSDT open at 68411.0."""
    window.click_on("book", "Buy 68411.0")
    return window


@pytest.fixture
def order(window: Bench) -> OrderRow:
    """The order whose window `window` has open: Buy 0.003 at 68399.0."""
    row = window.snapshot.orders[1]
    window.click_on("order", row.key)
    return row


# ---- the ticket ---------------------------------------------------------------------------------


def test_a_click_on_the_book_opens_a_ticket_with_that_price(clicked: Bench) -> None:
    ticket = clicked.ticket()
    assert ticket.title() == "New order: XBTUSDT.linear on Bitmex"
    assert ticket.price.text.get() == "68411.0"
    assert ticket.quantity.text.get() == "0.001"
    assert ticket.emi.get() == "XBTUSDT.linear"
    assert ticket.emi["values"] == ("myBot", "leftover", "grid00", "grid06", "XBTUSDT.linear")


def test_buy_sends_one_order_with_what_the_fields_say(clicked: Bench) -> None:
    ticket = clicked.ticket()
    ticket.price.text.set("68411,5")
    ticket.quantity.text.set("0.29")
    ticket.emi.set("myBot")
    clicked.click_on("ticket", "buy")
    assert clicked.sent == [
        PlaceOrder(1, MARKET, XBTUSDT.symbol, "myBot", Side.BUY, Decimal("68411.5"), 290_000)
    ]


def test_u2_a_double_click_sends_one_order(clicked: Bench) -> None:
    place = clicked.terminal.geometry_of("ticket", "sell")
    for _ in range(5):
        clicked.click(place)
    assert len(clicked.sent) == 1
    clicked.turn()
    clicked.click_on("ticket", "buy")
    assert len(clicked.sent) == 1


def test_a_sent_order_disarms_the_ticket(clicked: Bench) -> None:
    ticket = clicked.ticket()
    ticket.press(Side.BUY)
    for widget in (ticket.buy, ticket.sell, ticket.emi, ticket.price.entry, ticket.quantity.entry):
        assert widget.instate(["disabled"])
    ticket.press(Side.SELL)
    ticket.press(Side.BUY)
    assert len(clicked.sent) == 1


def test_the_wheel_does_not_change_the_bot(clicked: Bench) -> None:
    box = clicked.ticket().emi
    chosen = box.get()
    for event in ("<Button-4>", "<Button-5>"):
        box.event_generate(event)
    box.event_generate("<MouseWheel>", delta=120)
    clicked.root.update()
    assert box.get() == chosen


def test_the_keyboard_returns_to_the_window_when_a_ticket_closes(clicked: Bench) -> None:
    clicked.ticket().close()
    clicked.root.update()
    assert clicked.root.focus_get() is not None


def test_the_ticket_closes_when_its_order_is_accepted(clicked: Bench) -> None:
    clicked.click_on("ticket", "buy")
    clicked.answer(7)
    assert len(clicked.terminal.actions.dialogs()) == 1, "an answer to another event"
    clicked.answer(1)
    assert clicked.terminal.actions.dialogs() == []


def test_a_refusal_is_shown_and_the_buttons_work_again(clicked: Bench) -> None:
    clicked.click_on("ticket", "buy")
    clicked.answer(1, refused=True, text="Account has insufficient Available Balance")
    ticket = clicked.ticket()
    assert ticket.message["text"] == "Account has insufficient Available Balance"
    clicked.click_on("ticket", "buy")
    assert [command.event for command in clicked.sent if isinstance(command, PlaceOrder)] == [1, 2]


def test_an_answer_that_does_not_come_is_mentioned_and_nothing_is_sent_again(
    clicked: Bench,
) -> None:
    clicked.click_on("ticket", "buy")
    clicked.now += 6
    clicked.change()
    assert "no answer yet" in clicked.ticket().message["text"]
    clicked.click_on("ticket", "buy")
    assert len(clicked.sent) == 1


def test_wrong_fields_send_nothing_and_say_why(clicked: Bench) -> None:
    ticket = clicked.ticket()
    ticket.price.text.set("68411.3")
    ticket.quantity.text.set("0.0015")
    ticket.emi.set("")
    clicked.click_on("ticket", "buy")
    assert clicked.sent == []
    assert "not on the tick" in ticket.price.problem
    assert "not a multiple of the lot" in ticket.quantity.problem
    assert ticket.bot_problem == "choose a bot"
    ticket.price.text.set("68411.5")
    assert ticket.price.problem == ""


def test_a_bot_that_is_not_defined_can_only_be_closed_by_hand(clicked: Bench) -> None:
    ticket = clicked.ticket()
    ticket.emi.set("leftover")
    clicked.click_on("ticket", "buy")
    assert clicked.sent == []
    assert "only Sell up to 0.005 closes it" in ticket.bot_problem
    ticket.quantity.text.set("0.005")
    clicked.click_on("ticket", "sell")
    assert len(clicked.sent) == 1


def test_u10_a_price_far_through_the_book_needs_a_second_press(clicked: Bench) -> None:
    ticket = clicked.ticket()
    ticket.price.text.set("75000")
    clicked.click_on("ticket", "buy")
    assert clicked.sent == []
    assert "above the best ask" in ticket.message["text"]
    ticket.price.text.set("76000")
    clicked.click_on("ticket", "buy")
    assert clicked.sent == [], "the question was about another price"
    clicked.click_on("ticket", "buy")
    assert len(clicked.sent) == 1


def test_m12_an_open_ticket_is_locked_while_trading_is_on(clicked: Bench) -> None:
    clicked.change(trading=True)
    ticket = clicked.ticket()
    assert ticket.message["text"] == LOCKED
    assert ticket.buy.instate(["disabled"])
    ticket.press(Side.BUY)
    clicked.click_on("ticket", "buy")
    assert clicked.sent == []
    clicked.change(trading=False)
    assert ticket.message["text"] == ""
    clicked.click_on("ticket", "buy")
    assert len(clicked.sent) == 1


def test_an_open_ticket_waits_while_the_market_is_not_live(clicked: Bench) -> None:
    clicked.change(markets=(support.market_row(Health.OFFLINE, "connection refused"),))
    assert "OFFLINE: connection refused" in clicked.ticket().message["text"]
    clicked.click_on("ticket", "sell")
    assert clicked.sent == []


def test_m11_u6_the_ticket_keeps_its_symbol_when_another_is_selected(clicked: Bench) -> None:
    clicked.click_on("position", "SOLUSDT")
    ticket = clicked.ticket()
    assert "XBTUSDT" in ticket.title()
    ticket.press(Side.BUY)
    assert clicked.sent[0].symbol == XBTUSDT.symbol  # type: ignore[union-attr]


def test_another_click_on_the_book_moves_the_price_of_the_same_ticket(clicked: Bench) -> None:
    clicked.terminal.actions.click_book(Decimal("68409.5"), Side.BUY)
    assert len(clicked.terminal.actions.dialogs()) == 1
    assert clicked.ticket().price.text.get() == "68409.5"


def test_the_bot_used_last_for_a_symbol_is_offered_first(clicked: Bench) -> None:
    clicked.ticket().emi.set("grid06")
    clicked.click_on("ticket", "buy")
    clicked.answer(1)
    clicked.click_on("book", "Sell 68413.0")
    assert clicked.ticket().emi.get() == "grid06"
    clicked.ticket().close()
    clicked.click_on("position", "SOLUSDT")
    clicked.terminal.actions.click_book(None, None)
    assert clicked.ticket().emi.get() == str(SOLUSDT.symbol)


def test_a_bot_that_leaves_the_list_is_not_sent_for(clicked: Bench) -> None:
    clicked.ticket().emi.set("grid00")
    clicked.change(robots=tuple(r for r in clicked.snapshot.robots if r.emi != "grid00"))
    clicked.click_on("ticket", "buy")
    assert clicked.sent == []
    assert clicked.ticket().bot_problem == "choose a bot"


def test_escape_closes_and_return_in_a_field_sends_nothing(clicked: Bench) -> None:
    ticket = clicked.ticket()
    ticket.price.entry.focus_force()
    clicked.root.update()
    ticket.price.entry.event_generate("<Return>")
    clicked.root.update()
    assert clicked.sent == []
    assert clicked.root.focus_get() is ticket.quantity.entry
    ticket.quantity.entry.event_generate("<Escape>")
    clicked.root.update()
    assert clicked.terminal.actions.dialogs() == []


def test_u14_the_whole_order_can_be_made_by_keyboard(clicked: Bench) -> None:
    ticket = clicked.ticket()
    clicked.root.update()
    visited = []
    for _ in range(6):
        widget = clicked.root.focus_get()
        assert widget is not None
        visited.append(widget.winfo_name())
        if widget is ticket.buy:
            break
        widget.event_generate("<Tab>")
        clicked.root.update()
    assert visited == ["quantity", "emi", "buy"]
    ticket.buy.event_generate("<Return>")
    clicked.root.update()
    assert len(clicked.sent) == 1


def test_steps_beside_the_fields_move_price_and_quantity(clicked: Bench) -> None:
    ticket = clicked.ticket()
    ticket.price.entry.focus_force()
    clicked.root.update()
    ticket.price.entry.event_generate("<Up>")
    ticket.quantity.entry.focus_force()
    clicked.root.update()
    ticket.quantity.entry.event_generate("<Up>")
    clicked.root.update()
    assert ticket.price.text.get() == "68411.5"
    assert ticket.quantity.text.get() == "0.002"


# ---- move and cancel ----------------------------------------------------------------------------


def test_a_click_on_an_order_opens_it(window: Bench, order: OrderRow) -> None:
    dialog = window.amendment()
    assert dialog.key == order.key
    assert dialog.price.text.get() == "68399.0"
    assert dialog.quantity.text.get() == "0.003"


def test_move_sends_only_what_differs(window: Bench, order: OrderRow) -> None:
    window.amendment().price.text.set("68400")
    window.click_on("amend", "move")
    assert window.sent == [AmendOrder(1, MARKET, order.key, Decimal(68400), None)]
    window.answer(1, refused=True, text="no")
    window.amendment().price.text.set("68399.0")
    window.amendment().quantity.text.set("0.005")
    window.click_on("amend", "move")
    assert window.sent[1] == AmendOrder(2, MARKET, order.key, None, 5000)


def test_move_without_a_difference_sends_nothing(window: Bench, order: OrderRow) -> None:
    assert order.price == Decimal("68399.0")
    window.click_on("amend", "move")
    assert window.sent == []
    assert "nothing differs" in window.amendment().message["text"]


def test_u10_a_move_far_through_the_book_is_asked_about(window: Bench, order: OrderRow) -> None:
    window.amendment().price.text.set("684000")
    window.click_on("amend", "move")
    assert window.sent == []
    assert "above the best ask" in window.amendment().message["text"]
    window.click_on("amend", "move")
    assert window.sent == [AmendOrder(1, MARKET, order.key, Decimal(684000), None)]


def test_u2_clicks_on_cancel_send_one_command(window: Bench, order: OrderRow) -> None:
    place = window.terminal.geometry_of("amend", "cancel")
    for _ in range(4):
        window.click(place)
    assert window.sent == [CancelOrder(1, MARKET, order.key)]
    window.answer(1)
    assert window.terminal.actions.dialogs() == []


@pytest.mark.parametrize("health", [each for each in Health if each is not Health.LIVE])
def test_cancelling_is_possible_in_every_state(
    window: Bench, order: OrderRow, health: Health
) -> None:
    window.change(markets=(support.market_row(health, "why"),), trading=True)
    window.amendment().price.text.set("68000")
    window.click_on("amend", "move")
    assert window.sent == []
    window.click_on("amend", "cancel")
    assert window.sent == [CancelOrder(1, MARKET, order.key)]


def test_u4_an_order_that_ended_is_not_moved_or_cancelled(window: Bench, order: OrderRow) -> None:
    left = tuple(each for each in window.snapshot.orders if each.key != order.key)
    window.change(orders=left)
    assert window.amendment().message["text"] == GONE
    window.click_on("amend", "move")
    window.click_on("amend", "cancel")
    assert window.sent == []


def test_an_order_filled_in_part_shows_what_is_left(window: Bench, order: OrderRow) -> None:
    part = replace(order, leaves=1000)
    window.change(orders=(part, *(o for o in window.snapshot.orders if o.key != order.key)))
    dialog = window.amendment()
    assert dialog.heading == "Buy 0.001 of 0.005 XBTUSDT.linear at 68399.0"


def test_u4_an_order_that_vanished_between_press_and_release_is_reported(window: Bench) -> None:
    row = window.snapshot.orders[0]
    release = window.click(window.terminal.geometry_of("order", row.key), press_only=True)
    window.change(orders=window.snapshot.orders[1:])
    release()
    assert window.terminal.actions.dialogs() == []
    assert GONE in window.terminal.layout.notices.lines()[0]


def test_dialogs_are_restyled_with_the_window(
    open_window: Callable[..., Bench],
) -> None:
    window = open_window()
    window.click_on("book", "Buy 68411.0")
    window.terminal.switch_theme()
    palette = window.terminal.theme.palette
    assert window.ticket()["background"] == palette.panel == "#ffffff"
