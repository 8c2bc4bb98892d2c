"""The changing half of an instrument: book, last trade, mark price, volumes, candles."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from api.simulator.candles import Candles
from api.simulator.closing_quotes import ClosingQuotes
from api.simulator.contracts import Contract
from api.simulator.matching import Book
from api.simulator.ports import Row
from api.simulator.prices import DAY, HOUR, Prices, funding_period

CLOSED = "Closed"  # no longer traded, not settled yet
TRADES_KEPT = 2_000
QUOTES_KEPT = 1_000


@dataclass(slots=True)
class Hour:
    """What was traded in one hour; prices in ticks."""

    number: int
    volume: int
    turnover: int
    high: int
    low: int
    first: int


class Instrument:
    """One listed contract and its market."""

    def __init__(self, contract: Contract, prices: Prices, time: int) -> None:
        self.contract = contract
        self.prices = prices
        self.state = "Open"
        self.settled: int | None = None  # settlement price in mark units
        self.book = Book(contract.number * 1_000_000_000 + time % 86_400_000)
        self.candles = Candles(contract, prices)
        self.closing = ClosingQuotes(contract, prices, self.candles)
        self.last = 0  # ticks
        self.direction = "PlusTick"
        self.mark = 0  # mark units
        self.index = 0  # index price in mark units
        self.open_interest = 0
        self.marked = time
        self.updated = time
        self.previous_close = 0  # mark price at the start of the hour, in mark units
        self.hours: deque[Hour] = deque()
        self.total_volume = 0
        self.total_turnover = 0
        self.trades: deque[Row] = deque(maxlen=TRADES_KEPT)
        self.quotes: deque[Row] = deque(maxlen=QUOTES_KEPT)
        self._begin(time)

    @property
    def symbol(self) -> str:
        """Return the symbol of the contract."""
        return self.contract.symbol

    @property
    def is_open(self) -> bool:
        """Tell whether orders are taken."""
        return self.state == "Open"

    def revalue(self, time: int) -> None:
        """Take index and mark price of the moment; spot is marked at its last trade."""
        contract, scale = self.contract, self.contract.mark_scale
        self.index = round(self.prices.index(contract, time) * scale)
        if contract.is_spot:
            self.mark = self.last * scale // contract.ticks_per_unit
        else:
            self.mark = round(self.prices.fair(contract, time) * scale)
        self.marked = self.updated = time

    def respecify(self, contract: Contract) -> None:
        """Go on with other figures of the contract."""
        self.contract = contract

    def trade(self, time: int, ticks: int, quantity: int, value: int) -> None:
        """Count a trade."""
        if ticks != self.last:
            self.direction = "PlusTick" if ticks > self.last else "MinusTick"
        elif not self.direction.startswith("Zero"):
            self.direction = "Zero" + self.direction
        self.last = ticks
        self.total_volume += quantity
        self.total_turnover += value
        hour = self._hour(time)
        hour.volume += quantity
        hour.turnover += value
        hour.high, hour.low = max(hour.high, ticks), min(hour.low, ticks)
        self.candles.trade(time, ticks, quantity, value)
        self.updated = time

    def roll(self, time: int) -> None:
        """Begin the hour and the minute of `time` and forget what is older than a day."""
        self._hour(time)
        self.candles.quiet(time, self.last)

    def value_at_mark(self, quantity: int) -> int:
        """Return the unsigned value of contracts at the mark price."""
        return self.contract.value(self.mark, self.contract.mark_scale, abs(quantity))

    def signed_value(self, quantity: int) -> int:
        """Return markValue: the value at the mark price with the sign of a cost."""
        sign = self.contract.buy_sign * (1 if quantity > 0 else -1)
        return sign * self.value_at_mark(quantity)

    @property
    def price_a_day_ago(self) -> int:
        """Return the first price of the last 24 hours, in ticks."""
        return self.hours[0].first

    def trigger_price(self, name: str) -> tuple[int, int]:
        """Return MarkPrice, LastPrice or IndexPrice as (price, scale)."""
        if name == "LastPrice":
            return self.last, self.contract.ticks_per_unit
        return (self.index if name == "IndexPrice" else self.mark), self.contract.mark_scale

    def trigger_ticks(self, name: str) -> int:
        """Return a trigger price rounded to ticks."""
        price, scale = self.trigger_price(name)
        return round(price * self.contract.ticks_per_unit / scale)

    def funding_ppm(self, time: int) -> int:
        """Return the rate that will be paid at the next funding time."""
        if not self.contract.is_perpetual:
            return 0
        return self.prices.funding_ppm(self.contract, funding_period(time)[0])

    def _begin(self, time: int) -> None:
        contract = self.contract
        self.last = round(self.prices.traded(contract, time) * contract.ticks_per_unit)
        self.revalue(time)
        self.previous_close = self.mark
        for number in range(time // HOUR - 23, time // HOUR + 1):
            self.hours.append(self._past_hour(number))
        self.total_volume = sum(hour.volume for hour in self.hours)
        self.total_turnover = sum(hour.turnover for hour in self.hours)

    def _past_hour(self, number: int) -> Hour:
        # A quick estimate, so that a start need not make the candles of a day.
        contract = self.contract
        ends = [
            round(self.prices.traded(contract, (number + part) * HOUR) * contract.ticks_per_unit)
            for part in (0, 1)
        ]
        volume = self.candles.usual_volume(number, HOUR)
        turnover = contract.value(sum(ends) // 2, contract.ticks_per_unit, volume)
        return Hour(number, volume, turnover, max(ends), min(ends), ends[0])

    def _hour(self, time: int) -> Hour:
        number = time // HOUR
        if not self.hours or self.hours[-1].number != number:
            self.hours.append(Hour(number, 0, 0, self.last, self.last, self.last))
            self.previous_close = self.mark
        while self.hours[0].number <= number - DAY // HOUR:
            self.hours.popleft()
        return self.hours[-1]
