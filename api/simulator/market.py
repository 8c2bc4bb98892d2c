"""The population: makers that keep a deep book around the fair price, and takers that trade.

They are accounts like others, except that nobody asks them for margin. What they do depends on
the seed and the times at which they are called.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from api.simulator.accounts import Account
from api.simulator.contracts import BUY, SELL, Contract, Kind
from api.simulator.engine import Engine
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.matching import Resting

MAKERS, TAKERS = 2, 3  # account numbers
DEPTH = 26  # price levels that makers keep on each side
_SIDES = (BUY, SELL)


@dataclass(frozen=True, slots=True)
class Habits:
    """How the population behaves in one instrument."""

    pause: int  # usual ms between two moves
    grid: int  # ticks between the levels of the book
    level_lots: int  # usual size of a level in lots
    taker_lots: int  # usual size of a taker's order in lots
    activity: float  # chance of a taker's order per move


def habits_of(contract: Contract) -> Habits:
    """Return the behaviour that suits a contract's price, tick and lot."""
    if contract.is_spot:
        return Habits(450, 4, 9_000, 400, 0.30)
    if contract.expiry is not None:
        return Habits(600, 4, 80, 6, 0.20)
    if contract.kind is Kind.QUANTO:
        return Habits(380, 6, 700, 30, 0.30)
    if contract.underlying == "SOL":
        return Habits(380, 1, 6_000, 250, 0.35)
    if contract.kind is Kind.LINEAR:
        return Habits(320, 12, 2_500, 120, 0.40)
    return Habits(300, 10, 260, 14, 0.45)


class Population:
    """Makers and takers of all instruments."""

    def __init__(self, exchange: Exchange, engine: Engine) -> None:
        self._exchange = exchange
        self._engine = engine
        self._random: Random = exchange.random
        self.pace = 1.0  # how many times the usual pause lies between two moves
        self._quotes: dict[tuple[str, int], dict[int, Resting]] = {}

    def begin(self, instrument: Instrument, interest: int) -> None:
        """Open an instrument: positions that sum to 0, a book and a first trade."""
        contract = instrument.contract
        if not contract.is_spot:
            cost = contract.cost(BUY, instrument.last, interest)
            self._account(MAKERS).position(contract).fill(interest, cost)
            self._account(TAKERS).position(contract).fill(-interest, -cost)
            price = (instrument.last, contract.ticks_per_unit)
            self._exchange.journal.fill(MAKERS, contract, BUY, price, interest, 0)
            self._exchange.journal.fill(TAKERS, contract, SELL, price, interest, 0)
            instrument.open_interest = interest
        self._requote(instrument)
        self._take(instrument)
        self._exchange.feed.flush()

    def resume(self, instrument: Instrument) -> None:
        """Quote an instrument again whose positions are known already."""
        self.requote(instrument)

    def requote(self, instrument: Instrument) -> None:
        """Bring the book to the fair price at once."""
        self._requote(instrument)
        self._exchange.feed.flush()

    def move(self, instrument: Instrument) -> None:
        """Let makers follow the fair price and perhaps a taker trade."""
        self._requote(instrument)
        if self._random.random() < habits_of(instrument.contract).activity:
            self._take(instrument)
        self._exchange.feed.flush()

    def leave(self, instrument: Instrument) -> None:
        """Withdraw all quotes."""
        for side in _SIDES:
            for resting in self._mine(instrument, side).values():
                if resting.quantity:
                    instrument.book.remove(resting)
            self._mine(instrument, side).clear()

    def pause(self, instrument: Instrument) -> int:
        """Return the ms until the next move, about the usual."""
        usual = habits_of(instrument.contract).pause * self.pace
        return int(usual * (0.5 + self._random.random()))

    def _account(self, number: int) -> Account:
        return self._exchange.accounts[number]

    def _mine(self, instrument: Instrument, side: int) -> dict[int, Resting]:
        return self._quotes.setdefault((instrument.symbol, side), {})

    def _requote(self, instrument: Instrument) -> None:
        """Withdraw quotes that no longer fit, first of all those in the way; then add new ones."""
        fair = self._exchange.prices.traded(instrument.contract, self._exchange.time)
        wanted = {side: _wanted(instrument.contract, side, fair) for side in _SIDES}
        for side in _SIDES:
            mine = self._mine(instrument, side)
            for ticks in list(mine):
                if not mine[ticks].quantity:
                    del mine[ticks]  # traded away
                elif ticks not in wanted[side]:
                    instrument.book.remove(mine.pop(ticks))
        for side in _SIDES:
            mine = self._mine(instrument, side)
            for ticks in wanted[side]:
                if ticks not in mine:
                    self._quote(instrument, side, ticks)
        self._resize(instrument)

    def _quote(self, instrument: Instrument, side: int, ticks: int) -> None:
        resting = Resting("", MAKERS, side, ticks, self._size(instrument))
        if self._engine.quote(self._account(MAKERS), instrument, resting):
            self._mine(instrument, side)[ticks] = resting

    def _resize(self, instrument: Instrument) -> None:
        """Change the size of one quote, as if somebody came or went."""
        side = self._random.choice(_SIDES)
        mine = self._mine(instrument, side)
        ticks = self._random.choice(list(mine)) if mine else None
        if ticks is not None and mine[ticks].quantity:
            mine[ticks].quantity = self._size(instrument)

    def _size(self, instrument: Instrument) -> int:
        lots = habits_of(instrument.contract).level_lots
        return max(1, int(lots * self._random.lognormvariate(0, 0.7))) * instrument.contract.lot

    def _take(self, instrument: Instrument) -> None:
        """Trade a random amount, at most through a few levels."""
        contract, habits = instrument.contract, habits_of(instrument.contract)
        side = self._random.choice(_SIDES)
        best = instrument.book.opposite(side).best
        if best is None:
            return
        lots = max(1, int(habits.taker_lots * self._random.lognormvariate(0, 1.1)))
        limit = best + side * 3 * habits.grid
        self._engine.take(
            self._account(TAKERS), instrument, side, lots * contract.lot, max(1, limit)
        )


def _wanted(contract: Contract, side: int, fair: float) -> dict[int, None]:
    """Return the prices to quote: the best one near the fair price, the others on a grid."""
    step = contract.step
    grid = -(-habits_of(contract).grid // step) * step
    middle = round(fair * contract.ticks_per_unit * 2)  # in half ticks
    best = (middle - 1) // 2 if side == BUY else (middle + 2) // 2
    best = best // step * step if side == BUY else -(-best // step) * step
    first = best // grid if side == BUY else -(-best // grid)
    prices = dict.fromkeys([best])
    for number in range(DEPTH):
        prices[(first - side * number) * grid] = None
    return {ticks: None for ticks in prices if ticks > 0}
