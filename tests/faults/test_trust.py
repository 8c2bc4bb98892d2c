"""Whose key it is and whether it is accepted: N18, N22, P29."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.domain.account import Account
from common.domain.commands import SetTrading
from common.domain.orders import Side
from common.engine.items import StreamClosed
from common.engine.requests import FetchAccount, FetchMargins, SendOrder
from common.engine.snapshot import Health
from common.errors import AuthenticationFailed, ExchangeUnavailable, KeyRefused
from tests.common.engine.support import robot
from tests.common.engine.world import World, place
from tests.faults.scene import Scene


def test_n18_a_refused_key_blocks_and_trading_cannot_be_switched_on() -> None:
    world = World(robot())
    world.errors[FetchAccount] = AuthenticationFailed("key refused: Invalid API Key.")
    world.start()
    health, reason = world.market.health()
    assert health is Health.BLOCKED
    assert "key refused" in reason
    world.put(SetTrading(on=True))
    assert not world.engine.snapshot.trading
    world.errors.clear()
    world.move(35)
    assert world.health() is Health.LIVE


def test_n18_a_key_that_is_deleted_while_running_is_noticed_at_the_next_order() -> None:
    world = World(robot()).start()
    refused = AuthenticationFailed("key refused: This key is disabled.")
    world.errors |= {SendOrder: KeyRefused(str(refused)), FetchMargins: refused}
    world.put(place())
    world.move(1)
    health, reason = world.market.health()
    assert health is Health.BLOCKED
    assert "disabled" in reason
    assert not list(world.state.orders)


def test_n18_a_deleted_key_closes_the_stream_and_blocks(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.arm(fault="key-refused", until=40)
        scene.arm(fault="drop")
        scene.until(lambda: scene.health is Health.BLOCKED, 20)
        assert "key" in scene.reason.lower()
        scene.until(lambda: scene.health is Health.LIVE, 40 + 60)


def test_p29_another_account_on_the_same_books_is_blocked_until_a_person_agrees(
    tmp_path: Path,
) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
    with Scene(tmp_path, account=4711) as other:
        other.until(lambda: other.health is Health.BLOCKED, 20)
        assert "4711" in other.reason
        assert "F3" in other.reason
        other.place()
        other.run(60)
        assert not other.orders_there()
        assert other.health is Health.BLOCKED
    with Scene(tmp_path, account=4711, reloads=1) as agreed:
        agreed.live()
    with Scene(tmp_path, account=4711) as known:
        known.live()  # it has books of its own now


@pytest.mark.parametrize("entry", ["N22", "P29"])
def test_n22_p29_a_key_that_is_another_accounts_in_mid_session_blocks(entry: str) -> None:
    world = World(robot()).start()
    answer = world._result
    world._result = lambda request: (  # type: ignore[method-assign]
        Account(4711, "another") if isinstance(request, FetchAccount) else answer(request)
    )
    world.put(StreamClosed("Venue", world.market.bring_up.session, ExchangeUnavailable("gone")))
    world.move(2)
    health, reason = world.market.health()
    assert health is Health.BLOCKED
    assert "4711" in reason
    jobs = len(world.ledger.jobs)
    world.put(place())
    world.move(120)
    assert world.health() is Health.BLOCKED
    assert len(world.ledger.jobs) == jobs


def test_n22_maintenance_is_waited_for_and_then_all_is_well_again(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.arm(fault="maintenance", until=600)
        scene.until(lambda: scene.health is Health.OFFLINE, 20)
        scene.run(300)
        assert scene.health is Health.OFFLINE
        assert scene.fired("maintenance") < 40  # no storm
        scene.until(lambda: scene.health is Health.LIVE, 300 + 60)


def test_n22_a_history_that_was_wiped_blocks_and_nothing_is_traded_on_it(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
        assert scene.differences() == []
    with Scene(tmp_path) as wiped:  # the same account of an exchange that knows nothing any more
        wiped.until(lambda: wiped.health is Health.BLOCKED, 60)
        assert "DIFFER" in wiped.reason
        wiped.place(Side.BUY)
        wiped.run(20)
        assert not wiped.orders_there()


def test_n1_positions_and_margin_are_compared_before_live(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
        scene.arm(fault="empty-page", path="/execution/tradeHistory", times=0, until=30)
        scene.arm(fault="lose", table="execution", times=0, until=8)
        order = scene.rest()
        scene.venue.interventions.fill_order(order["orderID"])
        scene.arm(fault="drop")
        scene.until(lambda: scene.market.bring_up.running, 5)
        scene.until(lambda: not scene.market.bring_up.running and scene.market.pulse.complete, 20)
        assert scene.health is not Health.LIVE  # the fill is missing here
        assert any(w in scene.reason for w in ("positions differ", "DIFFER"))
        scene.agrees(30 + 60)
