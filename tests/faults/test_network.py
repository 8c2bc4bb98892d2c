"""Faults of the network, N1 to N23, on a terminal that trades meanwhile.

Those about sockets, certificates and proxies are in test_connections.py, those about keys and
accounts in test_trust.py, those about the clocks of this computer in test_time_watch.py.
"""

from __future__ import annotations

import pytest

from common.domain.commands import CancelAll, Scope
from common.domain.orders import Phase, Side
from common.engine.items import RawText
from common.engine.snapshot import Health
from tests.api.terminal.support import MARKET
from tests.faults.scene import SYMBOL, Scene

LIVE_AGAIN = 60.0  # seconds after a fault has ended
A_MOMENT = 0.3  # virtual seconds that steps of time and answers take


def only_order(scene: Scene) -> Phase | None:
    """Return the state of the one order that the terminal shows, None: there is none."""
    orders = list(scene.market.state.orders)
    assert len(orders) <= 1
    return orders[0].phase if orders else None


def since(began: float, times: list[float]) -> list[float]:
    """Return moments in virtual seconds after one."""
    return [at - began for at in times]


# ---- N1 to N3: the stream -------------------------------------------------------------------


def test_n1_after_a_drop_everything_is_caught_up_in_a_new_session(scene: Scene) -> None:
    order = scene.rest()
    session = scene.market.bring_up.session
    scene.arm(fault="drop")
    scene.arm(fault="stream-refused", times=3)
    scene.until(lambda: scene.health is not Health.LIVE, 20)
    assert not scene.market.fresh()
    scene.venue.interventions.fill_order(order["orderID"], parts=3)  # while nobody listens
    took = scene.agrees(LIVE_AGAIN)
    assert took > 0.5
    assert scene.market.bring_up.session > session
    assert scene.market.state.booked_position(SYMBOL) == 1000


def test_l31_n1_texts_of_a_dead_session_are_not_listened_to(scene: Scene) -> None:
    scene.rest()
    session = scene.market.bring_up.session
    scene.arm(fault="drop")
    scene.until(lambda: scene.market.bring_up.session > session)
    scene.agrees(LIVE_AGAIN)
    image = b'{"table":"order","action":"partial","keys":["orderID"],"data":[]}'
    late = RawText(scene.terminal.gateway.market, session, scene.now, image)
    scene.engine.inbox.put(late)
    scene.run(1)
    assert only_order(scene) is Phase.OPEN


def test_n1_an_outage_of_an_hour_is_no_storm_of_connections(scene: Scene) -> None:
    scene.arm(fault="drop")
    scene.arm(fault="stream-refused", times=0, until=3600)
    scene.run(3600)
    assert 90 < scene.fired("stream-refused") < 200  # every 22 to 38 s in the end
    scene.agrees(LIVE_AGAIN)


def test_m9_n2_a_half_open_stream_stops_bots_in_five_seconds_and_is_left_in_ten(
    scene: Scene,
) -> None:
    order = scene.rest()
    session = scene.market.bring_up.session
    scene.arm(fault="half-open", seconds=3600)
    scene.until(lambda: scene.fired("half-open"), 20)
    began = scene.now
    scene.until(lambda: scene.health is not Health.LIVE, 10)
    assert scene.now - began <= 5.0
    assert scene.health is Health.STALE
    scene.venue.interventions.fill_order(order["orderID"])
    scene.until(lambda: scene.health is not Health.STALE, 20)
    assert scene.now - began <= 12.5  # the exchange is pinged every two seconds
    scene.agrees(LIVE_AGAIN)
    assert scene.market.bring_up.session > session


def test_n3_a_slow_link_is_stale_and_carries_what_is_private(scene: Scene) -> None:
    order = scene.rest()
    session = scene.market.bring_up.session
    scene.arm(fault="slow", rate=400, seconds=60)
    scene.until(lambda: scene.health is Health.STALE, 30)
    assert "slow" in scene.reason
    scene.run(10)  # public topics are left out by now
    assert scene.market.bring_up.session == session
    scene.venue.interventions.fill_order(order["orderID"])
    scene.until(lambda: scene.market.state.booked_position(SYMBOL) == 1000, 15)
    assert scene.health is Health.STALE
    scene.agrees(60 + LIVE_AGAIN)


# ---- N4 to N6: texts ------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["execution", "order", "position", "margin"])
def test_n4_what_comes_twice_counts_once(scene: Scene, table: str) -> None:
    scene.arm(fault="duplicate", table=table, times=0, until=30)
    scene.buy_and_fill()
    assert scene.fired("duplicate")
    scene.agrees()
    assert scene.market.state.booked_position(SYMBOL) == 1000


@pytest.mark.parametrize("table", ["execution", "order"])
def test_n5_what_comes_in_another_order_ends_the_same(scene: Scene, table: str) -> None:
    scene.arm(fault="reorder", table=table, times=0, until=30)
    scene.buy_and_fill()
    scene.rest(Side.SELL)
    assert scene.fired("reorder")
    scene.agrees()
    assert only_order(scene) is Phase.OPEN


def test_n5_a_fill_before_the_answer_to_its_order_leaves_no_ghost(scene: Scene) -> None:
    scene.arm(fault="late", seconds=3, after=True, method="POST")
    scene.place(away="-500")  # crosses: filled at once, answered three seconds later
    scene.until(lambda: scene.market.state.booked_position(SYMBOL) == 1000, 2)
    scene.run(5)
    scene.agrees()
    assert only_order(scene) is None


@pytest.mark.parametrize("fault", ["truncate", "garble", "bad-utf8", "not-json"])
def test_n6_one_spoilt_text_is_survived_and_three_end_the_session(scene: Scene, fault: str) -> None:
    session = scene.market.bring_up.session
    scene.arm(fault=fault, table="instrument", action="update")
    scene.until(lambda: scene.fired(fault), 120)
    scene.run(2)
    if fault not in ("not-json", "truncate"):  # those do not say what they were about
        assert scene.market.bring_up.session == session
    scene.arm(fault=fault, table="instrument", action="update", times=4)
    scene.until(lambda: scene.market.bring_up.session > session, 120)
    scene.agrees(LIVE_AGAIN)


def test_n6_a_binary_frame_is_read_like_any_other(scene: Scene) -> None:
    scene.arm(fault="binary", table="execution", times=3)
    scene.buy_and_fill()
    assert scene.fired("binary")
    scene.agrees()


# ---- N10 to N16: orders whose fate is not known ---------------------------------------------


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("fault", ["silent", "reset", "half-answer"])
def test_n10_n12_a_lost_answer_is_asked_about_and_the_order_never_sent_again(
    scene: Scene, fault: str, filled: bool
) -> None:
    after = {} if fault == "half-answer" else {"after": True}
    scene.arm(fault="lose", table="order", times=0, until=20)  # the stream tells nothing either
    scene.arm(fault=fault, method="POST", path="/order", **after)
    scene.place(away="-500" if filled else "500")
    scene.until(lambda: scene.fired(fault), 5)
    scene.until(lambda: only_order(scene) is Phase.UNKNOWN, 20)
    began = scene.now
    scene.until(lambda: only_order(scene) in ((None,) if filled else (Phase.OPEN,)), 30)
    scene.run(40)
    assert since(began, scene.exchange.looks) == pytest.approx([0.5], abs=A_MOMENT)
    assert scene.sent("POST") == 1
    scene.agrees(LIVE_AGAIN)


@pytest.mark.parametrize("fault", ["silent", "reset"])
def test_n11_an_order_that_never_arrived_is_told_so_after_five_looks_and_fifteen_seconds(
    scene: Scene, fault: str
) -> None:
    scene.arm(fault=fault, after=False, method="POST", path="/order")
    scene.place()
    scene.until(lambda: only_order(scene) is Phase.UNKNOWN, 20)
    began = scene.now
    assert "outcome unknown" in " ".join(p.cause for p in scene.problems())
    scene.until(lambda: only_order(scene) is None, 60)
    times = since(began, scene.exchange.looks)
    assert times == pytest.approx([0.5, 1.5, 3.5, 7.5, 15.5], abs=A_MOMENT)
    assert scene.now - began >= 15
    scene.run(60)
    assert len(scene.exchange.looks) == 5
    assert scene.told("never reached the exchange")
    assert scene.sent("POST") == 0
    scene.agrees()


def test_n12_a_reset_after_the_request_was_sent_is_no_refusal(scene: Scene) -> None:
    scene.arm(fault="reset", after=True, method="POST", path="/order")
    scene.place()
    scene.run(10)
    assert only_order(scene) is Phase.OPEN
    assert scene.sent("POST") == 1


def test_n13_an_overload_is_a_refusal_only_in_the_exchanges_own_words(scene: Scene) -> None:
    scene.arm(fault="overload", method="POST", path="/order")
    scene.place()
    scene.run(2)
    assert only_order(scene) is None
    assert scene.told("overloaded")
    assert scene.sent("POST") == 0
    scene.arm(fault="error-page", status=503, after=True, method="POST", path="/order")
    scene.place()
    scene.run(10)
    assert only_order(scene) is Phase.OPEN  # a page of somebody between: asked, and found
    assert scene.sent("POST") == 1
    scene.agrees()


def test_n14_a_cancel_is_repeated_until_the_order_is_gone(scene: Scene) -> None:
    order = scene.rest()
    message = "The system is currently overloaded. Please try again later."
    scene.arm(fault="error-json", status=503, message=message, method="DELETE", times=7)
    scene.terminal.cancel(order["clOrdID"])
    scene.until(lambda: not scene.open_there(), 60)
    assert scene.fired("error-json") == 7
    assert scene.told("cancel not confirmed")
    scene.agrees()


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("status", [500, 502, 504, 520, 521, 522, 523, 524])
def test_n15_a_server_error_leaves_the_outcome_unknown_until_it_is_found(
    scene: Scene, status: int, after: bool
) -> None:
    scene.arm(fault="error-page", status=status, after=after, method="POST", path="/order")
    scene.place()
    scene.run(40)
    assert only_order(scene) is (Phase.OPEN if after else None)
    assert scene.sent("POST") == int(after)
    scene.agrees()


def test_n16_a_429_is_waited_for_as_long_as_it_asks(scene: Scene) -> None:
    scene.arm(fault="rate-limit", seconds=25, method="GET", path="/user")
    scene.arm(fault="drop")
    scene.until(lambda: scene.fired("rate-limit"), 30)
    took = scene.agrees(25 + LIVE_AGAIN)
    assert took >= 25
    scene.arm(fault="rate-limit", method="POST", path="/order")
    scene.place()
    scene.run(3)
    assert only_order(scene) is None
    assert scene.told("Rate limit exceeded")
    assert scene.sent("POST") == 0


def test_n17_a_ban_is_waited_out_without_a_storm(scene: Scene) -> None:
    order = scene.rest()
    scene.arm(fault="ban", until=900)
    scene.arm(fault="drop")
    scene.until(lambda: scene.health is Health.BLOCKED, 30)
    scene.terminal.cancel(order["clOrdID"])
    scene.run(800)
    assert scene.health is Health.BLOCKED
    assert scene.fired("ban") <= 80  # two a minute to come up, two for the cancel
    assert any(p.key.startswith("cancel") for p in scene.problems())
    scene.agrees(100 + LIVE_AGAIN)
    assert scene.open_there() == []


def test_m18_everything_can_be_cancelled_while_the_connection_is_away(scene: Scene) -> None:
    for side in (Side.BUY, Side.SELL):
        scene.rest(side)
    scene.arm(fault="drop")
    scene.arm(fault="stream-refused", times=0, until=600)
    scene.until(lambda: scene.fired("stream-refused"), 30)
    assert len(scene.open_there()) == 2
    scene.engine.inbox.put(CancelAll(1000, Scope(MARKET)))
    took = scene.until(lambda: not scene.open_there(), 10)
    assert took < 2
    assert scene.health is not Health.LIVE
    assert scene.sent("DELETE") >= 1
    scene.agrees(600 + LIVE_AGAIN)


# ---- N20, N21: time -------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [5.0, 300.0, -5.0, -300.0])
def test_n20_an_exchange_ahead_of_this_computer_or_behind_it_is_followed_and_shown(
    scene: Scene, ahead: float
) -> None:
    scene.arm(fault="clock-skew", seconds=ahead, until=600)
    scene.rest()
    scene.run(2)
    assert scene.health is Health.LIVE
    row = scene.engine.snapshot.markets[0]
    assert abs(row.clock_ahead - ahead) <= 1
    assert any(p.key.startswith("clock") for p in scene.problems()) is (abs(ahead) > 30)
    assert abs((scene.market.exchange_time() - scene.clock.now()).total_seconds() - ahead) <= 1
    scene.agrees()


def test_n21_after_eight_hours_of_sleep_everything_is_caught_up_before_live(scene: Scene) -> None:
    order = scene.rest()
    session = scene.market.bring_up.session
    scene.arm(fault="half-open", seconds=9 * 3600)
    scene.until(lambda: scene.fired("half-open"), 20)
    scene.exchange.run_until(scene.now + 3600)
    scene.venue.interventions.fill_order(order["orderID"], parts=4)
    scene.exchange.run_until(scene.now + 7 * 3600)
    scene.engine.turn()  # the lid is opened
    assert scene.told("stood still for 8:0")
    scene.until(lambda: scene.health is Health.LIVE, 30)
    assert scene.market.bring_up.session > session
    assert scene.differences() == []
