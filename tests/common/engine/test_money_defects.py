"""Defects that put money at risk in older terminals; each test fails if its defect comes back."""

from __future__ import annotations

import pytest

from common.domain.commands import SetTrading
from common.domain.orders import Side
from common.engine.bot_items import BotLoaded
from common.engine.items import StreamClosed
from common.engine.orders import Change
from common.engine.requests import SendAmend
from common.engine.snapshot import Health
from common.errors import AuthenticationFailed, ExchangeUnavailable, TmaticError
from tests.common.engine.support import robot
from tests.common.engine.test_desk import Bench
from tests.common.engine.world import World


@pytest.fixture
def world() -> World:
    """A market that is LIVE, with one bot that is loaded."""
    made = World(robot()).start()
    made.put(BotLoaded("bot1"))
    return made


@pytest.mark.parametrize(
    ("error", "health"),
    [
        (ExchangeUnavailable("the connection was reset"), Health.OFFLINE),
        (AuthenticationFailed("key refused"), Health.BLOCKED),
    ],
)
def test_m6_f9_does_not_make_a_dead_connection_live(
    world: World, error: TmaticError, health: Health
) -> None:
    world.put(StreamClosed("Venue", world.market.bring_up.session, error))
    assert world.health() is health
    world.put(SetTrading(on=True))
    assert world.health() is health
    assert not world.engine.snapshot.trading
    for _ in range(61):  # a bar ends meanwhile
        world.clock.seconds += 1
        world.turn()
    assert world.runner.calls == []


def test_m10_no_bot_is_called_on_prices_that_nobody_has_confirmed(world: World) -> None:
    world.put(SetTrading(on=True))
    for _ in range(61):  # the exchange says nothing any more, and a bar ends
        world.clock.seconds += 1
        world.turn()
    assert world.health() is Health.STALE
    assert world.runner.calls == []


def test_m14_a_quantity_alone_is_changed() -> None:
    bench = Bench()
    key = bench.open_order(side=Side.BUY, quantity=100)
    bench.desk.amend(key, Change(None, 300, bot=True))
    bench.durable()
    _, request = bench.gateway.last(SendAmend)
    assert isinstance(request, SendAmend)
    assert (request.quantity, request.price) == (300, None)
