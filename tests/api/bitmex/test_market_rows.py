"""Rows of the market become domain objects."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest

from api.bitmex import market_rows
from api.bitmex.directory import Directory
from common.domain.instruments import Category
from common.domain.market import Book
from common.errors import ProtocolError
from tests.api.bitmex import samples
from tests.api.bitmex.samples import INSTRUMENTS, SPOT, XBTUSD, Row


@pytest.mark.parametrize(
    ("ticker", "category", "per_unit", "settlement"),
    [
        ("XBTUSD", Category.INVERSE, 1, "XBt"),
        ("XBTUSDT", Category.LINEAR, 1000000, "USDt"),
        ("ETHUSD", Category.QUANTO, 1, "XBt"),
        ("XBT_USDT", Category.SPOT, 100000000, "USDt"),
    ],
)
def test_contract_figures(ticker: str, category: Category, per_unit: int, settlement: str) -> None:
    instrument = market_rows.instrument(INSTRUMENTS[ticker], Directory())
    assert instrument is not None
    assert instrument.symbol.category is category
    assert instrument.contracts_per_unit == per_unit
    assert instrument.settlement_currency == settlement
    assert instrument.tradable


@pytest.mark.parametrize("kind", ["FFMCSX", "MRCXXX", "FFICSX", "NEWKIND", "", None])
def test_kinds_that_are_not_traded_are_passed_over(kind: object) -> None:
    assert market_rows.instrument({**INSTRUMENTS["XBTUSD"], "typ": kind}, Directory()) is None


def test_options_and_rows_without_flags_are_recognised() -> None:
    row = INSTRUMENTS["XBTUSDT"]
    assert market_rows.category_of({**row, "typ": "OCECCS"}) is Category.OPTION
    bare = {k: v for k, v in row.items() if k not in ("isQuanto", "isInverse")}
    assert market_rows.category_of(bare) is Category.LINEAR
    assert market_rows.category_of({**bare, "settlCurrency": "XBt"}) is Category.QUANTO
    assert market_rows.category_of({**bare, "multiplier": -1}) is Category.INVERSE


@pytest.mark.parametrize(
    ("name", "value"),
    [("tickSize", 0), ("tickSize", None), ("multiplier", None), ("lotSize", -1)],
)
def test_an_instrument_without_sound_figures_names_the_field(name: str, value: object) -> None:
    with pytest.raises(ProtocolError, match=name):
        market_rows.instrument({**INSTRUMENTS["XBTUSD"], name: value}, Directory())


def test_a_ticker_reads_what_it_can() -> None:
    book = Book(bids=((Decimal("78129.5"), 100),), asks=())
    ticker = market_rows.ticker(INSTRUMENTS["XBTUSD"], XBTUSD, book)
    assert (ticker.bid, ticker.ask) == (Decimal("78129.5"), None)
    assert ticker.funding_rate == Decimal("-0.000024")
    assert ticker.funding_at == datetime(2026, 5, 3, 12, tzinfo=timezone.utc)
    odd: Row = {"lastPrice": "x", "fundingTimestamp": 7, "state": [], "volume24h": {}}
    assert market_rows.ticker(odd, XBTUSD, Book()).last is None


def test_book_prices_lose_the_tail_of_a_binary_fraction() -> None:
    row: Row = {"bids": [[79139.90000000001, 100], [79139.8, 5]], "asks": []}
    assert market_rows.book_of(row, 1).bids == (
        (Decimal("79139.9"), 100),
        (Decimal("79139.8"), 5),
    )


def test_a_public_trade_of_size_zero_is_none() -> None:
    row: Row = {"symbol": "XBT_USDT", "size": 4800, "price": 97343.4,
                "timestamp": "2025-02-07T10:43:59.245Z"}  # fmt: skip
    trade = market_rows.public_trade(row, SPOT)
    assert trade is not None
    assert trade.price == Decimal("97343.4")
    assert market_rows.public_trade({**row, "size": 0}, SPOT) is None


def test_a_bin_without_trades_stands_at_the_previous_close() -> None:
    row: Row = {"timestamp": "2024-11-23T20:07:00.000Z", "symbol": "XBTUSD", "trades": 0,
                "volume": 0}  # fmt: skip
    quiet = market_rows.bin_of(row, 97550.0)
    assert quiet is not None
    assert (quiet.open, quiet.high, quiet.low, quiet.close, quiet.volume) == (97550.0,) * 4 + (0,)
    assert market_rows.bin_of(row, None) is None


@pytest.mark.parametrize("missing", ["open", "high", "low"])
def test_b18_a_bin_without_one_of_its_prices_is_read(missing: str) -> None:
    row: Row = {"timestamp": "2024-11-23T20:07:00.000Z", "symbol": "XBTUSD", "volume": 5,
                "open": 97550, "high": 97600, "low": 97500, "close": 97580}  # fmt: skip
    for value in ({missing: None}, {}):
        given = {k: v for k, v in row.items() if k != missing} | value
        found = market_rows.bin_of(given, 97540.0)
        assert found is not None
        assert found.low <= min(found.open, found.close)
        assert found.high >= max(found.open, found.close)


def test_high_and_low_hold_an_open_that_the_exchange_did_not_count_in() -> None:
    row: Row = {"timestamp": "2024-11-23T20:07:00.000Z", "symbol": "XBTUSD", "volume": 5,
                "open": 97400, "high": 97600, "low": 97500, "close": 97580}  # fmt: skip
    found = market_rows.bin_of(row, None)
    assert found is not None
    assert (found.low, found.high) == (97400, 97600)


def test_currencies_are_read_and_the_shipped_ones_are_complete() -> None:
    row: Row = {"asset": "ETH", "currency": "Gwei", "majorCurrency": "ETH", "scale": 9}
    assert market_rows.currency(row).scale == 9
    shipped = {c.code: c for c in Directory().currencies()}
    assert len(shipped) == 52
    assert (shipped["LAMp"].major, shipped["MATIc"].scale, shipped["XBt"].scale) == ("SOL", 8, 8)
    assert samples.directory().wallet_code("USDT") == "USDt"
