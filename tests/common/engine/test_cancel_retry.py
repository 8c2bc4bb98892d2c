"""How long a cancellation that was not confirmed waits for its next try."""

from __future__ import annotations

import pytest

from common.domain.orders import Phase
from common.engine.cancel_retry import pause_after
from common.engine.requests import FindOrder, SendCancel
from common.errors import (
    AuthenticationFailed,
    ExchangeUnavailable,
    OrderNotFound,
    RateLimited,
    TmaticError,
)
from tests.common.engine.support import accepted, order
from tests.common.engine.test_desk import Bench


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (ExchangeUnavailable("503"), [1, 2, 4, 5, 5, 5, 5]),
        (None, [1, 2, 4, 5, 5, 5, 5]),
        (AuthenticationFailed("403"), [1, 2, 4, 8, 16, 30, 30]),
        (RateLimited("429", 12.0), [12, 12, 12, 12, 16, 30, 30]),
        (RateLimited("429", 600.0), [30, 30, 30, 30, 30, 30, 30]),
    ],
)
def test_n14_n17_pauses_grow_and_longest_where_the_exchange_wants_to_hear_nothing(
    error: TmaticError | None, pauses: list[float]
) -> None:
    assert [pause_after(tries, error) for tries in range(1, 8)] == pauses
    assert pause_after(10**6, error) == pauses[-1]


# ---- the exchange says that there is nothing to cancel ------------------------------------------


def shown(bench: Bench, key: str, phase: Phase = Phase.OPEN) -> None:
    """Answer the newest look with the order as it stands."""
    number, request = bench.gateway.last(FindOrder)
    bench.desk.wire.replied(accepted(number, request, order(key, f"o-{key}", phase=phase)))


def test_a_cancel_is_not_forgotten_where_the_look_after_it_fails() -> None:
    bench = Bench()
    key = bench.open_order()
    bench.cancel_in_vain(key)
    bench.fail(FindOrder, RateLimited("429", 2.0))
    assert bench.gateway.count(SendCancel) == 1
    bench.timers.move(2.5)
    assert bench.gateway.count(SendCancel) == 2


def test_an_order_that_stands_though_nothing_is_to_cancel_is_not_cancelled_without_pause() -> None:
    bench = Bench()
    key = bench.open_order()
    bench.cancel_in_vain(key)
    for _ in range(20):
        sent = bench.gateway.count(SendCancel)
        shown(bench, key)
        bench.timers.move(0.5)
        assert bench.gateway.count(SendCancel) == sent
        bench.timers.move(5.0)
        assert bench.gateway.count(SendCancel) == sent + 1
        bench.fail(SendCancel, OrderNotFound("not found"))
    live = bench.state.orders.get(key)
    assert live is not None
    assert live.cancel_problem == "the exchange has not confirmed it"


def test_a_look_that_finds_the_order_ended_is_the_end_of_it() -> None:
    bench = Bench()
    key = bench.open_order()
    bench.cancel_in_vain(key)
    shown(bench, key, Phase.FILLED)
    assert bench.state.orders.get(key) is None
    bench.timers.move(60.0)
    assert bench.gateway.count(SendCancel) == 1
