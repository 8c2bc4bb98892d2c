"""What one bot did, told from its rows of the books: entry price, results over time, its trades.

Average cost: a trade that enlarges a position joins its average, one that reduces it leaves the
average as it is, one that turns it starts a new average at its own price. The average of prices is
arithmetic, of an inverse contract harmonic (its value goes with 1 / price). Money is split the same
way, in whole smallest units: what a reduction takes of the cost of a position is its share of the
contracts, rounded half-even, so that at every moment

    sum of SUMREAL = realised + cost of what is open       exactly.

`result` is realised - fees - funding: where the position is 0 it is the NET of the reports.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Context, Decimal
from fractions import Fraction

from common.domain.books import SIDE_FUNDING, AccountKey, Entry
from common.domain.instruments import Category, Symbol
from common.domain.reports import Period, Sums

KEEP_ROWS = 500  # trades and funding payments each
CURVE_POINTS = 400  # at most; the smallest and the largest result of each stretch are kept
_DIGITS = Context(prec=60)  # of the average; what a million fills round away is beyond any tick


@dataclass(frozen=True, slots=True)
class BotKey:
    """Whose story: a bot of an account, in its symbol and settlement currency."""

    account: AccountKey
    emi: str
    symbol: Symbol
    currency: str
    scale: int  # decimal places of the currency's smallest unit


@dataclass(frozen=True, slots=True)
class Point:
    """The result after one row of the books."""

    at: datetime
    result: int  # smallest unit of the currency


@dataclass(frozen=True, slots=True)
class Stretch:
    """One day, week or month of a bot."""

    start: date
    sums: Sums
    result: int  # earned in it
    position: int  # contracts at its end


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the bot's rows in other symbols, and in other currencies, brought in one currency."""

    currency: str
    scale: int
    net: int


@dataclass(frozen=True, slots=True)
class BotStory:
    """A bot in its symbol and settlement currency. Money in the smallest unit."""

    key: BotKey
    read_at: datetime
    position: int = 0
    entry_price: Decimal | None = None  # None: flat
    open_cost: int = 0  # SUMREAL of what is open: paid < 0
    sums: Sums = field(default_factory=Sums)
    days: tuple[Stretch, ...] = ()  # oldest first, days with rows only
    curve: tuple[Point, ...] = ()  # oldest first
    trades: tuple[Entry, ...] = ()  # newest first, bounded
    funding: tuple[Entry, ...] = ()  # newest first, bounded
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def result(self) -> int:
        """Realised less fees and funding."""
        return self.sums.net - self.open_cost


class StoryTeller:
    """Takes the rows of one bot in the order of their times, and tells its story."""

    def __init__(self, key: BotKey) -> None:
        self.rows = 0
        self.last: datetime | None = None  # time of the newest row
        self._key = key
        self._harmonic = key.symbol.category is Category.INVERSE
        self._position = 0
        self._mean = Decimal(0)  # of prices, or of 1 / price
        self._open_cost = 0
        self._sums = Sums()
        self._days: dict[date, Stretch] = {}
        self._curve: list[Point] = []
        self._trades: deque[Entry] = deque(maxlen=KEEP_ROWS)
        self._funding: deque[Entry] = deque(maxlen=KEEP_ROWS)
        self._elsewhere: dict[str, Elsewhere] = {}

    def take(self, entry: Entry) -> None:
        """Take the next row."""
        self.rows += 1
        self.last = entry.at
        (self._funding if entry.side == SIDE_FUNDING else self._trades).appendleft(entry)
        sums = _sums(entry)
        if entry.symbol != self._key.symbol or entry.currency != self._key.currency:
            known = self._elsewhere.get(entry.currency)
            net = sums.net + (known.net if known else 0)
            self._elsewhere[entry.currency] = Elsewhere(entry.currency, entry.scale, net)
            return
        open_before = self._open_cost
        self._move(entry)
        self._sums += sums
        self._count(entry.at, sums, sums.net - (self._open_cost - open_before))

    def story(self, read_at: datetime) -> BotStory:
        """Return what was told so far."""
        return BotStory(
            key=self._key,
            read_at=read_at,
            position=self._position,
            entry_price=self._entry_price(),
            open_cost=self._open_cost,
            sums=self._sums,
            days=tuple(self._days.values()),
            curve=thinned(self._curve, CURVE_POINTS),
            trades=tuple(self._trades),
            funding=tuple(self._funding),
            elsewhere=tuple(self._elsewhere.values()),
        )

    def _entry_price(self) -> Decimal | None:
        if not self._position or not self._mean:
            return None
        return _DIGITS.divide(Decimal(1), self._mean) if self._harmonic else self._mean

    def _move(self, entry: Entry) -> None:
        """Let position, average and cost follow a row."""
        before, delta = self._position, entry.position_delta
        after = self._position = before + delta
        if entry.side == SIDE_FUNDING or not delta:
            return
        if before * delta >= 0:
            self._join(entry, abs(before), abs(delta))
            self._open_cost += entry.sum_real
        elif before * after >= 0:  # reduced, perhaps to nothing
            self._open_cost = _share(self._open_cost, abs(after), abs(before))
        else:
            self._join(entry, 0, abs(after))
            self._open_cost = _share(entry.sum_real, abs(after), abs(delta))

    def _join(self, entry: Entry, held: int, added: int) -> None:
        price = entry.price if entry.trade_price is None else entry.trade_price
        if not price:
            return
        new = _DIGITS.divide(Decimal(1), price) if self._harmonic else price
        total = _DIGITS.fma(self._mean, Decimal(held), _DIGITS.multiply(new, Decimal(added)))
        self._mean = _DIGITS.divide(total, Decimal(held + added))

    def _count(self, at: datetime, sums: Sums, earned: int) -> None:
        day = at.date()
        known = self._days.get(day, Stretch(day, Sums(), 0, 0))
        self._days[day] = Stretch(day, known.sums + sums, known.result + earned, self._position)
        self._curve.append(Point(at, self._sums.net - self._open_cost))


def _sums(entry: Entry) -> Sums:
    if entry.side == SIDE_FUNDING:
        return Sums(funding=entry.commission)
    return Sums(
        trades=1 if entry.quantity else 0,
        volume=entry.quantity,
        change=entry.position_delta,
        sum_real=entry.sum_real,
        commission=entry.commission,
    )


def _share(amount: int, part: int, whole: int) -> int:
    return round(Fraction(amount * part, whole))  # half-even, exact


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """Return at most `most` points (4 or more) with the first, the last and all extremes kept."""
    if len(points) <= most:
        return tuple(points)
    parts = (most - 2) // 2
    inner, kept = points[1:-1], [points[0]]
    for number in range(parts):
        part = inner[len(inner) * number // parts : len(inner) * (number + 1) // parts]
        lowest = min(range(len(part)), key=lambda n: part[n].result)
        highest = max(range(len(part)), key=lambda n: part[n].result)
        kept += [part[n] for n in sorted({lowest, highest})]
    return (*kept, points[-1])


def by_period(days: Iterable[Stretch], period: Period) -> list[Stretch]:
    """Return days, given oldest first, added up by period, newest first."""
    found: dict[date, Stretch] = {}
    for day in days:
        start = period.start_of(day.start)
        known = found.get(start)
        found[start] = (
            replace(day, start=start)
            if known is None
            else Stretch(start, known.sums + day.sums, known.result + day.result, day.position)
        )
    return list(reversed(found.values()))
