"""When stop and if-touched orders are triggered, and how trailing stops move."""

from __future__ import annotations

from api.simulator.instruments import Instrument
from api.simulator.orders import Order

_WITHIN_PERCENT = 5  # of LastWithinMark
_TRAIL_PER_MILLE = 1  # least move of the price that a trailing stop follows


def is_triggered(instrument: Instrument, order: Order) -> bool:
    """Tell whether the price that an order watches has reached its stopPx.

    With LastWithinMark the last price must besides lie within 5 % of the mark price.
    """
    price, scale = instrument.trigger_price(order.trigger)
    if not order.is_reached(price, scale, instrument.contract.ticks_per_unit):
        return False
    return "LastWithinMark" not in order.instructions or _is_within_mark(instrument, order.side)


def trailed_stop(instrument: Instrument, order: Order) -> int | None:
    """Return the new stopPx of a trailing stop after a move of more than 0.1 % its way."""
    if order.peg_type != "TrailingStopPeg" or order.peg_offset is None or order.stop is None:
        return None
    price, followed = instrument.trigger_ticks(order.trigger), order.stop - order.peg_offset
    if (price - followed) * order.peg_offset >= 0:
        return None
    if abs(price - followed) * 1000 <= followed * _TRAIL_PER_MILLE:
        return None
    return price + order.peg_offset


def _is_within_mark(instrument: Instrument, side: int) -> bool:
    contract = instrument.contract
    last = instrument.last * contract.mark_scale * 100
    mark = instrument.mark * contract.ticks_per_unit
    return side * (last - mark * (100 + side * _WITHIN_PERCENT)) <= 0
