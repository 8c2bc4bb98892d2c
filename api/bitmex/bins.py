"""Bars of any whole-minute timeframe from the bins that the exchange serves; pure.

The exchange has bins of 1 minute, 5 minutes, 1 hour and 1 day, stamped with their end. Bars lie on
the grid of whole timeframes counted from 1970-01-01T00:00Z; one that is not covered by bins from
its beginning to its end is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from api.bitmex.market_rows import Bin
from common.domain.market import Candle

_SIZES = ((1440, "1d"), (60, "1h"), (5, "5m"), (1, "1m"))
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BinSize:
    """A bin size of the exchange."""

    name: str
    minutes: int


def size_for(timeframe: int) -> BinSize:
    """Return the largest bin that divides a timeframe of whole minutes."""
    if timeframe < 1:
        raise ValueError(f"a timeframe of {timeframe} minutes does not exist")
    minutes, name = next(size for size in _SIZES if timeframe % size[0] == 0)
    return BinSize(name, minutes)


def floor(moment: datetime, timeframe: int) -> datetime:
    """Return the beginning of the bar that `moment` falls into."""
    return _EPOCH + timedelta(minutes=(moment - _EPOCH) // _MINUTE // timeframe * timeframe)


def candles(bins: Sequence[Bin], timeframe: int) -> tuple[Candle, ...]:
    """Return the complete bars of ascending bins whose size is that of `size_for(timeframe)`."""
    length = size_for(timeframe).minutes
    groups: dict[datetime, list[Bin]] = {}
    for item in bins:
        start = item.end - timedelta(minutes=length)
        groups.setdefault(floor(start, timeframe), []).append(item)
    needed = timeframe // length
    return tuple(_bar(s, group) for s, group in groups.items() if len(group) == needed)


def _bar(start: datetime, group: Sequence[Bin]) -> Candle:
    return Candle(
        start=start,
        open=group[0].open,
        high=max(item.high for item in group),
        low=min(item.low for item in group),
        close=group[-1].close,
        volume=sum(item.volume for item in group),
    )
