"""What is checked before an order or a change goes its way: market, instrument, owner, limits."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from common.domain.instruments import Instrument, Symbol
from common.domain.orders import Side
from common.engine import limits
from common.engine.orders import Change, LiveOrder
from common.engine.ports import Clock, Gateway
from common.engine.state import MarketState
from common.errors import NotNow, OrderRefused


class PreTrade:
    """The checks of one market; each raises OrderRefused with a sentence."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        clock: Clock,
        is_live: Callable[[], bool],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._clock = clock
        self._is_live = is_live
        self._rate = limits.RequestRate(state.limits.bot_requests)

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return the instrument of an order that may leave now."""
        if not self._is_live():
            raise NotNow(f"{self._state.market} is not LIVE: no orders now")
        instrument = self._state.instruments.get(symbol)
        if instrument is None:
            raise OrderRefused(f"{symbol} is not subscribed")
        return instrument

    def figures(
        self, instrument: Instrument, side: Side, price: Decimal, quantity: int, *, by_bot: bool
    ) -> None:
        """Price, quantity and value are what the exchange takes and the settings allow."""
        limits.check_price(instrument, price)
        limits.check_quantity(instrument, quantity)
        scale = self._state.scale(instrument.settlement_currency)
        limits.check_size(instrument, self._state.limits, price, quantity, scale)
        if by_bot:
            ticker = self._gateway.ticker(instrument.symbol)
            limits.check_band(instrument, self._state.limits, side, price, ticker)

    def order(
        self,
        symbol: Symbol,
        emi: str,
        side: Side,
        quantity: int,
        instrument: Instrument,
        by_bot: bool,
    ) -> None:
        """The owner may place a new order."""
        robot = self._state.robots.get(emi)
        if robot is None:
            raise OrderRefused(f"there is no bot {emi}")
        if robot.symbol != symbol:
            raise OrderRefused(f"{emi} trades {robot.symbol}, not {symbol}")
        self._position(emi, side, quantity, instrument, by_bot)

    def change(self, order: LiveOrder, instrument: Instrument, change: Change, leaves: int) -> None:
        """The owner may have its order changed."""
        moved = change.price not in (None, order.price)
        if order.emi in self._state.robots and leaves > order.leaves:
            self._position(order.emi, order.side, leaves, instrument, change.bot, without=order.key)
        elif change.bot and self._state.exits_only and (moved or leaves == order.leaves):
            self._position(
                order.emi, order.side, leaves, instrument, by_bot=True, without=order.key
            )

    def pace(self, emi: str) -> None:
        """The bot may make one more request, which counts: called when one is to leave."""
        self._rate.check(emi, self._clock.monotonic())

    def _position(
        self,
        emi: str,
        side: Side,
        quantity: int,
        instrument: Instrument,
        by_bot: bool,
        without: str = "",
    ) -> None:
        robot = self._state.robots[emi]
        position = self._state.position(emi, robot.symbol)
        resting = limits.resting(self._state, emi, side, without)
        limits.check_robot(robot, side, quantity, position, resting)
        most = self._state.limits.position_lots
        limits.check_reach(robot, instrument, most, side, quantity, position, resting)
        if by_bot:
            if self._state.exits_only:
                limits.check_exit(robot, side, quantity, position, resting)
            limits.check_capital(robot, instrument, side, quantity, position, resting)
        open_here = sum(1 for o in self._state.orders if o.symbol == robot.symbol)
        if not without and open_here >= limits.OPEN_ORDERS_PER_SYMBOL:
            raise OrderRefused(f"{robot.symbol.ticker}: {open_here} orders are open already")
