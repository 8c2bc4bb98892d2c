"""The bars that a strategy sees: stored compactly, handed out as dicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, overload

from bots import dialect
from common.domain.candles import DEFAULT_LIMIT, CandleSeries
from common.domain.market import Candle

Bar = dict[str, Any]
FUNDING_KEPT = 5000  # bars whose funding rate is remembered


class Frame(Sequence[Bar]):
    """Closed bars, oldest first; `frame[-1]` is the bar just closed. Each access gives a new dict.

    The funding rate of a bar is known for bars that closed while the bot ran; else it is None.
    """

    def __init__(self, timeframe: int, limit: int = DEFAULT_LIMIT) -> None:
        self._series = CandleSeries(timeframe, limit)
        self._funding: dict[object, float | None] = {}  # by start of the bar

    def extend(self, candles: Iterable[Candle], funding: float | None = None) -> None:
        """Take bars in; those of a start that is held replace it. `funding` is the newest one's."""
        self._series.join(candles, revised=True)
        if funding is not None and len(self._series):
            self._funding[self._series[-1].start] = funding
            while len(self._funding) > FUNDING_KEPT:
                del self._funding[next(iter(self._funding))]

    def __len__(self) -> int:
        return len(self._series)

    def candles(self, count: int) -> list[Candle]:
        """Return the last `count` bars as values, oldest first."""
        return self._series.tail(count)

    def since(self, start: datetime) -> list[Candle]:
        """Return the bars that begin at `start` or later as values, oldest first."""
        return self._series.since(start)

    @overload
    def __getitem__(self, index: int) -> Bar: ...

    @overload
    def __getitem__(self, index: slice) -> list[Bar]: ...

    def __getitem__(self, index: int | slice) -> Bar | list[Bar]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        candle = self._series[index]
        funding = self._funding.get(candle.start)
        return dialect.bar_dict(candle, funding, self._series.absent_before(index))
