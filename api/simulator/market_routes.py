"""Public routes: instruments, trades, quotes, books, funding, help; candles are in `buckets`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from api.simulator.assets import ASSETS, NETWORKS
from api.simulator.buckets import Buckets
from api.simulator.candles import Bar
from api.simulator.contracts import BUY
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.parameters import Parameters
from api.simulator.ports import Json, Row
from api.simulator.prices import FUNDING_INTERVAL, FUNDING_OFFSET, funding_time
from api.simulator.queries import columns, resolve, select
from api.simulator.quotes import average_traded, index_row, instrument_row
from api.simulator.refusals import invalid
from api.simulator.tables import TABLES
from api.simulator.times import iso, timespan
from api.simulator.topics import help_text

_MANY = 1_000


class MarketRoutes:
    """Answers the requests that need no account."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._buckets = Buckets(exchange)

    def table(self) -> Mapping[tuple[str, str], Callable[[Parameters], Json]]:
        """Return the handlers by method and path."""
        return {
            ("GET", "/instrument"): self.instruments,
            ("GET", "/instrument/active"): lambda _: self._active(),
            ("GET", "/instrument/indices"): lambda _: self._indices(),
            ("GET", "/instrument/activeAndIndices"): lambda _: self._active() + self._indices(),
            ("GET", "/instrument/activeIntervals"): self.intervals,
            ("GET", "/trade"): self.trades,
            ("GET", "/trade/bucketed"): lambda given: self._buckets.rows(given, bin_row),
            ("GET", "/quote"): self.quotes,
            ("GET", "/quote/bucketed"): lambda given: self._buckets.rows(given, quote_bin_row),
            ("GET", "/orderBook/L2"): self.book,
            ("GET", "/funding"): self.funding,
            ("GET", "/settlement"): self.settlements,
            ("GET", "/liquidation"): lambda given: self._nothing(given, "Liquidation"),
            ("GET", "/insurance"): lambda given: self._nothing(given, "Insurance"),
            ("GET", "/leaderboard"): lambda _: [],
            ("GET", "/announcement"): self.announcements,
            ("GET", "/stats"): self.stats,
            ("GET", "/schema"): self.schema,
            ("GET", "/schema/websocketHelp"): lambda _: help_text(),
            ("GET", "/wallet/assets"): lambda _: [dict(asset) for asset in ASSETS],
            ("GET", "/wallet/networks"): lambda _: [dict(network) for network in NETWORKS],
        }

    def instruments(self, given: Parameters) -> list[Row]:
        """Return instruments and indices, settled ones too."""
        exchange = self._exchange
        everything = [instrument_row(i, exchange.time) for i in exchange.instruments.values()]
        rows = everything + self._indices()
        return select(exchange, rows, given, model="Instrument", keys=("symbol",))

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
        return self._recent(rows, given, "Trade")

    def quotes(self, given: Parameters) -> list[Row]:
        """Return recent quotes."""
        rows = [row for i in self._exchange.instruments.values() for row in i.quotes]
        return self._recent(rows, given, "Quote")

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
        regular = {row["timestamp"] for row in rows}
        forced = [row for row in self._exchange.fundings if row["timestamp"] not in regular]
        if forced:
            rows = sorted(rows + forced, key=lambda row: str(row["timestamp"]))
        return select(self._exchange, rows, given, model="Funding", keys=("timestamp", "symbol"))

    def settlements(self, given: Parameters) -> list[Row]:
        """Return the settlements of expired contracts."""
        rows = self._exchange.settlements
        return select(self._exchange, rows, given, model="Settlement", keys=("timestamp", "symbol"))

    def announcements(self, given: Parameters) -> list[Row]:
        """Return what the exchange has to say."""
        return [columns(announcement(self._exchange), given, ("id",))]

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

    def _recent(self, rows: list[Row], given: Parameters, model: str) -> list[Row]:
        rows.sort(key=lambda row: str(row["timestamp"]))
        keys = ("timestamp", "symbol")
        return select(self._exchange, rows, given, model=model, keys=keys, maximum=_MANY)

    def _nothing(self, given: Parameters, model: str) -> list[Row]:
        """Return no rows of a table that has none, to a query that makes sense."""
        return select(self._exchange, [], given, model=model, keys=())

    def _fundings(self) -> Iterator[Row]:
        exchange = self._exchange
        interval = (exchange.dawn - FUNDING_OFFSET) // FUNDING_INTERVAL
        while funding_time(interval) <= exchange.time:
            for instrument in exchange.instruments.values():
                if instrument.contract.is_perpetual:
                    yield funding_row(instrument, interval)
            interval += 1


def announcement(exchange: Exchange) -> Row:
    """Return the one announcement there is: what this exchange is."""
    return {
        "id": 1,
        "link": "",
        "title": "This is the embedded exchange",
        "content": "<p>Its market is made up and its money is worth nothing.</p>",
        "date": iso(exchange.dawn),
    }


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


def quote_bin_row(instrument: Instrument, end: int, _bar: Bar) -> Row:
    """Return the last quote of a bucket that ends at a time."""
    price, quote = instrument.contract.price, instrument.closing.at(end)
    row: Row = {"timestamp": iso(end), "symbol": instrument.symbol}
    if quote.bid is not None:
        row |= {"bidSize": quote.bid_size, "bidPrice": price(quote.bid)}
    if quote.ask is not None:
        row |= {"askPrice": price(quote.ask), "askSize": quote.ask_size}
    return row


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
