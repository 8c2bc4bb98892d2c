"""What the exchange does not have of the settings is named with its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from common.domain.instruments import Category, Instrument, Symbol
from common.settings import read_settings
from common.settings_check import missing_currencies, missing_symbols
from tests.support.profiles import write_profile


def instrument(ticker: str, category: Category, settlement: str) -> Instrument:
    return Instrument(
        symbol=Symbol(ticker, category),
        tradable=True,
        state="Open",
        tick_size=Decimal("0.5"),
        lot_size=100,
        multiplier=-1,
        contracts_per_unit=1,
        quote_currency="USD",
        settlement_currency=settlement,
        base_currency="XBT",
    )


def test_a_settlement_currency_that_is_not_listed_is_named_with_its_line(tmp_path: Path) -> None:
    result = read_settings(write_profile(tmp_path, {"CURRENCIES": "XBt"}), ("Bitmex",))
    instruments = [
        instrument("XBTUSD", Category.INVERSE, "XBt"),
        instrument("XBTUSDT", Category.LINEAR, "USDt"),
        instrument("SOLUSDT", Category.LINEAR, "USDt"),
        instrument("OTHER", Category.LINEAR, "ETh"),
    ]
    assert missing_currencies(result, instruments) == [
        f"{tmp_path / '.env.Bitmex'}, line 6: CURRENCIES lacks USDt, the settlement currency"
        ' of XBTUSDT, SOLUSDT; write CURRENCIES = "XBt, USDt"'
    ]
    assert missing_currencies(result, instruments[:1]) == []


def test_a_symbol_that_the_exchange_lacks_is_named_with_its_line(tmp_path: Path) -> None:
    market = read_settings(write_profile(tmp_path), ("Bitmex",)).markets[0]
    existing = [instrument(s.ticker, s.category, "XBt") for s in market.symbols]
    assert missing_symbols(market, existing) == {}
    ((symbol, sentence),) = missing_symbols(market, existing[1:]).items()
    assert symbol.ticker == "XBTUSDT"
    assert sentence.startswith(
        f"{tmp_path / '.env.Bitmex'}, line 1: LINEAR_SYMBOLS names XBTUSDT,"
        " but Bitmex has no such linear instrument"
    )
