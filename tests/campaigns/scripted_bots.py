"""Bots that place, move and cancel orders by chance, through the engine's own door for strategies.

A call is a strategy that runs: it thinks, asks for an order, waits for the answer, thinks again,
and returns. All of it happens on the virtual clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.domain.bots import BotLine
from common.domain.market import Candle
from common.domain.orders import Side
from common.engine.bot_items import (
    BotAnswer,
    BotCall,
    BotFinished,
    BotLoaded,
    BotOrder,
    OrderView,
    RobotView,
)
from common.engine.ports import Inbox

THINKS = 2.0  # seconds between two calls of the API, at most
MOST_ORDERS = 5  # of one call


@dataclass
class _Running:
    """A strategy that has been called."""

    emi: str
    call: BotCall
    left: int  # order calls that it will make
    orders: list[OrderView]
    waits_for: int = 0  # number of the order call that is not answered yet


class ScriptedBots:
    """Satisfies `BotRunner`."""

    def __init__(
        self,
        chance: random.Random,
        later: Callable[[float, Callable[[], None]], None],
        asked: Callable[[BotOrder], None],
        told: Callable[[str, int, BotOrder, BotAnswer], None],
    ) -> None:
        self._chance = chance
        self._later = later
        self._asked = asked
        self._told = told
        self._inbox: Inbox | None = None
        self._running: dict[str, _Running] = {}
        self._wanted: dict[int, BotOrder] = {}
        self._calls = 0
        self.ended = False

    @property
    def running(self) -> list[str]:
        """The bots whose strategies are being carried out."""
        return list(self._running)

    def start(self, inbox: Inbox) -> None:
        """Remember where orders go."""
        self._inbox = inbox

    def load(self, views: Sequence[RobotView], history: dict[str, Sequence[Candle]]) -> None:
        """Every bot has its strategy soon."""
        for view in views:
            emi = view.robot.emi
            self._soon(0.1, lambda emi=emi: self._put(BotLoaded(emi, takes_fills=True)))  # type: ignore[misc]

    def start_bot(self, call: BotCall) -> None:
        """Start a bot's strategy again."""
        self._soon(0.1, lambda: self._put(BotLoaded(call.view.robot.emi, takes_fills=True)))

    def note(self, emi: str, line: BotLine) -> None:
        """Nobody reads the logs here."""

    def end_bot(self, emi: str) -> None:
        """A bot has no strategy any more."""
        self._running.pop(emi, None)

    def call(self, emi: str, call: BotCall) -> bool:
        """Begin a strategy unless the last call has not returned."""
        if emi in self._running:
            return False
        mine = [order for order in call.orders if order.emi == emi]
        self._running[emi] = _Running(emi, call, self._chance.randint(0, MOST_ORDERS), mine)
        self._think(self._running[emi])
        return True

    def answer(self, emi: str, call: int, answer: BotAnswer) -> None:
        """A strategy goes on."""
        self._told(emi, call, self._wanted.pop(call), answer)
        running = self._running.get(emi)
        if running is not None and running.waits_for == call:
            if answer.order is not None and answer.cl_ord_id:
                others = [o for o in running.orders if o.cl_ord_id != answer.cl_ord_id]
                running.orders = [*others, answer.order]
            self._think(running)

    def stop(self) -> None:
        """End every strategy."""
        self.ended = True
        self._running.clear()

    def _think(self, running: _Running) -> None:
        wait = self._chance.choice((0.0, self._chance.uniform(0.0, THINKS)))
        self._soon(wait, lambda: self._go_on(running))

    def _go_on(self, running: _Running) -> None:
        if self._running.get(running.emi) is not running:
            return
        if not running.left:
            del self._running[running.emi]
            self._put(BotFinished(running.emi, 0.1))
            return
        running.left -= 1
        self._calls += 1
        running.waits_for = self._calls
        order = self._order(running)
        self._wanted[self._calls] = order
        self._asked(order)
        self._put(order)

    def _order(self, running: _Running) -> BotOrder:
        verb = self._chance.choice(("post", "post", "put", "del") if running.orders else ("post",))
        if verb == "post":
            side = self._chance.choice((Side.BUY, Side.SELL))
            price = self._price(running, side)
            quantity = lot_of(running) * self._chance.randint(1, 4)
            return self._wish(running, verb, side, price, quantity, "")
        order = self._chance.choice(running.orders)
        if verb == "del":
            running.orders.remove(order)
            return self._wish(running, verb, None, None, None, order.cl_ord_id)
        price = order.price + self._chance.choice((-3, -1, 0, 1, 3)) * Decimal(10)
        lots = max(1, order.leaves // lot_of(running) + self._chance.choice((-1, 0, 0, 1)))
        return self._wish(running, verb, None, price, lots * lot_of(running), order.cl_ord_id)

    def _price(self, running: _Running, side: Side) -> Decimal:
        """Return a price that rests, mostly; one that crosses now and then."""
        ticker = running.call.ticker
        own = (ticker.bid if side is Side.BUY else ticker.ask) or Decimal(60_000)
        away = self._chance.choice((Decimal(100), Decimal(300), Decimal(-150)))
        return own - side.sign * away

    def _wish(
        self,
        running: _Running,
        verb: str,
        side: Side | None,
        price: Decimal | None,
        quantity: int | None,
        name: str,
    ) -> BotOrder:
        robot = running.call.view.robot
        return BotOrder(
            running.emi,
            running.waits_for,
            verb,
            robot.market,
            robot.symbol,
            running.emi,
            side,
            price,
            quantity,
            name,
        )

    def _soon(self, seconds: float, action: Callable[[], None]) -> None:
        self._later(seconds, lambda: None if self.ended else action())

    def _put(self, item: object) -> None:
        if self._inbox is not None:
            self._inbox.put(item)


def lot_of(running: _Running) -> int:
    """Return the contracts of one lot of a bot's instrument."""
    return running.call.view.instrument.lot_size
