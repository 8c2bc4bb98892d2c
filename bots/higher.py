"""Bars of a higher timeframe, made of bars at hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from common.domain.market import Candle

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def aggregate(candles: Sequence[Candle], own: int, timeframe: int) -> list[Candle]:
    """Return the bars of `timeframe` minutes that are made of bars of `own` minutes.

    Only bars that are over, and whose first part is at hand: one that would look ahead, or that
    began before the first candle, is left out. Parts that are missing leave a bar without them.
    """
    if not candles:
        return []
    end = candles[-1].start + timedelta(minutes=own)
    groups: dict[datetime, list[Candle]] = {}
    for candle in candles:
        groups.setdefault(_floor(candle.start, timeframe), []).append(candle)
    return [
        _joined(start, parts)
        for start, parts in groups.items()
        if start + timedelta(minutes=timeframe) <= end and start >= candles[0].start
    ]


def _joined(start: datetime, parts: Sequence[Candle]) -> Candle:
    last = parts[-1]
    return Candle(
        start=start,
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=last.close,
        volume=sum(part.volume for part in parts),
        bid=last.bid,
        ask=last.ask,
    )


def _floor(at: datetime, timeframe: int) -> datetime:
    minutes = int((at - _EPOCH) / timedelta(minutes=1))
    return _EPOCH + timedelta(minutes=minutes - minutes % timeframe)
