"""Candles: built from trades, joined with downloads, honest about what was not seen."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.candles import CandleSeries
from common.domain.instruments import Category, Symbol
from common.domain.market import Candle, Trade

SYMBOL = Symbol("ABC", Category.LINEAR)
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone.utc)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def trade(seconds: float, price: str, quantity: int = 1) -> Trade:
    return Trade(SYMBOL, Decimal(price), quantity, at(seconds))


def bar(minutes: int, close: float = 10.0, volume: int = 5) -> Candle:
    return Candle(at(60 * minutes), close, close + 1, close - 1, close, volume)


def series(timeframe: int = 1, limit: int = 1000) -> CandleSeries:
    made = CandleSeries(timeframe, limit)
    made.resume(NOON)
    return made


def test_a_bar_holds_its_trades_and_the_quote_at_its_close() -> None:
    candles = series()
    for seconds, price, quantity in ((1, "10", 3), (2, "12.5", 4), (30, "9", 1), (59.9, "11", 2)):
        candles.add_trade(trade(seconds, price, quantity))
    candles.set_quote(Decimal("10.9"), Decimal("11.1"))
    assert candles.close(at(59.999)) is None
    assert candles.close(at(60)) == Candle(NOON, 10.0, 12.5, 9.0, 11.0, 10, 10.9, 11.1)
    assert candles.close(at(60)) is None


def test_a_bar_opens_at_the_close_before_it_and_spans_it() -> None:
    candles = series()
    candles.add_trade(trade(1, "10"))
    candles.close(at(60))
    candles.add_trade(trade(61, "12"))
    assert candles.close(at(120)) == Candle(at(60), 10.0, 12.0, 10.0, 12.0, 1)


def test_a_bar_without_trades_repeats_the_last_close() -> None:
    candles = series()
    candles.add_trade(trade(1, "10"))
    candles.close(at(60))
    assert candles.close(at(120)) == Candle(at(60), 10.0, 10.0, 10.0, 10.0, 0)


def test_nothing_known_gives_no_bar_and_says_what_is_missing() -> None:
    candles = series()
    assert candles.close(at(60)) is None
    assert len(candles) == 0
    assert candles.missing_since == NOON


def test_a_late_trade_is_dropped_and_counted() -> None:
    candles = series()
    candles.add_trade(trade(1, "10"))
    closed = candles.close(at(60))
    candles.add_trade(trade(59.99, "99"))
    assert candles.late_trades == 1
    assert candles.tail(1) == [closed]
    assert candles.close(at(120)) == Candle(at(60), 10.0, 10.0, 10.0, 10.0, 0)


def test_a_trade_that_arrives_before_its_bar_is_open_belongs_to_the_next_bar() -> None:
    candles = series()
    candles.add_trade(trade(1, "10"))
    candles.add_trade(trade(60.01, "20", 7))
    first, second = candles.close(at(60)), candles.close(at(120))
    assert first is not None
    assert (first.close, first.volume) == (10.0, 1)
    assert second is not None
    assert (second.close, second.volume) == (20.0, 7)


@pytest.mark.parametrize(
    ("timeframe", "now", "close"),
    [
        (1, at(0), at(60)),
        (1, at(59), at(60)),
        (5, at(61), at(300)),
        (60, at(61), at(3600)),
        (1440, at(0), datetime(2026, 1, 6, tzinfo=timezone.utc)),
    ],
)
def test_bars_close_on_utc_boundaries(timeframe: int, now: datetime, close: datetime) -> None:
    assert CandleSeries(timeframe).next_close(now) == close


def test_an_overdue_close_is_due_at_once() -> None:
    assert series().next_close(at(75)) == at(60)


def test_bars_slept_through_are_left_out_and_named() -> None:
    candles = series()
    candles.add_trade(trade(1, "10"))
    candles.close(at(60))
    candles.add_trade(trade(61, "11"))
    assert candles.close(at(400)) is None
    assert candles.missing_since == at(60)
    assert candles.next_close(at(400)) == at(420)
    candles.add_trade(trade(401, "15"))
    closed = candles.close(at(420))
    assert closed is not None
    assert (closed.start, closed.open) == (at(360), 15.0)
    assert [c.start for c in candles.tail(9)] == [NOON, at(360)]
    assert candles.missing_since == at(60)


def test_a_download_fills_the_hole_and_replaces_what_was_seen_in_part() -> None:
    candles = series()
    candles.add_trade(trade(1, "10"))
    candles.close(at(60))
    candles.resume(at(200))
    candles.add_trade(trade(201, "15"))
    candles.set_quote(14, 16)
    candles.close(at(240))
    assert candles.missing_since == at(60)
    assert candles.join([bar(m, 20.0 + m) for m in range(5)]) == 3
    assert [c.close for c in candles.tail(9)] == [10.0, 21.0, 22.0, 23.0]
    assert candles.tail(1)[0].bid == 14.0
    assert candles.missing_since is None


def test_joining_twice_changes_nothing() -> None:
    candles = CandleSeries(1)
    history = [bar(m) for m in range(-5, 0)]
    assert candles.join(history) == 5
    assert candles.join(history) == 0
    assert candles.tail(99) == history


def test_history_before_the_start_leaves_no_gap_and_no_double() -> None:
    candles = CandleSeries(1)
    candles.resume(at(30))
    candles.join([bar(m) for m in range(-5, 1)])
    assert candles.missing_since == NOON
    candles.add_trade(trade(31, "10"))
    candles.close(at(60))
    candles.join([bar(0, 12.0)])
    assert [c.start for c in candles.tail(9)] == [at(60 * m) for m in range(-5, 1)]
    assert candles.tail(1)[0].close == 12.0
    assert candles.missing_since is None


def test_a_bar_off_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot begin at"):
        CandleSeries(5).join([bar(1)])


def test_a_clock_set_back_does_not_open_a_closed_bar_again() -> None:
    candles = series()
    candles.add_trade(trade(1, "10"))
    candles.close(at(60))
    candles.resume(at(59))
    assert candles.close(at(60)) is None
    candles.close(at(120))
    assert [c.start for c in candles.tail(9)] == [NOON, at(60)]
    assert candles.missing_since is None


def test_length_is_bounded_and_the_oldest_are_forgotten() -> None:
    candles = CandleSeries(1, limit=10)
    candles.join([bar(m) for m in range(-30, 0)])
    candles.resume(NOON)
    for minute in range(1, 6):
        candles.close(at(60 * minute))
    assert len(candles) == 10
    assert candles.tail(1)[0].start == at(240)


def test_since_starts_with_the_bar_asked_for() -> None:
    candles = CandleSeries(1)
    candles.join([bar(m) for m in range(5)])
    assert [c.start for c in candles.since(at(120))] == [at(120), at(180), at(240)]
    assert candles.since(at(121))[0].start == at(180)


def test_a_candle_takes_sixty_bytes() -> None:
    candles = CandleSeries(1)
    candles.join([bar(m) for m in range(-1000, 0)])
    columns = candles._bars._columns()
    assert sum(column.itemsize for column in columns) <= 60
    assert all(len(column) == 1000 for column in columns)


ticks = st.tuples(
    st.integers(0, 7199),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
)


@given(st.lists(ticks, max_size=80), st.sampled_from([1, 5, 60]))
def test_every_timely_trade_is_in_exactly_one_bar(
    rows: list[tuple[int, int, int]], timeframe: int
) -> None:
    candles = series(timeframe)
    expected: dict[datetime, list[tuple[float, int]]] = {}
    closed: list[Candle] = []
    pending = sorted(rows, key=lambda row: row[0])
    for second in range(60, 7201, 60):
        while pending and pending[0][0] < second:
            moment, price, quantity = pending.pop(0)
            start = at(moment - moment % (60 * timeframe))
            expected.setdefault(start, []).append((float(price), quantity))
            candles.add_trade(trade(moment, str(price), quantity))
        due = candles.close(at(second))
        closed += [] if due is None else [due]
    assert candles.late_trades == 0
    assert sum(c.volume for c in closed) == sum(row[2] for row in rows)
    for candle in closed:
        seen = expected.get(candle.start, [])
        assert candle.volume == sum(quantity for _, quantity in seen)
        prices = [candle.open, *(price for price, _ in seen)]
        assert (candle.low, candle.high) == (min(prices), max(prices))
        assert candle.close == prices[-1]
    starts = [c.start for c in closed]
    step = timedelta(minutes=timeframe)
    assert all(b - a == step for a, b in pairwise(starts))


@given(
    st.lists(st.integers(-40, 40), max_size=40),
    st.lists(st.integers(-40, 40), max_size=40),
    st.lists(st.integers(0, 40 * 60), max_size=8),
)
def test_joins_and_breaks_in_any_order_leave_unique_ascending_bars(
    first: list[int], second: list[int], breaks: list[int]
) -> None:
    candles = CandleSeries(1)
    candles.join(bar(m) for m in first)
    for moment in sorted(breaks):
        candles.resume(at(moment))
        candles.add_trade(trade(moment, "10"))
        candles.close(at(moment + 60))
    candles.join(bar(m) for m in second)
    starts = [c.start for c in candles.tail(10**6)]
    assert starts == sorted(set(starts))
    missing = candles.missing_since
    if breaks and missing is None and starts:
        now = candles.next_close(at(0)) - timedelta(minutes=1)
        assert starts[-1] == now - timedelta(minutes=1)


def test_revised_bars_replace_what_is_held() -> None:
    candles = CandleSeries(1)
    candles.join([bar(0, 10.0), bar(1, 11.0)])
    assert candles.join([bar(1, 21.0)]) == 0
    assert candles.join([bar(1, 31.0)], revised=True) == 1
    assert [c.close for c in candles.tail(9)] == [10.0, 31.0]


def test_bars_are_counted_from_either_end() -> None:
    candles = CandleSeries(1)
    candles.join([bar(0, 10.0), bar(1, 11.0)])
    assert (candles[0].close, candles[-1].close, candles[-2].close) == (10.0, 11.0, 10.0)
    with pytest.raises(IndexError):
        candles[-3]
