"""What an order must satisfy before it may leave; checks raise OrderRefused, saying why."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from common.domain.instruments import Instrument
from common.domain.market import Ticker
from common.domain.money import amount, on_tick, trade_value
from common.domain.orders import Side, parse_cl_ord_id
from common.domain.robots import ONLY_CLOSED, Robot, Status
from common.domain.trading_limits import TradingLimits
from common.engine.state import MarketState
from common.errors import EntryRefused, OrderRefused

OPEN_ORDERS_PER_SYMBOL = 200  # the exchange's own cap


def check_price(instrument: Instrument, price: Decimal) -> None:
    """The price is positive, on the tick grid and not above the instrument's maximum."""
    where = instrument.symbol.ticker
    if not price.is_finite() or price <= 0:
        raise OrderRefused(f"{where}: the price must be greater than 0")
    if not on_tick(price, instrument.tick_size):
        raise OrderRefused(f"{where}: price {price} is not a multiple of {instrument.tick_size}")
    if instrument.max_price is not None and price > instrument.max_price:
        raise OrderRefused(f"{where}: price {price} is above the maximum {instrument.max_price}")


def check_quantity(instrument: Instrument, quantity: int) -> None:
    """The quantity is a positive multiple of the lot and not above the instrument's maximum."""
    where = instrument.symbol.ticker
    if quantity <= 0:
        raise OrderRefused(f"{where}: the quantity must be greater than 0")
    if quantity % instrument.lot_size:
        raise OrderRefused(
            f"{where}: quantity {instrument.shown(quantity)} is not a multiple of the lot "
            f"{instrument.shown(instrument.lot_size)}"
        )
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        raise OrderRefused(
            f"{where}: quantity {instrument.shown(quantity)} exceeds the maximum "
            f"{instrument.shown(instrument.max_quantity)}"
        )


def check_size(
    instrument: Instrument, most: TradingLimits, price: Decimal, quantity: int, scale: int
) -> None:
    """The order is not larger than the settings allow, in lots and in value.

    scale: decimal places of the settlement currency.
    """
    where = instrument.symbol.ticker
    if most.order_lots and quantity > most.order_lots * instrument.lot_size:
        raise OrderRefused(
            f"{where}: quantity {instrument.shown(quantity)} is more than MAX_ORDER_LOTS, "
            f"{most.order_lots} lots"
        )
    if most.order_value:
        value = amount(abs(trade_value(instrument, price, quantity, scale)), scale)
        if value > most.order_value:
            raise OrderRefused(
                f"{where}: an order worth {value:f} {instrument.settlement_currency} is more than "
                f"MAX_ORDER_VALUE, {most.order_value:f}"
            )


def check_band(
    instrument: Instrument, most: TradingLimits, side: Side, price: Decimal, ticker: Ticker
) -> None:
    """A bot's price is not far worse than the best price on the other side, or the last one."""
    best = (ticker.ask if side is Side.BUY else ticker.bid) or ticker.last
    if not most.price_band or not best:
        return
    worse = (price / best - 1) * side.sign * 100
    if worse > most.price_band:
        raise OrderRefused(
            f"{instrument.symbol.ticker}: {side} at {price} is {worse:.1f} % worse than {best:f}, "
            f"more than PRICE_BAND_PERCENT, {most.price_band:f}"
        )


def check_reach(
    robot: Robot,
    instrument: Instrument,
    most: int,
    side: Side,
    quantity: int,
    position: int,
    resting: int,
) -> None:
    """No order may carry a bot's position beyond MAX_POSITION_LOTS; closing is always allowed."""
    reached = side.sign * position + resting + quantity
    if most and reached > most * instrument.lot_size:
        raise OrderRefused(
            f"{robot.emi}: {side} {instrument.shown(quantity)} could make its position "
            f"{instrument.shown(reached)}, more than MAX_POSITION_LOTS, {most} lots"
        )


def check_tradable(instrument: Instrument) -> None:
    """The exchange takes orders for the instrument now."""
    if not instrument.tradable:
        raise OrderRefused(f"{instrument.symbol.ticker} is {instrument.state or 'not tradable'}")


def check_robot(robot: Robot, side: Side, quantity: int, position: int, resting: int) -> None:
    """A bot that exists only by its traces or is in ERROR may only close what it has.

    quantity: contracts still wanted; position: long > 0; resting: contracts of its other open
    orders on the same side.
    """
    if robot.status is Status.NOT_IN_LIST:
        raise OrderRefused(
            f"{robot.emi}: {robot.symbol.ticker} is not subscribed; add it to the settings first"
        )
    if robot.status in ONLY_CLOSED and side.sign * position + resting + quantity > 0:
        raise OrderRefused(
            f"{robot.emi} is {robot.status}: its position can only be closed, "
            "not enlarged or turned"
        )


def enters(side: Side, quantity: int, position: int, resting: int) -> bool:
    """Whether an order could do more than reduce a bot's position to zero."""
    return side.sign * position + resting + quantity > 0


def check_exit(robot: Robot, side: Side, quantity: int, position: int, resting: int) -> None:
    """While only exits may leave: the order may reduce the bot's position, no more than to zero."""
    if enters(side, quantity, position, resting):
        raise EntryRefused(
            f"{robot.emi}: only orders that reduce its position may leave (EXITS ONLY)"
        )


def check_capital(
    robot: Robot, instrument: Instrument, side: Side, quantity: int, position: int, resting: int
) -> None:
    """A bot's order may not carry its position beyond CAPITAL lots; closing is always allowed."""
    limit = robot.capital * instrument.lot_size
    reached = side.sign * position + resting + quantity
    if reached > max(limit, 0):
        raise OrderRefused(
            f"{robot.emi}: {side} {instrument.shown(quantity)} could make its position "
            f"{instrument.shown(reached)}, more than its CAPITAL of {robot.capital} lots "
            f"({instrument.shown(limit)})"
        )


def resting(state: MarketState, emi: str, side: Side, without: str = "") -> int:
    """Return the contracts that a bot's open orders of one side may still trade.

    Changes under way count as if they stood. So do fills that are not in the books yet: the
    position does not know them.
    """
    orders = sum(
        order.most()
        for order in state.orders
        if order.emi == emi and order.side is side and order.key != without
    )
    fills = (fill for fill in state.unbooked.values() if fill.side is side)
    return orders + sum(f.quantity for f in fills if parse_cl_ord_id(f.cl_ord_id).emi == emi)


class RequestRate:
    """Counts a bot's order requests in the last minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._times: dict[str, deque[float]] = {}

    def check(self, emi: str, now: float) -> None:
        """Count one request at `now` (monotonic seconds); OrderRefused when there are too many."""
        if not self._per_minute:
            return
        times = self._times.setdefault(emi, deque())
        while times and now - times[0] >= 60:
            times.popleft()
        if len(times) >= self._per_minute:
            raise OrderRefused(f"{emi}: more than {self._per_minute} order requests in a minute")
        times.append(now)
