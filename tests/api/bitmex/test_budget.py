"""The request budget."""

from __future__ import annotations

import pytest

from api.bitmex.budget import Budget
from common.domain.market import RequestsLeft


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(left: int, limit: int = 120) -> dict[str, str]:
    return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(left)}


def test_the_documented_limits_hold_before_the_exchange_names_its_own() -> None:
    time = Time()
    budget = Budget(time)
    orders = [budget.take(counts_as_order=True) for _ in range(9)]
    assert orders[:8] == [0.0] * 8  # a fifth of ten a second is kept for cancels
    assert orders[8] == pytest.approx(0.1)
    reads = [budget.take(counts_as_order=False) for _ in range(120)]
    assert reads.count(0.0) == 96 - 8  # of 120 a minute


def test_what_is_left_is_told_for_the_screen() -> None:
    time = Time()
    budget = Budget(time)
    assert budget.gauge() == RequestsLeft(120, 120, 10, 10)
    budget.take(counts_as_order=True)
    budget.observe(told(50))
    budget.close(2.5)
    assert budget.gauge() == RequestsLeft(50, 120, 9, 10, closed_for=3)
    time.now += 5
    assert budget.gauge() == RequestsLeft(60, 120, 10, 10)


def test_a_fifth_is_kept_for_cancels_and_the_rest_refills() -> None:
    time = Time()
    budget = Budget(time)
    budget.observe(told(27))
    taken = [budget.take(counts_as_order=False) for _ in range(4)]
    assert taken[:3] == [0.0, 0.0, 0.0]
    assert taken[3] == pytest.approx(0.5)  # two requests a second come back
    time.now += 0.5
    assert budget.take(counts_as_order=False) == 0.0


def test_orders_have_a_second_bucket_of_a_second() -> None:
    time = Time()
    budget = Budget(time)
    budget.observe(told(100) | {"x-ratelimit-limit-1s": "10", "x-ratelimit-remaining-1s": "2"})
    assert budget.take(counts_as_order=True) == pytest.approx(0.1)
    assert budget.take(counts_as_order=False) == 0.0


def test_n16_many_cancels_are_paced_by_what_the_exchange_takes_and_none_is_refused() -> None:
    time = Time()
    budget = Budget(time)
    for _ in range(50):
        time.now += budget.take_reserve()
    assert time.now - 1000.0 == pytest.approx(4.0)  # ten at once, then ten a second
    for _ in range(150):
        time.now += budget.take_reserve()
    assert time.now - 1000.0 == pytest.approx(40.0)  # 120 at once, then two a second
    assert budget.take(counts_as_order=True) > 0.0


def test_the_exchange_can_close_everything_for_a_while() -> None:
    time = Time()
    budget = Budget(time)
    budget.close(5.0)
    assert budget.take(counts_as_order=False) == pytest.approx(5.0)
    time.now += 5.0
    assert budget.take(counts_as_order=False) == 0.0


@pytest.mark.parametrize("text", ["", "x", "-1", "1e9", "²"])
def test_headers_that_are_no_numbers_are_passed_over(text: str) -> None:
    budget = Budget(Time())
    budget.observe({"x-ratelimit-limit": text, "x-ratelimit-remaining": text})
    assert budget.take(counts_as_order=True) == 0.0
