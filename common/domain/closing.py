"""Closing a position with a limit order that takes what the order book offers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from common.domain.instruments import Instrument
from common.domain.market import Book, Level
from common.domain.money import closing_value, trade_value
from common.domain.orders import Side

BAND = Decimal("0.01")  # share of the best price that a closing order may give away


@dataclass(frozen=True, slots=True)
class Estimate:
    """What closing a position would do now."""

    side: Side
    quantity: int  # contracts, a multiple of the lot
    rest: int  # contracts that are less than a lot and cannot be closed
    best: Decimal | None  # of the other side now; None: the book is empty
    limit: Decimal | None  # the worst price that the order accepts
    price: Decimal | None  # the average that the book offers as far as it is known
    covered: bool  # the levels that are known hold the whole quantity within the limit
    received: int | None  # of the trade, smallest unit of the settlement currency, paid < 0
    fee: int | None  # paid > 0


def closing_side(position: int) -> Side:
    """Return the side that closes a position, long > 0."""
    return Side.SELL if position > 0 else Side.BUY


def closable(position: int, instrument: Instrument) -> int:
    """Return the contracts of a position that one order may close: whole lots, not above the most.

    A larger position is closed by one order after the other.
    """
    whole = abs(position) - abs(position) % instrument.lot_size
    most = instrument.max_quantity
    return whole if most is None else min(whole, most - most % instrument.lot_size)


def limit_price(instrument: Instrument, side: Side, best: Decimal) -> Decimal:
    """Return the worst price at which a position is closed, given the best one of the other side.

    On the tick grid, never further than BAND from the best price, except that it is at least it.
    """
    worst = best * (1 + side.sign * BAND)
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    tick = instrument.tick_size
    price = (worst / tick).to_integral_value(rounding) * tick
    price = max(price, best) if side is Side.BUY else min(price, best)
    return price if instrument.max_price is None else min(price, instrument.max_price)


def estimate(instrument: Instrument, book: Book, position: int, scale: int) -> Estimate:
    """Return what closing `position` (long > 0, not 0) would bring at the book's present levels."""
    side = closing_side(position)
    whole = abs(position) - abs(position) % instrument.lot_size
    levels = book.asks if side is Side.BUY else book.bids
    rest = abs(position) - whole
    if not levels or not whole:
        return Estimate(side, whole, rest, None, None, None, covered=False, received=None, fee=None)
    best = levels[0][0]
    limit = limit_price(instrument, side, best)
    price, covered = _average(levels, side, limit, whole)
    received = closing_value(instrument, price, whole if position > 0 else -whole, scale)
    value = abs(trade_value(instrument, price, whole, scale))
    fee = int((value * instrument.taker_fee).to_integral_value(ROUND_CEILING))
    return Estimate(side, whole, rest, best, limit, price, covered, received, fee)


def _average(
    levels: tuple[Level, ...], side: Side, limit: Decimal, quantity: int
) -> tuple[Decimal, bool]:
    """Return the mean price of taking `quantity`; what no level holds counts at the last one."""
    left, paid, price = quantity, Decimal(0), levels[0][0]
    for level, size in levels:
        if (level - limit) * side.sign > 0:
            break
        price = level
        taken = min(left, size)
        paid += taken * level
        left -= taken
        if not left:
            return paid / quantity, True
    return (paid + left * price) / quantity, False
