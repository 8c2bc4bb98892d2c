"""The candle series of one market: closing bars in time, downloading what was not seen.

A bar that was seen only in part (the one running at a start or after a break) is completed from
the exchange before anybody is called with it. One that cannot be completed soon, or whose close
was noticed too late, is passed: it comes into the series, and nobody trades on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.domain.candles import CandleSeries
from common.domain.instruments import Symbol
from common.domain.market import Trade
from common.engine.items import Reply
from common.engine.ports import Gateway
from common.engine.requests import FetchCandles

LATEST = timedelta(seconds=5)  # after its close nobody trades on a bar any more
ASK_AGAIN = timedelta(seconds=1)  # for a bar that the exchange did not have yet
FIRST_RETRY = timedelta(seconds=10)  # for older bars; each further time after twice as long

SeriesKey = tuple[Symbol, int]  # timeframe in minutes


@dataclass(slots=True)
class _Held:
    """A bar seen in part that waits for its download."""

    start: datetime
    close: datetime
    asked: datetime


@dataclass(slots=True)
class _Retry:
    """Bars that the exchange does not have are asked for ever more seldom."""

    since: datetime  # the first one missing
    at: datetime  # when it is asked for again
    wait: timedelta


class Bars:
    """One series per symbol and timeframe.

    `missed` is told of bars that nobody will be called with: the series, the start of the first
    one, the end of the last one, and why.
    """

    def __init__(
        self,
        gateway: Gateway,
        history: timedelta,
        missed: Callable[[SeriesKey, datetime, datetime, str], None],
    ) -> None:
        self._gateway = gateway
        self._history = history
        self._missed = missed
        self._series: dict[SeriesKey, CandleSeries] = {}
        self._held: dict[SeriesKey, _Held] = {}
        self._retries: dict[SeriesKey, _Retry] = {}
        self._downloads: dict[int, FetchCandles] = {}  # by request number
        self._looked: datetime | None = None  # when closes were looked for last
        self.still_after = LATEST  # between two looks: this program stood still
        self.completed = False  # everything that was missing at the start is there

    @property
    def symbols(self) -> frozenset[Symbol]:
        """Whose public trades are needed."""
        return frozenset(symbol for symbol, _ in self._series)

    def get(self, key: SeriesKey) -> CandleSeries | None:
        """Return a series."""
        return self._series.get(key)

    def arrange(self, wanted: Iterable[SeriesKey]) -> None:
        """Keep these series, the shortest timeframes first, and no others."""
        self._series = {
            key: self._series.get(key) or CandleSeries(key[1], self._limit(key[1]))
            for key in sorted(dict.fromkeys(wanted), key=lambda key: key[1])
        }

    def begin(self, key: SeriesKey, now: datetime) -> None:
        """Fill a series that came in while the market runs; its trades arrive from `now` on."""
        self._series[key].resume(now)
        self._ask(FetchCandles(*key, now - self._history))

    def busy(self, key: SeriesKey) -> bool:
        """Whether bars of a series are being downloaded."""
        return any((r.symbol, r.timeframe) == key for r in self._downloads.values())

    def resume(self, now: datetime) -> None:
        """Public trades arrive from `now` (exchange time) on."""
        self._looked = None
        self._held.clear()
        for key, series in self._series.items():
            self._resume(key, series, now, "the exchange was not heard")

    def doubt(self, since: datetime) -> None:
        """Public trades after `since` (exchange time) may not have been seen."""
        for series in self._series.values():
            series.doubt(since)

    def complete(self, now: datetime) -> None:
        """Download what the series miss."""
        for (symbol, timeframe), series in self._series.items():
            since = series.missing_since if len(series) else now - self._history
            if since is not None:
                self._ask(FetchCandles(symbol, timeframe, since))
        self.completed = self.completed or not self._downloads

    def replied(self, reply: Reply) -> FetchCandles | None:
        """Take downloaded bars in; return the request when the reply was one of these downloads."""
        request = self._downloads.pop(reply.number, None)
        if request is None:
            return None
        series = self._series.get((request.symbol, request.timeframe))
        if series is not None and reply.error is None and isinstance(reply.result, tuple):
            series.join(reply.result)
        self.completed = self.completed or not self._downloads
        return request

    def add_trade(self, trade: Trade) -> None:
        """Take a public trade into every series of its symbol."""
        for (symbol, _), series in self._series.items():
            if symbol == trade.symbol:
                series.add_trade(trade)

    def next_close(self, now: datetime) -> datetime | None:
        """Return when the next bar is over; None: no series."""
        return min((s.next_close(now) for s in self._series.values()), default=None)

    def close_due(self, now: datetime) -> Iterator[SeriesKey]:
        """Close the bars that are over at `now` (exchange time); yield whose bots are to be called.

        In the order of their closes, the shortest timeframe first.
        """
        if self._looked is not None and now - self._looked > self.still_after:
            # This program stood still: what it did not see in time is not to be relied on.
            self.doubt(self._looked)
            for key, series in self._series.items():
                self._resume(key, series, now, "this program stood still")
        self._looked = now
        yield from self._release(now)
        self._ask_for_the_old(now)
        due = [(s.next_close(now), n, key) for n, (key, s) in enumerate(self._series.items())]
        for close, _, key in sorted(entry for entry in due if entry[0] <= now):
            if self._close(key, close, now):
                yield key

    # ---- inside ---------------------------------------------------------------------------

    def _close(self, key: SeriesKey, close: datetime, now: datetime) -> bool:
        """Close a bar; say whether its bots are to be called now."""
        (symbol, timeframe), series = key, self._series[key]
        ticker = self._gateway.ticker(symbol)
        series.set_quote(ticker.bid, ticker.ask)
        start = close - timedelta(minutes=timeframe)
        candle = series.close(now)
        if series.missing_since is not None:
            self._ask(FetchCandles(symbol, timeframe, series.missing_since))
        if candle is None or series.partial(start):
            self._held[key] = _Held(start, close, now)
        else:
            return True
        return False

    def _release(self, now: datetime) -> Iterator[SeriesKey]:
        """Yield the series whose partial bar is complete now; give up on those that take long."""
        for key, held in list(self._held.items()):
            series = self._series.get(key)
            whole = series is not None and series.whole(held.start)
            if whole and now - held.close <= LATEST:
                del self._held[key]
                yield key
            elif now - held.close > LATEST:
                del self._held[key]
                self._missed(key, held.start, held.close, "it was seen only in part")
            elif now - held.asked >= ASK_AGAIN:
                held.asked = now
                self._ask(FetchCandles(*key, held.start))

    def _ask_for_the_old(self, now: datetime) -> None:
        """Ask again for closed bars that are still missing."""
        for key, series in self._series.items():
            since = series.missing_since
            if since is None or since + timedelta(minutes=key[1]) + LATEST > now:
                self._retries.pop(key, None)
                continue
            retry = self._retries.get(key)
            if retry is None or retry.since != since:
                self._retries[key] = _Retry(since, now + FIRST_RETRY, FIRST_RETRY)
            elif now >= retry.at:
                retry.wait *= 2
                retry.at = now + retry.wait
                self._ask(FetchCandles(*key, since))

    def _resume(self, key: SeriesKey, series: CandleSeries, now: datetime, why: str) -> None:
        """Begin with the bar of `now`; what was open before it is lost."""
        before = series.next_close(now) if len(series) else None
        series.resume(now)
        start = series.next_close(now) - timedelta(minutes=series.timeframe)
        if before is not None and before <= start:
            self._missed(key, before - timedelta(minutes=series.timeframe), start, why)

    def _ask(self, request: FetchCandles) -> None:
        if request not in self._downloads.values():
            self._downloads[self._gateway.request(request)] = request

    def _limit(self, timeframe: int) -> int:
        """Bars kept: the downloaded days and as much again."""
        return max(500, int(2 * self._history / timedelta(minutes=timeframe)))
