"""Lists of open orders against requests that are under way meanwhile."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from common.domain.orders import Phase
from common.engine.orders import Change
from common.engine.requests import FindOrder, SendAmend, SendCancel, SendOrder
from common.errors import OutcomeUnknown
from tests.common.engine.support import START, accepted, order
from tests.common.engine.test_desk import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_list_of_orders_settles_an_unknown_order_and_its_cancel_follows(bench: Bench) -> None:
    key = bench.place()
    bench.desk.cancel(key, event=2)
    bench.fail(SendOrder, OutcomeUnknown("timed out"))
    bench.desk.wire.listed([order(key, "o1")], START)

    assert bench.settled() == [(key, "ACCEPTED")]
    assert bench.gateway.count(SendCancel) == 1


def test_a_late_answer_revives_no_order_that_a_list_has_no_more(bench: Bench) -> None:
    key = bench.open_order()
    bench.desk.amend(key, Change(Decimal("100.6"), None, event=2))
    bench.durable()
    bench.desk.wire.listed([], START + timedelta(seconds=60))
    number, request = bench.gateway.last(SendAmend)
    moved = order(key, f"o-{key}", price="100.6", seconds=3)
    bench.desk.wire.replied(accepted(number, request, moved))

    assert bench.state.orders.get(key) is None
    assert bench.ledger.of("settle amendment") == [(key, "ACCEPTED")]


def test_an_answer_that_is_older_than_the_list_of_orders_is_asked_about(bench: Bench) -> None:
    """The order filled while its answer was on its way and the stream was away."""
    key = bench.place()
    bench.desk.wire.listed([], START + timedelta(seconds=60))
    number, request = bench.gateway.last(SendOrder)
    bench.desk.wire.replied(accepted(number, request, order(key, "o1")))
    bench.timers.move(0.6)
    number, request = bench.gateway.last(FindOrder)
    ended = order(key, "o1", phase=Phase.FILLED, filled=100, seconds=2)
    bench.desk.wire.replied(accepted(number, request, ended))

    assert bench.state.orders.get(key) is None
    assert bench.settled() == [(key, "ACCEPTED")]
