"""A link that falls behind is noticed by its pings, relieved, and renewed when it keeps up."""

from __future__ import annotations

from api.bitmex import link_speed
from api.bitmex.link_speed import Pings, Relief, Step
from api.bitmex.stream_protocol import StreamProtocol
from common.domain.instruments import Category, Symbol
from common.settings_types import Depth
from tests.api.bitmex.samples import directory

SYMBOL = Symbol("XBTUSDT", Category.LINEAR)


def test_n3_news_is_as_late_as_the_answer_to_a_ping() -> None:
    pings = Pings(0.0)
    assert not pings.due(1.9)
    assert pings.due(2.0)
    assert not pings.due(5.0)  # one at a time: the answer is behind what is on its way
    assert pings.lag(5.0) == 3.0
    pings.answered(5.5)
    assert pings.lag(9.0) == 3.5
    assert pings.due(9.0)
    pings.answered(9.1)
    assert pings.lag(10.0) < 0.2


def test_n3_a_slow_link_is_relieved_and_renewed_after_it_kept_up_for_a_while() -> None:
    relief = Relief()
    assert relief.look(1.9, 0.0) is Step.NOTHING
    assert relief.look(2.1, 1.0) is Step.RELIEVE
    assert relief.look(2.1, 2.0) is Step.NOTHING
    assert relief.look(0.1, 3.0) is Step.NOTHING
    assert relief.look(1.5, 9.0) is Step.NOTHING  # behind again: the wait begins anew
    assert relief.look(0.1, 10.0) is Step.NOTHING
    assert relief.look(0.1, 19.9) is Step.NOTHING
    assert relief.look(0.1, 20.5) is Step.RENEW


def test_n3_a_link_that_never_carries_everything_is_tried_more_and_more_seldom() -> None:
    relief, now, waits = Relief(), 0.0, []
    for _ in range(6):
        relief.new_session()
        now += 1.0
        assert relief.look(5.0, now) is Step.RELIEVE
        began = now
        while relief.look(0.0, now) is not Step.RENEW:
            now += 1.0
        waits.append(now - began)
    assert waits == sorted(waits)
    assert link_speed.LONGEST_WAIT <= waits[-1] < 60  # the limit until it is LIVE again


def test_n3_public_topics_are_left_out_first_and_private_ones_never() -> None:
    protocol = StreamProtocol(directory(), Depth.TEN, [SYMBOL], [SYMBOL])
    opening = "".join(protocol.topics.opening())
    for topic in ("order", "execution", "position", "margin", "trade:XBTUSDT"):
        assert f'"{topic}"' in opening
    left_out = "".join(protocol.leave_market_out())
    for topic in ("trade:XBTUSDT", "instrument:XBTUSDT", "orderBook10:XBTUSDT"):
        assert f'"{topic}"' in left_out
        assert topic not in protocol.topics
    for topic in ("order", "execution", "position", "margin"):
        assert f'"{topic}"' not in left_out
        assert topic in protocol.topics
