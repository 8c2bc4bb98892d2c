"""Numbers and times as texts. No float is used: what is shown is exactly what is known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from common.domain.instruments import Instrument

NOTHING = "-"


@lru_cache(maxsize=512)
def _price_decimals(tick_size: Decimal) -> int:
    return max(0, -int(tick_size.normalize().as_tuple().exponent))


@lru_cache(maxsize=512)
def _quantity_decimals(lot_size: int, contracts_per_unit: int) -> int:
    smallest = Decimal(lot_size) / Decimal(contracts_per_unit)
    return max(0, -int(smallest.normalize().as_tuple().exponent))


def price_text(price: Decimal | None, instrument: Instrument | None) -> str:
    """Return a price with the digits of its tick, and with more only if it has more."""
    if price is None:
        return NOTHING
    if instrument is None:
        return format(price, "f")
    decimals = _price_decimals(instrument.tick_size)
    exponent = price.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > decimals:
        decimals = max(decimals, -int(price.normalize().as_tuple().exponent))
    return format(price, f".{decimals}f")


def average_text(price: Decimal | None, instrument: Instrument) -> str:
    """Return an average or estimated price, rounded half-even to the digits of the tick."""
    if price is None:
        return NOTHING
    return format(price, f".{_price_decimals(instrument.tick_size)}f")


def quantity_text(contracts: int | None, instrument: Instrument | None) -> str:
    """Return contracts in the screen's unit; contracts themselves where that is not known."""
    if contracts is None:
        return NOTHING
    if instrument is None:
        return str(contracts)
    per_unit = instrument.contracts_per_unit
    decimals = _quantity_decimals(instrument.lot_size, per_unit)
    if per_unit == 1:
        return str(contracts)
    units = Decimal(contracts) / Decimal(per_unit)
    if contracts % instrument.lot_size:
        decimals = max(decimals, -int(units.normalize().as_tuple().exponent))
    return format(units, f".{decimals}f")


def quantity_unit(instrument: Instrument) -> str:
    """Return the word for the unit that `quantity_text` counts."""
    return instrument.base_currency if instrument.contracts_per_unit > 1 else "contracts"


def money_text(amount: int | None, scale: int, *, signed: bool = False) -> str:
    """Return an amount of the smallest unit as a decimal with `scale` digits, all of them.

    signed: a gain carries a plus sign, so that colour is not the only difference.
    """
    if amount is None:
        return NOTHING
    sign = "-" if amount < 0 else "+" if signed and amount > 0 else ""
    digits = str(abs(amount)).zfill(scale + 1)
    if scale == 0:
        return sign + digits
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def rate_text(rate: Decimal | None) -> str:
    """Return a funding rate in per cent with its sign."""
    return NOTHING if rate is None else format(rate * 100, "+.4f") + "%"


def leverage_text(leverage: Decimal | None) -> str:
    """Return the account's leverage with two digits."""
    return NOTHING if leverage is None else format(leverage, ".2f")


def time_text(at: datetime) -> str:
    """Return date and time to the second, as they are in UTC."""
    # About three times as fast as strftime, which the trade list would feel.
    return (
        f"{at.year:04d}-{at.month:02d}-{at.day:02d} {at.hour:02d}:{at.minute:02d}:{at.second:02d}"
    )


def date_text(at: datetime) -> str:
    """Return the date of an expiry."""
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d}"
