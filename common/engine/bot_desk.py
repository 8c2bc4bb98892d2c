"""What strategies may ask of the desk, and the answers they get."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from common.domain.robots import Status
from common.engine.bot_items import BotAnswer, BotOrder
from common.engine.bot_records import BotRecords
from common.engine.desk import Ask, Desk
from common.engine.dispatch import order_view
from common.engine.notices import NoticeBoard
from common.engine.orders import Change, LiveOrder
from common.engine.ports import BotRunner, Clock
from common.engine.state import MarketState
from common.errors import EntryRefused, NotNow, OrderRefused, Overloaded

REFUSALS_IN_A_MINUTE = 5  # after so many a bot is switched off


class BotDesk:
    """Carries out the order calls of strategies, each for its own bot only."""

    def __init__(
        self,
        state: MarketState,
        desk: Desk,
        runner: BotRunner,
        clock: Clock,
        notices: NoticeBoard,
        *,
        may_trade: Callable[[str], bool],
        stop: Callable[[str, Status, str], None],
        records: BotRecords,
    ) -> None:
        self._state = state
        self._desk = desk
        self._runner = runner
        self._clock = clock
        self._notices = notices
        self._may_trade = may_trade
        self._stop = stop
        self._records = records
        self._refusals: dict[str, deque[float]] = {}

    def ordered(self, item: BotOrder) -> None:
        """Check, carry out and answer at once; the network comes later."""
        try:
            answer = self._carry_out(item)
        except OrderRefused as error:
            self._notices.warning(f"{item.emi}: {str(error).removeprefix(f'{item.emi}: ')}")
            self._records.say(item.emi, f"{item.verb}_order refused: {error}", error=True)
            answer = self._refusal(item, str(error))
            if not isinstance(error, (EntryRefused, NotNow, Overloaded)):
                self._count_refusal(item.emi)
        self._runner.answer(item.emi, item.call, answer)

    def _carry_out(self, item: BotOrder) -> BotAnswer:
        status = self._state.robots[item.emi].status
        if status is not Status.WORK:
            raise NotNow(f"the bot is {status}")
        if item.verb == "del":  # allowed in every state: it can only end an order
            self._desk.cancel(self._own(item).key)
            return BotAnswer(item.cl_ord_id, None)
        if not self._may_trade(item.emi):
            raise NotNow("automatic trading is off or the market is not LIVE")
        if item.verb == "post":
            return self._placed(self._desk.place(self._ask(item)))
        order = self._own(item)
        change = Change(item.price, item.quantity, bot=True)
        return self._placed(self._desk.amend(order.key, change))

    def _ask(self, item: BotOrder) -> Ask:
        if item.on_behalf_of != item.emi:
            raise OrderRefused(f"it may not place orders for {item.on_behalf_of}")
        if item.market != self._state.market:
            raise OrderRefused(f"it trades on {self._state.market}, not on {item.market}")
        robot = self._state.robots[item.emi]
        if item.symbol is not None and item.symbol.ticker != robot.symbol.ticker:
            raise OrderRefused(f"it trades {robot.symbol}, not {item.symbol}")
        if item.side is None or item.price is None or item.quantity is None:
            raise OrderRefused("an order needs side, price and qty")
        return Ask(robot.symbol, item.emi, item.side, item.price, item.quantity)

    def _own(self, item: BotOrder) -> LiveOrder:
        order = self._state.orders.get(item.cl_ord_id)
        if order is None:
            raise OrderRefused(f"order {item.cl_ord_id} is not open")
        if order.emi != item.emi:
            raise OrderRefused(f"order {item.cl_ord_id} belongs to {order.emi}")
        return order

    def _placed(self, order: LiveOrder) -> BotAnswer:
        return BotAnswer(order.key, order_view(self._state.market, order))

    def _refusal(self, item: BotOrder, reason: str) -> BotAnswer:
        """Answer no; an order that still stands stays as it is in var.orders."""
        order = self._state.orders.get(item.cl_ord_id)
        view = order_view(self._state.market, order) if order else None
        return BotAnswer("", view, reason)

    def _count_refusal(self, emi: str) -> None:
        now = self._clock.monotonic()
        times = self._refusals.setdefault(emi, deque())
        times.append(now)
        while now - times[0] > 60:
            times.popleft()
        if len(times) >= REFUSALS_IN_A_MINUTE and emi in self._state.robots:
            times.clear()
            reason = f"{REFUSALS_IN_A_MINUTE} of its orders were refused within a minute"
            self._stop(emi, Status.OFF, reason)
