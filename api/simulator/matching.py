"""The order book of one instrument: price-time priority, in ticks and contracts.

The book knows quantities, prices and who comes first. It knows no account rules, money or rows.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

from api.simulator.contracts import BUY


@dataclass(slots=True, eq=False)
class Resting:
    """An order waiting in the book."""

    order_id: str
    account: int
    side: int  # BUY or SELL
    ticks: int
    quantity: int  # what is left, > 0
    display: int | None = None  # at most this much is shown; None: all of it

    @property
    def shown(self) -> int:
        """Return the quantity that others see."""
        return self.quantity if self.display is None else min(self.display, self.quantity)


@dataclass(frozen=True, slots=True)
class Match:
    """Contracts that changed hands at the price of a resting order."""

    resting: Resting
    ticks: int
    quantity: int
    hidden: bool = False  # the part of the resting order that nobody could see


@dataclass(slots=True)
class Level:
    """Everything resting at one price of one side, first come first."""

    number: int  # identity of the level in the public book, arbitrary and never used again
    queue: list[Resting]

    @property
    def size(self) -> int:
        """Return the quantity that others see at this price."""
        return sum(resting.shown for resting in self.queue)


class Side:
    """One side of a book, its best price first."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.levels: dict[int, Level] = {}  # by ticks
        self._order: list[int] = []  # -side * ticks, ascending: the best price first

    def __len__(self) -> int:
        return len(self._order)

    @property
    def best(self) -> int | None:
        """Return the best price in ticks."""
        return -self.side * self._order[0] if self._order else None

    def prices(self, depth: int | None = None) -> Iterator[int]:
        """Yield prices in ticks from the best outwards."""
        for key in self._order[:depth]:
            yield -self.side * key

    def add(self, resting: Resting, number: int) -> bool:
        """Queue an order behind those at its price; return whether a level with `number` began."""
        level = self.levels.get(resting.ticks)
        if level is not None:
            level.queue.append(resting)
            return False
        self.levels[resting.ticks] = Level(number, [resting])
        insort(self._order, -self.side * resting.ticks)
        return True

    def remove(self, resting: Resting) -> None:
        """Take an order out of the book."""
        level = self.levels[resting.ticks]
        level.queue.remove(resting)
        if not level.queue:
            del self.levels[resting.ticks]
            del self._order[bisect_left(self._order, -self.side * resting.ticks)]


class Book:
    """Both sides of the book of one instrument."""

    def __init__(self, first_level: int = 1) -> None:
        self.bids = Side(BUY)
        self.asks = Side(-BUY)
        self._next_level = first_level

    def own(self, side: int) -> Side:
        """Return the side where orders of `side` rest."""
        return self.bids if side == BUY else self.asks

    def opposite(self, side: int) -> Side:
        """Return the side that orders of `side` trade against."""
        return self.asks if side == BUY else self.bids

    def crosses(self, side: int, ticks: int | None) -> bool:
        """Tell whether an order at this price (None: any) would trade at once."""
        best = self.opposite(side).best
        return best is not None and (ticks is None or side * (ticks - best) >= 0)

    def waiting(self, side: int, ticks: int | None) -> Iterator[tuple[Resting, int]]:
        """Yield (order, quantity) that an order of `side` would meet at `ticks` or better.

        In the order in which they trade: at each price first what is shown, then what is hidden.
        """
        levels = self.opposite(side).levels
        for price in self._reachable(side, ticks):
            queue = levels[price].queue
            yield from ((resting, resting.shown) for resting in queue if resting.shown)
            for resting in queue:
                if resting.quantity > resting.shown:
                    yield resting, resting.quantity - resting.shown

    def sweep_price(self, side: int, quantity: int) -> int | None:
        """Return the worst price a market order of this quantity would reach."""
        worst, levels = None, self.opposite(side).levels
        for price in self.opposite(side).prices():
            worst = price
            quantity -= sum(resting.quantity for resting in levels[price].queue)
            if quantity <= 0:
                break
        return worst

    def sweep(self, side: int, quantity: int, ticks: int | None) -> Iterator[Match]:
        """Trade up to `quantity` at `ticks` or better, one match at a time.

        Price comes first, then what is shown, then time. Between two matches the book is whole:
        orders may be taken out of it or reduced, but none may be added.
        """
        opposite = self.opposite(side)
        while quantity > 0 and self.crosses(side, ticks):
            price = opposite.best
            assert price is not None
            level = opposite.levels[price]
            for hidden in (False, True):
                for resting in list(level.queue):
                    if resting not in level.queue:
                        continue  # canceled because of the match before
                    traded = min(quantity, resting.quantity if hidden else resting.shown)
                    if traded > 0:
                        quantity -= traded
                        self.reduce(resting, resting.quantity - traded)
                        yield Match(resting, price, traded, hidden)

    def rest(self, resting: Resting) -> None:
        """Queue an order that trades with nobody now."""
        assert not self.crosses(resting.side, resting.ticks), "a crossing order cannot rest"
        if self.own(resting.side).add(resting, self._next_level):
            self._next_level += 1

    def remove(self, resting: Resting) -> None:
        """Take an order out of the book."""
        self.own(resting.side).remove(resting)

    def reduce(self, resting: Resting, quantity: int) -> None:
        """Lower the quantity of an order; it keeps its place, and leaves the book at 0."""
        resting.quantity = quantity
        if quantity == 0:
            self.remove(resting)

    def _reachable(self, side: int, ticks: int | None) -> Iterator[int]:
        for price in self.opposite(side).prices():
            if ticks is not None and side * (ticks - price) < 0:
                return
            yield price
