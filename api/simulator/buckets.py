"""Rows by buckets of time: candles and quotes, each stamped with the END of its bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from api.simulator.candles import BIN_SIZES, Bar
from api.simulator.exchange import Exchange
from api.simulator.filters import conditions
from api.simulator.instruments import Instrument
from api.simulator.models import MODELS
from api.simulator.parameters import Parameters
from api.simulator.ports import Row
from api.simulator.prices import MINUTE
from api.simulator.queries import columns, page, resolve
from api.simulator.refusals import Refused, invalid

_MAXIMUM = 1_000
BinRow = Callable[[Instrument, int, Bar], Row]


class Buckets:
    """Answers queries for buckets of one instrument."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def rows(self, given: Parameters, row_of: BinRow) -> list[Row]:
        """Return the rows of a page of buckets; with a filter, those of them that pass it."""
        size = given.text("binSize") or "1m"
        if size not in BIN_SIZES:
            raise invalid("binSize is invalid")
        start, count = page(given, _MAXIMUM)
        wanted = given.mapping("filter")
        symbol = resolve(self._exchange, given.text("symbol") or _symbol(wanted))
        if symbol is None:
            raise Refused("'symbol' is a required arg.")
        required = conditions(wanted, MODELS["TradeBin"].types)
        instrument = self._exchange.instruments.get(symbol)
        if instrument is None:
            return []
        found = self._bars(instrument, BIN_SIZES[size], start, count, given)
        rows = (row_of(instrument, end, bar) for end, bar in found)
        keys = ("timestamp", "symbol")
        return [columns(row, given, keys) for row in rows if all(ok(row) for ok in required)]

    def _bars(
        self, instrument: Instrument, minutes: int, start: int, count: int, given: Parameters
    ) -> Iterator[tuple[int, Bar]]:
        """Yield (end, bar) of the buckets a request asks for."""
        exchange = self._exchange
        length = minutes * MINUTE
        now = exchange.time // MINUTE
        first, last = exchange.dawn // length, exchange.time // length
        if not given.flag("partial"):
            last -= 1
        since, until = given.time("startTime"), given.time("endTime")
        if since is not None:  # bucket b ends at (b + 1) * length
            first = max(first, -(-since // length) - 1)
        if until is not None:
            last = min(last, until // length - 1)
        if given.flag("reverse"):
            newest = last - start
            oldest = max(first, newest - count + 1)
            wanted = (newest, oldest)
        else:
            oldest = first + start
            newest = min(last, oldest + count - 1)
            wanted = (oldest, newest)
        if count == 0 or newest < oldest:
            return iter(())
        return instrument.candles.bars(*wanted, minutes, now + 1)


def _symbol(wanted: Row) -> str | None:
    symbol = wanted.get("symbol")
    return symbol if isinstance(symbol, str) else None
