"""Indicators against published tables and against plain recomputation."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.indicators import ATR, EMA, MACD, RSI, SMA, VWAP, Band, Bollinger, Donchian

# StockCharts ChartSchool, "Moving Averages - Simple and Exponential": 10-day averages of INTC.
AVERAGED = [
    *(22.2734, 22.1940, 22.0847, 22.1741, 22.1840, 22.1344, 22.2337, 22.4323, 22.2436, 22.2933),
    *(22.1542, 22.3926, 22.3816, 22.6109, 23.3558, 24.0519, 23.7530, 23.8324, 23.9516, 23.6338),
    *(23.8225, 23.8722, 23.6537, 23.1870, 23.0976, 23.3260, 22.6805, 23.0976, 22.4025, 22.1725),
]
SIMPLE = [
    *(22.22, 22.21, 22.23, 22.26, 22.31, 22.42, 22.61, 22.77, 22.91, 23.08, 23.21, 23.38, 23.53),
    *(23.65, 23.71, 23.69, 23.61, 23.51, 23.43, 23.28, 23.13),
]
EXPONENTIAL = [
    *(22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.80, 22.97, 23.13, 23.28, 23.34, 23.43, 23.51),
    *(23.54, 23.47, 23.40, 23.39, 23.26, 23.23, 23.08, 22.92),
]
# StockCharts ChartSchool, "Relative Strength Index": 14-day index of QQQQ.
RSI_CLOSES = [
    *(44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826),
    *(45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439),
    *(46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672),
    *(43.4205, 42.6628, 43.1314),
]
RSI_FIGURES = [
    *(70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99),
    *(41.46, 41.87, 45.46, 37.30, 33.08, 37.77),
]
# StockCharts ChartSchool, "Average True Range": 14-day range of QQQ: high, low, close.
ATR_BARS = [
    *((48.70, 47.79, 48.16), (48.72, 48.14, 48.61), (48.90, 48.39, 48.75), (48.87, 48.37, 48.63)),
    *((48.82, 48.24, 48.74), (49.05, 48.64, 49.03), (49.20, 48.94, 49.07), (49.35, 48.86, 49.32)),
    *((49.92, 49.50, 49.91), (50.19, 49.87, 50.13), (50.12, 49.20, 49.53), (49.66, 48.90, 49.50)),
    *((49.88, 49.43, 49.75), (50.19, 49.73, 50.03), (50.36, 49.26, 50.31), (50.57, 50.09, 50.52)),
    *((50.65, 50.30, 50.41), (50.43, 49.21, 49.34), (49.63, 48.98, 49.37), (50.33, 49.61, 50.23)),
    *((50.29, 49.20, 49.24), (50.17, 49.43, 49.93), (49.32, 48.08, 48.43), (48.50, 47.64, 48.18)),
    *((48.32, 41.55, 46.57), (46.80, 44.28, 45.41), (47.80, 47.31, 47.77), (48.39, 47.20, 47.72)),
    *((48.66, 47.90, 48.62), (48.79, 47.73, 47.85)),
]
ATR_FIGURES = [
    *(0.55, 0.59, 0.59, 0.57, 0.61, 0.62, 0.64, 0.67, 0.69, 0.77, 0.78, 1.21, 1.30, 1.38, 1.37),
    *(1.34, 1.32),
]
# StockCharts ChartSchool, "Bollinger Bands": 20 days, 2 deviations.
BOLLINGER_CLOSES = [
    *(86.16, 89.09, 88.78, 90.32, 89.07, 91.15, 89.44, 89.18, 86.93, 87.68, 86.96, 89.43, 89.32),
    *(88.72, 87.45, 87.26, 89.50, 87.90, 89.13, 90.70, 92.90, 92.98, 91.80, 92.66),
]
BOLLINGER_FIGURES = [  # lower, middle, upper
    *((86.12, 88.71, 91.29), (86.14, 89.05, 91.95), (85.87, 89.24, 92.61), (85.85, 89.39, 92.93)),
    (85.70, 89.51, 93.31),
]
# InvestExcel, "How to Calculate MACD in Excel": 12, 26, 9 of AAPL.
MACD_CLOSES = [
    *(459.99, 448.85, 446.06, 450.81, 442.80, 448.97, 444.57, 441.40, 430.47, 420.05, 431.14),
    *(425.66, 430.58, 431.72, 437.87, 428.43, 428.35, 432.50, 443.66, 455.72, 454.49, 452.08),
    *(452.73, 461.91, 463.58, 461.14, 452.08, 442.66, 428.91, 429.79, 431.99, 427.72, 423.20),
    *(426.21, 426.98, 435.69),
]
MACD_LINE = [
    *(8.275269504, 7.703378381, 6.416074757, 4.237519783, 2.552583325, 1.378885719, 0.102981491),
    *(-1.258401953, -2.070558190, -2.621842328, -2.329066740),
]
MACD_SIGNAL = [3.037525869, 1.905652229, 1.058708433]

prices = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=120)
periods = st.integers(1, 30)


def rounded(figures: Sequence[float | None], places: int = 2) -> list[float]:
    return [round(figure, places) for figure in figures if figure is not None]


def close_to(found: Sequence[float], published: Sequence[float], within: float) -> None:
    assert len(found) == len(published)
    for one, other in zip(found, published, strict=True):
        assert abs(one - other) <= within


def test_sma_gives_the_published_averages() -> None:
    average = SMA(10)
    found = [figure for price in AVERAGED if (figure := average.update(price)) is not None]
    close_to(found, SIMPLE, 0.006)


def test_ema_gives_the_published_averages() -> None:
    average = EMA(10)
    found = [figure for price in AVERAGED if (figure := average.update(price)) is not None]
    close_to(found, EXPONENTIAL, 0.006)


def test_rsi_gives_the_published_index() -> None:
    index = RSI(14)
    assert rounded([index.update(price) for price in RSI_CLOSES]) == RSI_FIGURES


def test_atr_gives_the_published_ranges() -> None:
    average = ATR(14)
    found = [figure for bar in ATR_BARS if (figure := average.update(*bar)) is not None]
    close_to(found, ATR_FIGURES, 0.011)  # the table's own prices are rounded to cents


def test_bollinger_gives_the_published_bands() -> None:
    bands = Bollinger(20, 2)
    found = [band for price in BOLLINGER_CLOSES if (band := bands.update(price)) is not None]
    for band, published in zip(found, BOLLINGER_FIGURES, strict=True):
        close_to(band, published, 0.011)


def test_macd_gives_the_published_figures() -> None:
    macd = MACD(12, 26, 9)
    line: list[float | None] = []
    signal: list[float | None] = []
    for price in MACD_CLOSES:
        figures = macd.update(price)
        line.append(macd.macd)
        signal.append(figures.signal if figures else None)
    close_to([figure for figure in line if figure is not None], MACD_LINE, 1e-8)
    close_to([figure for figure in signal if figure is not None], MACD_SIGNAL, 1e-8)


def test_macd_histogram_is_the_line_less_the_signal() -> None:
    macd = MACD(2, 4, 3)
    for price in MACD_CLOSES:
        figures = macd.update(price)
    assert figures is not None
    assert figures.histogram == figures.macd - figures.signal


@given(prices, periods)
def test_sma_is_the_mean_of_the_last_values(values: list[float], period: int) -> None:
    average = SMA(period)
    for number, value in enumerate(values, start=1):
        found = average.update(value)
        if number < period:
            assert found is None
        else:
            mean = statistics.fmean(values[number - period : number])
            assert found == pytest.approx(mean, rel=1e-9)


@given(prices, periods, st.floats(0, 5))
def test_bollinger_is_mean_and_population_deviation(
    values: list[float], period: int, width: float
) -> None:
    bands = Bollinger(period, width)
    for number, value in enumerate(values, start=1):
        found = bands.update(value)
        if number >= period:
            part = values[number - period : number]
            assert found is not None
            mean, distance = statistics.fmean(part), width * statistics.pstdev(part)
            near = 1e-5 * max(1.0, *part)
            assert found.middle == pytest.approx(mean, rel=1e-9)
            assert abs(found.upper - (mean + distance)) <= near
            assert abs(found.lower - (mean - distance)) <= near


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 100)), max_size=120), periods)
def test_donchian_is_the_extreme_of_the_last_bars(
    bars: list[tuple[float, float]], period: int
) -> None:
    channel = Donchian(period)
    for number, (low, size) in enumerate(bars, start=1):
        found = channel.update(low + size, low)
        part = bars[max(0, number - period) : number]
        if number < period:
            assert found is None
        else:
            upper, lower = max(b + s for b, s in part), min(b for b, _ in part)
            assert found == Band(lower, (upper + lower) / 2, upper)


@given(st.lists(st.tuples(st.floats(1, 1e6), st.integers(0, 10**9)), max_size=120))
def test_vwap_is_the_traded_value_by_the_volume(bars: list[tuple[float, int]]) -> None:
    average = VWAP()
    for number, (price, volume) in enumerate(bars, start=1):
        found = average.update(price + 2, price - 1, price, volume)
        part = bars[:number]
        traded = sum(v for _, v in part)
        if not traded:
            assert found is None
        else:
            value = math.fsum(((p + 2) + (p - 1) + p) / 3 * v for p, v in part)
            assert found == pytest.approx(value / traded, rel=1e-12)


def test_vwap_starts_anew_after_a_reset() -> None:
    average = VWAP()
    average.update(10, 10, 10, 5)
    average.reset()
    assert average.value is None
    assert average.update(20, 20, 20, 1) == 20


def test_rsi_of_a_price_that_stands_still_is_in_the_middle() -> None:
    index = RSI(3)
    assert [index.update(5.0) for _ in range(4)] == [None, None, None, 50.0]


def test_rsi_of_a_price_that_only_rises_is_100() -> None:
    index = RSI(2)
    assert [index.update(price) for price in (1, 2, 3)][-1] == 100.0


@pytest.mark.parametrize("period", [0, -1, 1.5, True])
def test_senseless_periods_are_refused_with_a_sentence(period: int) -> None:
    with pytest.raises(ValueError, match="whole number of 1 or more"):
        SMA(period)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused_and_changes_nothing(value: float) -> None:
    average = EMA(1)
    average.update(3.0)
    with pytest.raises(ValueError, match="not a number"):
        average.update(value)
    assert average.value == 3.0


def test_macd_wants_the_fast_average_first() -> None:
    with pytest.raises(ValueError, match="fast is the smaller one"):
        MACD(26, 12)
