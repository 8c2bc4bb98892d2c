"""The life of orders: the table itself, and every order in which news of it can arrive."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from common.domain.orders import Order, Phase
from common.engine.order_life import (
    ACTIONS,
    NEVER_PLACED_FROM,
    TRANSITIONS,
    Action,
    allows,
    follows,
)
from common.engine.orders import LiveOrder, OrderMirror
from tests.common.engine.support import START, order
from tests.support.places import ROOT

ENDS = (Phase.FILLED, Phase.CANCELED, Phase.REJECTED)


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(ACTIONS) == set(Phase)


def test_nothing_is_sent_for_an_order_that_has_ended() -> None:
    assert all(not ACTIONS[phase] for phase in ENDS)


def test_only_an_open_order_is_amended() -> None:
    assert [phase for phase in Phase if allows(phase, Action.AMEND)] == [Phase.OPEN]


def test_an_order_that_the_exchange_has_shown_is_never_given_up() -> None:
    assert Phase.OPEN not in NEVER_PLACED_FROM
    assert all(not phase.ended for phase in NEVER_PLACED_FROM)


def test_every_living_state_can_end_and_no_state_goes_back_to_pending() -> None:
    assert all(set(ENDS) <= TRANSITIONS[phase] for phase in Phase if not phase.ended)
    assert all(Phase.PENDING not in after for after in TRANSITIONS.values())


def test_a_late_fill_of_a_cancelled_order_counts() -> None:
    assert follows(Phase.CANCELED, Phase.FILLED)


def test_states_are_entered_by_the_table_alone() -> None:
    sources = [path for path in (ROOT / "common").rglob("*.py") if path.name != "orders.py"]
    setting = re.compile(r"\.phase\s*=[^=]")
    assert [p.name for p in sources if setting.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("present", Phase)
@pytest.mark.parametrize("news", Phase)
def test_an_order_enters_no_state_that_the_table_does_not_allow(
    present: Phase, news: Phase
) -> None:
    live = replace(pending(1), phase=present)
    assert live.enter(news) == follows(present, news)
    assert live.phase is (news if follows(present, news) else present)


# ---- every order of arrival -----------------------------------------------------------------

# What the exchange says of an order, in the order of its own times. Each row is a life.
LIVES = {
    "fills in parts": [(Phase.OPEN, 0), (Phase.OPEN, 100), (Phase.OPEN, 200), (Phase.FILLED, 300)],
    "is cancelled": [(Phase.OPEN, 0), (Phase.OPEN, 100), (Phase.CANCELED, 100)],
    "is refused": [(Phase.REJECTED, 0)],
    "rests": [(Phase.OPEN, 0), (Phase.OPEN, 100), (Phase.OPEN, 100)],
}
STREAM, ANSWER = True, False
News = tuple[Order, bool]


def pending(number: int) -> LiveOrder:
    key = f"{number}.bot1"
    told = order(key, "", quantity=300)
    return LiveOrder(
        key=key,
        cl_ord_id=key,
        order_id="",
        emi="bot1",
        symbol=told.symbol,
        side=told.side,
        price=Decimal("100.5"),
        stop_price=None,
        kind="Limit",
        quantity=300,
        filled=0,
        leaves=300,
        phase=Phase.PENDING,
        at=START,
    )


def news(number: int, life: str) -> list[Order]:
    key = f"{number}.bot1"
    return [
        order(key, f"o{number}", quantity=300, filled=filled, phase=phase, seconds=10 + second)
        for second, (phase, filled) in enumerate(LIVES[life])
    ]


def play(lives: Sequence[int], events: Sequence[News]) -> dict[str, tuple[str, int, int, Phase]]:
    """Return what a mirror holds after events."""
    mirror = OrderMirror()
    for number in lives:
        mirror.add(pending(number))
    for told, from_stream in events:
        mirror.apply(told, "bot1", from_stream=from_stream)
    return {o.key: (o.order_id, o.filled, o.leaves, o.phase) for o in mirror}


def interleavings(first: Sequence[News], *others: Sequence[News]) -> Iterator[list[News]]:
    """Yield every way in which sequences that keep their own order can arrive together."""
    if not others:
        yield list(first)
        return
    for rest in interleavings(*others):
        places = range(len(first) + len(rest))
        for chosen in itertools.combinations(places, len(first)):
            mine, theirs = iter(first), iter(rest)
            yield [next(mine) if place in chosen else next(theirs) for place in places]


@pytest.mark.parametrize("life", LIVES)
def test_answers_may_come_at_any_moment_of_the_stream(life: str) -> None:
    """One order: the stream in its order, and an answer and a look that are as old as any of it."""
    told = news(1, life)
    stream = [(each, STREAM) for each in told]
    expected = play([1], stream)
    tried = 0
    for answer, look in itertools.product(told, repeat=2):
        for events in interleavings(stream, [(answer, ANSWER)], [(look, ANSWER)]):
            assert play([1], events) == expected, (life, events)
            tried += 1
    assert tried >= 1


@pytest.mark.parametrize("life", LIVES)
def test_everything_may_come_twice_and_in_any_order_at_all(life: str) -> None:
    """Frames that overtake each other: up to six pieces of news in every permutation."""
    told = news(1, life)
    expected = play([1], [(each, STREAM) for each in told])
    twice = [(each, STREAM) for each in told] + [(told[-1], ANSWER), (told[0], ANSWER)]
    for events in set(itertools.permutations(twice[:6])):
        if told[-1].phase.ended and not any(each.phase.ended for each, _ in events):
            continue
        assert play([1], events) == expected, events


def test_three_orders_never_touch_each_other() -> None:
    lives = ["is cancelled", "is refused", "rests"]
    streams = [[(each, STREAM) for each in news(n, life)] for n, life in enumerate(lives, start=1)]
    alone: dict[str, tuple[str, int, int, Phase]] = {}
    for number, stream in enumerate(streams, start=1):
        alone |= play([number], stream)
    count = 0
    for events in interleavings(*streams):
        assert play([1, 2, 3], events) == alone
        count += 1
    assert count == 140  # 7! / (3! 1! 3!)


def test_a_mirror_that_believes_the_order_of_arrival_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: without the exchange's own times these tests fail."""

    def believe(mirror: OrderMirror, told: Order, emi: str, *, from_stream: bool) -> None:
        known = mirror.find(told)
        if known is None or told.phase.ended:
            mirror._end(told, known)
        else:
            mirror._update(known, told)

    monkeypatch.setattr(OrderMirror, "apply", believe)
    with pytest.raises(AssertionError):
        test_answers_may_come_at_any_moment_of_the_stream("rests")
    with pytest.raises(AssertionError):
        test_everything_may_come_twice_and_in_any_order_at_all("rests")
