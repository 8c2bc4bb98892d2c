"""What the settings of a market name and its exchange does not have, asked after its answer."""

from __future__ import annotations

from collections.abc import Collection

from common.domain.instruments import Instrument, Symbol
from common.settings_types import MarketSettings, Settings


def missing_currencies(settings: Settings, instruments: Collection[Instrument]) -> list[str]:
    """Return a sentence for every settlement currency that CURRENCIES does not list.

    Only the exchange knows what an instrument settles in, so this is asked after its answer;
    `instruments` outside the settings of their market are passed over.
    """
    by_symbol = {instrument.symbol: instrument for instrument in instruments}
    sentences = []
    for market in settings.markets:
        missing: dict[str, list[str]] = {}
        for symbol in market.symbols:
            instrument = by_symbol.get(symbol)
            if instrument and instrument.settlement_currency not in market.currencies:
                missing.setdefault(instrument.settlement_currency, []).append(symbol.ticker)
        wanted = ", ".join((*market.currencies, *missing))
        sentences += [
            f"{_place(market, 'CURRENCIES')}: CURRENCIES lacks {currency}, the settlement currency"
            f' of {", ".join(tickers)}; write CURRENCIES = "{wanted}"'
            for currency, tickers in missing.items()
        ]
    return sentences


def missing_symbols(
    market: MarketSettings, instruments: Collection[Instrument]
) -> dict[Symbol, str]:
    """Return symbols that the exchange does not have in their category, each with a sentence."""
    existing = {instrument.symbol for instrument in instruments}
    sentences = {}
    for symbol in market.symbols:
        if symbol in existing:
            continue
        key = f"{symbol.category.value.upper()}_SYMBOLS"
        sentences[symbol] = (
            f"{_place(market, key)}: {key} names {symbol.ticker}, but {market.name} has no such"
            f" {symbol.category} instrument; correct it, or move it to the list of its category"
        )
    return sentences


def _place(market: MarketSettings, key: str) -> str:
    return market.places.get(key, f"settings of {market.name}")
