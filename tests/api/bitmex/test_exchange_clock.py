"""The exchange's clock."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bitmex.exchange_clock import ExchangeClock


@given(
    st.floats(-300, 300),
    st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=20),
)
def test_the_estimate_is_never_further_off_than_an_answer_leaves_open(
    offset: float, delays: list[tuple[float, float]]
) -> None:
    local = 1_800_000_000.25
    clock = ExchangeClock(lambda: local)
    for going, coming in delays:
        sent = local
        told = float(int(sent + going + offset))
        received = sent + going + coming
        clock.observe(told, sent, received)
        assert abs(clock.offset - offset) <= 1.0 + going + coming + 1e-6
        local = received + 0.37


def test_an_answer_that_agrees_moves_nothing() -> None:
    clock = ExchangeClock(lambda: 100.0)
    clock.observe(101.0, 100.0, 100.5)
    assert clock.offset == 0.5
    clock.observe(100.0, 100.0, 100.1)
    assert clock.offset == 0.5


def test_a_date_header_teaches_and_anything_else_does_not() -> None:
    clock = ExchangeClock(lambda: 1_800_000_000.0)
    ahead = datetime.fromtimestamp(1_800_000_100, timezone.utc)
    clock.observe_date(format_datetime(ahead, usegmt=True), 1_800_000_000.0, 1_800_000_000.1)
    assert 99.8 < clock.offset < 101.1
    before = clock.offset
    for header in (None, "", "yesterday"):
        clock.observe_date(header, 0.0, 0.0)
    assert clock.offset == before
    assert clock.expires() == int(1_800_000_000.0 + before) + 10
    assert clock.now() > datetime.fromtimestamp(1_800_000_099, timezone.utc)


@pytest.mark.parametrize("step", [300.0, -300.0, 1.0, -8 * 3600.0])
def test_n20_a_local_clock_that_is_set_does_not_move_the_exchanges_time(step: float) -> None:
    even, wall = [1_800_000_000.0], [1_800_000_000.0]
    clock = ExchangeClock(lambda: even[0], lambda: wall[0])
    clock.observe(1_800_000_090.0, even[0], even[0] + 0.1)
    before = clock.seconds()
    even[0] += 5.0
    wall[0] += 5.0 + step
    assert clock.seconds() == before + 5.0
    assert clock.expires() == int(before + 5.0) + 10
    assert abs(clock.offset - (90.5 - step)) < 1.0


def test_n20_after_a_sleep_in_which_its_time_stood_still_one_answer_is_enough() -> None:
    even = [1_800_000_000.0]
    clock = ExchangeClock(lambda: even[0])
    slept = 8 * 3600.0
    clock.observe(1_800_000_000.0 + slept, even[0], even[0] + 0.2)
    assert abs(clock.seconds() - even[0] - slept) <= 1.2
