"""Matches orders of customers with one recorded book and its recorded trades.

Every recorded level stands in the book of the engine as an order of the exchange's makers, less
what customers took of it since the recording last changed it. Customers see the recorded book.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from api.simulator.contracts import BUY, SELL
from api.simulator.engine import Engine
from api.simulator.exchange import Exchange
from api.simulator.market import MAKERS, TAKERS
from api.simulator.matching import Resting
from api.simulator.orders import Order
from api.simulator.ports import Json, Row
from api.simulator.recorded_contracts import decimal
from api.simulator.recorded_instrument import RecordedInstrument

Key = tuple[str, Json]  # side and id of a recorded level
SIDES = {"Buy": BUY, "Sell": SELL}


class RecordedMarket:
    """One instrument of a recording and the orders that meet it."""

    def __init__(self, exchange: Exchange, engine: Engine, instrument: RecordedInstrument) -> None:
        self.instrument = instrument
        self._exchange = exchange
        self._engine = engine
        self._levels: dict[Key, Resting] = {}
        self._waiting: dict[Key, Resting] = {}  # they cross the recorded book for a moment
        self._ahead: dict[Resting, int] = {}  # what stood before an order and has not traded

    def follow(self, changes: Iterable[tuple[Key, Row | None]]) -> None:
        """Follow changed levels, None for one that is gone; they trade with orders they cross."""
        self._look()
        for key, row in changes:
            self._waiting.pop(key, None)
            level = None if row is None else self._resting(SIDES[key[0]], row)
            known = self._levels.get(key)
            if known is not None and known.quantity:
                if level is not None and level.ticks == known.ticks:
                    known.quantity = level.quantity  # what was taken of it is there again
                    continue
                self.instrument.book.remove(known)
            self._levels.pop(key, None)
            if level is not None:
                self._waiting[key] = level
        self._rest()
        self._exchange.feed.flush()

    def trade(self, side: str, price: Json, size: Json) -> None:
        """Let a recorded trade fill the orders it reaches; `side` is that of its taker."""
        self._look()
        ticks, total = self._ticks(price), self._lots(size)
        if ticks is None:
            return
        self.instrument.last = ticks
        given, taker = 0, self._exchange.accounts[TAKERS]
        for order in self._reached(-SIDES[side], ticks):
            resting = order.resting
            if resting is None or resting not in self._ahead:
                continue  # canceled or moved because of the fill before
            through, ahead = total - given, self._ahead[resting]
            if resting.ticks != ticks:
                ahead = 0  # the market went through its price
            self._ahead[resting] = max(0, ahead - through)
            quantity = min(resting.quantity, through - ahead)
            if quantity > 0:
                given += quantity
                self._engine.fill(order, quantity, taker)
        self._exchange.feed.flush()

    def ticks(self, row: Row | None) -> int | None:
        """Return the price of a recorded level in ticks; None without one."""
        return None if row is None else self._ticks(row["price"])

    def _rest(self) -> None:
        """Put waiting levels into the book, as far as they do not cross the recorded one."""
        makers = self._exchange.accounts[MAKERS]
        for key, level in list(self._waiting.items()):
            met = self.instrument.book.waiting(level.side, level.ticks)
            if any(resting.account == MAKERS for resting, _ in met):
                continue
            del self._waiting[key]
            self._levels[key] = level
            self._engine.quote(makers, self.instrument, level)

    def _reached(self, side: int, ticks: int) -> list[Order]:
        """Return the orders of a side that a trade at a price reaches, the best price first."""
        reached = [
            order
            for order in self._orders()
            if order.side == side and side * ((order.ticks or 0) - ticks) >= 0
        ]
        return sorted(reached, key=lambda order: -side * (order.ticks or 0))

    def _look(self) -> None:
        """Note what stands before the orders that came since; the book is as they found it."""
        resting = [order.resting for order in self._orders() if order.resting is not None]
        self._ahead = {
            one: self._ahead[one] if one in self._ahead else self._before(one) for one in resting
        }

    def _before(self, order: Resting) -> int:
        level = self.instrument.book.own(order.side).levels[order.ticks]
        return sum(one.quantity for one in level.queue if one.account == MAKERS)

    def _orders(self) -> list[Order]:
        orders = self._exchange.resting.values()
        return [order for order in orders if order.symbol == self.instrument.symbol]

    def _resting(self, side: int, row: Row) -> Resting | None:
        """Return a recorded level as an order; None if it is off the lattice of price and lot."""
        ticks, quantity = self._ticks(row["price"]), self._lots(row["size"])
        return Resting("", MAKERS, side, ticks, quantity) if ticks and quantity > 0 else None

    def _ticks(self, price: Json) -> int | None:
        exact = Decimal(str(price)) * self.instrument.contract.ticks_per_unit
        return int(exact) if exact == int(exact) and exact > 0 else None

    def _lots(self, size: Json) -> int:
        lot = self.instrument.contract.lot
        return int(decimal({"size": size}, "size")) // lot * lot
