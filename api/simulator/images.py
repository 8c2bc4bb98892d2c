"""The images of the tables of an exchange: what a subscription is answered with."""

from __future__ import annotations

from api.simulator.buckets import BinRow
from api.simulator.candles import BIN_SIZES
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.market_routes import announcement, bin_row, funding_row, quote_bin_row
from api.simulator.ports import Partial, Row
from api.simulator.prices import MINUTE, funding_period
from api.simulator.quotes import index_row, instrument_row, quote_row
from api.simulator.shown import BOOKS
from api.simulator.tables import TABLES


class Images:
    """Tables as they are now. `robots` of the exchange's own are told among who is connected."""

    def __init__(self, exchange: Exchange, robots: int) -> None:
        self._exchange = exchange
        self._robots = robots

    def of(self, table: str, symbol: str | None, account: int | None) -> Partial | None:
        """Return the image of `table` for a symbol (None: all), or None for an unknown table."""
        described = TABLES.get(table)
        if described is None:
            return None
        if described.private:
            rows = self._own_rows(table, symbol, account)
        else:
            rows = self._public_rows(table, symbol)
        return Partial(list(described.keys), described.types, rows)

    def _own_rows(self, table: str, symbol: str | None, account: int | None) -> list[Row]:
        owner = self._exchange.accounts.get(account or 0)
        if owner is None:
            return []
        rows = self._exchange.feed.own_rows(table, owner)
        return [row for row in rows if symbol is None or row.get("symbol", symbol) == symbol]

    def _public_rows(self, table: str, symbol: str | None) -> list[Row]:
        instruments = [
            instrument
            for instrument in self._exchange.instruments.values()
            if instrument.symbol == symbol or (_in_group(instrument, symbol) and instrument.is_open)
        ]
        if table == "instrument" and symbol == "INDICES":
            rows = {i.contract.index: index_row(i) for i in instruments}
            return list(rows.values())
        if table == "announcement":
            return [announcement(self._exchange)]
        if table == "connected":
            customers = sum(1 for _ in self._exchange.customers())
            return [{"id": 1, "users": customers, "bots": self._robots}]
        if table == "settlement":
            settled = self._exchange.settlements
            return [row for row in settled if symbol in (None, row["symbol"])][-1:]
        return [row for instrument in instruments for row in self._rows_of(table, instrument)]

    def _rows_of(self, table: str, instrument: Instrument) -> list[Row]:
        time, shown = self._exchange.time, self._exchange.feed.shown
        if table in BOOKS:
            return shown.book_rows(table, instrument)
        if table.startswith("tradeBin"):
            return [self._last_bin(BIN_SIZES[table.removeprefix("tradeBin")], instrument, bin_row)]
        if table.startswith("quoteBin"):
            size = BIN_SIZES[table.removeprefix("quoteBin")]
            return [self._last_bin(size, instrument, quote_bin_row)]
        rows: list[Row] = []
        if table == "instrument":
            rows = [instrument_row(instrument, time)]
        elif table == "orderBook10":
            rows = [shown.ladder_row(instrument)]
        elif table == "trade":
            rows = list(instrument.trades)[-1:]
        elif table == "quote":
            rows = list(instrument.quotes)[-1:] or [quote_row(instrument, time)]
        elif table == "funding" and instrument.contract.is_perpetual:
            rows = [funding_row(instrument, funding_period(time)[0] - 1)]
        return rows

    def _last_bin(self, minutes: int, instrument: Instrument, row_of: BinRow) -> Row:
        bucket = self._exchange.time // MINUTE // minutes
        bar = instrument.candles.bar((bucket - 1) * minutes, minutes)
        return row_of(instrument, bucket * minutes * MINUTE, bar)


def _in_group(instrument: Instrument, name: str | None) -> bool:
    if name in ("CONTRACTS", "DERIVATIVES"):
        return not instrument.contract.is_spot
    if name == "SPOT":
        return instrument.contract.is_spot
    return name in (None, "INDICES")
