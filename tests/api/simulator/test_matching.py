from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from api.simulator.contracts import BUY, SELL
from api.simulator.matching import Book, Match, Resting

SIDES = st.sampled_from((BUY, SELL))
ORDERS = st.lists(
    st.tuples(SIDES, st.integers(90, 110), st.integers(1, 50), st.integers(1, 3)), max_size=60
)


@dataclass
class Session:
    """A book and everything that entered and left it."""

    book: Book = field(default_factory=Book)
    entered: int = 0
    traded: int = 0
    matches: list[tuple[int, Match]] = field(default_factory=list)

    def limit(self, side: int, ticks: int, quantity: int, account: int) -> None:
        self.entered += quantity
        matches = list(self.book.sweep(side, quantity, ticks))
        filled = sum(match.quantity for match in matches)
        self.traded += 2 * filled
        self.matches += [(side, match) for match in matches]
        if quantity > filled:
            order = Resting(str(self.entered), account, side, ticks, quantity - filled)
            self.book.rest(order)

    def resting(self) -> list[Resting]:
        sides = (self.book.bids, self.book.asks)
        return [r for side in sides for level in side.levels.values() for r in level.queue]


@settings(max_examples=200, deadline=None)
@given(ORDERS)
def test_book_is_never_crossed_and_quantity_is_conserved(
    orders: list[tuple[int, int, int, int]],
) -> None:
    session = Session()
    for order in orders:
        session.limit(*order)
        bid, ask = session.book.bids.best, session.book.asks.best
        assert bid is None or ask is None or bid < ask
        left = sum(resting.quantity for resting in session.resting())
        assert session.entered == session.traded + left
        for side in (session.book.bids, session.book.asks):
            assert list(side.prices()) == sorted(side.levels, reverse=side.side == BUY)
            assert all(level.queue and level.size > 0 for level in side.levels.values())


@settings(max_examples=200, deadline=None)
@given(ORDERS, SIDES, st.integers(1, 400), st.integers(90, 110))
def test_fills_come_at_the_best_price_and_first_come_first(
    orders: list[tuple[int, int, int, int]], side: int, quantity: int, limit: int
) -> None:
    session = Session()
    for order in orders:
        session.limit(*order)
    opposite = session.book.opposite(side)
    queue = [resting for ticks in opposite.prices() for resting in opposite.levels[ticks].queue]
    expected, left = [], quantity
    for resting in queue:
        if side * (resting.ticks - limit) <= 0 and left:
            taken = min(left, resting.quantity)
            expected.append((resting.order_id, resting.ticks, taken))
            left -= taken
    available = sum(size for _, size in session.book.waiting(side, limit))
    matches = list(session.book.sweep(side, quantity, limit))
    found = [(m.resting.order_id, m.ticks, m.quantity) for m in matches]
    assert found == expected
    assert sum(m.quantity for m in matches) == min(quantity, available)


def test_order_taken_out_between_two_matches_does_not_trade() -> None:
    session = Session()
    for account in (1, 2, 3):
        session.limit(SELL, 100, 5, account)
    second = session.resting()[1]
    met = []
    for match in session.book.sweep(BUY, 12, 100):
        met.append((match.resting.account, match.quantity))
        if second.quantity and len(met) == 1:
            session.book.remove(second)
    assert met == [(1, 5), (3, 5)]
    assert session.book.asks.best is None


def test_reduced_order_keeps_its_place() -> None:
    session = Session()
    session.limit(BUY, 100, 5, 1)
    session.limit(BUY, 100, 5, 2)
    session.book.reduce(session.resting()[0], 2)
    matches = list(session.book.sweep(SELL, 3, 100))
    assert [(m.resting.account, m.quantity) for m in matches] == [(1, 2), (2, 1)]


def test_what_is_shown_trades_before_what_is_hidden() -> None:
    book = Book()
    book.rest(Resting("iceberg", 1, SELL, 100, 50, display=10))
    book.rest(Resting("hidden", 1, SELL, 100, 20, display=0))
    book.rest(Resting("shown", 1, SELL, 100, 5))
    assert book.asks.levels[100].size == 15
    met = [(order.order_id, size) for order, size in book.waiting(BUY, 100)]
    assert met == [("iceberg", 10), ("shown", 5), ("iceberg", 40), ("hidden", 20)]
    matches = list(book.sweep(BUY, 57, 100))
    assert [(m.resting.order_id, m.quantity, m.hidden) for m in matches] == [
        ("iceberg", 10, False),
        ("shown", 5, False),
        ("iceberg", 40, True),
        ("hidden", 2, True),
    ]
    assert book.asks.levels[100].size == 0


def test_market_order_sweeps_to_the_price_that_fills_it() -> None:
    session = Session()
    for ticks in (101, 102, 105):
        session.limit(SELL, ticks, 10, 1)
    assert session.book.sweep_price(BUY, 15) == 102
    assert session.book.sweep_price(BUY, 999) == 105
    assert session.book.sweep_price(SELL, 1) is None
