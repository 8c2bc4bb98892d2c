"""Bars from the exchange's bins."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from api.bitmex import bins
from api.bitmex.market_rows import Bin

START = datetime(2026, 5, 3, 10, 0, tzinfo=timezone.utc)


def minute_bins(count: int, start: datetime = START) -> list[Bin]:
    return [
        Bin(start + timedelta(minutes=i + 1), 10.0 + i, 11.0 + i, 9.0 - i, 10.5 + i, 100)
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("timeframe", "name"),
    [(1, "1m"), (7, "1m"), (5, "5m"), (15, "5m"), (60, "1h"), (240, "1h"), (1440, "1d"),
     (90, "5m"), (2880, "1d")],
)  # fmt: skip
def test_the_largest_bin_that_fits_is_taken(timeframe: int, name: str) -> None:
    assert bins.size_for(timeframe).name == name


def test_a_bar_starts_where_its_first_bin_starts_and_spans_all() -> None:
    [bar] = bins.candles(minute_bins(3), 3)
    assert bar.start == START
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (10.0, 13.0, 7.0, 12.5, 300)


def test_bars_that_are_not_covered_whole_are_left_out() -> None:
    late = minute_bins(8, START + timedelta(minutes=1))  # 10:01 .. 10:09
    assert [bar.start for bar in bins.candles(late, 3)] == [
        START + timedelta(minutes=3),
        START + timedelta(minutes=6),
    ]


@pytest.mark.parametrize("timeframe", [1, 7, 60, 1440, 10080])
def test_the_grid_counts_from_1970(timeframe: int) -> None:
    start = bins.floor(START, timeframe)
    length = timedelta(minutes=timeframe)
    assert (start - datetime(1970, 1, 1, tzinfo=timezone.utc)) % length == timedelta(0)
    assert start <= START < start + length
