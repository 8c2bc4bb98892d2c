"""Requests of an earlier run: asked about first, and nobody trades before each has its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from common.domain.books import Intent
from common.domain.orders import Phase, Side
from common.engine.inquiry import LOOKS, MIN_UNKNOWN
from common.engine.items import Reply
from common.engine.requests import FindOrder, SendCancel, SendOrder
from common.errors import ExchangeUnavailable
from tests.common.engine.support import START, XBTUSDT, accepted, order
from tests.common.engine.test_desk import Bench

PRICE = Decimal("100.5")
INTENT = Intent("9009.bot1", "bot1", XBTUSDT, Side.BUY, 100, PRICE, "POST", written=START)
CHANGE = Intent("7.bot1", "bot1", XBTUSDT, Side.BUY, 200, Decimal("100.6"), "PUT", "o7")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def open_ones(bench: Bench) -> int:
    return bench.desk.wire.inquiry.from_before


def test_an_order_that_has_ended_meanwhile_is_settled_and_not_sent_again(bench: Bench) -> None:
    bench.desk.look_for(INTENT)
    assert open_ones(bench) == 1
    bench.timers.move(0.6)
    number, request = bench.gateway.last(FindOrder)
    ended = order("9009.bot1", "o1", phase=Phase.FILLED, filled=100)
    bench.desk.wire.replied(accepted(number, request, ended))

    assert bench.settled() == [("9009.bot1", "ACCEPTED")]
    assert bench.state.orders.get("9009.bot1") is None
    assert bench.gateway.count(SendOrder) == 0
    assert open_ones(bench) == 0


def test_an_order_that_the_stream_shows_has_its_end(bench: Bench) -> None:
    bench.desk.look_for(INTENT)
    bench.desk.wire.reported(order("9009.bot1", "o1", price=str(PRICE)))
    assert bench.settled() == [("9009.bot1", "ACCEPTED")]
    assert open_ones(bench) == 0


def test_an_order_that_is_not_found_is_given_up_15_s_after_its_intent(bench: Bench) -> None:
    bench.clock.seconds = 6.0  # the program was started anew
    bench.desk.look_for(INTENT)
    bench.answer_looks(MIN_UNKNOWN - 6.5)
    assert bench.settled() == []
    bench.answer_looks(2.5)
    assert bench.settled() == [("9009.bot1", "NOT_PLACED")]
    assert open_ones(bench) == 0


def test_an_old_intent_still_takes_five_looks(bench: Bench) -> None:
    bench.clock.seconds = 3600.0
    bench.desk.look_for(INTENT)
    bench.answer_looks(7)
    assert bench.gateway.count(FindOrder) == len(LOOKS) - 1
    assert open_ones(bench) == 1
    bench.answer_looks(1)
    assert bench.settled() == [("9009.bot1", "NOT_PLACED")]


def test_a_clock_that_was_set_back_does_not_prolong_the_waiting(bench: Bench) -> None:
    bench.desk.look_for(replace(INTENT, written=START + timedelta(days=1)))
    bench.answer_looks(MIN_UNKNOWN + 2)
    assert bench.settled() == [("9009.bot1", "NOT_PLACED")]


def test_looks_that_fail_leave_it_open(bench: Bench) -> None:
    bench.desk.look_for(INTENT)
    bench.answer_looks(60, ExchangeUnavailable("no route"))
    assert open_ones(bench) == 1
    assert bench.settled() == []


def test_an_order_of_this_run_is_asked_about_without_holding_trading_up(bench: Bench) -> None:
    """After a break of the stream the books still have its intent open."""
    key = bench.place()
    bench.desk.look_for(replace(INTENT, cl_ord_id=key))
    assert open_ones(bench) == 0
    bench.timers.move(0.6)
    assert bench.gateway.count(FindOrder) == 1


def test_an_intent_of_this_run_whose_end_is_on_its_way_to_the_books_is_left_alone(
    bench: Bench,
) -> None:
    """Database and stream were away together, and the books were opened before they knew it."""
    bench.desk.place(bench.ask())
    intent = bench.ledger.of("intent")[-1]
    assert isinstance(intent, Intent)
    bench.live = False
    bench.durable()
    assert bench.settled() == [(intent.cl_ord_id, "NOT_PLACED")]
    bench.desk.look_for(intent)
    assert open_ones(bench) == 0
    assert bench.state.orders.get(intent.cl_ord_id) is None


def test_why_it_is_not_known_yet_is_told(bench: Bench) -> None:
    bench.desk.look_for(INTENT)
    bench.answer_looks(3, ExchangeUnavailable("no route"))
    assert bench.desk.wire.inquiry.trouble == "no route"
    bench.answer_looks(3)
    assert bench.desk.wire.inquiry.trouble == ""


def test_it_can_be_cancelled_before_it_has_an_end(bench: Bench) -> None:
    bench.desk.look_for(INTENT)
    bench.desk.cancel("9009.bot1", event=1)
    assert bench.gateway.last(SendCancel)[1] == SendCancel("", "9009.bot1")


@pytest.mark.parametrize(
    ("price", "outcome"), [("100.6", "ACCEPTED"), ("100.5", "NOT_PLACED"), (None, "NOT_PLACED")]
)
def test_an_amendment_is_settled_by_what_stands(
    bench: Bench, price: str | None, outcome: str
) -> None:
    bench.desk.look_for(CHANGE)
    number, request = bench.gateway.last(FindOrder)
    bench.desk.wire.replied(Reply("Venue", number, request, None, ExchangeUnavailable("no answer")))
    assert open_ones(bench) == 1
    bench.timers.move(2.5)
    assert bench.gateway.count(FindOrder) == 2
    number, request = bench.gateway.last(FindOrder)
    found = order("7.bot1", "o7", price=price, quantity=200) if price else None
    bench.desk.wire.replied(accepted(number, request, found))
    assert bench.ledger.of("settle amendment") == [("7.bot1", outcome)]
    assert bench.state.orders.get("7.bot1") is None
    assert open_ones(bench) == 0


def test_an_amendment_of_an_order_without_clordid_is_looked_for_by_id(bench: Bench) -> None:
    bench.desk.look_for(replace(CHANGE, cl_ord_id="web-1", order_id="web-1"))
    assert bench.gateway.last(FindOrder)[1] == FindOrder("", "web-1")
