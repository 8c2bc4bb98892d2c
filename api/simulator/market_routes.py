"""Public routes: instruments, trades, candles, quotes, books, funding, help."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from api.simulator.assets import ASSETS
from api.simulator.candles import BIN_SIZES, Bar
from api.simulator.contracts import BUY
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.parameters import Parameters
from api.simulator.ports import Json, Row
from api.simulator.prices import FUNDING_INTERVAL, FUNDING_OFFSET, MINUTE, funding_time
from api.simulator.queries import columns, page, resolve, select
from api.simulator.quotes import average_traded, index_row, instrument_row
from api.simulator.refusals import Refused, invalid
from api.simulator.tables import TABLES
from api.simulator.times import iso, timespan

_MANY = 1_000


class MarketRoutes:
    """Answers the requests that need no account."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def table(self) -> Mapping[tuple[str, str], Callable[[Parameters], Json]]:
        """Return the handlers by method and path."""
        return {
            ("GET", "/instrument"): self.instruments,
            ("GET", "/instrument/active"): lambda _: self._active(),
            ("GET", "/instrument/indices"): lambda _: self._indices(),
            ("GET", "/instrument/activeAndIndices"): lambda _: self._active() + self._indices(),
            ("GET", "/instrument/activeIntervals"): self.intervals,
            ("GET", "/trade"): self.trades,
            ("GET", "/trade/bucketed"): self.candles,
            ("GET", "/quote"): self.quotes,
            ("GET", "/orderBook/L2"): self.book,
            ("GET", "/funding"): self.funding,
            ("GET", "/settlement"): self.settlements,
            ("GET", "/liquidation"): lambda _: [],
            ("GET", "/insurance"): lambda _: [],
            ("GET", "/announcement"): lambda _: [],
            ("GET", "/stats"): self.stats,
            ("GET", "/schema"): self.schema,
            ("GET", "/schema/websocketHelp"): self.websocket_help,
            ("GET", "/wallet/assets"): lambda _: [dict(asset) for asset in ASSETS],
        }

    def instruments(self, given: Parameters) -> list[Row]:
        """Return instruments and indices, settled ones too."""
        exchange = self._exchange
        everything = [instrument_row(i, exchange.time) for i in exchange.instruments.values()]
        return select(exchange, everything + self._indices(), given, keys=("symbol",))

    def intervals(self, _given: Parameters) -> Row:
        """Return the timeframes and the symbols they stand for."""
        pairs = [
            (f"{i.contract.root}:{'perpetual' if i.contract.is_perpetual else 'quarterly'}", s)
            for s, i in self._exchange.instruments.items()
            if i.is_open and not i.contract.is_spot
        ]
        return {"intervals": [name for name, _ in pairs], "symbols": [s for _, s in pairs]}

    def trades(self, given: Parameters) -> list[Row]:
        """Return recent trades."""
        rows = [row for i in self._exchange.instruments.values() for row in i.trades]
        rows.sort(key=lambda row: str(row["timestamp"]))
        return select(self._exchange, rows, given, keys=("timestamp", "symbol"), maximum=_MANY)

    def quotes(self, given: Parameters) -> list[Row]:
        """Return recent quotes."""
        rows = [row for i in self._exchange.instruments.values() for row in i.quotes]
        rows.sort(key=lambda row: str(row["timestamp"]))
        return select(self._exchange, rows, given, keys=("timestamp", "symbol"), maximum=_MANY)

    def candles(self, given: Parameters) -> list[Row]:
        """Return candles; each is stamped with the end of its bucket."""
        size = given.text("binSize") or "1m"
        if size not in BIN_SIZES:
            raise invalid("binSize is invalid")
        start, count = page(given, _MANY)
        symbol = resolve(self._exchange, given.text("symbol"))
        if symbol is None:
            raise Refused("'symbol' is a required arg.")
        instrument = self._exchange.instruments.get(symbol)
        if instrument is None:
            return []
        found = self._buckets(instrument, BIN_SIZES[size], start, count, given)
        return [columns(bin_row(instrument, *b), given, ("timestamp", "symbol")) for b in found]

    def book(self, given: Parameters) -> list[Row]:
        """Return a book, `depth` levels a side; 0: all of it."""
        given.require("symbol")
        symbol = resolve(self._exchange, given.text("symbol"))
        instrument = self._exchange.instruments.get(symbol or "")
        if instrument is None:
            return []
        depth = given.integer("depth")
        depth = 25 if depth is None else depth
        if depth < 0:
            raise invalid("depth is invalid")
        rows = self._exchange.feed.shown.book_rows("orderBookL2", instrument)
        if not depth:
            return rows
        sells = [row for row in rows if row["side"] == "Sell"]
        buys = [row for row in rows if row["side"] == "Buy"]
        return sells[-depth:] + buys[:depth]

    def funding(self, given: Parameters) -> list[Row]:
        """Return the funding rates that were paid, of the last 30 days and since."""
        rows = list(self._fundings())
        return select(self._exchange, rows, given, keys=("timestamp", "symbol"))

    def settlements(self, given: Parameters) -> list[Row]:
        """Return the settlements of expired contracts."""
        rows = self._exchange.settlements
        return select(self._exchange, rows, given, keys=("timestamp", "symbol"))

    def stats(self, _given: Parameters) -> list[Row]:
        """Return volume and open interest by root and currency."""
        sums: dict[tuple[str, str], list[int]] = {}
        for instrument in self._exchange.instruments.values():
            key = (instrument.contract.root, instrument.contract.money)
            total = sums.setdefault(key, [0, 0, 0, 0])
            for place, value in enumerate(
                (
                    sum(hour.volume for hour in instrument.hours),
                    sum(hour.turnover for hour in instrument.hours),
                    instrument.open_interest,
                    instrument.value_at_mark(instrument.open_interest),
                )
            ):
                total[place] += value
        names = ("volume24h", "turnover24h", "openInterest", "openValue")
        return [
            {"rootSymbol": root, "currency": money, **dict(zip(names, total, strict=True))}
            for (root, money), total in sums.items()
        ]

    def schema(self, given: Parameters) -> Row:
        """Return keys and types of the tables."""
        model = given.text("model")
        return {
            name: {"keys": list(table.keys), "types": dict(table.types)}
            for name, table in TABLES.items()
            if model is None or name.lower() == model.lower()
        }

    def websocket_help(self, _given: Parameters) -> Row:
        """Return how to use the realtime API."""
        return {
            "info": "Welcome to the realtime API of this exchange.",
            "usage": 'Send a message in the format: {"op": string, "args": Array<string>}',
            "ops": ["authKey", "authKeyExpires", "cancelAllAfter", "subscribe", "unsubscribe"],
            "subscribe": 'To subscribe, send: {"op": "subscribe", "args": [topic, ...]}.',
            "subscriptionSubjects": {
                "authenticationRequired": [name for name, t in TABLES.items() if t.private],
                "public": [name for name, t in TABLES.items() if not t.private],
            },
        }

    def _active(self) -> list[Row]:
        exchange = self._exchange
        return [
            instrument_row(i, exchange.time) for i in exchange.instruments.values() if i.is_open
        ]

    def _indices(self) -> list[Row]:
        rows = {
            i.contract.index: index_row(i) for i in self._exchange.instruments.values() if i.is_open
        }
        return list(rows.values())

    def _buckets(
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

    def _fundings(self) -> Iterator[Row]:
        exchange = self._exchange
        interval = (exchange.dawn - FUNDING_OFFSET) // FUNDING_INTERVAL
        while funding_time(interval) <= exchange.time:
            for instrument in exchange.instruments.values():
                if instrument.contract.is_perpetual:
                    yield funding_row(instrument, interval)
            interval += 1


def funding_row(instrument: Instrument, interval: int) -> Row:
    """Return the rate paid at the end of an 8 h interval."""
    ppm = instrument.prices.funding_ppm(instrument.contract, interval)
    return {
        "timestamp": iso(funding_time(interval)),
        "symbol": instrument.symbol,
        "fundingInterval": timespan(8),
        "fundingRate": ppm / 1_000_000,
        "fundingRateDaily": 3 * ppm / 1_000_000,
    }


def bin_row(instrument: Instrument, end: int, bar: Bar) -> Row:
    """Return a candle as the exchange shows it."""
    contract = instrument.contract
    rate = instrument.prices.satoshi_per_dollar(instrument.marked)
    home, foreign = contract.notionals(BUY, bar.volume, bar.turnover, rate)
    row: Row = {
        "timestamp": iso(end),
        "symbol": contract.symbol,
        "open": contract.price(bar.open),
        "high": contract.price(bar.high),
        "low": contract.price(bar.low),
        "close": contract.price(bar.close),
        "trades": bar.trades,
        "volume": bar.volume,
    }
    if bar.volume:
        row["vwap"] = average_traded(instrument, bar.volume, bar.turnover)
        row["lastSize"] = bar.last_size
    return row | {
        "turnover": bar.turnover,
        "homeNotional": home,
        "foreignNotional": abs(foreign),
    }
