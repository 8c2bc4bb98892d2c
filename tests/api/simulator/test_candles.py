from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from api.simulator.candles import Bar, Candles
from api.simulator.contracts import perpetuals_and_spot
from api.simulator.prices import DAY, HOUR, MINUTE, Prices, funding_period, funding_time
from tests.api.simulator.venues import START, Desk, new_desk

SYMBOLS = ["XBTUSD", "XBTUSDT", "SOLUSDT", "ETHUSD", "XBT_USDT", "XBTZ26"]
BINS = {"1m": 1, "5m": 5, "1h": 60, "1d": 1440}


def candles(desk: Desk, symbol: str, size: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = desk.get(
        "/trade/bucketed", symbol=symbol, binSize=size, count=1_000, **params
    )
    return rows


def ends(rows: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")) for row in rows]


@pytest.mark.parametrize("size", BINS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_candles_are_continuous_into_the_live_market(symbol: str, size: str) -> None:
    desk = new_desk()
    desk.wait(minutes=7, seconds=20)
    rows = candles(desk, symbol, size, reverse="true", partial="true")[::-1]
    step = timedelta(minutes=BINS[size])
    assert all(later - earlier == step for earlier, later in pairwise(ends(rows)))
    assert ends(rows)[-1] - step <= desk.now < ends(rows)[-1]
    for earlier, later in pairwise(rows):
        assert later["open"] == earlier["close"]
    for row in rows:
        assert row["low"] <= min(row["open"], row["close"])
        assert row["high"] >= max(row["open"], row["close"])
        assert isinstance(row["volume"], int)
        assert not row["volume"] or row["low"] * 0.999 <= row["vwap"] <= row["high"] * 1.001
    assert rows[-1]["close"] == desk.quote(symbol)["lastPrice"]
    assert len({row["close"] for row in rows}) > len(rows) // 10


def test_candles_reach_back_thirty_days_and_no_further() -> None:
    desk = new_desk()
    rows = candles(desk, "XBTUSD", "1d")
    assert rows[0]["timestamp"] == "2026-10-25T00:00:00.000Z"
    assert len(rows) == 30
    assert candles(desk, "XBTUSD", "1m")[0]["timestamp"] == "2026-10-24T00:01:00.000Z"


def test_large_candles_are_the_sum_of_small_ones() -> None:
    desk = new_desk()
    hour = {"startTime": "2026-11-22 10:00:00", "endTime": "2026-11-22T10:00"}
    small = candles(
        desk, "ETHUSD", "1m", startTime="2026-11-22T09:01:00.000Z", endTime="2026-11-22T10:00:00Z"
    )
    large = candles(desk, "ETHUSD", "1h", **hour)
    assert (len(small), len(large)) == (60, 1)
    row = large[0]
    assert row["open"] == small[0]["open"]
    assert row["close"] == small[-1]["close"]
    assert row["high"] == max(r["high"] for r in small)
    assert row["low"] == min(r["low"] for r in small)
    assert row["volume"] == sum(r["volume"] for r in small)
    assert row["turnover"] == sum(r["turnover"] for r in small)


def test_pages_of_candles_join_without_gap_or_overlap() -> None:
    desk = new_desk()
    asked = {"symbol": "XBTUSD", "binSize": "5m"}
    whole = desk.get("/trade/bucketed", **asked, count=30)
    pages = [desk.get("/trade/bucketed", **asked, count=10, start=n) for n in (0, 10, 20)]
    assert [row for page in pages for row in page] == whole
    backwards = desk.get("/trade/bucketed", **asked, count=10, start=5, reverse="true")
    assert backwards == desk.get("/trade/bucketed", **asked, count=15, reverse="true")[5:]


def test_live_candle_counts_the_trades_of_its_minute() -> None:
    desk = new_desk(now=START)
    desk.wait(minutes=3)
    trades = desk.get("/trade", symbol="XBTUSD", count=1_000, startTime="2026-11-23T03:31:00Z")
    trades = [t for t in trades if t["timestamp"] < "2026-11-23T03:32:00.000Z"]
    row = next(
        r
        for r in candles(desk, "XBTUSD", "1m", reverse="true")
        if r["timestamp"] == "2026-11-23T03:32:00.000Z"
    )
    assert row["volume"] == sum(t["size"] for t in trades) > 0
    assert row["trades"] == len(trades)
    assert row["close"] == trades[-1]["price"]


def test_bin_events_arrive_once_with_the_end_of_their_bucket() -> None:
    desk = new_desk(now=datetime(2026, 11, 23, 3, 54, 50, tzinfo=timezone.utc))
    events = desk.wait(seconds=20)
    rows = {
        (e.table, row["symbol"]): row
        for e in events
        if e.table.startswith("tradeBin")
        for row in e.rows
    }
    assert set(rows) == {(f"tradeBin{s}", symbol) for s in ("1m", "5m") for symbol in SYMBOLS}
    assert rows["tradeBin1m", "XBTUSD"]["timestamp"] == "2026-11-23T03:55:00.000Z"
    asked = candles(desk, "XBTUSD", "5m", reverse="true")
    assert rows["tradeBin5m", "XBTUSD"] == asked[0]


def test_path_by_minutes_is_the_path_at_those_times() -> None:
    prices = Prices(3)
    minute = 29_900_000
    for contract in perpetuals_and_spot():
        expected = [prices.traded(contract, (minute + n) * MINUTE) for n in range(200)]
        assert prices.traded_minutes(contract, minute, 200) == pytest.approx(expected, rel=1e-12)


def test_assets_move_together_and_stay_in_reach() -> None:
    prices = Prices(5)
    for asset, middle in (("XBT", 78_000), ("ETH", 2_300), ("SOL", 84)):
        path = [prices.asset(asset, day * DAY) for day in range(20_000, 20_400)]
        assert all(middle / 2 < price < middle * 2 for price in path)
        assert max(path) / min(path) > 1.1
    hours = range(480_000, 480_720)
    xbt, eth = (
        [prices.asset(a, (h + 1) * HOUR) / prices.asset(a, h * HOUR) - 1 for h in hours]
        for a in ("XBT", "ETH")
    )
    together = sum((a > 0) == (b > 0) for a, b in zip(xbt, eth, strict=True))
    assert together > 0.65 * len(hours)


def test_imposed_move_changes_the_future_and_not_the_past() -> None:
    moved, calm = Prices(5), Prices(5)
    at = 20_000 * DAY
    moved.move("XBT", 0.9, at)
    assert moved.asset("XBT", at - 1) == calm.asset("XBT", at - 1)
    assert moved.asset("XBT", at) == pytest.approx(0.9 * calm.asset("XBT", at))


@pytest.mark.parametrize("hour", [4, 12, 20])
def test_funding_ends_at_four_twelve_and_twenty(hour: int) -> None:
    at = int(datetime(2026, 11, 23, hour, tzinfo=timezone.utc).timestamp() * 1000)
    before, left = funding_period(at - 1)
    assert (left, funding_time(before)) == (1, at)
    assert funding_period(at) == (before + 1, 8 * HOUR)


def test_candles_made_ahead_are_the_same_and_not_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    make = Candles._path

    def counted(self: Candles, minute: int) -> Bar:
        made.append(minute)
        return make(self, minute)

    monkeypatch.setattr(Candles, "_path", counted)
    cold, warm = new_desk(), new_desk()
    while warm.venue.prepare(500):
        pass
    made.clear()
    before = [candles(cold, symbol, "1d") for symbol in SYMBOLS]
    assert len(made) > 30 * 24 * 60 * (len(SYMBOLS) - 1)  # half a second for each symbol
    made.clear()
    after = [candles(warm, symbol, "1d") for symbol in SYMBOLS]
    assert after == before
    assert all(len(rows) == 30 for rows in after)
    assert made == []
