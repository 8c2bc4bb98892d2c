"""What a trade is worth, in whole smallest units of the settlement currency."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from common.domain.instruments import Category, Instrument


def trade_value(instrument: Instrument, price: Decimal, quantity: int, scale: int) -> int:
    """Return what trading `quantity` contracts at `price` brings, as SUMREAL counts it.

    quantity is signed, bought > 0. The result is in the smallest unit (10**-scale) of the
    settlement currency: received > 0, paid < 0. It values a position on the screen; what is
    booked is always the exchange's own figure. Rounding follows the exchange: an inverse contract
    is rounded half up per lot and then multiplied, others are rounded once.
    Source: BitMEX contract specifications (value of inverse, linear, quanto and spot).
    """
    size = abs(quantity)
    if instrument.symbol.category is Category.INVERSE:
        per_lot = Decimal(abs(instrument.multiplier) * instrument.lot_size) / price
        lot_value = int(per_lot.to_integral_value(ROUND_HALF_UP))
        value = Decimal(lot_value * size) / instrument.lot_size
        direction = 1
    elif instrument.symbol.category is Category.SPOT:
        value = Decimal(size) * price * 10**scale / instrument.contracts_per_unit
        direction = -1
    else:
        value = Decimal(size) * price * abs(instrument.multiplier)
        direction = -1
    whole = int(value.to_integral_value(ROUND_HALF_EVEN))
    return direction * whole if quantity > 0 else -direction * whole


def closing_value(instrument: Instrument, price: Decimal, position: int, scale: int) -> int:
    """Return what closing `position` (long > 0) at `price` brings, received > 0."""
    return trade_value(instrument, price, -position, scale) if position else 0


def amount(units: int, scale: int) -> Decimal:
    """Return smallest units as an exact Decimal of the currency."""
    return Decimal(units).scaleb(-scale)


def on_tick(price: Decimal, tick_size: Decimal) -> bool:
    """Whether a price lies on the instrument's grid."""
    return price % tick_size == 0
