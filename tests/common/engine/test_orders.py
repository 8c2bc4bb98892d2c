"""The mirror of open orders under messages in any order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.domain.orders import Order, Phase
from common.engine.orders import OrderMirror
from tests.common.engine.support import START, order


def emi_of(_: Order) -> str:
    return "bot1"


def test_a_canceled_order_stays_gone_when_an_older_answer_arrives() -> None:
    mirror = OrderMirror()
    mirror.apply(order(phase=Phase.CANCELED, seconds=5), "bot1", from_stream=True)
    assert mirror.apply(order(seconds=1), "bot1", from_stream=False) is None
    assert mirror.apply(order(seconds=6), "bot1", from_stream=False) is None
    assert list(mirror) == []


def test_newer_news_of_the_stream_revives_an_order() -> None:
    mirror = OrderMirror()
    mirror.apply(order(phase=Phase.FILLED, filled=100, seconds=5), "bot1", from_stream=True)
    revived = mirror.apply(order(quantity=200, filled=100, seconds=6), "bot1", from_stream=True)
    assert revived is not None
    assert revived.leaves == 100


def test_an_older_report_does_not_overwrite_a_newer_one() -> None:
    mirror = OrderMirror()
    mirror.apply(order(price="100.7", seconds=5), "bot1", from_stream=True)
    live = mirror.apply(order(price="100.1", seconds=2), "bot1", from_stream=False)
    assert live is not None
    assert str(live.price) == "100.7"


def test_a_number_used_again_after_its_end_is_another_order() -> None:
    mirror = OrderMirror()
    mirror.apply(order("same", "o1", seconds=1), "bot1", from_stream=True)
    mirror.apply(order("same", "o2", seconds=2), "bot1", from_stream=True)
    assert {o.order_id for o in mirror} == {"o1", "o2"}
    mirror.apply(order("same", "o1", phase=Phase.CANCELED, seconds=3), "bot1", from_stream=True)
    assert {o.order_id for o in mirror} == {"o2"}


def test_l37_orders_without_a_number_do_not_share_a_key() -> None:
    mirror = OrderMirror()
    for order_id in ("o1", "o2", "o3"):
        mirror.apply(order("", order_id), "XBTUSDT.linear", from_stream=True)
    assert len(list(mirror)) == 3


def test_the_exchanges_list_removes_what_it_does_not_hold() -> None:
    mirror = OrderMirror()
    mirror.apply(order("1.bot1", "o1", seconds=1), "bot1", from_stream=True)
    mirror.apply(order("2.bot1", "o2", seconds=1), "bot1", from_stream=True)
    mirror.apply(order("3.bot1", "o3", seconds=60), "bot1", from_stream=True)
    gone = mirror.replace([order("1.bot1", "o1", seconds=1)], emi_of, START + timedelta(seconds=9))
    assert [o.order_id for o in gone] == ["o2"]
    assert {o.order_id for o in mirror} == {"o1", "o3"}  # o3 is younger than the list


REPORTS = st.lists(
    st.builds(
        lambda n, seconds, phase: order(
            f"{n}.bot1",
            f"o{n}",
            seconds=seconds,
            phase=phase,
            filled=100 if phase is Phase.FILLED else 0,
        ),
        st.integers(1, 3),
        st.integers(1, 8),
        st.sampled_from([Phase.OPEN, Phase.FILLED, Phase.CANCELED]),
    ),
    max_size=12,
)


LIFE = st.tuples(  # seconds of the reports while it is open, its end if there is one
    st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True).map(sorted),
    st.sampled_from([None, Phase.FILLED, Phase.CANCELED]),
)


@given(LIFE, st.data())
def test_answers_between_the_events_of_the_stream_change_nothing(
    life: tuple[list[int], Phase | None], data: st.DataObject
) -> None:
    """The terminal state is that of the stream alone, whenever answers of requests come in."""
    seconds, end = life
    told = [
        order(price=f"{100 + n}", quantity=500 + n, filled=100 * n, seconds=at)
        for n, at in enumerate(seconds)
    ]
    if end is not None:
        told.append(order(filled=500, phase=end, seconds=20))
    alone, mixed = OrderMirror(), OrderMirror()
    for report in told:
        alone.apply(report, "bot1", from_stream=True)
    arrivals = [(report, True) for report in told]
    for report in data.draw(st.lists(st.sampled_from(told), max_size=4)):
        arrivals.insert(data.draw(st.integers(0, len(arrivals))), (report, False))
    for report, from_stream in arrivals:
        mixed.apply(report, "bot1", from_stream=from_stream)
    assert list(mixed) == list(alone)
    assert bool(list(mixed)) == (end is None)


@given(REPORTS, st.randoms(use_true_random=False))
def test_answers_in_any_order_end_in_the_same_state(reports: list[Order], random: object) -> None:
    """Once an order has ended, no order of arrival of answers brings it back."""
    shuffled = list(reports)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ended = {r.order_id for r in reports if r.phase.ended}
    mirror = OrderMirror()
    for report in shuffled:
        mirror.apply(report, "bot1", from_stream=False)
    assert {o.order_id for o in mirror} == {r.order_id for r in reports} - ended
    for live in mirror:
        mine = [r for r in reports if r.order_id == live.order_id]
        assert live.at == max(r.at for r in mine)
