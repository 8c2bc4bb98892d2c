"""Average cost, results over time, and money that adds up at every step."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from common.domain.books import SIDE_BUY, SIDE_FUNDING, SIDE_SELL, AccountKey, Entry
from common.domain.bot_story import BotKey, Point, StoryTeller, by_period, thinned
from common.domain.executions import ExecutionKind, Network
from common.domain.instruments import Category, Symbol
from common.domain.reports import Period

LINEAR = Symbol("XBTUSDT", Category.LINEAR)
INVERSE = Symbol("XBTUSD", Category.INVERSE)
START = datetime(2026, 10, 1, tzinfo=timezone.utc)
ACCOUNT = AccountKey("Venue", Network.DEMO, 1)


def fill(
    contracts: int,
    price: str,
    *,
    cost: int | None = None,
    fee: int = 0,
    hours: float = 0,
    symbol: Symbol = LINEAR,
    currency: str = "USDt",
) -> Entry:
    """Return a fill: bought > 0; worth price x contracts unless told."""
    value = -int(Decimal(price) * contracts) if cost is None else cost
    return Entry(
        exec_id="x",
        kind=ExecutionKind.TRADE,
        emi="a",
        refer="a",
        symbol=symbol,
        currency=currency,
        side=SIDE_BUY if contracts > 0 else SIDE_SELL,
        quantity=abs(contracts),
        rest=0,
        price=Decimal(1),  # of the order; what it was traded at counts
        theor_price=None,
        trade_price=Decimal(price),
        sum_real=value,
        commission=fee,
        scale=6,
        at=START + timedelta(hours=hours),
        number=1,
        position_delta=contracts,
    )


def paid(amount: int, hours: float = 0) -> Entry:
    row = fill(100, "1", cost=0, fee=amount, hours=hours)
    return Entry(
        **{
            **{name: getattr(row, name) for name in Entry.__slots__},
            "side": SIDE_FUNDING,
            "position_delta": 0,
        }
    )


def teller(*entries: Entry, symbol: Symbol = LINEAR) -> StoryTeller:
    made = StoryTeller(BotKey(ACCOUNT, "a", symbol, "USDt", 6))
    for entry in entries:
        made.take(entry)
    return made


def test_fills_that_enlarge_join_the_average_and_those_that_reduce_leave_it() -> None:
    told = teller(fill(100, "10"), fill(300, "20"), fill(-200, "50"))
    story = told.story(START)
    assert (story.position, story.entry_price) == (200, Decimal("17.5"))
    # 7000 were paid for 400; half of it stays open, and 10000 - 3500 was earned.
    assert (story.open_cost, story.result) == (-3500, 6500)


def test_a_fill_that_turns_the_position_begins_a_new_average() -> None:
    story = teller(fill(100, "10"), fill(-300, "12")).story(START)
    assert (story.position, story.entry_price) == (-200, Decimal("12"))
    assert (story.open_cost, story.result) == (2400, 200)


def test_a_flat_bot_has_no_entry_price_and_its_result_is_the_net_of_the_books() -> None:
    story = teller(fill(100, "10", fee=3), fill(-100, "9", fee=2), paid(-7)).story(START)
    assert story.entry_price is None
    assert story.result == story.sums.net == -100 - 5 + 7


def test_the_average_of_an_inverse_contract_is_harmonic() -> None:
    symbol = INVERSE
    story = teller(
        fill(100, "40000", symbol=symbol, cost=250_000),
        fill(100, "60000", symbol=symbol, cost=166_667),
        symbol=symbol,
    ).story(START)
    assert story.entry_price is not None
    assert round(story.entry_price, 20) == Decimal(48_000)


def test_money_adds_up_at_every_step_and_so_do_the_periods() -> None:
    chance = random.Random(7)
    made, total = teller(), 0
    for number in range(3000):
        size = chance.choice((-300, -200, -100, 100, 200, 300))
        cost = -size * chance.randint(90, 110) - chance.randint(-3, 3)
        made.take(fill(size, "100", cost=cost, fee=chance.randint(-5, 9), hours=number))
        total += cost
        story = made.story(START) if number % 100 == 0 else None
        if story is not None:
            realised = story.result + story.sums.commission + story.sums.funding
            assert realised + story.open_cost == story.sums.sum_real == total
            assert sum(day.result for day in story.days) == story.result
            assert story.curve[-1].result == story.result
    story = made.story(START)
    for period in Period:
        parts = by_period(story.days, period)
        assert sum(part.result for part in parts) == story.result
        assert sum(part.sums.net for part in parts) == story.sums.net
        assert parts[0].position == story.position
        assert parts[0].start > parts[-1].start


def test_rows_in_other_currencies_and_symbols_are_told_apart() -> None:
    fee = fill(0, "1", cost=0, fee=5, currency="XBt")
    story = teller(fill(100, "10"), fee, fill(50, "3", symbol=INVERSE)).story(START)
    assert (story.position, story.sums.net) == (100, -1000)
    assert [(each.currency, each.net) for each in story.elsewhere] == [("XBt", -5), ("USDt", -150)]
    assert len(story.trades) == 3


def test_a_day_holds_what_was_earned_in_it() -> None:
    story = teller(fill(100, "10"), fill(-100, "12", hours=30), paid(50, hours=31)).story(START)
    assert [(day.start, day.result, day.position) for day in story.days] == [
        (date(2026, 10, 1), 0, 100),
        (date(2026, 10, 2), 150, 0),
    ]


def test_a_long_curve_keeps_its_ends_and_extremes() -> None:
    points = [Point(START + timedelta(hours=n), (n * 7919) % 1000) for n in range(5000)]
    points[2345] = Point(points[2345].at, -10_000)
    points[1234] = Point(points[1234].at, 10_000)
    kept = thinned(points, 400)
    assert len(kept) <= 400
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert {points[2345], points[1234]} <= set(kept)
    assert [p.at for p in kept] == sorted(p.at for p in kept)
    assert thinned(points[:400], 400) == tuple(points[:400])
