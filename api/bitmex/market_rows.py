"""Rows of instruments, currencies, candles and public trades -> domain objects; pure.

With `rows.py` and `execution_rows.py` the only reader of the exchange's field names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from api.bitmex.directory import Directory
from api.bitmex.wire import (
    Row,
    as_decimal,
    decimal_of,
    integer_of,
    parse_time,
    required_integer,
    required_text,
    required_time,
    text_of,
    time_of,
)
from common.domain.instruments import Category, Currency, Instrument, Symbol
from common.domain.market import Book, Level, Ticker, Trade
from common.domain.settlements import Settled
from common.errors import ProtocolError

# The exchange's codes of kinds of instruments, the column `typ`. Source: GET /instrument of July
# 2026. Calendar spreads, prediction markets, yield swaps, indices and codes not named here are no
# instruments that this program trades.
_PERPETUAL, _FUTURE = "FFWCSX", "FFCCSX"
_STOCK_PERPETUAL, _FX_PERPETUAL = "FFSCSX", "FFWCSF"
_SPOT = "IFXXXP"  # written so by the exchange: its X stand for "not specified"
_CALL, _PUT = "OCECCS", "OPECCS"

_CONTRACTS = frozenset({_PERPETUAL, _FUTURE, _STOCK_PERPETUAL, _FX_PERPETUAL})
_OPTIONS = frozenset({_CALL, _PUT})
_ENDED = frozenset({"Settled", "Delisted", "Expired", "Cleared"})

# Columns whose change means another contract or another state of it.
_CONTRACT_COLUMNS = (
    "state typ tickSize lotSize multiplier underlyingToPositionMultiplier quoteCurrency underlying "
    "settlCurrency maxOrderQty maxPrice makerFee takerFee expiry listing isQuanto isInverse"
)
CONTRACT_FIELDS = frozenset(_CONTRACT_COLUMNS.split())


def instrument(row: Row, directory: Directory) -> Instrument | None:
    """Return an instrument, None for a kind that is not traded here."""
    category = category_of(row)
    if category is None:
        return None
    quote = required_text(row, "quoteCurrency")
    settlement = text_of(row, "settlCurrency")
    if not settlement and category is not Category.SPOT:
        raise ProtocolError("settlCurrency is missing")
    tick_size = decimal_of(row, "tickSize")
    if tick_size is None or tick_size <= 0:
        raise ProtocolError("tickSize is missing or not positive")
    state = text_of(row, "state")
    return Instrument(
        symbol=Symbol(required_text(row, "symbol"), category),
        tradable=state == "Open",
        ended=state in _ENDED,
        state=state,
        tick_size=tick_size,
        lot_size=_positive(row, "lotSize", 1),
        multiplier=required_integer(row, "multiplier"),
        contracts_per_unit=_positive(row, "underlyingToPositionMultiplier", 1),
        quote_currency=quote,
        settlement_currency=settlement or directory.wallet_code(quote),
        base_currency=required_text(row, "underlying"),
        max_quantity=integer_of(row, "maxOrderQty"),
        max_price=decimal_of(row, "maxPrice"),
        maker_fee=decimal_of(row, "makerFee") or Decimal(0),
        taker_fee=decimal_of(row, "takerFee") or Decimal(0),
        expiry=time_of(row, "expiry"),
        listing=time_of(row, "listing"),
    )


def category_of(row: Row) -> Category | None:
    """Return how an instrument's value follows its price, None for kinds not traded here."""
    kind = text_of(row, "typ")
    if kind == _SPOT:
        return Category.SPOT
    if kind in _OPTIONS:
        return Category.OPTION
    if kind not in _CONTRACTS:
        return None
    if row.get("isInverse") or (integer_of(row, "multiplier") or 0) < 0:
        return Category.INVERSE
    if row.get("isQuanto") is not None:
        return Category.QUANTO if row["isQuanto"] else Category.LINEAR
    same = text_of(row, "settlCurrency").upper() == text_of(row, "quoteCurrency").upper()
    return Category.LINEAR if same else Category.QUANTO


def settled(row: Row, instrument: Instrument) -> Settled | None:
    """Return the end of a contract; None for a row of another kind (Rebalance) or contract."""
    price = decimal_of(row, "settledPrice")
    if text_of(row, "symbol") != instrument.symbol.ticker or not price:
        return None
    if text_of(row, "settlementType") not in ("", "Settlement"):
        return None
    return Settled(instrument, price, required_time(row, "timestamp"))


def currency(row: Row) -> Currency:
    """Return a wallet currency."""
    scale = required_integer(row, "scale")
    if not 0 <= scale <= 18:
        raise ProtocolError(f"scale is out of range: {scale}")
    major = text_of(row, "majorCurrency") or required_text(row, "asset")
    return Currency(code=required_text(row, "currency"), major=major, scale=scale)


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of trade/bucketed. `end` is its timestamp: the exchange stamps the end of a bin."""

    end: datetime
    open: float
    high: float
    low: float
    close: float
    volume: int


def bin_of(row: Row, previous_close: float | None) -> Bin | None:
    """Return a bin; one without trades stands at the previous close (None: not known).

    High and low hold open and close, whether or not the exchange counts the open in.
    """
    end = required_time(row, "timestamp")
    close = _float(row, "close", previous_close)
    if close is None:
        return None
    opened = _float(row, "open", close if previous_close is None else previous_close) or close
    return Bin(
        end=end,
        open=opened,
        high=max(_float(row, "high", close) or close, opened, close),
        low=min(_float(row, "low", close) or close, opened, close),
        close=close,
        volume=integer_of(row, "volume") or 0,
    )


def public_trade(row: Row, symbol: Symbol) -> Trade | None:
    """Return a public trade, None for the size-0 rows that indices post."""
    size = integer_of(row, "size")
    price = decimal_of(row, "price")
    if not size or price is None:
        return None
    return Trade(symbol, price, abs(size), parse_time(row.get("timestamp"), "timestamp"))


def ticker(row: Row, symbol: Symbol, book: Book) -> Ticker:
    """Return what an instrument does now; a value that cannot be read counts as not told."""
    funding_at = row.get("fundingTimestamp")
    try:
        funding_time = parse_time(funding_at, "fundingTimestamp") if funding_at else None
    except ProtocolError:
        funding_time = None
    volume = row.get("volume24h")
    state = row.get("state")
    return Ticker(
        symbol=symbol,
        bid=book.bids[0][0] if book.bids else None,
        ask=book.asks[0][0] if book.asks else None,
        last=as_decimal(row.get("lastPrice")),
        mark=as_decimal(row.get("markPrice")),
        volume24h=int(volume) if isinstance(volume, (int, float)) else None,
        funding_rate=as_decimal(row.get("fundingRate")),
        funding_at=funding_time,
        state=state if isinstance(state, str) else "",
        settled_price=as_decimal(row.get("settledPrice")),
    )


def book_of(row: Row, decimals: int) -> Book:
    """Return the levels of an orderBook10 row; prices get at most `decimals` digits.

    The wire sometimes carries a binary fraction's tail, such as 79139.90000000001.
    """
    return Book(_levels(row, "bids", decimals), _levels(row, "asks", decimals))


def best_of(row: Row, decimals: int) -> Book:
    """Return the one level of each side that a quote row tells."""
    return Book(
        _best(row, "bidPrice", "bidSize", decimals), _best(row, "askPrice", "askSize", decimals)
    )


def _levels(row: Row, side: str, decimals: int) -> tuple[Level, ...]:
    rows = row.get(side)
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise ProtocolError(f"{side} is not a list")
    levels = []
    for level in rows:
        if not isinstance(level, list) or len(level) < 2:
            raise ProtocolError(f"{side} holds a level that is not [price, size]")
        levels.append(_level({"price": level[0], "size": level[1]}, "price", "size", decimals))
    return tuple(level for level in levels if level is not None)


def _best(row: Row, price: str, size: str, decimals: int) -> tuple[Level, ...]:
    level = _level(row, price, size, decimals)
    return () if level is None else (level,)


def _level(row: Row, price_name: str, size_name: str, decimals: int) -> Level | None:
    price = decimal_of(row, price_name)
    if price is None:
        return None
    exponent = price.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > decimals:
        price = round(price, decimals)
    return price, integer_of(row, size_name) or 0


def _positive(row: Row, name: str, default: int) -> int:
    value = integer_of(row, name)
    if value is None:
        return default
    if value <= 0:
        raise ProtocolError(f"{name} is not positive: {value}")
    return value


def _float(row: Row, name: str, default: float | None) -> float | None:
    number = decimal_of(row, name)
    return default if number is None else float(number)
