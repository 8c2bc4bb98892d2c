"""Amendments: durable before they leave, settled by looking when their answer is lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from common.domain.books import Intent
from common.domain.orders import Phase, Side
from common.engine.items import IntentWritten
from common.engine.orders import Change, LiveOrder
from common.engine.requests import FindOrder, SendAmend, SendCancel, SendOrder
from common.errors import (
    DuplicateNumber,
    ExchangeUnavailable,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    Withdrawn,
)
from tests.common.engine.support import KEY, START, XBTUSDT, accepted, executed, order, robot
from tests.common.engine.test_desk import Bench

MOVE = Change(Decimal("100.6"), 200, event=2)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def phase(bench: Bench, key: str) -> Phase | None:
    live = bench.state.orders.get(key)
    return live.phase if live else None


def look(bench: Bench, **found: object) -> None:
    """Answer the newest look with an order as the exchange holds it."""
    number, request = bench.gateway.last(FindOrder)
    bench.desk.wire.replied(accepted(number, request, order(**found)))  # type: ignore[arg-type]


def lost(bench: Bench, change: Change = MOVE) -> str:
    """Have an amendment leave whose answer is lost."""
    key = bench.open_order()
    bench.desk.amend(key, change)
    bench.durable()
    bench.fail(SendAmend, OutcomeUnknown("timed out"))
    return key


def test_nothing_is_written_to_the_exchange_before_the_intent_is_durable(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, MOVE)
    assert bench.gateway.count(SendAmend) == 0
    intent = bench.ledger.of("intent")[-1]
    assert isinstance(intent, Intent)
    assert (intent.verb, intent.cl_ord_id, intent.quantity, intent.price, intent.order_id) == (
        *("PUT", key, 200, Decimal("100.6")),
        f"o-{key}",
    )
    bench.durable()
    assert bench.gateway.count(SendAmend) == 1


def test_an_answer_settles_the_intent_of_the_amendment(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, MOVE)
    bench.durable()
    number, request = bench.gateway.last(SendAmend)
    answer = order(key, f"o-{key}", price="100.6", quantity=200, seconds=3)
    bench.desk.wire.replied(accepted(number, request, answer))
    assert bench.ledger.of("settle amendment") == [(key, "ACCEPTED")]


def test_a_refusal_settles_it_too(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, MOVE)
    bench.durable()
    bench.fail(SendAmend, OrderRefused("Invalid price"))
    assert bench.ledger.of("settle amendment") == [(key, "REFUSED")]
    assert phase(bench, key) is Phase.OPEN


def test_trading_that_went_off_meanwhile_keeps_a_bots_amendment_from_leaving(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, Change(Decimal("100.6"), None, bot=True))
    bench.trading = False
    bench.durable()
    assert bench.gateway.count(SendAmend) == 0
    assert bench.ledger.of("settle amendment") == [(key, "NOT_PLACED")]
    assert phase(bench, key) is Phase.OPEN


def test_off_and_on_again_does_not_let_an_old_amendment_leave(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, Change(Decimal("100.6"), None, bot=True))
    bench.desk.withdraw_bots()
    bench.durable()
    assert bench.gateway.count(SendAmend) == 0


def test_a_cancel_overtakes_an_amendment_that_waits_for_the_database(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, MOVE)
    bench.desk.cancel(key, event=3)
    assert bench.gateway.count(SendCancel) == 1
    bench.durable()
    assert bench.gateway.count(SendAmend) == 0


def test_a_lost_answer_makes_the_order_unknown_and_sends_nothing_more(bench: Bench) -> None:
    key = lost(bench)
    assert phase(bench, key) is Phase.UNKNOWN
    bench.desk.amend(key, Change(Decimal("100.9"), None, event=3))
    bench.timers.move(0.6)
    assert bench.gateway.count(SendAmend) == 1
    assert bench.gateway.count(FindOrder) == 1


def test_a_look_that_finds_the_amendment_settles_it_and_the_next_wish_follows(bench: Bench) -> None:
    key = lost(bench)
    bench.desk.amend(key, Change(Decimal("100.9"), None, event=3))
    bench.timers.move(0.6)
    look(bench, cl_ord_id=key, order_id=f"o-{key}", price="100.6", quantity=200, seconds=4)
    assert bench.ledger.of("settle amendment") == [(key, "ACCEPTED")]
    bench.durable()
    _, newest = bench.gateway.last(SendAmend)
    assert isinstance(newest, SendAmend)
    assert newest.price == Decimal("100.9")


def look_on(bench: Bench, key: str, seconds: int) -> None:
    """Let time pass in which looks show the order as it was."""
    for _ in range(2 * seconds):
        bench.timers.move(0.5)
        if (number := bench.open_look()) is not None:
            look = accepted(number, FindOrder(key), order(key, f"o-{key}"))
            bench.desk.wire.replied(look)


def test_an_amendment_that_is_not_seen_for_15_s_did_not_happen(bench: Bench) -> None:
    key = lost(bench)
    bench.in_touch = False
    look_on(bench, key, 40)
    assert phase(bench, key) is Phase.UNKNOWN  # the stream could not have shown it
    bench.in_touch = True
    look_on(bench, key, 8)
    assert bench.ledger.of("settle amendment") == [(key, "NOT_PLACED")]
    assert "was not moved" in bench.notices.all()[-1].text


def test_the_stream_may_settle_it_first(bench: Bench) -> None:
    key = lost(bench)
    bench.desk.wire.reported(order(key, f"o-{key}", price="100.6", quantity=200, seconds=4))
    assert phase(bench, key) is Phase.OPEN
    assert bench.ledger.of("settle amendment") == [(key, "ACCEPTED")]


def test_other_news_of_the_order_does_not_settle_it(bench: Bench) -> None:
    key = lost(bench)
    bench.desk.wire.reported(order(key, f"o-{key}", filled=50, seconds=4))
    assert phase(bench, key) is Phase.UNKNOWN
    bench.timers.move(0.6)
    assert bench.gateway.count(FindOrder) == 1


def test_an_order_that_ends_meanwhile_ends_its_amendment(bench: Bench) -> None:
    key = lost(bench)
    bench.desk.wire.reported(order(key, f"o-{key}", filled=100, phase=Phase.FILLED, seconds=4))
    assert phase(bench, key) is None
    assert bench.ledger.of("settle amendment") == [(key, "REFUSED")]


def test_an_order_of_unknown_amendment_can_be_cancelled(bench: Bench) -> None:
    key = lost(bench)
    bench.desk.cancel(key, event=4)
    assert bench.gateway.count(SendCancel) == 1


# ---- numbers that the exchange knows already --------------------------------------------------


def duplicate(bench: Bench) -> str:
    key = bench.place()
    bench.fail(SendOrder, DuplicateNumber("Duplicate clOrdID"))
    bench.timers.move(0.6)
    return key


def test_a_duplicate_number_that_is_our_very_order_is_adopted(bench: Bench) -> None:
    key = duplicate(bench)
    look(bench, cl_ord_id=key, order_id="o1", price="100.5", quantity=100)
    assert phase(bench, key) is Phase.OPEN
    assert bench.settled() == [(key, "ACCEPTED")]
    assert bench.blocked == ""
    assert bench.gateway.count(SendOrder) == 1


@pytest.mark.parametrize("other", [{"quantity": 300}, {"price": "99.5"}])
def test_a_duplicate_number_of_another_order_blocks_trading(
    bench: Bench, other: dict[str, object]
) -> None:
    key = duplicate(bench)
    look(bench, **{"cl_ord_id": key, "order_id": "o1", "price": "100.5", "quantity": 100, **other})
    assert "a second terminal" in bench.blocked
    assert phase(bench, key) is None


def test_p21_a_duplicate_number_of_no_order_that_is_shown_blocks_trading(bench: Bench) -> None:
    key = bench.place()
    bench.fail(SendOrder, DuplicateNumber("Duplicate clOrdID"))
    bench.answer_looks(40)
    assert "a second terminal" in bench.blocked
    assert phase(bench, key) is None


def test_an_order_withdrawn_at_the_socket_was_not_placed(bench: Bench) -> None:
    key = bench.place(event=None)
    bench.fail(SendOrder, Withdrawn("automatic trading was switched off: the order never left"))
    assert bench.settled() == [(key, "NOT_PLACED")]
    assert phase(bench, key) is None


def test_a_cancel_that_is_never_confirmed_is_told_in_red_and_tried_on(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.cancel(key, event=2)
    for pause in (1, 2, 4, 5, 5, 5, 5):  # a ban gets worse by asking on
        bench.fail(SendCancel, ExchangeUnavailable("503"))
        sent = bench.gateway.count(SendCancel)
        bench.timers.move(pause - 0.1)
        assert bench.gateway.count(SendCancel) == sent
        bench.timers.move(0.2)
    assert bench.gateway.count(SendCancel) == 8
    errors = [each.text for each in bench.notices.all() if each.level.value == "error"]
    assert len(errors) == 1
    assert "cancel not confirmed" in errors[0]


def test_an_intent_that_was_written_for_nobody_is_settled(bench: Bench) -> None:
    intent = Intent("9.bot1", "bot1", XBTUSDT, order().side, 100, Decimal(100), "PUT", "o9")
    bench.desk.intent_written(IntentWritten(KEY, intent))
    assert bench.ledger.of("settle amendment") == [("9.bot1", "NOT_PLACED")]


# ---- intents whose order shows itself, or ends, by another way --------------------------------


def unknown(bench: Bench) -> str:
    """Have an order leave whose answer is lost."""
    key = bench.place()
    bench.fail(SendOrder, OutcomeUnknown("timed out"))
    return key


def test_an_unknown_order_that_a_person_cancels_has_its_end_in_the_books(bench: Bench) -> None:
    key = unknown(bench)
    bench.desk.cancel(key, event=2)
    ended = order(key, "o1", price="100.5", phase=Phase.CANCELED)
    bench.desk.wire.replied(accepted(*bench.gateway.last(SendCancel), ended))
    assert phase(bench, key) is None
    bench.timers.move(1.0)
    look(bench, cl_ord_id=key, order_id="o1", price="100.5", phase=Phase.CANCELED)
    assert bench.settled() == [(key, "ACCEPTED")]
    bench.timers.move(60.0)
    assert bench.gateway.count(FindOrder) == 1


def test_an_unknown_order_on_the_list_of_open_orders_has_its_end_in_the_books(bench: Bench) -> None:
    key = unknown(bench)
    shown = order(key, "o1", price="100.5")
    bench.state.orders.replace([shown], bench.state.emi_of, shown.at)
    assert phase(bench, key) is Phase.OPEN
    bench.timers.move(1.0)
    look(bench, cl_ord_id=key, order_id="o1", price="100.5")
    assert bench.settled() == [(key, "ACCEPTED")]


def test_an_order_that_ended_and_is_forgotten_was_placed(bench: Bench) -> None:
    key = unknown(bench)
    bench.state.orders.replace([order(key, "o1", price="100.5")], bench.state.emi_of, START)
    bench.state.orders.drop(key)
    bench.answer_looks(5.0)
    assert bench.settled() == [(key, "ACCEPTED")]


def test_an_amendment_of_an_order_on_the_list_of_open_orders_has_its_end(bench: Bench) -> None:
    key = lost(bench)
    moved = order(key, f"o-{key}", price="100.6", quantity=200, seconds=5)
    bench.state.orders.replace([moved], bench.state.emi_of, moved.at)
    bench.desk.amend(key, Change(Decimal("100.9"), None, event=3))
    assert bench.gateway.count(SendAmend) == 1
    bench.timers.move(1.0)
    look(bench, cl_ord_id=key, order_id=f"o-{key}", price="100.6", quantity=200, seconds=5)
    assert bench.ledger.of("settle amendment") == [(key, "ACCEPTED")]
    bench.durable()
    assert bench.gateway.count(SendAmend) == 2  # the wish that waited


def test_an_amendment_that_stands_was_accepted_whatever_has_filled_since(bench: Bench) -> None:
    key = lost(bench)
    bench.timers.move(0.6)
    partly = {"price": "100.6", "quantity": 200, "filled": 100, "seconds": 6}
    look(bench, cl_ord_id=key, order_id=f"o-{key}", **partly)
    assert bench.ledger.of("settle amendment") == [(key, "ACCEPTED")]


@pytest.mark.parametrize("other", [{"quantity": 300}, {"price": "99.5"}, {"side": Side.SELL}])
@pytest.mark.parametrize("error", [DuplicateNumber("Duplicate clOrdID"), OutcomeUnknown("lost")])
def test_p21_a_strangers_order_that_the_stream_shows_first_is_not_taken_for_ours(
    bench: Bench, other: dict[str, object], error: OrderRefused
) -> None:
    key = bench.place()
    figures: dict[str, object] = {"order_id": "o9", "price": "100.5", "quantity": 100, **other}
    strange = order(key, **figures)  # type: ignore[arg-type]
    bench.desk.wire.reported(strange)
    assert phase(bench, key) is Phase.PENDING
    bench.fail(SendOrder, error)
    bench.timers.move(0.6)
    look(bench, cl_ord_id=key, **figures)
    assert "a second terminal" in bench.blocked
    assert bench.settled() == [(key, "REFUSED")]
    [left] = bench.state.orders
    assert (left.order_id, left.key) == ("o9", "o9")  # theirs, as it is


def test_an_order_that_the_stream_told_wrongly_is_there_once(bench: Bench) -> None:
    key = bench.place()
    bench.desk.wire.reported(order(key, "o1", price="100.5", quantity=700))
    number, request = bench.gateway.last(SendOrder)
    answer = order(key, "o1", price="100.5", seconds=2)
    bench.desk.wire.replied(accepted(number, request, answer))
    [only] = bench.state.orders
    assert (only.order_id, only.quantity, only.phase) == ("o1", 100, Phase.OPEN)


def foreign(bench: Bench) -> LiveOrder:
    """Show an order that was placed elsewhere, without a clOrdID, and lose the answer of a move."""
    bench.desk.wire.reported(order("", "web-1", quantity=100))
    bench.desk.amend("web-1", Change(Decimal("100.6"), None, event=2))
    bench.durable()
    bench.fail(SendAmend, OutcomeUnknown("timed out"))
    bench.timers.move(0.6)
    live = bench.state.orders.get("web-1")
    assert live is not None
    return live


def test_an_order_without_clordid_is_asked_about_by_the_exchanges_id(bench: Bench) -> None:
    live = foreign(bench)
    _, asked = bench.gateway.last(FindOrder)
    assert asked == FindOrder("", "web-1")
    look(bench, cl_ord_id="", order_id="web-1", price="100.6", seconds=4)
    assert (live.phase, live.amending) == (Phase.OPEN, None)
    assert bench.ledger.of("settle amendment") == [("web-1", "ACCEPTED")]


def test_a_cancel_of_an_order_without_clordid_that_has_ended_takes_it_away(bench: Bench) -> None:
    bench.desk.wire.reported(order("", "web-1", quantity=100))
    bench.desk.cancel("web-1", event=3)
    bench.fail(SendCancel, OrderNotFound("Unable to cancel order"))
    look(bench, cl_ord_id="", order_id="web-1", phase=Phase.FILLED, filled=100, seconds=4)
    assert bench.state.orders.get("web-1") is None
    assert bench.ledger.of("settle") == []


# ---- limits and the gate while something is under way -------------------------------------------


def test_i23_a_fill_that_is_not_booked_yet_counts_against_capital(bench: Bench) -> None:
    bench.state.robots["bot1"] = replace(robot(), capital=5)
    key = bench.open_order(quantity=300, event=None)
    bench.state.orders.drop(key)  # filled
    fill = replace(executed(quantity=300), cl_ord_id=key)
    bench.state.unbooked[fill.exec_id] = fill
    with pytest.raises(OrderRefused, match="more than its CAPITAL"):
        bench.place(quantity=300, event=None)
    bench.place(quantity=200, event=None)
    bench.state.durable([fill.exec_id])
    bench.place(quantity=300, event=None)  # the position is what counts from now on


def test_i22_what_a_bot_has_under_way_is_taken_back_when_the_market_is_not_live_any_more(
    bench: Bench,
) -> None:
    bench.desk.watch()
    bench.place(event=None)
    _, request = bench.gateway.last(SendOrder)
    assert isinstance(request, SendOrder) and request.permit is not None
    bench.desk.watch()
    assert request.permit.stands()
    bench.live = False
    bench.desk.watch()
    assert not request.permit.stands()
    bench.live = True
    bench.desk.watch()
    assert not request.permit.stands()
