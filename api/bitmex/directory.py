"""What the exchange has told about instruments and currencies, by the names it uses itself.

Filled by the REST threads and read by the engine: each method is one read or one replacement of a
dictionary entry, and what is stored is immutable.
"""

from __future__ import annotations

from collections.abc import Iterable

from api.bitmex.currencies import SHIPPED
from common.domain.instruments import Currency, Instrument, Symbol


class Directory:
    """Instruments by ticker, wallet currencies by code and by the name of their major unit."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}
        self._currencies: dict[str, Currency] = {}
        self._by_major: dict[str, Currency] = {}
        self.add_currencies(SHIPPED)

    def add(self, instrument: Instrument) -> None:
        """Remember an instrument; a later one of the same ticker replaces it."""
        self._instruments[instrument.symbol.ticker] = instrument

    def instrument(self, ticker: str) -> Instrument | None:
        """Return what is known of a ticker."""
        return self._instruments.get(ticker)

    def symbol(self, ticker: str) -> Symbol | None:
        """Return the ticker with its category, None when the ticker is not known."""
        instrument = self._instruments.get(ticker)
        return instrument.symbol if instrument else None

    def add_currencies(self, currencies: Iterable[Currency]) -> None:
        """Take currencies over from the exchange; they replace the shipped ones."""
        for currency in currencies:
            self._currencies[currency.code] = currency
            self._by_major[currency.major] = currency

    def currencies(self) -> tuple[Currency, ...]:
        """Return all known wallet currencies."""
        return tuple(self._currencies.values())

    def wallet_code(self, name: str) -> str:
        """Return the wallet currency called `name` as code or as major unit, e.g. USDT -> USDt."""
        if name in self._currencies or name not in self._by_major:
            return name
        return self._by_major[name].code
